use std::{path::PathBuf, process::ExitCode};

use palisade_workspace::{Choice, Chosen, Left, Overlay, quoted};

use super::{
    Target,
    acts::Acts,
    ask, beneath, bytes, failure, open, state_dir,
    summary::{self, count_of},
};
use crate::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Take sensitive files too, without a second question.
    #[arg(long)]
    sensitive: bool,
    /// Leave out what cannot be applied, and take the rest.
    #[arg(long)]
    skip: bool,
    /// Write also over what the host changed since the sandbox was started.
    #[arg(long)]
    overwrite: bool,
    /// Only what is at these paths or below them, from the workspace's root.
    #[arg(last = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let state_dir = state_dir()?;
    let overlay = open(&state_dir, &args.target)?;
    let paths = beneath(&overlay, args.paths)?;
    let changes = overlay.changes().map_err(failure)?;
    if changes.is_empty() {
        println!("{} has all of it already", quoted(&overlay.record().workspace));
        overlay.discard().map_err(failure)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut choice = Choice { paths, sensitive: args.sensitive, overwrite: args.overwrite };
    let mut chosen = choice.of(&changes);
    if let Some(path) = chosen.unmatched.first() {
        return Err(Failure::new(Kind::Usage, format!("nothing was changed at {}", quoted(path)))
            .remedy("palisade workspace diff"));
    }
    let wanted = chosen.take.iter().copied().chain(chosen.left.iter().map(|(change, _)| *change));
    eprint!("{}", summary::of_wanted(wanted));
    let mut declined = false;
    if !args.yes && has_sensitive(&chosen) {
        choice.sensitive = ask("Take the sensitive ones too?")?;
        declined = !choice.sensitive;
        chosen = choice.of(&changes);
    }
    eprint!("{}", summary::of_left(&chosen.left));
    let blocking = chosen.left.iter().any(|(_, why)| !(declined && *why == Left::Sensitive));
    if blocking && !args.skip {
        return Err(refusal(&chosen));
    }
    if chosen.take.is_empty() {
        return Err(Failure::new(Kind::Denied, "nothing of this can be applied"));
    }
    let question =
        format!("Apply {} changes to {}?", chosen.take.len(), quoted(&overlay.record().workspace));
    if !args.yes && !ask(&question)? {
        return Err(Failure::new(Kind::Denied, "nothing was applied"));
    }
    take(&state_dir, overlay, &chosen)
}

fn take(
    state_dir: &std::path::Path,
    overlay: Overlay,
    chosen: &Chosen<'_>,
) -> Result<ExitCode, Failure> {
    let record = overlay.record().clone();
    let acts = Acts::open(state_dir, &record)?;
    acts.begin("workspace_apply", &record, chosen.take.len())?;
    let applied = overlay.apply(&chosen.take, &mut |step| acts.step(step));
    let changes = applied.as_ref().map(|applied| applied.changes).map_err(Clone::clone);
    let ended = acts.end("workspace_applied", &record, &changes);
    let applied = applied.map_err(failure)?;
    ended?;
    println!(
        "applied {} ({}) to {}",
        count_of(usize::try_from(applied.changes).unwrap_or(usize::MAX)),
        bytes(applied.bytes),
        quoted(&record.workspace)
    );
    let left = overlay.changes().map_err(failure)?.len();
    if left == 0 {
        overlay.discard().map_err(failure)?;
    } else {
        println!("still in the overlay {}: {}", record.session, count_of(left));
    }
    Ok(ExitCode::SUCCESS)
}

fn has_sensitive(chosen: &Chosen<'_>) -> bool {
    chosen.left.iter().any(|(_, why)| *why == Left::Sensitive)
}

fn refusal(chosen: &Chosen<'_>) -> Failure {
    let what = format!("nothing was applied, because of {} left out", count_of(chosen.left.len()));
    let mut remedies = vec!["--skip to take the rest"];
    if has_sensitive(chosen) {
        remedies.push("--sensitive to take what the host runs by itself");
    }
    if chosen.left.iter().any(|(_, why)| matches!(why, Left::Conflict(_))) {
        remedies.push("--overwrite to write over what the host changed");
    }
    Failure::new(Kind::Denied, what).remedy(remedies.join(", "))
}
