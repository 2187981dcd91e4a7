//! The bytes of a file, once, and what they say.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::{fs::OFlags, io::Errno};

use crate::{
    error::ImportError,
    json, toml,
    tree::{Document, Value},
    yaml,
};

/// No settings are longer.
const MOST_BYTES: u64 = 1 << 20;
/// Claude Code keeps the history of all projects beside what it trusts.
const MOST_OF_STATE: u64 = 32 << 20;
/// Values in one file: a policy has no more either.
pub(crate) const MOST_NODES: usize = 10_000;
/// Values beside what Claude Code trusts.
const MOST_NODES_OF_STATE: usize = 2_000_000;
/// Tables and lists within each other.
pub(crate) const DEEPEST: usize = 32;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Toml,
    Yaml,
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The user's or the machine's: it may be a link.
    User,
    /// A repository's: a link in it could name any file of the user's.
    Repository,
    /// The user's, and long.
    State,
}

/// Reads a file; `None` if there is none.
pub(crate) fn file(
    path: &Path,
    format: Format,
    owner: Owner,
) -> Result<Option<Document>, ImportError> {
    let unreadable = |why: String| ImportError::Unreadable { file: path.to_owned(), why };
    let Some(bytes) = bytes(path, owner).map_err(unreadable)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        malformed(path, line, "the text is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root = match format {
        Format::Json => json::parse(text, Budget::of(owner)),
        Format::Toml => toml::parse(text),
        Format::Yaml => yaml::parse(text),
    }
    .map_err(|(line, why)| malformed(path, line, why))?;
    match root.value {
        Value::Table(_) => Ok(Some(Document { path: path.to_owned(), root })),
        _ => Err(malformed(path, root.line, "this is no table of settings")),
    }
}

fn malformed(path: &Path, line: u32, why: impl Into<String>) -> ImportError {
    ImportError::Malformed { file: path.to_owned(), line, why: why.into() }
}

fn bytes(path: &Path, owner: Owner) -> Result<Option<Vec<u8>>, String> {
    // Nothing but a file is waited for.
    let mut flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    if owner == Owner::Repository {
        flags |= OFlags::NOFOLLOW;
    }
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => {
            return Err("it is a symbolic link, and those of a repository are not followed".into());
        }
        Err(error) => return Err(error.to_string()),
    };
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a regular file".into());
    }
    let most = if owner == Owner::State { MOST_OF_STATE } else { MOST_BYTES };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        return Err(format!("it is longer than {} MiB", most >> 20));
    }
    Ok(Some(bytes))
}

/// Counts values, so that a short text does not become many.
#[derive(Debug)]
pub(crate) struct Budget {
    nodes: usize,
    most: usize,
}

impl Budget {
    pub(crate) fn of(owner: Owner) -> Self {
        let most = if owner == Owner::State { MOST_NODES_OF_STATE } else { MOST_NODES };
        Self { nodes: 0, most }
    }

    pub(crate) fn take(&mut self, depth: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(1);
        if depth > DEEPEST {
            return Err(format!("tables and lists are more than {DEEPEST} deep"));
        }
        if self.nodes > self.most {
            return Err(format!("there are more than {} values", self.most));
        }
        Ok(())
    }
}
