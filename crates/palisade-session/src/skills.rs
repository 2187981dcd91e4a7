//! Which skills a sandbox gets: those of the operator's lock that the policy lets in, as the store has them.
//!
//! All that is shown is read and compared with its digest before anything is built. What is shown is that
//! very copy, in memory: whoever changes the store afterwards changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use palisade_core::{Action, Event, Layer, ScriptLine, SkillPolicy, ToolCall, Verdict};
use palisade_permissions::{Meaning, Permissions};
use palisade_policy::{SkillRequire, SkillSeverity, Skills as Asked};
use palisade_sandbox::linux::marks::{self, Marks};
use palisade_skill_store::{
    Digest, Entry, Lock, Locked, Require, Ruling, SkillName, Store, StoreError, Terms, Tree, Trust,
    judge,
};
use palisade_skills::Severity;
use sha2::{Digest as _, Sha256};

use crate::{order::Order, refusal::Refusal};

/// Bytes of all skills of a sandbox together: they are in memory.
const MOST_BYTES: u64 = 256 << 20;
/// Events of skills that are kept out, one by one.
const MOST_EVENTS: usize = 200;
const ADD: &str = "see `palisade skill list`, and take it anew with `palisade skill add`";

/// The skills of a sandbox.
#[derive(Debug, Default)]
pub(crate) struct Skills {
    /// Whether there are no others.
    pub(crate) only: bool,
    /// What is shown, by name.
    pub(crate) shown: Vec<Shown>,
    /// The same, to be decided before the agent starts.
    pub(crate) loads: Vec<Action>,
    /// What of the lock is not, and why; and what else is kept out.
    pub(crate) events: Vec<Event>,
    /// What those that are shown may do at most, by name. A skill without a policy of its own is not here.
    pub(crate) policies: BTreeMap<String, Vec<SkillPolicy>>,
    /// Where skills are shown: the folder of one, and its name.
    pub(crate) placed: Vec<(PathBuf, String)>,
    /// The names that a policy is for, whether a skill of that name is shown or not.
    pub(crate) narrowed: BTreeSet<String>,
}

/// Skills that have a policy of their own: what comes from them is marked.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    /// What each may do at most.
    pub(crate) policies: BTreeMap<String, Vec<SkillPolicy>>,
    /// What each is, in the order of their marks.
    pub(crate) skills: Vec<OfSkill>,
}

/// The length of a file and its SHA-256.
type Bytes = (usize, [u8; 32]);

/// What a skill with a policy of its own is inside.
#[derive(Debug)]
pub(crate) struct OfSkill {
    /// Its name.
    pub(crate) name: String,
    /// Its folders inside: in each lies all of it.
    pub(crate) folders: Vec<PathBuf>,
    /// Its files and links by their paths in it; of files the length and the SHA-256.
    pub(crate) files: Vec<(String, Option<Bytes>)>,
    /// The absolute paths of what its scripts name to be run by.
    pub(crate) interpreters: BTreeSet<String>,
}

impl Marked {
    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        !self.skills.is_empty()
    }

    /// The names, in the order of their marks.
    pub(crate) fn names(&self) -> Arc<[String]> {
        self.skills.iter().map(|skill| skill.name.clone()).collect()
    }
}

/// What a script names in its first line, by an absolute path.
fn interpreter(bytes: &[u8]) -> Option<&str> {
    let path = ScriptLine::read(bytes)?.interpreter().to_str()?;
    path.starts_with('/').then_some(path)
}

/// The names of these marks.
pub(crate) fn named(marks: Marks, names: &[String]) -> Vec<String> {
    marks.numbers().filter_map(|number| names.get(number).cloned()).collect()
}

/// A skill that is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) name: SkillName,
    pub(crate) digest: Digest,
    pub(crate) tree: Tree,
}

