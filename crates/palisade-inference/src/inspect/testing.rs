//! Streams for tests, and somebody who rules on what they ask.

use palisade_core::ToolInput;

use super::{Asked, Outlet, Ruling, Stream, Unreadable};
use crate::{body::Budget, reading::Reading};

/// Denies what has `bad` in its name, changes what has `change`, and lets the rest go.
pub(crate) fn rule(asked: &[Asked]) -> Vec<Ruling> {
    asked.iter().map(ruling).collect()
}

fn ruling(asked: &Asked) -> Ruling {
    let Asked::Call(call) = asked else { return Ruling::Replace("no".into()) };
    if call.name.contains("bad") {
        return Ruling::Replace("no \u{e9}\"".into());
    }
    if call.name.contains("change") {
        return Ruling::Change(match call.input {
            ToolInput::Object(_) => {
                ToolInput::Object([("to".to_owned(), "\u{e9}\n".into())].into_iter().collect())
            }
            ToolInput::Text(_) => ToolInput::Text("changed".into()),
        });
    }
    Ruling::Release
}

/// What came of a stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) text: String,
    pub(crate) asked: Vec<Asked>,
    pub(crate) error: Option<Unreadable>,
    pub(crate) left_out: Vec<String>,
}

/// Sends a stream through, cut at these places.
pub(crate) fn run(stream: Box<dyn Stream>, bytes: &[u8], cuts: &[usize]) -> Run {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(bytes.len())).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut reading = Reading::new(stream, &Budget::new(usize::MAX));
    let mut run = Run { text: String::new(), asked: Vec::new(), error: None, left_out: Vec::new() };
    let mut from = 0;
    let mut pieces: Vec<&[u8]> = Vec::new();
    for cut in cuts {
        pieces.push(&bytes[from..cut]);
        from = cut;
    }
    for (number, piece) in pieces.iter().enumerate() {
        reading.push(piece);
        if number + 1 == pieces.len() {
            reading.end();
        }
        loop {
            let mut out = Outlet::default();
            let mut read = reading.advance(&mut out);
            let rulings = rule(&out.asked);
            let asks = !out.asked.is_empty();
            run.asked.append(&mut out.asked);
            if asks && read.is_ok() {
                read = reading.ruled(rulings, &mut out);
            }
            run.text.push_str(std::str::from_utf8(&out.bytes).unwrap());
            run.left_out.append(&mut out.left_out);
            if let Err(why) = read {
                run.error = Some(why);
                return run;
            }
            if !asks {
                break;
            }
        }
    }
    run
}

/// A stream of these values, named by their types or not at all.
pub(crate) fn stream(events: &[serde_json::Value], named: bool) -> String {
    events
        .iter()
        .map(|event| match event["type"].as_str().filter(|_| named) {
            Some(name) => format!("event: {name}\ndata: {event}\n\n"),
            None => format!("data: {event}\n\n"),
        })
        .collect()
}

/// The values of a stream's events.
pub(crate) fn values(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}
