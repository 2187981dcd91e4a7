use std::process::ExitCode;

use palisade_workspace::{Store, quoted};

use super::{Target, acts::Acts, ask, bytes, failure, open, state_dir};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state_dir = state_dir()?;
    let overlay = open(&state_dir, &args.target)?;
    let record = overlay.record().clone();
    let weight = match Store::find(&state_dir).map_err(failure)? {
        Some(store) => store.weight(&record.session).unwrap_or_default(),
        None => Default::default(),
    };
    let question = format!(
        "Throw away {} changed files ({}) of {}?",
        weight.files,
        bytes(weight.bytes),
        quoted(&record.workspace)
    );
    if !args.yes && !ask(&question)? {
        return Err(Failure::new(Kind::Denied, "nothing was thrown away"));
    }
    let acts = Acts::open(&state_dir, &record)?;
    acts.begin("workspace_discard", &record, usize::try_from(weight.files).unwrap_or(usize::MAX))?;
    let discarded = overlay.discard();
    let ended = acts.end(
        "workspace_discarded",
        &record,
        &discarded.as_ref().map(|()| weight.files).map_err(Clone::clone),
    );
    discarded.map_err(failure)?;
    ended?;
    println!("threw away the overlay {}", record.session);
    Ok(ExitCode::SUCCESS)
}
