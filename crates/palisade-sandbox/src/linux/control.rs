//! The socket between the supervisor and init: short messages, some with descriptors.

use std::{
    borrow::Cow,
    io::{IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};

use super::cgroup::HeldByGroup;
use crate::step::StepError;

/// The most descriptors one message carries.
pub(crate) const MOST_DESCRIPTORS: usize = 128;
/// Longer than any message.
const MOST_BYTES: usize = 512;

/// One message, either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// To init: the user and group maps are written.
    Mapped,
    /// To init: the plan. See the room of the handover.
    Plan,
    /// To init: mounts that the supervisor made for the plan, in its order.
    Trees,
    /// From init: the sockets of the network path, in the order of the network room.
    Sockets,
    /// From init: the controlling side of the terminal.
    Terminal,
    /// From init: the plan's unix socket, which listens.
    Socket,
    /// From init: what the plan wanted covered by the mount of this number was no longer there.
    Changed(u32),
    /// From init: all is up, the agent waits.
    Ready,
    /// To init: variables for the environment, as a file. Before `Go`.
    Environment,
    /// To init: start the agent. A control group holds these limits.
    Go(HeldByGroup),
    /// To init: send this signal to the agent's process group.
    Signal(i32),
    /// To init: stop all processes inside where they are, or let them go on.
    Freeze(bool),
    /// From init or the agent's process before exec: this step failed.
    Failed(StepError),
    /// From the agent's process: exec failed.
    ExecFailed(Errno),
    /// From init: the agent was stopped by this signal.
    Stopped(i32),
    /// From init: the agent ended with this exit code.
    Exited(i32),
    /// From init: this signal ended the agent.
    Killed(i32),
    /// From the agent's process or a guest's before exec: the listener of its filter, which is the one
    /// that keeps to some processors or not.
    Listener { pinned: bool },
    /// From there too: its filter has no listener, for this reason. What it refuses is not told.
    NoListener(Errno),
    /// To init, about a number of the supervisor's: connect to this port inside. `true` is `::1`, `false`
    /// 127.0.0.1.
    Dial(u16, bool),
    /// From init, about that number: here is the socket, which is connected or about to be; or not,
    /// for this reason.
    Dialled(Result<(), Errno>),
    /// To init, about a number of the supervisor's: put a cover over this object, or (`false`) make it read-only.
    Cover(bool),
    /// From init, about that number: it is done, or not, for this reason.
    Covered(Result<(), Errno>),
    /// To init: start a guest. What to run comes as a descriptor, then its streams.
    Admit,
    /// About the guest of this number, not about the agent.
    Of(u32, Box<Message>),
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        if let Message::Of(guest, message) = self {
            let mut bytes = vec![b'O'];
            bytes.extend_from_slice(&guest.to_le_bytes());
            bytes.extend(message.encode());
            return bytes;
        }
        let (tag, number, text): (u8, i32, &str) = match self {
            Message::Mapped => (b'M', 0, ""),
            Message::Plan => (b'L', 0, ""),
            Message::Trees => (b'H', 0, ""),
            Message::Sockets => (b'N', 0, ""),
            Message::Terminal => (b'T', 0, ""),
            Message::Socket => (b'S', 0, ""),
            Message::Changed(mount) => (b'I', mount.cast_signed(), ""),
            Message::Ready => (b'R', 0, ""),
            Message::Environment => (b'V', 0, ""),
            Message::Go(held) => (b'G', held.bits(), ""),
            Message::Signal(signal) => (b'K', *signal, ""),
            Message::Freeze(stop) => (b'Z', i32::from(*stop), ""),
            Message::Failed(error) => (b'E', error.errno.raw_os_error(), &error.step),
            Message::ExecFailed(errno) => (b'F', errno.raw_os_error(), ""),
            Message::Stopped(signal) => (b'P', *signal, ""),
            Message::Exited(code) => (b'X', *code, ""),
            Message::Killed(signal) => (b'D', *signal, ""),
            Message::Listener { pinned } => (b'W', i32::from(*pinned), ""),
            Message::NoListener(errno) => (b'U', errno.raw_os_error(), ""),
            Message::Dial(port, false) => (b'4', i32::from(*port), ""),
            Message::Dial(port, true) => (b'6', i32::from(*port), ""),
            Message::Dialled(Ok(())) => (b'C', 0, ""),
            Message::Dialled(Err(errno)) => (b'C', errno.raw_os_error(), ""),
            Message::Cover(hide) => (b'B', i32::from(*hide), ""),
            Message::Covered(Ok(())) => (b'Y', 0, ""),
            Message::Covered(Err(errno)) => (b'Y', errno.raw_os_error(), ""),
            Message::Admit | Message::Of(..) => (b'A', 0, ""),
        };
        let mut bytes = vec![tag];
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend(text.bytes().take(MOST_BYTES - 16));
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&tag, rest) = bytes.split_first()?;
        let (number, text) = rest.split_first_chunk::<4>()?;
        let number = i32::from_le_bytes(*number);
        Some(match tag {
            b'M' => Message::Mapped,
            b'L' => Message::Plan,
            b'H' => Message::Trees,
            b'N' => Message::Sockets,
            b'T' => Message::Terminal,
            b'S' => Message::Socket,
            b'I' => Message::Changed(number.cast_unsigned()),
            b'R' => Message::Ready,
            b'V' => Message::Environment,
            b'G' => Message::Go(HeldByGroup::from_bits(number)),
            b'K' => Message::Signal(number),
            b'Z' => Message::Freeze(number != 0),
            b'E' => Message::Failed(StepError {
                step: Cow::Owned(String::from_utf8_lossy(text).into_owned()),
                errno: Errno::from_raw_os_error(number),
            }),
            b'F' => Message::ExecFailed(Errno::from_raw_os_error(number)),
            b'P' => Message::Stopped(number),
            b'X' => Message::Exited(number),
            b'D' => Message::Killed(number),
            b'W' => Message::Listener { pinned: number != 0 },
            b'U' => Message::NoListener(Errno::from_raw_os_error(number)),
            b'4' => Message::Dial(u16::try_from(number).ok()?, false),
            b'6' => Message::Dial(u16::try_from(number).ok()?, true),
            b'C' if number == 0 => Message::Dialled(Ok(())),
            b'C' => Message::Dialled(Err(Errno::from_raw_os_error(number))),
            b'B' => Message::Cover(number != 0),
            b'Y' if number == 0 => Message::Covered(Ok(())),
            b'Y' => Message::Covered(Err(Errno::from_raw_os_error(number))),
            b'A' => Message::Admit,
            // Not of another: a guest has no guests.
            b'O' if text.first() != Some(&b'O') => {
                Message::Of(number.cast_unsigned(), Box::new(Message::decode(text)?))
            }
            _ => return None,
        })
    }
}

