use std::{fmt, net::IpAddr, str::FromStr};

use http::{
    HeaderValue, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};

/// Where a provider lives: scheme, host, port and base path, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    scheme: Scheme,
    authority: Authority,
    base: String,
}

/// Why a text is not a provider's URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamUrlError {
    /// It is not a URL with a scheme and a host.
    #[error("not a URL such as `https://api.example.com`")]
    Syntax,
    /// Neither `https` nor `http`.
    #[error("the scheme is `{0}`; use `https`, or `http` for a server on this machine")]
    Scheme(String),
    /// A user name or password in the URL.
    #[error("holds a user name or password; keys belong in `credentials`")]
    UserInfo,
    /// A query or fragment.
    #[error("a provider's URL ends with its path: no `?` and no `#`")]
    Query,
    /// A dot segment, an empty segment or a percent encoding.
    #[error("the path `{0}` has `.`, `..`, an empty segment or a percent encoding")]
    Path(String),
}

impl UpstreamUrl {
    /// Whether calls go over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether it is on this machine or at an address that is not public, by what it says itself.
    pub fn is_local(&self) -> bool {
        let host = self.host().trim_end_matches('.');
        host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_local)
    }

    /// The host, without brackets round an IPv6 address.
    pub fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
    }

    /// The port, written or implied.
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// What stands before the paths of the API: the base without its version.
    pub(crate) fn prefix(&self) -> &str {
        let version = ["/v1", "/v1beta"].into_iter().find_map(|v| self.base.strip_suffix(v));
        version.unwrap_or(&self.base)
    }

    /// The address of `path` (such as `/v1/messages`) at this provider. A base that already ends
    /// in `/v1` does not get a second one.
    pub(crate) fn join(&self, path_and_query: &str) -> Option<Uri> {
        let repeated = ["/v1", "/v1beta"].into_iter().find_map(|version| {
            let base = self.base.strip_suffix(version)?;
            path_and_query.strip_prefix(version)?.starts_with('/').then_some(base)
        });
        let path = format!("{}{path_and_query}", repeated.unwrap_or(&self.base));
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::from_maybe_shared(path).ok()?)
            .build()
            .ok()
    }

    /// What the `Host` header says there.
    pub(crate) fn host_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.authority.as_str()).ok()
    }
}

/// Whether an address is loopback or of a private network.
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

impl FromStr for UpstreamUrl {
    type Err = UpstreamUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(['?', '#']) {
            return Err(UpstreamUrlError::Query);
        }
        let parts = text.parse::<Uri>().map_err(|_| UpstreamUrlError::Syntax)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(UpstreamUrlError::Syntax);
        };
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err(UpstreamUrlError::Scheme(scheme.to_string()));
        }
        if authority.as_str().contains('@') {
            return Err(UpstreamUrlError::UserInfo);
        }
        if authority.host().is_empty() {
            return Err(UpstreamUrlError::Syntax);
        }
        let path = parts.path_and_query.as_ref().map_or("/", PathAndQuery::path);
        let base = path.strip_suffix('/').unwrap_or(path);
        let plain =
            base.split('/').skip(1).all(|s| !matches!(s, "" | "." | "..") && !s.contains('%'));
        if !plain {
            return Err(UpstreamUrlError::Path(path.escape_debug().to_string()));
        }
        Ok(Self { scheme, authority, base: base.into() })
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str) -> String {
        base.parse::<UpstreamUrl>().unwrap().join("/v1/messages?beta=true").unwrap().to_string()
    }

    #[test]
    fn the_base_path_is_kept_and_v1_is_not_doubled() {
        assert_eq!(joined("https://a.example"), "https://a.example/v1/messages?beta=true");
        assert_eq!(joined("https://a.example/"), "https://a.example/v1/messages?beta=true");
        assert_eq!(
            joined("http://a.example:8000/v1"),
            "http://a.example:8000/v1/messages?beta=true"
        );
        assert_eq!(joined("http://[::1]:8000/x/v1/"), "http://[::1]:8000/x/v1/messages?beta=true");
        assert_eq!(joined("https://a.example/api"), "https://a.example/api/v1/messages?beta=true");
        assert_eq!(joined("https://a.example/xv1"), "https://a.example/xv1/v1/messages?beta=true");
    }

    #[test]
    fn what_is_no_provider_url_is_refused() {
        for bad in [
            "",
            "a.example",
            "/v1",
            "ftp://a.example",
            "https://u:p@a.example",
            "https://",
            "https://a.example/?x=1",
            "https://a.example/#f",
            "https://a.example/../x",
            "https://a.example//x",
            "https://a.example/%2e%2e",
            "https://a.example/./x",
        ] {
            assert!(bad.parse::<UpstreamUrl>().is_err(), "{bad:?} was taken");
        }
        let url: UpstreamUrl = "http://[::1]:8000/v1".parse().unwrap();
        assert_eq!((url.host(), url.port(), url.is_https()), ("::1", 8000, false));
    }
}
