mod beside;
mod calls;
mod requests;

use std::{
    convert::Infallible,
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::{ArcSwap, ArcSwapOption};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header, request::Parts};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use palisade_core::{Action, Authority, Event, Layer, Tied};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
};

use crate::{
    Api, ConfigError, Door, GatewayConfig, KnownSecret, Limits, Tunnel,
    account::Open,
    answer::{Payload, refused},
    body::{Budget, Held, drain},
    endpoint::{Endpoint, family},
    guard::Told,
    headers,
    known_calls::KnownCalls,
    quota::Meters,
    redact::{Redacting, Redactor},
    refusal::Refusal,
    table::Table,
    tls::Tls,
    websocket::{accepted, is_for_responses, of_messages, talk},
};

/// The way to the models, for one sandbox.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

pub(crate) struct Inner {
    table: ArcSwap<Table>,
    pub(crate) limits: Limits,
    tls: Arc<Tls>,
    authority: Arc<dyn Authority>,
    pub(crate) budget: Budget,
    answers: Budget,
    connections: Semaphore,
    tunnel: Option<Arc<dyn Tunnel>>,
    calls: Arc<KnownCalls>,
    /// What answers of this session are known by at their providers.
    stored: Arc<KnownCalls>,
    meters: Arc<Meters>,
    open: Open,
    redacting: Redacting,
    /// What counts as a secret for what may not leave.
    private: Redacting,
    decoys: ArcSwapOption<Redactor>,
    told: Arc<Told>,
    turn: tokio::sync::Mutex<()>,
    /// Exchanges until now.
    count: AtomicU64,
}

/// One request of a client, and all that comes of it: its events have one number.
struct Exchange<'a> {
    inner: &'a Inner,
    authority: Arc<dyn Authority>,
}

impl Deref for Exchange<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        self.inner
    }
}

impl<'a> Exchange<'a> {
    fn next(inner: &'a Inner) -> Self {
        let number = inner.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let authority = Tied::to(Arc::clone(&inner.authority), "exchange", number);
        Self { inner, authority }
    }
}

impl Gateway {
    /// A gateway over this configuration. Nothing is dialled and no file is read yet.
    pub fn new(
        mut config: GatewayConfig,
        authority: Arc<dyn Authority>,
    ) -> Result<Self, ConfigError> {
        let (limits, tunnel) = (config.limits.clone(), config.tunnel.clone());
        let tls = Arc::new(Tls::new(config.extra_roots.clone()));
        let meters = Arc::new(Meters::new(config.quota_folder.clone()));
        let redacting = Redacting::new(config.redact.take());
        let private = Redacting::new(of_private(&mut config));
        redacting.marks().keep(config.restore);
        let table = Table::new(config, &tls)?;
        meters.prepare(&table.quotas)?;
        Ok(Self(Arc::new(Inner {
            table: ArcSwap::from_pointee(table),
            tls,
            authority,
            budget: Budget::new(limits.bodies),
            answers: Budget::new(limits.answers),
            connections: Semaphore::new(limits.connections),
            calls: Arc::default(),
            stored: Arc::default(),
            meters,
            open: Open::default(),
            redacting,
            private,
            decoys: ArcSwapOption::empty(),
            told: Arc::default(),
            turn: tokio::sync::Mutex::default(),
            count: AtomicU64::default(),
            limits,
            tunnel,
        })))
    }

    /// Routes, providers and quotas of this configuration from now on; its limits do not count, and what
    /// was used of quotas stays used. A call that is under way goes on.
    pub fn replace(&self, mut config: GatewayConfig) -> Result<(), ConfigError> {
        let (limits, tunnel) = (self.0.limits.clone(), self.0.tunnel.clone());
        let redact = config.redact.take();
        let private = of_private(&mut config);
        let restore = config.restore;
        let table = Table::new(GatewayConfig { limits, tunnel, ..config }, &self.0.tls)?;
        self.0.meters.prepare(&table.quotas)?;
        self.0.redacting.configure(redact);
        self.0.redacting.marks().keep(restore);
        self.0.private.configure(private);
        self.0.table.store(Arc::new(table));
        Ok(())
    }

