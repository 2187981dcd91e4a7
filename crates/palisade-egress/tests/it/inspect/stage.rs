//! A TLS server with a real chain, the proxy that looks into it, and clients that trust the sandbox's
//! authority.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, client::conn, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use palisade_core::{Body, BodyFacts, Handling, HostName, Inspection, Request as Asked};
use palisade_egress::{Inspector, SandboxCa};
pub(crate) use palisade_testkit::Flaw;
use palisade_testkit::TestAuthority;
use palisade_tls::{Roots, crypto_provider};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::world::{LOCALHOST, Plan, World};

pub(crate) type AnyBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

pub(crate) fn body(text: impl Into<Bytes>) -> AnyBody {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A chain for `a.example`, and the root that servers are verified by.
pub(crate) fn chain(flaw: Flaw) -> (ServerConfig, CertificateDer<'static>) {
    let root = TestAuthority::new().unwrap();
    (root.server("a.example", flaw, &[]).unwrap(), root.der())
}

/// Looks into everything, and reads bodies where it was told to.
pub(crate) struct Look {
    pub(crate) bound: Option<usize>,
    pub(crate) read: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Inspection for Look {
    fn of(&self, _: &HostName, _: u16) -> Handling {
        Handling::Inspect
    }

    fn body_bound(&self, _: &Asked) -> Option<usize> {
        self.bound
    }

    fn read_body(&self, _: &Asked, bytes: &[u8]) -> Body {
        self.read.lock().unwrap().push(bytes.to_vec());
        Body::Read(BodyFacts::default())
    }
}

/// The proxy in front of one server.
pub(crate) struct Stage {
    pub(crate) world: World,
    ca: Arc<SandboxCa>,
    pub(crate) bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Stage {
    /// In front of whatever listens at this port, with a certificate by this root.
    pub(crate) async fn before(port: u16, root: CertificateDer<'static>) -> Self {
        Self::with(Plan::to(port), root, None).await
    }

    pub(crate) async fn with(
        mut plan: Plan,
        root: CertificateDer<'static>,
        bound: Option<usize>,
    ) -> Self {
        let ca = Arc::new(SandboxCa::new("test").unwrap());
        let bodies = Arc::default();
        let look = Arc::new(Look { bound, read: Arc::clone(&bodies) });
        let roots = Roots::with_extra(vec![root]);
        plan.inspector = Some(Inspector::new(look, Arc::clone(&ca), roots).unwrap());
        Self { world: plan.start().await, ca, bodies }
    }

    /// TLS through the proxy, which has to be of the sandbox's authority.
    pub(crate) async fn tls(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        self.tls_as("a.example", protocols).await.unwrap()
    }

    pub(crate) async fn tls_as(
        &self,
        name: &str,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.ca.der().to_vec())).unwrap();
        let mut config = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, self.world.connect().await).await
    }

    pub(crate) async fn http1(&self) -> conn::http1::SendRequest<AnyBody> {
        http1_over(self.tls(&[b"http/1.1"]).await).await
    }

    pub(crate) async fn http2(&self) -> conn::http2::SendRequest<AnyBody> {
        let stream = self.tls(&[b"h2"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let (sender, connection) =
            conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

pub(crate) async fn http1_over<S>(stream: S) -> conn::http1::SendRequest<AnyBody>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    sender
}

/// What a server's handler gets and gives.
pub(crate) type Answers = fn(Request<Incoming>) -> futures::Answer;

pub(crate) mod futures {
    use std::pin::Pin;

    use super::{AnyBody, Response};

    pub(crate) type Answer = Pin<Box<dyn Future<Output = Response<AnyBody>> + Send>>;
}

/// A server over TLS that speaks these protocols. Each head that it gets is kept.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) root: CertificateDer<'static>,
    pub(crate) got: Arc<Mutex<Vec<http::request::Parts>>>,
    /// Connections that came, before TLS.
    pub(crate) came: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Server {
    pub(crate) async fn start(protocols: &[&[u8]], answers: Answers) -> Self {
        Self::flawed(Flaw::None, protocols, answers).await
    }

    pub(crate) async fn flawed(flaw: Flaw, protocols: &[&[u8]], answers: Answers) -> Self {
        let (mut config, root) = chain(flaw);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (got, came) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let server = Self { port, root, got: Arc::clone(&got), came: Arc::clone(&came) };
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                came.lock().unwrap().push(peer);
                let (acceptor, got) = (acceptor.clone(), Arc::clone(&got));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request: Request<Incoming>| {
                        let (parts, body) = request.into_parts();
                        let mut kept = Request::new(()).into_parts().0;
                        kept.method = parts.method.clone();
                        kept.uri = parts.uri.clone();
                        kept.headers = parts.headers.clone();
                        kept.version = parts.version;
                        got.lock().unwrap().push(kept);
                        let answer = answers(Request::from_parts(parts, body));
                        async move { Ok::<_, std::convert::Infallible>(answer.await) }
                    });
                    auto::Builder::new(TokioExecutor::new())
                        .serve_connection_with_upgrades(TokioIo::new(stream), service)
                        .await
                        .ok();
                });
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        got.iter().map(|head| format!("{} {}", head.method, head.uri.path())).collect()
    }
}

pub(crate) async fn text(answer: Response<Incoming>) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
