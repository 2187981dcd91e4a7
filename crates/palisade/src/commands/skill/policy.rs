use std::{fs, io::Read as _, path::PathBuf, process::ExitCode};

use palisade_core::SkillPolicy;
use palisade_skill_store::{Lock, SkillName};

use super::{ask, failure, of_lock, unknown};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

pub(super) const HELP: &str = "\
Examples:
  palisade skill policy pdf-tools                    what its programs may do at most
  palisade skill policy pdf-tools --set pdf.yaml     this, from now on
  palisade skill policy pdf-tools --clear            what the session's policy permits, as for everybody

The file is YAML, or JSON, as the section `skills.policies` of a policy has it:
  network: [{hosts: [api.example.com], ports: [443]}]
  credentials: [github]
  programs: [/usr/bin/git]
  models: false
It permits nothing by itself: what the session's policy does not permit is not permitted to the skill either. It counts for
sandboxes that are started from then on.

Exit code: 0 done, 1 not done, 2 usage, 3 it could not be done.";

/// Bytes of a policy that is read.
const MOST: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name in the lock.
    #[arg(value_name = "NAME")]
    name: SkillName,
    /// Write the policy of this file into the lock.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Take its policy out of the lock.
    #[arg(long, conflicts_with = "set")]
    clear: bool,
    /// Ask nothing.
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let lock = Lock::read(&state_dir()?).map_err(failure)?;
    let locked = of_lock(&lock, &args.name)?;
    let policy = match (&args.set, args.clear) {
        (None, false) => {
            let Some(policy) = &locked.policy else {
                print::note(&format!("{} has no policy of its own in the lock", args.name));
                return Ok(ExitCode::SUCCESS);
            };
            let mut text = String::new();
            print::json_line(&mut text, policy);
            return print::text(&text);
        }
        (Some(path), _) => Some(read(path)?),
        (None, true) => None,
    };
    write(std::slice::from_ref(&args.name), policy.as_ref(), args.yes)
}

/// Write it into the lock for these skills, once the operator has seen it.
pub(super) fn write(
    names: &[SkillName],
    policy: Option<&SkillPolicy>,
    yes: bool,
) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let lock = Lock::read(&state).map_err(failure)?;
    let told = |policy: Option<&SkillPolicy>| {
        policy.map_or_else(|| "what the session's policy permits".to_owned(), SkillPolicy::told)
    };
    for name in names {
        let before = of_lock(&lock, name)?.policy.as_ref();
        print::note(&format!(
            "{name} may do at most\n  now: {}\n  then: {}",
            told(before),
            told(policy)
        ));
    }
    if !yes && !ask("Write this into the lock?", "--yes, once you have read it")? {
        return Err(Failure::new(Kind::Denied, "the lock is as it was"));
    }
    Lock::change(&state, |lock| {
        for name in names {
            let locked = lock.skills.get_mut(name).ok_or_else(|| unknown(name))?;
            locked.policy = policy.cloned();
        }
        Ok::<_, Failure>(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &PathBuf) -> Result<SkillPolicy, Failure> {
    let at = |kind, error: &dyn std::fmt::Display| {
        Failure::new(kind, format!("{}: {error}", path.display()))
    };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| at(Kind::Usage, &error))?;
    file.take(MOST).read_to_string(&mut text).map_err(|error| at(Kind::Usage, &error))?;
    serde_saphyr::from_str(&text).map_err(|error| {
        // The lines behind it show the file once more.
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let said = palisade_core::shown(said, 1000);
        at(Kind::Usage, &said).remedy("`palisade skill policy --help` shows what such a file has")
    })
}
