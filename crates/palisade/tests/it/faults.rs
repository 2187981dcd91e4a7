//! Each system call of the set-up fails in turn: either all layers stand, or nothing runs.

use std::{fs, path::Path, process::Command};

use crate::ran::{Ran, run};

/// What init, the supervisor and the agent's process call until the command runs.
const CALLS: &[(&str, i64)] = &[
    ("clone3", libc::SYS_clone3),
    ("prctl", libc::SYS_prctl),
    ("capset", libc::SYS_capset),
    ("setresuid", libc::SYS_setresuid),
    ("setresgid", libc::SYS_setresgid),
    ("sethostname", libc::SYS_sethostname),
    ("setsid", libc::SYS_setsid),
    ("setpgid", libc::SYS_setpgid),
    ("prlimit64", libc::SYS_prlimit64),
    ("close_range", libc::SYS_close_range),
    ("socketpair", libc::SYS_socketpair),
    ("socket", libc::SYS_socket),
    ("bind", libc::SYS_bind),
    ("listen", libc::SYS_listen),
    ("setsockopt", libc::SYS_setsockopt),
    ("sendmsg", libc::SYS_sendmsg),
    ("sendto", libc::SYS_sendto),
    ("recvmsg", libc::SYS_recvmsg),
    ("recvfrom", libc::SYS_recvfrom),
    ("ioctl", libc::SYS_ioctl),
    ("fsopen", libc::SYS_fsopen),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsmount", libc::SYS_fsmount),
    ("open_tree", libc::SYS_open_tree),
    ("move_mount", libc::SYS_move_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("mount", libc::SYS_mount),
    ("pivot_root", libc::SYS_pivot_root),
    ("umount2", libc::SYS_umount2),
    ("fchdir", libc::SYS_fchdir),
    ("chdir", libc::SYS_chdir),
    ("mkdirat", libc::SYS_mkdirat),
    ("symlinkat", libc::SYS_symlinkat),
    ("openat2", libc::SYS_openat2),
    ("statx", libc::SYS_statx),
    ("landlock_create_ruleset", libc::SYS_landlock_create_ruleset),
    ("landlock_add_rule", libc::SYS_landlock_add_rule),
    ("landlock_restrict_self", libc::SYS_landlock_restrict_self),
    ("seccomp", libc::SYS_seccomp),
    ("dup2", libc::SYS_dup2),
    ("dup3", libc::SYS_dup3),
    ("rt_sigprocmask", libc::SYS_rt_sigprocmask),
    ("signalfd4", libc::SYS_signalfd4),
    ("getrandom", libc::SYS_getrandom),
    ("flock", libc::SYS_flock),
    ("fdatasync", libc::SYS_fdatasync),
    ("fsync", libc::SYS_fsync),
    ("ftruncate", libc::SYS_ftruncate),
    ("epoll_create1", libc::SYS_epoll_create1),
    ("eventfd2", libc::SYS_eventfd2),
    ("mlockall", libc::SYS_mlockall),
    ("setgroups", libc::SYS_setgroups),
    ("unshare", libc::SYS_unshare),
    ("clone", libc::SYS_clone),
    ("wait4", libc::SYS_wait4),
    ("ppoll", libc::SYS_ppoll),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("fcntl", libc::SYS_fcntl),
    ("fstatfs", libc::SYS_fstatfs),
    ("fchmodat", libc::SYS_fchmodat),
    ("readlinkat", libc::SYS_readlinkat),
    ("unlinkat", libc::SYS_unlinkat),
    ("getdents64", libc::SYS_getdents64),
    ("pwrite64", libc::SYS_pwrite64),
    ("pipe2", libc::SYS_pipe2),
    ("sched_getaffinity", libc::SYS_sched_getaffinity),
    ("getsockname", libc::SYS_getsockname),
    ("epoll_ctl", libc::SYS_epoll_ctl),
];

/// Prints `confined` if every layer that a process can see of itself stands.
const LOOK: &str = r#"
import ctypes, os, platform
status = dict(l.split(":\t", 1) for l in open("/proc/self/status").read().splitlines() if ":\t" in l)
assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0
assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
# A filter of the test's own may be there: this call only ours refuses.
libc = ctypes.CDLL(None, use_errno=True)
keyctl = {"x86_64": 250, "aarch64": 219}[platform.machine()]
assert libc.syscall(keyctl, 0, -3, 0, 0, 0) == -1 and ctypes.get_errno() == 1, "no filter"
assert os.getuid() != 0 and os.getpid() < 10
assert len(open("/proc/net/dev").read().splitlines()) == 3, "no network namespace"
assert not os.path.exists(os.environ["OUTSIDE"])
try:
    open("/usr/planted", "w")
    raise SystemExit("not read-only")
except OSError:
    pass
try:
    os.listdir("/")
    raise SystemExit("no Landlock")
except PermissionError:
    pass
print("confined")
"#;

struct Fault<'a> {
    folder: &'a Path,
    errno: i32,
}

