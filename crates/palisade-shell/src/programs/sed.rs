//! Whether `sed` is told to run something.

use crate::Field;

/// Whether one of the scripts among these arguments runs what becomes of the text that is edited: the command `e`
/// without a command of its own, or the flag `e` of `s`. What cannot be read as a script does. Source: sed.info, "Commands
/// Specific to GNU sed".
pub(super) fn may_run(arguments: &[Field]) -> bool {
    let mut scripts = Vec::new();
    let mut first = None;
    let mut is_script = false;
    for text in arguments.iter().map(Field::start) {
        if is_script {
            scripts.push(text);
            is_script = false;
        } else if let Some(long) = text.strip_prefix("--") {
            let (name, value) = long.split_once('=').unwrap_or((long, ""));
            if !name.is_empty() && "expression".starts_with(name) {
                scripts.push(value);
                is_script = value.is_empty();
            }
        } else if let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            // `-i` and `-l` take what follows in the same argument.
            let own = letters.find(['e', 'f', 'i', 'l']);
            let (_, value) = letters.split_at(own.map_or(letters.len(), |at| at + 1));
            if own.is_some_and(|at| letters.get(at..).is_some_and(|rest| rest.starts_with('e'))) {
                scripts.push(value);
                is_script = value.is_empty();
            }
        } else {
            first = first.or(Some(text));
        }
    }
    if scripts.is_empty() {
        scripts.extend(first);
    }
    scripts.into_iter().any(runs)
}

fn runs(script: &str) -> bool {
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // An address, or what stands between commands.
            '/' => skip_part(&mut chars, '/'),
            '\\' => {
                let Some(border) = chars.next() else { return false };
                skip_part(&mut chars, border);
            }
            'e' => {
                // The rest of the line is a command, which is looked at elsewhere.
                let rest: String = chars.by_ref().take_while(|c| *c != '\n').collect();
                if rest.trim_start().is_empty() || rest.trim_start().starts_with([';', '}', '#']) {
                    return true;
                }
            }
            's' | 'y' => {
                let Some(border) = chars.next() else { return false };
                skip_part(&mut chars, border);
                skip_part(&mut chars, border);
                while let Some(flag) = chars.next_if(|flag| !matches!(flag, ';' | '}' | '\n' | '#'))
                {
                    match flag {
                        'e' if c == 's' => return true,
                        'w' => skip_line(&mut chars),
                        _ => {}
                    }
                }
            }
            'a' | 'i' | 'c' | 'r' | 'R' | 'w' | 'W' | '#' => skip_line(&mut chars),
            // Names of places in the script.
            ':' | 'b' | 't' | 'T' => {
                while chars.next_if(|c| !matches!(c, ';' | '}' | '\n')).is_some() {}
            }
            _ => {}
        }
    }
    false
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_part(chars: &mut Letters<'_>, border: char) {
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == border {
            return;
        }
    }
}

fn skip_line(chars: &mut Letters<'_>) {
    let mut escaped = false;
    for c in chars.by_ref() {
        if c == '\n' && !escaped {
            return;
        }
        escaped = c == '\\';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(arguments: &[&str]) -> bool {
        may_run(&arguments.iter().map(|text| Field::text(*text)).collect::<Vec<_>>())
    }

    #[test]
    fn scripts_that_run_what_they_edit() {
        for arguments in [
            &["e"][..],
            &["1e", "f"],
            &["-n", "e"],
            &["$e"],
            &["s/a/b/e"],
            &["s,a,b,ge"],
            &["s/a/b/;e"],
            &["-e", "p", "-e", "e"],
            &["-ne", "s/a/b/pe"],
            &["--expression=e"],
            &["y/a/b/;e"],
            &["/x/{e\n}"],
            &["/e/e"],
        ] {
            assert!(may(arguments), "{arguments:?}");
        }
    }

    #[test]
    fn usual_scripts_do_not() {
        for arguments in [
            &["s/a/e/", "f"][..],
            &["-e", "s/a/e/", "-e", "/e/d"],
            &["s/one/e/g;s/e /x/"],
            &["-n", "/start/,/end/p"],
            &["$d"],
            &["-E", "s/(a|e)/[\\1]/g"],
            &["s/a/b/;$!N;P;D"],
            &["-i", "s/e/x/", "e"],
            &["-i.e", "s/e/x/"],
            &[":e;N;be"],
            &["a e"],
            &["1e echo x"],
            &["s/\\/e/x/"],
            &["\\,e,d"],
            &["s/x/y/w e"],
        ] {
            assert!(!may(arguments), "{arguments:?}");
        }
    }
}
