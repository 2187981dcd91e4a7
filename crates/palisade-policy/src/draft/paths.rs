use std::path::{Component, Path, PathBuf};

use super::{Layer, Origin, shown};
use crate::text::is_invisible;

/// Why a text is not a path that can be granted or denied.
#[derive(Debug)]
pub(crate) struct PathError {
    pub(crate) message: String,
    pub(crate) help: String,
}

fn error(message: String, help: impl Into<String>) -> PathError {
    PathError { message, help: help.into() }
}

/// What a text starts at, and the rest of it.
enum Start<'a> {
    Root(&'a str),
    Home(&'a str),
    Folder(&'a str),
}

/// The absolute path that a text means: `~` is the home, a relative one starts at the document's
/// folder, and neither leads out of what it starts at. Only the text is looked at; links are
/// followed at launch.
pub(crate) fn absolute(text: &str, origin: &Origin) -> Result<PathBuf, PathError> {
    let (base, rest) = match start(text)? {
        Start::Root(rest) => (Path::new("/"), rest),
        Start::Home(rest) => (origin.home.as_path(), rest),
        Start::Folder(rest) => (origin.base.as_path(), rest),
    };
    let whole = normal(&base.join(rest));
    if !whole.starts_with(normal(base)) {
        let help = match origin.layer {
            Layer::Project => {
                "a project's policy names paths in its folder, or absolute ones".into()
            }
            _ => format!("write the whole path if that is meant: {}", whole.display()),
        };
        return Err(error(format!("`{}` leaves the folder that it starts at", shown(text)), help));
    }
    Ok(whole)
}

/// The absolute glob that a text means. What it starts at is no glob, whatever it is called.
pub(crate) fn glob(text: &str, origin: &Origin) -> Result<String, PathError> {
    let (base, rest) = match start(text)? {
        Start::Root(rest) => (Path::new("/"), rest),
        Start::Home(rest) => (origin.home.as_path(), rest),
        Start::Folder(rest) if rest.starts_with("**/") => (Path::new("/"), rest),
        Start::Folder(rest) => (origin.base.as_path(), rest),
    };
    let mut glob = globset::escape(utf8(base)?.trim_end_matches('/'));
    for part in Path::new(rest).components() {
        match part {
            Component::Normal(name) => {
                glob.push('/');
                glob.push_str(&name.to_string_lossy());
            }
            Component::ParentDir => {
                return Err(error(
                    format!("`{}` has `..` in a glob", shown(text)),
                    "write the glob from the folder that is meant",
                ));
            }
            _ => {}
        }
    }
    Ok(glob)
}

/// A path as the text that globs are compared with.
pub(crate) fn utf8(path: &Path) -> Result<&str, PathError> {
    path.to_str().ok_or_else(|| {
        error(
            format!("{} is not UTF-8, and nothing in it can be denied", path.display()),
            "move the policy, or your home, to a path in UTF-8",
        )
    })
}

fn start(text: &str) -> Result<Start<'_>, PathError> {
    if text.trim().is_empty() {
        return Err(error("a path is empty".to_owned(), "name a file or folder, or remove it"));
    }
    if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(error(
            format!("`{}` has a character that nobody sees", shown(text)),
            "write the path without it",
        ));
    }
    if text.starts_with('$') {
        return Err(error(
            format!("`{}`: variables are not replaced in a policy", shown(text)),
            "write the path out; `~` is the home",
        ));
    }
    if let Some(rest) = text.strip_prefix('~') {
        if rest.is_empty() || rest.starts_with('/') {
            return Ok(Start::Home(rest.trim_start_matches('/')));
        }
        return Err(error(
            format!("`{}`: only `~/` is known, not another user's home", shown(text)),
            "write that home's path, or `./~…` for a file that begins with `~`",
        ));
    }
    Ok(if text.starts_with('/') {
        Start::Root(text.trim_start_matches('/'))
    } else {
        Start::Folder(text)
    })
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
