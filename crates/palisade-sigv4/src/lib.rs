//! Signatures of AWS, version 4, for requests that are in their one form.
//!
//! What that form is differs by who asks: the proxy keeps to what a client signed, the model gateway says itself.
//! From there on there is one way, and it is here. See "Signing AWS API requests" of AWS' documentation.

#![forbid(unsafe_code)]

mod keys;

pub use keys::{Keys, Unprinted};

use data_encoding::HEXLOWER;
use http::{HeaderValue, header::InvalidHeaderValue};
use palisade_core::{ExposeSecret, SecretString};
use ring::{digest, hmac};
use zeroize::Zeroizing;

/// The name of the algorithm, with which an `Authorization` begins.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The header field that says when a request was signed.
pub const DATE: &str = "x-amz-date";

/// The header field of a session token.
pub const TOKEN: &str = "x-amz-security-token";

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    /// The value of [`DATE`]: `20150830T123600Z`.
    pub stamp: &'a str,
    /// `date/region/service/aws4_request`.
    pub scope: &'a str,
    /// The names of the fields that are signed, with `;` between, sorted.
    pub names: &'a str,
    /// The request in its one form.
    pub canonical: &'a str,
}

/// The value of `Authorization`, marked as sensitive.
///
/// # Errors
/// The access key or the scope is nothing that a header can hold.
pub fn authorization(
    to_sign: &ToSign<'_>,
    access_key: &str,
    secret: &SecretString,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let ToSign { stamp, scope, names, canonical } = to_sign;
    let text = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", hash(canonical.as_bytes()));
    let signature = HEXLOWER.encode(hmac::sign(&key(secret, scope), text.as_bytes()).as_ref());
    let text = format!(
        "{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// SHA-256 in small hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn key(secret: &SecretString, scope: &str) -> hmac::Key {
    let first = Zeroizing::new(format!("AWS4{}", secret.expose_secret()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
    scope.split('/').fold(key, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS' published example, "Create a signed request".
    #[test]
    fn the_key_is_that_of_the_published_example() {
        let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let key = key(&secret, "20150830/us-east-1/iam/aws4_request");
        let to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                       f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        assert_eq!(
            HEXLOWER.encode(hmac::sign(&key, to_sign.as_bytes()).as_ref()),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }
}
