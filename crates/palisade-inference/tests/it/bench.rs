//! A gateway on a loopback socket, with a journal that a test can read.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use palisade_core::{Action, Authority, BoxFuture, Decision, Event, SecretString};
use palisade_inference::{
    Api, Gateway, GatewayConfig, HeaderCredential, KeySource, Provider, Route,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// The key that is only outside.
pub(crate) const KEY: &str = "sk-ant-real-0123456789abcdef";
/// What the sandbox has in its place.
pub(crate) const PLACEHOLDER: &str = "palisade-placeholder-anthropic";
/// Longer than any step takes; a test that waits this long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// An authority that allows what is well-formed, unless told otherwise, and keeps all it heard.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) denies: Option<&'static str>,
    /// A tool that may not be called.
    pub(crate) denied_tool: Option<&'static str>,
    pub(crate) actions: Mutex<Vec<Action>>,
    pub(crate) events: Mutex<Vec<Event>>,
}

impl Authority for Ledger {
    fn consider(&self, action: &Action) -> Decision {
        match (action, self.denies) {
            (Action::ModelRequest { refused: Some(why), .. }, _) => Decision::deny(why.clone()),
            (_, Some(why)) => Decision::deny(why),
            (Action::ToolCall(call), None) if self.denied_tool == Some(call.name.as_str()) => {
                Decision::deny_by("permissions.deny[0]", "no such calls here")
            }
            (Action::ToolCall(_), None) => Decision::allow("permissions", "it may"),
            (Action::ModelCall { .. } | Action::ModelRequest { .. }, None) => {
                Decision::allow("inference.routes[0]", "a route takes it")
            }
            _ => Decision::deny("not a model call"),
        }
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(async move {
            self.actions.lock().unwrap().push(action.clone());
            self.consider(action)
        })
    }

    fn record(&self, event: Event) -> BoxFuture<'_, bool> {
        self.events.lock().unwrap().push(event);
        Box::pin(async { true })
    }
}

pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Arc<Ledger>,
}

impl Bench {
    /// A gateway whose `claude-*` and, at the end, all other models go to these servers.
    pub(crate) async fn new(anthropic: &str, openai: &str) -> Self {
        Self::of(config(anthropic, openai), Ledger::default()).await
    }

    pub(crate) async fn of(config: GatewayConfig, ledger: Ledger) -> Self {
        let ledger = Arc::new(ledger);
        let gateway = Gateway::new(config, Arc::clone(&ledger) as Arc<dyn Authority>).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let gateway = gateway.clone();
                tokio::spawn(async move { gateway.serve(stream).await });
            }
        });
        Self { address, ledger }
    }

    /// One request over a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        timeout(LONG, sender.send_request(request)).await.unwrap().unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Got {
        got(self.send(post(path, body)).await).await
    }

    /// Bytes as they are; all that comes back until the gateway closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The gateway may close while it is being written to.
        drop(stream.write_all(bytes).await);
        let mut out = Vec::new();
        drop(timeout(LONG, stream.read_to_end(&mut out)).await.expect("the gateway closes"));
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Why the journal says that requests were refused.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let actions = self.ledger.actions.lock().unwrap();
        actions
            .iter()
            .filter_map(|action| match action {
                Action::ModelRequest { refused: Some(why), .. } => Some(why.clone()),
                _ => None,
            })
            .collect()
    }
}

/// One with its key in this header.
pub(crate) fn provider(api: Api, url: &str, template: &str) -> Provider {
    Provider {
        api,
        url: url.parse().unwrap(),
        key: KeySource::Header(HeaderCredential::new(template, SecretString::from(KEY)).unwrap()),
        addresses: Vec::new(),
        local: false,
        hosting: None,
    }
}

pub(crate) fn config(anthropic: &str, openai: &str) -> GatewayConfig {
    let route = |model: &str, to: &str| Route {
        model: model.parse().unwrap(),
        to: to.into(),
        rename: None,
        weight: 1,
        fallback: Vec::new(),
    };
    GatewayConfig {
        providers: BTreeMap::from([
            ("anthropic".into(), provider(Api::Anthropic, anthropic, "x-api-key: {secret}")),
            ("openai".into(), provider(Api::OpenAi, openai, "authorization: Bearer {secret}")),
        ]),
        routes: vec![route("claude-*", "anthropic"), route("gpt-*", "openai")],
        ..GatewayConfig::default()
    }
}

pub(crate) fn post(path: &str, body: &str) -> Request<Full<Bytes>> {
    let request = Request::post(path).header("host", "inference.local");
    let request = if path.starts_with("/v1/messages") {
        request.header("anthropic-version", "2023-06-01").header("x-api-key", PLACEHOLDER)
    } else {
        request.header("authorization", format!("Bearer {PLACEHOLDER}"))
    };
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The text of a refusal.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn got(response: Response<Incoming>) -> Got {
    let (head, body) = response.into_parts();
    let body = timeout(LONG, body.collect()).await.unwrap().unwrap().to_bytes();
    Got { status: head.status, headers: head.headers, body }
}
