//! The `audit` section as it is used: where events go besides the journal.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use palisade_core::HostName;
use serde::Serialize;

use crate::policy::{HeaderCredential, SecretSource};

/// The `audit` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Each destination once.
    pub exports: Vec<Export>,
    /// Where sessions that ended go as they are, each place once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ship: Vec<Ship>,
    /// How long the end of a session waits for what is not sent yet.
    pub flush: Duration,
    /// For how many seconds records are kept, by class ([`RETAIN_CLASSES`]). What no class is for is kept for ever.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub retain: BTreeMap<String, u64>,
    /// Whether what is said to models, and what they answer, is kept, sealed for the key of recordings.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub content: bool,
}

/// What `retain` can name: all that nothing else is for, a layer's events, or those of a kind. A kind wins over its layer.
pub const RETAIN_CLASSES: [&str; 43] = [
    "default",
    "files",
    "process",
    "network",
    "egress",
    "inference",
    "supervisor",
    "access",
    "act",
    "alarm",
    "answer",
    "approval",
    "canary",
    "connect",
    "credential",
    "degraded",
    "end",
    "exec",
    "exec_end",
    "expose",
    "folded",
    "hook",
    "key_in_answer",
    "launch",
    "learn",
    "limits",
    "model_answer",
    "model_call",
    "model_failure",
    "policy",
    "recording",
    "recorded",
    "redaction",
    "refusal",
    "request",
    "resolve",
    "server_tool",
    "skill",
    "ssh_sign",
    "syscall",
    "tool_call",
    "tool_result",
    "websocket",
];

impl Default for Audit {
    fn default() -> Self {
        Self {
            exports: Vec::new(),
            ship: Vec::new(),
            flush: Duration::from_secs(3),
            retain: BTreeMap::new(),
            content: false,
        }
    }
}

/// One destination of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Export {
    /// A file of OCSF, an event a line; `None` is one a session in the state folder.
    Ocsf(#[serde(serialize_with = "crate::digest::exact_or_none")] Option<PathBuf>),
    /// An OpenTelemetry receiver.
    Otlp(Otlp),
    /// A syslog receiver.
    Syslog(Syslog),
    /// The socket of a systemd journal.
    Journald(#[serde(serialize_with = "crate::digest::exact")] PathBuf),
    /// A server that takes a signed POST.
    Webhook(Webhook),
}

/// An OpenTelemetry receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Otlp {
    /// Its URL, `http` or `https`, without a slash at its end.
    pub url: String,
    /// Whether it is spoken to by gRPC, and not by HTTP.
    pub grpc: bool,
    /// Whether it gets log records.
    pub logs: bool,
    /// Whether it gets spans.
    pub traces: bool,
    /// Whether it gets metrics.
    pub metrics: bool,
    /// What each request carries.
    pub credential: Option<HeaderCredential>,
    /// A file of roots that are believed besides the operator's.
    #[serde(serialize_with = "crate::digest::exact_or_none")]
    pub ca: Option<PathBuf>,
}

/// A syslog receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Syslog {
    /// How it is reached.
    pub transport: Transport,
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The facility (RFC 5424, table 1), at most 23.
    pub facility: u8,
    /// A file of roots that are believed besides the operator's.
    #[serde(serialize_with = "crate::digest::exact_or_none")]
    pub ca: Option<PathBuf>,
}

/// How a syslog receiver is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// RFC 5425.
    Tls,
    /// RFC 6587 with octet counting, on loopback alone.
    Tcp,
    /// RFC 5426, on loopback alone.
    Udp,
}

/// A server that takes a signed POST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Its URL, `http` or `https`.
    pub url: String,
    /// The name of the credential that signs.
    pub secret: String,
    /// Where that is.
    pub from: SecretSource,
    /// A file of roots that are believed besides the operator's.
    #[serde(serialize_with = "crate::digest::exact_or_none")]
    pub ca: Option<PathBuf>,
}

