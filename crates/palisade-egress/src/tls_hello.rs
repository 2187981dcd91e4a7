use palisade_core::TlsName;

/// The most that is read of a ClientHello, record headers included.
const LONGEST: usize = 64 * 1024;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// RFC 8446, section 5.1.
const LONGEST_RECORD: usize = 1 << 14;
const SERVER_NAME: u16 = 0;
/// RFC 9849: the true ClientHello is inside, encrypted.
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// The draft before it.
const ENCRYPTED_SERVER_NAME: u16 = 0xffce;

/// What is known of a TLS client's first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientHello {
    /// It is not whole. It cannot be before this many bytes in all are there.
    Partial(usize),
    /// It is whole, or so wrong that it never will be; this is the name it asks for.
    Read(TlsName),
}

/// Read the server name from the first bytes of a connection that speaks TLS.
///
/// Reads a ClientHello that is split over segments and records. Everything that a server could
/// understand otherwise is [`TlsName::Hidden`]: repeated or several names, lengths that do not
/// add up, other records in between. So is an encrypted ClientHello, also a pretended one
/// (GREASE): the two are made to look alike.
pub fn read_client_hello(bytes: &[u8]) -> ClientHello {
    read(bytes, Ends::Elsewhere)
}

/// The same where TLS ends in the proxy: what is encrypted, or only looks so as that of browsers always does, is
/// then nobody's, since the proxy takes no such offer and serves the name that can be read.
pub(crate) fn read_hello_to_us(bytes: &[u8]) -> ClientHello {
    read(bytes, Ends::Here)
}

/// Where the client's TLS ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Here,
    Elsewhere,
}

fn read(bytes: &[u8], ends: Ends) -> ClientHello {
    let mut message = Vec::new();
    let mut wire = Fields(bytes);
    // Bytes that the message lacks at least. It is read from its beginning each time, so that it is not asked for
    // before there may be enough of it: a client may cut it into records of one byte.
    let mut lacks = 1;
    loop {
        let before = bytes.len() - wire.0.len();
        let header = wire.clone();
        let (Some(kind), Some(version), Some(length)) = (wire.u8(), wire.u16(), wire.u16()) else {
            let odd = !matches!(header.0, [] | [HANDSHAKE] | [HANDSHAKE, 3, ..]);
            return if odd { hidden(NOT_ONE_HELLO) } else { partial(before + 5 + lacks) };
        };
        let length = usize::from(length);
        if kind != HANDSHAKE || version >> 8 != 3 || length == 0 || length > LONGEST_RECORD {
            return hidden(NOT_ONE_HELLO);
        }
        let Some(part) = wire.take(length) else {
            return partial(before + 5 + length.max(lacks));
        };
        message.extend_from_slice(part);
        let mut handshake = Fields(&message);
        if handshake.u8() != Some(CLIENT_HELLO) {
            return hidden(NOT_ONE_HELLO);
        }
        let Some(length) = handshake.u24() else { continue };
        if length > LONGEST {
            return hidden(TOO_LONG);
        }
        if let Some(hello) = handshake.take(length) {
            return ClientHello::Read(
                server_name(hello, ends).unwrap_or_else(|why| TlsName::Hidden(why.into())),
            );
        }
        lacks = length.saturating_sub(handshake.0.len());
    }
}

const NOT_ONE_HELLO: &str = "the ClientHello is malformed";
const TOO_LONG: &str = "the ClientHello is too long";

fn partial(wanted: usize) -> ClientHello {
    if wanted > LONGEST { hidden(TOO_LONG) } else { ClientHello::Partial(wanted) }
}

fn hidden(why: &str) -> ClientHello {
    ClientHello::Read(TlsName::Hidden(why.into()))
}

/// The name in a ClientHello's body (RFC 8446, section 4.1.2), or why there is none.
fn server_name(body: &[u8], ends: Ends) -> Result<TlsName, &'static str> {
    let mut hello = Fields(body);
    let fixed = (|| {
        hello.take(2 + 32)?;
        hello.short_vector().filter(|session| session.0.len() <= 32)?;
        hello.vector().filter(|suites| !suites.0.is_empty() && suites.0.len() % 2 == 0)?;
        hello.short_vector().filter(|compression| !compression.0.is_empty())
    })();
    fixed.ok_or(NOT_ONE_HELLO)?;
    if hello.0.is_empty() {
        return Err("it has none");
    }
    let mut extensions = hello.vector().ok_or(NOT_ONE_HELLO)?;
    if !hello.0.is_empty() {
        return Err(NOT_ONE_HELLO);
    }
    let mut found = None;
    let mut encrypted = false;
    while !extensions.0.is_empty() {
        let kind = extensions.u16().ok_or(NOT_ONE_HELLO)?;
        let content = extensions.vector().ok_or(NOT_ONE_HELLO)?;
        match kind {
            SERVER_NAME if found.replace(content).is_some() => return Err("it is given twice"),
            ENCRYPTED_CLIENT_HELLO | ENCRYPTED_SERVER_NAME => encrypted = true,
            _ => {}
        }
    }
    if encrypted && ends == Ends::Elsewhere {
        return Err("it may be encrypted (ECH)");
    }
    let name = host_name(found.ok_or("it has none")?)?;
    name.parse().map(TlsName::Named).map_err(|_| "it is not a host name")
}

/// The one `host_name` of a server name list (RFC 6066, section 3).
fn host_name(mut content: Fields<'_>) -> Result<&str, &'static str> {
    let mut list = content.vector().ok_or(NOT_ONE_HELLO)?;
    let kind = list.u8().ok_or(NOT_ONE_HELLO)?;
    let name = list.vector().ok_or(NOT_ONE_HELLO)?;
    if kind != 0 || !list.0.is_empty() || !content.0.is_empty() {
        return Err("it is not one host name");
    }
    // The wire form is ASCII (A-labels) without a final dot; `parse` alone would take more.
    let plain = name.0.is_ascii() && name.0.last() != Some(&b'.');
    std::str::from_utf8(name.0).ok().filter(|_| plain).ok_or("it is not a host name")
}

/// Bytes that are taken from the front; `None` when there are too few.
#[derive(Debug, Clone)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u24(&mut self) -> Option<usize> {
        let (high, low) = (self.u8()?, self.u16()?);
        Some(usize::from(high) << 16 | usize::from(low))
    }

    fn short_vector(&mut self) -> Option<Fields<'a>> {
        let length = self.u8()?;
        self.take(length.into()).map(Fields)
    }

    fn vector(&mut self) -> Option<Fields<'a>> {
        let length = self.u16()?;
        self.take(length.into()).map(Fields)
    }
}

#[cfg(test)]
mod tests;
