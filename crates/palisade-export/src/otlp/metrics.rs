use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{
        AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
    },
};
use palisade_journal::Record;

use super::{
    Totals, attributes,
    totals::{self, Model, SECONDS, TOKENS},
};
use crate::{Host, facts};

/// What was counted up to the last of these records. Counts go on from the session's begin, so that one
/// that comes twice changes nothing.
pub fn metrics(records: &[Record], totals: &Totals, host: &Host) -> ExportMetricsServiceRequest {
    let began = totals.began().unwrap_or_default();
    let now = records.last().map(facts::nanos).unwrap_or_default();
    let cumulative: i32 = AggregationTemporality::Cumulative.into();
    let events = totals.events.iter().map(|(event, count)| NumberDataPoint {
        attributes: vec![
            attributes::text("palisade.kind", &event.kind),
            attributes::text("palisade.layer", &event.layer),
            attributes::text("palisade.decision", event.decision),
        ],
        start_time_unix_nano: began,
        time_unix_nano: now,
        value: Some(number_data_point::Value::AsInt(i64::try_from(*count).unwrap_or(i64::MAX))),
        ..NumberDataPoint::default()
    });
    let point =
        |of: &totals::Histogram, bounds: &[f64], attributes: Vec<KeyValue>| HistogramDataPoint {
            attributes,
            start_time_unix_nano: began,
            time_unix_nano: now,
            count: of.count,
            sum: Some(of.sum),
            bucket_counts: of.buckets.clone(),
            explicit_bounds: bounds.to_vec(),
            ..HistogramDataPoint::default()
        };
    let tokens = totals.tokens.iter().map(|((model, kind), of)| {
        let mut attributes = about(model);
        attributes.push(attributes::text("gen_ai.token.type", kind));
        point(of, &TOKENS, attributes)
    });
    let seconds = totals.seconds.iter().map(|(model, of)| point(of, &SECONDS, about(model)));
    let metrics = vec![
        Metric {
            name: "palisade.events".to_owned(),
            description: "Events, those that were counted and not written included".to_owned(),
            unit: "{event}".to_owned(),
            data: Some(metric::Data::Sum(Sum {
                data_points: events.collect(),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            })),
            ..Metric::default()
        },
        histogram("gen_ai.client.token.usage", "{token}", tokens.collect()),
        histogram("gen_ai.client.operation.duration", "s", seconds.collect()),
    ];
    let metrics = metrics.into_iter().filter(|metric| !is_empty(metric)).collect();
    let scope_metrics =
        vec![ScopeMetrics { scope: attributes::scope(), metrics, ..ScopeMetrics::default() }];
    let resource = attributes::resource(records, host);
    let whole = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![whole] }
}

fn about(model: &Model) -> Vec<KeyValue> {
    vec![
        attributes::text("gen_ai.operation.name", "chat"),
        attributes::text("gen_ai.provider.name", model.provider),
        attributes::text("gen_ai.request.model", &model.name),
    ]
}

fn histogram(name: &str, unit: &str, data_points: Vec<HistogramDataPoint>) -> Metric {
    Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        data: Some(metric::Data::Histogram(Histogram {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
        })),
        ..Metric::default()
    }
}

fn is_empty(metric: &Metric) -> bool {
    matches!(&metric.data, Some(metric::Data::Histogram(of)) if of.data_points.is_empty())
}
