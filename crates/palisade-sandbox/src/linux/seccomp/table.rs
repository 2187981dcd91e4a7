//! The calls, each with what happens to it and why. A call that no row names gets ENOSYS.

use libc::{ENOSYS, EPERM};

#[cfg(target_arch = "x86_64")]
use super::arguments::{ARCH_PRCTL, MKNOD, OPEN};
use super::{
    arguments::{
        CLONE, FCNTL, IOCTL, MADVISE, MKNODAT, MODE_1, MODE_2, OPENAT, PERSONALITY, PRCTL, PRLIMIT,
        RENAMEAT2, SCHED_SETSCHEDULER, SECCOMP, SETRLIMIT, SETSOCKOPT, SOCKET, SOCKETPAIR,
    },
    rule::{Row, Rule},
};

const fn allow(reason: &'static str, calls: &'static str) -> Row {
    Row { calls, rule: Rule::Allow, reason }
}

pub(super) const fn check(rule: Rule, reason: &'static str, calls: &'static str) -> Row {
    Row { calls, rule, reason }
}

/// Refused unless the policy allows it.
const fn refuse(errno: i32, reason: &'static str, calls: &'static str) -> Row {
    Row { calls, rule: Rule::Refuse(errno), reason }
}

/// Refused, whatever the policy says.
pub(super) const fn never(errno: i32, reason: &'static str, calls: &'static str) -> Row {
    Row { calls, rule: Rule::Never(errno), reason }
}

