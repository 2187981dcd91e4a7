//! Where no group counts memory: what the processes of a sandbox have, added up from outside.
//!
//! This sees what is in processes, at the moment of the look. It does not see a burst between
//! two looks, nor pages that no process has mapped (a file in memory that was written and not
//! mapped, what is in pipes and sockets). `process.limits.memory` is weaker where it rests on this.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{CWD, Dir, Mode, OFlags, PROC_SUPER_MAGIC, fstatfs, openat},
    io::Errno,
    process::Pid,
};

use crate::step::{Step, StepError};

/// The `/proc` of a sandbox, which has all its processes and no others.
#[derive(Debug)]
pub struct Processes {
    proc: OwnedFd,
}

impl Processes {
    /// Open it by way of init, before the agent runs.
    pub(crate) fn of(init: Pid) -> Result<Self, StepError> {
        let step = "open the sandbox's /proc";
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = format!("/proc/{}/root/proc", init.as_raw_nonzero());
        let proc = openat(CWD, path, flags, Mode::empty()).step(step)?;
        match fstatfs(&proc).step(step)?.f_type {
            PROC_SUPER_MAGIC => Ok(Self { proc }),
            _ => Err(Errno::NODEV).step(step),
        }
    }

    /// Bytes of memory that all processes have, swap and page tables included. Pages that
    /// several share are counted once if the sum would otherwise be over `limit`.
    pub fn memory(&self, limit: u64) -> u64 {
        let quick = self.sum(|process| self.resident(process));
        if quick <= limit { quick } else { self.sum(|process| self.proportional(process)) }
    }

    fn sum(&self, of: impl Fn(&str) -> u64) -> u64 {
        let Ok(entries) = Dir::read_from(&self.proc) else { return 0 };
        entries
            .flatten()
            .filter_map(|entry| Some(of(number(entry.file_name().to_str().ok()?)?)))
            .fold(0, u64::saturating_add)
    }

    fn resident(&self, process: &str) -> u64 {
        const KEYS: [&str; 4] = ["RssAnon:", "RssShmem:", "VmSwap:", "VmPTE:"];
        kilobytes(&self.read(process, "status"), &KEYS)
    }

    fn proportional(&self, process: &str) -> u64 {
        let rollup = self.read(process, "smaps_rollup");
        if rollup.is_empty() {
            return self.resident(process);
        }
        kilobytes(&rollup, &["Pss_Anon:", "Pss_Shmem:", "SwapPss:"])
            .saturating_add(kilobytes(&self.read(process, "status"), &["VmPTE:"]))
    }

    /// A file of a process; empty if that has ended.
    fn read(&self, process: &str, file: &str) -> String {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        openat(&self.proc, format!("{process}/{file}"), flags, Mode::empty())
            .ok()
            .and_then(|file| std::io::read_to_string(std::fs::File::from(file)).ok())
            .unwrap_or_default()
    }
}

fn number(name: &str) -> Option<&str> {
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// The sum in bytes of the lines that begin with one of these.
fn kilobytes(text: &str, keys: &[&str]) -> u64 {
    let value = |line: &str| {
        let rest = keys.iter().find_map(|key| line.strip_prefix(key))?;
        rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    };
    text.lines().filter_map(value).fold(0, u64::saturating_add).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_what_the_kernel_writes() {
        let status =
            "Name:\tRssAnon: 9 kB\nVmPTE:\t      40 kB\nRssAnon:\t     100 kB\nRssFile:\t 7 kB\n";
        assert_eq!(kilobytes(status, &["RssAnon:", "VmPTE:"]), 140 * 1024);
        assert_eq!(number("12"), Some("12"));
        assert_eq!(number("self"), None);
    }

    #[test]
    fn sees_what_this_process_has() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let processes = Processes { proc: openat(CWD, "/proc", flags, Mode::empty()).unwrap() };
        let me = std::process::id().to_string();
        let before = (processes.resident(&me), processes.proportional(&me));
        let memory = vec![1_u8; 32 << 20];
        let after = (processes.resident(&me), processes.proportional(&me));
        assert!(after.0 >= before.0 + (24 << 20), "{before:?} {after:?}");
        assert!(after.1 >= before.1 + (24 << 20), "{before:?} {after:?}");
        assert_eq!(memory.len(), 32 << 20);
        assert!(processes.memory(0) > 0);
    }
}
