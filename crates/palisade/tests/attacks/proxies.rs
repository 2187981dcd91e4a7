//! Going by proxies: the sandbox's own, which is for clients that insist on one, and the operator's, which
//! connections leave by. And certificates that servers are shown outside.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use http::StatusCode;
use palisade_testkit::{Flaw, Recorded, TestAuthority, Upstream, answer};

use crate::{
    servers::Sink,
    world::{Ran, World},
};

const OWN: &str = "http://proxy.palisade.internal:3128";

/// Says something to the sandbox's proxy: `say.py HEX`, prints what came back.
const SAY: &str = "\
import socket, sys
stream = socket.create_connection(('proxy.palisade.internal', 3128), 20)
got = b''
try:
    stream.sendall(bytes.fromhex(sys.argv[1]))
    try: stream.shutdown(socket.SHUT_WR)
    except OSError: pass
    while True:
        part = stream.recv(65536)
        if not part: break
        got += part
except OSError:
    got += b'[broke]'
sys.stdout.write(got.decode('latin1'))
";

/// Says this to the proxy, and prints what comes, up to 12 bytes; it says no more after that.
const SOCKS: &str = "\
import socket, sys
stream = socket.create_connection(('proxy.palisade.internal', 3128), 20)
stream.sendall(bytes.fromhex(sys.argv[1]))
stream.shutdown(socket.SHUT_WR)
heard = b''
try:
    while len(heard) < 12:
        more = stream.recv(12 - len(heard))
        if not more: break
        heard += more
except OSError: pass
print(heard.hex())";

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn say(world: &World, text: &str) -> String {
    world.inside_python_with(SAY, &[&hex(text)]).good().to_owned()
}

fn curl(world: &World, arguments: &[&str]) -> Ran {
    let mut argv = vec!["curl", "--silent", "--show-error", "--max-time", "60"];
    argv.extend(arguments);
    world.inside(&argv)
}

fn one_host(port: u16) -> Option<World> {
    World::new(&format!(
        "network:
  hosts: {{allowed.test: [127.0.0.1], other.test: [127.0.0.1], private.test: [10.9.8.7]}}
  rules:
    - {{name: allowed, hosts: [allowed.test], ports: [{port}], addresses: [127.0.0.1]}}
    - {{name: private, hosts: [private.test], ports: [{port}]}}
"
    ))
}

#[test]
fn clients_that_insist_on_a_proxy_work() {
    let sink = Sink::start();
    let Some(world) = one_host(sink.port()) else { return };
    let url = format!("http://allowed.test:{}/x", sink.port());
    for more in [&["--proxytunnel"][..], &[]] {
        let mut arguments = vec!["--proxy", OWN, &url];
        arguments.extend(more);
        assert_eq!(curl(&world, &arguments).good(), "hello");
        let heard = String::from_utf8(sink.take().concat()).unwrap();
        assert!(heard.starts_with("GET /x HTTP/1.1\r\n"), "{heard}");
        assert!(!heard.to_ascii_lowercase().contains("proxy-connection"), "{heard}");
    }
    let python = format!(
        "import os, urllib.request\n\
         os.environ['http_proxy'] = '{OWN}'\n\
         print(urllib.request.urlopen('{url}').read().decode(), end='')"
    );
    assert_eq!(world.inside_python(&python).good(), "hello");
    // Nobody is told of it by default.
    let told = world.inside_sh("env | grep -i -c proxy").out;
    assert_eq!(told.trim_end(), "0");
    let events = world.events();
    let found = events.iter().filter(|event| event["kind"] == "connect");
    assert!(found.clone().count() >= 3);
    for event in found {
        assert_eq!(event["subject"], format!("allowed.test:{}", sink.port()), "{event}");
    }
    world.assert_denials(&[]);
}

