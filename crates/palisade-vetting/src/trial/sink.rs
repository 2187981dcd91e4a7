//! The network of a trial: a proxy that every connection is led to, which plays all servers and reaches none.

use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use palisade_core::HostName;
use palisade_egress::SandboxCa;
use palisade_tls::crypto_provider;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::canary::Canaries;

/// Bytes of a head, and of a body.
const MOST_HEAD: usize = 64 * 1024;
const MOST_BODY: usize = 4 << 20;
/// Connections at a time, and requests that are kept.
const MOST_AT_ONCE: usize = 64;
const MOST_KEPT: usize = 2000;
/// How long a client may say nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// One request, or the first bytes of something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) port: u16,
    /// Empty where it was no HTTP.
    pub(super) method: String,
    /// Without its query.
    pub(super) path: String,
    /// Bytes of the body.
    pub(super) sent: usize,
    /// The decoys of which a piece was in it.
    pub(super) decoys: BTreeSet<String>,
    /// Whether the answer could be executed.
    pub(super) runs: bool,
}

#[derive(Debug)]
pub(super) struct Sink {
    pub(super) port: u16,
    pub(super) authority: Arc<SandboxCa>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

struct Server {
    authority: Arc<SandboxCa>,
    canaries: Arc<Canaries>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// The name of a file that what it answers makes in the home, if it is executed.
    mark: String,
    open: AtomicUsize,
}

impl Sink {
    pub(super) fn start(canaries: Arc<Canaries>, mark: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let authority = Arc::new(SandboxCa::new("trial").map_err(io::Error::other)?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Arc::new(Server {
            authority: Arc::clone(&authority),
            canaries,
            asked: Arc::clone(&asked),
            mark: mark.to_owned(),
            open: AtomicUsize::new(0),
        });
        // Both end with this process.
        thread::Builder::new().spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                if server.open.fetch_add(1, Ordering::Relaxed) >= MOST_AT_ONCE {
                    server.open.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let beside = Arc::clone(&server);
                let thread = thread::Builder::new().spawn(move || {
                    // A client that breaks off is its own matter.
                    beside.connection(stream).unwrap_or_default();
                    beside.open.fetch_sub(1, Ordering::Relaxed);
                });
                if thread.is_err() {
                    server.open.fetch_sub(1, Ordering::Relaxed);
                }
            }
        })?;
        Ok(Self { port, authority, asked })
    }

    /// What was asked since the last look.
    pub(super) fn taken(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Server {
    fn connection(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (head, _) = head(&mut stream, Vec::new())?;
        let text = String::from_utf8_lossy(&head).into_owned();
        let target = text.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
        let target = target.and_then(|target| target.rsplit_once(':'));
        let Some((host, Ok(port))) = target.map(|(host, port)| (host, port.parse())) else {
            return stream
                .write_all(b"HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\n\r\n");
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let mut first = [0];
        if stream.peek(&mut first)? == 0 {
            return Ok(());
        }
        if first == [0x16] {
            let config = ServerConfig::builder_with_provider(crypto_provider())
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(Leaves {
                    authority: Arc::clone(&self.authority),
                    host: host.clone(),
                }));
            let session = ServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
            let mut inside = StreamOwned::new(session, stream);
            self.requests(&mut inside, &host, port)?;
            inside.conn.send_close_notify();
            return inside.flush();
        }
        self.requests(&mut stream, &host, port)
    }

    fn requests(&self, stream: &mut (impl Read + Write), host: &str, port: u16) -> io::Result<()> {
        let mut rest = Vec::new();
        loop {
            let (head, more) = head(stream, rest)?;
            let mut headers = [httparse::EMPTY_HEADER; 128];
            let mut request = httparse::Request::new(&mut headers);
            let parsed = request.parse(&head);
            if !matches!(parsed, Ok(httparse::Status::Complete(_))) {
                self.keep(host, port, ("", ""), (&head, &more), false);
                return Ok(());
            }
            let method = request.method.unwrap_or_default().to_owned();
            let target = request.path.unwrap_or_default().to_owned();
            let header = |name: &str| {
                let found = request.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name));
                found.map(|it| String::from_utf8_lossy(it.value).to_ascii_lowercase())
            };
            let chunked = header("transfer-encoding").is_some_and(|it| it.contains("chunked"));
            let length = header("content-length").and_then(|it| it.trim().parse::<usize>().ok());
            let json = header("accept").is_some_and(|it| it.contains("json"));
            if header("expect").is_some() {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let (body, after) = body(stream, more, length, chunked)?;
            let path = target.split('?').next().unwrap_or_default();
            let (kind, answer) = self.answer(path, json);
            let runs = answer.contains(&self.mark);
            self.keep(host, port, (&method, path), (&head, &body), runs);
            let answer = if method == "HEAD" { String::new() } else { answer };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(answer.as_bytes())?;
            stream.flush()?;
            rest = after;
        }
    }

    /// What a server of this kind would say. What can be executed leaves a mark where it is.
    fn answer(&self, path: &str, json: bool) -> (&'static str, String) {
        let mark = &self.mark;
        let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("py") => (
                "text/x-python",
                format!(
                    "import os\nopen(os.path.join(os.environ.get('HOME', '.'), '{mark}'), 'w').close()\nprint('ok')\n"
                ),
            ),
            Some("js" | "mjs" | "cjs") => (
                "text/javascript",
                format!(
                    "require('fs').writeFileSync((process.env.HOME || '.') + '/{mark}', '');\nconsole.log('ok');\n"
                ),
            ),
            Some("rb") => ("text/x-ruby", format!("File.write(ENV['HOME'] + '/{mark}', '')\n")),
            Some("html" | "htm") => {
                ("text/html", "<!doctype html><title>ok</title><p>ok</p>\n".to_owned())
            }
            Some("json") => ("application/json", "{\"ok\":true,\"data\":[]}\n".to_owned()),
            _ if json || path.contains("/api/") || path.starts_with("/v") => (
                "application/json",
                "{\"ok\":true,\"status\":\"success\",\"data\":[]}\n".to_owned(),
            ),
            _ => ("text/plain", format!("#!/bin/sh\n: >\"$HOME/{mark}\"\necho ok\n")),
        }
    }

