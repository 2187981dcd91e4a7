//! Taking more than there is.

use std::fs::File;

use palisade_core::Layer;
use palisade_sandbox::{StepError, linux::sys::probe::in_child};
use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, nice, setrlimit},
};

use crate::{
    Targets,
    attempt::{Act, Answers, Attempt, Outcome, judge, name_of},
};

/// More than this many descriptors are not opened.
const MOST_OPEN: u64 = 1 << 16;
/// No sandbox is given more timers and queued signals.
const MOST_PENDING: u64 = 1024;
const NO_CAPABILITY: Answers = &[(Errno::PERM, "it has no capability to")];

const fn attempt(name: &'static str, tries: &'static str, act: Act) -> Attempt {
    Attempt { name, tries, layer: Layer::Process, act }
}

pub(super) static ATTEMPTS: &[Attempt] = &[
    attempt("raises_core_limit", "write core dumps", Act::Do(|_| core_dumps())),
    attempt("raises_process_limit", "raise its limit of processes", Act::Do(processes)),
    attempt("raises_open_files_limit", "raise its limit of open files", Act::Do(open_files)),
    attempt("opens_endless_files", "open more files than it may", Act::Do(open_many)),
    attempt("has_no_process_limit", "have no limit of processes", Act::Do(process_limit)),
    attempt("takes_priority", "take priority over the host", Act::Do(|_| Some(priority()))),
    attempt("fills_memory_by_files", "fill memory by files", Act::Do(|_| Some(scratch_size()))),
    attempt("takes_all_watches", "leave the host no inotify", Act::Do(|_| watches())),
    attempt("takes_all_timers", "leave the host no timers", Act::Do(|_| timers())),
    attempt("makes_endless_files", "make files without end", Act::Do(|_| Some(scratch_inodes()))),
];

/// `None` where it has no limit: then there is nothing to raise.
fn raise(resource: Resource) -> Option<Outcome> {
    let most = getrlimit(resource).maximum?;
    let more = Rlimit { current: None, maximum: None };
    let raised = in_child(|| {
        setrlimit(resource, more).map_err(|errno| StepError { step: "raise".into(), errno })
    });
    let raised = raised.map_err(|error| error.errno);
    Some(match judge(raised, NO_CAPABILITY, |()| "it is raised".to_owned()) {
        Outcome::Stopped(told) => Outcome::Stopped(format!("{told}; it is {most}")),
        other => other,
    })
}

/// Setting this limit is answered as if it were done, so what it is afterwards counts.
fn core_dumps() -> Option<Outcome> {
    let before = getrlimit(Resource::Core).maximum?;
    let raised = in_child(|| {
        // Refused or not, what counts comes next.
        let _ = setrlimit(Resource::Core, Rlimit { current: None, maximum: None });
        match getrlimit(Resource::Core).maximum {
            Some(now) if now <= before => {
                Err(StepError { step: "raise".into(), errno: Errno::PERM })
            }
            _ => Ok(()),
        }
    });
    Some(match raised {
        Err(_) => Outcome::Stopped(format!("it stays {before}")),
        Ok(()) => Outcome::Worked("it is raised".to_owned()),
    })
}

/// The kernel counts these for a user of the host, in whatever namespace they are made.
fn watches() -> Option<Outcome> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let whole = number("/proc/sys/fs/inotify/max_user_instances")?;
    let part = number("/proc/sys/user/max_inotify_instances")?;
    Some(match part < whole {
        true => Outcome::Stopped(format!("it may have {part} of {whole}")),
        false => Outcome::Worked(format!("it may have all {whole}")),
    })
}

/// Likewise.
fn timers() -> Option<Outcome> {
    Some(match getrlimit(Resource::Sigpending).maximum {
        Some(most) if most <= MOST_PENDING => Outcome::Stopped(format!("it may have {most}")),
        Some(most) => Outcome::Worked(format!("it may have {most}")),
        None => Outcome::Worked("there is no limit".to_owned()),
    })
}

fn processes(targets: &Targets) -> Option<Outcome> {
    targets.processes.and_then(|_| raise(Resource::Nproc))
}

fn open_files(targets: &Targets) -> Option<Outcome> {
    targets.open_files.and_then(|_| raise(Resource::Nofile))
}

fn open_many(targets: &Targets) -> Option<Outcome> {
    let most = targets.open_files.filter(|most| *most < MOST_OPEN)?;
    let mut open = Vec::new();
    for _ in 0..=most {
        match File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => {
                let count = open.len();
                drop(open);
                let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                return Some(match errno {
                    Errno::MFILE => Outcome::Stopped(format!("EMFILE: after {count}")),
                    other => Outcome::Unclear(format!("after {count}: {}", name_of(other))),
                });
            }
        }
    }
    Some(Outcome::Worked(format!("opened {}", open.len())))
}

/// Not tried by forking: a machine without the limit would be the worse for it.
fn process_limit(targets: &Targets) -> Option<Outcome> {
    let wanted = targets.processes?;
    Some(match getrlimit(Resource::Nproc).current {
        // A control group may hold the limit as well, and then this one is one more.
        Some(limit) if limit <= wanted.saturating_add(1) => {
            Outcome::Stopped(format!("it is {limit}"))
        }
        Some(limit) => Outcome::Worked(format!("it is {limit}, and not {wanted}")),
        None => Outcome::Worked("there is none".to_owned()),
    })
}

fn priority() -> Outcome {
    let answers: Answers =
        &[(Errno::ACCESS, "it has no capability to"), (Errno::PERM, "it has no capability to")];
    let taken =
        in_child(|| nice(-1).map(drop).map_err(|errno| StepError { step: "nice".into(), errno }));
    judge(taken.map_err(|error| error.errno), answers, |()| "it has it".to_owned())
}

fn scratch() -> Result<rustix::fs::StatVfs, Outcome> {
    rustix::fs::statvfs("/tmp").map_err(|errno| Outcome::Unclear(name_of(errno)))
}

/// What may be written to memory is less than the machine's.
fn scratch_size() -> Outcome {
    let found = match scratch() {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let info = rustix::system::sysinfo();
    let memory = u128::from(info.totalram) * u128::from(info.mem_unit);
    let room = u128::from(found.f_blocks) * u128::from(found.f_frsize);
    let megabytes = room >> 20;
    if 0 < room && room <= memory / 2 {
        Outcome::Stopped(format!("there is room for {megabytes} MB"))
    } else {
        Outcome::Worked(format!("there is room for {megabytes} MB"))
    }
}

fn scratch_inodes() -> Outcome {
    const MOST: u64 = 1 << 21;
    match scratch() {
        Ok(found) if 0 < found.f_files && found.f_files <= MOST => {
            Outcome::Stopped(format!("there is room for {}", found.f_files))
        }
        Ok(found) => Outcome::Worked(format!("there is room for {}", found.f_files)),
        Err(outcome) => outcome,
    }
}
