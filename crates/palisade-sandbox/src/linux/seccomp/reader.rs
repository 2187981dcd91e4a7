//! The calls of a process that only reads what was opened for it, thinks and answers over a pipe.

use libc::EPERM;

use super::{
    Decision, Filter, MOST_INSTRUCTIONS, SeccompError, assemble, assemble_whole, numbers, ranges,
    rule::{Clause, Rule, Test, Verdict},
};

/// Reads what is open, answers, and has memory, threads and a clock.
const ALLOWED: &str = "read readv pread64 write writev lseek close fstat fadvise64 \
    munmap mremap madvise brk \
    futex sched_yield sched_getaffinity set_robust_list rseq gettid getpid \
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall exit exit_group \
    getrandom clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday";

/// Opens and looks at files. Which, is Landlock's to say.
const OPENS: &str = "openat openat2 newfstatat statx getdents64 readlinkat";

/// What nobody does here but who has taken the process over: it ends.
const ENDS: &str = "execve execveat socket socketpair connect bind listen accept accept4 sendto sendmsg \
    sendmmsg recvmsg fork vfork ptrace process_vm_readv process_vm_writev kill \
    pidfd_open pidfd_getfd pidfd_send_signal unshare setns mount umount2 pivot_root chroot \
    open_by_handle_at io_uring_setup bpf perf_event_open userfaultfd keyctl add_key request_key \
    unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat mkdir mkdirat mknod \
    mknodat truncate ftruncate fchmod fchmodat fchown fchownat setuid setgid setresuid setresgid \
    capset memfd_create shmget msgget mq_open";

/// Memory that is no code.
const NO_CODE: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::masked(2, PROT_EXEC, &[0])])],
    otherwise: EPERM,
};
const PROT_EXEC: u32 = 4;

/// What flags a descriptor has (`F_GETFD`, `F_GETFL`).
const LOOKS: Rule =
    Rule::Check { clauses: &[Clause::allow(&[Test::is(1, &[1, 3])])], otherwise: EPERM };

/// A thread of this process (`CLONE_THREAD`), in no new namespace.
const THREAD: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::masked(0, 0x0001_0000 | 0x7e02_0080, &[0x0001_0000])])],
    otherwise: EPERM,
};

impl Filter {
    /// The filter of a reader: an allow list far below that of a sandbox. A call that is known and not
    /// needed fails; one that only an intruder makes kills the process. Without `opens` no file can be opened.
    ///
    /// # Errors
    /// None in practice: the table is ours.
    pub fn of_reader(opens: bool) -> Result<Self, SeccompError> {
        let named = |list: &str, name: &str| list.split_ascii_whitespace().any(|one| one == name);
        let decide = |name: &str| match name {
            "mmap" | "mprotect" => Decision::By(NO_CODE, Verdict::Allow),
            "fcntl" => Decision::By(LOOKS, Verdict::Allow),
            "clone" => Decision::By(THREAD, Verdict::Allow),
            // Its flags are in memory; the C library falls back to clone.
            "clone3" => Decision::Is(Verdict::Fail(libc::ENOSYS)),
            name if named(ALLOWED, name) || (opens && named(OPENS, name)) => {
                Decision::Is(Verdict::Allow)
            }
            name if named(ENDS, name) => Decision::Is(Verdict::Kill),
            _ => Decision::Is(Verdict::FailUntold(EPERM)),
        };
        let mut calls: Vec<(u32, Decision)> =
            numbers::NATIVE.iter().map(|(name, number)| (*number, decide(name))).collect();
        calls.sort_unstable_by_key(|(number, _)| *number);
        let program = assemble_whole(&ranges(&calls));
        if program.len() > MOST_INSTRUCTIONS {
            return Err(SeccompError::TooLong(program.len()));
        }
        let denied = std::collections::BTreeSet::new();
        Ok(Self { program: assemble::silent(&program), telling: None, denied })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_misspelt_or_in_both_lists() {
        let mut seen = std::collections::BTreeSet::new();
        for name in [ALLOWED, OPENS, ENDS].into_iter().flat_map(str::split_ascii_whitespace) {
            assert!(super::super::is_known_syscall(name) && seen.insert(name), "{name}");
        }
        let (all, fewer) = (Filter::of_reader(true).unwrap(), Filter::of_reader(false).unwrap());
        assert_ne!(all, fewer);
    }
}
