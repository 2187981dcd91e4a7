use std::{
    collections::BTreeSet,
    convert::Infallible,
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Instant, SystemTime},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header, request::Parts};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use palisade_core::{Action, Authority, Decision, Event, Layer, Tied, Untrusted, Verdict};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    time::timeout,
};

use crate::{
    Api, ConfigError, Door, GatewayConfig, KeySource, KnownSecret, Limits, Tunnel,
    account::{Account, Call, Open, Prompt},
    answer::{Payload, refused},
    asking::Asking,
    body::{Budget, Held, drain},
    embeddings,
    endpoint::{Endpoint, Wire, family},
    guard::Told,
    headers,
    hosted::{Hosting, Signing, sign},
    inspect::{Judge, ServerTool, not_named},
    known_calls::{Fate, KnownCalls},
    model_field::{BodyError, ModelField},
    outgoing::{Outgoing, Preparing},
    passage::Checks,
    quota::{Estimate, Exceeded, Meters, Price, Reservation, Wanted, of_answer, price_of},
    redact::{Redacting, Redactor},
    refusal::Refusal,
    relay::relay,
    restore::Restorer,
    results::Results,
    scrub::Scrubber,
    table::{Table, Target, Upstream},
    tls::Tls,
    translate::Translation,
    usage::Usage,
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

/// A call that has its provider.
struct Routed<'a> {
    action: &'a Action,
    /// Those to ask, one after the other.
    targets: Vec<Target>,
    /// Where the model stands in the body, if it does.
    field: Option<ModelField>,
    table: &'a Table,
    /// What the call may use. None for one that no model answers.
    estimate: Option<Estimate>,
}

impl Routed<'_> {
    /// The model, by the name that the provider gets.
    fn model<'b>(&'b self, target: &'b Target) -> Option<&'b str> {
        let asked = match self.action {
            Action::ModelCall { model, .. } => Some(model.as_str()),
            _ => None,
        };
        target.rename.as_deref().filter(|_| asked.is_some()).or(asked)
    }
}

