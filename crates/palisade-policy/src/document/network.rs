//! The section `network`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::HttpRule;
use crate::{
    amount::Size,
    at::{At, Given},
};

/// Where connections may go. Nowhere, unless a rule says so.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// What happens to a connection that no rule names. Default: `deny`.
    pub(crate) unknown: Option<At<Unknown>>,
    /// Fixed addresses of names, before the host's own resolver.
    #[serde(default)]
    #[schemars(extend("examples" = [{"db.internal": ["10.1.2.3"]}]))]
    pub(crate) hosts: Given<BTreeMap<String, At<Vec<At<String>>>>>,
    /// Ports of the sandbox to publish on the host's loopback, for you alone. Default: none.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)), extend("examples" = [[3000]]))]
    pub(crate) expose: Given<Vec<At<u64>>>,
    /// The proxy that connections leave by, where this network has one. Default: none.
    #[schemars(extend("examples" = [{"proxy": "http://proxy.corp:3128"}]))]
    pub(crate) upstream: Option<At<Upstream>>,
    /// What may be connected to. Any one rule suffices.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"hosts": ["api.github.com"]}]]))]
    pub(crate) rules: Given<Vec<At<NetworkRule>>>,
}

/// A proxy of the operator's, and what is dialled without it. Nothing in a sandbox changes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// The proxy: `http://host:port`, or `http://user@host:port` where it asks who it is.
    #[schemars(extend("examples" = ["http://proxy.corp:3128"]))]
    pub(crate) proxy: At<String>,
    /// The credential that opens it (basic): its secret is the password, or `user:password` where `proxy` names
    /// no user.
    #[schemars(extend("examples" = ["proxy"]))]
    pub(crate) credential: Option<At<String>>,
    /// Names, addresses and networks that are dialled without it. This machine and link-local addresses always
    /// are.
    #[serde(default)]
    #[schemars(extend("examples" = [["**.corp", "10.0.0.0/8"]]))]
    pub(crate) except: Given<Vec<At<String>>>,
    /// Who finds the addresses of names. Default: `here`, and each address is judged.
    pub(crate) resolve: Option<At<ResolveWord>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ResolveWord {
    /// Palisade does, and asks the proxy for an address that may be connected to.
    Here,
    /// The proxy does. Which addresses it connects to is its own business: none is judged.
    Proxy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unknown {
    /// It is denied.
    Deny,
    /// It is asked; no answer in time denies it.
    Ask,
}

/// Hosts and ports, and what may be done there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkRule {
    /// A name for the journal and for `commands`. Default: the rule's number.
    #[schemars(extend("examples" = ["github"]))]
    pub(crate) name: Option<At<String>>,
    /// Names: `*.` stands for one label, `**.` for any depth. Without hosts it is a rule for bare
    /// addresses.
    #[serde(default)]
    #[schemars(extend("examples" = [["api.github.com", "*.githubusercontent.com"]]))]
    pub(crate) hosts: Vec<At<String>>,
    /// TCP ports. Default: 443.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)), extend("examples" = [[443]]))]
    pub(crate) ports: Given<Vec<At<u64>>>,
    /// Kinds of DNS records of its hosts that are asked for outside, besides addresses. Only for whole names.
    /// Default: none.
    #[serde(default)]
    #[schemars(extend("examples" = [["SRV", "TXT"]]))]
    pub(crate) records: Given<Vec<At<Record>>>,
    /// Programs that may use it: paths or globs of the real executable inside, which lies where the agent cannot
    /// write, or `sha256:` and a digest. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["/usr/bin/git", "**/bin/node"]]))]
    pub(crate) binaries: Given<Vec<At<String>>>,
    /// Addresses and networks that are not public and may be reached all the same. Link-local and
    /// cloud metadata addresses count only as a whole single address.
    #[serde(default)]
    #[schemars(extend("examples" = [["10.1.2.0/24"]]))]
    pub(crate) addresses: Vec<At<String>>,
    /// Whether TLS is looked into. Default: `inspect` where `http`, `credential` or `client_certificate`
    /// is set.
    pub(crate) tls: Option<At<Tls>>,
    /// HTTP requests. The first that matches wins; none matches: denied. Default: any request.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"allow": {"methods": ["GET"], "paths": ["/repos/**"]}}]]))]
    pub(crate) http: Given<Vec<At<HttpRule>>>,
    /// A credential that is put into its requests outside.
    #[schemars(extend("examples" = ["github"]))]
    pub(crate) credential: Option<At<String>>,
    /// A credential with a certificate, which servers of its requests are shown outside.
    #[schemars(extend("examples" = ["mutual-tls"]))]
    pub(crate) client_certificate: Option<At<String>>,
    /// How much may go to its hosts and ports, by whichever rule.
    pub(crate) limits: Option<At<RuleLimits>>,
    /// A condition in CEL: where it does not hold, the rule permits and refuses nothing.
    #[schemars(extend("examples" = ["now.hour >= 8 && now.hour < 18"]))]
    pub(crate) when: Option<At<String>>,
}

/// A kind of DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Record {
    /// Where a service is.
    Srv,
    /// Where mail goes.
    Mx,
    /// Text.
    Txt,
}

/// The most that may go to a rule's hosts and ports. What is left out has no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleLimits {
    /// HTTP requests in any minute.
    #[schemars(range(min = 1, max = 100_000), extend("examples" = [60]))]
    pub(crate) requests_per_minute: Option<At<u64>>,
    /// Bytes that are sent in a session, on all connections together.
    pub(crate) sent: Option<At<Size>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    /// Decrypt, and look at each request.
    Inspect,
    /// Check the name only.
    Passthrough,
}
