use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;
use palisade_condition::{Condition, Stage};
use palisade_core::{
    HostName, HostNameError, HostPattern, ProgramPattern, ProgramPatternError, RecordKind,
};

use super::{Check, DraftRule, http, paths, shown};
use crate::{
    at::{At, Place},
    cover,
    document::{Network, NetworkRule as Written, Record, Tls},
    http::{self as http_rules, Effect},
    policy::{NetworkRule, RuleLimits},
};

/// Fixed addresses, rules, and ports to publish.
type Checked = (BTreeMap<HostName, At<Vec<IpAddr>>>, Vec<At<DraftRule>>, Vec<At<u16>>);

pub(super) const HTTPS: u16 = 443;
/// The name of the model gateway inside.
pub(super) const GATEWAY: &str = "inference.local";
/// The name of the HTTP proxy inside.
pub(super) const PROXY: &str = "proxy.palisade.internal";

pub(super) fn check(check: &mut Check<'_>, section: Option<&Network>) -> Checked {
    let Some(section) = section else { return Checked::default() };
    let exposed = section.expose.iter();
    let exposed = exposed
        .filter_map(|port| number(check, port).map(|value| At { value, place: port.place }))
        .collect();
    let hosts = fixed(check, &section.hosts);
    let mut names = BTreeSet::new();
    let mut rules: Vec<(At<DraftRule>, bool)> = Vec::new();
    for (index, written) in section.rules.iter().enumerate() {
        if let Some(name) = &written.value.name {
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
        let Some(rule) = one(check, index, written) else { continue };
        // What a rule refuses counts, whatever another permits.
        let refuses = rule.value.rule.limits.is_some()
            || rule.value.rule.http.iter().flatten().any(|http| http.effect == Effect::Deny);
        let earlier = rules
            .iter()
            .filter(|_| !refuses)
            .find(|(earlier, whole)| *whole && cover::rule(&earlier.value.rule, &rule.value.rule));
        if let Some((earlier, _)) = earlier {
            let line = earlier.place.line;
            check.wrong(
                written.place,
                format!("the rule in line {line} permits all of this, so this one never counts"),
                "remove one of the two",
            );
        }
        // Only a rule without conditions permits all that it names.
        let free = &written.value;
        let whole = !free.binaries.is_given()
            && free.credential.is_none()
            && free.client_certificate.is_none();
        rules.push((rule, whole));
    }
    (hosts, rules.into_iter().map(|(rule, _)| rule).collect(), exposed)
}

fn one(check: &mut Check<'_>, index: usize, rule: &At<Written>) -> Option<At<DraftRule>> {
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
    let mut hosts: Vec<HostPattern> = Vec::new();
    for text in &rule.hosts {
        if let Some(host) = host(check, text) {
            if hosts.contains(&host) {
                let message = format!("`{host}` is named twice in this rule");
                check.wrong(text.place, message, "remove one");
            }
            hosts.push(host);
        }
    }
    check.not_empty(&rule.ports, "ports", "it is 443");
    check.not_empty(&rule.binaries, "binaries", "any program may");
    check.not_empty(&rule.http, "http", "any request may be made");
    let ports: Vec<u16> = rule.ports.iter().filter_map(|port| number(check, port)).collect();
    let addresses = rule.addresses.iter().filter_map(|text| network(check, text)).collect();
    let name = rule.name.as_ref().map(|name| name.value.clone());
    passthrough(check, rule);
    let records = records(check, rule, &hosts);
    let binaries = rule.binaries.iter().filter_map(|text| program(check, text)).collect();
    if let Some(place) = rule.http.place.filter(|_| rule.hosts.is_empty()) {
        check.wrong(
            place,
            "a rule for bare addresses has no `http`: requests are made to a name",
            "add `hosts: [name]`; `network.hosts` gives a name to an address",
        );
    }
    let http = rule.http.is_given().then(|| http::check(check, &rule.http, &hosts));
    let inspect =
        rule.http.is_given() || rule.credential.is_some() || rule.client_certificate.is_some();
    let tls = match rule.tls.as_ref().map(|tls| tls.value) {
        Some(Tls::Inspect) => http_rules::Tls::Inspect,
        None if inspect => http_rules::Tls::Inspect,
        Some(Tls::Passthrough) | None => http_rules::Tls::Passthrough,
    };
    let limits = limits(check, rule, tls);
    let when = when(check, rule);
    let ports = if ports.is_empty() { vec![HTTPS] } else { ports };
    let id = format!("network.rules[{}]", name.clone().unwrap_or_else(|| index.to_string()));
    let credential = rule.credential.as_ref();
    if let Some(credential) = credential.filter(|_| rule.hosts.is_empty()) {
        check.wrong(
            credential.place,
            "a credential is for names, and the rule has none",
            "add `hosts`, or remove `credential`",
        );
    }
    let certificate = rule.client_certificate.as_ref();
    if let Some(certificate) = certificate.filter(|_| rule.hosts.is_empty()) {
        check.wrong(
            certificate.place,
            "a client certificate is for names, and the rule has none",
            "add `hosts`, or remove `client_certificate`",
        );
    }
    let rule = NetworkRule {
        rule: id,
        hosts,
        ports,
        binaries,
        records,
        addresses,
        tls,
        http,
        limits,
        only_denies: false,
        credential: credential.map(|name| name.value.clone()),
        client_certificate: certificate.map(|name| name.value.clone()),
        when,
    };
    let credential = credential.map(|name| name.place);
    let client_certificate = certificate.map(|name| name.place);
    Some(At { value: DraftRule { rule, name, credential, client_certificate }, place })
}

pub(super) fn host(check: &mut Check<'_>, text: &At<String>) -> Option<HostPattern> {
    let (message, help) = match text.value.parse::<HostPattern>() {
        Ok(HostPattern::Exact(name)) if name.as_str() == GATEWAY => (
            format!("`{GATEWAY}` is the model gateway's own name, and no rule is about it"),
            "name models in `inference.routes`, and remove this host",
        ),
        Ok(HostPattern::Exact(name)) if name.as_str() == PROXY => (
            format!("`{PROXY}` is the sandbox's own proxy, and leads where other rules say"),
            "name the hosts that it is to lead to, and remove this one",
        ),
        Ok(host) => return Some(host),
        Err(error) => {
            let help = match &error {
                HostNameError::Address(_) => "move it to `addresses`",
                HostNameError::Wildcard(_) => "write such as `*.example.com` or `**.example.com`",
                HostNameError::Url(_) => "write such as api.example.com, and its port in `ports`",
                _ if text.value.contains(':') => "write the host alone, and its port in `ports`",
                _ => "write a name such as api.example.com",
            };
            (error.to_string(), help)
        }
    };
    check.wrong(text.place, message, help);
    None
}

fn when(check: &mut Check<'_>, rule: &Written) -> Option<String> {
    let when = rule.when.as_ref()?;
    let carried =
        [("credential", &rule.credential), ("client_certificate", &rule.client_certificate)];
    for (key, name) in carried {
        if let Some(name) = name {
            check.wrong(
                name.place,
                format!(
                    "a rule with `when` has no `{key}`: its requests would carry it at all times"
                ),
                "make a rule of its own for it, without `when`",
            );
        }
    }
    // What is not looked into has no requests.
    let stage = if rule.http.is_given() { Stage::Requests } else { Stage::Connections };
    condition(check, when.place, &when.value, stage)
}

/// Reads a condition, and hands its text on.
pub(super) fn condition(
    check: &mut Check<'_>,
    place: Place,
    text: &str,
    stage: Stage,
) -> Option<String> {
    match Condition::new(text, stage) {
        Ok(condition) => Some(condition.as_str().to_owned()),
        Err(error) => {
            check.wrong(
                place,
                format!("`when: {}` is no condition: {error}", shown(text)),
                "see docs/conditions.md for what there is",
            );
            None
        }
    }
}

fn limits(check: &mut Check<'_>, rule: &Written, tls: http_rules::Tls) -> RuleLimits {
    let Some(limits) = &rule.limits else { return RuleLimits::default() };
    let written = &limits.value;
    if rule.hosts.is_empty() {
        check.wrong(
            limits.place,
            "a rule for bare addresses has no `limits`: what goes to a name is counted",
            "add `hosts: [name]`; `network.hosts` gives a name to an address",
        );
    }
    if let Some(requests) = &written.requests_per_minute
        && tls == http_rules::Tls::Passthrough
    {
        check.wrong(
            requests.place,
            "requests are counted where they are looked into, and this rule does not",
            "add `tls: inspect`",
        );
    }
    let requests = written.requests_per_minute.as_ref();
    RuleLimits {
        // The schema has the range.
        requests_per_minute: requests.and_then(|most| u32::try_from(most.value).ok()),
        sent: written.sent.as_ref().map(|most| most.value.0),
    }
}

fn records(check: &mut Check<'_>, rule: &Written, hosts: &[HostPattern]) -> BTreeSet<RecordKind> {
    check.not_empty(&rule.records, "records", "none is asked for");
    let wild = hosts.iter().find(|host| !matches!(host, HostPattern::Exact(_)));
    if let Some(place) = rule.records.place.filter(|_| wild.is_some() || hosts.is_empty()) {
        check.wrong(
            place,
            "`records` is for whole names: what stands for a `*` would be the agent's, and leave",
            "make a rule with these names alone, without wildcards",
        );
    }
    let kinds = rule.records.iter().map(|record| match record.value {
        Record::Srv => RecordKind::Srv,
        Record::Mx => RecordKind::Mx,
        Record::Txt => RecordKind::Txt,
    });
    kinds.collect()
}

pub(super) fn program(check: &mut Check<'_>, text: &At<String>) -> Option<ProgramPattern> {
    let written = text.value.as_str();
    let wrong = |check: &mut Check<'_>, message: String, help: String| {
        check.wrong(text.place, message, help);
        None
    };
    if written.starts_with("sha256:") {
        return match written.parse() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let error: ProgramPatternError = error;
                let help = "take it from `sha256sum` of the program".to_owned();
                wrong(check, format!("`{}`: {error}", shown(written)), help)
            }
        };
    }
    if !written.starts_with(['/', '~']) && !written.starts_with("**/") {
        return wrong(
            check,
            format!(
                "`{}` never matches: programs are compared by their whole path",
                shown(written)
            ),
            format!("write its path, or `**/{}` for any folder", shown(written)),
        );
    }
    let parsed = match paths::glob(written, check.origin) {
        Ok(glob) => glob.parse(),
        Err(error) => return wrong(check, error.message, error.help),
    };
    match parsed {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let error: ProgramPatternError = error;
            let message = format!("`{}`: {error}", shown(written));
            wrong(check, message, "write its path, or `sha256:` and its digest".to_owned())
        }
    }
}

