//! What models were used, out of a journal.

use insta::assert_snapshot;
use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_journal::{Durability, Journal};

use crate::ran::{Ran, palisade, run};

fn answer(model: &str, tokens: [u64; 4], usd: Option<f64>) -> Event {
    let mut event = Event::observed("model_answer", Layer::Inference, format!("x {model}"))
        .with("model", model)
        .with("input_tokens", tokens[0])
        .with("output_tokens", tokens[1])
        .with("cache_read_tokens", tokens[2])
        .with("cache_write_tokens", tokens[3])
        .with("estimated", usd.is_none());
    if let Some(usd) = usd {
        event = event.with("usd", usd);
    }
    event
}

fn used(home: &std::path::Path, arguments: &[&str]) -> Ran {
    run(palisade(home).arg("usage").args(arguments))
}

#[test]
fn calls_are_added_up() {
    let home = tempfile::tempdir().unwrap();
    let nothing = used(home.path(), &[]);
    assert_eq!((nothing.exit, nothing.stdout.as_str()), (0, "No model was called.\n"));
    let state = home.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let session = SessionId::from_random([7; 16]);
    let policy = PolicyDigest::of(b"a policy");
    let journal = Journal::open(&state, &session, None, &policy).unwrap();
    let mut refused = Event::observed("model_call", Layer::Inference, "anthropic/messages big");
    refused.decision = Verdict::Deny;
    refused.rule = Some("inference.limits.usd_per_day".into());
    for event in [
        answer("big", [1000, 20, 5, 7], Some(0.0105)),
        answer("big", [10, 1, 0, 0], Some(0.000_1)),
        answer("own", [3, 4, 0, 0], None),
        // A list of models.
        Event::observed("model_answer", Layer::Inference, "GET /v1/models").with("status", 200),
        refused,
    ] {
        journal.record_blocking(event, Durability::Written).unwrap();
    }
    let end = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(end, Durability::Durable).unwrap();
    let by_model = used(home.path(), &["--by", "model"]);
    assert_eq!(by_model.exit, 0);
    assert_snapshot!(by_model.stdout, @"
    model  calls  refused  input  output  cache read  cache write         US dollars
    big        2        1   1010      21           5            7             0.0106
    own        1        0      3       4           0            0  0.0000 + unpriced
    ");
    let sandbox = used(home.path(), &["--by", "sandbox", "--json"]);
    let sum: serde_json::Value = serde_json::from_str(sandbox.stdout.trim_end()).unwrap();
    assert_eq!(sum["sandbox"], session.as_str());
    assert_eq!((&sum["calls"], &sum["input_tokens"]), (&3.into(), &1013.into()));
    assert_eq!((&sum["unpriced"], &sum["estimated"]), (&1.into(), &1.into()));
    assert_eq!(used(home.path(), &[]).stdout.lines().count(), 2);
    assert_eq!(used(home.path(), &["--since", "2999-01-01"]).stdout, "No model was called.\n");
}
