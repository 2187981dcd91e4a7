use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value, json};

use crate::{
    Pins, digest,
    message::{self, Id, Message, shown},
    methods::{self, Kind},
};

/// Requests of one side that wait for an answer.
const MOST_WAITING: usize = 1024;
/// JSON-RPC 2.0, section 5.1.
const INVALID: i64 = -32600;
const UNKNOWN_METHOD: i64 = -32601;
/// Of those that are left to servers.
const REFUSED: i64 = -32001;

/// Whoever decides.
pub trait Decide {
    /// Whether this call may be made. The name is that of permission rules: `mcp__SERVER__TOOL`.
    fn decide(&self, name: &str, input: &Map<String, Value>) -> Said;
}

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// It passes as it is.
    Allow,
    /// It passes with this input in place of its own.
    AllowWith(Map<String, Value>),
    /// It does not, and why, in words for whoever asked.
    Deny(String),
}

/// What becomes of a message. Each is without the line's end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// For the other side.
    pub on: Option<Vec<u8>>,
    /// For the side that it came from.
    pub back: Option<Vec<u8>>,
    /// What happened, for a person.
    pub note: Option<String>,
}

/// What stands between a client and a server.
#[derive(Debug)]
pub struct Between<D> {
    server: String,
    pins: Option<Pins>,
    decide: D,
    /// What each side waits for, by the request's id.
    client_waits: Mutex<HashMap<Id, Waits>>,
    server_waits: Mutex<HashMap<Id, Waits>>,
    /// Tools that the server has under the name of a pinned one, and says something else of.
    changed: Mutex<HashSet<String>>,
}

/// What an answer is looked into for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// It passes.
    Any,
    /// What the server says of itself.
    Greets,
    /// The server's tools.
    Tools,
}

impl Step {
    /// Some readers end a line at other characters than a line feed, and would find a message in a message.
    /// Between the parts of a message a carriage return is a space, and the others stand in texts alone.
    fn in_one_line(self) -> Self {
        let one = |line: Option<Vec<u8>>| {
            let line = line?;
            let odd = |at: &[u8]| matches!(at, [0xc2, 0x85, _] | [0xe2, 0x80, 0xa8 | 0xa9]);
            if !line.contains(&b'\r') && !line.windows(3).any(odd) {
                return Some(line);
            }
            let text = String::from_utf8(line).ok()?;
            let text = text.replace('\r', " ").replace('\u{85}', "\\u0085");
            Some(text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").into_bytes())
        };
        Self { on: one(self.on), back: one(self.back), note: self.note }
    }
}

impl<D: Decide> Between<D> {
    /// For a server of this name, with these pins; without any each tool is shown as it is.
    pub fn new(server: impl Into<String>, pins: Option<Pins>, decide: D) -> Self {
        let (client_waits, server_waits, changed) = Default::default();
        Self { server: server.into(), pins, decide, client_waits, server_waits, changed }
    }

    /// A message of the client's.
    pub fn of_client(&self, line: &[u8]) -> Step {
        self.client_said(line).in_one_line()
    }

    /// A message of the server's.
    pub fn of_server(&self, line: &[u8]) -> Step {
        self.server_said(line).in_one_line()
    }

    fn client_said(&self, line: &[u8]) -> Step {
        let message = match message::read(line) {
            Ok(message) => message,
            Err(why) => {
                let waits = |id: &Id| {
                    self.client_waits
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .contains_key(id)
                };
                // Of another that waits under the same id this is not the answer.
                let id = message::may_ask(line).filter(|id| !waits(id));
                return unread(id.as_ref(), &why);
            }
        };
        match message {
            Message::Notification { method } => self.told("client", &method, line),
            Message::Response { id, .. } => self.answered(&self.server_waits, id, line),
            Message::Request { id, method, params } => {
                let Some(kind) = methods::of_client(&method) else {
                    return unknown(&id, &method);
                };
                match kind {
                    Kind::Passes => self.asked(&self.client_waits, id, Waits::Any, line.to_vec()),
                    Kind::Greets => {
                        self.asked(&self.client_waits, id, Waits::Greets, line.to_vec())
                    }
                    Kind::ListsTools => {
                        self.asked(&self.client_waits, id, Waits::Tools, line.to_vec())
                    }
                    Kind::DecidedAs(name) => {
                        match self.decide.decide(&self.rule_name(name), &params) {
                            Said::Allow => {
                                self.asked(&self.client_waits, id, Waits::Any, line.to_vec())
                            }
                            Said::AllowWith(params) => {
                                let changed = message::request(&id, &method, &params);
                                self.asked(&self.client_waits, id, Waits::Any, changed)
                            }
                            Said::Deny(why) => refused(&id, &why),
                        }
                    }
                    Kind::Calls => self.call(id, &method, params, line),
                }
            }
        }
    }

