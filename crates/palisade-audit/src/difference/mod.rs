//! How two sessions differ: in their policy, and in what they did and tried.

use std::{collections::BTreeMap, path::Path};

use palisade_core::{SessionId, Verdict};
use serde::Serialize;
use serde_json::Value;

use crate::{AuditError, session};

/// Different acts of one session that are told apart.
const MOST: usize = 50_000;

/// How a second session differs from a first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The first.
    pub first: About,
    /// The second.
    pub second: About,
    /// What only the first did.
    pub only_first: Vec<Did>,
    /// What only the second did.
    pub only_second: Vec<Did>,
    /// What both did, and was decided otherwise.
    pub decided_otherwise: Vec<Otherwise>,
    /// How many acts are the same in both, each counted once.
    pub same: usize,
}

/// A session as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct About {
    /// The session.
    pub session: SessionId,
    /// The command.
    pub command: Option<String>,
    /// The policies that were in force.
    pub policies: Vec<String>,
    /// How it ended.
    pub end: Option<String>,
    /// Events.
    pub events: u64,
}

/// An act, and how often it was done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Did {
    /// What kind of act.
    pub kind: String,
    /// What it was about.
    pub subject: String,
    /// What was decided.
    pub decision: &'static str,
    /// How often.
    pub count: u64,
}

/// An act that was decided in one way and in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Otherwise {
    /// What kind of act.
    pub kind: String,
    /// What it was about.
    pub subject: String,
    /// What was decided in the first.
    pub first: Vec<&'static str>,
    /// What was decided in the second.
    pub second: Vec<&'static str>,
}

type Acts = BTreeMap<(String, String), BTreeMap<&'static str, u64>>;

/// How `second` differs from `first`.
///
/// # Errors
/// The journal cannot be read, has no such session, or one did too much that is different.
pub fn between(
    state: &Path,
    first: &SessionId,
    second: &SessionId,
) -> Result<Difference, AuditError> {
    let (about_first, did_first) = read(state, first)?;
    let (about_second, did_second) = read(state, second)?;
    let only = |did: &Acts, other: &Acts| -> Vec<Did> {
        let alone = did.iter().filter(|(act, _)| !other.contains_key(*act));
        let alone = alone.flat_map(|((kind, subject), decided)| {
            decided.iter().map(|(decision, count)| Did {
                kind: kind.clone(),
                subject: subject.clone(),
                decision,
                count: *count,
            })
        });
        alone.collect()
    };
    let (mut decided_otherwise, mut same) = (Vec::new(), 0_usize);
    for (act, decided) in &did_first {
        let Some(other) = did_second.get(act) else { continue };
        let decisions = |of: &BTreeMap<&'static str, u64>| of.keys().copied().collect::<Vec<_>>();
        let (first, second) = (decisions(decided), decisions(other));
        if first == second {
            same = same.saturating_add(1);
        } else {
            let (kind, subject) = act.clone();
            decided_otherwise.push(Otherwise { kind, subject, first, second });
        }
    }
    Ok(Difference {
        first: about_first,
        second: about_second,
        only_first: only(&did_first, &did_second),
        only_second: only(&did_second, &did_first),
        decided_otherwise,
        same,
    })
}

fn read(state: &Path, id: &SessionId) -> Result<(About, Acts), AuditError> {
    let mut about =
        About { session: id.clone(), command: None, policies: Vec::new(), end: None, events: 0 };
    let mut acts = Acts::new();
    session::each(state, id, &mut |record| {
        about.events = about.events.saturating_add(1);
        let policy = record.policy.to_string();
        if !about.policies.contains(&policy) {
            about.policies.push(policy);
        }
        let folded = record.kind == "folded";
        let text = |key: &str| record.detail.get(key).and_then(Value::as_str);
        let count = record.detail.get("count").and_then(Value::as_u64).filter(|_| folded);
        let kind = if folded { text("kind").unwrap_or("folded") } else { &record.kind };
        match kind {
            "launch" => about.command = Some(record.subject.clone()),
            "end" => about.end = Some(record.subject.clone()),
            // These tell of the session itself.
            "journal_open" | "journal_reopen" | "recovered" => return Ok(()),
            _ => {}
        }
        let decision = match record.decision {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Ask => "ask",
            Verdict::Observe => "observe",
        };
        let key = (kind.to_owned(), record.subject.clone());
        if acts.len() >= MOST && !acts.contains_key(&key) {
            let (session, what) = (id.to_string(), "acts that differ");
            return Err(AuditError::TooMuch { session, most: MOST, what });
        }
        let sum = acts.entry(key).or_default().entry(decision).or_default();
        *sum = sum.saturating_add(count.unwrap_or(1));
        Ok(())
    })?;
    if about.events == 0 {
        return Err(AuditError::NoSession(id.to_string()));
    }
    Ok((about, acts))
}
