//! Rules for calls whose arguments decide: sockets, clone, ioctl, prctl and the like.

use libc::{EACCES, EAFNOSUPPORT, EINVAL, ENOENT, ENOPROTOOPT, ENOTTY, EPERM, EPROTONOSUPPORT};

use super::rule::{Clause, Rule, Test};

const UNIX: u32 = 1;
const INET: u32 = 2;
const INET6: u32 = 10;
const NETLINK: u32 = 16;

const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
const RAW: u32 = 3;
const SEQUENCED: u32 = 5;

/// `SOCK_TYPE_MASK`: the rest are SOCK_CLOEXEC and SOCK_NONBLOCK.
const TYPE: u32 = 0xf;

/// The families of `socket(2)` that something inside needs, each with its type and protocol. A
/// check of the type alone lets MPTCP (262) and UDP-Lite (136) through, which no later layer sees.
pub(super) const SOCKET: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[
            Test::is(0, &[UNIX]),
            Test::masked(1, TYPE, &[STREAM, DATAGRAM, SEQUENCED]),
        ]),
        Clause::allow(&[
            Test::is(0, &[INET, INET6]),
            Test::masked(1, TYPE, &[STREAM]),
            Test::is(2, &[0, 6]),
        ]),
        Clause::allow(&[
            Test::is(0, &[INET, INET6]),
            Test::masked(1, TYPE, &[DATAGRAM]),
            Test::is(2, &[0, 17]),
        ]),
        // NETLINK_ROUTE, for getifaddrs(3).
        Clause::allow(&[
            Test::is(0, &[NETLINK]),
            Test::masked(1, TYPE, &[DATAGRAM, RAW]),
            Test::is(2, &[0]),
        ]),
        Clause::fail(EPERM, &[Test::is(0, &[INET, INET6]), Test::masked(1, TYPE, &[RAW])]),
        Clause::fail(
            EACCES,
            &[
                // Ping sockets, as with an empty `net.ipv4.ping_group_range`.
                Test::is(0, &[INET, INET6]),
                Test::masked(1, TYPE, &[DATAGRAM]),
                Test::is(2, &[1, 58]),
            ],
        ),
        Clause::fail(EPROTONOSUPPORT, &[Test::is(0, &[UNIX, INET, INET6, NETLINK])]),
    ],
    otherwise: EAFNOSUPPORT,
};

pub(super) const SOCKETPAIR: Rule = Rule::Check {
    clauses: &[Clause::allow(&[
        Test::is(0, &[UNIX]),
        Test::masked(1, TYPE, &[STREAM, DATAGRAM, SEQUENCED]),
    ])],
    otherwise: EAFNOSUPPORT,
};

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET, and CLONE_UNTRACED, which
/// would hide a child from a tracer. CLONE_NEWTIME (0x80) is a bit of the exit signal here; no
/// signal number has it.
const CLONE_REFUSED: u32 = 0x7e02_0080 | 0x0080_0000;

pub(super) const CLONE: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::masked(0, CLONE_REFUSED, &[0])])],
    otherwise: EPERM,
};

/// What `fcntl(2)` does to descriptors, locks, pipes and sealed memory. No leases (1024): whoever opens
/// a leased file waits up to 45 s for the holder, and a file that may only be read can be leased.
const FCNTL_ALLOWED: &[u32] = &[
    0, 1, 2, 3, 4, // F_DUPFD, descriptor and status flags
    5, 6, 7, // F_GETLK, F_SETLK, F_SETLKW
    8, 9, 10, 11, 15, 16, 17, // who gets SIGIO, among those that may be signalled
    36, 37, 38,   // open file description locks
    1025, // F_GETLEASE
    1026, // F_NOTIFY: dnotify
    1027, 1028, // F_DUPFD_QUERY, F_CREATED_QUERY
    1029, // F_CANCELLK
    1030, // F_DUPFD_CLOEXEC
    1031, 1032, // the size of a pipe
    1033, 1034, // seals
    1035, 1036, 1037, 1038, // read and write hints
];

pub(super) const FCNTL: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[Test::is(1, FCNTL_ALLOWED)]),
        Clause::fail(EPERM, &[Test::is(1, &[1024])]),
    ],
    // What the kernel says to a command it does not know.
    otherwise: EINVAL,
};

const SET_USER_ID: u32 = 0o4000;
const SET_GROUP_ID: u32 = 0o2000;

const fn mode(clauses: &'static [Clause]) -> Rule {
    Rule::Check { clauses, otherwise: EPERM }
}

