//! `palisade hook` where there is no sandbox: the policy and its hooks decide in this process, for this event
//! and what came into the session before it.

use std::time::Duration;

use palisade_core::{Action, Decision, Event, Layer, Verdict};
use palisade_engine::Engine;
use palisade_hooks::{Agent, Announced, Reply};
use palisade_policy::Policy;
use tokio::time::timeout;

use super::{Hooks, Pinned, brought::Brought, door, kept, record};
use crate::order::Operator;

/// An agent goes on without an answer when it has waited an hour for it.
const LONGEST: Duration = Duration::from_secs(3500);

/// What an agent is to be told, by this policy. `recorded`: not before the journal has it.
pub fn decide(
    policy: &Policy,
    operator: &Operator,
    agent: Agent,
    told: &[u8],
    recorded: bool,
) -> Reply {
    let keep = |session: &str, events: Vec<Event>| {
        if !recorded || events.is_empty() {
            return Ok(());
        }
        kept::keep(&operator.state_dir, agent.name(), session, &policy.digest, events)
    };
    match decided(policy, operator, agent, told, &keep) {
        Ok(reply) => reply,
        Err(why) => {
            let mut event = Event::observed("tool_call", Layer::Tool, agent.name());
            event.decision = Verdict::Deny;
            event.reason.clone_from(&why);
            let why = match keep("", vec![event]) {
                Ok(()) => why,
                Err(also) => format!("{why}; and {also}"),
            };
            agent.refusal(&format!("palisade: {why}"))
        }
    }
}

/// What an outcome leaves in the journal.
fn events(agent: Agent, announced: &Announced, outcome: &door::Outcome) -> Vec<Event> {
    let Some(event) = announced.event else { return Vec::new() };
    let mut events: Vec<Event>;
    match &outcome.decided {
        Some(decided) => {
            let subject = decided.call.subject();
            events = decided.ran.iter().map(|ran| record(event, &subject, ran)).collect();
            let action = Action::ToolCall(Box::new(decided.call.clone()));
            let mut last = Event::decided(&action, &decided.decision);
            if decided.changed {
                last = last.with("changed_by_hooks", true);
            }
            events.push(last);
        }
        None => {
            events = outcome.ran.iter().map(|ran| record(event, agent.name(), ran)).collect();
        }
    }
    events
}

/// Takes what a session of an agent leaves.
type Keep<'a> = dyn Fn(&str, Vec<Event>) -> Result<(), String> + 'a;

fn decided(
    policy: &Policy,
    operator: &Operator,
    agent: Agent,
    told: &[u8],
    keep: &Keep<'_>,
) -> Result<Reply, String> {
    if let Some(missing) = policy.not_built.first() {
        return Err(format!(
            "the policy asks for what this version cannot enforce yet: {} ({})",
            missing.what, missing.at
        ));
    }
    let announced = agent.read(told).map_err(|error| error.to_string())?;
    let engine = Engine::new(policy);
    let rules = |action: &Action| -> Decision {
        engine.decide_in(action, announced.directory()).strictest()
    };
    let runs = announced.event.is_some_and(|event| !policy.hooks.of(event).is_empty());
    let session = announced.fields.get("session_id").and_then(|id| id.as_str()).unwrap_or("none");
    let remembers = policy.taint.is_some() && announced.call.is_some();
    let brought =
        remembers.then(|| Brought::of(&operator.state_dir, &kept::id(agent.name(), session, 0)));
    let unknown = |why: String| format!("what came into this session is not known: {why}");
    if let Some(brought) = &brought {
        brought.tell(&engine).map_err(unknown)?;
    }
    let brings =
        |outcome: &door::Outcome| brings(&engine, brought.as_ref(), outcome).map_err(unknown);
    if !runs {
        let outcome = now(door::decided(None, &announced, &rules));
        brings(&outcome)?;
        keep(session, events(agent, &announced, &outcome))?;
        return Ok(outcome.reply(&announced));
    }
    let hooks = Hooks::new(policy, operator, session, Pinned::No).map_err(|error| error.what)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let outcome = runtime
        .block_on(async { timeout(LONGEST, door::decided(Some(&hooks), &announced, &rules)).await })
        .map_err(|_| format!("no decision within {} s", LONGEST.as_secs()))?;
    brings(&outcome)?;
    keep(session, events(agent, &announced, &outcome))?;
    Ok(outcome.reply(&announced))
}

/// Remember what a call brings in. What is asked still is permitted by the agent's own user, who answers unseen.
fn brings(
    engine: &Engine,
    brought: Option<&Brought>,
    outcome: &door::Outcome,
) -> Result<(), String> {
    let (Some(brought), Some(decided)) = (brought, &outcome.decided) else { return Ok(()) };
    if decided.decision.verdict == Verdict::Deny {
        return Ok(());
    }
    let action = Action::ToolCall(Box::new(decided.call.clone()));
    engine.brings(&action, &decided.decision).map_or(Ok(()), |how| brought.add(how))
}

/// Without hooks nothing is waited for: a runtime would cost more than the decision.
fn now(decided: impl Future<Output = door::Outcome>) -> door::Outcome {
    let mut decided = std::pin::pin!(decided);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match decided.as_mut().poll(&mut context) {
        std::task::Poll::Ready(outcome) => outcome,
        std::task::Poll::Pending => door::Outcome::unexpected(),
    }
}

impl door::Outcome {
    fn reply(&self, announced: &Announced) -> Reply {
        announced.reply(&self.to)
    }
}
