//! A record of the journal: read and written again it is the same, and every form that leaves is one line that can be read.

use palisade_alarms::{Seen, Watch, builtin};
use palisade_export::{Form, Host, ocsf, syslog_line};
use palisade_journal::{Condition, Record};
use serde_json::Value;

use crate::input::{text, two};

pub(crate) fn target(data: &[u8]) {
    let (condition, line) = two(data);
    let Ok(record) = serde_json::from_slice::<Record>(line) else { return };
    let written = record.to_json();
    assert!(written.is_ascii() && !written.contains('\n'));
    let read = serde_json::from_str::<Record>(&written);
    assert!(read.is_ok_and(|read| read == record), "{written}");
    for form in [Form::Jsonl, Form::Ocsf, Form::OtlpJson, Form::Syslog] {
        let line = form.line(&record, true);
        assert_eq!(line.matches('\n').count(), 1, "{form:?}: {line:?}");
        assert!(!line.trim_end_matches('\n').contains(|c: char| c.is_control()), "{line:?}");
        if form != Form::Syslog {
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{form:?}: {line}");
        }
    }
    let host = Host::named("host");
    drop((ocsf::event(&record, &host, false), syslog_line(&record, &host, 13, false)));
    if let Ok(condition) = text(condition).parse::<Condition>() {
        let _takes = condition.takes(&record);
        let again = condition.to_string().parse::<Condition>();
        assert!(again.is_ok_and(|again| again.to_string() == condition.to_string()));
    }
    if let Ok(mut watch) = Watch::new(builtin()) {
        watch.see(&Seen {
            at: std::time::Duration::ZERO,
            acts: 1,
            kind: &record.kind,
            layer: &record.layer,
            decision: record.decision,
            rule: record.rule.as_deref(),
            subject: &record.subject,
            reason: &record.reason,
            detail: &record.detail,
        });
    }
}
