use std::process::ExitCode;

use palisade_session::running;

use crate::{failure::Failure, operator::state_dir, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: palisade kill build\n\n\
    The command gets SIGTERM, and five seconds later the sandbox is gone with all in it.\n\
    Exit code: 0 it has ended, 1 it has not, or there is no such sandbox.")]
pub(crate) struct Args {
    /// A session, its beginning, or its name.
    #[arg(value_name = "SESSION")]
    which: String,
    /// Kill its supervisor, and the kernel ends the rest at once. The journal then has no end
    /// until `palisade audit recover`.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let entry = running::end(&state_dir()?, &args.which, args.force).map_err(Failure::denied)?;
    if args.force {
        print::note(&format!(
            "palisade: killed; palisade audit recover {} enters its end",
            entry.session
        ));
    }
    Ok(ExitCode::SUCCESS)
}
