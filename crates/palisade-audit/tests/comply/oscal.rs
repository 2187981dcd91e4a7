//! The form of assessment results, checked against what the OSCAL 1.1 model requires.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use palisade_audit::report::{Framework, Report};
use serde_json::Value;
use tempfile::TempDir;

use crate::{fixture::*, report::options};

/// The members that the model requires and those that it permits besides, for each object that is written.
const MODEL: &[(&str, &[&str], &[&str])] = &[
    (
        "assessment-results",
        &["uuid", "metadata", "import-ap", "results"],
        &["local-definitions", "back-matter"],
    ),
    (
        "metadata",
        &["title", "last-modified", "version", "oscal-version"],
        &["published", "props", "roles", "parties", "remarks"],
    ),
    ("import-ap", &["href"], &["remarks"]),
    (
        "results",
        &["uuid", "title", "description", "start", "reviewed-controls"],
        &["end", "props", "observations", "findings", "risks", "remarks"],
    ),
    ("reviewed-controls", &["control-selections"], &["description", "props", "remarks"]),
    ("control-selections", &[], &["description", "include-controls", "include-all"]),
    ("include-controls", &["control-id"], &["statement-ids"]),
    (
        "observations",
        &["uuid", "description", "methods", "collected"],
        &["title", "props", "types", "subjects", "relevant-evidence", "remarks"],
    ),
    ("relevant-evidence", &["description"], &["href", "props", "remarks"]),
    (
        "findings",
        &["uuid", "title", "description", "target"],
        &["props", "related-observations", "remarks"],
    ),
    ("target", &["type", "target-id", "status"], &["title", "description", "props", "remarks"]),
    ("status", &["state"], &["reason", "remarks"]),
    ("related-observations", &["observation-uuid"], &[]),
    ("props", &["name", "value"], &["uuid", "ns", "class", "remarks"]),
    ("back-matter", &["resources"], &[]),
    ("resources", &["uuid"], &["title", "description", "props", "rlinks", "remarks"]),
];

fn check(name: &str, value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => {
            assert!(!items.is_empty(), "the model has no empty list: {name}");
            items.iter().for_each(|item| check(name, item, ids));
        }
        Value::Object(members) => {
            let (_, required, permitted) = MODEL
                .iter()
                .find(|it| it.0 == name)
                .unwrap_or_else(|| panic!("`{name}` is unknown"));
            for member in *required {
                assert!(members.contains_key(*member), "{name} has no {member}: {value}");
            }
            for (member, inner) in members {
                let known =
                    required.contains(&member.as_str()) || permitted.contains(&member.as_str());
                assert!(known, "{name} has {member}");
                check(member, inner, ids);
            }
        }
        Value::String(text) => {
            assert!(!text.is_empty() && text.trim() == text, "{name}: `{text}`");
            match name {
                "uuid" => {
                    assert!(is_uuid(text), "{text}");
                    assert!(ids.insert(text.clone()), "{text} stands twice");
                }
                "control-id" | "target-id" | "name" | "class" => assert!(is_token(text), "{text}"),
                "start" | "end" | "collected" | "last-modified" => {
                    assert!(text.ends_with('Z') && text.contains('T'), "{text}");
                }
                "state" => assert!(["satisfied", "not-satisfied"].contains(&text.as_str())),
                "reason" => assert!(["pass", "fail", "other"].contains(&text.as_str())),
                "type" => assert!(["statement-id", "objective-id"].contains(&text.as_str())),
                "methods" => {
                    assert!(["EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"].contains(&text.as_str()))
                }
                _ => {}
            }
        }
        other => panic!("{name}: {other}"),
    }
}

/// `^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$`
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
        && parts[2].starts_with(['4', '5'])
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}

/// `^(\p{L}|_)(\p{L}|\p{N}|[.\-_])*$`, as far as it is ASCII.
fn is_token(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(first)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

#[test]
fn assessment_results_have_what_the_model_requires_and_nothing_that_it_does_not_know() {
    for damaged in [false, true] {
        let state = TempDir::new().unwrap();
        session(state.path(), "s-1");
        session(state.path(), SESSION);
        if damaged {
            edit(state.path(), "s-1");
        }
        for framework in Framework::ALL {
            let report = Report::new(state.path(), &options(framework)).unwrap();
            let whole: Value = serde_json::from_str(&report.to_oscal()).unwrap();
            assert_eq!(whole.as_object().unwrap().len(), 1);
            let mut ids = BTreeSet::new();
            let results = &whole["assessment-results"];
            check("assessment-results", results, &mut ids);
            let text = results.to_string();
            // What is referred to is there.
            for reference in text.split("\"observation-uuid\":\"").skip(1) {
                assert!(ids.contains(reference.split('"').next().unwrap()));
            }
            for reference in text.split("\"href\":\"#").skip(1) {
                assert!(ids.contains(reference.split('"').next().unwrap()));
            }
            // We never say that a control is met.
            assert!(!text.contains("\"state\":\"satisfied\""));
            let findings = results["results"][0]["findings"].as_array().unwrap().len();
            assert!(!damaged || findings == framework.controls().len());
        }
    }
}

#[test]
fn a_journal_without_records_gives_results_without_observations() {
    let state = TempDir::new().unwrap();
    let report = Report::new(state.path(), &options(Framework::Nist80053)).unwrap();
    let whole: Value = serde_json::from_str(&report.to_oscal()).unwrap();
    check("assessment-results", &whole["assessment-results"], &mut BTreeSet::new());
    assert!(whole["assessment-results"]["results"][0].get("observations").is_none());
}

/// What NIST's own model says, as generated from its schema by others.
#[test]
fn nists_model_takes_what_is_written_and_refuses_what_it_does_not_know() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let packages =
        std::env::var_os("PALISADE_OSCAL").map_or(root.join("target/oscal"), PathBuf::from);
    if !packages.join("trestle").is_dir() {
        let what = "run tests/oscal/install.sh for NIST's model";
        assert!(std::env::var_os("CI").is_none(), "{what}");
        println!("skipped: {what}");
        return;
    }
    let (state, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let takes = |name: &str, text: &str| {
        let path = to.path().join(name);
        fs::write(&path, text).unwrap();
        let mut command = Command::new("python3");
        command.arg("-B").arg(root.join("tests/oscal/check.py")).arg(path);
        let ran = command.env("PYTHONPATH", &packages).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
        (ran.status.code() == Some(0), said)
    };
    let written = |framework| Report::new(state.path(), &options(framework)).unwrap().to_oscal();
    assert_eq!(takes("empty", &written(Framework::Soc2)), (true, String::new()));
    session(state.path(), "s-1");
    // The model's tokens begin with a letter, and sessions need not.
    session(state.path(), SESSION);
    for framework in Framework::ALL {
        let text = written(framework);
        assert_eq!(takes("whole", &text), (true, String::new()), "{framework:?}");
        let other = text.replacen("\"not-satisfied\"", "\"perhaps\"", 1);
        assert!(other == text || !takes("other", &other).0, "{framework:?}");
        let (taken, said) = takes("cut", &text.replacen("\"import-ap\"", "\"imports\"", 1));
        assert!(!taken && said.contains("import-ap"), "{framework:?}: {said}");
    }
    edit(state.path(), "s-1");
    assert_eq!(takes("damaged", &written(Framework::Soc2)), (true, String::new()));
}
