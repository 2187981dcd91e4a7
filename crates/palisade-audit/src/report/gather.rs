//! One walk over the records of a period: counts, samples, and lists of what people did.

use std::collections::{BTreeMap, BTreeSet};

use palisade_core::{PolicyDigest, SessionId, Verdict};
use palisade_journal::{Filter, Hash, JournalError, Query, Record, Timestamp};
use serde::Serialize;

use super::topic::{self, Topic};

/// Samples of one topic and decision: the first ones, and the newest.
const FIRST_SAMPLES: usize = 2;
/// Rules that are counted one by one.
const MOST_RULES: usize = 200;
/// Entries of a list.
const MOST_LISTED: usize = 500;
/// Exceptions of one kind that are shown.
const MOST_EXCEPTIONS: usize = 20;

/// What the records of a topic say.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Acts: a record that counts a flood stands for many.
    pub acts: u64,
    /// Acts by what was decided.
    pub decisions: BTreeMap<&'static str, u64>,
    /// Acts by kind.
    pub kinds: BTreeMap<String, u64>,
    /// When the first was recorded.
    pub first: Option<Timestamp>,
    /// When the last was.
    pub last: Option<Timestamp>,
    /// Sessions with any.
    pub sessions: u64,
    /// Acts by the rule that decided.
    pub rules: BTreeMap<String, u64>,
    /// Acts by further rules.
    pub other_rules: u64,
    /// Some of the records.
    pub samples: Vec<Sample>,
    #[serde(skip)]
    seen: BTreeSet<SessionId>,
    #[serde(skip)]
    kept: BTreeMap<&'static str, Kept>,
}

#[derive(Debug, Clone, Default)]
struct Kept {
    first: Vec<Sample>,
    newest: Option<Sample>,
}

/// A record as it is shown. Its line in the journal is the one with this number.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Sample {
    /// The session.
    pub session: SessionId,
    /// The record's number in it.
    pub seq: u64,
    /// When it was written.
    pub time: Timestamp,
    /// What kind of act.
    pub kind: String,
    /// What was decided.
    pub decision: Verdict,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What it was about.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// The policy in force.
    pub policy: PolicyDigest,
    /// The record's hash.
    pub hash: Hash,
}

/// Something an auditor should look at.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Exception {
    /// What it is.
    pub what: &'static str,
    /// The topics that it concerns.
    pub topics: Vec<Topic>,
    /// How often.
    pub acts: u64,
    /// Some of the records.
    pub records: Vec<Sample>,
}

/// A policy that was in force.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PolicyVersion {
    /// Its digest.
    pub digest: PolicyDigest,
    /// Its first record in the period.
    pub first: Timestamp,
    /// Its last.
    pub last: Timestamp,
    /// Records under it.
    pub records: u64,
    /// Sessions under it.
    pub sessions: u64,
    #[serde(skip)]
    seen: BTreeSet<SessionId>,
}

/// What a person decided or did.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Act {
    /// Who: the number of the system's user, as the supervisor saw it, if it was recorded.
    pub principal: Option<String>,
    /// The record.
    #[serde(flatten)]
    pub record: Sample,
}

/// How often a credential was used, and for what.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Use {
    /// Times it was put into a request, or signed.
    pub uses: u64,
    /// Times its placeholder was seen where it does not belong.
    pub strays: u64,
    /// Subjects, each once, the first of them.
    pub subjects: BTreeSet<String>,
}

/// All that one walk gathers.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) tallies: BTreeMap<Topic, Tally>,
    pub(super) exceptions: BTreeMap<&'static str, Exception>,
    pub(super) policies: BTreeMap<String, PolicyVersion>,
    pub(super) people: Vec<Act>,
    pub(super) people_left_out: u64,
    pub(super) changes: Vec<Act>,
    pub(super) changes_left_out: u64,
    pub(super) credentials: BTreeMap<String, Use>,
    pub(super) commands: BTreeMap<SessionId, String>,
    pub(super) sessions: BTreeSet<SessionId>,
    pub(super) records: u64,
    pub(super) unreadable: Vec<String>,
}

impl Sample {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            session: record.session.clone(),
            seq: record.seq,
            time: record.time,
            kind: topic::kind(record).to_owned(),
            decision: record.decision,
            rule: record.rule.clone(),
            subject: record.subject.clone(),
            reason: record.reason.clone(),
            policy: record.policy.clone(),
            hash: record.hash,
        }
    }
}

