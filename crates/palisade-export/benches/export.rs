//! What sending costs: `cargo bench -p palisade-export --bench export`.
//!
//! How many events a second each form makes, how many a file and a receiver on loopback take, and what a
//! record in the journal waits while a receiver is away, beside one without any export.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_export::{Destination, Exporter, Form, Host, otlp};
use palisade_journal::{
    Durability, Journal, Record,
    follow::{Follow, Position},
};
use palisade_policy::{Export, Otlp};
use palisade_testkit::{Upstream, answer};

const EVENTS: usize = 20_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let journal = written(folder.path(), 1);
    let session = journal.session().clone();
    let mut follow = Follow::open(folder.path(), &session, Position::default()).unwrap();
    let records = follow.take(usize::MAX).unwrap().records;
    for (name, form) in [
        ("jsonl", Form::Jsonl),
        ("ocsf", Form::Ocsf),
        ("otlp-json", Form::OtlpJson),
        ("syslog", Form::Syslog),
    ] {
        let bytes = |records: &[Record]| -> usize {
            records.iter().map(|record| form.line(record, false).len()).sum()
        };
        rate(&format!("form {name}"), || bytes(&records));
    }
    rate("form otlp protobuf", || {
        let batches = records.chunks(512);
        batches.map(|batch| otlp::logs(batch, Host::this(), false).resource_logs.len()).sum()
    });
    let file = folder.path().join("out.jsonl");
    sent("file of OCSF", folder.path(), &journal, Export::Ocsf(Some(file)));
    let server = Upstream::start(|_| async { answer(http::StatusCode::OK, "text/plain", "") });
    let server = server.unwrap();
    sent("OTLP by HTTP", folder.path(), &journal, receiver(server.url()));
    drop(server);
    let away = receiver("http://127.0.0.1:9".to_owned());
    for (name, export) in [("no export", None), ("a receiver that is away", Some(away))] {
        waits(name, folder.path(), export);
    }
}

fn event(number: usize) -> Event {
    let mut event = Event::observed("connect", Layer::Egress, format!("host-{number}.example:443"));
    event.decision = Verdict::Allow;
    event.rule = Some("network.rules[x]".into());
    event.reason = "network.rules[x] permits it".into();
    event.with("host", format!("host-{number}.example")).with("port", 443)
}

fn session(state: &Path, number: u8) -> Journal {
    let id = SessionId::from_random([number; 16]);
    Journal::open(state, &id, None, &PolicyDigest::of(b"policy")).unwrap()
}

fn written(state: &Path, number: u8) -> Journal {
    let journal = session(state, number);
    for number in 0..EVENTS {
        journal.record_blocking(event(number), Durability::Written).unwrap();
    }
    journal
}

fn receiver(url: String) -> Export {
    let (grpc, traces, metrics) = (false, false, false);
    Export::Otlp(Otlp { url, grpc, logs: true, traces, metrics, credential: None, ca: None })
}

fn rate(name: &str, mut run: impl FnMut() -> usize) {
    let begun = Instant::now();
    let size = run();
    let took = begun.elapsed();
    println!("{name:28} {:>10.0} events/s  ({size})", EVENTS as f64 / took.as_secs_f64());
}

fn sent(name: &str, state: &Path, journal: &Journal, export: Export) {
    let begun = Instant::now();
    let to = vec![Destination { export, secret: None }];
    let exporter = Exporter::start(state, journal, to, Duration::from_secs(60)).unwrap();
    let left = exporter.finish();
    assert!(left.is_empty(), "{left:?}");
    let took = begun.elapsed();
    println!("{name:28} {:>10.0} events/s", EVENTS as f64 / took.as_secs_f64());
}

fn waits(name: &str, state: &Path, export: Option<Export>) {
    let journal = session(state, if export.is_some() { 3 } else { 2 });
    let exporter = export.map(|export| {
        let to = vec![Destination { export, secret: None }];
        Exporter::start(state, &journal, to, Duration::from_millis(100)).unwrap()
    });
    let mut times: Vec<Duration> = (0..EVENTS)
        .map(|number| {
            let begun = Instant::now();
            journal.record_blocking(event(number), Durability::Written).unwrap();
            begun.elapsed()
        })
        .collect();
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 1000).copied().unwrap_or_default();
    println!("{name:28} a record waits {:?} at the median, {:?} at 99 %", at(500), at(990));
    if let Some(exporter) = exporter {
        println!("{name:28} left: {:?}", exporter.finish().first().map(|left| left.records));
    }
}
