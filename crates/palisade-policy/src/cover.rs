//! Whether one entry of a policy permits all that another does.

use std::net::IpAddr;

use ipnet::IpNet;
use palisade_core::{HostPattern, ProgramPattern, glob};

use crate::{
    http::{self, Tls},
    policy::NetworkRule,
};

/// Whether each name that `asked` takes is taken by `most`.
pub(crate) fn host(most: &HostPattern, asked: &HostPattern) -> bool {
    let below = |name: &str, suffix: &str| {
        name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    match (most, asked) {
        (most, HostPattern::Exact(name)) => most.matches(name),
        (HostPattern::OneLabel(most), HostPattern::OneLabel(asked)) => most == asked,
        (
            HostPattern::AnyDepth(most),
            HostPattern::OneLabel(asked) | HostPattern::AnyDepth(asked),
        ) => below(asked.as_str(), most.as_str()),
        (HostPattern::Exact(_), HostPattern::OneLabel(_) | HostPattern::AnyDepth(_))
        | (HostPattern::OneLabel(_), HostPattern::AnyDepth(_)) => false,
    }
}

/// Whether each model that `asked` takes is taken by `most`. In both, `*` stands for any characters:
/// the stars of `asked` are only matched by stars, since no other part of a pattern has one.
pub(crate) fn model(most: &str, asked: &str) -> bool {
    glob(most, asked)
}

/// Whether each variable that `asked` passes is passed by `most`; a `*` at the end takes all that
/// begin so.
pub(crate) fn variable(most: &str, asked: &str) -> bool {
    match most.strip_suffix('*') {
        Some(start) => asked.starts_with(start),
        None => most == asked,
    }
}

/// Whether `most` names each address that `asked` names.
///
/// A single address can be one that counts only when it is named whole (link-local, cloud
/// metadata), and then a range that holds it does not name it.
pub(crate) fn addresses(most: &IpNet, asked: &IpNet) -> bool {
    let whole = asked.prefix_len() == asked.max_prefix_len();
    most == asked || (most.contains(asked) && (!whole || is_private(asked.addr())))
}

/// In a range that holds no address of another kind.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback(),
    }
}

/// Whether each program of `asked` is one of `most`. In both none is any.
fn programs(most: &[ProgramPattern], asked: &[ProgramPattern]) -> bool {
    let covered = |asked: &ProgramPattern| most.iter().any(|most| most.covers(asked));
    most.is_empty() || (!asked.is_empty() && asked.iter().all(covered))
}

/// Whether `most` permits each connection that `asked` does. Each part of a rule is named here, so
/// that a new one is not forgotten.
pub(crate) fn rule(most: &NetworkRule, asked: &NetworkRule) -> bool {
    // What a rule limits stays limited while it is there, whatever others permit.
    let NetworkRule {
        rule: _,
        hosts,
        ports,
        binaries,
        records,
        addresses: networks,
        tls,
        http,
        limits: _,
        only_denies,
        credential,
        client_certificate,
        when,
    } = asked;
    if *only_denies {
        return true;
    }
    // Without hosts a rule is one for bare addresses, which is something else.
    !most.only_denies
        && (most.when.is_none() || most.when == *when)
        && (credential.is_none() || most.credential == *credential)
        && (client_certificate.is_none() || most.client_certificate == *client_certificate)
        && (most.tls == *tls || *tls == Tls::Inspect)
        && http::covers(most.http.as_deref(), http.as_deref())
        && programs(&most.binaries, binaries)
        && records.is_subset(&most.records)
        && most.hosts.is_empty() == hosts.is_empty()
        && hosts.iter().all(|asked| most.hosts.iter().any(|most| host(most, asked)))
        && ports.iter().all(|port| most.ports.contains(port))
        && networks.iter().all(|asked| most.addresses.iter().any(|most| addresses(most, asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_by_whole_labels() {
        let covers =
            |most: &str, asked: &str| host(&most.parse().unwrap(), &asked.parse().unwrap());
        for (most, asked) in [
            ("a.b", "a.b"),
            ("*.b", "a.b"),
            ("*.b", "*.b"),
            ("**.b", "a.b"),
            ("**.b", "x.a.b"),
            ("**.b", "*.b"),
            ("**.b", "*.a.b"),
            ("**.b", "**.a.b"),
        ] {
            assert!(covers(most, asked), "{most} {asked}");
        }
        for (most, asked) in [
            ("a.b", "*.b"),
            ("*.b", "b"),
            ("*.b", "**.b"),
            ("*.b", "x.a.b"),
            ("**.a.b", "**.b"),
            ("**.b", "**.ab"),
            ("**.b", "b"),
        ] {
            assert!(!covers(most, asked), "{most} {asked}");
        }
    }

    #[test]
    fn any_program_is_more_than_some() {
        let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let covers = |most: &[&str], asked: &[&str]| {
            let (most, asked): (Vec<_>, Vec<_>) = (list(most), list(asked));
            programs(&most, &asked)
        };
        assert!(covers(&[], &[]) && covers(&[], &["/a"]) && covers(&["/**/a"], &["/b/a"]));
        assert!(!covers(&["/a"], &[]) && !covers(&["/a"], &["/a", "/b"]));
    }

    #[test]
    fn patterns_of_models_cover_patterns() {
        for (most, asked) in
            [("*", "a*"), ("a*", "a*"), ("a*", "ab*c"), ("a*c", "a*bc"), ("a", "a")]
        {
            assert!(model(most, asked), "{most} {asked}");
        }
        for (most, asked) in [("a*", "*"), ("a*", "*a"), ("a", "a*"), ("ab*", "a*"), ("a*b*", "a*")]
        {
            assert!(!model(most, asked), "{most} {asked}");
        }
    }

    #[test]
    fn a_range_does_not_name_a_metadata_address() {
        let covers =
            |most: &str, asked: &str| addresses(&most.parse().unwrap(), &asked.parse().unwrap());
        assert!(covers("10.0.0.0/8", "10.1.2.3/32") && covers("10.0.0.0/8", "10.1.0.0/16"));
        assert!(covers("127.0.0.0/8", "127.0.0.1/32"));
        assert!(!covers("100.64.0.0/10", "100.100.100.200/32"));
        assert!(!covers("fd00::/8", "fd00:ec2::254/128"));
        assert!(!covers("0.0.0.0/0", "169.254.169.254/32"));
        assert!(covers("169.254.169.254/32", "169.254.169.254/32"));
        assert!(!covers("10.1.0.0/16", "10.0.0.0/8"));
    }
}