/// What either architecture has.
pub(super) const COMMON: &[Row] = &[
    // Files.
    allow(
        "reads and writes descriptors that are already open",
        "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek \
         sendfile copy_file_range splice tee vmsplice readahead fadvise64",
    ),
    check(OPENAT, "opens what the mount tree and Landlock grant; makes no set-id file", "openat"),
    allow("closes what is open", "close close_range"),
    allow(
        "file metadata",
        "newfstatat fstat statx statfs fstatfs faccessat faccessat2 readlinkat getdents64 \
         file_getattr",
    ),
    allow(
        "creates, renames and removes where the mount tree and Landlock grant writing",
        "mkdirat unlinkat renameat linkat symlinkat truncate ftruncate fallocate umask",
    ),
    check(RENAMEAT2, "renames; leaves no whiteout", "renameat2"),
    allow("owner and times, on mounts that are writable", "fchown fchownat utimensat"),
    check(MODE_1, "mode, on mounts that are writable; no set-id bit", "fchmod"),
    check(MODE_2, "mode, on mounts that are writable; no set-id bit", "fchmodat fchmodat2"),
    allow(
        "extended attributes; the trusted and security ones need capabilities",
        "setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr \
         flistxattr removexattr lremovexattr fremovexattr setxattrat getxattrat listxattrat \
         removexattrat",
    ),
    allow("flushes to disk", "fsync fdatasync sync syncfs sync_file_range"),
    allow("working directory", "getcwd chdir fchdir"),
    allow("descriptors, locks and pipes", "dup dup3 flock pipe2"),
    check(FCNTL, "descriptors, locks and pipes; no leases", "fcntl"),
    allow("watches files that may be read", "inotify_init1 inotify_add_watch inotify_rm_watch"),
    check(MKNODAT, "pipes, sockets and regular files; no devices, no set-id bit", "mknodat"),
    check(IOCTL, "terminals, sockets and plain files, by request", "ioctl"),
    // Waiting.
    allow(
        "waits for descriptors",
        "ppoll pselect6 epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 eventfd2 signalfd4",
    ),
    // Memory.
    allow(
        "its own memory",
        "mmap munmap mremap mprotect brk msync mincore mlock mlock2 munlock mlockall \
         munlockall mseal memfd_create membarrier pkey_alloc pkey_free pkey_mprotect \
         map_shadow_stack mbind set_mempolicy get_mempolicy set_mempolicy_home_node",
    ),
    check(MADVISE, "advice on its own memory; merges none with others'", "madvise"),
    // Processes and threads.
    check(CLONE, "threads and processes, in no new namespace", "clone"),
    allow(
        "runs programs that the mount tree grants, and ends",
        "execve execveat exit exit_group wait4 waitid",
    ),
    allow(
        "threads' bookkeeping",
        "set_tid_address set_robust_list get_robust_list rseq futex futex_waitv futex_wake \
         futex_wait futex_requeue gettid sched_yield restart_syscall",
    ),
    allow(
        "who and where it is",
        "getpid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgid \
         getsid setpgid setsid uname sysinfo getcpu times getrusage lsm_get_self_attr \
         lsm_list_modules",
    ),
    allow(
        "changes ids among those mapped, which is one, without capabilities",
        "setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid \
         capget capset",
    ),
    allow(
        "signals inside its pid namespace",
        "kill tkill tgkill pidfd_open pidfd_send_signal rt_sigaction rt_sigprocmask \
         rt_sigpending rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo \
         rt_tgsigqueueinfo sigaltstack",
    ),
    allow("its own limits", "getrlimit"),
    check(SETRLIMIT, "its own limits; those of core dumps and real-time threads stay", "setrlimit"),
    check(
        PRLIMIT,
        "its own limits; of no other process; those of core dumps and real-time threads stay",
        "prlimit64",
    ),
    check(PRCTL, "options that change only the caller and widen nothing", "prctl"),
    check(PERSONALITY, "the normal one only", "personality"),
    check(SECCOMP, "stacks a stricter filter; no listener", "seccomp"),
    allow(
        "narrows itself further",
        "landlock_create_ruleset landlock_add_rule landlock_restrict_self",
    ),
    allow(
        "priority downwards and processor choice, of what it may signal",
        "getpriority setpriority ioprio_get ioprio_set sched_getaffinity sched_setaffinity \
         sched_getparam sched_setparam sched_getscheduler sched_get_priority_max \
         sched_get_priority_min sched_rr_get_interval sched_getattr",
    ),
    check(SCHED_SETSCHEDULER, "normal, batch and idle; no real-time class", "sched_setscheduler"),
    // Time.
    allow(
        "clocks and timers",
        "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday getitimer \
         setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete \
         timerfd_create timerfd_settime timerfd_gettime",
    ),
    allow("randomness", "getrandom"),
    // Sockets.
    check(SOCKET, "unix, TCP and UDP, and netlink's interface list; nothing else", "socket"),
    check(SOCKETPAIR, "unix pairs", "socketpair"),
    allow(
        "uses sockets; where to is the network layer's to say",
        "bind connect listen accept accept4 getsockname getpeername getsockopt sendto recvfrom \
         sendmsg recvmsg sendmmsg recvmmsg shutdown",
    ),
    check(SETSOCKOPT, "options; no programs for the kernel, no rare protocols", "setsockopt"),
    // Between processes; a namespace of its own.
    allow(
        "System V and POSIX queues of its own namespace",
        "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl \
         mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
    ),
    // Refused; a policy may allow these.
    refuse(
        EPERM,
        "reads and writes other processes: undoes command rules by swapping argv",
        "ptrace process_vm_readv process_vm_writev",
    ),
    refuse(
        EPERM,
        "acts on other processes' memory; nothing needs it",
        "process_madvise process_mrelease move_pages migrate_pages kcmp",
    ),
    refuse(EPERM, "real-time and deadline classes; the arguments are in memory", "sched_setattr"),
    refuse(EPERM, "memory that cannot be paged out or seen by a tracer", "memfd_secret"),
    refuse(ENOSYS, "shows what other processes have in the page cache", "cachestat"),
    refuse(ENOSYS, "sets file flags such as immutable", "file_setattr"),
    refuse(ENOSYS, "obsolete", "remap_file_pages"),
    refuse(
        ENOSYS,
        "its mode is in memory, where no filter sees a set-id bit; programs fall back to openat",
        "openat2",
    ),
    refuse(
        ENOSYS,
        "the requests are counted for the whole machine, of which one sandbox could take all",
        "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents",
    ),
    refuse(EPERM, "keys are shared by user id, across sandboxes", "add_key request_key keyctl"),
    refuse(EPERM, "watches whole mounts", "fanotify_init fanotify_mark"),
    refuse(EPERM, "system clock", "adjtimex"),
    // Refused for good.
    never(
        ENOSYS,
        "its flags are in memory, where no filter sees them; the C library falls back to clone",
        "clone3",
    ),
    never(
        EPERM,
        "namespaces: a way to capabilities and to kernel code that is hostile ground",
        "unshare setns",
    ),
    never(
        EPERM,
        "changes the mount tree",
        "mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig \
         fsmount fspick mount_setattr",
    ),
    never(
        ENOSYS,
        "lists mounts with their origin on the host; programs fall back to mountinfo",
        "statmount listmount",
    ),
    never(
        EPERM,
        "opens files by number, past the mount tree",
        "name_to_handle_at open_by_handle_at",
    ),
    never(
        EPERM,
        "its operations pass no filter",
        "io_uring_setup io_uring_enter io_uring_register",
    ),
    never(
        EPERM,
        "loads code into the kernel",
        "bpf init_module finit_module delete_module kexec_load kexec_file_load",
    ),
    never(EPERM, "kernel measurement, with a long record of holes", "perf_event_open"),
    never(EPERM, "stops the kernel in the middle of a copy: an exploit's tool", "userfaultfd"),
    never(EPERM, "takes descriptors out of another process", "pidfd_getfd"),
    never(
        EPERM,
        "the machine's, not a sandbox's",
        "reboot swapon swapoff acct quotactl quotactl_fd syslog sethostname setdomainname \
         settimeofday clock_settime clock_adjtime vhangup",
    ),
    never(EPERM, "changes how security modules treat it", "lsm_set_self_attr"),
    never(ENOSYS, "gone from the kernel or never there", "lookup_dcookie nfsservctl"),
];

