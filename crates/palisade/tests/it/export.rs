//! What a policy sends elsewhere, to receivers that are not ours.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use palisade_testkit::{Answer, Recorded, Upstream, answer};
use serde_json::Value;
use tempfile::TempDir;

use crate::ran::{palisade, run};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

struct World(TempDir);

impl World {
    fn new(audit: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        let this = Self(folder);
        this.policy(audit);
        this
    }

    fn policy(&self, audit: &str) {
        let text = format!(
            "palisade: 1\nextends: [shell]\nfilesystem: {{workspace: {{path: {}}}}}\n{audit}\n",
            self.at("work").display()
        );
        fs::write(self.at("policy.yaml"), text).unwrap();
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn run(&self, script: &str) -> crate::ran::Ran {
        let mut command = palisade(self.0.path());
        command
            .args(["run", "--policy"])
            .arg(self.at("policy.yaml"))
            .args(["--", "sh", "-c", script]);
        run(command.stdin(Stdio::null()))
    }

    fn audit(&self, arguments: &[&str]) -> crate::ran::Ran {
        run(palisade(self.0.path()).arg("audit").args(arguments))
    }

    fn records(&self) -> Vec<Value> {
        let ran = self.audit(&["query", "--json"]);
        assert_eq!(ran.exit, 0, "{ran}");
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Says what is missing, and fails where it must not be.
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what}");
    println!("skipped: {what}");
}

struct Receiver {
    http: u64,
    grpc: u64,
    lines: mpsc::Receiver<Value>,
    _running: Running,
}

impl Receiver {
    fn start(failures: u32) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let packages =
            std::env::var_os("PALISADE_OTLP").map_or(root.join("target/otlp"), PathBuf::from);
        if !packages.join("opentelemetry").is_dir() {
            missing("run tests/otlp/install.sh for an OpenTelemetry receiver");
            return None;
        }
        let mut command = Command::new("/usr/bin/python3");
        command.arg(root.join("tests/otlp/receiver.py")).arg(failures.to_string());
        command.env("PYTHONPATH", packages).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let running = Running(child);
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str(&line) else { continue };
                if tell.send(value).is_err() {
                    return;
                }
            }
        });
        let first: Value = lines.recv_timeout(PATIENCE).expect("the receiver did not start");
        let port = |name: &str| first[name].as_u64().unwrap();
        Some(Self { http: port("http"), grpc: port("grpc"), lines, _running: running })
    }

    /// What came, once this many log records are there.
    fn got(&self, records: usize) -> Vec<Value> {
        let mut all = Vec::new();
        let until = Instant::now() + PATIENCE;
        while logs(&all).len() < records {
            let left = until.saturating_duration_since(Instant::now());
            all.push(self.lines.recv_timeout(left).expect("not all came"));
        }
        while let Ok(more) = self.lines.recv_timeout(Duration::from_millis(300)) {
            all.push(more);
        }
        all
    }
}

