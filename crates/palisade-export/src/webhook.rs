//! What a webhook gets, signed as in Standard Webhooks (standardwebhooks.com).

use base64::{Engine, prelude::BASE64_STANDARD};
use palisade_core::{ExposeSecret, SecretString};
use palisade_journal::Record;
use ring::hmac;

/// The body: the records as the journal has them, each of which can be checked by its own hash.
pub(crate) fn body(records: &[Record], again: bool) -> String {
    let all: Vec<String> = records.iter().map(Record::to_json).collect();
    let session = records.first().map_or("", |record| record.session.as_str());
    format!(
        "{{\"source\":\"palisade\",\"session\":\"{session}\",\"resent\":{again},\"records\":[{}]}}",
        all.join(",")
    )
}

/// What the message is called. The same records have the same, so that a receiver can tell.
pub(crate) fn id(records: &[Record]) -> String {
    match (records.first(), records.last()) {
        (Some(first), Some(last)) => format!("{}:{}-{}", first.session, first.seq, last.seq),
        _ => "none".to_owned(),
    }
}

/// `v1,` and the signature of name, time and body. `None`: the secret has no such form.
pub(crate) fn signature(
    secret: &SecretString,
    id: &str,
    seconds: i64,
    body: &str,
) -> Option<String> {
    let secret = secret.expose_secret();
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => BASE64_STANDARD.decode(encoded).ok()?,
        None => secret.as_bytes().to_vec(),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", BASE64_STANDARD.encode(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn signs_as_the_specification_does() {
        let secret = SecretString::from("whsec_plJ3nmyCDGBKInavdOK15jsl");
        let body = r#"{"event_type":"ping","data":{"success":true}}"#;
        let signed = signature(&secret, "msg_loFOjxBNrRLzqYUf", 1_731_705_121, body).unwrap();
        assert_eq!(signed, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
        assert!(signature(&SecretString::from("whsec_!"), "a", 1, "b").is_none());
    }
}
