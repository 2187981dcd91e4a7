use std::{path::PathBuf, process::ExitCode};

use palisade_skill_store::{Bundled, Digest, Lock, Locked, Review, SkillName, Store};

use super::{
    ask, bundle, failure, model, now, operator_name, sign,
    taken::{self, Taken},
};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    from: taken::From,
    /// The name that agents see. Without: its folder's.
    #[arg(long, value_name = "NAME")]
    name: Option<SkillName>,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    model: model::AskModel,
    /// A publisher's signature of it, in minisign's format. Can be given for each.
    #[arg(long, value_name = "FILE")]
    signature: Vec<PathBuf>,
    #[command(flatten)]
    bundles: bundle::Bundles,
}

/// The answer to the question whether it is taken.
#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    /// Ask nothing, unless the scanner calls it dangerous or could not read all of it.
    #[arg(short, long)]
    yes: bool,
    /// Take it if it has this digest, whatever the scanner says, and record that you approve it.
    #[arg(long, value_name = "DIGEST")]
    accept: Option<Digest>,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let signatures = args.signature.iter().map(|path| sign::read_signature(path));
    let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
    let taken = taken::take(&args.from, args.name, args.model.to_ask()?)?;
    let bundles = args.bundles.verified(&taken)?;
    let (name, digest) = (&taken.name, taken.digest());
    let lock = Lock::read(&state).map_err(failure)?;
    let nothing_new = args.answer.accept.is_none() && signatures.is_empty();
    match lock.skills.get(name) {
        Some(known)
            if nothing_new
                && known.digest == digest
                && known.scan.as_ref() == Some(&taken.scan)
                && (bundles.is_empty() || bundles == known.bundles) =>
        {
            return print::text(&format!("{name} is in the lock already: {digest}\n"));
        }
        Some(known) if known.digest != digest => {
            let what = format!("the lock has another skill {name}");
            let remedy = format!("palisade skill update {name}, or --name for another name");
            return Err(Failure::new(Kind::Denied, what).remedy(remedy));
        }
        _ => {}
    }
    let review = args.answer.settle(&taken, "Take")?;
    keep(&state, taken, review, Signed { signatures, bundles })
}

impl Answer {
    /// Tell what it is, and ask if nothing was said. The review that is to be recorded, if any.
    pub(super) fn settle(&self, taken: &Taken, verb: &str) -> Result<Option<Review>, Failure> {
        let (name, digest, scan) = (&taken.name, taken.digest(), &taken.scan);
        if let Some(accepted) = self.accept.filter(|accepted| *accepted != digest) {
            let what = format!("{name} is {digest}, and you accept {accepted}");
            return Err(Failure::new(Kind::Denied, what).remedy("look at what it is now"));
        }
        let (files, bytes) = (taken.tree.len(), taken.tree.bytes());
        print::note(&format!("{name}: {files} files and links, {bytes} bytes\n{digest}"));
        print::note(&format!("verdict: {}", scan.verdict));
        for reason in &taken.report.reasons {
            print::note(&format!("  {}", reason.text));
        }
        if let Some(digest) = self.accept {
            let (by, at) = (operator_name(), now());
            return Ok(Some(Review { by, at, digest, approved: true, comment: String::new() }));
        }
        let usual = matches!(scan.verdict.as_str(), "safe" | "caution");
        let accept = format!("--accept {digest}, once you have looked at it");
        if self.yes && !usual {
            let what = format!("{name} is not taken: the scanner says {}", scan.verdict);
            return Err(Failure::new(Kind::Denied, what).remedy(accept));
        }
        let otherwise = if usual { format!("--yes, or {accept}") } else { accept };
        if !self.yes && !ask(&format!("{verb} {name}?"), &otherwise)? {
            return Err(Failure::new(Kind::Denied, format!("{name} was not taken")));
        }
        Ok(None)
    }
}

/// What publishers have signed of it.
#[derive(Debug, Default)]
pub(super) struct Signed {
    pub(super) signatures: Vec<String>,
    pub(super) bundles: Vec<Bundled>,
}

/// Put it into the store and the lock, in the place of what has its name.
pub(super) fn keep(
    state: &std::path::Path,
    taken: Taken,
    review: Option<Review>,
    signed: Signed,
) -> Result<ExitCode, Failure> {
    let store = Store::in_state(state);
    let digest = store.keep(&taken.tree)?;
    let Taken { name, source, scan, archive, .. } = taken;
    // Without it nobody could verify the bundle again.
    if let Some(archive) =
        archive.filter(|_| signed.bundles.iter().any(|one| one.archive.is_some()))
    {
        store.keep_archive(&archive)?;
    }
    let Signed { signatures, bundles } = signed;
    let told = format!("{name} {digest}\n");
    let (added, scan) = (now(), Some(scan));
    let mut locked =
        Locked { digest, source, added, scan, review, policy: None, signatures, bundles };
    let before = Lock::change(state, |lock| {
        // What others of its bytes may do at most is what these may.
        locked.policy = lock.skills.get(&name).and_then(|known| known.policy.clone());
        Ok::<_, Failure>(lock.skills.insert(name, locked).map(|before| (before, lock.clone())))
    })?;
    if let Some((before, lock)) = before {
        store.forget_unused(&before, &lock)?;
    }
    print::text(&told)
}
