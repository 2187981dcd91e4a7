//! One file from a server: `https`, verified by the operator's roots, or `http` of this machine.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use palisade_tls::Roots;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::SourceError;

/// For all of it.
const WITHIN: Duration = Duration::from_secs(120);
/// How often a server may send elsewhere.
const MOST_STEPS: usize = 5;

/// Get it, at most so many bytes of it.
pub(super) fn get(url: &str, most: u64) -> Result<Vec<u8>, SourceError> {
    let failed = |why: String| SourceError::Http { url: palisade_core::shown(url, 300), why };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    let got = runtime.block_on(async { timeout(WITHIN, follow(url, most)).await });
    // A look-up that hangs must not keep us.
    runtime.shutdown_background();
    let got = got.unwrap_or_else(|_| Err(format!("it took longer than {} s", WITHIN.as_secs())));
    got.map_err(failed)
}

enum Answer {
    Whole(Vec<u8>),
    Elsewhere(String),
}

async fn follow(url: &str, most: u64) -> Result<Vec<u8>, String> {
    let mut url = url.to_owned();
    for _ in 0..MOST_STEPS {
        match ask(&url, most).await? {
            Answer::Whole(bytes) => return Ok(bytes),
            // From elsewhere nothing leads to this machine, in the clear.
            Answer::Elsewhere(to) if url.starts_with("https:") && !to.starts_with("https:") => {
                return Err("the server sends from `https` to what is none".to_owned());
            }
            Answer::Elsewhere(to) => url = to,
        }
    }
    Err("the server sends from one place to the next".to_owned())
}

async fn ask(url: &str, most: u64) -> Result<Answer, String> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
    let host = uri.host().ok_or("it has no host")?.trim_matches(['[', ']']).to_owned();
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") if is_this_machine(&host) => false,
        _ => return Err("only `https`, or `http` of this machine's loopback, is asked".to_owned()),
    };
    let authority = uri.authority().ok_or("it has no host")?;
    if authority.as_str().contains('@') {
        return Err("it has a user's name in it".to_owned());
    }
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let target = uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
    let text = |text: &str| HeaderValue::from_str(text).map_err(|_| "it is no URL".to_owned());
    let request = Request::get(target)
        .header(header::HOST, text(authority.as_str())?)
        .header(header::USER_AGENT, "palisade")
        .header(header::ACCEPT_ENCODING, "identity")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let stream =
        TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
    if !secure {
        return exchange(stream, request, &uri, most).await;
    }
    let name = ServerName::try_from(host).map_err(|_| "its name is none for TLS".to_owned())?;
    let config = Roots::of_operator().client_config(&[b"http/1.1"]);
    let config = Arc::new(config.map_err(|error| error.to_string())?);
    let stream = TlsConnector::from(config).connect(name, stream).await;
    exchange(stream.map_err(|error| error.to_string())?, request, &uri, most).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Empty<Bytes>>,
    from: &Uri,
    most: u64,
) -> Result<Answer, String> {
    let broke = |error: hyper::Error| format!("the server broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broke)?;
    let sending = async {
        let answer = sender.send_request(request).await.map_err(broke)?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            let to = to.ok_or("the server sends elsewhere and does not say where")?;
            return elsewhere(from, to).map(Answer::Elsewhere);
        }
        if status != StatusCode::OK {
            return Err(format!("the server says {status}"));
        }
        let mut incoming = answer.into_body();
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            if let Ok(data) = frame.map_err(broke)?.into_data() {
                body.extend_from_slice(&data);
                if u64::try_from(body.len()).unwrap_or(u64::MAX) > most {
                    return Err("what the server gives is too long".to_owned());
                }
            }
        }
        Ok(Answer::Whole(body))
    };
    tokio::pin!(sending, connection);
    tokio::select! {
        done = &mut sending => done,
        ended = &mut connection => {
            ended.map_err(broke)?;
            sending.await
        }
    }
}

/// Where a server sends: a whole URL, or a path of its own. From `https` never to `http`.
fn elsewhere(from: &Uri, to: &str) -> Result<String, String> {
    let scheme = from.scheme_str().unwrap_or_default();
    let to = match to.strip_prefix('/') {
        Some(path) if !path.starts_with('/') => {
            let authority = from.authority().map(|it| it.as_str()).unwrap_or_default();
            format!("{scheme}://{authority}{to}")
        }
        _ => to.to_owned(),
    };
    if scheme == "https" && !to.starts_with("https://") {
        return Err("the server sends from `https` to another protocol".to_owned());
    }
    Ok(to)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// A server that gives these answers, one a connection.
    fn serve(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut bytes = [0; 4096];
                assert!(stream.read(&mut bytes).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        at
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn what_is_there_is_fetched() {
        assert_eq!(get(&serve(vec![ok("abc")]), 3).unwrap(), b"abc");
        assert!(get(&serve(vec![ok("abcd")]), 3).is_err());
        let moved =
            "HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n".to_owned();
        assert_eq!(get(&serve(vec![moved.clone(), ok("abc")]), 3).unwrap(), b"abc");
        assert!(get(&serve(vec![moved; 6]), 3).is_err());
    }

    #[test]
    fn what_could_be_read_on_the_way_is_not_asked_for() {
        for url in [
            "http://example.org/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "x",
            "http://u@127.0.0.1/",
        ] {
            assert!(get(url, 3).is_err(), "{url}");
        }
        let from: Uri = "https://a.example/x".parse().unwrap();
        assert!(elsewhere(&from, "http://a.example/").is_err());
        assert!(elsewhere(&from, "//b.example/").is_err());
        assert_eq!(elsewhere(&from, "/y").unwrap(), "https://a.example/y");
    }
}
