//! Skills that the agent made in a folder that is new: no mount could be there. Agents of the host would load
//! them.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use palisade_sandbox::{Content, Plan};
use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::{Was, Watched};
use crate::{
    plan::{is_place, leads_to_places},
    walk::walk,
};

/// A writable folder, and the places for skills in it that were there at the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkillPlaces {
    folder: OsString,
    known: BTreeSet<OsString>,
}

/// A folder of a workspace that OpenClaw loads skills from, and what says that something is one. Other things are called so too.
const PLAIN: &str = "skills";
const TEXT: &str = "SKILL.md";

/// What there is at the launch, in every folder that the plan makes writable.
pub(crate) fn find_skill_places(plan: &Plan) -> Vec<SkillPlaces> {
    let folders = plan.mounts.iter().filter_map(|mount| match &mount.content {
        Content::Host(object) if object.writable && object.folder => Some(object.path.clone()),
        _ => None,
    });
    let folders: BTreeSet<PathBuf> = folders.collect();
    folders
        .iter()
        .map(|folder| SkillPlaces {
            folder: folder.clone().into(),
            known: places(folder, |_| true).into_iter().collect(),
        })
        .collect()
}

impl SkillPlaces {
    /// Those that were not there, and hold something.
    pub(super) fn watched(&self) -> Vec<Watched> {
        let new = places(Path::new(&self.folder), |holds| holds);
        let new = new.into_iter().filter(|name| !self.known.contains(name));
        new.map(|name| Watched { folder: self.folder.clone(), name, was: Was::Absent, git: false })
            .collect()
    }
}

/// Places for skills below a folder, by their paths in it. A link holds something, wherever it leads: what is
/// there may come later.
fn places(folder: &Path, wanted: impl Fn(bool) -> bool + Sync) -> Vec<OsString> {
    let walked = walk(folder, |seen, found| {
        let Ok(below) = seen.path.strip_prefix(folder) else { return };
        if is_place(below) && wanted(seen.entries().next().is_some()) {
            found.push(OsString::from(below));
        }
        // Without its text a folder is no skill. What else lies there is nobody's business.
        if below.starts_with(PLAIN) && seen.entries().any(|(name, _)| name == TEXT) {
            found.push(OsString::from(below.join(TEXT)));
        }
        let links = seen.entries().filter(|(_, kind)| *kind == FileType::Symlink);
        let links = links.map(|(name, _)| below.join(name));
        found
            .extend(links.filter(|path| leads_to_places(path) && wanted(true)).map(OsString::from));
    });
    walked.found
}
