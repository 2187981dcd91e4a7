//! Attempts on the network layer, as tables: what a client inside, or a server outside, sends byte by byte, and how it
//! must end. Each table has what must still work, so that a row which is refused is refused for its own sake.

mod answers;
mod chunks;
mod dns;
mod doors;
mod http1;
mod http2;
mod secrets;
mod tls;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

use crate::{
    inspect::stage::{Flaw, Stage, chain},
    world::{LOCALHOST, Plan, World},
};

/// On a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server does with all that it has heard on a connection: its answer, once it has one.
type Says = fn(&[u8]) -> Option<Vec<u8>>;

/// A server without TLS that keeps what it hears.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    /// One that closes each connection behind its answer.
    async fn start(says: Says) -> Self {
        let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
                    loop {
                        let read = stream.read(&mut buffer).await?;
                        if read == 0 {
                            return Ok::<_, std::io::Error>(());
                        }
                        all.extend_from_slice(&buffer[..read]);
                        kept.lock().unwrap().extend_from_slice(&buffer[..read]);
                        if let Some(answer) = says(&all) {
                            stream.write_all(&answer).await?;
                            return stream.shutdown().await;
                        }
                    }
                });
            }
        });
        Self { port, heard }
    }

    /// What it has heard since the last time, as text.
    fn take(&self) -> String {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        heard.escape_ascii().to_string().replace("\\r\\n", "\n")
    }
}

/// As soon as there is a head.
fn ok(heard: &[u8]) -> Option<Vec<u8>> {
    let whole = heard.windows(4).any(|bytes| bytes == b"\r\n\r\n");
    whole.then(|| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec())
}

/// The proxy in front of it, which looks into all that is said.
async fn stage(port: u16) -> Stage {
    let (_, root) = chain(Flaw::None);
    Stage::with(Plan::to(port), root, None).await
}

/// Say this on a new connection, and hear this many answers and whatever else comes until it ends.
async fn said(stage: &Stage, bytes: &[u8], answers: usize) -> String {
    let got = exchanged(&stage.world, bytes, answers).await;
    got.escape_ascii().to_string()
}

/// A client that is done with what it says is gone to the proxy, so that is not said before it has its answers.
async fn exchanged(world: &World, bytes: &[u8], answers: usize) -> Vec<u8> {
    let mut client = world.connect().await;
    client.write_all(bytes).await.ok();
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    while whole_answers(&got) < answers {
        let read = timeout(PATIENCE, client.read(&mut buffer)).await;
        let read =
            read.unwrap_or_else(|_| panic!("{}: {}", bytes.escape_ascii(), got.escape_ascii()));
        match read {
            Ok(count @ 1..) => got.extend_from_slice(&buffer[..count]),
            _ => return got,
        }
    }
    client.shutdown().await.ok();
    timeout(PATIENCE, client.read_to_end(&mut got)).await.expect("it ends").ok();
    got
}

/// How many answers are there whole.
fn whole_answers(mut bytes: &[u8]) -> usize {
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|it| it == what);
    let mut count = 0;
    while let Some(end) = find(bytes, b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let body = &bytes[end + 4..];
        let said =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let status = head.split(' ').nth(1).unwrap_or_default();
        let length = if status.starts_with('1') || ["204", "304"].contains(&status) {
            Some(0)
        } else if said("transfer-encoding:").is_some() {
            find(body, b"\r\n0\r\n")
                .and_then(|at| find(&body[at + 2..], b"\r\n\r\n").map(|end| at + end + 6))
        } else {
            said("content-length:").and_then(|it| it.split(',').next()?.parse().ok())
        };
        let Some(rest) = length.and_then(|length| body.get(length..)) else { return count };
        bytes = rest;
        count += 1;
    }
    count
}
