//! A report for an auditor: each control of a catalogue, what Palisade enforces for it, the evidence
//! in a journal, exceptions, and what is not evidenced.
//!
//! A report says what the journal says. Whether a control is met is for the auditor to judge, so nothing here
//! ever says so. A journal that does not verify is reported all the same, and says so first.

mod eu_ai_act;
mod framework;
mod gather;
mod html;
mod iso27001;
mod nist;
mod oscal;
mod soc2;
mod topic;

use std::{collections::BTreeMap, path::Path};

use palisade_core::SessionId;
use palisade_journal::{
    Hash, JournalError, Timestamp,
    verify::{self, State},
};
use serde::Serialize;

pub use self::{
    framework::{Control, Framework},
    gather::{Act, Exception, PolicyVersion, Sample, Tally, Use},
    topic::Topic,
};

/// Sessions that are listed one by one.
const MOST_SESSIONS: usize = 2000;

/// What to report on.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The catalogue.
    pub framework: Framework,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// A report.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether the journal verifies, in words. First, wherever the report is shown.
    pub statement: String,
    /// Whether it does.
    pub verifies: bool,
    /// The catalogue.
    pub framework: Framework,
    /// When the report was made.
    pub made: Timestamp,
    /// By which version of Palisade.
    pub version: &'static str,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// What verification found.
    pub journal: Verified,
    /// Records in the period.
    pub records: u64,
    /// Sessions with records in the period.
    pub sessions: Vec<Session>,
    /// Further ones, which are not listed.
    pub sessions_left_out: u64,
    /// Policies that were in force.
    pub policies: Vec<PolicyVersion>,
    /// What people decided and did.
    pub people: Vec<Act>,
    /// Further such acts.
    pub people_left_out: u64,
    /// Changes of configuration.
    pub changes: Vec<Act>,
    /// Further ones.
    pub changes_left_out: u64,
    /// Use of credentials, by name.
    pub credentials: BTreeMap<String, Use>,
    /// What an auditor should look at.
    pub exceptions: Vec<Exception>,
    /// The evidence by topic.
    pub topics: Vec<Evidence>,
    /// The controls.
    pub controls: Vec<Answer>,
    /// Parts of the catalogue that it says nothing of.
    pub outside: &'static str,
}

/// What verification found of the whole journal, whatever the period.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Records that hold together.
    pub records: u64,
    /// Sessions.
    pub sessions: u64,
    /// Entries of the ledger that hold together.
    pub ledger_entries: u64,
    /// Sessions whose end was never entered.
    pub ended_hard: Vec<SessionId>,
    /// Everything that is wrong.
    pub damage: Vec<String>,
    /// Lines that were passed over.
    pub unreadable: Vec<String>,
}

/// A session of the period.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Session {
    /// Its id.
    pub session: SessionId,
    /// The name that its operator gave it.
    pub name: Option<String>,
    /// What was run.
    pub command: Option<String>,
    /// How far its life has come.
    pub state: State,
    /// Records that hold together.
    pub records: u64,
    /// The hash of the last of them, which stands for all.
    pub head: Option<Hash>,
}

/// The evidence of one topic.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The topic.
    pub topic: Topic,
    /// What Palisade enforces.
    pub enforces: &'static str,
    /// What the records say; nothing if there are none in the period.
    pub tally: Option<Tally>,
}

/// One control, and what there is for it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Answer {
    /// Its number.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// What it asks for, in our words.
    pub summary: &'static str,
    /// Topics with evidence in the period.
    pub evidenced: Vec<Topic>,
    /// Topics without any record in the period: nothing happened, or nothing was recorded.
    pub without_records: Vec<Topic>,
    /// Exceptions that concern it.
    pub exceptions: Vec<&'static str>,
    /// What no journal of Palisade's can show.
    pub not_evidenced: &'static str,
}

