//! A file of the operator's that a command changes: at once, and through no link.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::Path,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, open, openat, renameat, unlinkat},
    io::Errno,
    process::geteuid,
};

use crate::failure::{Failure, Kind};

/// More than the longest policy, and the longest settings.
const MOST_READ: u64 = (1 << 20) + 1;

/// The file. Its folder is held: what is put in the way to it later changes nothing.
#[derive(Debug)]
pub(super) struct Place {
    folder: OwnedFd,
    name: OsString,
    shown: String,
}

/// What is there.
#[derive(Debug)]
pub(super) struct Found {
    /// Its text; none: there is no file.
    pub(super) text: Option<String>,
    /// Its mode, or that of a new one.
    pub(super) mode: fs::Permissions,
}

impl Place {
    /// Where this path leads now.
    ///
    /// # Errors
    /// It names no file of a folder that is there.
    pub(super) fn find(file: &Path) -> Result<Self, Failure> {
        Self::found(file, OFlags::empty())
    }

    /// The same, where the folder itself is no link.
    ///
    /// # Errors
    /// It is one, or names no file of a folder that is there.
    pub(super) fn find_direct(file: &Path) -> Result<Self, Failure> {
        Self::found(file, OFlags::NOFOLLOW)
    }

    fn found(file: &Path, more: OFlags) -> Result<Self, Failure> {
        let shown = file.display().to_string();
        let name = file.file_name().ok_or(Errno::INVAL);
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
        let opened = name.and_then(|name| Ok((open(folder, flags, Mode::empty())?, name)));
        let (folder, name) = opened.map_err(|errno| cannot(&shown, &errno.into()))?;
        Ok(Self { folder, name: name.to_owned(), shown })
    }

    /// As it is named to the user.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The text as it is. An agent may have written here: through no link, and only what is a file.
    pub(super) fn read(&self) -> Result<Found, Failure> {
        self.look(|_| None)
    }

    /// The same of a file that is this user's alone: what another user owns, or what has a second name, is not
    /// exchanged for a new one.
    pub(super) fn read_own(&self) -> Result<Found, Failure> {
        self.look(|found| match () {
            () if found.uid() != geteuid().as_raw() => Some("another user owns it"),
            () if found.nlink() != 1 => Some("it has a second name (a hard link)"),
            () if found.len() >= MOST_READ => Some("it is longer than 1 MiB"),
            () => None,
        })
    }

    fn look(&self, odd: impl Fn(&fs::Metadata) -> Option<&'static str>) -> Result<Found, Failure> {
        let Self { folder, name, shown } = self;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(folder, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => {
                return Ok(Found { text: None, mode: fs::Permissions::from_mode(0o644) });
            }
            Err(Errno::LOOP) => {
                let what = format!("{shown} is not changed: it is a symbolic link");
                return Err(Failure::new(Kind::Denied, what).remedy("name the file itself"));
            }
            Err(errno) => return Err(cannot(shown, &errno.into())),
        };
        let failed = |error: io::Error| cannot(shown, &error);
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(failed(io::Error::other("it is no file")));
        }
        if let Some(why) = odd(&found) {
            return Err(Failure::new(Kind::Denied, format!("{shown} is not changed: {why}"))
                .remedy("put a file of your own there"));
        }
        let mut text = String::new();
        // One more than it may have; that is refused where it is read.
        file.take(MOST_READ).read_to_string(&mut text).map_err(failed)?;
        Ok(Found { text: Some(text), mode: found.permissions() })
    }

    /// Put this text there, all of it at once.
    ///
    /// # Errors
    /// It stays as it was.
    pub(super) fn put(&self, text: &str, mode: fs::Permissions) -> Result<(), Failure> {
        let Self { folder, name, shown } = self;
        let failed = |errno: Errno| cannot(shown, &errno.into());
        let fresh = fresh_name(name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut made =
            File::from(openat(folder, &fresh, flags, Mode::from(0o600)).map_err(failed)?);
        let written = made
            .write_all(text.as_bytes())
            .and_then(|()| made.set_permissions(mode))
            .and_then(|()| made.sync_all())
            .and_then(|()| Ok(renameat(folder, &fresh, folder, name)?));
        written.map_err(|error| {
            unlinkat(folder, &fresh, AtFlags::empty()).unwrap_or_default();
            cannot(shown, &error)
        })
    }

    /// Remove the file. That there is none is as good.
    ///
    /// # Errors
    /// It is still there.
    pub(super) fn remove(&self) -> Result<(), Failure> {
        match unlinkat(&self.folder, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(cannot(&self.shown, &errno.into())),
        }
    }
}

fn cannot(shown: &str, error: &io::Error) -> Failure {
    Failure::new(Kind::Enforcement, format!("{shown} cannot be changed: {error}"))
        .remedy("see that it is yours and can be written")
}

/// Beside it, so that it can take its place.
fn fresh_name(name: &OsStr) -> OsString {
    let mut fresh = name.to_owned();
    fresh.push(format!(".{}.new", std::process::id()));
    fresh
}
