//! `palisade integrate`: `palisade hook` in the settings of an agent that runs without a sandbox.

mod plugin;

use std::{
    env,
    fs::{DirBuilder, Permissions},
    io::{self, IsTerminal, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
};

use palisade_hooks::{Agent, Event};
use palisade_integrate::{
    Entry, Form, Installable, Undo, diff, installable, installed, removed, switched_off,
};
use palisade_policy::{Asked, CommandLine, Policy, load};
use palisade_session::{Operator, hooks};

use super::{
    hook::AgentArg,
    place::{Found, Place},
};
use crate::{
    failure::{Failure, Kind},
    operator::{operator, sources},
    print::note,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade integrate claude-code --policy ~/policy.yaml   shows what changes, and asks
  palisade integrate claude-code --remove

Decisions and a record, no confinement: the agent asks, and keeps to the answer as far as it keeps to its hooks.
`palisade run -- claude` holds what is decided. For claude-code, codex, gemini, cursor and openclaw (as a plugin of its own).

Exit code: 0 it is as asked, 1 nothing is changed, 2 usage, 3 the files cannot be read or written.")]
pub(crate) struct Args {
    /// Whose settings.
    agent: AgentArg,
    /// The policy that decides, in place of the project's and the user's.
    #[arg(long, value_name = "FILE", conflicts_with = "remove")]
    policy: Option<PathBuf>,
    /// In this folder's own settings that are not for others (.claude/settings.local.json).
    #[arg(long)]
    project: bool,
    /// Take it out again.
    #[arg(long)]
    remove: bool,
    /// Change the settings without a question.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let agent = Agent::from(args.agent);
    let how = installable(agent);
    let operator =
        operator().map_err(|(what, remedy)| Failure::new(Kind::Usage, what).remedy(remedy))?;
    let file = settings(&how, &operator, args.project)?;
    let order = if args.remove { None } else { Some(order(agent, &operator, args)?) };
    let Some(form) = how.form else {
        let changed = plugin::change(&file, order.as_ref(), &how, &operator, args.yes)?;
        return Ok(if changed { ExitCode::SUCCESS } else { ExitCode::from(1) });
    };
    let entry = order.map(|order| order.entry(form));
    let made = if args.remove { false } else { folder(&file)? };
    let done = change(agent, &how, &operator, &file, entry.as_ref(), args.yes);
    if made && !matches!(done, Ok(true)) {
        // It was made for this, and is empty.
        file.parent().map(std::fs::remove_dir).transpose().unwrap_or_default();
    }
    Ok(if done? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn settings(how: &Installable, operator: &Operator, project: bool) -> Result<PathBuf, Failure> {
    if !project {
        let moved = how.variable.and_then(env::var_os).filter(|folder| !folder.is_empty());
        return Ok(how.of_user(&operator.home, moved.map(PathBuf::from)));
    }
    let file = how.project.ok_or_else(|| {
        Failure::new(Kind::Usage, "this agent has no settings of a project that are only yours")
            .remedy("leave out --project")
    })?;
    Ok(operator.directory.join(file))
}

/// What an agent is to run, and when.
struct Order {
    /// Its words.
    command: Vec<String>,
    /// By the agent's own names.
    events: Vec<String>,
}

impl Order {
    /// As it stands in settings: a line for a shell.
    fn entry(self, form: Form) -> Entry {
        let words = self.command.iter().map(|word| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            if word.bytes().all(plain) { word.clone() } else { quoted(word) }
        });
        Entry { command: words.collect::<Vec<_>>().join(" "), events: self.events, form }
    }
}

/// What is put there: the hook by this very program, for calls of tools and for what the policy's hooks want to hear.
fn order(agent: Agent, operator: &Operator, args: &Args) -> Result<Order, Failure> {
    let policy = policy(agent, operator, args.policy.as_deref())?;
    if let Some(missing) = policy.not_built.first() {
        return Err(Failure::new(
            Kind::Denied,
            format!(
                "the policy asks for what this version cannot enforce yet: {} ({})",
                missing.what, missing.at
            ),
        )
        .remedy("take it out of the policy: the hook would refuse every call"));
    }
    let mut events: Vec<String> = Vec::new();
    for event in [Event::PRE_TOOL_USE].into_iter().chain(hooks::announced(&policy)) {
        let names = agent.own_names(event);
        if names.is_empty() {
            note(&format!(
                "palisade: {} has no event like {event}: hooks of the policy for it are never asked",
                agent.name()
            ));
        }
        events.extend(names.into_iter().map(str::to_owned));
    }
    events.dedup();
    if policy.permissions.is_none() && policy.hooks.events.is_empty() {
        note(
            "palisade: the policy has neither `permissions` nor `hooks`: calls are recorded and none is refused",
        );
    }
    let own = env::current_exe().map_err(|error| {
        Failure::new(Kind::Enforcement, format!("this program's own file cannot be told: {error}"))
    })?;
    let mut command = vec![named(&own)?];
    command.extend(["hook", "--agent", agent.name(), "--record"].map(str::to_owned));
    if let Some(file) = &args.policy {
        command.extend(["--policy".to_owned(), named(&operator.directory.join(file))?]);
    }
    Ok(Order { command, events })
}

fn policy(agent: Agent, operator: &Operator, file: Option<&Path>) -> Result<Policy, Failure> {
    let named = file.map(|file| CommandLine::File(operator.directory.join(file)));
    load(&sources(operator, named, Asked::default(), agent.name())).map_err(|found| {
        Failure::new(Kind::Denied, format!("the policy is not valid\n{found}"))
            .remedy("palisade policy check FILE")
    })
}

/// A path that can stand in settings.
fn named(path: &Path) -> Result<String, Failure> {
    match path.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(text.to_owned()),
        _ => Err(Failure::new(Kind::Usage, format!("{} cannot stand in settings", path.display()))
            .remedy("use a path without control characters")),
    }
}

/// One word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a line is one that this command wrote.
fn is_own(agent: Agent, command: &str) -> bool {
    let Some((program, rest)) =
        command.strip_prefix('\'').and_then(|rest| rest.split_once("' hook "))
    else {
        return false;
    };
    let program = Path::new(program).file_name().and_then(|name| name.to_str());
    let own = env::current_exe().ok();
    let own = own.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    let wanted = format!("--agent {} --record", agent.name());
    let rest = rest.strip_prefix(wanted.as_str());
    (program == Some("palisade") || program == own)
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" --policy '"))
}

