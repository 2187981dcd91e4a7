//! Ways out that no rule permits.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::fs::MetadataExt,
    process::Stdio,
};

use crate::{
    servers::{Mailbox, Sink, own_address},
    tools,
    world::{Ran, World, end_of},
};

/// Dials and says something: `dial.py HOST PORT PAYLOAD`, prints what came back or why nothing did.
const DIAL: &str = "\
import errno, socket, sys
host, port, say = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode().decode('unicode_escape')
try:
    stream = socket.create_connection((host, port), 20)
    stream.sendall(say.encode('latin1'))
    print(stream.recv(4096).decode('latin1').strip().split('\\r\\n')[-1] or 'closed')
except socket.gaierror as error:
    print('no such name')
except OSError as error:
    print(errno.errorcode.get(error.errno, error))
";

fn request(host: &str) -> String {
    format!(r"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

impl World {
    fn dial_inside(&self, host: &str, port: u16, say: &str) -> String {
        let ran = self.inside_python_with(DIAL, &[host, &port.to_string(), say]);
        ran.good().to_owned()
    }

    fn dial_outside(&self, host: &str, port: u16, say: &str) -> String {
        let port = port.to_string();
        self.outside(&["/usr/bin/python3", "-c", DIAL, host, &port, say]).good().to_owned()
    }
}

/// A world whose policy permits `allowed.test` at this port; `more` are further lines of `hosts` and
/// of `rules`.
fn world(port: u16, hosts: &str, rules: &str) -> Option<World> {
    World::new(&format!(
        "network:
  hosts: {{allowed.test: [127.0.0.1], other.test: [127.0.0.1]{hosts}}}
  rules:
    - {{name: allowed, hosts: [allowed.test, \"*.zone.test\"], ports: [{port}], addresses: [127.0.0.1]}}
{rules}"
    ))
}

#[test]
fn fetches_an_allowed_host() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "", "") else { return };
    assert_eq!(world.dial_inside("allowed.test", sink.port(), &request("allowed.test")), "hello");
    assert_eq!(sink.take().len(), 1);
    let events = world.events();
    let found = events.iter().find(|event| event["kind"] == "connect").unwrap();
    assert_eq!(found["decision"], "allow");
    assert_eq!(found["rule"], "network.rules[allowed]");
    assert_eq!(found["subject"], format!("allowed.test:{}", sink.port()));
    world.assert_denials(&[]);
}

#[test]
fn fetches_an_unlisted_host() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(strict) = world(port, "", "") else { return };
    let rule = format!("    - {{hosts: [other.test], ports: [{port}], addresses: [127.0.0.1]}}\n");
    let Some(wide) = world(port, "", &rule) else { return };
    assert_eq!(wide.dial_inside("other.test", port, &request("other.test")), "hello");
    assert_eq!(sink.take().len(), 1);
    assert_eq!(strict.dial_inside("other.test", port, &request("other.test")), "no such name");
    assert!(sink.take().is_empty());
    strict.assert_denials(&[("resolve", "other.test")]);
}

#[test]
fn reaches_an_allowed_host_on_another_port() {
    let (sink, hidden) = (Sink::start(), Sink::start());
    let Some(world) = world(sink.port(), "", "") else { return };
    assert_eq!(world.dial_outside("127.0.0.1", hidden.port(), "x"), "hello");
    hidden.take();
    let answer = world.dial_inside("allowed.test", hidden.port(), "x");
    assert!(["ECONNRESET", "closed"].contains(&answer.as_str()), "{answer}");
    assert!(hidden.take().is_empty());
    world.assert_denials(&[("connect", &format!("allowed.test:{}", hidden.port()))]);
}

/// Loopback inside is the sandbox's own.
#[test]
fn reaches_loopback_of_the_host() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "", "") else { return };
    for host in ["127.0.0.1", "localhost", "127.1", "::ffff:127.0.0.1", "0.0.0.0", "2130706433"] {
        assert_eq!(world.dial_outside(host, sink.port(), "x"), "hello", "{host}");
        sink.take();
        let answer = world.dial_inside(host, sink.port(), "x");
        let refused = ["ECONNREFUSED", "ECONNRESET", "closed"];
        assert!(refused.contains(&answer.as_str()), "{host}: {answer}");
    }
    for host in ["::1", "127.0.0.2", "ip6-localhost", "x.localhost", "::", "::127.0.0.1"] {
        let answer = world.dial_inside(host, sink.port(), "x");
        assert_ne!(answer, "hello", "{host}");
    }
    assert!(sink.take().is_empty());
    world.verify();
}

