//! The operator's own proxy on the way out, where the policy names one.
//!
//! Connections are tunnelled through it by CONNECT (RFC 9110, section 9.3.6). What may be connected to is decided
//! as without it: a name is looked up here, each address is judged, and the tunnel is asked for to the very
//! address that was permitted. Only where the policy says that the proxy resolves is it asked for to the name, and
//! then no address is judged.
//!
//! # Trust
//! The proxy is the operator's. Its answers are bounded and read strictly all the same.

use std::{
    collections::BTreeSet,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ipnet::IpNet;
use palisade_core::{ExposeSecret, HostName, HostPattern};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use zeroize::Zeroizing;

use crate::{
    Lookup,
    credential::{Secret, SecretFeed},
    peeked::{self, end_of_head},
};

/// The longest head of an answer, in bytes.
const LONGEST: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;

/// Where the proxy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyHost {
    /// By its name, looked up for each connection.
    Name(HostName),
    /// At this address.
    Address(IpAddr),
}

/// Who is told to the proxy (RFC 7617).
pub struct Login {
    /// The user's name. Without one the secret is `user:password`.
    pub user: Option<String>,
    /// The password.
    pub password: Arc<dyn SecretFeed>,
}

/// The operator's proxy, and what goes past it.
pub struct OutboundProxy {
    /// Where it is.
    pub host: ProxyHost,
    /// Its port.
    pub port: u16,
    /// What opens it, if anything has to.
    pub login: Option<Login>,
    /// Names that are dialled without it.
    pub except_hosts: Vec<HostPattern>,
    /// Addresses that are dialled without it.
    pub except_networks: Vec<IpNet>,
    /// This machine's own addresses, which no other machine has. They are dialled without it, as loopback and
    /// link-local addresses are: there the proxy would reach its own machine, or its own neighbours.
    pub own: BTreeSet<IpAddr>,
    /// Whether the proxy is asked for names. Addresses are then not judged.
    pub resolves: bool,
    /// Finds the proxy itself.
    pub lookup: Arc<dyn Lookup>,
}

impl OutboundProxy {
    /// Whether this address is dialled without the proxy.
    pub(crate) fn is_past(&self, host: Option<&HostName>, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let local = match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
        };
        local
            || self.own.contains(&address)
            || self.except_networks.iter().any(|network| network.contains(&address))
            || host.is_some_and(|host| self.excepts(host))
    }

    /// Whether the proxy is to find this name. Names of this machine, and those that the operator gave
    /// addresses, are found here.
    pub(crate) fn finds(&self, host: &HostName, lookup: &dyn Lookup) -> bool {
        self.resolves
            && !self.excepts(host)
            && host.labels().next_back() != Some("localhost")
            && !lookup.is_fixed(host)
    }

    /// Whether this is the proxy itself, through which somebody inside could ask for anything.
    pub(crate) async fn is_at(
        &self,
        host: Option<&HostName>,
        address: Option<SocketAddr>,
        port: u16,
    ) -> bool {
        if port != self.port {
            return false;
        }
        if let (ProxyHost::Name(own), Some(host)) = (&self.host, host)
            && own == host
        {
            return true;
        }
        let Some(address) = address else { return false };
        // What cannot be told is taken for it.
        let own = self.addresses().await;
        own.map_or(true, |own| {
            own.iter().any(|own| own.to_canonical() == address.ip().to_canonical())
        })
    }

    /// A tunnel to this address.
    ///
    /// # Errors
    /// The proxy cannot be reached, refuses, or answers with something else.
    pub(crate) async fn to_address(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.tunnel(&address.to_string()).await
    }

    /// A tunnel to this name, which the proxy looks up.
    ///
    /// # Errors
    /// As for an address.
    pub(crate) async fn to_name(&self, host: &HostName, port: u16) -> io::Result<TcpStream> {
        self.tunnel(&format!("{host}:{port}")).await
    }

    /// A connection for something of the operator's own, such as a provider of models: where it leads is not
    /// judged. It is direct where other connections would be.
    ///
    /// # Errors
    /// As for an address.
    pub async fn open(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let name = host.parse::<HostName>().map_err(io::Error::other)?;
                if self.finds(&name, &*self.lookup) {
                    return self.to_name(&name, port).await;
                }
                if self.excepts(&name) {
                    return TcpStream::connect((host, port)).await;
                }
                self.lookup.addresses(&name).await?
            }
        };
        let mut last = failed("the name has no address");
        for address in addresses {
            let address = SocketAddr::new(address, port);
            let connected = if self.is_past(None, address.ip()) {
                TcpStream::connect(address).await
            } else {
                self.to_address(address).await
            };
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn excepts(&self, host: &HostName) -> bool {
        self.except_hosts.iter().any(|pattern| pattern.matches(host))
    }

    async fn addresses(&self) -> io::Result<Vec<IpAddr>> {
        match &self.host {
            ProxyHost::Address(address) => Ok(vec![*address]),
            ProxyHost::Name(name) => self.lookup.addresses(name).await,
        }
    }

    async fn tunnel(&self, authority: &str) -> io::Result<TcpStream> {
        let mut stream = self.dial().await?;
        let secret = match &self.login {
            Some(login) => Some((login, login.password.current().await.map_err(failed)?)),
            None => None,
        };
        let login = secret.as_ref().map(|(login, secret)| (*login, &**secret));
        stream.write_all(&request(authority, login)).await?;
        match answer(&stream).await? {
            200..=299 => Ok(stream),
            407 => {
                if let Some((login, secret)) = &secret {
                    login.password.refused(secret);
                    return Err(failed("the operator's proxy does not take the credential (407)"));
                }
                Err(failed(
                    "the operator's proxy asks for a credential (407); `network.upstream` names none",
                ))
            }
            status => Err(failed(format!("the operator's proxy refuses it ({status})"))),
        }
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        let unreachable = |error: io::Error| {
            io::Error::new(error.kind(), format!("the operator's proxy: {error}"))
        };
        let addresses = self.addresses().await.map_err(unreachable)?;
        let mut last = failed("the operator's proxy has no address");
        for address in addresses {
            match TcpStream::connect((address, self.port)).await {
                Ok(stream) => {
                    stream.set_nodelay(true).ok();
                    return Ok(stream);
                }
                Err(error) => last = unreachable(error),
            }
        }
        Err(last)
    }
}