impl Report {
    /// Report on the journal in `dir`: a state folder, or the journal's own.
    ///
    /// # Errors
    /// The journal cannot be read. One that is damaged can.
    pub fn new(dir: &Path, options: &Options) -> Result<Self, JournalError> {
        let verified = verify::verify(dir, &verify::Options::default())?;
        let all = gather::gather(dir, options.since, options.until)?;
        let verifies = verified.is_whole() && all.unreadable.is_empty();
        let damage: Vec<String> = verified.damages().map(ToString::to_string).collect();
        let hard = verified.sessions.iter().filter(|it| it.state == State::EndedHard);
        let journal = Verified {
            records: verified.records(),
            sessions: gather::count(verified.sessions.len()),
            ledger_entries: verified.ledger_entries,
            ended_hard: hard.map(|it| it.session.clone()).collect(),
            damage,
            unreadable: all.unreadable,
        };
        let mut listed: Vec<Session> = verified
            .sessions
            .into_iter()
            .filter(|it| all.sessions.contains(&it.session))
            .map(|it| Session {
                command: all.commands.get(&it.session).cloned(),
                session: it.session,
                name: it.name,
                state: it.state,
                records: it.records,
                head: it.head,
            })
            .collect();
        let sessions_left_out = listed.len().saturating_sub(MOST_SESSIONS);
        listed.truncate(MOST_SESSIONS);
        let exceptions: Vec<Exception> = all.exceptions.into_values().collect();
        let topics = all.tallies;
        let controls = options.framework.controls().iter();
        let controls = controls.map(|it| Answer::of(it, &topics, &exceptions)).collect();
        let mut policies: Vec<_> = all.policies.into_values().collect();
        policies.sort_by_key(|policy| policy.first);
        let mut topics = topics;
        let evidence = Topic::ALL.into_iter().map(|topic| Evidence {
            topic,
            enforces: topic.enforces(),
            tally: topics.remove(&topic),
        });
        Ok(Self {
            statement: statement(verifies, &journal),
            verifies,
            framework: options.framework,
            made: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION"),
            since: options.since,
            until: options.until,
            journal,
            records: all.records,
            sessions: listed,
            sessions_left_out: gather::count(sessions_left_out),
            policies,
            people: all.people,
            people_left_out: all.people_left_out,
            changes: all.changes,
            changes_left_out: all.changes_left_out,
            credentials: all.credentials,
            exceptions,
            topics: evidence.collect(),
            controls,
            outside: options.framework.outside(),
        })
    }

    /// As JSON. Its first member is the statement on verification.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// As one page of HTML that needs nothing else.
    pub fn to_html(&self) -> String {
        html::page(self).into_string()
    }

    /// As assessment results of OSCAL 1.1.
    pub fn to_oscal(&self) -> String {
        serde_json::to_string_pretty(&oscal::results(self)).unwrap_or_default()
    }
}

impl Answer {
    fn of(control: &Control, all: &BTreeMap<Topic, Tally>, exceptions: &[Exception]) -> Self {
        let (evidenced, without_records) =
            control.topics.iter().partition(|topic| all.contains_key(topic));
        let concerns = |it: &&Exception| it.topics.iter().any(|one| control.topics.contains(one));
        Self {
            id: control.id,
            title: control.title,
            summary: control.summary,
            evidenced,
            without_records,
            exceptions: exceptions.iter().filter(concerns).map(|it| it.what).collect(),
            not_evidenced: control.not_evidenced,
        }
    }
}

fn statement(verifies: bool, journal: &Verified) -> String {
    let bad = journal.damage.first().or(journal.unreadable.first());
    match bad {
        None if verifies => format!(
            "The journal verifies: {} records of {} sessions hold together, with {} entries of the ledger.",
            journal.records, journal.sessions, journal.ledger_entries
        ),
        bad => format!(
            "THE JOURNAL DOES NOT VERIFY. Nothing below can be relied on. The first thing wrong: {}",
            bad.map_or("it could not be told", String::as_str)
        ),
    }
}
