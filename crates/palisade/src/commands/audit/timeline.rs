use std::process::ExitCode;

use palisade_audit::{session, timeline};

use super::{print_lines, state_dir, unanswered};
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The session's id, the beginning of it, or its name.
    #[arg(value_name = "SESSION")]
    session: String,
    /// A page with a drawing, which needs no other file and no script.
    #[arg(long)]
    html: bool,
    /// How many of the newest rows to show; events of the same that follow each other are one.
    #[arg(long, value_name = "COUNT", default_value_t = 2000,
        value_parser = clap::value_parser!(u32).range(1..=20_000))]
    limit: u32,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let id = session::find(&state, &args.session).map_err(unanswered)?;
    let most = usize::try_from(args.limit).unwrap_or(timeline::MOST);
    let timeline = timeline::of(&state, &id, most).map_err(unanswered)?;
    if args.html {
        return crate::print::text(&(timeline::page(&timeline) + "\n"));
    }
    print_lines(timeline::lines(&timeline))?;
    Ok(ExitCode::SUCCESS)
}
