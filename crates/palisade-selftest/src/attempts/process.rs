use std::{fs, os::unix::ffi::OsStrExt, path::Path};

use palisade_core::Layer;
use palisade_sandbox::{
    StepError,
    linux::sys::{attempt::Forbidden, probe::in_child},
};
use rustix::{
    fs::Uid,
    io::Errno,
    net::{AddressFamily, SocketType, socket},
    process::{Pid, test_kill_process},
    thread::set_thread_res_uid,
};

use crate::{
    Targets,
    attempt::{Attempt, Outcome, errno, judge},
};

/// What the system call filter answers.
const FILTER: &[(Errno, &str)] = &[
    (Errno::PERM, "refused by the system call filter"),
    (Errno::NOSYS, "unknown to the system call filter"),
];

macro_rules! forbidden {
    ($name:literal, $tries:literal, $call:expr) => {
        Attempt {
            name: $name,
            tries: $tries,
            layer: Layer::Process,
            make: |_| Some(judge($call.call(), FILTER, |()| "the kernel did it".to_owned())),
        }
    };
}

pub(super) const ATTEMPTS: &[Attempt] = &[
    Attempt {
        name: "opens_raw_socket",
        tries: "open a raw socket",
        layer: Layer::Process,
        make: |_| Some(raw_socket()),
    },
    forbidden!("traces_init", "ptrace another process", Forbidden::Ptrace(1)),
    Attempt {
        name: "becomes_root",
        tries: "setuid to root",
        layer: Layer::Process,
        make: |_| Some(become_root()),
    },
    forbidden!("mounts", "mount a file system", Forbidden::Mount),
    Attempt {
        name: "signals_host_process",
        tries: "signal a process of the host",
        layer: Layer::Process,
        make: signal,
    },
    Attempt {
        name: "reads_supervisor_environment",
        tries: "read the supervisor's environment",
        layer: Layer::Process,
        make: environments,
    },
    forbidden!("mounts_by_new_interface", "mount by fsopen", Forbidden::MountApi),
    forbidden!("makes_user_namespace", "make a user namespace", Forbidden::NewUserNamespace),
    forbidden!("enters_namespace", "enter another namespace", Forbidden::EnterNamespace),
    forbidden!(
        "reads_memory_of_init",
        "read another process's memory",
        Forbidden::ProcessVmRead(1)
    ),
    forbidden!("takes_descriptor", "take a descriptor of another process", Forbidden::PidfdGetfd),
    forbidden!("opens_by_handle", "open a file by its number", Forbidden::OpenByHandle),
    forbidden!("uses_io_uring", "use io_uring", Forbidden::IoUring),
    forbidden!("loads_bpf", "load a BPF program", Forbidden::Bpf),
    forbidden!("opens_perf_event", "open a perf event", Forbidden::PerfEvent),
    forbidden!("uses_userfaultfd", "use userfaultfd", Forbidden::UserFault),
    forbidden!("uses_keyring", "use the kernel's keyring", Forbidden::Keyctl),
    forbidden!("loads_module", "load a kernel module", Forbidden::LoadModule),
    forbidden!("loads_kernel", "load another kernel", Forbidden::Kexec),
    forbidden!(
        "types_for_operator",
        "type into the operator's terminal",
        Forbidden::TypeForOperator
    ),
    Attempt {
        name: "calls_by_x32_number",
        tries: "make a system call by its x32 number",
        layer: Layer::Process,
        make: |_| Some(by_x32()),
    },
];

/// In a process of its own: the filter's answer is a kill.
fn by_x32() -> Outcome {
    match in_child(|| {
        Forbidden::X32.call().map_err(|errno| StepError { step: "call".into(), errno })
    }) {
        Ok(()) => Outcome::Worked("the kernel did it".to_owned()),
        Err(error) if error.errno == Errno::CHILD => {
            Outcome::Stopped("killed by the system call filter".to_owned())
        }
        Err(error) => judge(Err::<(), _>(error.errno), FILTER, |()| String::new()),
    }
}

fn raw_socket() -> Outcome {
    let answers = &[
        (Errno::PERM, "refused by the system call filter"),
        (Errno::ACCESS, "refused by the system call filter"),
        (Errno::PROTONOSUPPORT, "refused by the system call filter"),
        (Errno::AFNOSUPPORT, "refused by the system call filter"),
    ];
    judge(
        socket(AddressFamily::INET, SocketType::RAW, Some(rustix::net::ipproto::ICMP)),
        answers,
        |_| "got one".to_owned(),
    )
}

fn become_root() -> Outcome {
    let root = Uid::from_raw(0);
    let answers = &[
        (Errno::INVAL, "there is no root in its user namespace"),
        (Errno::PERM, "no capability to change ids"),
    ];
    judge(set_thread_res_uid(root, root, root), answers, |()| "is user 0 now".to_owned())
}

/// Signal 0: the kernel checks everything and sends nothing.
fn signal(targets: &Targets) -> Option<Outcome> {
    let pid = Pid::from_raw(targets.host_process?)?;
    let answers = &[
        (Errno::SRCH, "it does not exist in its pid namespace"),
        (Errno::PERM, "it is another user's, and Landlock's scope ends at the sandbox"),
    ];
    Some(judge(test_kill_process(pid), answers, |()| "it could be signalled".to_owned()))
}

/// Look for the marker in the environment of every process that can be seen.
fn environments(targets: &Targets) -> Option<Outcome> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The twin: without the filter, root's calls reach the kernel, which finds fault with their
    /// arguments. What an ordinary user may not do anyway proves nothing, so it is not looked at.
    #[test]
    fn outside_the_calls_reach_the_kernel() {
        for call in [Forbidden::EnterNamespace, Forbidden::PidfdGetfd] {
            assert_eq!(call.call(), Err(Errno::BADF), "{call:?}");
        }
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let calls = [
            Forbidden::Mount,
            Forbidden::MountApi,
            Forbidden::OpenByHandle,
            Forbidden::Bpf,
            Forbidden::PerfEvent,
            Forbidden::Keyctl,
            Forbidden::ProcessVmRead(1),
        ];
        for call in calls {
            let errno = call.call().err();
            assert!(!matches!(errno, Some(Errno::PERM | Errno::NOSYS)), "{call:?}: {errno:?}");
        }
        let this = i32::try_from(std::process::id()).unwrap();
        for call in [Forbidden::NewUserNamespace, Forbidden::Ptrace(this)] {
            in_child(|| call.call().map_err(|errno| StepError { step: "call".into(), errno }))
                .unwrap();
        }
        assert!(matches!(raw_socket(), Outcome::Worked(_)));
        assert!(matches!(become_root(), Outcome::Worked(_)));
    }
}
