//! What is different between two policies.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_policy::{Change, Direction, Policy, check_file_for, check_text, compare, profile};

use super::{invalid, line, the_operator};
use crate::{
    failure::{Failure, Kind},
    print::{self, json_line},
};

const MIB: u64 = 1 << 20;

pub(super) const HELP: &str = "\
Examples:
  palisade policy diff old.yaml palisade.yaml
  palisade policy diff claude-code palisade.yaml   what a policy adds to a profile, and takes from it
  git show HEAD:palisade.yaml | palisade policy diff - palisade.yaml\n
+ it permits more, - it permits less, ~ it is to be read. Both are compared as they are by themselves, with what they\n\
extend, for the folder that this is started in. Exit code: 0 they mean the same, 1 they do not, or one is not valid, 2 usage.";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A policy, `-` for standard input, or the name of a built-in profile.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The same, for what takes its place.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// One JSON object a difference.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let changes = compare(&old, &new);
    let mut out = String::new();
    for change in &changes {
        match args.json {
            true => json_line(&mut out, change),
            false => told(&mut out, change),
        }
    }
    if changes.is_empty() && !args.json {
        out.push_str("They mean the same.\n");
    }
    print::text(&out)?;
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn told(out: &mut String, change: &Change) {
    let sign = match change.direction {
        Direction::Wider => '+',
        Direction::Narrower => '-',
        _ => '~',
    };
    let text = match (&change.old, &change.new) {
        (Some(old), Some(new)) => format!("{new}\n{:4}before: {old}", ""),
        (Some(old), None) => format!("no longer: {old}"),
        (None, Some(new)) => new.clone(),
        (None, None) => "is another one; see `palisade policy explain`".to_owned(),
    };
    for (at, text) in text.split('\n').enumerate() {
        match at {
            0 => line(out, format_args!("{sign} {}: {text}", change.rule)),
            _ => line(out, format_args!("{text}")),
        }
    }
}

/// A policy by itself, for the folder that this is started in.
fn read(named: &Path) -> Result<Policy, Failure> {
    let operator = the_operator()?;
    let (here, name) = (&operator.directory, named.display().to_string());
    let path = here.join(named);
    let of_text = |text: &str| check_text(&name, text, here, here, &operator.home);
    let policy = match profile(&name).filter(|_| !path.exists()) {
        Some(found) => of_text(&format!("palisade: 1\nextends: [{}]\n", found.name)),
        None if name == "-" => of_text(&piped()?),
        None => check_file_for(&path, here, &operator.home),
    };
    policy.map_err(invalid)
}

fn piped() -> Result<String, Failure> {
    let mut text = String::new();
    // More than any policy has is refused by who reads it.
    std::io::stdin().lock().take(2 * MIB).read_to_string(&mut text).map_err(|error| {
        Failure::new(Kind::Denied, format!("standard input: {error}"))
            .remedy("give it a policy, as `git show HEAD:palisade.yaml` prints one")
    })?;
    Ok(text)
}
