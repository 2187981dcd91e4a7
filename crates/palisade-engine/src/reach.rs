use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use ipnet::IpNet;
use palisade_core::{Caller, Decision, HostName, HostPattern, Look, Program, RecordKind, TlsName};

use crate::{
    Rule,
    address::{AddressClass, is_named},
    own::Own,
};

/// A port whose rules mean TLS: plain text there is somebody going round the name check.
pub(crate) const HTTPS: u16 = 443;
/// Rules that a reason lists.
const MOST_LISTED: usize = 3;

/// Where the network rules let an agent go. Rules are found by name without a walk over all.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    rules: Vec<Rule>,
    exact: HashMap<String, Vec<usize>>,
    one_label: HashMap<String, Vec<usize>>,
    any_depth: HashMap<String, Vec<usize>>,
    /// Rules without hosts.
    bare: Vec<usize>,
    /// Whether the operator is asked for what no rule names.
    ask: bool,
    /// Addresses of the machine itself, which are as good as loopback.
    own: Own,
    /// Whether some rule has limits.
    any_limit: bool,
    /// Whether some rule is for certain programs.
    any_program: bool,
}

impl Reach {
    pub(crate) fn new(rules: Vec<Rule>, ask: bool, own: Own) -> Self {
        let mut reach = Self { own, ask, ..Self::default() };
        for (index, rule) in rules.iter().enumerate() {
            for host in &rule.hosts {
                let (table, name) = match host {
                    HostPattern::Exact(name) => (&mut reach.exact, name),
                    HostPattern::OneLabel(name) => (&mut reach.one_label, name),
                    HostPattern::AnyDepth(name) => (&mut reach.any_depth, name),
                };
                table.entry(name.to_string()).or_default().push(index);
            }
            reach.any_limit |= rule.limits.is_some();
            reach.any_program |= !rule.binaries.is_empty();
            if rule.hosts.is_empty() {
                reach.bare.push(index);
            }
        }
        reach.rules = rules;
        reach
    }

    /// Whether a name may be answered: some rule may permit it on some port.
    pub(crate) fn resolve(&self, name: &HostName) -> Decision {
        match permitting(self.rules_for(name)).first() {
            Some(rule) => Decision::allow(&rule.id, format!("{} permits {name}", rule.id)),
            None if self.ask => asked(&name.to_string()),
            None => Decision::deny(format!(
                "no rule permits {name}; to allow it, add `hosts: [{name}]` to `network.rules`"
            )),
        }
    }

    /// Whether records of a name may be asked for outside. Only what is written whole in a rule: what stands for
    /// a wildcard would be the agent's words.
    pub(crate) fn records(&self, name: &HostName, kind: RecordKind) -> Decision {
        let exact = self.exact.get(name.as_str()).into_iter().flatten();
        let mut rules = exact.filter_map(|&index| self.rules.get(index));
        match rules.find(|rule| !rule.only_denies && rule.records.contains(&kind)) {
            Some(rule) => Decision::allow(&rule.id, format!("{} opens {kind} of {name}", rule.id)),
            None => Decision::deny(format!(
                "no rule opens {kind} records of {name}; to allow it, add `records: [{kind}]` to a rule \
                 with `hosts: [{name}]`"
            )),
        }
    }

    /// Whether a connection to a name may be made, at `address` if that is known. Any rule
    /// for the name may permit it; the first that does is named.
    pub(crate) fn to_name(
        &self,
        host: &HostName,
        port: u16,
        address: Option<IpAddr>,
        (tls, caller): (&TlsName, &Caller),
    ) -> Decision {
        let named = self.rules_for(host);
        // One that only refuses requests names it too: an answer would let them pass unseen.
        if self.ask && named.iter().all(|rule| !rule.ports.contains(&port)) {
            return self.unnamed(host, port, address, tls);
        }
        let rules = permitting(named);
        if rules.is_empty() {
            return Decision::deny(format!(
                "no rule permits {host}; to allow it, add `hosts: [{host}]` and \
                 `ports: [{port}]` to `network.rules`"
            ));
        }
        let on_port: Vec<_> =
            rules.iter().filter(|rule| rule.ports.contains(&port)).copied().collect();
        if on_port.is_empty() {
            return Decision::deny(format!(
                "{} permits {host}, but not on port {port}; to allow it, add {port} to its `ports`",
                listed(&rules)
            ));
        }
        let mut here = on_port.iter().filter(|rule| rule.is_for(caller));
        let Some(first) = here.next() else {
            return for_others(&on_port, &format!("{host}:{port}"), caller);
        };
        if let Some(why) = tls.contradicts(host) {
            return Decision::deny_by(&first.id, why);
        }
        if port == HTTPS && *tls == TlsName::NotTls {
            return Decision::deny_by(
                &first.id,
                format!("port {port} is for TLS, and the client does not speak it"),
            );
        }
        let allow =
            |rule: &Rule| Decision::allow(&rule.id, format!("{} permits {host}:{port}", rule.id));
        let Some(address) = address else { return allow(first) };
        let class = self.class_of(address);
        if class == AddressClass::Public {
            return allow(first);
        }
        let here = std::iter::once(first).chain(here);
        match here.into_iter().find(|rule| is_named(address, class, &rule.addresses)) {
            Some(rule) => allow(rule),
            None => Decision::deny_by(
                &first.id,
                format!(
                    "{host} is at {address}, {}; to allow it, add {} to the `addresses` of {}",
                    described(class),
                    as_named(address, class),
                    first.id,
                ),
            ),
        }
    }

