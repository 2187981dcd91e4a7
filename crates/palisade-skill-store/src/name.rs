use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The name of a skill in the lock, which is its folder's name inside: 1 to 64 of `a-z`, `0-9`, `-`, `_` and
/// `.`, a letter or digit first.
///
/// No capitals: on some file systems two names would be one folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SkillName(String);

impl SkillName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that comes nearest to this text, if there is one.
    pub fn like(text: &str) -> Option<Self> {
        let letters = text.chars().map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => c,
            _ => '-',
        });
        let text: String = letters.collect();
        let text = text.trim_start_matches(['-', '_', '.']).trim_end_matches('-');
        text.get(..text.len().min(64))?.parse().ok()
    }
}

impl FromStr for SkillName {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=64).contains(&text.len())
            && text.as_bytes().first().is_some_and(first)
            && text.bytes().all(|byte| first(&byte) || matches!(byte, b'-' | b'_' | b'.'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(StoreError::Name(palisade_core::shown(text, 80)))
        }
    }
}

impl TryFrom<String> for SkillName {
    type Error = StoreError;

    fn try_from(text: String) -> Result<Self, StoreError> {
        text.parse()
    }
}

impl From<SkillName> for String {
    fn from(name: SkillName) -> Self {
        name.0
    }
}

impl fmt::Display for SkillName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_plain_part_of_a_path() {
        for good in ["a", "pdf-tools", "1.2_x", &"a".repeat(64)] {
            assert!(good.parse::<SkillName>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".a", "-a", "a/b", "A", "a b", "é", "a\0", &"a".repeat(65)] {
            assert!(bad.parse::<SkillName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn other_names_have_a_near_one() {
        let like = |text: &str| SkillName::like(text).map(String::from);
        assert_eq!(like("PDF Tools").as_deref(), Some("pdf-tools"));
        assert_eq!(like("../x").as_deref(), Some("x"));
        assert_eq!(like("@scope/name").as_deref(), Some("scope-name"));
        assert_eq!(like("…"), None);
    }
}
