//! The places that agents load skills from hold the skills of the lock, and nothing can be put there.
//!
//! In the home, and in the workspace with all that lies in it. A place that is there already is mounted over.
//! One that is missing in a folder of the host that may be written is made for the session, so that something
//! can be mounted there: a name that does not exist cannot be kept from being made.

use std::{
    collections::BTreeSet,
    fs::File,
    os::{
        fd::AsFd,
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use palisade_core::AGENT_FOLDERS;
use palisade_sandbox::{Generated, GeneratedKind};
use palisade_skill_store::{Entry, Tree as Skill, read_folder};
use rustix::fs::{FlockOperation, flock};

use super::{links::Names, tree::Tree};
use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
    skills::{Skills, hidden},
    walk::walk,
};

/// What is loaded from them: skills, and what has the same power.
const PLACES: [&str; 35] = [
    ".agents/skills",
    ".agents/plugins",
    ".claude/skills",
    ".claude/commands",
    ".claude/agents",
    ".claude/plugins",
    ".claude/workflows",
    ".claude/output-styles",
    ".codex/skills",
    ".codex/prompts",
    ".codex/agents",
    ".codex/plugins",
    ".cursor/skills",
    ".cursor/commands",
    ".cursor/agents",
    ".cursor/plugins",
    ".gemini/skills",
    ".gemini/commands",
    ".gemini/agents",
    ".gemini/extensions",
    ".openclaw/skills",
    ".openclaw/extensions",
    ".openclaw/hooks",
    ".opencode/skill",
    ".opencode/skills",
    ".opencode/command",
    ".opencode/commands",
    ".opencode/agent",
    ".opencode/agents",
    ".opencode/mode",
    ".opencode/modes",
    ".opencode/plugin",
    ".opencode/plugins",
    ".opencode/tool",
    ".opencode/tools",
];

/// Whether a path ends like a place for skills.
pub(crate) fn is_place(path: &Path) -> bool {
    PLACES.iter().any(|place| path.ends_with(place))
}

/// Whether places for skills would be below a link with this path, or it would be one.
pub(crate) fn leads_to_places(link: &Path) -> bool {
    is_place(link) || AGENT_FOLDERS.iter().any(|top| link.ends_with(top))
}

/// The same in a home alone.
const OF_HOME: [&str; 15] = [
    ".openclaw/workspace/skills",
    ".openclaw/workspace/.agents/skills",
    ".openclaw/workspace/hooks",
    ".config/opencode/skill",
    ".config/opencode/skills",
    ".config/opencode/command",
    ".config/opencode/commands",
    ".config/opencode/agent",
    ".config/opencode/agents",
    ".config/opencode/mode",
    ".config/opencode/modes",
    ".config/opencode/plugin",
    ".config/opencode/plugins",
    ".config/opencode/tool",
    ".config/opencode/tools",
];

/// Where the skills of the lock are shown in the home: each agent that is known reads one of these.
const SHOWN: [&str; 2] = [".claude/skills", ".agents/skills"];

/// Folders with settings of agents. A repository can have any number; each costs mounts.
const MOST_PROJECTS: usize = 500;

/// A folder of a workspace that OpenClaw loads skills from. Other things are called so too: it is held
/// where it holds a skill at the launch.
const PLAIN: &str = "skills";

/// Folders that were made for the session, and go with it.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Each with a lock that all sessions share, and whether this one made it.
    folders: Vec<(PathBuf, File, bool)>,
}

impl Places {
    /// Make what is missing, and hold what is there: another session must not take it away.
    ///
    /// # Errors
    /// It cannot be made or held.
    fn hold(&mut self, folder: &Path) -> Result<(), Refusal> {
        const REMEDY: &str = "see that the folder can be written, or use `--workspace ro`";
        let what = || format!("hold {} for skills", folder.display());
        let made = match std::fs::DirBuilder::new().mode(0o755).create(folder) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error).refuse(what(), REMEDY),
        };
        if made && let Some(above) = folder.parent() {
            give_to_owner_of(above, folder);
        }
        let opened = File::open(folder).refuse(what(), REMEDY)?;
        flock(&opened, FlockOperation::NonBlockingLockShared)
            .refuse(what(), "end other sessions in this folder, then try again")?;
        self.folders.push((folder.to_owned(), opened, made));
        Ok(())
    }
}