/// Read the lock and the store.
///
/// # Errors
/// The lock cannot be read, or the store has not what the lock says.
pub(crate) fn read(order: &Order) -> Result<Skills, Refusal> {
    let asked = &order.policy.skills;
    let state = &order.operator.state_dir;
    let lock = Lock::read(state).map_err(|error| {
        Refusal::new(
            format!("the lock of skills cannot be read: {error}"),
            "mend it, or move it away",
        )
    })?;
    let store = Store::in_state(state);
    let mut skills = Skills { only: asked.holds(), ..Skills::default() };
    let of_lock = lock.skills.iter().filter(|(_, locked)| locked.policy.is_some());
    let of_lock = of_lock.map(|(name, _)| name.to_string());
    skills.narrowed = asked.policies.keys().cloned().chain(of_lock).collect();
    if lock.skills.is_empty() {
        return Ok(skills);
    }
    let trust = Trust::read(&order.operator.config_dir, state).map_err(|error| {
        let what = format!("it cannot be told whose skills are trusted: {error}");
        Refusal::new(
            what,
            "mend it; the folder `skills` of the configuration (PALISADE_CONFIG) is meant",
        )
    })?;
    let mut bytes = 0_u64;
    for (name, locked) in &lock.skills {
        let tree = store.get(&locked.digest);
        let signers =
            tree.as_ref().map(|tree| trust.signers(locked, tree, &store)).unwrap_or_default();
        let revoked = trust.revoked(&locked.digest, tree.as_ref().ok());
        let ruling = judge(locked, terms(asked), &signers, revoked.as_deref());
        let why = match ruling {
            Ruling::Kept { rule, why } => {
                skills.events.push(kept(name, locked, rule, why));
                continue;
            }
            Ruling::Loads(why) => why,
        };
        let own = asked.policies.get(name.as_str()).into_iter().flatten();
        let own: Vec<SkillPolicy> = own.chain(&locked.policy).cloned().collect();
        skills.loads.push(Action::SkillLoad {
            name: name.to_string(),
            digest: locked.digest.to_string(),
            verdict: locked.scan.as_ref().map(|scan| scan.verdict.clone()),
            why,
            policies: own.iter().map(SkillPolicy::told).collect(),
        });
        if !own.is_empty() {
            skills.policies.insert(name.to_string(), own);
        }
        let tree = tree.map_err(|error| refused(name, &error))?;
        bytes = bytes.saturating_add(tree.bytes());
        if bytes > MOST_BYTES {
            return Err(Refusal::new(
                format!("the skills of the lock have more than {} MiB together", MOST_BYTES >> 20),
                "remove those that are not needed with `palisade skill remove NAME`",
            ));
        }
        skills.shown.push(Shown { name: name.clone(), digest: locked.digest, tree });
    }
    Ok(skills)
}

impl Skills {
    /// All that are shown are in this folder inside.
    pub(crate) fn place_all(&mut self, folder: &Path) {
        let names = self.shown.iter().map(|shown| shown.name.as_str());
        self.placed.extend(names.map(|name| (folder.join(name), name.to_owned())));
    }

    /// A repository can have any number of skills. The first are told, and how many more there were.
    pub(crate) fn fold(&mut self) {
        let more = self.events.len().saturating_sub(MOST_EVENTS);
        if more > 0 {
            self.events.truncate(MOST_EVENTS);
            let what = format!("{more} more");
            self.events
                .push(hidden(Path::new(&what), "only skills of the lock are in the sandbox"));
        }
    }

    /// The files of skills that have a policy of their own, and where those are.
    ///
    /// # Errors
    /// There are more such skills than can be told apart.
    pub(crate) fn marked(&mut self) -> Result<Marked, Refusal> {
        let policies = std::mem::take(&mut self.policies);
        if policies.len() > marks::MOST {
            let most = marks::MOST;
            return Err(Refusal::new(
                format!("more than {most} skills of the lock have a policy of their own"),
                "remove those that are not needed with `palisade skill remove NAME`",
            ));
        }
        let mut skills = Vec::new();
        for name in policies.keys() {
            let shown = self.shown.iter().find(|shown| shown.name.as_str() == name);
            let Some(shown) = shown else { continue };
            let folders = self.placed.iter().filter(|(_, of)| of == name);
            let folders = folders.map(|(folder, _)| folder.clone()).collect();
            let files = shown.tree.iter().map(|(path, entry)| {
                let bytes = match entry {
                    Entry::File { bytes, .. } => Some((bytes.len(), Sha256::digest(bytes).into())),
                    Entry::Link(_) => None,
                };
                (path.to_owned(), bytes)
            });
            let files = files.collect();
            let interpreters = shown.tree.iter().filter_map(|(_, entry)| match entry {
                Entry::File { bytes, .. } => interpreter(bytes),
                Entry::Link(_) => None,
            });
            let interpreters = interpreters.map(str::to_owned).collect();
            skills.push(OfSkill { name: name.clone(), folders, files, interpreters });
        }
        Ok(Marked { policies, skills })
    }

