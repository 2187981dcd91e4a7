//! The filter of the supervisor itself: what a thread that reads an agent's bytes never does.
//!
//! The other way round than the sandbox's: what is not named here is allowed, for what a supervisor needs
//! depends on the policy, the C library and its name services. What is newer than this build gets ENOSYS.
//! Nobody is told of what is refused; it fails.

use libc::{EAFNOSUPPORT, ENOSYS, EPERM};

#[cfg(target_arch = "x86_64")]
use super::arguments::MKNOD;
use super::{
    Decision, Filter, MOST_INSTRUCTIONS, SeccompError,
    arguments::MKNODAT,
    assemble, assemble_whole, number_of, numbers, ranges,
    rule::{Clause, Row, Rule, Test, Verdict},
    table::{check, never},
};

/// The calls that trace another process: where each program is looked at before it runs.
const TRACES: &str = "ptrace";

/// `CLONE_THREAD`.
const THREAD: u32 = 0x0001_0000;
/// `CLONE_NEW*`, but for `CLONE_NEWTIME`, which is a bit of the exit signal here.
const NAMESPACES: u32 = 0x7e02_0000;
/// `PROT_WRITE`, `PROT_EXEC`.
const WRITE: u32 = 2;
const EXECUTE: u32 = 4;
/// `MAP_ANONYMOUS`.
const ANONYMOUS: u32 = 0x20;

const UNIX: u32 = 1;
const INET: u32 = 2;
const INET6: u32 = 10;
const NETLINK: u32 = 16;
/// `SOCK_TYPE_MASK`, `SOCK_RAW`.
const TYPE: u32 = 0xf;
const RAW: u32 = 3;

/// Threads, in no namespace of their own, and no processes.
const CLONE: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::masked(0, THREAD | NAMESPACES, &[THREAD])])],
    otherwise: EPERM,
};

/// No memory that was written to is executed. Libraries that are loaded late come from files.
const MMAP: Rule = Rule::Check {
    clauses: &[
        Clause::fail(EPERM, &[Test::masked(2, WRITE | EXECUTE, &[WRITE | EXECUTE])]),
        Clause::fail(
            EPERM,
            &[Test::masked(2, EXECUTE, &[EXECUTE]), Test::masked(3, ANONYMOUS, &[ANONYMOUS])],
        ),
        Clause::allow(&[]),
    ],
    otherwise: EPERM,
};
#[cfg(target_arch = "x86_64")]
const MPROTECT: Rule =
    Rule::Check { clauses: &[Clause::allow(&[Test::masked(2, EXECUTE, &[0])])], otherwise: EPERM };

/// PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_SECUREBITS, PR_SET_MM, PR_SET_PTRACER.
const PRCTL_REFUSED: &[u32] = &[4, 22, 28, 35, 0x5961_6d61];
const PRCTL: Rule = Rule::Check {
    clauses: &[Clause::fail(EPERM, &[Test::is(0, PRCTL_REFUSED)]), Clause::allow(&[])],
    otherwise: EPERM,
};

const SOCKET: Rule = Rule::Check {
    clauses: &[
        Clause::fail(EPERM, &[Test::is(0, &[INET, INET6]), Test::masked(1, TYPE, &[RAW])]),
        Clause::allow(&[Test::is(0, &[UNIX, INET, INET6, NETLINK])]),
    ],
    otherwise: EAFNOSUPPORT,
};

/// TIOCSTI, TIOCLINUX, TIOCSETD.
const IOCTL: Rule = Rule::Check {
    clauses: &[Clause::fail(EPERM, &[Test::is(1, &[0x5412, 0x541c, 0x5423])]), Clause::allow(&[])],
    otherwise: EPERM,
};

