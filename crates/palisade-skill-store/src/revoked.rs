use serde::{Deserialize, Serialize};

use crate::{Digest, Tree};

/// The form of the list.
const VERSION: u32 = 1;

/// What is known to be bad: a revocation list, and the form in which others can publish what they found.
///
/// A JSON document that is signed as a whole, in minisign's format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisories {
    /// The form: 1.
    pub palisade_advisories: u32,
    /// Counts up with each list of one publisher: an older one is not taken after a newer.
    pub sequence: u64,
    /// When it was made, RFC 3339.
    pub issued: String,
    /// What is bad.
    pub advisories: Vec<Advisory>,
}

/// One thing that is bad. What any of its lists names is revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// Its name, such as `ACME-2026-001`.
    pub id: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Digests of skills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<Digest>,
    /// SHA-256 of files: whatever skill has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Digest>,
    /// Ids of publishers' keys, as minisign shows them: whatever they signed is unsigned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Where more is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

impl Default for Advisories {
    fn default() -> Self {
        let (sequence, advisories) = (0, Vec::new());
        Self { palisade_advisories: VERSION, sequence, issued: String::new(), advisories }
    }
}

impl Advisories {
    /// Reads a list, whose signature was checked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let list: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match list.palisade_advisories {
            VERSION => Ok(list),
            other => Err(format!("it has the form {other}, and this program knows {VERSION}")),
        }
    }

    /// Why a skill is revoked, if it is.
    pub fn about(&self, digest: &Digest, tree: Option<&Tree>) -> Option<String> {
        let files = || tree.into_iter().flat_map(Tree::digests_of_files);
        let found = self.advisories.iter().find(|advisory| {
            advisory.digests.contains(digest) || files().any(|file| advisory.files.contains(&file))
        })?;
        Some(palisade_core::shown(&format!("{}: {}", found.id, found.reason), 300))
    }

    /// Whether what this key signed counts.
    pub fn trusts(&self, key: &str) -> bool {
        !self
            .advisories
            .iter()
            .any(|advisory| advisory.keys.iter().any(|other| other.eq_ignore_ascii_case(key)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Entry;

    #[test]
    fn a_skill_is_revoked_by_its_digest_or_a_file_of_it() {
        let mut tree = Tree::default();
        tree.add("a", Entry::File { bytes: b"bad"[..].into(), executable: false }).unwrap();
        let digest = tree.digest();
        let list =
            |advisory: Advisory| Advisories { advisories: vec![advisory], ..Advisories::default() };
        let by_digest =
            list(Advisory { id: "A-1".into(), digests: vec![digest], ..Advisory::default() });
        assert_eq!(by_digest.about(&digest, None).as_deref(), Some("A-1: "));
        let by_file = list(Advisory { files: vec![Digest::of(b"bad")], ..Advisory::default() });
        assert!(by_file.about(&digest, Some(&tree)).is_some());
        assert!(by_file.about(&digest, None).is_none());
        let by_key =
            list(Advisory { keys: vec!["e7620F1842B4E81F".into()], ..Advisory::default() });
        assert!(!by_key.trusts("E7620F1842B4E81F") && by_key.trusts("00"));
        let text = serde_json::to_string(&by_digest).unwrap();
        assert_eq!(Advisories::parse(&text).unwrap(), by_digest);
        assert!(Advisories::parse(&text.replace(":1,", ":2,")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_none(text in "[ -~]{0,300}") {
            drop(Advisories::parse(&text));
        }
    }
}
