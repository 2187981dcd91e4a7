//! Calls that a program has no need of, and the kernel's strange ways in.

use std::collections::BTreeSet;

use crate::{
    attempts::{
        Seen::{IfBuilt, IfBuiltRooted, Never, Works, WorksForRoot, WorksRooted},
        permitted, refused,
    },
    world::World,
};

#[test]
fn opens_sockets_that_no_later_layer_sees() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("socket-raw", "EPERM", WorksRooted),
            ("socket-raw-tcp", "EPERM", WorksRooted),
            ("socket-raw6", "EPERM", WorksRooted),
            ("socket-raw-cloexec", "EPERM", WorksRooted),
            ("socket-packet", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-packet-dgram", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-packet-old", "EPROTONOSUPPORT", IfBuiltRooted),
            ("socket-mptcp", "EPROTONOSUPPORT", IfBuilt),
            ("socket-mptcp6", "EPROTONOSUPPORT", IfBuilt),
            ("socket-udplite", "EPROTONOSUPPORT", IfBuilt),
            ("socket-sctp", "EPROTONOSUPPORT", IfBuilt),
            ("socket-sctp-many", "EPROTONOSUPPORT", IfBuilt),
            ("socket-dccp", "EPROTONOSUPPORT", IfBuilt),
            ("socket-smc", "EAFNOSUPPORT", IfBuilt),
            ("socket-smc-inet", "EPROTONOSUPPORT", IfBuilt),
            ("socket-vsock", "EAFNOSUPPORT", IfBuilt),
            ("socket-alg", "EAFNOSUPPORT", IfBuilt),
            ("socket-xdp", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-key", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-tipc", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-bluetooth", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-nfc", "EAFNOSUPPORT", IfBuilt),
            ("socket-can", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-kcm", "EAFNOSUPPORT", IfBuilt),
            ("socket-rds", "EAFNOSUPPORT", IfBuilt),
            ("socket-qipcrtr", "EAFNOSUPPORT", IfBuilt),
            ("socket-netlink-diag", "EPROTONOSUPPORT", IfBuilt),
            ("socket-netlink-audit", "EPROTONOSUPPORT", IfBuilt),
            ("socket-netlink-netfilter", "EPROTONOSUPPORT", IfBuilt),
            ("socket-netlink-uevent", "EPROTONOSUPPORT", IfBuilt),
            ("socket-netlink-generic", "EPROTONOSUPPORT", IfBuilt),
            ("socket-netlink-crypto", "EPROTONOSUPPORT", IfBuilt),
        ],
    );
}

#[test]
fn opens_the_sockets_that_programs_need() {
    let Some(world) = World::plain() else { return };
    permitted(&world, &["socket-tcp", "socket-udp", "socket-unix", "socket-netlink-route"]);
}

#[test]
fn traces_and_reads_other_processes() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("ptrace", "EPERM", Works),
            ("seize", "EPERM", Works),
            ("traceme", "EPERM", Works),
            ("readv", "EPERM", Works),
            ("writev", "EPERM", Works),
            ("pidfd-getfd", "EPERM", Works),
            ("kcmp", "EPERM", IfBuilt),
            ("move-pages", "EPERM", IfBuilt),
            ("process-madvise", "EPERM", WorksForRoot),
            ("prlimit", "EPERM", Works),
            ("set-mm", "EPERM", IfBuilt),
            ("dispatch", "EPERM", IfBuilt),
            ("clone-untraced", "EPERM", Works),
        ],
    );
}

#[test]
fn makes_namespaces() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("clone-user", "EPERM", Works),
            ("clone-mount", "EPERM", Works),
            ("clone-net", "EPERM", Works),
            ("clone-pid", "EPERM", Works),
            // Its flags are in memory: the call is not there at all.
            ("clone3-user", "ENOSYS", Works),
            ("unshare-user", "EPERM", Works),
            ("unshare-mount", "EPERM", WorksRooted),
            ("unshare-time", "EPERM", IfBuiltRooted),
            ("setns", "EPERM", WorksRooted),
        ],
    );
    permitted(&world, &["clone-plain"]);
}

#[test]
fn changes_the_mount_tree() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("mount", "EPERM", WorksRooted),
            ("bind", "EPERM", WorksRooted),
            ("remount", "EPERM", Never),
            ("umount", "EPERM", Never),
            ("chroot", "EPERM", WorksRooted),
            ("pivot", "EPERM", WorksRooted),
            ("fsopen", "EPERM", WorksRooted),
            ("fsconfig", "EPERM", WorksRooted),
            ("fsmount", "EPERM", WorksRooted),
            ("open-tree-attr", "EPERM", IfBuiltRooted),
            ("fspick", "EPERM", WorksRooted),
            ("open-tree", "EPERM", WorksRooted),
            ("move-mount", "EPERM", Never),
            ("mount-setattr", "EPERM", WorksRooted),
            ("listmount", "ENOSYS", IfBuilt),
            ("handle", "EPERM", Works),
            ("open-handle", "EPERM", WorksForRoot),
        ],
    );
}

