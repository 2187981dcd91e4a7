//! `palisade audit`: a file for each of its commands.

mod alarms;
mod bundle;
mod diff;
mod export;
mod index;
mod keep;
mod metrics;
mod proof;
mod query;
mod reach;
mod recording_key;
mod recover;
mod replay;
mod report;
mod ship;
mod show;
mod tail;
mod timeline;
mod verify;
mod witness;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use palisade_audit::AuditError;
use palisade_core::paths;
use palisade_journal::{JournalError, Record, Timestamp, TimestampError, escaped};

use crate::failure::{Failure, Kind};

pub(super) use recording_key::PUBLIC_FILE;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the newest records.
    #[command(after_help = "Example: palisade audit tail -n 50 --follow")]
    Tail(tail::Args),
    /// Show the records that match.
    #[command(after_help = "\
Examples:
  palisade audit query --decision deny --since 1h --json
  palisade audit query --where detail.host~example.com --where 'detail.status>=400'
  palisade audit query --kind connect --csv > connections.csv

A condition of --where is a field, one of = != ~ (contains) !~ < <= > >=, and a value.")]
    Query(query::Args),
    /// Show one event, and what led to it.
    #[command(after_help = "Example: palisade audit show s-1f2e3d4c:17")]
    Show(show::Args),
    /// Show a session in the order of time.
    #[command(after_help = "Example: palisade audit timeline s-1f2e3d4c --html > session.html")]
    Timeline(timeline::Args),
    /// Show what a session's policy permitted, against what was used of it.
    #[command(after_help = "Example: palisade audit reach s-1f2e3d4c")]
    Reach(reach::Args),
    /// Show how two sessions differ.
    #[command(after_help = "Example: palisade audit diff s-1f2e3d4c s-5a6b7c8d\n\n\
        Exit code: 0 they do not differ, 1 they do, 2 usage, 3 they could not be read.")]
    Diff(diff::Args),
    /// Play what a session's terminal showed.
    #[command(after_help = "\
Example: palisade audit replay s-1f2e3d4c --speed 4

What only draws is played; sequences that ask the terminal for an answer or set its title or clipboard are
left out. With --cast they are in the output, escaped as JSON.")]
    Replay(replay::Args),
    /// Make the key that recordings are sealed for.
    #[command(after_help = "Example: palisade audit recording-key")]
    RecordingKey(recording_key::Args),
    /// Bring the index up to date, or make it anew.
    #[command(after_help = "Example: palisade audit index --rebuild")]
    Index(index::Args),
    /// Let nothing of a session, or of all, be removed, whatever rules say.
    #[command(after_help = "Example: palisade audit hold s-1f2e3d4c --reason 'case 2026-17'")]
    Hold(keep::HoldArgs),
    /// End a hold.
    #[command(after_help = "Example: palisade audit release s-1f2e3d4c --reason 'case closed'")]
    Release(keep::HoldArgs),
    /// Show the holds.
    #[command(after_help = "Example: palisade audit holds")]
    Holds(keep::HoldsArgs),
    /// Remove records that are due by their session's rule (audit.retain), and compress sessions that ended.
    #[command(after_help = "\
Examples:
  palisade audit prune --dry-run
  palisade audit prune --retain 365d

What is removed is in the ledger, with the rule; the rest verifies as before.