/// An ability that a launch relies on, the call by which it uses it (and with which arguments: see `fail_call.py`),
/// and what the kernel says where it is lacking.
struct Lack {
    ability: &'static str,
    call: (i64, &'static str),
    errno: i32,
    means: Means,
}

/// What a lack means.
#[derive(Clone, Copy)]
enum Means {
    /// Nothing runs. What is said names one of these.
    Refused(&'static [&'static str]),
    /// All layers stand without it.
    Runs,
}

/// A folder with all that a launch needs, and a file that is not for the agent.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["work", "home"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let outside = folder.path().join("outside");
    fs::write(&outside, "secret").unwrap();
    let policy = format!(
        "palisade: 1\nextends: [shell]\nprocess: {{environment: {{set: {{OUTSIDE: \"{}\"}}}}}}\n",
        outside.display()
    );
    fs::write(folder.path().join("p.yaml"), policy).unwrap();
    folder
}

impl Fault<'_> {
    /// Run with the call failing; whether the command ran.
    fn run(&self, name: &str, number: i64) -> bool {
        let ran = self.ran(number.to_string());
        assert!(!ran.stderr.contains("panicked"), "{name}: {ran}");
        let confined = ran.stdout == "confined\n";
        assert!(confined || ran.stdout.is_empty(), "{name}: {ran}");
        // Refused, ended at once, or the program itself could not do without the call.
        let told = ran.stderr.contains("palisade: ") || ran.stderr.contains("Error");
        assert!(confined || (ran.exit != 0 && told), "{name}: {ran}");
        confined
    }

    fn ran(&self, call: String) -> Ran {
        let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fail_call.py");
        let mut command = Command::new("python3");
        command
            .arg(helper)
            .args([call, self.errno.to_string()])
            .args([env!("CARGO_BIN_EXE_palisade"), "run", "--policy", "../p.yaml", "--"])
            .args(["python3", "-c", LOOK])
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.folder.join("home"))
            .env("PALISADE_STATE", self.folder.join("state"))
            .current_dir(self.folder.join("work"));
        run(&mut command)
    }
}

#[test]
fn a_call_that_fails_leaves_no_agent_with_a_layer_missing() {
    let folder = stage();
    let fault = Fault { folder: folder.path(), errno: libc::EPERM };
    assert!(fault.run("nothing", -1), "without a fault it runs");
    let ran: Vec<_> = CALLS
        .iter()
        .filter(|(name, number)| fault.run(name, *number))
        .map(|(name, _)| *name)
        .collect();
    // What a launch cannot do without: had it run, the list above would prove nothing.
    for name in
        ["clone3", "landlock_restrict_self", "seccomp", "capset", "pivot_root", "move_mount"]
    {
        assert!(!ran.contains(&name), "{name} failed, and the command ran");
    }
    let fault = Fault { errno: libc::ENOSYS, ..fault };
    for (name, number) in CALLS.iter().step_by(3) {
        fault.run(name, *number);
    }
}

