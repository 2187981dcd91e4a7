use std::process::ExitCode;

use palisade_skill_store::{
    Lock, SkillName, Store, Tree, difference,
    source::{self, Asked},
};

use super::{add, bundle, failure, model, of_lock, taken};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name in the lock.
    #[arg(value_name = "NAME")]
    name: SkillName,
    /// Another commit, branch or tag of the repository. Without: what the repository has as its own.
    #[arg(long, value_name = "COMMIT")]
    at: Option<String>,
    #[command(flatten)]
    answer: add::Answer,
    #[command(flatten)]
    model: model::AskModel,
    #[command(flatten)]
    bundles: bundle::Bundles,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let lock = Lock::read(&state).map_err(failure)?;
    let locked = of_lock(&lock, &args.name)?;
    let (mut asked, folder) = source::again(&locked.source);
    match (&mut asked, &args.at) {
        (Asked::Git { at, .. }, Some(wanted)) => *at = Some(wanted.clone()),
        (_, Some(_)) => return Err(Failure::new(Kind::Usage, "its source is no repository")),
        (_, None) => {}
    }
    let taken = taken::get(&asked, &folder, Some(args.name.clone()), args.model.to_ask()?)?;
    let bundles = args.bundles.verified(&taken)?;
    if (bundles.is_empty() || bundles == locked.bundles)
        && taken.digest() == locked.digest
        && locked.scan.as_ref() == Some(&taken.scan)
    {
        return print::text(&format!("{} is what it was: {}\n", args.name, locked.digest));
    }
    let store = Store::in_state(&state);
    // Without the old one all of the new one is new.
    let old = store.get(&locked.digest).unwrap_or_else(|error| {
        print::note(&format!("palisade: {error}"));
        Tree::default()
    });
    print::text(&difference((&old, locked.scan.as_ref()), (&taken.tree, &taken.scan)))?;
    let review = args.answer.settle(&taken, "Update")?;
    add::keep(&state, taken, review, add::Signed { bundles, ..add::Signed::default() })
}
