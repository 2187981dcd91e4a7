//! The counts of a journal, kept up to date, for whoever asks by HTTP on this machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use palisade_core::SessionId;
use palisade_journal::{
    JournalError,
    follow::{Follow, Position},
};
use tokio::{sync::Semaphore, time::timeout};

use crate::{Metrics, cursor, named::sessions};

/// Connections at one time.
const CONNECTIONS: usize = 16;
/// Of one connection.
const WITHIN: Duration = Duration::from_secs(30);
const BATCH: usize = 4096;

/// Counts that grow with the journal.
#[derive(Debug)]
pub struct Collector {
    state_dir: PathBuf,
    open: BTreeMap<SessionId, Follow>,
    /// Sessions of which nothing more comes.
    ended: BTreeSet<SessionId>,
    metrics: Metrics,
}

impl Collector {
    /// Of the journal in this state folder; nothing is read yet.
    pub fn new(state_dir: &Path) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            open: BTreeMap::new(),
            ended: BTreeSet::new(),
            metrics: Metrics::default(),
        }
    }

    /// Read what is new, and give all counts in the text format of Prometheus.
    ///
    /// # Errors
    /// A session cannot be read.
    pub fn text(&mut self) -> Result<String, JournalError> {
        for session in sessions(&self.state_dir) {
            if self.ended.contains(&session) {
                continue;
            }
            let follow = match self.open.remove(&session) {
                Some(follow) => follow,
                None => Follow::open(&self.state_dir, &session, Position::default())?,
            };
            self.read(session, follow)?;
        }
        // Which destinations lag is worth knowing; that none is known is no failure.
        let exports = cursor::states(&self.state_dir, true).unwrap_or_default();
        Ok(self.metrics.text(&exports))
    }

    fn read(&mut self, session: SessionId, mut follow: Follow) -> Result<(), JournalError> {
        let ended = !follow.is_written()?;
        loop {
            let found = follow.take(BATCH)?;
            if found.records.is_empty() {
                break;
            }
            found.records.iter().for_each(|record| self.metrics.add(record));
        }
        if ended {
            self.ended.insert(session);
        } else {
            self.open.insert(session, follow);
        }
        Ok(())
    }
}

/// Answer `GET /metrics` until the process ends.
///
/// # Errors
/// The socket cannot be served.
pub fn serve(listener: TcpListener, collector: Collector) -> io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let collector = Arc::new(Mutex::new(collector));
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return Err(io::Error::other("the server is closed"));
            };
            let (stream, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                // Of one that has gone already, or for want of descriptors.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let collector = Arc::clone(&collector);
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let answer = answered(&request, &collector);
                    async { Ok::<_, Infallible>(answer) }
                });
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
                let serving = http.serve_connection(TokioIo::new(stream), answer);
                // How a connection ends is its client's affair.
                timeout(WITHIN, serving).await.map(Result::unwrap_or_default).unwrap_or_default();
                drop(permit);
            });
        }
    })
}

fn answered(request: &Request<Incoming>, collector: &Mutex<Collector>) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "see /metrics\n".to_owned());
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "GET\n".to_owned());
    }
    let read = collector.lock().unwrap_or_else(PoisonError::into_inner).text();
    match read {
        Ok(text) => {
            let mut response = plain(StatusCode::OK, text);
            let kind = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}
