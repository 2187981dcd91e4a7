//! `audit`: where events go besides the journal.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{amount::Span, at::At};

/// Where events go besides the journal. Nothing in a sandbox waits for it.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    /// OCSF, an event a line: `true` for a file a session in the state folder, or a file.
    pub(crate) ocsf: Option<At<Switch>>,
    /// OpenTelemetry: logs, traces and metrics, to this URL.
    #[schemars(extend("examples" = ["http://127.0.0.1:4318"]))]
    pub(crate) otlp: Option<At<UrlOr<Otlp>>>,
    /// Syslog (RFC 5424), to this URL.
    #[schemars(extend("examples" = ["tls://siem.example:6514"]))]
    pub(crate) syslog: Option<At<UrlOr<Syslog>>>,
    /// The journal of systemd: `true` for the system's, or the socket of another.
    pub(crate) journald: Option<At<Switch>>,
    /// A POST of JSON, signed, to this URL.
    #[schemars(extend("examples" = [{"url": "https://siem.example/in", "secret": "siem"}]))]
    pub(crate) webhook: Option<At<Webhook>>,
    /// Where sessions go as they are when they have ended, compressed, with the ledger: a folder, or a bucket of S3.
    #[schemars(extend("examples" = ["/mnt/evidence", {"to": "s3://evidence/host-1", "region": "eu-central-1", "credential": "evidence"}]))]
    pub(crate) ship: Option<At<UrlOr<Ship>>>,
    /// How long the end of a session waits for what is not sent yet. Default: 3s. What is left then
    /// is sent by the next session with the same destination, or by `palisade audit export --flush`.
    pub(crate) flush: Option<At<Span>>,
    /// How long records are kept, all of them or by class: a layer, a kind of event, or `default`. Default: for ever.
    #[schemars(extend("examples" = ["365d", {"default": "365d", "network": "90d"}]))]
    pub(crate) retain: Option<At<Retain>>,
    /// Whether what is said to models and what they answer is kept, sealed for the key of recordings. Default: false.
    pub(crate) content: Option<At<bool>>,
}

/// One time, or one for each class.
#[derive(Debug, Clone)]
pub(crate) enum Retain {
    All(Span),
    Classes(BTreeMap<String, At<Span>>),
}

/// On, off, or on at a place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Switch {
    On(bool),
    At(String),
}

/// A URL alone, or a table with more.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum UrlOr<T> {
    Url(String),
    Table(T),
}

/// An OpenTelemetry receiver.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Otlp {
    /// Where it is. Over HTTP, `/v1/logs` and its like come behind.
    #[schemars(extend("examples" = ["https://otel.example:4318"]))]
    pub(crate) url: At<String>,
    /// How it is spoken to. Default: `http`.
    pub(crate) protocol: Option<At<OtlpProtocol>>,
    /// What is sent. Default: all three.
    #[schemars(extend("examples" = [["logs", "traces"]]))]
    pub(crate) signals: Option<At<Vec<At<Signal>>>>,
    /// The credential whose header each request carries.
    #[schemars(extend("examples" = ["otel"]))]
    pub(crate) credential: Option<At<String>>,
    /// Roots (PEM) that are believed besides the operator's.
    #[schemars(extend("examples" = ["~/.config/ca.pem"]))]
    pub(crate) ca: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OtlpProtocol {
    /// Protobuf over HTTP.
    Http,
    /// gRPC.
    Grpc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Signal {
    /// An event a log record.
    Logs,
    /// A trace a session, a span an event.
    Traces,
    /// Counts.
    Metrics,
}

/// A syslog receiver.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Syslog {
    /// Where it is: `tls://host:port`; on this machine `tcp://` and `udp://` as well.
    #[schemars(extend("examples" = ["tls://siem.example:6514"]))]
    pub(crate) url: At<String>,
    /// The facility (RFC 5424, table 1). Default: 13, log audit.
    #[schemars(extend("examples" = [16], "minimum" = 0, "maximum" = 23))]
    pub(crate) facility: Option<At<u64>>,
    /// Roots (PEM) that are believed besides the operator's.
    #[schemars(extend("examples" = ["~/.config/ca.pem"]))]
    pub(crate) ca: Option<At<String>>,
}

/// A server that takes a POST.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where it is.
    #[schemars(extend("examples" = ["https://siem.example/in"]))]
    pub(crate) url: At<String>,
    /// The credential that signs: HMAC-SHA256, as in Standard Webhooks.
    #[schemars(extend("examples" = ["siem"]))]
    pub(crate) secret: At<String>,
    /// Roots (PEM) that are believed besides the operator's.
    #[schemars(extend("examples" = ["~/.config/ca.pem"]))]
    pub(crate) ca: Option<At<String>>,
}

/// A place for sessions that ended.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ship {
    /// A folder, or `s3://bucket/prefix`.
    #[schemars(extend("examples" = ["s3://evidence/host-1"]))]
    pub(crate) to: At<String>,
    /// The server. Default: that of AWS for the region.
    #[schemars(extend("examples" = ["https://minio.example:9000"]))]
    pub(crate) endpoint: Option<At<String>>,
    /// The region that requests are signed for. Default: `us-east-1`, where there is an `endpoint`.
    #[schemars(extend("examples" = ["eu-central-1"]))]
    pub(crate) region: Option<At<String>>,
    /// The credential that signs: one with `aws`.
    #[schemars(extend("examples" = ["evidence"]))]
    pub(crate) credential: Option<At<String>>,
    /// How long each object stays there, whoever wants it gone (S3 Object Lock).
    pub(crate) lock: Option<At<Lock>>,
    /// Roots (PEM) that are believed besides the operator's.
    #[schemars(extend("examples" = ["~/.config/ca.pem"]))]
    pub(crate) ca: Option<At<String>>,
}

/// S3 Object Lock.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    /// `compliance`: nobody can shorten it; `governance`: who has the right can.
    pub(crate) mode: LockMode,
    /// How long, from when it is sent.
    #[serde(rename = "for")]
    #[schemars(extend("examples" = ["365d"]))]
    pub(crate) time: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LockMode {
    Compliance,
    Governance,
}

impl<'de> Deserialize<'de> for Retain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Retain;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a time with its unit, or a table of classes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Retain, E> {
                Span::deserialize(serde::de::value::StrDeserializer::new(text)).map(Retain::All)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Retain, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Retain::Classes)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Serialize for Retain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Retain::All(span) => span.serialize(serializer),
            Retain::Classes(classes) => classes.serialize(serializer),
        }
    }
}

impl JsonSchema for Retain {
    fn schema_name() -> Cow<'static, str> {
        "Retain".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let all = generator.subschema_for::<Span>();
        let classes = generator.subschema_for::<BTreeMap<String, Span>>();
        json_schema!({ "title": "Retain", "anyOf": [all, classes] })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for UrlOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = UrlOr<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a URL, or a table with `url`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<UrlOr<T>, E> {
                Ok(UrlOr::Url(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<UrlOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(UrlOr::Table)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for UrlOr<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("UrlOr{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "string" }, table] })
    }
}