    /// Whether a connection to an address that no name stands for may be made.
    pub(crate) fn to_address(&self, address: IpAddr, port: u16, caller: &Caller) -> Decision {
        let class = self.class_of(address);
        let permits =
            |rule: &&Rule| rule.ports.contains(&port) && is_named(address, class, &rule.addresses);
        let bare = self.bare.iter().filter_map(|&index| self.rules.get(index));
        let here: Vec<&Rule> = bare.filter(|rule| !rule.only_denies).filter(permits).collect();
        match here.iter().find(|rule| rule.is_for(caller)) {
            Some(rule) => {
                Decision::allow(&rule.id, format!("{} permits {address}:{port}", rule.id))
            }
            None if !here.is_empty() => {
                for_others(&here, &SocketAddr::new(address, port).to_string(), caller)
            }
            None if self.ask && class == AddressClass::Public => {
                asked(&SocketAddr::new(address, port).to_string())
            }
            None => Decision::deny(format!(
                "no rule permits the bare address {address} on port {port}; connect to a name, or \
                 to allow it, add a rule without `hosts`, with `addresses: [{}]` and \
                 `ports: [{port}]`",
                as_named(address, class)
            )),
        }
    }

    /// A connection to a name that no rule has on this port, where the operator is asked. What would
    /// make a rule deny it, no answer makes good.
    fn unnamed(
        &self,
        host: &HostName,
        port: u16,
        address: Option<IpAddr>,
        tls: &TlsName,
    ) -> Decision {
        if let Some(why) = tls.contradicts(host) {
            return Decision::deny_by(UNKNOWN, why);
        }
        if port == HTTPS && *tls == TlsName::NotTls {
            let why = format!("port {port} is for TLS, and the client does not speak it");
            return Decision::deny_by(UNKNOWN, why);
        }
        match address.map(|address| (address, self.class_of(address))) {
            None | Some((_, AddressClass::Public)) => asked(&format!("{host}:{port}")),
            Some((address, class)) => Decision::deny_by(
                UNKNOWN,
                format!(
                    "{host} is at {address}, {}, which no answer permits; to allow it, add a rule \
                     for {host} with {} in its `addresses`",
                    described(class),
                    as_named(address, class),
                ),
            ),
        }
    }

    /// How much has to be known of who connects there. Where the operator would be asked, it is shown.
    pub(crate) fn look(&self, host: Option<&HostName>, address: IpAddr, port: u16) -> Look {
        if !self.any_program && !self.ask {
            return Look::None;
        }
        let rules = match host {
            Some(host) => self.rules_for(host),
            None => self.bare.iter().filter_map(|&index| self.rules.get(index)).collect(),
        };
        let class = self.class_of(address);
        let here = rules.into_iter().filter(|rule| {
            let there = host.is_some() || is_named(address, class, &rule.addresses);
            there && rule.ports.contains(&port)
        });
        let needed = here.map(Rule::look).max();
        needed.unwrap_or(if self.ask { Look::Changeable } else { Look::None })
    }

    /// How much has to be known of who connects, wherever that is to.
    pub(crate) fn look_at_most(&self) -> Look {
        if !self.any_program && !self.ask {
            return Look::None;
        }
        let ask = if self.ask { Look::Changeable } else { Look::None };
        self.rules.iter().map(Rule::look).max().unwrap_or_default().max(ask)
    }

    /// The rules that limit what goes to a name and port.
    pub(crate) fn limited(&self, host: &HostName, port: u16) -> Vec<&Rule> {
        if !self.any_limit {
            return Vec::new();
        }
        let mut rules = self.rules_for(host);
        rules.retain(|rule| rule.limits.is_some() && rule.ports.contains(&port));
        rules
    }

