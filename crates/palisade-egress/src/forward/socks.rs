//! SOCKS 5 (RFC 1928): what a client asks for that has no other way to say it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Asked, Host, host_of, shown};
use crate::peeked;

/// The version, by which a client is told from one of HTTP.
pub(super) const VERSION: u8 = 5;

const NO_AUTHENTICATION: u8 = 0;
const NONE_ACCEPTABLE: u8 = 0xff;
const CONNECT: u8 = 1;

/// What is said of a request: the field `REP` of section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reply {
    Succeeded = 0,
    NotAllowed = 2,
    HostUnreachable = 4,
}

impl Reply {
    /// The reply. The address that it has a place for is nobody's business.
    pub(crate) fn bytes(self) -> [u8; 10] {
        [VERSION, self as u8, 0, 1, 0, 0, 0, 0, 0, 0]
    }
}

/// Read what a client asks for, whose first byte was seen to be the version. `Err` inside: why it is not served.
///
/// # Errors
/// The connection broke.
pub(super) async fn read(client: &mut TcpStream) -> io::Result<Result<Asked, String>> {
    let fitting = peeked::head(client, |bytes, _| greeting(bytes)).await?;
    let method = if fitting { NO_AUTHENTICATION } else { NONE_ACCEPTABLE };
    client.write_all(&[VERSION, method]).await?;
    if !fitting {
        return Ok(Err("its client wants to log in: this proxy asks for no password".to_owned()));
    }
    peeked::head(client, |bytes, _| request(bytes)).await
}

/// Whether the methods of a greeting have the one without a log-in; none while it is not whole.
fn greeting(bytes: &[u8]) -> Option<(usize, bool)> {
    let [_, count, rest @ ..] = bytes else { return None };
    let methods = rest.get(..usize::from(*count))?;
    Some((methods.len().saturating_add(2), methods.contains(&NO_AUTHENTICATION)))
}

pub(super) fn request(bytes: &[u8]) -> Option<(usize, Result<Asked, String>)> {
    let refused = |why: String| Some((bytes.len(), Err(why)));
    let [version, command, _, kind, rest @ ..] = bytes else { return None };
    if *version != VERSION {
        return refused("its request is of another version of SOCKS".to_owned());
    }
    let (host, after) = match kind {
        1 => {
            let (address, after) = rest.split_first_chunk::<4>()?;
            (Some(Host::Address(Ipv4Addr::from(*address).into())), after)
        }
        4 => {
            let (address, after) = rest.split_first_chunk::<16>()?;
            (Some(Host::Address(IpAddr::V6(Ipv6Addr::from(*address)).to_canonical())), after)
        }
        3 => {
            let (length, rest) = rest.split_first()?;
            let (name, after) = rest.split_at_checked(usize::from(*length))?;
            (std::str::from_utf8(name).ok().and_then(host_of), after)
        }
        _ => return refused("its request has a kind of address that is not known".to_owned()),
    };
    let (port, left) = after.split_first_chunk::<2>()?;
    let length = bytes.len().saturating_sub(left.len());
    let found = match (*command, host, u16::from_be_bytes(*port)) {
        (CONNECT, Some(host), port) if port != 0 => Ok(Asked { host, port, request: None }),
        (CONNECT, None, _) => {
            let name = String::from_utf8_lossy(bytes.get(5..length).unwrap_or_default());
            Err(format!("`{}` is no host", shown(&name)))
        }
        (CONNECT, ..) => Err("it names no port".to_owned()),
        _ => {
            Err("of SOCKS only CONNECT is served: nothing listens here, and UDP leads nowhere"
                .into())
        }
    };
    Some((length, found))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(bytes: &[u8]) -> Option<Result<(String, u16), String>> {
        let (_, found) = request(bytes)?;
        Some(found.map(|asked| (asked.host.to_string(), asked.port)))
    }

    #[test]
    fn a_request_is_a_host_and_a_port() {
        let name = b"\x05\x01\0\x03\x06a.test\x01\xbb";
        assert_eq!(asked(name), Some(Ok(("a.test".into(), 443))));
        assert_eq!(request(&[&name[..], b"more"].concat()).unwrap().0, name.len());
        for end in 0..name.len() {
            assert_eq!(asked(&name[..end]), None);
        }
        assert_eq!(
            asked(b"\x05\x01\0\x01\x08\x08\x08\x08\0\x50"),
            Some(Ok(("8.8.8.8".into(), 80)))
        );
        let mapped = [b"\x05\x01\0\x04", &[0; 10][..], b"\xff\xff\x7f\0\0\x01\0\x50"].concat();
        assert_eq!(asked(&mapped), Some(Ok(("127.0.0.1".into(), 80))));
    }

    #[test]
    fn what_is_not_served_is_refused_with_a_reason() {
        for (bytes, why) in [
            (&b"\x05\x02\0\x01\x08\x08\x08\x08\0\x50"[..], "only CONNECT"),
            (b"\x05\x03\0\x01\x08\x08\x08\x08\0\x50", "only CONNECT"),
            (b"\x04\x01\0\x50", "another version"),
            (b"\x05\x01\0\x09\0\0", "not known"),
            (b"\x05\x01\0\x03\x03a\0b\0\x50", "is no host"),
            (b"\x05\x01\0\x03\x02\xff\xfe\0\x50", "is no host"),
            (b"\x05\x01\0\x03\0\0\x50", "is no host"),
            (b"\x05\x01\0\x03\x06a.test\0\0", "no port"),
        ] {
            let said = asked(bytes).unwrap().unwrap_err();
            assert!(said.contains(why), "{bytes:?}: {said}");
        }
        assert_eq!(greeting(b"\x05\x02\x01\0"), Some((4, true)));
        assert_eq!(greeting(b"\x05\x01\x02"), Some((3, false)));
        assert_eq!((greeting(b"\x05\x02\0"), greeting(b"\x05")), (None, None));
    }

    proptest! {
        #[test]
        fn nothing_panics_and_no_more_is_taken_than_is_there(bytes: Vec<u8>) {
            for length in [greeting(&bytes).map(|it| it.0), request(&bytes).map(|it| it.0)] {
                prop_assert!(length.is_none_or(|length| length <= bytes.len()));
            }
        }
    }
}
