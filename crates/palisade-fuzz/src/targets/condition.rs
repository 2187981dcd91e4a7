//! `when:` of a rule: it is refused or can be asked, and each answer comes.

use std::{sync::Arc, time::SystemTime};

use palisade_condition::{Condition, History, Moment, Stage};
use palisade_policy::tried;

use crate::input::{number, text};

const STAGES: [(Stage, &str, &str); 3] = [
    (Stage::Requests, "request", "POST https://api.example.com/v1/items?a=1"),
    (Stage::Connections, "connect", "api.example.com:443"),
    (Stage::Calls, "bash", "git push --force origin main"),
];

pub(crate) fn target(data: &[u8]) {
    let (stage, rest) = number(data, STAGES.len());
    let (stage, kind, what) = STAGES[stage];
    let text = text(rest);
    let Ok(condition) = Condition::new(&text, stage) else { return };
    let Ok(action) = tried(kind, what) else { panic!("{kind} cannot be tried") };
    let history = Arc::new(History::default());
    let moment = Moment { now: SystemTime::UNIX_EPOCH, mode: "default", history: &history, taint: &[] };
    let answer = condition.holds(&action, &moment);
    assert_eq!(condition.holds(&action, &moment), answer);
    assert!(Condition::new(condition.as_str(), stage).is_ok());
}
