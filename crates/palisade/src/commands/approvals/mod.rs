//! `palisade approvals`: what waits for the operator, and the answers.

mod edit;
mod files;
mod listed;
mod screen;
mod view;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use clap::Subcommand;
use palisade_core::SessionId;
use palisade_journal::escaped;
use palisade_policy::{Addition, Item};
use palisade_session::running::{self, Entry, Pending, Registry, Scope};
use serde::Serialize;

use super::{place::Place, rules::Destinations};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print::{self, json_line},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a command: the list, at a terminal one in which keys answer: a once, s for the session, \
    e edit first, r for good (a rule, with --rule FILE), d deny, q end."
)]
pub(crate) struct Args {
    /// The policy that gets a rule for what is permitted for good, by the key r.
    #[arg(long, value_name = "FILE")]
    rule: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
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
    /// Change what a tool is given, and permit that in its place, once.
    #[command(
        after_help = "Examples:\n  palisade approvals edit build/3               in $VISUAL or $EDITOR\n  \
        palisade approvals edit build/3 --input FILE  by a script; `-` is standard input\n\n\
        The input is a JSON object. Rules and hooks decide it like any; what runs is exactly it. Only a tool call whose \
        input has names can be changed: a program that is executed, a connection and a request cannot.\n\n\
        Exit code: 0 it is answered, 1 it is not."
    )]
    Edit(EditArgs),
    /// Put each question into a file, and take answers from files, until it is ended.
    #[command(
        after_help = "The folder is `approvals` in the state folder (PALISADE_STATE). SESSION-NUMBER.json is a question; the \
        answer is SESSION-NUMBER.answer, written under another name and then renamed:\n\n  \
        {\"question\": \"sha256:…\", \"allow\": true, \"scope\": \"once\"}\n\n\
        with the question's `digest`, and with `input` where a tool is to be given another one."
    )]
    Files,
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

#[derive(Debug, clap::Args)]
struct EditArgs {
    /// The question, as the list has it: a session, its beginning or its name, and a number.
    #[arg(value_name = "SESSION/NUMBER", value_parser = question)]
    question: (String, u32),
    /// What the tool is given instead, a JSON object, in place of an editor.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
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
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => {
            let place = args.rule.as_deref().map(Place::find).transpose()?;
            screen::run(place.as_ref())
        }
        None => list(&ListArgs { json: false }),
        Some(Command::List(args)) => list(args),
        Some(Command::Allow(args)) => allow(args),
        Some(Command::Deny(args)) => {
            answer(&args.question, false, args.session).map(|_| ExitCode::SUCCESS)
        }
        Some(Command::Edit(args)) => edit::run(&args.question, args.input.as_deref()),
        Some(Command::Files) => files::run(),
    }
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let mut out = String::new();
    if !args.json {
        out.push_str(&row("QUESTION", "LEFT", "WAITING", "WANTS"));
    }
    let all = all()?;
    for (entry, pending) in &all {
        if args.json {
            let (session, name) = (&entry.session, entry.name.as_deref());
            json_line(&mut out, &Listed { session, name, pending });
        } else {
            out.push_str(&shown(entry, pending));
        }
    }
    // Programs have the session beside each question.
    if !args.json {
        listed::keep(&state_dir()?, all.iter().map(|(entry, _)| entry))?;
    }
    print::text(&out)
}

/// All that waits, in all sandboxes.
fn all() -> Result<Vec<(Entry, Pending)>, Failure> {
    let mut all = Vec::new();
    let Some(registry) = Registry::open(&state_dir()?).map_err(Failure::denied)? else {
        return Ok(all);
    };
    for entry in registry.running().map_err(Failure::denied)? {
        // One that is ending has nothing to ask any more.
        let pending = running::pending(&registry, &entry).unwrap_or_default();
        all.extend(pending.into_iter().map(|pending| (entry.clone(), pending)));
    }
    Ok(all)
}

fn named(entry: &Entry, pending: &Pending) -> String {
    let which = entry.name.as_deref().unwrap_or(entry.session.short());
    format!("{which}/{}", pending.id)
}

fn shown(entry: &Entry, pending: &Pending) -> String {
    row(
        &named(entry, pending),
        &format!("{} s", pending.seconds_left),
        &pending.waiting.to_string(),
        &wanted(pending),
    )
}

