//! A server over HTTP, spoken to like one over standard input and output: each line that comes goes there in a request,
//! and each message that it answers with, alone or in a stream of events, is a line.
//!
//! Nothing is decided here: [`crate::Between`] stands before it.
//!
//! Source: Model Context Protocol, revision 2025-06-18, "Streamable HTTP"; WHATWG HTML, "Server-sent events".

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use palisade_tls::Roots;
use rustls::{ClientConfig, pki_types::ServerName};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{Lines, MOST_BYTES};

/// For a connection, and then for the head of an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// For the head of an answer to a call of a tool, which may work as long before it says anything.
const CALL: Duration = Duration::from_secs(15 * 60);
/// For what is under way when the client has gone.
const LAST: Duration = Duration::from_secs(5);
/// Requests at one time; more wait.
const MOST_AT_ONCE: usize = 32;
/// The header field that names a session.
const SESSION: &str = "mcp-session-id";
/// Of errors that are left to servers.
const UNREACHABLE: i64 = -32000;

/// Where a server is.
#[derive(Debug, Clone)]
pub struct Remote {
    url: Uri,
    headers: HeaderMap,
    tls: Arc<ClientConfig>,
}

/// Why a server cannot be spoken to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// It is no URL of a server.
    #[error("`{0}` is no URL of a server: write https://…, or http://… at a loopback address")]
    Url(String),
    /// A header field cannot be sent.
    #[error("`{0}` is no header field")]
    Header(String),
    /// The operator's certificates cannot be read.
    #[error("no certificate store: {0}")]
    Tls(String),
    /// No threads.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Remote {
    /// At this URL, with these header fields on each request.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn new(url: &str, headers: &[(String, String)]) -> Result<Self, RemoteError> {
        let wrong = || RemoteError::Url(crate::message::shown(url));
        let parsed: Uri = url.parse().map_err(|_| wrong())?;
        let host = parsed.host().unwrap_or_default().trim_matches(['[', ']']);
        let loopback = host == "localhost"
            || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        match parsed.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if loopback => {}
            _ => return Err(wrong()),
        }
        let mut fields = HeaderMap::new();
        for (name, value) in headers {
            let wrong = || RemoteError::Header(crate::message::shown(name));
            let field: http::HeaderName = name.parse().map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            fields.insert(field, value);
        }
        let tls = Roots::of_operator().client_config(&[b"http/1.1"]);
        let tls = tls.map_err(|error| RemoteError::Tls(error.to_string()))?;
        Ok(Self { url: parsed, headers: fields, tls: Arc::new(tls) })
    }

    /// Speak to it until standard input ends.
    ///
    /// # Errors
    /// There are no threads.
    pub fn bridge(self) -> Result<(), RemoteError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (send, lines) = mpsc::channel::<Vec<u8>>(64);
        thread::Builder::new().name("input".into()).spawn(move || {
            let mut input = Lines::new(io::stdin());
            while let Ok(Some(line)) = input.next_line() {
                if send.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
        let spoken = Arc::new(Spoken {
            remote: self,
            session: Mutex::default(),
            turns: Semaphore::new(MOST_AT_ONCE),
        });
        runtime.block_on(spoken.speak(lines));
        // A read of standard input may never end.
        runtime.shutdown_background();
        Ok(())
    }
}

/// A talk with a server.
#[derive(Debug)]
struct Spoken {
    remote: Remote,
    /// What it calls the session, and the revision that was agreed on.
    session: Mutex<(Option<HeaderValue>, Option<HeaderValue>)>,
    turns: Semaphore,
}

impl Spoken {
    async fn speak(self: Arc<Self>, mut lines: mpsc::Receiver<Vec<u8>>) {
        let mut tasks = JoinSet::new();
        let mut listening = None;
        while let Some(line) = lines.recv().await {
            while tasks.try_join_next().is_some() {}
            let method = method(&line);
            match method.as_deref() {
                // All that follows has the session that its answer names.
                Some("initialize" | "notifications/initialized") => self.say(line).await,
                _ => drop(tasks.spawn(Arc::clone(&self).said(line))),
            }
            if method.as_deref() == Some("notifications/initialized") && listening.is_none() {
                listening = Some(tokio::spawn(Arc::clone(&self).listen()));
            }
        }
        if let Some(listening) = listening {
            listening.abort();
        }
        let rest = async { while tasks.join_next().await.is_some() {} };
        timeout(LAST, rest).await.unwrap_or_default();
        if self.session.lock().unwrap_or_else(PoisonError::into_inner).0.is_some() {
            let bye = self.asked(Method::DELETE, Bytes::new(), PATIENCE);
            timeout(LAST, bye).await.map(drop).unwrap_or_default();
        }
    }

    async fn said(self: Arc<Self>, line: Vec<u8>) {
        if let Ok(_turn) = self.turns.acquire().await {
            self.say(line).await;
        }
    }

    /// Send a message, and hand on what is answered.
    async fn say(&self, line: Vec<u8>) {
        let patience = if method(&line).as_deref() == Some("tools/call") { CALL } else { PATIENCE };
        let (id, line) = (id(&line), Bytes::from(line));
        let answered = match self.asked(Method::POST, line, patience).await {
            Ok(answer) => self.read(answer, id.as_ref()).await,
            Err(why) => Err(why),
        };
        if let (Err(why), Some(id)) = (answered, id) {
            let message = format!("the server at a distance: {why}");
            let error = json!({"code": UNREACHABLE, "message": message});
            hand_on(json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string().as_bytes());
        }
    }

    /// What it says by itself, if it does.
    async fn listen(self: Arc<Self>) {
        if let Ok(answer) = self.asked(Method::GET, Bytes::new(), PATIENCE).await
            && answer.status() == StatusCode::OK
        {
            self.read(answer, None).await.unwrap_or_default();
        }
    }

    /// Send a request, and wait so long for the head of its answer.
    async fn asked(
        &self,
        method: Method,
        body: Bytes,
        patience: Duration,
    ) -> Result<Response<Incoming>, String> {
        let target = self.remote.url.path_and_query().map_or("/", |target| target.as_str());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().map_err(|_| "its URL has no path")?;
        let authority = self.remote.url.authority().map_or("", |authority| authority.as_str());
        let fields = request.headers_mut();
        fields.extend(self.remote.headers.clone());
        let host = HeaderValue::from_str(authority).map_err(|_| "its URL has no host")?;
        fields.insert(header::HOST, host);
        let accepts = HeaderValue::from_static("application/json, text/event-stream");
        fields.insert(header::ACCEPT, accepts);
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        {
            let (session, revision) = &*self.session.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = session {
                fields.insert(SESSION, session.clone());
            }
            if let Some(revision) = revision {
                fields.insert("mcp-protocol-version", revision.clone());
            }
        }
        let stream = timeout(PATIENCE, self.connected())
            .await
            .map_err(|_| "it does not take the connection".to_owned())??;
        let broke = |error: hyper::Error| format!("it broke off: {error}");
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broke)?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        let answer = timeout(patience, sender.send_request(request)).await;
        answer
            .map_err(|_| format!("it does not answer within {} s", patience.as_secs()))?
            .map_err(broke)
    }

    async fn connected(&self) -> Result<Box<dyn Stream>, String> {
        let url = &self.remote.url;
        let secure = url.scheme_str() == Some("https");
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        // A request's head and body are two writes.
        stream.set_nodelay(true).ok();
        if !secure {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host).map_err(|_| "its name is none for TLS".to_owned())?;
        let connector = TlsConnector::from(Arc::clone(&self.remote.tls));
        let stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
        Ok(Box::new(stream))
    }

    /// Hand on each message of an answer. `asked`: the request that one of them has to answer.
    async fn read(&self, answer: Response<Incoming>, asked: Option<&Value>) -> Result<(), String> {
        let status = answer.status();
        let wanted = asked.is_some();
        if status == StatusCode::ACCEPTED || (status == StatusCode::NO_CONTENT && !wanted) {
            return if wanted {
                Err(format!("it answers {status} and nothing else"))
            } else {
                Ok(())
            };
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(sign_in(status, answer.headers()));
        }
        if status != StatusCode::OK {
            // Where it would lead to, nobody was asked about.
            return Err(format!("it answers {status}"));
        }
        if let Some(session) = answer.headers().get(SESSION) {
            let mut known = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            known.0.get_or_insert_with(|| session.clone());
        }
        let kind = answer.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut events = match kind.as_str() {
            "text/event-stream" => Some(Events::default()),
            "application/json" => None,
            _ => return Err("its answer is neither JSON nor a stream of events".to_owned()),
        };
        let (mut body, mut whole) = (answer.into_body(), Vec::new());
        let mut is_answered = !wanted;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|error| format!("it broke off: {error}"))?.into_data()
            else {
                continue;
            };
            match &mut events {
                Some(events) => {
                    for message in events.take(&data)? {
                        is_answered |= answers(&message, asked);
                        self.heard(&message);
                    }
                }
                None if whole.len().saturating_add(data.len()) > MOST_BYTES => {
                    return Err(format!("a message is longer than {MOST_BYTES} bytes"));
                }
                None => whole.extend_from_slice(&data),
            }
        }
        if events.is_none() && !whole.is_empty() {
            is_answered |= answers(&whole, asked);
            self.heard(&whole);
        }
        // Who waits for it would wait for ever. If it was there and could not be read, that was told.
        if is_answered { Ok(()) } else { Err("its answer ended and had none in it".to_owned()) }
    }

    fn heard(&self, message: &[u8]) {
        if let Some(revision) = revision(message) {
            let mut known = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            known.1.get_or_insert(revision);
        }
        hand_on(message);
    }
}