/// Clients that know no other way than SOCKS, with the name or with an address of ours.
#[test]
fn clients_that_insist_on_socks_work() {
    let sink = Sink::start();
    let Some(world) = one_host(sink.port()) else { return };
    let url = format!("http://allowed.test:{}/x", sink.port());
    for proxy in ["socks5h://proxy.palisade.internal:3128", "socks5://proxy.palisade.internal:3128"]
    {
        assert_eq!(curl(&world, &["--proxy", proxy, &url]).good(), "hello", "{proxy}");
        assert_eq!(sink.take().len(), 1);
    }
    let events = world.events();
    let found: Vec<_> = events.iter().filter(|event| event["kind"] == "connect").collect();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|it| it["subject"] == format!("allowed.test:{}", sink.port())));
    world.assert_denials(&[]);
}

/// What a rule does not permit is refused by SOCKS as by any other way, and what is no request is nothing.
#[test]
fn connects_by_socks_where_no_rule_leads() {
    let sink = Sink::start();
    let Some(world) = one_host(sink.port()) else { return };
    let port = sink.port().to_be_bytes();
    let to = |kind: &[u8], host: &[u8]| [b"\x05\x01\0", kind, host, &port[..]].concat();
    let named = |name: &str| to(&[3, u8::try_from(name.len()).unwrap()], name.as_bytes());
    let refused = [
        ("other.test", named("other.test")),
        ("unknown.test", named("unknown.test")),
        ("a number", named("2130706433")),
        ("localhost", named("localhost")),
        ("loopback", to(&[1], &[127, 0, 0, 1])),
        ("loopback of IPv6", to(&[4], &[&[0; 15][..], &[1]].concat())),
        ("a bare address", to(&[1], &[1, 2, 3, 4])),
        ("metadata", to(&[1], &[169, 254, 169, 254])),
        ("listening", [b"\x05\x02\0\x01\x7f\0\0\x01", &port[..]].concat()),
        ("UDP", [b"\x05\x03\0\x01\0\0\0\0", &port[..]].concat()),
        ("another version", b"\x04\x01\0\x50\x7f\0\0\x01\0".to_vec()),
    ];
    for (what, request) in refused {
        let hex: String = [b"\x05\x01\0", &request[..]]
            .concat()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let ran = world.inside_python_with(SOCKS, &[&hex]);
        let said = ran.good();
        assert!(said.starts_with("0500") && !said.starts_with("05000500"), "{what}: {ran}");
    }
    // A log-in, nothing at all, and a greeting that never ends.
    for hex in ["05010201", "0500", "05ff00"] {
        let ran = world.inside_python_with(SOCKS, &[hex]);
        assert!(!ran.good().starts_with("0500"), "{hex}: {ran}");
    }
    assert!(sink.take().is_empty());
    world.verify();
}

#[test]
fn inspection_is_the_same_through_a_tunnel() {
    let authority = TestAuthority::new().unwrap();
    let tls = authority.server("api.test", Flaw::None, &["h2", "http/1.1"]).unwrap();
    let server = Upstream::start_secure(tls, |request: Recorded| async move {
        answer(StatusCode::OK, "text/plain", format!("{} hello\n", request.uri.path()))
    });
    let server = server.unwrap();
    let port = server.address().port();
    let world = World::new(&format!(
        "network:
  hosts: {{api.test: [127.0.0.1]}}
  rules:
    - {{name: api, hosts: [api.test], ports: [{port}], addresses: [127.0.0.1], http: [{{allow: {{paths: [/open]}}}}]}}
"
    ));
    let Some(world) = world else { return };
    world.write("store.pem", &authority.pem());
    let store = world.at("store.pem");
    let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
    let at = |path: &str| format!("https://api.test:{port}{path}");
    assert_eq!(curl(&world, &["--proxy", OWN, &at("/open")]).good(), "/open hello");
    let status = ["--proxy", OWN, "-o", "/dev/null", "-w", "%{http_code}"];
    let denied = curl(&world, &[&status[..], &[&at("/closed")]].concat());
    assert_eq!(denied.good(), "403");
    assert_eq!(server.requests().len(), 1);
    world.assert_denials(&[("request", &format!("GET {}", at("/closed")))]);
}

