use palisade_core::Layer;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::Targets;

/// One thing to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// A stable name, such as `reads_ssh_key`.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) tries: &'static str,
    /// The layer that has to stop it.
    pub(crate) layer: Layer,
    /// Make it. `None`: there is nothing to aim at.
    pub(crate) make: fn(&Targets) -> Option<Outcome>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "told", rename_all = "snake_case")]
pub enum Outcome {
    /// It was stopped, and this is how it looked.
    Stopped(String),
    /// It seemed to work, on something that may only look like the host's: who knows the host
    /// has to look there.
    Seemed(String),
    /// It worked.
    Worked(String),
    /// It failed, but not as the layer's answer would be.
    Unclear(String),
}

/// An attempt with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The attempt's name.
    pub name: String,
    /// What it was, for people.
    pub tries: String,
    /// The layer that has to stop it.
    pub layer: Layer,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Report {
    /// How it looked from inside.
    pub fn told(&self) -> &str {
        match &self.outcome {
            Outcome::Stopped(told)
            | Outcome::Seemed(told)
            | Outcome::Worked(told)
            | Outcome::Unclear(told) => told,
        }
    }
}

impl Attempt {
    pub(crate) fn make(&self, targets: &Targets) -> Option<Report> {
        let outcome = (self.make)(targets)?;
        Some(Report {
            name: self.name.to_owned(),
            tries: self.tries.to_owned(),
            layer: self.layer,
            outcome,
        })
    }
}

/// An outcome for a result, of which these errors are the layer's own answers.
pub(crate) fn judge<T>(
    result: Result<T, Errno>,
    answers: &[(Errno, &str)],
    worked: impl FnOnce(T) -> String,
) -> Outcome {
    match result {
        Ok(value) => Outcome::Worked(worked(value)),
        Err(errno) => match answers.iter().find(|(answer, _)| *answer == errno) {
            Some((_, meaning)) => Outcome::Stopped(format!("{}: {meaning}", name_of(errno))),
            None => Outcome::Unclear(format!("failed otherwise: {}", name_of(errno))),
        },
    }
}

/// The errno as in manual pages, where it is one that sandboxes answer with.
pub(crate) fn name_of(errno: Errno) -> String {
    let name = match errno {
        Errno::NOENT => "ENOENT",
        Errno::ACCESS => "EACCES",
        Errno::PERM => "EPERM",
        Errno::NOSYS => "ENOSYS",
        Errno::SRCH => "ESRCH",
        Errno::ROFS => "EROFS",
        Errno::INVAL => "EINVAL",
        Errno::XDEV => "EXDEV",
        Errno::AFNOSUPPORT => "EAFNOSUPPORT",
        Errno::PROTONOSUPPORT => "EPROTONOSUPPORT",
        Errno::CONNREFUSED => "ECONNREFUSED",
        Errno::CONNRESET => "ECONNRESET",
        Errno::NETUNREACH => "ENETUNREACH",
        other => return other.to_string(),
    };
    name.to_owned()
}

pub(crate) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
