use palisade_audit::report::{Framework, Options, Report, Topic};
use palisade_journal::Timestamp;
use tempfile::TempDir;

use crate::fixture::*;

pub(crate) fn options(framework: Framework) -> Options {
    Options { framework, since: None, until: None }
}

#[test]
fn each_control_has_its_evidence_its_exceptions_and_what_is_not_evidenced() {
    let state = TempDir::new().unwrap();
    session(state.path(), SESSION);
    let report = Report::new(state.path(), &options(Framework::Soc2)).unwrap();
    assert!(report.verifies && report.statement.starts_with("The journal verifies: 13 records"));
    let boundary = report.controls.iter().find(|it| it.id == "CC6.6").unwrap();
    assert_eq!(boundary.evidenced, [Topic::Network, Topic::Models]);
    let anomalies = report.controls.iter().find(|it| it.id == "CC7.2").unwrap();
    assert!(anomalies.without_records.contains(&Topic::Alarms));
    let changes = report.controls.iter().find(|it| it.id == "CC8.1").unwrap();
    assert_eq!(changes.exceptions.len(), 1, "the missing layer");

    let of = |topic| report.topics.iter().find(|it| it.topic == topic).unwrap();
    let network = of(Topic::Network).tally.as_ref().unwrap();
    // What was counted counts.
    assert_eq!((network.records, network.acts, network.decisions["deny"]), (4, 1003, 1002));
    assert_eq!(network.rules["network.rules[github]"], 1);
    let journal = std::fs::read_to_string(file(state.path(), SESSION)).unwrap();
    for sample in &network.samples {
        let line = journal.lines().nth(usize::try_from(sample.seq).unwrap() - 1).unwrap();
        assert!(line.ends_with(&format!("\"hash\":\"{}\"}}", sample.hash)), "{line}");
    }
    assert!(of(Topic::Alarms).tally.is_none());
    assert_eq!(report.policies.len(), 2);
    let who: Vec<_> = report.people.iter().map(|act| act.principal.as_deref()).collect();
    assert_eq!(who, [Some("uid 1000"), Some("uid 1000")]);
    assert_eq!(report.changes.len(), 2, "the missing layer, and the exchange");
    assert_eq!(report.credentials["github"].uses, 1);
}

#[test]
fn a_period_holds_only_its_records() {
    let state = TempDir::new().unwrap();
    session(state.path(), SESSION);
    let later = Timestamp::parse("2100-01-01", Timestamp::now()).unwrap();
    let options = Options { framework: Framework::Iso27001, since: Some(later), until: None };
    let report = Report::new(state.path(), &options).unwrap();
    assert!(report.verifies && report.records == 0 && report.sessions.is_empty());
    assert!(report.controls.iter().all(|it| it.evidenced.is_empty() && it.exceptions.is_empty()));
}

#[test]
fn a_journal_that_does_not_verify_is_said_first_in_each_form() {
    let state = TempDir::new().unwrap();
    session(state.path(), SESSION);
    edit(state.path(), SESSION);
    for framework in Framework::ALL {
        let report = Report::new(state.path(), &options(framework)).unwrap();
        assert!(!report.verifies);
        let html = report.to_html();
        let body = html.split_once("<body>").unwrap().1;
        let first = body.split_once("</p>").unwrap().0;
        assert!(first.contains("THE JOURNAL DOES NOT VERIFY"), "{first}");
        let json = report.to_json();
        assert!(json.lines().nth(1).unwrap().contains("THE JOURNAL DOES NOT VERIFY"));
        let oscal: serde_json::Value = serde_json::from_str(&report.to_oscal()).unwrap();
        let title = &oscal["assessment-results"]["metadata"]["title"];
        assert!(title.as_str().unwrap().starts_with("THE JOURNAL DOES NOT VERIFY"));
    }
}

#[test]
fn the_page_needs_nothing_else_and_what_agents_wrote_is_text() {
    let state = TempDir::new().unwrap();
    session(state.path(), SESSION);
    for framework in Framework::ALL {
        let html = Report::new(state.path(), &options(framework)).unwrap().to_html();
        for outside in ["http://", "https://", "<script", "<img", "<link", "@import", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(html.contains("claude -p &lt;b&gt;fix&lt;/b&gt;") && !html.contains("<b>"));
        assert!(!html.contains('\u{202e}') && !html.contains('\u{1b}'));
        for control in framework.controls() {
            assert!(html.contains(&format!("id=\"{}\"", control.id)), "{}", control.id);
        }
        assert!(html.contains("Not evidenced"));
    }
}

#[test]
fn a_folder_without_a_journal_gives_a_report_without_evidence() {
    let state = TempDir::new().unwrap();
    let report = Report::new(state.path(), &options(Framework::EuAiAct)).unwrap();
    assert!(report.records == 0 && report.controls.iter().all(|it| it.evidenced.is_empty()));
}
