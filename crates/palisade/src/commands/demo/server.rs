//! A web server and a model in one, on loopback: what the demo's agent may reach.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

const HELLO: &str = "hello from the listed host\n";
const PATIENCE: Duration = Duration::from_secs(10);

/// It serves as long as the process lives.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) port: u16,
    /// Whether a model call came with the real key.
    pub(super) saw_key: Arc<AtomicBool>,
}

impl Server {
    pub(super) fn start(key: String) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let saw_key = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&saw_key);
        thread::Builder::new().name("demo server".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away in the middle is no concern of the next one.
                serve(stream, &key, &seen).unwrap_or_default();
            }
        })?;
        Ok(Self { port, saw_key })
    }
}

fn serve(stream: TcpStream, key: &str, saw_key: &AtomicBool) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?.take(64 * 1024));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut with_key) = (0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "x-api-key" => with_key = value.trim() == key,
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let mut out = stream;
    if !first.starts_with("POST /v1/messages") {
        return write!(
            out,
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{HELLO}",
            HELLO.len()
        );
    }
    if !with_key {
        return out.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    }
    saw_key.store(true, Ordering::Relaxed);
    out.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
    )?;
    for event in answer() {
        let kind = event.get("type").and_then(serde_json::Value::as_str).unwrap_or_default();
        write!(out, "event: {kind}\ndata: {event}\n\n")?;
        out.flush()?;
    }
    Ok(())
}

/// A message of Anthropic's API, as it is streamed.
fn answer() -> Vec<serde_json::Value> {
    let delta = |text: &str| {
        serde_json::json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": text}})
    };
    vec![
        serde_json::json!({"type": "message_start", "message": {
            "id": "msg_demo", "type": "message", "role": "assistant", "model": "claude-demo",
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        serde_json::json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""}}),
        delta("Hello "),
        delta("there."),
        serde_json::json!({"type": "content_block_stop", "index": 0}),
        serde_json::json!({"type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 3}}),
        serde_json::json!({"type": "message_stop"}),
    ]
}
