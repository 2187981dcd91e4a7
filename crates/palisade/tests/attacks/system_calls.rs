//! Calls that a program has no need of, and the kernel's strange ways in.

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

#[test]
fn calls_that_this_build_does_not_know() {
    let Some(world) = World::plain() else { return };
    assert_eq!(world.attempt_inside(&["unknown-call"])["unknown-call"], "ENOSYS");
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
