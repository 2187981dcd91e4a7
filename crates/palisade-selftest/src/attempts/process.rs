//! Becoming somebody else, and reaching other processes.

use std::{fs, os::unix::ffi::OsStrExt, path::Path};

use palisade_core::Layer;
use palisade_sandbox::{StepError, linux::sys::probe::in_child};
use rustix::{
    fs::{Gid, Uid},
    io::Errno,
    process::{
        Pid, PidfdFlags, pidfd_open, setpriority_process, test_kill_process,
        test_kill_process_group,
    },
    thread::{
        CapabilitySet, CapabilitySets, CpuSet, sched_getaffinity, sched_setaffinity,
        set_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    },
};

use crate::{
    Targets,
    attempt::{Act, Answers, Attempt, Outcome, errno, judge},
};

const OTHER_NAMESPACE: Answers = &[(Errno::SRCH, "it does not exist in its pid namespace")];
const NO_ROOT: Answers = &[
    (Errno::INVAL, "there is no root in its user namespace"),
    (Errno::PERM, "no capability to change ids"),
];
const NO_CAPABILITY: Answers = &[(Errno::PERM, "it has no capabilities")];

const fn attempt(name: &'static str, tries: &'static str, act: Act) -> Attempt {
    Attempt { name, tries, layer: Layer::Process, act }
}

macro_rules! shares {
    ($name:literal, $kind:literal, $link:literal) => {
        attempt(
            $name,
            concat!("be in the host's ", $kind, " namespace"),
            Act::Do(|targets| namespace(targets, $link)),
        )
    };
}

macro_rules! has {
    ($name:literal, $tries:literal, $line:literal, $wanted:expr, $good:literal) => {
        attempt($name, $tries, Act::Do(|_| Some(status($line, $wanted, $good))))
    };
}

const NONE: &str = "0000000000000000";

pub(super) static ATTEMPTS: &[Attempt] = &[
    attempt("signals_host_process", "signal a process of the host", Act::Do(signal)),
    attempt("signals_host_group", "signal a process group of the host", Act::Do(signal_group)),
    attempt("holds_host_process", "hold a process of the host", Act::Do(hold)),
    attempt("slows_host_process", "slow a process of the host", Act::Do(slow)),
    attempt("moves_host_process", "move a process of the host", Act::Do(pin)),
    attempt("signals_init", "signal init, which is no child", Act::Do(signal_init)),
    attempt("becomes_root", "setuid to root", Act::Do(|_| Some(become_root()))),
    attempt("joins_root_group", "setgid to root's group", Act::Do(|_| Some(join_root_group()))),
    attempt("takes_groups", "take more groups", Act::Do(|_| Some(take_groups()))),
    attempt("takes_capabilities", "take all capabilities", Act::Do(|_| Some(take_all()))),
    has!("has_capabilities", "have capabilities", "CapEff", NONE, "it has none"),
    has!("may_take_capabilities", "have capabilities to take", "CapPrm", NONE, "it has none"),
    has!("passes_capabilities", "pass capabilities on", "CapInh", NONE, "it has none"),
    has!("keeps_capabilities", "keep capabilities over exec", "CapAmb", NONE, "it has none"),
    has!("bounds_capabilities", "get capabilities from files", "CapBnd", NONE, "it cannot"),
    has!("may_gain_privileges", "gain privileges by exec", "NoNewPrivs", "1", "it cannot"),
    has!("has_no_filter", "call without a filter", "Seccomp", "2", "it has a filter"),
    shares!("shares_user_namespace", "user", "user"),
    shares!("shares_mount_namespace", "mount", "mnt"),
    shares!("shares_pid_namespace", "pid", "pid"),
    shares!("shares_network_namespace", "network", "net"),
    shares!("shares_ipc_namespace", "IPC", "ipc"),
    shares!("shares_host_name_namespace", "UTS", "uts"),
    shares!("shares_cgroup_namespace", "cgroup", "cgroup"),
    attempt("reads_supervisor_environment", "read the supervisor's environment", Act::Do(marker)),
    attempt("leaves_daemon", "leave a process behind", Act::Do(daemon)),
];

fn in_own_process(work: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
    in_child(|| work().map_err(|errno| StepError { step: "call".into(), errno }))
        .map_err(|error| error.errno)
}

fn become_root() -> Outcome {
    let root = Uid::from_raw(0);
    let became = in_own_process(|| set_thread_res_uid(root, root, root));
    judge(became, NO_ROOT, |()| "is user 0 now".to_owned())
}

fn join_root_group() -> Outcome {
    let root = Gid::from_raw(0);
    let joined = in_own_process(|| set_thread_res_gid(root, root, root));
    judge(joined, NO_ROOT, |()| "is in group 0 now".to_owned())
}

fn take_groups() -> Outcome {
    let taken = in_own_process(|| set_thread_groups(&[Gid::from_raw(0)]));
    judge(taken, NO_ROOT, |()| "is in more groups now".to_owned())
}