Exit code: 0, 1 something is damaged and stays, 2 usage, 3 the journal could not be read.")]
    Prune(keep::PruneArgs),
    /// Destroy the key of what was said in a session, and its recording. The chain still verifies.
    #[command(
        after_help = "Example: palisade audit erase s-1f2e3d4c --reason 'asked for by the person'"
    )]
    Erase(keep::EraseArgs),
    /// Prove the journal whole, or say where and how it is damaged.
    #[command(after_help = "Example: palisade audit verify --json\n\n\
        Exit code: 0 whole, 1 damaged, 2 usage, 3 it could not be read.")]
    Verify(verify::Args),
    /// End sessions whose supervisor died: cut a torn tail, record it, enter the end.
    #[command(after_help = "Example: palisade audit recover")]
    Recover(recover::Args),
    /// Prove single records to somebody who has only a key.
    #[command(
        after_help = "Example: palisade audit prove s-0d38222f2c0782ac:12 --out proof.json\n\n\
        It is checked with `palisade audit verify --proof proof.json --key FILE`."
    )]
    Prove(proof::ProveArgs),
    /// The keys that sign the journal: show them, let another sign, revoke one.
    #[command(subcommand)]
    Key(proof::KeyCommand),
    /// Give out a signed checkpoint, to a file, a folder, a git repository, a time-stamp server.
    #[command(
        after_help = "Example: palisade audit checkpoint --to /mnt/elsewhere --git ~/checkpoints"
    )]
    Checkpoint(witness::CheckpointArgs),
    /// Sign another host's checkpoint, if it goes on from the last one seen.
    #[command(
        after_help = "Example: palisade audit witness shown.json --state ~/witness --trust key.txt"
    )]
    Witness(witness::WitnessArgs),
    /// Write events in the forms of others, or send what was not sent yet.
    Export(export::Args),
    /// Ship sessions that ended to the policy's places, as they are, or show what waits.
    Ship(ship::Args),
    /// Counts, in the text format of Prometheus.
    Metrics(metrics::Args),
    /// Say what the journal shows for the controls of a catalogue, and what it does not.
    #[command(
        after_help = "Example: palisade audit report --framework soc2 --from 90d -o soc2.html\n\n\
        Exit code: 0 the journal verifies, 1 it does not, 2 usage, 3 it could not be read."
    )]
    Report(report::Args),
    /// Show rules for alarms, and try them on sessions that were.
    Alarms(alarms::Args),
    /// Pack the journal, reports and a verifier into one archive.
    #[command(after_help = "Example: palisade audit bundle --framework soc2 -o evidence.tar\n\n\
        Exit code: 0 the journal verifies, 1 it does not, 2 usage, 3 it could not be packed.")]
    Bundle(bundle::Args),
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Tail(args) => tail::run(&args),
        Command::Query(args) => query::run(args),
        Command::Show(args) => show::run(&args),
        Command::Timeline(args) => timeline::run(&args),
        Command::Reach(args) => reach::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Index(args) => index::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::RecordingKey(args) => recording_key::run(&args),
        Command::Hold(args) => keep::hold(&args),
        Command::Release(args) => keep::release(&args),
        Command::Holds(args) => keep::holds(&args),
        Command::Prune(args) => keep::prune(&args),
        Command::Erase(args) => keep::erase(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Recover(args) => recover::run(&args),
        Command::Prove(args) => proof::prove(&args),
        Command::Key(command) => proof::key(&command),
        Command::Checkpoint(args) => witness::checkpoint(&args),
        Command::Witness(args) => witness::witness(&args),
        Command::Export(args) => export::run(args),
        Command::Ship(args) => ship::run(args),
        Command::Metrics(args) => metrics::run(&args),
        Command::Alarms(args) => alarms::run(args),
        Command::Report(args) => report::run(args),
        Command::Bundle(args) => bundle::run(args),
    }
}

/// Print records; false when nobody reads any more.
pub(super) fn print(records: &[Record], json: bool) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    let mut written = Ok(());
    for record in records {
        written = if json {
            writeln!(out, "{}", record.to_json())
        } else {
            writeln!(out, "{}", row(record))
        };
        if written.is_err() {
            break;
        }
    }
    finished(written.and_then(|()| out.flush()))
}

fn row(record: &Record) -> String {
    let rule = record.rule.as_deref().map_or_else(|| "-".into(), escaped);
    let reason = match record.reason.as_str() {
        "" => String::new(),
        reason => format!("  ({})", escaped(reason)),
    };
    format!(
        "{}  {:<10.10}  {:>5}  {:<7}  {:<10}  {:<12}  {}  {}{}",
        record.time,
        record.session.as_str(),
        record.seq,
        record.decision.as_str(),
        escaped(&record.layer),
        escaped(&record.kind),
        rule,
        escaped(&record.subject),
        reason
    )
}

fn finished(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(Kind::Enforcement, format!("standard output: {error}"))),
    }
}

/// The folder that was named, or the state folder in use.
fn folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    match named {
        Some(dir) if !dir.is_dir() => {
            Err(Failure::new(Kind::Usage, format!("{} is no folder", dir.display())))
        }
        Some(dir) => Ok(dir.to_path_buf()),
        None => state_dir(),
    }
}

fn state_dir() -> Result<PathBuf, Failure> {
    let dir = paths::state_dir(|name| std::env::var_os(name))
        .map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
    if dir.is_dir() {
        return Ok(dir);
    }
    Err(Failure::new(Kind::Usage, format!("there is no journal: {} does not exist", dir.display()))
        .remedy("palisade run, which makes it, or set `PALISADE_STATE`"))
}

pub(super) fn unreadable(error: JournalError) -> Failure {
    Failure::new(Kind::Enforcement, error.to_string())
}

/// What keeps a question from its answer.
fn unanswered(error: AuditError) -> Failure {
    let what = error.to_string();
    match error {
        AuditError::NoSession(_) => Failure::new(Kind::Usage, what)
            .remedy("palisade audit query --kind launch, which shows every session"),
        AuditError::Ambiguous { .. } => Failure::new(Kind::Usage, what)
            .remedy("the session's id, as palisade audit query --kind launch --json shows it"),
        AuditError::NoEvent { .. } => Failure::new(Kind::Usage, what),
        AuditError::Index { .. } => {
            Failure::new(Kind::Enforcement, what).remedy("palisade audit index --rebuild")
        }
        _ => Failure::new(Kind::Enforcement, what),
    }
}

/// Print lines; false when nobody reads any more.
fn print_lines(lines: impl IntoIterator<Item = String>) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    let mut lines = lines.into_iter();
    let written = lines.try_for_each(|line| writeln!(out, "{line}"));
    finished(written.and_then(|()| out.flush()))
}

pub(super) fn time(text: &str) -> Result<Timestamp, TimestampError> {
    Timestamp::parse(text, Timestamp::now())
}
