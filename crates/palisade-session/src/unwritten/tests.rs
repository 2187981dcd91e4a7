use std::{collections::BTreeSet, fs, path::Path};

use palisade_core::{
    Action, Decision, Event, Layer, PolicyDigest, SessionId, ToolCall, ToolInput, ToolSeen,
};
use palisade_journal::{Durability, Journal};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// Beginnings and lengths of made-up keys. None opens anything.
const FORMS: [(&str, &str, usize); 56] = [
    ("ghp_", ALNUM, 36),
    ("gho_", ALNUM, 36),
    ("ghu_", ALNUM, 36),
    ("ghs_", ALNUM, 36),
    ("ghr_", ALNUM, 36),
    ("github_pat_", ALNUM, 82),
    ("npm_", ALNUM, 36),
    ("pypi-AgEIcHlwaS5vcmc", ALNUM, 60),
    ("pypi-AgENdGVzdC5weXBpLm9yZ", ALNUM, 60),
    ("sk-ant-", ALNUM, 90),
    ("sk-or-v1-", HEX, 64),
    ("sk-proj-", ALNUM, 60),
    ("sk-svcacct-", ALNUM, 60),
    ("sk-admin-", ALNUM, 60),
    ("sk-", ALNUM, 48),
    ("AKIA", BASE32, 16),
    ("ASIA", BASE32, 16),
    ("aws_secret_access_key=", ALNUM, 40),
    ("AWS_SECRET_ACCESS_KEY=", ALNUM, 40),
    ("\"secretAccessKey\":\"", ALNUM, 40),
    ("xoxb-", ALNUM, 40),
    ("xoxp-", ALNUM, 40),
    ("xoxa-", ALNUM, 40),
    ("xoxr-", ALNUM, 40),
    ("xoxs-", ALNUM, 40),
    ("xoxe.", ALNUM, 40),
    ("xoxe-", ALNUM, 40),
    ("xapp-", ALNUM, 40),
    ("hooks.slack.com/services/", ALNUM, 44),
    ("sk_live_", ALNUM, 30),
    ("rk_live_", ALNUM, 30),
    ("sk_test_", ALNUM, 30),
    ("rk_test_", ALNUM, 30),
    ("whsec_", ALNUM, 40),
    ("AIza", ALNUM, 35),
    ("GOCSPX-", ALNUM, 28),
    ("ya29.", ALNUM, 60),
    ("glpat-", ALNUM, 20),
    ("gldt-", ALNUM, 20),
    ("glrt-", ALNUM, 20),
    ("glptt-", ALNUM, 40),
    ("glcbt-", ALNUM, 24),
    ("glsoat-", ALNUM, 24),
    ("hf_", ALNUM, 34),
    ("SG.", ALNUM, 66),
    ("dop_v1_", HEX, 64),
    ("doo_v1_", HEX, 64),
    ("shpat_", HEX, 32),
    ("glsa_", ALNUM, 41),
    ("dckr_pat_", ALNUM, 27),
    ("ATATT3", ALNUM, 80),
    ("dapi", HEX, 32),
    ("gsk_", ALNUM, 52),
    ("xai-", ALNUM, 80),
    ("hvs.", ALNUM, 95),
    ("AGE-SECRET-KEY-1", BASE32, 58),
];
const JWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.";
const PEM: &str =
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq3k9vX2mN5pQ8rT1wY4zB6cD0fG3h";

/// Numbers as good as random, the same each time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 1).unwrap()
    }

    fn of(&mut self, letters: &str, count: usize) -> String {
        (0..count).map(|_| char::from(letters.as_bytes()[self.next() % letters.len()])).collect()
    }
}

/// So many secrets of every kind: the text, and the part of it that may be nowhere.
fn secrets(count: usize, redactor: &Redactor) -> Vec<(String, String)> {
    let mut numbers = Numbers(7);
    let mut all = Vec::new();
    while all.len() < count {
        let at = all.len() % (FORMS.len() + 3);
        let one = match FORMS.get(at) {
            Some((begins, letters, length)) => {
                let secret = numbers.of(letters, *length);
                (format!("{begins}{secret}"), secret)
            }
            None if at == FORMS.len() => {
                let secret = numbers.of(ALNUM, 43);
                (format!("{JWT}{secret}"), secret)
            }
            None if at == FORMS.len() + 1 => {
                let secret = numbers.of(ALNUM, 64);
                (format!("{PEM}{secret}\n-----END RSA PRIVATE KEY-----"), secret)
            }
            // What is known by its value alone.
            None => (KNOWN.to_owned(), KNOWN.to_owned()),
        };
        // Of what was drawn some does not look so.
        if at > FORMS.len() || !redactor.kinds_in(one.0.as_bytes()).is_empty() {
            all.push(one);
        }
    }
    all
}

const KNOWN: &str = "the-operators-own-pass-9";

