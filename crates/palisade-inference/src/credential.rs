use std::fmt;

use http::{HeaderName, HeaderValue};
use palisade_core::{ExposeSecret, FRAMING_HEADERS, SecretString};
use zeroize::Zeroizing;

/// A real key and the header that carries it.
pub struct HeaderCredential {
    name: HeaderName,
    prefix: String,
    suffix: String,
    secret: SecretString,
}

/// Why a header template or its secret cannot be used. Never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// No `name: value`.
    #[error(
        "a header template is `name: value` with `{{secret}}` in the value, such as `x-api-key: {{secret}}`"
    )]
    Syntax,
    /// `{secret}` is missing, or there twice.
    #[error("the header template must hold `{{secret}}` once")]
    Placeholder,
    /// A header that frames the message or names its destination.
    #[error("the header `{0}` cannot carry a key")]
    Name(String),
    /// The secret has characters that no header value can hold.
    #[error(
        "the secret is empty, or has a blank, line end or other character that no header can hold; is there a stray newline in its file or variable?"
    )]
    Secret,
}

impl HeaderCredential {
    /// A key for a template such as `authorization: Bearer {secret}`.
    pub fn new(template: &str, secret: SecretString) -> Result<Self, TemplateError> {
        let (name, value) = template.split_once(':').ok_or(TemplateError::Syntax)?;
        let name: HeaderName = name.trim().parse().map_err(|_| TemplateError::Syntax)?;
        if FRAMING_HEADERS.contains(&name.as_str()) {
            return Err(TemplateError::Name(name.to_string()));
        }
        let value = value.trim();
        let (prefix, suffix) = value.split_once("{secret}").ok_or(TemplateError::Placeholder)?;
        if suffix.contains("{secret}") {
            return Err(TemplateError::Placeholder);
        }
        if !prefix.chars().chain(suffix.chars()).all(|c| c.is_ascii_graphic() || c == ' ') {
            return Err(TemplateError::Syntax);
        }
        let key = secret.expose_secret();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TemplateError::Secret);
        }
        Ok(Self { name, prefix: prefix.into(), suffix: suffix.into(), secret })
    }

    pub(crate) fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The whole header value, marked as sensitive.
    pub(crate) fn value(&self) -> Option<HeaderValue> {
        let key = self.secret.expose_secret();
        let text = Zeroizing::new(format!("{}{key}{}", self.prefix, self.suffix));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The key alone.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }
}

impl fmt::Debug for HeaderCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderCredential").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(template: &str, secret: &str) -> Result<HeaderCredential, TemplateError> {
        HeaderCredential::new(template, SecretString::from(secret))
    }

    #[test]
    fn templates_fill_in_and_never_show_the_key() {
        let bearer = made("Authorization: Bearer {secret}", "sk-real-123").unwrap();
        assert_eq!(bearer.name(), "authorization");
        assert_eq!(bearer.value().unwrap().as_bytes(), b"Bearer sk-real-123");
        assert!(!format!("{bearer:?} {:?}", bearer.value()).contains("sk-real"));
    }

    #[test]
    fn templates_that_would_split_or_reframe_a_request_are_refused() {
        assert_eq!(made("x-api-key {secret}", "k").unwrap_err(), TemplateError::Syntax);
        assert_eq!(made("x-api-key: none", "k").unwrap_err(), TemplateError::Placeholder);
        assert_eq!(made("a: {secret}{secret}", "k").unwrap_err(), TemplateError::Placeholder);
        assert!(matches!(made("Host: {secret}", "k"), Err(TemplateError::Name(_))));
        assert_eq!(made("a: {secret}", "k\r\nx: y").unwrap_err(), TemplateError::Secret);
        assert_eq!(made("a: {secret}", "key\n").unwrap_err(), TemplateError::Secret);
        assert_eq!(made("a: {secret}", "").unwrap_err(), TemplateError::Secret);
        assert_eq!(made("a: x\r\nb: {secret}", "k").unwrap_err(), TemplateError::Syntax);
    }
}
