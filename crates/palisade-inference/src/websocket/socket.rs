use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Duration, Instant, timeout, timeout_at},
};

use super::frames::{Decoder, FrameError, Message, close, pong, text};
use crate::{
    Limits,
    body::{Budget, Share},
};

/// How much is read at one time.
const READ: usize = 16 * 1024;

/// How long a connection may be idle between two requests, while the agent works. Providers end them after an hour too.
const IDLE: Duration = Duration::from_secs(3600);

/// How long a client has to take the end of a connection.
const LINGER: Duration = Duration::from_secs(2);

/// Why nothing more is read.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is closed, or has been idle for too long.
    Gone,
    Refused(FrameError),
}

/// Messages over a stream of bytes.
pub(crate) struct Socket<S> {
    stream: S,
    decoder: Decoder,
    share: Share,
    pause: Duration,
    out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) fn new(stream: S, limits: &Limits, budget: &Budget) -> Self {
        let (decoder, share) = (Decoder::new(limits.body), Share::of(budget));
        Self { stream, decoder, share, pause: limits.body_pause, out: Vec::new() }
    }

    /// The next message. Nothing is lost if it is not waited for to its end.
    pub(crate) async fn next(&mut self) -> Result<Message, Stop> {
        loop {
            let message = self.decoder.next().map_err(Stop::Refused)?;
            let whole = match &message {
                Some(Message::Text(text)) => text.len(),
                _ => 0,
            };
            if !self.share.hold(whole.saturating_add(self.decoder.held())) {
                return Err(Stop::Refused(FrameError::Crowded));
            }
            if let Some(message) = message {
                return Ok(message);
            }
            let amid = self.decoder.is_amid();
            let within = if amid { self.pause } else { IDLE };
            self.decoder.buffer().reserve(READ);
            match timeout(within, self.stream.read_buf(self.decoder.buffer())).await {
                Err(_) if amid => return Err(Stop::Refused(FrameError::Pause)),
                Err(_) | Ok(Err(_) | Ok(0)) => return Err(Stop::Gone),
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Adds a text to what the next [`Socket::flush`] sends.
    pub(crate) fn put(&mut self, payload: &str) {
        text(payload, &mut self.out);
    }

    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        self.out.shrink_to(READ);
        self.stream.flush().await
    }

    pub(crate) async fn send(&mut self, payload: &str) -> io::Result<()> {
        self.put(payload);
        self.flush().await
    }

    pub(crate) async fn pong(&mut self, payload: &[u8]) -> io::Result<()> {
        pong(payload, &mut self.out);
        self.flush().await
    }

    /// Says why the connection ends, and gives the client time to read it.
    pub(crate) async fn close(&mut self, code: u16, why: &str) {
        close(code, why, &mut self.out);
        let until = Instant::now() + LINGER;
        let closing = async {
            self.flush().await?;
            self.stream.shutdown().await?;
            let mut rest = [0; 1024];
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // A client that is slower than this loses the reason.
        drop(timeout_at(until, closing).await);
    }
}
