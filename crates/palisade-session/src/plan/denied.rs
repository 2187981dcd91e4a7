//! The policy's `deny` list: what is not shown although its folder is.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use palisade_policy::Deny;

use super::{
    links::{self, Names, Way},
    repository::Repositories,
    second,
    tree::Tree,
};
use crate::{
    refusal::{Refusal, Refuse},
    walk::{Folder, walk},
};

const LOOK: &str = "look for denied files";
const CORRECT: &str = "correct `filesystem.deny` in the policy";

/// Where globs are looked for, and what was found already.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    /// Those of the list, if it has any.
    pub(crate) globs: Option<&'a Globs<'a>>,
    /// Where one for any place (`**/.env`) is looked for.
    pub(crate) own: &'a [PathBuf],
    pub(crate) walked: &'a [Repositories],
}

/// The list's globs.
#[derive(Debug)]
pub(crate) struct Globs<'policy> {
    each: Vec<Glob<'policy>>,
    set: GlobSet,
}

impl<'policy> Globs<'policy> {
    /// `None` if the list has no globs.
    pub(crate) fn of(deny: &'policy [Deny], names: &Names) -> Result<Option<Self>, Refusal> {
        let globs = deny.iter().filter(|entry| entry.glob);
        let each = globs.map(|entry| Glob::of(entry, names)).collect::<Result<Vec<_>, _>>()?;
        if each.is_empty() {
            return Ok(None);
        }
        let set = compile(&each)?;
        Ok(Some(Self { each, set }))
    }

    /// All of them, in the order of their rules.
    pub(super) fn set(&self) -> &GlobSet {
        &self.set
    }

    /// How each of them is printed.
    pub(super) fn rules(&self) -> Vec<String> {
        self.each.iter().map(|glob| glob.rule.to_owned()).collect()
    }

    /// Where they are looked for.
    pub(super) fn roots(&self, own: &[PathBuf], tree: &Tree) -> BTreeSet<PathBuf> {
        roots(&self.each, own, tree)
    }

    /// What of this folder they match.
    pub(super) fn matches<'a>(
        &'a self,
        folder: &'a Folder<'_>,
    ) -> impl Iterator<Item = PathBuf> + 'a {
        let mut path = folder.path.to_owned();
        folder.entries().filter_map(move |(name, _)| {
            path.push(name);
            let found = self.set.is_match(&path).then(|| path.clone());
            path.pop();
            found
        })
    }
}

/// Cover everything that the list names, by every name that it has in what is shown, and fix what leads
/// there: a folder or link that one session could rename would be missed in the next.
pub(crate) fn add(
    deny: &[Deny],
    looked: &Looked<'_>,
    workspace: Option<&Path>,
    names: &Names,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    // By real paths only: a link is a name for what it leads to.
    let own = looked.own;
    let mut covered = BTreeSet::new();
    for entry in deny.iter().filter(|entry| !entry.glob) {
        let path = Path::new(&entry.pattern);
        tree.fix_way(path, names)?;
        let Some(real) = names.real_or_closed(path) else { continue };
        // An agent makes links too, and one must not take the system's programs away from the next session.
        let agents = |way: Way| way.links.iter().any(|link| tree.is_writable(&link.at));
        let granted = own.iter().any(|own| real.starts_with(own))
            && !workspace.is_some_and(|workspace| workspace.starts_with(&real));
        if granted || !names.follow(path).is_ok_and(agents) {
            covered.insert(real);
        }
    }
    if let Some(globs) = looked.globs {
        let Globs { each, set } = globs;
        for glob in each.iter().filter(|glob| glob.base != Path::new("/")) {
            tree.fix_way(&glob.named, names)?;
            // Unless it could not be looked into, this is the base, or nothing.
            covered.extend(names.real_or_closed(&glob.base).filter(|real| *real != glob.base));
        }
        let mut found = BTreeSet::new();
        for root in roots(each, own, tree) {
            match Repositories::with(looked.walked, &root) {
                Some(walked) => {
                    let inside = |path: &&PathBuf| path.starts_with(&root);
                    found.extend(walked.denied.iter().filter(inside).cloned());
                    found.extend(set.is_match(&root).then(|| root.clone()));
                    let unread = walked.unread.iter().filter(|(path, _)| path.starts_with(&root));
                    found.extend(second::closed(unread.cloned()).refuse(LOOK, CORRECT)?);
                }
                None => collect(&root, globs, &mut found)?,
            }
        }
        for path in found {
            let by_folders = |index: usize| each.get(index).is_some_and(|glob| !glob.by_leaf());
            if set.matches(&path).into_iter().any(by_folders) {
                tree.fix_above(&path)?;
            }
            if !links::is_link(&path) {
                covered.insert(path);
            } else if let Some(real) = names.real_or_closed(&path)
                && own.iter().any(|own| real.starts_with(own) && real != *own)
                && !workspace.is_some_and(|workspace| workspace.starts_with(&real))
            {
                // Not where only a profile grants: an agent makes links too, and one must not take
                // the system's programs away from the next session.
                tree.fix_way(&path, names)?;
                covered.insert(real);
            }
        }
    }
    let shown = tree.hosts();
    second::add_names(&mut covered, shown.iter().map(|(at, _)| &**at)).refuse(LOOK, CORRECT)?;
    for path in covered {
        let Some((path, found)) = second::reachable(&path) else {
            // It may be elsewhere by now, and would be shown there.
            return Err(Refusal::new(
                format!("{}, which the policy denies, went away during the launch", path.display()),
                "try again; if another session in this folder does it, end that, or give it an overlay",
            ));
        };
        if workspace.is_some_and(|workspace| workspace.starts_with(path)) {
            return Err(Refusal::new(
                format!("the policy denies {}, which holds the workspace", path.display()),
                CORRECT,
            ));
        }
        tree.cover(path, &found);
    }
    Ok(())
}