/// Worse than a call that fails is one that says yes and does nothing, as under a system that imitates this
/// one: what was put up is looked at.
#[test]
fn a_call_that_does_nothing_and_says_yes_leaves_no_agent_with_a_layer_missing() {
    let folder = stage();
    let fault = Fault { folder: folder.path(), errno: 0 };
    for (name, number) in [
        ("capset", libc::SYS_capset),
        ("prctl", libc::SYS_prctl),
        ("landlock_restrict_self", libc::SYS_landlock_restrict_self),
        ("seccomp", libc::SYS_seccomp),
        ("pivot_root", libc::SYS_pivot_root),
        ("umount2", libc::SYS_umount2),
        ("move_mount", libc::SYS_move_mount),
    ] {
        assert!(!fault.run(name, number), "{name} did nothing, and the command ran");
    }
}

/// As an ordinary user nothing can be tried any more once the supervisor has put its memory out of reach. Fails init
/// before that is found out by trials, then its step and `doctor` are named in place of the ability.
fn init_was_first(ran: &Ran) -> bool {
    !rustix::process::geteuid().is_root()
        && ran.stderr.starts_with("palisade: the sandbox cannot be put up: ")
        && ran.stderr.contains("palisade doctor")
}

const UNSHARE: i64 = libc::SYS_unshare;
const SOCKET: i64 = libc::SYS_socket;
const PRCTL: i64 = libc::SYS_prctl;

