use std::time::Duration;

use palisade_journal::Record;
use palisade_policy::Transport;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UdpSocket,
    time::timeout,
};

use super::{Failure, Server, Taken};
use crate::{Host, syslog};

/// To write a batch.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// For a receiver to close in answer to our closing.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// A syslog receiver. It answers nothing: a message is taken when the connection took it.
pub(crate) struct Syslog {
    server: Server,
    transport: Transport,
    facility: u8,
    open: Option<Box<dyn Stream>>,
}

impl Syslog {
    pub(crate) fn new(server: Server, transport: Transport, facility: u8) -> Self {
        Self { server, transport, facility, open: None }
    }

    pub(crate) async fn send(&mut self, records: &[Record], again: bool) -> Result<Taken, Failure> {
        let lines = records
            .iter()
            .map(|record| syslog::line(record, Host::this(), self.facility, again).into_bytes());
        let lines: Vec<Vec<u8>> = lines.collect();
        if self.transport == Transport::Udp {
            return self.datagrams(&lines).await;
        }
        // Octet counting (RFC 5425, section 4.3): no line's end is a message's end.
        let mut framed = Vec::new();
        for line in &lines {
            framed.extend_from_slice(format!("{} ", line.len()).as_bytes());
            framed.extend_from_slice(line);
        }
        self.gone().await;
        let stream = match &mut self.open {
            Some(stream) => stream,
            None => {
                let stream = self.connect().await?;
                self.open.insert(stream)
            }
        };
        let writing = async {
            stream.write_all(&framed).await?;
            stream.flush().await
        };
        let written = match timeout(WRITE_WITHIN, writing).await {
            Ok(Ok(())) => return Ok(Taken::default()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it takes nothing more".to_owned(),
        };
        self.open = None;
        Err(Failure::after(written))
    }

    /// Close what the receiver has closed: what is written to it would be lost.
    async fn gone(&mut self) {
        let Some(stream) = &mut self.open else { return };
        let mut byte = [0; 64];
        // A receiver says nothing. Whatever comes at once is the end.
        if timeout(Duration::ZERO, stream.read(&mut byte)).await.is_ok() {
            self.open = None;
        }
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Failure> {
        let stream = self.server.dial().await?;
        if self.transport != Transport::Tls {
            return Ok(Box::new(stream));
        }
        let config = self.server.tls(&[])?;
        Ok(Box::new(self.server.secured(stream, config).await?))
    }

    async fn datagrams(&self, lines: &[Vec<u8>]) -> Result<Taken, Failure> {
        let failed = |error: std::io::Error| Failure::before(error.to_string());
        let own = if self.server.host.contains(':') { "[::1]:0" } else { "127.0.0.1:0" };
        let socket = UdpSocket::bind(own).await.map_err(failed)?;
        socket.connect((self.server.host.as_str(), self.server.port)).await.map_err(failed)?;
        let mut first = true;
        for line in lines {
            match socket.send(line).await {
                Ok(_) => first = false,
                Err(error) if first => return Err(failed(error)),
                Err(error) => return Err(Failure::after(error.to_string())),
            }
        }
        Ok(Taken::default())
    }

    /// Tell the receiver that this is all, and wait a moment for it to say the same.
    pub(crate) async fn close(&mut self) -> Result<(), Failure> {
        let Some(mut stream) = self.open.take() else { return Ok(()) };
        let closing = async {
            stream.shutdown().await?;
            let mut byte = [0; 64];
            while stream.read(&mut byte).await? > 0 {}
            Ok::<(), std::io::Error>(())
        };
        match timeout(CLOSE_WITHIN, closing).await {
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                Err(Failure::after("it broke off before it had read all"))
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Syslog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syslog").field("server", &self.server).finish_non_exhaustive()
    }
}
