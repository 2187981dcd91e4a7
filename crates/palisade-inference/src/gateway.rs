use std::{convert::Infallible, fmt, sync::Arc};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response, header, request::Parts};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use palisade_core::{Action, Authority, Event, Layer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    time::timeout,
};

use crate::{
    Api, ConfigError, GatewayConfig, KeySource, Limits, Tunnel,
    answer::{Payload, refused},
    body::{Budget, Held, drain},
    endpoint::{Endpoint, family},
    headers,
    model_field::{BodyError, ModelField},
    passage::Passage,
    refusal::Refusal,
    scrub::Scrubber,
    table::{Table, Target, Upstream},
    tls::Tls,
};

/// The way to the models, for one sandbox.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    table: ArcSwap<Table>,
    limits: Limits,
    tls: Arc<Tls>,
    authority: Arc<dyn Authority>,
    budget: Budget,
    connections: Semaphore,
    tunnel: Option<Arc<dyn Tunnel>>,
}

/// A call that has its provider.
struct Routed<'a> {
    action: &'a Action,
    target: &'a Target,
    /// The policy that the provider was chosen by.
    generation: u64,
}

impl Gateway {
    /// A gateway over this configuration. Nothing is dialled and no file is read yet.
    pub fn new(config: GatewayConfig, authority: Arc<dyn Authority>) -> Result<Self, ConfigError> {
        let (limits, tunnel) = (config.limits.clone(), config.tunnel.clone());
        let tls = Arc::new(Tls::new(config.extra_roots.clone()));
        let table = Table::new(config, &tls)?;
        Ok(Self(Arc::new(Inner {
            table: ArcSwap::from_pointee(table),
            tls,
            authority,
            budget: Budget::new(limits.bodies),
            connections: Semaphore::new(limits.connections),
            limits,
            tunnel,
        })))
    }

    /// Routes and providers of this configuration from now on; its limits do not count. A call that is
    /// under way goes on.
    pub fn replace(&self, config: GatewayConfig) -> Result<(), ConfigError> {
        let (limits, tunnel) = (self.0.limits.clone(), self.0.tunnel.clone());
        let table = Table::new(GatewayConfig { limits, tunnel, ..config }, &self.0.tls)?;
        self.0.table.store(Arc::new(table));
        Ok(())
    }

    /// Reads the operator's certificate roots now, and not at the first call over HTTPS. For a
    /// supervisor that gives up its access to files later.
    pub fn load_roots(&self) -> Result<(), rustls::Error> {
        self.0.tls.config().map(drop)
    }

