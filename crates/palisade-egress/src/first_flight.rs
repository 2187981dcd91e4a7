use std::io;

use palisade_core::{HostName, TlsName};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use crate::{
    Limits,
    request_head::{self, RequestHead, read_request_head},
    tls_hello::{ClientHello, read_client_hello, read_hello_to_us},
};

const CHUNK: usize = 4096;
/// So few bytes are judged however they come.
const SHORT: usize = 512;

/// So many bytes tell whether it is TLS: a record's header and what is first in it.
const RECORD_AND_ONE: usize = 6;

/// No method of HTTP/1 is named so.
const HTTP2: &[u8] = b"PRI ";

/// What a client said first, held back until it has been read.
#[derive(Debug, Default)]
pub(crate) struct FirstFlight {
    pub(crate) bytes: Vec<u8>,
    ended: bool,
    /// Whether TLS is to end in the proxy, if it is TLS.
    pub(crate) to_us: bool,
}

/// What the client's first flight says of where it wants to go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inspected {
    pub(crate) tls: TlsName,
    /// Why it may not pass, whatever the policy says.
    pub(crate) refusal: Option<String>,
}

impl Inspected {
    /// As long as it is not clear: no TLS, and nothing that could be refused.
    pub(crate) fn open() -> Self {
        Self { tls: TlsName::NotTls, refusal: None }
    }
}