    fn server_said(&self, line: &[u8]) -> Step {
        let message = match message::read(line) {
            Ok(message) => message,
            Err(why) => {
                let note = format!("a message of the server's was dropped: {why}");
                return Step { on: self.unreadable(line, &why), note: Some(note), back: None };
            }
        };
        match message {
            Message::Notification { method } => self.told("server", &method, line),
            Message::Response { id, result } => {
                let waits = id.as_ref().and_then(|id| taken(&self.client_waits, id));
                match (waits, id, result) {
                    (Some(Waits::Tools), Some(id), Some(result)) => self.tools(&id, result),
                    (Some(Waits::Greets), Some(id), Some(result)) => {
                        self.greeting(&id, result, line)
                    }
                    (Some(_), ..) => Step { on: Some(line.to_vec()), ..Step::default() },
                    (None, ..) => Step {
                        note: Some(
                            "an answer of the server's that nothing waits for was dropped".into(),
                        ),
                        ..Step::default()
                    },
                }
            }
            Message::Request { id, method, params } => match methods::of_server(&method) {
                Some(Kind::Passes) => self.asked(&self.server_waits, id, Waits::Any, line.to_vec()),
                Some(Kind::DecidedAs(name)) => {
                    match self.decide.decide(&self.rule_name(name), &params) {
                        Said::Allow => {
                            self.asked(&self.server_waits, id, Waits::Any, line.to_vec())
                        }
                        Said::AllowWith(params) => {
                            let changed = message::request(&id, &method, &params);
                            self.asked(&self.server_waits, id, Waits::Any, changed)
                        }
                        Said::Deny(why) => refused(&id, &why),
                    }
                }
                Some(Kind::ListsTools | Kind::Greets | Kind::Calls) | None => unknown(&id, &method),
            },
        }
    }

    /// What a client is told that waits for what cannot be read, where it can be told whose answer that was: a line
    /// for each of them. It would wait for ever.
    fn unreadable(&self, line: &[u8], why: &str) -> Option<Vec<u8>> {
        let told = |id: Id| {
            taken(&self.client_waits, &id)?;
            let text = format!("Refused by Palisade: the server's answer cannot be read: {why}");
            Some(message::error(Some(&id), REFUSED, &text))
        };
        let all: Vec<Vec<u8>> = message::may_answer(line).into_iter().filter_map(told).collect();
        (!all.is_empty()).then(|| all.join(&b'\n'))
    }

    fn rule_name(&self, tool: &str) -> String {
        format!("mcp__{}__{tool}", self.server)
    }

    fn call(&self, id: Id, method: &str, mut params: Map<String, Value>, line: &[u8]) -> Step {
        let Some(name) = params.get("name").and_then(Value::as_str).map(str::to_owned) else {
            return refused(&id, "the call names no tool");
        };
        let input = match params.get("arguments") {
            None => Map::new(),
            Some(Value::Object(input)) => input.clone(),
            Some(_) => return refused(&id, "the call's arguments have no names"),
        };
        let said = match &self.pins {
            Some(pins) if !pins.names(&name) || self.has_changed(&name) => Said::Deny(format!(
                "the tool `{}` of {} was not seen by the operator, or is not what was seen; to accept it: \
                 `palisade mcp --pin --name {} -- …`",
                shown(&name),
                self.server,
                self.server
            )),
            _ => self.decide.decide(&self.rule_name(&name), &input),
        };
        match said {
            Said::Allow => self.asked(&self.client_waits, id, Waits::Any, line.to_vec()),
            Said::AllowWith(input) => {
                params.insert("arguments".into(), Value::Object(input));
                let changed = message::request(&id, method, &params);
                self.asked(&self.client_waits, id, Waits::Any, changed)
            }
            Said::Deny(why) => {
                // What a model is told of a call that failed, so that it can go on.
                let text = format!("Refused by Palisade: {why}");
                let result = json!({"content": [{"type": "text", "text": text}], "isError": true});
                let note = format!("{} was refused: {why}", shown(&self.rule_name(&name)));
                Step { back: Some(message::answer(&id, &result)), note: Some(note), on: None }
            }
        }
    }

