use serde_json::Value;

use crate::body::{Budget, Share};

/// What a connection remembers: its last answer, and all that was said until then.
pub(crate) struct Memory {
    last: Option<Turn>,
    share: Share,
    most: usize,
}

struct Turn {
    id: String,
    said: Said,
}

/// A conversation as it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The answer that it goes on with, which the provider has stored.
    pub(crate) before: Option<String>,
    /// What was said since, in JSON, with commas between.
    pub(crate) items: String,
    /// Whether the provider stores the answer to this, so that nothing of it need be remembered here.
    pub(crate) stored: bool,
}

impl Said {
    /// Adds items of JSON.
    pub(crate) fn push(&mut self, items: &str) {
        if !self.items.is_empty() && !items.is_empty() {
            self.items.push(',');
        }
        self.items.push_str(items);
    }
}

impl Memory {
    /// What is remembered counts in this budget, and is no larger than `most` bytes.
    pub(crate) fn new(budget: &Budget, most: usize) -> Self {
        Self { last: None, share: Share::of(budget), most }
    }

    /// All that was said until the answer of this id, if that is the last one.
    pub(crate) fn until(&self, id: &str) -> Option<&Said> {
        let last = self.last.as_ref().filter(|last| last.id == id)?;
        (!last.said.stored).then_some(&last.said)
    }

    /// Remembers an answer of this id.
    pub(crate) fn keep(&mut self, id: String, mut said: Said, answer: &[Value]) {
        self.forget();
        if said.stored {
            said.items = String::new();
        } else {
            for item in answer {
                if let Some(item) = repeated(item) {
                    said.push(&item);
                }
            }
        }
        // Whoever goes on with what is too large to be remembered is told that it is not known.
        if said.items.len() <= self.most && self.share.hold(said.items.len()) {
            self.last = Some(Turn { id, said });
        }
    }

    pub(crate) fn forget(&mut self) {
        self.last = None;
        self.share.hold(0);
    }
}

/// An item of an answer as a later request says it again. The ids are those of things that are not stored, and thoughts are
/// only understood where they come along encrypted.
fn repeated(item: &Value) -> Option<String> {
    let mut fields = item.as_object()?.clone();
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind == "reasoning" && !fields.get("encrypted_content").is_some_and(Value::is_string) {
        return None;
    }
    if matches!(kind.as_str(), "message" | "reasoning" | "function_call" | "custom_tool_call") {
        fields.shift_remove("id");
    }
    if kind == "reasoning" {
        fields.shift_remove("status");
    }
    Some(Value::Object(fields).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(items: &str, stored: bool) -> Said {
        Said { before: None, items: items.into(), stored }
    }

    #[test]
    fn only_the_last_answer_is_known_and_only_if_it_is_not_stored() {
        let budget = Budget::new(1 << 20);
        let mut memory = Memory::new(&budget, 1000);
        memory.keep("a".into(), said("1", false), &[json!({"type": "message", "id": "m"})]);
        assert_eq!(memory.until("a").unwrap().items, r#"1,{"type":"message"}"#);
        assert_eq!(memory.until("b"), None);
        memory.keep("b".into(), said("2", true), &[]);
        assert_eq!((memory.until("a"), memory.until("b")), (None, None));
        memory.keep("c".into(), said(&"3".repeat(1001), false), &[]);
        assert_eq!(memory.until("c"), None);
    }

    #[test]
    fn what_is_remembered_counts() {
        let budget = Budget::new(8 << 10);
        let (mut one, mut other) = (Memory::new(&budget, 1 << 20), Memory::new(&budget, 1 << 20));
        one.keep("a".into(), said(&"1".repeat(6 << 10), false), &[]);
        other.keep("b".into(), said(&"1".repeat(6 << 10), false), &[]);
        assert!(one.until("a").is_some() && other.until("b").is_none());
        one.forget();
        other.keep("b".into(), said(&"1".repeat(6 << 10), false), &[]);
        assert!(other.until("b").is_some());
    }

    #[test]
    fn thoughts_are_said_again_only_where_they_are_encrypted() {
        assert_eq!(repeated(&json!({"type": "reasoning", "id": "r", "summary": []})), None);
        let kept = json!({"type": "reasoning", "id": "r", "encrypted_content": "x", "status": "completed"});
        assert_eq!(repeated(&kept).unwrap(), r#"{"type":"reasoning","encrypted_content":"x"}"#);
        let call = json!({"type": "function_call", "id": "fc", "call_id": "c", "name": "Bash"});
        assert_eq!(
            repeated(&call).unwrap(),
            r#"{"type":"function_call","call_id":"c","name":"Bash"}"#
        );
    }
}
