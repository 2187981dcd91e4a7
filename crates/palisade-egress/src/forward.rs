//! What a client asks for that takes us for a proxy: a tunnel to somewhere, by HTTP or SOCKS, or one plain request.

mod socks;

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use palisade_core::HostName;
pub(crate) use socks::Reply;
use tokio::net::TcpStream;

use crate::{
    inspect::head::{self, Read, field},
    peeked::{self, end_of_head},
    request_head::is_here,
};

/// The longest head of a CONNECT, in bytes.
const LONGEST: usize = 16 * 1024;
/// Empty lines that some clients send before a request.
const MOST_BLANK: usize = 4;
/// Fields that are for a proxy, or for one connection.
const DROPPED: [&str; 6] =
    ["connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "upgrade"];
/// What a client cannot take away by naming it in `Connection`.
const KEPT: [&str; 3] = ["content-length", "host", "transfer-encoding"];

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// The request in the form that its server gets, if it is one. Else a tunnel is asked for.
    pub(crate) request: Option<Vec<u8>>,
}

/// Whom a client names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Name(HostName),
    Address(IpAddr),
}

/// By which words a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    Http,
    Socks,
}

/// How a client begins. Nothing of it is taken.
///
/// # Errors
/// The connection broke.
pub(crate) async fn speech(client: &TcpStream) -> std::io::Result<Speech> {
    let mut first = [0];
    match client.peek(&mut first).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ if first == [socks::VERSION] => Ok(Speech::Socks),
        _ => Ok(Speech::Http),
    }
}

/// Read what a client asks for, and nothing behind that. `Err` inside: why it is not served.
///
/// # Errors
/// The connection broke.
pub(crate) async fn read(
    client: &mut TcpStream,
    speech: Speech,
) -> std::io::Result<Result<Asked, String>> {
    match speech {
        Speech::Http => peeked::head(client, judge).await,
        Speech::Socks => socks::read(client).await,
    }
}

fn judge(bytes: &[u8], seen: usize) -> Option<(usize, Result<Asked, String>)> {
    // With the last byte that was seen: what follows a CR says whether it ends a line.
    let fresh = bytes.get(seen.saturating_sub(1)..).unwrap_or_default();
    let tells = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    // One that comes byte by byte is not judged for each.
    if bytes.len() < LONGEST && !fresh.iter().any(tells) {
        return None;
    }
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let text = bytes.get(blank..).unwrap_or_default();
    let refused = |why: &str| Some((bytes.len(), Err(why.to_owned())));
    if blank > MOST_BLANK {
        return refused("it begins with empty lines only");
    }
    if text.starts_with(b"CONNECT ") {
        return match end_of_head(text, 0) {
            Some(end) => {
                let head = text.get(..end).unwrap_or_default();
                Some((blank.saturating_add(end), tunnel(head)))
            }
            None if bare_line_end(text) => refused("a line ends with LF alone"),
            None if text.len() >= LONGEST => refused("its head is too long"),
            None => None,
        };
    }
    match head::read(text) {
        Read::Partial => None,
        Read::Refused(why) => refused(why),
        Read::Whole(length, _) => {
            let head = text.get(..length).unwrap_or_default();
            Some((blank.saturating_add(length), plain(head)))
        }
    }
}

/// For [`crate::fuzz`]: how many bytes are read of what a client asks a proxy for, and whether it is served; none
/// while more is needed. `seen` of them were there before.
pub(crate) fn judged(bytes: &[u8], seen: usize) -> Option<(usize, bool)> {
    let judged = match bytes.first() {
        Some(&socks::VERSION) => socks::request(bytes),
        _ => judge(bytes, seen),
    };
    judged.map(|(length, asked)| (length, asked.is_ok()))
}

fn bare_line_end(text: &[u8]) -> bool {
    let ends = memchr::memchr_iter(b'\n', text);
    let mut before = ends.map(|at| at.checked_sub(1).and_then(|at| text.get(at)));
    before.any(|before| before != Some(&b'\r'))
}

/// The first line in its three words, and the lines behind it.
fn lines(head: &[u8]) -> Option<([&str; 3], Vec<&[u8]>)> {
    let text = head.strip_suffix(b"\r\n\r\n")?;
    let mut lines =
        text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = std::str::from_utf8(lines.next()?).ok()?;
    let words: Vec<&str> = first.split(' ').collect();
    Some((words.try_into().ok()?, lines.collect()))
}

