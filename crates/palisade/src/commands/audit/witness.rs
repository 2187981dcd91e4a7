//! Checkpoints for elsewhere, and witnesses.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_journal::{
    note::{Checkpoint, SignedNote, Use},
    proof::{Continuation, Prover},
    publish::{self, PublishError},
    rfc3161::{ANSWER_MAX, Question},
    witness::{Witness, WitnessError},
};

use super::{
    finished,
    proof::{json_in, key_in, named_key, text_in, unproved, write_json, write_text},
    state_dir, unreadable,
};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(crate) struct CheckpointArgs {
    /// A state folder, or a journal's own; by default the state folder in use.
    dir: Option<PathBuf>,
    /// Put it there: a folder, in which each size has its file, or a file. Can be given often.
    #[arg(long, value_name = "PATH")]
    to: Vec<PathBuf>,
    /// Put it in a git repository's work tree and commit it.
    #[arg(long, value_name = "REPOSITORY")]
    git: Option<PathBuf>,
    /// Have it stamped by an RFC 3161 server; question and answer go beside the first file of --to.
    #[arg(long, value_name = "URL", requires = "to")]
    tsa: Option<String>,
    /// For a witness: how the ledger goes on from the first ENTRIES, as one JSON object (0 for the first time).
    #[arg(long, value_name = "ENTRIES", conflicts_with_all = ["to", "git", "tsa"])]
    since: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WitnessArgs {
    /// What the log's owner sent (`palisade audit checkpoint --since`), or a folder with a journal or a copy of its ledger.
    #[arg(value_name = "FILE|DIR", required_unless_present = "show_key")]
    from: Option<PathBuf>,
    /// The witness's own folder: its key and what it saw last. Made if missing.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The name of the witness's key, when it is made.
    #[arg(long, default_value = "palisade.witness")]
    name: String,
    /// A key of the log, had from its owner. Needed the first time.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Where the signed checkpoint goes; by default standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only print the witness's key, which `palisade audit verify --witness` takes.
    #[arg(long)]
    show_key: bool,
}

pub(super) fn checkpoint(args: &CheckpointArgs) -> Result<ExitCode, Failure> {
    let dir = args.dir.clone().map_or_else(state_dir, Ok)?;
    let prover = Prover::open(&dir).map_err(unproved)?;
    if let Some(old) = args.since {
        return write_json(&prover.continuation(old).map_err(unproved)?, None);
    }
    let note = prover.checkpoint();
    if args.to.is_empty() && args.git.is_none() {
        return write_text(&note.to_string(), None);
    }
    let mut first = None;
    let mut out = io::stdout().lock();
    for path in &args.to {
        let path = if path.is_dir() {
            publish::to_folder(note, path)
        } else {
            publish::to_file(note, path).map(|()| path.clone())
        };
        let path = path.map_err(unpublished)?;
        finished(writeln!(out, "{}", path.display()))?;
        first.get_or_insert(path);
    }
    if let Some(repository) = &args.git {
        let path = publish::to_git(note, repository).map_err(unpublished)?;
        finished(writeln!(out, "{}", path.display()))?;
    }
    if let (Some(url), Some(path)) = (&args.tsa, first) {
        let stamp = stamped(note, url, &path)?;
        finished(writeln!(out, "{}", stamp.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Question and answer beside the checkpoint; gives the answer's file.
fn stamped(note: &SignedNote, url: &str, beside: &Path) -> Result<PathBuf, Failure> {
    let failed = |what: String| Failure::new(Kind::Enforcement, format!("{url}: {what}"));
    let text = note.to_string();
    let question = Question::about(text.as_bytes()).map_err(unreadable)?;
    let answer = palisade_session::time_stamp(url, question.der(), ANSWER_MAX).map_err(failed)?;
    question.answered(&answer).map_err(|error| failed(error.to_string()))?;
    let file = |end: &str| {
        let mut name = beside.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let (asked, stamp) = (file(".tsq"), file(".tsr"));
    fs::write(&asked, question.der())
        .and_then(|()| fs::write(&stamp, &answer))
        .map_err(|error| failed(format!("{}: {error}", stamp.display())))?;
    Ok(stamp)
}

pub(super) fn witness(args: &WitnessArgs) -> Result<ExitCode, Failure> {
    let witness = Witness::open(&args.state, Some(&args.name)).map_err(unwitnessed)?;
    if args.show_key {
        return write_text(&format!("{}\n", witness.key()), None);
    }
    let Some(from) = &args.from else {
        return Err(Failure::new(Kind::Usage, "give what is to be witnessed"));
    };
    let trust = args.trust.as_deref().map(key_in).transpose()?;
    let shown: Continuation = if from.is_dir() {
        let prover = Prover::open(from).map_err(unproved)?;
        let origin =
            prover.checkpoint().checkpoint().map_err(|error| unproved(error.into()))?.origin;
        let seen = witness.seen(&origin).map_err(unwitnessed)?;
        prover.continuation(seen.map_or(0, |seen| seen.size)).map_err(unproved)?
    } else {
        json_in(from, "continuation (palisade audit checkpoint --since)")?
    };
    let note = witness.cosign(&shown, trust.as_ref()).map_err(unwitnessed)?;
    match &args.out {
        None => write_text(&note.to_string(), None),
        Some(file) => {
            publish::to_file(&note, file).map_err(unpublished)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Checkpoints that were kept elsewhere; a witness's signature on each if its key was given.
pub(super) fn seen(files: &[PathBuf], witness: Option<&Path>) -> Result<Vec<Checkpoint>, Failure> {
    let witness = witness.map(|file| named_key(file, Use::Witness)).transpose()?;
    let mut checkpoints = Vec::new();
    for file in files {
        let bad = |what: String| Failure::new(Kind::Denied, format!("{}: {what}", file.display()));
        let note: SignedNote = text_in(file)?.parse().map_err(|e| bad(format!("{e}")))?;
        if let Some(witness) = &witness {
            witness.check(&note).map_err(|error| bad(error.to_string()))?;
        }
        checkpoints.push(note.checkpoint().map_err(|error| bad(error.to_string()))?);
    }
    Ok(checkpoints)
}

fn unpublished(error: PublishError) -> Failure {
    let kind = match error {
        PublishError::Another { .. } => Kind::Denied,
        _ => Kind::Enforcement,
    };
    Failure::new(kind, error.to_string())
}

fn unwitnessed(error: WitnessError) -> Failure {
    match error {
        WitnessError::Journal(error) => unreadable(error),
        WitnessError::Name => Failure::new(Kind::Usage, error.to_string()),
        WitnessError::Unknown(_) => {
            Failure::new(Kind::Denied, error.to_string()).remedy("--trust FILE")
        }
        WitnessError::Elsewhere { seen, .. } => Failure::new(Kind::Denied, error.to_string())
            .remedy(format!("palisade audit checkpoint --since {seen}")),
        other => Failure::new(Kind::Denied, other.to_string()),
    }
}
