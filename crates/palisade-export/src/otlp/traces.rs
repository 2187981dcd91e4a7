use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::SpanKind, status::StatusCode},
};
use palisade_core::{Verdict, shown};
use palisade_journal::Record;

use super::{Totals, attributes};
use crate::{Host, facts, ids};

/// The records of one session as spans of its trace. The session's own span comes with its end, and
/// begins when `totals` says that the session did.
pub fn traces(records: &[Record], totals: &Totals, host: &Host) -> ExportTraceServiceRequest {
    let mut spans = Vec::new();
    let mut began = totals.began();
    for record in records {
        if began.is_none() {
            began = Some(facts::nanos(record));
        }
        // A call that was let go is the span of its answer.
        let answered = facts::kind(record) == "model_call" && record.decision == Verdict::Allow;
        if !answered {
            spans.push(one(record));
        }
        if matches!(record.kind.as_str(), "end" | "refusal") {
            spans.push(session(record, began.unwrap_or_default()));
        }
    }
    let scope_spans =
        vec![ScopeSpans { scope: attributes::scope(), spans, ..ScopeSpans::default() }];
    let resource = attributes::resource(records, host);
    let whole = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![whole] }
}

fn one(record: &Record) -> Span {
    let kind = match facts::kind(record) {
        "connect" | "request" | "resolve" | "model_answer" | "model_failure" => SpanKind::Client,
        _ => SpanKind::Internal,
    };
    Span {
        trace_id: ids::trace_id(&record.session).to_vec(),
        span_id: ids::span_id(&record.session, record.seq).to_vec(),
        parent_span_id: ids::span_id(&record.session, 0).to_vec(),
        flags: 1,
        name: name(record),
        kind: kind.into(),
        start_time_unix_nano: facts::began(record),
        end_time_unix_nano: facts::nanos(record),
        attributes: attributes::of(record),
        status: Some(status(record)),
        ..Span::default()
    }
}

/// Of few kinds, as names of spans are to be: what it was about stands in attributes.
fn name(record: &Record) -> String {
    let named = |of: Option<&str>, what: &str| match of {
        Some(of) => format!("{what} {}", shown(of, 80)),
        None => what.to_owned(),
    };
    match facts::kind(record) {
        "model_call" | "model_answer" | "model_failure" => named(facts::model(record).1, "chat"),
        "tool_call" => {
            let tool = facts::text(record, "tool").or(record.subject.split(' ').next());
            named(tool, "execute_tool")
        }
        "request" => shown(record.subject.split(' ').next().unwrap_or("HTTP"), 20),
        kind => kind.to_owned(),
    }
}

fn status(record: &Record) -> Status {
    let failed = facts::kind(record) == "model_failure";
    match record.decision {
        Verdict::Deny => {
            Status { code: StatusCode::Error.into(), message: format!("denied: {}", record.reason) }
        }
        Verdict::Allow | Verdict::Ask | Verdict::Observe if failed => {
            let message = facts::text(record, "why").unwrap_or_default().to_owned();
            Status { code: StatusCode::Error.into(), message }
        }
        Verdict::Allow | Verdict::Ask | Verdict::Observe => Status::default(),
    }
}

fn session(end: &Record, began: u64) -> Span {
    let refused = end.kind == "refusal";
    let exit = facts::number(end, "status");
    let code = if refused { StatusCode::Error } else { StatusCode::Unset };
    let mut attributes = attributes::of(end);
    attributes.extend(exit.map(|code| attributes::number("process.exit.code", code)));
    Span {
        trace_id: ids::trace_id(&end.session).to_vec(),
        span_id: ids::span_id(&end.session, 0).to_vec(),
        flags: 1,
        name: "session".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: began,
        end_time_unix_nano: facts::nanos(end),
        attributes,
        status: Some(Status { code: code.into(), message: end.reason.clone() }),
        ..Span::default()
    }
}
