//! `palisade approvals`: what waits for the operator, and the answers.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use palisade_core::SessionId;
use palisade_journal::escaped;
use palisade_session::running::{self, Entry, Pending, Registry, Scope};
use serde::Serialize;

use super::{place::Place, rules::Destinations};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print::{self, json_line},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what waits for an answer, in all of your running sandboxes.
    #[command(after_help = "Example: palisade approvals list --json")]
    List(ListArgs),
    /// Permit it.
    #[command(
        after_help = "Examples:\n  palisade approvals allow build/3             now, and for the next 15 seconds\n  \
        palisade approvals allow build/3 --session   as long as the sandbox runs\n  \
        palisade approvals allow build/3 --rule ci.yaml   for good\n\n\
        \
        Exit code: 0 it is answered, 1 there is no such question."
    )]
    Allow(AllowArgs),
    /// Deny it. Without an answer it is denied when the policy's `approvals.timeout` is over.
    #[command(after_help = "Example: palisade approvals deny build/3 --session\n\n\
        Exit code: 0 it is answered, 1 there is no such question.")]
    Deny(DenyArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct DenyArgs {
    /// The question, as the list has it: a session, its beginning or its name, and a number.
    #[arg(value_name = "SESSION/NUMBER", value_parser = question)]
    question: (String, u32),
    /// For all that want the same until the sandbox ends.
    #[arg(long)]
    session: bool,
}

#[derive(Debug, clap::Args)]
struct AllowArgs {
    /// The question, as the list has it: a session, its beginning or its name, and a number.
    #[arg(value_name = "SESSION/NUMBER", value_parser = question)]
    question: (String, u32),
    /// For all that want the same until the sandbox ends.
    #[arg(long)]
    session: bool,
    /// For good: also as a rule of this policy. The running sandbox has it until it ends.
    #[arg(long, value_name = "FILE", conflicts_with = "session")]
    rule: Option<PathBuf>,
}

/// A question with its sandbox, for `list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    session: &'a SessionId,
    name: Option<&'a str>,
    #[serde(flatten)]
    pending: &'a Pending,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Allow(args) => allow(args),
        Command::Deny(args) => {
            answer(&args.question, false, args.session).map(|_| ExitCode::SUCCESS)
        }
    }
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let mut out = String::new();
    if !args.json {
        out.push_str(&row("QUESTION", "LEFT", "WAITING", "WANTS"));
    }
    let registry = Registry::open(&state_dir()?).map_err(Failure::denied)?;
    if let Some(registry) = &registry {
        for entry in registry.running().map_err(Failure::denied)? {
            // One that is ending has nothing to ask any more.
            for pending in running::pending(registry, &entry).unwrap_or_default() {
                if args.json {
                    let (session, name) = (&entry.session, entry.name.as_deref());
                    json_line(&mut out, &Listed { session, name, pending: &pending });
                } else {
                    out.push_str(&shown(&entry, &pending));
                }
            }
        }
    }
    print::text(&out)
}

fn shown(entry: &Entry, pending: &Pending) -> String {
    let which = entry.name.as_deref().unwrap_or(entry.session.short());
    row(
        &format!("{which}/{}", pending.id),
        &format!("{} s", pending.seconds_left),
        &pending.waiting.to_string(),
        &match &pending.program {
            Some(program) => format!("{} (by {})", escaped(&pending.subject), escaped(program)),
            None => escaped(&pending.subject).to_string(),
        },
    )
}

fn row(question: &str, left: &str, waiting: &str, wants: &str) -> String {
    format!("{question:<16}  {left:>6}  {waiting:>7}  {wants}\n")
}

fn allow(args: &AllowArgs) -> Result<ExitCode, Failure> {
    let place = args.rule.as_deref().map(Place::find).transpose()?;
    if place.is_some() {
        is_of_the_network(&args.question)?;
    }
    let subject = answer(&args.question, true, args.session || args.rule.is_some())?;
    if let (Some(file), Some(place)) = (&args.rule, place) {
        let mut to = Destinations::default();
        to.add(&subject, None);
        place.write(&to.rules("the operator's answer"))?;
        print::note(&format!("palisade: {} has a rule for it", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Rules are written for destinations only.
fn is_of_the_network((which, id): &(String, u32)) -> Result<(), Failure> {
    let state = state_dir()?;
    let (registry, entry) = running::find(&state, which).map_err(Failure::denied)?;
    let pending = running::pending(&registry, &entry).map_err(Failure::denied)?;
    match pending.iter().find(|pending| pending.id == *id) {
        Some(found) if !matches!(found.kind.as_str(), "" | "connect") => {
            Err(Failure::new(Kind::Usage, "a rule can only be written for a destination")
                .remedy("allow it without --rule, and add a rule to `permissions` yourself"))
        }
        _ => Ok(()),
    }
}

/// Answer a question. Returns what it was about.
fn answer((which, id): &(String, u32), allow: bool, lasts: bool) -> Result<String, Failure> {
    let scope = if lasts { Scope::Session } else { Scope::Once };
    let subject =
        running::answer(&state_dir()?, which, *id, allow, scope).map_err(Failure::denied)?;
    let word = if allow { "allowed" } else { "denied" };
    let time = if lasts { "for this session" } else { "once" };
    print::text(&format!("{} is {word} {time}\n", escaped(&subject)))?;
    Ok(subject)
}

fn question(text: &str) -> Result<(String, u32), String> {
    let parts = text.rsplit_once('/').filter(|(which, _)| !which.is_empty());
    let number = parts.and_then(|(which, id)| Some((which.to_owned(), id.parse().ok()?)));
    number.ok_or_else(|| "write it as `palisade approvals list` has it, such as build/3".to_owned())
}
