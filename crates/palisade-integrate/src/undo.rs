use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What gives a file back as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The file, by its absolute path.
    pub file: String,
    /// What was in it; none: it was not there.
    pub before: Option<String>,
    /// SHA-256 of what was put there, in hexadecimal digits.
    after: String,
}

impl Undo {
    /// For a file that had `before` and gets `after`.
    pub fn new(file: &str, before: Option<&str>, after: &str) -> Self {
        Self { file: file.to_owned(), before: before.map(str::to_owned), after: digest(after) }
    }

    /// Whether the file is still what was put there: then [`Undo::before`] takes its place.
    pub fn fits(&self, file: &str, now: Option<&str>) -> bool {
        self.file == file && now.is_some_and(|now| digest(now) == self.after)
    }

    /// The same undo after one more change.
    #[must_use]
    pub fn and(mut self, after: &str) -> Self {
        self.after = digest(after);
        self
    }

    /// A name for the file that the undo of this agent's settings is kept in.
    pub fn name(agent: &str, file: &str) -> String {
        let digest = digest(file);
        format!("{agent}-{}.json", digest.get(..16).unwrap_or(&digest))
    }
}

fn digest(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_only_what_was_put_there() {
        let undo = Undo::new("/a", Some("x"), "y");
        assert!(undo.fits("/a", Some("y")));
        for (file, now) in [("/b", Some("y")), ("/a", Some("y\n")), ("/a", Some("x")), ("/a", None)]
        {
            assert!(!undo.fits(file, now), "{file} {now:?}");
        }
        assert!(undo.and("z").fits("/a", Some("z")));
    }
}
