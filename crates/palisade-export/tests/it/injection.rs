//! Whatever an agent names something, no form shows a second event, another field, or a false word.

use palisade_core::{Event, Layer, Verdict};
use palisade_export::{Form, Host, Metrics, ocsf, syslog_line};
use palisade_journal::Record;
use proptest::prelude::*;
use serde_json::Value;

use crate::world::{World, denied};

const HOSTILE: &[&str] = &[
    "a\n<110>1 2026-01-01T00:00:00Z h palisade - connect - allowed",
    "a\r\n{\"class_uid\":4001,\"action_id\":1}",
    "\",\"action_id\":1,\"x\":\"",
    "x\"] allowed [palisade@32473 decision=\"allow",
    "x\\\"] y",
    "x]\u{1b}[2J\u{202e}\u{2028}\u{85}",
    "a\0b",
    "palisade_events_total{decision=\"allow\"} 1\n",
    "\u{feff}\u{e0041}",
    "PALISADE_DECISION=allow\nPALISADE_DECISION\n\u{5}\0\0\0\0\0\0\0allow\n",
];

fn recorded(texts: &[String]) -> Vec<Record> {
    let world = World::new();
    for text in texts {
        let mut event = denied("connect", Layer::Egress, text);
        event.rule = Some(text.clone());
        event.reason = text.clone();
        world.record(event.with(text, text.as_str()).with("host", text.as_str()));
        let mut event = Event::observed(text, Layer::Egress, text.as_str());
        event.decision = Verdict::Deny;
        world.record(event);
    }
    world.end();
    world.records()
}

/// The values of a structured-data element's parameters (RFC 5424, section 6.3), read as the RFC says.
fn parameters(line: &str) -> Vec<(String, String)> {
    let element = line.split_once(" [palisade@32473 ").unwrap().1;
    let mut all = Vec::new();
    let mut rest = element.chars();
    loop {
        let name: String = rest.by_ref().take_while(|c| *c != '=').collect();
        assert_eq!(rest.next(), Some('"'), "{line}");
        let mut value = String::new();
        loop {
            match rest.next().unwrap() {
                '"' => break,
                '\\' => value.push(rest.next().unwrap()),
                ']' => panic!("an unescaped ] in {line}"),
                other => value.push(other),
            }
        }
        all.push((name, value));
        match rest.next() {
            Some(' ') => {}
            Some(']') => return all,
            other => panic!("{other:?} in {line}"),
        }
    }
}

fn holds(texts: &[String]) {
    let host = Host::named("host");
    let records = recorded(texts);
    let mut metrics = Metrics::default();
    for record in &records {
        metrics.add(record);
        for form in [Form::Jsonl, Form::Ocsf, Form::OtlpJson, Form::Syslog] {
            let line = form.line(record, false);
            let body = line.strip_suffix('\n').unwrap();
            assert!(
                !body.contains(['\n', '\r', '\u{1b}', '\0', '\u{85}', '\u{2028}', '\u{202e}']),
                "{form:?} {body:?}"
            );
            if form != Form::Syslog {
                serde_json::from_str::<Value>(body).unwrap();
            }
        }
        let event = ocsf::event(record, &host, false);
        let denied = record.decision == Verdict::Deny;
        assert_eq!(event["action_id"] == 2, denied);
        assert_eq!(event["unmapped"]["detail"], Value::Object(record.detail.clone()));
        let line = syslog_line(record, &host, 13, false);
        let parameters = parameters(&line);
        let of = |name: &str| {
            let all: Vec<_> = parameters.iter().filter(|(known, _)| known == name).collect();
            assert_eq!(all.len(), 1, "{name} in {line}");
            all[0].1.clone()
        };
        assert_eq!(of("decision"), record.decision.as_str());
        assert_eq!(of("seq"), record.seq.to_string());
        // The head has seven parts before the structured data, whatever the kind is called.
        assert_eq!(line.split(" [palisade@32473 ").next().unwrap().split(' ').count(), 6, "{line}");
        assert!(line.len() < 8192, "{}", line.len());
    }
    let text = metrics.text(&vec![]);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, _) = line.split_once(['{', ' ']).unwrap();
        assert!(name.starts_with("palisade_"), "{line:?}");
        assert!(line.rsplit_once(' ').unwrap().1.parse::<u64>().is_ok(), "{line:?}");
    }
    assert!(!text.contains("decision=\"allow\"} 1"), "{text}");
}

#[test]
fn known_tricks_show_nothing_false() {
    holds(&HOSTILE.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
}

#[test]
fn the_longest_texts_stay_within_a_message() {
    holds(&["x".repeat(100_000), "\u{202e}".repeat(10_000), "\"\\]".repeat(10_000)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_shows_nothing_false(texts in prop::collection::vec("[ -~\\PC\n\r\t\u{1b}\\]\"\\\\=]{0,60}", 1..4)) {
        holds(&texts);
    }
}
