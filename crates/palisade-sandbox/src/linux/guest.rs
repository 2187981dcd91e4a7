//! Guests: commands of the operator's that join a running sandbox.
//!
//! Init forks them, so they are in every namespace from birth; each puts on the very
//! `Confinement` of the agent before it execs. There is no way in from outside, and so none with
//! less. A guest has a session of its own; it ends with the sandbox at the latest.

use std::{
    ffi::{CString, OsStr, OsString},
    fs::File,
    io::{Read, Seek, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
};

use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::Errno,
    process::{Pid, Signal, WaitStatus, ioctl_tiocsctty, kill_process_group, setsid},
};

use super::{
    agent::{Confinement, redirect},
    control::{Control, Message},
    init::new_terminal,
    launch::LaunchError,
    privileges,
    sys::{
        clone::{Forked, exit_now, fork_into},
        exec::StringArray,
    },
};
use crate::{
    plan::Stdio,
    step::{Step, StepError},
};

/// Guests at one time.
const MOST: usize = 64;
/// Bytes that a guest's arguments may have together.
const MOST_BYTES: u64 = 128 * 1024;

/// A command that is to run beside the agent.
#[derive(Debug)]
pub struct Guest {
    /// The program, as one would type it inside, and its arguments.
    pub argv: Vec<OsString>,
    /// Where its standard streams lead. A terminal is one of its own, from inside.
    pub stdio: [Stdio; 3],
}

/// What becomes of a guest. The last is one of the last three.
#[derive(Debug)]
pub enum GuestReport {
    /// The controlling side of its terminal.
    Terminal(OwnedFd),
    /// It did not start.
    Refused(LaunchError),
    /// It ended with this exit code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
}

impl GuestReport {
    pub(crate) fn of(message: Message, descriptors: Vec<OwnedFd>) -> Option<Self> {
        Some(match message {
            Message::Terminal => Self::Terminal(descriptors.into_iter().next()?),
            Message::Failed(error) => Self::Refused(error.into()),
            Message::ExecFailed(errno) => Self::Refused(LaunchError::Exec(errno)),
            Message::Exited(code) => Self::Exited(code),
            Message::Killed(signal) => Self::Killed(signal),
            _ => return None,
        })
    }

    pub(crate) fn is_last(&self) -> bool {
        !matches!(self, Self::Terminal(_))
    }
}

impl Guest {
    /// The arguments as a file, which is sent before the streams that are given.
    pub(crate) fn write(&self) -> Result<OwnedFd, StepError> {
        const STEP: &str = "write down the command";
        let mut bytes = vec![0_u8];
        for (index, stream) in self.stdio.iter().enumerate() {
            if let (Stdio::Terminal, Some(mask)) = (stream, bytes.first_mut()) {
                *mask |= 1 << index;
            }
        }
        for word in &self.argv {
            if word.as_bytes().contains(&0) {
                return Err(Errno::INVAL).step(STEP);
            }
            bytes.extend_from_slice(word.as_bytes());
            bytes.push(0);
        }
        if self.argv.is_empty() {
            return Err(Errno::INVAL).step(STEP);
        }
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(Errno::TOOBIG).step(STEP);
        }
        let mut file = File::from(memfd_create(c"guest", MemfdFlags::CLOEXEC).step(STEP)?);
        file.write_all(&bytes).map_err(errno).step(STEP)?;
        file.rewind().map_err(errno).step(STEP)?;
        Ok(file.into())
    }

    /// The descriptors to send after the file.
    pub(crate) fn given(&self) -> Vec<BorrowedFd<'_>> {
        self.stdio
            .iter()
            .filter_map(|stream| match stream {
                Stdio::Given(descriptor) => Some(descriptor.as_fd()),
                Stdio::Terminal => None,
            })
            .collect()
    }

    fn read(descriptors: Vec<OwnedFd>) -> Result<Self, StepError> {
        const STEP: &str = "read the command";
        let mut descriptors = descriptors.into_iter();
        let file = descriptors.next().ok_or(Errno::BADF).step(STEP)?;
        let mut bytes = Vec::new();
        File::from(file).take(MOST_BYTES).read_to_end(&mut bytes).map_err(errno).step(STEP)?;
        let (mask, words) = bytes.split_first().ok_or(Errno::INVAL).step(STEP)?;
        let words = words.strip_suffix(&[0]).ok_or(Errno::INVAL).step(STEP)?;
        let argv = words.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
        let mut stream = |index: u8| -> Result<Stdio, StepError> {
            if mask & (1 << index) != 0 {
                return Ok(Stdio::Terminal);
            }
            descriptors.next().map(Stdio::Given).ok_or(Errno::BADF).step("receive the streams")
        };
        Ok(Self { argv: argv.collect(), stdio: [stream(0)?, stream(1)?, stream(2)?] })
    }

    fn has_terminal(&self) -> bool {
        self.stdio.iter().any(|stream| matches!(stream, Stdio::Terminal))
    }

    /// Where its program may be, as `execvp(3)` would look.
    fn candidates(&self, search: &OsStr) -> Result<Vec<CString>, StepError> {
        let name = self.argv.first().map(OsString::as_os_str).unwrap_or_default();
        let paths = if name.as_bytes().contains(&b'/') {
            vec![name.into()]
        } else if name.is_empty() {
            Vec::new()
        } else {
            std::env::split_paths(search).map(|folder| folder.join(name)).collect()
        };
        let text = |path: std::path::PathBuf| CString::new(path.into_os_string().into_vec());
        paths
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map_err(|_| Errno::INVAL)
            .step("search")
    }
}

/// Init's side: those that run.
#[derive(Debug)]
pub(crate) struct Guests {
    confinement: Confinement,
    running: Vec<(u32, Pid)>,
}

