//! A policy that is exchanged while the agent runs under it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    servers::Sink,
    world::{Ran, World, end_of, finish},
};

/// Connects to the host and port of its arguments.
const HOLD: &str = "\
import os, socket, sys, time
stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
stream.settimeout(None)
stream.sendall(bytes(1))
more = lambda: stream.recv(1)
";

/// Begins to read an answer of HTTP that does not end.
const STREAM: &str = "\
import os, sys, time, urllib.request
answer = urllib.request.urlopen(f'http://{sys.argv[1]}:{sys.argv[2]}/stream', timeout=600)
assert answer.read(5) == b'hello'
more = lambda: answer.read(1)
";

/// What both do then: say so in the file `up`, and write how it ended to the file `ended`.
const WAIT: &str = "\
open('up', 'w').close()
try:
    end = 'closed' if more() == b'' else 'data'
except Exception as error:
    end = type(error).__name__
open('ended.new', 'w').write(end)
os.rename('ended.new', 'ended')
time.sleep(600)
";

const FETCH: &str = "\
import sys, urllib.request
print(urllib.request.urlopen(f'http://{sys.argv[1]}:{sys.argv[2]}/', timeout=20).read().decode())";

fn rule(host: &str, port: u16) -> String {
    format!("    - {{name: {host}, hosts: [{host}], ports: [{port}], addresses: [127.0.0.1]}}\n")
}

fn network(rules: &str) -> String {
    format!("network:\n  hosts: {{a.test: [127.0.0.1], b.test: [127.0.0.1]}}\n  rules:\n{rules}")
}

/// A sandbox that does not outlive a test that fails.
struct Live(Option<Child>);

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().unwrap_or_default();
        }
    }
}

/// A sandbox named `live` whose command holds a connection, which is the second value.
fn started(world: &World, port: u16, listener: &TcpListener) -> (Live, TcpStream) {
    let (child, mut stream) = begun(world, HOLD, port, listener);
    stream.read_exact(&mut [0]).unwrap();
    wait_for(world, "work/up");
    (child, stream)
}

fn begun(world: &World, program: &str, port: u16, listener: &TcpListener) -> (Live, TcpStream) {
    let program = format!("{program}{WAIT}");
    let port = port.to_string();
    let mut command = world.palisade();
    command
        .args(["run", "--quiet", "--name", "live", "--policy"])
        .arg(world.at("config/attack.yaml"))
        .args(["--", "python3", "-c", &program, "a.test", &port])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = Live(Some(command.spawn().unwrap()));
    listener.set_nonblocking(true).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            Err(error) => panic!("nobody connects: {error}"),
        }
    };
    stream.set_nonblocking(false).unwrap();
    (child, stream)
}

