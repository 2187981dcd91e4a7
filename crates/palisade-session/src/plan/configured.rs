//! What Git's settings name in a folder that may be written: hooks elsewhere than in `.git/hooks`, more settings, and
//! programs. Git of the host runs or believes it as what is in `.git`.

use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path, PathBuf},
};

use rustix::fs::OFlags;

use super::repository::Git;
use crate::order::Operator;

/// Bytes of a file of settings; of a longer one, its beginning.
const MOST_BYTES: u64 = 256 << 10;
/// Files that include each other.
const DEEPEST: usize = 8;
/// Names that one repository's settings have.
const MOST: usize = 256;

/// The operator's settings, which hold in every repository.
#[derive(Debug, Default)]
pub(super) struct Configured {
    home: PathBuf,
    own: Settings,
}

/// What settings name, as it stands there.
#[derive(Debug, Default, Clone)]
struct Settings {
    hooks: Vec<String>,
    /// Words of all values that may be paths.
    words: Vec<String>,
    /// Included files.
    files: Vec<PathBuf>,
}

impl Configured {
    /// As the operator's Git reads them.
    pub(super) fn of(operator: &Operator) -> Self {
        let home = operator.home.clone();
        let config = operator.variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.unwrap_or_else(|| home.join(".config"));
        let mut own = Settings::default();
        let global = operator.variable("GIT_CONFIG_GLOBAL").map(PathBuf::from);
        for file in ["/etc/gitconfig".into(), config.join("git/config"), home.join(".gitconfig")]
            .into_iter()
            .chain(global)
        {
            own.read(&file, &home, 0);
        }
        Self { home, own }
    }

    /// What the settings of these repositories name in `folder`, there or not; and those of one that the folder is in.
    pub(super) fn in_folder(&self, folder: &Path, found: &[Git]) -> BTreeSet<PathBuf> {
        let above = folder.ancestors().skip(1).map(|above| above.join(".git"));
        let above = above.filter_map(|git| match git.symlink_metadata() {
            Ok(at) if at.is_dir() => Some(Git::Named(git)),
            Ok(_) => Some(Git::Pointer(git)),
            Err(_) => None,
        });
        let mut all = BTreeSet::new();
        for git in found.iter().cloned().chain(above) {
            let Some((worktree, directories)) = places(&git) else { continue };
            let mut settings = self.own.clone();
            for directory in &directories {
                for name in ["config", "config.worktree"] {
                    settings.read(&directory.join(name), &self.home, 0);
                }
            }
            // In a git directory names of branches are files.
            if directories.first() == Some(&worktree) {
                settings.words.clear();
            }
            let named = settings.named(&worktree, &self.home);
            all.extend(named.filter(|path| path != folder && path.starts_with(folder)));
        }
        all
    }
}

/// The folder that relative names begin at, and the git directories whose settings count there.
fn places(git: &Git) -> Option<(PathBuf, Vec<PathBuf>)> {
    let (directory, worktree) = match git {
        Git::Named(path) | Git::Directory(path) => {
            let above = path.parent().filter(|_| path.ends_with(".git"));
            (path.clone(), above.unwrap_or(path).to_owned())
        }
        Git::Pointer(path) => {
            let worktree = path.parent()?.to_owned();
            let to = match path.is_dir() {
                true => path.clone(),
                false => worktree.join(text(path)?.strip_prefix("gitdir:")?.trim()),
            };
            (to, worktree)
        }
    };
    let common = text(&directory.join("commondir"));
    let common = common.map(|common| directory.join(common.trim()));
    Some((worktree, std::iter::once(directory).chain(common).collect()))
}

impl Settings {
    fn read(&mut self, file: &Path, home: &Path, depth: usize) {
        let Some(text) = text(file) else { return };
        for (section, key, value) in entries(&text) {
            if self.words.len().max(self.files.len()) > MOST {
                return;
            }
            match (section.as_str(), key.as_str()) {
                ("core", "hookspath") => self.hooks.push(value),
                ("include" | "includeif", "path") => {
                    let base = file.parent().unwrap_or(Path::new("/"));
                    let included = whole(&value, base, home);
                    self.files.push(included.clone());
                    if depth < DEEPEST {
                        self.read(&included, home, depth + 1);
                    }
                }
                _ => {
                    let words = value.split(|c: char| c.is_whitespace() || "!;|&'\"()".contains(c));
                    self.words.extend(words.filter(|it| it.contains('/')).map(str::to_owned));
                }
            }
        }
    }

