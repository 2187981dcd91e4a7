//! What the gateway adds to a streamed answer with every check on, beside the same server asked directly.
//!
//! ```text
//! cargo bench -p palisade-inference --bench gateway -- [--calls 2000] [--streams 2000] [--litellm PROGRAM]
//! ```
//!
//! Latency is from the request to the first byte of the answer, over one connection that is kept, by turns
//! directly and through the gateway. Then so many streams are opened and each is read to its second
//! event; what the gateway's process has grown by is told for each. Server and client are processes of their
//! own, so that it is the gateway's memory alone. `--litellm` names the program `litellm` of LiteLLM
//! (`pip install 'litellm[proxy]'`), which then takes its turn as one more way; how many calls a second 16
//! connections at one time get is told for each way. Everything is on: quotas kept in a file, redaction, the guard,
//! tool calls decided. The authority allows and writes no journal.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, and may fail"
)]

#[path = "gateway/litellm.rs"]
mod litellm;

use std::{
    collections::BTreeMap,
    fs,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use self::litellm::Litellm;
use palisade_core::{Action, Authority, BoxFuture, Decision, Event, SecretString};
use palisade_inference::{
    Api, Gateway, GatewayConfig, Guard, HeaderCredential, KeySource, KnownSecret, Limits, Provider,
    Quota, Route,
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
    time::sleep,
};

const KEY: &str = "sk-ant-real-0123456789abcdef";
/// Answers of this length are wanted by calls that stay open.
const OPEN: u64 = 7;
const PROMPT: usize = 20_000;
/// Connections at one time, where calls a second are told.
const TOGETHER: usize = 16;

/// One thread each, as the supervisor has, which serves the gateway in a session.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, otherwise: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(otherwise, |at| arguments[at + 1].parse().unwrap())
    };
    match arguments.first().map(String::as_str) {
        Some("--serve") => serve().await,
        Some("--ask") => ask(&arguments[1], number("--calls", 0), number("--streams", 0)).await,
        Some("--together") => together(&arguments[1], number("--calls", 0)).await,
        _ => {
            let peer = arguments.iter().position(|argument| argument == "--litellm");
            let peer = peer.map(|at| arguments[at + 1].as_str());
            measure(number("--calls", 2000), number("--streams", 2000), peer).await;
        }
    }
}

async fn measure(calls: usize, streams: usize, peer: Option<&str>) {
    let mut server = child(&["--serve"]);
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let direct = line.trim().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::new(config(&direct, folder.path()), Arc::new(AllowAll)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // As the way out does it for whatever it accepts.
            stream.set_nodelay(true).unwrap();
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.serve(stream).await });
        }
    });

    let peer = match peer {
        Some(program) => Some(Litellm::start(program, &direct, folder.path()).await),
        None => None,
    };
    let mut ways = vec![("direct", direct.as_str()), ("gateway", ours.as_str())];
    ways.extend(peer.as_ref().map(|peer| ("litellm", peer.address.as_str())));

    println!("{calls} calls of {PROMPT} bytes, one after the other, to the first byte:");
    let (mut told, mut rates, rounds) =
        (BTreeMap::<&str, Vec<f64>>::new(), BTreeMap::<&str, Vec<f64>>::new(), 3);
    for _ in 0..rounds {
        for (way, address) in &ways {
            let calls = (calls / rounds).max(1).to_string();
            let times = answers(&["--ask", address, "--calls", &calls]).await;
            told.entry(way).or_default().extend(times);
            let rate = answers(&["--together", address, "--calls", &calls]).await;
            rates.entry(way).or_default().extend(rate);
        }
    }
    let mut least = None;
    for (way, _) in &ways {
        let (half, most) = (at(told.get_mut(way), 50), at(told.get_mut(way), 99));
        let (half_direct, most_direct) = *least.get_or_insert((half, most));
        println!(
            "  {way:8} p50 {half:7.0} us, p99 {most:7.0} us; added p50 {:7.0} us, p99 {:7.0} us; {TOGETHER} at one time {:6.0} calls/s",
            half - half_direct,
            most - most_direct,
            at(rates.get_mut(way), 50),
        );
    }
    drop(peer);

    let before = resident();
    let mut client = child(&["--ask", &ours, "--streams", &streams.to_string()]);
    let mut line = String::new();
    BufReader::new(client.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let grown = resident().saturating_sub(before);
    println!("{} of {streams} streams open at one time:", line.trim());
    println!("  {} KB grown, {} KB each", grown / 1024, grown / 1024 / streams.max(1));
    client.kill().await.unwrap();
    server.kill().await.unwrap();
}

/// The value below which so many of a hundred are.
fn at(values: Option<&mut Vec<f64>>, part: usize) -> f64 {
    let values = values.unwrap();
    values.sort_by(f64::total_cmp);
    values[(values.len() * part / 100).min(values.len() - 1)]
}

