//! Another policy for a sandbox that runs.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, SystemTime},
};

use palisade_session::running;

use crate::{failure::Failure, operator::state_dir, print};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A session, its beginning, or its name.
    #[arg(value_name = "SESSION")]
    which: String,
    /// The policy, as for `palisade run --policy`; by default what the sandbox was started with.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Stay, and put each change of the file in force; not for a file that the agent can write.
    #[arg(long, requires = "file")]
    watch: bool,
}

/// How often a watched file is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let file = args.file.as_deref();
    let once = || running::apply(&state, &args.which, file, args.watch).map_err(Failure::denied);
    let in_force = |(entry, digest): (running::Entry, String)| {
        print::text(&format!("{} is under policy {digest}\n", entry.session))
    };
    let Some(file) = file.filter(|_| args.watch) else { return in_force(once()?) };
    // The first must do; a bad one later is an edit that is not finished.
    let mut seen = stamp(file);
    in_force(once()?)?;
    loop {
        thread::sleep(LOOK);
        if running::find(&state, &args.which).is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        let now = stamp(file);
        if now == seen {
            continue;
        }
        seen = now;
        match once() {
            Ok(applied) => in_force(applied)?,
            Err(failure) => failure.report(),
        };
    }
}

/// What differs when a file was written or replaced; `None` where there is none.
fn stamp(file: &Path) -> Option<(u64, u64, u64, SystemTime)> {
    let found = file.metadata().ok()?;
    Some((found.dev(), found.ino(), found.len(), found.modified().ok()?))
}
