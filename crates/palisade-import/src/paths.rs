use std::path::{Component, Path, PathBuf};

use crate::Request;

/// Folders that a sandbox has for itself.
const PRIVATE: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/private/tmp"];

/// Why a path is not granted: the sandbox has its own there.
pub(crate) fn own(path: &Path, home: &Path) -> Option<&'static str> {
    if path == Path::new("/") {
        return Some("the whole machine cannot be granted: only what is named is shown");
    }
    if PRIVATE.iter().any(|own| path == Path::new(own)) {
        return Some("the sandbox has a private, writable one");
    }
    if ["/proc", "/sys", "/dev"].iter().any(|own| path.starts_with(own)) {
        return Some("the sandbox has a small one of its own");
    }
    (path == home).then_some("the home is private: name the folders in it that are needed")
}

/// The path that a text means in settings whose relative paths begin at `base`: `//p` and `/p` are absolute.
pub(crate) fn resolve(text: &str, base: &Path, home: &Path) -> Result<PathBuf, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the path is empty");
    }
    if text.chars().any(char::is_control) {
        return Err("the path has a control character");
    }
    if text.starts_with('$') || text.contains("${") {
        return Err("variables are not replaced in a policy");
    }
    let whole = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        Some(_) => return Err("another user's home is not known"),
        None if text.starts_with('/') => Path::new("/").join(text.trim_start_matches('/')),
        None => base.join(text),
    };
    let mut normal = PathBuf::from("/");
    for part in whole.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop();
            }
            _ => {}
        }
    }
    Ok(normal)
}

/// Whether a path is a folder or in it, by its text or without links.
pub(crate) fn is_in(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder) || real(path).starts_with(real(folder))
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match found {
        Some((above, real)) => match path.strip_prefix(above) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => path.to_owned(),
    }
}

/// A path as the policy writes it; `None` if it is not UTF-8.
pub(crate) fn shown(path: &Path, request: &Request) -> Option<String> {
    let below = |folder: &Path, mark: &str| {
        let rest = path.strip_prefix(folder).ok().filter(|_| folder != Path::new("/"))?;
        let rest = rest.to_str()?;
        Some(if rest.is_empty() { mark.to_owned() } else { format!("{mark}/{rest}") })
    };
    below(&request.base, ".")
        .or_else(|| below(&request.home, "~"))
        .or_else(|| path.to_str().map(str::to_owned))
}

pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', ']', '{', '}'])
}

/// A path as the start of a pattern, in which none of its characters stands for others.
pub(crate) fn escaped(path: &Path) -> Option<String> {
    let mut out = String::new();
    for c in path.to_str()?.chars() {
        if "*?[]{}\\!".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Some(out)
}
