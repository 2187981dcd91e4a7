use std::{ffi::OsString, process::ExitCode};

use palisade_session::running;

use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  palisade exec build -- ps aux     what runs in the sandbox `build`
  palisade exec s-1f0c -- bash      a shell in it, on a terminal of its own

The command is confined like the agent: the same files, network, system calls and limits, and the
same environment. It is in the journal as `exec`. It ends with the sandbox, and gets SIGHUP
when this one ends.

Exit code: the command's own; 128 and the number of the signal that ended it; 125 if it was not
started; 126 if it cannot be executed; 127 if it is not found in the sandbox.")]
pub(crate) struct Args {
    /// A session, its beginning, or its name.
    #[arg(value_name = "SESSION")]
    which: String,
    /// The command and its arguments, behind `--`.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    let state = state_dir().map_err(|failure| failure.of_kind(Kind::Refused))?;
    Ok(running::exec(&state, &args.which, args.command)?.into())
}
