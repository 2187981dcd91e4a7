use std::{process::ExitCode, thread, time::Duration};

use palisade_journal::tail::Tail;

use super::{print, state_dir, unreadable};
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many of the newest records to show first.
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    lines: usize,
    /// Go on as records come.
    #[arg(short, long)]
    follow: bool,
    /// Only the session of this id or name.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let dir = state_dir()?;
    let (mut tail, newest) =
        Tail::open(&dir, args.session.as_deref(), args.lines).map_err(unreadable)?;
    if !print(&newest, args.json)? {
        return Ok(ExitCode::SUCCESS);
    }
    if args.follow {
        loop {
            thread::sleep(Duration::from_millis(200));
            if !print(&tail.poll().map_err(unreadable)?, args.json)? {
                break;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
