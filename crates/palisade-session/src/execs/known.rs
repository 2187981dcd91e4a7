//! The programs that rules name, as files: by which a program is recognised that has another name.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeSet, HashMap},
    fs::File,
    io::{self, Read},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use palisade_sandbox::linux::{
    callers::{Executable, Identity},
    execs::View,
};
use sha2::{Digest, Sha256};

use crate::callers::Digests;

/// Programs that do what the name says by which they are called, one of many.
const OF_MANY_NAMES: [&str; 5] = ["busybox", "toybox", "coreutils", "rustup", "multicall"];

/// Loaders, which run the program that they are given (`ld.so(8)`).
const LOADERS: [&str; 6] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-linux.so.2",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];

/// Bytes of a program's file by which it is known although others were changed or added: of ELF, the headers and, as a rule,
/// the identity that the linker gave it.
const START: usize = 4096;

/// Starts of files that are kept.
const MOST_KEPT: usize = 4096;

/// Names that are looked at in one folder.
const MOST_NAMES: usize = 20_000;

/// Where programs are looked for.
#[derive(Debug)]
pub(super) struct Places {
    search: Vec<PathBuf>,
    workspace: PathBuf,
}

/// What rules name, under one policy.
#[derive(Debug, Default)]
pub(super) struct Known {
    programs: Vec<Program>,
}

#[derive(Debug)]
struct Program {
    /// As the rule has it.
    name: String,
    file: Executable,
    begins: Begins,
    /// The names of the same file where programs are looked for, and where nobody inside can make one.
    links: BTreeSet<String>,
}

impl Places {
    pub(super) fn new(search: &str, workspace: &Path) -> Self {
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in std::env::split_paths(search).filter(|folder| folder.is_absolute()) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Self { search: folders, workspace: workspace.to_owned() }
    }

    /// Every file that a rule means by a program's name.
    fn files(&self, view: &View, name: &str) -> Vec<Executable> {
        let paths: Vec<PathBuf> = if name.contains('/') {
            vec![self.workspace.join(name)]
        } else {
            self.search.iter().map(|folder| folder.join(name)).collect()
        };
        let mut files: Vec<Executable> = Vec::new();
        for path in paths {
            let Ok(file) = view.file(path.as_os_str().as_encoded_bytes()) else { continue };
            if !file.is_regular() {
                continue;
            }
            if !files.iter().any(|known| known.identity().is_same_file(&file.identity())) {
                files.push(file);
            }
        }
        files
    }
}

impl Known {
    /// What these names mean now. What is not there has no file to be known by.
    pub(super) fn find(names: &[String], places: &Places, view: &View) -> Self {
        let mut programs = Vec::new();
        let loaders = LOADERS.iter().map(|name| (*name).to_owned());
        for name in names.iter().cloned().chain(loaders.filter(|_| !names.is_empty())) {
            for file in places.files(view, &name) {
                let (begins, links) = (OnceCell::new(), BTreeSet::new());
                programs.push(Program { name: name.clone(), file, begins, links });
            }
        }
        let mut known = Self { programs };
        known.find_links(places, view);
        known
    }

    /// Whether there is nothing to recognise.
    pub(super) fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    fn find_links(&mut self, places: &Places, view: &View) {
        if self.programs.is_empty() {
            return;
        }
        let mut seen: Vec<Executable> = Vec::new();
        for folder in &places.search {
            let Ok(place) = view.file(folder.as_os_str().as_encoded_bytes()) else { continue };
            if seen.iter().any(|other| other.identity().is_same_file(&place.identity())) {
                continue;
            }
            seen.push(place);
            for entry in view.names(folder, MOST_NAMES).unwrap_or_default() {
                let may_be = |program: &Program| program.file.identity().inode() == entry.inode;
                if !entry.is_link && !self.programs.iter().any(may_be) {
                    continue;
                }
                let Ok(name) = String::from_utf8(entry.name) else { continue };
                let path = folder.join(&name);
                let Ok(file) = view.file(path.as_os_str().as_encoded_bytes()) else { continue };
                for program in &mut self.programs {
                    if program.file.identity().is_same_file(&file.identity()) {
                        program.links.insert(name.clone());
                    }
                }
            }
        }
    }

    /// By which names of rules this file is known: it is one of the programs, or a copy of one, changed or not. `called` is what it is told that
    /// its name is: a program of many names does what that says, if it is one of them.
    ///
    /// # Errors
    /// It cannot be compared with them.
    pub(super) fn names(
        &self,
        file: &Executable,
        called: Option<&str>,
        (digests, starts): (&Digests, &Starts),
    ) -> io::Result<Vec<String>> {
        let base = called.map(|name| name.rsplit('/').next().unwrap_or(name));
        let mut names = Vec::new();
        if !file.is_regular() {
            return Ok(names);
        }
        let begins = OnceCell::new();
        for program in &self.programs {
            let (one, other) = (program.file.identity(), file.identity());
            let same = one.is_same_file(&other)
                || begin_alike((&program.file, &program.begins), (file, &begins), starts)?
                || (one.size() == other.size()
                    && digests.of(&program.file)? == digests.of(file)?);
            if !same {
                continue;
            }
            let real = program.file.path();
            let many = OF_MANY_NAMES.contains(&real.rsplit('/').next().unwrap_or(real));
            if many && base.is_some_and(|base| program.links.contains(base)) {
                continue;
            }
            names.push(program.name.clone());
        }
        Ok(names)
    }
}

