//! JSON as Protobuf writes it: bytes in base64, large numbers in quotes, `null` for what is not there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use palisade_core::{Strict, shown};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};

/// Bytes that stand in base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(&text).map(Self).map_err(|_| D::Error::custom("it is no base64"))
    }
}

/// A number that may stand in quotes. None is below 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Plain(u64),
            Quoted(String),
        }
        let plain = |text: &str| -> Option<u64> {
            let fits = text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'));
            fits.then(|| text.parse().ok())?
        };
        let number = match Either::deserialize(deserializer)? {
            Either::Plain(number) => Some(number),
            Either::Quoted(text) => plain(&text),
        };
        // Protobuf's is an int64.
        let number = number.filter(|number| i64::try_from(*number).is_ok());
        number.map(Self).ok_or_else(|| D::Error::custom("it is no number"))
    }
}

/// A list that may be left out or `null`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a text in which no key is there twice, at any depth.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let text = str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    let told = |error: serde_json::Error| shown(&error.to_string(), 200);
    let Strict(value) = serde_json::from_str(text).map_err(told)?;
    serde_json::from_value(value).map_err(told)
}
