use std::{ffi::OsString, os::fd::OwnedFd, path::PathBuf, sync::Arc};

use crate::linux::{cgroup::Versions, seccomp::Filter};

/// What a sandbox stands on: what init needs before the plan of it is made.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Who the agent is, inside and to the kernel outside.
    pub identity: Identity,
    /// What the sandbox may use.
    pub limits: Limits,
    /// The control groups that may hold them.
    pub groups: Versions,
    /// Bytes that all scratch folders (`/tmp`, the home, `/dev/shm`) may hold together.
    pub scratch_bytes: u64,
    /// Put up the network path out (resolver and proxy sockets). Without it there is no way out.
    pub network: bool,
    /// What may be missing.
    pub degraded: Degraded,
    /// Where the caller's memory has what no fork of it may keep, such as variables with secrets: addresses
    /// and lengths. Init overwrites its own copy first of all.
    pub forget: Vec<(u64, u64)>,
}

/// Everything else that one sandbox contains. Made and checked outside, fixed for the sandbox's life.
#[derive(Debug)]
pub struct Plan {
    /// The host name inside.
    pub hostname: String,
    /// What the mount tree holds besides `/dev` and `/proc`, in any order. A path appears once.
    pub mounts: Vec<Mount>,
    /// Where the command starts, as a path inside.
    pub working_directory: PathBuf,
    /// What to run.
    pub command: Command,
    /// The whole environment of the command.
    pub environment: Vec<(OsString, OsString)>,
    /// The system calls the command may use.
    pub filter: Filter,
    /// The same without `sched_setaffinity`, for when only the choice of processors holds
    /// [`Limits::cpu_thousandths`]. Needed if that is set.
    pub pinned_filter: Option<Filter>,
    /// Where descriptors 0, 1 and 2 of the command lead.
    pub stdio: [Stdio; 3],
    /// Have the kernel's audit told what Landlock refuses. Only where
    /// [`Records`](crate::linux::audit::Records) can be heard.
    pub tell_audit: bool,
    /// Whether init is to put covers over what appears later ([`Running::cover`](crate::Running::cover)). It keeps
    /// the one capability that this takes then.
    pub covers_later: bool,
}

/// Layers that the operator lets the sandbox be without, because this system lacks them. Each is put up
/// as far as the system goes all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Degraded {
    /// Landlock: files are held by the mount tree, and by what the kernel has of Landlock.
    pub landlock: bool,
    /// The system call filter.
    pub seccomp: bool,
}

/// The ids of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// User id as processes inside see it; never 0.
    pub uid: u32,
    /// Group id as processes inside see it; never 0.
    pub gid: u32,
    /// The host's user id that it is. The caller's own, unless the caller is root.
    pub host_uid: u32,
    /// The host's group id that it is.
    pub host_gid: u32,
}

/// The command and where to look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Paths to try, in order: one if the program was named with a slash, else one a `PATH` entry.
    pub candidates: Vec<PathBuf>,
    /// The argument vector, the program's own name first.
    pub argv: Vec<OsString>,
}

/// One thing in the mount tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path inside, without `.`, `..` or links.
    pub at: PathBuf,
    /// What is there.
    pub content: Content,
}

/// What a path inside holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file or folder of the host, exactly the one that was checked when the plan was made.
    Host(HostObject),
    /// A folder of the host that the agent may change to its eyes only.
    Overlay(Overlay),
    /// A private folder in memory, writable, gone with the sandbox.
    Scratch {
        /// Permission bits.
        mode: u32,
    },
    /// A generated file that cannot be changed.
    Text(Vec<u8>),
    /// A generated folder that cannot be changed, over whatever shows there.
    Folder(GeneratedFolder),
    /// A symbolic link.
    Link(PathBuf),
    /// An empty folder that cannot be changed.
    EmptyFolder,
    /// A unix socket that init listens at, and hands out. Only where nothing of the host's is shown; one at
    /// most.
    Socket,
    /// Nothing, over what a host folder or an overlay shows here: an empty folder, or a file that cannot
    /// be opened. Alone of all it may be gone, or another of its kind, when it is mounted: what is there then is
    /// covered, and whether the former exists no longer is for the supervisor to find out
    /// ([`Standing::changed`](crate::linux::launch::Standing::changed)).
    Cover(There),
    /// What a host folder or an overlay shows here, as a mount of its own: its name cannot be renamed,
    /// removed or replaced.
    Pin {
        /// What it is.
        there: There,
        /// Whether it cannot be changed either.
        read_only: bool,
    },
}

/// A folder in memory with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFolder {
    /// What is in it, each path once. Folders are made as needed.
    pub entries: Vec<Generated>,
    /// What a host folder or an overlay shows where it is put, if that is what is there.
    pub over: Option<There>,
}

/// A file or link of a generated folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Where it is: a path below the folder, without `.`, `..` or links.
    pub path: PathBuf,
    /// What it is.
    pub what: GeneratedKind,
}

/// What is generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneratedKind {
    /// A regular file.
    File {
        /// All of its bytes.
        bytes: Arc<[u8]>,
        /// Whether it can be executed.
        executable: bool,
    },
    /// A symbolic link that says this.
    Link(PathBuf),
}

/// What was at a path when the plan was made. The launch is refused if it is something else by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct There {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Whether it is a folder. A link is none.
    pub folder: bool,
}

/// A file or folder of the host, by path and identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostObject {
    /// Its path on the host, without links.
    pub path: PathBuf,
    /// Device number when it was checked.
    pub device: u64,
    /// Inode number when it was checked.
    pub inode: u64,
    /// Whether it is a folder.
    pub folder: bool,
    /// Whether the agent may change it.
    pub writable: bool,
    /// For a sandbox started by root: show what this owner (uid, gid) owns as the agent's own.
    pub owned_by: Option<(u32, u32)>,
}

/// A folder that is shown writable, with every change kept in another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// What is shown. Never changed.
    pub lower: HostObject,
    /// Holds the folders [`Overlay::UPPER`] and [`Overlay::WORK`]. These and it belong to the agent's host
    /// ids, and what is above it must let nobody else in.
    pub layers: HostObject,
}

impl Overlay {
    /// Where in `layers` the changes go, in overlayfs' own form (`user.overlay.` attributes).
    pub const UPPER: &'static str = "upper";
    /// Where in `layers` overlayfs prepares them.
    pub const WORK: &'static str = "work";
}

/// What the sandbox may use. `None` is no limit of ours.
///
/// The first three are held by a control group for all processes together where one can be
/// made; see [`crate::linux::cgroup`] for how they are held where not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Memory in bytes, swap included. Without a group: private writable memory of each process
    /// (`RLIMIT_DATA`).
    pub memory: Option<u64>,
    /// Processes and threads, init among them. Without a group: `RLIMIT_NPROC`, which the kernel
    /// counts in the sandbox's user namespace.
    pub processes: Option<u64>,
    /// Processor time, in thousandths of one processor. Without a group: so many whole processors
    /// as hold it.
    pub cpu_thousandths: Option<u64>,
    /// Open descriptors of each process (`RLIMIT_NOFILE`).
    pub open_files: Option<u64>,
    /// Bytes of one file that a process writes (`RLIMIT_FSIZE`).
    pub file_bytes: Option<u64>,
}

/// Where a standard stream leads.
#[derive(Debug)]
pub enum Stdio {
    /// To this descriptor: a pipe, a regular file or `/dev/null`.
    Given(OwnedFd),
    /// To the sandbox's own terminal.
    Terminal,
}