    /// Whether the tree has to be touched at all.
    pub(crate) fn is_nothing(&self) -> bool {
        !self.only && self.shown.is_empty() && self.narrowed.is_empty()
    }
}

fn refused(name: &SkillName, error: &StoreError) -> Refusal {
    Refusal::new(format!("the skill {name} is not what it was when it was taken: {error}"), ADD)
}

/// What the policy asks, in the store's words.
pub(crate) fn terms(asked: &Asked) -> Terms {
    Terms {
        require: match asked.require {
            SkillRequire::Any => Require::Any,
            SkillRequire::Scanned => Require::Scanned,
            SkillRequire::Reviewed => Require::Reviewed,
            SkillRequire::Signed => Require::Signed,
        },
        block: asked.block.map(|severity| match severity {
            SkillSeverity::Low => Severity::Low,
            SkillSeverity::Medium => Severity::Medium,
            SkillSeverity::High => Severity::High,
            SkillSeverity::Critical => Severity::Critical,
        }),
    }
}

fn kept(name: &SkillName, locked: &Locked, rule: &str, why: String) -> Event {
    let mut event = Event::observed("skill", Layer::Files, name.as_str())
        .with("digest", locked.digest.to_string());
    if let Some(scan) = &locked.scan {
        event = event.with("verdict", scan.verdict.clone());
    }
    event.decision = Verdict::Deny;
    event.rule = Some(rule.to_owned());
    event.reason = why;
    event
}

/// Which skills a model may ask for by name, where there are no others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named {
    /// The names, and whether it is a plugin with skills of its own.
    names: Option<BTreeMap<String, bool>>,
}

impl Named {
    pub(crate) fn of(skills: &Skills) -> Self {
        let name = |shown: &Shown| {
            (shown.name.to_string(), shown.tree.get(".claude-plugin/plugin.json").is_some())
        };
        Self { names: skills.only.then(|| skills.shown.iter().map(name).collect()) }
    }

    /// Why a call of a tool that loads a skill is refused, if it is. A file that an agent finds elsewhere it
    /// can read all the same: this keeps it from being loaded as a skill.
    pub(crate) fn refuses(&self, call: &ToolCall) -> Option<String> {
        let names = self.names.as_ref()?;
        let Meaning::Skill(asked) = Permissions::meaning(call) else { return None };
        let Some(asked) = asked else { return Some("the call names no skill".to_owned()) };
        let known = names.contains_key(&asked)
            || asked.split_once(':').is_some_and(|(plugin, _)| names.get(plugin) == Some(&true));
        (!known)
            .then(|| format!("the skill {} is not of the lock", palisade_core::shown(&asked, 100)))
    }
}

/// What the workspace has at a place of skills, and is not shown.
pub(crate) fn hidden(path: &Path, why: &str) -> Event {
    let mut event = Event::observed("skill", Layer::Files, path.to_string_lossy().into_owned());
    event.decision = Verdict::Deny;
    event.rule = Some("skills.require".to_owned());
    event.reason = why.to_owned();
    event
}

#[cfg(test)]
mod tests {
    use palisade_core::{ToolInput, ToolSeen};

    use super::*;

    #[test]
    fn a_model_asks_for_skills_of_the_lock_alone() {
        let names = [("pdf".to_owned(), false), ("tools".to_owned(), true)].into_iter().collect();
        let (some, any) = (Named { names: Some(names) }, Named::default());
        let call = |tool: &str, key: &str, name: &str| {
            let input = [(key.to_owned(), name.into())].into_iter().collect();
            let (name, id, seen) = (tool.to_owned(), None, ToolSeen::Answer);
            ToolCall { name, input: ToolInput::Object(input), id, seen }
        };
        for (tool, key, name, refused) in [
            ("Skill", "skill", "pdf", false),
            ("Skill", "skill", "tools:convert", false),
            ("Skill", "skill", "pdf:convert", true),
            ("Skill", "skill", "evil", true),
            ("Skill", "skill", "new/pdf", true),
            ("Skill", "else", "pdf", true),
            ("activate_skill", "name", "evil", true),
            ("Bash", "command", "evil", false),
        ] {
            let call = call(tool, key, name);
            assert_eq!(some.refuses(&call).is_some(), refused, "{tool} {name}");
            assert!(any.refuses(&call).is_none());
        }
    }
}