/// `chmod(path, mode)` and `fchmod(fd, mode)` without the set-user-id bit: the file is on the host as
/// well, the operator's own, and any user of the machine could run it.
pub(super) const MODE_1: Rule = mode(&[Clause::allow(&[Test::masked(1, SET_USER_ID, &[0])])]);

/// `fchmodat(dir, path, mode)` and `fchmodat2`, likewise.
pub(super) const MODE_2: Rule = mode(&[Clause::allow(&[Test::masked(2, SET_USER_ID, &[0])])]);

const SET_ID: u32 = SET_USER_ID | SET_GROUP_ID;
const MODE_1_ROOT: Rule = mode(&[Clause::allow(&[Test::masked(1, SET_ID, &[0])])]);
const MODE_2_ROOT: Rule = mode(&[Clause::allow(&[Test::masked(2, SET_ID, &[0])])]);

/// O_CREAT and the bit of O_TMPFILE that is its own: without either the mode has no meaning, and
/// may be whatever the register held.
const MAKES: u32 = 0o100 | 0o20_000_000;

/// `open(path, flags, mode)` makes no set-id file either. The kernel takes the bit away when something
/// is written, but not when root does the writing: who copies a program over the file makes it one.
#[cfg(target_arch = "x86_64")]
pub(super) const OPEN: Rule = mode(&[
    Clause::allow(&[Test::masked(2, SET_USER_ID, &[0])]),
    Clause::allow(&[Test::masked(1, MAKES, &[0])]),
]);
#[cfg(target_arch = "x86_64")]
const OPEN_ROOT: Rule = mode(&[
    Clause::allow(&[Test::masked(2, SET_ID, &[0])]),
    Clause::allow(&[Test::masked(1, MAKES, &[0])]),
]);

/// `openat(dir, path, flags, mode)`, likewise.
pub(super) const OPENAT: Rule = mode(&[
    Clause::allow(&[Test::masked(3, SET_USER_ID, &[0])]),
    Clause::allow(&[Test::masked(2, MAKES, &[0])]),
]);
const OPENAT_ROOT: Rule = mode(&[
    Clause::allow(&[Test::masked(3, SET_ID, &[0])]),
    Clause::allow(&[Test::masked(2, MAKES, &[0])]),
]);

const FILE_TYPE: u32 = 0o170_000;
const FILE_TYPES: &[u32] = &[0, 0o100_000, 0o010_000, 0o140_000];

/// `mknod(path, mode, dev)`: regular files, pipes and sockets, without a set-user-id bit; no devices and
/// no overlay whiteouts.
#[cfg(target_arch = "x86_64")]
pub(super) const MKNOD: Rule =
    mode(&[Clause::allow(&[Test::masked(1, FILE_TYPE | SET_USER_ID, FILE_TYPES)])]);
#[cfg(target_arch = "x86_64")]
const MKNOD_ROOT: Rule = mode(&[Clause::allow(&[Test::masked(1, FILE_TYPE | SET_ID, FILE_TYPES)])]);

/// `mknodat(dir, path, mode, dev)`, likewise.
pub(super) const MKNODAT: Rule =
    mode(&[Clause::allow(&[Test::masked(2, FILE_TYPE | SET_USER_ID, FILE_TYPES)])]);
const MKNODAT_ROOT: Rule =
    mode(&[Clause::allow(&[Test::masked(2, FILE_TYPE | SET_ID, FILE_TYPES)])]);

/// A call's rule where the files are root's on the host, if it is another: no set-group-id bit either.
/// Folders have a good use for it (a repository that a group shares), so it is free elsewhere.
pub(super) fn for_roots_files(call: &str) -> Option<Rule> {
    match call {
        "chmod" | "fchmod" | "creat" => Some(MODE_1_ROOT),
        "fchmodat" | "fchmodat2" => Some(MODE_2_ROOT),
        #[cfg(target_arch = "x86_64")]
        "open" => Some(OPEN_ROOT),
        "openat" => Some(OPENAT_ROOT),
        #[cfg(target_arch = "x86_64")]
        "mknod" => Some(MKNOD_ROOT),
        "mknodat" => Some(MKNODAT_ROOT),
        _ => None,
    }
}

/// RENAME_WHITEOUT leaves a device (0, 0) under the old name, which hides a file of an overlay's
/// lower layer: what `mknod` is refused for.
const RENAME_WHITEOUT: u32 = 4;

/// `renameat2(dir, path, dir, path, flags)`.
pub(super) const RENAMEAT2: Rule =
    mode(&[Clause::allow(&[Test::masked(4, RENAME_WHITEOUT, &[0])])]);

