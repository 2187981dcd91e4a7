use std::{io, time::Duration};

use palisade_core::{HostName, TlsName};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use crate::{
    request_head::{self, RequestHead, read_request_head},
    tls_hello::{ClientHello, read_client_hello, read_hello_to_us},
};

const CHUNK: usize = 4096;
/// So few bytes are judged however they come.
const SHORT: usize = 512;

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

    /// Whether the client said anything or is done without.
    pub(crate) fn has_begun(&self) -> bool {
        self.ended || !self.bytes.is_empty()
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

    /// Read on until it is clear what the client wants. Something must be there already.
    ///
    /// # Errors
    /// The client's connection broke.
    pub(crate) async fn inspect(
        &mut self,
        client: &mut (impl AsyncRead + Unpin),
        (host, port): (&HostName, u16),
        patience: Duration,
    ) -> io::Result<Inspected> {
        let reading = async {
            loop {
                let wants = match self.judge(host, port) {
                    Judged::Clear(inspected) => return Ok(inspected),
                    Judged::Wants(wants) => wants,
                };
                let mut fresh = self.bytes.len();
                while !self.may_say_more(fresh, wants) {
                    fresh = self.bytes.len();
                    self.fill(client).await?;
                }
            }
        };
        timeout(patience, reading).await.unwrap_or_else(|_| {
            Ok(Inspected {
                tls: TlsName::Unseen,
                refusal: Some(format!(
                    "the client did not say what it wants within {} s of its first byte",
                    patience.as_secs()
                )),
            })
        })
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
        // A server knows a TLS record by these two bytes; 0x16 and then something else is no TLS
        // to anyone.
        if let [0x16] | [0x16, 3, ..] = self.bytes.as_slice() {
            let read = if self.to_us { read_hello_to_us } else { read_client_hello };
            return match read(&self.bytes) {
                ClientHello::Read(tls) => clear(tls, None),
                ClientHello::Partial(_) if self.ended => {
                    clear(TlsName::Hidden("the ClientHello is cut short".into()), None)
                }
                ClientHello::Partial(wanted) => Judged::Wants(Wants::Bytes(wanted)),
            };
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