/// Whether a provider takes no money.
fn is_free(target: &Target) -> bool {
    matches!(target.upstream.key, KeySource::None)
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
                if !request.headers().contains_key(header::UPGRADE) {
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

    /// From the request to the provider's answer.
    async fn pass(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        body: &mut Incoming,
    ) -> Result<Response<Payload>, Refusal> {
        if !headers::is_identity(&head.headers) {
            return Err(Refusal::Encoding);
        }
        let held = Held::read(body, &self.limits, &self.budget).await?;
        self.pass_on(head, endpoint, held).await
    }

    /// The same for a body that is there.
    async fn pass_on(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        held: Held,
    ) -> Result<Response<Payload>, Refusal> {
        let table = self.table.load_full();
        let mut estimate = None;
        let mut in_body = None;
        let (action, targets, held) = if endpoint.takes_model {
            let (request, held) = understood(held, endpoint, self.limits.nesting).await?;
            let targets = table.of_model(&request.field.model, endpoint.api, endpoint.wire)?;
            self.permit(&request, endpoint, &table).await?;
            let field = &request.field;
            let endpoint_name = endpoint.name.to_owned();
            let action = Action::ModelCall { endpoint: endpoint_name, model: field.model.clone() };
            let redactor = self.redacting.now();
            let decoys = self.decoys.load_full();
            let preparing = Preparing {
                authority: &*self.authority,
                quotas: &table.quotas,
                redactor: redactor.as_ref(),
                decoys: decoys.as_ref(),
                guard: table.guard,
                told: &self.told,
                turn: &self.turn,
                action: &action,
                asking: &request.asking,
            };
            let (held, targets) = match &table.private {
                Some(private) => {
                    let secrets = self.private.now();
                    let (held, found) = {
                        let beside = headers::beside(&endpoint.target, &head.headers);
                        preparing.private(held, (private, secrets), beside).await?
                    };
                    let asked = (endpoint, field.model.as_str());
                    (held, self.kept_local(found, targets, &table, asked, &action).await?)
                }
                None => (held, targets),
            };
            let prepared = preparing.body(held, field, &head.headers, endpoint).await?;
            let Outgoing { held, changed, estimate: expected } = prepared;
            estimate = Some(expected);
            let (field, held) = if changed {
                let (request, held) = understood(held, endpoint, self.limits.nesting).await?;
                (request.field, held)
            } else {
                (request.field, held)
            };
            in_body = endpoint.path_model.is_none().then_some(field);
            (action, targets, Some(held))
        } else {
            if !held.bytes().is_empty() {
                return Err(Refusal::Endpoint("a GET request has no body".into()));
            }
            let target = table.of_api(endpoint.api)?;
            let action = Action::ModelRequest { request: shown(head), refused: None };
            if let Some(private) = table.private.as_ref().filter(|_| !target.upstream.local) {
                let beside = headers::beside(&endpoint.target, &head.headers);
                let found = private.find_beside(&beside, self.private.now().as_deref());
                if !found.is_empty() {
                    let kinds: Vec<&str> = found.into_iter().collect();
                    self.keeps(&kinds, false, "a list of models").await?;
                    return Err(Refusal::Private(kinds.join(", ")));
                }
            }
            (action, vec![target], None)
        };
        let field = in_body;
        let action = &action;
        let table = &table;
        let routed = Routed { action, targets, field, table, estimate };
        self.call(head, endpoint, &routed, held).await
    }

    /// Whether what a request asks for besides words may be, and whether its results belong to calls that
    /// might be made.
    async fn permit(
        &self,
        request: &Understood,
        endpoint: &Endpoint,
        table: &Table,
    ) -> Result<(), Refusal> {
        let Asking { at_provider, results, stored, refused, .. } = &request.asking;
        if let Some(why) = refused {
            return Err(Refusal::AtProvider((*why).to_owned()));
        }
        // The provider has one memory for all that have the operator's key.
        if stored.iter().any(|id| self.stored.of(id).0 != Fate::Allowed) {
            return Err(Refusal::NotStored);
        }
        // OpenRouter's way to ask for a search.
        let searches = request.field.model.ends_with(":online");
        if searches && !table.server_tools.contains(&ServerTool::WebSearch) {
            let why = not_named(Some(ServerTool::WebSearch), ":online");
            return Err(Refusal::AtProvider(why));
        }
        let named = |tool: &Option<_>| tool.is_some_and(|tool| table.server_tools.contains(&tool));
        if let Some((tool, kind)) = at_provider.iter().find(|(tool, _)| !named(tool)) {
            return Err(Refusal::AtProvider(not_named(*tool, kind)));
        }
        let subject = format!("{} {}", endpoint.name, request.field.model);
        // Whether a model looks there is not to be seen before it has.
        let brings = at_provider.iter().filter_map(|(tool, _)| match tool {
            Some(ServerTool::WebSearch | ServerTool::WebFetch) => Some(Untrusted::Web),
            Some(ServerTool::Mcp) => Some(Untrusted::Mcp),
            _ => None,
        });
        for how in brings.chain(searches.then_some(Untrusted::Web)) {
            if !self.authority.brought(how, &subject).await {
                return Err(Refusal::Denied(palisade_core::UNRECORDED.into()));
            }
        }
        let why = Results { calls: &self.calls, authority: &*self.authority }
            .check(results, &subject, table.deny_unknown_results)
            .await;
        why.map_or(Ok(()), |why| Err(Refusal::Results(why)))
    }

    /// The targets of a prompt that carries `found`, which only local ones may have.
    async fn kept_local(
        &self,
        found: BTreeSet<&'static str>,
        targets: Vec<Target>,
        table: &Table,
        (endpoint, model): (&Endpoint, &str),
        action: &Action,
    ) -> Result<Vec<Target>, Refusal> {
        if found.is_empty() {
            return Ok(targets);
        }
        let local = table.local_of_model(model, endpoint.api, endpoint.wire);
        let kinds: Vec<&str> = found.into_iter().collect();
        self.keeps(&kinds, !local.is_empty(), &action.subject()).await?;
        if local.is_empty() {
            return Err(Refusal::Private(kinds.join(", ")));
        }
        Ok(local)
    }

    /// Records what is kept from providers elsewhere. `goes`: a local one has it.
    async fn keeps(&self, kinds: &[&str], goes: bool, subject: &str) -> Result<(), Refusal> {
        let mut event = Event::observed("privacy", Layer::Inference, subject)
            .with("found", kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>());
        event.rule = Some("inference.local_only".into());
        event.reason = "it goes to a local provider only".into();
        if !goes {
            event.decision = Verdict::Deny;
            event.reason = "no route for its model leads to a local provider".into();
        }
        if self.authority.record(event).await {
            return Ok(());
        }
        Err(Refusal::Denied(palisade_core::UNRECORDED.into()))
    }

    /// Asks one provider after the other, until one answers in a way that is the client's to hear.
    async fn call(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        routed: &Routed<'_>,
        body: Option<Held>,
    ) -> Result<Response<Payload>, Refusal> {
        let body = body.map(Held::into_bytes);
        if let Some(said) = body.as_ref().filter(|_| self.authority.keeps_content()) {
            self.said(routed.action, said).await?;
        }
        let mut decided = false;
        let mut last = Err(Refusal::NoProvider(endpoint.api));
        for (at, target) in routed.targets.iter().enumerate() {
            let is_last = at.saturating_add(1) == routed.targets.len();
            last = self.attempt(head, endpoint, (routed, target), body.clone(), &mut decided).await;
            if is_last || !goes_on(&last) {
                break;
            }
            // Whoever is asked next has an event of its own. A failure has one already.
            if let Ok(response) = &last {
                let subject = routed.action.subject();
                let event = Event::observed("model_failure", Layer::Inference, subject)
                    .with("provider", target.upstream.name.as_str())
                    .with("why", format!("answered {}", response.status().as_u16()));
                self.authority.record(event).await;
            }
        }
        last
    }

    /// Keep what is said to a model before it is.
    async fn said(&self, action: &Action, body: &Bytes) -> Result<(), Refusal> {
        let kept = match self.authority.keep_content(body) {
            Ok(kept) => kept,
            Err(why) => {
                let decision = Decision::deny_by("audit.content", why);
                self.authority.record(Event::decided(action, &decision)).await;
                return Err(Refusal::Denied(decision.reason));
            }
        };
        let event = Event::observed("content", Layer::Inference, action.subject())
            .with("of", "request")
            .with("content", vec![kept]);
        if self.authority.record(event).await {
            return Ok(());
        }
        Err(Refusal::Denied(palisade_core::UNRECORDED.into()))
    }

    async fn attempt(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        (routed, target): (&Routed<'_>, &Target),
        body: Option<Bytes>,
        decided: &mut bool,
    ) -> Result<Response<Payload>, Refusal> {
        let Routed { action, .. } = *routed;
        let upstream = &*target.upstream;
        let translation = Translation::between(endpoint.wire, upstream.api)
            .filter(|_| upstream.api != endpoint.api);
        let mut scrubber = None;
        let mut aws = None;
        let mut fields = headers::for_provider(&head.headers, body.is_some());
        match &upstream.key {
            KeySource::None => {}
            KeySource::Header(key) => {
                let value = key
                    .value()
                    .ok_or_else(|| failed(upstream, "has a key that no header can hold"))?;
                fields.insert(key.name().clone(), value);
                scrubber = Scrubber::new(key.secret());
            }
            KeySource::Fed(feed) => {
                let key = feed
                    .current()
                    .await
                    .map_err(|why| Refusal::KeyMissing { provider: upstream.name.clone(), why })?;
                let value = key
                    .value()
                    .ok_or_else(|| failed(upstream, "has a key that no header can hold"))?;
                fields.insert(key.name().clone(), value);
                scrubber = Scrubber::new(key.secret());
            }
            // Once all is there that is signed.
            KeySource::Aws(keys) => aws = Some(Arc::new(keys.clone())),
            KeySource::AwsFed(feed) => {
                let keys = feed.current().await;
                aws = Some(keys.map_err(|why| {
                    let provider = upstream.name.clone();
                    Refusal::KeyMissing { provider, why }
                })?);
            }
            KeySource::Missing { why } => {
                let provider = upstream.name.clone();
                return Err(Refusal::KeyMissing { provider, why: why.clone() });
            }
        }
        let path = match (translation, &target.rename) {
            (Some(translation), _) => translation.path().to_owned(),
            (None, Some(model)) => endpoint.renamed(model).map_err(Refusal::Endpoint)?,
            (None, None) => endpoint.target.clone(),
        };
        let payload = match (body, &target.rename, &routed.field) {
            (Some(body), Some(name), Some(field)) => {
                field.renamed(&body, name).map(Bytes::from).ok_or(BodyError::Model)?
            }
            (Some(body), Some(name), None) if endpoint.names_twice() => {
                embeddings::renamed(&body, name)?.into()
            }
            (body, _, _) => body.unwrap_or_default(),
        };
        let payload = match translation {
            Some(translation) => {
                translation.headers(&mut fields);
                translation
                    .request(&payload, upstream.url.host())
                    .map_err(|why| Refusal::Untranslated { provider: upstream.name.clone(), why })?
            }
            None => payload,
        };
        let (path, payload) = match &upstream.hosting {
            Some(hosting) => {
                let hosted = hosting.request(&path, &payload, &mut fields).map_err(|why| {
                    Refusal::Untranslated { provider: upstream.name.clone(), why }
                })?;
                (hosted.path, hosted.body)
            }
            None => (path, payload),
        };
        let uri = upstream.url.join(&path);
        let (Some(uri), Some(host)) = (uri, upstream.url.host_header()) else {
            return Err(failed(upstream, "has a URL that cannot be called"));
        };
        fields.insert(header::HOST, host);
        if let (Some(keys), Some(Hosting::Bedrock { region })) = (&aws, &upstream.hosting) {
            scrubber = keys.session_token.as_ref().and_then(Scrubber::new);
            let signing = Signing { keys, region, now: SystemTime::now() };
            sign(&signing, &uri, &mut fields, &payload)
                .ok_or_else(|| failed(upstream, "has a key that cannot sign"))?;
        }
        let prompt = routed.estimate.is_some().then(|| payload.clone());
        let mut request = Request::new(Full::new(payload));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = fields;

        let mut reservation = self.reserve(routed, target).await?;
        if !*decided {
            let decision = self.authority.authorize(action).await;
            if !decision.is_allowed() {
                return Err(Refusal::Denied(decision.reason));
            }
            *decided = true;
        }
        // The new policy permits it, and perhaps not to this provider.
        if !std::ptr::eq(&**self.inner.table.load(), routed.table) {
            return Err(failed(upstream, "was chosen by a policy that has just been replaced"));
        }
        // From here on it counts as made.
        let started = Instant::now();
        owes(&mut reservation, Usage::default());
        // What only a record needs is made once the request is on its way.
        let digesting = async {
            tokio::task::yield_now().await;
            prompt.as_ref().map(Prompt::of)
        };
        let (sent, prompt) = tokio::join!(self.send(upstream, request), digesting);
        let answered = match sent {
            Ok(response) => {
                let mut event = Event::observed("model_answer", Layer::Inference, action.subject())
                    .with("provider", upstream.name.as_str())
                    .with("status", response.status().as_u16());
                if let Some(model) = routed.model(target) {
                    event = event.with("model", model);
                }
                let call = Call {
                    event,
                    reservation,
                    estimate: routed.estimate.unwrap_or_default(),
                    price: self.price(routed, target),
                    prompt,
                    started,
                };
                let taken = response.status().is_success();
                let account = Account::new(call, Arc::clone(&self.authority), &self.open, taken);
                let mut checks = self.checks(action, upstream, scrubber, account);
                checks.translation = translation;
                checks.hosted = upstream.hosting.is_some();
                checks.restorer =
                    routed.table.restore.then(|| Restorer::new(Arc::clone(self.redacting.marks())));
                let relayed = relay(response, endpoint.wire, checks, &self.limits).await;
                relayed.map_err(|why| failed(upstream, &why))
            }
            Err(refusal) => {
                // It may have read the prompt and thought about it.
                if let (Refusal::Slow { .. }, Some(estimate)) = (&refusal, routed.estimate) {
                    owes(&mut reservation, of_answer(estimate, 0));
                }
                Err(refusal)
            }
        };
        if let Err(refusal) = &answered {
            let event = Event::observed("model_failure", Layer::Inference, action.subject())
                .with("provider", upstream.name.as_str())
                .with("why", refusal.to_string());
            self.authority.record(event).await;
        }
        answered
    }

    /// Room for a call under every limit.
    async fn reserve(
        &self,
        routed: &Routed<'_>,
        target: &Target,
    ) -> Result<Option<Reservation>, Refusal> {
        let quotas = &routed.table.quotas;
        let (Some(estimate), Some(model), false) =
            (routed.estimate, routed.model(target), quotas.is_empty())
        else {
            return Ok(None);
        };
        let wanted = Wanted { model, free: is_free(target), estimate };
        match self.meters.reserve(quotas, &wanted).await {
            Ok(reservation) => Ok(Some(reservation)),
            Err(why) => Err(self.exceeded(routed.action, why).await),
        }
    }

    /// Records that a limit has no room for a call.
    async fn exceeded(&self, action: &Action, why: Exceeded) -> Refusal {
        let decision = Decision::deny_by(why.rule(), why.to_string());
        self.authority.record(Event::decided(action, &decision)).await;
        Refusal::Limit(why)
    }

    /// What the model costs, if anybody says so.
    fn price(&self, routed: &Routed<'_>, target: &Target) -> Option<Price> {
        if is_free(target) {
            return Some(Price::default());
        }
        let model = routed.model(target)?;
        let quotas = routed.table.quotas.iter();
        quotas
            .map(|quota| quota.prices.as_slice())
            .chain([&[][..]])
            .find_map(|own| price_of(own, model))
    }

    fn checks(
        &self,
        action: &Action,
        upstream: &Upstream,
        scrubber: Option<Scrubber>,
        account: Account,
    ) -> Checks {
        let judge = Judge {
            authority: Arc::clone(&self.authority),
            server_tools: Arc::clone(&self.table.load().server_tools),
            calls: Arc::clone(&self.calls),
            stored: Arc::clone(&self.stored),
        };
        Checks {
            scrubber,
            reading: None,
            translation: None,
            hosted: false,
            frames: None,
            restorer: None,
            judge,
            budget: self.answers.clone(),
            watcher: Box::new(account),
            provider: upstream.name.clone(),
            subject: action.subject(),
        }
    }

    async fn send(
        &self,
        upstream: &Upstream,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Refusal> {
        let answering = upstream.client.request(request);
        let response = match timeout(self.limits.first_byte, answering).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let did = if error.is_connect() { "cannot be reached" } else { "broke off" };
                return Err(failed(upstream, &format!("{did}: {}", cause(&error))));
            }
            Err(_) => {
                let provider = upstream.name.clone();
                return Err(Refusal::Slow { provider, after: self.limits.first_byte });
            }
        };
        let status = response.status();
        if status.is_redirection() || status.is_informational() {
            return Err(failed(
                upstream,
                &format!("answered {}; redirects are not followed", status.as_u16()),
            ));
        }
        if !headers::is_identity(response.headers()) {
            return Err(failed(upstream, "answered compressed, though it was asked not to"));
        }
        Ok(response)
    }
}

/// Whether the next provider is asked: this one had no room or no answer, and the client has heard nothing.
fn goes_on(answered: &Result<Response<Payload>, Refusal>) -> bool {
    match answered {
        Ok(response) => {
            response.status() == StatusCode::TOO_MANY_REQUESTS
                || response.status().is_server_error()
        }
        Err(why) => matches!(
            why,
            Refusal::Upstream { .. } | Refusal::Slow { .. } | Refusal::KeyMissing { .. }
        ),
    }
}

fn owes(reservation: &mut Option<Reservation>, usage: Usage) {
    reservation.iter_mut().for_each(|reservation| reservation.owes(usage));
}

fn failed(upstream: &Upstream, why: &str) -> Refusal {
    Refusal::Upstream { provider: upstream.name.clone(), why: why.into() }
}

/// The innermost cause of an error: the outer ones only say which layer passed it on.
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// What a body says, as far as it is looked into.
struct Understood {
    field: ModelField,
    asking: Asking,
}

impl Understood {
    fn of(body: &[u8], endpoint: &Endpoint, nesting: usize) -> Result<Self, BodyError> {
        let field = match &endpoint.path_model {
            Some(model) => ModelField::of_path(body, model, nesting, endpoint.names_twice())?,
            None => ModelField::of(body, nesting)?,
        };
        let asking = Asking::of(body, endpoint.asks)?;
        let answered = endpoint.wire != Wire::Nothing;
        Ok(Self { field, asking: if answered { asking } else { asking.unanswered() } })
    }
}

/// Reads a body. A large one is read on a thread of its own, so that it holds up no stream.
async fn understood(
    held: Held,
    endpoint: &Endpoint,
    nesting: usize,
) -> Result<(Understood, Held), Refusal> {
    const LARGE: usize = 256 * 1024;
    let large = held.bytes().len() > LARGE;
    let endpoint = endpoint.clone();
    let read =
        move || Understood::of(held.bytes(), &endpoint, nesting).map(|request| (request, held));
    let read = if large {
        tokio::task::spawn_blocking(read).await.map_err(|_| Refusal::Incomplete)?
    } else {
        read()
    };
    Ok(read?)
}

/// Method and path as they came, escaped and cut, for the journal.
fn shown(head: &Parts) -> String {
    palisade_core::shown(&format!("{} {}", head.method, head.uri), 200)
}
