//! `palisade learn`: what a command wants of the network and of files, as rules.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_core::{SessionId, Verdict};
use palisade_journal::{Filter, Query, journal_dir};
use palisade_policy::{Asked, CommandLine, PROJECT_FILE, load};
use palisade_session::Order;

use super::{doctor, place::Place, rules::Destinations, run, wanted_files::Files};
use crate::{
    failure::{Failure, Kind},
    operator::{operator, sources},
    print,
};

/// Notes that are printed.
const MOST_NOTES: usize = 12;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade learn -- npm install              each destination is a question: palisade approvals
  palisade learn --allow-all -- npm install  public destinations are permitted, and recorded
  palisade learn --policy ci.yaml --allow-all -- make test

What no rule names and was permitted becomes a rule of --write, by default of --policy, else of
./palisade.yaml. Private addresses are never permitted by this: a rule must name them. Files are shown
as the policy says while it is learned; what was wanted besides, and is there on this machine, becomes
filesystem.read and filesystem.write for the next run, but for keys and broad folders: these are told
and are yours to grant. Learn again until nothing is new.

Exit code: as palisade run.")]
pub(crate) struct Args {
    /// The policy to begin with, in place of the project's and the user's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The policy that gets the rules. It is made if it is not there.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Ask nothing, permit what is public.
    #[arg(long)]
    allow_all: bool,
    /// A name for the session, in the journal and as its host name.
    #[arg(long, value_parser = run::name)]
    name: Option<String>,
    /// Say nothing but errors.
    #[arg(short, long)]
    quiet: bool,
    /// The command and its arguments, behind `--`.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    let refused = |what: String| Failure::new(Kind::Refused, what);
    let operator = operator().map_err(|(what, remedy)| refused(what).remedy(remedy))?;
    let command_line = args.policy.clone().map(CommandLine::File);
    let default = run::default_profile(args.command.first().map(OsString::as_os_str));
    let sources =
        sources(&operator, command_line, Asked { ask: true, ..Asked::default() }, default);
    let policy = load(&sources)
        .map_err(|found| refused(format!("nothing was started, because of the policy\n{found}")))?;
    let file = args.write.or(args.policy).unwrap_or_else(|| PROJECT_FILE.into());
    let file = operator.directory.join(file);
    // Before the command runs, which may put something else there.
    let place = Place::find(&file)?;
    let missing = doctor::simulated()?;
    let state = operator.state_dir.clone();
    let (home, directory) = (operator.home.clone(), operator.directory.clone());
    let order = Order {
        policy,
        sources,
        command: args.command,
        name: args.name,
        missing,
        allow_degraded: Vec::new(),
        record: None,
        permissive: args.allow_all,
        learns_files: true,
        operator,
    };
    let wanted_by = in_short(&order.command);
    let ended = run::to_its_end(&order, args.quiet)?;
    let why = format!("wanted by: {wanted_by}");
    let learned = learned(&state, &ended.session)?;
    let files = wanted(&state, &ended.session)?.settle(&home, &directory, &why);
    if !args.quiet {
        for note in files.notes.iter().take(MOST_NOTES) {
            print::note(&format!("palisade: {note}"));
        }
        let more = files.notes.len().saturating_sub(MOST_NOTES);
        if more > 0 {
            let query = "palisade audit query --kind learn";
            print::note(&format!("palisade: and {more} more like these ({query})"));
        }
    }
    if learned.is_empty() && files.granted.is_empty() {
        if !args.quiet {
            print::note("palisade: nothing was learned: no rule is missing for what was permitted");
        }
        return Ok(ExitCode::from(ended.status));
    }
    let mut additions = files.additions;
    if !learned.is_empty() {
        additions.push(learned.rules(&why));
    }
    place.write_all(&additions)?;
    if !args.quiet {
        let mut all = files.granted;
        if !learned.is_empty() {
            all.push(learned.shown());
        }
        print::note(&format!("palisade: {} has rules now for {}", file.display(), all.join(", ")));
        if file.file_name() == Some(PROJECT_FILE.as_ref()) {
            print::note("  try: palisade policy trust, once you have read it");
        }
    }
    Ok(ExitCode::from(ended.status))
}

/// Files that the session wanted and was not shown.
fn wanted(state: &Path, session: &SessionId) -> Result<Files, Failure> {
    let filter = Filter {
        session: Some(session.to_string()),
        kind: Some("learn".to_owned()),
        ..Filter::default()
    };
    let mut query = Query::new(&journal_dir(state), filter).map_err(unread)?;
    let mut found = Files::default();
    while let Some(record) = query.next_record().map_err(unread)? {
        found.add(&record.subject, |key| record.detail.get(key).cloned());
    }
    Ok(found)
}

/// A command in a comment. What comes after its first words can be long, or a secret.
fn in_short(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().take(2).map(|word| word.to_string_lossy()).collect();
    let more = if command.len() > words.len() { " …" } else { "" };
    format!("{}{more}", words.join(" ").chars().take(80).collect::<String>())
}

/// Where the session's connections went that no rule permitted.
fn learned(state: &Path, session: &SessionId) -> Result<Destinations, Failure> {
    let filter = Filter {
        session: Some(session.to_string()),
        kind: Some("connect".to_owned()),
        decision: Some(Verdict::Allow),
        ..Filter::default()
    };
    let mut query = Query::new(&journal_dir(state), filter).map_err(unread)?;
    let mut found = Destinations::default();
    while let Some(record) = query.next_record().map_err(unread)? {
        if matches!(record.rule.as_deref(), Some("approval" | "learn")) {
            let program = record.detail.get("binary").and_then(serde_json::Value::as_str);
            found.add(&record.subject, program);
        }
    }
    Ok(found)
}

fn unread(error: palisade_journal::JournalError) -> Failure {
    Failure::new(Kind::Enforcement, format!("the journal cannot be read: {error}"))
        .remedy("palisade audit verify")
}
