use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    Api, ConfigError, GatewayConfig, KeySource, ModelPattern, Provider, Tunnel, UpstreamUrl,
    connector::Connector, model_pattern::LONGEST_MODEL, refusal::Refusal, tls::Tls,
};

/// A provider that is ready to be called.
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) api: Api,
    pub(crate) url: UpstreamUrl,
    pub(crate) key: KeySource,
    pub(crate) client: Client<Connector, Full<Bytes>>,
}

struct Entry {
    model: ModelPattern,
    to: Arc<Upstream>,
    rename: Option<String>,
}

/// The routes, each with its provider.
pub(crate) struct Table {
    routes: Vec<Entry>,
    providers: Vec<Arc<Upstream>>,
}

/// Where a model goes, and under what name.
pub(crate) struct Target {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) rename: Option<String>,
}

impl Table {
    pub(crate) fn new(config: GatewayConfig, tls: &Arc<Tls>) -> Result<Self, ConfigError> {
        let within = config.limits.connect;
        let tunnel = config.tunnel;
        let providers: BTreeMap<String, Arc<Upstream>> = config
            .providers
            .into_iter()
            .map(|(name, provider)| {
                (name.clone(), Arc::new(ready(name, provider, (tls, &tunnel), within)))
            })
            .collect();
        let mut routes = Vec::with_capacity(config.routes.len());
        for route in config.routes {
            let Some(to) = providers.get(&route.to).map(Arc::clone) else {
                return Err(ConfigError::UnknownProvider {
                    model: route.model.to_string(),
                    to: route.to,
                });
            };
            if let Some(name) = &route.rename {
                let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
                if name.is_empty() || name.len() > LONGEST_MODEL || !plain {
                    return Err(ConfigError::Rename(name.escape_debug().to_string()));
                }
            }
            routes.push(Entry { model: route.model, to, rename: route.rename });
        }
        Ok(Self { routes, providers: providers.into_values().collect() })
    }

    /// The first route that takes the model decides, even if a later one would fit the format
    /// better: what the policy sends to one provider never goes to another.
    pub(crate) fn of_model(&self, model: &str, asked: Api) -> Result<Target, Refusal> {
        let entry = self
            .routes
            .iter()
            .find(|entry| entry.model.matches(model))
            .ok_or_else(|| Refusal::NoRoute(model.into()))?;
        if entry.to.api != asked {
            return Err(Refusal::Translation {
                model: model.into(),
                to: entry.to.name.clone(),
                speaks: entry.to.api,
                asked,
            });
        }
        Ok(Target { upstream: Arc::clone(&entry.to), rename: entry.rename.clone() })
    }

    /// Who answers a request that names no model: the provider of the first route that speaks
    /// the format.
    pub(crate) fn of_api(&self, asked: Api) -> Result<Target, Refusal> {
        let upstream = self
            .routes
            .iter()
            .map(|entry| &entry.to)
            .find(|upstream| upstream.api == asked)
            .ok_or(Refusal::NoProvider(asked))?;
        Ok(Target { upstream: Arc::clone(upstream), rename: None })
    }

    /// The format to assume of a client that does not tell: the only one there is, if so.
    pub(crate) fn only_api(&self) -> Api {
        let anthropic = !self.providers.is_empty()
            && self.providers.iter().all(|upstream| upstream.api == Api::Anthropic);
        if anthropic { Api::Anthropic } else { Api::OpenAi }
    }
}

fn ready(
    name: String,
    provider: Provider,
    (tls, tunnel): (&Arc<Tls>, &Option<Arc<dyn Tunnel>>),
    within: Duration,
) -> Upstream {
    let Provider { api, url, key, addresses } = provider;
    let connector =
        Connector::new(url.clone(), addresses, (Arc::clone(tls), tunnel.clone()), within);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(32)
        .set_host(false)
        .build(connector);
    Upstream { name, api, url, key, client }
}
