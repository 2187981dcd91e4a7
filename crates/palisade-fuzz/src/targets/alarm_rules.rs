//! A file of alarm rules: what is read can watch, and a hostile event raises at most one alarm a rule.

use std::time::Duration;

use palisade_alarms::{Seen, Watch, parse};
use palisade_core::Verdict;
use serde_json::{Map, Value};

use crate::input::{text, two};

pub(crate) fn target(data: &[u8]) {
    let (rules, event) = two(data);
    let Ok(rules) = parse(rules) else { return };
    let Ok(mut watch) = Watch::new(&rules) else { return };
    let detail = match serde_json::from_slice(event) {
        Ok(Value::Object(detail)) => detail,
        _ => Map::new(),
    };
    let subject = text(event);
    for at in 0..4 {
        let seen = Seen {
            at: Duration::from_secs(at * 40),
            acts: 1,
            kind: "connect",
            layer: "egress",
            decision: Verdict::Deny,
            rule: None,
            subject: &subject,
            reason: "",
            detail: &detail,
        };
        assert!(watch.see(&seen).len() <= rules.len());
    }
}
