//! Which rules permit a request, and which refuse it.

use palisade_core::{Decision, Handling, HostName, Request};

use crate::{
    Rule,
    address::{AddressClass, is_named},
    http::{self, BODY_BOUND, Facts, Said},
    reach::{HTTPS, Reach, for_others, listed},
};

/// Characters of a path that may stand in a policy as they are.
const MOST_PROPOSED: usize = 100;

impl Reach {
    /// What becomes of connections to a name. A rule that looks into them does so for all rules: what
    /// it refuses must be seen.
    pub(crate) fn handling(&self, host: &HostName, port: u16) -> Handling {
        let rules = self.rules_for(host);
        let mut on_port = rules.iter().filter(|rule| rule.ports.contains(&port));
        if on_port.any(|rule| rule.inspect) { Handling::Inspect } else { Handling::Passthrough }
    }

    /// How much of a body has to be read to decide.
    pub(crate) fn body_bound(&self, request: &Request) -> Option<usize> {
        let facts = Facts::of(request);
        let rules = self.rules_for(&request.host);
        let on_port = rules.iter().filter(|rule| rule.ports.contains(&request.port));
        let on_port = on_port.filter(|rule| rule.may_be_for(&request.caller));
        let mut lists = on_port.filter_map(|rule| rule.http.as_deref());
        lists.any(|entries| http::needs_body(entries, &facts)).then_some(BODY_BOUND)
    }

    /// Whether a request may be sent. Any rule for its host and port may permit it, the first that does
    /// is named; but what one of them refuses is refused.
    pub(crate) fn request(&self, request: &Request) -> Decision {
        let facts = Facts::of(request);
        let rules = self.rules_for(&request.host);
        let on_port: Vec<&Rule> =
            rules.into_iter().filter(|rule| rule.ports.contains(&request.port)).collect();
        let mut permits: Option<(&Rule, String)> = None;
        let mut unknown: Option<(&Rule, String)> = None;
        let mut elsewhere: Option<&Rule> = None;
        let mut others: Vec<&Rule> = Vec::new();
        for rule in &on_port {
            if !rule.may_be_for(&request.caller) {
                others.push(rule);
                continue;
            }
            let id = match &rule.http {
                None => rule.id.clone(),
                Some(entries) => match http::decide(entries, &facts) {
                    Said::Allow(index) => entry(rule, index),
                    Said::Deny(index, why) => return refused(&entry(rule, index), why, request),
                    Said::Nothing(why) => {
                        unknown = unknown.or(why.map(|why| (*rule, why)));
                        continue;
                    }
                },
            };
            if rule.only_denies {
                continue;
            }
            if !rule.is_for(&request.caller) {
                others.push(rule);
                continue;
            }
            if self.is_within(rule, request) {
                permits = permits.or(Some((rule, id)));
            } else {
                elsewhere = elsewhere.or(Some(rule));
            }
        }
        if request.port == HTTPS && !request.tls {
            return Decision::deny(format!(
                "port {HTTPS} is for TLS, and the client does not speak it"
            ));
        }
        match (permits, unknown) {
            (Some((_, id)), _) => {
                let reason = format!("{id} permits {}", request.subject());
                Decision::allow(id, reason)
            }
            (None, Some((rule, why))) => Decision::deny_by(
                &rule.id,
                format!("{} does not permit {}: {why}", rule.id, request.subject()),
            ),
            (None, None) if let (Some(rule), Some(address)) = (elsewhere, request.address) => {
                Decision::deny_by(
                    &rule.id,
                    format!(
                        "{} permits {}, but not at {}; to allow it, add that address to its \
                         `addresses`",
                        rule.id,
                        request.subject(),
                        address.ip()
                    ),
                )
            }
            (None, None) => {
                let here: Vec<&Rule> =
                    on_port.iter().filter(|rule| rule.is_for(&request.caller)).copied().collect();
                others.retain(|rule| !rule.only_denies);
                let none = here.iter().all(|rule| rule.only_denies);
                if none && !others.is_empty() {
                    return for_others(&others, &request.subject(), &request.caller);
                }
                not_permitted(&here, request, &facts)
            }
        }
    }

    /// Whether the address that a request is sent to is one that the rule permits.
    fn is_within(&self, rule: &Rule, request: &Request) -> bool {
        request.address.is_none_or(|address| {
            let class = self.class_of(address.ip());
            class == AddressClass::Public || is_named(address.ip(), class, &rule.addresses)
        })
    }
}

fn entry(rule: &Rule, index: usize) -> String {
    format!("{}.http[{index}]", rule.id)
}

fn refused(id: &str, why: Option<String>, request: &Request) -> Decision {
    let subject = request.subject();
    let reason = match why {
        None => format!("{id} refuses {subject}"),
        Some(why) => format!("{id} may be about {subject}, and so refuses it: {why}"),
    };
    Decision::deny_by(id, reason)
}

/// With what could be added, where it can be written.
fn not_permitted(rules: &[&Rule], request: &Request, facts: &Facts<'_>) -> Decision {
    let subject = request.subject();
    let permitting: Vec<&Rule> = rules.iter().filter(|rule| !rule.only_denies).copied().collect();
    let Some(first) = permitting.first() else {
        let (host, port) = (&request.host, request.port);
        return Decision::deny(format!(
            "no rule permits {subject}; to allow it, add `hosts: [{host}]` and `ports: [{port}]` to \
             `network.rules`"
        ));
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~@".contains(byte);
    let method = request.method.bytes().all(|byte| byte.is_ascii_uppercase());
    let path = request.path.len() <= MOST_PROPOSED && request.path.iter().all(plain);
    let proposed = if method && path && facts.path().is_ok() {
        format!(
            "`- allow: {{methods: [{}], paths: [\"{}\"]}}`",
            request.method,
            String::from_utf8_lossy(&request.path)
        )
    } else {
        "an entry for it".to_owned()
    };
    Decision::deny_by(
        &first.id,
        format!(
            "no `http` entry of {} permits {subject}; to allow it, add {proposed}",
            listed(&permitting)
        ),
    )
}

#[cfg(test)]
mod tests;