/// Every place of an event that an agent has a say in.
fn events(secret: &str) -> Vec<Event> {
    let observed = |kind: &str, subject: String| Event::observed(kind, Layer::Egress, subject);
    let call = ToolCall {
        name: format!("mcp__x__{secret}"),
        input: ToolInput::Text(format!("echo {secret}")),
        id: Some(secret.to_owned()),
        seen: ToolSeen::Announced,
    };
    let tool = Action::ToolCall(Box::new(call));
    let launch = Action::Launch { command: vec!["sh".into(), secret.into()], workspace: None };
    let mut denied = observed("connect", format!("{secret}.example.com:443"));
    denied.decision = palisade_core::Verdict::Deny;
    denied.reason = format!("no rule permits {secret}");
    vec![
        denied,
        observed("request", format!("GET https://x.example/{secret}?key={secret}"))
            .with("headers", json!({"authorization": format!("Bearer {secret}"), secret: 1}))
            .with("host", secret),
        observed("exec", format!("/bin/sh -c 'curl -H \"x: {secret}\" {secret}'"))
            .with("argv", json!(["curl", secret, format!("--token={secret}")]))
            .with("environment", json!({"TOKEN": secret})),
        observed("access", format!("/home/u/{secret}/file")).with(secret, "a name"),
        Event::decided(&tool, &Decision::deny_by("permissions", format!("not {secret}"))),
        Event::decided(&launch, &Decision::allow("launch", "")),
    ]
}

fn everything(folder: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything(&path, into);
        } else {
            into.extend(fs::read(&path).unwrap());
            into.extend(path.to_string_lossy().as_bytes());
        }
    }
}

#[test]
fn a_thousand_secrets_in_every_place_are_in_no_file() {
    let state = tempfile::tempdir().unwrap();
    let session = SessionId::from_random([3; 16]);
    let policy = PolicyDigest::of(b"p");
    let journal = Journal::open(state.path(), &session, None, &policy).unwrap();
    let unwritten = Unwritten::default();
    unwritten.learn(&[KnownSecret::credential(&KNOWN.to_owned().into())]);
    let redactor = unwritten.now.load_full();
    journal.scrub_with(std::sync::Arc::new(unwritten));
    let all = secrets(1000, &redactor);
    let kinds: BTreeSet<_> = all
        .iter()
        .flat_map(|(text, _)| redactor.kinds_in(text.as_bytes()))
        .map(|it| it.0)
        .collect();
    assert_eq!(kinds.len(), 29, "{kinds:?}");
    for (text, _) in &all {
        for event in events(text) {
            journal.record_blocking(event, Durability::Written).unwrap();
        }
    }
    journal
        .close_blocking(Event::observed("end", Layer::Process, "x"), Durability::Durable)
        .unwrap();
    let mut files = Vec::new();
    everything(state.path(), &mut files);
    let text = String::from_utf8_lossy(&files);
    assert!(text.contains("[palisade:github-token:1]") && text.contains("[palisade:credential:1]"));
    let left: Vec<_> = all.iter().filter(|(_, secret)| text.contains(secret.as_str())).collect();
    assert!(left.is_empty(), "{} are left: {left:?}", left.len());
    // Without that which takes them out, they would be there.
    let plain = tempfile::tempdir().unwrap();
    let journal = Journal::open(plain.path(), &session, None, &policy).unwrap();
    for (text, _) in &all {
        journal.record_blocking(events(text).remove(0), Durability::Written).unwrap();
    }
    drop(journal);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let mut files = Vec::new();
    everything(plain.path(), &mut files);
    let text = String::from_utf8_lossy(&files);
    assert!(all.iter().filter(|(_, secret)| text.contains(secret.as_str())).count() > 900);
}

#[test]
fn the_beginning_of_a_key_at_a_cut_goes_too() {
    let key = "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";
    for most in 12..key.len() {
        let cut = format!("echo {}", &key[..most]);
        let clean = Redactor::new(&[]).redact_text(&cut);
        assert_eq!(clean.as_deref(), Some("echo [palisade:github-token:1]"), "{cut}");
    }
    let redactor = Redactor::new(&[]);
    assert_eq!(redactor.redact_text(&key[..7]), None);
    for harmless in ["npm_lifecycle", "sk-learn", "a task-management tool", "", "dapibus", "é"] {
        assert_eq!(redactor.redact_text(harmless), None, "{harmless}");
    }
}

proptest! {
    #[test]
    fn any_text_is_scrubbed_without_a_panic(text in "(\\PC|ghp_|sk-|eyJ|AKIA|[a-zA-Z0-9]){0,60}") {
        let redactor = Redactor::new(&[KnownSecret::credential(&"üücreté-ß".to_owned().into())]);
        let once = redactor.redact_text(&text).unwrap_or(text);
        let marked = once.contains("[palisade:");
        prop_assert!(marked || redactor.redact_text(&once).is_none());
    }
}
