use std::{path::PathBuf, process::ExitCode};

use palisade_skill_store::{Digest, Lock, Locked, Review, SkillName, Store};

use super::{ask, failure, now, operator_name, sign, taken};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where it is: a folder.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The name that agents see. Without: its folder's.
    #[arg(long, value_name = "NAME")]
    name: Option<SkillName>,
    /// Ask nothing.
    #[arg(short, long)]
    yes: bool,
    /// Take it if it has this digest, whatever the scanner says, and record that you approve it.
    #[arg(long, value_name = "DIGEST")]
    accept: Option<Digest>,
    /// A publisher's signature of it, in minisign's format. Can be given for each.
    #[arg(long, value_name = "FILE")]
    signature: Vec<PathBuf>,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let signatures = args.signature.iter().map(|path| sign::read_signature(path));
    let signatures = signatures.collect::<Result<_, _>>()?;
    let taken = taken::take(&args.source, args.name)?;
    let digest = taken.digest();
    let name = &taken.name;
    let known = Lock::read(&state).map_err(failure)?;
    if known.skills.get(name).is_some_and(|locked| locked.digest == digest) && args.accept.is_none()
    {
        return print::text(&format!("{name} is in the lock already: {digest}\n"));
    }
    if known.skills.get(name).is_some_and(|locked| locked.digest != digest) {
        let what = format!("the lock has another skill {name}");
        let remedy = format!("palisade skill update {name}, or --name for another name");
        return Err(Failure::new(Kind::Denied, what).remedy(remedy));
    }
    if let Some(accepted) = args.accept.filter(|accepted| *accepted != digest) {
        let what = format!("{name} is {digest}, and you accept {accepted}");
        return Err(Failure::new(Kind::Denied, what).remedy("look at what it is now"));
    }
    print::note(&format!(
        "{name}: {} files and links, {} bytes\n{digest}",
        taken.tree.len(),
        taken.tree.bytes()
    ));
    if !args.yes && args.accept.is_none() {
        let otherwise = format!("--yes, or --accept {digest}");
        if !ask(&format!("Take {name}?"), &otherwise)? {
            return Err(Failure::new(Kind::Denied, format!("{name} was not taken")));
        }
    }
    Store::in_state(&state).keep(&taken.tree).map_err(failure)?;
    let review = args.accept.map(|digest| Review {
        by: operator_name(),
        at: now(),
        digest,
        approved: true,
        comment: String::new(),
    });
    let locked =
        Locked { digest, source: taken.source, added: now(), scan: None, review, signatures };
    let changed = Lock::change(&state, |lock| {
        lock.skills.insert(taken.name.clone(), locked);
        Ok(())
    });
    changed.map_err(failure)?;
    print::text(&format!("{name} {digest}\n"))
}
