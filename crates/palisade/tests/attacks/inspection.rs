//! Ways round the look into TLS and HTTP, and what has to work in spite of it.

use std::{
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    process::{Command, Stdio},
};

use http::{Response, StatusCode};
use palisade_testkit::{Answer, Flaw, Recorded, TestAuthority, Upstream, answer};

use crate::{
    tools,
    world::{Ran, World, end_of},
};

/// A server at `api.test` over TLS, and a world whose rules look into connections to it.
struct Stage {
    server: Upstream,
    world: World,
}

impl Stage {
    fn new(flaw: Flaw, protocols: &[&str]) -> Option<Self> {
        Self::with(flaw, protocols, |request| {
            let text = format!("{} {} hello\n", request.method, request.uri.path());
            answer(StatusCode::OK, "text/plain", text)
        })
    }

    fn with(flaw: Flaw, protocols: &[&str], handler: fn(Recorded) -> Answer) -> Option<Self> {
        let authority = TestAuthority::new().unwrap();
        let tls = authority.server("api.test", flaw, protocols).unwrap();
        let server =
            Upstream::start_secure(tls, move |request: Recorded| async move { handler(request) });
        let server = server.unwrap();
        let port = server.address().port();
        let world = World::new(&format!(
            "network:
  hosts: {{api.test: [127.0.0.1], other.test: [127.0.0.1]}}
  rules:
    - {{name: api, hosts: [api.test], ports: [{port}], addresses: [127.0.0.1], tls: inspect}}
    - {{name: other, hosts: [other.test], ports: [{port}], addresses: [127.0.0.1], tls: inspect}}
"
        ))?;
        world.write("store.pem", &authority.pem());
        let store = world.at("store.pem");
        let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
        Some(Self { server, world })
    }

    fn url(&self, path: &str) -> String {
        format!("https://api.test:{}{path}", self.server.address().port())
    }

    fn subject(&self) -> String {
        format!("api.test:{}", self.server.address().port())
    }

    fn paths(&self) -> Vec<String> {
        self.server.requests().iter().map(|request| request.uri.path().to_owned()).collect()
    }

    fn curl(&self, arguments: &[&str]) -> Ran {
        let mut argv = vec!["curl", "--silent", "--show-error", "--max-time", "60"];
        argv.extend(arguments);
        self.world.inside(&argv)
    }

    /// `raw.py PORT SNI PAYLOAD`: TLS to `api.test`, verified, with any server name and any bytes.
    fn raw(&self, name: &str, bytes: &[u8]) -> Ran {
        let port = self.server.address().port().to_string();
        let bytes: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.world.inside_python_with(RAW, &["api.test", &port, name, &bytes])
    }
}

const RAW: &str = "\
import socket, ssl, sys
host, port, name, payload = sys.argv[1], int(sys.argv[2]), sys.argv[3], bytes.fromhex(sys.argv[4])
context = ssl.create_default_context()
context.check_hostname = name == host
try:
    stream = context.wrap_socket(socket.create_connection((host, port), 20), server_hostname=name)
    stream.sendall(payload)
    got = b''
    while True:
        part = stream.recv(65536)
        if not part: break
        got += part
        if b'hello' in got and b'smuggled' not in payload: break
except OSError as error:
    got = type(error).__name__.encode()
sys.stdout.write(got.decode('latin1'))
";

const JAVA: &str = "\
import java.net.URI;
import java.net.http.*;
class Fetch {
    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(arguments[0])).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.print(answer.body());
    }
}
";

