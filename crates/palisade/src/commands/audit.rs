mod proof;
mod witness;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::{Subcommand, ValueEnum};
use palisade_core::{SessionId, Verdict, paths};
use palisade_journal::{
    Filter, JournalError, Query, Record, Timestamp, TimestampError, escaped, recover,
    tail::Tail,
    verify::{self, Report, State},
};

use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the newest records.
    #[command(after_help = "Example: palisade audit tail -n 50 --follow")]
    Tail(TailArgs),
    /// Show the records that match.
    #[command(after_help = "Example: palisade audit query --decision deny --since 1h --json")]
    Query(QueryArgs),
    /// Prove the journal whole, or say where and how it is damaged.
    #[command(after_help = "Example: palisade audit verify --json\n\n\
        Exit code: 0 whole, 1 damaged, 2 usage, 3 it could not be read.")]
    Verify(VerifyArgs),
    /// End sessions whose supervisor died: cut a torn tail, record it, enter the end.
    #[command(after_help = "Example: palisade audit recover")]
    Recover(RecoverArgs),
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
}

#[derive(Debug, clap::Args)]
struct TailArgs {
    /// How many of the newest records to show first.
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    lines: usize,
    /// Go on as records come.
    #[arg(short, long)]
    follow: bool,
    /// Only the session of this id or name.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct QueryArgs {
    /// Only the session of this id or name.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only this kind, such as `connect`.
    #[arg(long)]
    kind: Option<String>,
    /// Only this layer, such as `egress`.
    #[arg(long)]
    layer: Option<String>,
    /// Only this decision.
    #[arg(long)]
    decision: Option<DecisionArg>,
    /// Only what this rule decided.
    #[arg(long)]
    rule: Option<String>,
    /// Only subjects that contain this text.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Not before this time: RFC 3339, a date, or an age such as `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only the newest of what matches.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
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
    /// Check a proof of single records (`palisade audit prove`) and nothing else; no journal is needed.
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["dir", "session", "checkpoint"])]
    proof: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct RecoverArgs {
    /// Only this session.
    #[arg(value_name = "ID")]
    session: Option<SessionId>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DecisionArg {
    Allow,
    Deny,
    Ask,
    Observe,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Tail(args) => tail(&args),
        Command::Query(args) => query(args),
        Command::Verify(args) => verify(&args),
        Command::Recover(args) => recovery(&args),
        Command::Prove(args) => proof::prove(&args),
        Command::Key(command) => proof::key(&command),
        Command::Checkpoint(args) => witness::checkpoint(&args),
        Command::Witness(args) => witness::witness(&args),
    }
}

fn tail(args: &TailArgs) -> Result<ExitCode, Failure> {
    let dir = state_dir()?;
    let (mut tail, newest) =
        Tail::open(&dir, args.session.as_deref(), args.lines).map_err(unreadable)?;
    if !print(&newest, args.json)? {
        return Ok(ExitCode::SUCCESS);
    }
    if args.follow {
        loop {
            thread::sleep(Duration::from_millis(200));
            if !print(&tail.poll().map_err(unreadable)?, args.json)? {
                break;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn query(args: QueryArgs) -> Result<ExitCode, Failure> {
    let filter = Filter {
        session: args.session,
        kind: args.kind,
        layer: args.layer,
        decision: args.decision.map(Into::into),
        rule: args.rule,
        subject: args.subject,
        since: args.since,
        until: args.until,
    };
    let mut query = Query::new(&state_dir()?, filter).map_err(unreadable)?;
    let mut kept = std::collections::VecDeque::new();
    while let Some(record) = query.next_record().map_err(unreadable)? {
        match args.limit {
            None => {
                if !print(&[record], args.json)? {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Some(limit) => {
                kept.push_back(record);
                if kept.len() > limit {
                    kept.pop_front();
                }
            }
        }
    }
    print(kept.make_contiguous(), args.json)?;
    match query.unreadable() {
        [] => Ok(ExitCode::SUCCESS),
        [first, rest @ ..] => Err(Failure::new(
            Kind::Denied,
            format!(
                "{} line(s) are no record and were passed over, the first at {}:{}",
                rest.len().saturating_add(1),
                first.path.display(),
                first.line
            ),
        )
        .remedy("palisade audit verify")),
    }
}

fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
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
    let options = verify::Options { only: args.session.clone(), key, checkpoints };
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
    for session in &report.sessions {
        let hard = session.state == State::EndedHard;
        if hard && session.damage.is_none() {
            let (id, records) = (&session.session, session.records);
            writeln!(out, "note: session {id} ended hard after record {records}")?;
        } else if hard && session.damage.as_ref().is_some_and(|d| torn(&d.kind)) {
            writeln!(out, "  try: palisade audit recover {}", session.session)?;
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
    match (&report.signed, report.pinned) {
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

fn recovery(args: &RecoverArgs) -> Result<ExitCode, Failure> {
    let dir = state_dir()?;
    let options = verify::Options { only: args.session.clone(), ..verify::Options::default() };
    let report = verify::verify(&dir, &options).map_err(unreadable)?;
    let mut failed = None;
    for session in report.sessions.iter().filter(|s| s.state == State::EndedHard) {
        match recover(&dir, &session.session) {
            Ok(done) => println!("ended {} with record {}", session.session, done.seq),
            Err(error) => {
                crate::print::note(&format!("palisade: session {}: {error}", session.session));
                failed = Some(error);
            }
        }
    }
    match failed {
        None => Ok(ExitCode::SUCCESS),
        Some(_) => Err(Failure::new(Kind::Denied, "not every session could be recovered")
            .remedy("palisade audit verify")),
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

pub(super) fn time(text: &str) -> Result<Timestamp, TimestampError> {
    Timestamp::parse(text, Timestamp::now())
}

impl From<DecisionArg> for Verdict {
    fn from(arg: DecisionArg) -> Self {
        match arg {
            DecisionArg::Allow => Verdict::Allow,
            DecisionArg::Deny => Verdict::Deny,
            DecisionArg::Ask => Verdict::Ask,
            DecisionArg::Observe => Verdict::Observe,
        }
    }
}
