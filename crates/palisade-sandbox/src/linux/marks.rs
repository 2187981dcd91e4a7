//! Marks of processes, which every descendant has and no process inside can take off.
//!
//! A mark is kept where the kernel keeps a process's limits (`getrlimit(2)`): a child gets those of its parent, whatever
//! becomes of that one, and another program keeps them. The limit that is used for it is `RLIMIT_RTTIME`, which means
//! something to threads with a real-time schedule alone, and the filter lets nobody inside have one. The filter lets nobody
//! change this limit either, so what is read here was put there from outside.
//!
//! Each mark is a bit that is taken from a number that stands for none. One more mark makes the number smaller, and
//! a limit can be lowered by whoever may look at the process: no privilege is needed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::{Pid, Resource, Rlimit, getrlimit, prlimit},
};

use super::sys::peer::{handle_of_peer, peer_of};

/// How many different marks there are.
pub const MOST: usize = 60;

/// `RLIMIT_RTTIME`.
pub(crate) const FROZEN: u32 = 15;

/// What stands where no mark is: as many microseconds as nothing ever runs.
const NONE: u64 = 1 << 62;
/// How the kernel calls it in `/proc/PID/limits`.
const NAME: &str = "Max realtime timeout";
/// Bytes of that file.
const LONGEST: usize = 4096;

/// The marks of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Marks(u64);

impl Marks {
    /// This mark, the first of which is 0. `None`: there are not so many.
    pub fn one(number: usize) -> Option<Self> {
        (number < MOST).then(|| Self(1 << number))
    }

    /// Those of either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are among the others as well.
    #[must_use]
    pub fn among(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether all of these are among them.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The numbers of the marks.
    pub fn numbers(self) -> impl Iterator<Item = usize> {
        (0..MOST).filter(move |number| self.0 & (1 << number) != 0)
    }

    /// Those of a process or thread, by its number here.
    ///
    /// # Errors
    /// It is gone, or its limits are none that stand for marks.
    pub fn of_thread(number: u32) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self::of(openat(CWD, format!("/proc/{number}"), flags, Mode::empty())?)
    }

    /// Those of the process that connected at the other end of this unix socket, while it is there.
    ///
    /// A connection can wait to be accepted for as long as somebody inside likes, and its process end meanwhile. So that its
    /// number is not another's is seen by a handle of the process itself, where the kernel has one (Linux 6.5).
    ///
    /// # Errors
    /// As of [`Marks::of_thread`] and `unix(7)`; ESRCH: it has ended.
    pub fn of_peer(socket: BorrowedFd<'_>) -> Result<Self, Errno> {
        let handle = match handle_of_peer(socket) {
            Err(Errno::NOPROTOOPT) => None,
            other => Some(other?),
        };
        let number = u32::try_from(peer_of(socket)?.pid).map_err(|_| Errno::SRCH)?;
        let marks = Self::of_thread(number)?;
        let ended = |handle: &OwnedFd| {
            let mut handles = [PollFd::new(handle, PollFlags::IN)];
            poll(&mut handles, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).map(|ready| ready > 0)
        };
        // As long as it has not ended, its number was nobody else's when the marks were read.
        match handle.as_ref().map(ended).transpose()? {
            Some(true) => Err(Errno::SRCH),
            Some(false) | None => Ok(marks),
        }
    }