/// A name that leads to the host's loopback, or to any other address that is not public.
#[test]
fn reaches_loopback_of_the_host_by_a_name() {
    let sink = Sink::start();
    let port = sink.port();
    let rule = |addresses: &str| {
        format!("    - {{name: inner, hosts: [inner.test], ports: [{port}]{addresses}}}\n")
    };
    for (address, is) in [
        ("127.0.0.1", "loopback"),
        ("'::1'", "loopback"),
        ("'::ffff:127.0.0.1'", "loopback"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "carrier"),
        ("'fd12::1'", "private"),
        ("'64:ff9b::7f00:1'", "loopback"),
    ] {
        let hosts = format!(", inner.test: [{address}]");
        let Some(world) = world(port, &hosts, &rule("")) else { return };
        let answer = world.dial_inside("inner.test", port, &request("inner.test"));
        assert!(["ECONNRESET", "closed"].contains(&answer.as_str()), "{address}: {answer}");
        let subject = format!("inner.test:{port}");
        assert!(
            world.why_denied(&subject).contains(is),
            "{address}: {}",
            world.why_denied(&subject)
        );
        world.assert_denials(&[("connect", &subject)]);
    }
    assert!(sink.take().is_empty());
    let named = rule(", addresses: [127.0.0.1]");
    let Some(world) = world(port, ", inner.test: [127.0.0.1]", &named) else { return };
    assert_eq!(world.dial_inside("inner.test", port, &request("inner.test")), "hello");
}

#[test]
fn reaches_the_host_by_its_other_address() {
    let Some(own) = own_address() else {
        println!("not on this machine: it has no address but loopback");
        return;
    };
    let sink = Sink::start_at(own);
    let port = sink.port();
    let hosts = format!(", me.test: ['{own}']");
    let rules = format!("    - {{hosts: [me.test], ports: [{port}]}}\n");
    let Some(world) = world(port, &hosts, &rules) else { return };
    assert_eq!(world.dial_outside(&own.to_string(), port, "x"), "hello");
    sink.take();
    for host in [own.to_string().as_str(), "me.test"] {
        let answer = world.dial_inside(host, port, &request("me.test"));
        assert!(["ECONNRESET", "closed"].contains(&answer.as_str()), "{host}: {answer}");
    }
    assert!(sink.take().is_empty());
    let bare = std::net::SocketAddr::new(own, port).to_string();
    world.assert_denials(&[("connect", &bare), ("connect", &format!("me.test:{port}"))]);
}

/// Where a cloud hands out a machine's credentials to whoever asks.
#[test]
fn reaches_a_metadata_address() {
    let rules = "    - {hosts: [metadata.test], ports: [80], addresses: [160.0.0.0/4]}\n";
    let hosts = ", metadata.test: [169.254.169.254]";
    let Some(world) = world(80, hosts, rules) else { return };
    // Unconfined, in a network namespace that has a machine at this address.
    let serve = "ip link set lo up && ip address add 169.254.169.254/32 dev lo && exec \"$@\"";
    let program = format!(
        "import socket, threading\n\
         server = socket.create_server(('169.254.169.254', 80))\n\
         def answer():\n\
         \x20   while True:\n\
         \x20       stream, _ = server.accept()\n\
         \x20       stream.recv(100)\n\
         \x20       stream.sendall(b'credentials')\n\
         threading.Thread(target=answer, daemon=True).start()\n{DIAL}"
    );
    for host in ["169.254.169.254", "::ffff:169.254.169.254", "2852039166", "0xa9fea9fe"] {
        let argv = [
            "unshare",
            "--user",
            "--map-root-user",
            "--net",
            "--",
            "/bin/sh",
            "-c",
            serve,
            "x",
            "/usr/bin/python3",
            "-c",
            &program,
            host,
            "80",
            "x",
        ];
        assert_eq!(world.outside(&argv).good(), "credentials", "{host}");
    }
    let hosts = [
        ("169.254.169.254", "169.254.169.254:80"),
        ("2852039166", "169.254.169.254:80"),
        ("0xa9fea9fe", "169.254.169.254:80"),
        ("169.254.43518", "169.254.169.254:80"),
        ("::ffff:169.254.169.254", "169.254.169.254:80"),
        ("::169.254.169.254", "[::a9fe:a9fe]:80"),
        ("64:ff9b::a9fe:a9fe", "[64:ff9b::a9fe:a9fe]:80"),
        ("2002:a9fe:a9fe::1", "[2002:a9fe:a9fe::1]:80"),
        ("fd00:ec2::254", "[fd00:ec2::254]:80"),
        ("169.254.170.2", "169.254.170.2:80"),
        ("100.100.100.200", "100.100.100.200:80"),
        ("metadata.test", "metadata.test:80"),
    ];
    for (host, _) in hosts {
        let answer = world.dial_inside(host, 80, &request("metadata.test"));
        assert!(["ECONNRESET", "closed"].contains(&answer.as_str()), "{host}: {answer}");
    }
    let denied: Vec<(&str, &str)> =
        hosts.iter().map(|(_, subject)| ("connect", *subject)).collect();
    let shown: Vec<String> = world
        .events()
        .iter()
        .filter(|event| event["decision"] == "deny")
        .map(|event| event["subject"].to_string())
        .collect();
    assert_eq!(shown.len(), hosts.len(), "{shown:?}");
    world.assert_denials(&denied);
    // A range is not enough for this one, and the reason says so.
    let why = world.why_denied("metadata.test:80");
    assert!(why.contains("metadata address") && why.contains("not as a range"), "{why}");
}

