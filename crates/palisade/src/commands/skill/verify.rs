use std::process::ExitCode;

use palisade_skill_store::{Lock, SkillName, Store, Trust};

use super::{failure, of_lock};
use crate::{
    failure::{Failure, Kind},
    operator::operator,
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Their names in the lock. Without: all.
    #[arg(value_name = "NAME")]
    names: Vec<SkillName>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let operator = operator()
        .map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))?;
    let state = operator.state_dir;
    let trust = Trust::read(&operator.config_dir, &state)
        .map_err(|error| Failure::new(Kind::Denied, error.to_string()))?;
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
            Ok(tree) => {
                let mut told = vec!["as it was taken".to_owned()];
                if let Some(why) = trust.revoked(&locked.digest, Some(&tree)) {
                    damaged = true;
                    told.push(format!("revoked, {why}"));
                }
                let signers = trust.signers(locked, &tree, &store);
                if !signers.is_empty() {
                    told.push(format!("signed by {}", signers.join(", ")));
                }
                if signers.len() < locked.signatures.len().saturating_add(locked.bundles.len()) {
                    told.push("signed by others, who are not trusted".to_owned());
                }
                text.push_str(&format!("{name}: {}\n", told.join("; ")));
            }
            Err(error) => {
                damaged = true;
                text.push_str(&format!("{name}: {error}\n"));
            }
        }
    }
    print::text(&text)?;
    Ok(if damaged { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
