use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use palisade_tls::Ahead;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    time::{Duration, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;

use crate::{Tunnel, UpstreamUrl, tls::Tls};

/// Opens connections to one provider, whatever it is asked for.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Destination>);

struct Destination {
    url: UpstreamUrl,
    addresses: Vec<SocketAddr>,
    tls: Arc<Tls>,
    tunnel: Option<Arc<dyn Tunnel>>,
    within: Duration,
}

impl Connector {
    pub(crate) fn new(
        url: UpstreamUrl,
        addresses: Vec<SocketAddr>,
        (tls, tunnel): (Arc<Tls>, Option<Arc<dyn Tunnel>>),
        within: Duration,
    ) -> Self {
        Self(Arc::new(Destination { url, addresses, tls, tunnel, within }))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Wire>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let destination = Arc::clone(&self.0);
        Box::pin(async move {
            match timeout(destination.within, destination.connect()).await {
                Ok(connected) => connected.map(TokioIo::new),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time")),
            }
        })
    }
}

impl Destination {
    async fn connect(&self) -> io::Result<Wire> {
        let stream = self.dial().await?;
        stream.set_nodelay(true)?;
        if !self.url.is_https() {
            return Ok(Wire::Plain(stream));
        }
        let config = self.tls.config().map_err(io::Error::other)?;
        let name = ServerName::try_from(self.url.host().to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(config).connect(name, Ahead::new(stream)).await?;
        Ok(Wire::Tls(Box::new(stream)))
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        if let Some(tunnel) = &self.tunnel {
            return self.dial_by(&**tunnel).await;
        }
        if !self.addresses.is_empty() {
            return first(self.addresses.iter().copied()).await;
        }
        first(lookup_host((self.url.host(), self.url.port())).await?).await
    }

    async fn dial_by(&self, tunnel: &dyn Tunnel) -> io::Result<TcpStream> {
        let port = self.url.port();
        let Some((one, others)) = self.addresses.split_first() else {
            return tunnel.open(self.url.host(), port).await;
        };
        let mut reached = tunnel.open(&one.ip().to_string(), port).await;
        for other in others {
            if reached.is_ok() {
                break;
            }
            reached = tunnel.open(&other.ip().to_string(), port).await;
        }
        reached
    }
}

/// The first address that answers.
async fn first(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A connection to a provider.
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<Ahead<TcpStream>>>),
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Wire::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Wire::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    /// A prompt then goes out from where it is, and is not copied behind the head of its request first.
    fn is_write_vectored(&self) -> bool {
        match self {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