    fn keep(
        &self,
        host: &str,
        port: u16,
        (method, path): (&str, &str),
        (head, body): (&[u8], &[u8]),
        runs: bool,
    ) {
        let mut decoys: BTreeSet<String> =
            self.canaries.found_in(&unescaped(head)).into_iter().map(str::to_owned).collect();
        decoys.extend(self.canaries.found_in(body).into_iter().map(str::to_owned));
        decoys.extend(self.canaries.found_in(&unescaped(body)).into_iter().map(str::to_owned));
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever has a decoy in it is kept.
        if asked.len() < MOST_KEPT || (!decoys.is_empty() && asked.len() < 2 * MOST_KEPT) {
            asked.push(Asked {
                host: host.to_owned(),
                port,
                method: method.to_owned(),
                path: path.chars().take(1000).collect(),
                sent: body.len(),
                decoys,
                runs,
            });
        }
    }
}

/// A certificate for whatever name is asked for.
#[derive(Debug)]
struct Leaves {
    authority: Arc<SandboxCa>,
    host: String,
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or(&self.host);
        self.authority.leaf(&name.parse::<HostName>().ok()?).ok()
    }
}

/// The bytes up to the end of a head, and those behind.
fn head(stream: &mut impl Read, mut bytes: Vec<u8>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let behind = bytes.split_off(end + 4);
            return Ok((bytes, behind));
        }
        if bytes.len() > MOST_HEAD {
            return Ok((bytes, Vec::new()));
        }
        match stream.read(&mut chunk) {
            Ok(0) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            // It said something, and no head: that is looked at too.
            Ok(0) => return Ok((bytes, Vec::new())),
            Ok(read) => bytes.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(_) if !bytes.is_empty() => return Ok((bytes, Vec::new())),
            Err(error) => return Err(error),
        }
    }
}

/// The body, as it is on the wire, and what is behind it.
fn body(
    stream: &mut impl Read,
    mut bytes: Vec<u8>,
    length: Option<usize>,
    chunked: bool,
) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut chunk = [0; 16 * 1024];
    let end = |bytes: &[u8]| match (chunked, length) {
        (true, _) if bytes.starts_with(b"0\r\n\r\n") => Some(5),
        (true, _) => bytes.windows(7).position(|it| it == b"\r\n0\r\n\r\n").map(|at| at + 7),
        (false, length) => length.filter(|length| bytes.len() >= *length),
    };
    if !chunked && length.is_none() {
        return Ok((Vec::new(), bytes));
    }
    loop {
        if let Some(end) = end(&bytes) {
            let behind = bytes.split_off(end);
            return Ok((bytes, behind));
        }
        if bytes.len() > MOST_BODY {
            return Ok((bytes, Vec::new()));
        }
        match stream.read(&mut chunk)? {
            0 => return Ok((bytes, Vec::new())),
            read => bytes.extend_from_slice(chunk.get(..read).unwrap_or_default()),
        }
    }
}

/// With percent signs undone.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        let digits = more.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match digits.filter(|_| *first == b'%').and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            None => out.push(*first),
        }
    }
    out
}
