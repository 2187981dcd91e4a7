//! The policy's hooks in a session: made ready, asked on each layer, and what they say recorded.

mod brought;
mod door;
mod gate;
mod kept;
mod local;
mod post;
mod told;
mod tool;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use palisade_core::{Event as Record, Layer, Verdict};
use palisade_hooks::{
    Common, Event, Ran, RuleMatches, Runner, Say, Seen, Setup, environment, may_match,
};
use palisade_permissions::{Permissions, Place, Settings};
use palisade_policy::Policy;

pub use self::local::decide;
pub(crate) use self::{
    door::{Door, NAME as DOOR, PORT as DOOR_PORT, decided},
    gate::about,
    told::without_places,
    tool::{Decided, Rules, tool_call},
};
use crate::{
    order::Operator,
    plan,
    refusal::{Refusal, Refuse},
};

/// Hooks that can be asked.
#[derive(Debug)]
pub(crate) struct Hooks {
    pub(crate) runner: Runner,
    pub(crate) common: Common,
}

/// Whether what hooks are made of is kept as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinned {
    /// As it is now, for as long as the session is.
    Yes,
    /// There is no session.
    No,
}

impl Hooks {
    /// Make the hooks of a policy ready.
    pub(crate) fn new(
        policy: &Policy,
        operator: &Operator,
        session: &str,
        pinned: Pinned,
    ) -> Result<Arc<Self>, Refusal> {
        let project = project(policy, operator);
        let environment =
            environment(&operator.environment, &plan::writable(policy), &project, session);
        // Not the folder that is worked in: what is found there first is the agent's.
        let own = operator.config_dir.is_dir();
        let directory = if own { operator.config_dir.clone() } else { PathBuf::from("/") };
        let setup = Setup {
            config: policy.hooks.clone(),
            environment,
            variables: operator.environment.clone(),
            state: (pinned == Pinned::Yes).then(|| operator.state_dir.clone()),
            directory,
            post: Arc::new(post::Client),
            matches: matches(&project, operator),
        };
        let runner = Runner::new(setup).refuse(
            "copy the policy's hooks",
            "see that the state folder (PALISADE_STATE) can be written and has room",
        )?;
        let common = Common {
            session: session.to_owned(),
            directory: project.display().to_string(),
            mode: mode(policy).to_owned(),
        };
        Ok(Arc::new(Self { runner, common }))
    }
}

/// Events that only an agent itself tells of, and that the policy has hooks for.
pub fn announced(policy: &Policy) -> Vec<Event> {
    let events = policy.hooks.events.keys().copied();
    events.filter(|event| event.seen() == Seen::Announced).collect()
}

/// The files that a policy's hooks are seen to run, but programs of the machine.
pub(crate) fn scripts(policy: &Policy, operator: &Operator) -> Vec<PathBuf> {
    let writable = plan::writable(policy);
    let project = project(policy, operator);
    let environment = environment(&operator.environment, &writable, &project, "");
    palisade_hooks::scripts(&policy.hooks, &environment)
}

/// For `if`: whether a permission rule names a call, or could.
fn matches(project: &Path, operator: &Operator) -> Arc<RuleMatches> {
    let home = Some(operator.home.clone());
    let place = Place { workspace: project.to_owned(), additional: Vec::new(), home };
    match Permissions::new(Settings { place, ..Settings::default() }) {
        Ok(permissions) => Arc::new(move |rule, call| permissions.names(rule, call)),
        Err(_) => Arc::new(may_match),
    }
}

/// The policy's permission mode, as Claude Code calls it.
fn mode(policy: &Policy) -> &'static str {
    let mode = policy.permissions.as_ref().map(|permissions| permissions.mode);
    mode.unwrap_or_default().as_str()
}

/// The folder that is worked in, for hooks.
fn project(policy: &Policy, operator: &Operator) -> PathBuf {
    let workspace = policy.filesystem.workspace.as_ref();
    workspace.map_or_else(|| operator.directory.clone(), |workspace| workspace.path.clone())
}

/// What one hook leaves in the journal.
pub(crate) fn record(event: Event, subject: &str, ran: &Ran) -> Record {
    let layer = match event.seen() {
        Seen::Connections | Seen::Requests => Layer::Egress,
        Seen::Models => Layer::Inference,
        Seen::Skills => Layer::Files,
        Seen::Execs => Layer::Process,
        Seen::Alarms => Layer::Supervisor,
        _ => Layer::Tool,
    };
    let mut record = Record::observed("hook", layer, format!("{event} {subject}").trim_end());
    record.decision = match ran.say {
        Some(Say::Allow) => Verdict::Allow,
        Some(Say::Ask) => Verdict::Ask,
        Some(Say::Defer | Say::Deny) => Verdict::Deny,
        None => Verdict::Observe,
    };
    record.rule = Some(ran.rule.clone());
    record.reason.clone_from(&ran.reason);
    let micros = u64::try_from(ran.took.as_micros()).unwrap_or(u64::MAX);
    let mut record = record
        .with("event", event.name())
        .with("hook", ran.shown.clone())
        .with("microseconds", micros)
        .with("answered", ran.say.map_or("nothing", Say::as_str));
    if ran.changes {
        record = record.with("changes_input", true);
    }
    if ran.detached {
        record = record.with("waited_for", false);
    }
    if let Some(why) = &ran.failed {
        record = record.with("failed", why.clone()).with("on_error", ran.on_error.as_str());
    }
    record
}

#[cfg(test)]
mod tests;
