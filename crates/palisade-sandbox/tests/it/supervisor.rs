//! The supervisor's own confinement on a real process: each refusal has a twin without it.

use std::{net::ToSocketAddrs, process::Command, thread};

use libc::{
    EAFNOSUPPORT, ENOSYS, EPERM, SYS_add_key, SYS_bpf, SYS_capset, SYS_chroot, SYS_clone,
    SYS_clone3, SYS_execve, SYS_execveat, SYS_fanotify_init, SYS_finit_module, SYS_fsopen,
    SYS_io_uring_setup, SYS_ioctl, SYS_kexec_load, SYS_keyctl, SYS_mknodat, SYS_mmap, SYS_mount,
    SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open,
    SYS_personality, SYS_pidfd_getfd, SYS_prctl, SYS_process_vm_writev, SYS_ptrace, SYS_quotactl,
    SYS_reboot, SYS_setns, SYS_setresuid, SYS_settimeofday, SYS_socket, SYS_syslog, SYS_unshare,
    SYS_userfaultfd,
};
use palisade_sandbox::linux::supervisor::{Goes, confine, narrow};
use rustix::io::Errno;

use crate::{
    child::{As, run},
    sys::call,
};

/// `PTRACE_SEIZE` of a process that cannot be.
const SEIZE_NO_PROCESS: [usize; 6] = [0x4206, i32::MAX as usize, 0, 0, 0, 0];

fn confined(tracing: bool) {
    narrow().unwrap();
    confine(Goes { tracing, unfiltered: false }).unwrap();
}

/// (what, number, arguments, errno under the filter). Harmless without it.
fn attempts() -> Vec<(&'static str, i64, [usize; 6], i32)> {
    let none = usize::MAX;
    let map = |protection: usize, flags: usize| [0, 4096, protection, flags, none, 0];
    vec![
        ("execve", SYS_execve, [0; 6], EPERM),
        ("execveat", SYS_execveat, [none, 0, 0, 0, 0, 0], EPERM),
        ("a process", SYS_clone, [0x7e02_0000 | 0x200, 0, 0, 0, 0, 0], EPERM),
        ("clone3", SYS_clone3, [0; 6], ENOSYS),
        ("unshare", SYS_unshare, [0; 6], EPERM),
        ("setns", SYS_setns, [none, 0, 0, 0, 0, 0], EPERM),
        ("mount", SYS_mount, [0; 6], EPERM),
        ("fsopen", SYS_fsopen, [0; 6], EPERM),
        ("open_tree", SYS_open_tree, [none, 0, 0, 0, 0, 0], EPERM),
        ("chroot", SYS_chroot, [0; 6], EPERM),
        ("bpf", SYS_bpf, [0; 6], EPERM),
        ("finit_module", SYS_finit_module, [none, 0, 0, 0, 0, 0], EPERM),
        ("kexec_load", SYS_kexec_load, [0, 0, 0, none, 0, 0], EPERM),
        ("reboot", SYS_reboot, [0; 6], EPERM),
        ("settimeofday", SYS_settimeofday, [1, 0, 0, 0, 0, 0], EPERM),
        ("quotactl", SYS_quotactl, [0; 6], EPERM),
        ("syslog", SYS_syslog, [99, 0, 0, 0, 0, 0], EPERM),
        ("setresuid", SYS_setresuid, [none; 6], EPERM),
        ("capset", SYS_capset, [0; 6], EPERM),
        ("process_vm_writev", SYS_process_vm_writev, [1, 0, 0, 0, 0, 0], EPERM),
        ("pidfd_getfd", SYS_pidfd_getfd, [none, 0, 0, 0, 0, 0], EPERM),
        ("ptrace", SYS_ptrace, SEIZE_NO_PROCESS, EPERM),
        ("name_to_handle_at", SYS_name_to_handle_at, [0; 6], EPERM),
        ("open_by_handle_at", SYS_open_by_handle_at, [none, 0, 0, 0, 0, 0], EPERM),
        ("io_uring_setup", SYS_io_uring_setup, [0; 6], EPERM),
        ("perf_event_open", SYS_perf_event_open, [0; 6], EPERM),
        ("userfaultfd", SYS_userfaultfd, [none, 0, 0, 0, 0, 0], EPERM),
        ("keyctl", SYS_keyctl, [0, none - 2, 0, 0, 0, 0], EPERM),
        ("add_key", SYS_add_key, [0; 6], EPERM),
        ("fanotify_init", SYS_fanotify_init, [none, 0, 0, 0, 0, 0], EPERM),
        ("personality", SYS_personality, [0x0040_0000, 0, 0, 0, 0, 0], EPERM),
        ("memory to write and execute", SYS_mmap, map(7, 0x22), EPERM),
        ("memory to execute", SYS_mmap, map(5, 0x22), EPERM),
        ("PR_SET_DUMPABLE", SYS_prctl, [4, 1, 0, 0, 0, 0], EPERM),
        ("PR_SET_PTRACER", SYS_prctl, [0x5961_6d61, none, 0, 0, 0, 0], EPERM),
        ("raw socket", SYS_socket, [2, 3, 255, 0, 0, 0], EPERM),
        ("packet socket", SYS_socket, [17, 3, 0, 0, 0, 0], EAFNOSUPPORT),
        ("AF_ALG", SYS_socket, [38, 5, 0, 0, 0, 0], EAFNOSUPPORT),
        ("TIOCSTI", SYS_ioctl, [none, 0x5412, 0, 0, 0, 0], EPERM),
        ("TIOCSTI, high bits set", SYS_ioctl, [none, 0x5412 | 1 << 40, 0, 0, 0, 0], EPERM),
        ("a device", SYS_mknodat, [none, 0, 0o020_600, 0, 0, 0], EPERM),
        ("the next system call there will be", 480, [0; 6], ENOSYS),
    ]
}

