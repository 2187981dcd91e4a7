//! Objects that several classes have.

use palisade_journal::Record;
use serde_json::{Value, json};

use super::VERSION;
use crate::{Host, facts};

pub(super) fn metadata(record: &Record, profiles: &[&str], again: bool) -> Value {
    let mut metadata = json!({
        "version": VERSION,
        "product": product(),
        "uid": format!("{}:{}", record.session, record.seq),
        "sequence": record.seq,
        "correlation_uid": record.session.as_str(),
        "event_code": record.kind,
        "log_name": "palisade journal",
        "original_time": record.time.to_string(),
        "profiles": profiles,
    });
    if let Some(members) = metadata.as_object_mut().filter(|_| again) {
        members.insert("labels".to_owned(), json!(["resent"]));
    }
    metadata
}

pub(super) fn product() -> Value {
    json!({ "name": "Palisade", "vendor_name": "Palisade", "version": env!("CARGO_PKG_VERSION") })
}

pub(super) fn device(host: &Host) -> Value {
    json!({ "hostname": host.name, "type_id": 0 })
}

/// Who acts: the session, and the program of it that is known.
pub(super) fn actor(record: &Record) -> Value {
    let mut actor = json!({ "session": { "uid": record.session.as_str() } });
    if let Some(binary) = facts::text(record, "binary")
        && let Some(members) = actor.as_object_mut()
    {
        let mut file = json!({ "name": name_of(binary), "path": binary, "type_id": 8 });
        let digest = facts::text(record, "binary_digest");
        let digest = digest.and_then(|digest| digest.strip_prefix("sha256:"));
        if let (Some(digest), Some(file)) = (digest, file.as_object_mut()) {
            let hash = json!([{ "algorithm_id": 3, "value": digest }]);
            file.insert("hashes".to_owned(), hash);
        }
        let uid = format!("{}:{binary}", record.session);
        let process = json!({ "uid": uid, "name": name_of(binary), "file": file });
        members.insert("process".to_owned(), process);
    }
    actor
}

/// The sandbox, as an end of a connection.
pub(super) fn sandbox(record: &Record) -> Value {
    json!({ "uid": record.session.as_str() })
}

/// What is connected to.
pub(super) fn destination(record: &Record) -> Option<Value> {
    let mut endpoint = serde_json::Map::new();
    let subject = record.subject.split_once(':').map_or(record.subject.as_str(), |(host, _)| host);
    let plain = |name: &&str| !name.is_empty() && !name.contains(char::is_whitespace);
    if let Some(host) = facts::text(record, "host").or(Some(subject).filter(plain)) {
        endpoint.insert("hostname".to_owned(), host.into());
    }
    if let Some(address) = facts::text(record, "address") {
        let address = address.parse::<std::net::SocketAddr>().map(|it| it.ip());
        if let Ok(address) = address {
            endpoint.insert("ip".to_owned(), address.to_string().into());
        }
    }
    if endpoint.is_empty() {
        return None;
    }
    if let Some(port) = facts::number(record, "port").filter(|port| *port <= 65_535) {
        endpoint.insert("port".to_owned(), port.into());
    }
    Some(Value::Object(endpoint))
}

pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}
