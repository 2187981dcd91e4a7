//! A request that a client signed for AWS: signed anew it names the real key, one signature, and nothing that ends a field.

use palisade_egress::fuzz::signed_anew;

use crate::input::{text, two};

pub(crate) fn target(data: &[u8]) {
    let (target, rest) = two(data);
    let (fields, body) = two(rest);
    let fields = text(fields);
    let fields: Vec<(&str, &[u8])> = fields
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name, value.as_bytes()))
        .collect();
    let Some(made) = signed_anew(&text(target), &fields, body) else { return };
    let made = text(&made);
    assert!(made.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{made}");
    assert!(!made.contains(|c: char| c.is_control()), "{made:?}");
    let names = made.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next());
    let has = |name| names.is_some_and(|names| names.split(';').any(|one| one == name));
    assert!(has("host") && has("x-amz-date"), "{made}");
}
