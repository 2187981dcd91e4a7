//! `palisade hook` where there is no sandbox: the policy and its hooks decide in this process, for this event
//! alone.

use palisade_core::{Action, Decision};
use palisade_engine::Engine;
use palisade_hooks::{Agent, Announced, Reply};
use palisade_policy::Policy;

use super::{Hooks, Pinned, door};
use crate::order::Operator;

/// What an agent is to be told, by this policy.
pub fn decide(policy: &Policy, operator: &Operator, agent: Agent, told: &[u8]) -> Reply {
    match decided(policy, operator, agent, told) {
        Ok(reply) => reply,
        Err(why) => agent.refusal(&format!("palisade: {why}")),
    }
}

fn decided(
    policy: &Policy,
    operator: &Operator,
    agent: Agent,
    told: &[u8],
) -> Result<Reply, String> {
    if let Some(missing) = policy.not_built.first() {
        return Err(format!(
            "the policy asks for what this version cannot enforce yet: {} ({})",
            missing.what, missing.at
        ));
    }
    let announced = agent.read(told).map_err(|error| error.to_string())?;
    let engine = Engine::new(policy);
    let rules = |action: &Action| -> Decision { engine.decide(action) };
    let runs = announced.event.is_some_and(|event| !policy.hooks.of(event).is_empty());
    if !runs {
        return Ok(now(door::decided(None, &announced, &rules)).reply(&announced));
    }
    let session = announced.fields.get("session_id").and_then(|id| id.as_str()).unwrap_or("none");
    let hooks = Hooks::new(policy, operator, session, Pinned::No).map_err(|error| error.what)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let decided = runtime.block_on(door::decided(Some(&hooks), &announced, &rules));
    Ok(decided.reply(&announced))
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
