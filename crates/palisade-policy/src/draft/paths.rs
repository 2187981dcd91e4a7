use std::path::{Component, Path, PathBuf};

use super::{Layer, Origin, shown};

/// Why a text is not a path that can be granted or denied.
#[derive(Debug)]
pub(crate) struct PathError {
    pub(crate) message: String,
    pub(crate) help: String,
}

fn error(message: String, help: &str) -> PathError {
    PathError { message, help: help.to_owned() }
}

/// The absolute path that a text means: `~` is the home, a relative one starts at the document's
/// folder. Only the text is looked at; links are followed at launch.
pub(crate) fn absolute(text: &str, origin: &Origin) -> Result<PathBuf, PathError> {
    if text.trim().is_empty() {
        return Err(error("a path is empty".to_owned(), "name a file or folder, or remove it"));
    }
    if text.chars().any(char::is_control) {
        return Err(error(
            format!("`{}` has a control character", shown(text)),
            "write the path without it",
        ));
    }
    if text.starts_with('$') {
        return Err(error(
            format!("`{}`: variables are not replaced in a policy", shown(text)),
            "write the path out; `~` is the home",
        ));
    }
    let from_home = text.strip_prefix('~');
    let whole = match from_home {
        Some("") => origin.home.clone(),
        Some(rest) => match rest.strip_prefix('/') {
            Some(below) => origin.home.join(below),
            None => {
                return Err(error(
                    format!("`{}`: only `~/` is known, not another user's home", shown(text)),
                    "write that home's path",
                ));
            }
        },
        None => origin.base.join(text),
    };
    let relative = from_home.is_none() && !Path::new(text).is_absolute();
    let normal = normal(&whole);
    if relative && origin.layer == Layer::Project && !normal.starts_with(&origin.base) {
        return Err(error(
            format!("`{}` leaves the project's folder", shown(text)),
            "a project's policy names relative paths inside it, or absolute ones",
        ));
    }
    Ok(normal)
}

/// Without `.`, `..` and doubled slashes.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop();
            }
            _ => {}
        }
    }
    normal
}

/// Whether a text is a glob.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}
