//! Names of packages that look like well-known ones.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::confusable::skeleton;

/// Where a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Registry {
    Npm,
    PyPi,
    Crates,
    Brew,
}

/// How a name is like a well-known one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Alike {
    /// The letters look the same and are not.
    Looks(String),
    /// Two letters are exchanged, one is doubled, dropped or other; the name is long enough that
    /// this is no chance.
    Slip(String),
    /// One letter differs, in a name that is short or ends otherwise.
    Near(String),
}

struct List {
    names: HashSet<&'static str>,
    longest_first: Vec<&'static str>,
}

static NPM: LazyLock<List> = LazyLock::new(|| list(include_str!("data/npm.txt")));
static PYPI: LazyLock<List> = LazyLock::new(|| list(include_str!("data/pypi.txt")));
static CRATES: LazyLock<List> = LazyLock::new(|| list(include_str!("data/crates.txt")));
static BREW: LazyLock<List> = LazyLock::new(|| list(include_str!("data/brew.txt")));

fn list(text: &'static str) -> List {
    let names: HashSet<&'static str> = text.split_whitespace().collect();
    let mut longest_first: Vec<&'static str> = names.iter().copied().collect();
    longest_first.sort_by_key(|name| (std::cmp::Reverse(name.len()), *name));
    List { names, longest_first }
}

/// Names shorter than this have too many neighbours.
const SHORTEST: usize = 5;
/// From this length on, one slip is no chance.
const TELLING: usize = 7;
/// Words that are put behind a name so that it is still free.
const ADDED: &[&str] = &[
    "js", "node", "core", "store", "utils", "util", "cli", "client", "py", "lib", "sdk", "api",
    "tools", "plus", "next", "pro", "dev", "common", "helper", "helpers",
];

impl Registry {
    fn list(self) -> &'static List {
        match self {
            Self::Npm => &NPM,
            Self::PyPi => &PYPI,
            Self::Crates => &CRATES,
            Self::Brew => &BREW,
        }
    }

    /// Is it a well-known name?
    pub(crate) fn knows(self, name: &str) -> bool {
        self.list().names.contains(normal(self, name).as_str())
    }

    /// The well-known name that this one looks like, if it is none itself.
    pub(crate) fn alike(self, name: &str) -> Option<Alike> {
        if name.is_empty() || name.chars().count() > 100 {
            return None;
        }
        let normal = normal(self, name);
        let list = self.list();
        if list.names.contains(normal.as_str()) {
            return None;
        }
        if !normal.is_ascii() {
            let shape: String = skeleton(&normal).collect();
            return list
                .longest_first
                .iter()
                .find(|known| skeleton(known).collect::<String>() == shape)
                .map(|known| Alike::Looks((*known).to_owned()));
        }
        // A scope of one's own is no slip; a scope that is nearly a known one is.
        let length = normal.len();
        if length < SHORTEST {
            return None;
        }
        let close = |name: &str| {
            list.longest_first.iter().find(|known| {
                known.len() >= SHORTEST
                    && known.len().abs_diff(name.len()) <= 1
                    && is_one_slip(name, known)
            })
        };
        let Some(near) = close(&normal) else {
            // A slip, and a word behind it that makes the name free.
            let (stem, word) = normal.rsplit_once('-')?;
            let usual = ADDED.contains(&word) && stem.len() >= TELLING;
            let near = (usual && !list.names.contains(stem)).then(|| close(stem)).flatten()?;
            return Some(Alike::Near((*near).to_owned()));
        };
        let ending = normal.trim_end_matches(|c: char| {
            c == 's' || c.is_ascii_digit() || matches!(c, '-' | '_' | '.')
        }) == near.trim_end_matches(|c: char| {
            c == 's' || c.is_ascii_digit() || matches!(c, '-' | '_' | '.')
        });
        let swapped = normal.len() == near.len() && is_swap(&normal, near);
        Some(match (length >= TELLING || swapped, ending) {
            (true, false) => Alike::Slip((*near).to_owned()),
            _ => Alike::Near((*near).to_owned()),
        })
    }
}

