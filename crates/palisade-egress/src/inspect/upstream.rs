//! Connections to the server behind one client's connection.

use std::{
    collections::HashMap,
    error::Error as _,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header, uri::PathAndQuery,
};
use hyper::{
    body::{Body, Incoming},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use palisade_core::{Action, Decision, Event, Layer, Request as Asked, Verdict};
use palisade_tls::Ahead;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::{
    Inspector,
    answer::{self, Payload},
    flow::Broken,
    head,
    inspector::{As, H2, MOST_BUFFERED},
    room::Room,
    tasks::Tasks,
};
use crate::{
    Proxy,
    dial::{DialError, Places, Target},
};

/// Connections of HTTP/1 to one server for one client that speaks HTTP/2.
const MOST_HTTP1: usize = 32;
/// How long a connection is waited for that has just given its answer.
const SOON: Duration = Duration::from_millis(20);

/// Where the requests of one client's connection go. Dials when there is one to send.
pub(crate) struct Upstream {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) inspector: Arc<Inspector>,
    pub(crate) target: Target,
    /// Whether to speak TLS.
    pub(crate) secure: bool,
    /// Whether the client speaks HTTP/2. One that does not gets no HTTP/2 behind its back.
    pub(crate) also_h2: bool,
    /// As large as the client's own, if that speaks HTTP/2.
    window: u32,
    pub(crate) tasks: Tasks,
    state: Mutex<State>,
    dialling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    pools: HashMap<As, Pool>,
    /// Whether there was a connection.
    dialled: bool,
    /// Where the server is, as far as that is known.
    address: Option<SocketAddr>,
}

/// Connections that are made as one and the same.
#[derive(Default)]
struct Pool {
    h2: Option<http2::SendRequest<Payload>>,
    h1: Vec<http1::SendRequest<Payload>>,
}