#[test]
fn dials_a_bare_address() {
    let Some(world) = world(80, "", "") else { return };
    for (host, subject) in [("192.0.2.7", "192.0.2.7:443"), ("2001:db8::7", "[2001:db8::7]:443")] {
        let answer = world.dial_inside(host, 443, "x");
        assert!(["ECONNRESET", "closed"].contains(&answer.as_str()), "{host}: {answer}");
        assert!(world.why_denied(subject).contains("bare address"));
    }
}

/// The addresses that stand for names, the proxy's own port, and whatever else leads to it.
#[test]
fn dials_the_proxy_itself() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "", "") else { return };
    for (host, port) in [
        ("127.0.0.1", 1),
        ("::1", 1),
        ("127.0.0.9", 1),
        ("0.0.0.0", 1),
        ("198.18.0.77", sink.port()),
        ("198.18.0.0", sink.port()),
        ("fd70:616c:6973:6164::c612:77", sink.port()),
    ] {
        let answer = world.dial_inside(host, port, &request("allowed.test"));
        let refused = ["ECONNRESET", "ECONNREFUSED", "closed"];
        assert!(refused.contains(&answer.as_str()), "{host}:{port}: {answer}");
    }
    assert!(sink.take().is_empty());
    assert!(world.why_denied(&format!("198.18.0.77:{}", sink.port())).contains("no name"));
    world.verify();
}

/// The sandbox's proxy and resolver are in the sandbox's own network: on the host there is no port
/// that another program could reach, or a sandbox come back to.
#[test]
fn finds_a_port_of_the_supervisor() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "", "") else { return };
    let mut run = world.run(&["/bin/sh", "-c", "echo up; read line"]);
    let mut child = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    if !rustix::process::geteuid().is_root() {
        // Nobody else may look into the supervisor; root's run of this test does.
        let looked = std::fs::read_dir(format!("/proc/{}/fd", child.id()));
        assert_eq!(looked.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        drop(child.stdin.take());
        end_of(child);
        return;
    }
    let listening = |pid: u32| -> Vec<String> {
        let inodes: Vec<u64> = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.path().metadata().ok())
            .map(|found| found.ino())
            .collect();
        let mut ports = Vec::new();
        for table in ["tcp", "tcp6", "udp", "udp6"] {
            let Ok(text) = std::fs::read_to_string(format!("/proc/self/net/{table}")) else {
                continue;
            };
            for row in text.lines().skip(1) {
                let fields: Vec<&str> = row.split_whitespace().collect();
                let open = table.starts_with("udp") || fields[3] == "0A";
                if open && inodes.contains(&fields[9].parse().unwrap()) {
                    ports.push(format!("{table} {}", fields[1]));
                }
            }
        }
        ports
    };
    // This process listens, and that is seen.
    assert!(!listening(std::process::id()).is_empty());
    assert_eq!(listening(child.id()), Vec::<String>::new());
    drop(child.stdin.take());
    end_of(child);
}

