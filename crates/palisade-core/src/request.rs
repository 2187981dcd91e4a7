use std::{fmt, net::SocketAddr};

use crate::{Caller, HostName, shown};

/// Characters of a path that a subject shows.
const MOST_SHOWN: usize = 200;

/// An HTTP request that leaves the sandbox, as the egress proxy read it from a client inside.
///
/// # What the proxy guarantees
/// Whoever makes one of these has checked, and refuses by itself where it does not hold:
/// - `host` and `port` are those of the connection: the name that the client resolved and the port
///   that it dialled. The TLS server name, each `Host` field, HTTP/2's `:authority` and the
///   authority of an absolute-form target, as far as they are there, all name `host` (and `port`
///   where they name one). One `Host` field at most; none only in HTTP/2 with `:authority`.
/// - The message is framed in one way only (RFC 9112, section 6): no `Content-Length` with
///   `Transfer-Encoding`, no two lengths that differ, no folded lines, no bare line feeds, no NUL.
/// - `method`, `path`, `query` and `headers` are what is sent to the server afterwards, byte for byte,
///   except for hop-by-hop fields and credentials put in place of placeholders. What was
///   decided on is what goes out. A path is never tidied on the way.
/// - A target in absolute form is split as an origin-form one is: the path begins at the first `/`
///   behind the authority, and is `/` if there is none. `OPTIONS *` has the path `*`.
/// - `CONNECT` inside a connection is none of these: it is a new [`crate::Action::Connect`], or refused.
/// - A fragment (`#`) in a target is refused.
/// - HTTP/2's pseudo-headers are not among `headers`; `Cookie` crumbs are one field each as they came.
/// - Each request of a connection is decided, each stream of HTTP/2 as well. An upgrade (WebSocket) is
///   one request; what follows the 101 is not looked into.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The name of the server.
    pub host: HostName,
    /// The port of the connection.
    pub port: u16,
    /// Whether the client spoke TLS, which the proxy ended, and the server is spoken to over TLS,
    /// with its certificate verified for `host`.
    pub tls: bool,
    /// The address about to be sent to; `None` while there is no connection to a server yet.
    pub address: Option<SocketAddr>,
    /// The method, as the client wrote it: methods have capitals (RFC 9110, section 9.1).
    pub method: String,
    /// The path as the client sent it: not decoded, not normalised, without the query.
    pub path: Vec<u8>,
    /// The query as the client sent it, without its `?`. `None` if the target has no `?`.
    pub query: Option<Vec<u8>>,
    /// All header fields in the order they came, names in lower case, values without the white
    /// space around. Still with placeholders and not with secrets.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What is known of the body.
    pub body: Body,
    /// Who made the connection that it came on.
    pub caller: Caller,
}

/// What is known of a request's body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Body {
    /// Nobody has looked.
    #[default]
    Unread,
    /// It was read whole, and says this.
    Read(BodyFacts),
    /// It cannot be relied on: over the bound, cut short, compressed, or something that two parsers
    /// may read differently. The text says what.
    Refused(String),
}

/// What a body asks for, in each of the ways that a server may read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BodyFacts {
    /// The JSON-RPC messages (JSON-RPC 2.0, and MCP on top of it): one, or those of a batch.
    /// `None` if it is not JSON-RPC.
    pub rpc: Option<Vec<RpcMessage>>,
    /// The GraphQL operations of the document, also of one that is in the query of the target; none of
    /// them if it cannot be told what is asked (a stored document, one with an error). `None` if it
    /// is not GraphQL.
    pub graphql: Option<Vec<GraphqlOperation>>,
}

/// A message of JSON-RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcMessage {
    /// The method; `None` for an answer to the server.
    pub method: Option<String>,
    /// The tool, where the method is MCP's `tools/call`.
    pub tool: Option<String>,
}

/// An operation of a GraphQL document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphqlOperation {
    /// What it is.
    pub kind: GraphqlKind,
    /// The name that the client gave to it, if any. The client is free in this.
    pub name: Option<String>,
    /// The fields of the root that it selects, by their real names and not their aliases.
    pub fields: Vec<String>,
}

/// What a GraphQL operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphqlKind {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Reads on and on.
    Subscription,
}

impl GraphqlKind {
    /// The keyword of the language.
    pub fn as_str(self) -> &'static str {
        match self {
            GraphqlKind::Query => "query",
            GraphqlKind::Mutation => "mutation",
            GraphqlKind::Subscription => "subscription",
        }
    }
}

impl Request {
    /// `GET https://host/path`, escaped and cut for the record. The query is left out: it may hold
    /// a secret.
    pub fn subject(&self) -> String {
        self.told(20, MOST_SHOWN)
    }

    /// The same with so many characters of the method and the path.
    pub(crate) fn told(&self, method: usize, path: usize) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let default = if self.tls { 443 } else { 80 };
        let port = if self.port == default { String::new() } else { format!(":{}", self.port) };
        let query = if self.query.is_some() { "?…" } else { "" };
        format!(
            "{} {scheme}://{}{port}{}{query}",
            shown(&self.method, method),
            self.host,
            shown(&String::from_utf8_lossy(&self.path), path)
        )
    }

    /// The values of a field, in the order they came. `name` in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.headers.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| value.as_slice())
    }
}

/// Without values of fields and without the query: both may hold a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("subject", &self.subject())
            .field("address", &self.address)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &[u8], query: Option<&[u8]>) -> Request {
        Request {
            host: "api.example.com".parse().unwrap(),
            port: 443,
            tls: true,
            address: None,
            method: "GET".into(),
            path: path.to_vec(),
            query: query.map(<[u8]>::to_vec),
            headers: vec![("authorization".into(), b"Bearer hidden".to_vec())],
            body: Body::Unread,
            caller: Caller::Unasked,
        }
    }

    #[test]
    fn a_subject_is_one_line_without_secrets() {
        let subject = request(b"/a\x1b[2J\n\xff", Some(b"key=hidden")).subject();
        assert_eq!(subject, "GET https://api.example.com/a\\u{1b}[2J\\n\u{fffd}?…");
        let long = request(&[b'x'; 5000], None);
        assert!(long.subject().len() < 300);
        assert!(!format!("{:?}", request(b"/", Some(b"key=hidden"))).contains("hidden"));
    }

    #[test]
    fn a_subject_names_the_port_where_it_is_another_one() {
        let mut request = request(b"/", None);
        request.tls = false;
        assert_eq!(request.subject(), "GET http://api.example.com:443/");
        request.port = 80;
        assert_eq!(request.subject(), "GET http://api.example.com/");
    }
}
