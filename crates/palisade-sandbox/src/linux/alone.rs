//! Either of the two file layers alone holds what both are for: the mount tree without Landlock, and
//! Landlock over one plan in the whole tree of the host.
//!
//! What only the mounts hold is in here too: Landlock adds rights up from folder to folder, so a
//! part of what is granted cannot be taken out again (deny rules, protected paths), and it knows no
//! right for modes, owners, times and attributes.
//!
//! And what holds without the system call filter: having no privileges in namespaces of one's own, and
//! Landlock's scopes in those of the host. The filter alone is shown in `tests/it/seccomp.rs`, the
//! network namespace alone in `tests/it/net.rs`.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    process::{WaitOptions, getgid, getpid, getuid, waitpid},
};

use super::{
    control::{Control, Message},
    identity,
    idmap::OwnerMaps,
    init, landlock_plan, launch, mounts, privileges,
    sys::{
        clone::{Forked, exit_now, fork_into},
        probe::{in_child, unshare},
    },
};
use crate::{
    plan::{Content, HostObject, Identity, Mount, There},
    step::{Step, StepError},
};

/// A granted folder to write, one to read, and what is not granted.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let base = std::env::temp_dir().canonicalize().unwrap();
        let base = base.join(format!("palisade-{name}-{}", std::process::id()));
        let place = Self(base);
        for folder in ["work", "read", "other"] {
            fs::create_dir_all(place.at(folder)).unwrap();
            fs::write(place.at(folder).join("file"), "as it was").unwrap();
        }
        symlink("../other/file", place.at("work/link")).unwrap();
        fs::write(place.at("work/denied"), "as it was").unwrap();
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn plan(&self) -> Vec<Mount> {
        let granted = |path: PathBuf, writable: bool, ours: bool| {
            let found = path.symlink_metadata().unwrap();
            let owned_by = (ours && getuid().is_root()).then(|| (found.uid(), found.gid()));
            let (device, inode) = (found.dev(), found.ino());
            let object =
                HostObject { path: path.clone(), device, inode, folder: true, writable, owned_by };
            Mount { at: path, content: Content::Host(object) }
        };
        let denied = self.at("work/denied");
        let found = denied.symlink_metadata().unwrap();
        let there = There { device: found.dev(), inode: found.ino(), folder: false };
        vec![
            granted("/usr".into(), false, false),
            granted(self.at("read"), false, true),
            granted(self.at("work"), true, true),
            Mount { at: denied, content: Content::Cover(there) },
        ]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

type Attack = (&'static str, fn(&Place) -> io::Result<()>);

fn appends(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().append(true).open(path).map(drop)
}

/// What both layers are for.
const ATTACKS: [Attack; 14] = [
    ("reads what is not granted", |at| fs::read(at.at("other/file")).map(drop)),
    ("reads it through a link", |at| fs::read(at.at("work/link")).map(drop)),
    ("reads it through /proc/self/root", |at| {
        let other = at.at("other/file");
        fs::read(Path::new("/proc/self/root").join(other.strip_prefix("/").unwrap())).map(drop)
    }),
    ("lists what is not granted", |at| fs::read_dir(at.at("other")).map(drop)),
    ("writes what is not granted", |at| appends(&at.at("other/file"))),
    ("makes a file that is not granted", |at| fs::write(at.at("other/fresh"), "")),
    ("takes in a file that is not granted", |at| {
        fs::hard_link(at.at("other/file"), at.at("work/taken"))
    }),
    ("carries a file out", |at| fs::rename(at.at("work/file"), at.at("other/carried"))),
    ("writes what is granted for reading", |at| appends(&at.at("read/file"))),
    ("cuts what is granted for reading", |at| {
        let path = std::ffi::CString::new(at.at("read/file").to_str().unwrap()).unwrap();
        let opened = rustix::fs::open(
            path,
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::TRUNC,
            rustix::fs::Mode::empty(),
        );
        opened.map(drop).map_err(io::Error::from)
    }),
    ("makes a file where only reading is granted", |at| fs::write(at.at("read/fresh"), "")),
    ("makes a folder where only reading is granted", |at| fs::create_dir(at.at("read/folder"))),
    ("removes where only reading is granted", |at| fs::remove_file(at.at("read/file"))),
    ("reads the accounts of the host", |_| fs::read("/etc/passwd").map(drop)),
];

/// What the mounts hold, and Landlock cannot.
const FOR_MOUNTS: [Attack; 3] = [
    ("reads what is denied within what is granted", |at| fs::read(at.at("work/denied")).map(drop)),
    ("changes the mode of what is granted for reading", |at| {
        let same = at.at("read/file").metadata()?.permissions();
        fs::set_permissions(at.at("read/file"), same)
    }),
    ("changes the times of what is granted for reading", |at| {
        fs::File::open(at.at("read/file"))?.set_modified(std::time::SystemTime::now())
    }),
];

/// What is held by having no privilege in namespaces of one's own, without the system call filter
/// and without Landlock. Each works for the root of a user namespace.
const FOR_PRIVILEGES: [Attack; 7] = [
    ("mounts a file system", |_| {
        let flags = rustix::mount::MountFlags::empty();
        Ok(rustix::mount::mount("none", "/tmp", "tmpfs", flags, None)?)
    }),
    ("makes what is mounted writable", |_| {
        let flags = rustix::mount::MountFlags::BIND;
        Ok(rustix::mount::mount_remount("/", flags, "")?)
    }),
    ("opens a file system", |_| {
        let flags = rustix::mount::FsOpenFlags::empty();
        Ok(rustix::mount::fsopen("tmpfs", flags).map(drop)?)
    }),
    ("takes a copy of a mount", |_| {
        let flags = rustix::mount::OpenTreeFlags::OPEN_TREE_CLONE;
        Ok(rustix::mount::open_tree(rustix::fs::CWD, "/", flags).map(drop)?)
    }),
    ("changes the root", |_| Ok(rustix::process::chroot("/tmp")?)),
    ("renames the host", |_| Ok(rustix::system::sethostname(b"other")?)),
    ("opens a raw socket", |_| {
        let (family, kind) = (rustix::net::AddressFamily::INET, rustix::net::SocketType::RAW);
        Ok(rustix::net::socket(family, kind, Some(rustix::net::ipproto::ICMP)).map(drop)?)
    }),
];

/// That which is permitted works, and each of these fails for want of rights or of the file.
fn all_fail(place: &Place, attacks: &[Attack]) -> Result<(), StepError> {
    let answer = fs::read(place.at("read/file")).and_then(|_| appends(&place.at("work/file")));
    answer.map_err(errno).step("what is permitted")?;
    for (name, attack) in attacks {
        match attack(place).map_err(errno) {
            Err(Errno::ACCESS | Errno::PERM | Errno::NOENT | Errno::ROFS | Errno::XDEV) => {}
            Err(other) => return Err(other).step(*name),
            // Any errno will do: the text says what happened.
            Ok(()) => return Err(Errno::EXIST).step(format!("{name}, and it works")),
        }
    }
    Ok(())
}

fn fails_with(
    wanted: Errno,
    result: Result<(), Errno>,
    what: &'static str,
) -> Result<(), StepError> {
    match result {
        Err(errno) if errno == wanted => Ok(()),
        other => other.and(Err(Errno::EXIST)).step(what),
    }
}

fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

/// Every attack is one: without a layer it works. Each in a place of its own.
#[test]
fn without_a_layer_every_attack_works() {
    for (number, (name, attack)) in ATTACKS.iter().chain(&FOR_MOUNTS).enumerate() {
        let place = Place::new(&format!("no-layer-{number}"));
        attack(&place).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn the_mount_tree_holds_without_landlock() {
    let place = Place::new("mounts-alone");
    in_child(|| {
        let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
        let privileged = uid == 0;
        let (host_uid, host_gid) = if privileged { (0x6000_0000, 0x6000_0000) } else { (uid, gid) };
        let identity = Identity { uid: 1000, gid: 1000, host_uid, host_gid };
        let plan = place.plan();
        let trees = match privileged {
            true => mounts::detach_as_root(&plan, &mut OwnerMaps::new(&identity))?,
            false => plan.iter().map(|_| None).collect(),
        };
        let (ours, theirs) = Control::pair().step("make the control socket")?;
        // Ours has a number that is used on the host, and is larger than any inside.
        let outside = getpid();
        let namespaces = u64::from((launch::NAMESPACES | init::NAMESPACES).unsigned_abs());
        match fork_into(namespaces).step("clone into new namespaces")? {
            Forked::Child => {
                drop(ours);
                let inside = || {
                    theirs.receive().step("hear of the maps")?;
                    identity::take_on(&identity, privileged)?;
                    mounts::Tree::begin(64 << 20, false)?.finish(&plan, trees)?;
                    // Each is one: as long as there are privileges it works.
                    for (name, attack) in &FOR_PRIVILEGES {
                        in_child(|| {
                            // What it does to the mounts and the name is its own matter.
                            unshare(libc::CLONE_NEWNS | libc::CLONE_NEWUTS).step("unshare")?;
                            attack(&place).map_err(errno).step(*name)
                        })?;
                    }
                    privileges::rule_out()?;
                    privileges::give_up()?;
                    let all = [&ATTACKS[..], &FOR_MOUNTS[..], &FOR_PRIVILEGES[..]].concat();
                    all_fail(&place, &all)?;
                    // None may be had again, by the count that is zero.
                    let nested = in_child(|| unshare(libc::CLONE_NEWUSER).step("unshare"));
                    fails_with(Errno::NOSPC, nested.map_err(|error| error.errno), "unshare")?;
                    // Of the host's processes none has a number here.
                    let signal = rustix::process::test_kill_process(outside);
                    fails_with(Errno::SRCH, signal, "signal the host")
                };
                let told = match inside() {
                    Ok(()) => theirs.send(&Message::Ready),
                    Err(error) => theirs.send(&Message::Failed(error)),
                };
                exit_now(i32::from(told.is_err()))
            }
            Forked::Parent { pid, .. } => {
                let inside = (identity.uid, identity.gid);
                identity::write_maps(pid, inside, (host_uid, host_gid), privileged)?;
                drop(theirs);
                ours.send(&Message::Mapped).step("speak to the child")?;
                let told = ours.receive().step("hear from the child")?;
                waitpid(Some(pid), WaitOptions::empty()).step("wait for the child")?;
                match told {
                    Some((Message::Ready, _)) => Ok(()),
                    Some((Message::Failed(error), _)) => Err(error),
                    other => panic!("{other:?}"),
                }
            }
        }
    })
    .unwrap();
}

#[test]
fn landlock_holds_in_the_whole_tree_of_the_host() {
    let place = Place::new("landlock-alone");
    in_child(|| {
        // As in a launch, but nothing is mounted: the same paths are the host's own.
        let pts = Path::new("/dev/pts").is_dir();
        assert!(pts, "the plan's rules name /dev/pts");
        let rules = landlock_plan::by_path(&place.plan())?;
        rustix::thread::set_no_new_privs(true).step("set no_new_privs")?;
        rules.restrict_self()?;
        all_fail(&place, &ATTACKS)?;
        // The limits of Landlock that the heading names: should this fail, it has learned more.
        for (name, attack) in &FOR_MOUNTS {
            attack(&place).map_err(errno).step(*name)?;
        }
        Ok(())
    })
    .unwrap();
}

/// Landlock's scopes among the processes and abstract sockets of the host, in no namespace of our own.
#[test]
fn landlock_scopes_hold_in_the_namespaces_of_the_host() {
    if super::landlock::landlock_abi() < Some(6) {
        assert!(std::env::var_os("CI").is_none(), "this kernel's Landlock has no scopes");
        return;
    }
    let place = Place::new("scopes-alone");
    let name = format!("palisade-alone-{}", std::process::id());
    let address = rustix::net::SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap();
    let open = || {
        rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None)
    };
    let listener = open().unwrap();
    rustix::net::bind(&listener, &address).unwrap();
    rustix::net::listen(&listener, 4).unwrap();
    let host = getpid();
    let signal = || rustix::process::test_kill_process(host);
    let connect = || open().and_then(|socket| rustix::net::connect(&socket, &address));
    in_child(|| {
        // Without it both work.
        signal().step("signal the host")?;
        connect().step("connect to the host")?;
        let rules = landlock_plan::by_path(&place.plan())?;
        rustix::thread::set_no_new_privs(true).step("set no_new_privs")?;
        rules.restrict_self()?;
        fails_with(Errno::PERM, signal(), "signal the host, which is out of scope")?;
        fails_with(Errno::PERM, connect(), "connect to the host, which is out of scope")
    })
    .unwrap();
}
