use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use super::{Check, covers, paths, same, shown};
use crate::{
    at::{At, Place},
    document::{AccessWord, Filesystem},
    policy::{Access, Deny, Grant},
};

/// The section, checked.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) workspace: Option<Place>,
    pub(super) workspace_path: Option<At<PathBuf>>,
    pub(super) access: Option<At<Access>>,
    pub(super) grants: Vec<At<Grant>>,
    pub(super) deny: Vec<At<Deny>>,
}

/// What would undo a layer if it were granted.
const OF_THE_MACHINE: [&str; 3] = ["/proc", "/sys", "/dev"];

pub(super) fn check(check: &mut Check<'_>, section: Option<&Filesystem>) -> Files {
    let mut files = Files::default();
    let Some(section) = section else { return files };
    workspace(check, section, &mut files);
    list(check, &section.read, "read", false, &mut files.grants);
    list(check, &section.write, "write", true, &mut files.grants);
    files.deny = denied(check, &section.deny);
    never_counts(check, &files);
    files
}

fn workspace(check: &mut Check<'_>, section: &Filesystem, files: &mut Files) {
    let Some(named) = &section.workspace else { return };
    files.workspace = Some(named.place);
    if let Some(text) = &named.value.path {
        if paths::is_glob(&text.value) {
            check.wrong(
                text.place,
                format!("the workspace is one folder, and `{}` is a glob", shown(&text.value)),
                "name the folder to work on",
            );
        } else if let Some(path) = check.path(text)
            && !of_the_machine(check, text.place, &path)
        {
            files.workspace_path = Some(At { value: path, place: text.place });
        }
    }
    if let Some(word) = &named.value.access {
        let value = match word.value {
            AccessWord::Rw => Access::ReadWrite,
            AccessWord::Ro => Access::ReadOnly,
            AccessWord::Overlay => Access::Overlay,
        };
        files.access = Some(At { value, place: word.place });
    }
}

fn of_the_machine(check: &mut Check<'_>, place: Place, path: &Path) -> bool {
    let machine =
        path == Path::new("/") || OF_THE_MACHINE.iter().any(|machine| path.starts_with(machine));
    if machine {
        check.wrong(
            place,
            format!("{} cannot be granted: it is the machine's", path.display()),
            "name the folders that are needed; a /proc and a small /dev are always inside",
        );
    }
    machine
}

fn list(
    check: &mut Check<'_>,
    paths: &[At<String>],
    name: &str,
    writable: bool,
    grants: &mut Vec<At<Grant>>,
) {
    let required = !check.origin.profile;
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
        if of_the_machine(check, text.place, &path) {
            continue;
        }
        let rule = format!("filesystem.{name}[{index}]");
        if let Some(earlier) = grants.iter().find(|grant| same(&grant.value.path, &path)) {
            let place = if earlier.value.writable == writable { text.place } else { earlier.place };
            let message = if earlier.value.writable == writable {
                format!("{} is named twice in `filesystem.{name}`", path.display())
            } else {
                format!("{} is in `write` as well, which reads too", path.display())
            };
            check.wrong(place, message, "remove this one");
            continue;
        }
        grants.push(At { value: Grant { path, writable, required, rule }, place: text.place });
    }
}

fn denied(check: &mut Check<'_>, entries: &[At<String>]) -> Vec<At<Deny>> {
    let mut all: Vec<At<Deny>> = Vec::new();
    for (index, text) in entries.iter().enumerate() {
        if text.value.starts_with('!') {
            check.wrong(
                text.place,
                format!("`{}`: a deny has no exceptions", shown(&text.value)),
                "deny less, such as single folders; or write `./!…` for a name that begins so",
            );
            continue;
        }
        let glob = paths::is_glob(&text.value);
        let pattern = if glob {
            paths::glob(&text.value, check.origin)
        } else {
            paths::absolute(&text.value, check.origin)
                .and_then(|path| paths::utf8(&path).map(str::to_owned))
        };
        let pattern = match pattern {
            Ok(pattern) => pattern,
            Err(error) => {
                check.wrong(text.place, error.message, error.help);
                continue;
            }
        };
        if glob && let Err(error) = GlobBuilder::new(&pattern).literal_separator(true).build() {
            check.wrong(
                text.place,
                format!("`{}` is not a glob: {}", shown(&text.value), error.kind()),
                "`*` stands for any characters of one name, `**` for any depth",
            );
            continue;
        }
        if matches!(pattern.as_str(), "/" | "/*" | "/**" | "/**/*" | "/**/**") {
            check.wrong(
                text.place,
                "everything is denied, so nothing could run",
                "name what is to be hidden",
            );
            continue;
        }
        if let Some(earlier) = all.iter().find(|entry| entry.value.pattern == pattern) {
            let line = earlier.place.line;
            check.wrong(text.place, format!("this is denied in line {line} already"), "remove one");
            continue;
        }
        let rule = format!("filesystem.deny[{index}]");
        all.push(At { value: Deny { pattern, glob, rule }, place: text.place });
    }
    all
}

/// What is granted and denied in the same document.
fn never_counts(check: &mut Check<'_>, files: &Files) {
    let hiding = |path: &Path| {
        files.deny.iter().find(|entry: &&At<Deny>| {
            !entry.value.glob && covers(Path::new(&entry.value.pattern), path)
        })
    };
    for grant in &files.grants {
        if let Some(entry) = hiding(&grant.value.path) {
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
    let own = check.origin.workspace_dir.clone();
    let path = files.workspace_path.as_ref().map_or(&own, |path| &path.value);
    if files.workspace.is_some()
        && let Some(entry) = hiding(path)
    {
        check.wrong(
            entry.place,
            format!("this denies {}, which is the workspace", path.display()),
            "deny parts of it, or remove `filesystem.workspace`",
        );
    }
}
