//! A refused call in one line: its name, and of its arguments those that decide. Never an address:
//! what that points to is the caller's to change, and its number means nothing.

use std::fmt::Write as _;

const NAMESPACES: &[(u32, &str)] = &[
    (0x80, "CLONE_NEWTIME"),
    (0x2_0000, "CLONE_NEWNS"),
    (0x80_0000, "CLONE_UNTRACED"),
    (0x200_0000, "CLONE_NEWCGROUP"),
    (0x400_0000, "CLONE_NEWUTS"),
    (0x800_0000, "CLONE_NEWIPC"),
    (0x1000_0000, "CLONE_NEWUSER"),
    (0x2000_0000, "CLONE_NEWPID"),
    (0x4000_0000, "CLONE_NEWNET"),
];

const FAMILIES: &[(u32, &str)] = &[
    (1, "AF_UNIX"),
    (2, "AF_INET"),
    (10, "AF_INET6"),
    (15, "AF_KEY"),
    (16, "AF_NETLINK"),
    (17, "AF_PACKET"),
    (21, "AF_RDS"),
    (29, "AF_CAN"),
    (30, "AF_TIPC"),
    (31, "AF_BLUETOOTH"),
    (38, "AF_ALG"),
    (39, "AF_NFC"),
    (40, "AF_VSOCK"),
    (41, "AF_KCM"),
    (42, "AF_QIPCRTR"),
    (43, "AF_SMC"),
    (44, "AF_XDP"),
];

const TYPES: &[(u32, &str)] = &[
    (1, "SOCK_STREAM"),
    (2, "SOCK_DGRAM"),
    (3, "SOCK_RAW"),
    (5, "SOCK_SEQPACKET"),
    (6, "SOCK_DCCP"),
    (10, "SOCK_PACKET"),
];

const REQUESTS: &[(u32, &str)] = &[
    (0x5412, "TIOCSTI"),
    (0x541c, "TIOCLINUX"),
    (0x541d, "TIOCCONS"),
    (0x5423, "TIOCSETD"),
    (0x5457, "TIOCSLCKTRMIOS"),
    (0x5437, "TIOCVHANGUP"),
    (0x4b47, "KDSKBENT"),
    (0x4b49, "KDSKBSENT"),
    (0xc004_5877, "FIFREEZE"),
    (0xc004_5878, "FITHAW"),
    (0xc018_5879, "FITRIM"),
    (0x4008_6602, "FS_IOC_SETFLAGS"),
    (0x401c_5820, "FS_IOC_FSSETXATTR"),
];

/// The call for the record.
pub(super) fn shown(call: &str, arguments: &[u64; 6]) -> String {
    // The kernel and the filter look at this half.
    let [first, second, third, ..] =
        arguments.map(|argument| u32::try_from(argument & 0xffff_ffff).unwrap_or_default());
    let mut line = call.to_owned();
    let written = match call {
        "socket" | "socketpair" => {
            write!(line, "({}, {}, {third})", named(FAMILIES, first), named(TYPES, second & 0xf))
        }
        "clone" | "unshare" => write!(line, "({})", flags(first)),
        "setns" => write!(line, "({})", flags(second)),
        "ioctl" => match REQUESTS.iter().find(|(request, _)| *request == second) {
            Some((_, name)) => write!(line, "({name})"),
            None => write!(line, "({second:#x})"),
        },
        "chmod" | "fchmod" | "mknod" => write!(line, "(mode {second:#o})"),
        "fchmodat" | "fchmodat2" | "mknodat" => write!(line, "(mode {third:#o})"),
        "personality" => write!(line, "({first:#x})"),
        "seccomp" => write!(line, "({first}, flags {second:#x})"),
        "fcntl" | "sched_setscheduler" => write!(line, "({second})"),
        "ptrace" | "bpf" | "keyctl" | "prctl" | "prlimit64" => {
            write!(line, "({})", first.cast_signed())
        }
        _ => Ok(()),
    };
    // Text takes what is written to it.
    written.unwrap_or_default();
    line
}

fn named(names: &[(u32, &str)], number: u32) -> String {
    let found = names.iter().find(|(known, _)| *known == number);
    found.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

/// The namespaces among them, or the number if there is none.
fn flags(bits: u32) -> String {
    let names: Vec<&str> =
        NAMESPACES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    if names.is_empty() { format!("{bits:#x}") } else { names.join("|") }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn arguments_have_their_names_or_numbers() {
        for (call, arguments, expected) in [
            ("unshare", [0x1002_0000, 0, 0], "unshare(CLONE_NEWNS|CLONE_NEWUSER)"),
            ("setns", [3, 0, 0], "setns(0x0)"),
            ("clone", [0x1000_0011, 1, 2], "clone(CLONE_NEWUSER)"),
            ("ioctl", [0, 0x0100_0000_5412, 0], "ioctl(TIOCSTI)"),
            ("socket", [77, 0o2_000_003, 5], "socket(77, SOCK_RAW, 5)"),
            ("ptrace", [0x4206, 7, 0], "ptrace(16902)"),
            ("prctl", [0x5961_6d61, 0, 0], "prctl(1499557217)"),
            ("fchmodat", [1, 2, 0o4755], "fchmodat(mode 0o4755)"),
            ("personality", [0x0004_0000, 0, 0], "personality(0x40000)"),
            ("mount", [u64::MAX, u64::MAX, u64::MAX], "mount"),
        ] {
            let [first, second, third] = arguments;
            assert_eq!(shown(call, &[first, second, third, 9, 9, 9]), expected);
        }
    }
}