/// A guest's process before exec.
#[derive(Debug)]
struct Entering {
    number: u32,
    candidates: Vec<CString>,
    argv: StringArray,
    stdio: [Stdio; 3],
    terminal: Option<OwnedFd>,
}

impl Guests {
    pub(crate) fn of(confinement: Confinement) -> Self {
        Self { confinement, running: Vec::new() }
    }

    /// Do what the supervisor says about a guest.
    pub(crate) fn hear(
        &mut self,
        number: u32,
        message: &Message,
        descriptors: Vec<OwnedFd>,
        control: &Control,
    ) {
        match message {
            Message::Admit => {
                if let Err(error) = self.admit(number, descriptors, control) {
                    tell(control, number, Message::Failed(error));
                }
            }
            Message::Signal(signal) => {
                let guest = self.running.iter().find(|(known, _)| *known == number);
                if let (Some((_, pid)), Some(signal)) = (guest, Signal::from_named_raw(*signal)) {
                    // A session leader leads the group of its number too.
                    kill_process_group(*pid, signal).unwrap_or_default();
                }
            }
            _ => {}
        }
    }

    /// A child that is not the agent has changed. Most are orphans of the agent's.
    pub(crate) fn reap(&mut self, pid: Pid, status: WaitStatus, control: &Control) {
        let Some(at) = self.running.iter().position(|(_, known)| *known == pid) else { return };
        let message = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Message::Exited(code),
            (_, Some(signal)) => Message::Killed(signal),
            _ => return,
        };
        let (number, _) = self.running.swap_remove(at);
        tell(control, number, message);
    }

    fn admit(
        &mut self,
        number: u32,
        descriptors: Vec<OwnedFd>,
        control: &Control,
    ) -> Result<(), StepError> {
        if self.running.len() >= MOST {
            return Err(Errno::AGAIN)
                .step(format!("run more than {MOST} commands beside the agent"));
        }
        let guest = Guest::read(descriptors)?;
        let terminal = if guest.has_terminal() {
            let (controller, peer) = new_terminal()?;
            let message = Message::Of(number, Box::new(Message::Terminal));
            control.send_with(&message, &[controller.as_fd()]).step("hand out the terminal")?;
            Some(peer)
        } else {
            None
        };
        let candidates = guest.candidates(self.confinement.search())?;
        let words = guest.argv.into_iter().map(|word| CString::new(word.into_vec()));
        let argv = words.collect::<Result<_, _>>().map_err(|_| Errno::INVAL).step("read argv")?;
        let entering = Entering {
            number,
            candidates,
            argv: StringArray::new(argv),
            stdio: guest.stdio,
            terminal,
        };
        match fork_into(0).step("fork")? {
            Forked::Child => entering.become_it(&self.confinement, control),
            Forked::Parent { pid, .. } => self.running.push((number, pid)),
        }
        Ok(())
    }
}

impl Entering {
    fn become_it(&self, confinement: &Confinement, control: &Control) -> ! {
        let message = match self.confine(confinement, control) {
            Ok(()) => Message::ExecFailed(confinement.exec(&self.candidates, &self.argv)),
            Err(error) => Message::Failed(error),
        };
        tell(control, self.number, message);
        exit_now(125)
    }

    fn confine(&self, confinement: &Confinement, control: &Control) -> Result<(), StepError> {
        setsid().step("start a session")?;
        if let Some(terminal) = &self.terminal {
            ioctl_tiocsctty(terminal).step("take the terminal")?;
        }
        redirect(&self.stdio, self.terminal.as_ref())?;
        let tell = |message, descriptors: &[BorrowedFd<'_>]| {
            control.send_with(&Message::Of(self.number, Box::new(message)), descriptors)
        };
        // Init may have kept one.
        confinement.put_on(privileges::give_up, tell)
    }
}

/// A supervisor that is gone needs no answer: init ends when it sees so.
fn tell(control: &Control, number: u32, message: Message) {
    control.send(&Message::Of(number, Box::new(message))).unwrap_or_default();
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Stdio {
        Stdio::Given(File::open("/dev/null").unwrap().into())
    }

    fn sent(guest: &Guest) -> Vec<OwnedFd> {
        let mut descriptors = vec![guest.write().unwrap()];
        descriptors.extend(guest.given().iter().map(|fd| fd.try_clone_to_owned().unwrap()));
        descriptors
    }

    #[test]
    fn a_command_crosses_as_it_is() {
        let argv: Vec<OsString> =
            vec!["sh".into(), "".into(), "a\nb".into(), OsString::from_vec(vec![0xff])];
        let guest = Guest { argv: argv.clone(), stdio: [given(), Stdio::Terminal, given()] };
        let read = Guest::read(sent(&guest)).unwrap();
        assert_eq!(read.argv, argv);
        assert!(matches!(read.stdio, [Stdio::Given(_), Stdio::Terminal, Stdio::Given(_)]));
        let candidates = read.candidates(OsStr::new("/usr/bin:/bin")).unwrap();
        assert_eq!(candidates, [c"/usr/bin/sh".to_owned(), c"/bin/sh".to_owned()]);
    }

    #[test]
    fn what_cannot_be_a_command_is_refused() {
        let stdio = || [given(), given(), given()];
        for argv in [vec![], vec!["a\0b".into()], vec!["x".repeat(200_000).into()]] {
            assert!(Guest { argv, stdio: stdio() }.write().is_err());
        }
        let mut descriptors = sent(&Guest { argv: vec!["sh".into()], stdio: stdio() });
        descriptors.pop();
        assert!(Guest::read(descriptors).is_err());
        assert!(Guest::read(Vec::new()).is_err());
        assert!(Guest::read(vec![File::open("/dev/null").unwrap().into()]).is_err());
    }
}
