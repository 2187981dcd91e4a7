//! What the way out costs: a client inside a sandbox and a TLS server outside, passed through and looked
//! into, beside the same client without a sandbox.
//!
//! ```text
//! cargo bench -p palisade --bench egress -- [--seconds 3] [--rounds 3] [--mitmproxy mitmdump] [--json FILE]
//! cargo bench -p palisade --bench egress -- --hold 5000 [--seconds 5]
//! cargo bench -p palisade --bench egress -- --churn 100000
//! ```
//!
//! `--mitmproxy` names the program `mitmdump` of mitmproxy (`pip install mitmproxy`), which then takes its turn as
//! one more way, as a reverse proxy that looks into TLS and streams large bodies. `--hold` opens so many connections,
//! a thousand in a sandbox, keeps them and asks on each again; `--churn` opens and closes so many, one after the
//! other. Both tell the resident memory of the supervisor, for connections that pass through and that are looked into.
//!
//! One client program, HTTP/1.1 over TLS with keep-alive, with 1 and 64 connections: requests of 1 KiB one
//! after the other for latency, and bodies of 100 MiB (64 connections: 4 MiB) for throughput. The three ways
//! take turns, so that whatever else the machine does is in all.

#[allow(dead_code, unused_imports, reason = "each bench uses a part of it")]
#[path = "stage/mod.rs"]
mod stage;

#[path = "egress/client.rs"]
mod client;
#[path = "egress/memory.rs"]
mod memory;
#[path = "egress/mitmproxy.rs"]
mod mitmproxy;
#[path = "egress/server.rs"]
mod server;

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use self::{
    client::{Load, Work},
    mitmproxy::Mitmproxy,
    server::Server,
    stage::{Caller, Outcome, Stage, keep, number, say, text},
};

/// Ways from the client to the server. The last is there if it is asked for.
const WAYS: [&str; 4] = ["direct", "passthrough", "inspect", "mitmproxy"];
/// Of these, the ones by a sandbox.
const OURS: [&str; 2] = ["passthrough", "inspect"];
const CONNECTIONS: [usize; 2] = [1, 64];

fn main() -> Outcome<()> {
    if let Some(load) = text("--client") {
        return client::run(&serde_json::from_str::<Load>(&load)?);
    }
    let (seconds, rounds) = (number("--seconds", 3)?, number("--rounds", 3)?);
    let caller = *Caller::all().first().ok_or("no caller")?;
    let stage = Stage::of(caller)?;
    let server = Server::start()?;
    let store = stage.home().join("store.crt");
    fs::write(&store, server.authority())?;
    let program = stage.home().join("client");
    fs::copy(std::env::current_exe()?, &program)?;
    for way in OURS {
        let text = policy(way, server.port(), &stage);
        fs::write(stage.home().join(format!("{way}.yaml")), text)?;
    }
    for (option, work) in [("--hold", Work::Hold), ("--churn", Work::Churn)] {
        if let Some(count) = text(option) {
            return memory::run(&stage, &server, work, count.parse()?);
        }
    }
    let peer = match text("--mitmproxy") {
        Some(program) => Some(Mitmproxy::start(&program, server.port(), &stage.home())?),
        None => None,
    };
    let ways = if peer.is_some() { &WAYS[..] } else { &WAYS[..3] };
    say(format_args!(
        "{:12} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "way", "conns", "p50 us", "p99 us", "per s", "big MB/s", "ratio"
    ))?;
    let mut all = Vec::new();
    for connections in CONNECTIONS {
        let mut results: Vec<Vec<(Value, Value)>> = vec![Vec::new(); ways.len()];
        for _ in 0..rounds {
            for (way, results) in ways.iter().zip(&mut results) {
                let by_peer = peer.as_ref().filter(|_| *way == "mitmproxy");
                let trusted = by_peer.map_or(store.clone(), Mitmproxy::authority);
                let load = |bytes: usize| Load {
                    port: by_peer.map_or(server.port(), Mitmproxy::port),
                    bytes,
                    connections,
                    seconds: seconds as u64,
                    inside: OURS.contains(way),
                    store: trusted.to_string_lossy().into_owned(),
                    work: Work::Ask,
                };
                let big = if connections == 1 { 100 << 20 } else { 4 << 20 };
                let small = once(&stage, way, &load(1024))?;
                results.push((small, once(&stage, way, &load(big))?));
            }
        }
        let mut direct = f64::NAN;
        for (way, results) in ways.iter().zip(&results) {
            let median = |of: &dyn Fn(&(Value, Value)) -> f64| {
                let mut all: Vec<f64> = results.iter().map(of).collect();
                all.sort_by(f64::total_cmp);
                all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
            };
            let field = |value: &Value, name: &str| {
                value.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
            };
            let p50 = median(&|it| field(&it.0, "p50_us"));
            let p99 = median(&|it| field(&it.0, "p99_us"));
            let rate = median(&|it| field(&it.0, "per_second"));
            let through = median(&|it| field(&it.1, "megabytes_per_second"));
            if *way == "direct" {
                direct = through;
            }
            say(format_args!(
                "{way:12} {connections:>5} {p50:>9.0} {p99:>9.0} {rate:>9.0} {through:>9.0} {:>9.2}",
                through / direct
            ))?;
            all.push(json!({
                "way": way, "connections": connections, "p50_us": p50, "p99_us": p99,
                "per_second": rate, "megabytes_per_second": through,
            }));
        }
    }
    keep("egress", Value::Array(all))
}

fn policy(way: &str, port: u16, stage: &Stage) -> String {
    let tls = if way == "inspect" { "inspect" } else { "passthrough" };
    format!(
        "palisade: 1\nextends: [shell]\nfilesystem: {{read: [{0}/client, {0}/store.crt]}}\n\
         network:\n  hosts: {{api.test: [127.0.0.1]}}\n  rules:\n    \
         - {{hosts: [api.test], ports: [{port}], addresses: [127.0.0.1], tls: {tls}}}\n",
        stage.home().display()
    )
}

/// The client, by this way.
fn client(stage: &Stage, way: &str, load: &Load) -> Outcome<Command> {
    let client = stage.home().join("client");
    let mut command: Command = if load.inside {
        let mut command = stage.command(stage.program());
        command.args(["run", "--quiet", "--policy"]).arg(stage.home().join(format!("{way}.yaml")));
        command.arg("--").arg(&client);
        command
    } else {
        stage.command(&client)
    };
    command.env("SSL_CERT_FILE", &load.store);
    command.arg("--client").arg(serde_json::to_string(load)?);
    Ok(command)
}

/// The client's own measurement, by this way.
fn once(stage: &Stage, way: &str, load: &Load) -> Outcome<Value> {
    let mut command = client(stage, way, load)?;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut out = String::new();
    child.stdout.take().ok_or("no output")?.read_to_string(&mut out)?;
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{way}: {status}").into());
    }
    Ok(serde_json::from_str(&out)?)
}