fn child(arguments: &[&str]) -> tokio::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What another process prints: a number a line.
async fn answers(arguments: &[&str]) -> Vec<f64> {
    let output = child(arguments).wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn resident() -> usize {
    let told = fs::read_to_string("/proc/self/statm").unwrap();
    told.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

struct AllowAll;

impl Authority for AllowAll {
    fn consider(&self, _: &Action) -> Decision {
        Decision::allow("bench", "all is allowed")
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(async { self.consider(action) })
    }

    fn record(&self, _: Event) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }
}

fn config(server: &str, folder: &std::path::Path) -> GatewayConfig {
    let secret = || SecretString::from(KEY);
    let key = HeaderCredential::new("x-api-key: {secret}", secret()).unwrap();
    let provider = Provider {
        api: Api::Anthropic,
        url: format!("http://{server}").parse().unwrap(),
        key: KeySource::Header(key),
        addresses: Vec::new(),
        local: false,
        hosting: None,
    };
    let route = Route {
        model: "claude-*".parse().unwrap(),
        to: "anthropic".into(),
        rename: None,
        weight: 1,
        fallback: Vec::new(),
    };
    let quota = Quota {
        scope: "bench".into(),
        requests_per_minute: Some(10_000_000),
        tokens_per_day: Some(1 << 40),
        max_tokens: Some(100_000),
        ..Quota::default()
    };
    GatewayConfig {
        providers: BTreeMap::from([("anthropic".into(), provider)]),
        routes: vec![route],
        limits: Limits { connections: 1 << 16, ..Limits::default() },
        quotas: vec![quota],
        quota_folder: Some(folder.to_owned()),
        redact: Some(vec![KnownSecret::credential(&secret())]),
        guard: Some(Guard::Annotate),
        ..GatewayConfig::default()
    }
}

/// A server that answers at once with a text and a call of a tool, or stops after the text's first part.
async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            while let Some(request) = request(&mut stream).await {
                let open = request.contains(&format!("\"max_tokens\":{OPEN}"));
                if stream.write_all(answer(open).as_bytes()).await.is_err() {
                    return;
                }
                if open {
                    sleep(Duration::from_secs(3600)).await;
                }
            }
        });
    }
}

/// A request with its body.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut all, mut part) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        all.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&all);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            return Some(text.into_owned());
        }
    }
}

fn answer(open: bool) -> String {
    let mut events = vec![
        json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "usage": {"input_tokens": 6000, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    if !open {
        let call = json!({"type": "tool_use", "id": "t", "name": "Bash", "input": {}});
        events.extend([
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I look."}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "content_block_start", "index": 1, "content_block": call}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"command\":\"ls\"}"}}),
            json!({"type": "content_block_stop", "index": 1}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 20}}),
            json!({"type": "message_stop"}),
        ]);
    }
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut out = head.to_owned();
    for event in events {
        let event = format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
        out.push_str(&format!("{:x}\r\n{event}\r\n", event.len()));
    }
    out.push_str(if open { "" } else { "0\r\n\r\n" });
    out
}

/// A client: calls one after the other, of which it prints the times, or streams, of which it prints how
/// many are open, and holds them.
async fn ask(address: &str, calls: usize, streams: usize) {
    let times = if calls == 0 { Vec::new() } else { one_by_one(address, calls).await };
    times.iter().for_each(|time| println!("{}", time.as_secs_f64() * 1e6));
    if streams > 0 {
        let (mut held, message) = (Vec::new(), post(address, OPEN));
        for _ in 0..streams {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(message.as_bytes()).await.unwrap();
            let (mut all, mut part) = (String::new(), [0; 4096]);
            while !all.contains("content_block_start") {
                let read = stream.read(&mut part).await.unwrap();
                assert!(read > 0, "{all}");
                all.push_str(&String::from_utf8_lossy(&part[..read]));
            }
            held.push(stream);
        }
        println!("{}", held.len());
        sleep(Duration::from_secs(3600)).await;
    }
}

/// Calls by several connections, of which it prints how many a second were answered to their end.
async fn together(address: &str, calls: usize) {
    let each = (calls / TOGETHER).max(1);
    let began = Instant::now();
    let asked = (0..TOGETHER).map(|_| {
        let address = address.to_owned();
        tokio::spawn(async move { one_by_one(&address, each).await })
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    println!("{}", (each * TOGETHER) as f64 / began.elapsed().as_secs_f64());
}

/// The times to the first byte of calls over one connection.
async fn one_by_one(address: &str, calls: usize) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut times, message) = (Vec::new(), post(address, 1000));
    for _ in 0..calls {
        let begun = Instant::now();
        stream.write_all(message.as_bytes()).await.unwrap();
        let mut answer = vec![0; 16 * 1024];
        let mut read = stream.read(&mut answer).await.unwrap();
        times.push(begun.elapsed());
        while !answer[..read].ends_with(b"0\r\n\r\n") {
            let more = stream.read(&mut answer[read..]).await.unwrap();
            assert!(more > 0, "{}", String::from_utf8_lossy(&answer[..read]));
            read += more;
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer[..read])
        );
    }
    times
}

fn post(address: &str, max_tokens: u64) -> String {
    let words = "Each file of it was read, and none had what was sought. ";
    let result = json!({"type": "tool_result", "tool_use_id": "t", "content": words.repeat(PROMPT / words.len())});
    let body = json!({"model": "claude-x", "max_tokens": max_tokens, "stream": true, "messages": [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]},
        {"role": "user", "content": [result]},
    ]});
    let body = body.to_string();
    format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {address}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
