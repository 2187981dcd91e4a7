//! One HTTP connection to one server, kept open, made anew when it is needed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use palisade_core::ExposeSecret;
use palisade_tls::Roots;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Failure, Payload, SecretHeader};

/// To a connection that can be used.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Of an answer's body, of which little is read.
const MOST_BYTES: usize = 64 * 1024;

/// A server's place.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What stands before the path of each request; empty, or begins with `/` and does not end so.
    pub(crate) path: String,
    pub(crate) ca: Option<PathBuf>,
}

impl Server {
    /// Of a URL that the policy took.
    pub(crate) fn of(url: &str, ca: Option<&PathBuf>) -> Option<Self> {
        let uri: http::Uri = url.parse().ok()?;
        let secure = uri.scheme_str() == Some("https");
        Some(Self {
            secure,
            host: uri.host()?.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            path: uri.path().trim_end_matches('/').to_owned(),
            ca: ca.cloned(),
        })
    }

    /// Host and port, the latter where it is not the scheme's own: who checks a signature may have left it out.
    pub(crate) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// A connection, within the time for it.
    pub(crate) async fn dial(&self) -> Result<TcpStream, Failure> {
        let place = (self.host.as_str(), self.port);
        let within = timeout(CONNECT_WITHIN, TcpStream::connect(place)).await;
        let connected = within.map_err(|_| Failure::before("it does not answer"))?;
        let stream = connected.map_err(|error| Failure::before(error.to_string()))?;
        stream.set_nodelay(true).ok();
        Ok(stream)
    }

    /// TLS over it, with the operator's roots and those of the policy.
    pub(crate) async fn secured(
        &self,
        stream: TcpStream,
        config: Arc<ClientConfig>,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| Failure::before("its name is none for TLS"))?;
        let within = timeout(CONNECT_WITHIN, TlsConnector::from(config).connect(name, stream));
        let shaken = within.await.map_err(|_| Failure::before("its TLS does not answer"))?;
        shaken.map_err(|error| Failure::before(format!("TLS: {error}")))
    }

    pub(crate) fn tls(&self, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, Failure> {
        let mut extra: Vec<CertificateDer<'static>> = Vec::new();
        if let Some(file) = &self.ca {
            let unread = |why: String| Failure::before(format!("{}: {why}", file.display()));
            let pem = std::fs::read(file).map_err(|error| unread(error.to_string()))?;
            for one in CertificateDer::pem_slice_iter(&pem) {
                extra.push(one.map_err(|error| unread(format!("{error:?}")))?);
            }
            if extra.is_empty() {
                return Err(unread("it has no certificate (PEM)".to_owned()));
            }
        }
        let made = Roots::with_extra(extra).client_config(protocols);
        made.map(Arc::new).map_err(|error| Failure::before(error.to_string()))
    }
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
enum Sender {
    One(http1::SendRequest<Payload>),
    Two(http2::SendRequest<Payload>),
}

/// A server, and the connection to it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) server: Server,
    two: bool,
    header: Option<SecretHeader>,
    tls: Option<Arc<ClientConfig>>,
    open: Option<(Sender, tokio::task::AbortHandle)>,
}

impl Client {
    /// `two`: by HTTP/2 alone, as gRPC is.
    pub(crate) fn new(server: Server, two: bool, header: Option<SecretHeader>) -> Self {
        Self { server, two, header, tls: None, open: None }
    }

