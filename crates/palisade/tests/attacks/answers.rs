//! A server that answers questions in the operator's place: only what the policy's key has signed counts, and only for
//! the question that it was signed for.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use palisade_testkit::{Recorded, Upstream, answer};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::world::World;

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let number = part.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let number = number << (8 * (3 - part.len()));
        for at in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * at) & 63) as usize];
            text.push(if at > part.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

fn pair() -> Ed25519KeyPair {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
}

/// An answer to what was posted, as the server gives it.
fn signed(pair: &Ed25519KeyPair, question: &[u8], allow: bool) -> String {
    let hex: String =
        digest(&SHA256, question).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let said = json!({"question": format!("sha256:{hex}"), "allow": allow, "scope": "once"});
    let said = said.to_string();
    let message = format!("palisade approval 1\n{said}");
    let signature = pair.sign(message.as_bytes());
    json!({"answer": said, "signature": base64(signature.as_ref())}).to_string()
}

/// What a server says to a question.
type Say = Box<dyn Fn(&[u8]) -> (u16, String) + Send + Sync>;

/// A world in which running `unshare` is a question for so many seconds, and this server answers with what `say` makes
/// of each.
fn asked(
    pair: &Ed25519KeyPair,
    seconds: u8,
    say: impl Fn(&[u8]) -> (u16, String) + Send + Sync + 'static,
) -> Option<(World, Upstream)> {
    let say = Arc::new(say);
    let server = Upstream::start(move |request: Recorded| {
        let (status, text) = say(&request.body);
        async move { answer(StatusCode::from_u16(status).unwrap(), "application/json", text) }
    })
    .unwrap();
    let key = base64(pair.public_key().as_ref());
    let world = World::new(&format!(
        "permissions: {{ask: ['Bash(unshare *)']}}\n\
         approvals: {{timeout: {seconds}s, webhook: {{url: \"{}\", key: \"{key}\"}}}}\n",
        server.url()
    ))?;
    Some((world, server))
}

fn approvals(world: &World) -> Vec<Value> {
    world.events().into_iter().filter(|event| event["kind"] == "approval").collect()
}

/// The twin: a signed answer permits, and once it denies.
#[test]
fn a_server_answers_with_a_signature() {
    let pair = Arc::new(pair());
    let (own, first) = (Arc::clone(&pair), Mutex::new(true));
    let say = move |body: &[u8]| {
        // Nobody has answered yet; then somebody does.
        let waits = std::mem::take(&mut *first.lock().unwrap());
        if waits { (202, String::new()) } else { (200, signed(&own, body, true)) }
    };
    let Some((world, server)) = asked(&pair, 8, say) else { return };
    let ran = world.inside_sh("unshare --version");
    assert!(ran.good().contains("util-linux"), "{ran}");
    let said = approvals(&world);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0]["detail"]["principal"].as_str().unwrap().starts_with("webhook 127.0.0.1"));
    let told: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    assert_eq!(
        (&told["kind"], &told["subject"]),
        (&json!("exec"), &json!("/usr/bin/unshare --version"))
    );
    world.verify();
}

/// Answers that nobody with the key has given: to another question, an earlier one, by another key, or none.
#[test]
fn answers_a_question_without_the_key() {
    let pair = Arc::new(pair());
    let other = self::pair();
    // One that was good for the session before.
    let kept: Arc<Mutex<Option<String>>> = Arc::default();
    let (own, keeps) = (Arc::clone(&pair), Arc::clone(&kept));
    let say = move |body: &[u8]| {
        let said = signed(&own, body, true);
        *keeps.lock().unwrap() = Some(said.clone());
        (200, said)
    };
    let Some((world, _server)) = asked(&pair, 8, say) else { return };
    assert!(world.inside_sh("unshare --version").good().contains("util-linux"));
    let kept = kept.lock().unwrap().clone().unwrap();

    let tries: [Say; 4] = [
        Box::new(move |_| (200, kept.clone())),
        Box::new(move |body| (200, signed(&other, body, true))),
        Box::new(|_| (200, json!({"allow": true, "scope": "session"}).to_string())),
        Box::new(|_| (200, "x".repeat(1 << 20))),
    ];
    for say in tries {
        let Some((world, server)) = asked(&pair, 3, say) else { return };
        let ran = world.inside_sh("unshare --version");
        assert!(!server.requests().is_empty(), "nobody was asked");
        assert!(!ran.out.contains("util-linux"), "{ran}");
        let said = approvals(&world);
        assert!(said.iter().all(|event| event["decision"] == "deny"), "{said:?}");
        let denied = world.events().into_iter().any(|event| {
            event["kind"] == "exec"
                && event["decision"] == "deny"
                && event["reason"].as_str().unwrap().contains("nobody answered")
        });
        assert!(denied);
    }
}

/// The desktop is told by the operator's program, never by one that the agent has put in the way.
#[test]
fn puts_a_program_where_notifications_come_from() {
    let policy =
        "permissions: {ask: ['Bash(unshare *)']}\napprovals: {timeout: 3s, notify: [desktop]}";
    let Some(world) = World::new(policy) else { return };
    let path =
        format!("{}:{}:/usr/bin:/bin", world.workspace().display(), world.at("bin").display());
    let world = world.with_variable("PATH", &path);
    let tell =
        |name: &str| format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n", world.at(name).display());
    world.program("bin/notify-send", &tell("told"));
    world.program("work/notify-send", &tell("stolen"));
    let ran = world.inside_sh("unshare --version '<b>x</b>'");
    assert!(!ran.out.contains("util-linux"), "{ran}");
    let told = world.read("told");
    assert!(told.contains("/usr/bin/unshare --version"), "{told}");
    assert!(!told.contains("<b>") && !world.at("stolen").exists(), "{told}");
}
