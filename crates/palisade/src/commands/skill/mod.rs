//! `palisade skill`: skills, plugins and tool definitions, vetted before an agent sees them.

use std::process::ExitCode;

use clap::Subcommand;

mod rules;
mod scan;

use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what skills would make an agent do, and whether they may be loaded.
    #[command(after_help = scan::HELP)]
    Scan(scan::Args),
    /// List the rules: what each means, and what clears it.
    #[command(after_help = "Example: palisade skill rules")]
    Rules(rules::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::Scan(args) => scan::run(args),
        Command::Rules(args) => rules::run(args),
    }
}