fn logs(all: &[Value]) -> Vec<Value> {
    let of = all.iter().filter(|it| it["signal"] == "logs");
    let bodies = of.map(|it| &it["body"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"]);
    bodies.flat_map(|list| list.as_array().unwrap().clone()).collect()
}

fn attribute(of: &Value, key: &str) -> Option<String> {
    let all = of["attributes"].as_array()?;
    let value = &all.iter().find(|it| it["key"] == key)?["value"];
    let kinds = ["stringValue", "intValue", "boolValue"];
    let text = kinds
        .iter()
        .find_map(|kind| value[*kind].as_str().or(value[*kind].as_bool().map(|_| "bool")));
    text.map(str::to_owned)
}

fn otlp(receiver: &Receiver, grpc: bool, more: &str) -> String {
    let (protocol, port) = if grpc { ("grpc", receiver.grpc) } else { ("http", receiver.http) };
    format!("audit: {{otlp: {{url: \"http://127.0.0.1:{port}\", protocol: {protocol}{more}}}}}")
}

fn arrives(grpc: bool) {
    let Some(receiver) = Receiver::start(1) else { return };
    let key = "sk-a-key-that-no-export-shows";
    let world = World::new(&format!(
        "credentials: {{otel: {{from: {{file: {}}}, header: \"x-otel-key: {{secret}}\"}}}}\n{}",
        "./otel.key",
        otlp(&receiver, grpc, ", credential: otel")
    ));
    fs::write(world.at("otel.key"), key).unwrap();
    fs::set_permissions(world.at("otel.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let ran = world.run("echo $TRACEPARENT; getent hosts evil.example; exit 3");
    assert_eq!((ran.exit, ran.stderr.as_str()), (3, ""), "{ran}");
    let records = world.records();
    let got = receiver.got(records.len());
    let logs = logs(&got);
    let seqs: Vec<_> = logs.iter().map(|log| attribute(log, "palisade.seq").unwrap()).collect();
    let expected: Vec<_> = records.iter().map(|it| it["seq"].to_string()).collect();
    assert_eq!(seqs, expected);
    for (log, record) in logs.iter().zip(&records) {
        assert_eq!(attribute(log, "palisade.hash"), record["hash"].as_str().map(str::to_owned));
        assert_eq!(log["eventName"], format!("palisade.{}", record["kind"].as_str().unwrap()));
    }
    for one in &got {
        assert_eq!(one["headers"]["x-otel-key"], key);
        assert!(!one["body"].to_string().contains(key));
    }
    // The variable inside names the session's own span.
    let traces: Vec<&Value> = got.iter().filter(|it| it["signal"] == "traces").collect();
    let spans = traces.iter().flat_map(|it| {
        it["body"]["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap()
    });
    let spans: Vec<&Value> = spans.collect();
    let session = spans.iter().find(|span| span["name"] == "session").unwrap();
    let [_, trace, span, _] = ran.stdout.trim().split('-').collect::<Vec<_>>()[..] else {
        panic!("{ran}")
    };
    let bytes = |text: &Value| decoded(text.as_str().unwrap());
    assert_eq!(
        (bytes(&session["traceId"]), bytes(&session["spanId"])),
        (trace.into(), span.into())
    );
    let denied = spans.iter().find(|span| span["name"] == "resolve").unwrap();
    assert_eq!(denied["parentSpanId"], session["spanId"]);
    assert_eq!(denied["status"]["code"], "STATUS_CODE_ERROR");
    let metrics = got.iter().rfind(|it| it["signal"] == "metrics").unwrap();
    let points = &metrics["body"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["sum"]["dataPoints"];
    let counts = points
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["asInt"].as_str().unwrap().parse::<usize>().unwrap());
    assert_eq!(counts.sum::<usize>(), records.len());
    assert_eq!(world.audit(&["export", "--status"]).stdout, "nothing waits\n");
}

/// Base64, as the JSON of protobuf has bytes, in hexadecimal.
fn decoded(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut have, mut out) = (0_u32, 0, String::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = (0_u32..).zip(DIGITS).find(|(_, digit)| **digit == byte).unwrap().0;
        bits = (bits << 6) | digit;
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push_str(&format!("{:02x}", (bits >> have) & 0xff));
        }
    }
    out
}

#[test]
fn otlp_by_http_reaches_a_receiver_of_others() {
    arrives(false);
}

#[test]
fn otlp_by_grpc_reaches_a_receiver_of_others() {
    arrives(true);
}

/// The receiver is away for all of a session: the command is not held up, the end is, a little; what is left is sent
/// by hand.
#[test]
fn what_an_outage_left_is_sent_by_hand() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let audit = format!("audit: {{otlp: \"http://127.0.0.1:{port}\", flush: 1s}}");
    let world = World::new(&audit);
    let ran = world.run("exit 0");
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(ran.stderr.contains("were not sent"), "{ran}");
    let status = world.audit(&["export", "--status"]);
    assert!(status.stdout.contains("failing since"), "{status}");
    let policy = world.at("policy.yaml");
    let flush = ["export", "--flush", "--policy", policy.to_str().unwrap(), "--within", "2"];
    let still = world.audit(&flush);
    assert_eq!(still.exit, 1, "{still}");
    let server =
        Upstream::start_at(SocketAddr::from(([127, 0, 0, 1], port)), |_: Recorded| async {
            let none: Answer = answer(http::StatusCode::OK, "text/plain", "");
            none
        });
    let server = server.unwrap();
    let done = world.audit(&flush);
    assert_eq!(
        (done.exit, done.stdout.as_str()),
        (0, "3 exports of sessions are sent in full now\n"),
        "{done}"
    );
    let paths: Vec<_> = server.requests().iter().map(|it| it.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/v1/logs", "/v1/traces", "/v1/metrics"]);
    assert_eq!(world.audit(&["export", "--status"]).stdout, "nothing waits\n");
    let nothing = world.audit(&flush);
    assert_eq!(nothing.stdout, "0 exports of sessions are sent in full now\n", "{nothing}");
    assert_eq!(server.requests().len(), 3);
}

/// Without `audit` there is no thread for it.
#[test]
fn a_session_that_sends_nothing_has_no_thread_for_it() {
    for (audit, threads) in [("", false), ("audit: {ocsf: true}", true)] {
        let world = World::new(audit);
        let mut command = palisade(world.0.path());
        command.args(["run", "--policy"]).arg(world.at("policy.yaml"));
        command.args(["--", "sh", "-c", "echo up; read line; true"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut running = Running(child);
        let mut line = String::new();
        BufReader::new(running.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        let tasks = fs::read_dir(format!("/proc/{}/task", running.0.id())).unwrap();
        let names: Vec<String> = tasks
            .filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok())
            .collect();
        assert_eq!(names.iter().any(|name| name == "export\n"), threads, "{names:?}");
        drop(running.0.stdin.take());
        assert!(running.0.wait().unwrap().success());
        assert_eq!(world.at("state/export").exists(), threads);
    }
}

#[test]
fn an_export_by_name_goes_on_where_it_ended() {
    let world = World::new("");
    world.run("getent hosts evil.example");
    let lines = |ran: crate::ran::Ran| -> Vec<Value> {
        assert_eq!(ran.exit, 0, "{ran}");
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let by_name = ["export", "--format", "ocsf", "--cursor", "siem"];
    let first = lines(world.audit(&by_name));
    assert_eq!(first.len(), world.records().len());
    assert!(lines(world.audit(&by_name)).is_empty());
    world.run("true");
    let second = lines(world.audit(&by_name));
    assert_eq!(second.len() + first.len(), world.records().len());
    assert_ne!(first[0]["metadata"]["correlation_uid"], second[0]["metadata"]["correlation_uid"]);
    // Without a name all of it, in any form; to a file as well.
    for form in ["jsonl", "ocsf", "otlp-json"] {
        assert_eq!(lines(world.audit(&["export", "--format", form])).len(), world.records().len());
    }
    let syslog = world.audit(&[
        "export",
        "--format",
        "syslog",
        "--session",
        first[0]["metadata"]["correlation_uid"].as_str().unwrap(),
    ]);
    assert_eq!(syslog.stdout.lines().count(), first.len());
    let file = world.at("out.jsonl");
    world.audit(&["export", "--format", "jsonl", "--output", file.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), world.records().len());
    assert_eq!(world.audit(&["export"]).exit, 2);
}

#[test]
fn rsyslog_takes_what_is_sent() {
    let Some(rsyslog) =
        ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"].iter().find(|it| Path::new(it).exists())
    else {
        return missing("rsyslogd is not installed");
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let world = World::new(&format!("audit: {{syslog: \"tcp://127.0.0.1:{port}\", flush: 20s}}"));
    let (out, config) = (world.at("rsyslog.out"), world.at("rsyslog.conf"));
    fs::write(&config, format!(
        "global(workDirectory=\"{}\")\nmodule(load=\"imtcp\" StreamDriver.Name=\"ptcp\")\n\
         module(load=\"mmpstrucdata\")\n\
         template(name=\"all\" type=\"list\") {{ property(name=\"jsonmesg\") constant(value=\"\\n\") }}\n\
         ruleset(name=\"in\") {{ action(type=\"mmpstrucdata\") \
         action(type=\"omfile\" file=\"{}\" template=\"all\" fileCreateMode=\"0644\") }}\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"in\")\n",
        world.0.path().display(), out.display()
    )).unwrap();
    let mut daemon = Command::new(rsyslog);
    daemon.args(["-n", "-f"]).arg(&config).arg("-i").arg(world.at("rsyslog.pid"));
    let log = fs::File::create(world.at("rsyslog.log")).unwrap();
    daemon.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let running = Running(daemon.spawn().unwrap());
    wait_for("rsyslogd", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let ran = world.run("getent hosts 'evil.example'; true");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran}");
    let records = world.records();
    let read = || -> Vec<Value> {
        let text = fs::read_to_string(&out).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    wait_for("all messages", || read().len() >= records.len());
    let messages = read();
    assert_eq!(messages.len(), records.len());
    for (message, record) in messages.iter().zip(&records) {
        let data = &message["$!"]["rfc5424-sd"]["palisade@32473"];
        for key in ["session", "kind", "decision", "hash"] {
            assert_eq!(data[key], record[key], "{message:#}");
        }
        assert_eq!(data["seq"], record["seq"].to_string());
        assert_eq!(
            (message["syslogtag"].as_str(), message["msgid"].as_str()),
            (Some("palisade"), record["kind"].as_str())
        );
        assert_eq!(message["syslogfacility"], "13");
    }
    drop(running);
}

#[test]
fn prometheus_reads_the_counts() {
    let world = World::new("audit: {ocsf: true}");
    world.run("getent hosts evil.example; true");
    let text = world.audit(&["metrics"]);
    assert_eq!(text.exit, 0, "{text}");
    let line = "palisade_events_total{kind=\"launch\",layer=\"process\",decision=\"allow\"} 1";
    assert!(text.stdout.lines().any(|it| it == line), "{text}");
    assert!(text.stdout.contains("palisade_export_records_total{destination=\"ocsf-"), "{text}");
    let file = world.at("palisade.prom");
    world.audit(&["metrics", "--textfile", file.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text.stdout);
    let far = world.audit(&["metrics", "--listen", "0.0.0.0:0"]);
    assert_eq!(far.exit, 2, "{far}");
    let mut command = palisade(world.0.path());
    command.args(["audit", "metrics", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let mut told = String::new();
    BufReader::new(running.0.stderr.as_mut().unwrap()).read_line(&mut told).unwrap();
    let address =
        told.trim().strip_prefix("palisade: http://").unwrap().strip_suffix("/metrics").unwrap();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(get("/metrics").ends_with(&text.stdout));
    assert!(get("/").starts_with("HTTP/1.1 404"));
    world.run("true");
    assert!(get("/metrics").contains("layer=\"process\",decision=\"allow\"} 2"));
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else { return missing("promtool is not installed") };
    promtool.stdin.take().unwrap().write_all(text.stdout.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    assert!(
        checked.status.success() && checked.stdout.is_empty() && checked.stderr.is_empty(),
        "{checked:?}"
    );
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !there() {
        assert!(Instant::now() < until, "{what} did not happen");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A launch that was refused has no supervisor that could send; the next one does.
#[test]
fn a_refused_launch_is_sent_by_the_next_session() {
    let server = Upstream::start(|_: Recorded| async {
        let none: Answer = answer(http::StatusCode::OK, "text/plain", "");
        none
    });
    let server = server.unwrap();
    let audit =
        format!("audit: {{otlp: {{url: \"{}\", signals: [logs]}}, flush: 20s}}", server.url());
    let world = World::new(&audit);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    world.policy(&format!("{audit}\nnetwork: {{expose: [{port}]}}"));
    let refused = world.run("true");
    assert_eq!(refused.exit, 125, "{refused}");
    assert!(server.requests().is_empty());
    assert!(world.audit(&["export", "--status"]).stdout.contains("through 0"));
    world.policy(&audit);
    let ran = world.run("sleep 4");
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(server.requests().iter().any(|request| request.contains("palisade.refusal")));
}

/// The supervisor is killed in the middle: what was sent is not sent again, and the end that recovery enters is sent
/// as well.
#[test]
fn a_killed_supervisor_repeats_and_loses_nothing() {
    let Some(receiver) = Receiver::start(0) else { return };
    let world = World::new(&otlp(&receiver, false, ", signals: [logs]"));
    let mut command = palisade(world.0.path());
    command.args(["run", "--policy"]).arg(world.at("policy.yaml"));
    command.args(["--", "sh", "-c", "getent hosts evil.example; echo up; sleep 1000"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let mut line = String::new();
    BufReader::new(running.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    let mut all = receiver.got(3);
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let status = world.audit(&["export", "--status"]);
    assert!(status.stdout.contains("0 of them perhaps twice"), "{status}");
    let recovered = world.audit(&["recover"]);
    assert_eq!(recovered.exit, 0, "{recovered}");
    let policy = world.at("policy.yaml");
    let flush = world.audit(&["export", "--flush", "--policy", policy.to_str().unwrap()]);
    assert_eq!(flush.exit, 0, "{flush}");
    let records = world.records();
    all.extend(receiver.got(records.len() - logs(&all).len()));
    let logs = logs(&all);
    let seqs: Vec<_> = logs.iter().map(|log| attribute(log, "palisade.seq").unwrap()).collect();
    let expected: Vec<_> = records.iter().map(|it| it["seq"].to_string()).collect();
    assert_eq!(seqs, expected);
    assert!(logs.iter().all(|log| attribute(log, "palisade.resent").is_none()));
    assert_eq!(world.audit(&["export", "--status"]).stdout, "nothing waits\n");
    assert_eq!(world.audit(&["verify"]).exit, 0);
}
