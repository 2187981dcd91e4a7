use std::{fmt, str::FromStr};

use palisade_core::glob;

/// Model names that a route takes: `*` stands for any run of characters, every other character
/// for itself, case included.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelPattern(String);

/// Why a text is not a model pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelPatternError {
    /// Nothing was given.
    #[error("a model pattern cannot be empty; `*` takes every model")]
    Empty,
    /// A character that no model name has.
    #[error("`{0}` is not a model pattern: use letters, digits, punctuation and `*`, no spaces")]
    Character(String),
    /// Too long to be a model name.
    #[error("a model pattern has at most 256 characters")]
    TooLong,
}

/// The longest model name that is understood.
pub(crate) const LONGEST_MODEL: usize = 256;

impl ModelPattern {
    /// Whether `model` is one of those meant.
    pub fn matches(&self, model: &str) -> bool {
        glob(&self.0, model)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelPattern {
    type Err = ModelPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ModelPatternError::Empty);
        }
        if text.len() > LONGEST_MODEL {
            return Err(ModelPatternError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ModelPatternError::Character(text.escape_debug().to_string()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ModelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pattern: &str, model: &str) -> bool {
        pattern.parse::<ModelPattern>().unwrap().matches(model)
    }

    #[test]
    fn only_the_star_is_special_and_case_counts() {
        assert!(takes("claude-*", "claude-opus-5-5") && takes("claude-*", "claude-"));
        assert!(!takes("claude-*", "Claude-opus") && !takes("claude-*", "xclaude-opus"));
        assert!(takes("gpt-5.2", "gpt-5.2") && !takes("gpt-5.2", "gpt-5x2"));
        assert!(!takes("gpt-5", "gpt-5.2") && !takes("gpt-?", "gpt-5") && !takes("[a]", "a"));
        assert!(takes("*", "anything") && takes("*-codex", "gpt-5-codex"));
        assert!(takes("a*b*c", "a-b-b-c") && !takes("a*b*c", "a-c") && !takes("ab*ba", "aba"));
        assert!(takes("**", "x") && takes("a*b", "ab") && !takes("a*bb", "ab"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "a b", "a\n", "mödel", "a\0"] {
            assert!(bad.parse::<ModelPattern>().is_err(), "{bad:?}");
        }
    }
}
