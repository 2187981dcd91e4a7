//! System calls that nothing but an attacker makes, to show from inside that they are refused.
//!
//! Each is harmless where it is not: a pointer among its arguments is NULL or leads to no memory, a
//! descriptor is one that cannot be open, and what it would change is only the calling process.

use rustix::io::Errno;

use super::clone::{exit_now, last_errno};
use crate::linux::seccomp::number_of;

/// No descriptor, no memory, and flags that do not exist.
const NONE: usize = usize::MAX;
/// A process number above all that there can be.
const NO_PROCESS: usize = 0x7fff_ffff;
/// A clock that does not exist, and is no descriptor's.
const NO_CLOCK: usize = 0x7fff_fff0;
/// `KEY_SPEC_SESSION_KEYRING`, -3.
const SESSION_KEYRING: usize = NONE - 2;

/// A call that a sandbox must refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forbidden {
    call: &'static str,
    arguments: [usize; 6],
    entry: Entry,
}

/// How the kernel is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Native,
    /// By the number in the x32 table.
    #[cfg(target_arch = "x86_64")]
    X32,
    /// By the 32-bit entry.
    #[cfg(target_arch = "x86_64")]
    Int80,
}

impl Forbidden {
    // Other processes.
    /// `ptrace(PTRACE_TRACEME)`.
    pub const PTRACE_ME: Self = Self::new("ptrace", [0; 6]);
    /// `pidfd_getfd` of no process.
    pub const PIDFD_GETFD: Self = Self::new("pidfd_getfd", [NONE, 0, 0, 0, 0, 0]);
    /// `kcmp` of an unknown kind.
    pub const KCMP: Self = Self::new("kcmp", [1, 1, 99, 0, 0, 0]);
    /// `process_madvise` of no process.
    pub const PROCESS_MADVISE: Self = Self::new("process_madvise", [NONE, 0, 0, 0, 1, 0]);
    /// `process_mrelease` with a flag that does not exist.
    pub const PROCESS_MRELEASE: Self = Self::new("process_mrelease", [NONE, 1, 0, 0, 0, 0]);
    /// `move_pages` with flags that do not exist.
    pub const MOVE_PAGES: Self = Self::new("move_pages", [1, 0, 0, 0, 0, NONE]);
    /// `migrate_pages` of a process that cannot be.
    pub const MIGRATE_PAGES: Self = Self::new("migrate_pages", [NO_PROCESS, 0, 0, 0, 0, 0]);
    /// `prlimit64` of process 1, to look only.
    pub const LIMITS_OF_INIT: Self = Self::new("prlimit64", [1, 7, 0, 0, 0, 0]);

    // Namespaces.
    /// `unshare(CLONE_NEWUSER)`.
    pub const UNSHARE_USER: Self = Self::new("unshare", [0x1000_0000, 0, 0, 0, 0, 0]);
    /// `unshare(CLONE_NEWNS)`.
    pub const UNSHARE_MOUNT: Self = Self::new("unshare", [0x0002_0000, 0, 0, 0, 0, 0]);
    /// `unshare(CLONE_NEWPID)`.
    pub const UNSHARE_PID: Self = Self::new("unshare", [0x2000_0000, 0, 0, 0, 0, 0]);
    /// `unshare(CLONE_NEWNET)`.
    pub const UNSHARE_NET: Self = Self::new("unshare", [0x4000_0000, 0, 0, 0, 0, 0]);
    /// `unshare(CLONE_NEWIPC)`.
    pub const UNSHARE_IPC: Self = Self::new("unshare", [0x0800_0000, 0, 0, 0, 0, 0]);
    /// `unshare(CLONE_NEWUTS)`.
    pub const UNSHARE_UTS: Self = Self::new("unshare", [0x0400_0000, 0, 0, 0, 0, 0]);
    /// `unshare(CLONE_NEWCGROUP)`.
    pub const UNSHARE_CGROUP: Self = Self::new("unshare", [0x0200_0000, 0, 0, 0, 0, 0]);
    /// `unshare(CLONE_NEWTIME)`.
    pub const UNSHARE_TIME: Self = Self::new("unshare", [0x80, 0, 0, 0, 0, 0]);
    /// `clone(CLONE_NEWUSER)` of a child that ends at once.
    pub const CLONE_USER: Self = Self::new("clone", [0x1000_0011, 0, 0, 0, 0, 0]);
    /// `clone(CLONE_NEWNS)` of a child that ends at once.
    pub const CLONE_MOUNT: Self = Self::new("clone", [0x0002_0011, 0, 0, 0, 0, 0]);
    /// `clone(CLONE_NEWPID)` of a child that ends at once.
    pub const CLONE_PID: Self = Self::new("clone", [0x2000_0011, 0, 0, 0, 0, 0]);
    /// `clone(CLONE_NEWNET)` of a child that ends at once.
    pub const CLONE_NET: Self = Self::new("clone", [0x4000_0011, 0, 0, 0, 0, 0]);
    /// `clone3` without arguments.
    pub const CLONE3: Self = Self::new("clone3", [0; 6]);
    /// `setns` with no descriptor.
    pub const SETNS: Self = Self::new("setns", [NONE, 0, 0, 0, 0, 0]);

