use std::{
    fs::{self, OpenOptions},
    io,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use palisade_core::Layer;
use palisade_sandbox::{
    StepError,
    linux::sys::{attempt::Forbidden, probe::in_child},
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    net::{AddressFamily, Protocol, SocketType, socket},
};
use serde::{Deserialize, Serialize};

use crate::{Targets, attempts::network};

/// One thing to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// A stable name, such as `reads_ssh_key`.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) tries: &'static str,
    /// The layer that has to stop it.
    pub(crate) layer: Layer,
    /// How it is made, and how the layer answers.
    pub(crate) act: Act,
}

/// Errnos that a layer answers with, and what each means. Any other is not the layer's.
pub(crate) type Answers = &'static [(Errno, &'static str)];

/// How an attempt is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Make a system call, in a child; the filter's answer is this errno.
    Call(Forbidden, Errno),
    /// Make it; the filter's answer is the end of the process.
    Kill(Forbidden),
    /// Get a socket of this family, type and protocol.
    Socket(u16, u32, u32, Errno),
    /// Open a file to read, or list a folder.
    Read(Place, Answers),
    /// See that something exists, and touch it no further.
    Find(Place),
    /// Open what exists to write, and write nothing.
    Write(Place, Answers),
    /// Change something; where that works, nothing is different afterwards.
    Change(Place, fn(&Path) -> io::Result<()>, Answers),
    /// Ask the resolver for a name.
    Resolve(fn(&Targets) -> Option<String>),
    /// Send a packet about the unlisted name to a resolver.
    Ask(fn(&str) -> Outcome),
    /// Speak HTTP to an address.
    Fetch(fn(&Targets) -> Option<SocketAddr>),
    /// Anything else. `None`: there is nothing to aim at.
    Do(fn(&Targets) -> Option<Outcome>),
}

/// Where a file is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// The same on every machine.
    At(&'static str),
    /// In the operator's home, if it is there.
    Home(&'static str),
    /// Elsewhere.
    Aimed(fn(&Targets) -> Option<PathBuf>),
}

/// What an attempt was aimed at: a policy may permit it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "aim", content = "at", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Aim {
    /// Nothing that a policy could permit.
    Nothing,
    /// A system call, by its name.
    Call(String),
    /// Something to be read.
    Read(PathBuf),
    /// Something to be changed.
    Write(PathBuf),
    /// A name to be resolved.
    Resolve(String),
    /// A question to the resolver about this name, in a packet of its own making.
    Ask(String),
    /// An address to be reached.
    Connect(SocketAddr),
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
    /// There was nothing to aim at.
    NotTried,
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
    /// What it was aimed at.
    #[serde(flatten)]
    pub aim: Aim,
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
            Outcome::NotTried => "nothing to aim at",
        }
    }
}

impl Attempt {
    pub(crate) fn make(&self, targets: &Targets) -> Report {
        let (aim, outcome) = self.act.make(targets).unwrap_or((Aim::Nothing, Outcome::NotTried));
        Report {
            name: self.name.to_owned(),
            tries: self.tries.to_owned(),
            layer: self.layer,
            aim,
            outcome,
        }
    }
}

