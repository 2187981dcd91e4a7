use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header, request,
    uri::{Authority, PathAndQuery, Scheme},
};
use palisade_core::{HostName, one_variable};

use crate::request_head::is_here;

/// Whom the requests of a connection have to be for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim<'a> {
    /// The name that was resolved.
    pub(crate) host: &'a HostName,
    /// The port that was dialled.
    pub(crate) port: u16,
    /// Whether the client speaks TLS.
    pub(crate) secure: bool,
}

impl Aim<'_> {
    /// Give the head's target its absolute form, with one authority that is also the `Host`. The path and
    /// the query stay as they are.
    ///
    /// # Errors
    /// It is for somebody else, or cannot be read in one way only.
    pub(crate) fn take(self, head: &mut request::Parts) -> Result<(), String> {
        if head.method == Method::CONNECT {
            return Err(self.but("a CONNECT to somewhere else"));
        }
        let scheme = if self.secure { Scheme::HTTPS } else { Scheme::HTTP };
        if let Some(said) = head.uri.scheme().filter(|said| **said != scheme) {
            return Err(self.but(&format!("for the scheme {}", shown(said.as_str().as_bytes()))));
        }
        let with_port = self.with_port(head)?;
        let path = whole_path(head.uri.path_and_query())?;
        if path == "*" && head.method != Method::OPTIONS {
            return Err("its target is `*`, which is for OPTIONS alone".to_owned());
        }
        if !path.as_str().bytes().all(is_plain) {
            return Err("its target has a character that has to be escaped".to_owned());
        }
        let authority =
            if with_port { format!("{}:{}", self.host, self.port) } else { self.host.to_string() };
        if head.version <= Version::HTTP_11 || head.headers.contains_key(header::HOST) {
            let host = HeaderValue::from_str(&authority).map_err(|error| error.to_string())?;
            head.headers.insert(header::HOST, host);
        }
        self.drop_other_hosts(&mut head.headers);
        let authority: Authority =
            authority.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
        let mut parts = http::uri::Parts::default();
        (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
        parts.path_and_query = Some(path);
        head.uri = Uri::from_parts(parts).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Whether the client names the port. Wherever it names an authority, that has to be ours.
    fn with_port(self, head: &request::Parts) -> Result<bool, String> {
        let hosts = head.headers.get_all(header::HOST);
        if hosts.iter().count() > 1 {
            return Err(self.but("for more than one Host"));
        }
        let hosts = hosts.iter().map(HeaderValue::as_bytes);
        let in_target = head.uri.authority().map(|authority| authority.as_str().as_bytes());
        let mut with_port = None;
        for authority in hosts.chain(in_target) {
            let text = std::str::from_utf8(authority).unwrap_or_default();
            if !is_here(text, self.host, self.port) {
                return Err(self.but(&format!("for {}", shown(authority))));
            }
            with_port = Some(text.contains(':'));
        }
        with_port.ok_or_else(|| self.but("for nobody"))
    }

    /// Some servers, and more of those that stand before them, take these for the `Host`. A client behind another proxy
    /// may well have one that is of that, so the request goes on without it.
    fn drop_other_hosts(self, headers: &mut HeaderMap) {
        let named: Vec<HeaderName> =
            headers.keys().filter(|name| is_of_host(name)).cloned().collect();
        for name in named {
            let here = |value: &HeaderValue| {
                let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
                is_here(text.trim(), self.host, self.port)
            };
            if !headers.get_all(&name).iter().all(here) {
                headers.remove(name);
            }
        }
    }

    fn but(self, what: &str) -> String {
        format!("the connection is to {}:{}, but its HTTP request is {what}", self.host, self.port)
    }
}

/// Fields that are taken for the `Host`, or tell of it.
const OF_HOST: &[&str] = &[
    "forwarded",
    "x-envoy-original-dst-host",
    "x-envoy-original-host",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-host",
    "x-http-host-override",
    "x-original-host",
];

fn is_of_host(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    OF_HOST.iter().any(|known| one_variable(name, known.as_bytes()))
}

/// The path and the query, as they are decided on and sent. HTTP/2 knows a fragment, which is left out, and may leave
/// nothing before it, or a query alone: as it is, that would be no target of HTTP/1 (RFC 9112, section 3.2.1).
fn whole_path(said: Option<&PathAndQuery>) -> Result<PathAndQuery, String> {
    match said {
        // An empty one calls itself so too, and is nothing when it is sent.
        Some(path) if path == "/" => Ok(PathAndQuery::from_static("/")),
        Some(path) if path.as_str().starts_with('/') || path == "*" => Ok(path.clone()),
        Some(query) => format!("/{}", query.as_str())
            .parse()
            .map_err(|error: http::uri::InvalidUri| error.to_string()),
        None => Ok(PathAndQuery::from_static("/")),
    }
}

/// What stands in a target as it is. HTTP/1 is held to the same before ([`super::head`]).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>')
}

