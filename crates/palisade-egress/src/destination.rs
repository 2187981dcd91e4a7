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

/// Whether a connection came straight to the listener, which has this address, and was led there by nothing. One that
/// listens at every address of its own namespace is found at each of the loopback device's.
pub(crate) fn is_straight(destination: SocketAddr, listener: SocketAddr) -> bool {
    let (ip, own) = (destination.ip(), listener.ip());
    destination.port() == listener.port()
        && (ip == own || (own.is_unspecified() && (ip.is_loopback() || ip.is_unspecified())))
}

/// The same destination, with an IPv4-mapped address as IPv4 and without flow label and scope.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_not_led_to_the_listener_is_told_from_who_was() {
        let at = |text: &str| text.parse().unwrap();
        for (destination, listener, straight) in [
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "0.0.0.0:1", true),
            ("127.9.9.9:1", "0.0.0.0:1", true),
            ("0.0.0.0:1", "0.0.0.0:1", true),
            ("[::1]:1", "[::]:1", true),
            ("[::1]:1", "[::1]:1", true),
            // An address like any other, to which a client may want to go.
            ("198.18.0.1:1", "0.0.0.0:1", false),
            ("[2001:db8::1]:1", "[::]:1", false),
            ("127.0.0.1:2", "0.0.0.0:1", false),
            ("127.0.0.2:1", "127.0.0.1:1", false),
        ] {
            let found = is_straight(at(destination), at(listener));
            assert_eq!(found, straight, "{destination} at {listener}");
        }
    }
}