#[test]
fn refuses_what_a_supervisor_never_does() {
    for who in [As::Caller, As::Ordinary] {
        run(who, &[], "supervisor::inside_refused");
    }
}

#[test]
fn the_same_calls_reach_the_kernel_otherwise() {
    run(As::Caller, &[], "supervisor::outside_not_refused");
}

#[test]
fn what_a_supervisor_does_goes_on() {
    for who in [As::Caller, As::Ordinary] {
        run(who, &[], "supervisor::inside_goes_on");
    }
}

#[test]
fn tracing_is_left_to_who_has_to() {
    run(As::Ordinary, &[], "supervisor::inside_tracing");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kills_foreign_calls() {
    use std::os::unix::process::ExitStatusExt;
    for part in ["supervisor::inside_int80", "supervisor::inside_x32"] {
        let output = crate::child::output(As::Caller, &[], part, &[]);
        assert_eq!(output.status.signal(), Some(31), "{part}: {output:?}");
    }
}

#[test]
#[ignore = "run by refuses_what_a_supervisor_never_does"]
fn inside_refused() {
    confined(false);
    let refused = || {
        for (what, number, arguments, errno) in attempts() {
            let answer = call(number, arguments);
            assert_eq!(answer, Err(Errno::from_raw_os_error(errno)), "{what}");
        }
    };
    refused();
    // A thread that is started later is no way out.
    thread::spawn(refused).join().unwrap();
    assert!(Command::new("true").status().is_err());
}

#[test]
#[ignore = "run by the_same_calls_reach_the_kernel_otherwise"]
fn outside_not_refused() {
    let mut differs = 0;
    for (what, number, arguments, errno) in attempts() {
        let answer = call(number, arguments);
        if answer == Err(Errno::from_raw_os_error(errno)) {
            println!("note: {what} is refused here without the filter too");
        } else {
            differs += 1;
        }
    }
    assert!(differs >= 25, "only {differs} attempts were the filter's to refuse");
}

#[test]
#[ignore = "run by what_a_supervisor_does_goes_on"]
fn inside_goes_on() {
    let started = std::time::Instant::now();
    confined(false);
    println!("note: confined in {:?}", started.elapsed());
    let resolved = thread::spawn(|| ("localhost", 80).to_socket_addrs().unwrap().count());
    assert!(resolved.join().unwrap() > 0);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    std::os::unix::net::UnixStream::pair().unwrap();
    let folder = std::env::temp_dir().join(format!("palisade-goes-on-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a"), "x").unwrap();
    std::fs::rename(folder.join("a"), folder.join("b")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(status("NoNewPrivs"), "1");
    let held = u64::from_str_radix(&status("CapPrm"), 16).unwrap();
    // CAP_SETUID, SETPCAP, NET_ADMIN, SYS_MODULE, SYS_PTRACE, SYS_ADMIN.
    for bit in [7, 8, 12, 16, 19, 21] {
        assert_eq!(held & 1 << bit, 0, "{held:x}");
    }
    // A second time there is nothing to give up, and nothing is taken for given up that is not.
    assert!(narrow().is_ok());
}

fn status(name: &str) -> String {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:\t")));
    line.unwrap().to_owned()
}

#[test]
#[ignore = "run by tracing_is_left_to_who_has_to"]
fn inside_tracing() {
    confined(true);
    assert_eq!(call(SYS_ptrace, SEIZE_NO_PROCESS), Err(Errno::SRCH));
    assert_eq!(call(SYS_process_vm_writev, [1, 0, 0, 0, 0, 0]), Err(Errno::PERM));
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "run by kills_foreign_calls"]
fn inside_int80() {
    confined(false);
    println!("{}", crate::sys::getpid_by_int80());
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "run by kills_foreign_calls"]
fn inside_x32() {
    confined(false);
    println!("{:?}", call(0x4000_0000 | libc::SYS_getpid, [0; 6]));
}
