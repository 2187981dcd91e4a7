//! Data in questions for names, and answers that nobody asked for.

use crate::world::World;

/// `ask.py SERVER TRANSPORT NAME TYPE`: prints the answer's code and how many records it has.
const ASK: &str = "\
import socket, struct, sys
server, transport, name, kind = sys.argv[1:5]
labels = b''.join(bytes([len(l)]) + l for l in name.encode().split(b'.') if l)
query = struct.pack('>6H', 7, 0x100, 1, 0, 0, 0) + labels + b'\\0' + struct.pack('>2H', int(kind), 1)
family = socket.AF_INET6 if ':' in server else socket.AF_INET
try:
    if transport == 'udp':
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.settimeout(10)
        s.sendto(query, (server, 53))
        answer = s.recvfrom(4096)[0]
    else:
        s = socket.create_connection((server, 53), 10)
        s.sendall(struct.pack('>H', len(query)) + query)
        length = struct.unpack('>H', s.recv(2))[0]
        answer = s.recv(length)
    print(struct.unpack('>6H', answer[:12])[1] & 15, struct.unpack('>6H', answer[:12])[3])
except OSError as error:
    print(type(error).__name__)
";

const REFUSED: &str = "5 0";
const NO_SUCH_NAME: &str = "3 0";
const NOTHING: &str = "0 0";
const ONE: &str = "0 1";

const A: &str = "1";
const TXT: &str = "16";