fn take_all() -> Outcome {
    let all = CapabilitySet::from_bits_retain(1 << 21); // CAP_SYS_ADMIN
    let sets = CapabilitySets { effective: all, permitted: all, inheritable: all };
    let taken = in_own_process(|| set_capabilities(None, sets));
    judge(taken, NO_CAPABILITY, |()| "has them now".to_owned())
}

fn host_process(targets: &Targets) -> Option<Pid> {
    Pid::from_raw(targets.host_process?)
}

/// Signal 0: the kernel checks everything and sends nothing.
fn signal(targets: &Targets) -> Option<Outcome> {
    let result = test_kill_process(host_process(targets)?);
    Some(judge(result, OTHER_NAMESPACE, |()| "it could be signalled".to_owned()))
}

fn signal_group(targets: &Targets) -> Option<Outcome> {
    let result = test_kill_process_group(Pid::from_raw(targets.host_group?)?);
    Some(judge(result, OTHER_NAMESPACE, |()| "it could be signalled".to_owned()))
}

fn hold(targets: &Targets) -> Option<Outcome> {
    let result = pidfd_open(host_process(targets)?, PidfdFlags::empty());
    Some(judge(result, OTHER_NAMESPACE, |_| "has a descriptor of it".to_owned()))
}

fn slow(targets: &Targets) -> Option<Outcome> {
    let pid = host_process(targets);
    let same = rustix::process::getpriority_process(pid);
    let result = same.and_then(|same| setpriority_process(pid, same));
    pid.map(|_| judge(result, OTHER_NAMESPACE, |()| "its priority can be set".to_owned()))
}

fn pin(targets: &Targets) -> Option<Outcome> {
    let pid = host_process(targets);
    let same: Result<CpuSet, Errno> = sched_getaffinity(pid);
    let result = same.and_then(|same| sched_setaffinity(pid, &same));
    pid.map(|_| judge(result, OTHER_NAMESPACE, |()| "it can be moved".to_owned()))
}

/// In the same namespace and of the same user, so that only Landlock's scope is left.
fn signal_init(targets: &Targets) -> Option<Outcome> {
    if !targets.scopes {
        return None;
    }
    let answers: Answers = &[(Errno::PERM, "Landlock's scope ends at the sandbox")];
    Some(judge(test_kill_process(Pid::from_raw(1)?), answers, |()| {
        "it could be signalled".to_owned()
    }))
}

/// What `/proc/self/status` says, which has to be this.
fn status(line: &str, wanted: &str, good: &str) -> Outcome {
    let text = match fs::read_to_string("/proc/self/status") {
        Ok(text) => text,
        Err(error) => return Outcome::Unclear(format!("/proc/self/status: {error}")),
    };
    let mut values = text.lines().filter_map(|row| row.split_once(":\t"));
    match values.find(|(name, _)| *name == line) {
        Some((_, value)) if value.trim() == wanted => Outcome::Stopped(good.to_owned()),
        Some((_, value)) => Outcome::Worked(format!("{line} is {}", value.trim())),
        None => Outcome::Unclear(format!("/proc/self/status has no {line}")),
    }
}

fn namespace(targets: &Targets, name: &str) -> Option<Outcome> {
    let (_, theirs) = targets.namespaces.iter().find(|(known, _)| known == name)?;
    Some(match fs::read_link(format!("/proc/self/ns/{name}")) {
        Ok(ours) if ours.as_os_str() == theirs.as_str() => {
            Outcome::Worked("it is in it".to_owned())
        }
        Ok(_) => Outcome::Stopped("it has one of its own".to_owned()),
        Err(error) => Outcome::Unclear(format!("/proc/self/ns/{name}: {error}")),
    })
}

/// Look for the marker in the environment of every process that can be seen.
fn marker(targets: &Targets) -> Option<Outcome> {
    let marker = targets.marker()?;
    let listed = match fs::read_dir("/proc") {
        Ok(listed) => listed,
        Err(error) => return Some(judge(Err::<(), _>(errno(&error)), &[], |()| String::new())),
    };
    let mut seen = 0;
    for entry in listed.flatten() {
        let name = entry.file_name();
        if !name.as_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        seen += 1;
        for file in ["environ", "cmdline"] {
            let Ok(bytes) = fs::read(Path::new("/proc").join(&name).join(file)) else { continue };
            if contains(&bytes, marker.as_bytes()) {
                return Some(Outcome::Worked(format!("found it in process {}", name.display())));
            }
        }
    }
    Some(Outcome::Stopped(format!("not among the {seen} processes in /proc, all its own")))
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && text.windows(wanted.len()).any(|window| window == wanted)
}

/// In a session of its own, and nobody waits for it. Whether it is gone is seen outside, by its name.
fn daemon(targets: &Targets) -> Option<Outcome> {
    let name = targets.abstract_socket.as_deref()?;
    let started = std::process::Command::new("setsid")
        .args(["-f", "sh", "-c", "sleep 30; : \"$0\"", name])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    match started {
        Ok(status) if status.success() => Some(Outcome::Seemed("left one".to_owned())),
        // No such program: nothing to aim with.
        _ => None,
    }
}
