use std::{collections::BTreeSet, sync::Arc};

use palisade_core::{
    Action, Authority, Decision, Event, Layer, ToolCall, ToolInput, ToolSeen, Verdict,
};

use super::{Asked, Ruling, ServerTool};
use crate::known_calls::KnownCalls;

/// Rules on what answers hold: what the agent would run is put to the authority, what runs at the
/// provider is looked up in the policy's list.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) server_tools: Arc<BTreeSet<ServerTool>>,
    pub(crate) calls: Arc<KnownCalls>,
    /// What answers and their items are known by at the provider.
    pub(crate) stored: Arc<KnownCalls>,
}

impl Judge {
    /// Remembers what an answer and its items are known by at the provider: a later request may name them.
    pub(crate) fn stored(&self, ids: Vec<String>) {
        for id in ids {
            self.stored.decided(&id, true);
        }
    }

    pub(crate) async fn rule(self, asked: Vec<Asked>) -> Vec<Ruling> {
        let mut rulings = Vec::with_capacity(asked.len());
        for one in asked {
            rulings.push(match one {
                Asked::Call(call) => self.call(&call).await,
                Asked::Unreadable { name, id, why } => self.unreadable(name, id, why).await,
                Asked::AtProvider { tool, kind } => self.at_provider(tool, &kind).await,
            });
        }
        rulings
    }

    /// Records kinds of events that were left out.
    pub(crate) async fn left_out(self, kinds: Vec<String>) -> bool {
        for kind in kinds {
            let mut event = Event::observed("answer", Layer::Inference, kind);
            event.decision = Verdict::Deny;
            event.reason = "an event of a kind that is not known was left out of an answer".into();
            if !self.authority.record(event).await {
                return false;
            }
        }
        true
    }

    async fn call(&self, call: &ToolCall) -> Ruling {
        let answer = self.authority.tool_call(call).await;
        let allowed = answer.decision.is_allowed();
        if let Some(id) = &call.id {
            self.calls.decided(id, allowed);
        }
        if !allowed {
            return Ruling::Replace(refusal(&call.name, &answer.decision.reason));
        }
        match answer.input {
            None => Ruling::Release,
            // Neither format can hold the other's form.
            Some(input)
                if matches!(input, ToolInput::Text(_))
                    != matches!(call.input, ToolInput::Text(_)) =>
            {
                if let Some(id) = &call.id {
                    self.calls.decided(id, false);
                }
                Ruling::Replace(refusal(
                    &call.name,
                    "what it was to be given instead has another form",
                ))
            }
            Some(input) => Ruling::Change(input),
        }
    }

    async fn unreadable(&self, name: String, id: Option<String>, why: String) -> Ruling {
        if let Some(id) = &id {
            self.calls.decided(id, false);
        }
        let text = refusal(&name, &why);
        let input = ToolInput::Text(String::new());
        let call = ToolCall { name, input, id, seen: ToolSeen::Answer };
        let denial = Decision::deny(why);
        self.authority.record(Event::decided(&Action::ToolCall(Box::new(call)), &denial)).await;
        Ruling::Replace(text)
    }

    async fn at_provider(&self, tool: Option<ServerTool>, kind: &str) -> Ruling {
        let allowed = tool.is_some_and(|tool| self.server_tools.contains(&tool));
        let mut event = Event::observed("server_tool", Layer::Inference, kind);
        let reason = not_named(tool, kind);
        if allowed {
            event.decision = Verdict::Allow;
            event.rule = Some("inference.server_tools".into());
        } else {
            event.decision = Verdict::Deny;
            event.reason = reason.clone();
        }
        if self.authority.record(event).await && allowed {
            Ruling::Release
        } else {
            Ruling::Replace(format!("[Palisade] Left out of this answer: {reason}."))
        }
    }
}

/// Why something of a tool at the provider is denied.
pub(crate) fn not_named(tool: Option<ServerTool>, kind: &str) -> String {
    match tool {
        Some(tool) => format!(
            "`{kind}` runs at the provider, where no rule reaches; to allow it, add `{tool}` to \
             `inference.server_tools`"
        ),
        None => format!("`{kind}` is nothing that the gateway knows"),
    }
}

fn refusal(name: &str, why: &str) -> String {
    let name: String = name.chars().take(100).flat_map(char::escape_debug).collect();
    format!("[Palisade] The call of {name} was not permitted and has not been made: {why}")
}
