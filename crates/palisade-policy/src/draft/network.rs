use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;
use palisade_core::{HostName, HostPattern};

use super::{Check, shown};
use crate::{
    at::At,
    document::{HttpMatch, HttpRule, Network, NetworkRule, Tls, Unknown},
    policy,
};

type Checked = (BTreeMap<HostName, At<Vec<IpAddr>>>, Vec<At<policy::NetworkRule>>);

const HTTPS: u16 = 443;

pub(super) fn check(check: &mut Check<'_>, section: Option<&Network>) -> Checked {
    let Some(section) = section else { return Checked::default() };
    if let Some(unknown) = section.unknown.as_ref().filter(|word| word.value == Unknown::Ask) {
        check.not_built("network.unknown: ask", unknown.place);
    }
    if let Some(first) = section.expose.first() {
        check.not_built("network.expose", first.place);
    }
    for port in &section.expose {
        number(check, port);
    }
    let hosts = fixed(check, &section.hosts);
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (index, rule) in section.rules.iter().enumerate() {
        if let Some(name) = &rule.value.name {
            if !is_name(&name.value) {
                check.wrong(
                    name.place,
                    format!("`{}` is no name for a rule", shown(&name.value)),
                    "use 1 to 63 letters, digits, `-`, `_` and `.`",
                );
            }
            if !names.insert(name.value.clone()) {
                check.wrong(
                    name.place,
                    format!("two rules are named `{}`", shown(&name.value)),
                    "give each a name of its own",
                );
            }
        }
        if let Some(rule) = one(check, index, rule) {
            rules.push(rule);
        }
    }
    (hosts, rules)
}

fn one(
    check: &mut Check<'_>,
    index: usize,
    rule: &At<NetworkRule>,
) -> Option<At<policy::NetworkRule>> {
    let place = rule.place;
    let rule = &rule.value;
    if rule.hosts.is_empty() && rule.addresses.is_empty() {
        check.wrong(
            place,
            "the rule names no host and no address, so it can never match",
            "add `hosts: [name]`, or `addresses: [10.1.2.3]` for a bare address",
        );
        return None;
    }
    let hosts: Vec<HostPattern> = rule
        .hosts
        .iter()
        .filter_map(|text| match text.value.parse() {
            Ok(host) => Some(host),
            Err(error) => {
                let error: palisade_core::HostNameError = error;
                check.wrong(text.place, error.to_string(), "write a name such as api.example.com");
                None
            }
        })
        .collect();
    let ports: Vec<u16> = rule.ports.iter().filter_map(|port| number(check, port)).collect();
    let addresses = rule.addresses.iter().filter_map(|text| network(check, text)).collect();
    let name = rule.name.as_ref().map_or(index.to_string(), |name| name.value.clone());
    parts_not_built(check, rule);
    http(check, &rule.http);
    let ports = if ports.is_empty() { vec![HTTPS] } else { ports };
    let rule = format!("network.rules[{name}]");
    Some(At { value: policy::NetworkRule { rule, hosts, ports, addresses }, place })
}

fn parts_not_built(check: &mut Check<'_>, rule: &NetworkRule) {
    if let Some(first) = rule.binaries.first() {
        check.not_built("network.rules.binaries", first.place);
    }
    if let Some(tls) = rule.tls.as_ref().filter(|tls| tls.value == Tls::Inspect) {
        check.not_built("network.rules.tls: inspect", tls.place);
    }
    if let Some(first) = rule.http.first() {
        check.not_built("network.rules.http", first.place);
    }
    if let Some(credential) = &rule.credential {
        check.not_built("network.rules.credential", credential.place);
    }
    if let Some(tls) = rule.tls.as_ref().filter(|tls| tls.value == Tls::Passthrough)
        && (!rule.http.is_empty() || rule.credential.is_some())
    {
        check.wrong(
            tls.place,
            "`http` and `credential` need a look into TLS, and the rule says `passthrough`",
            "write `tls: inspect`, or remove `http` and `credential`",
        );
    }
}

