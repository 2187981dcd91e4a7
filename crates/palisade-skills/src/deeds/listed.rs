//! Lists of hosts that a program looks for, and does not talk to.
//!
//! Whoever hunts for what others left has lists of their hosts. Such a list is searched for in files: each line that takes an
//! element of it compares it or says it within a sentence. One that hands it to anything else talks to it, for all that is known.

use std::{ops::Range, sync::LazyLock};

use crate::pattern::{Regex, pattern};

/// The most lists of one program.
const MOST: usize = 16;

/// A list begins.
static OPENS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s{0,16}(?:(?:declare|readonly|export|local|const|let|var|static|my)\s+(?:-\w+\s+)?){0,2}[$@]?([A-Za-z_]\w{2,40})\s{0,2}(?::[^=\n]{1,40})?=\s{0,2}(?:new\s+Set\()?[(\[{]{1,2}\s{0,4}(?:#[^\n]{0,80})?$",
    )
});

/// A list on one line.
static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s{0,16}(?:(?:declare|readonly|export|local|const|let|var|static|my)\s+(?:-\w+\s+)?){0,2}[$@]?([A-Za-z_]\w{2,40})\s{0,2}(?::[^=\n]{1,40})?=\s{0,2}(?:new\s+Set\()?[(\[{]{1,2}[^()\[\]{}]{2,400}[)\]}]{1,2};?\s{0,4}$",
    )
});

/// Each element of a list by its turn.
static EACH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\s*(?:for|foreach)\s+\(?\s*(?:const |let |var |my )?\$?(\w{1,40})\s+(?:in|of)\b")
});

/// Something is looked for.
static COMPARES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:e|f|z)?grep\b|\brg\b|\bawk\b|==|!=|=~|\b(?:if|elif|when|and|or|any|all)\b[^\n]{0,80}\bin\b|\.(?:includes|contains|match|matches|test|has|indexOf|find|search|startswith|endswith)\(|\bSelect-String\b|\bcase\b",
    )
});

/// Something leaves, or is kept to be used.
static USES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:curl|wget|nc|ncat|socat|ssh|scp|rsync|sftp|ftp|dig|nslookup|ping|iwr|irm)\b|/dev/(?:tcp|udp)|https?:|\b(?:fetch|request\w*|urlopen|connect|post|put|send\w*|upload|socket)\s{0,2}[.(]|\beval\b|\bexec\b",
    )
});

/// It is said in a sentence: three words at least stand around it.
static SAYS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"^\s*\w[\w.]{2,30}[\s(]{1,3}[frb]?["'`](?:[^"`]{0,60}\s){3}"#));

/// The lines of lists of which each element is only looked for.
pub(super) fn compared(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut lists = 0;
    let mut at = 0;
    let mut open: Option<(usize, String)> = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let bare = line.trim();
        if let Some((from, name)) = open.take() {
            if bare.is_empty() || bare.starts_with(['"', '\'', '#']) || bare.starts_with("//") {
                open = Some((from, name));
            } else if bare.starts_with([')', ']', '}']) && is_compared(text, from..at, &name) {
                found.push(from..at);
            }
        } else if lists < MOST {
            if let Some(name) = name_in(&OPENS, line.trim_end()) {
                lists += 1;
                open = Some((start, name.to_owned()));
            } else if let Some(name) = name_in(&WHOLE, line.trim_end()) {
                lists += 1;
                if is_compared(text, start..at, name) {
                    found.push(start..at);
                }
            }
        }
    }
    found
}

/// The name that a pattern's first group holds.
fn name_in<'a>(pattern: &Regex, line: &'a str) -> Option<&'a str> {
    let mut captures = pattern.create_captures();
    pattern.captures(line, &mut captures);
    captures.get_group(1).and_then(|found| line.get(found.range()))
}

/// Is a list, which stands at these bytes, used to look for its elements and for nothing else?
fn is_compared(text: &str, list: Range<usize>, name: &str) -> bool {
    let mut names = vec![name.to_owned()];
    let mut looked_for = false;
    // The names of elements are learned before the lines that use them.
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if list.contains(&start) || line.trim_start().starts_with(['#', '*']) {
            continue;
        }
        if !names.iter().any(|name| is_said(line, name)) {
            continue;
        }
        if USES.is_match(line) {
            return false;
        }
        if let Some(element) = name_in(&EACH, line) {
            names.push(element.to_owned());
        } else if COMPARES.is_match(line) {
            looked_for = true;
        } else if !SAYS.is_match(line) {
            return false;
        }
    }
    looked_for
}

/// Does a line say a name, as a word of its own?
fn is_said(line: &str, name: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(name).any(|(at, _)| {
        !joins(line.get(..at).and_then(|text| text.chars().next_back()))
            && !joins(line.get(at + name.len()..).and_then(|text| text.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "HOSTS=(\n  \"up.leafdesk.io\"\n  \"45.1.2.3\" # seen in May\n)\n";

    #[test]
    fn a_list_that_is_looked_for_is_told_from_one_that_is_talked_to() {
        for uses in [
            "for h in \"${HOSTS[@]}\"; do\n  if grep -q \"$h\" \"$log\"; then\n    alert \"the host '$h' was found in $log\"\n  fi\ndone\n",
            "if host in HOSTS:\n    pass\n",
        ] {
            assert_eq!(compared(&format!("{LIST}{uses}")).len(), 1, "{uses}");
            let short = format!("HOSTS=(\"up.leafdesk.io\" \"45.1.2.3\")\n{uses}");
            assert_eq!(compared(&short).len(), 1, "{short}");
        }
        for uses in [
            "",
            "for h in \"${HOSTS[@]}\"; do\n  curl -d @x \"$h\"\ndone\n",
            "for h in \"${HOSTS[@]}\"; do\n  grep -q \"$h\" seen || to=\"$h\"\n  target=$h\ndone\n",
            "for h in \"${HOSTS[@]}\"; do\n  grep -q \"$h\" seen\n  deliver \"$h\"\ndone\n",
            "print(HOSTS)\n",
        ] {
            assert!(compared(&format!("{LIST}{uses}")).is_empty(), "{uses}");
        }
    }
}
