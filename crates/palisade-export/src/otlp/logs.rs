use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
};
use palisade_journal::{Record, Timestamp};

use super::attributes;
use crate::{
    Host,
    facts::{self, Weight},
    ids, syslog,
};

/// The records of one session as log records. `again`: some of them may be there already.
pub fn logs(records: &[Record], host: &Host, again: bool) -> ExportLogsServiceRequest {
    let now = u64::try_from(Timestamp::now().unix_micros()).unwrap_or(0).saturating_mul(1000);
    let log_records = records.iter().map(|record| one(record, now, again)).collect();
    let scope_logs =
        vec![ScopeLogs { scope: attributes::scope(), log_records, ..ScopeLogs::default() }];
    let resource = attributes::resource(records, host);
    let whole = ResourceLogs { resource, scope_logs, ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![whole] }
}

fn one(record: &Record, now: u64, again: bool) -> LogRecord {
    let severity = match facts::weight(record) {
        Weight::Info => SeverityNumber::Info,
        Weight::Notice => SeverityNumber::Info2,
        Weight::Warning => SeverityNumber::Warn,
        Weight::Alert => SeverityNumber::Error,
    };
    let mut attributes = attributes::of(record);
    attributes.push(attributes::detail(record));
    if again {
        attributes.push(attributes::flag("palisade.resent", true));
    }
    LogRecord {
        time_unix_nano: facts::nanos(record),
        observed_time_unix_nano: now,
        severity_number: severity.into(),
        severity_text: severity.as_str_name().trim_start_matches("SEVERITY_NUMBER_").to_owned(),
        body: Some(AnyValue {
            value: Some(any_value::Value::StringValue(syslog::message(record))),
        }),
        attributes,
        flags: 1,
        trace_id: ids::trace_id(&record.session).to_vec(),
        span_id: ids::span_id(&record.session, record.seq).to_vec(),
        event_name: format!("palisade.{}", record.kind),
        ..LogRecord::default()
    }
}
