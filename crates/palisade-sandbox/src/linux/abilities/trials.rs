//! The trials, one an ability, each done as a launch does it.

use std::{
    fs,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{CWD, MemfdFlags, Mode, OFlags, ResolveFlags, mkdir, openat2},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags,
        MoveMountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
        fsmount, fsopen, mount, mount_change, move_mount, open_tree,
    },
    process::{Pid, WaitOptions, waitpid},
};

use super::{Kind, Need, State, cgroup};
use crate::{
    linux::{
        audit,
        control::{Control, Message},
        idmap::OwnerMaps,
        landlock, net, seccomp, supervisor,
        sys::{
            clone::{Forked, exit_now, fork_into},
            mount::{Attributes, set_attributes},
            probe::{close_range_exists, in_child, pidfd_works, unshare},
        },
    },
    plan::Identity,
    step::{Step, StepError},
};

pub(super) struct Trial {
    pub(super) kind: Kind,
    pub(super) need: Need,
    pub(super) tried: &'static str,
    pub(super) run: fn() -> State,
}

const fn required(kind: Kind, tried: &'static str, run: fn() -> State) -> Trial {
    Trial { kind, need: Need::Required, tried, run }
}

const fn useful(kind: Kind, tried: &'static str, run: fn() -> State) -> Trial {
    Trial { kind, need: Need::Useful, tried, run }
}

pub(super) const TRIALS: &[Trial] = &[
    required(
        Kind::UserNamespace,
        "made one, mapped an id, used a capability in it",
        user_namespace,
    ),
    required(Kind::MountNamespace, "made one and mounted tmpfs in it", mount_namespace),
    required(Kind::MountApi, "mounted by descriptor, cloned a tree, set its flags", mount_api),
    required(Kind::PidNamespace, "made one and saw process 1 in it", pid_namespace),
    required(Kind::ProcMount, "mounted /proc for a new pid namespace", proc_mount),
    required(Kind::NetworkNamespace, "made one and brought lo up", network_namespace),
    required(Kind::AnyIp, "routed all addresses to lo", any_ip),
    required(Kind::Nftables, "put up the table that a sandbox gets", nftables),
    useful(Kind::Ipv6, "made an IPv6 socket", ipv6),
    required(Kind::Landlock, "confined a process and saw it refused", landlock_holds),
    required(Kind::Seccomp, "put the filter on a process and saw it refused", seccomp_holds),
    useful(Kind::SeccompListener, "heard of a refused call and answered it", listener_hears),
    required(
        Kind::Supervisor,
        "gave up in a process what the supervisor gives up, and saw it refused",
        supervisor_confined,
    ),
    useful(
        Kind::AuditRecords,
        "asked for the state of auditing, and listened to its records",
        audit_records,
    ),
    required(Kind::Pidfd, "opened one of this process and used it", pidfd),
    required(Kind::CloseRange, "called it with an empty range", close_range),
    required(Kind::Openat2, "opened below a folder without links", openat2_works),
    useful(Kind::Memfd, "made a sealed file in memory", memfd),
    useful(Kind::Overlay, "mounted one in a user namespace and wrote to it", overlay),
    useful(Kind::IdmappedMount, "mapped the owner of a temporary folder", idmapped_mount),
    useful(Kind::CgroupV2, "made a group below this process's own", cgroup::v2),
    useful(Kind::CgroupV1, "made groups below this process's own", cgroup::v1),
];

/// `CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}`.
const ALL_NAMESPACES: u64 = 0x7e02_0000;

/// The result of a trial in a child, with what it proves.
fn child(proves: &str, work: fn() -> Result<(), StepError>) -> State {
    State::from(in_child(work).map(|()| proves.to_owned()))
}

/// In a child: become root of a new user namespace, with these namespaces beside it.
fn enter(flags: i32) -> Result<(), StepError> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    unshare(libc::CLONE_NEWUSER | flags).step("make a user namespace")?;
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("0 {} 1", uid.as_raw()))?;
    write("/proc/self/gid_map", &format!("0 {} 1", gid.as_raw()))?;
    if flags & libc::CLONE_NEWNS != 0 {
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .step("make the mounts private")?;
    }
    Ok(())
}

fn write(path: &str, text: &str) -> Result<(), StepError> {
    fs::write(path, text)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .step(format!("write {path}"))
}

fn user_namespace() -> State {
    child("", || {
        // All namespaces at once with clone3(2), as a launch makes them.
        match fork_into(ALL_NAMESPACES).step("make all namespaces (clone3)")? {
            Forked::Child => exit_now(0),
            Forked::Parent { pid, .. } => {
                waitpid(Some(pid), WaitOptions::empty()).step("wait for a clone")?;
            }
        }
        enter(libc::CLONE_NEWUTS)?;
        // AppArmor lets the namespace be made on some systems, and then denies all in it.
        rustix::system::sethostname(b"palisade").step("use a capability in a user namespace")
    })
}