/// A folder that root makes in somebody's project belongs to them.
fn give_to_owner_of(above: &Path, folder: &Path) {
    if let Ok(found) = above.metadata() {
        // If it fails it is root's, empty, and removed at the end.
        drop(std::os::unix::fs::chown(folder, Some(found.uid()), Some(found.gid())));
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        for (path, opened, made) in self.folders.drain(..).rev() {
            // Fails where another session holds it, or something is in it.
            if made && flock(opened.as_fd(), FlockOperation::NonBlockingLockExclusive).is_ok() {
                std::fs::remove_dir(&path).unwrap_or_default();
            }
        }
    }
}

/// Make the folders of agents that are missing in the workspace. What protects those that are there comes
/// after this, and then has them too.
///
/// # Errors
/// One cannot be made.
pub(crate) fn prepare(
    skills: &Skills,
    workspace: Option<&Path>,
    tree: &Tree,
) -> Result<Places, Refusal> {
    let mut places = Places::default();
    let Some(workspace) = workspace.filter(|it| skills.only && tree.may_be_changed(it)) else {
        return Ok(places);
    };
    for top in AGENT_FOLDERS {
        let folder = workspace.join(top);
        // A link, or a file: it is covered later.
        let found = folder.symlink_metadata();
        if found.is_err() || found.is_ok_and(|found| found.is_dir()) {
            places.hold(&folder)?;
        }
    }
    Ok(places)
}

/// Put the skills in the tree, once all else of the host's is in it.
///
/// # Errors
/// A place cannot be made or looked at.
pub(crate) fn add(
    skills: &mut Skills,
    operator: &Operator,
    workspace: Option<&Path>,
    names: &Names,
    places: &mut Places,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    if skills.is_nothing() {
        return Ok(());
    }
    let view: Vec<Generated> = skills
        .shown
        .iter()
        .flat_map(|shown| generated(Path::new(shown.name.as_str()), &shown.tree))
        .collect();
    let home = operator.home.as_path();
    for place in PLACES.iter().chain(&OF_HOME) {
        let entries = if SHOWN.contains(place) { view.clone() } else { Vec::new() };
        let path = home.join(place);
        if tree.host_above(&path).is_some() {
            if skills.only {
                if !entries.is_empty() {
                    skills.place_all(&path);
                }
                hold(&path, entries, names, places, tree)?;
            }
        } else if skills.only || !entries.is_empty() {
            if !entries.is_empty() {
                skills.place_all(&path);
            }
            // A mount of its own, so that it cannot be moved away with what is in it.
            for above in path.ancestors().skip(1).take_while(|above| *above != home) {
                tree.scratch(above, 0o700);
            }
            tree.generate_folder(&path, entries)?;
        }
    }
    if !skills.only {
        return hold_narrowed(skills, home, (workspace, names), places, tree);
    }
    hold_above(home, workspace, tree)?;
    for project in projects(&roots(workspace, tree))? {
        let mut held: Vec<PathBuf> = PLACES.iter().map(|place| project.join(place)).collect();
        if workspace == Some(project.as_path()) {
            held.extend(Some(project.join(PLAIN)).filter(|plain| holds_a_skill(plain)));
        } else {
            // Folders that are missing could be made in any folder that is new: see `sweep`.
            held.retain(|path| path.parent().is_some_and(|top| top.symlink_metadata().is_ok()));
        }
        for path in held {
            let entries = match names.real(&path) {
                Some(real) if real == path => allowed(&path, skills),
                _ => {
                    behind_a_link(&path, skills);
                    Vec::new()
                }
            };
            hold(&path, entries, names, places, tree)?;
        }
    }
    skills.fold();
    Ok(())
}

