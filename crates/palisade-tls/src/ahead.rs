use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// How much is read at a time where much comes, in bytes: four records of TLS.
const ROOM: usize = 64 * 1024;

/// A stream below TLS that is read in large pieces where much comes.
///
/// rustls asks for 4 KiB at a time, so that each record of 16 KiB took four or five system calls. It holds
/// memory only while something flows that fills what rustls asks for; a connection that waits has none.
#[derive(Debug)]
pub struct Ahead<S> {
    stream: S,
    /// What was read and not asked for yet begins at `used`.
    held: Vec<u8>,
    used: usize,
    /// Whether more came the last time than was asked for.
    much: bool,
}

impl<S> Ahead<S> {
    /// The same stream. Nothing of it is read before it is asked for.
    pub fn new(stream: S) -> Self {
        Self { stream, held: Vec::new(), used: 0, much: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ahead<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let asked = buffer.remaining();
        if this.used == this.held.len() {
            if !this.much {
                ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
                this.much = asked > 0 && buffer.remaining() == 0;
                return Poll::Ready(Ok(()));
            }
            (this.held, this.used) = (Vec::new(), 0);
            let mut held = Vec::with_capacity(ROOM);
            let read = ready!(pin!(this.stream.read_buf(&mut held)).poll(cx))?;
            this.much = read > asked;
            this.held = held;
        }
        let rest = this.held.get(this.used..).unwrap_or_default();
        let given = rest.get(..asked).unwrap_or(rest);
        buffer.put_slice(given);
        this.used = this.used.saturating_add(given.len());
        if this.used == this.held.len() {
            (this.held, this.used) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ahead<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, parts)
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
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn gives_all_bytes_in_their_order_however_they_are_asked_for() {
        let sent: Vec<u8> = (0..400_000_u32).map(|n| (n % 251) as u8).collect();
        let (mut client, server) = duplex(100_000);
        let sending = sent.clone();
        let sender = tokio::spawn(async move {
            // Now a little, now much.
            for part in sending.chunks(90_000).flat_map(|part| part.split_inclusive(|n| *n == 9)) {
                client.write_all(part).await.unwrap();
            }
        });
        let (mut ahead, mut came, mut sizes) =
            (Ahead::new(server), Vec::new(), [1, 4096, 17, 16_645].iter().cycle());
        loop {
            let mut part = vec![0; *sizes.next().unwrap()];
            let read = ahead.read(&mut part).await.unwrap();
            if read == 0 {
                break;
            }
            came.extend_from_slice(&part[..read]);
        }
        assert!(came == sent);
        sender.await.unwrap();
    }

    #[tokio::test]
    async fn holds_nothing_while_nothing_comes() {
        let (mut client, server) = duplex(200_000);
        let mut ahead = Ahead::new(server);
        client.write_all(&[1; 150_000]).await.unwrap();
        let mut left = 150_000;
        while left > 0 {
            left -= ahead.read(&mut [0; 4096]).await.unwrap();
        }
        let mut part = [0; 4096];
        let idle = tokio::time::timeout(std::time::Duration::from_millis(5), ahead.read(&mut part));
        assert!(idle.await.is_err());
        assert_eq!(ahead.held.capacity(), 0);
        client.write_all(b"x").await.unwrap();
        assert_eq!(ahead.read(&mut part).await.unwrap(), 1);
    }
}