/// `madvise(2)` without MADV_MERGEABLE: pages that are merged with those of others tell, by the time that a write to
/// them takes, what the others hold. The same answer as of a kernel that cannot merge.
pub(super) const MADVISE: Rule = Rule::Check {
    clauses: &[
        Clause::fail(EINVAL, &[Test::is(2, &[12])]),
        // MADV_HWPOISON and MADV_SOFT_OFFLINE: the machine's memory, not its own.
        Clause::fail(EPERM, &[Test::is(2, &[100, 101])]),
        Clause::allow(&[Test::masked(2, 0, &[0])]),
    ],
    otherwise: EINVAL,
};

const SOL_SOCKET: u32 = 1;
const SOL_TCP: u32 = 6;
const SOL_UDP: u32 = 17;

/// `setsockopt(2)` without what puts code into the kernel or switches a socket over to rarely used parts
/// of it. Programs that ask for the latter go on without it, so they hear that it is not there.
pub(super) const SETSOCKOPT: Rule = Rule::Check {
    clauses: &[
        // SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF and _EBPF: programs that the
        // kernel compiles.
        Clause::fail(EPERM, &[Test::is(1, &[SOL_SOCKET]), Test::is(2, &[26, 50, 51, 52])]),
        // TCP_ULP: TLS in the kernel, and whatever other module has a name.
        Clause::fail(ENOENT, &[Test::is(1, &[SOL_TCP]), Test::is(2, &[31])]),
        // TCP_MD5SIG, TCP_MD5SIG_EXT, TCP_AO_*: routers' signatures.
        Clause::fail(
            ENOPROTOOPT,
            &[Test::is(1, &[SOL_TCP]), Test::is(2, &[14, 32, 38, 39, 40, 41])],
        ),
        // UDP_ENCAP: tunnels of IPsec, L2TP and GTP.
        Clause::fail(ENOPROTOOPT, &[Test::is(1, &[SOL_UDP]), Test::is(2, &[100])]),
        Clause::allow(&[Test::masked(1, 0, &[0])]),
    ],
    otherwise: ENOPROTOOPT,
};

/// `PER_LINUX`, or the query. Others relax memory protection (READ_IMPLIES_EXEC), randomisation,
/// or choose another ABI.
pub(super) const PERSONALITY: Rule =
    Rule::Check { clauses: &[Clause::allow(&[Test::is(0, &[0, 0xffff_ffff])])], otherwise: EPERM };

/// SCHED_OTHER, SCHED_BATCH and SCHED_IDLE, with or without SCHED_RESET_ON_FORK.
pub(super) const SCHED_SETSCHEDULER: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::masked(1, !0x4000_0000, &[0, 3, 5])])],
    otherwise: EPERM,
};

/// `RLIMIT_CORE`. Setting it is answered as if done: at the value that it has (see `agent`) the kernel
/// starts no program of the host's for a core dump, at any other it may, and programs that
/// forbid dumps of themselves give up when they cannot.
const CORE: u32 = 4;
/// `RLIMIT_RTTIME`, where it is kept what a process comes from (see `marks`). It means something to real-time threads alone, and
/// there are none: setting it is answered as if done.
const FROZEN: u32 = crate::linux::marks::FROZEN;

/// Of itself only: another process of the sandbox, init too, keeps its limits.
pub(super) const PRLIMIT: Rule = Rule::Check {
    clauses: &[
        // Nothing new: it is read.
        Clause::allow(&[Test::is(0, &[0]), Test::is(2, &[0]), Test::upper(2, &[0])]),
        Clause::fail(0, &[Test::is(0, &[0]), Test::is(1, &[CORE, FROZEN])]),
        Clause::allow(&[Test::is(0, &[0])]),
    ],
    otherwise: EPERM,
};

pub(super) const SETRLIMIT: Rule = Rule::Check {
    clauses: &[
        Clause::fail(0, &[Test::is(0, &[CORE, FROZEN])]),
        // Any other.
        Clause::allow(&[Test::masked(0, 0, &[0])]),
    ],
    otherwise: EPERM,
};

/// Filters may be stacked (browsers do), but not with a listener (SECCOMP_FILTER_FLAG_NEW_LISTENER):
/// a process that answers the calls of others is what the supervisor is.
pub(super) const SECCOMP: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[Test::is(0, &[0, 2])]),
        Clause::allow(&[Test::is(0, &[1]), Test::masked(1, 0x8, &[0])]),
    ],
    otherwise: EPERM,
};

