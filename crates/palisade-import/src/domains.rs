//! Domains of sandbox-runtime and Claude Code as network rules.

use std::net::IpAddr;

use palisade_core::HostPattern;
use serde_json::json;

use crate::{
    note::Place,
    parts::{Entry, Parts, Section},
};

/// What is permitted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Any connection.
    Any,
    /// Requests that only read.
    Fetch,
}

enum Domain {
    Host(String),
    Address(IpAddr),
}

/// There `*.` stands for any depth.
fn domain(text: &str) -> Result<Domain, &'static str> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(Domain::Address(address));
    }
    let (mark, name) = match text.strip_prefix("*.") {
        Some(rest) => ("**.", rest),
        None => ("", text),
    };
    if name.contains('*') {
        return Err("a policy has wildcards only for whole labels at the start of a name");
    }
    let host = format!("{mark}{name}");
    match host.parse::<HostPattern>() {
        Ok(pattern) => Ok(Domain::Host(pattern.to_string())),
        Err(_) => Err("it is no name of a host"),
    }
}

/// Permits a domain.
pub(crate) fn allow(parts: &mut Parts<'_>, text: &str, used: Use, place: &Place, what: &str) {
    let found = match domain(text) {
        Ok(found) => found,
        Err(why) => {
            return parts.lost(place, what, format!("{why}: name the hosts in network.rules"));
        }
    };
    let host = match found {
        Domain::Address(address) if used == Use::Any => {
            parts.stricter(place, what, "network.rules: this address at ports 80 and 443 only");
            let rule = json!({"addresses": [address.to_string()], "ports": [80, 443]});
            return parts.network(rule, Vec::new(), place, what);
        }
        Domain::Address(_) => {
            return parts.lost(place, what, "an address has no rule for requests");
        }
        Domain::Host(host) => host,
    };
    let name = host.trim_start_matches("**.");
    if name == "localhost" || name.ends_with(".localhost") {
        let why = "the host's own services are reached by a rule with their port and `addresses: [127.0.0.1]`";
        return parts.lost(place, what, why);
    }
    if host.starts_with("**.") && !name.contains('.') {
        return parts.lost(
            place,
            what,
            "that is all of a top-level domain: name the hosts in network.rules",
        );
    }
    let rule = json!({"hosts": [host], "ports": [80, 443]});
    match used {
        Use::Any => {
            parts.stricter(
                place,
                what,
                format!(
                    "network.rules: {host} at ports 80 and 443 only, and at no private address"
                ),
            );
            parts.network(rule, Vec::new(), place, what);
        }
        Use::Fetch => {
            parts.carried(
                place,
                what,
                format!("network.rules: GET and HEAD at {host}, for programs too"),
            );
            let read = Entry::new(json!({"allow": {"methods": ["GET", "HEAD"]}}), place, what);
            parts.network(rule, vec![read], place, what);
        }
    }
}

/// Refuses a domain, whatever permits it.
pub(crate) fn deny(parts: &mut Parts<'_>, text: &str, place: &Place, what: &str) {
    match domain(text) {
        Ok(Domain::Host(host)) => {
            parts.carried(
                place,
                what,
                format!("network.rules: nothing at {host}, whatever another rule permits"),
            );
            let refusal = Entry::new(json!({"deny": {}}), place, what);
            parts.network(json!({"hosts": [host], "ports": [80, 443]}), vec![refusal], place, what);
        }
        Ok(Domain::Address(address)) => {
            let named = json!([address.to_string()]);
            let list = parts.lists.entry(Section::Network).or_default();
            list.retain(|entry| entry.value.get("addresses") != Some(&named));
            parts.carried(place, what, "no rule permits this address");
        }
        Err(_) => {
            // What it takes away from the others cannot be said, so that they are not said either.
            let list = parts.lists.entry(Section::Network).or_default();
            list.retain(Entry::refuses);
            let why = "a policy cannot refuse hosts by such a pattern, so none is permitted: name hosts in network.rules";
            parts.stricter(place, what, why);
        }
    }
}