fn normal(registry: Registry, name: &str) -> String {
    let name = name.trim().to_lowercase();
    match registry {
        // PyPI holds `-`, `_` and `.` for the same.
        Registry::PyPi => name.replace(['_', '.'], "-"),
        _ => name,
    }
}

/// One letter more, less, other, or two exchanged.
fn is_one_slip(a: &str, b: &str) -> bool {
    if is_swap(a, b) {
        return true;
    }
    let (short, long) = if a.len() <= b.len() {
        (a.as_bytes(), b.as_bytes())
    } else {
        (b.as_bytes(), a.as_bytes())
    };
    let same_start = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let same_end = short
        .iter()
        .rev()
        .zip(long.iter().rev())
        .take_while(|(a, b)| a == b)
        .count()
        .min(short.len() - same_start);
    let (short_left, long_left) =
        (short.len() - same_start - same_end, long.len() - same_start - same_end);
    short_left <= 1 && long_left <= 1 && (short_left, long_left) != (0, 0)
}

fn is_swap(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let differ: Vec<usize> = a
        .bytes()
        .zip(b.bytes())
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(at, _)| at)
        .take(3)
        .collect();
    let [first, second] = differ.as_slice() else { return false };
    second - first == 1
        && a.as_bytes().get(*first) == b.as_bytes().get(*second)
        && a.as_bytes().get(*second) == b.as_bytes().get(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_slips_from_names() {
        for (registry, name, known) in [
            (Registry::PyPi, "reqeusts", "requests"),
            (Registry::PyPi, "requessts", "requests"),
            (Registry::PyPi, "reqests", "requests"),
            (Registry::PyPi, "beautifullsoup4", "beautifulsoup4"),
            (Registry::PyPi, "python_dateutl", "python-dateutil"),
            (Registry::Npm, "axois", "axios"),
            (Registry::Npm, "expresss-session", "express-session"),
            (Registry::Npm, "crossenv", "cross-env"),
            (Registry::Npm, "@antropic-ai/sdk", "@anthropic-ai/sdk"),
            (Registry::Crates, "rustdecimal", "rust_decimal"),
            (Registry::Brew, "imagemagik", "imagemagick"),
        ] {
            assert_eq!(registry.alike(name), Some(Alike::Slip(known.to_owned())), "{name}");
        }
        assert_eq!(Registry::PyPi.alike("rеquests"), Some(Alike::Looks("requests".to_owned())));
        assert_eq!(Registry::Npm.alike("lodаsh"), Some(Alike::Looks("lodash".to_owned())));
    }

    #[test]
    fn lets_other_names_be() {
        for (registry, name) in [
            (Registry::PyPi, "psycopg"),
            (Registry::PyPi, "scapy"),
            (Registry::PyPi, "scipy"),
            (Registry::PyPi, "pyaml"),
            (Registry::PyPi, "typing_extensions"),
            (Registry::PyPi, "boto"),
            (Registry::PyPi, "my-own-package"),
            (Registry::Npm, "preact"),
            (Registry::Npm, "next"),
            (Registry::Npm, "nuxt"),
            (Registry::Npm, "tslint"),
            (Registry::Npm, "@acme/react"),
            (Registry::Npm, "left-pad"),
            (Registry::Brew, "exa"),
            (Registry::Crates, "tui"),
        ] {
            assert_eq!(registry.alike(name), None, "{name}");
        }
        // A plural or a version is only near.
        assert_eq!(Registry::PyPi.alike("numpys"), Some(Alike::Near("numpy".to_owned())));
        // So is a slip with a word behind it; a well-known name with one is somebody's own.
        let slip = Registry::Npm.alike("jsonwebtokem-utils");
        assert_eq!(slip, Some(Alike::Near("jsonwebtoken".to_owned())));
        assert_eq!(Registry::Npm.alike("jsonwebtoken-utils"), None);
    }

    #[test]
    fn no_well_known_name_is_alike_another() {
        for registry in [Registry::Npm, Registry::PyPi, Registry::Crates, Registry::Brew] {
            for name in &registry.list().names {
                assert_eq!(registry.alike(name), None, "{name}");
            }
        }
    }
}
