//! The command's standard streams.
//!
//! A terminal is replaced by one of the sandbox's own. A pipe, a regular file, `/dev/null` or
//! `/dev/full` passes as it is. Anything else (a socket, a device, a folder) would be more than a stream:
//! its bytes are copied through a pipe.

use std::{
    convert::Infallible,
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    thread,
};

use palisade_sandbox::Stdio;
use rustix::{
    fs::{FileType, fstat, makedev},
    io::{Errno, fcntl_dupfd_cloexec},
    pipe::{PipeFlags, pipe_with},
    stdio::{stderr, stdin, stdout},
    termios::isatty,
};
use tokio::sync::mpsc;

use crate::refusal::{Refusal, Refuse};

/// `/dev/null` and `/dev/full`. No request does more to them than to read and write, and of a write
/// that fails only the command itself can be told.
const PLAIN_DEVICES: [(u32, u32); 2] = [(1, 3), (1, 7)];

/// What the supervisor copies while the command runs.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    pending: Vec<Copy>,
    /// Closed once all that the command wrote has arrived.
    outputs: Option<mpsc::Receiver<Infallible>>,
}

#[derive(Debug)]
struct Copy {
    from: OwnedFd,
    to: OwnedFd,
    output: bool,
}

/// Where the command's three streams lead, and what has to be copied for it.
pub(crate) fn of_caller() -> Result<([Stdio; 3], Copies), Refusal> {
    let mut copies = Copies::default();
    let streams = [
        stream(stdin(), false, &mut copies)?,
        stream(stdout(), true, &mut copies)?,
        stream(stderr(), true, &mut copies)?,
    ];
    Ok((streams, copies))
}

fn stream(of: BorrowedFd<'_>, output: bool, copies: &mut Copies) -> Result<Stdio, Refusal> {
    const WHAT: &str = "a standard stream";
    const REMEDY: &str = "start palisade with standard streams that are open";
    if isatty(of) {
        return Ok(Stdio::Terminal);
    }
    let copy = || fcntl_dupfd_cloexec(of, 3).refuse(WHAT, REMEDY);
    if is_plain(of).refuse(WHAT, REMEDY)? {
        return Ok(Stdio::Given(copy()?));
    }
    let found = fstat(of).refuse(WHAT, REMEDY)?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
        return Err(Refusal::new("a standard stream is a folder", REMEDY));
    }
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).refuse(WHAT, REMEDY)?;
    let ours = copy()?;
    let (inside, pending) = if output {
        (writer, Copy { from: reader, to: ours, output })
    } else {
        (reader, Copy { from: ours, to: writer, output })
    };
    copies.pending.push(pending);
    Ok(Stdio::Given(inside))
}

/// Whether it is a stream and nothing more: a pipe, a regular file, `/dev/null`, `/dev/full`.
pub(crate) fn is_plain(of: BorrowedFd<'_>) -> Result<bool, Errno> {
    let found = fstat(of)?;
    Ok(match FileType::from_raw_mode(found.st_mode) {
        FileType::Fifo | FileType::RegularFile => true,
        FileType::CharacterDevice => {
            PLAIN_DEVICES.iter().any(|(major, minor)| found.st_rdev == makedev(*major, *minor))
        }
        _ => false,
    })
}

impl Copies {
    /// Start to copy. Starts threads, so: after the fork.
    pub(crate) fn start(&mut self) -> Result<(), Refusal> {
        let (busy, outputs) = mpsc::channel(1);
        for Copy { from, to, output } in self.pending.drain(..) {
            let busy = output.then(|| busy.clone());
            thread::Builder::new()
                .name("stream".into())
                .spawn(move || {
                    pump(from.into(), to.into());
                    drop(busy);
                })
                .refuse("start a thread", "see the limits of this user (ulimit -u)")?;
        }
        self.outputs = Some(outputs);
        Ok(())
    }

    /// Wait until all that the command wrote has arrived: for ever, if nobody takes it.
    pub(crate) async fn finish(self) {
        if let Some(mut outputs) = self.outputs {
            // Nothing is ever sent.
            outputs.recv().await;
        }
    }
}

fn pump(mut from: File, mut to: File) {
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                wait_for(from.as_fd(), rustix::event::PollFlags::IN);
                continue;
            }
            Err(_) => return,
        };
        let mut rest = buffer.get(..read).unwrap_or_default();
        while !rest.is_empty() {
            match to.write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    wait_for(to.as_fd(), rustix::event::PollFlags::OUT);
                }
                Err(_) => return,
            }
        }
    }
}

fn wait_for(descriptor: BorrowedFd<'_>, what: rustix::event::PollFlags) {
    let mut set = [rustix::event::PollFd::from_borrowed_fd(descriptor, what)];
    rustix::event::poll(&mut set, None).unwrap_or_default();
}
