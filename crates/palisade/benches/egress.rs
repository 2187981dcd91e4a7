//! What the way out costs: a client inside a sandbox and a TLS server outside, passed through and looked
//! into, beside the same client without a sandbox.
//!
//! ```text
//! cargo bench -p palisade --bench egress -- [--seconds 3] [--rounds 3] [--json FILE]
//! ```
//!
//! One client program, HTTP/1.1 over TLS with keep-alive, with 1 and 64 connections: requests of 1 KiB one
//! after the other for latency, and bodies of 100 MiB (64 connections: 4 MiB) for throughput. The three ways
//! take turns, so that whatever else the machine does is in all.

#[allow(dead_code, unused_imports, reason = "each bench uses a part of it")]
#[path = "stage/mod.rs"]
mod stage;

#[path = "egress/client.rs"]
mod client;
#[path = "egress/server.rs"]
mod server;

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use self::{
    client::Load,
    server::Server,
    stage::{Caller, Outcome, Stage, keep, number, say, text},
};

/// Ways from the client to the server.
const WAYS: [&str; 3] = ["direct", "passthrough", "inspect"];
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
    for way in WAYS {
        let text = policy(way, server.port(), &stage);
        fs::write(stage.home().join(format!("{way}.yaml")), text)?;
    }
    say(format_args!(
        "{:12} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "way", "conns", "p50 us", "p99 us", "per s", "big MB/s", "ratio"
    ))?;
    let mut all = Vec::new();
    for connections in CONNECTIONS {
        let mut results: Vec<Vec<(Value, Value)>> = vec![Vec::new(); WAYS.len()];
        for _ in 0..rounds {
            for (way, results) in WAYS.iter().zip(&mut results) {
                let load = |bytes: usize| Load {
                    port: server.port(),
                    bytes,
                    connections,
                    seconds: seconds as u64,
                    inside: *way != "direct",
                    store: store.to_string_lossy().into_owned(),
                };
                let big = if connections == 1 { 100 << 20 } else { 4 << 20 };
                let small = once(&stage, way, &load(1024))?;
                results.push((small, once(&stage, way, &load(big))?));
            }
        }
        let mut direct = f64::NAN;
        for (way, results) in WAYS.iter().zip(&results) {
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

/// The client's own measurement, by this way.
fn once(stage: &Stage, way: &str, load: &Load) -> Outcome<Value> {
    let client = stage.home().join("client");
    let mut command: Command = if way == "direct" {
        stage.command(&client)
    } else {
        let mut command = stage.command(stage.program());
        command.args(["run", "--quiet", "--policy"]).arg(stage.home().join(format!("{way}.yaml")));
        command.arg("--").arg(&client);
        command
    };
    command.env("SSL_CERT_FILE", &load.store);
    command.arg("--client").arg(serde_json::to_string(load)?);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut out = String::new();
    child.stdout.take().ok_or("no output")?.read_to_string(&mut out)?;
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{way}: {status}").into());
    }
    Ok(serde_json::from_str(&out)?)
}
