use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::writes::writes_through;

/// A stream of which the beginning was read already.
#[derive(Debug)]
pub(crate) struct Prefixed<S> {
    bytes: Vec<u8>,
    used: usize,
    stream: S,
}

impl<S> Prefixed<S> {
    /// `bytes`, then `stream`.
    pub(crate) fn new(bytes: Vec<u8>, stream: S) -> Self {
        Self { bytes, used: 0, stream }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let rest = this.bytes.get(this.used..).unwrap_or_default();
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let taken = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..taken).unwrap_or_default());
        this.used += taken;
        if this.used == this.bytes.len() {
            this.bytes = Vec::new();
            this.used = 0;
        }
        Poll::Ready(Ok(()))
    }
}

writes_through!(Prefixed);
