use std::{process::ExitCode, thread, time::Duration};

use palisade_journal::tail::Tail;
use palisade_session::running::Registry;

use super::audit::{print, unreadable};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
};

/// How often to look for more.
const EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: palisade logs build --follow\n\n\
    The same records as `palisade audit query --session SESSION`, which can filter them.")]
pub(crate) struct Args {
    /// A session or its name, running or not; of one that runs its beginning as well.
    #[arg(value_name = "SESSION")]
    which: String,
    /// Go on as records come, until the sandbox ends.
    #[arg(short, long)]
    follow: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let none = || {
        Failure::new(Kind::Denied, format!("no session is called {}", args.which.escape_debug()))
            .remedy("palisade ps lists those that run, palisade audit tail shows all")
    };
    if !state.is_dir() {
        return Err(none());
    }
    let mut running = is_running(&state, &args.which);
    let which = running.clone().unwrap_or_else(|| args.which.clone());
    let (mut tail, all) = Tail::open(&state, Some(&which), usize::MAX).map_err(unreadable)?;
    if all.is_empty() {
        return Err(none());
    }
    let mut reads = print(&all, args.json)?;
    while args.follow && reads && running.is_some() {
        thread::sleep(EVERY);
        // In this order: what it wrote last is seen when it is known to have ended.
        running = is_running(&state, &which);
        reads = print(&tail.poll().map_err(unreadable)?, args.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The session that runs under this id, beginning or name. Several of one name are followed by it.
fn is_running(state: &std::path::Path, which: &str) -> Option<String> {
    let running = Registry::open(state).ok()??.running().ok()?;
    let named = running.iter().filter(|entry| entry.name.as_deref() == Some(which)).count();
    if named > 0 {
        return Some(which.to_owned());
    }
    let mut found = running.iter().filter(|entry| entry.session.as_str().starts_with(which));
    match (found.next(), found.next()) {
        (Some(entry), None) => Some(entry.session.to_string()),
        _ => None,
    }
}