/// What is wanted, with all that an answer is for.
fn wanted(pending: &Pending) -> String {
    let mut text = escaped(&pending.subject).to_string();
    if let Some(program) = &pending.program {
        text.push_str(&format!(" (by {})", escaped(program)));
    }
    if !pending.environment.is_empty() {
        text.push_str(&format!(" (with {})", escaped(&pending.environment.join(" "))));
    }
    text
}

fn row(question: &str, left: &str, waiting: &str, wants: &str) -> String {
    format!("{question:<16}  {left:>6}  {waiting:>7}  {wants}\n")
}

fn allow(args: &AllowArgs) -> Result<ExitCode, Failure> {
    let Some(file) = args.rule.as_deref() else {
        return answer(&args.question, true, args.session).map(|_| ExitCode::SUCCESS);
    };
    let place = Place::find(file)?;
    let (entry, pending) = waiting(&args.question)?;
    let addition = addition(&pending)?;
    // It is tried before the answer: what cannot be written is not permitted for good.
    let change = place.with(&addition)?;
    print::note(&palisade_integrate::diff(place.shown(), change.before(), Some(change.after())));
    // That very sandbox: its name may be another's by now.
    answer(&(entry.session.to_string(), pending.id), true, true)?;
    place.write(&addition)?;
    print::note(&format!("palisade: {} has a rule for it", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// The question as it waits.
fn waiting((which, id): &(String, u32)) -> Result<(Entry, Pending), Failure> {
    let state = state_dir()?;
    let (registry, entry) = running::find(&state, which).map_err(Failure::denied)?;
    listed::same(&state, which, &entry)?;
    let pending = running::pending(&registry, &entry).map_err(Failure::denied)?;
    let found = pending.into_iter().find(|pending| pending.id == *id);
    let found = found.map(|pending| (entry, pending));
    found.ok_or_else(|| {
        Failure::new(Kind::Denied, format!("no question {id} waits for an answer"))
            .remedy("palisade approvals list shows those that do")
    })
}

/// What permits it for good: a rule with a comment.
fn addition(pending: &Pending) -> Result<Addition, Failure> {
    // A rule that asks would ask again, and another beside it may permit more: any program, without a look inside.
    if matches!(pending.kind.as_str(), "" | "connect") && pending.rule.is_none() {
        let mut to = Destinations::default();
        to.add(&pending.subject, None);
        return Ok(to.rules("the operator's answer"));
    }
    let rule = pending.always.as_ref().ok_or_else(|| {
        Failure::new(Kind::Usage, "no rule says for good what this asks")
            .remedy("allow it without --rule; what a rule or a hook has asked stays a question")
    })?;
    let comment = vec!["the operator's answer".to_owned()];
    let items = vec![Item { comment, value: rule.clone().into() }];
    Ok(Addition { list: vec!["permissions", "allow"], items })
}

/// Answer a question. Returns what it was about.
fn answer((which, id): &(String, u32), allow: bool, lasts: bool) -> Result<String, Failure> {
    let scope = if lasts { Scope::Session } else { Scope::Once };
    let state = state_dir()?;
    let (_, entry) = running::find(&state, which).map_err(Failure::denied)?;
    if allow {
        listed::same(&state, which, &entry)?;
    }
    let session = entry.session.as_str();
    let subject = running::answer(&state, session, *id, allow, scope).map_err(Failure::denied)?;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_list_shows_the_variables_that_are_part_of_a_question() {
        let pending = json!({"id": 1, "kind": "exec", "subject": "/usr/bin/tar xf a", "program": "/usr/bin/tar",
            "environment": ["PATH=/bin", "LD_PRELOAD=/work/x.so\u{1b}"],
            "since": "2026-01-01T00:00:00.000000Z", "seconds_left": 1, "waiting": 1});
        let shown = wanted(&serde_json::from_value(pending).unwrap());
        assert!(
            shown.starts_with("/usr/bin/tar xf a (by /usr/bin/tar) (with PATH=/bin LD_PRELOAD=")
        );
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn only_what_no_rule_names_gets_a_rule_of_the_network() {
        let mut pending = json!({"id": 1, "kind": "connect", "subject": "a.example:443",
            "since": "2026-01-01T00:00:00.000000Z", "seconds_left": 1, "waiting": 1});
        let asked = |pending: &serde_json::Value| {
            addition(&serde_json::from_value(pending.clone()).unwrap())
        };
        assert_eq!(asked(&pending).unwrap().list, ["network", "rules"]);
        for rule in ["taint.ask[send]", "hooks.PreConnect[0]"] {
            pending["rule"] = rule.into();
            assert!(asked(&pending).is_err(), "{rule}");
        }
    }
}