#[test]
fn speaks_to_kernel_parts_that_nobody_needs() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("io-uring", "EPERM", IfBuilt),
            ("io-uring-register", "EPERM", Never),
            ("bpf", "EPERM", WorksForRoot),
            ("perf", "EPERM", IfBuilt),
            ("userfaultfd", "EPERM", IfBuilt),
            ("keyctl", "EPERM", IfBuilt),
            ("add-key", "EPERM", IfBuilt),
            ("request-key", "EPERM", IfBuilt),
            ("memfd-secret", "EPERM", IfBuilt),
            ("fanotify", "EPERM", IfBuilt),
            ("syslog", "EPERM", WorksForRoot),
            ("init-module", "EPERM", Never),
            ("finit-module", "EPERM", Never),
            ("kexec", "EPERM", Never),
            ("reboot", "EPERM", Never),
            ("swapon", "EPERM", Never),
            ("acct", "EPERM", Never),
            ("quotactl", "EPERM", Never),
            ("settime", "EPERM", Never),
            ("vhangup", "EPERM", Never),
            ("sethostname", "EPERM", WorksRooted),
            ("setdomainname", "EPERM", WorksRooted),
            ("lookup-dcookie", "ENOSYS", Never),
            ("fifo", "EPERM", WorksForRoot),
            ("sched-setattr", "EPERM", WorksForRoot),
            ("nice", "EACCES", WorksForRoot),
            // A filter with a listener answers the calls of others, as a supervisor does.
            ("listener", "EPERM", Works),
        ],
    );
    permitted(&world, &["filter"]);
}

/// Each is code that the kernel compiles, or a part of it that hardly anybody uses.
#[test]
fn reaches_rare_parts_by_an_option_of_a_socket() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("socket-filter", "EPERM", Works),
            ("reuseport-filter", "EPERM", Works),
            // Programs that ask for these go on without.
            ("udp-encap", "ENOPROTOOPT", IfBuilt),
            ("tcp-md5", "ENOPROTOOPT", IfBuilt),
        ],
    );
}

/// The time that a write to a merged page takes tells whether somebody else has the same.
#[test]
fn has_its_memory_merged_with_that_of_others() {
    let Some(world) = World::plain() else { return };
    refused(&world, &[("merge", "EPERM", IfBuilt), ("merge-advice", "EINVAL", IfBuilt)]);
    permitted(&world, &["dontneed-advice"]);
}

/// The kernel counts them for the whole machine, whoever made them.
#[test]
fn takes_the_machines_asynchronous_requests() {
    let Some(world) = World::plain() else { return };
    refused(&world, &[("aio", "ENOSYS", IfBuilt)]);
}

/// A newer kernel answers them; the filter lists what is allowed, so that it does not get to.
#[test]
fn calls_that_this_build_does_not_know() {
    let Some(world) = World::plain() else { return };
    for (word, outcome) in world.attempt_inside(&["unknown-call", "unknown-calls"]) {
        assert_eq!(outcome, "ENOSYS", "{word}");
    }
}

/// Every family, type and protocol, also with bits that the kernel does not look at.
#[test]
fn opens_every_kind_of_socket() {
    let Some(world) = World::plain() else { return };
    let program = "import ctypes, itertools, sys\n\
         libc = ctypes.CDLL(None)\n\
         def opened(family, kind, protocol):\n\
         \x20   got = libc.syscall(41, ctypes.c_ulong(family), ctypes.c_ulong(kind), ctypes.c_ulong(protocol))\n\
         \x20   return got >= 0 and libc.close(got) == 0\n\
         protocols = (0, 1, 2, 4, 6, 9, 12, 15, 16, 17, 33, 58, 103, 115, 132, 136, 255, 256, 262, 768)\n\
         high, flags = 0xdead << 32, 0o2004000\n\
         for one in itertools.product(range(64), range(11), protocols):\n\
         \x20   plain = opened(*one)\n\
         \x20   for other in ((one[0] | high, one[1], one[2]), (one[0], one[1] | high, one[2] | high),\n\
         \x20                 (one[0], one[1] | flags, one[2])):\n\
         \x20       if opened(*other) and not plain: print('DIFFERS', *one)\n\
         \x20   if plain: print(*one)\n";
    let program = &program.replace("syscall(41", &format!("syscall({}", libc::SYS_socket));
    let kinds = |text: &str| -> BTreeSet<(u32, u32, u32)> {
        let row = |line: &str| {
            let parts: Vec<u32> = line.split(' ').map(|part| part.parse().unwrap()).collect();
            (parts[0], parts[1], parts[2])
        };
        text.lines().map(row).collect()
    };
    let inside = kinds(world.inside_python(program).good());
    for (family, kind, protocol) in &inside {
        let known = match family {
            1 => [1, 2, 5].contains(kind),
            2 | 10 => matches!((kind, protocol), (1, 0 | 6) | (2, 0 | 17)),
            16 => [2, 3].contains(kind) && *protocol == 0,
            _ => false,
        };
        assert!(known, "family {family}, type {kind}, protocol {protocol} inside");
    }
    // What programs need is there, and unconfined there is more.
    assert!(inside.contains(&(2, 1, 0)) && inside.contains(&(1, 1, 0)) && inside.len() > 8);
    let outside = kinds(world.outside_python(program).good());
    assert!(outside.len() > inside.len() && outside.contains(&(16, 3, 4)), "{outside:?}");
}

