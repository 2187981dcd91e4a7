//! What the sandbox's `/proc` tells of its processes.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, readlinkat},
    io::Errno,
};

use super::{CallerError, Executable};
use crate::linux::marks::Marks;

/// Processes above one that are named.
const MOST_ANCESTORS: usize = 16;
/// Different programs that may have one socket. Each is held open while it is looked at.
const MOST_PROGRAMS: usize = 64;
/// Bytes of a process's arguments that are read.
const MOST_OF_ARGUMENTS: usize = 4096;

/// A process that has a socket open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// By its number inside.
    pub(super) process: u32,
    /// When it was started, which tells it from another one with its number.
    started: u64,
    pub(super) executable: Executable,
    pub(super) marks: Marks,
}

/// Every process that has this socket open, in the order of their numbers, with its marks where there are any (`marked`). Init is none: it has no
/// sockets but those that it hands out, and nobody may look into it.
pub(super) fn holders(
    proc: &OwnedFd,
    inode: u64,
    marked: bool,
) -> Result<Vec<Holder>, CallerError> {
    let of_proc = |errno| CallerError::Process(0, errno);
    let mut found: Vec<Holder> = Vec::new();
    let mut programs: Vec<Executable> = Vec::new();
    for entry in Dir::read_from(proc).map_err(of_proc)? {
        let entry = entry.map_err(of_proc)?;
        let number = entry.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok());
        let Some(number) = number.filter(|number| *number > 1) else { continue };
        match holder(proc, number, inode, marked) {
            Ok(Some(mut holder)) => {
                match programs.iter().find(|known| **known == holder.executable) {
                    // A thousand children of one program are one descriptor.
                    Some(known) => holder.executable = known.clone(),
                    None if programs.len() >= MOST_PROGRAMS => return Err(CallerError::Crowd),
                    None => programs.push(holder.executable.clone()),
                }
                found.push(holder);
            }
            Ok(None) => {}
            // It ended meanwhile, and has nothing open.
            Err(Errno::NOENT | Errno::SRCH) => {}
            Err(errno) => return Err(CallerError::Process(number, errno)),
        }
    }
    found.sort_by_key(|holder| holder.process);
    Ok(found)
}

fn holder(proc: &OwnedFd, number: u32, inode: u64, marked: bool) -> Result<Option<Holder>, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let process = openat(proc, number.to_string(), flags | OFlags::PATH, Mode::empty())?;
    if !has(&process, inode)? {
        return Ok(None);
    }
    let started = started(&process).ok_or(Errno::SRCH)?;
    let executable = Executable::of(&process)?;
    let marks = if marked { Marks::of(&process)? } else { Marks::default() };
    Ok(Some(Holder { process: number, started, executable, marks }))
}

fn has(process: &OwnedFd, inode: u64) -> Result<bool, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let descriptors = match openat(process, "fd", flags, Mode::empty()) {
        // One that has ended and is not waited for has no descriptors.
        Err(Errno::ACCESS | Errno::PERM) if is_over(process) => return Ok(false),
        other => other?,
    };
    for entry in Dir::read_from(&descriptors)? {
        let Ok(entry) = entry else { continue };
        if !entry.file_name().to_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        let Ok(link) = readlinkat(&descriptors, entry.file_name(), Vec::new()) else { continue };
        if socket_inode(link.to_bytes()) == Some(inode) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The inode of `socket:[123]`.
pub(super) fn socket_inode(link: &[u8]) -> Option<u64> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// What stands behind the name in `stat`: the name is in brackets, and may have any in it.
fn stat(process: impl AsFd) -> Option<Vec<String>> {
    fields(&read(process, "stat")?)
}

fn fields(stat: &str) -> Option<Vec<String>> {
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Since when it runs, in ticks since the machine was started.
fn started(process: impl AsFd) -> Option<u64> {
    // The 22nd field; the first behind the name is the third.
    stat(process)?.get(19)?.parse().ok()
}

/// When a process was started, and by its number which one it comes from.
pub(super) fn origin(proc: &OwnedFd, number: u32) -> Option<(u64, u32)> {
    let fields = fields(&read(proc, &format!("{number}/stat"))?)?;
    Some((fields.get(19)?.parse().ok()?, fields.get(1)?.parse().ok()?))
}

/// The number that the process of a thread has in the innermost namespace it is in.
pub(super) fn number_inside(folder: impl AsFd) -> Option<u32> {
    let text = read(folder, "status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("NStgid:"))?;
    line.split_ascii_whitespace().next_back()?.parse().ok()
}

fn is_over(process: impl AsFd) -> bool {
    stat(process).is_none_or(|fields| matches!(fields.first().map(String::as_str), Some("Z" | "X")))
}

/// The executables above a process, up to init.
pub(super) fn ancestors(proc: &OwnedFd, process: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mut number = process;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    while found.len() < MOST_ANCESTORS {
        let parent = openat(proc, number.to_string(), flags, Mode::empty())
            .ok()
            .and_then(stat)
            .and_then(|fields| fields.get(1)?.parse::<u32>().ok());
        let Some(parent) = parent.filter(|parent| *parent > 1) else { break };
        let Ok(folder) = openat(proc, parent.to_string(), flags, Mode::empty()) else { break };
        match readlinkat(&folder, "exe", Vec::new()) {
            Ok(path) => found.push(path.to_string_lossy().into_owned()),
            Err(_) => break,
        }
        number = parent;
    }
    found
}

/// The first argument, if it is a file: what an interpreter was started to run. What else it may be is not
/// looked at: arguments can hold secrets.
pub(super) fn script(proc: &OwnedFd, process: u32) -> Option<String> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(proc, process.to_string(), flags, Mode::empty()).ok()?;
    let arguments = read(&folder, "cmdline")?;
    let first = arguments.split('\0').nth(1).filter(|it| !it.is_empty() && !it.starts_with('-'))?;
    let base = if first.starts_with('/') { "root" } else { "cwd" };
    let base = openat(&folder, base, flags, Mode::empty()).ok()?;
    let relative = first.trim_start_matches('/');
    let how = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(&base, relative, how, Mode::empty(), within).ok()?;
    let found = fstat(&file).ok()?;
    (FileType::from_raw_mode(found.st_mode) == FileType::RegularFile).then(|| first.to_owned())
}

/// The beginning of one of its files. The kernel makes the text for one read, of one moment; a second one would only say
/// that there is no more.
fn read(process: impl AsFd, name: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(process.as_fd(), name, flags, Mode::empty()).ok()?;
    let mut bytes = [0; MOST_OF_ARGUMENTS];
    let read = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut bytes)).ok()?;
    Some(String::from_utf8_lossy(bytes.get(..read)?).into_owned())
}
