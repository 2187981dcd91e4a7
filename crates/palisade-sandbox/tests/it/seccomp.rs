//! The system call filter on a real process: each refusal has a twin without the filter.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use libc::{
    EAFNOSUPPORT, EINVAL, ENOSYS, ENOTTY, EPERM, EPROTONOSUPPORT, SYS_add_key, SYS_bpf, SYS_chroot,
    SYS_clone, SYS_clone3, SYS_fsopen, SYS_init_module, SYS_io_uring_setup, SYS_ioctl, SYS_kcmp,
    SYS_keyctl, SYS_mknodat, SYS_mount, SYS_name_to_handle_at, SYS_open_by_handle_at,
    SYS_open_tree, SYS_perf_event_open, SYS_personality, SYS_pidfd_getfd, SYS_prctl,
    SYS_process_vm_readv, SYS_ptrace, SYS_sched_setscheduler, SYS_seccomp, SYS_setns, SYS_socket,
    SYS_syslog, SYS_unshare, SYS_userfaultfd,
};
use palisade_sandbox::linux::seccomp::{Filter, SyscallPolicy};
use rustix::io::Errno;

use crate::{
    child::{As, output, run},
    sys::call,
};

const SIGSYS: i32 = 31;

/// `PTRACE_SEIZE` of a process that cannot be. Not `PTRACE_TRACEME`: a traced thread that ends stays
/// until its tracer waits for it, and so the test that started it would wait for ever.
const SEIZE_NO_PROCESS: [usize; 6] = [0x4206, i32::MAX as usize, 0, 0, 0, 0];

fn install(allow: &[&str], deny: &[&str]) {
    let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Filter::compile(&SyscallPolicy {
        allow: owned(allow),
        deny: owned(deny),
        watch_connect: false,
        hold_exec: false,
        watch_paths: false,
    })
    .unwrap()
    .install()
    .unwrap();
}

#[test]
fn refuses_for_real() {
    for who in [As::Caller, As::Ordinary] {
        run(who, &[], "seccomp::inside_refused");
    }
}

#[test]
fn the_same_calls_reach_the_kernel_without_the_filter() {
    run(As::Caller, &[], "seccomp::outside_not_refused");
}

#[test]
fn ordinary_programs_run_under_it() {
    run(As::Ordinary, &[], "seccomp::inside_programs");
}