#[test]
fn connects_by_the_proxy_where_no_rule_leads() {
    let (sink, hidden) = (Sink::start(), Sink::start());
    let Some(world) = one_host(sink.port()) else { return };
    let (port, other) = (sink.port(), hidden.port());
    let asked = [
        (format!("other.test:{port}"), ("resolve", "other.test".to_owned())),
        (format!("allowed.test:{other}"), ("connect", format!("allowed.test:{other}"))),
        (format!("127.0.0.1:{port}"), ("connect", format!("127.0.0.1:{port}"))),
        (format!("[::ffff:127.0.0.1]:{port}"), ("connect", format!("127.0.0.1:{port}"))),
        (format!("[::1]:{port}"), ("connect", format!("[::1]:{port}"))),
        (format!("localhost:{port}"), ("connect", format!("localhost:{port}"))),
        (format!("0.0.0.0:{port}"), ("connect", format!("0.0.0.0:{port}"))),
        ("169.254.169.254:80".to_owned(), ("connect", "169.254.169.254:80".to_owned())),
        (
            "proxy.palisade.internal:3128".to_owned(),
            ("connect", "proxy.palisade.internal:3128".to_owned()),
        ),
    ];
    for (authority, _) in &asked {
        for request in [
            format!(
                "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\nGET / HTTP/1.1\r\n\r\n"
            ),
            format!("GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\n\r\n"),
        ] {
            let said = say(&world, &request);
            assert!(said.starts_with("HTTP/1.1 403 "), "{request}: {said}");
        }
    }
    // A tunnel that is there breaks where a connection would.
    let private = format!("private.test:{port}");
    let said = say(&world, &format!("CONNECT {private} HTTP/1.1\r\n\r\n\0"));
    assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("[broke]"), "{said}");
    assert!(sink.take().is_empty() && hidden.take().is_empty());
    let mut expected: Vec<(&str, &str)> =
        asked.iter().map(|(_, (kind, subject))| (*kind, subject.as_str())).collect();
    expected.push(("connect", &private));
    world.assert_denials(&expected);
}

#[test]
fn connects_by_the_proxy_as_another_program() {
    let sink = Sink::start();
    let port = sink.port();
    let world = World::new(&format!(
        "network:
  hosts: {{allowed.test: [127.0.0.1]}}
  rules:
    - {{name: allowed, hosts: [allowed.test], ports: [{port}], addresses: [127.0.0.1], binaries: [/usr/bin/curl]}}
"
    ));
    let Some(world) = world else { return };
    let at = format!("allowed.test:{port}");
    let url = format!("http://{at}/");
    assert_eq!(curl(&world, &["--proxy", OWN, "--proxytunnel", &url]).good(), "hello");
    sink.take();
    let said = say(&world, &format!("CONNECT {at} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
    assert!(said.starts_with("HTTP/1.1 403 "), "{said}");
    // It becomes the other program between coming to the proxy and asking.
    let becomes = "import os, socket, sys\n\
                   stream = socket.create_connection(('proxy.palisade.internal', 3128), 20)\n\
                   os.set_inheritable(stream.fileno(), True)\n\
                   stream.send(b'CONNECT ')\n\
                   import time; time.sleep(1)\n\
                   pid = os.fork()\n\
                   if pid == 0: os.execv('/usr/bin/curl', ['curl', '-s', '--max-time', '3', 'telnet://127.0.0.1:1'])\n\
                   time.sleep(1)\n\
                   stream.send(f'{sys.argv[1]} HTTP/1.1\\r\\n\\r\\n'.encode())\n\
                   print(stream.recv(4096).split()[1].decode())";
    assert_eq!(world.inside_python_with(becomes, &[&at]).good(), "403");
    assert!(sink.take().is_empty());
    world.assert_denials(&[("connect", &at)]);
}

#[test]
fn connects_by_the_proxy_as_another() {
    let sink = Sink::start();
    let Some(world) = one_host(sink.port()) else { return };
    let at = format!("allowed.test:{}", sink.port());
    // The head itself names two.
    for head in [
        format!("CONNECT {at} HTTP/1.1\r\nHost: other.test:{}\r\n\r\n", sink.port()),
        format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\nHost: other.test\r\n\r\n"),
        format!("GET http://{at}/ HTTP/1.1\r\nHost: other.test\r\n\r\n"),
        format!(
            "CONNECT {at} HTTP/1.1\r\nContent-Length: 30\r\n\r\nCONNECT other.test:1 HTTP/1.1\r\n"
        ),
        format!("CONNECT {at} HTTP/1.1\nHost: other.test\n\n"),
    ] {
        let said = say(&world, &head);
        assert!(said.starts_with("HTTP/1.1 403 "), "{head}: {said}");
    }
    // What comes through it is for another.
    for inner in [
        "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n".to_owned(),
        format!("CONNECT other.test:{} HTTP/1.1\r\nHost: other.test\r\n\r\n", sink.port()),
        format!("GET http://other.test:{}/ HTTP/1.1\r\nHost: other.test\r\n\r\n", sink.port()),
    ] {
        let said = say(&world, &format!("CONNECT {at} HTTP/1.1\r\n\r\n{inner}"));
        assert!(said.ends_with("[broke]"), "{inner}: {said}");
    }
    let name = "import socket, ssl, sys\n\
                stream = socket.create_connection(('proxy.palisade.internal', 3128), 20)\n\
                stream.sendall(f'CONNECT {sys.argv[1]} HTTP/1.1\\r\\n\\r\\n'.encode())\n\
                print(stream.recv(4096).split()[1].decode())\n\
                context = ssl._create_unverified_context()\n\
                try: context.wrap_socket(stream, server_hostname='other.test')\n\
                except OSError as error: print(type(error).__name__)";
    let ran = world.inside_python_with(name, &[&at]);
    assert_eq!(ran.good(), "200\nConnectionResetError");
    assert!(sink.take().is_empty());
    world.assert_denials(&[("connect", &at), ("connect", "proxy.palisade.internal:3128")]);
}

/// A proxy of the operator's, which leads all tunnels to one port of this machine.
struct Corporate {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Corporate {
    fn start(answer: &'static [u8], to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || tunnel(client, answer, to, &seen));
            }
        });
        Self { port, heads }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }
}

