use std::fmt;

use serde::{Serialize, Serializer};

/// What became of one thing that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Note {
    /// How it went.
    pub outcome: Outcome,
    /// The file that it stands in.
    pub file: String,
    /// Its line, from 1, where the format tells.
    pub line: Option<u32>,
    /// What was read, such as `permissions.deny: Bash(curl *)`.
    pub what: String,
    /// What it is now, or why it is not there.
    pub why: String,
}

/// How something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It means the same.
    Carried,
    /// Less is permitted than there.
    Stricter,
    /// It is not in the policy.
    Lost,
}

impl Outcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Carried => "carried",
            Outcome::Stricter => "stricter",
            Outcome::Lost => "not said",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Outcome::Carried => "carried",
            Outcome::Stricter => "stricter",
            Outcome::Lost => "lost",
        })
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// From 1; 0 for the file as a whole.
    pub(crate) line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place { file: self.file.clone(), line: self.line.unwrap_or(0) };
        write!(f, "{place}: {}: {}", self.outcome.as_str(), self.what)?;
        if self.why.is_empty() { Ok(()) } else { write!(f, ": {}", self.why) }
    }
}