impl FirstFlight {
    /// One of which this has come already.
    pub(crate) fn begun(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// Whether the client said anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether it begins as a TLS record does (RFC 8446, section 5.1).
    pub(crate) fn is_tls(&self) -> bool {
        self.bytes.first() == Some(&0x16)
    }

    /// Whether it begins as HTTP/2 without an upgrade does (RFC 9113, section 3.4).
    pub(crate) fn is_http2(&self) -> bool {
        self.bytes.starts_with(HTTP2)
    }

    /// Wait until it is clear whether this is TLS, HTTP/2 or something else.
    ///
    /// # Errors
    /// The client's connection broke.
    pub(crate) async fn begin(&mut self, client: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        if self.is_empty() {
            self.fill(client).await?;
        }
        loop {
            if self.ended || self.bytes.len() >= HTTP2.len() || !HTTP2.starts_with(&self.bytes) {
                return Ok(());
            }
            self.fill(client).await?;
        }
    }

    /// Wait for more.
    ///
    /// # Errors
    /// The client's connection broke.
    pub(crate) async fn fill(&mut self, client: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.bytes.reserve(CHUNK);
        self.ended = client.read_buf(&mut self.bytes).await? == 0;
        Ok(())
    }

    /// Read on until it is clear what the client wants. Something must be there already. `None`: it is not, and the client
    /// is silent behind what may be all of a message of another protocol. That may go on, and nothing behind it
    /// before this was asked again.
    ///
    /// # Errors
    /// The client's connection broke.
    pub(crate) async fn inspect(
        &mut self,
        client: &mut (impl AsyncRead + Unpin),
        (host, port): (&HostName, u16),
        limits: &Limits,
    ) -> io::Result<Option<Inspected>> {
        let (patience, silence) = (limits.first_flight, limits.first_byte);
        let reading = async {
            loop {
                let wants = match self.judge(host, port) {
                    Judged::Clear(inspected) => return Ok(Some(inspected)),
                    Judged::Wants(wants) => wants,
                };
                let mut fresh = self.bytes.len();
                while !self.may_say_more(fresh, wants) {
                    fresh = self.bytes.len();
                    if !self.is_open(wants) {
                        self.fill(client).await?;
                    } else if let Ok(filled) = timeout(silence, self.fill(client)).await {
                        filled?;
                    } else {
                        return Ok(None);
                    }
                }
            }
        };
        timeout(patience, reading).await.unwrap_or_else(|_| {
            Ok(Some(Inspected {
                tls: TlsName::Unseen,
                refusal: Some(format!(
                    "the client did not say what it wants within {} s of its first byte",
                    patience.as_secs()
                )),
            }))
        })
    }

    /// Whether this is a line that has not ended and begins as none of HTTP does: it may be all that is said (`ruok`,
    /// `JDWP-Handshake`). If it is one of HTTP after all, no server does anything for it before its end.
    fn is_open(&self, wants: Wants) -> bool {
        matches!(wants, Wants::Line)
            && !self.bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
            && !request_head::may_begin_one(&self.bytes)
    }

    /// Whether what came since `fresh` can change the judgement: a client that sends byte by byte
    /// must not have all of it judged for each.
    fn may_say_more(&self, fresh: usize, wants: Wants) -> bool {
        let length = self.bytes.len();
        self.ended
            || match wants {
                Wants::Bytes(count) => length >= count,
                Wants::Line => {
                    let fresh = self.bytes.get(fresh..).unwrap_or_default();
                    !fresh.is_empty()
                        && (length <= SHORT
                            || length >= request_head::LONGEST
                            || fresh.iter().any(|b| matches!(b, b'\n' | 0)))
                }
            }
    }

    fn judge(&self, host: &HostName, port: u16) -> Judged {
        let begins = begins_as_tls(&self.bytes);
        if begins == Some(true) {
            let read = if self.to_us { read_hello_to_us } else { read_client_hello };
            return match read(&self.bytes) {
                ClientHello::Read(tls) => clear(tls, None),
                ClientHello::Partial(_) if self.ended => {
                    clear(TlsName::Hidden("the ClientHello is cut short".into()), None)
                }
                ClientHello::Partial(wanted) => Judged::Wants(Wants::Bytes(wanted)),
            };
        }
        if begins.is_none() && !self.ended {
            return Judged::Wants(Wants::Bytes(RECORD_AND_ONE));
        }
        match read_request_head(&self.bytes, host, port) {
            RequestHead::NotHttp | RequestHead::Agrees => clear(TlsName::NotTls, None),
            RequestHead::Refused(why) => clear(TlsName::NotTls, Some(why)),
            // What ends here is no request to any server, but may be all of another protocol.
            RequestHead::Partial if self.ended && !self.bytes.contains(&b'\n') => {
                clear(TlsName::NotTls, None)
            }
            RequestHead::Partial if self.ended => {
                clear(TlsName::NotTls, Some("its HTTP request is cut short".into()))
            }
            RequestHead::Partial => Judged::Wants(Wants::Line),
        }
    }
}

/// Whether some server takes these bytes for TLS; none as long as that cannot be told. A ClientHello's own record
/// names version 3, but servers in Go take all below 16; an alert or a change of ciphers may stand before it, and it may
/// have the form of SSL 2. What begins so and is no plain ClientHello hides the name that it asks for, and other
/// protocols that begin alike go on differently.
fn begins_as_tls(bytes: &[u8]) -> Option<bool> {
    Some(match bytes {
        [0x16] | [0x16, 3, ..] => true,
        [0x16, 0..=15, _, high, low, first, ..] => *first == 1 && (*high, *low) != (0, 0),
        [0x15, 0..=15, _, 0, 2, 1 | 2, ..] | [0x14, 3, _, 0, 1, 1, ..] => true,
        [0x80..=0x8f, _, 1, 0, 2, ..] | [0x80..=0x8f, _, 1, 3, 0..=4, ..] => true,
        [0x16, 0..=15, ..]
        | [0x15]
        | [0x15, 0..=15]
        | [0x15, 0..=15, _]
        | [0x15, 0..=15, _, 0]
        | [0x15, 0..=15, _, 0, 2]
        | [0x14]
        | [0x14, 3]
        | [0x14, 3, _]
        | [0x14, 3, _, 0]
        | [0x14, 3, _, 0, 1]
        | [0x80..=0x8f]
        | [0x80..=0x8f, _]
        | [0x80..=0x8f, _, 1]
        | [0x80..=0x8f, _, 1, 0 | 3] => return None,
        _ => false,
    })
}

enum Judged {
    Clear(Inspected),
    Wants(Wants),
}

/// What has to come before judging again can make a difference.
#[derive(Debug, Clone, Copy)]
enum Wants {
    /// This many bytes in all.
    Bytes(usize),
    /// The end of a line, or what no line has in it.
    Line,
}

fn clear(tls: TlsName, refusal: Option<String>) -> Judged {
    Judged::Clear(Inspected { tls, refusal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_server_takes_for_tls_is_told_from_what_begins_alike() {
        let told = |bytes: &[u8]| begins_as_tls(bytes);
        for tls in [
            &b"\x16\x03\x01\x00\xc8\x01"[..],
            b"\x16\x03\x01\x00\x00",
            b"\x16\x00\x00\x00\xc8\x01\x00",
            b"\x16\x02\x00\x00\xc8\x01",
            b"\x16\x0f\xff\x40\x00\x01",
            b"\x15\x03\x03\x00\x02\x01\x00\x16\x03\x01",
            b"\x15\x01\x00\x00\x02\x02\x00",
            b"\x14\x03\x03\x00\x01\x01\x16\x03\x01",
            b"\x80\x2e\x01\x03\x01\x00\x15",
            b"\x80\x2e\x01\x00\x02\x00\x15",
        ] {
            assert_eq!(told(tls), Some(true), "{}", tls.escape_ascii());
            for length in 1..tls.len() {
                assert_ne!(told(&tls[..length]), Some(false), "{}", tls.escape_ascii());
            }
        }
        for other in [
            &b"GET / HTTP/1.1"[..],
            // A message of MongoDB of 278 bytes, and one of 21.
            b"\x16\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00",
            b"\x15\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00",
            b"\x14\x00\x00\x00",
            // Thrift, compact and binary.
            b"\x82\x21\x01\x03add",
            b"\x80\x01\x00\x01",
            b"\x16\x10",
            b"\x17\x03\x03\x00\x01",
            b"\xff\xfd\x01",
        ] {
            assert_eq!(told(other), Some(false), "{}", other.escape_ascii());
        }
    }
}
