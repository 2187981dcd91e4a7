//! The way of a path, step by step, for a thread that is stopped: where the kernel would lead it, and not us.
//!
//! `/proc/self`, and what lies below a process there, leads to what that process has. Looked up by us it leads to what is ours,
//! or nowhere. So each step is taken by itself, and those by `/proc` are taken for the thread.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fstat, fstatfs, openat, readlinkat},
    io::Errno,
};

/// Links that are followed, as of the kernel.
const MOST_LINKS: usize = 40;
/// Steps of a path with all that its links say.
const MOST_STEPS: usize = 4096;
/// What `fstatfs(2)` says of `/proc`, and the inode of its root.
const PROC: u64 = 0x9fa0;
const PROC_ROOT: u64 = 1;

/// What a path leads a thread to, in the tree with this root.
///
/// # Errors
/// As of `openat(2)`: there is nothing, or it cannot be told.
pub(super) fn go(root: &OwnedFd, thread: u32, path: &[u8]) -> Result<OwnedFd, Errno> {
    let here = root.try_clone().map_err(|_| Errno::MFILE)?;
    let mut at = match path.starts_with(b"/") {
        true => here,
        false => own(thread, "cwd")?,
    };
    let mut ahead: VecDeque<Vec<u8>> = VecDeque::new();
    put(&mut ahead, path);
    let (mut links, mut steps) = (0, 0);
    while let Some(name) = ahead.pop_front() {
        steps += 1;
        if steps > MOST_STEPS {
            return Err(Errno::NAMETOOLONG);
        }
        let name = OsStr::from_bytes(&name);
        if name == ".." && is_same(&at, root)? {
            continue;
        }
        let in_proc = u64::try_from(fstatfs(&at)?.f_type) == Ok(PROC);
        let proc_root = in_proc && fstat(&at)?.st_ino == PROC_ROOT;
        if proc_root && (name == "self" || name == "thread-self") {
            // By its own number there, for the way goes on from that `/proc` and not from ours.
            let number = inside(thread)?;
            match name == "self" {
                true => put(&mut ahead, number.as_bytes()),
                false => put(&mut ahead, format!("{number}/task/{number}").as_bytes()),
            }
            continue;
        }
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let next = openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&next)?.st_mode) != FileType::Symlink {
            at = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Errno::LOOP);
        }
        // What a process has is led to without a name. It is named and not opened, so nothing waits there.
        if in_proc && !proc_root {
            at = openat(&at, name, flags, Mode::empty())?;
            continue;
        }
        let to = readlinkat(&at, name, Vec::new())?.into_bytes();
        if to.starts_with(b"/") {
            at = root.try_clone().map_err(|_| Errno::MFILE)?;
        }
        put(&mut ahead, &to);
    }
    Ok(at)
}

/// What the thread has under this name in its folder of our `/proc`.
fn own(thread: u32, link: &str) -> Result<OwnedFd, Errno> {
    openat(CWD, format!("/proc/{thread}/{link}"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}

/// The number that the first thread of a process has in the innermost namespace that it is in.
fn inside(thread: u32) -> Result<String, Errno> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status"));
    let status = status.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::SRCH))?;
    let mut lines = status.lines();
    let numbers = lines.find_map(|line| line.strip_prefix("NStgid:")).ok_or(Errno::SRCH)?;
    numbers.split_whitespace().next_back().map(str::to_owned).ok_or(Errno::SRCH)
}

fn put(ahead: &mut VecDeque<Vec<u8>>, path: &[u8]) {
    let steps = path.split(|byte| *byte == b'/').filter(|step| !step.is_empty() && *step != b".");
    for step in steps.rev() {
        ahead.push_front(step.to_vec());
    }
}

fn is_same(one: impl AsFd, other: impl AsFd) -> Result<bool, Errno> {
    let (one, other) = (fstat(one)?, fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::{fd::AsRawFd, unix::fs::symlink},
        path::Path,
    };

    use super::*;

    #[test]
    fn a_way_by_proc_is_that_of_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        let tool = folder.path().join("bin/tool");
        fs::write(&tool, "tool").unwrap();
        symlink("/proc/self/root", folder.path().join("way")).unwrap();
        symlink("loop", folder.path().join("loop")).unwrap();
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let root = openat(CWD, "/", flags, Mode::empty()).unwrap();
        let known = openat(CWD, &tool, flags, Mode::empty()).unwrap();
        // Another one, so that what is ours is not what is asked for.
        let mut other = std::process::Command::new("sleep");
        let mut other = other.arg("60").current_dir(folder.path().join("bin")).spawn().unwrap();
        let id = other.id();
        // Until it has the folder that it was given.
        while fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|at| !at.ends_with("bin")) {}
        let led = |path: &str| {
            go(&root, id, path.as_bytes()).is_ok_and(|found| is_same(found, &known).unwrap())
        };
        let at = tool.display();

        for path in [
            format!("{at}"),
            format!("/proc/self/root{at}"),
            format!("/proc/thread-self/root{at}"),
            format!("/proc/{id}/root{at}"),
            format!("/proc/{id}/task/{id}/cwd/tool"),
            format!("{}/way{at}", folder.path().display()),
            format!("/proc/self/../self/root/../..{at}"),
            format!("/proc/self/../../{at}"),
            "/proc/self/cwd/tool".to_owned(),
            "/proc/self/cwd/../bin/tool".to_owned(),
            "tool".to_owned(),
            "../way/proc/self/cwd/tool".to_owned(),
        ] {
            assert!(led(&path), "{path}");
        }
        let open = fs::File::open(folder.path().join("bin")).unwrap();
        let ours = format!("/proc/{}/fd/{}/tool", std::process::id(), open.as_raw_fd());
        assert!(led(&ours), "{ours}");
        for path in ["/proc/self/cwd/no", "../loop", "/proc/self/nothing", "/nowhere/x"] {
            assert!(!led(path), "{path}");
        }
        assert!(Path::new(&format!("/proc/{id}")).exists());
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(!led("tool"));
    }
}
