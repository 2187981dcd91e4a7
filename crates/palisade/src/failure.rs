use std::process::ExitCode;

use thiserror::Error;

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
}

impl Failure {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: None }
    }

    /// The same failure with what the user can do about it.
    #[must_use]
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Print it to standard error and give the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("palisade: {}", self.what);
        if let Some(remedy) = &self.remedy {
            eprintln!("  try: {remedy}");
        }
        ExitCode::from(match self.kind {
            Kind::Denied => 1,
            Kind::Usage => 2,
            Kind::Enforcement => 3,
            Kind::Refused => 125,
        })
    }
}
