//! OTLP and webhooks against a server that misbehaves.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::StatusCode;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse},
        metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::any_value::Value as Any,
    metrics::v1::metric::Data,
};
use palisade_core::{Event, Layer};
use palisade_export::{Destination, flush};
use palisade_policy::{Export, Otlp, SecretSource, Webhook};
use palisade_testkit::{Answer, Flaw, Recorded, TestAuthority, Upstream, answer};
use prost::Message;

use crate::world::{World, logs_to, session, wait_for};

fn says(status: u16) -> Answer {
    answer(StatusCode::from_u16(status).unwrap(), "text/plain", "")
}

/// The numbers of the records of each request, and whether they are marked as sent again.
fn seqs(requests: &[Recorded]) -> Vec<(u64, bool)> {
    let mut all = Vec::new();
    for request in requests {
        let sent = ExportLogsServiceRequest::decode(request.body.clone()).unwrap();
        for record in &sent.resource_logs[0].scope_logs[0].log_records {
            let of = |key: &str| {
                let found = record.attributes.iter().find(|it| it.key == key);
                found.and_then(|it| it.value.clone()?.value)
            };
            let Some(Any::IntValue(seq)) = of("palisade.seq") else { panic!("{record:?}") };
            all.push((u64::try_from(seq).unwrap(), of("palisade.resent").is_some()));
        }
    }
    all
}

#[test]
fn all_arrive_once_and_in_order_and_the_end_as_well() {
    let server = Upstream::start(|_| async { says(200) }).unwrap();
    let world = World::new();
    let exporter = world.export(logs_to(server.url()));
    (0..1500).for_each(|n| world.connect(&format!("host-{n}.example:443")));
    world.end();
    assert_eq!(exporter.finish(), []);
    let seqs = seqs(&server.requests());
    assert_eq!(seqs, (1..=1502).map(|seq| (seq, false)).collect::<Vec<_>>());
    let progress = world.progress().unwrap();
    assert_eq!((progress.sent, progress.resent, progress.dropped), (1502, 0, 0));
}

/// The server is away, then there: nothing is lost, nobody waits, and the journal says so.
#[test]
fn an_outage_is_recorded_and_loses_nothing() {
    let address = {
        let gone = Upstream::start(|_| async { says(200) }).unwrap();
        gone.address()
    };
    let world = World::new();
    let exporter = world.export(logs_to(format!("http://{address}")));
    let begun = Instant::now();
    (0..200).for_each(|n| world.connect(&format!("host-{n}.example:443")));
    assert!(begun.elapsed() < Duration::from_secs(5), "somebody waited");
    wait_for("the lag", || world.records().iter().any(|record| record.kind == "export_lag"));
    let progress = world.progress().unwrap();
    assert!(progress.failing_since.is_some() && progress.failures >= 2 && progress.sent == 0);
    let server = Upstream::start_at(address, |_| async { says(200) }).unwrap();
    wait_for("the end of it", || {
        world.records().iter().any(|record| record.kind == "export_resumed")
    });
    world.end();
    assert_eq!(exporter.finish(), []);
    let records = world.records();
    assert_eq!(records.iter().filter(|record| record.kind == "export_lag").count(), 1);
    // A connection that was refused brought nothing there.
    let expected: Vec<_> = records.iter().map(|record| (record.seq, false)).collect();
    assert_eq!(seqs(&server.requests()), expected);
    assert!(world.progress().unwrap().failing_since.is_none());
}