/// One end of the socket.
#[derive(Debug)]
pub(crate) struct Control(OwnedFd);

impl Control {
    /// Both ends, each closed by exec.
    pub(crate) fn pair() -> Result<(Self, Self), Errno> {
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(one), Self(other)))
    }

    pub(crate) fn send(&self, message: &Message) -> Result<(), Errno> {
        self.send_with(message, &[])
    }

    pub(crate) fn send_with(
        &self,
        message: &Message,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Errno> {
        let bytes = message.encode();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors))
        {
            return Err(Errno::TOOBIG);
        }
        rustix::io::retry_on_intr(|| {
            sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)
        })?;
        Ok(())
    }

    /// The next message with its descriptors; `None` when the other end is gone.
    pub(crate) fn receive(&self) -> Result<Option<(Message, Vec<OwnedFd>)>, Errno> {
        self.receive_with(RecvFlags::empty())
    }

    /// The same, but EAGAIN where it would have to be waited for.
    pub(crate) fn receive_now(&self) -> Result<Option<(Message, Vec<OwnedFd>)>, Errno> {
        self.receive_with(RecvFlags::DONTWAIT)
    }

    fn receive_with(&self, flags: RecvFlags) -> Result<Option<(Message, Vec<OwnedFd>)>, Errno> {
        let mut bytes = [0_u8; MOST_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut receive = || {
            rustix::io::retry_on_intr(|| {
                recvmsg(
                    &self.0,
                    &mut [IoSliceMut::new(&mut bytes)],
                    &mut ancillary,
                    flags | RecvFlags::CMSG_CLOEXEC,
                )
            })
        };
        let received = match receive() {
            // The other end went with something of ours unread. The kernel says so once, before what
            // that end had sent, which is its reason perhaps.
            Err(Errno::CONNRESET) => receive(),
            other => other,
        };
        let received = match received {
            Err(Errno::CONNRESET) => return Ok(None),
            other => other?,
        };
        let descriptors = ancillary
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .collect();
        if received.bytes == 0 {
            return Ok(None);
        }
        let message = bytes.get(..received.bytes).and_then(Message::decode).ok_or(Errno::PROTO)?;
        Ok(Some((message, descriptors)))
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_heard_though_ours_were_not() {
        let (here, there) = Control::pair().unwrap();
        let error = StepError { step: "mount /proc".into(), errno: Errno::PERM };
        here.send(&Message::Mapped).unwrap();
        there.send(&Message::Failed(error.clone())).unwrap();
        drop(there);
        assert_eq!(here.receive().unwrap().unwrap().0, Message::Failed(error));
        assert!(here.receive().unwrap().is_none());
        assert_eq!(here.send(&Message::Plan), Err(Errno::PIPE));
    }

    #[test]
    fn messages_and_descriptors_cross() {
        let (here, there) = Control::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        here.send_with(&Message::Sockets, &[file.as_fd(), file.as_fd()]).unwrap();
        let (message, descriptors) = there.receive().unwrap().unwrap();
        assert_eq!((message, descriptors.len()), (Message::Sockets, 2));
        let error = StepError { step: "mount /proc".into(), errno: Errno::PERM };
        there.send(&Message::Failed(error.clone())).unwrap();
        assert_eq!(here.receive().unwrap().unwrap().0, Message::Failed(error));
        for message in [
            Message::Listener { pinned: true },
            Message::Listener { pinned: false },
            Message::NoListener(Errno::BUSY),
            Message::Dial(65535, true),
            Message::Dial(1, false),
            Message::Dialled(Ok(())),
            Message::Dialled(Err(Errno::CONNREFUSED)),
            Message::Cover(true),
            Message::Cover(false),
            Message::Covered(Ok(())),
            Message::Covered(Err(Errno::EXIST)),
            Message::Plan,
            Message::Environment,
        ] {
            there.send(&message).unwrap();
            assert_eq!(here.receive().unwrap().unwrap().0, message);
        }
        let of = Message::Of(7, Box::new(Message::Exited(-3)));
        there.send(&of).unwrap();
        assert_eq!(here.receive().unwrap().unwrap().0, of);
        assert_eq!(Message::decode(&Message::Of(1, Box::new(of)).encode()), None);
        assert_eq!(here.receive_now().unwrap_err(), Errno::AGAIN);
        drop(there);
        assert!(here.receive().unwrap().is_none());
        assert!(here.receive_now().unwrap().is_none());
    }
}
