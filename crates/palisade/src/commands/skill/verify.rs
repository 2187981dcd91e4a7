use std::process::ExitCode;

use palisade_skill_store::{Lock, SkillName, Store};

use super::{failure, of_lock};
use crate::{failure::Failure, operator::state_dir, print};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Their names in the lock. Without: all.
    #[arg(value_name = "NAME")]
    names: Vec<SkillName>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let lock = Lock::read(&state).map_err(failure)?;
    let store = Store::in_state(&state);
    for name in &args.names {
        of_lock(&lock, name)?;
    }
    let (mut text, mut damaged) = (String::new(), false);
    for (name, locked) in &lock.skills {
        if !args.names.is_empty() && !args.names.contains(name) {
            continue;
        }
        match store.get(&locked.digest) {
            Ok(_) => text.push_str(&format!("{name}: as it was taken\n")),
            Err(error) => {
                damaged = true;
                text.push_str(&format!("{name}: {error}\n"));
            }
        }
    }
    print::text(&text)?;
    Ok(if damaged { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
