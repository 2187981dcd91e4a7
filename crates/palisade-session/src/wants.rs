//! Files that a command wants and the policy does not show it, while it is learned from.
//!
//! Nothing is shown that the policy does not show. What is named inside is looked for on the host: what is there,
//! and was not found inside, or could not be written, is wanted. Told when all is over, once each.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use palisade_core::{Event, Layer};
use palisade_sandbox::linux::{
    execs::{Shown, View, Wanted},
    seccomp::Names,
};
use rustix::fs::Access;

/// Different paths that are looked at; the rest is counted.
const MOST_LOOKED: usize = 200_000;
/// Paths that are told; the rest is counted.
const MOST_TOLD: usize = 2_000;

/// Where every sandbox has its own.
const OWN: [&str; 6] = ["/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp"];

/// What is wanted, as it is found.
#[derive(Debug)]
pub(crate) struct Wants {
    view: View,
    /// Folders in which the session may write on the host.
    writable: Vec<PathBuf>,
    home: PathBuf,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    looked: BTreeSet<(PathBuf, bool)>,
    /// What is wanted, and by which program first.
    read: BTreeMap<PathBuf, Option<String>>,
    write: BTreeMap<PathBuf, Option<String>>,
    /// What was written in a folder of the sandbox's own, and is there on the host.
    own: BTreeSet<PathBuf>,
    more: u64,
}

impl Wants {
    pub(crate) fn new(view: View, writable: Vec<PathBuf>, home: PathBuf) -> Self {
        Self { view, writable, home, found: Mutex::default() }
    }

    /// Look at what a call names, while it waits.
    pub(crate) fn look(&self, call: &Names) {
        for named in call.paths.iter().flatten() {
            if let Ok(wanted) = Wanted::read(call.thread, named) {
                self.add(wanted, call.thread);
            }
        }
    }

    fn add(&self, Wanted { path, write }: Wanted, thread: u32) {
        let own = || OWN.iter().any(|own| path.starts_with(own)) && !path.starts_with(&self.home);
        if path == Path::new("/") || own() {
            return;
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.looked.len() >= MOST_LOOKED {
            found.more = found.more.saturating_add(1);
            return;
        }
        if !found.looked.insert((path.clone(), write)) {
            return;
        }
        let here = match self.view.shown(&path) {
            // What is to be made is for the folder to have.
            Shown::Missing if write => {
                path.parent().map_or(Shown::Missing, |it| self.view.shown(it))
            }
            here => here,
        };
        match (here, write) {
            (Shown::Missing | Shown::ReadOnly, true) => {
                // As its owner could on the host.
                if let Some(path) = changeable(&path) {
                    found.write.entry(path).or_insert_with(|| program(thread));
                }
            }
            (Shown::Missing, false) => {
                if rustix::fs::access(&path, Access::READ_OK).is_ok() {
                    for path in with_what_it_leads_to(path) {
                        found.read.entry(path).or_insert_with(|| program(thread));
                    }
                }
            }
            (Shown::Writable, true) => {
                let ours = self.writable.iter().any(|folder| path.starts_with(folder));
                if !ours && path.symlink_metadata().is_ok() {
                    found.own.insert(path);
                }
            }
            (Shown::ReadOnly | Shown::Writable, false) => {}
        }
    }

    /// What was found, for the journal: kind `learn`, a path each.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let Found { read, write, own, more, .. } = &mut *found;
        // It was looked for, made inside and used there: the sandbox's own served.
        read.retain(|path, _| !own.contains(path) && !write.contains_key(path));
        let all = read.iter().map(|it| (it, "read")).chain(write.iter().map(|it| (it, "write")));
        let mut left = MOST_TOLD;
        let mut events = Vec::new();
        let mut tell = |path: &Path, access: &str, by: Option<&str>| {
            if left == 0 {
                *more = more.saturating_add(1);
                return;
            }
            left -= 1;
            let Some(text) = path.to_str() else {
                *more = more.saturating_add(1);
                return;
            };
            let mut event = Event::observed("learn", Layer::Files, text);
            event.reason = match access {
                "kept" => "written in the sandbox's own folder, and gone with it",
                _ => "wanted, and not shown by the policy",
            }
            .to_owned();
            let folder = path.is_dir();
            event = event.with("access", access).with("folder", folder);
            if let Some(by) = by {
                event = event.with("binary", by);
            }
            events.push(event);
        };
        for ((path, by), access) in all {
            tell(path, access, by.as_deref());
        }
        for path in own.iter() {
            tell(path, "kept", None);
        }
        if *more > 0 {
            let subject = "more files were named than are learned from";
            events.push(Event::observed("learn", Layer::Files, subject).with("count", *more));
        }
        events
    }
}

/// What a thread runs.
fn program(thread: u32) -> Option<String> {
    let link = fs::read_link(format!("/proc/{thread}/exe")).ok()?;
    link.to_str().map(str::to_owned)
}

/// The path, or the folder for what is not there, if that may be written on the host.
fn changeable(path: &Path) -> Option<PathBuf> {
    let there = match path.symlink_metadata() {
        Ok(_) => path,
        Err(_) => path.parent()?,
    };
    rustix::fs::access(there, Access::WRITE_OK).is_ok().then(|| there.to_owned())
}

/// A link shows nothing by itself: what it leads to is wanted, too.
fn with_what_it_leads_to(path: PathBuf) -> Vec<PathBuf> {
    let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    let real = is_link.then(|| path.canonicalize().ok()).flatten();
    real.into_iter().chain([path]).collect()
}
