use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    Cli,
    failure::{Failure, Kind},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: palisade completions bash > \
    ~/.local/share/bash-completion/completions/palisade")]
pub(crate) struct Args {
    /// The shell that is to complete.
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "palisade", &mut script);
    match io::stdout().lock().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Enforcement, format!("standard output: {error}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