/// A rule behind one that takes every request can never match.
fn http(check: &mut Check<'_>, rules: &[At<HttpRule>]) {
    let inner = |rule: &HttpRule| match rule {
        HttpRule::Allow(inner) | HttpRule::Deny(inner) => inner.clone(),
    };
    let mut all: Option<usize> = None;
    for rule in rules {
        let HttpMatch { methods, paths } = inner(&rule.value);
        if let Some(line) = all {
            check.wrong(
                rule.place,
                format!("the rule in line {line} takes every request, so this never matches"),
                "put it before that one",
            );
        }
        for method in &methods {
            let plain = |c: char| c.is_ascii_uppercase() || c == '-';
            if method.value != "*" && (method.value.is_empty() || !method.value.chars().all(plain))
            {
                check.wrong(
                    method.place,
                    format!("`{}` is no HTTP method", shown(&method.value)),
                    "write methods like GET, or `*`",
                );
            }
        }
        for path in &paths {
            if !path.value.starts_with('/') {
                check.wrong(
                    path.place,
                    format!("the HTTP path `{}` does not begin with `/`", shown(&path.value)),
                    "write it from the root, such as `/repos/**`",
                );
            }
        }
        let every = |list: &[At<String>], all: &[&str]| {
            list.is_empty() || list.iter().any(|item| all.contains(&item.value.as_str()))
        };
        if all.is_none() && every(&methods, &["*"]) && every(&paths, &["/**"]) {
            all = Some(rule.place.line);
        }
    }
}

fn fixed(
    check: &mut Check<'_>,
    hosts: &BTreeMap<String, At<Vec<At<String>>>>,
) -> BTreeMap<HostName, At<Vec<IpAddr>>> {
    let mut fixed = BTreeMap::new();
    for (name, addresses) in hosts {
        let name: HostName = match name.parse() {
            Ok(name) => name,
            Err(error) => {
                let error: palisade_core::HostNameError = error;
                check.wrong(addresses.place, error.to_string(), "write a name such as db.internal");
                continue;
            }
        };
        if addresses.value.is_empty() {
            check.wrong(
                addresses.place,
                format!("`{name}` has no address"),
                "name at least one, or remove it",
            );
        }
        let mut parsed = Vec::new();
        for text in &addresses.value {
            match text.value.parse() {
                Ok(address) => parsed.push(address),
                Err(_) => check.wrong(
                    text.place,
                    format!("`{}` is not an IP address", shown(&text.value)),
                    "write one such as 10.1.2.3 or fd00::1",
                ),
            }
        }
        if fixed.contains_key(&name) {
            check.wrong(
                addresses.place,
                format!("`{name}` is named twice"),
                "write its addresses in one list",
            );
        }
        fixed.insert(name, At { value: parsed, place: addresses.place });
    }
    fixed
}

fn number(check: &mut Check<'_>, port: &At<u64>) -> Option<u16> {
    match u16::try_from(port.value) {
        Ok(number) if number > 0 => Some(number),
        _ => {
            check.wrong(
                port.place,
                format!("{} is not a port", port.value),
                "ports are 1 to 65535",
            );
            None
        }
    }
}

fn network(check: &mut Check<'_>, text: &At<String>) -> Option<IpNet> {
    let parsed = text
        .value
        .parse::<IpNet>()
        .ok()
        .or_else(|| text.value.parse::<IpAddr>().ok().map(IpNet::from));
    let Some(network) = parsed else {
        check.wrong(
            text.place,
            format!("`{}` is not an address or network", shown(&text.value)),
            "write one such as 10.1.2.3, 10.1.2.0/24 or fd00::/64",
        );
        return None;
    };
    if network != network.trunc() {
        check.wrong(
            text.place,
            format!("`{network}` has bits behind its prefix"),
            format!("write {}, or the single address {}", network.trunc(), network.addr()),
        );
        return None;
    }
    let single = network.prefix_len() == network.max_prefix_len();
    if !single && is_link_local(&network) {
        check.wrong(
            text.place,
            format!("`{network}` is link-local, where cloud metadata is, and never matches"),
            "name a single address, if that is meant",
        );
        return None;
    }
    Some(network)
}

fn is_link_local(network: &IpNet) -> bool {
    match network.addr() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// A name that stands in brackets behind a section's name.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=63).contains(&text.len()) && text.chars().all(plain)
}