/// What was begun when the server broke off is sent again, and says that it may be there.
#[test]
fn what_may_be_there_already_is_marked() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let server = Upstream::start(move |_| {
        let first = seen.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                // The body was read, and the answer never ends.
                std::future::pending::<()>().await;
            }
            says(200)
        }
    })
    .unwrap();
    let world = World::new();
    let exporter = world.export_with(logs_to(server.url()), None, Duration::from_millis(300));
    world.connect("a.example:443");
    wait_for("the first request", || count.load(Ordering::SeqCst) > 0);
    world.end();
    let left = exporter.finish();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].records >= 1, "{left:?}");
    let to = Destination { export: logs_to(server.url()), secret: None };
    let (complete, left) = flush(world.state(), &[to], Duration::from_secs(20)).unwrap();
    assert_eq!((complete, left), (1, vec![]));
    let (first, rest) =
        server.requests().split_first().map(|(a, b)| (a.clone(), b.to_vec())).unwrap();
    let first = seqs(&[first]);
    let all = seqs(&rest);
    assert!(first.iter().all(|(_, again)| !again));
    let expected: Vec<_> =
        (1..=3).map(|seq| (seq, first.iter().any(|(known, _)| *known == seq))).collect();
    // A batch that holds any of them is marked whole.
    assert_eq!(all.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2, 3]);
    for (one, known) in all.iter().zip(expected) {
        assert!(one.1 || !known.1, "{one:?} may be there already and does not say so");
    }
    assert!(world.progress().unwrap().resent >= first.len() as u64);
}

/// A session that was left is sent by the next one with the same destination.
#[test]
fn the_next_session_sends_what_was_left() {
    let address = Upstream::start(|_| async { says(200) }).unwrap().address();
    let url = format!("http://{address}");
    let world = World::new();
    let exporter = world.export_with(logs_to(url.clone()), None, Duration::from_millis(100));
    world.connect("a.example:443");
    world.end();
    let left = exporter.finish();
    assert_eq!(left.len(), 1);
    assert!(left[0].told().contains("palisade audit export --flush"), "{}", left[0].told());
    let server = Upstream::start_at(address, |_| async { says(200) }).unwrap();
    let next = World { journal: session(world.state(), 2), folder: world.folder };
    let exporter = next.export(logs_to(url));
    wait_for("both", || seqs(&server.requests()).len() >= 4);
    next.end();
    assert_eq!(exporter.finish(), []);
    assert_eq!(seqs(&server.requests()).len(), 5);
}

/// One that a server will not have is left out and counted; the others arrive.
#[test]
fn a_record_that_is_refused_stops_no_other() {
    let server = Upstream::start(|request: Recorded| async move {
        says(if request.contains("poison.example") { 400 } else { 200 })
    })
    .unwrap();
    let world = World::new();
    (0..20).for_each(|n| world.connect(&format!("host-{n}.example:443")));
    world.connect("poison.example:443");
    (20..40).for_each(|n| world.connect(&format!("host-{n}.example:443")));
    let exporter = world.export(logs_to(server.url()));
    wait_for("the record of it", || {
        world.records().iter().any(|record| record.kind == "export_dropped")
    });
    world.end();
    assert_eq!(exporter.finish(), []);
    let taken: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|request| !request.contains("poison.example"))
        .collect();
    let taken: Vec<u64> = seqs(&taken).into_iter().map(|(seq, _)| seq).collect();
    let expected: Vec<u64> = (1..=44).filter(|seq| *seq != 22).collect();
    assert_eq!(taken, expected);
    assert_eq!(world.progress().unwrap().dropped, 1);
}

/// One that refuses everything does not make an endless story of refusals.
#[test]
fn a_server_that_will_have_nothing_is_told_of_once_a_record() {
    let server = Upstream::start(|_| async { says(422) }).unwrap();
    let world = World::new();
    world.connect("a.example:443");
    let exporter = world.export(logs_to(server.url()));
    wait_for("the record of it", || {
        world.records().iter().any(|record| record.kind == "export_dropped")
    });
    world.end();
    assert_eq!(exporter.finish(), []);
    let records = world.records();
    assert!(records.len() <= 8, "{}", records.len());
    assert_eq!(world.progress().unwrap().dropped, records.len() as u64);
}

#[test]
fn what_a_server_takes_in_part_is_counted() {
    let server = Upstream::start(|_| async {
        let part = ExportLogsPartialSuccess {
            rejected_log_records: 1,
            error_message: "too old\n\u{1b}[2J".into(),
        };
        let message = ExportLogsServiceResponse { partial_success: Some(part) };
        answer(StatusCode::OK, "application/x-protobuf", message.encode_to_vec())
    })
    .unwrap();
    let world = World::new();
    let exporter = world.export(logs_to(server.url()));
    wait_for("the record of it", || {
        world.records().iter().any(|record| record.kind == "export_dropped")
    });
    world.end();
    assert_eq!(exporter.finish(), []);
    let records = world.records();
    let dropped = records.iter().find(|record| record.kind == "export_dropped").unwrap();
    assert_eq!(dropped.reason, "too old\\n\\u{1b}[2J");
    assert!(world.progress().unwrap().dropped >= 1);
}