    // Mounts.
    /// `mount` of nothing on nothing.
    pub const MOUNT: Self = Self::new("mount", [0; 6]);
    /// `umount2` with flags that do not exist.
    pub const UMOUNT: Self = Self::new("umount2", [0, NONE, 0, 0, 0, 0]);
    /// `pivot_root` to nothing.
    pub const PIVOT_ROOT: Self = Self::new("pivot_root", [0; 6]);
    /// `chroot` to nothing.
    pub const CHROOT: Self = Self::new("chroot", [0; 6]);
    /// `fsopen` of nothing.
    pub const FSOPEN: Self = Self::new("fsopen", [0; 6]);
    /// `fsconfig` of nothing.
    pub const FSCONFIG: Self = Self::new("fsconfig", [NONE, NONE, 0, 0, 0, 0]);
    /// `fsmount` of nothing.
    pub const FSMOUNT: Self = Self::new("fsmount", [NONE, NONE, NONE, 0, 0, 0]);
    /// `fspick` of nothing.
    pub const FSPICK: Self = Self::new("fspick", [NONE, 0, NONE, 0, 0, 0]);
    /// `open_tree` with flags that do not exist.
    pub const OPEN_TREE: Self = Self::new("open_tree", [NONE, 0, NONE, 0, 0, 0]);
    /// `open_tree_attr` likewise.
    pub const OPEN_TREE_ATTR: Self = Self::new("open_tree_attr", [NONE, 0, NONE, 0, 0, 0]);
    /// `move_mount` likewise.
    pub const MOVE_MOUNT: Self = Self::new("move_mount", [NONE, 0, NONE, 0, NONE, 0]);
    /// `mount_setattr` likewise.
    pub const MOUNT_SETATTR: Self = Self::new("mount_setattr", [NONE, 0, NONE, 0, 0, 0]);
    /// `statmount` likewise.
    pub const STATMOUNT: Self = Self::new("statmount", [0, 0, 0, NONE, 0, 0]);
    /// `listmount` likewise.
    pub const LISTMOUNT: Self = Self::new("listmount", [0, 0, 0, NONE, 0, 0]);

    // Files.
    /// `name_to_handle_at` with flags that do not exist.
    pub const NAME_TO_HANDLE: Self = Self::new("name_to_handle_at", [NONE, 0, 0, 0, NONE, 0]);
    /// `open_by_handle_at`: a file by its number.
    pub const OPEN_BY_HANDLE: Self = Self::new("open_by_handle_at", [NONE, 0, 0, 0, 0, 0]);
    /// `mknodat` of memory, nowhere.
    pub const CHARACTER_DEVICE: Self = Self::new("mknodat", [NONE, 0, 0o020_600, 0x101, 0, 0]);
    /// `mknodat` of a disk, nowhere.
    pub const BLOCK_DEVICE: Self = Self::new("mknodat", [NONE, 0, 0o060_600, 0x800, 0, 0]);
    /// `fanotify_init` with flags that do not exist.
    pub const FANOTIFY_INIT: Self = Self::new("fanotify_init", [NONE, NONE, 0, 0, 0, 0]);
    /// `fanotify_mark` likewise.
    pub const FANOTIFY_MARK: Self = Self::new("fanotify_mark", [NONE, NONE, 0, 0, 0, 0]);
    /// `file_setattr` likewise.
    pub const FILE_SETATTR: Self = Self::new("file_setattr", [NONE, 0, 0, 0, NONE, 0]);
    /// `cachestat` likewise.
    pub const CACHESTAT: Self = Self::new("cachestat", [NONE, 0, 0, NONE, 0, 0]);

