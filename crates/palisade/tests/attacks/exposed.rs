//! Ports of a sandbox on the host's loopback: for the operator, and a way for nobody else.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, ChildStdin, Stdio},
    time::Duration,
};

use crate::{
    servers::Sink,
    tools,
    world::{Ran, World, finish},
};

/// Serves one connection after the other at an address and a port, says each on a line, and ends with its
/// input.
const SERVER: &str = "\
import os, socket, sys, threading
server = socket.create_server((sys.argv[1], int(sys.argv[2])),
                              family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
def serve():
    while True:
        client, address = server.accept()
        asked = client.recv(4096)
        print(asked.split(b'\\r\\n')[0].decode(), flush=True)
        client.sendall(b'HTTP/1.1 200 OK\\r\\nconnection: close\\r\\n\\r\\nfrom inside\\n')
        client.close()
threading.Thread(target=serve, daemon=True).start()
print('up', flush=True)
sys.stdin.read()
os._exit(0)
";

/// A sandbox with a server in it that is published.
struct Served {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
}

impl Served {
    fn start(world: &World, address: &str, port: u16) -> Self {
        let number = port.to_string();
        let mut run = world.palisade();
        run.args(["run", "--expose", &number, "--policy"]).arg(world.at("config/attack.yaml"));
        run.args(["--", "/usr/bin/python3", "-c", SERVER, address, &number]);
        run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = run.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut served = Self { child, input, output };
        assert_eq!(served.line(), "up");
        served
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// End it: what it heard and was not read yet, and what palisade said.
    fn end(mut self) -> (String, String) {
        drop(self.input.take());
        let (mut heard, mut said) = (String::new(), String::new());
        self.output.read_to_string(&mut heard).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        (heard, said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn url(host: &str, port: u16) -> String {
    format!("http://{host}:{port}/x")
}

fn curl(world: &World, url: &str) -> Ran {
    world.outside(&["curl", "-sS", "--noproxy", "*", "--max-time", "30", url])
}

#[test]
fn a_person_looks_at_what_the_agent_serves() {
    let Some(world) = World::plain() else { return };
    let port = free_port();
    for at in ["127.0.0.1", "0.0.0.0", "::1"] {
        let mut served = Served::start(&world, at, port);
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            assert_eq!(curl(&world, &url(host, port)).good(), "from inside", "{at} {host}");
            assert_eq!(served.line(), "GET /x HTTP/1.1");
        }
        let (_, said) = served.end();
        assert!(said.contains(&format!("http://localhost:{port}/, for you alone")), "{said}");
        // It ends with the sandbox.
        assert_eq!(curl(&world, &url("127.0.0.1", port)).code, Some(7));
    }
    let events = world.events();
    let exposed: Vec<_> = events.iter().filter(|event| event["kind"] == "expose").collect();
    assert_eq!(exposed.iter().filter(|event| event["decision"] == "allow").count(), 9);
    assert_eq!(exposed.iter().filter(|event| event["decision"] == "observe").count(), 3);
    assert_eq!(exposed[0]["subject"], format!("127.0.0.1:{port}"));
    world.assert_denials(&[]);
}

#[test]
fn nothing_is_published_by_default() {
    let Some(world) = World::plain() else { return };
    let port = free_port();
    let script = SERVER.replace("sys.stdin.read()", "import time; time.sleep(3)");
    let mut run = world.run(&["/usr/bin/python3", "-c", &script, "0.0.0.0", &port.to_string()]);
    let mut child = run.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    assert_eq!(curl(&world, &url("127.0.0.1", port)).code, Some(7));
    child.wait().unwrap();
}

#[test]
fn reaches_the_port_of_another_sandbox() {
    let port = free_port();
    // All that a policy can say for it.
    let policy = format!(
        "network:
  hosts: {{dev.test: [127.0.0.1], six.test: [\"::1\"]}}
  rules:
    - {{hosts: [dev.test, six.test], ports: [{port}], addresses: [127.0.0.1, \"::1\"]}}
    - {{addresses: [127.0.0.1, \"::1\", 127.0.0.2], ports: [{port}]}}
"
    );
    let (Some(world), Some(other)) = (World::plain(), World::new(&policy)) else { return };
    let from_other =
        |host: &str| other.inside(&["curl", "-sS", "--max-time", "30", &url(host, port)]);
    // The twin: a server of the host's is reached by this policy.
    let host = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut client, _) = host.accept().unwrap();
        client.read(&mut [0; 4096]).map(drop).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nthe host\n").unwrap();
    });
    assert_eq!(from_other("dev.test").good(), "the host");
    answering.join().unwrap();

    let mut served = Served::start(&world, "127.0.0.1", port);
    assert_eq!(curl(&world, &url("localhost", port)).good(), "from inside");
    assert_eq!(served.line(), "GET /x HTTP/1.1");
    for host in ["dev.test", "six.test"] {
        let ran = from_other(host);
        assert!(ran.code != Some(0) && ran.out.is_empty(), "{host}: {ran}");
    }
    // An address of the loopback leads to the sandbox's own, where nobody listens.
    assert_eq!(from_other("127.0.0.1").code, Some(7));
    assert_eq!(served.end().0, "", "nothing has come in");
    for subject in ["dev.test", "six.test"] {
        let why = other.why_denied(&format!("{subject}:{port}"));
        assert!(why.contains("no sandbox connects to that"), "{why}");
    }
    other.verify();
    world.verify();
}

#[test]
fn comes_as_another_user() {
    if !tools::is_root() {
        // Nobody else can be become.
        return;
    }
    let Some(world) = World::plain() else { return };
    if !tools::have(&["setpriv"]) {
        return;
    }
    let port = free_port();
    let as_user = |url: &str| {
        world.outside(&[
            "setpriv",
            "--reuid",
            "47811",
            "--regid",
            "47811",
            "--clear-groups",
            "curl",
            "-sS",
            "--noproxy",
            "*",
            "--max-time",
            "30",
            url,
        ])
    };
    // The twin: another server of root's answers them.
    let sink = Sink::start();
    assert_eq!(as_user(&url("127.0.0.1", sink.port())).good(), "hello");
    let served = Served::start(&world, "127.0.0.1", port);
    for host in ["127.0.0.1", "[::1]"] {
        let ran = as_user(&url(host, port));
        assert!(ran.code != Some(0) && ran.out.is_empty(), "{ran}");
    }
    assert_eq!(served.end().0, "", "nothing has come in");
    let why = world.why_denied(&format!("127.0.0.1:{port}"));
    assert!(why.contains("is of uid 47811, and the port is for the operator"), "{why}");
    world.verify();
}

#[test]
fn uses_the_way_in_as_a_way_out() {
    let Some(world) = World::plain() else { return };
    let (port, sink) = (free_port(), Sink::start());
    let number = port.to_string();
    // With a client of the host's connected all the while, who sends nothing.
    let script = format!(
        "import os, socket, sys
server = socket.create_server(('127.0.0.1', {port}))
print('up', flush=True)
client, address = server.accept()
def tried(what, act):
    try: print(what, act(), flush=True)
    except OSError as error: print(what, type(error).__name__, error.errno, flush=True)
print('peer', address[0], sorted(os.listdir('/proc/self/fd'))[:3], flush=True)
tried('init', lambda: os.listdir('/proc/1/fd'))
tried('host', lambda: socket.create_connection(('127.0.0.1', {sink}), 5))
tried('back', lambda: socket.create_connection(address, 5))
tried('reuse', lambda: client.connect(('127.0.0.1', {sink})))
names = [line.split()[-1] for line in open('/proc/net/unix') if '@' in line]
print('names', [name for name in names if 'published' in name], flush=True)
tried('claim', lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect('\\0palisade/published/{port}'))
client.sendall(b'bye')
sys.stdin.read()
",
        sink = sink.port()
    );
    let mut run = world.palisade();
    run.args(["run", "--expose", &number, "--policy"]).arg(world.at("config/attack.yaml"));
    run.args(["--", "/usr/bin/python3", "-c", &script]);
    let mut child = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut got = [0; 3];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"bye");
    drop(child.stdin.take());
    let mut out = String::new();
    output.read_to_string(&mut out).unwrap();
    child.wait().unwrap();
    let refused = rustix::io::Errno::CONNREFUSED.raw_os_error();
    assert!(out.contains("peer 127.0.0.1"), "{out}");
    assert!(out.contains("init PermissionError 13"), "{out}");
    assert!(out.contains(&format!("host ConnectionRefusedError {refused}")), "{out}");
    assert!(out.contains(&format!("back ConnectionRefusedError {refused}")), "{out}");
    assert!(out.contains("reuse OSError 106"), "{out}");
    assert!(out.contains("names []"), "{out}");
    assert!(
        out.contains("claim ConnectionRefusedError") || out.contains("claim PermissionError"),
        "{out}"
    );
    assert_eq!(sink.take(), Vec::<Vec<u8>>::new());
    world.verify();
}

#[test]
fn a_taken_port_is_a_refusal() {
    let Some(world) = World::plain() else { return };
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let launch = |port: u16| {
        let number = port.to_string();
        let mut run = world.palisade();
        run.args(["run", "--expose", &number, "--policy"]).arg(world.at("config/attack.yaml"));
        finish(run.args(["--", "/bin/echo", "ran"]))
    };
    let ran = launch(port);
    assert_eq!((ran.code, ran.out.as_str()), (Some(125), ""), "{ran}");
    assert!(ran.err.contains(&format!("port {port} of this machine's loopback")), "{ran}");
    assert!(ran.err.contains("ss -ltnp"), "{ran}");
    drop(taken);
    let free = free_port();
    let served = Served::start(&world, "127.0.0.1", free);
    let ran = launch(free);
    assert_eq!((ran.code, ran.out.as_str()), (Some(125), ""), "{ran}");
    assert!(ran.err.contains("another sandbox publishes it"), "{ran}");
    served.end();
    assert_eq!(launch(free).good(), "ran");
}

/// Who connects and finds nobody inside is told at once, and a flood ends nothing.
#[test]
fn knocks_where_nobody_listens() {
    let Some(world) = World::plain() else { return };
    let (port, silent) = (free_port(), free_port());
    let mut run = world.palisade();
    run.args(["run", "--expose", &port.to_string(), "--expose", &silent.to_string(), "--policy"]);
    run.arg(world.at("config/attack.yaml"));
    run.args(["--", "/usr/bin/python3", "-c", SERVER, "127.0.0.1", &port.to_string()]);
    let mut child = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let open: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, silent)).unwrap()).collect();
    for mut client in open {
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let end = client.read(&mut [0; 1]);
        assert!(
            matches!(end, Err(ref error) if error.kind() == std::io::ErrorKind::ConnectionReset),
            "{end:?}"
        );
    }
    assert_eq!(curl(&world, &url("127.0.0.1", port)).good(), "from inside");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
