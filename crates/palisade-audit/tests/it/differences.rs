use palisade_audit::difference::between;
use palisade_core::{Layer, Verdict};

use crate::fixture::{State, allowed, event};

#[test]
fn what_only_one_did_and_what_was_decided_otherwise_is_told() {
    let state = State::new();
    let launch = || allowed("launch", Layer::Process, "agent");
    let first = vec![
        launch(),
        allowed("connect", Layer::Egress, "a.example:443"),
        allowed("connect", Layer::Egress, "a.example:443"),
        event("connect", Layer::Egress, Verdict::Deny, "b.example:443"),
        allowed("exec", Layer::Process, "/bin/ls"),
    ];
    let second = vec![
        launch(),
        allowed("exec", Layer::Process, "/bin/ls"),
        allowed("connect", Layer::Egress, "b.example:443"),
        allowed("exec", Layer::Process, "/bin/rm x"),
    ];
    let (one, two) = (state.session(1, None, first), state.session(2, None, second));
    let difference = between(state.path(), &one, &two).unwrap();
    let told = |all: &[palisade_audit::difference::Did]| -> Vec<(String, u64)> {
        all.iter().map(|did| (format!("{} {}", did.kind, did.subject), did.count)).collect()
    };
    assert_eq!(told(&difference.only_first), [("connect a.example:443".to_owned(), 2)]);
    assert_eq!(told(&difference.only_second), [("exec /bin/rm x".to_owned(), 1)]);
    let other = &difference.decided_otherwise[..];
    assert_eq!(other.len(), 1);
    assert_eq!((&other[0].first[..], &other[0].second[..]), (&["deny"][..], &["allow"][..]));
    // The launch, the same program and the end.
    assert_eq!(difference.same, 3);
    let itself = between(state.path(), &one, &one).unwrap();
    assert!(itself.only_first.is_empty() && itself.decided_otherwise.is_empty());
}