#[test]
fn listens_where_the_host_could_connect() {
    let Some(world) = World::plain() else { return };
    let program = "import socket\n\
         server = socket.create_server(('0.0.0.0', 0))\n\
         print(server.getsockname()[1], flush=True)\n\
         import sys; sys.stdin.read()";
    let connects = |mut command: std::process::Command| {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().unwrap();
        let connected = TcpStream::connect(("127.0.0.1", port)).is_ok();
        drop(child.stdin.take());
        end_of(child);
        connected
    };
    let mut outside = std::process::Command::new("/usr/bin/python3");
    outside.args(["-c", program]);
    assert!(connects(outside));
    // A program of the host's may listen at the same number.
    assert!((0..3).any(|_| !connects(world.run(&["/usr/bin/python3", "-c", program]))));
    // Inside they can connect to each other.
    let both = "import socket, sys\n\
         for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):\n\
         \x20   try: server = socket.create_server((host, 0), family=family)\n\
         \x20   except OSError: continue\n\
         \x20   client = socket.create_connection(server.getsockname()[:2])\n\
         \x20   client.sendall(b'x')\n\
         \x20   print(server.accept()[0].recv(1).decode())\n";
    assert!(world.inside_python(both).good().starts_with('x'));
}

/// UDP (QUIC too) and ping sockets have no way out; TCP with data in its first packet has no other one.
#[test]
fn leaves_by_another_protocol() {
    let (sink, mailbox) = (Sink::start(), Mailbox::start());
    let Some(world) = world(sink.port(), "", "") else { return };
    let program = "import errno, socket, sys\n\
         for host in sys.argv[2:]:\n\
         \x20   family = socket.AF_INET6 if ':' in host else socket.AF_INET\n\
         \x20   try:\n\
         \x20       stream = socket.socket(family, socket.SOCK_DGRAM)\n\
         \x20       stream.settimeout(2)\n\
         \x20       stream.connect((host, int(sys.argv[1])))\n\
         \x20       stream.send(b'smuggled')\n\
         \x20       stream.send(b'smuggled')\n\
         \x20       stream.recv(10)\n\
         \x20       print('answered')\n\
         \x20   except TimeoutError: print('sent')\n\
         \x20   except OSError as error: print(errno.errorcode.get(error.errno, error))\n";
    let port = mailbox.port().to_string();
    let outside = world.outside(&["/usr/bin/python3", "-c", program, &port, "127.0.0.1"]);
    assert_eq!(outside.good(), "sent");
    assert_eq!(mailbox.next().unwrap(), b"smuggled");
    while mailbox.next().is_some() {}
    let hosts = ["127.0.0.1", "allowed.test", "192.0.2.1", "::1", "2001:db8::1", "224.0.0.1"];
    let mut arguments = vec![port.as_str()];
    arguments.extend(hosts);
    let inside = world.inside_python_with(program, &arguments);
    for line in inside.good().lines() {
        let refused = ["ECONNREFUSED", "EPERM", "ENETUNREACH", "EADDRNOTAVAIL", "EACCES"];
        assert!(refused.contains(&line), "{inside}");
    }
    assert_eq!(inside.good().lines().count(), hosts.len());
    assert_eq!(mailbox.next(), None);

    let fast = "import socket\n\
         stream = socket.socket()\n\
         try: stream.sendto(b'x', 0x20000000, ('192.0.2.9', 80)); print(stream.recv(10))\n\
         except OSError as error: print('refused')\n";
    let inside = world.inside_python(fast);
    assert!(["refused", "b''"].contains(&inside.good()), "{inside}");
    world.assert_denials(&[("connect", "192.0.2.9:80")]);
}

/// `ways.py HOST PORT WAY`: says something without a plain connect, and prints what came back.
const WAYS: &str = "\
import errno, select, socket, sys
host, port, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
say = b'GET / HTTP/1.1\\r\\nHost: allowed.test\\r\\n\\r\\n'
try:
    to = (socket.gethostbyname(host), port)
    stream = socket.socket()
    if way == 'fast open':
        stream.sendto(say, 0x20000000, to)
    elif way == 'fast open by connect':
        stream.setsockopt(socket.IPPROTO_TCP, 30, 1)
        stream.connect(to)
        stream.sendall(say)
    elif way == 'message':
        stream.sendmsg([say], [], 0x20000000, to)
    elif way == 'later':
        stream.setblocking(False)
        stream.connect_ex(to)
        select.select([], [stream], [], 20)
        stream.setblocking(True)
        stream.sendall(say)
    elif way == 'mapped':
        stream = socket.socket(socket.AF_INET6)
        stream.settimeout(20)
        stream.connect(('::ffff:' + to[0], port))
        stream.sendall(say)
    elif way == 'bound':
        stream.bind(('127.0.0.1', 0))
        stream.connect(to)
        stream.sendall(say)
    print(stream.recv(4096).decode().strip().split('\\r\\n')[-1] or 'closed')
