//! The policy's `inference` section as a gateway that the sandbox reaches as `inference.local`.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use palisade_core::{Authority, BoxFuture, Event, HostName, Layer, Untrusted};
use palisade_egress::{OutboundProxy, SandboxCa, Service, Services, TlsEnd};
use palisade_inference::{
    Api, AwsKeys, Fallback, Gateway, GatewayConfig, Guard, HeaderCredential, Hosting, KeySource,
    KnownSecret, LocalOnly, Price, PriceFor, Provider, Quota, Redactor, Route, ServerTool, Tunnel,
    Usd,
};
use palisade_policy::{AwsKey, Inference, ModelLimits, Network, Policy, SecretSource};
use tokio::net::TcpStream;

use crate::{
    model_keys::Fed,
    order::Operator,
    refusal::{Refusal, Refuse},
    secret::{self, Stderr},
    unwritten::Unwritten,
};

/// The gateway's name inside. Nobody can own it: `.local` is no zone of the public DNS.
const NAME: &str = "inference.local";
const PORT: u16 = 80;

/// Where clients that insist on an HTTP proxy find one.
const PROXY: (&str, u16) = ("proxy.palisade.internal", 3128);
/// How long a client may take for its TLS to a provider.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where in the state folder counts of limits are, which all sandboxes of the operator share.
const QUOTAS: &str = "quotas";

const POLICY: &str = "correct the policy's `inference` section; `palisade policy check` says where";

struct Door(Gateway);

impl Service for Door {
    fn serve(&self, stream: TcpStream) -> BoxFuture<'_, ()> {
        Box::pin(self.0.serve(stream))
    }
}

/// Calls leave by the operator's proxy, as connections do.
struct Through(Arc<OutboundProxy>);

impl Tunnel for Through {
    fn open<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, std::io::Result<TcpStream>> {
        Box::pin(self.0.open(host, port))
    }
}

/// The model gateway of this policy, if it has any provider.
pub(crate) async fn gateway(
    policy: &Policy,
    outbound: Option<Arc<OutboundProxy>>,
    operator: &Operator,
    (authority, unwritten): (Arc<dyn Authority>, &Unwritten),
) -> Result<Option<Gateway>, Refusal> {
    let Some(inference) = &policy.inference else { return Ok(None) };
    let mut configuration = configuration(inference, policy, operator, unwritten).await?;
    configuration.tunnel = outbound.map(|outbound| Arc::new(Through(outbound)) as _);
    Gateway::new(configuration, authority).refuse("the model gateway", POLICY).map(Some)
}

/// A gateway for the operator's own questions, and what takes out of them what it knows to be secret.
pub(crate) async fn alone(
    inference: &Inference,
    policy: &Policy,
    outbound: Option<Arc<OutboundProxy>>,
    operator: &Operator,
    authority: Arc<dyn Authority>,
) -> Result<(Gateway, Redactor), Refusal> {
    let mut configuration =
        configuration(inference, policy, operator, &Unwritten::default()).await?;
    configuration.tunnel = outbound.map(|outbound| Arc::new(Through(outbound)) as _);
    let redactor = Redactor::new(&configuration.private);
    let gateway = Gateway::new(configuration, authority).refuse("the model gateway", POLICY)?;
    Ok((gateway, redactor))
}

/// The gateway under the name of a provider, for clients that know of no gateway.
struct ProvidersDoor {
    gateway: Gateway,
    door: palisade_inference::Door,
    name: HostName,
    tls: Option<TlsEnd>,
    authority: Arc<dyn Authority>,
}

impl Service for ProvidersDoor {
    fn serve(&self, stream: TcpStream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(tls) = &self.tls else {
                return self.gateway.serve_at(&self.door, stream).await;
            };
            match tls.accept(stream, &self.name, PATIENCE).await {
                Ok(stream) => self.gateway.serve_at(&self.door, stream).await,
                Err(error) => {
                    let subject = format!("{}:{}", self.name, self.door.port);
                    let mut event = Event::observed("connect", Layer::Inference, subject);
                    event.reason = format!(
                        "the client's TLS to a model provider cannot be served: {error}; a client \
                         that has its own list of authorities has to be told to use the file in \
                         SSL_CERT_FILE"
                    );
                    self.authority.record(event).await;
                }
            }
        })
    }
}

