//! `network.upstream`: the proxy that connections leave by.

use std::net::{IpAddr, Ipv6Addr};

use palisade_core::HostName;

use super::{
    Check, DraftUpstream,
    network::{GATEWAY, PROXY, host, network},
    shown,
};
use crate::{
    at::At,
    document::{ResolveWord, Upstream as Written},
    policy::{Upstream, UpstreamHost},
};

const HELP: &str = "write one such as http://proxy.corp:3128";

pub(super) fn check(check: &mut Check<'_>, at: &At<Written>) -> Option<At<DraftUpstream>> {
    let Written { proxy, credential, except, resolve } = &at.value;
    let read = match url(&proxy.value) {
        Ok(read) => Some(read),
        Err(why) => {
            let message = format!("`{}` is no proxy: {why}", shown_without_password(&proxy.value));
            check.wrong(proxy.place, message, HELP);
            None
        }
    };
    let (mut except_hosts, mut except_networks) = (Vec::new(), Vec::new());
    for text in except.iter() {
        if text.value.contains('/') || text.value.parse::<IpAddr>().is_ok() {
            except_networks.extend(network(check, text));
        } else if let Some(domain) = text.value.strip_prefix('.') {
            check.wrong(
                text.place,
                format!("`{}` begins with a dot", shown(&text.value)),
                format!("write `**.{}` for every name below it", shown(domain)),
            );
        } else {
            except_hosts.extend(host(check, text));
        }
    }
    let (user, host, port) = read?;
    if let (Some(_), None) = (&user, credential) {
        check.wrong(
            proxy.place,
            "the proxy is told a user's name, and no password",
            "add `credential: NAME`, of `credentials`",
        );
    }
    let upstream = Upstream {
        host,
        port,
        user,
        credential: None,
        except_hosts,
        except_networks,
        resolves: resolve.as_ref().is_some_and(|word| word.value == ResolveWord::Proxy),
    };
    let value = DraftUpstream { upstream, credential: credential.clone() };
    Some(At { value, place: at.place })
}

type Read = (Option<String>, UpstreamHost, u16);

fn url(text: &str) -> Result<Read, &'static str> {
    let rest = match text.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", _)) => return Err("TLS to the proxy itself is not built yet"),
        Some((scheme, _)) if scheme.starts_with("socks") => return Err("SOCKS is not built yet"),
        _ => return Err("it does not begin with http://"),
    };
    if !rest.chars().all(|c| c.is_ascii_graphic()) {
        return Err("it has a blank or another character that no URL has");
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return Err("it has a path, a query or a fragment");
    }
    let (user, authority) = match rest.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => {
            return Err("a password does not belong in it; name a credential");
        }
        Some((user, authority)) => (Some(decoded(user)?), authority),
        None => (None, rest),
    };
    const NO_PORT: &str = "it has no port";
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, behind) = rest.split_once(']').ok_or("its `[` is never closed")?;
            let address: Ipv6Addr =
                address.parse().map_err(|_| "its address is no IPv6 address")?;
            let port = behind.strip_prefix(':').ok_or(NO_PORT)?;
            (UpstreamHost::Address(address.into()), port)
        }
        None => {
            let (host, port) = authority.split_once(':').ok_or(NO_PORT)?;
            let host = match host.parse::<IpAddr>() {
                Ok(address) => UpstreamHost::Address(address),
                Err(_) => UpstreamHost::Name(
                    host.parse::<HostName>()
                        .map_err(|_| "its host is neither a name nor an address")?,
                ),
            };
            (host, port)
        }
    };
    if let UpstreamHost::Name(name) = &host
        && [GATEWAY, PROXY].contains(&name.as_str())
    {
        return Err("that name is one of the sandbox's own");
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse::<u16>().ok().filter(|port| digits && *port != 0);
    Ok((user, host, port.ok_or("its port is no number from 1 to 65535")?))
}

/// A user's name, as it is before it was percent-encoded.
fn decoded(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "its user's name has a character that cannot be told to a proxy";
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let character = if first == '%' {
            let digits = rest.get(1..3).ok_or(WRONG)?;
            let byte = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
            rest = rest.get(3..).unwrap_or_default();
            char::from(byte)
        } else {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            first
        };
        // RFC 7617, section 2: a user's name has no colon.
        if !(character == ' ' || character.is_ascii_graphic()) || character == ':' {
            return Err(WRONG);
        }
        out.push(character);
    }
    if out.is_empty() { Err("its user's name is empty") } else { Ok(out) }
}

/// The text as it was written, without what may be a password in it.
fn shown_without_password(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => shown(&format!("{scheme}://…@{host}")),
        _ => shown(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn proxies_are_taken_and_nothing_else() {
        for (text, user, host, port) in [
            ("http://proxy.corp:3128", None, "proxy.corp", 3128),
            ("http://Proxy.Corp:80/", None, "proxy.corp", 80),
            ("http://ada@proxy.corp:3128", Some("ada"), "proxy.corp", 3128),
            ("http://CORP%5Cada@10.0.0.1:3128", Some("CORP\\ada"), "10.0.0.1", 3128),
            ("http://ada%40corp@[fd00::1]:3128", Some("ada@corp"), "fd00::1", 3128),
        ] {
            let host = match host.parse() {
                Ok(address) => UpstreamHost::Address(address),
                Err(_) => UpstreamHost::Name(host.parse().unwrap()),
            };
            assert_eq!(url(text), Ok((user.map(str::to_owned), host, port)), "{text}");
        }
        for bad in [
            "",
            "proxy.corp:3128",
            "https://proxy.corp:3128",
            "socks5://proxy.corp:1080",
            "http://proxy.corp",
            "http://proxy.corp:",
            "http://proxy.corp:0",
            "http://proxy.corp:+1",
            "http://proxy.corp:99999",
            "http://:3128",
            "http://@proxy.corp:3128",
            "http://ada:secret@proxy.corp:3128",
            "http://ada%3ax@proxy.corp:3128",
            "http://ada%0d@proxy.corp:3128",
            "http://ada%@proxy.corp:3128",
            "http://proxy.corp:3128/x",
            "http://proxy.corp:3128?x",
            "http://inference.local:80",
            "http://proxy.palisade.internal:3128",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown_without_password("http://a:b@p.corp:1"), "http://…@p.corp:1");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(http://)?[a-z%@:\\[\\]0-9/.é]{0,20}") {
            if let Ok((user, _, port)) = url(&text) {
                prop_assert!(port > 0);
                prop_assert!(!user.unwrap_or_default().contains(':'));
            }
        }
    }
}
