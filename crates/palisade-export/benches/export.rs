//! What sending costs: `cargo bench -p palisade-export --bench export [-- --events 100000]`.
//!
//! How many events a second each form makes of a journal's records, and how large they are; how many arrive a second at a file,
//! at receivers on loopback that cost nothing, and at one that is not ours (Python's OpenTelemetry packages, which
//! `tests/otlp/install.sh` puts into `target/otlp`; `PALISADE_OTLP` says where else). Beside each is the time that processors
//! spent here, which a receiver and other work on the machine do not change much, and the memory that was added. Then what a
//! record in the journal waits while a receiver is away, beside one without any export, and what waits on the disk meanwhile.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a program that measures"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
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

/// Bytes of resident memory in a page.
const PAGE_KB: u64 = 4;

fn main() {
    let events = argument("--events").map_or(100_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let journal = written(folder.path(), events);
    let session = journal.session().clone();
    let mut follow = Follow::open(folder.path(), &session, Position::default()).unwrap();
    let mut records = Vec::new();
    while records.len() < events {
        records.extend(follow.take(events).unwrap().records);
    }
    forms(&records);
    drop(records);

    let sent = |name: &str, export: Export| sent(name, folder.path(), &journal, events, export);
    sent("a file of OCSF", Export::Ocsf(Some(folder.path().join("out.jsonl"))));
    let upstream = || Upstream::start(|_| async { answer(http::StatusCode::OK, "text/plain", "") });
    let server = upstream().unwrap();
    sent("OTLP by HTTP, logs, a server of ours", receiver(server.url(), false, false));
    sent("OTLP by HTTP, all signals, the same", receiver(server.url(), false, true));
    drop(server);
    match Foreign::start() {
        Some(mut foreign) => {
            for (name, grpc) in [("HTTP", false), ("gRPC", true)] {
                let name = format!("OTLP by {name}, logs, Python's packages");
                let url = foreign.url(grpc);
                sent(&name, receiver(url, grpc, false));
                // The opening is a record too.
                assert_eq!(foreign.received(events as u64 + 1), events as u64 + 1, "{name}");
            }
        }
        None => println!("OTLP to a receiver that is not ours: tests/otlp/install.sh was not run"),
    }
    journal
        .close_blocking(Event::observed("end", Layer::Process, "exit 0"), Durability::Written)
        .unwrap();

    let away = receiver("http://127.0.0.1:9".to_owned(), false, true);
    let swallows = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = receiver(format!("http://{}", swallows.local_addr().unwrap()), false, true);
    waits("no export", folder.path(), 2, None);
    waits("a receiver that is away", folder.path(), 3, Some(away));
    waits("a receiver that never answers", folder.path(), 4, Some(silent));
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

/// What a session of an agent has most of, in turn.
fn event(number: usize) -> Event {
    let host = format!("host-{}.example", number % 50);
    let mut event = match number % 4 {
        0 => Event::observed("connect", Layer::Egress, format!("{host}:443")),
        1 => Event::observed(
            "request",
            Layer::Egress,
            format!("GET https://{host}/v1/items/{number}"),
        )
        .with("method", "GET"),
        2 => Event::observed("exec", Layer::Process, format!("/usr/bin/make target-{number}"))
            .with("program", "/usr/bin/make")
            .with("process", format!("{}@{number}", number % 4000)),
        _ => {
            Event::observed("model_answer", Layer::Inference, "anthropic/messages claude-sonnet-5")
                .with("provider", "anthropic")
                .with("model", "claude-sonnet-5")
                .with("latency_ms", 1200)
                .with("input_tokens", 1000)
                .with("output_tokens", 200)
        }
    };
    event.decision = Verdict::Allow;
    event.rule = Some("network.rules[x]".into());
    event.reason = "network.rules[x] permits it".into();
    event.with("host", host).with("port", 443)
}

fn session(state: &Path, number: u8) -> Journal {
    let id = SessionId::from_random([number; 16]);
    Journal::open(state, &id, None, &PolicyDigest::of(b"policy")).unwrap()
}

fn written(state: &Path, events: usize) -> Journal {
    let journal = session(state, 1);
    for number in 0..events {
        journal.record_blocking(event(number), Durability::Written).unwrap();
    }
    journal
}

fn receiver(url: String, grpc: bool, all: bool) -> Export {
    let (traces, metrics) = (all, all);
    Export::Otlp(Otlp { url, grpc, logs: true, traces, metrics, credential: None, ca: None })
}

/// Each form alone.
fn forms(records: &[Record]) {
    for (name, form) in [
        ("jsonl", Form::Jsonl),
        ("ocsf", Form::Ocsf),
        ("otlp-json", Form::OtlpJson),
        ("syslog", Form::Syslog),
    ] {
        let bytes = || records.iter().map(|record| form.line(record, false).len()).sum();
        made(name, records.len(), bytes);
    }
    let host = Host::this();
    let batches = || records.chunks(512);
    made("otlp logs, protobuf", records.len(), || {
        batches().map(|batch| size(&otlp::logs(batch, host, false))).sum()
    });
    let mut totals = otlp::Totals::default();
    made("otlp traces, protobuf", records.len(), || {
        let mut of = |batch| {
            totals.add(batch);
            size(&otlp::traces(batch, &totals, host))
        };
        batches().map(&mut of).sum()
    });
    let mut totals = otlp::Totals::default();
    made("otlp metrics, protobuf", records.len(), || {
        let mut of = |batch| {
            totals.add(batch);
            size(&otlp::metrics(batch, &totals, host))
        };
        batches().map(&mut of).sum()
    });
}

fn size(message: &impl prost::Message) -> usize {
    message.encode_to_vec().len()
}

fn made(name: &str, events: usize, mut run: impl FnMut() -> usize) {
    let (begun, before) = (Instant::now(), processors());
    let bytes = run();
    let (took, used) = (begun.elapsed(), processors() - before);
    println!(
        "{:44} {:>9.0} events/s, {:6.2} us of processors' time and {:5} bytes an event",
        format!("form {name}"),
        events as f64 / took.as_secs_f64(),
        each(events, used),
        bytes / events
    );
}

fn sent(name: &str, state: &Path, journal: &Journal, events: usize, export: Export) {
    let (begun, before, memory) = (Instant::now(), processors(), Memory::watch());
    let to = vec![Destination { export, secret: None }];
    let exporter = Exporter::start(state, journal, to, Duration::from_secs(600)).unwrap();
    let left = exporter.finish();
    assert!(left.is_empty(), "{left:?}");
    let (took, used) = (begun.elapsed(), processors() - before);
    println!(
        "{name:44} {:>9.0} events/s, {:6.2} us of processors' time an event, {} KB more memory",
        events as f64 / took.as_secs_f64(),
        each(events, used),
        memory.most()
    );
}

fn waits(name: &str, state: &Path, number: u8, export: Option<Export>) {
    let journal = session(state, number);
    let memory = Memory::watch();
    let exporter = export.map(|export| {
        let to = vec![Destination { export, secret: None }];
        Exporter::start(state, &journal, to, Duration::from_secs(1)).unwrap()
    });
    let count = 50_000;
    let mut times: Vec<Duration> = (0..count)
        .map(|number| {
            let begun = Instant::now();
            journal.record_blocking(event(number), Durability::Written).unwrap();
            begun.elapsed()
        })
        .collect();
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 1000).copied().unwrap_or_default();
    println!(
        "{name:44} a record waits {:?} at the median, {:?} at 99 %; {} KB more memory",
        at(500),
        at(990),
        memory.most()
    );
    if let Some(exporter) = exporter {
        let left = exporter.finish().first().map(|left| left.records);
        let queue = bytes(&state.join("export"));
        println!("{:44} {left:?} records wait in the journal, the cursors have {queue} bytes", "");
    }
}

/// The receiver of the tests, in Python.
struct Foreign {
    child: Child,
    lines: mpsc::Receiver<serde_json::Value>,
    ports: serde_json::Value,
}

impl Foreign {
    fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let packages =
            std::env::var_os("PALISADE_OTLP").map_or(root.join("target/otlp"), PathBuf::from);
        packages.join("opentelemetry").exists().then_some(())?;
        let mut command = Command::new("/usr/bin/python3");
        command.arg(root.join("tests/otlp/receiver.py")).args(["0", "count"]);
        command.env("PYTHONPATH", packages).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let output = BufReader::new(child.stdout.take()?);
        let (to, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                to.send(serde_json::from_str(&line).unwrap()).ok();
            }
        });
        let ports = lines.recv().ok()?;
        Some(Self { child, lines, ports })
    }

    fn url(&self, grpc: bool) -> String {
        format!("http://127.0.0.1:{}", self.ports[if grpc { "grpc" } else { "http" }])
    }

    /// How many records came, once there are as many.
    fn received(&mut self, wanted: u64) -> u64 {
        let mut all = 0;
        while all < wanted {
            let Ok(line) = self.lines.recv_timeout(Duration::from_secs(10)) else { break };
            all += line["records"].as_u64().unwrap_or(0);
        }
        all
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The most memory that was resident since, above what it was then; looked at each few milliseconds.
struct Memory {
    stop: mpsc::Sender<()>,
    most: thread::JoinHandle<u64>,
}

impl Memory {
    fn watch() -> Self {
        let (stop, stopped) = mpsc::channel();
        let before = resident();
        let most = thread::spawn(move || {
            let mut most = before;
            while let Err(mpsc::RecvTimeoutError::Timeout) =
                stopped.recv_timeout(Duration::from_millis(5))
            {
                most = most.max(resident());
            }
            most.max(resident()) - before
        });
        Self { stop, most }
    }

    fn most(self) -> u64 {
        self.stop.send(()).ok();
        self.most.join().unwrap()
    }
}

/// Resident memory, in KB.
fn resident() -> u64 {
    let mut text = String::new();
    fs::File::open("/proc/self/statm").unwrap().read_to_string(&mut text).unwrap();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE_KB
}

/// The processors' time that this process used.
fn processors() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

fn each(events: usize, used: Duration) -> f64 {
    used.as_secs_f64() * 1e6 / events as f64
}

/// Bytes of all files below.
fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}