fn wait_for(world: &World, file: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    while !world.at(file).exists() {
        assert!(Instant::now() < until, "{file} does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

fn apply(world: &World, more: &[&str]) -> Ran {
    finish(world.palisade().args(["policy", "apply", "live"]).args(more))
}

fn fetch(world: &World, host: &str, port: u16) -> Ran {
    let port = port.to_string();
    let words = ["exec", "live", "--", "python3", "-c", FETCH, host, &port];
    finish(world.palisade().args(words))
}

fn end(world: &World, mut child: Live) {
    finish(world.palisade().args(["kill", "live"])).good();
    end_of(child.0.take().unwrap());
    world.verify();
}

/// The old policy with other network rules.
fn write(world: &World, name: &str, rules: &str) -> String {
    let path = world.at(format!("config/{name}"));
    let text = world.read("config/attack.yaml");
    let (kept, _) = text.split_once("network:").unwrap();
    world.write(&path, &format!("{kept}{}", network(rules)));
    path.display().to_string()
}

#[test]
fn keeps_a_connection_that_the_new_policy_forbids() {
    let (holder, sink) = (TcpListener::bind("127.0.0.1:0").unwrap(), Sink::start());
    let held = holder.local_addr().unwrap().port();
    let Some(world) = World::new(&network(&rule("a.test", held))) else { return };
    let (child, mut stream) = started(&world, held, &holder);
    assert_ne!(fetch(&world, "b.test", sink.port()).code, Some(0));

    // It stays where the new policy permits it too.
    let both = rule("a.test", held) + &rule("b.test", sink.port());
    let both = write(&world, "both.yaml", &both);
    let said = apply(&world, &[&both]);
    assert!(said.good().contains("is under policy"), "{said}");
    assert_eq!(fetch(&world, "b.test", sink.port()).good(), "hello");
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.read(&mut [0]).unwrap_err();
    assert!(!world.at("work/ended").exists());

    let other = write(&world, "other.yaml", &rule("b.test", sink.port()));
    apply(&world, &[&other]).good();
    wait_for(&world, "work/ended");
    assert_eq!(world.read("work/ended"), "ConnectionResetError");
    assert_ne!(fetch(&world, "a.test", held).code, Some(0));

    // And back, by what it was started with.
    apply(&world, &[]).good();
    assert_ne!(fetch(&world, "b.test", sink.port()).code, Some(0));
    end(&world, child);

    let events = world.events();
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).collect::<Vec<_>>();
    let cut = of("connect")
        .into_iter()
        .find(|event| event["decision"] == "deny" && event["subject"] == format!("a.test:{held}"));
    let policies = of("policy");
    assert_eq!(policies.len(), 3);
    // What was cut was decided under the new one, and says so.
    assert_eq!(cut.unwrap()["policy"], policies[1]["detail"]["to"]);
    assert_eq!(policies[1]["detail"]["from"], policies[0]["detail"]["to"]);
    assert_eq!(policies[2]["detail"]["to"], policies[0]["detail"]["from"]);
    assert_eq!(policies[0]["decision"], "allow");
}

#[test]
fn keeps_an_answer_that_the_new_policy_forbids() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let rule = |paths: &str| {
        format!(
            "    - {{name: a, hosts: [a.test], ports: [{port}], addresses: [127.0.0.1], \
             http: [{{allow: {{methods: [GET], paths: [{paths}]}}}}]}}\n"
        )
    };
    let Some(world) = World::new(&network(&rule("/stream"))) else { return };
    let (child, mut stream) = begun(&world, STREAM, port, &holder);
    let mut head = [0; 4096];
    assert!(stream.read(&mut head).unwrap() > 0);
    let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    stream.write_all(answer).unwrap();
    wait_for(&world, "work/up");
    // It goes on as long as its own request is permitted.
    apply(&world, &[&write(&world, "more.yaml", &rule("/other, /stream"))]).good();
    thread::sleep(Duration::from_millis(300));
    assert!(!world.at("work/ended").exists());
    apply(&world, &[&write(&world, "other.yaml", &rule("/other"))]).good();
    wait_for(&world, "work/ended");
    assert_ne!(world.read("work/ended"), "data");
    end(&world, child);
    let events = world.events();
    let denied =
        |event: &&serde_json::Value| event["kind"] == "request" && event["decision"] == "deny";
    let cut = events.iter().find(denied).unwrap();
    assert_eq!(cut["subject"], format!("GET http://a.test:{port}/stream"));
}

/// What passes unseen cannot be looked into later.
#[test]
fn keeps_a_connection_that_is_to_be_looked_into() {
    let (holder, other) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (port, seen) = (holder.local_addr().unwrap().port(), other.local_addr().unwrap().port());
    let looked = |port: u16| {
        format!(
            "    - {{hosts: [a.test], ports: [{port}], addresses: [127.0.0.1], tls: inspect}}\n"
        )
    };
    let Some(world) = World::new(&network(&(rule("a.test", port) + &looked(seen)))) else { return };
    let (child, _stream) = started(&world, port, &holder);
    apply(&world, &[&write(&world, "look.yaml", &(looked(port) + &looked(seen)))]).good();
    wait_for(&world, "work/ended");
    end(&world, child);
    // Where nothing is looked into at the start, nothing inside trusts what would be shown.
    let Some(blind) = World::new(&network(&rule("a.test", port))) else { return };
    let (child, _stream) = started(&blind, port, &holder);
    let ran = apply(&blind, &[&write(&blind, "look.yaml", &looked(port))]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.err.contains("trusts an authority"), "{ran}");
    assert!(!blind.at("work/ended").exists());
    end(&blind, child);
}

/// Begins a connection, and says the rest of its first words once another policy is in force.
const HESITATE: &str = "\
import os, socket, sys, time
stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
stream.sendall(b'POST /unseen HTTP/1.1\\r\\nHo')
time.sleep(0.5)
open('up', 'w').close()
while not os.path.exists('go'): time.sleep(0.005)
stream.sendall(f'st: {sys.argv[1]}:{sys.argv[2]}\\r\\ncontent-length: 0\\r\\n\\r\\n'.encode())
try:
    end = 'closed' if stream.recv(1) == b'' else 'data'
except OSError as error:
    end = type(error).__name__
open('ended.new', 'w').write(end)
os.rename('ended.new', 'ended')
";

/// How a connection is handled is settled when it begins, and what it begins with can take its time.
#[test]
fn begins_under_the_old_policy_and_speaks_under_the_new_one() {
    let (sink, other) = (Sink::start(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (port, seen) = (sink.port(), other.local_addr().unwrap().port());
    let looked = |port: u16, more: &str| {
        format!("    - {{hosts: [a.test], ports: [{port}], addresses: [127.0.0.1], {more}}}\n")
    };
    let inspected = looked(seen, "tls: inspect");
    let Some(world) = World::new(&network(&(rule("a.test", port) + &inspected))) else { return };
    let mut command = world.palisade();
    command.args(["run", "--quiet", "--name", "live", "--policy"]);
    command.arg(world.at("config/attack.yaml"));
    command.args(["--", "python3", "-c", HESITATE, "a.test", &port.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_for(&world, "work/up");
    let reads = looked(port, "http: [{allow: {methods: [GET]}}]");
    apply(&world, &[&write(&world, "look.yaml", &(reads + &inspected))]).good();
    world.write("work/go", "");
    end_of(child);
    assert_ne!(world.read("work/ended"), "data");
    // It was dialled, perhaps, and told nothing.
    assert_eq!(sink.take().concat(), b"");
    world.verify();
}

#[test]
fn is_helped_by_a_bad_policy() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let held = holder.local_addr().unwrap().port();
    let Some(world) = World::new(&network(&rule("a.test", held))) else { return };
    let (child, mut stream) = started(&world, held, &holder);
    let start = world.read("config/attack.yaml");
    let wide = rule("b.test", 1) + &rule("a.test", held);
    for (name, text, told) in [
        ("cut", network(&wide)[..40].to_owned(), "the policy is not valid"),
        ("key", start.replace("network:", "netwrok:"), "the policy is not valid"),
        ("none", String::new(), "the policy is empty"),
        (
            "files",
            start.replace("network:", "filesystem: {write: [../home]}\nnetwork:"),
            "not valid",
        ),
        ("read", start.replace("tools.yaml]", "more.yaml]"), "filesystem"),
        (
            "limits",
            start.replace("network:", "process: {limits: {processes: 7}}\nnetwork:"),
            "process.limits",
        ),
        (
            "models",
            start.replace(
                "network:",
                "inference: {providers: {local: {api: openai, url: 'http://127.0.0.1:9/v1'}}, \
                 routes: [{model: '*', to: local}]}\nnetwork:",
            ),
            "inference",
        ),
        ("built", start.replace("network:", "skills: {require: signed}\nnetwork:"), "skills"),
    ] {
        world.write(
            "config/more.yaml",
            "palisade: 1\nextends: [./tools.yaml]\nfilesystem: {read: [/srv]}\n",
        );
        let path = world.at(format!("config/{name}.yaml"));
        world.write(&path, &text);
        let ran = apply(&world, &[path.to_str().unwrap()]);
        assert_eq!(ran.code, Some(1), "{name}: {ran}");
        assert!(ran.err.contains(told), "{name}: {ran}");
    }
    let ran = apply(&world, &["/nonexistent/policy.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    // The connection lives, and so does the policy that permits it.
    stream.write_all(b"x").unwrap();
    wait_for(&world, "work/ended");
    assert_eq!(world.read("work/ended"), "data");
    assert_ne!(fetch(&world, "b.test", 1).code, Some(0));
    end(&world, child);
    let events = world.events();
    let policies: Vec<_> = events.iter().filter(|event| event["kind"] == "policy").collect();
    assert_eq!(policies.len(), 9);
    assert!(policies.iter().all(|event| event["decision"] == "deny"));
}

/// A file that the agent can write would be its own policy, were it watched.
#[test]
fn writes_the_policy_that_is_watched() {
    let (holder, sink) = (TcpListener::bind("127.0.0.1:0").unwrap(), Sink::start());
    let held = holder.local_addr().unwrap().port();
    let Some(world) = World::new(&network(&rule("a.test", held))) else { return };
    let (child, _stream) = started(&world, held, &holder);
    let path = write(&world, "watched.yaml", &rule("a.test", held));
    std::fs::copy(&path, world.at("work/mine.yaml")).unwrap();
    std::os::unix::fs::symlink(world.at("work/mine.yaml"), world.at("config/link.yaml")).unwrap();
    // A link of the agent's, which leads to another file tomorrow; and what is said by way of a good file.
    std::os::unix::fs::symlink(&path, world.at("work/link.yaml")).unwrap();
    world.write("work/part.yaml", &world.read("config/tools.yaml"));
    let built = world.read("config/watched.yaml").replace("./tools.yaml", "../work/part.yaml");
    world.write("config/built.yaml", &built);
    for name in ["work/mine.yaml", "config/link.yaml", "work/link.yaml", "config/built.yaml"] {
        let ran = apply(&world, &[world.at(name).to_str().unwrap(), "--watch"]);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(ran.err.contains("the agent can write"), "{ran}");
    }
    // One that it cannot write comes into force by itself, and a bad one does nothing.
    let watching = world
        .palisade()
        .args(["policy", "apply", "live", &path, "--watch"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let in_force = |number: usize| {
        let until = Instant::now() + Duration::from_secs(60);
        while world.events().iter().filter(|event| event["kind"] == "policy").count() < number {
            assert!(Instant::now() < until, "the policy {number} does not come");
            thread::sleep(Duration::from_millis(20));
        }
    };
    in_force(5);
    world.write(&path, "palisade: 1\nnot: [a policy");
    in_force(6);
    assert!(!world.at("work/ended").exists());
    write(&world, "watched.yaml", &rule("b.test", sink.port()));
    in_force(7);
    wait_for(&world, "work/ended");
    assert_eq!(fetch(&world, "b.test", sink.port()).good(), "hello");
    end(&world, child);
    let watched = end_of(watching);
    assert_eq!(watched.code, Some(0), "{watched}");
    assert_eq!(watched.out.matches("is under policy").count(), 2, "{watched}");
    assert!(watched.err.contains("not valid"), "{watched}");
}

/// What is learned goes where the operator said, not where a link of the agent's leads: to the user's own policy,
/// which nobody has to trust first.
#[test]
fn has_its_destinations_learned_by_the_users_own_policy() {
    let Some(world) = World::plain() else { return };
    let dial = "\
import os, socket, sys
os.symlink(sys.argv[1], 'learned.yaml')
try: socket.create_connection(('1.2.3.4', 443), 1).recv(1)
except OSError: pass";
    let own = world.at("config/attack.yaml").display().to_string();
    let before = world.read(&own);
    let mut command = world.palisade();
    command.args(["learn", "--allow-all", "--policy", &own, "--write", "learned.yaml"]);
    let ran = finish(command.args(["--", "python3", "-c", dial, &own]));
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.err.contains("it is a symbolic link"), "{ran}");
    assert_eq!(world.read(&own), before);
}