    // Parts of the kernel that are hostile ground.
    /// `io_uring_setup` without parameters.
    pub const IO_URING_SETUP: Self = Self::new("io_uring_setup", [0; 6]);
    /// `io_uring_enter` of no ring.
    pub const IO_URING_ENTER: Self = Self::new("io_uring_enter", [NONE, 0, 0, 0, 0, 0]);
    /// `io_uring_register` of no ring.
    pub const IO_URING_REGISTER: Self = Self::new("io_uring_register", [NONE, NONE, 0, 0, 0, 0]);
    /// `bpf` with a command that does not exist.
    pub const BPF: Self = Self::new("bpf", [NONE, 0, 0, 0, 0, 0]);
    /// `perf_event_open` of nothing.
    pub const PERF_EVENT: Self = Self::new("perf_event_open", [0; 6]);
    /// `userfaultfd` with flags that do not exist.
    pub const USERFAULTFD: Self = Self::new("userfaultfd", [NONE, 0, 0, 0, 0, 0]);
    /// `add_key` of nothing.
    pub const ADD_KEY: Self = Self::new("add_key", [0; 6]);
    /// `request_key` of nothing.
    pub const REQUEST_KEY: Self = Self::new("request_key", [0; 6]);
    /// `keyctl(KEYCTL_GET_KEYRING_ID)`.
    pub const KEYCTL: Self = Self::new("keyctl", [0, SESSION_KEYRING, 0, 0, 0, 0]);
    /// `init_module` of nothing.
    pub const INIT_MODULE: Self = Self::new("init_module", [0; 6]);
    /// `finit_module` of no file.
    pub const FINIT_MODULE: Self = Self::new("finit_module", [NONE, 0, NONE, 0, 0, 0]);
    /// `delete_module` of nothing.
    pub const DELETE_MODULE: Self = Self::new("delete_module", [0; 6]);
    /// `kexec_load` with flags that do not exist.
    pub const KEXEC_LOAD: Self = Self::new("kexec_load", [0, 0, 0, NONE, 0, 0]);
    /// `kexec_file_load` likewise.
    pub const KEXEC_FILE_LOAD: Self = Self::new("kexec_file_load", [NONE, NONE, 0, 0, NONE, 0]);
    /// `memfd_secret` likewise.
    pub const MEMFD_SECRET: Self = Self::new("memfd_secret", [NONE, 0, 0, 0, 0, 0]);
    /// `openat` of no name, to make it with a set-user-id bit.
    pub const OPEN_SET_ID: Self = Self::new("openat", [NONE, 0, 0o100, 0o4755, 0, 0]);
    /// `openat2` of no name.
    pub const OPENAT2: Self = Self::new("openat2", [NONE, 0, 0, 24, 0, 0]);
    /// `renameat2(RENAME_WHITEOUT)` of no name.
    pub const RENAME_WHITEOUT: Self = Self::new("renameat2", [NONE, 0, NONE, 0, 4, 0]);
    /// `setsockopt(SO_ATTACH_FILTER)` of no socket.
    pub const SOCKET_FILTER: Self = Self::new("setsockopt", [NONE, 1, 26, 0, 0, 0]);
    /// `setsockopt(SO_ATTACH_REUSEPORT_CBPF)` of no socket.
    pub const REUSEPORT_FILTER: Self = Self::new("setsockopt", [NONE, 1, 51, 0, 0, 0]);
    /// `setsockopt(UDP_ENCAP)` of no socket.
    pub const UDP_ENCAP: Self = Self::new("setsockopt", [NONE, 17, 100, 0, 0, 0]);
    /// `prctl(PR_SET_MEMORY_MERGE)` with an argument that must be zero.
    pub const MERGE_MEMORY: Self = Self::new("prctl", [67, 1, 1, 0, 0, 0]);
    /// `io_setup` into no memory.
    pub const IO_SETUP: Self = Self::new("io_setup", [1, 0, 0, 0, 0, 0]);
    /// `remap_file_pages` with a protection that does not exist.
    pub const REMAP_FILE_PAGES: Self = Self::new("remap_file_pages", [0, 0, NONE, 0, 0, 0]);
    /// `lsm_set_self_attr` of an attribute that does not exist.
    pub const LSM_SET_SELF: Self = Self::new("lsm_set_self_attr", [NONE, 0, 0, NONE, 0, 0]);
    /// `seccomp` of no filter, with a listener.
    pub const SECCOMP_LISTENER: Self = Self::new("seccomp", [1, 8, 0, 0, 0, 0]);

