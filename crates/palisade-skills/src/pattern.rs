//! Patterns, compiled once each and matched in time linear in the text.

use regex_automata::meta::Regex;

/// Compiles a pattern of this crate.
///
/// `\b` is the boundary of an ASCII word: with the one of Unicode the fast engines give up at the first
/// letter past ASCII, and a command behind a Chinese or Japanese word has none. `\w` is a letter or digit of
/// ASCII or any character past it, and `\d` a digit of ASCII: their tables are dear to compile, and each
/// process does it anew.
///
/// # Panics
/// If the pattern is wrong, which a test of its rule shows.
pub(crate) fn pattern(pattern: &str) -> Regex {
    Regex::new(&plain(pattern)).expect("the pattern is one of ours")
}

/// Compiles a pattern for programs, whose telling words are ASCII: a class is one byte, so that a reach of a
/// hundred characters is a hundred states and not a thousand. A match may begin or end within a character.
///
/// # Panics
/// As [`pattern`].
pub(crate) fn code(pattern: &str) -> Regex {
    use regex_automata::util::syntax;
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(Regex::config().utf8_empty(false))
        .build(&plain(pattern))
        .expect("the pattern is one of ours")
}

/// Any character past ASCII stands outside of a class with something else in it: where case says nothing, each of the
/// million characters of such a class would be looked up, in each process anew.
fn plain(pattern: &str) -> String {
    const WORD: &str = "[0-9A-Za-z_]";
    const PAST: &str = r"[^\x00-\x7f]";
    let mut out = String::with_capacity(pattern.len() + 64);
    let mut characters = pattern.chars().peekable();
    // Where the class begins that is open, how many stand in each other, and whether it has a `\w` of its own.
    let (mut begins, mut depth, mut words) = (0, 0_usize, false);
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('b') => out.push_str(r"(?-u:\b)"),
                Some('d') => out.push_str("[0-9]"),
                Some('w') if depth == 0 => out.extend(["(?:", WORD, "|", PAST, ")"]),
                Some('w') if depth == 1 => {
                    out.push_str(WORD);
                    words = true;
                }
                Some('w') => out.push_str(r"[0-9A-Za-z_[^\x00-\x7f]]"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' => {
                if depth == 0 {
                    (begins, words) = (out.len(), false);
                }
                depth += 1;
                out.push('[');
                out.extend(characters.next_if_eq(&'^'));
                // The first one closes nothing.
                out.extend(characters.next_if_eq(&']'));
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
                if depth == 0 && words {
                    let class = out.split_off(begins);
                    if class.starts_with("[^") {
                        out.extend([r"[\x00-\x7f&&", &class, "]"]);
                    } else {
                        out.extend(["(?:", &class, "|", PAST, ")"]);
                    }
                }
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_told_from_an_escaped_backslash() {
        assert_eq!(plain(r"\bcurl\\b\s[\d.]"), r"(?-u:\b)curl\\b\s[[0-9].]");
    }

    #[test]
    fn a_command_behind_a_word_of_another_script_is_one() {
        let curl = pattern(r"(?i)\bcurl\b");
        for text in ["curl x", "运行curl下载", "を curl、"] {
            assert!(curl.is_match(text), "{text}");
        }
        assert!(!curl.is_match("curling libcurl"));
        let word = pattern(r"^[\w-]+ \w\d$");
        assert!(word.is_match("fin-étape é1"));
        assert!(!word.is_match("a.b c1"));
        let other = pattern(r"(?i)^[^\w.$-]+$");
        assert!(other.is_match("!? ") && other.is_match("]["));
        for text in ["a", "_", "7", ".", "-", "é", "\u{17f}", "\u{212a}", "下"] {
            assert!(!other.is_match(text), "{text}");
            assert_eq!(pattern(r"(?i)^\w$").is_match(text), !".-".contains(text), "{text}");
            assert!(pattern(r"(?i)^[\w.-]$").is_match(text), "{text}");
            assert_eq!(code(r"(?i)^[\w]+$").is_match(text), !".-".contains(text), "{text}");
        }
        assert!(pattern(r"^[]\w]+[^]\w]$").is_match("]a!"));
    }

    /// A class with every character past ASCII in it took a tenth of a second where case says nothing, and there are
    /// scores of them in each process that reads.
    #[test]
    fn a_word_costs_little_where_case_says_nothing() {
        let classes = [r"(?i)\w", r"(?i)[\w.-]", r"(?i)[^\w.$'-]"];
        for text in classes.map(plain) {
            let mut rest = text.as_str();
            while let Some(at) = rest.find("[^\\x00-\\x7f]") {
                // It stands by itself, and not in another class.
                assert!(rest[..at].ends_with('|'), "{text}");
                rest = &rest[at + 1..];
            }
        }
    }
}
