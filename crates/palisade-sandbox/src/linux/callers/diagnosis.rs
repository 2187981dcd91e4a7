//! The inode of a TCP socket by its two addresses, from the kernel's `sock_diag(7)`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Mutex, PoisonError},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    },
};

use super::CallerError;

const HEADER: usize = 16;
/// `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const ANSWER: usize = 72;

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`.
const FLAGS: u16 = 1;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
const TCP: u8 = 6;
const INET: u8 = 2;
const INET6: u8 = 10;
/// `TCP_LISTEN`: what an exact question finds as well, and is no connection.
const LISTENS: u8 = 10;
/// `INET_DIAG_NOCOOKIE`, twice.
const NO_COOKIE: [u8; 8] = [0xff; 8];

/// A `sock_diag` socket of the sandbox's network namespace. Nothing inside can make one.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    socket: Mutex<OwnedFd>,
}

impl Diagnosis {
    /// In the network namespace of the caller.
    pub(crate) fn open() -> Result<OwnedFd, Errno> {
        let flags = SocketFlags::CLOEXEC;
        socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::SOCK_DIAG))
    }

    /// By a socket that was opened so.
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self { socket: Mutex::new(socket) }
    }

    /// The inode of the socket that has this address and is connected to that one.
    ///
    /// # Errors
    /// There is none, or the kernel does not say.
    pub(crate) fn inode(&self, local: SocketAddr, remote: SocketAddr) -> Result<u64, CallerError> {
        let (local, remote) = (canonical(local), canonical(remote));
        let Some(question) = question(local, remote) else { return Err(CallerError::NoSocket) };
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0_u8; 1024];
        let asked = ask(socket.as_fd(), &question, &mut buffer).map_err(CallerError::Diagnosis)?;
        read(buffer.get(..asked).unwrap_or_default(), local, remote)
    }
}

/// The kernel has answered when `send` returns.
fn ask(socket: BorrowedFd<'_>, question: &[u8], buffer: &mut [u8]) -> Result<usize, Errno> {
    // What an earlier question has left, if it ever does.
    while recv(socket, &mut *buffer, RecvFlags::DONTWAIT).is_ok() {}
    send(socket, question, SendFlags::empty())?;
    let (_, length) = recv(socket, &mut *buffer, RecvFlags::DONTWAIT)?;
    Ok(length)
}

fn question(local: SocketAddr, remote: SocketAddr) -> Option<Vec<u8>> {
    let family = match (local, remote) {
        (SocketAddr::V4(_), SocketAddr::V4(_)) => INET,
        (SocketAddr::V6(_), SocketAddr::V6(_)) => INET6,
        _ => return None,
    };
    let length = u32::try_from(HEADER + REQUEST).ok()?;
    let mut bytes = Vec::with_capacity(HEADER + REQUEST);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(FLAGS.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, TCP, 0, 0]);
    bytes.extend([0xff; 4]);
    bytes.extend(local.port().to_be_bytes());
    bytes.extend(remote.port().to_be_bytes());
    bytes.extend(wide(local.ip()));
    bytes.extend(wide(remote.ip()));
    bytes.extend([0; 4]);
    bytes.extend(NO_COOKIE);
    Some(bytes)
}

/// What the kernel says, if it is about these two.
fn read(message: &[u8], local: SocketAddr, remote: SocketAddr) -> Result<u64, CallerError> {
    let broken = CallerError::Diagnosis(Errno::PROTO);
    let kind = message.get(4..).and_then(<[u8]>::first_chunk).map(|kind| u16::from_ne_bytes(*kind));
    let body = message.get(HEADER..).unwrap_or_default();
    if kind == Some(ERROR) {
        let code = body.first_chunk().map(|code| i32::from_ne_bytes(*code)).ok_or(broken)?;
        return Err(match Errno::from_raw_os_error(code.saturating_neg()) {
            Errno::NOENT => CallerError::NoSocket,
            errno => CallerError::Diagnosis(errno),
        });
    }
    let (Some(BY_FAMILY), Some(body)) = (kind, body.first_chunk::<ANSWER>()) else {
        return Err(broken);
    };
    let port = |at: usize| Some(u16::from_be_bytes(*body.get(at..)?.first_chunk()?));
    let address = |at: usize| narrow(*body.first()?, *body.get(at..)?.first_chunk()?);
    let end = |port: Option<u16>, ip: Option<IpAddr>| Some(SocketAddr::new(ip?, port?));
    let found = (end(port(4), address(8)), end(port(6), address(24)));
    let inode = body.last_chunk::<4>().map(|inode| u32::from_ne_bytes(*inode));
    let listens = body.get(1) == Some(&LISTENS);
    match inode {
        Some(inode) if inode != 0 && !listens && found == (Some(local), Some(remote)) => {
            Ok(u64::from(inode))
        }
        _ => Err(CallerError::NoSocket),
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn wide(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

fn narrow(family: u8, bytes: [u8; 16]) -> Option<IpAddr> {
    match family {
        INET => bytes.first_chunk::<4>().map(|four| Ipv4Addr::from(*four).into()),
        INET6 => Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()),
        _ => None,
    }
}