    // The machine.
    /// `reboot` without its magic numbers.
    pub const REBOOT: Self = Self::new("reboot", [0; 6]);
    /// `swapon` with flags that do not exist.
    pub const SWAPON: Self = Self::new("swapon", [0, NONE, 0, 0, 0, 0]);
    /// `swapoff` of nothing.
    pub const SWAPOFF: Self = Self::new("swapoff", [0; 6]);
    /// `acct` to a name in no memory.
    pub const ACCT: Self = Self::new("acct", [NONE, 0, 0, 0, 0, 0]);
    /// `quotactl` with a command that does not exist.
    pub const QUOTACTL: Self = Self::new("quotactl", [NONE, 0, 0, 0, 0, 0]);
    /// `quotactl_fd` likewise.
    pub const QUOTACTL_FD: Self = Self::new("quotactl_fd", [NONE, NONE, 0, 0, 0, 0]);
    /// `syslog` likewise.
    pub const SYSLOG: Self = Self::new("syslog", [99, 0, 0, 0, 0, 0]);
    /// `sethostname` to a name of negative length.
    pub const SETHOSTNAME: Self = Self::new("sethostname", [0, NONE, 0, 0, 0, 0]);
    /// `setdomainname` likewise.
    pub const SETDOMAINNAME: Self = Self::new("setdomainname", [0, NONE, 0, 0, 0, 0]);
    /// `settimeofday` to nothing.
    pub const SETTIMEOFDAY: Self = Self::new("settimeofday", [0; 6]);
    /// `clock_settime` of a clock that does not exist.
    pub const CLOCK_SETTIME: Self = Self::new("clock_settime", [NO_CLOCK, 0, 0, 0, 0, 0]);
    /// `clock_adjtime` likewise.
    pub const CLOCK_ADJTIME: Self = Self::new("clock_adjtime", [NO_CLOCK, 0, 0, 0, 0, 0]);
    /// `adjtimex` without a buffer.
    pub const ADJTIMEX: Self = Self::new("adjtimex", [0; 6]);

    // Itself.
    /// `sched_setscheduler(SCHED_FIFO)` without a priority.
    pub const SCHED_FIFO: Self = Self::new("sched_setscheduler", [0, 1, 0, 0, 0, 0]);
    /// `sched_setscheduler(SCHED_RR)` likewise.
    pub const SCHED_RR: Self = Self::new("sched_setscheduler", [0, 2, 0, 0, 0, 0]);
    /// `sched_setscheduler(SCHED_DEADLINE)` likewise.
    pub const SCHED_DEADLINE: Self = Self::new("sched_setscheduler", [0, 6, 0, 0, 0, 0]);
    /// `sched_setattr` to nothing.
    pub const SCHED_SETATTR: Self = Self::new("sched_setattr", [0; 6]);
    /// `personality(READ_IMPLIES_EXEC)`.
    pub const READ_IMPLIES_EXEC: Self = Self::new("personality", [0x0040_0000, 0, 0, 0, 0, 0]);
    /// `personality(ADDR_NO_RANDOMIZE)`.
    pub const NO_RANDOMIZE: Self = Self::new("personality", [0x0004_0000, 0, 0, 0, 0, 0]);
    /// `prctl(PR_SET_MM)`: rewrites what others see of a process.
    pub const SET_MM: Self = Self::new("prctl", [35, 1, 0, 0, 0, 0]);
    /// `prctl(PR_SET_PTRACER)`: anybody.
    pub const SET_PTRACER: Self = Self::new("prctl", [0x5961_6d61, NONE, 0, 0, 0, 0]);
    /// `prctl(PR_SET_SECUREBITS)` to none.
    pub const SECURE_BITS: Self = Self::new("prctl", [28, 0, 0, 0, 0, 0]);
    /// `prctl(PR_SET_SYSCALL_USER_DISPATCH)` to off.
    pub const USER_DISPATCH: Self = Self::new("prctl", [59, 0, 0, 0, 0, 0]);
    /// `prctl(PR_SCHED_CORE)` with a command that does not exist.
    pub const CORE_SCHEDULING: Self = Self::new("prctl", [62, 99, 0, 0, 0, 0]);
    /// `prctl(PR_SET_IO_FLUSHER)` to off.
    pub const IO_FLUSHER: Self = Self::new("prctl", [57, 0, 0, 0, 0, 0]);
    /// `prctl(PR_TASK_PERF_EVENTS_DISABLE)`.
    pub const PERF_EVENTS_OFF: Self = Self::new("prctl", [31, 0, 0, 0, 0, 0]);

