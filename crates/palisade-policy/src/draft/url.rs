use std::net::{IpAddr, Ipv6Addr};

use palisade_core::HostName;

/// Whether a text is a URL that something of Palisade's calls: `http` or `https`, a host, perhaps a
/// port and a path, and nothing else.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let rest = rest.ok_or("it begins with neither https:// nor http://")?;
    if !text.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c)) {
        return Err("it has a blank or another character that no URL has");
    }
    if text.contains(['?', '#']) {
        return Err("it has a query or a fragment");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("a key does not belong in it; name a credential");
    }
    let port = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, behind) = rest.split_once(']').ok_or("its `[` is never closed")?;
            address.parse::<Ipv6Addr>().map_err(|_| "its address is no IPv6 address")?;
            if behind.is_empty() { None } else { Some(behind.strip_prefix(':').unwrap_or("-")) }
        }
        None => {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            if host.is_empty() {
                return Err("it has no host");
            }
            let address = host.parse::<std::net::Ipv4Addr>().is_ok();
            if !address && host.parse::<HostName>().is_err() {
                return Err("its host is neither a name nor an address");
            }
            port
        }
    };
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return Err("its port is no number from 1 to 65535");
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('%');
    if !path.is_empty() && !path.split('/').all(plain) {
        return Err("its path has `.`, `..`, `//` or a percent encoding");
    }
    Ok(())
}

/// Whether a URL that was taken leads to this machine.
pub(super) fn is_loopback(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_servers_are_taken_and_nothing_else() {
        for good in [
            "https://api.anthropic.com",
            "https://a.example/",
            "http://127.0.0.1:8000/v1",
            "http://[::1]:8000/x/v1/",
            "https://bücher.example".replace("bücher", "xn--bcher-kva").as_str(),
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "api.anthropic.com",
            "file:///etc/passwd",
            "HTTPS://a.example",
            "https://",
            "https:///v1",
            "https://u:p@a.example",
            "https://a.example:0",
            "https://a.example:70000",
            "https://a.example:",
            "https://[::1",
            "https://[::1]8000",
            "https://[a]",
            "https://a b.example",
            "https://a.example/?x=1",
            "https://a.example/#f",
            "https://a.example/../x",
            "https://a.example//x",
            "https://a.example/%2e%2e",
            "https://127.1",
            "https://a..example",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
