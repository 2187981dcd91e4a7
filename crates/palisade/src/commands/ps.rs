use std::{
    io::{self, Write},
    process::ExitCode,
};

use palisade_journal::escaped;
use palisade_session::running::{Entry, Registry};

use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
};

/// Characters of a command that the table shows.
const MOST_SHOWN: usize = 60;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: palisade ps --json\n\n\
    Lists only your own sandboxes. The beginning of a session names it as well.")]
pub(crate) struct Args {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let running = match Registry::open(&state_dir()?).map_err(Failure::denied)? {
        Some(registry) => registry.running().map_err(Failure::denied)?,
        None => Vec::new(),
    };
    let mut out = io::stdout().lock();
    let mut write = |line: String| match writeln!(out, "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Enforcement, format!("standard output: {error}")))
        }
        _ => Ok(()),
    };
    if !args.json {
        write(row("SESSION", "NAME", "PID", "STARTED", "COMMAND"))?;
    }
    for entry in running {
        write(if args.json {
            serde_json::to_string(&entry).unwrap_or_default()
        } else {
            shown(&entry)
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(entry: &Entry) -> String {
    let started = entry.started.to_string();
    // To the second: `2026-08-01T12:00:00`.
    let started = started.get(..19).unwrap_or(&started);
    let mut command = escaped(&entry.command.join(" "));
    if !entry.degraded.is_empty() {
        command = format!("(without {}) {command}", escaped(&entry.degraded.join(", ")));
    }
    if let Some((cut, _)) = command.char_indices().nth(MOST_SHOWN) {
        command.truncate(cut);
        command.push('…');
    }
    row(
        entry.session.short(),
        entry.name.as_deref().unwrap_or("-"),
        &entry.supervisor.to_string(),
        started,
        &command,
    )
}

fn row(session: &str, name: &str, pid: &str, started: &str, command: &str) -> String {
    format!("{session:<10}  {name:<12}  {pid:>7}  {started:<19}  {command}")
}