/// Agents look in the folders above the workspace as well. What is there inside and is not of the host's the agent could fill.
fn hold_above(home: &Path, workspace: Option<&Path>, tree: &mut Tree) -> Result<(), Refusal> {
    let above = workspace.into_iter().flat_map(|folder| folder.ancestors().skip(1));
    for folder in above.take_while(|folder| *folder != home) {
        if tree.is_scratch(folder) {
            for top in AGENT_FOLDERS {
                tree.generate_folder(&folder.join(top), Vec::new())?;
            }
        }
    }
    Ok(())
}

/// Tell of what is not shown since a place for skills is a link, or lies behind one.
fn behind_a_link(place: &Path, skills: &mut Skills) {
    if place.read_dir().is_ok_and(|mut list| list.next().is_some()) {
        skills.events.push(hidden(place, "it is, or lies behind, a link"));
    }
}

/// A skill with a policy of its own is there as the lock has it, or not at all: one that its own programs could rewrite would
/// be held once, and by nothing the next time; and one that the lock has not is not known.
fn hold_narrowed(
    skills: &mut Skills,
    home: &Path,
    (workspace, names): (Option<&Path>, &Names),
    places: &mut Places,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    if skills.narrowed.is_empty() {
        return Ok(());
    }
    let is_for_skills = |place: &&&str| place.ends_with("/skills") || place.ends_with("/skill");
    let of_home = PLACES.iter().chain(&OF_HOME).filter(is_for_skills);
    let mut folders: BTreeSet<PathBuf> = of_home.map(|place| home.join(place)).collect();
    for project in projects(&roots(workspace, tree))? {
        let of_project = PLACES.iter().filter(is_for_skills);
        folders.extend(of_project.map(|place| project.join(place)));
        folders.extend((workspace == Some(project.as_path())).then(|| project.join(PLAIN)));
    }
    let narrowed: Vec<String> = skills.narrowed.iter().cloned().collect();
    let each = folders.iter().flat_map(|place| narrowed.iter().map(|name| place.join(name)));
    for path in each {
        if path.symlink_metadata().is_err() || !tree.shows(&path) {
            continue;
        }
        let real = names.real(&path).is_some_and(|real| real == path);
        let entries = match as_locked(&path, Path::new(""), skills) {
            Ok((name, entries)) if real => {
                skills.placed.push((path.clone(), name));
                entries
            }
            Ok(_) => {
                skills.events.push(narrowed_away(&path, "it is, or lies behind, a link"));
                Vec::new()
            }
            Err(why) => {
                skills.events.push(narrowed_away(&path, &why));
                Vec::new()
            }
        };
        hold(&path, entries, names, places, tree)?;
    }
    Ok(())
}

