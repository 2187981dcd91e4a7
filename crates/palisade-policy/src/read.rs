//! The bytes of a document, once, from a file that only the right people can have written.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::{fs::OFlags, io::Errno};

use crate::{draft::Layer, text::MOST_BYTES};

/// Why a file is not read, and what to do.
#[derive(Debug)]
pub(crate) struct ReadError {
    pub(crate) why: String,
    pub(crate) help: &'static str,
}

fn error(why: impl Into<String>, help: &'static str) -> ReadError {
    ReadError { why: why.into(), help }
}

/// The bytes, or one more than a policy has. A project's file is nobody's link, and nothing but a
/// file is waited for.
pub(crate) fn read(path: &Path, layer: Layer) -> Result<Vec<u8>, ReadError> {
    let mut flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    if layer == Layer::Project {
        flags |= OFlags::NOFOLLOW;
    }
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| of_io(&error, layer))?;
    let found = file.metadata().map_err(|error| of_io(&error, layer))?;
    if found.is_dir() {
        return Err(error("it is a folder, and not a file", "name a file in it"));
    }
    if !found.is_file() {
        return Err(not_regular());
    }
    writers(path, &found, layer)?;
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(|error| of_io(&error, layer))?;
    Ok(bytes)
}

fn not_regular() -> ReadError {
    error("it is a device, a socket or a pipe, and not a file", "name a file")
}

fn of_io(found: &io::Error, layer: Layer) -> ReadError {
    match found.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            error("there is no such file", "correct its path")
        }
        io::ErrorKind::PermissionDenied => {
            error("you may not read it", "change its owner or its permissions, or name another")
        }
        _ if layer == Layer::Project && Errno::from_io_error(found) == Some(Errno::LOOP) => error(
            "it is a symbolic link, and a project's policy is a file of its own",
            "put the policy itself there, or name it with --policy",
        ),
        _ if Errno::from_io_error(found) == Some(Errno::LOOP) => {
            error("its symbolic links lead in a circle", "name the file itself")
        }
        // What opening a socket gives.
        _ if Errno::from_io_error(found) == Some(Errno::NXIO) => not_regular(),
        _ => error(found.to_string(), "see that it is a regular file that you may read"),
    }
}

/// A managed policy that others can write manages nothing, and so for the user's.
fn writers(path: &Path, found: &Metadata, layer: Layer) -> Result<(), ReadError> {
    match layer {
        Layer::Managed => {
            let me = rustix::process::geteuid().as_raw();
            let safe = |of: &Metadata| of.mode() & 0o022 == 0 && [0, me].contains(&of.uid());
            let folder = path.parent().and_then(|folder| folder.metadata().ok());
            if safe(found) && folder.is_some_and(|folder| safe(&folder)) {
                return Ok(());
            }
            Err(error(
                "it is managed, and others than root can change it, or its folder",
                "chown root:root and chmod go-w both of them",
            ))
        }
        Layer::User if found.mode() & 0o002 != 0 => {
            Err(error("everybody can change it", "chmod o-w it"))
        }
        Layer::CommandLine | Layer::Project | Layer::User => Ok(()),
    }
}

/// Whether there is something at a path. What cannot be looked at is not taken for missing.
pub(crate) fn is_there(path: &Path) -> Result<bool, ReadError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(false)
        }
        Err(found) => Err(error(
            format!("nobody can tell whether it is there: {found}"),
            "see that you may look into its folder",
        )),
    }
}