/// RFC 9110, section 9.3.6. A `Host` may be left out, as old clients do.
fn tunnel(head: &[u8]) -> Result<Asked, String> {
    if bare_line_end(head) {
        return Err("a line ends with LF alone".to_owned());
    }
    let Some(([_, target, "HTTP/1.1" | "HTTP/1.0"], fields)) = lines(head) else {
        return Err("its first line is not CONNECT, a host with its port, and a version".to_owned());
    };
    let (host, port) = authority(target)
        .ok_or_else(|| format!("`{}` is not a host with its port", shown(target)))?;
    let port = port.ok_or_else(|| format!("`{}` has no port", shown(target)))?;
    let mut hosts = 0;
    for line in fields {
        let (name, value) = field(line)?;
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("host") {
            hosts += 1;
            let value = std::str::from_utf8(value).unwrap_or_default();
            let same = authority(value)
                .is_some_and(|(said, at)| said == host && at.is_none_or(|at| at == port));
            if !same || hosts > 1 {
                return Err(format!(
                    "it is a CONNECT to {host}:{port}, and its Host is another one"
                ));
            }
        } else if is("transfer-encoding") || (is("content-length") && value != b"0") {
            return Err("a CONNECT has no body".to_owned());
        }
    }
    Ok(Asked { host, port, request: None })
}

/// A request in absolute form becomes one in origin form, the only one of its connection.
fn plain(head: &[u8]) -> Result<Asked, String> {
    let Some(([method, target, version], fields)) = lines(head) else {
        return Err("its first line is not a method, a target and a version".to_owned());
    };
    let rest = match target.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
            return Err("a request for https:// is asked for by CONNECT".to_owned());
        }
        _ => return Err("it names no http:// URL: this is a proxy".to_owned()),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (named, path) = rest.split_at(end);
    let (host, port) = authority(named).ok_or_else(|| format!("`{}` is no host", shown(named)))?;
    let port = port.unwrap_or(80);
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut request = format!("{method} {slash}{path} {version}\r\n").into_bytes();
    let mut nominated: Vec<Vec<u8>> = Vec::new();
    for line in &fields {
        let (name, value) = field(line)?;
        if name.eq_ignore_ascii_case(b"connection") {
            let words = value
                .split(|byte| *byte == b',')
                .map(|word| word.trim_ascii().to_ascii_lowercase());
            nominated.extend(words.filter(|word| !KEPT.iter().any(|kept| kept.as_bytes() == word)));
        }
    }
    for line in fields {
        let (name, value) = field(line)?;
        let lower = name.to_ascii_lowercase();
        if lower == b"host" {
            let said = std::str::from_utf8(value).unwrap_or_default();
            let agrees = match &host {
                Host::Name(name) => is_here(said, name, port),
                Host::Address(_) => authority(said)
                    .is_some_and(|(said, at)| said == host && at.unwrap_or(80) == port),
            };
            if !agrees {
                return Err(format!("it is for {host}:{port}, and its Host is another one"));
            }
        }
        if DROPPED.iter().any(|dropped| dropped.as_bytes() == lower) || nominated.contains(&lower) {
            continue;
        }
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"Connection: close\r\n\r\n");
    Ok(Asked { host, port, request: Some(request) })
}

/// `host`, `host:port`, `[address]` or `[address]:port`, and nothing else.
fn authority(text: &str) -> Option<(Host, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, behind) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = match behind {
                "" => None,
                behind => Some(behind.strip_prefix(':')?),
            };
            (Host::Address(IpAddr::V6(address).to_canonical()), port)
        }
        None => {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            (host_of(host)?, port)
        }
    };
    match port {
        None => Some((host, None)),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = digits.parse().ok().filter(|port| *port != 0)?;
            Some((host, Some(port)))
        }
        Some(_) => None,
    }
}

fn host_of(text: &str) -> Option<Host> {
    if !text.is_ascii() {
        return None;
    }
    match text.parse::<IpAddr>() {
        Ok(address) => Some(Host::Address(address)),
        // Numbers that are taken for addresses by some are no names.
        Err(_) => text.parse().ok().map(Host::Name),
    }
}

fn shown(text: &str) -> String {
    text.escape_debug().take(100).collect()
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => name.fmt(f),
            Host::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