    /// Values that are taken out of what goes to a model besides those of the configuration, wherever
    /// anything is, as long as the sandbox runs.
    pub fn keep_from_models(&self, values: Vec<KnownSecret>) {
        self.0.private.learn(values.clone());
        self.0.redacting.learn(values);
    }

    /// Tell, by an event of kind `canary`, when a request to a model has any of these.
    pub fn watch_for(&self, decoys: &[KnownSecret]) {
        let decoys = (!decoys.is_empty()).then(|| Arc::new(Redactor::only(decoys)));
        self.0.decoys.store(decoys);
    }

    /// Resolves when the end of every call is recorded that has ended.
    pub async fn recorded(&self) {
        self.0.open.closed().await;
    }

    /// Reads the operator's certificate roots now, and not at the first call over HTTPS. For a
    /// supervisor that gives up its access to files later.
    pub fn load_roots(&self) -> Result<(), rustls::Error> {
        self.0.tls.config().map(drop)
    }

    /// Where the providers of now are: what a client sends there is for [`Gateway::serve_at`].
    pub fn doors(&self) -> Vec<Door> {
        Door::all(self.0.table.load().providers())
    }

    /// Serves one connection from the sandbox, to its end.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        self.serve_with(stream, None).await;
    }

    /// The same for a client that means to speak to a provider, without any TLS.
    pub async fn serve_at(
        &self,
        door: &Door,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) {
        self.serve_with(stream, Some(door)).await;
    }

    async fn serve_with(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        door: Option<&Door>,
    ) {
        let inner = &self.0;
        let Ok(_place) = inner.connections.try_acquire() else { return };
        // Set by the request that goes on as a WebSocket.
        let opened: Mutex<Option<Opened>> = Mutex::default();
        let service = service_fn(|mut request: Request<Incoming>| {
            let (inner, opened) = (Arc::clone(inner), &opened);
            if let Some(path) = door.and_then(|door| path_at(door, request.uri())) {
                *request.uri_mut() = path;
            }
            // On the heap only until the answer begins: hyper keeps room for it as long as the connection is.
            Box::pin(async move {
                let exchange = Exchange::next(&inner);
                if !offers_another(request.headers()) {
                    return Ok::<_, Infallible>(exchange.answer(request).await);
                }
                let (response, socket) = exchange.opens(request).await;
                *opened.lock().unwrap_or_else(PoisonError::into_inner) = socket;
                Ok(response)
            })
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(inner.limits.head)
            .max_headers(inner.limits.headers)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await;
        // What hyper could not read as HTTP it has refused by itself.
        if let Err(error) = served
            && error.is_parse()
        {
            let action = Action::ModelRequest {
                request: "(not HTTP)".into(),
                refused: Some(format!("it cannot be read as HTTP: {error}")),
            };
            inner.authority.authorize(&action).await;
            return;
        }
        let socket = opened.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(Opened { head, upgrading }) = socket
            && let Ok(stream) = upgrading.await
        {
            talk(inner, head, TokioIo::new(stream)).await;
        }
    }
}

/// A WebSocket that is about to be open.
struct Opened {
    /// What each of its requests is sent with.
    head: Parts,
    upgrading: OnUpgrade,
}

/// Whether a request offers to go on in another protocol. Some clients (Java's) offer HTTP/2 with each request in the clear,
/// and go on as they are where nobody takes them up on it (RFC 9110, section 7.8).
fn offers_another(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::UPGRADE).iter();
    let mut words = offers.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    words.any(|word| !word.trim_ascii().eq_ignore_ascii_case(b"h2c"))
}

/// The values that count as secrets for what may not leave, if they do.
fn of_private(config: &mut GatewayConfig) -> Option<Vec<KnownSecret>> {
    let values = std::mem::take(&mut config.private);
    config.local_only.as_ref().is_some_and(|of| of.secrets).then_some(values)
}

