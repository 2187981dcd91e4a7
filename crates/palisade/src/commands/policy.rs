use std::process::ExitCode;

use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: Args) -> Result<ExitCode, Failure> {
    Err(Failure::new(Kind::Enforcement, "this command is not built yet"))
}
