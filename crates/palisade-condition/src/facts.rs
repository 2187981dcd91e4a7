//! What a condition may name, of which kind it is, and where it comes from.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use cel::Value;
use palisade_core::{Action, Caller, ToolInput};
use time::OffsetDateTime;

use crate::{Moment, kind::Kind};

/// Entries of a list that the agent makes. A longer one cannot be asked about.
const MOST_ENTRIES: usize = 1024;
/// Values in what a tool is given, at all depths.
const MOST_VALUES: usize = 10_000;

/// Which acts a rule is about, and so what its condition may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Names, connections and requests, of a rule that looks into requests.
    Requests,
    /// Names and connections alone.
    Connections,
    /// Calls of tools, and programs that are executed.
    Calls,
}

static NOW: &[(&str, Kind)] = &[
    ("unix", Kind::Int),
    ("year", Kind::Int),
    ("month", Kind::Int),
    ("day", Kind::Int),
    ("hour", Kind::Int),
    ("minute", Kind::Int),
    ("weekday", Kind::String),
];

/// The variables of a stage.
pub(crate) fn kind_of(name: &str, stage: Stage) -> Option<Kind> {
    let words = || Kind::List(Box::new(Kind::String));
    Some(match (name, stage) {
        ("kind" | "mode", _) => Kind::String,
        ("now", _) => Kind::Record(NOW),
        ("taint", _) => words(),
        ("host", Stage::Requests | Stage::Connections) => Kind::String,
        ("address", Stage::Connections) => Kind::String,
        ("port", Stage::Requests | Stage::Connections) => Kind::Int,
        ("programs", Stage::Requests | Stage::Connections) => words(),
        ("method" | "path" | "query", Stage::Requests) => Kind::String,
        ("headers", Stage::Requests) => Kind::Map(Box::new(Kind::String)),
        ("tool", Stage::Calls) => Kind::String,
        ("input", Stage::Calls) => Kind::Any,
        ("argv", Stage::Calls) => words(),
        ("program", Stage::Calls) => Kind::String,
        _ => return None,
    })
}

/// All that a stage has, for an error.
pub(crate) fn names(stage: Stage) -> Vec<&'static str> {
    let all = [
        "kind", "mode", "now", "taint", "host", "address", "port", "programs", "method", "path",
        "query", "headers", "tool", "input", "program", "argv",
    ];
    all.into_iter().filter(|name| kind_of(name, stage).is_some()).collect()
}

/// The value of a variable for this act. `None` where this act has none, and `Err` where it has
/// one that is too large to look at.
pub(crate) fn value(
    name: &str,
    action: &Action,
    moment: &Moment<'_>,
) -> Result<Option<Value>, &'static str> {
    Ok(Some(match (name, action) {
        ("kind", _) => text(action.kind()),
        ("mode", _) => text(moment.mode),
        ("now", _) => now(moment.now),
        ("taint", _) => {
            Value::List(Arc::new(moment.taint.iter().map(|how| text(how.as_str())).collect()))
        }
        ("host", Action::Resolve { name } | Action::Records { name, .. }) => text(name.as_str()),
        ("host", Action::Connect { host, .. }) => {
            text(host.as_ref().map(palisade_core::HostName::as_str).unwrap_or_default())
        }
        ("host", Action::Request(request)) => text(request.host.as_str()),
        ("port", Action::Connect { port, .. }) => Value::Int((*port).into()),
        ("port", Action::Request(request)) => Value::Int(request.port.into()),
        ("address", Action::Connect { address: Some(address), .. }) => {
            text(&address.ip().to_canonical().to_string())
        }
        ("programs", Action::Connect { caller, .. }) => match programs(caller) {
            Some(programs) => programs,
            None => return Ok(None),
        },
        ("programs", Action::Request(request)) => match programs(&request.caller) {
            Some(programs) => programs,
            None => return Ok(None),
        },
        ("method", Action::Request(request)) => text(&request.method),
        ("path", Action::Request(request)) => bytes(&request.path)?,
        ("query", Action::Request(request)) => bytes(request.query.as_deref().unwrap_or_default())?,
        ("headers", Action::Request(request)) => headers(&request.headers)?,
        ("tool", Action::ToolCall(call)) => text(&call.name),
        ("input", Action::ToolCall(call)) => match &call.input {
            ToolInput::Text(given) => text(given),
            ToolInput::Object(given) => {
                let mut left = MOST_VALUES;
                let object = serde_json::Value::Object(given.clone());
                json(&object, &mut left).ok_or("what the tool is given has too many values")?
            }
        },
        ("program", Action::Exec(exec)) => text(&exec.program),
        ("argv", Action::Exec(exec)) if exec.whole => words(&exec.argv)?,
        ("argv", Action::Exec(_)) => return Err("not all arguments were read"),
        _ => return Ok(None),
    }))
}

fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

/// What is not text has no meaning that two readers would agree on.
fn bytes(bytes: &[u8]) -> Result<Value, &'static str> {
    std::str::from_utf8(bytes).map(text).map_err(|_| "the request is not text")
}

fn words(words: &[String]) -> Result<Value, &'static str> {
    if words.len() > MOST_ENTRIES {
        return Err("the list is too long");
    }
    Ok(Value::List(Arc::new(words.iter().map(|word| text(word)).collect())))
}

fn programs(caller: &Caller) -> Option<Value> {
    let Caller::Known(programs) = caller else { return None };
    let paths = programs.iter().take(MOST_ENTRIES).map(|program| text(&program.path));
    Some(Value::List(Arc::new(paths.collect())))
}

/// A field that is there twice has its values joined, as RFC 9110, section 5.2, has it.
fn headers(fields: &[(String, Vec<u8>)]) -> Result<Value, &'static str> {
    let mut joined: HashMap<String, String> = HashMap::new();
    for (name, value) in fields {
        let value = std::str::from_utf8(value).map_err(|_| "a header field is not text")?;
        joined
            .entry(name.clone())
            .and_modify(|whole| {
                whole.push_str(", ");
                whole.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    Ok(Value::from(
        joined
            .into_iter()
            .map(|(name, value)| (name, text(&value)))
            .collect::<HashMap<String, Value>>(),
    ))
}

fn json(value: &serde_json::Value, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    Some(match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64()?),
        },
        serde_json::Value::String(words) => text(words),
        serde_json::Value::Array(list) => {
            if list.len() > MOST_ENTRIES {
                return None;
            }
            let mut values = Vec::with_capacity(list.len());
            for entry in list {
                values.push(json(entry, left)?);
            }
            Value::List(Arc::new(values))
        }
        serde_json::Value::Object(members) => {
            let mut map = HashMap::with_capacity(members.len());
            for (name, member) in members {
                map.insert(name.clone(), json(member, left)?);
            }
            Value::from(map)
        }
    })
}

fn now(now: SystemTime) -> Value {
    let now = OffsetDateTime::from(now);
    let entries: [(&str, Value); 7] = [
        ("unix", Value::Int(now.unix_timestamp())),
        ("year", Value::Int(now.year().into())),
        ("month", Value::Int(u8::from(now.month()).into())),
        ("day", Value::Int(now.day().into())),
        ("hour", Value::Int(now.hour().into())),
        ("minute", Value::Int(now.minute().into())),
        ("weekday", text(&now.weekday().to_string().to_lowercase())),
    ];
    Value::from(HashMap::from(entries.map(|(name, value)| (name.to_owned(), value))))
}