    // Requests to no descriptor.
    /// `ioctl`: types into a terminal.
    pub const IOCTL_TIOCSTI: Self = Self::new("ioctl", [NONE, 0x5412, 0, 0, 0, 0]);
    /// `ioctl`: the same, with bits that the kernel does not look at.
    pub const IOCTL_TIOCSTI_HIGH: Self = Self::new("ioctl", [NONE, 0x0100_0000_5412, 0, 0, 0, 0]);
    /// `ioctl`: pastes into a console.
    pub const IOCTL_TIOCLINUX: Self = Self::new("ioctl", [NONE, 0x541c, 0, 0, 0, 0]);
    /// `ioctl`: takes the console's output.
    pub const IOCTL_TIOCCONS: Self = Self::new("ioctl", [NONE, 0x541d, 0, 0, 0, 0]);
    /// `ioctl`: a line discipline.
    pub const IOCTL_TIOCSETD: Self = Self::new("ioctl", [NONE, 0x5423, 0, 0, 0, 0]);
    /// `ioctl`: locks a terminal's modes.
    pub const IOCTL_TIOCSLCKTRMIOS: Self = Self::new("ioctl", [NONE, 0x5457, 0, 0, 0, 0]);
    /// `ioctl`: hangs up a terminal.
    pub const IOCTL_TIOCVHANGUP: Self = Self::new("ioctl", [NONE, 0x5437, 0, 0, 0, 0]);
    /// `ioctl`: rewrites the keyboard.
    pub const IOCTL_KDSKBENT: Self = Self::new("ioctl", [NONE, 0x4b47, 0, 0, 0, 0]);
    /// `ioctl`: rewrites the keyboard's strings.
    pub const IOCTL_KDSKBSENT: Self = Self::new("ioctl", [NONE, 0x4b49, 0, 0, 0, 0]);
    /// `ioctl`: stops a file system.
    pub const IOCTL_FIFREEZE: Self = Self::new("ioctl", [NONE, 0xc004_5877, 0, 0, 0, 0]);
    /// `ioctl`: lets it go on.
    pub const IOCTL_FITHAW: Self = Self::new("ioctl", [NONE, 0xc004_5878, 0, 0, 0, 0]);
    /// `ioctl`: discards free blocks.
    pub const IOCTL_FITRIM: Self = Self::new("ioctl", [NONE, 0xc018_5879, 0, 0, 0, 0]);
    /// `ioctl`: makes a file immutable.
    pub const IOCTL_FS_SETFLAGS: Self = Self::new("ioctl", [NONE, 0x4008_6602, 0, 0, 0, 0]);
    /// `ioctl`: a file's project.
    pub const IOCTL_FS_SETXATTR: Self = Self::new("ioctl", [NONE, 0x401c_5820, 0, 0, 0, 0]);
    /// `ioctl`: a virtual machine.
    pub const IOCTL_KVM_CREATE_VM: Self = Self::new("ioctl", [NONE, 0xae01, 0, 0, 0, 0]);
    /// `ioctl`: a network interface.
    pub const IOCTL_TUNSETIFF: Self = Self::new("ioctl", [NONE, 0x4004_54ca, 0, 0, 0, 0]);
    /// `ioctl`: a block device of a file.
    pub const IOCTL_LOOP_SET_FD: Self = Self::new("ioctl", [NONE, 0x4c00, 0, 0, 0, 0]);
    /// `ioctl`: a channel to the kernel's FUSE.
    pub const IOCTL_FUSE_CLONE: Self = Self::new("ioctl", [NONE, 0x8004_e500, 0, 0, 0, 0]);
    /// `ioctl`: wipes a disk.
    pub const IOCTL_BLKDISCARD: Self = Self::new("ioctl", [NONE, 0x1277, 0, 0, 0, 0]);
    /// `ioctl`: a command to a disk.
    pub const IOCTL_SG_IO: Self = Self::new("ioctl", [NONE, 0x2285, 0, 0, 0, 0]);
    /// `ioctl`: takes an input device.
    pub const IOCTL_EVIOCGRAB: Self = Self::new("ioctl", [NONE, 0x4004_4590, 0, 0, 0, 0]);
    /// `ioctl`: a btrfs subvolume.
    pub const IOCTL_SUBVOLUME: Self = Self::new("ioctl", [NONE, 0x5000_940e, 0, 0, 0, 0]);
    /// `ioctl`: the namespace of a namespace.
    pub const IOCTL_NS_GET_USERNS: Self = Self::new("ioctl", [NONE, 0xb701, 0, 0, 0, 0]);
    /// `ioctl`: takes an interface down.
    pub const IOCTL_SIOCSIFFLAGS: Self = Self::new("ioctl", [NONE, 0x8914, 0, 0, 0, 0]);
    /// `ioctl`: adds a route.
    pub const IOCTL_SIOCADDRT: Self = Self::new("ioctl", [NONE, 0x890b, 0, 0, 0, 0]);
    /// `ioctl`: adds a bridge.
    pub const IOCTL_SIOCBRADDBR: Self = Self::new("ioctl", [NONE, 0x89a0, 0, 0, 0, 0]);

