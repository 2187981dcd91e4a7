//! A disk that fails, or a machine that stops, at a chosen step below a chosen folder.

use std::{
    collections::BTreeMap,
    fs,
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rustix::io::Errno;

/// What happens at the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// It fails, and those after it work again.
    Fails(Errno),
    /// Half of what is to be written is; then nothing works any more. The process was killed there.
    Stops,
}

#[derive(Debug)]
struct Plan {
    left: u64,
    what: What,
    stopped: bool,
    steps: u64,
    /// The content of each file at its last sync.
    synced: BTreeMap<PathBuf, Vec<u8>>,
}

static PAUSED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// From now on, writes below `folder` wait; or they go on.
pub(crate) fn pause(folder: &Path, waits: bool) {
    let mut paused = PAUSED.lock().unwrap_or_else(PoisonError::into_inner);
    paused.retain(|one| one != folder);
    if waits {
        paused.push(folder.into());
    }
}

fn wait(path: &Path) {
    let held = || {
        let paused = PAUSED.lock().unwrap_or_else(PoisonError::into_inner);
        paused.iter().any(|folder| path.starts_with(folder))
    };
    while held() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

static PLANS: Mutex<BTreeMap<PathBuf, Plan>> = Mutex::new(BTreeMap::new());

/// From now on, step `at` (from 1; 0 for none) below `folder` fails.
pub(crate) fn plan(folder: &Path, at: u64, what: What) {
    let plan = Plan { left: at, what, stopped: false, steps: 0, synced: BTreeMap::new() };
    PLANS.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.into(), plan);
}

/// How many steps there were, and what each file held when it was last synced. The plan is over.
pub(crate) fn over(folder: &Path) -> (u64, BTreeMap<PathBuf, Vec<u8>>) {
    let plan = PLANS.lock().unwrap_or_else(PoisonError::into_inner).remove(folder);
    plan.map(|plan| (plan.steps, plan.synced)).unwrap_or_default()
}

fn with<T>(path: &Path, act: impl FnOnce(&mut Plan) -> T) -> Option<T> {
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    plans.iter_mut().find(|(folder, _)| path.starts_with(folder)).map(|(_, plan)| act(plan))
}

impl Plan {
    fn next(&mut self) -> Result<(), (Errno, bool)> {
        if self.stopped {
            return Err((Errno::IO, false));
        }
        self.steps += 1;
        if self.left == 0 || self.steps != self.left {
            return Ok(());
        }
        match self.what {
            What::Fails(errno) => Err((errno, false)),
            What::Stops => {
                self.stopped = true;
                Err((Errno::IO, true))
            }
        }
    }
}

pub(super) fn step(path: &Path) -> Result<(), Errno> {
    with(path, Plan::next).unwrap_or(Ok(())).map_err(|(errno, _)| errno)
}

pub(super) fn synced(path: &Path) {
    let content = fs::read(path).unwrap_or_default();
    with(path, |plan| plan.synced.insert(path.into(), content));
}

/// What of these bytes is written.
pub(super) fn write<'a>(
    path: &Path,
    fd: impl AsFd,
    bytes: &'a [u8],
    at: Option<u64>,
) -> Result<&'a [u8], Errno> {
    wait(path);
    match with(path, Plan::next).unwrap_or(Ok(())) {
        Ok(()) => Ok(bytes),
        Err((errno, half)) => {
            if half {
                let bytes = &bytes[..bytes.len() / 2];
                match at {
                    None => rustix::io::write(fd, bytes)?,
                    Some(at) => rustix::io::pwrite(fd, bytes, at)?,
                };
            }
            Err(errno)
        }
    }
}
