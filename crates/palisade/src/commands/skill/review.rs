use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use palisade_skill_store::{Digest, Lock, Review, SkillName, Store, listing, page};

use super::{
    failure, model, now, of_lock, operator_name, unknown,
    view::{Answer, View},
};
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
    /// Write a page for a browser to this file, and ask nothing. It loads nothing and runs nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["approve", "deny"])]
    html: Option<PathBuf>,
    /// Approve it, if it has this digest.
    #[arg(long, value_name = "DIGEST", conflicts_with = "deny")]
    approve: Option<Digest>,
    /// Refuse it: it is in no sandbox from now on.
    #[arg(long)]
    deny: bool,
    /// What is kept beside the answer.
    #[arg(long, default_value = "")]
    comment: String,
    #[command(flatten)]
    model: model::AskModel,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let lock = Lock::read(&state).map_err(failure)?;
    let locked = of_lock(&lock, &args.name)?;
    let digest = locked.digest;
    if let Some(wanted) = args.approve.filter(|wanted| *wanted != digest) {
        let what = format!("{} is {digest}, and you approve {wanted}", args.name);
        return Err(Failure::new(Kind::Denied, what).remedy("look at what it is now"));
    }
    let tree = Store::in_state(&state).get(&digest).map_err(failure)?;
    let (report, scan) = model::vet(args.name.as_str(), &tree, args.model.to_ask()?)?;
    let unreviewed = report.model_review.as_ref().is_some_and(|review| !review.whole);
    let shown = if unreviewed { ExitCode::from(3) } else { ExitCode::SUCCESS };
    if let Some(path) = &args.html {
        let text = page(args.name.as_str(), &tree, &report);
        return match std::fs::write(path, text) {
            Ok(()) => Ok(shown),
            Err(error) => {
                Err(Failure::new(Kind::Enforcement, format!("{}: {error}", path.display())))
            }
        };
    }
    let mut comment = args.comment.clone();
    let approved = if args.approve.is_some() {
        true
    } else if args.deny {
        false
    } else {
        let listing = listing(&tree, &report);
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            print::text(&listing)?;
            print::text(&format!("{} {digest}\nverdict: {}\n", args.name, scan.verdict))?;
            for reason in &report.reasons {
                print::text(&format!("  {}\n", palisade_skill_store::visible(&reason.text)))?;
            }
            print::note("palisade: no terminal: `--approve DIGEST` or `--deny` is the answer");
            return Ok(shown);
        }
        let title = format!("{}  {}  {}", args.name, digest.short(), scan.verdict);
        let (answer, said) = View::new(title, &listing, comment).ask().map_err(|error| {
            Failure::new(Kind::Enforcement, format!("the terminal: {error}"))
                .remedy("--html FILE for a browser, or --approve DIGEST and --deny")
        })?;
        comment = said;
        match answer {
            Answer::Approve => true,
            Answer::Deny => false,
            Answer::Nothing => return Ok(ExitCode::SUCCESS),
        }
    };
    let review = Review { by: operator_name(), at: now(), digest, approved, comment };
    Lock::change(&state, |lock| {
        let Some(locked) = lock.skills.get_mut(&args.name) else { return Err(unknown(&args.name)) };
        if locked.digest != digest {
            return Err(Failure::new(Kind::Denied, "it was changed meanwhile"));
        }
        locked.review = Some(review);
        Ok(())
    })?;
    let word = if approved { "approved" } else { "refused" };
    print::text(&format!("{} {word}\n", args.name))
}
