//! Rules for calls whose arguments decide: sockets, clone, ioctl, prctl and the like.

use libc::{EACCES, EAFNOSUPPORT, EINVAL, ENOTTY, EPERM, EPROTONOSUPPORT};

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

const FILE_TYPE: u32 = 0o170_000;
const FILE_TYPES: &[u32] = &[0, 0o100_000, 0o010_000, 0o140_000];

/// `mknod(path, mode, dev)`: regular files, pipes and sockets; no devices and no overlay whiteouts.
#[cfg(target_arch = "x86_64")]
pub(super) const MKNOD: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::masked(1, FILE_TYPE, FILE_TYPES)])],
    otherwise: EPERM,
};

/// `mknodat(dir, path, mode, dev)`, likewise.
pub(super) const MKNODAT: Rule = Rule::Check {
    clauses: &[Clause::allow(&[Test::masked(2, FILE_TYPE, FILE_TYPES)])],
    otherwise: EPERM,
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

/// Of itself only: another process of the sandbox, init too, keeps its limits.
pub(super) const PRLIMIT: Rule =
    Rule::Check { clauses: &[Clause::allow(&[Test::is(0, &[0])])], otherwise: EPERM };

/// Filters may be stacked (browsers do), but not with a listener (SECCOMP_FILTER_FLAG_NEW_LISTENER):
/// a process that answers the calls of others is what the supervisor is.
pub(super) const SECCOMP: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[Test::is(0, &[0, 2])]),
        Clause::allow(&[Test::is(0, &[1]), Test::masked(1, 0x8, &[0])]),
    ],
    otherwise: EPERM,
};

pub(super) const PRCTL: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[Test::is(
            0,
            &[
                1,
                2, // PR_SET_PDEATHSIG, PR_GET_PDEATHSIG
                3,
                4, // PR_GET_DUMPABLE, PR_SET_DUMPABLE
                7,
                8, // PR_GET_KEEPCAPS, PR_SET_KEEPCAPS: there are none to keep
                13,
                15,
                16, // PR_GET_TIMING, PR_SET_NAME, PR_GET_NAME
                21,
                22, // PR_GET_SECCOMP, PR_SET_SECCOMP: has no listener
                23,
                24, // PR_CAPBSET_READ, PR_CAPBSET_DROP
                25,
                27, // PR_GET_TSC, PR_GET_SECUREBITS
                29,
                30, // PR_SET_TIMERSLACK, PR_GET_TIMERSLACK
                33,
                34, // PR_MCE_KILL, PR_MCE_KILL_GET
                36,
                37, // PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER
                38,
                39, // PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS
                40,
                41,
                42, // PR_GET_TID_ADDRESS, PR_SET_THP_DISABLE, PR_GET_THP_DISABLE
                45,
                46, // PR_SET_FP_MODE, PR_GET_FP_MODE
                50,
                51,
                54,
                55,
                56,
                60,
                61,
                63,
                64, // arm64: vectors, pointer authentication, tags
                52,
                53, // PR_GET_SPECULATION_CTRL, PR_SET_SPECULATION_CTRL: can only be tightened
                65,
                66, // PR_SET_MDWE, PR_GET_MDWE
                67,
                68, // PR_SET_MEMORY_MERGE, PR_GET_MEMORY_MERGE
                74,
                75,
                76,          // shadow stacks
                78,          // PR_FUTEX_HASH
                0x5356_4d41, // PR_SET_VMA: names of anonymous memory
                0x4155_5856, // PR_GET_AUXV
            ],
        )]),
        // PR_CAP_AMBIENT: is set, lower, clear; not raise.
        Clause::allow(&[Test::is(0, &[47]), Test::is(1, &[1, 3, 4])]),
        // Named, for `explain`: PR_SET_MM, PR_SET_PTRACER, PR_SET_SECUREBITS, PR_SET_TSC,
        // PR_SET_SYSCALL_USER_DISPATCH, PR_SET_IO_FLUSHER, PR_SCHED_CORE, PR_TASK_PERF_EVENTS_*.
        Clause::fail(EPERM, &[Test::is(0, &[35, 0x5961_6d61, 28, 26, 59, 57, 62, 31, 32])]),
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