fn world() -> Option<World> {
    World::new(
        "network:
  hosts: {allowed.test: [192.0.2.1]}
  rules:
    - {name: allowed, hosts: [allowed.test, \"*.zone.test\"], ports: [443]}
",
    )
}

impl World {
    fn ask(&self, server: &str, transport: &str, name: &str, kind: &str) -> String {
        self.inside_python_with(ASK, &[server, transport, name, kind]).good().to_owned()
    }
}

#[test]
fn resolves_an_allowed_name() {
    let Some(world) = world() else { return };
    for transport in ["udp", "tcp"] {
        assert_eq!(world.ask("127.0.0.1", transport, "allowed.test", A), ONE, "{transport}");
    }
    // Whatever server is asked, the same one answers, with an address that stands for the name.
    let program = "import socket; print(socket.gethostbyname('allowed.test'))";
    assert!(world.inside_python(program).good().starts_with("198.18."));
    assert_eq!(world.ask("192.0.2.53", "udp", "ALLOWED.Test", A), ONE);
    world.assert_denials(&[]);
}

/// Each of these would carry something to whoever answers for the zone, if it left.
#[test]
fn carries_data_out_in_names() {
    let Some(world) = world() else { return };
    let names = [
        "unlisted.test",
        "c2VjcmV0.evil.test",
        "secret.allowed.test",
        "one.two.zone.test",
        "zone.test",
        "xallowed.test",
        "allowed.test.evil.test",
        "test",
    ];
    for name in names {
        assert_eq!(world.ask("127.0.0.1", "udp", name, A), NO_SUCH_NAME, "{name}");
    }
    // By another server, family and transport it is the same resolver.
    for (server, transport) in
        [("8.8.8.8", "udp"), ("2001:4860:4860::8888", "udp"), ("1.1.1.1", "tcp")]
    {
        let name = format!("by-{transport}.evil.test");
        assert_eq!(world.ask(server, transport, &name, A), NO_SUCH_NAME, "{server}");
    }
    // The journal has the name as it is compared: in lower case.
    let lower = names.map(str::to_lowercase);
    let mut denied: Vec<(&str, &str)> =
        lower.iter().map(|name| ("resolve", name.as_str())).collect();
    denied.extend([("resolve", "by-udp.evil.test"), ("resolve", "by-tcp.evil.test")]);
    world.assert_denials(&denied);
}

#[test]
fn asks_for_kinds_of_records_that_carry_data_in() {
    let Some(world) = world() else { return };
    // TXT, NULL, ANY, MX, SRV, HTTPS, SVCB, NS, CNAME, DNSKEY: of a name that is allowed, nothing.
    for kind in [TXT, "10", "255", "15", "33", "65", "64", "2", "5", "48"] {
        assert_eq!(world.ask("127.0.0.1", "udp", "allowed.test", kind), NOTHING, "{kind}");
    }
    for kind in ["252", "251"] {
        assert_eq!(world.ask("127.0.0.1", "tcp", "allowed.test", kind), REFUSED, "{kind}");
    }
    assert_eq!(world.ask("127.0.0.1", "udp", "evil.test", TXT), NO_SUCH_NAME);
    // Walking through addresses backwards tells of nothing that was not asked for before.
    for reverse in ["1.0.18.198.in-addr.arpa", "1.2.0.192.in-addr.arpa", "53.0.2.192.in-addr.arpa"]
    {
        assert_eq!(world.ask("127.0.0.1", "udp", reverse, "12"), NO_SUCH_NAME, "{reverse}");
    }
    world.verify();
}

#[test]
fn asks_the_resolver_what_is_no_question() {
    let Some(world) = world() else { return };
    let program = "import os, socket, struct\n\
         s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         s.settimeout(0.3)\n\
         head = struct.pack('>6H', 7, 0x100, 1, 0, 0, 0)\n\
         loop = head + b'\\xc0\\x0c\\0\\1\\0\\1'\n\
         long = head + b'\\x3f' + b'a' * 63 + b'\\0\\0\\1\\0\\1'\n\
         update = struct.pack('>6H', 7, 0x2800, 1, 0, 0, 0) + b'\\4test\\0\\0\\6\\0\\1'\n\
         many = struct.pack('>6H', 7, 0x100, 65535, 0, 0, 0) + b'\\1a\\0\\0\\1\\0\\1'\n\
         chaos = head + b'\\7version\\4bind\\0\\0\\x10\\0\\3'\n\
         nul = head + b'\\x0callowed\\0test\\0\\0\\1\\0\\1'\n\
         dot = head + b'\\x0callowed.test\\0\\0\\1\\0\\1'\n\
         packets = [b'', b'x', head, loop, long, update, many, chaos, nul, dot, os.urandom(60000)]\n\
         for packet in packets + [os.urandom(40) for _ in range(200)]:\n\
         \x20   s.sendto(packet, ('127.0.0.1', 53))\n\
         codes = set()\n\
         try:\n\
         \x20   while True:\n\
         \x20       answer = s.recv(4096)\n\
         \x20       if answer[7] or len(answer) > 512: print('answered', answer)\n\
         \x20       codes.add(answer[3] & 15)\n\
         except TimeoutError: pass\n\
         for _ in range(3):\n\
         \x20   t = socket.create_connection(('127.0.0.1', 53))\n\
         \x20   t.sendall(os.urandom(500)); t.close()\n\
         print(0 in codes, socket.gethostbyname('allowed.test')[:7])\n";
    assert_eq!(world.inside_python(program).good(), "False 198.18.");
    world.verify();
}

/// A flood of refused names leaves the first of each kind and an exact count.
#[test]
fn floods_the_journal_with_names() {
    let Some(world) = world() else { return };
    let program = "import socket\n\
         for n in range(3000):\n\
         \x20   try: socket.gethostbyname(f'data-{n}.evil.test')\n\
         \x20   except OSError: pass\n";
    world.inside_python(program).good();
    let events = world.events();
    let denied: Vec<_> = events.iter().filter(|event| event["decision"] == "deny").collect();
    assert!(!denied.is_empty() && denied.len() < 3000, "{} events", denied.len());
    let counted: u64 = denied
        .iter()
        .map(|event| event["detail"]["count"].as_u64().or(event["count"].as_u64()).unwrap_or(1))
        .sum();
    assert!(counted >= 3000, "{counted} of 3000 are accounted for: {:?}", denied.last());
    world.verify();
}
