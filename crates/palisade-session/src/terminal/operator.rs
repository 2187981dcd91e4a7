use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, fstat, openat},
    io::{self, fcntl_dupfd_cloexec},
    process::getpgrp,
    stdio::{stderr, stdin, stdout},
    termios::{Winsize, isatty, tcgetpgrp, tcgetwinsize},
};

/// The operator's terminal.
#[derive(Debug)]
pub struct Terminal {
    fd: OwnedFd,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    keyboard: Keyboard,
}

/// How keys reach the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keyboard {
    /// Each key at once; the terminal is in raw mode.
    Raw,
    /// Whole lines, while no other program has taken the keyboard. For a pipeline, in which a
    /// pager reads the same terminal: `palisade run -- cmd | less`.
    Lines,
    /// Not at all.
    Off,
}

impl Terminal {
    /// The terminal among this process's standard streams; `None` if none of them is one.
    pub fn detect() -> io::Result<Option<Self>> {
        Self::among(stdin(), stdout(), stderr())
    }

    /// The terminal among these three.
    pub fn among(
        input: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
        error: BorrowedFd<'_>,
    ) -> io::Result<Option<Self>> {
        let [on_input, on_output, on_error] = [input, output, error].map(isatty);
        let terminal = match (on_input, on_output, on_error) {
            (true, _, _) => input,
            (_, true, _) => output,
            (_, _, true) => error,
            _ => return Ok(None),
        };
        let keyboard = if on_output {
            Keyboard::Raw
        } else if on_input {
            match FileType::from_raw_mode(fstat(output)?.st_mode) {
                FileType::Fifo | FileType::Socket => Keyboard::Lines,
                _ => Keyboard::Raw,
            }
        } else {
            Keyboard::Off
        };
        let fd = own_description(terminal)?;
        Ok(Some(Self { fd, stdin: on_input, stdout: on_output, stderr: on_error, keyboard }))
    }

    /// Whether standard input is the terminal, and so the command's is its own.
    pub fn is_stdin(&self) -> bool {
        self.stdin
    }

    /// Whether standard output is the terminal.
    pub fn is_stdout(&self) -> bool {
        self.stdout
    }

    /// Whether standard error is the terminal.
    pub fn is_stderr(&self) -> bool {
        self.stderr
    }

    /// How keys will reach the command.
    pub fn keyboard(&self) -> Keyboard {
        self.keyboard
    }

    /// The window's size; 80 by 24 when the terminal does not know.
    pub fn size(&self) -> Winsize {
        tcgetwinsize(&self.fd).ok().filter(|size| size.ws_col > 0).unwrap_or(Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        })
    }

    /// Whether this process may read the terminal and set its modes without being stopped for
    /// it. A terminal that is not our controlling one stops nobody.
    pub(super) fn is_foreground(&self) -> bool {
        tcgetpgrp(&self.fd).map_or(true, |group| group == getpgrp())
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The terminal opened anew: to make the descriptor we were given non-blocking would make it so
/// for the operator's shell. Where that is refused (another user's terminal) a copy has to do,
/// and a stuck terminal then also holds up the keys.
fn own_description(terminal: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let given = fstat(terminal)?;
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&terminal));
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    // Opening a pseudo-terminal's multiplexer would make a new one: major 5, minor 2.
    let multiplexer = rustix::fs::makedev(5, 2);
    if given.st_rdev != multiplexer
        && let Ok(fd) = openat(CWD, &path, flags, Mode::empty())
        && fstat(&fd)?.st_rdev == given.st_rdev
    {
        return Ok(fd);
    }
    let reads_and_writes = fcntl_getfl(terminal)? & OFlags::RWMODE == OFlags::RDWR;
    if reads_and_writes { fcntl_dupfd_cloexec(terminal, 3) } else { Err(io::Errno::ACCESS) }
}