except OSError as error:
    print(errno.errorcode.get(error.errno, error))
";

/// No rule hangs on `connect(2)`: whatever makes the connection, it is the proxy that gets it.
#[test]
fn connects_by_another_call_than_connect() {
    let (sink, hidden) = (Sink::start(), Sink::start());
    let Some(world) = world(sink.port(), "", "") else { return };
    let ways = ["fast open", "fast open by connect", "message", "later", "mapped", "bound"];
    for way in ways {
        let port = hidden.port().to_string();
        let outside = world.outside(&["/usr/bin/python3", "-c", WAYS, "127.0.0.1", &port, way]);
        assert_eq!(outside.good(), "hello", "{way}: {outside}");
        hidden.take();
        let inside = world.inside_python_with(WAYS, &["allowed.test", &port, way]);
        let refused = ["ECONNRESET", "closed", "EPIPE"];
        assert!(refused.contains(&inside.good()), "{way}: {inside}");
        // What is permitted works so too.
        let port = sink.port().to_string();
        let inside = world.inside_python_with(WAYS, &["allowed.test", &port, way]);
        assert_eq!(inside.good(), "hello", "{way}: {inside}");
    }
    assert!(hidden.take().is_empty());
    assert_eq!(sink.take().len(), ways.len());
    world.assert_denials(&[("connect", &format!("allowed.test:{}", hidden.port()))]);
}

/// Who says nothing, half of something, or nonsense to all that listens has that connection
/// ended, and keeps nobody else from theirs.
#[test]
fn keeps_the_supervisor_waiting_or_speaks_nonsense() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "", "") else { return };
    let program = "import random, socket, sys, time\n\
         port, chance = int(sys.argv[1]), random.Random(1)\n\
         address, held = socket.gethostbyname('allowed.test'), []\n\
         def fetch():\n\
         \x20   stream = socket.create_connection(('allowed.test', port), 60)\n\
         \x20   stream.sendall(b'GET / HTTP/1.1\\r\\nHost: allowed.test\\r\\n\\r\\n')\n\
         \x20   return b'hello' in stream.recv(4096)\n\
         def fetch_soon():\n\
         \x20   for patience in range(60):\n\
         \x20       try: return fetch()\n\
         \x20       except OSError: time.sleep(0.2)\n\
         beginnings = [b'', b'GET / HT', b'\\x16\\x03\\x01\\x40\\x00\\x01', b'\\0\\x20' + b'x' * 8]\n\
         for number in range(120):\n\
         \x20   stream = socket.socket()\n\
         \x20   stream.settimeout(60)\n\
         \x20   stream.connect((address, port) if number % 2 else ('127.0.0.1', 53))\n\
         \x20   stream.sendall(beginnings[number % 4])\n\
         \x20   held.append(stream)\n\
         print(fetch())\n\
         datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         for number in range(120):\n\
         \x20   nonsense = chance.randbytes(chance.choice((1, 7, 12, 17, 600, 20000)))\n\
         \x20   datagrams.sendto(nonsense, ('127.0.0.1', 53))\n\
         \x20   stream = socket.create_connection((address, port) if number % 2 else ('127.0.0.1', 53), 60)\n\
         \x20   try: stream.sendall(nonsense); stream.shutdown(socket.SHUT_WR)\n\
         \x20   except OSError: pass\n\
         print(fetch_soon())\n";
    let inside = world.inside_python_with(program, &[&sink.port().to_string()]);
    assert_eq!(inside.good(), "True\nTrue", "{inside}");
    let events = world.events();
    let end = events.iter().find(|event| event["kind"] == "end").unwrap();
    assert_eq!(end["subject"], "exit 0", "{end}");
    world.verify();
}

const HELLO: &str = "\
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
try: context.wrap_socket(stream, server_hostname=sys.argv[3] if len(sys.argv) > 3 else None)
except (OSError, ssl.SSLError) as error: print(type(error).__name__)
";

