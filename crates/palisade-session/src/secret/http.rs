//! One request to a server that keeps or gives out secrets.

use std::{sync::Arc, sync::OnceLock, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
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
use zeroize::Zeroizing;

/// For all of it, from the look-up of the name to the last byte.
const WITHIN: Duration = Duration::from_secs(15);
/// Of an answer.
const MOST_BYTES: usize = 256 * 1024;

/// What a server said.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Ask. The request's target is an absolute URL: `https`, verified by the operator's roots, or `http`
/// where the policy was found to permit that. No redirect is followed.
pub(crate) async fn call(request: Request<Full<Bytes>>) -> Result<Answer, String> {
    call_within(request, WITHIN, MOST_BYTES).await
}

/// As [`call`], with other bounds.
pub(crate) async fn call_within(
    request: Request<Full<Bytes>>,
    within: Duration,
    most: usize,
) -> Result<Answer, String> {
    timeout(within, asked(request, most))
        .await
        .unwrap_or_else(|_| Err(format!("it took longer than {} seconds", within.as_secs())))
}

async fn asked(mut request: Request<Full<Bytes>>, most: usize) -> Result<Answer, String> {
    let url = request.uri().clone();
    let secure = url.scheme_str() == Some("https");
    let host = url.host().ok_or("it has no host")?.trim_matches(['[', ']']).to_owned();
    let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let authority = url.authority().map(|it| it.as_str()).unwrap_or_default();
    let authority = HeaderValue::from_str(authority).map_err(|_| "it has no host")?;
    request.headers_mut().insert(header::HOST, authority);
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let target = url.path_and_query().cloned().ok_or("it has no path")?;
    *request.uri_mut() = Uri::from(target);
    let stream =
        TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
    if !secure {
        return exchanged(stream, request, most).await;
    }
    let name = ServerName::try_from(host).map_err(|_| "its name is none for TLS")?;
    let stream = TlsConnector::from(config()?).connect(name, stream).await;
    exchanged(stream.map_err(|error| error.to_string())?, request, most).await
}

/// The same over a connection that is there.
pub(crate) async fn exchanged(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Answer, String> {
    let broke = |error: hyper::Error| format!("the server broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broke)?;
    let sending = async {
        let answer = sender.send_request(request).await.map_err(broke)?;
        let status = answer.status();
        let mut incoming = answer.into_body();
        let mut body = Zeroizing::new(Vec::with_capacity(most));
        while let Some(frame) = incoming.frame().await {
            if let Ok(data) = frame.map_err(broke)?.into_data() {
                if body.len().saturating_add(data.len()) > most {
                    return Err("the server's answer is too long".to_owned());
                }
                body.extend_from_slice(&data);
            }
        }
        Ok(Answer { status, body })
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

fn config() -> Result<Arc<rustls::ClientConfig>, String> {
    static MADE: OnceLock<Result<Arc<rustls::ClientConfig>, rustls::Error>> = OnceLock::new();
    let made =
        MADE.get_or_init(|| Roots::of_operator().client_config(&[b"http/1.1"]).map(Arc::new));
    made.clone().map_err(|error| error.to_string())
}
