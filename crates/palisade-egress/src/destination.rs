use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use rustix::{io::Errno, net::sockopt};
use tokio::net::TcpStream;

/// Tells where the client of an accepted connection meant to go. [`original_destination`] is the
/// one to use; tests have others.
pub trait Destination: Send + Sync + 'static {
    /// Where this one meant to go.
    ///
    /// # Errors
    /// It cannot be told; the connection is then reset.
    fn of(&self, stream: &TcpStream) -> io::Result<SocketAddr>;
}

impl<F: Fn(&TcpStream) -> io::Result<SocketAddr> + Send + Sync + 'static> Destination for F {
    fn of(&self, stream: &TcpStream) -> io::Result<SocketAddr> {
        self(stream)
    }
}

/// Where the client meant to go: what connection tracking remembers if it was redirected, else the
/// local address, which AnyIP leaves as the client wrote it. An IPv4 address in IPv6 clothes
/// comes back as IPv4.
///
/// # Errors
/// What the kernel said, other than that this connection was not redirected.
pub fn original_destination(stream: &TcpStream) -> io::Result<SocketAddr> {
    let local = canonical(stream.local_addr()?);
    let tracked = match local {
        SocketAddr::V4(_) => sockopt::ip_original_dst(stream).map(SocketAddr::V4),
        SocketAddr::V6(_) => sockopt::ipv6_original_dst(stream).map(SocketAddr::V6),
    };
    match tracked {
        Ok(address) => Ok(canonical(address)),
        // No entry, or no connection tracking for this family at all.
        Err(Errno::NOENT | Errno::NOPROTOOPT | Errno::OPNOTSUPP) => Ok(local),
        Err(errno) => Err(errno.into()),
    }
}

/// The same destination, with an IPv4-mapped address as IPv4 and without flow label and scope.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}