/// What a server that wants a sign-in says of it. Nobody signs in here: to its client this is a server over standard
/// input and output, which has its keys from its surroundings.
///
/// Source: Model Context Protocol, revision 2025-06-18, "Authorization"; RFC 9728, section 5.1.
fn sign_in(status: StatusCode, headers: &HeaderMap) -> String {
    let wants = headers.get_all(header::WWW_AUTHENTICATE).iter();
    let wants: Vec<&str> = wants.filter_map(|wants| wants.to_str().ok()).collect();
    let wants = wants.join(", ");
    let value = |name: &str| {
        let rest = wants.split_once(&format!("{name}=\""))?.1;
        rest.split_once('"').map(|(value, _)| crate::message::shown(value))
    };
    let mut why = format!("it answers {status}");
    if let Some(error) = value("error") {
        why.push_str(&format!(" ({error})"));
    }
    why.push_str(
        "; nobody signs in (OAuth) here: give it a token with --header authorization=VARIABLE",
    );
    if let Some(scope) = value("scope") {
        why.push_str(&format!(", of the scope `{scope}`"));
    }
    if let Some(place) = value("resource_metadata") {
        why.push_str(&format!("; it says that {place} names who gives one"));
    }
    why
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A message as a line. Between the parts of JSON a line's end is a blank, and within them there is none.
fn hand_on(message: &[u8]) {
    let mut line = message.to_vec();
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line.push(b'\n');
    let mut out = io::stdout().lock();
    // Who reads no more has ended, and input ends then.
    out.write_all(&line).and_then(|()| out.flush()).unwrap_or_default();
}

fn field(line: &[u8], name: &str) -> Option<Value> {
    let mut whole: Value = serde_json::from_slice(line).ok()?;
    whole.get_mut(name).map(Value::take)
}

fn method(line: &[u8]) -> Option<String> {
    field(line, "method")?.as_str().map(str::to_owned)
}

/// Whether a message is the answer to this request.
fn answers(message: &[u8], asked: Option<&Value>) -> bool {
    asked.is_some() && method(message).is_none() && field(message, "id").as_ref() == asked
}

/// Of a request, which waits for an answer.
fn id(line: &[u8]) -> Option<Value> {
    method(line)?;
    field(line, "id")
}

/// The revision that a greeting's answer agrees on.
fn revision(message: &[u8]) -> Option<HeaderValue> {
    let result = field(message, "result")?;
    HeaderValue::from_str(result.get("protocolVersion")?.as_str()?).ok()
}

/// The messages in a stream of events.
#[derive(Debug, Default)]
struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    any: bool,
    /// The last line ended with a carriage return, behind which a line feed is part of that end.
    returned: bool,
    begun: bool,
}

