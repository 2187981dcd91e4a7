//! What a session's policies permitted, against what was used of it.
//!
//! The journal names the rule that decided; the policy's rules are kept beside the journal, in a document whose
//! digest the journal has. Of what the kernel permits by itself no event comes (an open of a granted file), and
//! so of some grants it cannot be said whether they were used: they are listed as such.

mod kept;

use std::{collections::BTreeMap, path::Path};

use palisade_core::{SessionId, Verdict};
use palisade_journal::{Record, Timestamp};
use serde::Serialize;
use serde_json::Value;

pub use self::kept::{KeptPolicy, KeptRule, Unkept, kept};
use crate::{AuditError, session};

/// Subjects that are listed of what was refused or permitted beside the rules.
const MOST_SUBJECTS: usize = 1000;

/// What a session could reach and what it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reach {
    /// The session.
    pub session: SessionId,
    /// Each policy that was in force, in order.
    pub policies: Vec<InForce>,
    /// What was permitted by no rule of a policy: by an answer of the operator's, or while learning.
    pub beside: Vec<Act>,
    /// What was refused, each once.
    pub refused: Vec<Act>,
    /// Acts that were left out of the two lists.
    pub left_out: u64,
}

/// A policy that was in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InForce {
    /// Its digest, as the journal has it.
    pub policy: String,
    /// The first event under it.
    pub from_seq: u64,
    /// Why its rules are not known, if they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Its rules.
    pub rules: Vec<Used>,
}

/// A rule, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Used {
    /// As the journal names it.
    pub rule: String,
    /// What it does.
    pub says: String,
    /// What kind of rule it is.
    pub kind: Kind,
    /// How often it permitted something.
    pub permitted: u64,
    /// How often it refused something.
    pub refused: u64,
    /// When it decided last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// What kind of rule it is, for what its use says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// It permits something, and each use of it leaves an event.
    Grant,
    /// It permits something, and uses of it leave no event.
    SilentGrant,
    /// It only takes away, asks or sets something.
    Restriction,
}

/// What was done or tried, without a rule of a policy's that permits it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Act {
    /// What kind of act.
    pub kind: String,
    /// What it was about.
    pub subject: String,
    /// The rule that decided, if one did.
    pub rule: Option<String>,
    /// How often.
    pub count: u64,
}

impl Reach {
    /// The grants that nothing has used, of those of which it can be told, of each policy.
    pub fn unused(&self) -> impl Iterator<Item = &Used> {
        let rules = self.policies.iter().flat_map(|policy| &policy.rules);
        rules.filter(|rule| rule.kind == Kind::Grant && rule.permitted == 0)
    }
}

#[derive(Debug, Default)]
struct Tally {
    permitted: u64,
    refused: u64,
    last: Option<Timestamp>,
}

type Acts = BTreeMap<(String, String, Option<String>), u64>;

