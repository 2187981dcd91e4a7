use std::fmt;

use palisade_core::SecretString;
use serde_json::Value;

/// The most bytes of what a program prints.
const MOST_BYTES: usize = 64 * 1024;

/// Who signs.
#[derive(Clone)]
pub struct Keys {
    /// The access key's id.
    pub access_key: String,
    /// Its secret key.
    pub secret: SecretString,
    /// What goes with a request of keys that end.
    pub session_token: Option<SecretString>,
}

/// What was printed is no key. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unprinted(&'static str);

impl Keys {
    /// The keys in what a `credential_process` prints: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
    ///
    /// # Errors
    /// It is something else, or has what no header can hold.
    pub fn printed(text: &str) -> Result<Self, Unprinted> {
        if text.len() > MOST_BYTES {
            return Err(Unprinted("is too long"));
        }
        let value: Value = serde_json::from_str(text).map_err(|_| Unprinted("is no JSON"))?;
        if value.get("Version") != Some(&Value::from(1)) {
            return Err(Unprinted("has no `Version` of 1"));
        }
        let text = |key: &str| match value.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if is_plain(text) => Ok(Some(text.clone())),
            Some(_) => Err(Unprinted("has a value that no header can hold")),
        };
        let access_key = text("AccessKeyId")?.ok_or(Unprinted("has no `AccessKeyId`"))?;
        if !access_key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Unprinted("has an `AccessKeyId` that is none"));
        }
        let secret = text("SecretAccessKey")?.ok_or(Unprinted("has no `SecretAccessKey`"))?;
        let session_token = text("SessionToken")?.map(SecretString::from);
        Ok(Self { access_key, secret: secret.into(), session_token })
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl fmt::Display for Unprinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what it gives {}, and not what a `credential_process` of AWS prints", self.0)
    }
}

impl std::error::Error for Unprinted {}

#[cfg(test)]
mod tests {
    use palisade_core::ExposeSecret;

    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let text = r#"{"Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s/+",
                       "SessionToken": "t==", "Expiration": "2026-01-01T00:00:00Z"}"#;
        let keys = Keys::printed(text).unwrap();
        assert_eq!((keys.access_key.as_str(), keys.secret.expose_secret()), ("ASIAEXAMPLE", "s/+"));
        assert_eq!(keys.session_token.unwrap().expose_secret(), "t==");
        let stays = r#"{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s"}"#;
        assert!(Keys::printed(stays).unwrap().session_token.is_none());
    }

    #[test]
    fn anything_else_is_an_error_that_repeats_nothing() {
        for text in [
            "",
            "AKIA1",
            "{}",
            "[1]",
            r#"{"Version":2,"AccessKeyId":"A","SecretAccessKey":"secret-x"}"#,
            r#"{"Version":1,"SecretAccessKey":"secret-x"}"#,
            r#"{"Version":1,"AccessKeyId":"A"}"#,
            r#"{"Version":1,"AccessKeyId":"A/secret-x","SecretAccessKey":"s"}"#,
            r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"secret-x\n"}"#,
            r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":["secret-x"]}"#,
            &"x".repeat(70_000),
        ] {
            let said = Keys::printed(text).unwrap_err().to_string();
            assert!(!said.contains("secret-x"), "{said}");
        }
    }
}