/// Domain fronting: dialled is one host, asked for another.
#[test]
fn asks_for_another_tls_name_than_it_dialled() {
    let sink = Sink::start();
    let port = sink.port().to_string();
    let Some(world) = world(sink.port(), "", "") else { return };
    let said = |bytes: &[Vec<u8>], name: &str| {
        bytes.iter().any(|part| part.windows(name.len()).any(|at| at == name.as_bytes()))
    };
    let outside =
        world.outside(&["/usr/bin/python3", "-c", HELLO, "127.0.0.1", &port, "other.test"]);
    outside.good();
    assert!(said(&sink.take(), "other.test"));
    for name in [Some("other.test"), Some("zone.test"), Some("allowed.test.evil.test"), None] {
        let mut arguments = vec!["allowed.test", port.as_str()];
        arguments.extend(name);
        world.inside_python_with(HELLO, &arguments).good();
        assert!(sink.take().is_empty(), "{name:?}");
    }
    let events = world.events();
    let denied: Vec<&str> = events
        .iter()
        .filter(|event| event["decision"] == "deny")
        .map(|event| event["reason"].as_str().unwrap())
        .collect();
    assert_eq!(denied.len(), 4, "{denied:?}");
    assert!(denied[0].contains("its TLS server name is other.test"), "{denied:?}");
    world.inside_python_with(HELLO, &["allowed.test", &port, "allowed.test"]).good();
    assert!(said(&sink.take(), "allowed.test"));
    world.verify();
}

#[test]
fn asks_for_another_http_host_than_it_dialled() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "", "") else { return };
    for say in [
        r"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n",
        r"GET http://other.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        r"GET / HTTP/1.1\r\nHost: allowed.test\r\nHost: other.test\r\n\r\n",
        r"GET / HTTP/1.1\r\nHost: allowed.test@other.test\r\n\r\n",
        r"GET / HTTP/1.1\r\nHost : other.test\r\n\r\n",
        r"GET / HTTP/1.1\r\n\r\n",
        r"CONNECT other.test:443 HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
    ] {
        assert_eq!(world.dial_outside("127.0.0.1", port, say), "hello", "{say}");
        sink.take();
        let answer = world.dial_inside("allowed.test", port, say);
        assert!(["ECONNRESET", "closed"].contains(&answer.as_str()), "{say}: {answer}");
        assert!(sink.take().is_empty(), "{say}");
    }
    assert_eq!(world.dial_inside("allowed.test", port, &request("allowed.test")), "hello");
    world.verify();
}

#[test]
fn changes_its_own_network() {
    let Some(world) = World::plain() else { return };
    if !tools::have(&["nft"]) && tools::which("ip").is_none() {
        return;
    }
    let scripts = [
        "ip address add 10.9.9.9/32 dev lo",
        "ip route add 10.0.0.0/8 dev lo",
        "ip link set lo mtu 1280",
        "ip link add dummy0 type dummy",
        "ip rule add from all table 7",
    ];
    for script in scripts {
        let mut wrap = vec!["unshare", "--user", "--map-root-user", "--net", "--", "/bin/sh", "-c"];
        let whole = format!("ip link set lo up; {script}");
        wrap.push(&whole);
        let outside = world.outside(&wrap);
        // A kernel may have no dummy devices.
        assert!(outside.code == Some(0) || script.contains("dummy"), "{script}: {outside}");
        let inside = world.inside_sh(script);
        assert!(inside.err.contains("not permitted"), "{script}: {inside}");
    }
    let inside = world.inside_sh("nft flush ruleset");
    assert_ne!(inside.code, Some(0), "{inside}");
    let inside = world.inside_sh("ip -brief link | wc -l; ip route | wc -l");
    assert_eq!(inside.good(), "1\n0");
}

