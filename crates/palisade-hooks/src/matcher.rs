use std::fmt;

use regex_automata::{
    meta::{Config, Regex},
    nfa::thompson::WhichCaptures,
    util::syntax,
};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Characters of a matcher.
const LONGEST: usize = 1000;
/// Nested groups of a matcher.
const DEEPEST: u32 = 32;
/// Bytes of a compiled matcher.
const LARGEST: usize = 1 << 20;

/// Which calls, or whatever else the event is matched on, a hook is for.
///
/// `*`, the empty text or none: all. Only letters, digits, `_`, `-`, `,`, `|` and blanks: one exact name, or
/// several with `|` or `,` between. Anything else is a regular expression that is searched for anywhere
/// in the text. Case counts. As Claude Code's from 2.1.195 on.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, Default)]
enum Form {
    #[default]
    All,
    Names(Vec<String>),
    Search(Regex),
}

/// Why a text is no matcher.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MatcherError {
    /// Longer than is compiled.
    #[error("it has more than {LONGEST} characters")]
    TooLong,
    /// A list of names without a name.
    #[error("it has no name in it")]
    NoName,
    /// JavaScript's expressions have what takes more than linear time to search for.
    #[error("{0} of JavaScript's expressions is not supported")]
    JavaScript(&'static str),
    /// It is no regular expression, or a very large one.
    #[error("it is no regular expression: {0}")]
    Expression(String),
}

impl Matcher {
    /// The matcher that is written so.
    ///
    /// # Errors
    /// Why it is none.
    pub fn new(text: &str) -> Result<Self, MatcherError> {
        if text.chars().count() > LONGEST {
            return Err(MatcherError::TooLong);
        }
        let form = if text.trim().is_empty() || text.trim() == "*" {
            Form::All
        } else if text.chars().all(is_of_names) {
            let names = text.split(['|', ',']).map(str::trim).filter(|name| !name.is_empty());
            let names: Vec<String> = names.map(str::to_owned).collect();
            if names.is_empty() {
                return Err(MatcherError::NoName);
            }
            Form::Names(names)
        } else {
            Form::Search(compiled(text)?)
        };
        Ok(Self { text: text.to_owned(), form })
    }

    /// Whether it is for this.
    pub fn matches(&self, text: &str) -> bool {
        match &self.form {
            Form::All => true,
            Form::Names(names) => names.iter().any(|name| name == text),
            Form::Search(expression) => expression.is_match(text),
        }
    }

    /// Whether it is for everything.
    pub fn is_all(&self) -> bool {
        matches!(self.form, Form::All)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn is_of_names(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | ',' | '|' | ' ')
}

fn compiled(text: &str) -> Result<Regex, MatcherError> {
    for (mark, name) in [
        ("(?=", "look-ahead"),
        ("(?!", "look-ahead"),
        ("(?<=", "look-behind"),
        ("(?<!", "look-behind"),
        ("\\k<", "a back-reference"),
        ("\\c", "a control escape"),
    ] {
        if text.contains(mark) {
            return Err(MatcherError::JavaScript(name));
        }
    }
    if text.as_bytes().windows(2).any(|two| matches!(two, [b'\\', b'1'..=b'9'])) {
        return Err(MatcherError::JavaScript("a back-reference"));
    }
    let config = Config::new()
        .nfa_size_limit(Some(LARGEST))
        .onepass_size_limit(Some(LARGEST))
        .dfa_size_limit(Some(LARGEST))
        .hybrid_cache_capacity(LARGEST)
        .which_captures(WhichCaptures::Implicit);
    Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().nest_limit(DEEPEST))
        .build(text)
        .map_err(|error| {
            let why = error.syntax_error().map_or_else(
                || "it is too large".to_owned(),
                |error| {
                    let told = error.to_string();
                    let last = told.lines().last().unwrap_or_default();
                    last.trim_start_matches("error: ").to_owned()
                },
            );
            MatcherError::Expression(why)
        })
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Matcher {}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matches_as_claude_code_does() {
        for (matcher, text, expected) in [
            ("", "Bash", true),
            ("*", "Bash", true),
            ("Bash", "Bash", true),
            ("Bash", "BashOutput", false),
            ("Bash", "bash", false),
            ("Edit|Write", "Write", true),
            ("Edit, Write", "Write", true),
            ("Edit|Write", "MultiWrite", false),
            ("mcp-server_x", "mcp-server_x", true),
            ("mcp__memory__.*", "mcp__memory__create", true),
            ("mcp__memory__.*", "my_mcp__memory__create", true),
            ("^Bash$", "Bash", true),
            ("^Bash$", "xBash", false),
            ("Notebook.", "NotebookEdit", true),
            ("(Edit|Write)", "MultiEdit", true),
            ("api.github.com", "api.github.com", true),
        ] {
            let made = Matcher::new(matcher).unwrap();
            assert_eq!(made.matches(text), expected, "{matcher} {text}");
        }
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused() {
        for text in
            ["(?!Bash).*", "(?<=a)b", r"(a)\1", r"\k<x>", "(", "[a", "a{99999}{99999}", "|,"]
        {
            assert!(Matcher::new(text).is_err(), "{text}");
        }
        assert!(Matcher::new(&"a.".repeat(600)).is_err());
        assert!(Matcher::new(&"(".repeat(200)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}", on in "\\PC{0,60}") {
            if let Ok(matcher) = Matcher::new(&text) {
                let _: bool = matcher.matches(&on);
            }
        }

        /// Names never match a part of a text.
        #[test]
        fn a_name_is_whole(name in "[A-Za-z0-9_-]{1,12}", more in "[A-Za-z0-9_-]{1,4}") {
            let matcher = Matcher::new(&name).unwrap();
            prop_assert!(matcher.matches(&name));
            let (behind, before) = (format!("{name}{more}"), format!("{more}{name}"));
            prop_assert!(!matcher.matches(&behind) && !matcher.matches(&before));
        }
    }
}
