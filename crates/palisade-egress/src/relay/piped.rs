//! Bytes that nobody looks at go from one socket to the other within the kernel: `splice(2)` hands on the
//! pages that they came in, by a pipe, where reading and writing them would copy each twice.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    io::retry_on_intr,
    pipe::{PipeFlags, SpliceFlags, pipe_with, splice},
};
use tokio::{
    io::Interest,
    net::TcpStream,
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{Traffic, Way};

/// Pipes at a time, of all connections: two descriptors each, and the pages that a receiver has not read.
const MOST: usize = 64;
static PLACES: Semaphore = Semaphore::const_new(MOST);
/// What is moved at a time, at most, in bytes.
const MOVED: usize = 256 * 1024;
/// How long a pipe is kept while nothing comes.
const PATIENCE: Duration = Duration::from_millis(100);

/// A pipe that one connection has for itself, and only while much flows: what one has left in it must not
/// come out at another's end.
pub(super) struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
    _place: SemaphorePermit<'static>,
}

impl Pipe {
    /// None if there are too many, or the process has no descriptor left: the bytes are then copied.
    pub(super) fn new() -> Option<Self> {
        let place = PLACES.try_acquire().ok()?;
        let (out, into) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        Some(Self { out, into, _place: place })
    }

    /// Pass on what comes: to its end, which is `true`, or until nothing comes for a while. What goes on
    /// was counted and permitted before, as it is where bytes are copied.
    pub(super) async fn flow(
        &self,
        traffic: &Traffic,
        way: Way,
        from: &TcpStream,
        to: &TcpStream,
    ) -> io::Result<bool> {
        loop {
            // The pipe is empty: that there is nothing to be had is the socket's word.
            let coming = moved(from, Interest::READABLE, || {
                splice(from, None, &self.into, None, MOVED, SpliceFlags::NONBLOCK)
            });
            let Ok(came) = timeout(PATIENCE, coming).await else { return Ok(false) };
            let came = came?;
            if came == 0 {
                return Ok(true);
            }
            traffic.permit(way, came).await?;
            let mut left = came;
            while left > 0 {
                let gone = moved(to, Interest::WRITABLE, || {
                    splice(&self.out, None, to, None, left, SpliceFlags::NONBLOCK)
                });
                match gone.await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    gone => left = left.saturating_sub(gone),
                }
            }
            traffic.flowed(way, came);
        }
    }
}

/// Moves bytes once the socket is ready for it. That a receiver is gone is an error, and no signal: the
/// process ignores SIGPIPE, as each Rust program does.
async fn moved(
    socket: &TcpStream,
    interest: Interest,
    mut splice: impl FnMut() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    socket.async_io(interest, || Ok(retry_on_intr(&mut splice)?)).await
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (stream, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn all_of_it_comes_in_its_order_and_the_end_is_told() {
        let ((mut client, from), (to, mut server)) = (pair().await, pair().await);
        let traffic = Traffic::new();
        let sent: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
        let sending = sent.clone();
        let sender = tokio::spawn(async move {
            client.write_all(&sending).await.unwrap();
            client.shutdown().await.unwrap();
            client
        });
        let receiver = tokio::spawn(async move {
            let mut all = vec![0; 5_000_000];
            // It does not read at first: the sender has to wait.
            tokio::time::sleep(Duration::from_millis(50)).await;
            server.read_exact(&mut all).await.unwrap();
            all
        });
        let pipe = Pipe::new().unwrap();
        assert!(pipe.flow(&traffic, Way::In, &from, &to).await.unwrap());
        assert_eq!(receiver.await.unwrap(), sent);
        assert_eq!(traffic.received(), 5_000_000);
        drop(sender.await.unwrap());
    }

    #[tokio::test]
    async fn is_given_up_when_nothing_comes_and_when_the_receiver_is_gone() {
        let ((mut client, from), (to, server)) = (pair().await, pair().await);
        let traffic = Traffic::new();
        let pipe = Pipe::new().unwrap();
        assert!(!pipe.flow(&traffic, Way::In, &from, &to).await.unwrap());
        drop(server);
        let flowing = async {
            loop {
                if pipe.flow(&traffic, Way::In, &from, &to).await.is_err() {
                    return;
                }
            }
        };
        let sending = async {
            while client.write_all(&[7; 4096]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = flowing => {}
            () = sending => panic!("the sender's own connection broke"),
        }
    }
}