/// (what, number, arguments, errno under the filter).
fn attempts() -> Vec<(&'static str, i64, [usize; 6], i32)> {
    let socket = |family, kind, protocol| [family, kind, protocol, 0, 0, 0];
    vec![
        ("unshare user", SYS_unshare, [0x1000_0000, 0, 0, 0, 0, 0], EPERM),
        ("setns", SYS_setns, [usize::MAX, 0, 0, 0, 0, 0], EPERM),
        ("clone in a user namespace", SYS_clone, [0x1000_0011, 0, 0, 0, 0, 0], EPERM),
        ("clone3", SYS_clone3, [0, 88, 0, 0, 0, 0], ENOSYS),
        ("mount", SYS_mount, [0; 6], EPERM),
        ("fsopen", SYS_fsopen, [0; 6], EPERM),
        ("open_tree", SYS_open_tree, [usize::MAX, 0, 0, 0, 0, 0], EPERM),
        ("chroot", SYS_chroot, [0; 6], EPERM),
        ("bpf", SYS_bpf, [0; 6], EPERM),
        ("perf_event_open", SYS_perf_event_open, [0; 6], EPERM),
        ("userfaultfd", SYS_userfaultfd, [usize::MAX, 0, 0, 0, 0, 0], EPERM),
        ("io_uring_setup", SYS_io_uring_setup, [0; 6], EPERM),
        ("keyctl", SYS_keyctl, [0, usize::MAX - 2, 0, 0, 0, 0], EPERM),
        ("add_key", SYS_add_key, [0; 6], EPERM),
        ("ptrace seize", SYS_ptrace, SEIZE_NO_PROCESS, EPERM),
        ("process_vm_readv", SYS_process_vm_readv, [1, 0, 0, 0, 0, 0], EPERM),
        ("pidfd_getfd", SYS_pidfd_getfd, [usize::MAX, 0, 0, 0, 0, 0], EPERM),
        ("kcmp", SYS_kcmp, [1, 1, 99, 0, 0, 0], EPERM),
        ("name_to_handle_at", SYS_name_to_handle_at, [0; 6], EPERM),
        ("open_by_handle_at", SYS_open_by_handle_at, [usize::MAX, 0, 0, 0, 0, 0], EPERM),
        ("init_module", SYS_init_module, [0; 6], EPERM),
        ("syslog", SYS_syslog, [99, 0, 0, 0, 0, 0], EPERM),
        ("personality", SYS_personality, [0x0040_0000, 0, 0, 0, 0, 0], EPERM),
        ("MPTCP", SYS_socket, socket(2, 1, 262), EPROTONOSUPPORT),
        ("UDP-Lite", SYS_socket, socket(2, 2, 136), EPROTONOSUPPORT),
        ("raw socket", SYS_socket, socket(2, 3, 255), EPERM),
        ("packet socket", SYS_socket, socket(17, 3, 0), EAFNOSUPPORT),
        ("vsock", SYS_socket, socket(40, 1, 0), EAFNOSUPPORT),
        ("AF_ALG", SYS_socket, socket(38, 5, 0), EAFNOSUPPORT),
        ("netfilter netlink", SYS_socket, socket(16, 3, 12), EPROTONOSUPPORT),
        ("sock_diag netlink", SYS_socket, socket(16, 3, 4), EPROTONOSUPPORT),
        ("a character device", SYS_mknodat, [usize::MAX, 0, 0o020_600, 0, 0, 0], EPERM),
        ("TIOCSTI", SYS_ioctl, [0, 0x5412, 0, 0, 0, 0], EPERM),
        ("TIOCSTI, high bits set", SYS_ioctl, [0, 0x5412 | 1 << 40, 0, 0, 0, 0], EPERM),
        ("FS_IOC_SETFLAGS", SYS_ioctl, [usize::MAX, 0x4008_6602, 0, 0, 0, 0], EPERM),
        ("an unknown ioctl", SYS_ioctl, [usize::MAX, 0x5000_9401, 0, 0, 0, 0], ENOTTY),
        ("a filter with a listener", SYS_seccomp, [1, 8, 0, 0, 0, 0], EPERM),
        ("PR_SET_MM", SYS_prctl, [35, 1, 0, 0, 0, 0], EPERM),
        ("PR_SET_PTRACER", SYS_prctl, [0x5961_6d61, usize::MAX, 0, 0, 0, 0], EPERM),
        ("an unknown prctl", SYS_prctl, [4711, 0, 0, 0, 0, 0], EINVAL),
        ("SCHED_FIFO", SYS_sched_setscheduler, [0, 1, 0, 0, 0, 0], EPERM),
        ("the next system call there will be", 480, [0; 6], ENOSYS),
    ]
}

#[test]
#[ignore = "run by refuses_for_real"]
fn inside_refused() {
    install(&[], &[]);
    for (what, number, arguments, errno) in attempts() {
        let answer = call(number, arguments);
        assert_eq!(answer, Err(Errno::from_raw_os_error(errno)), "{what}");
    }
    // It stays on after exec, and a policy's choice is kept.
    let unshare = Command::new("unshare").args(["-U", "true"]).stderr(Stdio::null()).status();
    assert!(!unshare.unwrap().success());
}