/// A server that gives answers without end, or nothing, holds nobody.
#[test]
fn answers_without_end_hold_nobody() {
    let server =
        Upstream::start(|_| async { answer(StatusCode::OK, "text/plain", vec![b'x'; 1 << 20]) })
            .unwrap();
    let world = World::new();
    let exporter = world.export_with(logs_to(server.url()), None, Duration::from_secs(3));
    world.connect("a.example:443");
    world.end();
    let begun = Instant::now();
    let left = exporter.finish();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(left[0].why.contains("too long"), "{left:?}");
}

#[test]
fn a_trace_has_the_session_and_its_actions_and_metrics_add_up() {
    let server = Upstream::start(|_| async { says(200) }).unwrap();
    let world = World::new();
    let export = Export::Otlp(Otlp {
        url: server.url(),
        grpc: false,
        logs: false,
        traces: true,
        metrics: true,
        credential: None,
        ca: None,
    });
    let exporter = world.export(export);
    world.connect("a.example:443");
    world.record(
        Event::observed("model_answer", Layer::Inference, "anthropic/messages claude")
            .with("provider", "anthropic")
            .with("model", "claude-opus")
            .with("latency_ms", 1500)
            .with("input_tokens", 100)
            .with("output_tokens", 7),
    );
    world.end();
    assert_eq!(exporter.finish(), []);
    let requests = server.requests();
    let of = |path: &str| {
        let all = requests.iter().filter(|it| it.uri.path() == path);
        all.map(|it| it.body.clone()).collect::<Vec<_>>()
    };
    let mut spans = Vec::new();
    for body in of("/v1/traces") {
        let sent = ExportTraceServiceRequest::decode(body).unwrap();
        spans.extend(sent.resource_spans[0].scope_spans[0].spans.clone());
    }
    let parent = palisade_export::trace_parent(world.journal.session());
    let [_, trace, root, _] = parent.split('-').collect::<Vec<_>>()[..] else { panic!() };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let session = spans.iter().find(|span| span.parent_span_id.is_empty()).unwrap();
    assert_eq!(
        (hex(&session.trace_id), hex(&session.span_id)),
        (trace.to_owned(), root.to_owned())
    );
    assert_eq!(session.name, "session");
    assert!(session.start_time_unix_nano < session.end_time_unix_nano);
    for span in &spans {
        assert_eq!(span.trace_id, session.trace_id);
        assert!(span.parent_span_id.is_empty() || span.parent_span_id == session.span_id);
    }
    let model = spans.iter().find(|span| span.name == "chat claude-opus").unwrap();
    assert_eq!(model.end_time_unix_nano - model.start_time_unix_nano, 1_500_000_000);
    let attribute = |key: &str| {
        let found = model.attributes.iter().find(|it| it.key == key);
        found.and_then(|it| it.value.clone()?.value)
    };
    assert_eq!(attribute("gen_ai.usage.input_tokens"), Some(Any::IntValue(100)));
    assert_eq!(attribute("gen_ai.provider.name"), Some(Any::StringValue("anthropic".into())));
    assert_eq!(attribute("gen_ai.request.model"), Some(Any::StringValue("claude".into())));
    let last = of("/v1/metrics").pop().unwrap();
    let sent = ExportMetricsServiceRequest::decode(last).unwrap();
    let metrics = &sent.resource_metrics[0].scope_metrics[0].metrics;
    let events = metrics.iter().find(|metric| metric.name == "palisade.events").unwrap();
    let Some(Data::Sum(sum)) = &events.data else { panic!() };
    assert_eq!(sum.data_points.len(), 4);
    let tokens = metrics.iter().find(|metric| metric.name == "gen_ai.client.token.usage").unwrap();
    let Some(Data::Histogram(histogram)) = &tokens.data else { panic!() };
    assert_eq!(histogram.data_points.iter().map(|it| it.sum.unwrap()).sum::<f64>(), 107.0);
}