/// Walk over the records of a period.
pub(super) fn gather(
    dir: &std::path::Path,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Gathered, JournalError> {
    let filter = Filter { since, until, ..Filter::default() };
    let mut query = Query::new(dir, filter)?;
    let mut all = Gathered::default();
    while let Some(record) = query.next_record()? {
        all.take(&record);
    }
    let unreadable = query.unreadable().iter().take(MOST_LISTED);
    all.unreadable = unreadable.map(|it| format!("{}:{}", it.path.display(), it.line)).collect();
    for tally in all.tallies.values_mut() {
        tally.close();
    }
    for policy in all.policies.values_mut() {
        policy.sessions = count(policy.seen.len());
    }
    Ok(all)
}

impl Gathered {
    fn take(&mut self, record: &Record) {
        self.records = self.records.saturating_add(1);
        self.sessions.insert(record.session.clone());
        let topics = Topic::of(record);
        for topic in &topics {
            self.tallies.entry(*topic).or_default().take(record);
        }
        if let Some(what) = topic::exception(record) {
            let found = self.exceptions.entry(what).or_insert_with(|| Exception {
                what,
                topics: Vec::new(),
                acts: 0,
                records: Vec::new(),
            });
            found.acts = found.acts.saturating_add(topic::acts(record));
            for topic in &topics {
                if !found.topics.contains(topic) {
                    found.topics.push(*topic);
                }
            }
            if found.records.len() < MOST_EXCEPTIONS {
                found.records.push(Sample::of(record));
            }
        }
        self.of_policy(record);
        self.of_people(record, &topics);
        self.of_credential(record);
        if record.kind == "launch" {
            self.commands.insert(record.session.clone(), record.subject.clone());
        }
    }

    fn of_policy(&mut self, record: &Record) {
        let version =
            self.policies.entry(record.policy.to_string()).or_insert_with(|| PolicyVersion {
                digest: record.policy.clone(),
                first: record.time,
                last: record.time,
                records: 0,
                sessions: 0,
                seen: BTreeSet::new(),
            });
        version.records = version.records.saturating_add(1);
        version.first = version.first.min(record.time);
        version.last = version.last.max(record.time);
        version.seen.insert(record.session.clone());
    }

    fn of_people(&mut self, record: &Record, topics: &[Topic]) {
        let principal = record.detail.get("principal").and_then(|who| who.as_str());
        let by_person = principal.is_some()
            || record.kind == "approval"
            || record.kind.starts_with("workspace_") && record.decision == Verdict::Allow;
        let act = || Act { principal: principal.map(str::to_owned), record: Sample::of(record) };
        let into = |list: &mut Vec<Act>, left_out: &mut u64| {
            if list.len() < MOST_LISTED {
                list.push(act());
            } else {
                *left_out = left_out.saturating_add(1);
            }
        };
        if by_person {
            into(&mut self.people, &mut self.people_left_out);
        }
        // Each launch is under some policy; only what differs from that is a change.
        if topics.contains(&Topic::Configuration) && record.kind != "launch" {
            into(&mut self.changes, &mut self.changes_left_out);
        }
    }

    fn of_credential(&mut self, record: &Record) {
        let name = match topic::kind(record) {
            "credential" | "placeholder" => {
                record.detail.get("credential").and_then(|name| name.as_str())
            }
            "ssh_sign" => Some("(ssh keys)"),
            _ => None,
        };
        let Some(name) = name else { return };
        if self.credentials.len() >= MOST_LISTED && !self.credentials.contains_key(name) {
            return;
        }
        let used = self.credentials.entry(name.to_owned()).or_default();
        let acts = topic::acts(record);
        if topic::kind(record) == "placeholder" {
            used.strays = used.strays.saturating_add(acts);
        } else {
            used.uses = used.uses.saturating_add(acts);
        }
        if used.subjects.len() < FIRST_SAMPLES.saturating_mul(5) {
            used.subjects.insert(record.subject.clone());
        }
    }
}

impl Tally {
    fn take(&mut self, record: &Record) {
        let acts = topic::acts(record);
        let add = |count: &mut u64| *count = count.saturating_add(acts);
        self.records = self.records.saturating_add(1);
        add(&mut self.acts);
        let decision = record.decision.as_str();
        add(self.decisions.entry(decision).or_default());
        add(self.kinds.entry(topic::kind(record).to_owned()).or_default());
        self.first = Some(self.first.map_or(record.time, |first| first.min(record.time)));
        self.last = Some(self.last.map_or(record.time, |last| last.max(record.time)));
        self.seen.insert(record.session.clone());
        if let Some(rule) = &record.rule {
            if self.rules.len() < MOST_RULES || self.rules.contains_key(rule) {
                add(self.rules.entry(rule.clone()).or_default());
            } else {
                add(&mut self.other_rules);
            }
        }
        let kept = self.kept.entry(decision).or_default();
        if kept.first.len() < FIRST_SAMPLES {
            kept.first.push(Sample::of(record));
        } else {
            kept.newest = Some(Sample::of(record));
        }
    }

    fn close(&mut self) {
        self.sessions = count(self.seen.len());
        let kept = std::mem::take(&mut self.kept);
        self.samples =
            kept.into_values().flat_map(|kept| kept.first.into_iter().chain(kept.newest)).collect();
    }
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
