//! What of a client's HTTP/2 the library refused by itself.
//!
//! It tells nobody of a request that is malformed: it resets the stream, or ends the connection. So what it writes
//! is looked at: frames of RFC 9113, section 4.1, of which only those two kinds are of interest.

use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

const HEADER: usize = 9;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;

/// How often there was which reason, an error code of RFC 9113, section 7.
#[derive(Debug, Default)]
pub(super) struct Resets {
    found: Mutex<BTreeMap<u32, u64>>,
    news: Notify,
}

impl Resets {
    /// What there was since it was last asked, once there is something.
    pub(super) async fn next(&self) -> BTreeMap<u32, u64> {
        loop {
            let found = self.take();
            if !found.is_empty() {
                return found;
            }
            self.news.notified().await;
        }
    }

    /// What there was since it was last asked.
    pub(super) fn take(&self) -> BTreeMap<u32, u64> {
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, code: u32) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let count = found.entry(code).or_default();
        *count = count.saturating_add(1);
        self.news.notify_one();
    }
}

/// The name of an error that a client made; of an ordinary end there is none.
pub(super) fn fault(code: u32) -> Option<&'static str> {
    Some(match code {
        1 => "PROTOCOL_ERROR",
        3 => "FLOW_CONTROL_ERROR",
        4 => "SETTINGS_TIMEOUT",
        5 => "STREAM_CLOSED",
        6 => "FRAME_SIZE_ERROR",
        9 => "COMPRESSION_ERROR",
        11 => "ENHANCE_YOUR_CALM",
        _ => return None,
    })
}

/// A stream whose frames outwards are looked at.
#[derive(Debug)]
pub(super) struct Told<S> {
    stream: S,
    frames: Frames,
    resets: Arc<Resets>,
}

impl<S> Told<S> {
    pub(super) fn new(stream: S, resets: Arc<Resets>) -> Self {
        Self { stream, frames: Frames::default(), resets }
    }
}

/// Where in the frames a stream is.
#[derive(Debug, Default)]
struct Frames {
    /// The header, and the first eight bytes behind it.
    begun: Vec<u8>,
    /// How much of the frame is still to come.
    left: usize,
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8], mut note: impl FnMut(u32)) {
        while let Some(&byte) = bytes.first() {
            if self.begun.len() < HEADER {
                self.begun.push(byte);
                bytes = bytes.get(1..).unwrap_or_default();
                if let [a, b, c, ..] = *self.begun.as_slice()
                    && self.begun.len() == HEADER
                {
                    self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                }
            } else {
                let (some, rest) = bytes.split_at(bytes.len().min(self.left));
                let room = (HEADER + 8).saturating_sub(self.begun.len()).min(some.len());
                self.begun.extend_from_slice(some.get(..room).unwrap_or_default());
                self.left = self.left.saturating_sub(some.len());
                bytes = rest;
            }
            if self.begun.len() >= HEADER && self.left == 0 {
                self.code().into_iter().for_each(&mut note);
                self.begun.clear();
            }
        }
    }

    /// Of a whole frame that refuses something: why.
    fn code(&self) -> Option<u32> {
        let at = match *self.begun.get(3)? {
            RST_STREAM => HEADER,
            GOAWAY => HEADER + 4,
            _ => return None,
        };
        Some(u32::from_be_bytes(*self.begun.get(at..)?.first_chunk()?))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Told<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Told<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, frames, resets } = self.get_mut();
        let written = std::task::ready!(Pin::new(stream).poll_write_vectored(cx, slices))?;
        let mut left = written;
        for slice in slices {
            let some = slice.get(..left.min(slice.len())).unwrap_or_default();
            frames.take(some, |code| resets.note(code));
            left = left.saturating_sub(some.len());
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
    }

    proptest! {
        #[test]
        fn however_it_is_cut_each_reset_is_seen_once(
            lengths in proptest::collection::vec((0_u8..10, 0_usize..50), 0..20),
            cuts in proptest::collection::vec(1_usize..40, 1..20),
        ) {
            let mut all = Vec::new();
            let mut due = Vec::new();
            for (kind, length) in lengths {
                let code = u32::try_from(length).unwrap();
                match kind {
                    RST_STREAM => all.extend(frame(kind, &code.to_be_bytes())),
                    GOAWAY => {
                        let more = vec![7; length];
                        all.extend(frame(kind, &[&[0; 4][..], &code.to_be_bytes(), &more].concat()));
                    }
                    _ => all.extend(frame(kind, &vec![RST_STREAM; length])),
                }
                if [RST_STREAM, GOAWAY].contains(&kind) {
                    due.push(code);
                }
            }
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            let mut rest = all.as_slice();
            for cut in cuts.into_iter().cycle() {
                let (some, more) = rest.split_at(cut.min(rest.len()));
                frames.take(some, |code| found.push(code));
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, due);
        }
    }
}
