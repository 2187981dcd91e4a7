use std::process::ExitCode;

use palisade_audit::index::{Index, index_path};

use super::{print_lines, state_dir, unanswered};
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Make it anew from the journal.
    #[arg(long)]
    rebuild: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let index = if args.rebuild { Index::rebuild(&state) } else { Index::open(&state) };
    let mut tell = |bytes: u64| {
        crate::print::note(&format!("palisade: the index takes in {} MB", bytes >> 20));
    };
    let updated = index.and_then(|mut index| index.update(&mut tell)).map_err(unanswered)?;
    let path = index_path(&state);
    print_lines([format!("{} events added to {}", updated.events, path.display())])?;
    Ok(ExitCode::SUCCESS)
}