/// Whether any provider is where clients inside would look for it over TLS.
pub(crate) fn has_secure_door(inference: Option<&Inference>) -> bool {
    let providers = inference.iter().flat_map(|inference| inference.providers.values());
    providers
        .filter_map(|provider| provider.url.parse::<palisade_inference::UpstreamUrl>().ok())
        .any(|url| url.is_https() && name_of(url.host()).is_some())
}

/// A name that only the resolver gives a meaning. An address is none, and `localhost` is the sandbox's own.
fn name_of(host: &str) -> Option<HostName> {
    let name: HostName = host.parse().ok()?;
    let is_own = name.labels().next_back() == Some("localhost");
    (!is_own).then_some(name)
}

/// What the supervisor serves itself: the gateway, if there is one, by its own name and by those of the
/// providers that it has now, besides what is there already.
pub(crate) fn services(
    gateway: Option<&Gateway>,
    certificates: Option<&Arc<SandboxCa>>,
    authority: &Arc<dyn Authority>,
    services: Services,
) -> Result<Services, Refusal> {
    let proxy: HostName = PROXY.0.parse().refuse("the proxy's name", "report this")?;
    let services = services.with_proxy(proxy, PROXY.1);
    let Some(gateway) = gateway else { return Ok(services) };
    let name: HostName = NAME.parse().refuse("the model gateway's name", POLICY)?;
    let mut services = services.with(name, PORT, Arc::new(Door(gateway.clone())));
    let tls = certificates.map(|ca| TlsEnd::new(Arc::clone(ca))).transpose();
    let tls = tls.refuse("TLS for model providers", "report this")?;
    for door in gateway.doors() {
        let Some(name) = name_of(&door.host) else { continue };
        let tls = if door.secure { tls.clone() } else { None };
        if door.secure && tls.is_none() {
            continue;
        }
        let port = door.port;
        let (gateway, authority) = (gateway.clone(), Arc::clone(authority));
        let served = ProvidersDoor { gateway, door, name: name.clone(), tls, authority };
        services = services.with(name, port, Arc::new(served));
    }
    Ok(services)
}

pub(crate) async fn configuration(
    inference: &Inference,
    policy: &Policy,
    operator: &Operator,
    unwritten: &Unwritten,
) -> Result<GatewayConfig, Refusal> {
    let mut providers = BTreeMap::new();
    let mut secrets = Vec::new();
    for (name, provider) in &inference.providers {
        let url: palisade_inference::UpstreamUrl =
            provider.url.parse().refuse(format!("the URL of the provider `{name}`"), POLICY)?;
        let addresses = fixed_addresses(&url, &policy.network);
        providers.insert(
            name.clone(),
            Provider {
                api: match provider.api {
                    palisade_policy::Api::Anthropic => Api::Anthropic,
                    palisade_policy::Api::OpenAi => Api::OpenAi,
                    palisade_policy::Api::Gemini => Api::Gemini,
                },
                local: provider.local
                    || url.is_local()
                    || (!addresses.is_empty()
                        && addresses.iter().all(|one| palisade_inference::is_local(one.ip()))),
                key: key(provider.credential.as_ref(), operator, &mut secrets).await,
                hosting: provider.hosting.as_ref().map(hosting),
                url,
                addresses,
            },
        );
    }
    let mut routes = Vec::new();
    for route in &inference.routes {
        routes.push(Route {
            model: route
                .model
                .parse()
                .refuse(format!("the route for `{}`", route.model), POLICY)?,
            to: route.to.clone(),
            rename: route.rename.clone(),
            weight: route.weight,
            fallback: route.fallback.iter().map(fallback).collect(),
        });
    }
    let mut quotas = Vec::new();
    for limits in &inference.limits {
        quotas.push(quota(limits)?);
    }
    let quota_folder = Some(operator.state_dir.join(QUOTAS));
    let guard = inference.guard.map(|guard| match guard {
        palisade_policy::Guard::Observe => Guard::Observe,
        palisade_policy::Guard::Annotate => Guard::Annotate,
        palisade_policy::Guard::Block => Guard::Block,
    });
    unwritten.learn(&secrets);
    // What is to be remembered has to be looked for.
    let looks = policy.taint.as_ref().is_some_and(|taint| taint.by.contains(&Untrusted::Injection));
    let guard = guard.or(looks.then_some(Guard::Observe));
    let local_only = inference.local_only.as_ref().map(|of| LocalOnly {
        secrets: of.secrets,
        cards: of.cards,
        texts: of.texts.clone(),
        patterns: of.patterns.clone(),
    });
    let private = secrets.clone();
    let redact = inference.redact.then_some(secrets);
    Ok(GatewayConfig {
        providers,
        routes,
        quotas,
        quota_folder,
        redact,
        restore: inference.restore,
        guard,
        local_only,
        private,
        server_tools: inference.server_tools.iter().copied().map(server_tool).collect(),
        deny_unknown_results: inference.block_results,
        ..GatewayConfig::default()
    })
}

