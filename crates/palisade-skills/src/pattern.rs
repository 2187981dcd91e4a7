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

fn plain(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 64);
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match characters.next() {
            Some('b') => out.push_str(r"(?-u:\b)"),
            Some('w') => out.push_str(r"[0-9A-Za-z_[^\x00-\x7f]]"),
            Some('d') => out.push_str("[0-9]"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
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
    }
}