    fn named(self, worktree: &Path, home: &Path) -> impl Iterator<Item = PathBuf> {
        // All of what is worked on is no folder of hooks.
        let hooks = self.hooks.iter().map(|hooks| whole(hooks, worktree, home));
        let hooks: Vec<_> = hooks.filter(|hooks| !worktree.starts_with(hooks)).collect();
        let programs = self.words.iter().map(|word| whole(word, worktree, home));
        let programs: Vec<_> = programs.filter(|path| path.is_file()).collect();
        let files = self.files.into_iter().map(|file| normal(&file));
        hooks.into_iter().chain(programs).chain(files)
    }
}

/// The path that a value means.
fn whole(value: &str, base: &Path, home: &Path) -> PathBuf {
    match value.strip_prefix("~/") {
        Some(rest) => normal(&home.join(rest)),
        None => normal(&base.join(value)),
    }
}

/// By its real folder as far as there is one, and without `..` behind that.
fn normal(path: &Path) -> PathBuf {
    let found =
        path.ancestors().skip(1).find_map(|above| Some((above.canonicalize().ok()?, above)));
    let (mut real, rest) = match found {
        Some((real, above)) => (real, path.strip_prefix(above).unwrap_or(path)),
        None => (PathBuf::from("/"), path),
    };
    for part in rest.components() {
        match part {
            Component::Normal(name) => real.push(name),
            Component::ParentDir => {
                real.pop();
            }
            _ => {}
        }
    }
    real
}

fn text(file: &Path) -> Option<String> {
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(file);
    let opened = opened.ok().filter(|it| it.metadata().is_ok_and(|found| found.is_file()))?;
    let mut bytes = Vec::new();
    opened.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Section, key and value of each line, see `git-config(1)`.
fn entries(text: &str) -> Vec<(String, String, String)> {
    let (mut all, mut section) = (Vec::new(), String::new());
    let text = text.replace("\\\r\n", "").replace("\\\n", "");
    for line in text.lines() {
        let mut line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let Some((name, rest)) = closed(header) else { continue };
            let end = name.find(|c: char| c.is_whitespace() || c == '"' || c == '.');
            section =
                name.get(..end.unwrap_or(name.len())).unwrap_or_default().to_ascii_lowercase();
            line = rest.trim();
        }
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            all.push((section.clone(), key.trim().to_ascii_lowercase(), unquoted(value)));
        }
    }
    all
}

/// A header, and what stands behind it.
fn closed(header: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in header.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((header.get(..at)?, header.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn unquoted(value: &str) -> String {
    let (mut out, mut quoted) = (String::new(), false);
    let mut letters = value.trim().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '\\' => out.extend(letters.next()),
            '#' | ';' if !quoted => break,
            _ => out.push(letter),
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_git_does() {
        let text = "[core]\n\thooksPath = \"a b\"/c # mine\n[Core] HooksPath=d;x\n\
                    [includeIf \"gitdir:]\"]\n path = ~/e\n[filter \"x\"]\n clean = python3 \\\ntools/f.py\n";
        let all = entries(text);
        let found: Vec<_> =
            all.iter().map(|(section, key, value)| (&**section, &**key, &**value)).collect();
        assert_eq!(
            found,
            [
                ("core", "hookspath", "a b/c"),
                ("core", "hookspath", "d"),
                ("includeif", "path", "~/e"),
                ("filter", "clean", "python3 tools/f.py"),
            ]
        );
    }

    #[test]
    fn what_they_name_in_the_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| {
            let path = at.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "work/.git/config",
            "[core]\nhooksPath = hooks.d\n[include]\npath = ../more.conf\n[core]\nfsmonitor = ./watch.sh -x\n",
        );
        write("work/more.conf", "[diff \"x\"]\ntextconv = tools/show\n[alias]\na = !./none\n");
        write("work/watch.sh", "");
        write("work/tools/show", "");
        write("home/.gitconfig", "[core]\nhooksPath = ~/hooks\n");
        let operator = Operator {
            home: at.join("home"),
            directory: at.clone(),
            state_dir: at.clone(),
            config_dir: at.clone(),
            environment: Default::default(),
        };
        let configured = Configured::of(&operator);
        let work = at.join("work");
        let found = configured.in_folder(&work, &[Git::Named(work.join(".git"))]);
        let expected = ["hooks.d", "more.conf", "tools/show", "watch.sh"].map(|it| work.join(it));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
        // The folder is a part of the repository.
        let tools = work.join("tools");
        let found = configured.in_folder(&tools, &[]);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [tools.join("show")]);
        let home = configured.in_folder(&at.join("home"), &[Git::Named(work.join(".git"))]);
        assert!(home.contains(&at.join("home/hooks")), "{home:?}");
    }
}
