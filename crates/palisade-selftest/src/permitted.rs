//! What must work: the twin of the attempts.

use std::{
    env, fs,
    io::{self, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use palisade_core::Layer;

use crate::{
    Targets,
    attempt::{Act, Attempt, Outcome},
};

const PATIENCE: Duration = Duration::from_secs(20);
/// Where the gateway is for every agent.
const GATEWAY: (&str, u16) = ("inference.local", 80);

pub(crate) static ACTS: &[Attempt] = &[
    Attempt {
        name: "writes_in_workspace",
        tries: "write a file in the workspace",
        layer: Layer::Files,
        act: Act::Do(|targets| {
            let path = targets.work("made-inside.txt").filter(|_| targets.writable)?;
            Some(told(fs::write(&path, "made inside\n").map(|()| "made-inside.txt".to_owned())))
        }),
    },
    Attempt {
        name: "runs_program",
        tries: "run a program of the system",
        layer: Layer::Process,
        act: Act::Do(|_| Some(told(run("uname")))),
    },
    Attempt {
        name: "fetches_listed_host",
        tries: "fetch from a listed host",
        layer: Layer::Egress,
        act: Act::Do(|targets| {
            let (host, port) = targets.listed.as_ref()?;
            let request = format!("GET / HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n");
            Some(told(ask((host.as_str(), *port), &request)))
        }),
    },
    Attempt {
        name: "asks_model",
        tries: "ask a model, with only a placeholder",
        layer: Layer::Inference,
        act: Act::Do(|targets| {
            targets.model.as_deref().map(|model| told(ask_model(model, targets)))
        }),
    },
];

fn told(result: io::Result<String>) -> Outcome {
    match result {
        Ok(told) => Outcome::Worked(told),
        Err(error) => Outcome::Unclear(error.to_string()),
    }
}

fn run(program: &str) -> io::Result<String> {
    let output = Command::new(program).stdin(Stdio::null()).output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(io::Error::other(format!("{program}: {}", output.status)))
    }
}

fn ask_model(model: &str, targets: &Targets) -> io::Result<String> {
    let key = targets.key_variable.as_deref().and_then(|name| env::var(name).ok());
    let body = serde_json::json!({
        "model": model, "max_tokens": 32, "stream": true,
        "messages": [{"role": "user", "content": "Say hello."}],
    })
    .to_string();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: {}\r\nx-api-key: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        GATEWAY.0,
        key.unwrap_or_default(),
        body.len(),
    );
    let answer = ask(GATEWAY, &request)?;
    // The text of a streamed message stands in its deltas.
    let said: String = answer
        .split("\"text\":\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(text, _)| text))
        .collect();
    if said.is_empty() { Err(io::Error::other(answer)) } else { Ok(format!("it says `{said}`")) }
}

/// Send a request; the body of an answer of 200, or its first line as an error.
fn ask(to: (&str, u16), request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let first = head.lines().next().unwrap_or_default();
    if first.split(' ').nth(1) == Some("200") {
        Ok(body.trim().to_owned())
    } else {
        Err(io::Error::other(format!("{first}: {}", body.trim())))
    }
}
