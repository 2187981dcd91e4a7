//! Marketplaces: an index in the form of Claude Code's `marketplace.json`, on this machine or on a server.
//! The entry leads to a folder beside the index, a Git repository or a package; nothing else is followed.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Asked, Fetched, SourceError, Unpack, file, http, npm::REGISTRY};
use crate::{Source, plain};

/// Bytes of an index.
const MOST: u64 = 16 << 20;

#[derive(Deserialize)]
struct Index {
    plugins: Vec<Plugin>,
}

#[derive(Deserialize)]
struct Plugin {
    name: String,
    source: From,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum From {
    Path(String),
    Other(Other),
}

#[derive(Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
enum Other {
    Github {
        repo: String,
        r#ref: Option<String>,
        sha: Option<String>,
    },
    #[serde(alias = "git")]
    Url {
        url: String,
        r#ref: Option<String>,
        sha: Option<String>,
    },
    GitSubdir {
        url: String,
        path: String,
        r#ref: Option<String>,
        sha: Option<String>,
    },
    Npm {
        package: String,
        version: Option<String>,
        registry: Option<String>,
    },
}

pub(super) fn fetch(
    index: &str,
    entry: &str,
    folder: &str,
    unpack: Unpack<'_>,
) -> Result<Fetched, SourceError> {
    let wrong = |why: String| SourceError::Marketplace(why);
    let remote = index.starts_with("https://") || index.starts_with("http://");
    let (text, base) =
        if remote { (http::get(index, MOST)?, None) } else { local(Path::new(index))? };
    let list: Index = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("the index is not understood: {error}")))?;
    let mut found = list.plugins.into_iter().filter(|plugin| plugin.name == entry);
    let plugin = found.next().ok_or_else(|| {
        wrong(format!("the index has no entry {}", palisade_core::shown(entry, 100)))
    })?;
    if found.next().is_some() {
        return Err(wrong("the index has two entries of this name".to_owned()));
    }
    let (asked, part) = match plugin.source {
        From::Path(path) => {
            let base = base.ok_or_else(|| {
                wrong("the entry is a folder beside the index: fetch the marketplace's repository, and name that".to_owned())
            })?;
            (beside(&base, &path)?, String::new())
        }
        From::Other(Other::Github { repo, r#ref, sha }) => {
            let url = format!("https://github.com/{repo}.git");
            (Asked::Git { url, at: sha.or(r#ref) }, String::new())
        }
        From::Other(Other::Url { url, r#ref, sha }) => {
            (Asked::Git { url, at: sha.or(r#ref) }, String::new())
        }
        From::Other(Other::GitSubdir { url, path, r#ref, sha }) => {
            (Asked::Git { url, at: sha.or(r#ref) }, path)
        }
        From::Other(Other::Npm { package, version, registry }) => {
            let registry = registry.unwrap_or_else(|| REGISTRY.to_owned());
            (Asked::Npm { registry, package, version }, String::new())
        }
    };
    if index.starts_with("https://") && is_near(&asked) {
        return Err(wrong("an index of elsewhere leads to something of this machine".to_owned()));
    }
    let part = match (part.trim_matches('/'), folder) {
        (part, "") => part.trim_start_matches("./").to_owned(),
        ("", folder) => folder.to_owned(),
        (part, folder) => format!("{part}/{folder}"),
    };
    let fetched = super::fetch(&asked, &part, unpack)?;
    let source = Source::Marketplace {
        index: index.to_owned(),
        entry: entry.to_owned(),
        from: Box::new(fetched.source),
    };
    let name = if folder.is_empty() { entry.to_owned() } else { fetched.name };
    Ok(Fetched { tree: fetched.tree, source, name, archive: fetched.archive })
}

/// Whether it is on this machine. Whoever writes an index elsewhere has no say about that.
fn is_near(asked: &Asked) -> bool {
    match asked {
        Asked::Git { url, .. } => !url.starts_with("https://"),
        Asked::Npm { registry, .. } => !registry.starts_with("https://"),
        _ => true,
    }
}

/// The index's text, and the folder that its entries are relative to.
fn local(path: &Path) -> Result<(Vec<u8>, Option<PathBuf>), SourceError> {
    let path = path.canonicalize().map_err(file(path))?;
    let (index, base) = if path.is_dir() {
        (path.join(".claude-plugin/marketplace.json"), path.clone())
    } else {
        let mut base = path.parent().unwrap_or(Path::new("/")).to_owned();
        if base.ends_with(".claude-plugin") {
            base.pop();
        }
        (path.clone(), base)
    };
    let mut text = Vec::new();
    let opened = plain::open(&index).map_err(file(&index))?;
    opened.take(MOST).read_to_end(&mut text).map_err(file(&index))?;
    Ok((text, Some(base)))
}

/// A folder below the index's, with all links followed.
fn beside(base: &Path, path: &str) -> Result<Asked, SourceError> {
    let leaves =
        || SourceError::Marketplace("the entry's folder does not lie beside the index".to_owned());
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(leaves());
    }
    let whole = base.join(path);
    let real = whole.canonicalize().map_err(file(&whole))?;
    if real.starts_with(base) { Ok(Asked::Folder(real)) } else { Err(leaves()) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::source::unpack;

    fn index(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".claude-plugin")).unwrap();
        fs::create_dir_all(folder.path().join("plugins/pdf")).unwrap();
        fs::write(folder.path().join("plugins/pdf/SKILL.md"), "x").unwrap();
        fs::write(folder.path().join(".claude-plugin/marketplace.json"), text).unwrap();
        symlink("/etc", folder.path().join("out")).unwrap();
        folder
    }

    #[test]
    fn an_index_of_elsewhere_leads_elsewhere() {
        let git = |url: &str| Asked::Git { url: url.into(), at: None };
        let npm = |registry: &str| {
            let (registry, package) = (registry.into(), "a".into());
            Asked::Npm { registry, package, version: None }
        };
        for near in [git("/srv/r"), git("file:///srv/r"), npm("http://127.0.0.1:8080")] {
            assert!(is_near(&near), "{near:?}");
        }
        for far in [git("https://a.example/r.git"), npm(REGISTRY)] {
            assert!(!is_near(&far), "{far:?}");
        }
    }

    #[test]
    fn an_entry_leads_to_a_folder_beside_the_index() {
        let folder = index(
            r#"{"name": "m", "owner": {}, "plugins": [{"name": "pdf", "source": "./plugins/pdf", "version": "1"},
            {"name": "out", "source": "out"}, {"name": "up", "source": "../x"}, {"name": "abs", "source": "/etc"},
            {"name": "ext", "source": {"source": "url", "url": "ext::sh -c x"}},
            {"name": "two", "source": "."}, {"name": "two", "source": "."}]}"#,
        );
        let at = folder.path().display().to_string();
        let fetched = fetch(&at, "pdf", "", &unpack).unwrap();
        assert_eq!((fetched.tree.len(), fetched.name.as_str()), (1, "pdf"));
        assert!(matches!(fetched.source, Source::Marketplace { .. }));
        for entry in ["out", "up", "abs", "ext", "two", "none"] {
            assert!(fetch(&at, entry, "", &unpack).is_err(), "{entry}");
        }
        let file = folder.path().join(".claude-plugin/marketplace.json");
        assert!(fetch(&file.display().to_string(), "pdf", "", &unpack).is_ok());
    }
}
