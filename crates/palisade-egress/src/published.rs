//! Ports of sandboxes that are published on this machine's loopback, for a person to look at.
//!
//! Whoever publishes one claims it first, and no proxy connects to a claimed port: what one sandbox
//! publishes is no way for another. The claim is an abstract Unix socket (unix(7)). It has a name in the
//! network namespace that the loopback is in, is there before the port is listened to, and goes with
//! the process that has it. Nobody inside a sandbox can make or see one: it has another namespace.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as Name, UnixDatagram},
    },
};

/// A port that this process publishes, for as long as it has this.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "it is there to be had")] UnixDatagram);

impl Claim {
    /// Claim a port.
    ///
    /// # Errors
    /// EADDRINUSE if a sandbox publishes it already.
    pub fn of(port: u16) -> io::Result<Self> {
        UnixDatagram::bind_addr(&name(port)?).map(Self)
    }
}

/// Whether a connection to this address leads to what a sandbox publishes. What cannot be told is taken
/// for it. To be asked before a connection is made, and once more before anything is sent over it.
pub(crate) fn leads_to_one(peer: io::Result<SocketAddr>) -> bool {
    let Ok(peer) = peer else { return true };
    // To connect to an unspecified address is to connect to the loopback.
    let loopback = match peer.ip().to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_unspecified(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unspecified(),
    };
    loopback && is_claimed(peer.port())
}

fn is_claimed(port: u16) -> bool {
    let asked = name(port).and_then(|name| UnixDatagram::unbound()?.connect_addr(&name));
    // No such name: nobody has it.
    !asked.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn name(port: u16) -> io::Result<Name> {
    Name::from_abstract_name(format!("palisade/published/{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_holds_until_it_is_dropped() {
        let peer = |text: &str| Ok(text.parse().unwrap());
        assert!(!leads_to_one(peer("127.0.0.1:64999")));
        let claim = Claim::of(64999).unwrap();
        assert_eq!(Claim::of(64999).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        for address in
            ["127.0.0.1:64999", "127.1.2.3:64999", "[::1]:64999", "[::ffff:127.0.0.1]:64999"]
        {
            assert!(leads_to_one(peer(address)), "{address}");
        }
        assert!(!leads_to_one(peer("127.0.0.1:64998")) && !leads_to_one(peer("10.1.2.3:64999")));
        drop(claim);
        assert!(!leads_to_one(peer("127.0.0.1:64999")));
        assert!(leads_to_one(Err(io::ErrorKind::NotConnected.into())));
    }
}
