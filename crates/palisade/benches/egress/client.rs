//! The client: the same program by each way.

use std::{
    net::ToSocketAddrs,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::stage::{Outcome, say};

/// What to ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) port: u16,
    /// Of each answer.
    pub(crate) bytes: usize,
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
    /// Whether the name is to be resolved.
    pub(crate) inside: bool,
    pub(crate) store: String,
    pub(crate) work: Work,
}

/// What to do with the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Ask on all of them, for so long.
    Ask,
    /// Open all of them, keep them for so long, and ask on each once more.
    Hold,
    /// Open one after the other, some at a time, until so many were open and closed.
    Churn,
}

/// Connections at a time that are opened and closed.
const ABREAST: usize = 16;

/// Ask for so long, and print what it took.
pub(crate) fn run(load: &Load) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match load.work {
        Work::Ask => {}
        Work::Hold => return runtime.block_on(hold(load)),
        Work::Churn => return runtime.block_on(churn(load)),
    }
    let (mut times, took) = runtime.block_on(all(load))?;
    times.sort_unstable();
    let at = |thousandths: usize| {
        let last = times.len().saturating_sub(1);
        times.get(last * thousandths / 1000).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts of some thousands")]
    let (count, bytes) = (times.len() as f64, load.bytes as f64);
    say(format_args!(
        "{}",
        json!({
            "p50_us": at(500),
            "p99_us": at(990),
            "per_second": count / seconds,
            "megabytes_per_second": count * bytes / seconds / 1e6,
        })
    ))
}

async fn all(load: &Load) -> Outcome<(Vec<Duration>, Duration)> {
    let tls = connector(load)?;
    let mut clients = Vec::new();
    for _ in 0..load.connections {
        clients.push(connect(load, &tls).await?);
    }
    let began = Instant::now();
    let ends = began + Duration::from_secs(load.seconds);
    let mut tasks = Vec::new();
    for mut client in clients {
        let path = format!("/{}", load.bytes);
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < ends {
                let request = Request::get(&path).header("host", "api.test");
                let start = Instant::now();
                client.ready().await?;
                let answer = client.send_request(request.body(Empty::new()).unwrap_or_default());
                let mut body = answer.await?.into_body();
                while let Some(frame) = body.frame().await {
                    frame?;
                }
                times.push(start.elapsed());
            }
            Ok::<_, hyper::Error>(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok((times, began.elapsed()))
}

/// Open all, say so, keep them, and see that each still answers.
async fn hold(load: &Load) -> Outcome<()> {
    let tls = connector(load)?;
    let mut clients = Vec::new();
    for _ in 0..load.connections {
        let mut client = connect(load, &tls).await?;
        ask(&mut client, load.bytes).await?;
        clients.push(client);
    }
    say(format_args!("{}", json!({ "open": clients.len() })))?;
    tokio::time::sleep(Duration::from_secs(load.seconds)).await;
    for client in &mut clients {
        ask(client, load.bytes).await?;
    }
    say(format_args!("{}", json!({ "answered": clients.len() })))
}

/// Say how many were open and closed, ten times.
async fn churn(load: &Load) -> Outcome<()> {
    let tls = connector(load)?;
    let part = load.connections.div_ceil(10);
    for turn in 1..=10 {
        let mut left = part;
        while left > 0 {
            let abreast = ABREAST.min(left);
            let all = (0..abreast).map(|_| {
                let (load, tls) = (load.clone(), tls.clone());
                tokio::spawn(async move {
                    let mut client =
                        connect(&load, &tls).await.map_err(|error| error.to_string())?;
                    ask(&mut client, load.bytes).await.map_err(|error| error.to_string())
                })
            });
            for one in all.collect::<Vec<_>>() {
                one.await??;
            }
            left -= abreast;
        }
        say(format_args!("{}", json!({ "closed": part * turn })))?;
    }
    Ok(())
}

async fn ask(client: &mut http1::SendRequest<Empty<Bytes>>, bytes: usize) -> Outcome<()> {
    let request = Request::get(format!("/{bytes}")).header("host", "api.test");
    client.ready().await?;
    let mut body = client.send_request(request.body(Empty::new())?).await?.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

async fn connect(load: &Load, tls: &TlsConnector) -> Outcome<http1::SendRequest<Empty<Bytes>>> {
    let name = if load.inside { "api.test" } else { "127.0.0.1" };
    let address = (name, load.port).to_socket_addrs()?.next().ok_or("no address")?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let stream = tls.connect(ServerName::try_from("api.test")?, stream).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn connector(load: &Load) -> Outcome<TlsConnector> {
    // Where there is an authority inside, this names a bundle with it.
    let store = std::env::var("SSL_CERT_FILE").unwrap_or_else(|_| load.store.clone());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(store)? {
        roots.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