impl fmt::Debug for OutboundProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundProxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("resolves", &self.resolves)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

fn failed(why: impl Into<String>) -> io::Error {
    io::Error::other(why.into())
}

fn request(authority: &str, login: Option<(&Login, &Secret)>) -> Zeroizing<Vec<u8>> {
    // Room for all of it: no copy of the secret is left behind by growing.
    let mut request = Zeroizing::new(Vec::with_capacity(LONGEST * 4));
    request.extend_from_slice(
        format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").as_bytes(),
    );
    if let Some((login, secret)) = login {
        let mut both = Zeroizing::new(Vec::with_capacity(LONGEST * 2));
        if let Some(user) = &login.user {
            both.extend_from_slice(user.as_bytes());
            both.push(b':');
        }
        both.extend_from_slice(secret.text().expose_secret().as_bytes());
        let coded = Zeroizing::new(STANDARD.encode(&*both));
        request.extend_from_slice(b"Proxy-Authorization: Basic ");
        request.extend_from_slice(coded.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// The status of an answer. Nothing behind its head is taken from the stream: that is the server's.
async fn answer(stream: &TcpStream) -> io::Result<u16> {
    let broke = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => failed("the operator's proxy broke off"),
        _ => error,
    };
    peeked::head(stream, |head, seen| match end_of_head(head, seen) {
        Some(end) => Some((end, status(head.get(..end).unwrap_or_default()))),
        None if head.len() >= LONGEST => {
            Some((head.len(), Err(failed("the operator's proxy answers with too long a head"))))
        }
        None => None,
    })
    .await
    .map_err(broke)?
}

fn status(head: &[u8]) -> io::Result<u16> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(head) {
        Ok(httparse::Status::Complete(_)) => {
            answer.code.ok_or_else(|| failed("the operator's proxy answers without a status"))
        }
        _ => Err(failed("the operator's proxy does not answer as an HTTP proxy does")),
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::SecretString;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_asks_is_told_as_the_standard_says() {
        let secret = Secret::new(SecretString::from("opensesame")).unwrap();
        let secret = Arc::new(secret);
        let login = |user: Option<&str>| Login {
            user: user.map(str::to_owned),
            password: Arc::new(Ok::<_, String>(Arc::clone(&secret))),
        };
        let text = |login: Option<(&Login, &Secret)>| {
            String::from_utf8(request("a.example:443", login).to_vec()).unwrap()
        };
        assert_eq!(text(None), "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
        let with = text(Some((&login(Some("Aladdin")), &secret)));
        assert!(with.ends_with("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuc2VzYW1l\r\n\r\n"));
        let without = text(Some((&login(None), &secret)));
        assert!(without.ends_with("\r\nProxy-Authorization: Basic b3BlbnNlc2FtZQ==\r\n\r\n"));
    }

    #[test]
    fn an_answer_ends_with_its_empty_line() {
        assert_eq!(end_of_head(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0", 0), Some(19));
        assert_eq!(end_of_head(b"HTTP/1.1 200 OK\r\n\r\n", 18), Some(19));
        assert_eq!(end_of_head(b"HTTP/1.1 200 OK\r\n\r", 0), None);
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n\r\n").unwrap(), 200);
        assert_eq!(status(b"HTTP/1.0 407 Who?\r\nX: y\r\n\r\n").unwrap(), 407);
        status(b"SSH-2.0-OpenSSH\r\n\r\n").unwrap_err();
        status(b"HTTP/1.1 abc\r\n\r\n").unwrap_err();
    }

    proptest! {
        #[test]
        fn no_answer_does_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = [b"HTTP/1.1 ".as_slice(), &bytes].concat();
            for head in [&bytes, &text] {
                if let Ok(status) = status(head) {
                    prop_assert!(status < 1000);
                }
                if let Some(end) = end_of_head(head, 0) {
                    prop_assert!(head[..end].ends_with(b"\r\n\r\n"));
                }
            }
        }
    }
}
