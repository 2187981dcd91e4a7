use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Bytes of a file that are read at once.
const CHUNK: usize = 64 * 1024;

/// A request's body: bytes that are there, or a file's.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Bytes(Bytes),
    /// From here to there.
    File(Arc<File>, u64, u64),
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = match &mut *self {
            Payload::Bytes(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Payload::Bytes(bytes) => Ok(std::mem::take(bytes)),
            Payload::File(_, at, end) if *at >= *end => return Poll::Ready(None),
            Payload::File(file, at, end) => {
                let left = usize::try_from(end.saturating_sub(*at)).unwrap_or(usize::MAX);
                let mut chunk = vec![0; left.min(CHUNK)];
                file.read_exact_at(&mut chunk, *at).map(|()| {
                    *at = at.saturating_add(u64::try_from(chunk.len()).unwrap_or(0));
                    Bytes::from(chunk)
                })
            }
        };
        Poll::Ready(Some(next.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Payload::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(0),
            Payload::File(_, at, end) => end.saturating_sub(*at),
        })
    }
}
