use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{Mutex, PoisonError},
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::Pid,
};

use super::{
    known::{Known, Place},
    open_proc, processes,
};
use crate::{linux::sys::pid_namespace, step::StepError};

/// Processes above one that are told of.
pub(super) const MOST: usize = 8;

/// A process by its number inside, and when it was started, in ticks since the machine was.
pub type Origin = (u32, u64);

/// Tells which processes a process comes from, by what the kernel has of them now. A parent that has ended has
/// left its children to init, and is not among them.
#[derive(Debug)]
pub struct Lineages {
    /// The `/proc` of the sandbox.
    proc: OwnedFd,
    /// Its pid namespace, where that could be opened: the quicker way to a number inside.
    namespace: Option<OwnedFd>,
    known: Mutex<Known>,
}

impl Lineages {
    /// In the sandbox of this init, before its agent runs.
    pub(crate) fn of(init: Pid) -> Result<Self, StepError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let namespace = format!("/proc/{}/ns/pid", init.as_raw_nonzero());
        let namespace = openat(CWD, namespace, flags, Mode::empty()).ok();
        open_proc(init).map(|proc| Self { proc, namespace, known: Mutex::default() })
    }

    /// The process of a thread, by its number outside, and those that it comes from, the nearest first. Empty, if
    /// it is gone.
    pub fn of_thread(&self, thread: u32) -> Vec<Origin> {
        let told = self.namespace.as_ref().map(|it| pid_namespace::number_in(it.as_fd(), thread));
        let number = match told {
            Some(Ok(number)) => Some(number),
            Some(Err(Errno::SRCH)) => None,
            // A kernel that does not tell.
            _ => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = openat(CWD, format!("/proc/{thread}"), flags, Mode::empty());
                folder.ok().and_then(processes::number_inside)
            }
        };
        number.map(|number| self.of_process(number)).unwrap_or_default()
    }

    /// By what is known of those above it, if that can be had.
    fn of_process(&self, number: u32) -> Vec<Origin> {
        let Some((started, parent)) = processes::origin(&self.proc, number) else {
            return Vec::new();
        };
        let mut found = vec![(number, started)];
        let above = self.namespace.as_ref().map(|namespace| {
            let place = Place { proc: &self.proc, namespace: namespace.as_fd() };
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.above(place, parent, &mut found)
        });
        match above {
            Some(Ok(())) => found,
            // A kernel that does not tell, or one of them has just ended.
            _ => lineage(&self.proc, number),
        }
    }
}

/// Of a process, by its number inside.
pub(super) fn lineage(proc: &OwnedFd, number: u32) -> Vec<Origin> {
    let mut found = Vec::new();
    let mut next = number;
    while next > 1 && found.len() <= MOST {
        let Some((started, parent)) = processes::origin(proc, next) else { break };
        found.push((next, started));
        next = parent;
    }
    found
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{BufRead, BufReader, Write},
        process::{Command, Stdio},
    };

    use rustix::process::{Signal, kill_process};

    use super::*;

    fn own() -> Lineages {
        let open = |path| Some(OwnedFd::from(File::open(path).unwrap()));
        let (proc, namespace) = (open("/proc").unwrap(), open("/proc/self/ns/pid"));
        Lineages { proc, namespace, known: Mutex::default() }
    }

    #[test]
    fn what_is_known_of_those_above_is_what_the_kernel_says_now() {
        let lineages = own();
        let script = "sh -c 'sleep 60 & echo $$ $!; read line; :'; read line; kill $line";
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().unwrap());
        let (between, last) = (numbers.next().unwrap(), numbers.next().unwrap());
        let now = || lineage(&lineages.proc, last);
        for _ in 0..2 {
            assert_eq!(lineages.of_thread(last), now());
        }
        assert_eq!(now()[1].0, between);
        assert_eq!(now()[2].0, shell.id());
        let known = lineages.known.lock().unwrap().count();
        assert!(known >= 2 || lineages.namespace.is_none(), "{known}");
        let pid = Pid::from_raw(between.cast_signed()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        while now().iter().any(|(number, _)| *number == between) {
            std::thread::yield_now();
        }
        assert_eq!(lineages.of_thread(last), now());
        let input = shell.stdin.as_mut().unwrap();
        input.write_all(format!("{last}\n").as_bytes()).unwrap();
        shell.wait().unwrap();
    }
}