/// A pattern by real paths.
#[derive(Debug)]
struct Glob<'policy> {
    rule: &'policy str,
    /// The folder above the first name with a wildcard, as the policy names it.
    named: PathBuf,
    /// The same by its real path.
    base: PathBuf,
    /// What has to match below it.
    rest: &'policy str,
}

impl<'policy> Glob<'policy> {
    fn of(entry: &'policy Deny, names: &Names) -> Result<Self, Refusal> {
        let named = literal_base(&entry.pattern);
        let shown = named.to_str().unwrap_or_default();
        let rest = entry.pattern.strip_prefix(shown).unwrap_or(&entry.pattern);
        let rest = rest.trim_start_matches('/');
        let real = if named == Path::new("/") { None } else { names.real(&named) };
        let base = real.unwrap_or_else(|| named.clone());
        if base.to_str().is_none() {
            return Err(Refusal::new(
                format!("{}: {} leads to a name that is not UTF-8", entry.rule, entry.pattern),
                "deny the folder instead, or rename it",
            ));
        }
        Ok(Self { rule: &entry.rule, named, base, rest })
    }

    /// The whole pattern, as the library wants it.
    fn pattern(&self) -> String {
        if self.base == Path::new("/") {
            // All paths are absolute, and so a slash in front would say nothing; without it the library
            // knows the common forms and compiles no regular expression for them.
            let anywhere = self.rest.starts_with("**/");
            return if anywhere { self.rest.to_owned() } else { format!("/{}", self.rest) };
        }
        let base = globset::escape(self.base.to_str().unwrap_or_default());
        format!("{base}/{}", self.rest)
    }

    /// Whether only the last name decides: `*.pem`, `**/.env`. What matches then does so wherever the
    /// folders between it and the base are moved.
    fn by_leaf(&self) -> bool {
        let mut names = self.rest.split('/');
        match (names.next(), names.next(), names.next()) {
            (Some(any), Some(_), None) => any == "**",
            (Some(_), None, None) => true,
            _ => false,
        }
    }
}

fn compile(globs: &[Glob<'_>]) -> Result<GlobSet, Refusal> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let compiled = GlobBuilder::new(&glob.pattern())
            .literal_separator(true)
            .build()
            .refuse(glob.rule, CORRECT)?;
        set.add(compiled);
    }
    set.build().refuse("filesystem.deny", CORRECT)
}

/// Where to look: each folder shown, as far as a glob can match in it.
fn roots(globs: &[Glob<'_>], own: &[PathBuf], tree: &Tree) -> BTreeSet<PathBuf> {
    let mut roots = BTreeSet::new();
    for Glob { base, .. } in globs {
        if base == Path::new("/") {
            roots.extend(own.iter().filter(|path| tree.shows(path)).cloned());
            continue;
        }
        for (at, object) in tree.hosts() {
            if base.starts_with(&at) && object.folder {
                roots.insert(base.clone());
            } else if at.starts_with(base) {
                roots.insert(at);
            }
        }
    }
    let all = roots.clone();
    roots.retain(|root| !all.iter().any(|other| other != root && root.starts_with(other)));
    roots
}

/// The folder above the first component with a wildcard.
fn literal_base(pattern: &str) -> PathBuf {
    let wild =
        |part: &std::ffi::OsStr| part.as_encoded_bytes().iter().any(|byte| b"*?[{".contains(byte));
    Path::new(pattern).components().take_while(|part| !wild(part.as_os_str())).collect()
}

fn collect(root: &Path, globs: &Globs<'_>, found: &mut BTreeSet<PathBuf>) -> Result<(), Refusal> {
    if globs.set.is_match(root) {
        found.insert(root.to_owned());
    }
    let walked = walk(root, |folder, found| found.extend(globs.matches(folder)));
    found.extend(walked.found);
    found.extend(second::closed(walked.unread).refuse(LOOK, CORRECT)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_a_glob_decide_too() {
        let names = Names::default();
        for (pattern, leaf) in [
            ("/**/.env", true),
            ("/work/*.pem", true),
            ("/work/**/*.key", true),
            ("/work/**", true),
            ("/work/*/key", false),
            ("/**/secrets/*.key", false),
            ("/work/{a,b/c}/*.key", false),
            ("/work/{**/secrets/key,x}", false),
        ] {
            let entry = Deny { pattern: pattern.into(), glob: true, rule: String::new() };
            let glob = Glob::of(&entry, &names).unwrap();
            assert_eq!(glob.by_leaf(), leaf, "{pattern}");
        }
    }

    #[test]
    fn a_glob_is_about_what_its_links_lead_to() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("v[2]")).unwrap();
        std::os::unix::fs::symlink("v[2]", base.join("current")).unwrap();
        let pattern = format!("{}/current/*.key", base.display());
        let entry = Deny { pattern, glob: true, rule: String::new() };
        let set = compile(&[Glob::of(&entry, &Names::default()).unwrap()]).unwrap();
        assert!(set.is_match(base.join("v[2]/a.key")));
        assert!(!set.is_match(base.join("current/a.key")) && !set.is_match(base.join("v2/a.key")));
    }

    #[test]
    fn the_base_ends_before_the_first_wildcard() {
        for (pattern, base) in
            [("/a/b/*.pem", "/a/b"), ("/**/.env", "/"), ("/a/b*/c", "/a"), ("/a/{b,c}/d", "/a")]
        {
            assert_eq!(literal_base(pattern), Path::new(base), "{pattern}");
        }
    }
}