fn tunnel(mut client: TcpStream, answer: &[u8], to: u16, seen: &Mutex<Vec<String>>) {
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(1) = client.read(&mut byte) else { return };
        head.push(byte[0]);
    }
    seen.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    if client.write_all(answer).is_err() || !answer.starts_with(b"HTTP/1.1 200 ") {
        return;
    }
    let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
    let mut ways = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (mut client, mut server) = (client, server);
    thread::spawn(move || std::io::copy(&mut ways.0, &mut ways.1));
    std::io::copy(&mut server, &mut client).map(drop).unwrap_or_default();
}

const YES: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// `far.test` is at an address of a network for documentation; the operator's proxy leads there.
fn far(corporate: &Corporate, more: &str) -> Option<World> {
    let port = corporate.port;
    let world = World::new(&format!(
        "credentials: {{corp: {{from: {{env: PROXY_PASSWORD}}}}}}
network:
  hosts: {{far.test: [192.0.2.7], private.test: [10.9.8.7], meta.test: [169.254.169.254], here.test: [127.0.0.1]}}
  upstream: {{proxy: 'http://ada@127.0.0.1:{port}', credential: corp{more}}}
  rules:
    - {{name: far, hosts: [far.test, unknown.test], ports: [80, {port}], addresses: [192.0.2.0/24]}}
    - {{name: others, hosts: [private.test, meta.test], ports: [80]}}
    - {{name: here, hosts: [here.test], ports: [{port}], addresses: [127.0.0.1]}}
    - {{name: bare, ports: [{port}], addresses: [127.0.0.1]}}
"
    ))?;
    Some(world.with_variable("PROXY_PASSWORD", "the-real-password"))
}

