//! A TLS server that answers each request with as many bytes as its path says.

use std::{convert::Infallible, net::Ipv4Addr, sync::Arc, thread};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use palisade_testkit::{Flaw, TestAuthority};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::stage::Outcome;

const CHUNK: usize = 64 * 1024;

pub(crate) struct Server {
    port: u16,
    authority: String,
}

impl Server {
    pub(crate) fn start() -> Outcome<Self> {
        let authority = TestAuthority::new()?;
        let tls =
            authority.server("api.test", Flaw::None, &["http/1.1"]).map_err(|e| e.to_string())?;
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        thread::spawn(move || runtime.block_on(serve(listener, acceptor)));
        Ok(Self { port, authority: authority.pem() })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What its clients have to trust.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

async fn serve(listener: std::net::TcpListener, acceptor: TlsAcceptor) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true).ok();
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(|request: Request<Incoming>| async move {
                let bytes = request.uri().path().trim_start_matches('/').parse().unwrap_or(0);
                Ok::<_, Infallible>(Response::new(UnsyncBoxBody::new(Zeros(bytes))))
            });
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

/// So many bytes, none of which is made.
struct Zeros(usize);

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static CHUNKS: [u8; CHUNK] = [0; CHUNK];
        let this = self.get_mut();
        let length = this.0.min(CHUNK);
        this.0 -= length;
        let chunk = CHUNKS.get(..length).filter(|chunk| !chunk.is_empty());
        std::task::Poll::Ready(chunk.map(|chunk| Ok(Frame::data(Bytes::from_static(chunk)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0 == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0 as u64)
    }
}