/// The folder of the settings, made if it is not there. True: it was made.
fn folder(file: &Path) -> Result<bool, Failure> {
    let Some(folder) = file.parent() else { return Ok(false) };
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => {
            Err(Failure::new(Kind::Enforcement, format!("{}: {error}", folder.display()))
                .remedy("see that the folder above is there and yours"))
        }
    }
}

/// Show what changes, ask, and do it. `entry`: none to take it out. False: it was not wanted.
fn change(
    agent: Agent,
    how: &Installable,
    operator: &Operator,
    file: &Path,
    entry: Option<&Entry>,
    yes: bool,
) -> Result<bool, Failure> {
    let shown = file.display().to_string();
    if entry.is_none() && file.symlink_metadata().is_err() {
        note(&format!("palisade: {shown} is not there: there is nothing to take out"));
        return Ok(true);
    }
    let place = Place::find_direct(file)?;
    let Found { text: before, mode } = place.read_own()?;
    let kept = Kept::find(operator, agent, &shown)?;
    let undo = kept.undo()?.filter(|undo| undo.fits(&shown, before.as_deref()));
    let own = |command: &str| is_own(agent, command);
    let now = before.as_deref().unwrap_or_default();
    if entry.is_some()
        && let Some(why) = switched_off(agent, now)
    {
        let what = format!("the hook would not be run: {why} ({shown})");
        return Err(
            Failure::new(Kind::Denied, what).remedy("let its settings run hooks, then try again")
        );
    }
    let edited = match entry {
        Some(entry) => installed(now, entry, own),
        None => removed(now, own),
    };
    let edited = edited.map_err(|error| {
        let remedy = entry.map_or_else(
            || "take the hook out yourself".to_owned(),
            |entry| format!("add it yourself, for {}: {}", entry.events.join(", "), entry.command),
        );
        Failure::new(Kind::Denied, format!("{shown} is not changed: {error}")).remedy(remedy)
    })?;
    // As it was before, if nobody has changed it since.
    let after = match (&undo, entry) {
        (Some(undo), None) => undo.before.clone(),
        _ => Some(edited),
    };
    if after == before {
        note(&format!(
            "palisade: {shown} has it {}",
            if entry.is_some() { "already" } else { "not" }
        ));
        return Ok(true);
    }
    note(diff(&shown, before.as_deref(), after.as_deref()).trim_end());
    if entry.is_some() {
        note(NOT_HELD);
    } else if undo.is_none() {
        note(&format!(
            "palisade: {shown} was changed since by something else: only the hook is taken out"
        ));
    }
    if !yes && !asked(&shown)? {
        note("palisade: nothing is changed");
        return Ok(false);
    }
    if place.read_own()?.text != before {
        return Err(Failure::new(
            Kind::Denied,
            format!("{shown} is not changed: it changed meanwhile"),
        )
        .remedy("close the agent, then try again"));
    }
    match (&after, entry) {
        (Some(text), Some(_)) => {
            let undo = undo.map(|undo| undo.and(text));
            kept.keep(&undo.unwrap_or_else(|| Undo::new(&shown, before.as_deref(), text)))?;
            place.put(text, mode)?;
            if let Some(then) = how.then {
                note(&format!("palisade: {then}"));
            }
        }
        (Some(text), None) => {
            place.put(text, mode)?;
            kept.forget()?;
        }
        (None, _) => {
            place.remove()?;
            kept.forget()?;
        }
    }
    Ok(true)
}

