//! The head of an HTTP/1 request, read so that no server could read it otherwise.

use palisade_core::one_variable;

/// The most that a head may have, in bytes.
pub(crate) const LONGEST: usize = 64 * 1024;
/// The most header lines.
pub(crate) const MOST_HEADERS: usize = 128;
/// A longer first word is no method.
const LONGEST_METHOD: usize = 32;

/// What frames a message. One that is spelled otherwise is the same to some servers.
pub(crate) const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// How the end of a request's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many bytes, or none.
    Length(u64),
    /// Chunks (RFC 9112, section 7.1).
    Chunked,
}

/// What of a head decides where the request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) framing: Framing,
    /// What follows may be another protocol, if the server agrees.
    pub(crate) upgrade: bool,
}

/// What is known of the first bytes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read {
    /// More is needed.
    Partial,
    /// This many bytes are the head.
    Whole(usize, Head),
    /// There is more than one way to read it, or none.
    Refused(&'static str),
}

/// Read a head. It begins at the request's first byte.
///
/// Stricter than RFC 9112 wherever a lenient reader and a strict one would differ: lines end with
/// CR LF and nothing else, nothing is folded, what frames the body is there once.
pub(crate) fn read(bytes: &[u8]) -> Read {
    let mut lines = Lines { rest: bytes, read: 0 };
    let (method, version) = match lines.next() {
        Line::Partial => return lines.partial(),
        Line::Bad(why) => return Read::Refused(why),
        Line::Whole(line) => match request_line(line) {
            Ok(found) => found,
            Err(why) => return Read::Refused(why),
        },
    };
    let mut fields = Fields::default();
    loop {
        match lines.next() {
            Line::Partial => return lines.partial(),
            Line::Bad(why) => return Read::Refused(why),
            Line::Whole([]) => break,
            Line::Whole(line) => {
                if let Err(why) = fields.take(line) {
                    return Read::Refused(why);
                }
            }
        }
    }
    match fields.head(method, version) {
        Ok(head) => Read::Whole(lines.read, head),
        Err(why) => Read::Refused(why),
    }
}

/// Whether all of a field line is as it must be: a name, a colon, a value without control characters.
pub(crate) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err("a header goes on in a second line (obs-fold)");
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or("a header has no colon")?;
    let (name, value) = line.split_at(colon);
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err("a header's name has a character that no name has");
    }
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    // RFC 9110, section 5.5.
    if !value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)) {
        return Err("a header's value has a control character");
    }
    Ok((name, value))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

fn request_line(line: &[u8]) -> Result<(&[u8], Version), &'static str> {
    const NOT_ONE: &str = "its first line is not a method, a target and a version";
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(NOT_ONE);
    };
    if method.is_empty() || method.len() > LONGEST_METHOD || !method.iter().copied().all(is_token) {
        return Err(NOT_ONE);
    }
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        _ => return Err("its version is not HTTP/1.0 or HTTP/1.1"),
    };
    if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
        return Err("its target has a character that no URL has");
    }
    // Not sent by any client; servers differ on what it means.
    if target.iter().any(|byte| matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>')) {
        return Err("its target has a character that has to be escaped");
    }
    // RFC 9112, section 3.2: an authority alone is for CONNECT.
    let url = || target.windows(3).any(|part| part == b"://");
    if method != b"CONNECT" && !target.starts_with(b"/") && target != b"*" && !url() {
        return Err("its target is neither a path nor a URL");
    }
    Ok((method, version))
}

#[derive(Debug, Default)]
struct Fields {
    count: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    connection_upgrades: bool,
    upgrades: usize,
    websocket: bool,
}

impl Fields {
    fn take(&mut self, line: &[u8]) -> Result<(), &'static str> {
        self.count += 1;
        if self.count > MOST_HEADERS {
            return Err("it has too many headers");
        }
        let (name, value) = field(line)?;
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("host") {
            self.hosts += 1;
        } else if is("content-length") {
            if self.length.replace(length(value)?).is_some() {
                return Err("it has more than one Content-Length");
            }
        } else if is("transfer-encoding") {
            if std::mem::replace(&mut self.chunked, true) {
                return Err("it has more than one Transfer-Encoding");
            }
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err("its Transfer-Encoding is not `chunked` alone");
            }
        } else if is("connection") {
            let mut tokens = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            self.connection_upgrades |= tokens.any(|token| token.eq_ignore_ascii_case(b"upgrade"));
        } else if is("upgrade") {
            self.upgrades += 1;
            self.websocket = self.upgrades == 1 && value.eq_ignore_ascii_case(b"websocket");
        } else if FRAMING.iter().any(|known| one_variable(name, known.as_bytes())) {
            // The same to what turns headers into variables.
            return Err("a header is like Content-Length or Transfer-Encoding, and is neither");
        }
        Ok(())
    }

    fn head(&self, method: &[u8], version: Version) -> Result<Head, &'static str> {
        if self.hosts != 1 {
            return Err("it does not have exactly one Host");
        }
        let framing = match (self.chunked, self.length) {
            (true, Some(_)) => return Err("it has both Content-Length and Transfer-Encoding"),
            (true, None) if version == Version::Http10 => {
                return Err("it has a Transfer-Encoding, and HTTP/1.0 has none");
            }
            (true, None) => Framing::Chunked,
            (false, length) => Framing::Length(length.unwrap_or(0)),
        };
        // Of other offers nothing passes, so that nothing comes of them: clients make one of `h2c` with each request.
        let upgrade = (self.websocket && self.connection_upgrades) || method == b"CONNECT";
        if upgrade && framing != Framing::Length(0) {
            return Err("it asks for another protocol and has a body");
        }
        Ok(Head { framing, upgrade })
    }
}

/// Digits only (RFC 9110, section 8.6): no sign, no list, no other base. Nor a zero before others, by which
/// `strtol(3)` takes the rest for octal.
pub(crate) fn length(value: &[u8]) -> Result<u64, &'static str> {
    const WRONG: &str = "its Content-Length is not a number";
    if matches!(value, [b'0', _, ..]) {
        return Err("its Content-Length begins with a zero");
    }
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(WRONG);
    }
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(WRONG)
}

#[derive(Debug)]
struct Lines<'a> {
    rest: &'a [u8],
    read: usize,
}

enum Line<'a> {
    Partial,
    Whole(&'a [u8]),
    Bad(&'static str),
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Line<'a> {
        let Some(end) = self.rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) else {
            return Line::Partial;
        };
        let (line, rest) = self.rest.split_at(end);
        match rest {
            [b'\r', b'\n', rest @ ..] => {
                self.rest = rest;
                self.read += end + 2;
                Line::Whole(line)
            }
            [b'\r'] => Line::Partial,
            [b'\r', ..] => Line::Bad("a line has a CR that is not before an LF"),
            [b'\n', ..] => Line::Bad("a line ends with LF alone"),
            _ => Line::Bad("a line has a NUL"),
        }
    }

    fn partial(&self) -> Read {
        if self.read + self.rest.len() >= LONGEST {
            return Read::Refused("its head is too long");
        }
        Read::Partial
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
