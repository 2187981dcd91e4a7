use std::fmt;

use palisade_sandbox::{
    LaunchError, StepError,
    linux::abilities::{Abilities, Kind},
};
use rustix::{
    io::Errno,
    process::{DumpableBehavior, dumpable_behavior},
};

/// Why the command was not started, for a person: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Refusal {
    /// What happened, and where.
    pub what: String,
    /// What to do next.
    pub remedy: String,
    /// How a shell would see it.
    pub exit: Exit,
}

/// The exit status of a command that did not start, as env(1) has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 125: Palisade refused.
    Refused,
    /// 126: the command was found and cannot be executed.
    NotExecutable,
    /// 127: there is no such command.
    NotFound,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Refused => 125,
            Exit::NotExecutable => 126,
            Exit::NotFound => 127,
        }
    }
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), exit: Exit::Refused }
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// Names what was being done when something failed.
pub(crate) trait Refuse<T> {
    fn refuse(self, what: impl fmt::Display, remedy: impl Into<String>) -> Result<T, Refusal>;
}

impl<T, E: fmt::Display> Refuse<T> for Result<T, E> {
    fn refuse(self, what: impl fmt::Display, remedy: impl Into<String>) -> Result<T, Refusal> {
        self.map_err(|error| Refusal::new(format!("{what}: {error}"), remedy))
    }
}

/// Why a sandbox could not be put up. What this kernel lacks is looked for only now, and named.
pub(crate) fn of_launch(error: &LaunchError, allowed: &[Kind]) -> Refusal {
    if let LaunchError::Step(StepError { errno, .. }) = error
        && let Some(remedy) = of_the_moment(*errno)
    {
        return Refusal::new(format!("the sandbox cannot be put up: {error}"), remedy);
    }
    if let LaunchError::Step(step) = error
        && step.is_of_owners()
    {
        return Refusal::new(
            format!(
                "the sandbox cannot be put up: {error}: its file system (an overlay, as in a container, or one of the network) has no way to show its files to the user that root's sandboxes have"
            ),
            "start palisade as the ordinary user who owns the folder, or put it on a volume or on tmpfs",
        );
    }
    let root = rustix::process::geteuid().is_root();
    let guarded = !root && dumpable_behavior() != Ok(DumpableBehavior::Dumpable);
    // A thread that is confined cannot try anything.
    let probe = move || if guarded { Abilities::probe_guarded() } else { Abilities::probe() };
    let abilities = palisade_hooks::starter::beside(probe).ok();
    match abilities.and_then(|abilities| missing(&abilities, allowed)) {
        Some(mut refusal) => {
            refusal.what = format!("{} ({error})", refusal.what);
            refusal
        }
        None => Refusal::new(
            format!("the sandbox cannot be put up: {error}"),
            "run `palisade doctor` to see what this system can do; if all is well there, report this",
        ),
    }
}

/// What has run out, or is at work on the same files, is no lack of the kernel's.
fn of_the_moment(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::STALE => {
            "another program renames files there at this moment: let it end, and start again"
        }
        Errno::MFILE => "raise the limit of open files (ulimit -n), or close some",
        Errno::NFILE => "this system has too many open files (sysctl fs.file-max)",
        Errno::AGAIN => "raise the limit of processes (ulimit -u), or end some",
        Errno::NOMEM => "this system has no memory left, or a limit of this user is reached",
        Errno::USERS | Errno::NOSPC => {
            "too many namespaces exist: end some sandboxes, or raise sysctl user.max_*_namespaces"
        }
        _ => return None,
    })
}

/// The first ability that a launch needs and this system does not have, but for those that it is
/// allowed to be without.
pub(crate) fn missing(abilities: &Abilities, allowed: &[Kind]) -> Option<Refusal> {
    let missing = abilities.missing().find(|ability| !allowed.contains(&ability.kind))?;
    let kind = missing.kind;
    let mut remedy = missing.remedy.clone().unwrap_or_default().into_owned();
    if kind.may_be_missing() {
        remedy.push_str(&format!(" Or `--allow-degraded {kind}`: a weaker sandbox, without it."));
    }
    Some(Refusal::new(format!("the sandbox cannot be put up: this system lacks {kind}"), remedy))
}

/// The command itself is refused by a rule, a hook or the operator.
pub(crate) fn of_permissions(name: &str, why: &str) -> Refusal {
    Refusal::new(
        format!("{name} is not run: {why}"),
        "start what the policy permits, or permit it in `permissions`",
    )
    .with_exit(Exit::NotExecutable)
}

/// Why a command that was let in did not start.
pub(crate) fn of_exec(name: &str, errno: Errno) -> Refusal {
    match errno {
        Errno::ACCESS => Refusal::new(
            format!("{name} cannot be executed: {errno}"),
            "see that it is a program for this system, and that no rule of `permissions` refuses it",
        )
        .with_exit(Exit::NotExecutable),
        Errno::NOENT => Refusal::new(
            format!("{name}: there is no such command in the sandbox, or what it needs to start"),
            "grant its folder in `filesystem.read`",
        )
        .with_exit(Exit::NotFound),
        _ => Refusal::new(
            format!("{name} cannot be executed: {errno}"),
            "see that it is a program for this system",
        )
        .with_exit(Exit::NotExecutable),
    }
}
