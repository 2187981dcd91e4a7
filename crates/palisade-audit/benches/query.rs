//! How long it takes to find a few events among many, with an index that is up to date.
//!
//! ```text
//! cargo bench -p palisade-audit --bench query [-- --records 1000000 --runs 20 --folder DIR]
//! ```
//!
//! Ten million records take 8 GB of disk and minutes to write. With `--folder` they stay there, and the next run with as many
//! asks them again. Each question's time is told by the clock and, beside other work, by the processor's time of the thread that asks.

#![allow(clippy::print_stdout, reason = "a bench tells what it found")]
#![allow(clippy::cast_precision_loss, reason = "numbers of runs are small")]
#![allow(clippy::expect_used, reason = "a bench may panic")]

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use palisade_audit::{
    index::Index,
    query::{Use, ask},
};
use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_journal::{Durability, Filter, Journal};

/// Sessions that the events are spread over.
const SESSIONS: u64 = 20;
/// Records that wait for the writer at one time.
const WRITERS: usize = 256;

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

fn number(name: &str, otherwise: u64) -> u64 {
    argument(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What the processor has done for this thread (`proc_pid_schedstat`).
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

fn event(number: u64) -> Event {
    let host = format!("host-{}.example", number % 5000);
    let (kind, layer, rule) = match number % 4 {
        0 => ("resolve", Layer::Network, "network.rules[all]"),
        1 => ("request", Layer::Egress, "network.rules[all].http[0]"),
        2 => ("exec", Layer::Process, "permissions"),
        _ => ("connect", Layer::Egress, "network.rules[all]"),
    };
    let mut event = Event::observed(kind, layer, format!("{host}:443"))
        .with("host", host)
        .with("connection", number / 3)
        .with("process", format!("{}@{}", number % 3000 + 2, number / 9));
    event.decision = Verdict::Allow;
    event.rule = Some(rule.to_owned());
    // One in a hundred thousand is what is looked for.
    if number % 100_000 == 77 {
        event.decision = Verdict::Deny;
        event.rule = Some("network.rules[rare]".to_owned());
        event.reason = "no rule permits it".to_owned();
    }
    event
}

fn fill(state: &Path, events: u64) {
    let policy = PolicyDigest::of(b"bench");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for session in 0..SESSIONS {
        let id = SessionId::from_random(u128::from(session).to_be_bytes());
        let journal = Journal::open(state, &id, None, &policy).expect("a journal");
        let (first, last) = (events / SESSIONS * session, events / SESSIONS * (session + 1));
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for writer in 0..WRITERS {
                let journal = journal.clone();
                let numbers = (first + writer as u64..last).step_by(WRITERS);
                tasks.spawn(async move {
                    for number in numbers {
                        journal.record(event(number)).await.expect("a record");
                    }
                });
            }
            while tasks.join_next().await.is_some() {}
        });
        let end = Event::observed("end", Layer::Process, "exit 0");
        journal.close_blocking(end, Durability::Written).expect("an end");
    }
}

fn main() {
    let (events, runs) = (number("--records", 1_000_000), number("--runs", 20));
    let own;
    let state = match argument("--folder") {
        Some(folder) => PathBuf::from(folder).join(format!("palisade-bench-{events}")),
        None => {
            own = tempfile::tempdir().expect("a folder");
            own.path().to_owned()
        }
    };
    let (state, whole) = (state.as_path(), state.join("whole"));
    if !whole.exists() {
        let (_, wrote) = timed(|| fill(state, events));
        println!("{events} events written in {:.1} s", wrote.as_secs_f64());
        std::fs::write(whole, "").expect("a mark");
    }
    let (updated, took) = timed(|| {
        let mut index = Index::open(state).expect("an index");
        index.update(&mut |_| {}).expect("the journal in the index")
    });
    println!(
        "{} events ({} MB) taken into the index in {:.1} s",
        updated.events,
        updated.bytes >> 20,
        took.as_secs_f64()
    );
    let middle = SessionId::from_random(7_u128.to_be_bytes()).to_string();
    let filter = Filter::default;
    let two = ["kind=request", "decision=allow"].map(|it| it.parse().expect("a condition")).into();
    let questions = [
        ("decision=deny", Filter { decision: Some(Verdict::Deny), ..filter() }, None),
        ("rule", Filter { rule: Some("network.rules[rare]".into()), ..filter() }, None),
        ("a host", condition("detail.host=host-123.example"), Some(100)),
        ("a connection", condition("detail.connection=123456"), None),
        (
            "kind=connect of a session, the newest 100",
            Filter { kind: Some("connect".into()), session: Some(middle), ..filter() },
            Some(100),
        ),
        ("kind=exec, the newest 100", Filter { kind: Some("exec".into()), ..filter() }, Some(100)),
        ("two conditions, the newest 100", Filter { conditions: two, ..filter() }, Some(100)),
        (
            "layer=egress, the newest 100",
            Filter { layer: Some("egress".into()), ..filter() },
            Some(100),
        ),
    ];
    for (name, filter, limit) in questions {
        let mut times: Vec<Duration> = Vec::new();
        let (mut found, before) = (0_u64, busy());
        for _ in 0..runs {
            let (count, took) = timed(|| {
                let mut count = 0_u64;
                let mut take = |_| {
                    count += 1;
                    ControlFlow::Continue(())
                };
                // As the command does it: the index is opened, and what is new is looked for.
                ask(state, &filter, (Use::Always, limit), &mut |_| {}, &mut take)
                    .expect("an answer");
                count
            });
            found = count;
            times.push(took);
        }
        let each = busy().saturating_sub(before).as_secs_f64() * 1000.0 / runs.max(1) as f64;
        times.sort();
        let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
        println!(
            "{name}: {found} found, processor {each:.1} ms each, p50 {:.1} ms, p90 {:.1} ms, slowest {:.1} ms",
            milliseconds(at(50)),
            milliseconds(at(90)),
            times.last().map_or(0.0, |time| milliseconds(*time))
        );
    }
}

fn condition(text: &str) -> Filter {
    Filter { conditions: vec![text.parse().expect("a condition")], ..Filter::default() }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