impl Events {
    /// The messages that are whole with these bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let mut found = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if std::mem::take(&mut self.returned) => {}
                b'\n' | b'\r' => {
                    self.returned = *byte == b'\r';
                    found.extend(self.ended());
                }
                _ => {
                    self.returned = false;
                    if self.line.len() + self.data.len() >= MOST_BYTES {
                        return Err(format!("a message is longer than {MOST_BYTES} bytes"));
                    }
                    self.line.push(*byte);
                }
            }
        }
        Ok(found)
    }

    fn ended(&mut self) -> Option<Vec<u8>> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return (std::mem::take(&mut self.any) && !data.is_empty()).then_some(data);
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(at) => (line.get(..at)?, line.get(at + 1..)?),
            None => (line.as_slice(), &b""[..]),
        };
        if name == b"data" {
            if std::mem::replace(&mut self.any, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages(parts: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        let all = parts.iter().flat_map(|part| events.take(part).unwrap());
        all.map(|message| String::from_utf8_lossy(&message).into_owned()).collect()
    }

    #[test]
    fn reads_events_as_the_standard_says() {
        let stream: &[u8] = b"\xef\xbb\xbf: said\nevent: message\ndata: {\"a\":1}\n\ndata:{\r\ndata: }\r\n\r\nid: 1\n\ndata\n\ndata: cut";
        assert_eq!(messages(&[stream]), ["{\"a\":1}", "{\n}"]);
        assert_eq!(messages(&[b"data: a\r", b"\n\r", b"\ndata: b\r\r"]), ["a", "b"]);
        assert!(Events::default().take(&vec![b'x'; MOST_BYTES + 1]).is_err());
    }

    #[test]
    fn a_server_that_wants_a_sign_in_is_not_only_a_number() {
        let of = |wants: &'static str| {
            let field = (header::WWW_AUTHENTICATE, HeaderValue::from_static(wants));
            sign_in(StatusCode::UNAUTHORIZED, &HeaderMap::from_iter([field]))
        };
        let said = of(
            r#"Bearer error="invalid_token", scope="files:read", resource_metadata="https://a.example/.well-known/oauth-protected-resource""#,
        );
        for part in
            ["401", "invalid_token", "--header", "files:read", "https://a.example/.well-known/"]
        {
            assert!(said.contains(part), "{said}");
        }
        assert!(of("Basic").contains("--header"));
        assert!(of("Bearer scope=\"a").contains("--header"));
    }

    #[test]
    fn only_loopback_is_spoken_to_in_clear() {
        for good in
            ["https://a.example/mcp", "http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/"]
        {
            assert!(Remote::new(good, &[]).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/mcp",
            "ftp://127.0.0.1/",
            "file:///x",
            "",
            "a.example",
            "http://127.0.0.1.example/",
        ] {
            assert!(matches!(Remote::new(bad, &[]), Err(RemoteError::Url(_))), "{bad}");
        }
        let header = |name: &str, value: &str| {
            Remote::new("https://a.example/", &[(name.into(), value.into())])
        };
        assert!(header("authorization", "Bearer x").is_ok());
        assert!(header("a b", "x").is_err() && header("a", "x\r\ny: z").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn where_it_is_cut_does_not_matter(text in "[data: {}\\r\\n\\x00x]{0,80}", at in 0..80_usize) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            prop_assert_eq!(messages(&[bytes]), messages(&[&bytes[..at], &bytes[at..]]));
        }
    }
}