/// The calls of x86-64 alone: older forms of the above, and the processor's own.
#[cfg(target_arch = "x86_64")]
pub(super) const NATIVE_ONLY: &[Row] = &[
    allow(
        "older forms of calls that are allowed",
        "stat lstat access readlink getdents mkdir rmdir unlink rename link \
         symlink chown lchown utime utimes futimesat dup2 pipe poll select epoll_create \
         epoll_wait eventfd signalfd inotify_init getpgrp alarm pause time",
    ),
    check(OPEN, "opens what the mount tree and Landlock grant; makes no set-id file", "open"),
    check(MODE_1, "mode, on mounts that are writable; no set-id bit", "chmod creat"),
    allow("processes, in no new namespace", "fork vfork"),
    check(MKNOD, "pipes, sockets and regular files; no devices, no set-id bit", "mknod"),
    check(ARCH_PRCTL, "thread registers and processor features", "arch_prctl"),
    never(EPERM, "segments and ports of the processor; rare kernel code", "modify_ldt iopl ioperm"),
    never(ENOSYS, "tracing hooks that only the kernel's own trampolines call", "uretprobe uprobe"),
    never(
        ENOSYS,
        "obsolete, or never there",
        "uselib ustat sysfs _sysctl create_module get_kernel_syms query_module getpmsg \
         putpmsg afs_syscall tuxcall security set_thread_area get_thread_area epoll_ctl_old \
         epoll_wait_old vserver",
    ),
];

/// The calls of 64-bit ARM alone: none, its table is the common one.
#[cfg(target_arch = "aarch64")]
pub(super) const NATIVE_ONLY: &[Row] = &[];

/// Every row for this architecture.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    COMMON.iter().chain(NATIVE_ONLY)
}
