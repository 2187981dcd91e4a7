use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_audit::{
    cause::{self, Chain, Link},
    session,
};
use palisade_journal::{Record, escaped};
use palisade_recording::{
    SecretKey,
    content::{self, Piece},
};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{finished, print_lines, state_dir, unanswered};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The event: the session's id (or its beginning, or its name), a colon, and the event's number.
    #[arg(value_name = "SESSION:NUMBER", value_parser = event)]
    event: (String, u64),
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// The secret key that opens what was said (`audit.content`): it is shown as well.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    key: Option<PathBuf>,
    /// What was said and nothing else, byte for byte. Not to a terminal.
    #[arg(long, requires = "key")]
    raw: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let (wanted, seq) = &args.event;
    let id = session::find(&state, wanted).map_err(unanswered)?;
    let chain = cause::chain(&state, &id, *seq).map_err(unanswered)?;
    if args.json {
        let mut line = String::new();
        crate::print::json_line(&mut line, &chain);
        return crate::print::text(&ascii(&line));
    }
    let said = match &args.key {
        Some(key) => Some(said(&state, &chain.event, key)?),
        None => None,
    };
    if let Some(said) = said.as_ref().filter(|_| args.raw) {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            let what = "what was said may steer a terminal, and so is not written to one as it is";
            return Err(
                Failure::new(Kind::Usage, what).remedy("leave out --raw, or write to a file")
            );
        }
        finished(out.write_all(said).and_then(|()| out.flush()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = said.iter().flat_map(|said| {
        let text = String::from_utf8_lossy(said).into_owned();
        let lines: Vec<String> = text.split('\n').map(escaped).collect();
        [String::new(), "content:".to_owned()].into_iter().chain(lines)
    });
    print_lines(lines(&chain).into_iter().chain(shown))?;
    Ok(ExitCode::SUCCESS)
}

/// What was said in an event, opened.
fn said(state: &Path, event: &Record, key: &Path) -> Result<Vec<u8>, Failure> {
    let usage = |what: String| Failure::new(Kind::Usage, what);
    let text = fs::read_to_string(key).map(Zeroizing::new);
    let text = text.map_err(|error| usage(format!("{}: {error}", key.display())))?;
    let secret = SecretKey::parse(&text);
    let secret = secret.map_err(|error| usage(format!("{}: {error}", key.display())))?;
    let pieces = event.detail.get("content").cloned().unwrap_or_default();
    let pieces: Vec<Piece> = serde_json::from_value(pieces).unwrap_or_default();
    if pieces.is_empty() {
        return Err(usage("nothing was kept of what was said in this event".to_owned()).remedy(
            "ask for one of kind content or model_answer, of a session with `audit.content`",
        ));
    }
    let mut all = Vec::new();
    for piece in &pieces {
        let opened = content::open(state, event.session.as_str(), &secret, piece);
        all.extend(opened.map_err(|error| {
            let what = format!("what was said cannot be opened: {error}");
            Failure::new(Kind::Denied, what)
                .remedy("palisade audit verify, which says whether it was erased")
        })?);
    }
    Ok(all)
}

fn lines(chain: &Chain) -> Vec<String> {
    let mut lines = about(&chain.event);
    lines.push(String::new());
    if chain.cause.is_empty() {
        lines.push("cause: nothing that led to it is known".to_owned());
    } else {
        lines.push("cause, the nearest first:".to_owned());
    }
    for link in &chain.cause {
        lines.push(format!("  {}", told(link)));
    }
    if let Some(link) = &chain.permitted_by {
        lines.push(format!("permitted by {}", told(link)));
    }
    lines
}

fn told(link: &Link) -> String {
    let event = &link.event;
    let name = format!("{}:{}", event.session.short(), event.seq);
    let (kind, subject) = (escaped(&event.kind), escaped(&event.subject));
    format!("{name} {} {kind} {subject}  ({})", event.decision, link.says)
}

fn about(record: &Record) -> Vec<String> {
    let mut lines = vec![
        format!("event     {}:{}", record.session, record.seq),
        format!("time      {}", record.time),
        format!("kind      {}", escaped(&record.kind)),
        format!("layer     {}", escaped(&record.layer)),
        format!("decision  {}", record.decision),
        format!("rule      {}", record.rule.as_deref().map_or_else(|| "-".into(), escaped)),
        format!("subject   {}", escaped(&record.subject)),
    ];
    if !record.reason.is_empty() {
        lines.push(format!("reason    {}", escaped(&record.reason)));
    }
    lines.push(format!("policy    {}", record.policy));
    for (key, value) in &record.detail {
        let text = match value {
            Value::String(text) => escaped(text),
            other => escaped(&other.to_string()),
        };
        lines.push(format!("  {}: {text}", escaped(key)));
    }
    lines.push(format!("hash      {}", record.hash));
    lines
}

pub(super) fn event(text: &str) -> Result<(String, u64), String> {
    let form = || "name an event as SESSION:NUMBER, such as s-1f2e3d4c:17".to_owned();
    let (session, number) = text.rsplit_once(':').ok_or_else(form)?;
    let number: u64 = number.parse().map_err(|_| form())?;
    if session.is_empty() { Err(form()) } else { Ok((session.to_owned(), number)) }
}

/// The same JSON in printable ASCII: no reader is steered by what it holds.
pub(super) fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\n' | ' '..='~' => out.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_session_and_a_number() {
        assert_eq!(event("s-1:7"), Ok(("s-1".to_owned(), 7)));
        for bad in ["", "7", ":7", "s-1:", "s-1:-1", "s-1:x", "s-1 7"] {
            assert!(event(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ascii_says_the_same() {
        for text in ["", "a\n\u{1b}[2J", "\u{202e}é日\u{1f600}\u{e0041}", "\"\\u{41}\0\u{7f}"] {
            let json = serde_json::to_string(text).unwrap();
            let shown = ascii(&json);
            assert!(shown.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{shown}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