/// More connections than the supervisor has descriptors for: it refuses what is too much, and goes on.
#[test]
fn floods_the_proxy_with_connections() {
    let sink = Sink::start();
    let port = sink.port();
    let Some(world) = world(port, "", "") else { return };
    let program = "import resource, socket, sys, time\n\
         resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))\n\
         address, held = socket.gethostbyname('allowed.test'), []\n\
         for _ in range(1500):\n\
         \x20   try:\n\
         \x20       stream = socket.socket()\n\
         \x20       stream.settimeout(5)\n\
         \x20       stream.connect((address, int(sys.argv[1])))\n\
         \x20       held.append(stream)\n\
         \x20   except OSError: pass\n\
         print('held', len(held) > 400)\n\
         time.sleep(1)\n\
         for stream in held: stream.close()\n\
         for patience in range(100):\n\
         \x20   try:\n\
         \x20       stream = socket.create_connection(('allowed.test', int(sys.argv[1])), 10)\n\
         \x20       stream.sendall(b'GET / HTTP/1.1\\r\\nHost: allowed.test\\r\\n\\r\\n')\n\
         \x20       if stream.recv(100): print('answered'); break\n\
         \x20   except OSError: pass\n\
         \x20   time.sleep(0.2)\n";
    let policy = world.at("config/attack.yaml").display().to_string();
    let port = port.to_string();
    // As on most machines: a soft limit of 1,024 descriptors.
    let start = "ulimit -n 4096 2>/dev/null; ulimit -Sn 1024; exec \"$@\"";
    let ran: Ran = world.outside(&[
        "/bin/sh",
        "-c",
        start,
        "start",
        env!("CARGO_BIN_EXE_palisade"),
        "run",
        "--policy",
        &policy,
        "--",
        "/usr/bin/python3",
        "-c",
        program,
        &port,
    ]);
    assert_eq!(ran.good(), "held True\nanswered", "{ran}");
    world.verify();
}

/// Names below a wildcard get to the nameservers of its zone.
#[test]
fn carries_data_out_in_names_below_a_wildcard() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "", "") else { return };
    let program = "\
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def dial(name):
    try: socket.create_connection((name, int(sys.argv[1])), 60).recv(1)
    except OSError: pass
with ThreadPoolExecutor(24) as pool: list(pool.map(dial, [f'data-{i}.zone.test' for i in range(75)] * 2))
";
    let ran = world.inside_python_with(program, &[&sink.port().to_string()]);
    ran.good();
    let events = world.events();
    let bound = |event: &&serde_json::Value| {
        let reason = event["reason"].as_str().unwrap_or_default();
        event["decision"] == "deny" && reason.contains("60 new names below zone.test in a minute")
    };
    let mut over: Vec<_> =
        events.iter().filter(bound).map(|event| event["subject"].to_string()).collect();
    over.sort_unstable();
    over.dedup();
    assert_eq!(over.len(), 15, "{over:?}");
    // What a rule names whole is no data.
    assert_eq!(world.dial_inside("allowed.test", sink.port(), &request("allowed.test")), "hello");
    world.verify();
}

/// A server name that is not where it is looked for: some servers take a ClientHello all the same.
#[test]
fn asks_for_another_server_in_a_hello_of_another_form() {
    let sink = Sink::start();
    let Some(world) = world(sink.port(), "", "") else { return };
    let program = "\
import socket, ssl, sys
into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
try: context.wrap_bio(into, out, server_hostname=sys.argv[2]).do_handshake()
except ssl.SSLWantReadError: pass
hello = bytearray(out.read())
def told(*version): return bytes([22, *version]) + bytes(hello[3:])
alert = bytes([21, 3, 1, 0, 2, 1, 90])
for name, say in [('plain', bytes(hello)), ('older', told(2, 1)), ('nought', told(0, 0)), ('later', told(15, 255)),
                  ('alert', alert + bytes(hello)), ('ccs', bytes([20, 3, 3, 0, 1, 1]) + bytes(hello)),
                  ('ssl2', bytes([128, 46, 1, 3, 1, 0, 21, 0, 0, 0, 16]) + bytes(37))]:
    try:
        stream = socket.create_connection(('allowed.test', int(sys.argv[1])), 30)
        for part in (say[:1], say[1:]): stream.sendall(part)
        print(name, len(stream.recv(100)))
    except OSError as error: print(name, 'cut')
";
    let port = sink.port().to_string();
    let ran = world.inside_python_with(program, &[&port, "other.test"]);
    for line in ran.good().lines() {
        assert!(line.ends_with("cut"), "{ran}");
    }
    assert_eq!(ran.out.lines().count(), 7, "{ran}");
    assert!(sink.take().iter().all(|said| said.is_empty()), "the server was told something");
    // The twin: its own name.
    let ran = world.inside_python_with(program, &[&port, "allowed.test"]);
    assert!(!ran.good().lines().next().unwrap().ends_with("cut"), "{ran}");
    world.verify();
}
