//! A WebSocket to a model: messages are the same however they are cut, and what is made of one is a request of JSON.

use palisade_inference::fuzz::{created, messages};
use serde_json::Value;

use crate::input::{pieces, text, two};

pub(crate) fn target(data: &[u8]) {
    let (lengths, bytes) = two(data);
    let whole = messages(&[bytes]);
    assert_eq!(messages(&pieces(bytes, lengths)), whole);
    for message in whole.0.iter().chain([&text(bytes)]) {
        if let Some(body) = created(message) {
            let body: Value = serde_json::from_slice(&body).expect("a request is JSON");
            assert_eq!(body["stream"], true);
        }
    }
}
