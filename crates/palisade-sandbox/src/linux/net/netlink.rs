//! Netlink messages: an encoder that appends to one buffer, and a socket that sends it and reads
//! the answers. See `netlink(7)`.

use std::os::fd::OwnedFd;

use rustix::{
    io::Errno,
    net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send},
};

/// `NLM_F_REQUEST`.
pub(super) const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`.
pub(super) const ACKNOWLEDGE: u16 = 0x4;
/// `NLM_F_CREATE`.
pub(super) const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`.
pub(super) const APPEND: u16 = 0x800;
/// `NLM_F_EXCL`.
pub(super) const EXCLUSIVE: u16 = 0x200;

const ERROR: u16 = 0x2;
const HEADER: usize = 16;
const NESTED: u16 = 0x8000;

/// Messages one after the other. Lengths are filled in when a message or a nest ends.
#[derive(Debug, Default)]
pub(super) struct Messages {
    bytes: Vec<u8>,
    sequence: u32,
}

impl Messages {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), sequence: 0 }
    }

    /// Append a message: its fixed part, then what `attributes` appends.
    pub(super) fn push(
        &mut self,
        kind: u16,
        flags: u16,
        fixed: &[u8],
        attributes: impl FnOnce(&mut Self),
    ) {
        let start = self.bytes.len();
        self.sequence += 1;
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(fixed);
        self.align();
        attributes(self);
        let length = u32::try_from(self.bytes.len() - start).expect("messages are short");
        self.patch(start, &length.to_ne_bytes());
    }

    /// Append an attribute.
    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).expect("attributes are short");
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.align();
    }

    /// Append a number in network order, as nftables wants all of its own.
    pub(super) fn number(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    /// Append a string with its NUL.
    pub(super) fn string(&mut self, kind: u16, value: &str) {
        let mut bytes = Vec::with_capacity(value.len() + 1);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
        self.attribute(kind, &bytes);
    }

    /// Append an attribute that holds what `inner` appends.
    pub(super) fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        inner(self);
        let length = u16::try_from(self.bytes.len() - start).expect("attributes are short");
        self.patch(start, &length.to_ne_bytes());
    }

    fn patch(&mut self, at: usize, value: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + value.len()) {
            place.copy_from_slice(value);
        }
    }

    /// Of each message its kind and flags.
    #[cfg(test)]
    pub(super) fn kinds(&self) -> impl Iterator<Item = (u16, u16)> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (message, after) = split_message(rest)?;
            rest = after;
            let two = |at| Some(u16::from_ne_bytes(*message.get(at..)?.first_chunk()?));
            Some((two(4)?, two(6)?))
        })
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// A netlink socket.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// `protocol`: NETLINK_ROUTE (0) is `None`.
    pub(super) fn open(protocol: Option<Protocol>) -> Result<Self, Errno> {
        rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )
        .map(Self)
    }

    /// Send all messages at once and read `acknowledgements` of them. The kernel works on them
    /// before `send` returns, so the answers are there already.
    ///
    /// The error names the sequence number of the message that failed, from 1.
    pub(super) fn send(
        &self,
        messages: &Messages,
        acknowledgements: usize,
    ) -> Result<(), (u32, Errno)> {
        send(&self.0, &messages.bytes, SendFlags::empty()).map_err(|errno| (0, errno))?;
        let mut buffer = [0_u8; 4096];
        let mut left = acknowledgements;
        while left > 0 {
            let (_, received) =
                recv(&self.0, &mut buffer[..], RecvFlags::DONTWAIT).map_err(|errno| (0, errno))?;
            let mut rest = buffer.get(..received).unwrap_or_default();
            while let Some((message, after)) = split_message(rest) {
                rest = after;
                if let Some((sequence, errno)) = read_answer(message) {
                    match errno {
                        None => left = left.saturating_sub(1),
                        Some(errno) => return Err((sequence, errno)),
                    }
                }
            }
        }
        Ok(())
    }
}

/// The first message and what follows it.
fn split_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?);
    let length = usize::try_from(length).ok().filter(|length| *length >= HEADER)?;
    let message = bytes.get(..length)?;
    Some((message, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The sequence number and errno of an error message; no errno is an acknowledgement.
fn read_answer(message: &[u8]) -> Option<(u32, Option<Errno>)> {
    let kind = u16::from_ne_bytes(*message.get(4..)?.first_chunk()?);
    if kind != ERROR {
        return None;
    }
    let sequence = u32::from_ne_bytes(*message.get(8..)?.first_chunk()?);
    let code = i32::from_ne_bytes(*message.get(HEADER..)?.first_chunk()?);
    let errno = (code != 0).then(|| Errno::from_raw_os_error(code.saturating_neg()));
    Some((sequence, errno))
}
