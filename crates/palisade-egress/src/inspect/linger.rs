//! The end of a connection on which a client is still sending.
//!
//! What is closed with bytes in it that nobody has read is reset by the kernel, and the reset takes with it the answer
//! that the client has not read yet (RFC 9112, section 9.6). So what still comes is read, and forgotten.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    time::{Sleep, sleep},
};

const LONGEST: Duration = Duration::from_secs(10);
const MOST: usize = 64 << 20;
const PIECE: usize = 16 * 1024;

/// How long a client is still listened to.
#[derive(Debug, Default)]
pub(super) struct Linger {
    until: Option<Pin<Box<Sleep>>>,
    read: usize,
}

impl Linger {
    /// Ready once the client has ended too, or has had its time, or sends too much.
    pub(super) fn poll<S>(&mut self, mut stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<()>
    where
        S: AsyncRead + ?Sized,
    {
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(LONGEST)));
        if until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut piece = [0; PIECE];
        while self.read < MOST {
            let mut buffer = ReadBuf::new(&mut piece);
            match stream.as_mut().poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.read = self.read.saturating_add(buffer.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}