fn mount_namespace() -> State {
    child("", || {
        enter(libc::CLONE_NEWNS)?;
        tmpfs("/tmp")
    })
}

fn tmpfs(at: &str) -> Result<(), StepError> {
    mount("none", at, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, None)
        .step(format!("mount tmpfs on {at}"))
}

fn mount_api() -> State {
    child("", || {
        enter(libc::CLONE_NEWNS)?;
        let context =
            fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).step("open tmpfs (fsopen, Linux 5.2)")?;
        fsconfig_create(context.as_fd()).step("create tmpfs (fsconfig)")?;
        let made = fsmount(
            context.as_fd(),
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::MOUNT_ATTR_NOSUID,
        )
        .step("mount tmpfs (fsmount)")?;
        move_mount(made.as_fd(), "", CWD, "/tmp", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .step("place it (move_mount)")?;
        let tree = open_tree(
            CWD,
            "/",
            OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_RECURSIVE,
        )
        .step("clone a tree (open_tree)")?;
        set_attributes(
            &tree,
            Attributes { set: 0x1, private: true, recursive: true, ..Attributes::default() },
        )
        .step("make a tree read-only (mount_setattr, Linux 5.12)")
    })
}

fn pid_namespace() -> State {
    child("", || {
        enter(libc::CLONE_NEWPID)?;
        in_child(|| match rustix::process::getpid() {
            pid if pid == Pid::INIT => Ok(()),
            _ => Err(Errno::SRCH).step("be process 1 of a new pid namespace"),
        })
    })
}

fn proc_mount() -> State {
    child("", || {
        enter(libc::CLONE_NEWNS | libc::CLONE_NEWPID)?;
        in_child(|| {
            let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            mount("proc", "/proc", "proc", flags, None).step("mount /proc")
        })
    })
}

fn network_namespace() -> State {
    child("", || {
        enter(libc::CLONE_NEWNET)?;
        net::bring_loopback_up()
    })
}

fn any_ip() -> State {
    child("", || {
        enter(libc::CLONE_NEWNET)?;
        net::make_all_local(net::has_ipv6())
    })
}

fn nftables() -> State {
    child("", || {
        enter(libc::CLONE_NEWNET)?;
        net::set_up().map(drop)
    })
}

fn ipv6() -> State {
    if net::has_ipv6() {
        State::Works(String::new())
    } else {
        State::Missing("make an IPv6 socket: the kernel has no IPv6".to_owned())
    }
}

fn supervisor_confined() -> State {
    if !matches!(seccomp_holds(), State::Works(_)) {
        // Where the operator lets the sandbox be without one.
        return State::NotApplicable("there is no system call filter".to_owned());
    }
    child("", || {
        supervisor::narrow()?;
        supervisor::confine(supervisor::Goes { tracing: false, unfiltered: false })
    })
}

fn landlock_holds() -> State {
    let Some(abi) = landlock::landlock_abi() else {
        return child("", || landlock::prepare(&[]).map(drop));
    };
    let proves = format!("version {abi}");
    child(&proves, || {
        let prepared = landlock::prepare(&[("/proc".into(), landlock::Access::ReadOnly)])?;
        rustix::thread::set_no_new_privs(true).step("set no_new_privs")?;
        prepared.restrict_self()?;
        must_fail("read / under Landlock", fs::read_dir("/").map(drop))
    })
}

fn seccomp_holds() -> State {
    child("", || {
        seccomp::available().step("ask for the filter's actions")?;
        let filter = seccomp::Filter::compile(&seccomp::SyscallPolicy::default())
            .map_err(|_| Errno::INVAL)
            .step("assemble the filter")?;
        filter.install()?;
        must_fail(
            "make a user namespace under the filter",
            unshare(libc::CLONE_NEWUSER).map_err(std::io::Error::from),
        )
    })
}

/// As in a launch: the child hands its listener out, is refused a call, and tells what it got.
fn listener_hears() -> State {
    child("", || {
        let (ours, theirs) = Control::pair().step("make a socket")?;
        let filter = seccomp::Filter::compile(&seccomp::SyscallPolicy::default());
        let filter = Arc::new(filter.map_err(|_| Errno::INVAL).step("assemble the filter")?);
        match fork_into(0).step("fork")? {
            Forked::Child => {
                drop(ours);
                let told = refused_and_told(&filter, &theirs);
                exit_now(i32::from(told.is_err()))
            }
            Forked::Parent { .. } => {
                drop(theirs);
                answer_one(&filter, &ours)
            }
        }
    })
}

fn audit_records() -> State {
    if !rustix::process::geteuid().is_root() {
        return State::NotApplicable("only root hears the kernel's audit".to_owned());
    }
    State::from(audit::available().map(|()| String::new()))
}