/// Each bit by which a process gets a namespace, alone, in pairs, and with high bits that the kernel
/// does not look at.
#[test]
fn asks_for_namespaces_by_every_bit() {
    let Some(world) = World::plain() else { return };
    let bits = [
        0x80_u64,
        0x2_0000,
        0x200_0000,
        0x400_0000,
        0x800_0000,
        0x1000_0000,
        0x2000_0000,
        0x4000_0000,
    ];
    let mut words = Vec::new();
    for bit in bits {
        for flags in [bit, bit | 0x1000_0000, bit | 0xdead_0000_0000_0000] {
            words.push(format!("unshare-bits={flags}"));
            // For clone the lowest is part of the exit signal, and no namespace.
            if bit != 0x80 {
                words.push(format!("clone-bits={flags}"));
            }
        }
    }
    words.sort();
    words.dedup();
    for (word, outcome) in world.attempt_inside(&words) {
        assert_eq!(outcome, "EPERM", "{word}");
    }
    // With a user namespace anybody gets each of them.
    let with_user: Vec<String> =
        bits.iter().skip(1).map(|bit| format!("clone-bits={}", bit | 0x1000_0000)).collect();
    for (word, outcome) in world.attempt_outside(&with_user) {
        assert_eq!(outcome, "worked", "{word} unconfined");
    }
}

#[test]
fn relaxes_its_own_personality() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("personality", "EPERM", Works),
            ("no-random", "EPERM", Works),
            ("linux32", "EPERM", Works),
        ],
    );
}

/// SIGSYS.
#[cfg(target_arch = "x86_64")]
const KILLED: &str = "killed 31";

#[cfg(target_arch = "x86_64")]
#[test]
fn enters_the_kernel_by_int_0x80_and_x32() {
    let Some(world) = World::plain() else { return };
    let outside = world.attempt_outside(&["int80", "x32"]);
    if outside["int80"] != "worked" {
        println!("not in this kernel: 32-bit calls ({})", outside["int80"]);
    }
    if outside["x32"] != "worked" {
        println!("not in this kernel: x32 calls ({})", outside["x32"]);
    }
    let inside = world.attempt_inside(&["int80", "x32"]);
    assert_eq!((inside["int80"].as_str(), inside["x32"].as_str()), (KILLED, KILLED));
}

/// A whole program of another architecture: the smallest there is, which exits with 42.
#[cfg(target_arch = "x86_64")]
#[test]
fn runs_a_32_bit_program() {
    let Some(world) = World::plain() else { return };
    let code = [0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80];
    let (base, head) = (0x0804_8000_u32, 84_u32);
    let size = head + u32::try_from(code.len()).unwrap();
    let mut elf = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [2_u16, 3] {
        elf.extend(half.to_le_bytes()); // executable, i386
    }
    for word in [1, base + head, 52, 0, 0] {
        elf.extend(word.to_le_bytes());
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    for word in [1, 0, base, base, size, size, 5, 0x1000] {
        elf.extend(word.to_le_bytes()); // one segment, to read and execute
    }
    elf.extend(code);
    let program = world.at("work/small");
    palisade_testkit::write_program(&program, elf);
    let outside = world.outside_sh("./small");
    if outside.code == Some(126) {
        println!("not in this kernel: 32-bit programs ({})", outside.err.trim());
    } else {
        assert_eq!(outside.code, Some(42), "{outside}");
    }
    let inside = world.inside_sh("./small; echo $?");
    assert!(["159", "126"].contains(&inside.good()), "{inside}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn changes_segments_and_ports_of_the_processor() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[("modify-ldt", "EPERM", IfBuilt), ("iopl", "EPERM", Never), ("ioperm", "EPERM", Never)],
    );
}

#[test]
fn types_into_its_terminal() {
    let Some(world) = World::plain() else { return };
    // Kernels differ in whether TIOCSTI is there at all (`dev.tty.legacy_tiocsti`).
    let outside = world.attempt_outside(&["tiocsti", "tiocsti-high"]);
    for (word, outcome) in &outside {
        if outcome != "worked" {
            println!("not in this kernel: {word} ({outcome})");
        }
    }
    refused(
        &world,
        &[
            ("tiocsti", "EPERM", Never),
            ("tiocsti-high", "EPERM", Never),
            ("tiocsetd", "EPERM", Works),
            ("tioclinux", "EPERM", Never),
            ("tioccons", "EPERM", Never),
        ],
    );
    permitted(&world, &["terminal"]);
}

#[test]
fn makes_device_nodes() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("mknod-mem", "EPERM", WorksForRoot),
            ("mknod-null", "EPERM", WorksForRoot),
            ("mknod-disk", "EPERM", WorksForRoot),
            // A whiteout would hide a file of an overlay's lower layer.
            ("mknod-whiteout", "EPERM", Works),
        ],
    );
    permitted(&world, &["mkfifo"]);
}
