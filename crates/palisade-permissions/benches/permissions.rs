//! What a decision about a tool call costs: `cargo bench -p palisade-permissions --bench permissions`.
//!
//! For a tool that counts (`valgrind --tool=callgrind`, `strace -c`): `-- --only 'a file' --decisions 1000` decides one call so
//! often, with 1,000 rules, and prints nothing. What two such numbers differ by is the decisions alone.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that measures")]

use std::{
    hint::black_box,
    path::PathBuf,
    time::{Duration, Instant},
};

use palisade_core::{ToolCall, ToolInput, ToolSeen};
use palisade_permissions::{Mode, Permissions, Place, Settings, Written};
use serde_json::json;

const ROUNDS: usize = 31;

fn rules(count: usize) -> Permissions {
    let base = PathBuf::from("/work");
    let written = |text: String| Written { text, at: None, base: base.clone() };
    let each = count / 4;
    let settings = Settings {
        mode: Mode::Default,
        deny: (0..each)
            .flat_map(|n| [format!("Bash(tool{n} remove *)"), format!("Read(secret{n}/*.key)")])
            .map(written)
            .collect(),
        ask: (0..each).map(|n| written(format!("mcp__server{n}__write"))).collect(),
        allow: (0..each).map(|n| written(format!("Bash(tool{n} run *)"))).collect(),
        place: Place { workspace: base.clone(), additional: vec![], home: Some("/home/me".into()) },
    };
    Permissions::new(settings).unwrap()
}

fn call(name: &str, input: serde_json::Value) -> ToolCall {
    let serde_json::Value::Object(fields) = input else { unreachable!() };
    ToolCall {
        name: name.into(),
        input: ToolInput::Object(fields),
        id: None,
        seen: ToolSeen::Answer,
    }
}

/// The median of what one run costs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..200 {
                run();
            }
            start.elapsed() / 200
        })
        .collect();
    times.sort();
    times.get(ROUNDS / 2).copied().unwrap_or_default()
}

/// The value behind an option of the command line.
fn value(option: &str) -> Option<String> {
    let mut words = std::env::args().skip_while(|word| word != option);
    words.next().and_then(|_| words.next())
}

fn main() {
    let calls = [
        ("a permitted command", call("Bash", json!({"command": "tool7 run build --release"}))),
        ("a refused command", call("Bash", json!({"command": "cd src && tool7 remove x"}))),
        ("a file", call("Read", json!({"file_path": "src/main.rs"}))),
        ("a file that is there", call("Read", json!({"file_path": "/usr/lib/os-release"}))),
        ("a tool of a server", call("mcp__server7__write", json!({"x": 1}))),
    ];
    if let Some(only) = value("--only") {
        let decisions = value("--decisions").and_then(|number| number.parse().ok()).unwrap_or(0);
        let (_, call) = calls.iter().find(|(name, _)| *name == only).unwrap();
        let rules = rules(1_000);
        (0..decisions).for_each(|_| drop(black_box(rules.decide(black_box(call)))));
        return;
    }
    println!("| call | 1,000 rules µs | 10,000 rules µs | |");
    println!("|---|---|---|---|");
    let (few, many) = (rules(1_000), rules(10_000));
    for (name, call) in &calls {
        let of = |rules: &Permissions| {
            median(|| drop(black_box(rules.decide(black_box(call))))).as_secs_f64() * 1e6
        };
        let (few, many) = (of(&few), of(&many));
        println!("| {name} | {few:.1} | {many:.1} | {:.2} |", many / few);
    }
    println!("\n| a line for the shell | µs |\n|---|---|");
    for line in [
        "ls -la src",
        "cargo build --release 2>&1 | tail -40",
        "cd crates/x && grep -rn 'fn main' src | head -5 && git status",
        "for f in *.rs; do if [ -f \"$f\" ]; then wc -l \"$f\"; fi; done",
    ] {
        let known = palisade_shell::Known::default();
        let took = median(|| drop(black_box(palisade_shell::analyse(black_box(line), &known))));
        println!("| `{}` | {:.1} |", line.replace('|', "\\|"), took.as_secs_f64() * 1e6);
    }
}
