//! What the record tells of how an act came about, and what an agent would have it tell.

use std::collections::BTreeMap;

use http::StatusCode;
use palisade_testkit::{Flaw, Recorded, TestAuthority, Upstream, answer};
use serde_json::Value;

use crate::{
    hooks::{model, routed_to},
    world::{World, finish},
};

/// An agent that asks a model what to do, and does it in a shell.
const AGENT: &str = "import json, os, subprocess, sys, urllib.request
body = json.dumps({'model': 'cheap', 'max_tokens': 8,
    'messages': [{'role': 'user', 'content': sys.argv[1]}]}).encode()
request = urllib.request.Request('http://inference.local/v1/messages', body,
    {'content-type': 'application/json'})
answer = json.load(urllib.request.urlopen(request, timeout=60))
for part in answer['content']:
    if part['type'] == 'tool_use':
        subprocess.run(['/bin/sh', '-c', part['input']['command']])
";

fn json(world: &World, arguments: &[&str]) -> Value {
    let ran = finish(world.palisade().arg("audit").args(arguments));
    assert_eq!(ran.code, Some(0), "{ran}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn traces_a_request_back_to_the_models_call() {
    let models = model();
    let authority = TestAuthority::new().unwrap();
    let tls = authority.server("api.test", Flaw::None, &["h2", "http/1.1"]).unwrap();
    let server = Upstream::start_secure(tls, |_: Recorded| async move {
        answer(StatusCode::OK, "text/plain", "hello\n".to_owned())
    });
    let server = server.unwrap();
    let port = server.address().port();
    let Some(world) = World::new(&format!(
        "{}permissions: {{mode: bypassPermissions, deny: [\"Bash(unshare *)\"]}}
network:
  hosts: {{api.test: [127.0.0.1]}}
  rules:
    - name: api
      hosts: [api.test]
      ports: [{port}]
      addresses: [127.0.0.1]
      binaries: [\"/**/curl\"]
      http: [{{allow: {{methods: [GET]}}}}]
    - name: unused
      hosts: [unused.test]
",
        routed_to(&models)
    )) else {
        return;
    };
    world.write("store.pem", &authority.pem());
    let store = world.at("store.pem");
    let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
    let command = format!("true; curl -s --max-time 60 https://api.test:{port}/x; :");
    let ran = world.inside_python_with(AGENT, &[&command]);
    assert_eq!(ran.good(), "hello", "{ran}");

    let events = world.events();
    let request = events
        .iter()
        .find(|event| event["kind"] == "request" && event["decision"] == "allow")
        .unwrap_or_else(|| panic!("{events:#?}"));
    let name = format!("{}:{}", request["session"].as_str().unwrap(), request["seq"]);
    let chain = json(&world, &["show", "--json", &name]);
    assert_eq!(&chain["event"], request);
    let links: Vec<(&str, &str)> = chain["cause"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["how"].as_str().unwrap(), link["event"]["kind"].as_str().unwrap()))
        .collect();
    // From the connection's number to the process, to the shell that it comes from, which had the text of the
    // tool call, which has the number of the exchange.
    let expected = [
        ("number", "connect"),
        ("process", "exec"),
        ("process", "exec"),
        ("text", "tool_call"),
        ("number", "model_call"),
        ("session", "launch"),
    ];
    assert_eq!(links, expected, "{chain:#}");
    let subject = |at: usize| chain["cause"][at]["event"]["subject"].as_str().unwrap();
    assert!(subject(1).contains("/curl -s"), "{chain:#}");
    assert!(subject(2).contains("sh -c true; curl"), "{chain:#}");
    assert_eq!(chain["cause"][3]["event"]["detail"]["call"], "toolu_1");
    let by_id: Vec<bool> =
        chain["cause"].as_array().unwrap().iter().map(|it| it["by_id"] == true).collect();
    assert_eq!(by_id, [true, true, true, false, true, true]);

    // What was granted and what was used of it.
    let session = request["session"].as_str().unwrap();
    let reach = json(&world, &["reach", "--json", session]);
    let rules = reach["policies"][0]["rules"].as_array().unwrap();
    let permitted: BTreeMap<&str, u64> = rules
        .iter()
        .map(|rule| (rule["rule"].as_str().unwrap(), rule["permitted"].as_u64().unwrap()))
        .collect();
    assert!(permitted["network.rules[api]"] >= 2, "{reach:#}");
    assert_eq!(permitted["network.rules[api].http[0]"], 1);
    assert_eq!(permitted["network.rules[unused]"], 0);
    assert_eq!(permitted["inference.routes[0]"], 1);
    let terminal = finish(world.palisade().args(["audit", "reach", session]));
    let unused = terminal.good().split("not used").nth(1).unwrap().split("granted").next().unwrap();
    assert!(
        unused.contains("network.rules[unused]") && !unused.contains("rules[api]"),
        "{terminal}"
    );
    world.verify();
}

/// Programs, names and files that are called like lines of the record, in whatever form it is read.
#[test]
fn writes_lines_of_its_own_into_the_record() {
    let Some(world) =
        World::new("permissions: {mode: bypassPermissions, deny: [\"Bash(unshare *)\"]}")
    else {
        return;
    };
    let program = r#"import os, socket, subprocess
texts = ['a\n{"v":1,"kind":"launch","decision":"allow","seq":1}', '\x1b[2J\x1b]0;owned\x07', '\r2026 allow',
    '\u202eexe\u200b', '=HYPERLINK("http://x")', '</td><script>alert(1)</script>', 'x","y\n"z"', '" onload="x']
for text in texts:
    subprocess.run(['/bin/echo', text], stdout=subprocess.DEVNULL)
    try: socket.getaddrinfo(text[:60], 443)
    except Exception: pass
subprocess.run([b'/bin/echo', b'\xff\xfe\n\x9b31m'], stdout=subprocess.DEVNULL)
subprocess.run(['/bin/echo', 'x' * 100000], stdout=subprocess.DEVNULL)
print('done')
"#;
    assert_eq!(world.inside_python(program).good(), "done");
    let told = |arguments: &[&str]| {
        let ran = finish(world.palisade().arg("audit").args(arguments));
        assert_eq!(ran.code, Some(0), "{ran}");
        ran.out
    };
    let events = world.events();
    let count = events.len();
    let launches = events.iter().filter(|event| event["kind"] == "launch").count();
    assert_eq!(launches, 1, "{events:#?}");
    let session = events[0]["session"].as_str().unwrap();
    let rows = told(&["query"]);
    let json = told(&["query", "--json"]);
    let csv = told(&["query", "--csv"]);
    let timeline = told(&["timeline", session]);
    assert_eq!((rows.lines().count(), json.lines().count()), (count, count));
    assert_eq!(csv.lines().count(), count + 1);
    let executed = events.iter().find(|event| {
        event["kind"] == "exec" && event["subject"].as_str().unwrap().contains("HYPERLINK")
    });
    let name = format!("{session}:{}", executed.unwrap()["seq"]);
    let show = told(&["show", &name]);
    for text in [&rows, &json, &csv, &timeline, &show] {
        let plain = |c: char| c == '\n' || (!c.is_control() && !"\u{202e}\u{200b}".contains(c));
        assert!(text.chars().all(plain), "{text}");
        assert!(text.lines().all(|line| line.len() < 70_000));
    }
    assert!(csv.lines().all(|line| !line.contains(",\"=") && !line.contains(",=")), "{csv}");
    let page = told(&["timeline", "--html", session]);
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(!page.contains("\" onload"), "{page}");
    world.verify();
}
