use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use palisade_core::SecretString;
use palisade_journal::{Record, Timestamp};

use super::{Client, Failure, Server, Taken, client::judged};
use crate::webhook;

/// A server that takes a signed POST.
#[derive(Debug)]
pub(crate) struct Webhook {
    client: Client,
    secret: SecretString,
}

impl Webhook {
    pub(crate) fn new(server: Server, secret: SecretString) -> Self {
        Self { client: Client::new(server, false, None), secret }
    }

    pub(crate) async fn send(&mut self, records: &[Record], again: bool) -> Result<Taken, Failure> {
        let body = webhook::body(records, again);
        let id = webhook::id(records);
        let seconds = Timestamp::now().unix_micros().div_euclid(1_000_000);
        let signature = webhook::signature(&self.secret, &id, seconds, &body)
            .ok_or_else(|| Failure::before("the secret behind `whsec_` is no base64"))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, text) in [
            ("webhook-id", id),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signature),
        ] {
            let value = HeaderValue::from_str(&text);
            headers.insert(name, value.map_err(|error| Failure::before(error.to_string()))?);
        }
        let answer = self.client.post("", headers, Bytes::from(body)).await?;
        judged(&answer).map(|()| Taken::default())
    }
}
