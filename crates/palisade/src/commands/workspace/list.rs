use std::{fmt::Write as _, process::ExitCode};

use palisade_journal::escaped;
use palisade_workspace::{Listed, State, Store, Weight, quoted};
use serde::Serialize;

use super::{bytes, failure, print, state_dir};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    session: &'a str,
    name: Option<&'a str>,
    state: &'static str,
    started: &'a str,
    ended: Option<&'a str>,
    /// Files, links and deletions in the overlay.
    files: u64,
    bytes: u64,
    workspace: String,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let Some(store) = Store::find(&state_dir()?).map_err(failure)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut text = String::new();
    let mut damaged = None;
    let all = store.list().map_err(failure)?;
    if !args.json && !all.is_empty() {
        text.push_str(
            "SESSION                             NAME          STATE    STARTED               FILES       SIZE  WORKSPACE\n",
        );
    }
    for listed in &all {
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                damaged = Some(error.to_string());
                continue;
            }
        };
        let weight = store.weight(&listed.record.session).unwrap_or_default();
        if args.json {
            let object = serde_json::to_string(&row(listed, weight)).unwrap_or_default();
            text.push_str(&object);
            text.push('\n');
        } else {
            line(&mut text, listed, weight);
        }
    }
    print(text.as_bytes())?;
    match damaged {
        None => Ok(ExitCode::SUCCESS),
        Some(what) => Err(Failure::new(Kind::Denied, format!("an overlay cannot be read: {what}"))),
    }
}

fn state(listed: &Listed) -> &'static str {
    match listed.state {
        State::Running => "running",
        State::Ended => "ended",
    }
}

fn row(listed: &Listed, weight: Weight) -> Row<'_> {
    let record = &listed.record;
    Row {
        session: record.session.as_str(),
        name: record.name.as_deref(),
        state: state(listed),
        started: &record.started,
        ended: record.ended.as_deref(),
        files: weight.files,
        bytes: weight.bytes,
        workspace: record.workspace.display().to_string(),
    }
}

fn line(text: &mut String, listed: &Listed, weight: Weight) {
    let record = &listed.record;
    let name = record.name.as_deref().map_or_else(|| "-".to_owned(), escaped);
    let started = record.started.get(..19).unwrap_or(&record.started);
    // Writing to a string cannot fail.
    writeln!(
        text,
        "{:<34}  {name:<12}  {:<7}  {started:<19} {:>6}  {:>9}  {}",
        record.session.as_str(),
        state(listed),
        weight.files,
        bytes(weight.bytes),
        quoted(&record.workspace),
    )
    .unwrap_or_default();
}
