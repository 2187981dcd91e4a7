//! What the endpoints of one host and port are to each other: by `path`, the most literal decides, and no other; and what
//! contradicts is refused there as a whole.

use std::{collections::BTreeSet, net::IpAddr};

use palisade_core::HostPattern;

use super::{endpoint, overlap};
use crate::{
    error::ImportError,
    tree::{Document, Node},
};

/// Which requests an endpoint decides, and how.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    host: Where,
    ports: Vec<u64>,
    path: String,
    /// The protocol of requests; `None` where they are not looked into.
    looks: Option<String>,
    addresses: BTreeSet<String>,
}

#[derive(Debug, Clone)]
enum Where {
    Names(HostPattern),
    Address(IpAddr),
    Any,
}

impl Where {
    fn of(host: &str) -> Self {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Self::Address(address);
        }
        if let Ok(names) = host.parse() {
            return Self::Names(names);
        }
        // Of a name with stars in other places only what follows the last is known.
        let end = host.rsplit_once('*').and_then(|(_, rest)| rest.split_once('.'));
        match end.and_then(|(_, name)| name.parse().ok()) {
            Some(name) => Self::Names(HostPattern::AnyDepth(name)),
            None => Self::Any,
        }
    }

    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Names(one), Self::Names(other)) => overlap(one, other),
            (Self::Address(one), Self::Address(other)) => one == other,
            (Self::Names(_), Self::Address(_)) | (Self::Address(_), Self::Names(_)) => false,
            (Self::Any, _) | (_, Self::Any) => true,
        }
    }
}

/// Those of all endpoints.
pub(super) fn all(docs: &[Document]) -> Result<Vec<Selector>, ImportError> {
    let mut all = Vec::new();
    for doc in docs {
        let Some(policies) = doc.table(&doc.root, "network_policies")? else { continue };
        for policy in policies.keys() {
            for node in doc.list(&policy.node, "endpoints")? {
                all.push(Selector::of(doc, node)?);
            }
        }
    }
    Ok(all)
}

/// How narrow a path is: as released versions count, and as others did.
fn literal(path: &str) -> [usize; 2] {
    ["*", "*?[]{}"].map(|wild| path.chars().filter(|c| !wild.contains(*c)).count())
}

impl Selector {
    pub(super) fn of(doc: &Document, node: &Node) -> Result<Self, ImportError> {
        let text = |key| Ok(doc.one_text(node, key)?.map(|(text, _)| text).unwrap_or_default());
        let addresses = doc.texts(node, "allowed_ips")?;
        let path = text("path")?;
        let kind = endpoint::kind(doc, node)?;
        Ok(Self {
            host: Where::of(text("host")?),
            ports: endpoint::ports(doc, node)?,
            path: if path.is_empty() { "**" } else { path }.to_owned(),
            looks: endpoint::looks(&kind).then_some(kind),
            addresses: addresses.iter().map(|(text, _)| text.trim().to_ascii_lowercase()).collect(),
        })
    }

    /// Whether some host and port is meant by both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.host.meets(&other.host) && self.ports.iter().any(|port| other.ports.contains(port))
    }

    /// Why nothing is permitted by an endpoint that this one meets.
    pub(super) fn against(&self, of: &Self) -> Option<&'static str> {
        if !self.meets(of) {
            return None;
        }
        match (&self.looks, &of.looks) {
            (Some(_), None) => {
                return Some(
                    "another endpoint of this host looks into requests, and decides them there: give this one a protocol and rules too",
                );
            }
            (Some(one), Some(other)) if one != other && self.path == of.path => {
                return Some(
                    "another endpoint of this host and path has another protocol, which is refused there",
                );
            }
            _ => {}
        }
        (self.addresses != of.addresses).then_some(
            "another endpoint of this host has other `allowed_ips`, which is refused there",
        )
    }

    /// Whether it decides some of the requests that another endpoint permits at these paths.
    pub(super) fn takes(&self, of: &Self, permitted: &[String]) -> bool {
        let ([own, own_old], [other, other_old]) = (literal(&self.path), literal(&of.path));
        self.path != of.path
            && (own >= other || own_old >= other_old)
            && self.looks.is_some()
            && self.meets(of)
            && (permitted.is_empty() || permitted.iter().any(|path| may_meet(path, &self.path)))
    }
}

/// Whether some path may be like both globs: said too often rather than too seldom.
fn may_meet(one: &str, other: &str) -> bool {
    let wild = |name: &str| name.contains(['*', '?', '[', '{']);
    let (mut one, mut other) = (one.split('/').skip(1), other.split('/').skip(1));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(name), _) | (_, Some(name)) if name.contains("**") => return true,
            (None, Some(name)) | (Some(name), None) => return name.is_empty() || wild(name),
            (Some(one), Some(other)) => {
                // There a star of a selector takes slashes too.
                if wild(other) || wild(one) && one.contains('/') {
                    return true;
                }
                if !wild(one) && !one.eq_ignore_ascii_case(other) {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Where, may_meet};

    #[test]
    fn hosts_that_may_be_one() {
        for (one, other, expected) in [
            ("a-1.b.test", "a-*.b.test", true),
            ("x.test", "a-*.b.test", false),
            ("x.s3.eu.amazonaws.com", "*.s3.*.amazonaws.com", true),
            ("x.test", "*", true),
            ("x.test", "", true),
            ("10.0.0.1", "", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "x.test", false),
        ] {
            assert_eq!(Where::of(one).meets(&Where::of(other)), expected, "{one} {other}");
            assert_eq!(Where::of(other).meets(&Where::of(one)), expected, "{other} {one}");
        }
    }

    #[test]
    fn globs_that_may_meet() {
        for (one, other, expected) in [
            ("/**", "/graphql", true),
            ("/a/*", "/a/b", true),
            ("/a/*", "/b/c", false),
            ("/a", "/a/b", false),
            ("/a", "/a/**", true),
            ("/a/b", "/*", true),
            ("/*/**", "/graphql", true),
            ("/a/*/**", "/b", false),
            ("/Graphql", "/graphql", true),
        ] {
            assert_eq!(may_meet(one, other), expected, "{one} {other}");
        }
    }
}