/// Said before anybody agrees.
const NOT_HELD: &str = "\
palisade: this decides and records, and confines nothing. Not held: an agent that does not ask, or that goes on when the \
hook fails; programs that a permitted command starts; files, network and models, whatever `filesystem`, `network` and \
`inference` say. Whoever can write these settings or the state folder, as the agent can, can undo it. To hold it: \
palisade run -- AGENT";

fn asked(shown: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Kind::Usage,
            "nothing is changed: nobody can be asked, as standard input is no terminal",
        )
        .remedy("read what stands above, and `--yes`"));
    }
    print!("Change {} like this? [y/N] ", shown.escape_debug());
    io::stdout().flush().unwrap_or_default();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "yes"))
}

/// Where the undo is kept: `integrations` in the state folder.
struct Kept(Place);

impl Kept {
    fn find(operator: &Operator, agent: Agent, file: &str) -> Result<Self, Failure> {
        let folder = operator.state_dir.join("integrations");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| {
            Failure::new(Kind::Enforcement, format!("{}: {error}", folder.display()))
                .remedy("see that the state folder (PALISADE_STATE) can be written")
        })?;
        Place::find_direct(&folder.join(Undo::name(agent.name(), file))).map(Self)
    }

    fn undo(&self) -> Result<Option<Undo>, Failure> {
        let Some(text) = self.0.read_own()?.text else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::new(Kind::Denied, format!("{}: {error}", self.0.shown()))
                .remedy("move this file away; only the hook is taken out then")
        })
    }

    fn keep(&self, undo: &Undo) -> Result<(), Failure> {
        let text = serde_json::to_string(undo).unwrap_or_default();
        self.0.put(&text, Permissions::from_mode(0o600))
    }

    fn forget(&self) -> Result<(), Failure> {
        self.0.remove()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_lines() {
        let own = |command: &str| is_own(Agent::ClaudeCode, command);
        assert!(own("'/usr/bin/palisade' hook --agent claude-code --record"));
        assert!(own("'/usr/bin/palisade' hook --agent claude-code --record --policy '/p.yaml'"));
        for other in [
            "palisade hook --agent claude-code",
            "'/usr/bin/palisade' hook --agent claude-code",
            "'/usr/bin/palisade' hook --agent codex --record",
            "'/usr/bin/other' hook --agent claude-code --record",
            "'/usr/bin/palisade' hook --agent claude-code --record; rm x",
            "",
        ] {
            assert!(!own(other), "{other}");
        }
    }
}