/// What this session could reach, and what it did.
///
/// # Errors
/// The journal cannot be read, or has no such session.
pub fn of(state: &Path, id: &SessionId) -> Result<Reach, AuditError> {
    let mut order: Vec<(String, u64)> = Vec::new();
    let mut documents: BTreeMap<String, String> = BTreeMap::new();
    let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
    let (mut beside, mut refused, mut left_out) = (Acts::new(), Acts::new(), 0_u64);
    session::each(state, id, &mut |record| {
        let policy = record.policy.to_string();
        if order.last().is_none_or(|(last, _)| *last != policy)
            && !order.iter().any(|(known, _)| *known == policy)
        {
            order.push((policy.clone(), record.seq));
        }
        if let Some(document) = record.detail.get("policy_document").and_then(Value::as_str) {
            // A new policy is recorded under the one before.
            let of = record.detail.get("to").and_then(Value::as_str).unwrap_or(&policy);
            documents.insert(of.to_owned(), document.to_owned());
        }
        let count = counted(&record);
        if let ("credential", Some(name)) =
            (record.kind.as_str(), record.detail.get("credential").and_then(Value::as_str))
        {
            let rule = (policy.clone(), format!("credentials[{name}]"));
            let tally = tallies.entry(rule).or_default();
            tally.permitted = tally.permitted.saturating_add(count);
            tally.last = tally.last.max(Some(record.time));
        }
        if let Some(rule) = &record.rule {
            for name in levels(rule) {
                let tally = tallies.entry((policy.clone(), name.to_owned())).or_default();
                match record.decision {
                    Verdict::Allow => tally.permitted = tally.permitted.saturating_add(count),
                    Verdict::Deny => tally.refused = tally.refused.saturating_add(count),
                    Verdict::Ask | Verdict::Observe => {}
                }
                tally.last = tally.last.max(Some(record.time));
            }
        }
        let acts = match record.decision {
            Verdict::Deny if record.kind != "folded" => &mut refused,
            Verdict::Allow if matches!(record.rule.as_deref(), Some("approval" | "learn")) => {
                &mut beside
            }
            _ => return Ok(()),
        };
        let key = (record.kind.clone(), record.subject.clone(), record.rule.clone());
        if acts.len() >= MOST_SUBJECTS && !acts.contains_key(&key) {
            left_out = left_out.saturating_add(count);
        } else {
            let sum = acts.entry(key).or_default();
            *sum = sum.saturating_add(count);
        }
        Ok(())
    })?;
    if order.is_empty() {
        return Err(AuditError::NoSession(id.to_string()));
    }
    let policies = order.into_iter().map(|(policy, from_seq)| {
        let document = documents.get(&policy).map(String::as_str);
        let known = kept(state, &policy, document);
        let (rules, unknown) = match known {
            Ok(kept) => (used(&kept, &policy, &tallies), None),
            Err(why) => (Vec::new(), Some(why.to_string())),
        };
        InForce { policy, from_seq, unknown, rules }
    });
    let policies = policies.collect();
    Ok(Reach {
        session: id.clone(),
        policies,
        beside: listed(beside),
        refused: listed(refused),
        left_out,
    })
}

fn used(kept: &KeptPolicy, policy: &str, tallies: &BTreeMap<(String, String), Tally>) -> Vec<Used> {
    let none = Tally::default();
    let rules = kept.rules.iter().map(|rule| {
        let tally = tallies.get(&(policy.to_owned(), rule.rule.clone())).unwrap_or(&none);
        Used {
            rule: rule.rule.clone(),
            says: rule.says.clone(),
            kind: kind(rule),
            permitted: tally.permitted,
            refused: tally.refused,
            last: tally.last,
        }
    });
    rules.collect()
}

/// The names that a rule of an event counts for: its own, and those of what it is an entry of.
fn levels(rule: &str) -> impl Iterator<Item = &str> {
    let ends = rule.match_indices("].").map(|(at, _)| at.saturating_add(1));
    ends.filter_map(|end| rule.get(..end)).chain([rule])
}

/// What an event stands for: of those that were counted and not written there is a number.
fn counted(record: &Record) -> u64 {
    let count = record.detail.get("count").and_then(Value::as_u64);
    count.filter(|_| record.kind == "folded").unwrap_or(1)
}

fn kind(rule: &KeptRule) -> Kind {
    let name = rule.rule.as_str();
    let begins = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    let denies = rule.says.starts_with("deny") || rule.says.starts_with("nothing by itself");
    if begins(&["network.rules["]) && name.ends_with(".limits") {
        Kind::Restriction
    } else if begins(&["network.rules[", "inference.routes["]) && !denies
        || begins(&["permissions.allow[", "credentials[", "inference.server_tools"])
    {
        Kind::Grant
    } else if begins(&[
        "filesystem.workspace",
        "filesystem.read",
        "filesystem.write",
        "network.hosts[",
        "network.expose[",
        "process.environment.",
        "process.syscalls.allow[",
        "inference.providers[",
    ]) {
        Kind::SilentGrant
    } else {
        Kind::Restriction
    }
}

fn listed(acts: Acts) -> Vec<Act> {
    let acts =
        acts.into_iter().map(|((kind, subject, rule), count)| Act { kind, subject, rule, count });
    acts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_counts_for_its_rule_too() {
        let all = |rule| levels(rule).collect::<Vec<_>>();
        assert_eq!(
            all("network.rules[a].http[2]"),
            ["network.rules[a]", "network.rules[a].http[2]"]
        );
        assert_eq!(all("inference"), ["inference"]);
        assert_eq!(all("permissions.allow[Bash(ls)]"), ["permissions.allow[Bash(ls)]"]);
    }
}
