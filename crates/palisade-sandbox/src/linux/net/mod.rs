//! The network inside: nothing but loopback, and every way out of it led to the supervisor.
//!
//! In the sandbox's own network namespace every address is local (AnyIP routes on `lo`), so a
//! connection to anywhere can be accepted here. One nftables table redirects TCP to a listener
//! and port 53 to a resolver, and rejects the rest. The sockets are made here and handed out to the
//! supervisor, which is in another namespace: whatever the table did, nothing leaves but through
//! what the supervisor does with them.
//!
//! For whoever accepts from [`NetSockets`]:
//! - `SO_ORIGINAL_DST` of an accepted connection tells where the client meant to go.
//! - If that is a loopback address with [`PROXY_PORT`], the client came by itself and was not led
//!   there: deny. The table resets such connections, so this is the second wall.
//! - The address that it was accepted at is another for each, and says nothing.
//! - Answer DNS with the socket the question came in by; the kernel puts the address that
//!   the client asked back as the source.
//! - The client's address and port (`getpeername`) with the original destination are what
//!   `sock_diag` knows the client's socket by.

mod netlink;
mod nftables;
mod route;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, bind, connect, listen, socket_with, sockopt},
};

use super::callers::Diagnosis;
use crate::step::{Step, StepError};

/// Where TCP connections are accepted, at every address: each is led to one of its own. The namespace is new,
/// so any port is free; this one cannot be bound without a capability, and nobody wants it.
pub const PROXY_PORT: u16 = 1;
/// Where DNS is answered.
pub const DNS_PORT: u16 = 53;

/// Connections that may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// The sockets of one address family, all non-blocking.
#[derive(Debug)]
pub struct FamilySockets {
    /// Accepts every TCP connection.
    pub proxy: OwnedFd,
    /// Gets every UDP packet to port 53.
    pub dns_udp: OwnedFd,
    /// Accepts every TCP connection to port 53.
    pub dns_tcp: OwnedFd,
}

/// What the supervisor gets of the sandbox's network.
#[derive(Debug)]
pub struct NetSockets {
    /// IPv4.
    pub v4: FamilySockets,
    /// IPv6; `None` where the kernel has none.
    pub v6: Option<FamilySockets>,
    /// Asks the kernel about sockets of the sandbox (`sock_diag(7)`); `None` where it has no such thing.
    pub diagnosis: Option<OwnedFd>,
}

/// Set up the network of this namespace. Needs CAP_NET_ADMIN and CAP_NET_BIND_SERVICE in it, and
/// that nothing was set up before.
///
/// # Errors
/// The step that failed. The namespace is of no use then.
pub fn set_up() -> Result<NetSockets, StepError> {
    set_up_families(has_ipv6())
}

/// [`set_up`] with or without IPv6. Without it there are no IPv6 routes beyond `::1`.
///
/// # Errors
/// As there.
pub fn set_up_families(ipv6: bool) -> Result<NetSockets, StepError> {
    route::make_all_local(ipv6)?;
    let v4 = FamilySockets::open(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into())?;
    let v6 = ipv6
        .then(|| FamilySockets::open(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()))
        .transpose()?;
    nftables::put_up(ipv6)?;
    Ok(NetSockets { v4, v6, diagnosis: Diagnosis::open().ok() })
}

/// Bring the loopback device of this namespace up, and no more.
pub(crate) fn bring_loopback_up() -> Result<(), StepError> {
    route::bring_loopback_up()
}

/// The first step of [`set_up`]: every address is local.
pub(crate) fn make_all_local(ipv6: bool) -> Result<(), StepError> {
    route::make_all_local(ipv6)
}

/// Whether the kernel has IPv6.
pub fn has_ipv6() -> bool {
    socket_with(AddressFamily::INET6, SocketType::DGRAM, SocketFlags::CLOEXEC, None).is_ok()
}

impl FamilySockets {
    /// Answers by UDP leave from the socket's own address, which has to be the one that questions are led to.
    fn open(every: IpAddr, loopback: IpAddr) -> Result<Self, StepError> {
        let stream = |port| open(SocketType::STREAM, SocketAddr::new(every, port));
        Ok(Self {
            proxy: stream(PROXY_PORT).step("listen for TCP")?,
            dns_udp: open(SocketType::DGRAM, SocketAddr::new(loopback, DNS_PORT))
                .step("bind the resolver's UDP socket")?,
            dns_tcp: stream(DNS_PORT).step("listen for DNS over TCP")?,
        })
    }

    fn from_fds(descriptors: &mut impl Iterator<Item = OwnedFd>) -> Option<Self> {
        Some(Self {
            proxy: descriptors.next()?,
            dns_udp: descriptors.next()?,
            dns_tcp: descriptors.next()?,
        })
    }

    fn as_fds(&self) -> [BorrowedFd<'_>; 3] {
        [self.proxy.as_fd(), self.dns_udp.as_fd(), self.dns_tcp.as_fd()]
    }
}

impl NetSockets {
    /// All of them, in an order that [`NetSockets::from_fds`] understands.
    pub fn as_fds(&self) -> Vec<BorrowedFd<'_>> {
        let v6 = self.v6.iter().flat_map(FamilySockets::as_fds);
        let diagnosis = self.diagnosis.iter().map(AsFd::as_fd);
        self.v4.as_fds().into_iter().chain(v6).chain(diagnosis).collect()
    }

    /// The sockets from descriptors in the order of [`NetSockets::as_fds`].
    ///
    /// # Errors
    /// EPROTO if their number is not three or six, or one more.
    pub fn from_fds(descriptors: Vec<OwnedFd>) -> Result<Self, StepError> {
        let count = descriptors.len();
        let mut descriptors = descriptors.into_iter();
        let v4 = FamilySockets::from_fds(&mut descriptors);
        let v6 = if count >= 6 { FamilySockets::from_fds(&mut descriptors) } else { None };
        match v4 {
            Some(v4) if matches!(count, 3 | 4 | 6 | 7) => {
                Ok(Self { v4, v6, diagnosis: descriptors.next() })
            }
            _ => Err(Errno::PROTO).step("receive the network's sockets"),
        }
    }
}

/// A socket that connects to this port of this namespace's loopback: 127.0.0.1 or `::1`. It may still be at
/// it; who has it waits until it can be written to, and asks for its error.
pub(crate) fn to_loopback(port: u16, v6: bool) -> Result<OwnedFd, Errno> {
    let (family, address) = if v6 {
        (AddressFamily::INET6, SocketAddr::from((Ipv6Addr::LOCALHOST, port)))
    } else {
        (AddressFamily::INET, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(errno) => Err(errno),
    }
}

fn open(kind: SocketType, address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    bind(&socket, &address)?;
    if kind == SocketType::STREAM {
        listen(&socket, BACKLOG)?;
    }
    Ok(socket)
}
