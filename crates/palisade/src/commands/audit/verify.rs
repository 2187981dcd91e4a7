use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use palisade_core::SessionId;
use palisade_journal::{
    escaped,
    verify::{self, Report, State},
};

use super::{finished, proof, state_dir, unreadable, witness};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A state folder, or a journal's own; by default the state folder in use.
    dir: Option<PathBuf>,
    /// Only this session, and the ledger.
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// A key of this journal, had from elsewhere (`palisade audit key show`): its keys have to go back to it.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: the journal has to be its continuation. Can be given often.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The key of a witness that has to have signed the checkpoints.
    #[arg(long, value_name = "FILE", requires = "checkpoint")]
    witness: Option<PathBuf>,
    /// Go on where the last verification came to, and keep here where this one did. Keep it where agents cannot write.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Check a proof of single records (`palisade audit prove`) and nothing else; no journal is needed.
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["dir", "session", "checkpoint", "resume"])]
    proof: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let key = args.key.as_deref().map(proof::key_in).transpose()?;
    if let (Some(file), Some(key)) = (&args.proof, &key) {
        return proof::check(file, key, args.json);
    }
    let checkpoints = witness::seen(&args.checkpoint, args.witness.as_deref())?;
    let dir = match &args.dir {
        Some(dir) if !dir.is_dir() => {
            return Err(Failure::new(Kind::Usage, format!("{} is no folder", dir.display())));
        }
        Some(dir) => dir.clone(),
        None => state_dir()?,
    };
    let resume = args.resume.as_deref().filter(|file| file.exists());
    let resume = resume.map(|file| proof::json_in(file, "place to go on from")).transpose()?;
    let options = verify::Options { only: args.session.clone(), key, checkpoints, resume };
    let report = verify::verify(&dir, &options).map_err(unreadable)?;
    if args.session.is_some() && report.sessions.is_empty() {
        return Err(Failure::new(Kind::Usage, "there is no such session in this journal"));
    }
    let whole = report.is_whole();
    if let Some(file) = args.resume.as_deref().filter(|_| whole) {
        proof::write_json(&report.reached(), Some(file))?;
    }
    let mut out = io::stdout().lock();
    let written = if args.json {
        let mut object = serde_json::to_value(&report).unwrap_or_default();
        if let Some(members) = object.as_object_mut() {
            members.insert("whole".into(), whole.into());
        }
        writeln!(out, "{object}")
    } else {
        summary(&mut out, &report, args.key.is_some())
    };
    finished(written)?;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn summary(out: &mut impl Write, report: &Report, keyed: bool) -> io::Result<()> {
    let count = |state| report.sessions.iter().filter(|s| s.state == state).count();
    for damage in report.damages() {
        writeln!(out, "damaged: {damage}")?;
    }
    for session in &report.sessions {
        let hard = session.state == State::EndedHard;
        if hard && session.damage.is_none() {
            let (id, records) = (&session.session, session.records);
            writeln!(out, "note: session {id} ended hard after record {records}")?;
        } else if hard && session.damage.as_ref().is_some_and(|d| torn(&d.kind)) {
            writeln!(out, "  try: palisade audit recover {}", session.session)?;
        }
        if session.dropped > 0 {
            let rules: Vec<String> =
                session.dropped_by.iter().map(|rule| escaped(rule).to_string()).collect();
            writeln!(
                out,
                "note: session {}: {} records were removed by retention ({})",
                session.session,
                session.dropped,
                rules.join("; ")
            )?;
        }
        if let Some(why) = &session.erased {
            let id = &session.session;
            writeln!(out, "note: session {id}: its content was erased ({})", escaped(why))?;
        }
        for step in &session.clock_steps {
            let (id, seconds) = (&session.session, step.by_us / 1_000_000);
            writeln!(
                out,
                "note: session {id}: the clock was set by {seconds} s before record {}",
                step.seq
            )?;
        }
    }
    for one in &report.revoked {
        writeln!(
            out,
            "note: a key was revoked ({}): what it signed in the entries {} to {} proves nothing",
            escaped(&one.why),
            one.since.saturating_add(1),
            one.until
        )?;
    }
    if report.copy && !report.absent.is_empty() {
        let number = report.absent.len();
        writeln!(
            out,
            "note: a copy: {number} sessions that its ledger knows are not here, or not all of them; by the ledger none of them has to be"
        )?;
    }
    for (session, lacking) in &report.lacking {
        let (name, why) = (escaped(&lacking.name), escaped(&lacking.why));
        writeln!(out, "note: session {session}: {name} is not in the copy: {why}")?;
    }
    match (&report.signed, keyed) {
        (None, _) => writeln!(out, "note: not signed: it is of a version before signatures")?,
        (Some(_), false) => writeln!(
            out,
            "note: no key was given (--key): that all of it was not written anew is not checked"
        )?,
        (Some(_), true) => {}
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
