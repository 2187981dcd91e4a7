use std::{
    io::{self, Write},
    process::ExitCode,
};

use palisade_selftest::Targets;

use super::hostile::PERMITTED;
use crate::failure::{Failure, Kind};

/// The hostile program of `demo` and `selftest`, which start it inside a sandbox.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Make every attempt, then do what is permitted; print one JSON object a line, the latter behind a `+`.
///
/// What to aim at comes as JSON on standard input, so that it stands in no argument.
pub(crate) fn run(_args: &Args) -> Result<ExitCode, Failure> {
    let targets: Targets = serde_json::from_reader(io::stdin().lock()).map_err(|error| {
        Failure::new(Kind::Usage, format!("the targets cannot be read: {error}"))
    })?;
    let mut out = io::stdout().lock();
    let attempts = palisade_selftest::run(&targets).map(|report| ("", report));
    let permitted = palisade_selftest::run_permitted(&targets).map(|report| (PERMITTED, report));
    for (mark, report) in attempts.chain(permitted) {
        let written = serde_json::to_string(&report)
            .map_err(io::Error::from)
            .and_then(|line| writeln!(out, "{mark}{line}"));
        written.map_err(|error| {
            Failure::new(Kind::Enforcement, format!("a report cannot be written: {error}"))
        })?;
    }
    Ok(ExitCode::SUCCESS)
}
