use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use palisade_core::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::find::Found;

/// The shortest value that is looked for: a shorter one stands in ordinary words.
const SHORTEST: usize = 8;
/// How many lines of denied files are looked for, and of what length.
const MOST: usize = 20_000;
const LONGEST: usize = 4096;

/// A value that must not go to a model.
#[derive(Clone)]
pub struct KnownSecret {
    kind: &'static str,
    values: Vec<Zeroizing<Vec<u8>>>,
}

impl KnownSecret {
    /// The secret of a credential.
    pub fn credential(secret: &SecretString) -> Self {
        let value = secret.expose_secret().trim().as_bytes().to_vec();
        Self { kind: "credential", values: vec![Zeroizing::new(value)] }
    }

    /// What a decoy holds. `kind` says which.
    pub fn decoy(text: &str) -> Self {
        Self { kind: "decoy", values: vec![Zeroizing::new(text.as_bytes().to_vec())] }
    }

    /// What a denied file holds: its lines, of `name = value` the value, as far as they can be told from
    /// ordinary words.
    pub fn denied_file(content: &[u8]) -> Self {
        let mut values = Vec::new();
        for line in content.split(|byte| *byte == b'\n') {
            let line = trimmed(line, b" \t\r");
            if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"-----") {
                continue;
            }
            let value = match line.iter().position(|byte| *byte == b'=' || *byte == b':') {
                Some(at) => line.get(at.saturating_add(1)..).unwrap_or_default(),
                None => line,
            };
            let text = trimmed(value, b" \t\r\"',;");
            if tells(text) {
                values.push(Zeroizing::new(text.to_vec()));
            }
        }
        Self { kind: "denied-file", values }
    }
}

impl fmt::Debug for KnownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownSecret").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Whether a text is of some length and no ordinary word or sentence.
fn tells(text: &[u8]) -> bool {
    let blanks = text.iter().filter(|byte| byte.is_ascii_whitespace()).count();
    let different = {
        let mut seen = [false; 256];
        text.iter().for_each(|byte| {
            if let Some(slot) = seen.get_mut(usize::from(*byte)) {
                *slot = true;
            }
        });
        seen.iter().filter(|seen| **seen).count()
    };
    let marked = text.iter().any(|byte| !byte.is_ascii_lowercase() && !byte.is_ascii_whitespace());
    (SHORTEST..=LONGEST).contains(&text.len()) && different >= 5 && blanks <= 3 && marked
}

fn trimmed<'a>(mut text: &'a [u8], of: &[u8]) -> &'a [u8] {
    while let Some((first, rest)) = text.split_first().filter(|(first, _)| of.contains(first)) {
        let _ = first;
        text = rest;
    }
    while let Some((last, rest)) = text.split_last().filter(|(last, _)| of.contains(last)) {
        let _ = last;
        text = rest;
    }
    text
}

/// Looks for all of them at once.
pub(super) struct Known {
    searcher: Option<AhoCorasick>,
    kinds: Vec<&'static str>,
}

impl Known {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a KnownSecret>) -> Self {
        let all = secrets
            .into_iter()
            .flat_map(|secret| secret.values.iter().map(|value| (secret.kind, value.as_slice())))
            .filter(|(_, value)| value.len() >= SHORTEST)
            .take(MOST);
        let (kinds, values): (Vec<_>, Vec<_>) = all.unzip();
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&values)
            .ok()
            .filter(|_| !values.is_empty());
        Self { searcher, kinds }
    }

    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Found>) {
        let Some(searcher) = &self.searcher else { return };
        for one in searcher.find_iter(text) {
            let kind = self.kinds.get(one.pattern().as_usize()).copied().unwrap_or("credential");
            let value = text.get(one.start()..one.end()).unwrap_or_default().to_vec();
            found.push(Found { start: one.start(), end: one.end(), kind, value });
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("values", &self.kinds.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(content: &str) -> Vec<String> {
        let secret = KnownSecret::denied_file(content.as_bytes());
        secret.values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    #[test]
    fn what_of_a_file_is_looked_for() {
        let file = "# comment with a Word\nDB_PASSWORD='hunter2-but-longer'\nDEBUG=true\nPORT=8080\n\
                    plain-line-with-Secret\n-----BEGIN X-----\nMIIEvQIBADANBgkq\nNAME=production\n";
        assert_eq!(
            values(file),
            ["hunter2-but-longer", "plain-line-with-Secret", "MIIEvQIBADANBgkq"]
        );
    }
}
