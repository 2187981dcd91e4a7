use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// A text in which `*` stands for any characters, also for none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPattern {
    exact: String,
    folded: String,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextPatternError {
    /// Over 1024 bytes.
    #[error("it is longer than 1024 bytes")]
    TooLong,
    /// A control character.
    #[error("it has a control character")]
    Control,
}

impl TextPattern {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.exact
    }

    /// Whether a text is meant.
    pub fn allows(&self, text: &str) -> bool {
        glob(&self.exact, text)
    }

    /// Whether a text is meant by somebody to whom case does not count.
    pub fn denies(&self, text: &str) -> bool {
        glob(&self.folded, &fold(text))
    }

    /// Whether each text that `other` means is meant by this.
    pub fn covers(&self, other: &Self) -> bool {
        // A star of the other one is a character which only a star here can take.
        glob(&self.exact, &other.exact)
    }
}

impl FromStr for TextPattern {
    type Err = TextPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 1024 {
            return Err(TextPatternError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(TextPatternError::Control);
        }
        Ok(Self { exact: text.to_owned(), folded: fold(text) })
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.exact)
    }
}

impl Serialize for TextPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.exact)
    }
}

/// Whether `*` in the pattern, for any characters or none, makes it the text. Takes time in proportion to both
/// lengths, whatever the pattern.
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').map_or((None, rest), |(m, end)| (Some(m), end));
    for part in middle.into_iter().flat_map(|middle| middle.split('*')) {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(end)
}

/// What is left of a text where case does not count.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        let pattern = |text: &str| text.parse::<TextPattern>().unwrap();
        for (glob, text) in [("*", ""), ("a*", "a"), ("a*b*c", "a--b-bc"), ("", ""), ("**", "x")] {
            assert!(pattern(glob).allows(text), "{glob} {text}");
        }
        for (glob, text) in [("a*a", "a"), ("a", "ab"), ("*b", "a"), ("a*b*c", "acb"), ("a", "A")] {
            assert!(!pattern(glob).allows(text), "{glob} {text}");
        }
        assert!(pattern("tools/*").denies("TOOLS/Call") && pattern("strasse").denies("straße"));
        assert!(pattern("a*").covers(&pattern("ab*")) && !pattern("ab*").covers(&pattern("a*")));
        assert!("a\n".parse::<TextPattern>().is_err());
    }
}