#[test]
fn a_webhook_is_signed_and_named() {
    let server = Upstream::start(|_| async { says(204) }).unwrap();
    let world = World::new();
    let export = Export::Webhook(Webhook {
        url: format!("{}/in", server.url()),
        secret: "siem".into(),
        from: SecretSource::Env("X".into()),
        ca: None,
    });
    let exporter = world.export_with(export, Some("the-signing-key"), Duration::from_secs(20));
    world.connect("a.example:443");
    world.end();
    assert_eq!(exporter.finish(), []);
    let requests = server.requests();
    let first = &requests[0];
    assert_eq!(first.uri.path(), "/in");
    assert_eq!(
        first.header("webhook-id"),
        format!(
            "{}:1-{}",
            world.journal.session(),
            first.json()["records"].as_array().unwrap().len()
        )
    );
    assert!(first.header("webhook-signature").starts_with("v1,"));
    let verify = r#"
import base64, hashlib, hmac, sys
body = sys.stdin.buffer.read()
signed = f"{sys.argv[1]}.{sys.argv[2]}.".encode() + body
own = base64.b64encode(hmac.new(b"the-signing-key", signed, hashlib.sha256).digest()).decode()
sys.exit(own != sys.argv[3].removeprefix("v1,"))
"#;
    let mut python = std::process::Command::new("python3");
    python.args([
        "-c",
        verify,
        &first.header("webhook-id"),
        &first.header("webhook-timestamp"),
        &first.header("webhook-signature"),
    ]);
    let Ok(mut child) = python.stdin(std::process::Stdio::piped()).spawn() else {
        assert!(std::env::var_os("CI").is_none(), "python3 is needed");
        println!("skipped: no python3");
        return;
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &first.body).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(requests.iter().all(|request| !request.contains("the-signing-key")));
    let records: usize =
        requests.iter().map(|it| it.json()["records"].as_array().unwrap().len()).sum();
    assert_eq!(records, 3);
}

/// Nobody answers at this address, ever.
#[test]
fn an_address_that_swallows_everything_holds_nobody() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let world = World::new();
    let exporter =
        world.export_with(logs_to(format!("http://{address}")), None, Duration::from_millis(300));
    world.connect("a.example:443");
    world.end();
    let begun = Instant::now();
    assert_eq!(exporter.finish().len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// TLS is verified, with the roots that the policy names as well; by gRPC over HTTP/2 too.
#[test]
fn otlp_by_tls_verifies_who_listens() {
    let (authority, stranger) = (TestAuthority::new().unwrap(), TestAuthority::new().unwrap());
    for (grpc, known) in [(false, true), (true, true), (false, false), (true, false)] {
        let tls = authority.server("127.0.0.1", Flaw::None, &["h2", "http/1.1"]).unwrap();
        let server = Upstream::start_secure(tls, |_| async {
            let mut answer = answer(StatusCode::OK, "application/grpc", "");
            answer.headers_mut().insert("grpc-status", "0".parse().unwrap());
            answer
        });
        let server = server.unwrap();
        let world = World::new();
        let ca = world.state().join("ca.pem");
        std::fs::write(&ca, if known { authority.pem() } else { stranger.pem() }).unwrap();
        let url = format!("https://127.0.0.1:{}", server.address().port());
        let Export::Otlp(otlp) = logs_to(url) else { panic!() };
        let export = Export::Otlp(Otlp { grpc, ca: Some(ca), ..otlp });
        let within = if known { 20_000 } else { 300 };
        let exporter = world.export_with(export, None, Duration::from_millis(within));
        world.connect("a.example:443");
        wait_for("an attempt", || world.progress().is_some_and(|of| of.sent + of.failures > 0));
        world.end();
        let left = exporter.finish();
        if known {
            assert_eq!(left, []);
            let first = &server.requests()[0];
            let expected = match grpc {
                true => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                false => "/v1/logs",
            };
            assert_eq!(first.uri.path(), expected);
        } else {
            assert!(
                left[0].why.contains("TLS") || left[0].why.contains("no more time"),
                "{left:?}"
            );
            assert!(server.requests().is_empty());
            let error = world.progress().unwrap().error.unwrap();
            assert!(!error.is_empty());
        }
    }
}