    /// A server's instructions are text that a model obeys, like what a tool says of itself.
    fn greeting(&self, id: &Id, mut result: Value, line: &[u8]) -> Step {
        let as_it_is = || Step { on: Some(line.to_vec()), ..Step::default() };
        let (Some(pins), Some(said)) = (&self.pins, result.get("instructions")) else {
            return as_it_is();
        };
        if pins.instructions.as_ref() == Some(&digest(said)) {
            return as_it_is();
        }
        if let Some(result) = result.as_object_mut() {
            result.remove("instructions");
        }
        let note = format!(
            "the server's instructions are not shown, since nobody accepted them as they are; to see and accept \
             them: `palisade mcp --pin --name {} -- …`",
            self.server
        );
        Step { on: Some(message::answer(id, &result)), note: Some(note), back: None }
    }

    /// The tools that a client may see: those that somebody has seen before it, unchanged.
    fn tools(&self, id: &Id, mut result: Value) -> Step {
        let Some(tools) = result.get_mut("tools").and_then(Value::as_array_mut) else {
            return Step {
                on: Some(message::error(Some(id), INVALID, "the server's list of tools is none")),
                note: Some("the server's list of tools is none".into()),
                back: None,
            };
        };
        let mut hidden = Vec::new();
        let mut names = HashSet::new();
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        tools.retain(|tool| {
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            // The second of a name would be called by the first one's pin.
            let first = names.insert(name.clone());
            let pinned = self.pins.as_ref().is_none_or(|pins| pins.has(tool));
            if let Some(pins) = &self.pins
                && pins.names(&name)
            {
                // A client that has listed the tools before would call it all the same.
                if !pinned {
                    changed.insert(name.clone());
                } else if first {
                    changed.remove(&name);
                }
            }
            if !(first && pinned) {
                hidden.push(shown(&name));
            }
            first && pinned
        });
        drop(changed);
        let note = (!hidden.is_empty()).then(|| {
            format!(
                "not shown, since nobody accepted them as they are: {}; to see and accept them: `palisade mcp \
                 --pin --name {} -- …`",
                hidden.join(", "),
                self.server
            )
        });
        Step { on: Some(message::answer(id, &result)), note, back: None }
    }

    fn has_changed(&self, name: &str) -> bool {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// A request goes on, and its answer will be let through once.
    fn asked(&self, waits: &Mutex<HashMap<Id, Waits>>, id: Id, what: Waits, line: Vec<u8>) -> Step {
        let mut waiting = waits.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.contains_key(&id) {
            return refused(&id, "a request with this id waits for its answer");
        }
        if waiting.len() >= MOST_WAITING {
            return refused(&id, "too many requests wait for their answers");
        }
        waiting.insert(id, what);
        Step { on: Some(line), ..Step::default() }
    }

    fn answered(&self, waits: &Mutex<HashMap<Id, Waits>>, id: Option<Id>, line: &[u8]) -> Step {
        match id.and_then(|id| taken(waits, &id)) {
            Some(_) => Step { on: Some(line.to_vec()), ..Step::default() },
            None => Step {
                note: Some("an answer that nothing waits for was dropped".into()),
                ..Step::default()
            },
        }
    }

    fn told(&self, who: &str, method: &str, line: &[u8]) -> Step {
        if methods::is_notification(method) {
            return Step { on: Some(line.to_vec()), ..Step::default() };
        }
        let note =
            format!("a message of the {who}'s was dropped: `{}` is not known", shown(method));
        Step { note: Some(note), ..Step::default() }
    }
}

fn taken(waits: &Mutex<HashMap<Id, Waits>>, id: &Id) -> Option<Waits> {
    waits.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
}

fn unknown(id: &Id, method: &str) -> Step {
    let why =
        format!("Palisade does not know the method `{}` and does not pass it on", shown(method));
    Step { back: Some(message::error(Some(id), UNKNOWN_METHOD, &why)), note: Some(why), on: None }
}

fn refused(id: &Id, why: &str) -> Step {
    answered_by(Some(id), REFUSED, why)
}

/// A message of the client's that is none with one reading.
fn unread(id: Option<&Id>, why: &str) -> Step {
    answered_by(id, INVALID, &format!("the message cannot be read: {why}"))
}

fn answered_by(id: Option<&Id>, code: i64, why: &str) -> Step {
    let text = format!("Refused by Palisade: {why}");
    Step { back: Some(message::error(id, code, &text)), note: Some(text), on: None }
}

#[cfg(test)]
mod tests;
