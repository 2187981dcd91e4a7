//! Ways in for `palisade-fuzz` to what is private here and reads bytes from outside. No part of the interface.

use std::{
    collections::VecDeque,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use palisade_core::{HostName, RecordKind, SecretString};
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    credential::{fuzz::forms, fuzz::scrubber},
    inspect::Gate,
};

/// What a stream becomes whose secret is replaced, and the bytes that must not be in it.
#[derive(Debug)]
pub struct Scrubbed {
    /// All that went on.
    pub out: Vec<u8>,
    /// How often the secret was met.
    pub found: usize,
    /// The secret in each form that is looked for.
    pub forms: Vec<Vec<u8>>,
}

/// Sends a stream in these pieces past the scrubber for one secret. `None`: the two cannot be used.
pub fn scrub(secret: &str, placeholder: &str, pieces: &[&[u8]]) -> Option<Scrubbed> {
    let mut scrubber = scrubber(&SecretString::from(secret), &SecretString::from(placeholder))?;
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(piece)));
    }
    out.extend_from_slice(&scrubber.finish());
    Some(Scrubbed { out, found: scrubber.found(), forms: forms(secret) })
}

/// What came through the strict reader of requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Passed {
    /// All bytes.
    pub out: Vec<u8>,
    /// For each request, whether it asks for another protocol, or why it was refused.
    pub told: Vec<Result<bool, &'static str>>,
    /// Whether it ended with an error.
    pub failed: bool,
}

/// Sends a client's bytes in these pieces through the strict reader, and reads `room` bytes at a time. Offers of
/// another protocol are not taken. It ends where the reader would wait for ever.
pub fn requests(pieces: &[&[u8]], room: usize) -> Passed {
    let pieces = pieces.iter().map(|piece| piece.to_vec()).collect();
    let (gate, admissions) = Gate::new(Pieces(pieces));
    let mut gate = pin!(gate);
    let mut passed = Passed { out: Vec::new(), told: Vec::new(), failed: false };
    let mut context = Context::from_waker(Waker::noop());
    let mut space = vec![0; room.max(1)];
    loop {
        let mut buffer = ReadBuf::new(&mut space);
        match gate.as_mut().poll_read(&mut context, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => break,
            Poll::Ready(Ok(())) => passed.out.extend_from_slice(buffer.filled()),
            Poll::Ready(Err(_)) => {
                passed.failed = true;
                break;
            }
            Poll::Pending if passed.told.len() > 10_000 => break,
            Poll::Pending => {
                let before = passed.told.len();
                passed.told.extend(admissions.drained());
                let last = passed.told.get(before..).and_then(<[_]>::last);
                if !matches!(last, Some(Ok(true))) {
                    break;
                }
                admissions.settle(false);
            }
        }
    }
    passed.told.extend(admissions.drained());
    passed
}

/// Gives these pieces, then ends.
pub(crate) struct Pieces(pub(crate) VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(piece) = self.0.front_mut() {
            let taken = piece.len().min(buffer.remaining());
            buffer.put_slice(piece.get(..taken).unwrap_or_default());
            piece.drain(..taken);
            if piece.is_empty() {
                self.0.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// How many records are taken of a nameserver's answer, of which all behind the identifier and the flags is given.
pub fn records(name: &HostName, kind: RecordKind, rest: &[u8]) -> Option<usize> {
    crate::records::taken_of(name, kind, rest)
}

/// The name of a TLS client that is to be served here.
pub fn hello_to_us(bytes: &[u8]) -> crate::ClientHello {
    crate::tls_hello::read_hello_to_us(bytes)
}

/// How many bytes are read of what a client asks a proxy for, by HTTP or by a request of SOCKS 5, and whether it is
/// served; none while more is needed. The first `seen` bytes were judged before.
pub fn proxy_head(bytes: &[u8], seen: usize) -> Option<(usize, bool)> {
    crate::forward::judged(bytes, seen)
}

/// The `Authorization` of AWS that a request with these fields gets in place of its own.
pub fn signed_anew(target: &str, fields: &[(&str, &[u8])], body: &[u8]) -> Option<Vec<u8>> {
    crate::credential::fuzz::signed_anew(target, fields, body)
}
