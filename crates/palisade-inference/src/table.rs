use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    Api, ConfigError, Fallback, GatewayConfig, Guard, Hosting, KeySource, ModelPattern, Provider,
    Quota, ServerTool, Tunnel, UpstreamUrl, connector::Connector, endpoint::Wire,
    model_pattern::LONGEST_MODEL, private::Private, refusal::Refusal, tls::Tls,
    translate::Translation,
};

/// A provider that is ready to be called.
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) api: Api,
    pub(crate) url: UpstreamUrl,
    pub(crate) key: KeySource,
    pub(crate) local: bool,
    pub(crate) hosting: Option<Hosting>,
    pub(crate) client: Client<Connector, Full<Bytes>>,
}

struct Entry {
    model: ModelPattern,
    /// Never empty. The second is the weight.
    targets: Vec<(Target, u32)>,
}

/// The routes, each with its provider.
pub(crate) struct Table {
    routes: Vec<Entry>,
    providers: Vec<Arc<Upstream>>,
    pub(crate) server_tools: Arc<BTreeSet<ServerTool>>,
    pub(crate) deny_unknown_results: bool,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) guard: Option<Guard>,
    pub(crate) private: Option<Arc<Private>>,
    pub(crate) restore: bool,
}

/// Where a model goes, and under what name.
#[derive(Clone)]
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
            let first = Fallback { to: route.to, rename: route.rename, weight: route.weight };
            let mut targets = Vec::new();
            for Fallback { to, rename, weight } in std::iter::once(first).chain(route.fallback) {
                let Some(upstream) = providers.get(&to).map(Arc::clone) else {
                    return Err(ConfigError::UnknownProvider {
                        model: route.model.to_string(),
                        to,
                    });
                };
                if let Some(name) = &rename {
                    let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
                    if name.is_empty() || name.len() > LONGEST_MODEL || !plain {
                        return Err(ConfigError::Rename(name.escape_debug().to_string()));
                    }
                }
                targets.push((Target { upstream, rename }, weight));
            }
            routes.push(Entry { model: route.model, targets });
        }
        let providers = providers.into_values().collect();
        let private = config.local_only.filter(|of| !of.is_empty());
        let private = private.map(|of| Private::new(&of)).transpose()?.map(Arc::new);
        Ok(Self {
            routes,
            providers,
            server_tools: Arc::new(config.server_tools),
            deny_unknown_results: config.deny_unknown_results,
            quotas: config.quotas,
            guard: config.guard,
            private,
            restore: config.restore,
        })
    }

    /// The first route that takes the model decides, even if a later one would fit the format
    /// better: what the policy sends to one provider never goes to another.
    /// Those to ask, in this order. There is at least one.
    pub(crate) fn of_model(
        &self,
        model: &str,
        asked: Api,
        wire: Wire,
    ) -> Result<Vec<Target>, Refusal> {
        let entry = self
            .routes
            .iter()
            .find(|entry| entry.model.matches(model))
            .ok_or_else(|| Refusal::NoRoute(model.into()))?;
        let mut targets = ordered(&entry.targets, draw());
        let speaks = |target: &Target| {
            target.upstream.api == asked
                || Translation::between(wire, target.upstream.api).is_some()
        };
        if let Some(first) = targets.first().filter(|first| !speaks(first)) {
            return Err(Refusal::Translation {
                model: model.into(),
                to: first.upstream.name.clone(),
                speaks: first.upstream.api,
                asked,
            });
        }
        targets.retain(speaks);
        Ok(targets)
    }

    /// Those of the targets that are local, of the first route that has any for this model.
    pub(crate) fn local_of_model(&self, model: &str, asked: Api, wire: Wire) -> Vec<Target> {
        let speaks = |target: &Target| {
            target.upstream.api == asked
                || Translation::between(wire, target.upstream.api).is_some()
        };
        let routes = self.routes.iter().filter(|entry| entry.model.matches(model));
        let local = routes.map(|entry| {
            let mut targets = ordered(&entry.targets, draw());
            targets.retain(|target| target.upstream.local && speaks(target));
            targets
        });
        local.into_iter().find(|targets| !targets.is_empty()).unwrap_or_default()
    }

    /// Who answers a request that names no model: the provider of the first route that speaks
    /// the format.
    pub(crate) fn of_api(&self, asked: Api) -> Result<Target, Refusal> {
        let upstream = self
            .routes
            .iter()
            .flat_map(|entry| &entry.targets)
            .map(|(target, _)| &target.upstream)
            .find(|upstream| upstream.api == asked)
            .ok_or(Refusal::NoProvider(asked))?;
        Ok(Target { upstream: Arc::clone(upstream), rename: None })
    }

    pub(crate) fn providers(&self) -> impl Iterator<Item = &Upstream> {
        self.providers.iter().map(|upstream| &**upstream)
    }

    /// The format to assume of a client that does not tell: the only one there is, if so.
    pub(crate) fn only_api(&self) -> Api {
        let mut apis = self.providers.iter().map(|upstream| upstream.api);
        match apis.next() {
            Some(first) if apis.all(|api| api == first) => first,
            _ => Api::OpenAi,
        }
    }
}

/// A number that nobody can foretell.
fn draw() -> u64 {
    RandomState::new().hash_one(0)
}

/// The first is drawn by weight, the others follow in the order of the policy.
fn ordered(targets: &[(Target, u32)], drawn: u64) -> Vec<Target> {
    let total: u64 = targets.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut left = drawn.checked_rem(total).unwrap_or(0);
    let first = targets.iter().position(|(_, weight)| match left.checked_sub(u64::from(*weight)) {
        Some(less) => {
            left = less;
            false
        }
        None => true,
    });
    let first = first.unwrap_or(0);
    let rest = targets.iter().enumerate().filter(|(at, _)| *at != first).map(|(_, target)| target);
    targets.get(first).into_iter().chain(rest).map(|(target, _)| target.clone()).collect()
}

fn ready(
    name: String,
    provider: Provider,
    (tls, tunnel): (&Arc<Tls>, &Option<Arc<dyn Tunnel>>),
    within: Duration,
) -> Upstream {
    let Provider { api, url, key, addresses, local, hosting } = provider;
    let connector =
        Connector::new(url.clone(), addresses, (Arc::clone(tls), tunnel.clone()), within);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(32)
        .set_host(false)
        .build(connector);
    Upstream { name, api, url, key, local, hosting, client }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_drawn_by_weight_and_the_others_follow() {
        let tls = Arc::new(Tls::new(Vec::new()));
        let of = |name: &str, weight| {
            let provider = Provider {
                api: Api::OpenAi,
                url: "http://a.example".parse().unwrap(),
                key: KeySource::None,
                addresses: Vec::new(),
                local: false,
                hosting: None,
            };
            let upstream =
                Arc::new(ready(name.into(), provider, (&tls, &None), Duration::from_secs(1)));
            (Target { upstream, rename: None }, weight)
        };
        let names = |targets: &[(Target, u32)], drawn| {
            let all = ordered(targets, drawn);
            all.iter().map(|target| target.upstream.name.clone()).collect::<String>()
        };
        let targets = [of("a", 2), of("b", 0), of("c", 1)];
        let all: Vec<String> = (0..6).map(|drawn| names(&targets, drawn)).collect();
        assert_eq!(all, ["abc", "abc", "cab", "abc", "abc", "cab"]);
        assert_eq!(names(&[of("a", 0), of("b", 0)], 7), "ab");
        assert_eq!(names(&[of("a", 1)], 7), "a");
    }
}
