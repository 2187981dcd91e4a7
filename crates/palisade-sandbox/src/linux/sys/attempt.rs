//! System calls that nothing but an attacker makes, to show from inside that they are refused.
//!
//! Each is harmless where it is not: it names no process, no memory and no descriptor.

use rustix::io::Errno;

use super::clone::last_errno;

/// A call that a sandbox must refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forbidden {
    /// `ptrace(PTRACE_SEIZE, pid)`.
    Ptrace(i32),
    /// `process_vm_readv(pid)` of nothing.
    ProcessVmRead(i32),
    /// `pidfd_getfd`.
    PidfdGetfd,
    /// `unshare(CLONE_NEWUSER)`.
    NewUserNamespace,
    /// `setns` with no descriptor.
    EnterNamespace,
    /// `mount` of nothing on nothing.
    Mount,
    /// `fsopen`, the new interface of mounts.
    MountApi,
    /// `open_by_handle_at`: a file by its number.
    OpenByHandle,
    /// `io_uring_setup`.
    IoUring,
    /// `bpf`.
    Bpf,
    /// `perf_event_open`.
    PerfEvent,
    /// `userfaultfd`.
    UserFault,
    /// `keyctl`.
    Keyctl,
    /// `init_module`.
    LoadModule,
    /// `kexec_load`.
    Kexec,
    /// `TIOCSTI` on standard input: types for the operator.
    TypeForOperator,
    /// `getpid` by its number in the x32 table.
    X32,
}

impl Forbidden {
    /// Make the call.
    ///
    /// # Errors
    /// What the kernel says. EPERM and ENOSYS are the filter's answers; others (EFAULT, EBADF,
    /// EINVAL) mean that the call got past it.
    pub fn call(self) -> Result<(), Errno> {
        /// See `ioctl_tty(2)`.
        const TIOCSTI: usize = 0x5412;
        let none = usize::MAX;
        let pid = |pid: i32| usize::try_from(pid).unwrap_or(none);
        let (number, arguments): (i64, [usize; 6]) = match self {
            Forbidden::Ptrace(of) => (libc::SYS_ptrace, [0x4206, pid(of), 0, 0, 0, 0]),
            Forbidden::ProcessVmRead(of) => (libc::SYS_process_vm_readv, [pid(of), 0, 0, 0, 0, 0]),
            Forbidden::PidfdGetfd => (libc::SYS_pidfd_getfd, [none, 0, 0, 0, 0, 0]),
            Forbidden::NewUserNamespace => {
                (libc::SYS_unshare, [libc::CLONE_NEWUSER as usize, 0, 0, 0, 0, 0])
            }
            Forbidden::EnterNamespace => (libc::SYS_setns, [none, 0, 0, 0, 0, 0]),
            Forbidden::Mount => (libc::SYS_mount, [0; 6]),
            Forbidden::MountApi => (libc::SYS_fsopen, [0; 6]),
            Forbidden::OpenByHandle => (libc::SYS_open_by_handle_at, [none, 0, 0, 0, 0, 0]),
            Forbidden::IoUring => (libc::SYS_io_uring_setup, [0; 6]),
            Forbidden::Bpf => (libc::SYS_bpf, [none, 0, 0, 0, 0, 0]),
            Forbidden::PerfEvent => (libc::SYS_perf_event_open, [0; 6]),
            Forbidden::UserFault => (libc::SYS_userfaultfd, [none, 0, 0, 0, 0, 0]),
            Forbidden::Keyctl => (libc::SYS_keyctl, [0, none - 2, 0, 0, 0, 0]),
            Forbidden::LoadModule => (libc::SYS_init_module, [0; 6]),
            Forbidden::Kexec => (libc::SYS_kexec_load, [0, 0, 0, none, 0, 0]),
            Forbidden::TypeForOperator => (libc::SYS_ioctl, [0, TIOCSTI, 0, 0, 0, 0]),
            Forbidden::X32 => (0x4000_0000 | libc::SYS_getpid, [0; 6]),
        };
        let [a, b, c, d, e, f] = arguments;
        // SAFETY: every pointer among the arguments is NULL with length 0 and every descriptor is
        // one that cannot be open, so no memory or object of this process is touched. PTRACE_SEIZE
        // and process_vm_readv with an empty list change nothing in this process. unshare would move it
        // to a new namespace, which frees nothing.
        let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        if result >= 0 { Ok(()) } else { Err(last_errno()) }
    }
}