    /// POST, and read the answer.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        self.send((Method::POST, path), headers, Payload::Bytes(body)).await
    }

    /// Send a request, and read the answer.
    pub(crate) async fn send(
        &mut self,
        (method, path): (Method, &str),
        headers: HeaderMap,
        body: Payload,
    ) -> Result<Answer, Failure> {
        let request = self.request((method, path), headers, body)?;
        self.ready().await?;
        let Some((sender, _)) = &mut self.open else {
            return Err(Failure::before("there is no connection"));
        };
        let sent = match sender {
            Sender::One(sender) => sender.send_request(request).await,
            Sender::Two(sender) => sender.send_request(request).await,
        };
        let answer = match sent {
            Ok(answer) => read(answer).await,
            Err(error) => Err(Failure::after(format!("it broke off: {error}"))),
        };
        if answer.is_err() {
            self.hang_up();
        }
        answer
    }

    fn request(
        &self,
        (method, path): (Method, &str),
        headers: HeaderMap,
        body: Payload,
    ) -> Result<Request<Payload>, Failure> {
        let server = &self.server;
        let target = format!("{}{path}", server.path);
        let target = if target.is_empty() { "/".to_owned() } else { target };
        let authority = server.authority();
        let uri = match self.two {
            true => {
                format!("{}://{authority}{target}", if server.secure { "https" } else { "http" })
            }
            false => target,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .body(body)
            .map_err(|error| Failure::before(error.to_string()))?;
        *request.headers_mut() = headers;
        let fields = request.headers_mut();
        if !self.two {
            let host = HeaderValue::from_str(&authority);
            fields.insert(header::HOST, host.map_err(|error| Failure::before(error.to_string()))?);
        }
        let agent = concat!("palisade/", env!("CARGO_PKG_VERSION"));
        fields.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        if let Some(SecretHeader { template, secret }) = &self.header {
            let unfit = || Failure::before("the credential cannot be sent in a header");
            let (name, value) = template.split_once(':').ok_or_else(unfit)?;
            let name: http::HeaderName = name.trim().parse().map_err(|_| unfit())?;
            let value = value.trim().replace("{secret}", secret.expose_secret());
            let mut value = HeaderValue::from_str(&value).map_err(|_| unfit())?;
            value.set_sensitive(true);
            fields.insert(name, value);
        }
        Ok(request)
    }

    /// A connection that takes a request.
    async fn ready(&mut self) -> Result<(), Failure> {
        let closed = match &mut self.open {
            None => true,
            Some((Sender::One(sender), _)) => sender.is_closed() || sender.ready().await.is_err(),
            Some((Sender::Two(sender), _)) => sender.is_closed() || sender.ready().await.is_err(),
        };
        if !closed {
            return Ok(());
        }
        self.hang_up();
        let stream = self.server.dial().await?;
        if !self.server.secure {
            return self.shake(stream).await;
        }
        let config = match &self.tls {
            Some(config) => Arc::clone(config),
            None => {
                let protocols: &[&[u8]] = if self.two { &[b"h2"] } else { &[b"http/1.1"] };
                let config = self.server.tls(protocols)?;
                self.tls = Some(Arc::clone(&config));
                config
            }
        };
        let stream = self.server.secured(stream, config).await?;
        self.shake(stream).await
    }

    async fn shake(
        &mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(), Failure> {
        let io = TokioIo::new(stream);
        let broke = |error: hyper::Error| Failure::before(format!("it broke off: {error}"));
        // How a connection ends is told by the request that was on it.
        let open = if self.two {
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), io).await.map_err(broke)?;
            let task = tokio::spawn(async { connection.await.unwrap_or_default() });
            (Sender::Two(sender), task.abort_handle())
        } else {
            let (sender, connection) = http1::handshake(io).await.map_err(broke)?;
            let task = tokio::spawn(async { connection.await.unwrap_or_default() });
            (Sender::One(sender), task.abort_handle())
        };
        self.open = Some(open);
        Ok(())
    }

    pub(crate) fn hang_up(&mut self) {
        if let Some((_, task)) = self.open.take() {
            task.abort();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.hang_up();
    }
}

async fn read(answer: http::Response<Incoming>) -> Result<Answer, Failure> {
    let (head, mut incoming) = answer.into_parts();
    let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Failure::after(format!("it broke off: {error}")))?;
        match frame.into_data() {
            Ok(data) if body.len().saturating_add(data.len()) > MOST_BYTES => {
                return Err(Failure::after("its answer is too long"));
            }
            Ok(data) => body.extend_from_slice(&data),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok(Answer { status: head.status, headers: head.headers, trailers, body })
}

/// How an answer's status is meant, where a 2xx is one that took it.
pub(crate) fn judged(answer: &Answer) -> Result<(), Failure> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let said = palisade_core::shown(&String::from_utf8_lossy(&answer.body), 120);
    let why = match said.as_str() {
        "" => format!("it answered {}", status.as_u16()),
        said => format!("it answered {}: {said}", status.as_u16()),
    };
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Err(Failure::Never(why)),
        _ => {
            let after = answer.headers.get(header::RETRY_AFTER);
            let seconds = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            // It says that it took nothing.
            Err(Failure::Later { why, after: seconds.map(Duration::from_secs), left: false })
        }
    }
}