/// Without the filter each of them reaches the kernel's own checks, or works.
#[test]
#[ignore = "run by the_same_calls_reach_the_kernel_without_the_filter"]
fn outside_not_refused() {
    // These the kernel itself answers so: to an ioctl or prctl it does not know, to a number that
    // is no call, to a family or protocol that is not built in, to NULL for lack of a right.
    let same = |what: &str| {
        what.starts_with("an unknown") || what.starts_with("the next") || what == "PR_SET_MM"
    };
    let mut differs = 0;
    for (what, number, arguments, errno) in attempts() {
        if what == "clone in a user namespace" {
            continue; // would really fork
        }
        let answer = call(number, arguments);
        if answer == Err(Errno::from_raw_os_error(errno)) {
            assert!(
                same(what) || matches!(errno, EAFNOSUPPORT | EPROTONOSUPPORT | EPERM),
                "{what}: {answer:?}"
            );
            println!("note: {what} is refused here without the filter too");
        } else {
            differs += 1;
        }
    }
    assert!(differs >= 25, "only {differs} attempts were the filter's to refuse");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kills_the_32_bit_entry_and_x32() {
    for part in ["seccomp::inside_int80", "seccomp::inside_x32"] {
        let output = output(As::Caller, &[], part, &[]);
        assert_eq!(output.status.signal(), Some(SIGSYS), "{part}: {output:?}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "run by kills_the_32_bit_entry_and_x32"]
fn inside_int80() {
    install(&[], &[]);
    println!("{}", crate::sys::getpid_by_int80());
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "run by kills_the_32_bit_entry_and_x32"]
fn inside_x32() {
    install(&[], &[]);
    println!("{:?}", call(0x4000_0000 | libc::SYS_getpid, [0; 6]));
}

#[test]
fn a_policy_is_kept_for_real() {
    run(As::Caller, &[], "seccomp::inside_policy");
}

#[test]
#[ignore = "run by a_policy_is_kept_for_real"]
fn inside_policy() {
    install(&["ptrace"], &["socketpair"]);
    assert_eq!(call(SYS_ptrace, SEIZE_NO_PROCESS), Err(Errno::SRCH));
    assert_eq!(call(libc::SYS_socketpair, [1, 1, 0, 0, 0, 0]), Err(Errno::PERM));
}

#[test]
#[ignore = "run by ordinary_programs_run_under_it"]
fn inside_programs() {
    install(&[], &[]);
    std::thread::spawn(|| {}).join().unwrap();
    let folder = std::env::temp_dir().join(format!("palisade-programs-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let python = "import os, socket, subprocess, threading, multiprocessing, pty, select\n\
        subprocess.run(['true'], check=True)\n\
        t = threading.Thread(target=print); t.start(); t.join()\n\
        p = multiprocessing.Process(target=print); p.start(); p.join(); assert p.exitcode == 0\n\
        assert 'lo' in [name for _, name in socket.if_nameindex()]\n\
        pid, fd = pty.fork()\n\
        if pid == 0: os._exit(os.tcgetpgrp(0) != os.getpgrp())\n\
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n";
    let node = "const os = require('os'); if (!os.networkInterfaces()) process.exit(1); \
        require('child_process').execSync('true'); \
        new (require('worker_threads').Worker)('1', {eval: true});";
    let git = "git init -q r && cd r && git config user.email a@b && git config user.name a && \
        echo x > f && git add f && git commit -qm x && git gc -q && git clone -q . ../s";
    let gcc = "echo 'int main(void){return 0;}' > h.c && gcc h.c -o h && ./h";
    let terminal = "script -qec 'stty -a && tput cols' /dev/null";
    for (program, script, arguments) in [
        ("python3", python, &["/usr/bin/python3", "-c"][..]),
        ("node", node, &["/usr/bin/node", "-e"]),
        ("git", git, &["/bin/sh", "-ec"]),
        ("gcc", gcc, &["/bin/sh", "-ec"]),
        ("script", terminal, &["/bin/sh", "-ec"]),
    ] {
        if !["/usr/bin", "/bin"].iter().any(|at| std::path::Path::new(at).join(program).exists()) {
            println!("note: SKIPPED {program}, not installed");
            continue;
        }
        let done = Command::new(arguments[0])
            .args(&arguments[1..])
            .arg(script)
            .current_dir(&folder)
            .env("HOME", &folder)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{program}: {done:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