impl Act {
    fn make(&self, targets: &Targets) -> Option<(Aim, Outcome)> {
        Some(match *self {
            Act::Call(call, answer) => {
                let answers = [(answer, "refused by the system call filter")];
                let outcome =
                    judge(in_own_process(call), &answers, |()| "the kernel did it".to_owned());
                (Aim::Call(call.name().to_owned()), outcome)
            }
            Act::Kill(call) => {
                // Without a word: it was killed.
                let answers = [(Errno::CHILD, "killed by the system call filter")];
                let outcome = match judge(in_own_process(call), &answers, |()| String::new()) {
                    Outcome::Stopped(_) => Outcome::Stopped(KILLED.to_owned()),
                    Outcome::Worked(_) => Outcome::Worked("the kernel did it".to_owned()),
                    other => other,
                };
                (Aim::Nothing, outcome)
            }
            Act::Socket(family, kind, protocol, answer) => {
                let answers = [(answer, "refused by the system call filter")];
                let made = socket(
                    AddressFamily::from_raw(family),
                    SocketType::from_raw(kind),
                    std::num::NonZeroU32::new(protocol).map(Protocol::from_raw),
                );
                (Aim::Nothing, judge(made, &answers, |_| "got one".to_owned()))
            }
            Act::Read(place, answers) => {
                let path = place.of(targets)?;
                let outcome = tell(read(&path), answers, |read| read);
                (Aim::Read(path), outcome)
            }
            Act::Find(place) => {
                let path = place.of(targets)?;
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let found = rustix::fs::open(&path, flags, Mode::empty());
                let outcome = judge(found, NOT_THERE, |_| "it is there".to_owned());
                (Aim::Read(path), outcome)
            }
            Act::Write(place, answers) => {
                let path = place.of(targets)?;
                let opened = OpenOptions::new().append(true).custom_flags(NOFOLLOW).open(&path);
                let outcome = tell(opened, answers, |_| "opened it to write".to_owned());
                (Aim::Write(path), outcome)
            }
            Act::Change(place, change, answers) => {
                let path = place.of(targets)?;
                let outcome = tell(change(&path), answers, |()| "did it".to_owned());
                (Aim::Write(path), outcome)
            }
            Act::Resolve(name) => {
                let name = name(targets)?;
                let outcome = network::resolve(&name);
                (Aim::Resolve(name), outcome)
            }
            Act::Ask(ask) => {
                let name = targets.unlisted_host.clone()?;
                let outcome = ask(&name);
                (Aim::Ask(name), outcome)
            }
            Act::Fetch(address) => {
                let address = address(targets)?;
                (Aim::Connect(address), network::fetch(address))
            }
            Act::Do(make) => (Aim::Nothing, make(targets)?),
        })
    }
}

impl Place {
    fn of(self, targets: &Targets) -> Option<PathBuf> {
        match self {
            Place::At(path) => Some(path.into()),
            Place::Home(name) => {
                let there = targets.in_home.iter().any(|known| known == name);
                there.then(|| targets.home.as_deref().map(|home| home.join(name))).flatten()
            }
            Place::Aimed(aim) => aim(targets),
        }
    }
}

const KILLED: &str = "killed by the system call filter";
/// `O_NOFOLLOW`: a link is not what is looked for.
const NOFOLLOW: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// What is not in the mount tree.
pub(crate) const NOT_THERE: Answers = &[(Errno::NOENT, "it does not exist in the mount tree")];

fn in_own_process(call: Forbidden) -> Result<(), Errno> {
    in_child(|| call.call().map_err(|errno| StepError { step: "call".into(), errno }))
        .map_err(|error| error.errno)
}

fn read(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new().read(true).open(path)?;
    if file.metadata()?.is_dir() {
        return Ok(format!("listed {} names", fs::read_dir(path)?.count()));
    }
    let mut start = [0_u8; 4096];
    let read = io::Read::read(&mut &file, &mut start)?;
    Ok(format!("read {read} bytes"))
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

/// The same for the library's errors.
pub(crate) fn tell<T>(
    result: io::Result<T>,
    answers: &[(Errno, &str)],
    worked: impl FnOnce(T) -> String,
) -> Outcome {
    judge(result.map_err(|error| errno(&error)), answers, worked)
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
        Errno::BUSY => "EBUSY",
        Errno::BADF => "EBADF",
        Errno::FAULT => "EFAULT",
        Errno::NOTTY => "ENOTTY",
        Errno::NOTDIR => "ENOTDIR",
        Errno::MFILE => "EMFILE",
        Errno::AFNOSUPPORT => "EAFNOSUPPORT",
        Errno::PROTONOSUPPORT => "EPROTONOSUPPORT",
        Errno::CONNREFUSED => "ECONNREFUSED",
        Errno::CONNRESET => "ECONNRESET",
        Errno::NETUNREACH => "ENETUNREACH",
        other => return other.to_string(),
    };
    name.to_owned()
}

pub(crate) fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
