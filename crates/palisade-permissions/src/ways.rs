//! Which file a path means: by its name, and by where the links in it lead.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::OsString,
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
    io::Errno,
};

/// The paths that a path of a call stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ways {
    lexical: PathBuf,
    /// Where links lead, where that is another path, byte by byte.
    real: Option<PathBuf>,
}

/// The ways that were looked up for one decision. Each is looked up once: all rules are asked about the same file, whatever
/// becomes of its links meanwhile.
#[derive(Debug)]
pub(crate) struct Lookups<'a> {
    home: Option<&'a Path>,
    /// By what was given, byte by byte: `link/` leads elsewhere than `link`.
    known: RefCell<HashMap<OsString, Rc<Ways>>>,
}

/// A folder that names of files count from.
#[derive(Debug, Clone)]
pub(crate) struct Cwd<'a> {
    folder: PathBuf,
    lookups: &'a Lookups<'a>,
}

impl Ways {
    /// Both of `path` from this folder, or from home behind `~`.
    pub(crate) fn new(folder: &Path, path: &str, home: Option<&Path>) -> Self {
        Self::of(folder, whole(folder, path, home))
    }

    fn of(folder: &Path, given: PathBuf) -> Self {
        let Some(led) = through_descriptors(&given) else {
            return Self::along(folder, given);
        };
        let by_name = without_dots(&given);
        let led = Self::along(folder, led);
        if by_name == given {
            return led;
        }
        // An agent that takes `..` by its name does not come there; the kernel does.
        let real = Some(led.real().to_owned()).filter(|real| *real != by_name);
        Self { lexical: by_name, real }
    }

    fn along(folder: &Path, given: PathBuf) -> Self {
        let plain = without_dots(&given);
        let of_process = of_process(&plain).is_some();
        let lexical = without_proc(folder, plain);
        // Dots are kept where links count: `link/..` is where the link leads.
        let start = if of_process { lexical.clone() } else { given };
        if has_no_links(&start) {
            return Self { lexical, real: None };
        }
        let real = followed(start).filter(|real| real.as_os_str() != lexical.as_os_str());
        Self { lexical, real }
    }

    /// The path without `.` and `..`.
    pub(crate) fn lexical(&self) -> &Path {
        &self.lexical
    }

    /// Where it leads, links followed as far as it exists.
    pub(crate) fn real(&self) -> &Path {
        self.real.as_deref().unwrap_or(&self.lexical)
    }

    /// Both, or the one where they are the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.lexical()).chain(self.real.as_deref())
    }
}

impl<'a> Lookups<'a> {
    pub(crate) fn new(home: Option<&'a Path>) -> Self {
        Self { home, known: RefCell::default() }
    }

    fn ways(&self, folder: &Path, path: &str) -> Rc<Ways> {
        let given = whole(folder, path, self.home);
        // What stands for a process may depend on the folder as well.
        let fixed = given.to_str().is_some_and(|given| !given.contains("/proc"));
        let known = self.known.borrow().get(given.as_os_str()).filter(|_| fixed).map(Rc::clone);
        if let Some(known) = known {
            return known;
        }
        let key = given.clone().into_os_string();
        let ways = Rc::new(Ways::of(folder, given));
        if fixed {
            self.known.borrow_mut().insert(key, Rc::clone(&ways));
        }
        ways
    }
}

impl<'a> Cwd<'a> {
    pub(crate) fn new(folder: PathBuf, lookups: &'a Lookups<'a>) -> Self {
        Self { folder, lookups }
    }

    /// Where `path` leads from here, by its name.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { folder: lexical(&self.folder, path, self.lookups.home), lookups: self.lookups }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ways of `path` from here, or from home behind `~`.
    pub(crate) fn ways(&self, path: &str) -> Rc<Ways> {
        self.lookups.ways(&self.folder, path)
    }
}

/// A path without `.` and `..`, from this folder.
pub(crate) fn lexical(folder: &Path, path: &str, home: Option<&Path>) -> PathBuf {
    let whole = whole(folder, path, home);
    let whole = through_descriptors(&whole).unwrap_or(whole);
    without_proc(folder, without_dots(&whole))
}

/// The path from this folder, or from home behind `~`.
fn whole(folder: &Path, path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => folder.join(path),
    }
}

/// Where `/dev/fd` leads: it is a link there, and of whoever looks it up.
fn through_descriptors(path: &Path) -> Option<PathBuf> {
    path.strip_prefix("/dev/fd").ok().map(|rest| Path::new("/proc/self/fd").join(rest))
}

fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// The same without `/proc/self/cwd` and `/proc/self/root`, which are the agent's, whoever looks them up here.
fn without_proc(folder: &Path, mut path: PathBuf) -> PathBuf {
    const MOST: usize = 8;
    for _ in 0..MOST {
        let Some((start, rest)) = of_process(&path) else { return path };
        let start = if start == "cwd" { folder } else { Path::new("/") };
        path = without_dots(&start.join(rest));
    }
    path
}

/// What stands behind `/proc/PROCESS/cwd` or `/proc/PROCESS/root`, and which of the two it is.
fn of_process(path: &Path) -> Option<(&'static str, PathBuf)> {
    let mut rest = path.strip_prefix("/proc").ok()?.components();
    let process = rest.next()?.as_os_str().to_str()?;
    if !matches!(process, "self" | "thread-self") && !process.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut name = rest.next()?.as_os_str();
    if name == "task" {
        rest.next()?;
        name = rest.next()?.as_os_str();
    }
    let name = ["cwd", "root"].into_iter().find(|known| name == *known)?;
    Some((name, rest.as_path().to_owned()))
}

/// Whether the kernel meets no link on the way there, as far as there is one: then the path leads to what it says. `false`
/// where that cannot be told.
fn has_no_links(path: &Path) -> bool {
    if !path.has_root() {
        return false;
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // See `openat2(2)`: a link in front of what is missing would be `ELOOP`.
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => true,
        Err(_) => false,
    }
}

/// Where a path leads, links followed as far as it exists. `None`: nowhere but where its name says.
fn followed(mut at: PathBuf) -> Option<PathBuf> {
    let mut rest: Vec<OsString> = Vec::new();
    loop {
        if let Ok(found) = at.canonicalize() {
            let mut out = found;
            for name in rest.iter().rev() {
                if name == ".." {
                    out.pop();
                } else {
                    out.push(name);
                }
            }
            return Some(out);
        }
        let name = match at.components().next_back() {
            Some(Component::Normal(name)) => name.to_owned(),
            Some(Component::ParentDir) => "..".into(),
            _ => return None,
        };
        rest.push(name);
        if !at.pop() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests;
