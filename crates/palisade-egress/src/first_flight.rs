use std::{io, time::Duration};

use palisade_core::{HostName, TlsName};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use crate::{
    request_head::{self, RequestHead, read_request_head},
    tls_hello::{ClientHello, read_client_hello},
};

const CHUNK: usize = 4096;

/// What a client said first, held back until it has been read.
#[derive(Debug, Default)]
pub(crate) struct FirstFlight {
    pub(crate) bytes: Vec<u8>,
    ended: bool,
}

/// What the client's first flight says of where it wants to go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inspected {
    pub(crate) tls: TlsName,
    /// Why it may not pass, whatever the policy says.
    pub(crate) refusal: Option<String>,
}

impl FirstFlight {
    /// Whether the client said anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the client said anything or is done without.
    pub(crate) fn has_begun(&self) -> bool {
        self.ended || !self.bytes.is_empty()
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
            let mut wanted = 0;
            loop {
                if self.ended || self.bytes.len() >= wanted {
                    match self.judge(host, port) {
                        Judged::Clear(inspected) => return Ok(inspected),
                        Judged::Wants(more) => wanted = more,
                    }
                }
                self.fill(client).await?;
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

    fn judge(&self, host: &HostName, port: u16) -> Judged {
        // A server knows a TLS record by these two bytes; 0x16 and then something else is no TLS
        // to anyone.
        if let [0x16] | [0x16, 3, ..] = self.bytes.as_slice() {
            return match read_client_hello(&self.bytes) {
                ClientHello::Read(tls) => clear(tls, None),
                ClientHello::Partial(_) if self.ended => {
                    clear(TlsName::Hidden("the ClientHello is cut short".into()), None)
                }
                ClientHello::Partial(wanted) => Judged::Wants(wanted),
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
            RequestHead::Partial => {
                Judged::Wants((self.bytes.len() + 1).min(request_head::LONGEST))
            }
        }
    }
}

enum Judged {
    Clear(Inspected),
    /// Not before this many bytes are there.
    Wants(usize),
}

fn clear(tls: TlsName, refusal: Option<String>) -> Judged {
    Judged::Clear(Inspected { tls, refusal })
}
