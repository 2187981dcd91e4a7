//! What a decision costs, with few rules and with many. `cargo bench -p palisade-engine`.

#![allow(clippy::print_stdout, reason = "a bench tells what it found")]

use std::{hint::black_box, time::Instant};

use palisade_core::{Action, Body, HostPattern, Request, TlsName};
use palisade_engine::{Engine, Rule, Scope};
use palisade_policy::{Effect, HttpMatch, HttpRule};

const DECISIONS: u32 = 20_000;
const ROUNDS: usize = 15;

fn main() {
    let (few, many) = (engine(10), engine(10_000));
    for (name, action) in [("connect", connect()), ("request", request())] {
        let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_few.push(nanoseconds(&few, &action));
            of_many.push(nanoseconds(&many, &action));
        }
        let (few, many) = (median(of_few), median(of_many));
        println!("{name}: 10 rules {few:.0} ns, 10,000 rules {many:.0} ns, {:.2}x", many / few);
    }
}

/// Rules for hosts of their own, wildcards among them; the one asked about is in the middle.
fn engine(count: usize) -> Engine {
    let rule = |index: usize| {
        let host = match index % 3 {
            0 => format!("*.n{index}.example.com"),
            1 => format!("**.n{index}.example.com"),
            _ => format!("n{index}.example.com"),
        };
        let host = if index == count / 2 { "api.github.com".to_owned() } else { host };
        let hosts: Vec<HostPattern> = vec![host.parse().expect("it is a name")];
        let entry = |effect, methods: &[&str], path: &str| HttpRule {
            effect,
            requests: HttpMatch {
                methods: methods.iter().map(|method| (*method).to_owned()).collect(),
                paths: vec![path.parse().expect("it is a pattern")],
                ..HttpMatch::default()
            },
        };
        Rule {
            id: format!("network.rules[{index}]"),
            hosts,
            ports: vec![443],
            inspect: true,
            http: Some(vec![
                entry(Effect::Deny, &[], "/repos/*/*/actions/**"),
                entry(Effect::Allow, &["GET", "HEAD"], "/repos/**"),
            ]),
            ..Rule::default()
        }
    };
    Engine::new(Scope { rules: (0..count).map(rule).collect(), ..Scope::default() })
}

fn connect() -> Action {
    let host = Some("api.github.com".parse().expect("it is a name"));
    let address = Some("140.82.121.6:443".parse().expect("it is an address"));
    Action::Connect {
        host,
        port: 443,
        address,
        tls: TlsName::Unseen,
        caller: palisade_core::Caller::Unasked,
    }
}

fn request() -> Action {
    let fields = [
        ("accept", "application/vnd.github+json"),
        ("authorization", "Bearer placeholder"),
        ("user-agent", "bench"),
        ("x-github-api-version", "2022-11-28"),
    ];
    Action::Request(Box::new(Request {
        host: "api.github.com".parse().expect("it is a name"),
        port: 443,
        tls: true,
        address: None,
        method: "GET".to_owned(),
        path: b"/repos/rust-lang/rust/issues/42/comments".to_vec(),
        query: Some(b"per_page=100&page=2".to_vec()),
        headers: fields.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into(),
        body: Body::Unread,
        caller: palisade_core::Caller::Unasked,
    }))
}

fn nanoseconds(engine: &Engine, action: &Action) -> f64 {
    assert!(engine.decide(action).is_allowed(), "the bench asks what is permitted");
    let start = Instant::now();
    for _ in 0..DECISIONS {
        black_box(engine.decide(black_box(action)));
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(DECISIONS)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
