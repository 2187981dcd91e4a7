//! Copies of hook scripts, taken when a session starts.
//!
//! A script is copied with the folder that it is in, so that what it reads from beside itself is what was there
//! then, too. A folder with much in it is none of hooks alone: of that the script only is taken.

use data_encoding::HEXLOWER;
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256, digest};

/// Files of a folder that is copied whole.
const MOST_FILES: usize = 128;
/// Bytes of them.
const MOST_BYTES: u64 = 8 << 20;
/// Folders within folders.
const DEEPEST: usize = 4;
/// What Python makes of modules, and makes again where it is missing.
const COMPILED: &str = "__pycache__";

/// A folder of copies, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Copies {
    folder: PathBuf,
    /// Where each folder, or a script alone, was copied to.
    taken: BTreeMap<PathBuf, PathBuf>,
}

impl Copies {
    /// A fresh folder below `state`. What sessions left there that are gone is removed.
    pub(crate) fn new(state: &Path) -> io::Result<Self> {
        let above = state.join("hooks");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&above)?;
        sweep(&above);
        let mut number = 0_u32;
        loop {
            let folder = above.join(format!("{}.{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Self { folder, taken: BTreeMap::new() }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                    number += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// An empty place outside of everything, to run in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The copy of a script.
    pub(crate) fn of(&mut self, script: &Path) -> io::Result<PathBuf> {
        let real = script.canonicalize()?;
        let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(io::Error::other("it is in no folder"));
        };
        let to = self.folder.join(self.taken.len().to_string());
        if let Some(taken) = self.taken.get(folder) {
            return Ok(taken.join(name));
        }
        if let Some(taken) = self.taken.get(&real) {
            return Ok(taken.join(name));
        }
        fs::DirBuilder::new().mode(0o700).create(&to)?;
        let mut left = Left { files: MOST_FILES, bytes: MOST_BYTES };
        if whole(folder, &to, &mut left, DEEPEST)? {
            self.taken.insert(folder.to_owned(), to.clone());
        } else {
            fs::remove_dir_all(&to)?;
            fs::DirBuilder::new().mode(0o700).create(&to)?;
            copy(&real, &to.join(name))?;
            self.taken.insert(real.clone(), to.clone());
        }
        Ok(to.join(name))
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        // The next session sweeps what cannot be removed now.
        fs::remove_dir_all(&self.folder).unwrap_or_default();
    }
}

/// Of what a script is made, as a text that changes with it: the files that are copied with it, by name, mode and
/// content.
pub fn fingerprint(script: &Path) -> String {
    let found = || -> io::Result<String> {
        let real = script.canonicalize()?;
        let folder = real.parent().ok_or(io::ErrorKind::NotFound)?;
        let mut left = Left { files: MOST_FILES, bytes: MOST_BYTES };
        let mut files = Vec::new();
        if !list(folder, Path::new(""), &mut left, DEEPEST, &mut files)? {
            files = vec![real.file_name().map(PathBuf::from).unwrap_or_default()];
        }
        files.sort();
        let mut whole = Context::new(&SHA256);
        for file in files {
            let content = match fs::read(folder.join(&file)) {
                Ok(content) => digest(&SHA256, &content),
                Err(_) => continue,
            };
            let name = digest(&SHA256, file.as_os_str().as_encoded_bytes());
            let runs = fs::metadata(folder.join(&file))?.permissions().mode() & 0o111 != 0;
            whole.update(name.as_ref());
            whole.update(content.as_ref());
            whole.update(&[u8::from(runs)]);
        }
        Ok(HEXLOWER.encode(whole.finish().as_ref()))
    };
    found().unwrap_or_else(|_| "missing".to_owned())
}

/// The files below a folder that would be copied. False: there are more than that.
fn list(
    top: &Path,
    below: &Path,
    left: &mut Left,
    deep: usize,
    files: &mut Vec<PathBuf>,
) -> io::Result<bool> {
    for entry in fs::read_dir(top.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() == COMPILED {
                continue;
            }
            if deep == 0 || !list(top, &name, left, deep - 1, files)? {
                return Ok(false);
            }
            continue;
        }
        let Ok(found) = fs::metadata(entry.path()) else { continue };
        if !found.is_file() {
            continue;
        }
        let (Some(count), Some(bytes)) =
            (left.files.checked_sub(1), left.bytes.checked_sub(found.len()))
        else {
            return Ok(false);
        };
        *left = Left { files: count, bytes };
        files.push(name);
    }
    Ok(true)
}

struct Left {
    files: usize,
    bytes: u64,
}

/// Copy a folder. False: there is more in it than is copied.
fn whole(from: &Path, to: &Path, left: &mut Left, deep: usize) -> io::Result<bool> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if entry.file_name() == COMPILED {
                continue;
            }
            if deep == 0 {
                return Ok(false);
            }
            fs::DirBuilder::new().mode(0o700).create(&target)?;
            if !whole(&path, &target, left, deep - 1)? {
                return Ok(false);
            }
            continue;
        }
        // What a link leads to, if it is a file. Sockets, devices and links to nowhere are no part of a script.
        let Ok(found) = fs::metadata(&path) else { continue };
        if !found.is_file() {
            continue;
        }
        let (Some(files), Some(bytes)) =
            (left.files.checked_sub(1), left.bytes.checked_sub(found.len()))
        else {
            return Ok(false);
        };
        *left = Left { files, bytes };
        match copy(&path, &target) {
            // Not ours to read, so neither the hook's.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            copied => copied?,
        }
    }
    Ok(true)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let runs = source.metadata()?.permissions().mode() & 0o111 != 0;
    let mode = if runs { 0o500 } else { 0o400 };
    let mut options = fs::OpenOptions::new();
    let mut target = options.write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut io::Read::take(&mut source, MOST_BYTES), &mut target)?;
    target.set_permissions(fs::Permissions::from_mode(mode))
}

/// Remove what sessions left that were killed.
fn sweep(above: &Path) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_string_lossy().split('.').next().map(str::to_owned);
        let alive = process.is_some_and(|id| Path::new("/proc").join(id).exists());
        if !alive {
            fs::remove_dir_all(entry.path()).unwrap_or_default();
        }
    }
}