    /// The rule and the zone of the widest wildcard that a name is permitted by, if no rule names it whole. Below a
    /// top-level domain names are anybody's to have, so that there is no zone to speak of.
    pub(crate) fn wildcard_of(&self, host: &HostName) -> Option<(&Rule, &HostName)> {
        let zone = |pattern: &HostPattern| match pattern {
            HostPattern::OneLabel(zone) | HostPattern::AnyDepth(zone) => {
                Some(zone.labels().count())
            }
            HostPattern::Exact(_) => None,
        };
        let rules = permitting(self.rules_for(host)).into_iter();
        let all = rules.flat_map(|rule| rule.hosts.iter().map(move |pattern| (rule, pattern)));
        let fits = all.filter(|(_, pattern)| pattern.matches(host));
        let (rule, widest) = fits.min_by_key(|(_, pattern)| zone(pattern))?;
        match widest {
            HostPattern::OneLabel(zone) | HostPattern::AnyDepth(zone)
                if zone.labels().count() > 1 =>
            {
                Some((rule, zone))
            }
            _ => None,
        }
    }

    pub(crate) fn class_of(&self, address: IpAddr) -> AddressClass {
        match AddressClass::of(address) {
            AddressClass::Public if self.own.has(address) => {
                AddressClass::Special("an address of this machine")
            }
            class => class,
        }
    }

    /// The rules whose hosts match, in the policy's order.
    pub(crate) fn rules_for(&self, name: &HostName) -> Vec<&Rule> {
        let mut found: Vec<usize> = Vec::new();
        let mut collect = |table: &HashMap<String, Vec<usize>>, name: &str| {
            found.extend(table.get(name).into_iter().flatten());
        };
        collect(&self.exact, name.as_str());
        let mut depth = 0;
        let mut rest = name.as_str();
        while let Some((_, parent)) = rest.split_once('.') {
            if depth == 0 {
                collect(&self.one_label, parent);
            }
            collect(&self.any_depth, parent);
            depth += 1;
            rest = parent;
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|index| self.rules.get(index)).collect()
    }
}

/// How decisions name what says that the operator is asked.
const UNKNOWN: &str = "network.unknown";

fn asked(what: &str) -> Decision {
    Decision::ask(UNKNOWN, format!("no rule names {what}, so the operator is asked"))
}

/// What rules permit, but not to who asks: who that is, and how it would be permitted.
pub(crate) fn for_others(rules: &[&Rule], what: &str, caller: &Caller) -> Decision {
    let ids = listed(rules);
    let named: Vec<String> =
        rules.iter().flat_map(|rule| &rule.binaries).map(ToString::to_string).collect();
    let mut names = named.iter().take(MOST_LISTED).map(String::as_str).collect::<Vec<_>>();
    if named.len() > MOST_LISTED {
        names.push("…");
    }
    let names = names.join(", ");
    let reason = match caller {
        Caller::Known(programs) => {
            let other = |program: &&Program| {
                let mut patterns = rules.iter().flat_map(|rule| &rule.binaries);
                !patterns.any(|pattern| pattern.matches(program))
            };
            let other = programs.iter().find(other).or(programs.first());
            let path = other.map(|program| program.path.as_str()).unwrap_or_default();
            let path: String = path.chars().take(200).flat_map(char::escape_debug).collect();
            match other {
                Some(program) if program.changeable => format!(
                    "{ids} permits {what} to {names}, and {path} tried; it lies where the agent can \
                     write, so to allow it, add its digest (`sha256:…`) to `binaries` of {ids}"
                ),
                _ => format!(
                    "{ids} permits {what} to {names}, and {path} tried; to allow it, add \"{path}\" \
                     to `binaries` of {ids}"
                ),
            }
        }
        Caller::Unknown(why) => {
            format!("{ids} permits {what} to {names} alone, and who tried cannot be told: {why}")
        }
        Caller::Unasked => format!(
            "{ids} permits {what} to {names} alone, and who tried was not looked at; to allow it, \
             connect again"
        ),
    };
    match rules {
        [one] => Decision::deny_by(&one.id, reason),
        _ => Decision::deny(reason),
    }
}

/// Without those that only refuse requests.
fn permitting(rules: Vec<&Rule>) -> Vec<&Rule> {
    rules.into_iter().filter(|rule| !rule.only_denies).collect()
}

fn described(class: AddressClass) -> &'static str {
    match class {
        AddressClass::Public => "a public address",
        AddressClass::Special(what) | AddressClass::Guarded(what) => what,
    }
}

/// How an address has to be written to be permitted.
fn as_named(address: IpAddr, class: AddressClass) -> String {
    match class {
        AddressClass::Guarded(_) => format!("`{}` (whole, not as a range)", IpNet::from(address)),
        AddressClass::Public | AddressClass::Special(_) => format!("`{address}`"),
    }
}

pub(crate) fn listed(rules: &[&Rule]) -> String {
    let mut ids: Vec<_> = rules.iter().take(MOST_LISTED).map(|rule| rule.id.as_str()).collect();
    if rules.len() > MOST_LISTED {
        ids.push("…");
    }
    ids.join(", ")
}

#[cfg(test)]
mod tests;
