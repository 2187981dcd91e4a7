use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceResponse, metrics::v1::ExportMetricsServiceResponse,
    trace::v1::ExportTraceServiceResponse,
};
use palisade_core::shown;
use palisade_journal::Record;
use prost::Message;

use super::{
    Client, Failure, Taken,
    client::{Answer, judged},
};
use crate::{
    Host,
    otlp::{self, Totals},
};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
    Metrics,
}

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        }
    }

    /// The service and method (opentelemetry-proto, `collector/*/v1`).
    fn method(self) -> &'static str {
        match self {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

/// An OpenTelemetry receiver, for one signal.
#[derive(Debug)]
pub(crate) struct Otlp {
    client: Client,
    signal: Signal,
    grpc: bool,
    totals: Totals,
}

impl Otlp {
    pub(crate) fn new(client: Client, signal: Signal, grpc: bool) -> Self {
        Self { client, signal, grpc, totals: Totals::default() }
    }

    pub(crate) fn counts(&self) -> bool {
        self.signal != Signal::Logs
    }

    pub(crate) fn pass(&mut self, records: &[Record]) {
        self.totals.add(records);
    }

    pub(crate) async fn send(&mut self, records: &[Record], again: bool) -> Result<Taken, Failure> {
        let host = Host::this();
        let mut totals = None;
        let message = match self.signal {
            Signal::Logs => otlp::logs(records, host, again).encode_to_vec(),
            Signal::Traces => {
                let message = otlp::traces(records, &self.totals, host).encode_to_vec();
                totals = Some(self.counted(records));
                message
            }
            Signal::Metrics => {
                let next = self.counted(records);
                let message = otlp::metrics(records, &next, host).encode_to_vec();
                totals = Some(next);
                message
            }
        };
        let answer = match self.grpc {
            true => self.call(message).await,
            false => self.post(message).await,
        };
        let taken = self.judge(answer?)?;
        if let Some(totals) = totals {
            self.totals = totals;
        }
        Ok(taken)
    }

    fn counted(&self, records: &[Record]) -> Totals {
        let mut next = self.totals.clone();
        next.add(records);
        next
    }

    async fn post(&mut self, message: Vec<u8>) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let path = format!("/v1/{}", self.signal.name());
        let answer = self.client.post(&path, headers, Bytes::from(message)).await?;
        judged(&answer)?;
        Ok(answer)
    }

    /// One unary call of gRPC: a frame of one byte of flags and four of length before the message, and
    /// the status behind the answer.
    async fn call(&mut self, message: Vec<u8>) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        let length = u32::try_from(message.len())
            .map_err(|_| Failure::Never("it is longer than a message of gRPC".to_owned()))?;
        let mut framed = Vec::with_capacity(message.len().saturating_add(5));
        framed.push(0);
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(&message);
        let mut answer =
            self.client.post(self.signal.method(), headers, Bytes::from(framed)).await?;
        // Without a server of gRPC there is a status of HTTP alone.
        judged(&answer)?;
        // A call that has only a status has it before the end.
        let field = |name| answer.trailers.get(name).or_else(|| answer.headers.get(name));
        let status =
            field("grpc-status").and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        let said = field("grpc-message").map(|value| String::from_utf8_lossy(value.as_bytes()));
        let said = said.map(|text| shown(&text, 120)).unwrap_or_default();
        match status {
            Some(0) => {}
            // INVALID_ARGUMENT.
            Some(3) => return Err(Failure::Never(format!("gRPC status 3: {said}"))),
            Some(status) => {
                return Err(Failure::before(format!("gRPC status {status}: {said}")));
            }
            None => return Err(Failure::after("it gave no status of gRPC")),
        }
        let framed = std::mem::take(&mut answer.body);
        answer.body = match framed.split_at_checked(5) {
            Some(([0, ..], message)) => message.to_vec(),
            // It took all, and said so in another form than this reads.
            _ => Vec::new(),
        };
        Ok(answer)
    }

    /// What it says that it did not take.
    fn judge(&self, answer: Answer) -> Result<Taken, Failure> {
        let body = answer.body.as_slice();
        let (refused, why) = match self.signal {
            Signal::Logs => ExportLogsServiceResponse::decode(body).ok().and_then(|answer| {
                answer.partial_success.map(|part| (part.rejected_log_records, part.error_message))
            }),
            Signal::Traces => ExportTraceServiceResponse::decode(body).ok().and_then(|answer| {
                answer.partial_success.map(|part| (part.rejected_spans, part.error_message))
            }),
            Signal::Metrics => ExportMetricsServiceResponse::decode(body).ok().and_then(|answer| {
                answer.partial_success.map(|part| (part.rejected_data_points, part.error_message))
            }),
        }
        .unwrap_or_default();
        let why = Some(shown(&why, 120)).filter(|why| !why.is_empty());
        Ok(Taken { refused: u64::try_from(refused).unwrap_or(0), why })
    }
}