#[test]
fn leaves_by_the_operators_proxy() {
    let sink = Sink::start();
    let corporate = Corporate::start(YES, sink.port());
    let Some(world) = far(&corporate, "") else { return };
    // That of the sandbox's environment is nobody's business.
    let script = "no_proxy='*' http_proxy= curl -sS --max-time 60 http://far.test/x; \
                  env | grep -c -e the-rea[l]; grep -rl the-rea[l]-password /proc/*/environ 2>/dev/null";
    let ran = world.inside_sh(script);
    assert_eq!(ran.out.trim_end(), "hello\n0", "{ran}");
    // RFC 7617: `ada:the-real-password`.
    let expected = "CONNECT 192.0.2.7:80 HTTP/1.1\r\nHost: 192.0.2.7:80\r\n\
                    Proxy-Authorization: Basic YWRhOnRoZS1yZWFsLXBhc3N3b3Jk\r\n\r\n";
    assert_eq!(corporate.take(), [expected]);
    assert!(sink.take().concat().starts_with(b"GET /x HTTP/1.1\r\n"));
    let journal = format!("{:?}", world.events());
    assert!(!journal.contains("the-real-password") && !journal.contains("YWRhOn"));
    world.assert_denials(&[]);
}

#[test]
fn model_calls_leave_by_the_operators_proxy() {
    let sink = Sink::start();
    let corporate = Corporate::start(YES, sink.port());
    let world = World::new(&format!(
        "network: {{hosts: {{far.test: [192.0.2.7]}}, upstream: {{proxy: 'http://127.0.0.1:{}'}}}}
inference:
  providers: {{far: {{api: openai, url: 'http://far.test/v1'}}}}
  routes: [{{model: '*', to: far}}]
",
        corporate.port
    ));
    let Some(world) = world else { return };
    let body = r#"{"model":"m","messages":[]}"#;
    curl(&world, &["-d", body, "http://inference.local/v1/chat/completions"]).good();
    assert_eq!(corporate.take(), ["CONNECT 192.0.2.7:80 HTTP/1.1\r\nHost: 192.0.2.7:80\r\n\r\n"]);
    assert!(sink.take().concat().starts_with(b"POST /v1/chat/completions HTTP/1.1\r\n"));
}

#[test]
fn reaches_a_private_address_behind_the_operators_proxy() {
    let corporate = Corporate::start(YES, 9);
    let Some(world) = far(&corporate, "") else { return };
    for host in ["private.test", "meta.test", "169.254.169.254", "10.9.8.7"] {
        let ran = curl(&world, &[&format!("http://{host}/")]);
        assert_ne!(ran.code, Some(0), "{host}: {ran}");
    }
    assert!(corporate.take().is_empty());
    world.assert_denials(&[
        ("connect", "private.test:80"),
        ("connect", "meta.test:80"),
        ("connect", "169.254.169.254:80"),
        ("connect", "10.9.8.7:80"),
    ]);
}

#[test]
fn asks_the_operators_proxy_itself() {
    let sink = Sink::start();
    let corporate = Corporate::start(YES, sink.port());
    let Some(world) = far(&corporate, "") else { return };
    let port = corporate.port;
    let ask = format!("http://far.test:{port}");
    let direct = "import socket, sys\n\
                  stream = socket.create_connection(('here.test', int(sys.argv[1])), 20)\n\
                  try:\n    \
                      stream.sendall(b'\\0')\n    \
                      print(stream.recv(9))\n\
                  except OSError: print('broke')";
    let ran = world.inside_python_with(direct, &[&port.to_string()]);
    assert_eq!(ran.good(), "broke");
    let said = say(&world, &format!("CONNECT here.test:{port} HTTP/1.1\r\n\r\n\0"));
    assert!(said.ends_with("[broke]"), "{said}");
    assert!(corporate.take().is_empty());
    let why = world.why_denied(&format!("here.test:{port}"));
    assert!(why.contains("operator's proxy"), "{why}");
    // What is at another address with that port is not it.
    assert_eq!(curl(&world, &[&ask]).good(), "hello");
    world.verify();
}

