use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    thread::JoinHandle,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::ServerConfig;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::Recorded;

/// What a handler's body may be: whole, or a [`stream`].
pub type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;

/// What a handler answers.
pub type Answer = Response<AnswerBody>;

type Handler = Arc<dyn Fn(Recorded) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// An HTTP/1.1 server on loopback that does what a closure says and records what it got.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Recorded>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Starts on a free port.
    pub fn start<H, F>(handler: H) -> io::Result<Self>
    where
        H: Fn(Recorded) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), handler)
    }

    /// Starts at this address.
    pub fn start_at<H, F>(address: SocketAddr, handler: H) -> io::Result<Self>
    where
        H: Fn(Recorded) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::listen(address, None, handler)
    }

    /// Starts on a free port, over TLS. HTTP/2 too, if the configuration offers it.
    pub fn start_secure<H, F>(tls: ServerConfig, handler: H) -> io::Result<Self>
    where
        H: Fn(Recorded) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        Self::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Some(acceptor), handler)
    }

    fn listen<H, F>(address: SocketAddr, tls: Option<TlsAcceptor>, handler: H) -> io::Result<Self>
    where
        H: Fn(Recorded) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let log = Arc::clone(&requests);
        let thread = std::thread::Builder::new().name("upstream".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, tls, &handler, &log) => {}
                }
            });
        })?;
        Ok(Self { address, requests, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it is stopped from elsewhere, that is for ever.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed why.
            drop(thread.join());
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn accept(
    listener: std::net::TcpListener,
    tls: Option<TlsAcceptor>,
    handler: &Handler,
    log: &Arc<Mutex<Vec<Recorded>>>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (handler, log, tls) = (Arc::clone(handler), Arc::clone(log), tls.clone());
        connections.spawn(async move {
            let service = |shown: bool| {
                service_fn(move |request| {
                    respond((request, shown), Arc::clone(&handler), Arc::clone(&log))
                })
            };
            // The other side may go at any time; that is what some tests are about.
            let Some(tls) = tls else {
                let service = service(false);
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                return;
            };
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service(stream.get_ref().1.peer_certificates().is_some());
            let builder = auto::Builder::new(TokioExecutor::new());
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn respond(
    (request, shown): (Request<Incoming>, bool),
    handler: Handler,
    log: Arc<Mutex<Vec<Recorded>>>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(answer(StatusCode::BAD_REQUEST, "text/plain", "the body broke off"));
    };
    let recorded = Recorded {
        method: head.method,
        uri: head.uri,
        headers: head.headers,
        body: body.to_bytes(),
        shown,
    };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(recorded.clone());
    Ok(handler(recorded).await)
}

/// An answer with a whole body.
pub fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer of JSON.
pub fn json_answer(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

/// A streamed answer: each item goes out as it comes, an error cuts the connection, and
/// dropping the sender ends the stream.
pub fn stream(content_type: &'static str, parts: mpsc::Receiver<io::Result<Bytes>>) -> Answer {
    let mut response = Response::new(Parts(parts).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

struct Parts(mpsc::Receiver<io::Result<Bytes>>);

impl Body for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.get_mut().0.poll_recv(cx).map(|part| part.map(|bytes| bytes.map(Frame::data)))
    }
}
