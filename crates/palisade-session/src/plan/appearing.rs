//! What the policy's `deny` list says of names that appear after the launch.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use globset::GlobSet;
use palisade_policy::Deny;

use super::{denied::Globs, links::Names, sockets::HostSockets, tree::Tree};

/// Names that are not to be seen inside, whenever they appear.
#[derive(Debug)]
pub(crate) struct Appearing {
    globs: GlobSet,
    /// The globs' rules, in their order.
    rules: Vec<String>,
    /// Names without wildcards, and their rules.
    exact: Vec<(PathBuf, String)>,
    /// Folders in which the globs are looked for, there or not.
    roots: BTreeSet<PathBuf>,
    /// What leads to names, and to folders that are not there yet.
    ways: BTreeSet<PathBuf>,
    /// Protected files that are there, each with a mount of its own that is lost when the host puts another one in
    /// its place.
    held: BTreeSet<PathBuf>,
    /// Folders that are shown, and from which all that is on the way or below a root is found.
    pub(crate) starts: BTreeSet<PathBuf>,
    /// Those that are shown by an overlay.
    pub(crate) overlays: Vec<PathBuf>,
    /// Who tells which sockets are the host's: they are not to be seen either. `None`: this kernel does not.
    pub(crate) sockets: Option<HostSockets>,
}

impl Appearing {
    /// `None`: nothing is denied or protected that could appear in what is shown. `roots` are those of the globs.
    pub(super) fn of(
        deny: &[Deny],
        globs: Option<&Globs<'_>>,
        roots: BTreeSet<PathBuf>,
        (names, tree): (&Names, &Tree),
    ) -> Option<Self> {
        let exact = deny.iter().filter(|entry| !entry.glob);
        let exact: Vec<_> = exact
            .map(|entry| (by_real_folder(Path::new(&entry.pattern), names), entry.rule.clone()))
            .filter(|(path, _)| tree.shows(path))
            .collect();
        let ways: BTreeSet<_> =
            exact.iter().map(|(path, _)| path.clone()).chain(roots.iter().cloned()).collect();
        let starts =
            ways.iter().filter_map(|path| tree.host_above(path).map(|(at, _)| at.to_owned()));
        let held = tree.held_files();
        let starts: BTreeSet<_> = held
            .iter()
            .filter_map(|path| path.parent())
            .map(Path::to_owned)
            .chain(starts)
            .collect();
        let set = globs.map(|globs| globs.set().clone());
        let rules = globs.map(Globs::rules).unwrap_or_default();
        (!starts.is_empty()).then(|| Self {
            globs: set.unwrap_or_else(GlobSet::empty),
            rules,
            exact,
            roots,
            ways,
            held,
            starts,
            overlays: tree.overlays(),
            sockets: None,
        })
    }

    /// The rule that denies this path.
    pub(crate) fn rule(&self, path: &Path) -> Option<&str> {
        let exact = self.exact.iter().find(|(denied, _)| denied == path);
        exact.map(|(_, rule)| rule.as_str()).or_else(|| {
            let index = self.globs.matches(path).into_iter().next()?;
            self.rules.get(index).map(String::as_str)
        })
    }

    /// Whether this is to be read-only inside.
    pub(crate) fn is_held(&self, path: &Path) -> bool {
        self.held.contains(path)
    }

    /// Whether something that is denied may appear in this folder, or below it.
    pub(crate) fn may_hold(&self, folder: &Path) -> bool {
        self.roots.iter().any(|root| folder.starts_with(root))
            || self.ways.iter().any(|path| path.starts_with(folder))
    }
}

/// The same path, by the real folder that it is in as far as there is one.
fn by_real_folder(path: &Path, names: &Names) -> PathBuf {
    let real = path
        .ancestors()
        .find_map(|above| Some(names.real(above)?.join(path.strip_prefix(above).ok()?)));
    // Nothing behind the name of what is there.
    real.map_or_else(|| path.to_owned(), |real| real.components().collect())
}
