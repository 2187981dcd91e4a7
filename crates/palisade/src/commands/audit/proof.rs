//! Proofs of single records, and keys.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_audit::session;
use palisade_journal::{
    KeyHolder,
    note::{NamedKey, Use},
    proof::{Proof, ProofError, Prover},
};

use super::{finished, print, show::event, state_dir, unanswered, unreadable};
use crate::failure::{Failure, Kind};

/// Bytes of a proof or a key that are read.
const MOST: u64 = 256 << 20;

#[derive(Debug, clap::Args)]
pub(crate) struct ProveArgs {
    /// The records, each as SESSION:NUMBER: the session's id (or its beginning, or its name), a colon, the record's number.
    #[arg(required = true, value_name = "EVENT", value_parser = event)]
    events: Vec<(String, u64)>,
    /// A state folder, or a journal's own; by default the state folder in use.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Where the proof goes; by default standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyCommand {
    /// The key that verifiers are to get, by another way than the journal's. Newer ones with --all.
    #[command(after_help = "Example: palisade audit key show > journal-key.txt")]
    Show {
        /// A state folder, or a journal's own; by default the state folder in use.
        dir: Option<PathBuf>,
        /// Every key, the oldest first, with the entry of the ledger that named it.
        #[arg(long)]
        all: bool,
    },
    /// Let another key sign from now on, and destroy the one before.
    #[command(after_help = "Example: palisade audit key rotate")]
    Rotate,
    /// Enter that a key was stolen, and let another sign. Verifiers are to get the new one.
    #[command(
        after_help = "Example: palisade audit key revoke --key old.txt --since 120 --reason 'the host was broken into'"
    )]
    Revoke {
        /// The key's file, as `palisade audit key show` gave it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The last entry of the ledger that the key is still believed for.
        #[arg(long, value_name = "ENTRY")]
        since: u64,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(super) fn prove(args: &ProveArgs) -> Result<ExitCode, Failure> {
    let dir = args.dir.clone().map_or_else(state_dir, Ok)?;
    let mut events = Vec::new();
    for (wanted, seq) in &args.events {
        events.push((session::find(&dir, wanted).map_err(unanswered)?, *seq));
    }
    let proof = Prover::open(&dir).and_then(|p| p.prove(&events)).map_err(unproved)?;
    write_json(&proof, args.out.as_deref())
}

pub(super) fn check(file: &Path, key: &NamedKey, json: bool) -> Result<ExitCode, Failure> {
    let proof: Proof = json_in(file, "proof")?;
    let records = proof.verify(key).map_err(unproved)?;
    let checkpoint = proof.signed.checkpoint.checkpoint();
    if print(&records, json)? && !json {
        let size = checkpoint.map_or(0, |checkpoint| checkpoint.size);
        let many = records.len();
        finished(writeln!(
            io::stdout(),
            "proved: {many} records, by a checkpoint of {size} entries"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn key(command: &KeyCommand) -> Result<ExitCode, Failure> {
    match command {
        KeyCommand::Show { dir, all } => {
            let dir = dir.clone().map_or_else(state_dir, Ok)?;
            let keys = Prover::open(&dir).map_err(unproved)?.keys();
            let mut out = io::stdout().lock();
            let many = if *all { keys.len() } else { 1 };
            for (seq, key) in keys.into_iter().take(many) {
                let line =
                    if *all { writeln!(out, "{seq:>8}  {key}") } else { writeln!(out, "{key}") };
                if !finished(line)? {
                    break;
                }
            }
        }
        KeyCommand::Rotate => {
            told(
                KeyHolder::open(&state_dir()?)
                    .and_then(|keys| keys.rotate())
                    .map_err(unreadable)?,
            )?;
        }
        KeyCommand::Revoke { key, since, reason } => {
            let key = key_in(key)?;
            let keys = KeyHolder::open(&state_dir()?).map_err(unreadable)?;
            told(keys.revoke(key.key, *since, reason).map_err(unreadable)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(key: Option<NamedKey>) -> Result<bool, Failure> {
    key.map_or(Ok(true), |key| finished(writeln!(io::stdout(), "{key}")))
}

/// The log's key in a file.
pub(super) fn key_in(file: &Path) -> Result<NamedKey, Failure> {
    named_key(file, Use::Log)
}

pub(super) fn named_key(file: &Path, used: Use) -> Result<NamedKey, Failure> {
    let usage = |what: String| Failure::new(Kind::Usage, format!("{}: {what}", file.display()));
    let text = text_in(file)?;
    let key: NamedKey = text.parse().map_err(|e| usage(format!("{e}")))?;
    if key.used == used {
        return Ok(key);
    }
    Err(usage(match used {
        Use::Witness => "it is a journal's key, not a witness's".into(),
        _ => "it is a witness's key, not a journal's".into(),
    }))
}

pub(super) fn text_in(file: &Path) -> Result<String, Failure> {
    let usage = |what: String| Failure::new(Kind::Usage, format!("{}: {what}", file.display()));
    // What a device or a pipe has says no length.
    let open = fs::File::open(file).map_err(|error| usage(error.to_string()))?;
    let (mut text, mut open) = (Vec::new(), open.take(MOST + 1));
    open.read_to_end(&mut text).map_err(|error| usage(error.to_string()))?;
    if open.limit() == 0 {
        return Err(usage("it is too long".into()));
    }
    String::from_utf8(text).map_err(|_| usage("it is no text".into()))
}

pub(super) fn json_in<T: serde::de::DeserializeOwned>(
    file: &Path,
    what: &str,
) -> Result<T, Failure> {
    serde_json::from_str(&text_in(file)?).map_err(|error| {
        Failure::new(Kind::Denied, format!("{} is no {what}: {error}", file.display()))
    })
}

pub(super) fn write_json(
    value: &impl serde::Serialize,
    file: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::new(Kind::Enforcement, error.to_string()))?;
    write_text(&format!("{text}\n"), file)
}

pub(super) fn write_text(text: &str, file: Option<&Path>) -> Result<ExitCode, Failure> {
    match file {
        None => finished(io::stdout().write_all(text.as_bytes())).map(|_| ()),
        Some(file) => fs::write(file, text).map_err(|error| {
            Failure::new(Kind::Enforcement, format!("{}: {error}", file.display()))
        }),
    }?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn unproved(error: ProofError) -> Failure {
    match error {
        ProofError::Journal(error) => unreadable(error),
        ProofError::NoRecord { .. } => Failure::new(Kind::Usage, error.to_string()),
        ProofError::Damaged(_) => {
            Failure::new(Kind::Denied, error.to_string()).remedy("palisade audit verify")
        }
        other => Failure::new(Kind::Denied, other.to_string()),
    }
}
