//! The programs that rules name, as files: by which a program is recognised that has another name.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use palisade_sandbox::linux::{callers::Executable, execs::View};

use crate::callers::Digests;

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
        for name in names {
            for file in places.files(view, name) {
                programs.push(Program { name: name.clone(), file, links: BTreeSet::new() });
            }
        }
        let mut known = Self { programs };
        known.find_links(places, view);
        known
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

    /// By which names of rules this file is known: it is one of the programs, or a copy of one. `called` is what it is told that
    /// its name is: a program of many names does what that says, if it is one of them.
    ///
    /// # Errors
    /// It has the size of one, and cannot be compared with it.
    pub(super) fn names(
        &self,
        file: &Executable,
        called: Option<&str>,
        digests: &Digests,
    ) -> std::io::Result<Vec<String>> {
        let base = called.map(|name| name.rsplit('/').next().unwrap_or(name));
        let mut names = Vec::new();
        for program in &self.programs {
            let (one, other) = (program.file.identity(), file.identity());
            let same = one.is_same_file(&other)
                || (one.size() == other.size()
                    && digests.of(&program.file)? == digests.of(file)?);
            if !same {
                continue;
            }
            let many = program.links.len() > 1;
            if many && base.is_some_and(|base| program.links.contains(base)) {
                continue;
            }
            names.push(program.name.clone());
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn names(known: &Known, view: &View, path: &str, called: &str) -> Vec<String> {
        let file = view.file(path.as_bytes()).unwrap();
        known.names(&file, Some(called), &Digests::default()).unwrap()
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
