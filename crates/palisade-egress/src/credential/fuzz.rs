//! For [`crate::fuzz`].

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use palisade_core::{ExposeSecret, SecretString};

use super::{Secret, forms::Forms, patterns::Patterns, scrub::Scrubber, sigv4};

/// A scrubber as a credential has it.
pub(crate) fn scrubber(secret: &SecretString, placeholder: &SecretString) -> Option<Scrubber> {
    let known = Secret::new(secret.clone()).ok()?;
    let instead = Forms::of(placeholder.expose_secret());
    Some(Scrubber::new(Arc::new(Patterns::new([(known.forms(), &instead)]))))
}

/// A secret in each form that is looked for.
pub(crate) fn forms(secret: &str) -> Vec<Vec<u8>> {
    let forms = Forms::of(secret);
    forms
        .iter()
        .filter(|form| form.len() >= super::patterns::SHORTEST)
        .map(<[u8]>::to_vec)
        .collect()
}

/// The signature of a request that a client signed.
pub(crate) fn signed_anew(target: &str, fields: &[(&str, &[u8])], body: &[u8]) -> Option<Vec<u8>> {
    let uri: Uri = target.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    let method = Method::POST;
    let request = sigv4::Signed { method: &method, uri: &uri, headers: &headers, body: Some(body) };
    let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let made = sigv4::authorization(&request, "AKIDEXAMPLE", &secret).ok()?;
    Some(made.as_bytes().to_vec())
}
