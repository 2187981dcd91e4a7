//! Files that a command wanted and was not shown, as grants that its next run needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use palisade_policy::{Addition, Item, is_invisible};
use serde_json::{Value, json};

/// Files of one folder of which each is named; with more, the folder is.
const MOST_OF_FOLDER: usize = 8;

/// Folders of the home that hold all kinds of things.
const BROAD: [&str; 5] = [".config", ".local", ".local/share", ".local/state", ".cache"];

/// Names of files and folders that hold keys, as far as a name tells.
const SECRETS: [&str; 27] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".password-store",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".pgpass",
    ".my.cnf",
    ".npmrc",
    ".pypirc",
    ".vault-token",
    ".mozilla",
    ".thunderbird",
    ".bitcoin",
    ".ethereum",
    "google-chrome",
    "chromium",
    "bravesoftware",
    "keyrings",
    "gcloud",
    "gh",
    "shadow",
    "gshadow",
];

/// What their names begin or end with.
const BEGINNINGS: [&str; 7] =
    [".env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "credentials", "secret"];
const ENDS: [&str; 8] =
    [".pem", ".key", ".p12", ".pfx", ".kdbx", ".keystore", "_history", "credentials.json"];

/// What was wanted, by path.
#[derive(Debug, Default)]
pub(super) struct Files {
    wanted: BTreeMap<PathBuf, Wanted>,
    kept: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wanted {
    write: bool,
    folder: bool,
    by: BTreeSet<String>,
}

/// What comes of it.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// `filesystem.read` and `filesystem.write`.
    pub(super) additions: Vec<Addition>,
    /// The paths in them, as they are shown.
    pub(super) granted: Vec<String>,
    /// What is for a person to decide.
    pub(super) notes: Vec<String>,
}

impl Files {
    /// One more, by the subject and the facts of its event.
    pub(super) fn add(&mut self, path: &str, fact: impl Fn(&'static str) -> Option<Value>) {
        let text = |key| fact(key).and_then(|value| Some(value.as_str()?.to_owned()));
        let path = PathBuf::from(path);
        let write = match text("access").as_deref() {
            Some("read") => false,
            Some("write") => true,
            Some("kept") => {
                self.kept.insert(path);
                return;
            }
            _ => return,
        };
        let wanted = self.wanted.entry(path).or_default();
        wanted.write |= write;
        wanted.folder |= fact("folder") == Some(Value::Bool(true));
        wanted.by.extend(text("binary"));
    }

    /// Grants for what may be granted unasked. `why` is the comment above each.
    pub(super) fn settle(mut self, home: &Path, directory: &Path, why: &str) -> Settled {
        let mut settled = Settled::default();
        let mut left = Vec::new();
        for (path, wanted) in &self.wanted {
            let Some(reason) = for_a_person(path, wanted, home, directory) else { continue };
            left.push(path.clone());
            // A folder on the way was looked at, no more.
            let on_the_way = wanted.folder && !wanted.write && self.has_below(path);
            if !on_the_way {
                let list = if wanted.write { "write" } else { "read" };
                let (shown, by) = (shown(path, home), by(wanted));
                settled.notes.push(format!(
                    "not granted: {shown}{by}: {reason}; if it is meant, name it in filesystem.{list}"
                ));
            }
        }
        for path in &left {
            self.wanted.remove(path);
        }
        self.fold(&left, home, directory);
        let ways: Vec<PathBuf> = self
            .wanted
            .iter()
            .filter(|(path, wanted)| wanted.folder && !wanted.write && self.has_below(path))
            .map(|(path, _)| path.clone())
            .collect();
        for path in ways {
            self.wanted.remove(&path);
        }
        let covered = |path: &Path, wanted: &Wanted| {
            path.ancestors().skip(1).any(|above| {
                self.wanted.get(above).is_some_and(|it| it.folder && (it.write || !wanted.write))
            })
        };
        for (list, write) in [("read", false), ("write", true)] {
            let items: Vec<Item> = self
                .wanted
                .iter()
                .filter(|(path, wanted)| wanted.write == write && !covered(path, wanted))
                .map(|(path, wanted)| {
                    let path = shown(path, home);
                    let comment = vec![format!("{why}{}", by(wanted))];
                    settled.granted.push(path.clone());
                    Item { comment, value: json!(path) }
                })
                .collect();
            if !items.is_empty() {
                settled.additions.push(Addition { list: vec!["filesystem", list], items });
            }
        }
        let kept: Vec<String> = topmost(&self.kept).map(|path| shown(path, home)).collect();
        for path in kept {
            settled.notes.push(format!(
                "written in the sandbox's own home, and gone with it: {path}; to keep it, name it in \
                 filesystem.write"
            ));
        }
        settled
    }

    fn has_below(&self, folder: &Path) -> bool {
        let after = (std::ops::Bound::Excluded(folder.to_owned()), std::ops::Bound::Unbounded);
        self.wanted.range(after).next().is_some_and(|(path, _)| path.starts_with(folder))
    }

    /// Many files of one folder become the folder, if nothing below it is for a person to decide.
    fn fold(&mut self, left: &[PathBuf], home: &Path, directory: &Path) {
        let mut folders: BTreeMap<(PathBuf, bool), Vec<PathBuf>> = BTreeMap::new();
        for (path, wanted) in self.wanted.iter().filter(|(_, wanted)| !wanted.folder) {
            if let Some(above) = path.parent() {
                let files = folders.entry((above.to_owned(), wanted.write)).or_default();
                files.push(path.clone());
            }
        }
        for ((folder, write), files) in folders {
            let whole = Wanted { write, folder: true, by: BTreeSet::new() };
            let left = left.iter().any(|path| path.starts_with(&folder));
            if files.len() <= MOST_OF_FOLDER
                || left
                || for_a_person(&folder, &whole, home, directory).is_some()
            {
                continue;
            }
            let mut by = BTreeSet::new();
            for file in files {
                by.extend(self.wanted.remove(&file).into_iter().flat_map(|it| it.by));
            }
            let wanted = self.wanted.entry(folder).or_default();
            wanted.folder = true;
            wanted.write |= write;
            wanted.by.extend(by);
        }
    }
}

/// Why a path is not granted unasked.
fn for_a_person(
    path: &Path,
    wanted: &Wanted,
    home: &Path,
    directory: &Path,
) -> Option<&'static str> {
    let Some(text) = path.to_str() else { return Some("its name is no text") };
    let means = |one: char| one.is_control() || is_invisible(one) || "*?[]{}".contains(one);
    if text.chars().any(means) {
        return Some("its name has signs that mean something in a policy");
    }
    let below_home = path.strip_prefix(home).ok();
    if path.components().count() <= 2
        || home.starts_with(path)
        || directory.starts_with(path)
        || below_home.is_some_and(|rest| BROAD.iter().any(|broad| rest == Path::new(broad)))
    {
        return Some("it holds much else");
    }
    let secret = path.components().any(|part| match part {
        Component::Normal(name) => may_be_secret(&name.to_string_lossy().to_lowercase()),
        _ => false,
    });
    if secret {
        return Some("it may hold keys");
    }
    if wanted.write && palisade_workspace::is_sensitive(path) {
        return Some("this machine runs or believes what is in it");
    }
    if wanted.write && below_home.is_none() {
        return Some("it is not of your home");
    }
    None
}

fn may_be_secret(name: &str) -> bool {
    SECRETS.contains(&name)
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || ENDS.iter().any(|end| name.ends_with(end))
}

fn by(wanted: &Wanted) -> String {
    match wanted.by.first() {
        Some(first) if wanted.by.len() > 1 => format!(", by {first}, …"),
        Some(first) => format!(", by {first}"),
        None => String::new(),
    }
}

/// As a policy has it.
fn shown(path: &Path, home: &Path) -> String {
    match path.strip_prefix(home) {
        Ok(rest) => Path::new("~").join(rest).display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Those that lie below no other.
fn topmost(paths: &BTreeSet<PathBuf>) -> impl Iterator<Item = &PathBuf> {
    paths.iter().filter(|path| !path.ancestors().skip(1).any(|above| paths.contains(above)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, &str, bool)]) -> Files {
        let mut files = Files::default();
        for (path, access, folder) in all {
            files.add(path, |key| match key {
                "access" => Some(json!(access)),
                "folder" => Some(json!(folder)),
                _ => Some(json!("/usr/bin/tool")),
            });
        }
        files
    }

    fn settled(all: &[(&str, &str, bool)]) -> Settled {
        files(all).settle(Path::new("/home/me"), Path::new("/home/me/src/app"), "wanted")
    }

    #[test]
    fn what_was_wanted_is_granted_and_no_more() {
        let found = settled(&[
            ("/home/me/.config", "read", true),
            ("/home/me/.config/tool", "read", true),
            ("/home/me/.config/tool/one.toml", "read", false),
            ("/home/me/.tool/cache", "write", true),
            ("/home/me/.tool/cache/x", "read", false),
            ("/opt/tool/share", "read", true),
        ]);
        assert_eq!(found.granted, ["~/.config/tool/one.toml", "/opt/tool/share", "~/.tool/cache"]);
        assert!(found.notes.is_empty(), "{:?}", found.notes);
        let lists: Vec<_> = found.additions.iter().map(|it| it.list.join(".")).collect();
        assert_eq!(lists, ["filesystem.read", "filesystem.write"]);
        assert_eq!(found.additions[0].items[0].comment, ["wanted, by /usr/bin/tool"]);
    }

    #[test]
    fn keys_and_broad_folders_are_for_a_person() {
        let asked = [
            ("/home/me", "read", true),
            ("/home/me/src", "read", true),
            ("/etc", "read", true),
            ("/home/me/.config", "read", true),
            ("/home/me/.ssh/id_ed25519", "read", false),
            ("/home/me/.aws/config", "read", false),
            ("/home/me/app/.env.local", "read", false),
            ("/home/me/x/server.pem", "read", false),
            ("/home/me/.bashrc", "write", false),
            ("/opt/tool/state", "write", false),
            ("/home/me/a*b", "read", false),
            ("/home/me/a\nb", "read", false),
            // No document can have these, and one would keep all else from being written.
            ("/home/me/a\u{202e}b", "read", false),
            ("/home/me/a\u{200b}b", "read", false),
        ];
        for one in asked {
            let found = settled(&[one]);
            assert!(found.granted.is_empty() && found.notes.len() == 1, "{one:?}: {found:?}");
        }
        assert_eq!(settled(&[("/home/me/.bashrc", "read", false)]).granted, ["~/.bashrc"]);
    }

    #[test]
    fn many_files_become_their_folder_unless_a_secret_is_beside_them() {
        let names: Vec<String> = (0..12).map(|it| format!("/opt/tool/lib/{it}")).collect();
        let mut all: Vec<(&str, &str, bool)> =
            names.iter().map(|name| (name.as_str(), "read", false)).collect();
        assert_eq!(settled(&all).granted, ["/opt/tool/lib"]);
        all.push(("/opt/tool/lib/server.key", "read", false));
        assert_eq!(settled(&all).granted.len(), 12);
    }

    #[test]
    fn what_was_kept_in_the_sandbox_is_said() {
        let found =
            settled(&[("/home/me/.npm", "kept", true), ("/home/me/.npm/log", "kept", false)]);
        assert!(found.granted.is_empty());
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
    }
}
