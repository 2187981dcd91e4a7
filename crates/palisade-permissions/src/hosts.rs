use palisade_core::{HostName, glob};

use crate::rule::RuleError;

/// What stands in `WebFetch(domain:…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostRule {
    labels: Vec<String>,
    /// Any number of labels, at least one, stands before these.
    below: bool,
}

impl HostRule {
    pub(crate) fn parse(text: &str) -> Result<Self, RuleError> {
        let text = text.trim_end_matches('.').to_ascii_lowercase();
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None if text == "*" => return Ok(Self { labels: Vec::new(), below: true }),
            None => (false, text.as_str()),
        };
        // Names outside of ASCII are compared in the form that is looked up.
        let named = rest.replace('*', "star-placeholder");
        let named = named.parse::<HostName>().map_err(|why| RuleError {
            what: format!("`{text}` is no domain: {why}"),
            remedy: "write a name such as `example.com` or `*.example.com`".into(),
        })?;
        let labels =
            named.as_str().replace("star-placeholder", "*").split('.').map(str::to_owned).collect();
        Ok(Self { labels, below })
    }

    pub(crate) fn matches(&self, host: &str) -> bool {
        let mut given: Vec<&str> = host.split('.').collect();
        if self.below {
            if given.len() <= self.labels.len() {
                return false;
            }
            given = given.split_off(given.len() - self.labels.len());
        }
        given.len() == self.labels.len()
            && self.labels.iter().zip(given).all(|(label, given)| glob(label, given))
    }
}

/// The host of a URL, in the form that is looked up; `None` if it has none that is beyond doubt.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let url = url.trim_matches(|c: char| c.is_control() || c == ' ');
    let rest = match url.split_once("://") {
        // Of a file, the host says nothing; what else there is, is no page of the web.
        Some((scheme, rest))
            if ["http", "https"].iter().any(|it| scheme.eq_ignore_ascii_case(it)) =>
        {
            rest
        }
        Some((scheme, _)) if scheme.chars().all(in_scheme) => return None,
        // What `https:host`, `https:\\host` and `data:…` are, readers do not agree on.
        _ if has_scheme(url) => return None,
        _ => url,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    // A host ends at `\` for some readers, and for others it is part of a name before an `@`.
    if authority.contains(['@', '\\']) || authority.is_empty() {
        return None;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => return rest.split_once(']').map(|(host, _)| host.to_ascii_lowercase()),
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            // What is no number is no port.
            let is_port = port.bytes().all(|b| b.is_ascii_digit());
            if !is_port || (!port.is_empty() && port.parse::<u16>().is_err()) {
                return None;
            }
            host
        }
    };
    if let Ok(name) = host.parse::<HostName>() {
        return Some(name.as_str().to_owned());
    }
    host.parse::<std::net::Ipv4Addr>().ok().map(|address| address.to_string())
}

fn in_scheme(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

/// Whether something stands before a colon that is no host with its port.
fn has_scheme(url: &str) -> bool {
    let Some((before, after)) = url.split_once(':') else { return false };
    let port = after.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    before.chars().all(in_scheme) && !is_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        for (rule, host, expected) in [
            ("a.test", "a.test", true),
            ("A.test.", "a.test", true),
            ("a.test", "b.a.test", false),
            ("*.local.test", "x.local.test", true),
            ("*.local.test", "y.x.local.test", true),
            ("*.local.test", "local.test", false),
            ("*.local.test", "evillocal.test", false),
            ("*", "anything.example", true),
            ("api-*.a.test", "api-1.a.test", true),
            ("api-*.a.test", "api-1.x.a.test", false),
        ] {
            assert_eq!(HostRule::parse(rule).unwrap().matches(host), expected, "{rule} {host}");
        }
        assert!(HostRule::parse("a b").is_err());
        assert!(HostRule::parse("").is_err());
    }

    #[test]
    fn urls() {
        for (url, host) in [
            ("https://A.test/x", Some("a.test")),
            ("https://a.test:8443", Some("a.test")),
            ("a.test/x", Some("a.test")),
            ("https://a.test@evil.test/", None),
            ("https://evil.test\\@a.test/", None),
            ("https://a.test\\@evil.test/", None),
            ("https://a.test\\.evil.test/", None),
            ("https://a.test/\\@evil.test/", Some("a.test")),
            ("https://a.test:80:90/", None),
            ("https://a.test:0x50/", None),
            ("https://a.test:99999/", None),
            ("https://a.test:/", Some("a.test")),
            ("HTTPS://a.test/", Some("a.test")),
            ("file://a.test/etc/passwd", None),
            ("ftp://a.test/", None),
            ("https://[::1]/", Some("::1")),
            ("https://", None),
            ("a.test:8443/x", Some("a.test")),
            ("https:a.test", None),
            ("https:/a.test", None),
            ("https:\\\\a.test\\x", None),
            ("data:text/html,x", None),
            (" https://a.test\n", Some("a.test")),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }
}