#[test]
fn unmodified_clients_verify_and_are_seen() {
    let Some(stage) = Stage::new(Flaw::None, &["h2", "http/1.1"]) else { return };
    let ran = stage.curl(&["--http1.1", &stage.url("/curl1")]);
    assert_eq!(ran.good(), "GET /curl1 hello");
    let ran = stage.curl(&["--http1.1", "--tls-max", "1.2", &stage.url("/curl12")]);
    assert_eq!(ran.good(), "GET /curl12 hello");
    let version = "%{http_version}";
    let ran = stage.curl(&["--http2", "-w", version, "-d", "body", &stage.url("/curl2")]);
    assert_eq!(ran.good(), "POST /curl2 hello\n2");
    let python = "import sys, urllib.request\n\
                  print(urllib.request.urlopen(sys.argv[1]).read().decode(), end='')";
    let ran = stage.world.inside_python_with(python, &[&stage.url("/python")]);
    assert_eq!(ran.good(), "GET /python hello");
    if tools::have(&["node"]) {
        let node =
            "fetch(process.argv[1]).then(it => it.text()).then(it => process.stdout.write(it))";
        let ran = stage.world.inside(&["node", "-e", node, &stage.url("/node")]);
        assert_eq!(ran.good(), "GET /node hello");
    }
    if tools::which("javac").is_some() {
        stage.world.write("work/Fetch.java", JAVA);
        let ran = stage.world.inside(&["java", "Fetch.java", &stage.url("/java")]);
        assert_eq!(ran.good(), "GET /java hello");
    } else {
        println!("not on this machine: it has no Java");
    }
    for path in ["/curl1", "/curl2", "/python"] {
        assert!(stage.paths().contains(&path.to_owned()), "{path}");
    }
    let events = stage.world.events();
    let seen = events.iter().filter(|event| event["kind"] == "request").map(|event| {
        assert_eq!((&event["decision"], &event["layer"]), (&"allow".into(), &"egress".into()));
        assert_eq!(event["rule"], "network.rules[api]");
        event["subject"].as_str().unwrap().to_owned()
    });
    assert!(seen.collect::<Vec<_>>().contains(&format!("GET {}", stage.url("/curl1"))));
    stage.world.assert_denials(&[]);
}

#[test]
fn a_policy_that_looks_into_nothing_changes_nothing_inside() {
    let Some(world) = World::plain() else { return };
    let ran = world.inside_sh("env | grep -E 'SSL|CA_|CERT'; test -e /run/palisade/policy.md");
    assert_eq!(ran.good(), "");
    let ran =
        world.inside_sh("test -e /run/palisade/ca.pem || test -e /run/palisade/ca-bundle.pem");
    assert_eq!(ran.code, Some(1), "{ran}");
}

/// A client that believes in the operator's store alone sees that somebody looks in.
#[test]
fn the_certificate_inside_is_of_the_sandboxs_own_authority() {
    let Some(stage) = Stage::new(Flaw::None, &["http/1.1"]) else { return };
    let store = stage.world.read("store.pem");
    stage.world.write("work/operators.txt", &store);
    let ran = stage.curl(&["--cacert", "operators.txt", &stage.url("/")]);
    assert_eq!(ran.code, Some(60), "{ran}");
    let ran = stage.world.inside_sh("cat /run/palisade/ca-bundle.pem");
    assert!(ran.out.starts_with(&store), "the operator's authorities count inside as well");
    let own = stage.world.inside_sh("cat /run/palisade/ca.pem").out;
    assert!(!ran.out.contains(&own), "each sandbox has another one");
    // Outside nobody knows it.
    stage.world.write("own.pem", &own);
    let outside = stage.world.outside(&[
        "curl",
        "--silent",
        "--cacert",
        stage.world.at("own.pem").to_str().unwrap(),
        "--resolve",
        &format!("{}:127.0.0.1", stage.subject()),
        &stage.url("/"),
    ]);
    assert_eq!(outside.code, Some(60), "{outside}");
}