    /// Serves one connection from the sandbox, to its end.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let inner = &self.0;
        let Ok(_place) = inner.connections.try_acquire() else { return };
        let service = service_fn(|request| {
            let inner = Arc::clone(inner);
            async move { Ok::<_, Infallible>(inner.answer(request).await) }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(inner.limits.head)
            .max_headers(inner.limits.headers)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service)
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
        }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>) -> Response<Payload> {
        let (head, mut body) = request.into_parts();
        let endpoint =
            Endpoint::of(&head.method, &head.uri, &head.headers, self.table.load().only_api());
        let api = endpoint.as_ref().map_or(family(&head.headers), |found| Some(found.api));
        let passed = match endpoint {
            _ if head.headers.contains_key(header::UPGRADE) => Err(Refusal::Upgrade),
            Ok(endpoint) => self.pass(&head, &endpoint, &mut body).await,
            Err(why) => Err(Refusal::Endpoint(why)),
        };
        match passed {
            Ok(response) => response,
            Err(refusal) => self.refuse(&head, &mut body, &refusal, api).await,
        }
    }

    async fn refuse(
        &self,
        head: &Parts,
        body: &mut Incoming,
        refusal: &Refusal,
        api: Option<Api>,
    ) -> Response<Payload> {
        if !refusal.is_recorded() {
            let action =
                Action::ModelRequest { request: shown(head), refused: Some(refusal.to_string()) };
            self.authority.authorize(&action).await;
        }
        // Whoever waits for leave to send has not got it.
        if !head.headers.contains_key(header::EXPECT) {
            drain(body, self.limits.body).await;
        }
        refused(refusal, api)
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
        let generation = self.authority.generation();
        let table = self.table.load_full();
        let (action, target, held) = if endpoint.takes_model {
            let (field, held) = understood(held, self.limits.nesting).await?;
            let target = table.of_model(&field.model, endpoint.api)?;
            let held = match &target.rename {
                None => held,
                Some(name) => {
                    let renamed = field.renamed(held.bytes(), name);
                    held.with(renamed.ok_or(BodyError::Model)?)
                }
            };
            let endpoint = endpoint.name.to_owned();
            (Action::ModelCall { endpoint, model: field.model }, target, Some(held))
        } else {
            if !held.bytes().is_empty() {
                return Err(Refusal::Endpoint("a GET request has no body".into()));
            }
            let target = table.of_api(endpoint.api)?;
            (Action::ModelRequest { request: shown(head), refused: None }, target, None)
        };
        let routed = Routed { action: &action, target: &target, generation };
        self.call(head, endpoint, &routed, held).await
    }

    async fn call(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        routed: &Routed<'_>,
        body: Option<Held>,
    ) -> Result<Response<Payload>, Refusal> {
        let Routed { action, target, generation } = *routed;
        let upstream = &*target.upstream;
        let mut scrubber = None;
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
            KeySource::Missing { why } => {
                let provider = upstream.name.clone();
                return Err(Refusal::KeyMissing { provider, why: why.clone() });
            }
        }
        let uri = upstream.url.join(&endpoint.target);
        let (Some(uri), Some(host)) = (uri, upstream.url.host_header()) else {
            return Err(failed(upstream, "has a URL that cannot be called"));
        };
        fields.insert(header::HOST, host);
        let payload = Full::new(body.map(Held::into_bytes).unwrap_or_default());
        let mut request = Request::new(payload);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = fields;

        let decision = self.authority.authorize(action).await;
        if !decision.is_allowed() {
            return Err(Refusal::Denied(decision.reason));
        }
        // The new policy permits it, and perhaps not to this provider.
        if self.authority.generation() != generation {
            return Err(failed(upstream, "was chosen by a policy that has just been replaced"));
        }
        match self.send(upstream, request).await {
            Ok(response) => {
                let event = Event::observed("model_answer", Layer::Inference, action.subject())
                    .with("provider", upstream.name.as_str())
                    .with("status", response.status().as_u16());
                if !self.authority.record(event).await {
                    return Err(failed(upstream, "answered, but the journal cannot take that"));
                }
                Ok(self.relay(action, upstream, response, scrubber))
            }
            Err(refusal) => {
                let event = Event::observed("model_failure", Layer::Inference, action.subject())
                    .with("provider", upstream.name.as_str())
                    .with("why", refusal.to_string());
                self.authority.record(event).await;
                Err(refusal)
            }
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

    fn relay(
        &self,
        action: &Action,
        upstream: &Upstream,
        response: Response<Incoming>,
        mut scrubber: Option<Scrubber>,
    ) -> Response<Payload> {
        let (head, body) = response.into_parts();
        let mut fields = headers::for_client(&head.headers);
        if let Some(scrubber) = &mut scrubber {
            for value in fields.values_mut() {
                if let Some(clean) = scrubber.header(value) {
                    *value = clean;
                }
            }
        }
        let leak = Event::observed("key_in_answer", Layer::Inference, action.subject())
            .with("provider", upstream.name.as_str());
        let passage = Passage::new(
            body,
            scrubber,
            self.limits.answer_pause,
            (Arc::clone(&self.authority), leak),
        );
        let mut out = Response::new(Either::Right(passage));
        *out.status_mut() = head.status;
        *out.headers_mut() = fields;
        out
    }
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

/// Finds the model. A large body is read on a thread of its own, so that it holds up no stream.
async fn understood(held: Held, nesting: usize) -> Result<(ModelField, Held), Refusal> {
    const LARGE: usize = 256 * 1024;
    let large = held.bytes().len() > LARGE;
    let read = move || ModelField::of(held.bytes(), nesting).map(|field| (field, held));
    let read = if large {
        tokio::task::spawn_blocking(read).await.map_err(|_| Refusal::Incomplete)?
    } else {
        read()
    };
    Ok(read?)
}

/// Method and path as they came, escaped and cut, for the journal.
fn shown(head: &Parts) -> String {
    const LONGEST: usize = 200;
    let text = format!("{} {}", head.method, head.uri);
    let mut out: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().count() > LONGEST {
        out.push('…');
    }
    out
}