/// What is refused, and why no supervisor needs it once its sandbox was forked.
const REFUSED: &[Row] = &[
    never(
        EPERM,
        "starts programs: another thread starts the operator's, and does nothing else",
        "execve execveat",
    ),
    check(CLONE, "threads; no processes, no namespaces", "clone"),
    never(ENOSYS, "its flags are in memory; the C library falls back to clone", "clone3"),
    never(EPERM, "namespaces: the sandbox has its own, made by its init", "unshare setns"),
    never(
        EPERM,
        "changes a mount tree: the sandbox's was made before",
        "mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig \
         fsmount fspick mount_setattr",
    ),
    never(
        EPERM,
        "loads code into the kernel",
        "bpf init_module finit_module delete_module kexec_load kexec_file_load",
    ),
    never(
        EPERM,
        "the machine's, not a session's",
        "reboot swapon swapoff acct quotactl quotactl_fd syslog sethostname setdomainname \
         settimeofday clock_settime clock_adjtime adjtimex vhangup",
    ),
    never(
        EPERM,
        "other users' rights: what is left of the caller's is all there is",
        "setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset",
    ),
    never(
        EPERM,
        "writes to other processes, or takes their descriptors",
        "process_vm_writev process_madvise process_mrelease move_pages migrate_pages kcmp \
         pidfd_getfd",
    ),
    never(EPERM, "traces another process; only where a rule is for commands", TRACES),
    never(EPERM, "opens files by number, past every folder", "name_to_handle_at open_by_handle_at"),
    never(
        EPERM,
        "its operations pass no filter",
        "io_uring_setup io_uring_enter io_uring_register",
    ),
    never(EPERM, "kernel measurement, with a long record of holes", "perf_event_open"),
    never(EPERM, "stops the kernel in the middle of a copy: an exploit's tool", "userfaultfd"),
    never(EPERM, "keys of the user, of which none is Palisade's", "add_key request_key keyctl"),
    never(EPERM, "watches whole mounts; files are watched one by one", "fanotify_init"),
    never(EPERM, "changes how security modules treat it", "lsm_set_self_attr"),
    never(EPERM, "makes memory executable that was not meant to be", "personality"),
    check(MMAP, "its own memory; none that is written and executed", "mmap"),
    check(PRCTL, "its own state; it stays out of others' reach", "prctl"),
    check(SOCKET, "unix, internet and netlink; no raw packets, no rare families", "socket"),
    check(IOCTL, "devices; nothing is typed into the operator's terminal", "ioctl"),
    check(MKNODAT, "pipes, sockets and regular files; no devices", "mknodat"),
    never(ENOSYS, "obsolete", "remap_file_pages lookup_dcookie nfsservctl"),
];

/// What x86-64 has besides.
#[cfg(target_arch = "x86_64")]
const REFUSED_NATIVE: &[Row] = &[
    never(EPERM, "starts processes", "fork vfork"),
    check(MKNOD, "pipes, sockets and regular files; no devices", "mknod"),
    // On 64-bit ARM the C library does so with libraries that have landing pads.
    check(MPROTECT, "its own memory; none is made executable", "mprotect pkey_mprotect"),
    never(EPERM, "segments and ports of the processor", "modify_ldt iopl ioperm"),
    never(
        ENOSYS,
        "obsolete, or never there",
        "uselib ustat sysfs _sysctl create_module get_kernel_syms query_module uretprobe uprobe",
    ),
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_NATIVE: &[Row] = &[];

impl Filter {
    /// The filter of a supervisor whose sandbox was forked. `traces`: whether it looks at each program inside
    /// before that runs.
    ///
    /// # Errors
    /// The program is longer than the kernel takes.
    pub(in crate::linux) fn for_supervisor(traces: bool) -> Result<Self, SeccompError> {
        let allowed = |(_, number): &(&str, u32)| (*number, Decision::Is(Verdict::Allow));
        let mut calls: Vec<_> = numbers::NATIVE.iter().map(allowed).collect();
        calls.sort_unstable_by_key(|(number, _)| *number);
        for row in REFUSED.iter().chain(REFUSED_NATIVE) {
            if traces && row.calls == TRACES {
                continue;
            }
            let decision = match row.rule {
                Rule::Check { .. } => Decision::By(row.rule, Verdict::Allow),
                Rule::Allow => Decision::Is(Verdict::Allow),
                Rule::Refuse(errno) | Rule::Never(errno) => {
                    Decision::Is(Verdict::FailUntold(errno))
                }
            };
            for number in row.names().filter_map(number_of) {
                if let Ok(at) = calls.binary_search_by_key(&number, |(number, _)| *number)
                    && let Some(call) = calls.get_mut(at)
                {
                    call.1 = decision;
                }
            }
        }
        let program = assemble::silent(&assemble_whole(&ranges(&calls)));
        if program.len() > MOST_INSTRUCTIONS {
            return Err(SeccompError::TooLong(program.len()));
        }
        Ok(Self { program, telling: None, denied: std::collections::BTreeSet::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_call_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for name in REFUSED.iter().chain(REFUSED_NATIVE).flat_map(Row::names) {
            assert!(super::super::is_known_syscall(name), "{name}");
            assert!(seen.insert(name), "{name} stands twice");
        }
        assert!(REFUSED.iter().any(|row| row.calls == TRACES));
    }
}
