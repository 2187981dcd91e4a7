//! Where connections may go, and by which way.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;
use palisade_core::{HostName, HostPattern, ProgramPattern, RecordKind};
use serde::Serialize;

use super::credentials::{Credential, SshKeys};
use crate::http::{HttpRule, Tls};

/// The `network` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Network {
    /// Fixed answers.
    pub hosts: BTreeMap<HostName, Vec<IpAddr>>,
    /// The rules, in the order of the document.
    pub rules: Vec<NetworkRule>,
    /// Whether the operator is asked for a destination that no rule names. Else it is denied.
    pub ask: bool,
    /// Ports of the sandbox that are published on the host's loopback.
    pub expose: BTreeSet<u16>,
    /// The credentials that rules name, by name.
    pub credentials: BTreeMap<String, Credential>,
    /// The keys that sign outside, by the credential's name.
    pub ssh: BTreeMap<String, SshKeys>,
    /// The proxy that connections leave by.
    pub upstream: Option<Upstream>,
}

/// A proxy of the operator's, and what is dialled without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upstream {
    /// Where it is.
    pub host: UpstreamHost,
    /// Its port.
    pub port: u16,
    /// The user's name. Without one the secret is `user:password`.
    pub user: Option<String>,
    /// What opens it.
    pub credential: Option<Credential>,
    /// Names that are dialled without it.
    pub except_hosts: Vec<HostPattern>,
    /// Addresses that are dialled without it.
    pub except_networks: Vec<IpNet>,
    /// Whether the proxy finds the addresses of names. None is judged then.
    pub resolves: bool,
}

/// Where a proxy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum UpstreamHost {
    /// By its name.
    Name(HostName),
    /// At this address.
    Address(IpAddr),
}

impl Network {
    /// Whether some rule is for certain programs, so that it must be watched who connects.
    pub fn names_programs(&self) -> bool {
        self.rules.iter().any(|rule| !rule.binaries.is_empty())
    }

    /// Whether it is to be watched who connects: a rule is for certain programs, or the operator is shown who
    /// asks.
    pub fn watches_programs(&self) -> bool {
        self.ask || self.names_programs()
    }
}

/// A network rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkRule {
    /// How it is printed: `network.rules[github]`, or with its number if it has no name.
    pub rule: String,
    /// The names it permits; without any it is for bare addresses.
    pub hosts: Vec<HostPattern>,
    /// The ports it permits, never empty.
    pub ports: Vec<u16>,
    /// The programs that it is for; none is any.
    pub binaries: Vec<ProgramPattern>,
    /// Kinds of records of its names that are asked for outside.
    pub records: BTreeSet<RecordKind>,
    /// The addresses it permits that are not public.
    pub addresses: Vec<IpNet>,
    /// Whether connections by it are looked into.
    pub tls: Tls,
    /// Which requests it permits; `None` is any.
    pub http: Option<Vec<HttpRule>>,
    /// How much may go to its hosts and ports, by whichever rule.
    pub limits: RuleLimits,
    /// Whether only what it refuses counts: it permits neither a connection nor a request. So it is with
    /// a project's rule while the project is not trusted.
    pub only_denies: bool,
    /// The credential that its requests carry, by its name in [`Network::credentials`].
    pub credential: Option<String>,
    /// The credential whose certificate servers of its requests are shown, by its name in
    /// [`Network::credentials`].
    pub client_certificate: Option<String>,
    /// Where it does not hold, the rule permits and refuses nothing. It has been read once, and is a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// The most that may go to a rule's hosts and ports; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleLimits {
    /// HTTP requests in any minute.
    pub requests_per_minute: Option<u32>,
    /// Bytes that are sent in a session.
    pub sent: Option<u64>,
}

impl RuleLimits {
    /// Whether there is any.
    pub fn is_some(&self) -> bool {
        *self != Self::default()
    }
}
