//! JSON with one reading: what two parsers could take in two ways is refused.

pub(crate) use palisade_core::Strict;
use serde_json::Value;

use crate::model_field::{BodyError, bounded};

/// Deepest nesting of what a provider answers.
pub(crate) const NESTING: usize = 100;

/// Reads a whole text. A key that comes twice in an object, at any depth, is an error, and so is
/// nesting deeper than [`NESTING`] and half of a surrogate pair.
pub(crate) fn parse(text: &str) -> Result<Value, BodyError> {
    bounded(text.as_bytes(), NESTING)?;
    let Strict(value) =
        serde_json::from_str(text).map_err(|error| BodyError::Value(error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_two_readings_is_refused() {
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"b":{"a":1,"a":2}}]}"#,
            r#""\ud800""#,
            "1e999",
            "{} {}",
            "{",
            "",
            "NaN",
            "[1,]",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "[".repeat(NESTING + 1), "]".repeat(NESTING + 1));
        assert_eq!(parse(&deep), Err(BodyError::Depth(NESTING)));
    }

    proptest! {
        #[test]
        fn agrees_with_a_lax_parser_where_it_reads(text in "[\\[\\]{}\",:a1 \\\\u]{0,40}") {
            if let Ok(value) = parse(&text) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
