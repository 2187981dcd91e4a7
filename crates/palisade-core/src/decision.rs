use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of Palisade's layers saw or held an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Layer {
    /// The mount tree and Landlock.
    Files,
    /// Namespaces, seccomp, launch and end.
    Process,
    /// The network namespace and the resolver.
    Network,
    /// The transparent proxy.
    Egress,
    /// The model gateway.
    Inference,
    /// What an agent tells of its tool calls by itself, and servers of tools.
    Tool,
    /// Palisade itself: policy, trust, journal.
    Supervisor,
}

impl Layer {
    /// The word used in the journal and in `--json` output.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Files => "files",
            Layer::Process => "process",
            Layer::Network => "network",
            Layer::Egress => "egress",
            Layer::Inference => "inference",
            Layer::Tool => "tool",
            Layer::Supervisor => "supervisor",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The outcome of deciding an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may happen.
    Allow,
    /// It may not.
    Deny,
    /// An operator must answer first; nobody did yet.
    Ask,
    /// Nothing was decided: the event only tells what happened.
    Observe,
}

impl Verdict {
    /// The word used in the journal and in `--json` output.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Ask => "ask",
            Verdict::Observe => "observe",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// The rule that decided, such as `network.rules[github]`; `None` when no rule matched
    /// (and so the default, deny, holds).
    pub rule: Option<String>,
    /// One sentence that may be shown to the agent and to its user.
    pub reason: String,
}

impl Decision {
    /// Allowed by `rule`.
    pub fn allow(rule: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Allow, rule: Some(rule.into()), reason: reason.into() }
    }

    /// Denied because no rule permits it.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Deny, rule: None, reason: reason.into() }
    }

    /// Denied by a rule that names it.
    pub fn deny_by(rule: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Deny, rule: Some(rule.into()), reason: reason.into() }
    }

    /// To be asked of the operator, as `rule` says.
    pub fn ask(rule: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ask, rule: Some(rule.into()), reason: reason.into() }
    }

    /// Whether it is permitted or an answer of the operator could permit it: enough to go on to the
    /// question, and to nothing else.
    pub fn may_be_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allow | Verdict::Ask)
    }

    /// Whether this permits less than another decision does.
    pub fn is_stricter(&self, than: &Self) -> bool {
        let rank = |decision: &Self| match decision.verdict {
            Verdict::Allow | Verdict::Observe => 0,
            Verdict::Ask => 1,
            Verdict::Deny => 2,
        };
        rank(self) > rank(than)
    }

    /// Whether it is a question only because untrusted content has come into the session.
    pub fn is_about_taint(&self) -> bool {
        self.verdict == Verdict::Ask
            && self.rule.as_deref().is_some_and(|rule| rule.starts_with("taint."))
    }

    /// The rule as the policy has it, where one of its entries decided: `network.rules[github]` of
    /// `network.rules[github].http[2]`.
    pub fn whole_rule(&self) -> Option<&str> {
        // A name has no bracket.
        self.rule.as_deref().map(|rule| rule.split_inclusive(']').next().unwrap_or(rule))
    }

    /// True only for [`Verdict::Allow`]: an unanswered question is not a permission.
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_belongs_to_its_rule() {
        for (named, whole) in [
            ("network.rules[a.b].http[2]", "network.rules[a.b]"),
            ("network.rules[a.b]", "network.rules[a.b]"),
            ("network.rules[0].limits", "network.rules[0]"),
            ("inference", "inference"),
        ] {
            assert_eq!(Decision::allow(named, "").whole_rule(), Some(whole));
        }
        assert_eq!(Decision::deny("").whole_rule(), None);
    }
}
