//! The policy's `inference` section as a gateway that the sandbox reaches as `inference.local`.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use palisade_core::{Authority, BoxFuture, HostName};
use palisade_egress::{Service, Services};
use palisade_inference::{
    Api, Gateway, GatewayConfig, HeaderCredential, KeySource, Price, PriceFor, Provider, Quota,
    Route, Usd,
};
use palisade_policy::{Inference, ModelLimits, Network};
use tokio::net::TcpStream;

use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
    secret::{self, Stderr},
};

/// The gateway's name inside. Nobody can own it: `.local` is no zone of the public DNS.
const NAME: &str = "inference.local";
const PORT: u16 = 80;

/// Where in the state folder counts of limits are, which all sandboxes of the operator share.
const QUOTAS: &str = "quotas";

const POLICY: &str = "correct the policy's `inference` section; `palisade policy check` says where";

struct Door(Gateway);

impl Service for Door {
    fn serve(&self, stream: TcpStream) -> BoxFuture<'_, ()> {
        Box::pin(self.0.serve(stream))
    }
}

/// The model gateway of this policy, if it has any provider.
pub(crate) async fn gateway(
    inference: Option<&Inference>,
    network: &Network,
    operator: &Operator,
    authority: Arc<dyn Authority>,
) -> Result<Option<Gateway>, Refusal> {
    let Some(inference) = inference else { return Ok(None) };
    let configuration = configuration(inference, network, operator).await?;
    Gateway::new(configuration, authority).refuse("the model gateway", POLICY).map(Some)
}

/// What the supervisor serves itself: the gateway, if there is one, besides what is there already.
pub(crate) fn services(gateway: Option<&Gateway>, services: Services) -> Result<Services, Refusal> {
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
    let mut quotas = Vec::new();
    for limits in &inference.limits {
        quotas.push(quota(limits)?);
    }
    let quota_folder = Some(operator.state_dir.join(QUOTAS));
    Ok(GatewayConfig { providers, routes, quotas, quota_folder, ..GatewayConfig::default() })
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
