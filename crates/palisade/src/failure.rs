use std::process::ExitCode;

use palisade_session::{Exit, Refusal};
use thiserror::Error;

use crate::print;

/// Why a command did not do its work, for a person: what happened, where, and what to do next.
#[derive(Debug, Error)]
#[error("{what}")]
pub(crate) struct Failure {
    kind: Kind,
    what: String,
    remedy: Option<String>,
}

/// What a failure means to a script; sets the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 1: denied, damaged, invalid, or something was found.
    Denied,
    /// 2: the command line is wrong.
    Usage,
    /// 3: Palisade could not do or enforce what was asked.
    Enforcement,
    /// 125: `palisade run` refused to start the command.
    Refused,
    /// 126: the command of `palisade run` cannot be executed.
    NotExecutable,
    /// 127: there is no such command.
    NotFound,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.exit {
            Exit::Refused => Kind::Refused,
            Exit::NotExecutable => Kind::NotExecutable,
            Exit::NotFound => Kind::NotFound,
        };
        Self::new(kind, refusal.what).remedy(refusal.remedy)
    }
}

impl Failure {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: None }
    }

    /// A refusal by a command that starts nothing.
    pub(crate) fn denied(refusal: Refusal) -> Self {
        Self::new(Kind::Denied, refusal.what).remedy(refusal.remedy)
    }

    /// The same failure with another meaning to a script.
    #[must_use]
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same failure with what the user can do about it.
    #[must_use]
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Print it to standard error and give the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        print::note(&format!("palisade: {}", self.what));
        if let Some(remedy) = &self.remedy {
            print::note(&format!("  try: {remedy}"));
        }
        ExitCode::from(match self.kind {
            Kind::Denied => 1,
            Kind::Usage => 2,
            Kind::Enforcement => 3,
            Kind::Refused => 125,
            Kind::NotExecutable => 126,
            Kind::NotFound => 127,
        })
    }
}
