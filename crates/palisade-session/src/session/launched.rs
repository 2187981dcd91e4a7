//! What is recorded and decided between a sandbox that stands and a command that runs in it. Nothing runs without it.

use std::{io, sync::Arc};

use palisade_core::{Action, Authority, Event, Layer, PolicyDigest, Ties};

use super::JOURNAL;
use crate::{degraded::Missing, order::Order, refusal::Refusal};

/// What was found while the sandbox was planned.
pub(super) struct Found<'a> {
    /// Layers that it is without.
    pub(super) missing: &'a [Missing],
    /// The skills that it shows.
    pub(super) loads: &'a [Action],
    /// What became of the others.
    pub(super) kept_out: Vec<Event>,
    /// What the policy grants for reading and does not exist.
    pub(super) ungranted: Vec<Event>,
}

/// Record what this session lacks, what it shows and what is kept out of it.
///
/// # Errors
/// Something that has to be in the journal is not, or a skill is refused.
pub(super) async fn told(
    order: &Order,
    authority: &Arc<dyn Authority>,
    weaker: Option<Event>,
    found: Found<'_>,
    tell: &dyn Fn(&str),
) -> Result<(), Refusal> {
    if let Some(weaker) = weaker {
        authority.record(weaker).await;
    }
    let Found { missing, loads, kept_out, ungranted } = found;
    for one in missing {
        if !authority.record(one.event()).await {
            let what = format!("that {} is missing could not be recorded", one.name());
            return Err(Refusal::new(what, JOURNAL));
        }
    }
    for one in loads {
        let decision = authority.authorize(one).await;
        if !decision.is_allowed() {
            let what = format!("the skill {} is refused: {}", one.subject(), decision.reason);
            let remedy = "`palisade skill remove` it, or see who refuses it";
            return Err(Refusal::new(what, remedy));
        }
    }
    for one in kept_out {
        // A repository names its folders.
        let named = palisade_core::shown(&one.subject, 300);
        tell(&format!("the skill {named} is kept out: {}", one.reason));
        if !authority.record(one).await {
            let what = "what became of a skill could not be recorded";
            return Err(Refusal::new(what, JOURNAL));
        }
    }
    for one in ungranted {
        let rule = one.rule.as_deref().unwrap_or_default();
        tell(&format!("{rule}: {}: {}", palisade_core::shown(&one.subject, 300), one.reason));
        if !authority.record(one).await {
            let what = "that something granted does not exist could not be recorded";
            return Err(Refusal::new(what, JOURNAL));
        }
    }
    if order.permissive {
        let what = "what no rule names is permitted unasked";
        if !authority.record(Event::observed("learn", Layer::Supervisor, what)).await {
            let what = "that everything is permitted could not be recorded";
            return Err(Refusal::new(what, JOURNAL));
        }
    }
    Ok(())
}

/// Have the launch itself decided and recorded, with where the policy is kept.
///
/// # Errors
/// The policy is not kept, or the launch is refused or not recorded.
pub(super) async fn permitted(
    order: &Order,
    authority: &Arc<dyn Authority>,
    document: io::Result<PolicyDigest>,
) -> Result<(), Refusal> {
    let mut ties = Ties::new();
    match document {
        Ok(document) => drop(ties.insert("policy_document".into(), document.as_str().into())),
        Err(error) => {
            let what = format!("the policy could not be kept for the record: {error}");
            return Err(Refusal::new(what, JOURNAL));
        }
    }
    let decision = authority.authorize_tied(&launch_action(order), &ties).await;
    if !decision.is_allowed() {
        let refusal = Refusal::new(decision.reason, JOURNAL);
        return Err(refusal);
    }
    Ok(())
}

fn launch_action(order: &Order) -> Action {
    Action::Launch {
        command: order.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        workspace: order
            .policy
            .filesystem
            .workspace
            .as_ref()
            .map(|workspace| workspace.path.display().to_string()),
    }
}