/// One after the other, what a launch relies on.
const LACKS: &[Lack] = &[
    refused("user namespaces", (libc::SYS_clone3, ""), libc::ENOSYS, &["user-namespace"]),
    refused("user namespaces", (libc::SYS_clone3, ""), libc::EPERM, &["user-namespace"]),
    refused("a mount namespace", (UNSHARE, "0=0x20000/0x20000"), libc::EINVAL, &["namespace"]),
    refused(
        "a network namespace",
        (UNSHARE, "0=0x40000000/0x40000000"),
        libc::EINVAL,
        &["network-namespace"],
    ),
    refused("an ipc namespace", (UNSHARE, "0=0x8000000/0x8000000"), libc::EINVAL, &["namespaces"]),
    refused("a uts namespace", (UNSHARE, "0=0x4000000/0x4000000"), libc::EINVAL, &["namespaces"]),
    refused(
        "a cgroup namespace",
        (UNSHARE, "0=0x2000000/0x2000000"),
        libc::EINVAL,
        &["cgroup namespace"],
    ),
    refused("nftables", (SOCKET, "0=16,2=12"), libc::EPROTONOSUPPORT, &["nftables"]),
    refused("netlink's routes", (SOCKET, "0=16,2=0"), libc::EAFNOSUPPORT, &["routes"]),
    refused(
        "internet sockets",
        (SOCKET, "0=2"),
        libc::EAFNOSUPPORT,
        &["listen for TCP", "nftables"],
    ),
    // The supervisor listens as well, and either of them may be told of first.
    refused(
        "to listen",
        (libc::SYS_listen, ""),
        libc::EOPNOTSUPP,
        &["listen for TCP", "nftables", "the socket that"],
    ),
    refused("file systems by descriptor", (libc::SYS_fsopen, ""), libc::ENOSYS, &["mount-api"]),
    refused("clones of trees", (libc::SYS_open_tree, ""), libc::ENOSYS, &["mount-api"]),
    refused("moves of mounts", (libc::SYS_move_mount, ""), libc::ENOSYS, &["mount-api"]),
    refused(
        "mounts' flags",
        (libc::SYS_mount_setattr, ""),
        libc::ENOSYS,
        &["mount-api", "make the mounts private"],
    ),
    refused("a root of its own", (libc::SYS_pivot_root, ""), libc::EINVAL, &["root"]),
    refused("leaving the host's root", (libc::SYS_umount2, ""), libc::EPERM, &["root"]),
    refused("ways without links", (libc::SYS_openat2, ""), libc::ENOSYS, &["look at"]),
    refused("Landlock", (libc::SYS_landlock_create_ruleset, ""), libc::EOPNOTSUPP, &["landlock"]),
    refused("Landlock's rules", (libc::SYS_landlock_add_rule, ""), libc::EINVAL, &["landlock"]),
    refused("a domain", (libc::SYS_landlock_restrict_self, ""), libc::EPERM, &["landlock"]),
    refused("filters", (libc::SYS_seccomp, "0=1"), libc::EINVAL, &["seccomp"]),
    Lack {
        ability: "a filter's listener",
        call: (libc::SYS_seccomp, "0=1,1=8/8"),
        errno: libc::EINVAL,
        means: Means::Runs,
    },
    refused("no_new_privs", (PRCTL, "0=38"), libc::EINVAL, &["no_new_privs"]),
    refused("the bounding set", (PRCTL, "0=24"), libc::EPERM, &["bounding set"]),
    refused("secure bits", (PRCTL, "0=28"), libc::EPERM, &["secure bits"]),
    refused("to die with the parent", (PRCTL, "0=1"), libc::EINVAL, &["die with the supervisor"]),
    refused("memory out of reach", (PRCTL, "0=4"), libc::EINVAL, &["look at init"]),
    refused("capabilities", (libc::SYS_capset, ""), libc::EPERM, &["capabilities"]),
    refused("limits", (libc::SYS_prlimit64, "1=4"), libc::EPERM, &["core dump"]),
    refused("a session", (libc::SYS_setsid, ""), libc::EPERM, &["session"]),
    refused("a user of its own", (libc::SYS_setresuid, ""), libc::EPERM, &["user"]),
    refused("a group of its own", (libc::SYS_setresgid, ""), libc::EPERM, &["group", "user"]),
    refused("a host name", (libc::SYS_sethostname, ""), libc::EPERM, &["host name"]),
    refused("to close all", (libc::SYS_close_range, ""), libc::ENOSYS, &["close-range"]),
    refused("signals to read", (libc::SYS_signalfd4, ""), libc::EINVAL, &["children"]),
    refused("pairs of sockets", (libc::SYS_socketpair, ""), libc::EAFNOSUPPORT, &["socket"]),
    refused("descriptors to hand over", (libc::SYS_sendmsg, ""), libc::EPERM, &["hand", "speak"]),
];

const fn refused(
    ability: &'static str,
    call: (i64, &'static str),
    errno: i32,
    says: &'static [&'static str],
) -> Lack {
    Lack { ability, call, errno, means: Means::Refused(says) }
}

/// Each ability is missing in turn: never does a command run with a layer less, and always is said which step it was
/// and what to do.
#[test]
fn each_ability_that_is_missing_is_named_with_a_remedy() {
    let folder = stage();
    let mut wrong = Vec::new();
    for Lack { ability, call: (number, arguments), errno, means } in LACKS {
        let fault = Fault { folder: folder.path(), errno: *errno };
        let call = match *arguments {
            "" => number.to_string(),
            arguments => format!("{number},{arguments}"),
        };
        let ran = fault.ran(call);
        let right = match means {
            Means::Runs => ran.exit == 0 && ran.stdout == "confined\n",
            Means::Refused(says) => {
                (ran.exit, ran.stdout.as_str()) == (125, "")
                    && ran.stderr.starts_with("palisade: ")
                    && (says.iter().any(|text| ran.stderr.contains(text)) || init_was_first(&ran))
                    && ran.stderr.lines().any(|line| line.starts_with("  try: "))
            }
        };
        if !right || ran.stderr.contains("panicked") {
            wrong.push(format!("{ability}: {ran}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