/// Escaped and cut for the record.
fn shown(text: &[u8]) -> String {
    text.escape_ascii().take(100).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn take(target: &str, hosts: &[&str], version: Version) -> Result<(String, String), String> {
        let mut request = Request::get(target).version(version);
        for host in hosts {
            request = request.header("host", *host);
        }
        let mut head = request.body(()).unwrap().into_parts().0;
        let host = "a.example".parse().unwrap();
        Aim { host: &host, port: 443, secure: true }.take(&mut head)?;
        let host = head.headers.get("host").map(|it| it.to_str().unwrap().to_owned());
        Ok((head.uri.to_string(), host.unwrap_or_default()))
    }

    #[test]
    fn one_authority_is_left() {
        let (h1, h2) = (Version::HTTP_11, Version::HTTP_2);
        for (target, hosts, version, uri, host) in [
            ("/x?", vec!["a.example"], h1, "https://a.example/x?", "a.example"),
            ("/", vec!["A.EXAMPLE.:443"], h1, "https://a.example:443/", "a.example:443"),
            ("https://a.example/x", vec!["a.example"], h1, "https://a.example/x", "a.example"),
            ("https://a.example/%2e/", vec![], h2, "https://a.example/%2e/", ""),
            (
                "https://a.example:443//",
                vec!["a.example:443"],
                h2,
                "https://a.example:443//",
                "a.example:443",
            ),
        ] {
            let expected = (uri.to_owned(), host.to_owned());
            assert_eq!(take(target, &hosts, version), Ok(expected), "{target} {hosts:?}");
        }
    }

    /// What stands before a fragment of HTTP/2 may be nothing.
    #[test]
    fn a_path_is_whole() {
        let host = "a.example".parse().unwrap();
        let aim = Aim { host: &host, port: 443, secure: true };
        let taken = |method: Method, path: &str| {
            let mut parts = http::uri::Parts::default();
            parts.scheme = Some(Scheme::HTTPS);
            parts.authority = Some("a.example".parse().unwrap());
            parts.path_and_query = Some(path.parse().unwrap());
            let request = Request::builder().version(Version::HTTP_2).method(method);
            let request = request.uri(Uri::from_parts(parts).unwrap());
            let mut head = request.body(()).unwrap().into_parts().0;
            aim.take(&mut head)?;
            // As it is sent to a server of HTTP/1.
            Ok::<_, String>(Uri::from(head.uri.path_and_query().unwrap().clone()).to_string())
        };
        for (path, whole) in [
            ("/x?y", "/x?y"),
            ("#", "/"),
            ("?x", "/?x"),
            ("?", "/?"),
            ("?x#/y", "/?x"),
            ("/#", "/"),
        ] {
            assert_eq!(taken(Method::GET, path).as_deref(), Ok(whole), "{path}");
        }
        assert_eq!(taken(Method::OPTIONS, "*").as_deref(), Ok("*"));
        taken(Method::GET, "*").unwrap_err();
    }

    #[test]
    fn what_a_server_may_take_for_the_host_does_not_name_another() {
        let host = "a.example".parse().unwrap();
        let aim = Aim { host: &host, port: 443, secure: true };
        for (name, value, stays) in [
            ("x-forwarded-host", "b.example", false),
            ("X-Forwarded_Host", "b.example", false),
            ("x.forwarded.host", "b.example", false),
            ("x-forwarded-host", "a.example, b.example", false),
            ("x-forwarded-host", "A.example:443", true),
            ("x-forwarded-host", "a.example:80", false),
            ("x-original-host", "b.example", false),
            ("x-envoy-original-dst-host", "10.0.0.1:80", false),
            ("forwarded", "for=1.2.3.4;host=b.example", false),
            ("x-host", "", false),
            ("x-forwarded-for", "b.example", true),
        ] {
            let request = Request::get("/").header("host", "a.example").header(name, value);
            let mut head = request.body(()).unwrap().into_parts().0;
            aim.take(&mut head).unwrap();
            assert_eq!(head.headers.contains_key(name), stays, "{name}: {value}");
        }
    }

    #[test]
    fn who_asks_for_another_or_for_two_is_refused() {
        let (h1, h2) = (Version::HTTP_11, Version::HTTP_2);
        for (target, hosts, version) in [
            ("/", vec![], h1),
            ("/", vec![""], h1),
            ("/", vec!["b.example"], h1),
            ("/", vec!["a.example", "a.example"], h1),
            ("/", vec!["a.example, a.example"], h1),
            ("/", vec!["a.example:"], h1),
            ("/", vec!["a.example:80"], h1),
            ("/", vec!["x@a.example"], h1),
            ("/", vec!["\u{e4}.example"], h1),
            ("http://a.example/", vec!["a.example"], h1),
            ("https://b.example/", vec!["a.example"], h1),
            ("https://b.example/", vec![], h2),
            ("https://a.example/", vec!["b.example"], h2),
            ("https://a.example/\\", vec![], h2),
            ("https://a.example/\"", vec![], h2),
        ] {
            assert!(take(target, &hosts, version).is_err(), "{target} {hosts:?}");
        }
    }
}
