//! Where no group counts memory: what the processes of a sandbox have, added up from outside.
//!
//! This sees what is in processes, at the moment of the look. It does not see a burst between
//! two looks, nor pages that no process has mapped (a file in memory that was written and not
//! mapped, what is in pipes and sockets). `process.limits.memory` is weaker where it rests on this.

use std::{
    collections::HashMap,
    ffi::CStr,
    os::fd::{AsRawFd, OwnedFd},
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, PROC_SUPER_MAGIC, fstatfs, openat, statat,
        statfs,
    },
    io::Errno,
    process::Pid,
};

use crate::step::{Step, StepError};

/// See `statfs(2)`.
const OVERLAYFS_SUPER_MAGIC: i64 = 0x794c_7630;

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

    /// Bytes that files without a name take, on these devices or in an overlay: unlinked or made without one, and open
    /// in a process. Each once. Not those that are only mapped, or on their way from one process to another.
    pub fn nameless(&self, devices: &[u64]) -> u64 {
        let mut files = HashMap::new();
        for process in self.numbers("") {
            let tasks = format!("{process}/task");
            for task in self.numbers(&tasks) {
                let folder = format!("{tasks}/{task}/fd");
                for number in self.numbers(&folder) {
                    let path = format!("{folder}/{number}");
                    let Ok(found) = statat(&self.proc, &path, AtFlags::empty()) else { continue };
                    let file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
                    if file
                        && found.st_nlink == 0
                        && (devices.contains(&found.st_dev) || self.is_in_overlay(&path))
                    {
                        let blocks = u64::try_from(found.st_blocks).unwrap_or_default();
                        files.insert((found.st_dev, found.st_ino), blocks.saturating_mul(512));
                    }
                }
            }
        }
        files.into_values().fold(0, u64::saturating_add)
    }

    fn is_in_overlay(&self, path: &str) -> bool {
        let path = format!("/proc/self/fd/{}/{path}", self.proc.as_raw_fd());
        statfs(path).is_ok_and(|found| found.f_type == OVERLAYFS_SUPER_MAGIC)
    }

    /// The entries of a folder that are numbers; none if it is gone.
    fn numbers(&self, folder: &str) -> Vec<String> {
        let folder = if folder.is_empty() { "." } else { folder };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let Ok(opened) = openat(&self.proc, folder, flags, Mode::empty()) else {
            return Vec::new();
        };
        let Ok(entries) = Dir::new(opened) else { return Vec::new() };
        let number = |name: &CStr| name.to_str().ok().and_then(number).map(str::to_owned);
        entries.flatten().filter_map(|entry| number(entry.file_name())).collect()
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
