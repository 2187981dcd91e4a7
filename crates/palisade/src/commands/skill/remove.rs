use std::process::ExitCode;

use palisade_skill_store::{Lock, SkillName, Store, StoreError};

use super::{failure, unknown};
use crate::{failure::Failure, operator::state_dir, print};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Their names in the lock.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<SkillName>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let known = Lock::read(&state).map_err(failure)?;
    if let Some(missing) = args.names.iter().find(|name| !known.skills.contains_key(name)) {
        return Err(unknown(missing));
    }
    let store = Store::in_state(&state);
    let removed = Lock::change(&state, |lock| {
        let removed = args.names.iter().filter_map(|name| lock.skills.remove(name));
        let removed: Vec<_> = removed.collect();
        Ok::<_, StoreError>((removed, lock.clone()))
    });
    let (removed, lock) = removed.map_err(failure)?;
    for gone in removed {
        store.forget_unused(&gone, &lock).map_err(failure)?;
    }
    let names = args.names.iter().map(|name| format!("{name} is no longer in the lock\n"));
    print::text(&names.collect::<String>())
}
