use std::path::{Path, PathBuf};

use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_journal::{Durability, Journal, journal_dir};

pub(crate) const SESSION: &str = "0a1b";

pub(crate) fn event(kind: &str, layer: Layer, decision: Verdict, subject: &str) -> Event {
    Event { decision, ..Event::observed(kind, layer, subject) }
}

/// A session with something of most topics.
pub(crate) fn session(state: &Path, id: &str) {
    let id: SessionId = id.parse().unwrap();
    let policy = PolicyDigest::of(b"one policy");
    let journal = Journal::open(state, &id, Some("fix"), &policy).unwrap();
    let mut ruled = event("connect", Layer::Egress, Verdict::Allow, "api.github.com:443");
    ruled.rule = Some("network.rules[github]".into());
    let events = [
        event("launch", Layer::Process, Verdict::Allow, "claude -p <b>fix</b>"),
        ruled,
        event("connect", Layer::Egress, Verdict::Deny, "evil.example:443"),
        event("resolve", Layer::Network, Verdict::Deny, "evil\u{202e}\u{1b}[2J.example"),
        event("approval", Layer::Supervisor, Verdict::Allow, "npmjs.org:443")
            .with("principal", "uid 1000")
            .with("scope", "session"),
        event("credential", Layer::Egress, Verdict::Observe, "GET api.github.com/user")
            .with("credential", "github")
            .with("put", "header"),
        event("folded", Layer::Egress, Verdict::Deny, "evil.example:443")
            .with("kind", "connect")
            .with("count", 1000),
        event("degraded", Layer::Files, Verdict::Observe, "landlock"),
        event("access", Layer::Files, Verdict::Deny, "/home/u/.ssh"),
        event("model_call", Layer::Inference, Verdict::Allow, "anthropic/messages claude"),
    ];
    for event in events {
        journal.record_blocking(event, Durability::Written).unwrap();
    }
    let next = PolicyDigest::of(b"another policy");
    let change = event("policy", Layer::Supervisor, Verdict::Allow, "next.yaml")
        .with("principal", "uid 1000")
        .with("from", policy.as_str())
        .with("to", next.as_str());
    journal.record_blocking(change, Durability::Written).unwrap();
    journal.set_policy(next);
    let last = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(last, Durability::Written).unwrap();
}

pub(crate) fn file(state: &Path, session: &str) -> PathBuf {
    journal_dir(state).join(session).join("000001.jsonl")
}

/// Change one word of one record, as somebody would who hides something.
pub(crate) fn edit(state: &Path, session: &str) {
    let path = file(state, session);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("evil.example", "good.example", 1)).unwrap();
}
