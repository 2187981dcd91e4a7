use std::path::{Path, PathBuf};

use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_journal::{Durability, Journal};

/// A state folder with a journal.
pub(crate) struct State {
    folder: tempfile::TempDir,
}

impl State {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A session with these events.
    pub(crate) fn session(&self, number: u8, name: Option<&str>, events: Vec<Event>) -> SessionId {
        let id = SessionId::from_random([number; 16]);
        self.more(&id, name, events);
        id
    }

    /// Further events of a session.
    pub(crate) fn more(&self, id: &SessionId, name: Option<&str>, events: Vec<Event>) {
        let policy = PolicyDigest::of(b"a policy");
        let journal = Journal::open(self.path(), id, name, &policy).unwrap();
        for event in events {
            journal.record_blocking(event, Durability::Written).unwrap();
        }
        let end = Event::observed("end", Layer::Process, "exit 0");
        journal.close_blocking(end, Durability::Written).unwrap();
    }

    pub(crate) fn segment(&self, id: &SessionId) -> PathBuf {
        self.path().join("journal").join(id.as_str()).join("000001.jsonl")
    }
}

pub(crate) fn event(kind: &str, layer: Layer, decision: Verdict, subject: &str) -> Event {
    let mut event = Event::observed(kind, layer, subject);
    event.decision = decision;
    event
}

pub(crate) fn allowed(kind: &str, layer: Layer, subject: &str) -> Event {
    event(kind, layer, Verdict::Allow, subject)
}

/// Texts that would show something false where they are not told from the form around them.
pub(crate) const HOSTILE: [&str; 12] = [
    "a\n{\"v\":1,\"kind\":\"launch\",\"decision\":\"allow\"}",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "\r2026-08-01T00:00:00.000000Z  s-0  1  allow",
    "\u{202e}txt.exe\u{200b}\u{e0041}\u{9b}31m",
    "=HYPERLINK(\"http://evil.example\";\"ok\")",
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "</td></tr></table><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "<svg/onload=alert(1)>&lt;",
    "a\",\"b\r\n\"forged\",\"line\"",
    "\u{fffd}\0\u{7f}",
];
