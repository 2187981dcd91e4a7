use std::collections::BTreeMap;

use ::http::{Request, header::HeaderValue};
use bytes::Bytes;
use http_body_util::Full;
use palisade_policy::Vault;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::http::{self, Answer};

/// An answer of the second version of the store; of the first it is the inner part.
#[derive(Deserialize)]
struct Second<'a> {
    #[serde(borrow)]
    data: First<'a>,
}

#[derive(Deserialize)]
struct First<'a> {
    #[serde(borrow)]
    data: BTreeMap<String, &'a RawValue>,
}

/// The field that the policy names, from the server.
pub(crate) async fn read(vault: &Vault, token: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let Vault { url, mount, path, field, version, namespace, .. } = vault;
    let failed = |why: &str| format!("cannot be read from {path} of {url}: {why}");
    let target = match version {
        1 => format!("{url}/v1/{mount}/{path}"),
        _ => format!("{url}/v1/{mount}/data/{path}"),
    };
    let mut token = HeaderValue::from_bytes(token.trim_ascii_end())
        .map_err(|_| failed("its token has characters that no header can hold"))?;
    token.set_sensitive(true);
    let mut request = Request::get(target).header("x-vault-request", "true");
    request = request.header("x-vault-token", token);
    if let Some(namespace) = namespace {
        request = request.header("x-vault-namespace", namespace);
    }
    let request = request.body(Full::<Bytes>::default()).map_err(|_| failed("its URL is none"))?;
    let Answer { status, body } = http::call(request).await.map_err(|why| failed(&why))?;
    match status.as_u16() {
        200 => {}
        403 => return Err(failed("the server does not let this token read it (403)")),
        404 => {
            return Err(failed("there is no such secret (404); `mount` and `version` count too"));
        }
        503 => return Err(failed("the server is sealed (503)")),
        other => return Err(failed(&format!("the server answered {other}"))),
    }
    let found = match version {
        1 => serde_json::from_slice::<First<'_>>(&body).map(|it| it.data),
        _ => serde_json::from_slice::<Second<'_>>(&body).map(|it| it.data.data),
    };
    // What serde says of an error may quote what it read.
    let fields =
        found.map_err(|_| failed("the server's answer is not that of a key-value store"))?;
    let raw = fields.get(field.as_str());
    let raw = raw.ok_or_else(|| failed(&format!("the secret has no field `{field}`")))?;
    let text = serde_json::from_str::<String>(raw.get()).map(Zeroizing::new);
    let text = text.map_err(|_| failed(&format!("the field `{field}` is no text")))?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}
