use palisade_core::Verdict;
use palisade_journal::Record;
use serde_json::Value;

/// What of an event ties it to others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) seq: u64,
    pub(super) kind: String,
    pub(super) decision: Verdict,
    pub(super) rule: Option<String>,
    pub(super) subject: String,
    pub(super) exchange: Option<u64>,
    pub(super) connection: Option<u64>,
    pub(super) call: Option<String>,
    /// Whether the call was found by the text of its command.
    pub(super) by_text: bool,
    pub(super) process: Option<String>,
    pub(super) parents: Vec<String>,
    pub(super) host: Option<String>,
}

impl Node {
    pub(super) fn of(record: &Record) -> Self {
        let detail = &record.detail;
        let text = |key: &str| detail.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| detail.get(key).and_then(Value::as_u64);
        let list = detail.get("parents").and_then(Value::as_array);
        Self {
            seq: record.seq,
            kind: record.kind.clone(),
            decision: record.decision,
            rule: record.rule.clone(),
            subject: record.subject.clone(),
            exchange: number("exchange"),
            connection: number("connection"),
            call: text("call"),
            by_text: text("call_by").as_deref() == Some("text"),
            process: text("process"),
            parents: list
                .into_iter()
                .flatten()
                .filter_map(|parent| parent.as_str().map(str::to_owned))
                .collect(),
            host: text("host"),
        }
    }

    /// Whether it may be what another event comes of.
    pub(super) fn may_be_cause(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "launch"
                | "model_call"
                | "tool_call"
                | "exec"
                | "connect"
                | "request"
                | "resolve"
                | "approval"
                | "policy"
                | "tool_result"
        )
    }
}