/// How one executable begins, once that is known.
type Begins = OnceCell<Option<[u8; 32]>>;

fn begin_alike(
    (one, ones): (&Executable, &Begins),
    (other, others): (&Executable, &Begins),
    starts: &Starts,
) -> io::Result<bool> {
    let of = |file: &Executable, begins: &Begins| match begins.get() {
        Some(known) => Ok::<_, io::Error>(*known),
        None => starts.of(file).inspect(|start| begins.set(*start).unwrap_or_default()),
    };
    let start = of(one, ones)?;
    Ok(start.is_some() && start == of(other, others)?)
}

/// How executables begin, by file and state of it: a digest, or that it is no ELF.
#[derive(Debug, Default)]
pub(super) struct Starts(RefCell<HashMap<Identity, Option<[u8; 32]>>>);

impl Starts {
    fn of(&self, executable: &Executable) -> io::Result<Option<[u8; 32]>> {
        if let Some(start) = self.0.borrow().get(&executable.identity()) {
            return Ok(*start);
        }
        // The very file: its path may lead elsewhere by now.
        let path = format!("/proc/self/fd/{}", executable.file().as_raw_fd());
        let mut bytes = Vec::with_capacity(START);
        File::open(path)?.take(START as u64).read_to_end(&mut bytes)?;
        let is_program = bytes.starts_with(b"\x7fELF");
        let start = is_program.then(|| Sha256::digest(&bytes).into());
        let mut kept = self.0.borrow_mut();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(executable.identity(), start);
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn names(known: &Known, view: &View, path: &str, called: &str) -> Vec<String> {
        let file = view.file(path.as_bytes()).unwrap();
        known.names(&file, Some(called), (&Digests::default(), &Starts::default())).unwrap()
    }

    #[test]
    fn a_program_is_known_by_its_file_and_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["bin", "work", "tmp"] {
            fs::create_dir(at(path)).unwrap();
        }
        for (path, text) in [
            ("bin/curl", "curl"),
            ("bin/ls", "list"),
            ("work/deploy", "deploy it"),
            ("tmp/x", "curl"),
        ] {
            fs::write(at(path), text).unwrap();
        }
        fs::hard_link(at("bin/curl"), at("tmp/hard")).unwrap();
        symlink("../bin/curl", at("tmp/soft")).unwrap();
        symlink("/bin/curl", at("tmp/absolute")).unwrap();
        fs::write(at("tmp/y"), "curL").unwrap();
        let view = View::at(folder.path()).unwrap();
        let places = Places::new("/bin:/nowhere:relative", Path::new("/work"));
        let rules = ["curl", "./deploy", "missing"].map(str::to_owned);
        let known = Known::find(&rules, &places, &view);
        for path in ["/bin/curl", "/tmp/hard", "/tmp/soft", "/tmp/absolute", "/tmp/x"] {
            assert_eq!(names(&known, &view, path, "ls"), ["curl"], "{path}");
        }
        assert_eq!(names(&known, &view, "/work/deploy", ""), ["./deploy"]);
        for path in ["/bin/ls", "/tmp/y"] {
            assert!(names(&known, &view, path, "curl").is_empty(), "{path}");
        }
    }

    #[test]
    fn a_program_is_known_by_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir(at("bin")).unwrap();
        let program = [&b"\x7fELF"[..], &[7; 9000]].concat();
        fs::write(at("bin/curl"), &program).unwrap();
        fs::write(at("padded"), [program.as_slice(), b"x"].concat()).unwrap();
        let mut other = program.clone();
        other[8999] = 0;
        fs::write(at("changed"), &other).unwrap();
        other[99] = 0;
        fs::write(at("another"), &other).unwrap();
        let view = View::at(folder.path()).unwrap();
        let places = Places::new("/bin", Path::new("/"));
        let known = Known::find(&["curl".to_owned()], &places, &view);
        assert_eq!(names(&known, &view, "/padded", "x"), ["curl"]);
        assert_eq!(names(&known, &view, "/changed", "x"), ["curl"]);
        assert!(names(&known, &view, "/another", "x").is_empty());
    }

    /// As far as the links lie where nobody inside can make one; here that cannot be shown, so they are put in.
    #[test]
    fn a_program_of_many_names_is_the_one_it_is_called_by() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(folder.path().join("bin/busybox"), "busybox").unwrap();
        for name in ["wget", "ls"] {
            symlink("busybox", folder.path().join("bin").join(name)).unwrap();
        }
        let view = View::at(folder.path()).unwrap();
        let places = Places::new("/bin", Path::new("/"));
        let mut known = Known::find(&["wget".to_owned()], &places, &view);
        for program in &mut known.programs {
            program.links = ["busybox", "wget", "ls"].map(str::to_owned).into();
        }
        assert!(names(&known, &view, "/bin/ls", "ls").is_empty());
        assert_eq!(names(&known, &view, "/bin/ls", "another"), ["wget"]);
        // The reading by what it is called names it then.
        assert!(names(&known, &view, "/bin/wget", "/bin/wget").is_empty());
    }
}