    /// Those of the process whose folder of `/proc` this is.
    ///
    /// # Errors
    /// As of [`Marks::of_thread`].
    pub(crate) fn of(folder: impl AsFd) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(folder, "limits", flags, Mode::empty())?;
        let mut bytes = [0; LONGEST];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut bytes))?;
        match read {
            // It has ended.
            0 => Err(Errno::SRCH),
            _ => Self::read(&String::from_utf8_lossy(bytes.get(..read).unwrap_or_default())),
        }
    }

    /// From the text of `/proc/PID/limits`. What is no number of ours is an error: nobody inside could have put it there.
    fn read(limits: &str) -> Result<Self, Errno> {
        let line = limits.lines().find_map(|line| line.strip_prefix(NAME)).ok_or(Errno::PROTO)?;
        let mut values = line.split_ascii_whitespace();
        let (soft, hard) = (values.next(), values.next().ok_or(Errno::PROTO)?);
        if hard == "unlimited" {
            return Ok(Self::default());
        }
        let hard: u64 = hard.parse().map_err(|_| Errno::PROTO)?;
        let marks = NONE.checked_sub(hard).filter(|marks| marks >> MOST == 0);
        match marks {
            Some(marks) if soft == Some(hard.to_string().as_str()) => Ok(Self(marks)),
            _ => Err(Errno::PROTO),
        }
    }

    /// Put these on a process, by its number here, that stands still, besides those that it has. What it starts from now on
    /// has them too.
    ///
    /// # Errors
    /// As of [`Marks::of_thread`] and `prlimit(2)`.
    pub fn put_on(self, process: Pid) -> Result<(), Errno> {
        let number = u32::try_from(process.as_raw_nonzero().get()).map_err(|_| Errno::SRCH)?;
        let before = Self::of_thread(number)?;
        if before.has(self) {
            return Ok(());
        }
        let value = Some(NONE - before.and(self).0);
        prlimit(Some(process), Resource::Rttime, Rlimit { current: value, maximum: value })?;
        if Self::of_thread(number)? == before.and(self) { Ok(()) } else { Err(Errno::PROTO) }
    }

    /// Whether processes that this one starts can have marks: whoever has a limit here already passes it on.
    pub fn can_be() -> bool {
        getrlimit(Resource::Rttime).maximum.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn pid(child: &std::process::Child) -> Pid {
        Pid::from_raw(child.id().cast_signed()).unwrap()
    }

    #[test]
    fn a_mark_passes_to_whatever_comes_of_a_process() {
        if !Marks::can_be() {
            return;
        }
        let (first, last) = (Marks::one(0).unwrap(), Marks::one(MOST - 1).unwrap());
        assert_eq!(Marks::one(MOST), None);
        let mut shell = Command::new("/bin/sh");
        let script = "read line; (setsid sh -c 'cat /proc/self/limits' &) ; read line";
        let shell = shell.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        assert!(Marks::of_thread(shell.id()).unwrap().is_none());
        for marks in [first, last, first] {
            marks.put_on(pid(&shell)).unwrap();
        }
        let both = first.and(last);
        assert_eq!(Marks::of_thread(shell.id()), Ok(both));
        assert_eq!(both.numbers().collect::<Vec<_>>(), [0, MOST - 1]);
        assert!(both.has(first) && !first.has(both));
        assert_eq!((both.among(last), first.among(last)), (last, Marks::default()));
        std::io::Write::write_all(shell.stdin.as_mut().unwrap(), b"go\n").unwrap();
        let mut text = String::new();
        let mut output = std::io::BufReader::new(shell.stdout.take().unwrap());
        while !text.contains(NAME) {
            assert_ne!(std::io::BufRead::read_line(&mut output, &mut text).unwrap(), 0);
        }
        assert_eq!(Marks::read(&text), Ok(both));
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(Marks::of_thread(shell.id()).is_err());
    }

    /// A peer that has ended is nobody, although the connection is there and its number may be another's.
    #[test]
    fn who_connected_and_ended_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nprint('there', flush=True)\nsys.stdin.read()";
        let mut client = Command::new("/usr/bin/python3");
        client.args(["-c", script]).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = match client.spawn() {
            Ok(client) => client,
            Err(error) => return eprintln!("skipped: there is no python3 ({error})"),
        };
        let mut there = String::new();
        let mut output = std::io::BufReader::new(client.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut output, &mut there).unwrap();
        if Marks::can_be() {
            Marks::one(7).unwrap().put_on(pid(&client)).unwrap();
        }
        let (accepted, _) = listener.accept().unwrap();
        let known = Marks::of_thread(client.id()).unwrap();
        assert_eq!(Marks::of_peer(accepted.as_fd()), Ok(known));
        drop(client.stdin.take());
        // It is not waited for, so its number is nobody else's yet.
        let handle =
            rustix::process::pidfd_open(pid(&client), rustix::process::PidfdFlags::empty());
        let handle = handle.unwrap();
        poll(&mut [PollFd::new(&handle, PollFlags::IN)], None).unwrap();
        assert_eq!(Marks::of_peer(accepted.as_fd()), Err(Errno::SRCH));
        client.wait().unwrap();
        assert!(Marks::of_peer(accepted.as_fd()).is_err());
        // Nor is another process that has the number now. Only root can see to it that one has.
        let before = (client.id() - 1).to_string();
        for _ in 0..100 {
            if let Err(error) = std::fs::write("/proc/sys/kernel/ns_last_pid", &before) {
                return eprintln!("skipped: no number can be given again ({error})");
            }
            let mut other = Command::new("/bin/sleep").arg("60").spawn().unwrap();
            let same = other.id() == client.id();
            let found = (Marks::of_thread(other.id()), Marks::of_peer(accepted.as_fd()));
            other.kill().unwrap();
            other.wait().unwrap();
            if same {
                return assert!(found.0.is_ok() && found.1.is_err(), "{found:?}");
            }
        }
        eprintln!("skipped: others were faster to have the number");
    }

    #[test]
    fn what_nobody_has_put_there_is_no_mark() {
        let line = |soft: &str, hard: &str| format!("Max x 1 1\n{NAME} {soft} {hard} us\n");
        assert_eq!(Marks::read(&line("unlimited", "unlimited")), Ok(Marks(0)));
        let three = (NONE - 3).to_string();
        assert_eq!(Marks::read(&line(&three, &three)), Ok(Marks(3)));
        for (soft, hard) in [("0", "0"), ("1", three.as_str()), ("200000", "200000"), ("x", "y")] {
            assert!(Marks::read(&line(soft, hard)).is_err(), "{soft} {hard}");
        }
        assert!(Marks::read("").is_err());
    }
}
