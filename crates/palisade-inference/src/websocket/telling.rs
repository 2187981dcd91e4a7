use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    inspect::set,
    reading::MOST_EVENT,
    sse::{Event, Reader, SseError},
};

/// What a client hears while nothing is to be told. Providers say that too.
pub(crate) const KEEPALIVE: &str = r#"{"type":"keepalive"}"#;

/// Messages of the events of an answer, and what of the answer is remembered.
pub(crate) struct Telling {
    reader: Reader,
    items: Vec<Value>,
    /// How many bytes the items are.
    held: usize,
    most: usize,
    end: Option<Ending>,
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an answer of this id.
    Answered(String),
    Failed,
}

/// As far as it is read here. Each event has been read strictly before.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    item: Option<Value>,
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    output: Option<Vec<Value>>,
}

impl Telling {
    /// Items of more than `most` bytes are not remembered.
    pub(crate) fn new(most: usize) -> Self {
        Self { reader: Reader::new(MOST_EVENT), items: Vec::new(), held: 0, most, end: None }
    }

    pub(crate) fn push(&mut self, bytes: &Bytes) {
        self.reader.push(bytes);
    }

    /// The next message that is whole.
    pub(crate) fn next(&mut self) -> Result<Option<String>, SseError> {
        while let Some(event) = self.reader.next()? {
            if let Some(message) = self.event(event) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// What is left once all has come.
    pub(crate) fn rest(&mut self) -> Result<Option<String>, SseError> {
        Ok(self.reader.finish()?.and_then(|event| self.event(event)))
    }

    /// A response that came at once, as events.
    pub(crate) fn whole(&mut self, body: &Value) -> Vec<String> {
        let items = body.get("output").and_then(Value::as_array);
        let mut events: Vec<Value> = vec![json!({"type": "response.created", "response": body})];
        events.extend(items.into_iter().flatten().enumerate().map(|(index, item)| {
            json!({"type": "response.output_item.done", "output_index": index, "item": item})
        }));
        let kind = match body.get("status").and_then(Value::as_str) {
            Some("incomplete") => "response.incomplete",
            Some("failed" | "cancelled") => "response.failed",
            _ => "response.completed",
        };
        events.push(json!({"type": kind, "response": body}));
        let mut out = Vec::with_capacity(events.len());
        for (number, mut event) in events.into_iter().enumerate() {
            set(&mut event, "sequence_number", number);
            let told = event.to_string();
            self.remember(&told);
            out.push(told);
        }
        out
    }

    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// How it ended, and the items of the answer. None: it did not.
    pub(crate) fn ended(self) -> Option<(Ending, Vec<Value>)> {
        Some((self.end?, self.items))
    }

    fn event(&mut self, event: Event) -> Option<String> {
        let Some(data) = event.data else {
            let comment = event.raw.starts_with(b":");
            return comment.then(|| KEEPALIVE.to_owned());
        };
        if data.is_empty() || data == "[DONE]" {
            return None;
        }
        self.remember(&data);
        Some(data)
    }

    fn remember(&mut self, data: &str) {
        let Ok(Told { r#type, item, response }) = serde_json::from_str::<Told<'_>>(data) else {
            return;
        };
        match &*r#type {
            "response.output_item.done" => {
                self.held = self.held.saturating_add(data.len());
                if self.held <= self.most {
                    self.items.extend(item);
                }
            }
            "response.completed" | "response.incomplete" => {
                let Some(Response { id, output }) = response else { return };
                if self.items.is_empty() && self.held == 0 {
                    self.held = data.len();
                    self.items = output.unwrap_or_default();
                }
                // What is not remembered whole is not remembered.
                let id = id.filter(|_| self.held <= self.most);
                self.end = Some(id.map_or(Ending::Failed, Ending::Answered));
            }
            "response.failed" | "error" => self.end = Some(Ending::Failed),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n: held\n\ndata: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"message\"}}\n\ndata: {\"type\":\"response.completed\",\ndata: \"response\":{\"id\":\"r\",\"output\":[1]}}\n\ndata: [DONE]\n\n";

    fn told(stream: &str, piece: usize) -> (Vec<String>, Option<(Ending, Vec<Value>)>) {
        let (mut telling, mut all) = (Telling::new(1 << 20), Vec::new());
        for piece in stream.as_bytes().chunks(piece.max(1)) {
            telling.push(&Bytes::copy_from_slice(piece));
            while let Some(message) = telling.next().unwrap() {
                all.push(message);
            }
        }
        all.extend(telling.rest().unwrap());
        (all, telling.ended())
    }

    #[test]
    fn each_event_is_a_message() {
        let (all, ended) = told(STREAM, 1 << 20);
        assert_eq!(all.len(), 4);
        assert_eq!(all[1], KEEPALIVE);
        let last: Value = serde_json::from_str(&all[3]).unwrap();
        assert_eq!(last["response"]["id"], "r");
        assert_eq!(ended, Some((Ending::Answered("r".into()), vec![json!({"type": "message"})])));
        assert_eq!(told("data: {\"type\":\"response.created\"}\n\n", 9).1, None);
        let failed =
            told("data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\"}}\n\n", 9);
        assert_eq!(failed.1, Some((Ending::Failed, vec![])));
    }

    #[test]
    fn a_response_that_comes_at_once_is_told_in_events() {
        let body = json!({"id": "r", "status": "completed", "output": [{"type": "message"}]});
        let mut telling = Telling::new(1 << 20);
        let all = telling.whole(&body);
        let kinds: Vec<Value> = all
            .iter()
            .map(|one| serde_json::from_str::<Value>(one).unwrap()["type"].clone())
            .collect();
        assert_eq!(kinds, ["response.created", "response.output_item.done", "response.completed"]);
        let ended = Some((Ending::Answered("r".into()), vec![json!({"type": "message"})]));
        assert_eq!(telling.ended(), ended);
    }

    #[test]
    fn what_is_too_large_to_be_remembered_is_forgotten_whole() {
        let mut telling = Telling::new(50);
        telling.push(&Bytes::from_static(STREAM.as_bytes()));
        while telling.next().unwrap().is_some() {}
        assert_eq!(telling.ended(), Some((Ending::Failed, vec![])));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(piece in 1_usize..120) {
            prop_assert_eq!(told(STREAM, piece), told(STREAM, 1 << 20));
        }
    }
}