/// `ioctl(2)` by request. The kernel takes an `unsigned int`, so the upper half is not compared.
pub(super) const IOCTL: Rule = Rule::Check {
    clauses: &[
        Clause::allow(&[Test::is(
            1,
            &[
                0x5401,
                0x5413,
                0x541b,
                0x5421, // TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO
                0x5450,
                0x5451,
                0x5452, // FIONCLEX, FIOCLEX, FIOASYNC
                0x5402,
                0x5403,
                0x5404, // TCSETS, TCSETSW, TCSETSF
                0x5405,
                0x5406,
                0x5407,
                0x5408, // TCGETA, TCSETA, TCSETAW, TCSETAF
                0x802c_542a,
                0x402c_542b,
                0x402c_542c,
                0x402c_542d, // TCGETS2, TCSETS2, -W2, -F2
                0x5409,
                0x540a,
                0x540b,
                0x5425, // TCSBRK, TCXONC, TCFLSH, TCSBRKP
                0x540c,
                0x540d,
                0x8004_5440, // TIOCEXCL, TIOCNXCL, TIOCGEXCL
                0x540e,
                0x5422, // TIOCSCTTY, TIOCNOTTY: of the sandbox's own terminals
                0x540f,
                0x5410,
                0x5429, // TIOCGPGRP, TIOCSPGRP, TIOCGSID
                0x5411,
                0x5414, // TIOCOUTQ, TIOCSWINSZ
                0x5415,
                0x5424, // TIOCMGET, TIOCGETD
                0x5420,
                0x8004_5438, // TIOCPKT, TIOCGPKT
                0x8004_5430,
                0x4004_5431,
                0x8004_5439,
                0x5441, // TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK, TIOCGPTPEER
                0x4004_5436,
                0x8004_5432,
                0x5456, // TIOCSIG, TIOCGDEV, TIOCGLCKTRMIOS
                0x5460, // FIOQSIZE
                0x4004_9409,
                0x4020_940d, // FICLONE, FICLONERANGE: copies that share blocks
                0x8008_6601,
                0x8008_7601,
                0x801c_581f,
                0xc020_660b, // FS_IOC_GETFLAGS, -GETVERSION, -FSGETXATTR, -FIEMAP
                0x8905,
                0x8906,
                0x8907, // SIOCATMARK, SIOCGSTAMP, SIOCGSTAMPNS
                0x8910,
                0x8912,
                0x8913,
                0x8915,
                0x8917,
                0x8919,
                0x891b, // SIOCGIFNAME, -CONF, -FLAGS, -ADDR, -DSTADDR, -BRDADDR, -NETMASK
                0x891d,
                0x8921,
                0x8927,
                0x8933,
                0x8942,
                0x8970,      // SIOCGIFMETRIC, -MTU, -HWADDR, -INDEX, -TXQLEN, -MAP
                0x8004_5200, // RNDGETENTCNT
            ],
        )]),
        Clause::fail(
            EPERM,
            &[Test::is(
                1,
                &[
                    0x5412,
                    0x541c,
                    0x541d,
                    0x5423, // TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD
                    0x4b47,
                    0x4b49,
                    0x5457,
                    0x5437, // KDSKBENT, KDSKBSENT, TIOCSLCKTRMIOS, TIOCVHANGUP
                    0xc004_5877,
                    0xc004_5878,
                    0xc018_5879, // FIFREEZE, FITHAW, FITRIM
                    0x4008_6602,
                    0x401c_5820, // FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR
                ],
            )],
        ),
    ],
    // What a file says to a request it does not know: programs take another way.
    otherwise: ENOTTY,
};