    // x86 alone.
    /// `modify_ldt`, to look only.
    #[cfg(target_arch = "x86_64")]
    pub const MODIFY_LDT: Self = Self::new("modify_ldt", [0; 6]);
    /// `iopl` to a level that does not exist.
    #[cfg(target_arch = "x86_64")]
    pub const IOPL: Self = Self::new("iopl", [4, 0, 0, 0, 0, 0]);
    /// `ioperm` of no port.
    #[cfg(target_arch = "x86_64")]
    pub const IOPERM: Self = Self::new("ioperm", [0; 6]);
    /// `arch_prctl(ARCH_MAP_VDSO_32)`.
    #[cfg(target_arch = "x86_64")]
    pub const MAP_VDSO_32: Self = Self::new("arch_prctl", [0x2002, 0, 0, 0, 0, 0]);

    /// `getpid` by its number in the x32 table.
    #[cfg(target_arch = "x86_64")]
    pub const X32: Self = Self { call: "getpid", arguments: [0; 6], entry: Entry::X32 };
    /// `getpid` by the 32-bit entry.
    #[cfg(target_arch = "x86_64")]
    pub const INT80: Self = Self { call: "getpid", arguments: [0; 6], entry: Entry::Int80 };

    /// `ptrace(PTRACE_SEIZE)` of this process, without options.
    pub const fn ptrace_seize(process: u16) -> Self {
        Self::new("ptrace", [0x4206, process as usize, 0, 0, 0, 0])
    }

    /// `process_vm_readv` of nothing in this process.
    pub const fn process_vm_read(process: u16) -> Self {
        Self::new("process_vm_readv", [process as usize, 0, 0, 0, 0, 0])
    }

    /// `process_vm_writev` of nothing in this process.
    pub const fn process_vm_write(process: u16) -> Self {
        Self::new("process_vm_writev", [process as usize, 0, 0, 0, 0, 0])
    }

    const fn new(call: &'static str, arguments: [usize; 6]) -> Self {
        Self { call, arguments, entry: Entry::Native }
    }

    /// The system call's name.
    pub fn name(&self) -> &'static str {
        self.call
    }

    /// Make the call. In a child ([`super::probe::in_child`]): where it is not refused it may change
    /// the process.
    ///
    /// # Errors
    /// What the kernel says; the filter's answer if it is refused.
    pub fn call(&self) -> Result<(), Errno> {
        let number = i64::from(number_of(self.call).ok_or(Errno::NOSYS)?);
        let number = match self.entry {
            Entry::Native => number,
            #[cfg(target_arch = "x86_64")]
            Entry::X32 => 0x4000_0000 | number,
            #[cfg(target_arch = "x86_64")]
            Entry::Int80 => return int80(),
        };
        let [a, b, c, d, e, f] = self.arguments;
        // SAFETY: no argument is an address in this process's memory or a descriptor that can be
        // open, so none is read or written. What succeeds changes only attributes of the calling
        // process (its tracer, namespaces, personality, process options), or forks a child on a
        // copy of this memory, which ends below.
        let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        if result == 0 && self.call == "clone" {
            exit_now(0);
        }
        if result >= 0 { Ok(()) } else { Err(last_errno()) }
    }
}

#[cfg(target_arch = "x86_64")]
fn int80() -> Result<(), Errno> {
    const GETPID: i64 = 20;
    let result: i64;
    // SAFETY: the call takes no argument and writes no memory; the kernel keeps all registers but
    // those named.
    unsafe {
        std::arch::asm!(
            "int 0x80", inlateout("rax") GETPID => result,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    if result > 0 { Ok(()) } else { Err(Errno::NOSYS) }
}