fn passthrough(check: &mut Check<'_>, rule: &Written) {
    if let Some(tls) = rule.tls.as_ref().filter(|tls| tls.value == Tls::Passthrough)
        && (!rule.http.is_empty() || rule.credential.is_some() || rule.client_certificate.is_some())
    {
        check.wrong(
            tls.place,
            "`http`, `credential` and `client_certificate` need a look into TLS, and the rule says \
             `passthrough`",
            "write `tls: inspect`, or remove them",
        );
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
                let error: HostNameError = error;
                let help = "write one whole name such as db.internal, without wildcards";
                check.wrong(addresses.place, error.to_string(), help);
                continue;
            }
        };
        if name.as_str() == GATEWAY {
            check.wrong(
                addresses.place,
                format!("`{GATEWAY}` is the model gateway's own name, and has no address"),
                "remove it",
            );
        }
        if addresses.value.is_empty() {
            check.wrong(
                addresses.place,
                format!("`{name}` has no address"),
                "name at least one, or remove it",
            );
        }
        let mut parsed = Vec::new();
        for text in &addresses.value {
            match text.value.parse::<IpAddr>() {
                Ok(address) => {
                    nobody_there(check, text, address);
                    parsed.push(address);
                }
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

pub(super) fn number(check: &mut Check<'_>, port: &At<u64>) -> Option<u16> {
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

pub(super) fn network(check: &mut Check<'_>, text: &At<String>) -> Option<IpNet> {
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
    if let IpNet::V6(v6) = network
        && v6.addr().to_ipv4_mapped().is_some()
    {
        check.wrong(
            text.place,
            format!("`{network}` is an IPv4 address in IPv6's form"),
            "write the IPv4 address or network",
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
    if single {
        nobody_there(check, text, network.addr());
    }
    Some(network)
}

/// Addresses that no server is at.
fn nobody_there(check: &mut Check<'_>, text: &At<String>, address: IpAddr) {
    let what = match address {
        _ if address.is_unspecified() => "stands for any address, and no server is at it",
        _ if address.is_multicast() => "is a multicast address, which TCP cannot reach",
        IpAddr::V4(v4) if v4.is_broadcast() => "is the broadcast address, which TCP cannot reach",
        _ => return,
    };
    check.wrong(
        text.place,
        format!("{address} {what}"),
        "name the server's own address; this machine's is 127.0.0.1",
    );
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
