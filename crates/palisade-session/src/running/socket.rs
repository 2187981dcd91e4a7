use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use palisade_sandbox::linux::sys::peer::{Peer, peer_of};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
        SocketType, bind, connect, listen, recvmsg, sendmsg, socket_with,
    },
    process::geteuid,
};
use tokio::{
    io::Interest,
    net::{UnixListener, UnixStream},
};

use super::wire::MOST_BYTES;

/// The three streams of a command; a terminal goes the other way alone.
const MOST_DESCRIPTORS: usize = 3;
/// Connections that wait to be taken.
const BACKLOG: i32 = 16;
const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// Where a supervisor takes orders.
#[derive(Debug)]
pub(crate) struct Listener(UnixListener);

/// A connection between a supervisor and a command of the same user.
///
/// Its socket keeps packets apart (`SOCK_SEQPACKET`). The runtime's types are made for streams,
/// but only to wait, and for that there is no difference.
#[derive(Debug)]
pub(crate) struct Socket(UnixStream);

impl Listener {
    pub(crate) fn bind(address: &SocketAddrUnix) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)?;
        bind(&socket, address)?;
        listen(&socket, BACKLOG)?;
        UnixListener::from_std(socket.into()).map(Self)
    }

    /// The next connection, and who is there.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        let (socket, _) = self.0.accept().await?;
        let peer = peer_of(socket.as_fd())?;
        Ok((Socket(socket), peer))
    }
}

impl Socket {
    /// Speak to the supervisor at this address, which must be our user's process `supervisor`.
    pub(crate) fn connect(address: &SocketAddrUnix, supervisor: i32) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)?;
        // With a full backlog this is EAGAIN: it never waits.
        connect(&socket, address)?;
        let peer = peer_of(socket.as_fd())?;
        if peer.uid != geteuid().as_raw() || peer.pid != supervisor {
            return Err(Errno::PERM.into());
        }
        UnixStream::from_std(socket.into()).map(Self)
    }

    pub(crate) async fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let send = || {
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
                return Err(Errno::TOOBIG.into());
            }
            let flags = SendFlags::NOSIGNAL;
            sendmsg(&self.0, &[IoSlice::new(bytes)], &mut ancillary, flags).map_err(io::Error::from)
        };
        self.0.async_io(Interest::WRITABLE, send).await.map(drop)
    }

    /// The next message; `None` when the other end is gone. One that was too long, or had too
    /// many descriptors, comes empty.
    pub(crate) async fn receive(&self) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
        let receive = || {
            let mut bytes = vec![0_u8; MOST_BYTES];
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let buffers = &mut [IoSliceMut::new(&mut bytes)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            let received = match recvmsg(&self.0, buffers, &mut ancillary, flags) {
                Err(Errno::CONNRESET) => return Ok(None),
                other => other.map_err(io::Error::from)?,
            };
            let descriptors: Vec<OwnedFd> = ancillary
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
            if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
                return Ok(Some((Vec::new(), Vec::new())));
            }
            bytes.truncate(received.bytes);
            Ok(Some((bytes, descriptors)))
        };
        self.0.async_io(Interest::READABLE, receive).await
    }
}
