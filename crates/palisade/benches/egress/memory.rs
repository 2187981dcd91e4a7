//! The supervisor's memory with many connections open, and after many.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::{
    OURS,
    client::{Load, Work},
    server::Server,
    stage::{Outcome, Stage, keep, number, say},
};

/// Connections in one sandbox: it has a limit of 1024.
const IN_ONE: usize = 1000;

/// A client in a sandbox of its own, whose supervisor this is.
struct One {
    supervisor: Child,
    said: Lines<BufReader<ChildStdout>>,
}

pub(crate) fn run(stage: &Stage, server: &Server, work: Work, count: usize) -> Outcome<()> {
    let seconds = number("--seconds", 5)? as u64;
    // The server's ends of all of them are in this process.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    let mut all = Vec::new();
    say(format_args!("{:12} {:>12} {:>14}", "way", "connections", "supervisor MB"))?;
    for way in OURS {
        let mut ones = Vec::new();
        let mut left = count;
        while left > 0 {
            let connections = if work == Work::Hold { IN_ONE.min(left) } else { left };
            left -= connections;
            let store = stage.home().join("store.crt").to_string_lossy().into_owned();
            let port = server.port();
            let load = Load { port, bytes: 1024, connections, seconds, inside: true, store, work };
            let mut supervisor =
                crate::client(stage, way, &load)?.stdout(Stdio::piped()).spawn()?;
            let out = supervisor.stdout.take().ok_or("no output")?;
            ones.push(One { supervisor, said: BufReader::new(out).lines() });
        }
        let mut measured = Vec::new();
        loop {
            let (mut connections, mut memory, mut ended) = (0, 0.0, false);
            for one in &mut ones {
                let Some(line) = one.said.next().transpose()? else {
                    ended = true;
                    continue;
                };
                let said: Value = serde_json::from_str(&line)?;
                let said = said.as_object().and_then(|said| said.values().next()?.as_u64());
                connections += said.ok_or("no count")?;
                // One that has just said its last may be gone.
                memory += resident(one.supervisor.id()).unwrap_or(f64::NAN);
            }
            if ended || (work == Work::Hold && !measured.is_empty()) {
                break;
            }
            say(format_args!("{way:12} {connections:>12} {memory:>14.1}"))?;
            measured.push(json!({ "connections": connections, "supervisor_mb": memory }));
        }
        for mut one in ones {
            // To its end: a client that cannot say what it found fails.
            one.said.by_ref().try_for_each(|line| line.map(drop))?;
            let status = one.supervisor.wait()?;
            if !status.success() {
                return Err(format!("{way}: {status}").into());
            }
        }
        all.push(json!({ "way": way, "measured": measured }));
    }
    keep("egress-memory", Value::Array(all))
}

/// In megabytes.
fn resident(pid: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 =
        line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}
