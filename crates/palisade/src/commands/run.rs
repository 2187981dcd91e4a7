use std::{
    ffi::{OsStr, OsString},
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use palisade_policy::{Access, Asked, Audit, CommandLine, PROFILES, load};
use palisade_recording::PublicKey;
use palisade_sandbox::linux::abilities::{Kind as AbilityKind, Need};
use palisade_session::{Ended, Order};

use super::{audit::PUBLIC_FILE, doctor};
use crate::{
    failure::{Failure, Kind},
    operator::{operator, sources},
    print,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  palisade run -- bash                       a shell in this folder, without network
  palisade run -- claude -p \"Fix the test.\"  Claude Code, with its own profile
  palisade run --policy ci.yaml -- make test

Without --policy and --profile the policy is ./palisade.yaml (once trusted) over
~/.config/palisade/policy.yaml, or else over the profile of the command's name
(claude, codex, gemini, openclaw), or else over the profile `shell`.

Exit code: the command's own; 128 and the number of the signal that ended it; 125 if Palisade
refused to start it; 126 if it cannot be executed; 127 if it is not found.")]
pub(crate) struct Args {
    /// The policy, in place of the project's and the user's.
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    policy: Option<PathBuf>,
    /// A built-in policy, in place of the project's and the user's.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// What the command may do with the folder to work on, over what the policy says.
    #[arg(long, value_name = "ACCESS")]
    workspace: Option<AccessArg>,
    /// Publish this port of the sandbox on this machine's loopback, to look at what listens there. Can
    /// be given for each.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    expose: Vec<u16>,
    /// A name for the session, in the journal and as its host name.
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Start even where this system lacks this layer (landlock or seccomp): a weaker sandbox. It is
    /// said, recorded, and shown by `palisade ps`. Can be given for each.
    #[arg(long, value_name = "LAYER", value_parser = layer)]
    allow_degraded: Vec<AbilityKind>,
    /// Record what the terminal shows, sealed for the key of `palisade audit recording-key`; `palisade audit
    /// replay` plays it.
    #[arg(long)]
    record: bool,
    /// Say nothing but errors.
    #[arg(short, long)]
    quiet: bool,
    /// Work on this folder in place of the policy's workspace. For `selftest`.
    #[arg(long, hide = true, value_name = "FOLDER")]
    stage: Option<PathBuf>,
    /// The command and its arguments, behind `--`.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AccessArg {
    /// Read and change.
    Rw,
    /// Read only.
    Ro,
    /// Changes are kept apart.
    Overlay,
}

impl From<AccessArg> for Access {
    fn from(word: AccessArg) -> Self {
        match word {
            AccessArg::Rw => Access::ReadWrite,
            AccessArg::Ro => Access::ReadOnly,
            AccessArg::Overlay => Access::Overlay,
        }
    }
}

/// Agents whose command has another name than their profile, or the same.
const AGENTS: [(&str, &str); 4] =
    [("claude", "claude-code"), ("codex", "codex"), ("gemini", "gemini"), ("openclaw", "openclaw")];

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    let refused = |what: String| Failure::new(Kind::Refused, what);
    let mut operator = operator().map_err(|(what, remedy)| refused(what).remedy(remedy))?;
    let command_line = match (args.policy, args.profile) {
        (Some(file), _) => Some(CommandLine::File(file)),
        (None, Some(name)) => Some(CommandLine::Profile(name)),
        (None, None) => None,
    };
    let default = default_profile(args.command.first().map(OsString::as_os_str));
    let asked = Asked { access: args.workspace.map(Into::into), expose: args.expose, ask: false };
    let sources = sources(&operator, command_line, asked, default);
    let mut policy = load(&sources)
        .map_err(|found| refused(format!("nothing was started, because of the policy\n{found}")))?;
    if let (Some(stage), Some(workspace)) = (args.stage, &mut policy.filesystem.workspace) {
        workspace.path.clone_from(&stage);
        // Attempts of its own are no news for whoever watches.
        policy.audit = Audit::default();
        operator.directory = stage;
    }
    let record = if args.record { Some(recording_key(&operator.config_dir)?) } else { None };
    let missing = doctor::simulated()?;
    let Args { command, name, allow_degraded, quiet, .. } = args;
    let order = Order {
        policy,
        sources,
        command,
        name,
        missing,
        allow_degraded,
        record,
        permissive: false,
        learns_files: false,
        operator,
    };
    let ended = to_its_end(&order, quiet)?;
    Ok(ExitCode::from(ended.status))
}

/// For whom recordings are sealed.
fn recording_key(config: &Path) -> Result<PublicKey, Failure> {
    let path = config.join(PUBLIC_FILE);
    let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let key = read.and_then(|text| PublicKey::parse(&text).map_err(|error| error.to_string()));
    key.map_err(|why| {
        let what = format!("the key that recordings are sealed for, {}: {why}", path.display());
        Failure::new(Kind::Refused, what).remedy("palisade audit recording-key, which makes one")
    })
}

/// Run it, and tell what the operator has to know.
pub(super) fn to_its_end(order: &Order, quiet: bool) -> Result<Ended, Failure> {
    let tell = |text: &str| {
        if !quiet {
            print::note(&format!("palisade: {text}"));
        }
    };
    let ended = palisade_session::run(order, tell).map_err(Failure::from)?;
    for notice in &ended.notices {
        print::note(&format!("palisade: {notice}"));
    }
    if !quiet && ended.denied > 0 && std::io::stderr().is_terminal() {
        print::note(&format!(
            "palisade: {} refused; palisade audit query --session {} --decision deny",
            ended.denied, ended.session
        ));
    }
    if !quiet && ended.changed && std::io::stderr().is_terminal() {
        print::note(&format!(
            "palisade: changes are kept apart; palisade workspace diff {}",
            ended.session
        ));
    }
    Ok(ended)
}

/// The profile for a command, by the name of its file.
pub(super) fn default_profile(command: Option<&OsStr>) -> &'static str {
    let name = command.and_then(|command| Path::new(command).file_name());
    let profile = AGENTS.iter().find(|(agent, _)| name == Some(OsStr::new(agent)));
    let wanted = profile.map_or("shell", |(_, profile)| *profile);
    PROFILES.iter().map(|profile| profile.name).find(|known| *known == wanted).unwrap_or("shell")
}

/// A layer that may be missing.
pub(crate) fn layer(name: &str) -> Result<AbilityKind, String> {
    let may_be = AbilityKind::all().filter(|kind| kind.may_be_missing());
    let may_be: Vec<_> = may_be.map(AbilityKind::name).collect();
    let all = may_be.join(" or ");
    match AbilityKind::all().find(|kind| kind.name() == name) {
        Some(kind) if kind.may_be_missing() => Ok(kind),
        Some(kind) if kind.need() == Need::Required => {
            Err(format!("there is no sandbox without it; only {all} may be missing"))
        }
        Some(_) => Err(format!("a launch goes on without it anyway; this is for {all}")),
        None => Err(format!("there is no such layer; this is for {all}")),
    }
}

/// A session's name is also a host name, and stands in commands and file names.
pub(super) fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let start = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if start && text.len() <= 63 && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("use 1 to 63 letters, digits, `-`, `_` and `.`, a letter or digit first".to_owned())
    }
}
