//! OSCAL 1.1, assessment results: observations for what the journal shows, findings for what it does not.
//!
//! There is never a finding that a control is satisfied: that is for an assessor to say.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{Answer, Evidence, Report, Sample};

/// The version of the model that is written.
const VERSION: &str = "1.1.3";
/// For properties that are ours.
const NAMESPACE: &str = "https://palisade.invalid/ns/oscal";

pub(super) fn results(report: &Report) -> Value {
    let id = |name: &str| uuid(report, name);
    let made = report.made.to_string();
    let start = report.since.or_else(|| first(report)).unwrap_or(report.made).to_string();
    let end = report.until.unwrap_or(report.made).to_string();
    let title = format!("Evidence of Palisade for {}", report.framework.title());
    let title = if report.verifies { title } else { format!("{} {title}", report.statement) };
    let observations: Vec<Value> =
        report.topics.iter().filter_map(|topic| observation(report, topic)).collect();
    let findings: Vec<Value> =
        report.controls.iter().filter_map(|control| finding(report, control)).collect();
    let controls: Vec<Value> =
        report.controls.iter().map(|control| json!({"control-id": control.id})).collect();
    let mut result = json!({
        "uuid": id("result"),
        "title": title,
        "description": report.statement,
        "start": start,
        "end": end,
        "props": [
            {"name": "journal-verifies", "ns": NAMESPACE, "value": report.verifies.to_string()},
            {"name": "records", "ns": NAMESPACE, "value": report.records.to_string()},
        ],
        "reviewed-controls": {
            "description": report.outside,
            "control-selections": [{"include-controls": controls}],
        },
    });
    put(&mut result, "observations", observations);
    put(&mut result, "findings", findings);
    json!({"assessment-results": {
        "uuid": id("results"),
        "metadata": {
            "title": title,
            "last-modified": made,
            "version": report.version,
            "oscal-version": VERSION,
        },
        "import-ap": {
            "href": format!("#{}", id("plan")),
            "remarks": "There is no assessment plan: a machine wrote this from a journal.",
        },
        "results": [result],
        "back-matter": {"resources": [
            {
                "uuid": id("plan"),
                "title": "No assessment plan",
                "description": "The records of a period are counted by topic and joined to controls by a table of Palisade's.",
            },
            {
                "uuid": id("journal"),
                "title": "The journal",
                "description": format!(
                    "{} Sessions are named with the hash of their last record.", report.statement
                ),
                "props": heads(report),
            },
        ]},
    }})
}

fn heads(report: &Report) -> Vec<Value> {
    let known = report.sessions.iter().filter_map(|it| Some((it, it.head?)));
    let heads = known.map(|(it, head)| {
        json!({
            "name": "session-head", "ns": NAMESPACE, "class": token(it.session.as_str()), "value": head.to_string(),
        })
    });
    let made = json!({
        "name": "made", "ns": NAMESPACE, "value": report.made.to_string(),
    });
    std::iter::once(made).chain(heads).collect()
}

/// A session's id as a token of the model, which begins with a letter or `_`.
fn token(session: &str) -> String {
    match session.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => session.to_owned(),
        false => format!("_{session}"),
    }
}

/// What the records of a topic show.
fn observation(report: &Report, evidence: &Evidence) -> Option<Value> {
    let tally = evidence.tally.as_ref()?;
    let mut props = vec![
        json!({"name": "topic", "ns": NAMESPACE, "value": evidence.topic}),
        json!({"name": "acts", "ns": NAMESPACE, "value": tally.acts.to_string()}),
    ];
    props.extend(tally.decisions.iter().map(|(decision, count)| {
        json!({
            "name": format!("acts-{decision}"), "ns": NAMESPACE, "value": count.to_string(),
        })
    }));
    let samples: Vec<Value> = tally.samples.iter().map(|it| relevant(report, it)).collect();
    let mut observation = json!({
        "uuid": uuid(report, evidence.topic.title()),
        "title": evidence.topic.title(),
        "description": format!(
            "{} {} acts in {} sessions were recorded.", evidence.enforces, tally.acts, tally.sessions
        ),
        "props": props,
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        "collected": tally.last.unwrap_or(report.made).to_string(),
    });
    put(&mut observation, "relevant-evidence", samples);
    Some(observation)
}

fn relevant(report: &Report, sample: &Sample) -> Value {
    json!({
        "href": format!("#{}", uuid(report, "journal")),
        "description": format!(
            "{} {} {}: {}", sample.time, sample.kind, sample.decision.as_str(),
            palisade_journal::escaped(&sample.subject)
        ),
        "props": [
            {"name": "session", "ns": NAMESPACE, "value": sample.session},
            {"name": "record", "ns": NAMESPACE, "value": sample.seq.to_string()},
            {"name": "record-hash", "ns": NAMESPACE, "value": sample.hash.to_string()},
            {"name": "proved", "ns": NAMESPACE, "value": sample.proved.to_string()},
            {"name": "policy", "ns": NAMESPACE, "value": sample.policy.as_str()},
        ],
    })
}

/// Why a control is not shown to be met: exceptions, no records, or a journal that does not verify.
fn finding(report: &Report, control: &Answer) -> Option<Value> {
    let mut why: Vec<String> = Vec::new();
    if !report.verifies {
        why.push("The journal does not verify.".into());
    }
    why.extend(control.exceptions.iter().map(|what| format!("Exception: {what}.")));
    if control.evidenced.is_empty() {
        why.push("There is no record for it in the period.".into());
    }
    if why.is_empty() {
        return None;
    }
    let related: Vec<Value> = control
        .evidenced
        .iter()
        .map(|topic| json!({"observation-uuid": uuid(report, topic.title())}))
        .collect();
    let mut finding = json!({
        "uuid": uuid(report, &format!("finding {}", control.id)),
        "title": control.title,
        "description": why.join(" "),
        "target": {
            "type": "objective-id",
            "target-id": control.id,
            "status": {
                "state": "not-satisfied",
                "reason": "other",
                "remarks": "Something to look at, not a judgement.",
            },
        },
        "remarks": format!("Not evidenced by any journal: {}", control.not_evidenced),
    });
    put(&mut finding, "related-observations", related);
    Some(finding)
}

/// Add a list, if there is anything in it: the model has no empty ones.
fn put(object: &mut Value, name: &str, list: Vec<Value>) {
    if let Some(members) = object.as_object_mut().filter(|_| !list.is_empty()) {
        members.insert(name.to_owned(), list.into());
    }
}

fn first(report: &Report) -> Option<palisade_journal::Timestamp> {
    report.topics.iter().filter_map(|it| it.tally.as_ref()?.first).min()
}

/// A name's id in this report: always the same, and another in another report. In the form of
/// version 5 (RFC 9562), by SHA-256.
fn uuid(report: &Report, name: &str) -> String {
    let made = report.made.to_string();
    let parts = [report.framework.as_str(), made.as_str(), report.statement.as_str(), name];
    let hash = sha2_hex(&parts);
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!("{}-{}-5{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn sha2_hex(parts: &[&str]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    HEXLOWER.encode(&hash.finalize())
}