#[test]
fn is_given_nonsense_by_the_operators_proxy() {
    for (answer, why) in [
        (&b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"[..], "refuses it (502)"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "does not take the credential"),
        (b"* OK IMAP4 ready\r\n\r\n", "does not answer as an HTTP proxy does"),
        (b"HTTP/1.1 200 OK\r\nX: \x00\r\n", "broke off"),
    ] {
        let corporate = Corporate::start(answer, 9);
        let Some(world) = far(&corporate, "") else { return };
        let ran = curl(&world, &["http://far.test/"]);
        assert_ne!(ran.code, Some(0), "{ran}");
        let events = world.events();
        let told = events.iter().any(|event| event["reason"].as_str().unwrap().contains(why));
        assert!(told, "{why}: {events:?}");
        world.verify();
    }
}

#[test]
fn the_operators_proxy_finds_names_if_the_policy_says_so() {
    let sink = Sink::start();
    let corporate = Corporate::start(YES, sink.port());
    let Some(world) = far(&corporate, ", resolve: proxy") else { return };
    assert_eq!(curl(&world, &["http://unknown.test/"]).good(), "hello");
    let asked = corporate.take();
    assert!(asked[0].starts_with("CONNECT unknown.test:80 HTTP/1.1\r\n"), "{asked:?}");
    // What the policy gives an address is found here, and judged.
    let ran = curl(&world, &["http://private.test/"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(corporate.take().is_empty());
    world.assert_denials(&[("connect", "private.test:80")]);
}

#[test]
fn shows_a_client_certificate_to_another_host() {
    let authority = TestAuthority::new().unwrap();
    let server = |name: &str| {
        let tls = authority.asking_server(name, &["h2", "http/1.1"]).unwrap();
        let server = Upstream::start_secure(tls, |request: Recorded| async move {
            answer(StatusCode::OK, "text/plain", format!("shown: {}\n", request.shown))
        });
        server.unwrap()
    };
    let (own, other) = (server("own.test"), server("other.test"));
    let (port, other_port) = (own.address().port(), other.address().port());
    let world = World::new(&format!(
        "credentials:
  corp: {{from: {{file: ../client.key}}, certificate: ../client.pem}}
  gone: {{from: {{file: ../gone.key}}, certificate: ../client.pem}}
network:
  hosts: {{own.test: [127.0.0.1], other.test: [127.0.0.1]}}
  rules:
    - {{name: private, hosts: [own.test], ports: [{port}], addresses: [127.0.0.1], client_certificate: corp, http: [{{allow: {{paths: [/private]}}}}]}}
    - {{name: gone, hosts: [own.test], ports: [{port}], addresses: [127.0.0.1], client_certificate: gone, http: [{{allow: {{paths: [/gone]}}}}]}}
    - {{name: public, hosts: [own.test], ports: [{port}], addresses: [127.0.0.1], http: [{{allow: {{paths: [/public]}}}}]}}
    - {{name: other, hosts: [other.test], ports: [{other_port}], addresses: [127.0.0.1], tls: inspect}}
"
    ));
    let Some(world) = world else { return };
    let (certificate, key) = authority.client().unwrap();
    for (file, text) in
        [("store.pem", &authority.pem()), ("client.pem", &certificate), ("client.key", &key)]
    {
        world.write(file, text);
    }
    crate::tools::keep_private(&world.at("client.key"));
    let store = world.at("store.pem");
    let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
    let at = |path: &str| format!("https://own.test:{port}{path}");
    // One connection of the client for all, in any order.
    for version in ["--http1.1", "--http2"] {
        let urls = [at("/public"), at("/private"), at("/public"), at("/private")];
        let mut arguments = vec![version];
        arguments.extend(urls.iter().map(String::as_str));
        let ran = curl(&world, &arguments);
        assert_eq!(ran.good(), "shown: false\nshown: true\nshown: false\nshown: true");
    }
    let elsewhere = format!("https://other.test:{other_port}/");
    assert_eq!(curl(&world, &[&elsewhere]).good(), "shown: false");
    let denied = curl(&world, &["-w", "%{http_code}", &at("/gone")]);
    assert!(denied.good().contains("gone.key") && denied.good().ends_with("403"), "{denied}");
    // The key is nowhere inside.
    let look = format!(
        "cat {0}/client.key {0}/client.pem; grep -rl 'PRIVATE KEY' /proc/*/environ /run /tmp /etc/ssl/private 2>/dev/null",
        world.at("").display()
    );
    assert_eq!(world.inside_sh(&look).out, "");
    let denied = format!("GET {}", at("/gone"));
    world.assert_denials(&[("request", &denied)]);
}
