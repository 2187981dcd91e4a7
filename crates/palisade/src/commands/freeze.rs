use std::process::ExitCode;

use palisade_session::running;

use crate::{failure::Failure, operator::state_dir};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A session, its beginning, or its name.
    #[arg(value_name = "SESSION")]
    which: String,
}

/// `palisade freeze` and `palisade thaw`.
pub(crate) fn run(args: &Args, stop: bool) -> Result<ExitCode, Failure> {
    running::freeze(&state_dir()?, &args.which, stop).map_err(Failure::denied)?;
    Ok(ExitCode::SUCCESS)
}
