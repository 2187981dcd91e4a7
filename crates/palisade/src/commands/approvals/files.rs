//! Questions as files, and answers as files: for scripts.
//!
//! # Trust
//! The folder is in the state folder, which no sandbox has. Whoever may write there is the operator: an answer is taken
//! from a plain file of the operator's own, for the digest that it names and for no other act.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    thread::sleep,
    time::Duration,
};

use palisade_journal::escaped;
use palisade_session::running::{self, Entry, Pending, Scope};
use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, fstat},
    process::geteuid,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use super::{Listed, all};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print::note,
};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes of an answer.
const MOST_BYTES: u64 = 64 << 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// The question's `digest`.
    question: String,
    allow: bool,
    #[serde(default = "once")]
    scope: Scope,
    /// What the tool is to be given instead.
    #[serde(default)]
    input: Option<Map<String, Value>>,
}

fn once() -> Scope {
    Scope::Once
}

/// `palisade approvals files`, for ever.
pub(super) fn run() -> Result<ExitCode, Failure> {
    let folder = state_dir()?.join("approvals");
    let failed = |error: io::Error| {
        Failure::new(Kind::Enforcement, format!("{}: {error}", folder.display()))
            .remedy("see that the state folder (PALISADE_STATE) can be written")
    };
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    let found = folder.symlink_metadata().map_err(failed)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(failed(io::Error::other("it is not a folder of yours alone (0700)")));
    }
    let lock = File::open(&folder).map_err(failed)?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        failed(io::Error::other("another `palisade approvals files` answers here already"))
    })?;
    note(&format!("palisade: questions are in {}", folder.display()));
    let mut seen = Seen::default();
    loop {
        look(&folder, &mut seen).map_err(failed)?;
        sleep(LOOK);
    }
}

/// What was found or made there before.
#[derive(Default)]
struct Seen {
    /// Questions that have a file.
    open: BTreeSet<String>,
    /// What nothing could be done with, and was told.
    odd: BTreeSet<PathBuf>,
}

impl Seen {
    /// Whatever is wrong with one file, all others are looked at.
    fn done(&mut self, path: &Path, done: io::Result<()>) {
        match done {
            Ok(()) => {
                self.odd.remove(path);
            }
            Err(error) if self.odd.insert(path.to_owned()) => {
                note(&format!("palisade: {}: {error}", path.display()));
            }
            Err(_) => {}
        }
    }
}

/// Puts new questions there, takes answers, and takes away what is closed.
fn look(folder: &Path, seen: &mut Seen) -> io::Result<()> {
    let waiting = all().map_err(|failure| io::Error::other(failure.to_string()))?;
    let named: BTreeMap<String, (Entry, Pending)> = waiting
        .into_iter()
        .map(|(entry, pending)| (format!("{}-{}", entry.session, pending.id), (entry, pending)))
        .collect();
    for file in fs::read_dir(folder)?.flatten() {
        let path = file.path();
        let stem = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let done = match (path.extension().and_then(|end| end.to_str()), named.get(stem)) {
            (Some("json"), None) => {
                seen.open.remove(stem);
                remove(&path)
            }
            (Some("answer"), Some((entry, pending))) => take(&path, entry, pending),
            // The question may have been closed a moment ago.
            (Some("answer"), None) => remove(&path).inspect(|()| {
                note(&format!("palisade: {} is for no open question", path.display()));
            }),
            _ => continue,
        };
        seen.done(&path, done);
    }
    for (name, (entry, pending)) in &named {
        let path = folder.join(format!("{name}.json"));
        if seen.open.contains(name) && path.exists() {
            continue;
        }
        let put = put(folder, &path, entry, pending);
        if put.is_ok() {
            seen.open.insert(name.clone());
        }
        seen.done(&path, put);
    }
    Ok(())
}

/// Gives the answer of a file, and takes the file away.
fn take(path: &Path, entry: &Entry, pending: &Pending) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        return Err(io::Error::other("it is a folder, and no answer"));
    }
    // Another one may be put in its place as soon as this one is judged.
    let taken = path.with_extension("taken");
    fs::rename(path, &taken)?;
    let answered = answered(&taken, entry, pending);
    remove(&taken)?;
    if let Err(why) = answered {
        note(&format!("palisade: {} does not count: {}", path.display(), escaped(&why)));
    }
    Ok(())
}

fn put(folder: &Path, path: &Path, entry: &Entry, pending: &Pending) -> io::Result<()> {
    let listed = Listed { session: &entry.session, name: entry.name.as_deref(), pending };
    let text = serde_json::to_vec(&listed).map_err(io::Error::other)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&text)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives the answer of a file.
fn answered(path: &Path, entry: &Entry, pending: &Pending) -> Result<(), String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(|error| error.to_string())?;
    let stat = fstat(&file).map_err(|error| error.to_string())?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    let plain = file.metadata().is_ok_and(|found| found.is_file());
    if !plain || stat.st_uid != geteuid().as_raw() || mode.intersects(Mode::WGRP | Mode::WOTH) {
        return Err("it is not a plain file that only you can write".into());
    }
    let mut text = Vec::new();
    let read = (&file).take(MOST_BYTES + 1).read_to_end(&mut text);
    read.map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST_BYTES {
        return Err("it is too long".into());
    }
    let object = palisade_core::strict_object(&text)?;
    let answer: Answer =
        serde_json::from_value(Value::from(object)).map_err(|error| error.to_string())?;
    if answer.question != pending.digest {
        return Err("it answers another question".into());
    }
    let state = state_dir().map_err(|failure| failure.to_string())?;
    let which = entry.session.to_string();
    let done = match (answer.input, answer.allow, answer.scope) {
        (None, allow, scope) => running::answer(&state, &which, pending.id, allow, scope),
        (Some(input), true, Scope::Once) => {
            let input = Value::from(input).to_string();
            running::edit(&state, &which, pending.id, &answer.question, &input)
        }
        (Some(_), ..) => return Err("another input can be permitted once, and not else".into()),
    };
    done.map(drop).map_err(|refusal| refusal.what)
}
