//! The policy's `inference` section as a gateway that the sandbox reaches as `inference.local`.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use palisade_core::{Authority, BoxFuture, HostName};
use palisade_egress::{OutboundProxy, Service, Services};
use palisade_inference::{
    Api, Gateway, GatewayConfig, HeaderCredential, KeySource, Provider, Route, Tunnel,
};
use palisade_policy::{Inference, Network};
use tokio::net::TcpStream;

use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
    secret::{self, Stderr},
};

/// The gateway's name inside. Nobody can own it: `.local` is no zone of the public DNS.
const NAME: &str = "inference.local";
const PORT: u16 = 80;

/// Where clients that insist on an HTTP proxy find one.
const PROXY: (&str, u16) = ("proxy.palisade.internal", 3128);

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
    inference: Option<&Inference>,
    (network, outbound): (&Network, Option<Arc<OutboundProxy>>),
    operator: &Operator,
    authority: Arc<dyn Authority>,
) -> Result<Option<Gateway>, Refusal> {
    let Some(inference) = inference else { return Ok(None) };
    let mut configuration = configuration(inference, network, operator).await?;
    configuration.tunnel = outbound.map(|outbound| Arc::new(Through(outbound)) as _);
    Gateway::new(configuration, authority).refuse("the model gateway", POLICY).map(Some)
}

/// What the supervisor serves itself: the gateway, if there is one.
pub(crate) fn services(gateway: Option<&Gateway>) -> Result<Services, Refusal> {
    let proxy: HostName = PROXY.0.parse().refuse("the proxy's name", "report this")?;
    let services = Services::new().with_proxy(proxy, PROXY.1);
    let Some(gateway) = gateway else { return Ok(services) };
    let name: HostName = NAME.parse().refuse("the model gateway's name", POLICY)?;
    Ok(services.with(name, PORT, Arc::new(Door(gateway.clone()))))
}

pub(crate) async fn configuration(
    inference: &Inference,
    network: &Network,
    operator: &Operator,
) -> Result<GatewayConfig, Refusal> {
    let mut providers = BTreeMap::new();
    for (name, provider) in &inference.providers {
        let url: palisade_inference::UpstreamUrl =
            provider.url.parse().refuse(format!("the URL of the provider `{name}`"), POLICY)?;
        let addresses = fixed_addresses(&url, network);
        providers.insert(
            name.clone(),
            Provider {
                api: match provider.api {
                    palisade_policy::Api::Anthropic => Api::Anthropic,
                    palisade_policy::Api::OpenAi => Api::OpenAi,
                },
                key: key(provider.credential.as_ref(), operator).await,
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
        });
    }
    Ok(GatewayConfig { providers, routes, ..GatewayConfig::default() })
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
) -> KeySource {
    let Some(credential) = credential else { return KeySource::None };
    let secret =
        match secret::read(&credential.name, &credential.from, operator, Stderr::Operator).await {
            Ok(secret) => secret,
            Err(why) => return KeySource::Missing { why },
        };
    match HeaderCredential::new(&credential.header, secret) {
        Ok(header) => KeySource::Header(header),
        Err(error) => KeySource::Missing {
            why: format!("the credential `{}` cannot be used: {error}", credential.name),
        },
    }
}