/// Options that change only the caller and give it nothing.
const PRCTL_ALLOWED: &[u32] = &[
    1,           // PR_SET_PDEATHSIG
    2,           // PR_GET_PDEATHSIG
    3,           // PR_GET_DUMPABLE
    4,           // PR_SET_DUMPABLE
    7,           // PR_GET_KEEPCAPS
    8,           // PR_SET_KEEPCAPS: there are none to keep
    13,          // PR_GET_TIMING
    15,          // PR_SET_NAME
    16,          // PR_GET_NAME
    21,          // PR_GET_SECCOMP
    22,          // PR_SET_SECCOMP: cannot ask for a listener
    23,          // PR_CAPBSET_READ
    24,          // PR_CAPBSET_DROP
    25,          // PR_GET_TSC
    27,          // PR_GET_SECUREBITS
    29,          // PR_SET_TIMERSLACK
    30,          // PR_GET_TIMERSLACK
    33,          // PR_MCE_KILL
    34,          // PR_MCE_KILL_GET
    36,          // PR_SET_CHILD_SUBREAPER
    37,          // PR_GET_CHILD_SUBREAPER
    38,          // PR_SET_NO_NEW_PRIVS
    39,          // PR_GET_NO_NEW_PRIVS
    40,          // PR_GET_TID_ADDRESS
    41,          // PR_SET_THP_DISABLE
    42,          // PR_GET_THP_DISABLE
    45,          // PR_SET_FP_MODE
    46,          // PR_GET_FP_MODE
    50,          // PR_SVE_SET_VL
    51,          // PR_SVE_GET_VL
    52,          // PR_GET_SPECULATION_CTRL
    53,          // PR_SET_SPECULATION_CTRL
    54,          // PR_PAC_RESET_KEYS
    55,          // PR_SET_TAGGED_ADDR_CTRL
    56,          // PR_GET_TAGGED_ADDR_CTRL
    60,          // PR_PAC_SET_ENABLED_KEYS
    61,          // PR_PAC_GET_ENABLED_KEYS
    63,          // PR_SME_SET_VL
    64,          // PR_SME_GET_VL
    65,          // PR_SET_MDWE
    66,          // PR_GET_MDWE
    68,          // PR_GET_MEMORY_MERGE
    74,          // PR_GET_SHADOW_STACK_STATUS
    75,          // PR_SET_SHADOW_STACK_STATUS
    76,          // PR_LOCK_SHADOW_STACK_STATUS
    78,          // PR_FUTEX_HASH
    0x5356_4d41, // PR_SET_VMA: names of anonymous memory
    0x4155_5856, // PR_GET_AUXV
];

/// Options refused by name; one that is in neither list gets EINVAL.
const PRCTL_REFUSED: &[u32] = &[
    35,          // PR_SET_MM: rewrites what /proc shows of a process
    0x5961_6d61, // PR_SET_PTRACER
    26,          // PR_SET_TSC
    28,          // PR_SET_SECUREBITS
    31,          // PR_TASK_PERF_EVENTS_DISABLE
    32,          // PR_TASK_PERF_EVENTS_ENABLE
    57,          // PR_SET_IO_FLUSHER
    59,          // PR_SET_SYSCALL_USER_DISPATCH
    62,          // PR_SCHED_CORE
    67,          // PR_SET_MEMORY_MERGE: see `MADVISE`
];

pub(super) const PRCTL: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[Test::is(0, PRCTL_ALLOWED)]),
        // PR_CAP_AMBIENT: ask, lower and clear; not raise.
        Clause::allow(&[Test::is(0, &[47]), Test::is(1, &[1, 3, 4])]),
        Clause::fail(EPERM, &[Test::is(0, &[47])]),
        Clause::fail(EPERM, &[Test::is(0, PRCTL_REFUSED)]),
    ],
    // What the kernel says to an option it does not know.
    otherwise: EINVAL,
};

/// `ARCH_*` of `arch_prctl(2)`, without the vDSO mapping that only checkpointing needs.
#[cfg(target_arch = "x86_64")]
pub(super) const ARCH_PRCTL: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::is(
        0,
        &[
            0x1001, 0x1002, 0x1003, 0x1004, // the FS and GS bases
            0x1011, 0x1012, // whether CPUID traps
            0x1021, 0x1022, 0x1023, 0x1024, 0x1025, // extended state, AMX
            0x3001, // the C library's question for control-flow enforcement
            0x4001, 0x4002, 0x4003, // address masking
            0x5001, 0x5002, 0x5003, 0x5005, // shadow stacks
        ],
    )])],
    otherwise: EINVAL,
};

