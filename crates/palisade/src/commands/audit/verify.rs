use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use palisade_core::SessionId;
use palisade_journal::verify::{self, Report, State};

use super::{finished, state_dir, unreadable};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A state folder, or a journal's own; by default the state folder in use.
    dir: Option<PathBuf>,
    /// Only this session, and the ledger.
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let dir = match &args.dir {
        Some(dir) if !dir.is_dir() => {
            return Err(Failure::new(Kind::Usage, format!("{} is no folder", dir.display())));
        }
        Some(dir) => dir.clone(),
        None => state_dir()?,
    };
    let options = verify::Options { only: args.session.clone() };
    let report = verify::verify(&dir, &options).map_err(unreadable)?;
    if args.session.is_some() && report.sessions.is_empty() {
        return Err(Failure::new(Kind::Usage, "there is no such session in this journal"));
    }
    let mut out = io::stdout().lock();
    let whole = report.is_whole();
    let written = if args.json {
        let mut object = serde_json::to_value(&report).unwrap_or_default();
        if let Some(members) = object.as_object_mut() {
            members.insert("whole".into(), whole.into());
        }
        writeln!(out, "{object}")
    } else {
        summary(&mut out, &report)
    };
    finished(written)?;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn summary(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let count = |state| report.sessions.iter().filter(|s| s.state == state).count();
    for damage in report.damages() {
        writeln!(out, "damaged: {damage}")?;
    }
    for session in report.sessions.iter().filter(|s| s.state == State::EndedHard) {
        if session.damage.is_none() {
            let (id, records) = (&session.session, session.records);
            writeln!(out, "note: session {id} ended hard after record {records}")?;
        } else if session.damage.as_ref().is_some_and(|d| torn(&d.kind)) {
            writeln!(out, "  try: palisade audit recover {}", session.session)?;
        }
    }
    writeln!(
        out,
        "{}: {} records of {} sessions ({} open, {} ended hard), {} ledger entries in {}",
        if report.is_whole() { "whole" } else { "DAMAGED" },
        report.records(),
        report.sessions.len(),
        count(State::Open),
        count(State::EndedHard),
        report.ledger_entries,
        report.journal.display()
    )
}

/// Whether a crash can have done it, and so recovery mends it.
fn torn(kind: &verify::Kind) -> bool {
    matches!(kind, verify::Kind::TornTail { .. })
}