fn hosting(of: &palisade_policy::Hosting) -> Hosting {
    match of.clone() {
        palisade_policy::Hosting::Bedrock { region } => Hosting::Bedrock { region },
        palisade_policy::Hosting::Vertex { project, location } => {
            Hosting::Vertex { project, location }
        }
    }
}

fn fallback(other: &palisade_policy::Fallback) -> Fallback {
    Fallback { to: other.to.clone(), rename: other.rename.clone(), weight: other.weight }
}

fn server_tool(tool: palisade_policy::ServerTool) -> ServerTool {
    match tool {
        palisade_policy::ServerTool::WebSearch => ServerTool::WebSearch,
        palisade_policy::ServerTool::WebFetch => ServerTool::WebFetch,
        palisade_policy::ServerTool::CodeExecution => ServerTool::CodeExecution,
        palisade_policy::ServerTool::FileSearch => ServerTool::FileSearch,
        palisade_policy::ServerTool::ImageGeneration => ServerTool::ImageGeneration,
        palisade_policy::ServerTool::Mcp => ServerTool::Mcp,
        palisade_policy::ServerTool::ToolSearch => ServerTool::ToolSearch,
    }
}

/// The limits of one document.
fn quota(limits: &ModelLimits) -> Result<Quota, Refusal> {
    let mut prices = Vec::new();
    for entry in &limits.prices {
        let model =
            entry.model.parse().refuse(format!("the price of `{}`", entry.model), POLICY)?;
        let price = Price {
            input: entry.input,
            output: entry.output,
            cache_read: entry.cache_read,
            cache_write: entry.cache_write,
        };
        prices.push(PriceFor { model, price });
    }
    Ok(Quota {
        scope: limits.scope.clone(),
        requests_per_minute: limits.requests_per_minute,
        tokens_per_minute: limits.tokens_per_minute,
        tokens_per_day: limits.tokens_per_day,
        tokens_per_session: limits.tokens_per_session,
        usd_per_day: limits.usd_per_day.map(Usd),
        usd_per_session: limits.usd_per_session.map(Usd),
        concurrent: limits.concurrent,
        max_tokens: limits.max_tokens,
        tools: limits.tools.clone(),
        betas: limits.betas.clone(),
        prices,
    })
}

/// `network.hosts` counts for providers too.
fn fixed_addresses(url: &palisade_inference::UpstreamUrl, network: &Network) -> Vec<SocketAddr> {
    let fixed = url.host().parse().ok().and_then(|host: HostName| network.hosts.get(&host));
    fixed.into_iter().flatten().map(|address| SocketAddr::new(*address, url.port())).collect()
}

/// A key that is not there does not stop the launch: the agent may never call that provider. A
/// call is answered with what to do.
async fn key(
    credential: Option<&palisade_policy::HeaderCredential>,
    operator: &Operator,
    secrets: &mut Vec<KnownSecret>,
) -> KeySource {
    let Some(credential) = credential else { return KeySource::None };
    if credential.aws == Some(AwsKey::Printed) {
        let fed = Fed::begin(credential, operator).await;
        secrets.extend(fed.known().await);
        return KeySource::AwsFed(Arc::new(fed));
    }
    let ends = matches!(credential.from, SecretSource::OAuth2(_)) || credential.refresh.is_some();
    if ends && credential.aws.is_none() {
        let fed = Fed::begin(credential, operator).await;
        secrets.extend(fed.known().await);
        return KeySource::Fed(Arc::new(fed));
    }
    let secret =
        match secret::read(&credential.name, &credential.from, operator, Stderr::Operator).await {
            Ok(secret) => secret,
            Err(why) => return KeySource::Missing { why },
        };
    secrets.push(KnownSecret::credential(&secret));
    if let Some(AwsKey::Named(access_key)) = &credential.aws {
        let access_key = access_key.clone();
        return KeySource::Aws(AwsKeys { access_key, secret, session_token: None });
    }
    match HeaderCredential::new(&credential.header, secret) {
        Ok(header) => KeySource::Header(header),
        Err(error) => KeySource::Missing {
            why: format!("the credential `{}` cannot be used: {error}", credential.name),
        },
    }
}
