use std::{path::Path, process::ExitCode, time::Duration};

use palisade_audit::{index, session};
use palisade_core::SessionId;
use palisade_journal::{
    Timestamp, escaped,
    keep::{self, Erased, Options, Retention, Skipped, Tidied},
};
use serde_json::json;

use super::{print_lines, state_dir, unanswered, unreadable};
use crate::failure::{Failure, Kind};

/// Which sessions a hold is on.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false, id = "whose")]
struct Whose {
    /// The session's id, the beginning of it, or its name.
    #[arg(value_name = "SESSION")]
    session: Option<String>,
    /// All sessions, those that are to come as well.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct HoldArgs {
    #[command(flatten)]
    whose: Whose,
    /// Why. It is in the ledger, under its signature.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct HoldsArgs {
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct PruneArgs {
    /// How long records are kept of sessions whose policy said nothing of it, such as `365d`.
    #[arg(long, value_name = "TIME", value_parser = span)]
    retain: Option<Duration>,
    /// Only this session: its id, the beginning of it, or its name.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    dry_run: bool,
    /// An object a session.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct EraseArgs {
    /// The session's id, the beginning of it, or its name.
    #[arg(value_name = "SESSION")]
    session: String,
    /// Why. It is in the ledger, under its signature.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) fn hold(args: &HoldArgs) -> Result<ExitCode, Failure> {
    let (state, session) = whose(&args.whose)?;
    keep::hold(&state, session.as_ref(), &args.reason).map_err(unreadable)?;
    let what = session.map_or_else(|| "all sessions".to_owned(), |id| format!("session {id}"));
    print_lines([format!("nothing of {what} is removed until palisade audit release")])?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn release(args: &HoldArgs) -> Result<ExitCode, Failure> {
    let (state, session) = whose(&args.whose)?;
    let holds = keep::holds(&state).map_err(unreadable)?;
    let (held, what) = match &session {
        Some(id) => (holds.sessions.contains_key(id), format!("session {id}")),
        None => (holds.all.is_some(), "all sessions".to_owned()),
    };
    if !held {
        return Err(Failure::new(Kind::Usage, format!("there is no hold on {what}"))
            .remedy("palisade audit holds, which shows those that there are"));
    }
    keep::release(&state, session.as_ref(), &args.reason).map_err(unreadable)?;
    let holds = keep::holds(&state).map_err(unreadable)?;
    let still = session
        .and(holds.all)
        .map(|why| format!("note: a hold on all sessions is still there ({})", escaped(&why)));
    print_lines([format!("the hold on {what} is over")].into_iter().chain(still))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn holds(args: &HoldsArgs) -> Result<ExitCode, Failure> {
    let holds = keep::holds(&state_dir()?).map_err(unreadable)?;
    if args.json {
        print_lines([json!({ "all": holds.all, "sessions": holds.sessions }).to_string()])?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = holds.all.map(|why| format!("all sessions  {}", escaped(&why)));
    let each = holds.sessions.iter().map(|(id, why)| format!("{id}  {}", escaped(why)));
    print_lines(all.into_iter().chain(each))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn prune(args: &PruneArgs) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let wanted = args.session.as_deref();
    let only = wanted.map(|it| session::find(&state, it)).transpose().map_err(unanswered)?;
    if only.is_none() && !args.dry_run {
        keep::end_dead(&state).map_err(unreadable)?;
    }
    let otherwise = match args.retain {
        Some(span) => Retention::default().with("default", span.as_secs()),
        None => Retention::default(),
    };
    let options = Options { now: Timestamp::now(), otherwise, only, dry: args.dry_run };
    let tidied = keep::tidy(&state, &options).map_err(unreadable)?;
    if tidied.busy {
        return Err(Failure::new(Kind::Enforcement, "another process is removing records")
            .remedy("try again when it has ended"));
    }
    let dropped = tidied.sessions.iter().any(|one| one.dropped > 0);
    if dropped && !args.dry_run {
        forget(&state)?;
    }
    print_lines(if args.json { objects(&tidied) } else { told(&tidied, args.dry_run) })?;
    let failed =
        |one: &keep::Tidy| matches!(one.skipped, Some(Skipped::Damaged(_) | Skipped::Failed(_)));
    Ok(if tidied.sessions.iter().any(failed) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The index has facts of records that are gone. It is made anew with the next question.
pub(super) fn forget(state: &Path) -> Result<(), Failure> {
    let path = index::index_path(state);
    index::remove(&path).map_err(|error| {
        let what = format!("{} still has facts of what was removed: {error}", path.display());
        Failure::new(Kind::Enforcement, what).remedy("remove it")
    })
}

fn objects(tidied: &Tidied) -> Vec<String> {
    let one = |one: &keep::Tidy| {
        json!({
            "session": one.session,
            "removed": one.dropped,
            "rule": one.rule,
            "bytes_before": one.bytes.0,
            "bytes_after": one.bytes.1,
            "kept_because": one.skipped.as_ref().map(why),
        })
        .to_string()
    };
    tidied.sessions.iter().map(one).collect()
}

fn told(tidied: &Tidied, dry: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let would = if dry { "would be removed" } else { "removed" };
    for one in &tidied.sessions {
        if one.dropped > 0 {
            lines.push(format!(
                "session {}: {} records {would} by {}",
                one.session, one.dropped, one.rule
            ));
        }
        if let Some(skipped) = &one.skipped {
            lines.push(format!("session {}: nothing is removed: {}", one.session, why(skipped)));
        }
    }
    let sum = |of: fn(&keep::Tidy) -> u64| {
        tidied.sessions.iter().fold(0_u64, |sum, one| sum.saturating_add(of(one)))
    };
    lines.push(format!(
        "{} records {would}, {} KiB before, {} KiB after",
        sum(|one| one.dropped),
        sum(|one| one.bytes.0) >> 10,
        sum(|one| one.bytes.1) >> 10
    ));
    lines
}

fn why(skipped: &Skipped) -> String {
    match skipped {
        Skipped::Held(why) => format!("a hold forbids it ({})", escaped(why)),
        Skipped::Damaged(what) => format!("it is damaged, and so it is evidence ({what})"),
        Skipped::Unsigned => "it is of a version before signatures".to_owned(),
        Skipped::Failed(error) => error.to_string(),
        _ => "it is not known why".to_owned(),
    }
}

pub(super) fn erase(args: &EraseArgs) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let id = session::find(&state, &args.session).map_err(unanswered)?;
    let destroy = || {
        palisade_recording::content::destroy(&state, id.as_str())?;
        let recording = state.join("recordings").join(format!("{id}.cast.sealed"));
        palisade_recording::destroy(&recording)
    };
    match keep::erase(&state, &id, &args.reason, destroy).map_err(unreadable)? {
        Erased::Done => {
            print_lines([format!(
                "the key and the content of session {id} are destroyed; its records are still there"
            )])?;
            Ok(ExitCode::SUCCESS)
        }
        Erased::Held(why) => {
            let what = format!("session {id} is under a hold ({})", escaped(&why));
            Err(Failure::new(Kind::Denied, what)
                .remedy("palisade audit release, if the hold is over"))
        }
        Erased::Failed(error) => {
            let what = format!("the content of session {id} could not be destroyed: {error}");
            Err(Failure::new(Kind::Enforcement, what))
        }
        _ => Err(Failure::new(Kind::Enforcement, "it is not known whether it was destroyed")),
    }
}

fn whose(whose: &Whose) -> Result<(std::path::PathBuf, Option<SessionId>), Failure> {
    let state = state_dir()?;
    let named = whose.session.as_deref();
    let id = named.map(|it| session::find(&state, it)).transpose().map_err(unanswered)?;
    Ok((state, id))
}

fn span(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is no time with its unit, such as 365d");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        Some("w") => 604_800,
        _ => return Err(bad()),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    number.map(Duration::from_secs).ok_or_else(bad)
}