/// The path that a request to a provider has here, if it is another one.
fn path_at(door: &Door, uri: &Uri) -> Option<Uri> {
    if uri.scheme().is_some() || uri.authority().is_some() {
        return None;
    }
    let told = uri.path_and_query()?.as_str();
    let path = door.path(told);
    (path != told).then(|| path.parse().ok()).flatten()
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl Inner {
    /// Answers a request that came as a message of a WebSocket, or says why it cannot be answered.
    pub(crate) async fn message(
        &self,
        head: &Parts,
        held: Result<Held, Refusal>,
    ) -> Response<Payload> {
        let exchange = Exchange::next(self);
        let endpoint = Endpoint::of(&head.method, &head.uri, &head.headers, Api::OpenAi);
        let passed = match (held, endpoint) {
            (Ok(held), Ok(endpoint)) => exchange.pass_on(head, &endpoint, held).await,
            (Err(refusal), _) => Err(refusal),
            (_, Err(why)) => Err(Refusal::Endpoint(why)),
        };
        match passed {
            Ok(response) => response,
            Err(refusal) => {
                exchange.tell(head, &refusal).await;
                refused(&refusal, Some(Api::OpenAi))
            }
        }
    }
}

impl Exchange<'_> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Payload> {
        let (head, mut body) = request.into_parts();
        let endpoint =
            Endpoint::of(&head.method, &head.uri, &head.headers, self.table.load().only_api());
        let api = endpoint.as_ref().map_or(family(&head.headers), |found| Some(found.api));
        let passed = match endpoint {
            Ok(endpoint) => self.pass(&head, &endpoint, &mut body).await,
            Err(why) => Err(Refusal::Endpoint(why)),
        };
        match passed {
            Ok(response) => response,
            Err(refusal) => self.refuse(&head, &mut body, &refusal, api).await,
        }
    }

    /// Answers a request for another protocol: by a WebSocket, where one is spoken.
    async fn opens(&self, mut request: Request<Incoming>) -> (Response<Payload>, Option<Opened>) {
        let upgrading = hyper::upgrade::on(&mut request);
        let (head, mut body) = request.into_parts();
        match self.opening(&head).await {
            Ok(response) => (response, Some(Opened { head: of_messages(head), upgrading })),
            Err(refusal) => {
                let api = family(&head.headers);
                (self.refuse(&head, &mut body, &refusal, api).await, None)
            }
        }
    }

    async fn opening(&self, head: &Parts) -> Result<Response<Payload>, Refusal> {
        if !is_for_responses(&head.uri) {
            return Err(Refusal::Upgrade("only `GET /v1/responses` goes on as a WebSocket"));
        }
        let accept = accepted(head).map_err(Refusal::Upgrade)?;
        if !headers::is_identity(&head.headers) {
            return Err(Refusal::Encoding);
        }
        // Over HTTP the client is told more of what is amiss with its model.
        if self.table.load().of_api(Api::OpenAi).is_err() {
            return Err(Refusal::Upgrade("no provider in the policy speaks the OpenAI API"));
        }
        let event = Event::observed("websocket", Layer::Inference, shown(head));
        if !self.authority.record(event).await {
            return Err(Refusal::Denied(palisade_core::UNRECORDED.into()));
        }
        let mut response = Response::new(Either::Left(Full::default()));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let fields = response.headers_mut();
        fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        fields.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        Ok(response)
    }

    async fn refuse(
        &self,
        head: &Parts,
        body: &mut Incoming,
        refusal: &Refusal,
        api: Option<Api>,
    ) -> Response<Payload> {
        self.tell(head, refusal).await;
        // Whoever waits for leave to send has not got it.
        if !head.headers.contains_key(header::EXPECT) {
            drain(body, self.limits.body).await;
        }
        refused(refusal, api)
    }

    /// Puts a refusal to the journal, if it is not there.
    async fn tell(&self, head: &Parts, refusal: &Refusal) {
        if !refusal.is_recorded() {
            let action =
                Action::ModelRequest { request: shown(head), refused: Some(refusal.to_string()) };
            self.authority.authorize(&action).await;
        }
    }
}

/// Method and path as they came, escaped and cut, for the journal.
fn shown(head: &Parts) -> String {
    palisade_core::shown(&format!("{} {}", head.method, head.uri), 200)
}
