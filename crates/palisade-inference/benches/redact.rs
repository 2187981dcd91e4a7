//! What it costs to look for secrets in a prompt of 2 MB. `cargo bench -p palisade-inference --bench redact`.
//!
//! With a word (`-- WORD`): only the prompts whose name has it. With a folder (`-- FOLDER`): how many keys are found in its files, which should have none, and where.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and may fail"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use palisade_inference::{KnownSecret, Redactor};
use serde_json::json;

const SIZE: usize = 2_000_000;
const ROUNDS: usize = 40;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    match folder {
        Some(folder) if Path::new(&folder).is_dir() => files(Path::new(&folder)),
        part => prompts(&part.unwrap_or_default()),
    }
}

fn prompts(part: &str) {
    let source = include_str!("../src/gateway.rs");
    let prose = "The quick brown fox jumps over the lazy dog; it was seen at 12:30 by all of us. ";
    let base64: String = (0..4000)
        .map(|n| {
            format!(
                "QmFzZTY0IGlzIG5vdCBhIHNlY3JldCBvZiBhbnlib2R5LCBidXQgaXQgaXMgbG9uZyA{:04}",
                n % 10_000
            )
        })
        .collect();
    for (name, text) in [
        ("code", source),
        ("prose", prose),
        ("base64", base64.as_str()),
        ("escapes in escapes", r#"{\"path\": \"C:\\u005cdir\", \"n\": 1, \"x\": \"y\\nz\"}, "#),
        ("beginnings of keys", "sk-ant- ghp_ AKIA eyJ hf_ -----BEGIN xoxb- sk_live_ "),
    ] {
        if !name.contains(part) {
            continue;
        }
        let message = text.repeat(20_000 / text.len() + 1);
        let number = SIZE / message.len() + 1;
        let messages: Vec<_> = (0..number)
            .map(|_| json!({"role": "user", "content": [{"type": "text", "text": message}]}))
            .collect();
        let body = json!({"model": "m", "max_tokens": 1, "messages": messages}).to_string();
        let body = body.as_bytes();
        let known: Vec<_> = (0..20)
            .map(|n| KnownSecret::credential(&format!("a-secret-of-the-operator-{n}").into()))
            .collect();
        let redactor = Redactor::new(&known);
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let redacted = redactor.redact(body).unwrap();
                let passed = start.elapsed();
                assert!(redacted.body.is_none(), "{:?}", redacted.found);
                passed
            })
            .collect();
        times.sort();
        let per_2mb = |time: Duration| time.as_secs_f64() * 1e3 * 2e6 / body.len() as f64;
        println!(
            "{name:20} least {:6.2} ms  p50 {:6.2} ms  max {:6.2} ms for 2 MB",
            per_2mb(times[0]),
            per_2mb(times[ROUNDS / 2]),
            per_2mb(times[ROUNDS - 1])
        );
    }
}

fn files(folder: &Path) {
    let redactor = Redactor::new(&[]);
    let (mut number, mut bytes, mut hits) = (0_u64, 0_u64, 0_u64);
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        for path in paths {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let Ok(content) = fs::read(&path) else { continue };
            if std::str::from_utf8(&content).is_err() {
                continue;
            }
            number += 1;
            bytes += content.len() as u64;
            for (kind, place) in redactor.kinds_in(&content) {
                hits += 1;
                let text: String =
                    String::from_utf8_lossy(&content[place]).chars().take(60).collect();
                println!("{kind:20} {} {}", path.display(), text.escape_debug());
            }
        }
    }
    println!("{hits} found in {number} files, {} MB", bytes / 1_000_000);
}