/// Requests to terminals, sockets and plain files, the most used first.
const IOCTL_ALLOWED: &[u32] = &[
    0x5401,      // TCGETS
    0x5413,      // TIOCGWINSZ
    0x541b,      // FIONREAD
    0x5421,      // FIONBIO
    0x5450,      // FIONCLEX
    0x5451,      // FIOCLEX
    0x5452,      // FIOASYNC
    0x5402,      // TCSETS
    0x5403,      // TCSETSW
    0x5404,      // TCSETSF
    0x5405,      // TCGETA
    0x5406,      // TCSETA
    0x5407,      // TCSETAW
    0x5408,      // TCSETAF
    0x802c_542a, // TCGETS2
    0x402c_542b, // TCSETS2
    0x402c_542c, // TCSETSW2
    0x402c_542d, // TCSETSF2
    0x5409,      // TCSBRK
    0x540a,      // TCXONC
    0x540b,      // TCFLSH
    0x5425,      // TCSBRKP
    0x540c,      // TIOCEXCL
    0x540d,      // TIOCNXCL
    0x8004_5440, // TIOCGEXCL
    0x540e,      // TIOCSCTTY: of the sandbox's own terminals
    0x5422,      // TIOCNOTTY
    0x540f,      // TIOCGPGRP
    0x5410,      // TIOCSPGRP
    0x5429,      // TIOCGSID
    0x5411,      // TIOCOUTQ
    0x5414,      // TIOCSWINSZ
    0x5415,      // TIOCMGET
    0x5424,      // TIOCGETD
    0x5420,      // TIOCPKT
    0x8004_5438, // TIOCGPKT
    0x8004_5430, // TIOCGPTN
    0x4004_5431, // TIOCSPTLCK
    0x8004_5439, // TIOCGPTLCK
    0x5441,      // TIOCGPTPEER
    0x4004_5436, // TIOCSIG: from the controlling side to its own session
    0x8004_5432, // TIOCGDEV
    0x5456,      // TIOCGLCKTRMIOS
    0x5460,      // FIOQSIZE
    0x4004_9409, // FICLONE: a copy that shares blocks
    0x4020_940d, // FICLONERANGE
    0x8008_6601, // FS_IOC_GETFLAGS
    0x8008_7601, // FS_IOC_GETVERSION
    0x801c_581f, // FS_IOC_FSGETXATTR
    0xc020_660b, // FS_IOC_FIEMAP
    0x8905,      // SIOCATMARK
    0x8906,      // SIOCGSTAMP
    0x8907,      // SIOCGSTAMPNS
    0x8910,      // SIOCGIFNAME
    0x8912,      // SIOCGIFCONF
    0x8913,      // SIOCGIFFLAGS
    0x8915,      // SIOCGIFADDR
    0x8917,      // SIOCGIFDSTADDR
    0x8919,      // SIOCGIFBRDADDR
    0x891b,      // SIOCGIFNETMASK
    0x891d,      // SIOCGIFMETRIC
    0x8921,      // SIOCGIFMTU
    0x8927,      // SIOCGIFHWADDR
    0x8933,      // SIOCGIFINDEX
    0x8942,      // SIOCGIFTXQLEN
    0x8970,      // SIOCGIFMAP
    0x8004_5200, // RNDGETENTCNT
];

/// Requests that do harm, named so that `explain` and a reader find them.
const IOCTL_REFUSED: &[u32] = &[
    0x5412,      // TIOCSTI: types into a terminal
    0x541c,      // TIOCLINUX: pastes into a console
    0x541d,      // TIOCCONS: takes the console's output
    0x5423,      // TIOCSETD: line disciplines are driver code
    0x5457,      // TIOCSLCKTRMIOS
    0x5437,      // TIOCVHANGUP
    0x4b47,      // KDSKBENT: rewrites the keyboard
    0x4b49,      // KDSKBSENT
    0xc004_5877, // FIFREEZE: stops a file system
    0xc004_5878, // FITHAW
    0xc018_5879, // FITRIM
    0x4008_6602, // FS_IOC_SETFLAGS: immutable files
    0x401c_5820, // FS_IOC_FSSETXATTR
];

/// `ioctl(2)` by request. The kernel takes an `unsigned int`, so the upper half is not compared.
pub(super) const IOCTL: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[Test::is(1, IOCTL_ALLOWED)]),
        Clause::fail(EPERM, &[Test::is(1, IOCTL_REFUSED)]),
    ],
    // What a file says to a request it does not know: programs take another way.
    otherwise: ENOTTY,
};
