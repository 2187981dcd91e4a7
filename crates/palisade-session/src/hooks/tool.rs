use palisade_core::{Action, Decision, ToolCall, ToolInput, Verdict};
use palisade_hooks::{Answer, Event, Ran, Say, changed_input, of_tool_call};
use serde_json::{Map, Value};

use super::Hooks;

/// How often an input may be changed. Each hook changes it once, so this is the number of hooks that do.
const ROUNDS: usize = 5;

/// What the rules say of an act.
pub(crate) type Rules<'a> = dyn Fn(&Action) -> Decision + Send + Sync + 'a;

/// What became of a tool call.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The rules' word and the hooks' together. A question is not yet asked.
    pub(crate) decision: Decision,
    /// What is said of it by a rule or a hook; `None`: nobody has said anything.
    pub(crate) say: Option<Say>,
    /// The call that was decided: with another input, if a hook changed it.
    pub(crate) call: ToolCall,
    /// Whether it did.
    pub(crate) changed: bool,
    /// What hooks said besides.
    pub(crate) answer: Answer,
    /// Each that ran.
    pub(crate) ran: Vec<Ran>,
}

/// Decide a call: rules, then hooks, and both again for an input that a hook changed.
///
/// A rule's denial stays, whatever hooks would say: they are not asked then. An input that was changed is
/// decided as if the agent had come with it; the hook that changed it is not asked again.
pub(crate) async fn tool_call(
    hooks: Option<&Hooks>,
    call: &ToolCall,
    told: Option<&Map<String, Value>>,
    rules: &Rules<'_>,
) -> Decided {
    let mut decided = Decided {
        decision: rules(&Action::ToolCall(Box::new(call.clone()))),
        say: None,
        call: call.clone(),
        changed: false,
        answer: Answer::default(),
        ran: Vec::new(),
    };
    let mut changers: Vec<String> = Vec::new();
    for round in 0.. {
        let denied = decided.decision.verdict == Verdict::Deny;
        let Some(hooks) = hooks.filter(|hooks| !denied && hooks.runner.has(Event::PRE_TOOL_USE))
        else {
            break;
        };
        let fields = told.cloned().unwrap_or_else(|| hooks.common.event(Event::PRE_TOOL_USE));
        let fields = of_tool_call(fields, &decided.call);
        let outcome =
            hooks.runner.run(Event::PRE_TOOL_USE, &fields, Some(&decided.call), &changers).await;
        let changes = |ran: &&Ran| ran.changes;
        let input = outcome.answer.input.clone();
        let kept = input.is_some() && outcome.answer.say != Some(Say::Deny);
        changers.extend(outcome.ran.iter().filter(changes).map(|ran| ran.rule.clone()));
        let of_changers = outcome.ran.iter().filter(changes).filter_map(|ran| ran.say).max();
        decided.take(outcome.answer, kept.then_some(of_changers));
        decided.ran.extend(outcome.ran);
        let Some(input) = input.filter(|_| kept) else { break };
        if round >= ROUNDS {
            decided.refuse("hooks change the input again and again");
            break;
        }
        match changed_input(&decided.call, input) {
            Err(why) => {
                decided.refuse(&why);
                break;
            }
            Ok(input) if input == decided.call.input => break,
            Ok(input) => {
                decided.call.input = input;
                decided.changed = true;
                decided.decision = rules(&Action::ToolCall(Box::new(decided.call.clone())));
            }
        }
    }
    decided.settle();
    decided
}

impl Decided {
    /// Join what the hooks of one round say. Where the input goes on to another round, an allow counts only if
    /// it is of those who changed the input (`of_changers`): the others have not seen the new one.
    fn take(&mut self, mut answer: Answer, of_changers: Option<Option<Say>>) {
        answer.input = None;
        if of_changers.is_some_and(|say| say.is_none()) && answer.say == Some(Say::Allow) {
            (answer.say, answer.by) = (None, None);
            answer.reason.clear();
        }
        // Without an input nothing can be at odds.
        self.answer.join(answer).unwrap_or_default();
    }

    fn refuse(&mut self, why: &str) {
        self.answer.say = Some(Say::Deny);
        self.answer.reason = why.to_owned();
    }

    /// The rules' word and the hooks'.
    fn settle(&mut self) {
        let by = self.answer.by.clone().unwrap_or_else(|| "hooks".to_owned());
        let reason = self.answer.reason.clone();
        let verdict = self.decision.verdict;
        let by_rule = |list: &str| is_by_rule(&self.decision, list);
        let of_rules = match verdict {
            Verdict::Deny => Some(Say::Deny),
            Verdict::Ask => Some(Say::Ask),
            // That there are no rules is nobody's word.
            Verdict::Allow if by_rule("permissions.allow") || by_rule("permissions.mode") => {
                Some(Say::Allow)
            }
            Verdict::Allow | Verdict::Observe => None,
        };
        self.say = of_rules;
        match (self.answer.say, verdict) {
            (_, Verdict::Deny) | (None, _) => {}
            (Some(Say::Deny), _) => {
                self.decision = Decision::deny_by(by, reason);
                self.say = Some(Say::Deny);
            }
            (Some(Say::Defer), _) => {
                let reason = format!("{reason}; it is put off, and nobody here takes it up later");
                self.decision = Decision::deny_by(by, reason);
                self.say = Some(Say::Defer);
            }
            (Some(Say::Ask), Verdict::Ask) => {}
            (Some(Say::Ask), _) => {
                self.decision = Decision::ask(by, reason);
                self.say = Some(Say::Ask);
            }
            // A hook answers a question that nobody's rule wants asked; a rule's own stays.
            (Some(Say::Allow), Verdict::Ask) if !is_asked_by_a_rule(&self.decision) => {
                self.decision = Decision::allow(by, reason);
                self.say = Some(Say::Allow);
            }
            (Some(Say::Allow), Verdict::Ask) => {}
            (Some(Say::Allow), _) => self.say = Some(Say::Allow),
        }
    }

    /// The input, if it was changed and the call is permitted, or could be.
    pub(crate) fn input(&self) -> Option<ToolInput> {
        let input = self.changed.then(|| self.call.input.clone());
        input.filter(|_| self.decision.may_be_allowed())
    }
}

/// Whether the question is a rule's own, which only the operator answers: one of `ask`, or one of `deny` that may be about
/// this call.
fn is_asked_by_a_rule(decision: &Decision) -> bool {
    is_by_rule(decision, "permissions.ask")
        || is_by_rule(decision, "permissions.deny")
        || decision.is_about_taint()
}

/// Whether a rule of this list decided, and not a mode or that there is none.
fn is_by_rule(decision: &Decision, list: &str) -> bool {
    decision.rule.as_deref().is_some_and(|rule| {
        rule.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
    })
}