#[test]
fn fronts_another_host_inside_tls() {
    let Some(stage) = Stage::new(Flaw::None, &["h2", "http/1.1"]) else { return };
    for version in ["--http1.1", "--http2"] {
        let ran = stage.curl(&[version, "-H", "Host: other.test", &stage.url("/front")]);
        let json: serde_json::Value = serde_json::from_str(ran.good()).unwrap();
        assert_eq!(json["error"], "denied by palisade", "{version}");
        assert!(json["reason"].as_str().unwrap().contains("other.test"), "{json}");
    }
    let ran =
        stage.curl(&["--http1.1", "--request-target", "https://other.test/x", &stage.url("/")]);
    assert!(ran.good().contains("denied by palisade"), "{ran}");
    // A server name that is not the resolved one gets no TLS at all.
    let ran = stage.raw("other.test", b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
    assert!(["SSLEOFError", "ConnectionResetError"].contains(&ran.good()), "{ran}");
    assert_eq!(stage.paths(), Vec::<String>::new());
    let why = stage.world.why_denied(&stage.subject());
    assert!(why.contains("its TLS server name is other.test"), "{why}");
    let denied = stage.world.events().iter().filter(|it| it["decision"] == "deny").count();
    assert_eq!(denied, 4);
    stage.world.verify();
}

#[test]
fn reaches_a_server_whose_certificate_is_bad() {
    for flaw in [Flaw::Expired, Flaw::OtherName, Flaw::SelfSigned, Flaw::UnknownAuthority] {
        let Some(stage) = Stage::new(flaw, &["http/1.1"]) else { return };
        // Unconfined, who does not look is let in.
        let resolve = format!("{}:127.0.0.1", stage.subject());
        let outside = ["curl", "-sk", "--resolve", &resolve, &stage.url("/twin")];
        assert_eq!(stage.world.outside(&outside).good(), "GET /twin hello");
        // Inside it makes no difference whether the client looks.
        for insecure in ["--insecure", "--silent"] {
            let ran = stage.curl(&[insecure, "-w", "%{http_code}", &stage.url("/bad")]);
            assert!(ran.good().ends_with("502"), "{flaw:?}: {ran}");
            assert!(ran.out.contains("certificate is not good"), "{flaw:?}: {ran}");
        }
        assert_eq!(stage.paths(), ["/twin"], "{flaw:?}");
        stage.world.assert_denials(&[("request", &format!("GET {}", stage.url("/bad")))]);
    }
}

/// Requests that two servers read differently: this server takes some of them for two.
#[test]
fn smuggles_a_request_behind_another() {
    let Some(stage) = Stage::new(Flaw::None, &["http/1.1"]) else { return };
    let inner = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n";
    let long = inner.len();
    let post = |lines: &str| format!("POST / HTTP/1.1\r\nHost: api.test\r\n{lines}\r\n\r\n{inner}");
    // Unconfined, the server sees the second one.
    let bare = "GET / HTTP/1.1\nHost: api.test\n\nGET /smuggled HTTP/1.1\nHost: api.test\n\n";
    let hex: String = bare.bytes().map(|byte| format!("{byte:02x}")).collect();
    let port = stage.server.address().port().to_string();
    let unverified = RAW.replace("create_default_context()", "_create_unverified_context()");
    let outside = ["/usr/bin/python3", "-c", &unverified, "localhost", &port, "api.test", &hex];
    let mut outside =
        Command::new(outside[0]).args(&outside[1..]).stdout(Stdio::null()).spawn().unwrap();
    for _ in 0..1000 {
        if stage.paths().contains(&"/smuggled".to_owned()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    outside.kill().unwrap();
    outside.wait().unwrap();
    assert_eq!(stage.paths(), ["/", "/smuggled"]);
    let corpus = [
        post(&format!("Content-Length: {long}\r\nTransfer-Encoding: chunked")),
        post(&format!("Transfer-Encoding: chunked\r\nContent-Length: {long}")),
        post(&format!("Content-Length: {long}\r\nContent-Length: 0")),
        post(&format!("Content-Length: {long}, 0")),
        post("Content-Length: +5"),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
        post("Transfer-Encoding: xchunked"),
        post("Transfer-Encoding : chunked"),
        post("X: y\r\n Transfer-Encoding: chunked"),
        post("X: y\nTransfer-Encoding: chunked"),
        post("X: y\0\r\nTransfer-Encoding: chunked"),
        post("Host: other.test"),
        bare.to_owned(),
        "GET /smuggled HTTP/1.1\r\n\r\n".to_owned(),
        "GET /smuggled\r\n\r\n".to_owned(),
    ];
    for payload in &corpus {
        let ran = stage.raw("api.test", payload.as_bytes());
        assert!(ran.good().starts_with("HTTP/1.1 400 "), "{payload:?}: {ran}");
        assert!(ran.out.contains("refused by palisade"), "{payload:?}: {ran}");
    }
    assert_eq!(stage.paths().len(), 2, "nothing has come to the server");
    let denied = stage.world.events().iter().filter(|it| it["decision"] == "deny").count();
    assert_eq!(denied, corpus.len());
    // The twin: what is not ambiguous comes as one.
    let ran = stage.raw("api.test", b"GET /plain HTTP/1.1\r\nHost: api.test\r\n\r\n");
    assert!(ran.good().contains("GET /plain hello"), "{ran}");
    assert_eq!(stage.paths().last().unwrap(), "/plain");
}

/// What an agent says inside TLS must be HTTP.
#[test]
fn speaks_another_protocol_inside_tls() {
    let Some(stage) = Stage::new(Flaw::None, &["http/1.1"]) else { return };
    for payload in [b"SSH-2.0-x\r\n\r\n".as_slice(), b"\x00\x01\x02\n", b"EHLO x\r\n"] {
        let ran = stage.raw("api.test", payload);
        assert!(ran.good().starts_with("HTTP/1.1 400 "), "{ran}");
    }
    assert_eq!(stage.paths(), Vec::<String>::new());
    stage.world.verify();
}

/// The key is made after the fork, in the supervisor alone.
#[test]
fn looks_for_the_authoritys_key() {
    let Some(stage) = Stage::new(Flaw::None, &["http/1.1"]) else { return };
    let search = "grep -asl 'PRIVATE[ ]KEY' -r /run /etc /tmp /dev/shm $HOME; \
                  grep -asl 'PRIVATE[ ]KEY' /proc/*/environ /proc/*/cmdline; echo searched";
    let ran = stage.world.inside_sh(search);
    assert_eq!(ran.good(), "searched", "{ran}");
    // A process inside reads its own memory and that of others as far as it may.
    let memory = "import glob, sys\n\
        header = bytes.fromhex('3081870201003013') + bytes.fromhex('06072a8648ce3d0201')\n\
        for maps in glob.glob('/proc/[0-9]*/maps'):\n\
        \x20   try:\n\
        \x20       mem = open(maps.replace('maps', 'mem'), 'rb')\n\
        \x20       for line in open(maps):\n\
        \x20           low, high = (int(it, 16) for it in line.split()[0].split('-'))\n\
        \x20           if 'r' not in line.split()[1] or high - low > 1 << 28: continue\n\
        \x20           try:\n\
        \x20               mem.seek(low)\n\
        \x20               whole = mem.read(high - low)\n\
        \x20           except (OSError, OverflowError, ValueError): continue\n\
        \x20           if whole.count(header) and 'self' not in maps and b'3081870201003013' not in whole:\n\
        \x20               print('found in', maps)\n\
        \x20   except OSError: pass\n\
        print('searched')";
    let ran = stage.world.inside_python(memory);
    assert_eq!(ran.good(), "searched");
    if !tools::is_root() {
        // Nobody else may look into the supervisor; root's run of this test does.
        return;
    }
    let mut child = stage
        .world
        .run(&["/bin/sh", "-c", "echo up; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let inside = children_of(child.id());
    assert!(!inside.is_empty());
    assert!(holds_a_key(child.id()), "the supervisor holds it, and this is how it is found");
    for pid in inside {
        assert!(!holds_a_key(pid), "process {pid} inside holds a key");
    }
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    end_of(child);
}

fn children_of(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        let child: u32 = child.parse().unwrap();
        all.push(child);
        all.extend(children_of(child));
    }
    all
}

/// Whether a private key of P-256 (PKCS #8, RFC 5208) is in a process's memory.
fn holds_a_key(pid: u32) -> bool {
    const BEGINS: &[u8] =
        b"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08";
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    maps.lines().any(|line| {
        let mut words = line.split_whitespace();
        let (low, high) = words.next().unwrap().split_once('-').unwrap();
        let low = u64::from_str_radix(low, 16).unwrap();
        let high = u64::from_str_radix(high, 16).unwrap();
        // Written memory only: the program itself knows how such a key begins.
        if !words.next().unwrap().starts_with("rw") || high - low > 1 << 28 {
            return false;
        }
        let mut bytes = vec![0; usize::try_from(high - low).unwrap()];
        let read = memory.seek(SeekFrom::Start(low)).and_then(|_| memory.read_exact(&mut bytes));
        // More than the beginning: a key has random bytes behind it.
        read.is_ok()
            && bytes.windows(BEGINS.len() + 40).any(|window| {
                window.starts_with(BEGINS) && !window[BEGINS.len() + 8..].iter().all(|b| *b == 0)
            })
    })
}

/// A registry with one package, `left`.
fn npm_registry(request: &Recorded, port: u16, tarball: &[u8]) -> Answer {
    match (request.method.as_str(), request.uri.path()) {
        ("GET", "/left") => {
            let url = format!("https://npm.test:{port}/left/-/left-1.0.0.tgz");
            let version = serde_json::json!({
                "name": "left", "version": "1.0.0", "dist": {"tarball": url}
            });
            palisade_testkit::json_answer(
                StatusCode::OK,
                &serde_json::json!({
                    "name": "left", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}
                }),
            )
        }
        ("GET", path) if path.ends_with(".tgz") => {
            answer(StatusCode::OK, "application/octet-stream", tarball.to_vec())
        }
        _ => answer(StatusCode::OK, "application/json", "{}"),
    }
}

/// Installing is permitted, publishing is not; the same host, the same program.
#[test]
fn publishes_a_package_where_only_installing_is_permitted() {
    if tools::which("npm").is_none() {
        println!("not on this machine: it has no npm");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("package")).unwrap();
    let package = r#"{"name": "left", "version": "1.0.0"}"#;
    std::fs::write(folder.path().join("package/package.json"), package).unwrap();
    let mut tar = Command::new("tar");
    let packed = tar.args(["czf", "-", "package"]).current_dir(folder.path()).output();
    let tarball = packed.unwrap().stdout;
    let authority = TestAuthority::new().unwrap();
    let tls = authority.server("npm.test", Flaw::None, &["http/1.1"]).unwrap();
    let own = std::sync::Arc::new(std::sync::OnceLock::new());
    let port = std::sync::Arc::clone(&own);
    let server = Upstream::start_secure(tls, move |request: Recorded| {
        let answer = npm_registry(&request, *port.get().unwrap(), &tarball);
        async move { answer }
    });
    let server = server.unwrap();
    let port = server.address().port();
    own.set(port).unwrap();
    let Some(world) = World::new(&format!(
        "network:
  hosts: {{npm.test: [127.0.0.1]}}
  rules:
    - name: npm
      hosts: [npm.test]
      ports: [{port}]
      addresses: [127.0.0.1]
      http:
        - allow: {{methods: [GET, HEAD]}}
"
    )) else {
        return;
    };
    world.write("store.pem", &authority.pem());
    let store = world.at("store.pem");
    let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
    let npm =
        format!("npm --registry https://npm.test:{port} --no-audit --no-fund --no-update-notifier");
    let install =
        format!("cd /tmp && {npm} install left >&2 && cat node_modules/left/package.json");
    assert_eq!(world.inside_sh(&install).good(), package);
    world.assert_denials(&[]);
    let publish = format!(
        "mkdir /tmp/mine && cd /tmp/mine && echo '{{\"name\": \"mine\", \"version\": \"1.0.0\"}}' \
         >package.json && {npm} --//npm.test:{port}/:_authToken=x publish"
    );
    let ran = world.inside_sh(&publish);
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(ran.err.contains("403"), "{ran}");
    assert!(server.requests().iter().all(|request| request.method == "GET"));
    world.assert_denials(&[("request", &format!("PUT https://npm.test:{port}/mine"))]);
}

/// `git http-backend`, as a web server runs it.
fn git_backend(request: &Recorded, root: &Path) -> Answer {
    let mut command = Command::new(tools::which("git").unwrap());
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("REQUEST_METHOD", request.method.as_str())
        .env("PATH_INFO", request.uri.path())
        .env("QUERY_STRING", request.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", request.header("content-type"))
        .env("HTTP_CONTENT_ENCODING", request.header("content-encoding"))
        .env("GIT_PROTOCOL", request.header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&request.body).unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    let end = out.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut answer = Response::builder();
    for line in std::str::from_utf8(&out[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name.eq_ignore_ascii_case("status") {
            answer = answer.status(&value[..3]);
        } else {
            answer = answer.header(name, value);
        }
    }
    let body = palisade_testkit::answer(StatusCode::OK, "", out[end + 4..].to_vec()).into_body();
    answer.body(body).unwrap()
}

#[test]
fn clones_a_repository_over_https() {
    if !tools::have(&["git"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tools::open_to_all(folder.path());
    let made = Command::new("/bin/sh")
        .args(["-ec", "git init -q x && cd x && seq 100000 > big && git add . && \
               git -c user.name=a -c user.email=a@a commit -qm one && git clone -q --bare . ../x.git"])
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(made.success());
    let authority = TestAuthority::new().unwrap();
    let tls = authority.server("git.test", Flaw::None, &["h2", "http/1.1"]).unwrap();
    let root = folder.path().to_owned();
    let server = Upstream::start_secure(tls, move |request: Recorded| {
        let root = root.clone();
        async move { git_backend(&request, &root) }
    });
    let server = server.unwrap();
    let port = server.address().port();
    let Some(world) = World::new(&format!(
        "network:
  hosts: {{git.test: [127.0.0.1]}}
  rules:
    - {{name: git, hosts: [git.test], ports: [{port}], addresses: [127.0.0.1], tls: inspect}}
"
    )) else {
        return;
    };
    world.write("store.pem", &authority.pem());
    let store = world.at("store.pem");
    let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
    let url = format!("https://git.test:{port}/x.git");
    let ran = world.inside_sh(&format!("git clone -q {url} /tmp/x && tail -n 1 /tmp/x/big"));
    assert_eq!(ran.good(), "100000");
    let subjects: Vec<String> =
        world.events().iter().map(|event| event["subject"].to_string()).collect();
    let posts = subjects.iter().filter(|it| it.contains("POST") && it.contains("git-upload-pack"));
    assert!(posts.count() >= 1, "{subjects:?}");
    world.assert_denials(&[]);
}