enum Sender {
    Http1(http1::SendRequest<Payload>),
    Http2(http2::SendRequest<Payload>),
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The dial was denied; that is recorded.
    Denied(Decision),
    /// The server's certificate is not good.
    Certificate(String),
    /// No connection. The word says what failed.
    Unreachable(&'static str, io::Error),
    /// The connection broke, or the answer is not HTTP.
    Broke(hyper::Error),
    /// It goes on in a protocol that it was not asked for.
    Switched,
    /// The answer can be read in more than one way, and why.
    Ambiguous(&'static str),
    /// The answer did not begin in time.
    Slow(Duration),
    /// Too many connections are open.
    Full,
    /// The server is at no address that may be spoken to without TLS.
    NotPlainly,
}

impl Upstream {
    pub(crate) fn new(
        proxy: Arc<Proxy>,
        inspector: Arc<Inspector>,
        target: Target,
        secure: bool,
        room: Option<&Room>,
        tasks: Tasks,
    ) -> Self {
        let (state, dialling) = Default::default();
        let (also_h2, window) = (room.is_some(), room.map_or(0, |room| room.window));
        Self { proxy, inspector, target, secure, also_h2, window, tasks, state, dialling }
    }

    /// Whether a server was dialled.
    pub(crate) fn has_dialled(&self) -> bool {
        self.state().dialled
    }

    /// Where the server is, once it was dialled and if that is known.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.state().address
    }

    /// Send a request and wait until the answer begins. Its target is in absolute form. `asked` is what was
    /// permitted: it is considered again for each address that is dialled. `who` says whose certificate the
    /// server may see.
    pub(crate) async fn send(
        &self,
        mut request: Request<Payload>,
        asked: &Asked,
        who: &As,
    ) -> Result<Response<Incoming>, Failure> {
        let absolute = request.uri().clone();
        // What a client would send again by itself when a connection turns out to be closed (RFC 9110,
        // section 9.2.2).
        let mut spare = (request.method().is_safe() && request.body().is_end_stream())
            .then(|| without_body(&request));
        loop {
            let (sender, used_before) = self.sender(asked, who).await?;
            *request.uri_mut() = absolute.clone();
            let sent = match sender {
                Sender::Http1(mut sender) => {
                    for_http1(&mut request);
                    let sent = sender.try_send_request(request).await;
                    if sent.is_ok() && !sender.is_closed() {
                        self.state().pools.entry(who.clone()).or_default().h1.push(sender);
                    }
                    sent
                }
                Sender::Http2(mut sender) => {
                    for_http2(&mut request);
                    sender.try_send_request(request).await
                }
            };
            match sent {
                Ok(answer) => return Ok(answer),
                Err(mut failed) => match failed.take_message() {
                    // It was closed while it was idle; nothing of the request was sent.
                    Some(unsent) if used_before => request = unsent,
                    _ => {
                        let error = failed.into_error();
                        match spare.take().filter(|_| used_before && is_closed(&error)) {
                            Some(again) => request = again,
                            None => return Err(Failure::Broke(error)),
                        }
                    }
                },
            }
        }
    }

    /// A connection that takes a request, and whether it had one before.
    async fn sender(&self, asked: &Asked, who: &As) -> Result<(Sender, bool), Failure> {
        if let Some(sender) = self.idle(who).await {
            return Ok((sender, true));
        }
        // Many requests that come at once do not all dial: one connection may do for them.
        let _turn = self.dialling.lock().await;
        if let Some(Sender::Http2(sender)) = self.idle(who).await {
            return Ok((Sender::Http2(sender), true));
        }
        Ok((self.dial(asked, who).await?, false))
    }

    async fn idle(&self, who: &As) -> Option<Sender> {
        let mut only = {
            let mut state = self.state();
            let state = state.pools.get_mut(who)?;
            if let Some(sender) = state.h2.as_ref().filter(|sender| !sender.is_closed()) {
                return Some(Sender::Http2(sender.clone()));
            }
            state.h2 = None;
            state.h1.retain(|sender| !sender.is_closed());
            if let Some(ready) = state.h1.iter().position(http1::SendRequest::is_ready) {
                return Some(Sender::Http1(state.h1.swap_remove(ready)));
            }
            if self.also_h2 { None } else { state.h1.pop() }?
        };
        // The last answer has just ended, and the connection may not know yet.
        match timeout(SOON, only.ready()).await {
            Ok(Ok(())) => Some(Sender::Http1(only)),
            _ => None,
        }
    }

    async fn dial(&self, asked: &Asked, who: &As) -> Result<Sender, Failure> {
        if self.state().pools.get(who).is_some_and(|pool| pool.h1.len() >= MOST_HTTP1) {
            return Err(Failure::Full);
        }
        let permit = Arc::clone(&self.inspector.upstreams).try_acquire_owned();
        let permit = permit.map_err(|_| Failure::Full)?;
        let Some(host) = &self.target.host else {
            return Err(Failure::Unreachable("resolve", io::ErrorKind::InvalidInput.into()));
        };
        self.target.may_look_up(host, &self.proxy).await.map_err(Failure::Denied)?;
        let places = self.target.places(host, &self.proxy).await;
        let mut places = places.map_err(|error| Failure::Unreachable("resolve", error))?;
        if let Some(transform) = self.inspector.transform.as_ref().filter(|_| !self.secure) {
            let may_be = match &mut places {
                Places::Addresses(addresses) => {
                    addresses.retain(|address| transform.may_go_plainly(host, *address));
                    !addresses.is_empty()
                }
                // To one that is not known, nothing goes that a rule has to name the address for.
                Places::ByProxy => {
                    transform.may_go_plainly(host, IpAddr::V6(Ipv6Addr::UNSPECIFIED))
                }
            };
            if !may_be {
                return Err(Failure::NotPlainly);
            }
        }
        if let Places::Addresses(addresses) = &mut places {
            self.permitted(asked, addresses).await.map_err(Failure::Denied)?;
        }
        let limits = &self.proxy.limits;
        let (stream, address) = match self.target.reach(places, &self.proxy).await {
            Ok(reached) => reached,
            Err(DialError::Denied(decision)) => return Err(Failure::Denied(decision)),
            Err(DialError::Failed(error)) => return Err(Failure::Unreachable("reach", error)),
        };
        {
            let mut state = self.state();
            (state.dialled, state.address) = (true, address);
        }
        stream.set_nodelay(true).ok();
        if !self.secure && self.also_h2 {
            // There is nothing to negotiate: the client knows what the server speaks.
            return self.speak_http2(stream, permit, who).await;
        }
        if !self.secure {
            return self.speak_http1(stream, permit).await;
        }
        let config = self.tls(who).await?;
        let name = ServerName::try_from(host.as_str().to_owned());
        let name = name.map_err(|error| Failure::Certificate(error.to_string()))?;
        let connecting = TlsConnector::from(config).connect(name, Ahead::new(stream));
        let stream = match timeout(limits.connect, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(of_handshake(error)),
            Err(_) => {
                return Err(Failure::Unreachable("speak TLS with", io::ErrorKind::TimedOut.into()));
            }
        };
        if stream.get_ref().1.alpn_protocol() == Some(H2) {
            self.speak_http2(stream, permit, who).await
        } else {
            self.speak_http1(stream, permit).await
        }
    }

    /// Leave the addresses that the request may be sent to: what permits the connection there may be
    /// another rule. If there is none, that is recorded.
    async fn permitted(&self, asked: &Asked, addresses: &mut Vec<IpAddr>) -> Result<(), Decision> {
        let authority = &self.proxy.authority;
        let mut denied = None;
        addresses.retain(|address| {
            let address = Some(SocketAddr::new(*address, asked.port));
            // The dial says why.
            if !authority.consider(&self.target.action(address)).is_allowed() {
                return true;
            }
            let action = Action::Request(Box::new(Asked { address, ..asked.clone() }));
            let decision = authority.consider(&action);
            let allowed = decision.is_allowed();
            if !allowed {
                denied.get_or_insert((action, decision));
            }
            allowed
        });
        match denied {
            Some((action, decision)) if addresses.is_empty() => {
                authority.record(Event::decided(&action, &decision)).await;
                Err(decision)
            }
            _ => Ok(()),
        }
    }

    /// The first use reads the operator's roots, which must not hold up others.
    async fn tls(&self, who: &As) -> Result<Arc<ClientConfig>, Failure> {
        let failed = |error| {
            Failure::Unreachable("speak TLS with", io::Error::other::<rustls::Error>(error))
        };
        let also_h2 = self.also_h2;
        if let Some(made) = self.inspector.made(also_h2, who) {
            return made.map_err(failed);
        }
        let inspector = Arc::clone(&self.inspector);
        let who = who.clone();
        match tokio::task::spawn_blocking(move || inspector.outward(also_h2, &who)).await {
            Ok(made) => made.map_err(failed),
            Err(error) => Err(Failure::Unreachable("speak TLS with", io::Error::other(error))),
        }
    }

    async fn speak_http1(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        permit: impl Send + 'static,
    ) -> Result<Sender, Failure> {
        let (sender, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .max_headers(head::MOST_HEADERS)
            .max_header_size(head::LONGEST)
            .max_buf_size(2 * head::LONGEST)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::Broke)?;
        self.tasks.spawn(async move {
            // Whoever waits for an answer is told of an error.
            connection.with_upgrades().await.ok();
            drop(permit);
        });
        Ok(Sender::Http1(sender))
    }

    async fn speak_http2(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        permit: impl Send + 'static,
        who: &As,
    ) -> Result<Sender, Failure> {
        let (sender, connection) = http2::Builder::new(self.tasks.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(self.window)
            .initial_connection_window_size(self.window.saturating_mul(2))
            .max_header_list_size(u32::try_from(head::LONGEST).unwrap_or(u32::MAX))
            .max_send_buf_size(MOST_BUFFERED)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::Broke)?;
        self.tasks.spawn(async move {
            connection.await.ok();
            drop(permit);
        });
        self.state().pools.entry(who.clone()).or_default().h2 = Some(sender.clone());
        Ok(Sender::Http2(sender))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the request's own body broke off, if that is what failed: the server has no part in it.
fn of_body(error: &hyper::Error) -> Option<&Broken> {
    error.source()?.downcast_ref()
}

/// Whether the connection was closed before there was an answer.
fn is_closed(error: &hyper::Error) -> bool {
    let broke = || {
        let inner = error.source().and_then(|inner| inner.downcast_ref::<io::Error>());
        inner.is_some_and(|inner| {
            matches!(
                inner.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            )
        })
    };
    error.is_incomplete_message() || error.is_canceled() || broke()
}

fn without_body(request: &Request<Payload>) -> Request<Payload> {
    let mut head = Request::new(()).into_parts().0;
    head.method = request.method().clone();
    head.uri = request.uri().clone();
    head.version = request.version();
    head.headers = request.headers().clone();
    head.extensions = request.extensions().clone();
    Request::from_parts(head, answer::full(Bytes::new()))
}

/// Origin form, and a `Host`. What HTTP/2 says in other ways is said in that of HTTP/1.
fn for_http1(request: &mut Request<Payload>) {
    join_cookies(request.headers_mut());
    // hyper takes a GET or HEAD for one without a body where its length is not known, and would leave it out.
    let (body, headers) = (request.body(), request.headers());
    if !body.is_end_stream()
        && body.size_hint().exact().is_none()
        && !headers.contains_key(header::CONTENT_LENGTH)
    {
        let chunked = HeaderValue::from_static("chunked");
        request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
    }
    *request.version_mut() = Version::HTTP_11;
    let (authority, path) = (request.uri().authority(), request.uri().path_and_query());
    let authority = authority.and_then(|it| it.as_str().parse().ok());
    let path = path.cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    if let Some(authority) = authority {
        request.headers_mut().entry(header::HOST).or_insert(authority);
    }
}

/// Absolute form, which says what `Host` says.
fn for_http2(request: &mut Request<Payload>) {
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::TRANSFER_ENCODING);
}

/// HTTP/2 may split what HTTP/1 has in one field (RFC 9113, section 8.2.3), of which many servers read the first
/// only.
fn join_cookies(headers: &mut HeaderMap) {
    let mut values = headers.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (values.next(), values.next()) else { return };
    let mut all = Zeroizing::new(first.as_bytes().to_vec());
    for value in std::iter::once(second).chain(values) {
        all.extend_from_slice(b"; ");
        all.extend_from_slice(value.as_bytes());
    }
    if let Ok(mut joined) = HeaderValue::from_bytes(&all) {
        joined.set_sensitive(true);
        headers.insert(header::COOKIE, joined);
    }
}

fn of_handshake(error: io::Error) -> Failure {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match of_tls {
        Some(rustls::Error::InvalidCertificate(why)) => Failure::Certificate(why.to_string()),
        _ => Failure::Unreachable("speak TLS with", error),
    }
}

impl Failure {
    /// What the client gets to see of it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::Denied(_) | Failure::NotPlainly => StatusCode::FORBIDDEN,
            Failure::Unreachable(_, error) if error.kind() == io::ErrorKind::TimedOut => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Failure::Slow(_) => StatusCode::GATEWAY_TIMEOUT,
            Failure::Broke(error) if of_body(error).is_some() => StatusCode::BAD_REQUEST,
            Failure::Full => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Certificate(_)
            | Failure::Unreachable(..)
            | Failure::Broke(_)
            | Failure::Switched
            | Failure::Ambiguous(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// In one sentence.
    pub(crate) fn reason(&self) -> String {
        match self {
            Failure::Denied(decision) => decision.reason.clone(),
            Failure::Certificate(why) => format!(
                "the server's certificate is not good by the operator's certificate store: {why}"
            ),
            Failure::Unreachable(step, error) => format!("cannot {step} the server: {error}"),
            Failure::Broke(error) if let Some(broken) = of_body(error) => {
                format!("the request was not sent whole: {broken}")
            }
            Failure::Broke(error) => match error.source() {
                Some(inner) => format!("the server's answer cannot be used: {error}: {inner}"),
                None => format!("the server's answer cannot be used: {error}"),
            },
            Failure::Switched => "the server switched to another protocol unasked".to_owned(),
            Failure::Ambiguous(why) => {
                format!("the server's answer can be read in more than one way: {why}")
            }
            Failure::Slow(limit) => {
                format!("the server did not answer within {} s", limit.as_secs())
            }
            Failure::Full => "too many connections to servers are open".to_owned(),
            Failure::NotPlainly => {
                "the host has a credential, which goes only over TLS, or to a loopback or \
                                    private address that the rule names in `addresses`"
                    .to_owned()
            }
        }
    }

    /// What the journal gets of a request to `subject`; nothing if it has it already.
    pub(crate) fn event(&self, subject: String) -> Option<Event> {
        if matches!(self, Failure::Denied(_)) {
            return None;
        }
        let mut event = Event::observed("request", Layer::Egress, subject);
        if matches!(self, Failure::Certificate(_) | Failure::NotPlainly) {
            event.decision = Verdict::Deny;
        }
        event.reason = self.reason();
        Some(event.with("status", self.status().as_u16()))
    }
}