/// The skill of the lock that this folder is, by its name and its bytes: its name, and what is in it, below `at`.
fn as_locked(path: &Path, at: &Path, skills: &Skills) -> Result<(String, Vec<Generated>), String> {
    let known = path.file_name().and_then(|name| {
        skills.shown.iter().find(|shown| name == std::ffi::OsStr::new(shown.name.as_str()))
    });
    let Some(known) = known else {
        let path = palisade_core::shown(&path.to_string_lossy(), 200);
        return Err(format!(
            "no skill of this name is in the lock and let in: `palisade skill add {path}`"
        ));
    };
    match read_folder(path) {
        Ok(tree) if tree.digest() == known.digest => {
            Ok((known.name.to_string(), generated(at, &known.tree)))
        }
        Ok(_) => {
            Err(format!("it is not the {} of the lock: `palisade skill update` it", known.name))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn narrowed_away(path: &Path, why: &str) -> palisade_core::Event {
    let mut event =
        hidden(path, &format!("a skill of this name has a policy of its own, and {why}"));
    event.rule = Some("skills.policies".to_owned());
    event
}

/// The workspace and all else that the agent may write, none in another.
fn roots(workspace: Option<&Path>, tree: &Tree) -> Vec<PathBuf> {
    let hosts = tree.hosts().into_iter();
    let writable = hosts.filter(|(_, object)| object.writable && object.folder).map(|(at, _)| at);
    let mut all: Vec<PathBuf> = writable.chain(workspace.map(Path::to_owned)).collect();
    all.sort();
    // What lies in a folder comes right behind it.
    all.dedup_by(|path, above| path.starts_with(above));
    all
}

/// These folders, and every folder in them that has a folder of an agent.
///
/// # Errors
/// There are too many.
fn projects(roots: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let mut all = roots.to_vec();
    for root in roots {
        let walked = walk(root, |folder, found| {
            let has = |name: &std::ffi::OsStr| AGENT_FOLDERS.iter().any(|top| name == *top);
            if folder.path != root && folder.entries().any(|(name, _)| has(name)) {
                found.push(folder.path.to_owned());
            }
        });
        all.extend(walked.found);
    }
    if all.len() > MOST_PROJECTS {
        return Err(Refusal::new(
            format!(
                "more than {MOST_PROJECTS} folders that the agent may write hold settings of agents, which may \
                 hold skills"
            ),
            "name a smaller workspace, or `skills: {require: any}`",
        ));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// At any depth, as OpenClaw looks.
fn holds_a_skill(folder: &Path) -> bool {
    let walked = walk(folder, |seen, found| {
        if seen.entries().any(|(name, _)| name == "SKILL.md") {
            found.push(());
        }
    });
    !walked.found.is_empty()
}

/// Put a folder over a place in something of the host's.
fn hold(
    path: &Path,
    entries: Vec<Generated>,
    names: &Names,
    places: &mut Places,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    let Some((base, _)) = tree.host_above(path) else { return Ok(()) };
    let base = base.to_owned();
    let below: Vec<&Path> =
        path.ancestors().take_while(|at| *at != base && at.starts_with(&base)).collect();
    for step in below.into_iter().rev() {
        match step.symlink_metadata() {
            // Wherever it leads, skills would be loaded from there.
            Ok(found) if !found.is_dir() => {
                tree.cover(step, &found);
                return tree.fix_above(step);
            }
            Ok(_) => {}
            Err(_) if !tree.may_be_changed(step) => return Ok(()),
            Err(_) => places.hold(step)?,
        }
    }
    tree.generate_folder(path, entries)?;
    tree.fix_way(path, names)
}

/// What of a place in a workspace is of the lock: a folder with its name and its bytes. The others are told.
fn allowed(place: &Path, skills: &mut Skills) -> Vec<Generated> {
    let mut entries = Vec::new();
    let Ok(list) = place.read_dir() else { return entries };
    for entry in list.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        // Whatever Git needs to keep an empty folder is no skill.
        if name == ".gitkeep" || name == ".gitignore" {
            continue;
        }
        let found = match place.ends_with("skills") {
            true => as_locked(&path, Path::new(&name), skills),
            false => Err("only skills of the lock are in the sandbox".to_owned()),
        };
        let why = match found {
            Ok((name, of_skill)) => {
                entries.extend(of_skill);
                skills.placed.push((path, name));
                continue;
            }
            Err(why) => why,
        };
        skills.events.push(hidden(&path, &why));
    }
    entries
}

fn generated(folder: &Path, skill: &Skill) -> Vec<Generated> {
    let entries = skill.iter().map(|(path, entry)| Generated {
        path: folder.join(path),
        what: match entry {
            Entry::File { bytes, executable } => {
                GeneratedKind::File { bytes: bytes.clone(), executable: *executable }
            }
            Entry::Link(to) => GeneratedKind::Link(to.into()),
        },
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PROTECTED;

    #[test]
    fn folders_of_agents_are_protected_as_a_whole() {
        for top in AGENT_FOLDERS {
            assert!(PROTECTED.contains(&top), "{top}");
        }
        for place in PLACES {
            assert!(AGENT_FOLDERS.iter().any(|top| Path::new(place).starts_with(top)), "{place}");
        }
        for place in SHOWN {
            assert!(PLACES.contains(&place), "{place}");
        }
    }
}
