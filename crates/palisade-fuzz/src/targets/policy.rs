//! A policy's text: it is one or an error at a place, and what it means can be explained and decided by.

use std::path::Path;

use palisade_engine::Engine;
use palisade_policy::{check_text, explain, tried};

use crate::input::{text, two};

pub(crate) fn target(data: &[u8]) {
    let (document, act) = two(data);
    let (document, act) = (text(document), text(act));
    let folder = Path::new("/nowhere");
    let action = act.split_once(' ').and_then(|(kind, what)| tried(kind, what).ok());
    match check_text("policy", &document, folder, folder, folder) {
        Err(wrong) => assert!(!wrong.to_string().is_empty()),
        Ok(policy) => {
            drop((explain(&policy), policy.not_built.len()));
            let engine = Engine::new(&policy);
            if let Some(action) = &action {
                drop(engine.decide(action));
            }
            // The same text with another comment means the same.
            let more = format!("{document}\n# a comment\n");
            if let Ok(again) = check_text("policy", &more, folder, folder, folder) {
                assert_eq!(again.digest, policy.digest);
            }
        }
    }
}
