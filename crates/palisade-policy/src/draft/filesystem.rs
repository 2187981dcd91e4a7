use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use super::{Check, covers, paths, shown};
use crate::{
    at::At,
    document::{AccessWord, Filesystem},
    policy::{Access, Deny, Grant},
};

type Checked = (Option<At<PathBuf>>, Option<At<Access>>, Vec<At<Grant>>, Vec<At<Deny>>);

/// What would undo a layer if it were granted.
const OF_THE_MACHINE: [&str; 3] = ["/proc", "/sys", "/dev"];

pub(super) fn check(check: &mut Check<'_>, section: Option<&Filesystem>) -> Checked {
    let Some(section) = section else { return Checked::default() };
    let (mut workspace, mut access) = (None, None);
    if let Some(named) = &section.workspace {
        workspace = named
            .value
            .path
            .as_ref()
            .and_then(|path| check.path(path).map(|value| At { value, place: path.place }));
        let word = named.value.access.as_ref();
        access = Some(At {
            value: word.map_or(Access::ReadWrite, |word| of_word(word.value)),
            place: word.map_or(named.place, |word| word.place),
        });
    }
    let mut grants = Vec::new();
    list(check, &section.read, "read", false, &mut grants);
    list(check, &section.write, "write", true, &mut grants);
    let deny = denied(check, &section.deny);
    for grant in &grants {
        let hidden = deny.iter().find(|entry: &&At<Deny>| {
            !entry.value.glob && covers(Path::new(&entry.value.pattern), &grant.value.path)
        });
        if let Some(entry) = hidden {
            check.wrong(
                grant.place,
                format!(
                    "{} is granted, and {} denies it: a deny always wins, so this never counts",
                    grant.value.path.display(),
                    entry.value.rule
                ),
                "remove one of the two",
            );
        }
    }
    (workspace, access, grants, deny)
}

fn of_word(word: AccessWord) -> Access {
    match word {
        AccessWord::Rw => Access::ReadWrite,
        AccessWord::Ro => Access::ReadOnly,
        AccessWord::Overlay => Access::Overlay,
    }
}

fn list(
    check: &mut Check<'_>,
    paths: &[At<String>],
    name: &str,
    writable: bool,
    grants: &mut Vec<At<Grant>>,
) {
    let required = check.origin.layer != super::Layer::Profile;
    for (index, text) in paths.iter().enumerate() {
        if paths::is_glob(&text.value) {
            check.wrong(
                text.place,
                format!("`{}` is a glob, and only paths can be granted", shown(&text.value)),
                "name the folder; take parts out of it in `filesystem.deny`",
            );
            continue;
        }
        let Some(path) = check.path(text) else { continue };
        let machine = path == Path::new("/")
            || OF_THE_MACHINE.iter().any(|machine| path.starts_with(machine));
        if machine {
            check.wrong(
                text.place,
                format!("{} cannot be granted: it is the machine's", path.display()),
                "name the folders that are needed; a /proc and a small /dev are always inside",
            );
            continue;
        }
        let rule = format!("filesystem.{name}[{index}]");
        if grants.iter().any(|grant| grant.value.path == path && grant.value.writable == writable) {
            check.wrong(
                text.place,
                format!("{} is named twice in `filesystem.{name}`", path.display()),
                "remove one",
            );
            continue;
        }
        grants.push(At { value: Grant { path, writable, required, rule }, place: text.place });
    }
}

fn denied(check: &mut Check<'_>, entries: &[At<String>]) -> Vec<At<Deny>> {
    let mut all = Vec::new();
    for (index, text) in entries.iter().enumerate() {
        let glob = paths::is_glob(&text.value);
        let anywhere = text.value.starts_with("**/");
        let pattern = if anywhere {
            format!("/{}", text.value)
        } else {
            let Some(path) = check.path(text) else { continue };
            path.to_string_lossy().into_owned()
        };
        if glob && let Err(error) = GlobBuilder::new(&pattern).literal_separator(true).build() {
            check.wrong(
                text.place,
                format!("`{}` is not a glob: {}", shown(&text.value), error.kind()),
                "`*` stands for any characters of one name, `**` for any depth",
            );
            continue;
        }
        if pattern == "/" || pattern == "/**" || pattern == "/**/*" {
            check.wrong(
                text.place,
                "everything is denied, so nothing could run",
                "name what is to be hidden",
            );
            continue;
        }
        let rule = format!("filesystem.deny[{index}]");
        all.push(At { value: Deny { pattern, glob, rule }, place: text.place });
    }
    all
}
