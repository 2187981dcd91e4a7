//! What stays of a session and what does not: secrets, what was said to a model, and records that are due.

use http::StatusCode;
use palisade_testkit::{Recorded, Upstream, json_answer};
use serde_json::json;

use crate::world::{Ran, SECRET, World, finish};

const PROMPT: &str = "the-patient-is-called-Ada";
const ANSWER: &str = "take-two-of-them-a-day";

/// A model call with what is in a file, so that it is in no argument; prints the answer.
const SAY: &str = "\
import json, urllib.request
body = json.dumps({'model': 'm', 'max_tokens': 8, 'messages': [{'role': 'user', 'content': open('prompt').read()}]})
request = urllib.request.Request('http://inference.local/v1/messages', body.encode(), {'content-type': 'application/json'})
print(urllib.request.urlopen(request, timeout=30).read().decode())
";

fn audit(world: &World, arguments: &[&str]) -> Ran {
    finish(world.palisade().arg("audit").args(arguments))
}

/// Whether any file of the state folder has the text, as it is.
fn is_kept(world: &World, text: &str) -> bool {
    let found = world.outside_sh(&format!("grep -rlsaF -e '{text}' ../state"));
    !found.out.is_empty()
}

#[test]
fn reads_what_was_said_to_a_model_without_the_key_or_once_it_was_erased() {
    let server = Upstream::start(|_: Recorded| async {
        json_answer(StatusCode::OK, &json!({"content": [{"type": "text", "text": ANSWER}]}))
    })
    .unwrap();
    let Some(world) = World::new(&format!(
        "inference:
  providers: {{own: {{api: anthropic, url: \"{}\"}}}}
  routes: [{{model: \"*\", to: own}}]
audit: {{content: true}}
",
        server.url()
    )) else {
        return;
    };
    world.write("work/prompt", PROMPT);
    let refused = world.inside_python(SAY);
    assert_eq!(refused.code, Some(125), "{refused}");
    assert!(refused.err.contains("palisade audit recording-key"), "{refused}");
    let made = audit(&world, &["recording-key"]);
    assert_eq!(made.code, Some(0), "{made}");

    let ran = world.inside_python(SAY);
    assert!(ran.good().contains(ANSWER), "{ran}");
    assert!(server.requests()[0].contains(PROMPT));
    assert!(!is_kept(&world, PROMPT) && !is_kept(&world, ANSWER));
    let events = world.events();
    let name = |kind: &str| {
        let event = events.iter().find(|event| event["kind"] == kind).unwrap();
        assert!(event["detail"]["exchange"].is_u64(), "{event}");
        format!("{}:{}", event["session"].as_str().unwrap(), event["seq"])
    };
    let key = world.outside_sh("find .. -name recording.key").out.trim().to_owned();
    assert!(key.ends_with("recording.key"), "{key}");
    let key = world.workspace().join(key).to_str().unwrap().to_owned();
    let shown = audit(&world, &["show", &name("content"), "--key", &key]);
    assert!(shown.good().contains(PROMPT), "{shown}");
    let raw = audit(&world, &["show", &name("model_answer"), "--key", &key, "--raw"]);
    assert!(raw.good().starts_with('{') && raw.out.contains(ANSWER), "{raw}");
    let closed = audit(&world, &["show", &name("content")]);
    assert!(!closed.good().contains(PROMPT), "{closed}");

    // A hold wins over an erasure. Then the key is gone, and the record is whole.
    let session = events.last().unwrap()["session"].as_str().unwrap();
    let held = audit(&world, &["hold", session, "--reason", "case 7"]);
    assert_eq!(held.code, Some(0), "{held}");
    let refused = audit(&world, &["erase", session, "--reason", "asked for"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.err.contains("case 7"), "{refused}");
    assert!(audit(&world, &["show", &name("content"), "--key", &key]).good().contains(PROMPT));
    assert!(audit(&world, &["holds"]).good().contains("case 7"));
    audit(&world, &["release", session, "--reason", "closed"]).good();
    audit(&world, &["erase", session, "--reason", "asked for"]).good();
    let gone = audit(&world, &["show", &name("content"), "--key", &key]);
    assert_eq!(gone.code, Some(1), "{gone}");
    assert!(!gone.out.contains(PROMPT), "{gone}");
    let verified = audit(&world, &["verify"]);
    assert!(verified.good().contains("its content was erased (asked for)"), "{verified}");
}

/// Arguments, paths, names of hosts, URLs, fields, variables: an agent that was told a secret names it in all of them.
#[test]
fn puts_secrets_into_the_record() {
    const GITHUB: &str = "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";
    const SLACK: &str = "xoxb-2481632649-2481632650128-aB3dE5fG7hJ9kL1mN3pQ5rS7";
    let own = SECRET.1;
    let Some(world) = World::new(&format!(
        "credentials:
  key: {{from: {{env: {}}}, header: \"x-api-key: {{secret}}\", expose: MODEL_KEY}}
network: {{rules: [{{name: never, hosts: [never.test], credential: key}}]}}
permissions: {{mode: bypassPermissions, deny: [\"Bash(no-such-tool *)\"]}}
",
        SECRET.0
    )) else {
        return;
    };
    let script = format!(
        "for s in {GITHUB} {SLACK} {own}; do
           TOKEN=$s /bin/true --token=$s \"x-key: $s\"
           cat /etc/$s /root/$s ~/$s 2>/dev/null
           getent hosts $s.example.com
           curl -s --max-time 5 -H \"x: $s\" http://never.example/$s?key=$s
         done; true"
    );
    let ran = world.inside_sh(&script);
    assert_eq!(ran.code, Some(0), "{ran}");
    let events = world.events();
    let text = serde_json::to_string(&events).unwrap();
    for kind in ["github-token", "slack-token", "credential"] {
        assert!(text.contains(&format!("[palisade:{kind}:1]")), "{kind}: {text}");
    }
    assert!(events.iter().any(|event| event["kind"] == "exec"), "{text}");
    for secret in [GITHUB, SLACK, own] {
        assert!(!is_kept(&world, secret), "{secret}");
    }
    world.verify();
}

/// What is due goes, with its words, and the rest is proved as before.
#[test]
fn finds_records_that_were_due() {
    let Some(world) = World::new("audit: {retain: {network: 1s, egress: 1s}}\n") else { return };
    let looked = world.inside_sh("getent hosts a-secret-project.example; true");
    assert_eq!(looked.code, Some(0), "{looked}");
    assert!(is_kept(&world, "a-secret-project"));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let dry = audit(&world, &["prune", "--dry-run"]);
    assert!(
        dry.good().contains("would be removed") && is_kept(&world, "a-secret-project"),
        "{dry}"
    );
    let pruned = audit(&world, &["prune"]);
    assert!(pruned.good().contains("removed by audit.retain: "), "{pruned}");
    assert!(!is_kept(&world, "a-secret-project"));
    let events = world.events();
    assert!(events.iter().any(|event| event["kind"] == "launch"));
    assert!(!events.iter().any(|event| event["kind"] == "resolve"), "{events:?}");
    let verified = audit(&world, &["verify"]);
    assert!(verified.good().contains("removed by retention (audit.retain: "), "{verified}");
    // Elsewhere, by another program, without anything that reads zstd.
    let bundle = world.at("evidence.tar");
    let packed = audit(&world, &["bundle", "-o", bundle.to_str().unwrap()]);
    assert_eq!(packed.code, Some(0), "{packed}");
    let there = "cd .. && tar xf evidence.tar && cd palisade-evidence && python3 -B verify_all.py journal key.txt && ls journal/*";
    let verified = world.outside_sh(there);
    assert!(verified.good().contains("whole") && !verified.out.contains(".zst"), "{verified}");
    // Taken away by somebody else it is damage.
    let taken = world.outside_sh("rm ../state/journal/s-*/*.zst");
    assert_eq!(taken.code, Some(0), "{taken}");
    assert_eq!(audit(&world, &["verify"]).code, Some(1));
}