/// Where sessions that ended go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Ship {
    /// A folder.
    Folder(#[serde(serialize_with = "crate::digest::exact")] PathBuf),
    /// A bucket of a server that speaks S3.
    S3(Box<S3>),
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct S3 {
    /// The server, `http` or `https`, without a slash at its end.
    pub endpoint: String,
    /// Its name.
    pub bucket: String,
    /// What stands before each object's name: empty, or parts with `/` between.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Who signs: one with an access key of AWS.
    pub credential: Option<HeaderCredential>,
    /// How long each object stays, whoever wants it gone.
    pub lock: Option<ObjectLock>,
    /// A file of roots that are believed besides the operator's.
    #[serde(serialize_with = "crate::digest::exact_or_none")]
    pub ca: Option<PathBuf>,
}

/// The retention that each object gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ObjectLock {
    /// Nobody can shorten it, the account's owner neither. Else who has the right can.
    pub compliance: bool,
    /// Seconds from when it is sent.
    pub seconds: u64,
}

impl Ship {
    /// Where it is, for people.
    pub fn place(&self) -> String {
        match self {
            Ship::Folder(path) => path.display().to_string(),
            Ship::S3(s3) => {
                let S3 { endpoint, bucket, prefix, .. } = &**s3;
                match prefix.as_str() {
                    "" => format!("s3://{bucket} at {endpoint}"),
                    prefix => format!("s3://{bucket}/{prefix} at {endpoint}"),
                }
            }
        }
    }

    /// The port that it is at, if it is a server on this machine.
    pub(crate) fn loopback_port(&self) -> Option<u16> {
        match self {
            Ship::Folder(_) => None,
            Ship::S3(s3) => loopback_port(&s3.endpoint),
        }
    }
}

impl Export {
    /// Its key in `audit`.
    pub fn key(&self) -> &'static str {
        match self {
            Export::Ocsf(_) => "ocsf",
            Export::Otlp(_) => "otlp",
            Export::Syslog(_) => "syslog",
            Export::Journald(_) => "journald",
            Export::Webhook(_) => "webhook",
        }
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        match self {
            Export::Ocsf(None) => "the state folder".to_owned(),
            Export::Ocsf(Some(path)) | Export::Journald(path) => path.display().to_string(),
            Export::Otlp(otlp) => otlp.url.clone(),
            Export::Webhook(webhook) => webhook.url.clone(),
            Export::Syslog(syslog) => {
                let Syslog { transport, host, port, .. } = syslog;
                let scheme = match transport {
                    Transport::Tls => "tls",
                    Transport::Tcp => "tcp",
                    Transport::Udp => "udp",
                };
                match host.contains(':') {
                    true => format!("{scheme}://[{host}]:{port}"),
                    false => format!("{scheme}://{host}:{port}"),
                }
            }
        }
    }

    /// The port that it is at, if it is a server on this machine.
    pub(crate) fn loopback_port(&self) -> Option<u16> {
        match self {
            Export::Ocsf(_) | Export::Journald(_) => None,
            Export::Otlp(otlp) => loopback_port(&otlp.url),
            Export::Webhook(webhook) => loopback_port(&webhook.url),
            Export::Syslog(syslog) => is_loopback_host(&syslog.host).then_some(syslog.port),
        }
    }
}

/// The port of a URL that leads to this machine.
fn loopback_port(url: &str) -> Option<u16> {
    let port = if url.starts_with("https://") { 443 } else { 80 };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let behind = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    let named = behind.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    is_loopback(url).then(|| named.unwrap_or(port))
}

/// Whether a URL that was taken leads to this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    is_loopback_host(match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    })
}

/// Whether this name or address is this machine's own.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    let named = host.parse::<HostName>().is_ok_and(|name| name.as_str() == "localhost");
    named || address.is_ok_and(|address| address.is_loopback())
}
