//! Files of rules from outside.

use palisade_alarms::{AlarmError, parse};
use proptest::prelude::*;

fn why(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

fn of_rule(rule: &str) -> String {
    why(&format!("palisade-alarms: 1\nrules:\n  - {rule}\n"))
}

#[test]
fn what_is_wrong_is_said_with_the_rule() {
    for (rule, expected) in [
        ("{id: Bad, title: T, match: {kind: x}}", "number 1"),
        ("{id: a, title: '', match: {kind: x}}", "needs a title"),
        ("{id: a, title: T}", "no `match`"),
        ("{id: a, title: T, match: {}}", "would match everything"),
        ("{id: a, title: T, match: [{}]}", "would match everything"),
        ("{id: a, title: T, match: {kin: x}}", "no field `kin`"),
        ("{id: a, title: T, match: {detail.: x}}", "no field"),
        ("{id: a, title: T, match: {decision: denied}}", "a decision is"),
        ("{id: a, title: T, match: {kind: []}}", "a list has"),
        ("{id: a, title: T, match: {kind: {}}}", "a test has"),
        ("{id: a, title: T, match: {subject: {regex: '('}}}", "regular expression"),
        ("{id: a, title: T, match: {subject: {regex: '(\\w{900}){900}'}}}", "regular expression"),
        (
            "{id: a, title: T, match: {kind: x}, threshold: {count: 1, within: 1m}}",
            "`count` is from 2",
        ),
        ("{id: a, title: T, match: {kind: x}, threshold: {count: 1001, within: 1m}}", "to 1000"),
        ("{id: a, title: T, match: {kind: x}, threshold: {count: 2, within: 31d}}", "30d"),
        (
            "{id: a, title: T, match: {kind: x}, threshold: {count: 2, within: 1m, by: host}}",
            "no field",
        ),
        ("{id: a, title: T, sequence: {steps: [{kind: x}]}}", "2 to 8 steps"),
        (
            "{id: a, title: T, match: {kind: x}, sequence: {steps: [{kind: x}, {kind: y}]}}",
            "remove `match`",
        ),
        (
            "{id: a, title: T, match: {kind: x}, threshold: {count: 2, within: 1m}, distinct: {field: subject, count: 2, within: 1m}}",
            "write two rules",
        ),
        ("{id: a, title: T, match: {kind: x}, actions: []}", "`actions` is empty"),
        ("{id: a, title: T, match: {kind: x}, actions: [shout]}", "shout"),
        ("{id: a, title: T, match: {kind: x}, sound: loud}", "sound"),
        (
            "{id: a, title: T, match: {kind: x}}\n  - {id: a, title: T, match: {kind: x}}",
            "another one",
        ),
    ] {
        let why = of_rule(rule);
        assert!(why.contains(expected), "{rule}\n{why}");
    }
    assert_eq!(parse(b"palisade-alarms: 2\nrules: []\n"), Err(AlarmError::Version(2)));
    assert!(why("rules: []").contains("palisade-alarms"));
    assert!(why(&" ".repeat(300_000)).contains("longer"));
    assert!(parse(b"palisade-alarms: 1\nrules: [{id: \xff}]").is_err());
    let bomb = "palisade-alarms: 1\nrules: &a [*a, *a]\n";
    assert!(parse(bomb.as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        parse(&bytes).ok();
    }

    #[test]
    fn no_rule_makes_it_panic(
        field in "(kind|subject|detail\\.[a-z.]{0,6}|[a-z]{1,6})",
        value in "(\\[[a-z*, ]{0,9}\\]|\\{(regex|over|under|present): [a-z0-9().*+]{0,9}\\}|[a-z*0-9]{0,9})",
        count in any::<u64>(),
        within in "[0-9]{0,4}[smhdx]",
    ) {
        let text = format!(
            "palisade-alarms: 1\nrules: [{{id: a, title: T, match: {{{field}: {value}}}, threshold: {{count: {count}, within: {within}}}}}]\n"
        );
        if let Ok(rules) = parse(text.as_bytes()) {
            let mut watch = palisade_alarms::Watch::new(&rules).unwrap();
            let event = palisade_core::Event::observed("x", palisade_core::Layer::Files, "y");
            watch.see(&palisade_alarms::Seen::of(&event, std::time::Duration::MAX));
        }
    }
}

/// The rules in the documents are such.
#[test]
fn each_file_of_rules_in_the_documents_is_valid() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alarms.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let blocks = text.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap());
    let files: Vec<_> = blocks.filter(|block| block.starts_with("palisade-alarms:")).collect();
    assert!(!files.is_empty());
    for file in files {
        parse(file.as_bytes()).unwrap();
    }
}