fn refused_and_told(filter: &seccomp::Filter, control: &Control) -> Result<(), Errno> {
    let listener = match filter.install_telling() {
        Ok(listener) => listener,
        Err(error) => return control.send(&Message::Failed(error)),
    };
    control.send_with(&Message::Listener { pinned: false }, &[listener.as_fd()])?;
    // The other end alone has it now: if that goes, so does the wait.
    drop(listener);
    let answer = unshare(libc::CLONE_NEWUSER).err().unwrap_or(Errno::XDEV);
    control.send(&Message::NoListener(answer))
}

fn answer_one(filter: &Arc<seccomp::Filter>, control: &Control) -> Result<(), StepError> {
    const STEP: &str = "hear of a refused call";
    let mut listener = None;
    while let Some((message, descriptors)) = control.receive().step(STEP)? {
        match message {
            Message::Failed(error) => return Err(error),
            Message::Listener { .. } => {
                let descriptor = descriptors.into_iter().next().ok_or(Errno::BADF).step(STEP)?;
                let hears = seccomp::Listener::new(descriptor, Arc::clone(filter));
                let mut ready = [PollFd::new(&hears, PollFlags::IN)];
                rustix::io::retry_on_intr(|| poll(&mut ready, None)).step(STEP)?;
                let seccomp::Heard::Call(call) = hears.hear().step(STEP)? else {
                    return Err(Errno::AGAIN).step(STEP);
                };
                hears.refuse(&call);
                listener = Some(hears);
            }
            Message::NoListener(Errno::PERM) if listener.is_some() => return Ok(()),
            Message::NoListener(other) => return Err(other).step("see the call refused"),
            _ => {}
        }
    }
    Err(Errno::PIPE).step(STEP)
}

fn must_fail(what: &'static str, result: Result<(), std::io::Error>) -> Result<(), StepError> {
    match result {
        Err(_) => Ok(()),
        // EXDEV: it went through the fence.
        Ok(()) => Err(Errno::XDEV).step(format!("{what}: it was not refused")),
    }
}

fn pidfd() -> State {
    State::from(pidfd_works().step("open a pidfd").map(|()| String::new()))
}

fn close_range() -> State {
    State::from(close_range_exists().step("close_range (Linux 5.9)").map(|()| String::new()))
}

fn openat2_works() -> State {
    let opened = openat2(
        CWD,
        "/",
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    );
    State::from(opened.step("openat2 (Linux 5.6)").map(|_| String::new()))
}

fn memfd() -> State {
    let made =
        rustix::fs::memfd_create("palisade", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .and_then(|file| {
                rustix::fs::fcntl_add_seals(&file, rustix::fs::SealFlags::WRITE)?;
                Ok(String::new())
            });
    State::from(made.step("make a sealed file in memory"))
}

fn overlay() -> State {
    child("", || {
        enter(libc::CLONE_NEWNS)?;
        tmpfs("/tmp")?;
        for folder in ["/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/merged"] {
            mkdir(folder, Mode::RWXU).step("make a folder for overlayfs")?;
        }
        write("/tmp/lower/file", "below")?;
        let context =
            fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).step("open overlayfs (fsopen)")?;
        let context = context.as_fd();
        fsconfig_set_string(context, "lowerdir", "/tmp/lower").step("overlayfs lowerdir")?;
        fsconfig_set_string(context, "upperdir", "/tmp/upper").step("overlayfs upperdir")?;
        fsconfig_set_string(context, "workdir", "/tmp/work").step("overlayfs workdir")?;
        fsconfig_set_flag(context, "userxattr").step("overlayfs userxattr (Linux 5.11)")?;
        fsconfig_create(context).step("mount overlayfs in a user namespace")?;
        let made =
            fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_NOSUID)
                .step("mount overlayfs (fsmount)")?;
        move_mount(made.as_fd(), "", CWD, "/tmp/merged", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .step("place overlayfs")?;
        write("/tmp/merged/file", "above")
    })
}

fn idmapped_mount() -> State {
    if !rustix::process::geteuid().is_root() {
        return State::NotApplicable(
            "only a sandbox that root starts has another user id".to_owned(),
        );
    }
    child("", || {
        // A folder like a workspace, made where temporary files are.
        let folder = std::env::temp_dir();
        let tree: OwnedFd = open_tree(
            CWD,
            &folder,
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC,
        )
        .step(format!("clone the tree of {}", folder.display()))?;
        let identity =
            Identity { uid: 1000, gid: 1000, host_uid: 0x5000_0001, host_gid: 0x5000_0001 };
        let mut maps = OwnerMaps::new(&identity);
        let Some(namespace) = maps.namespace_for((0, 0))? else { return Ok(()) };
        set_attributes(
            &tree,
            Attributes {
                set: libc::MOUNT_ATTR_IDMAP,
                user_namespace: Some(namespace.as_fd()),
                ..Attributes::default()
            },
        )
        .step(format!("map the owner of {} (idmapped mount)", folder.display()))
    })
}
