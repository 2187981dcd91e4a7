//! Gemini's `embedContent`, `batchEmbedContents` and `countTokens`, whose bodies name the model that the path names
//! already, the second with each of its parts, the third in the request that it counts.
//! <https://ai.google.dev/api/embeddings>, <https://ai.google.dev/api/tokens>

use serde_json::{Map, Value};

use crate::{model_field::BodyError, strict_json};

/// The request whose tokens are counted, in both spellings.
const WITHIN: [&str; 2] = ["generateContentRequest", "generate_content_request"];

/// The most parts that one request may have.
const MOST_PARTS: usize = 10_000;

/// Checks that a body asks for no other model than its path.
pub(crate) fn check(body: &[u8], model: &str) -> Result<(), BodyError> {
    named(&mut parsed(body)?, &mut |named| {
        let name = named.as_str().ok_or(BodyError::Model)?;
        let same = name == model || name.strip_prefix("models/") == Some(model);
        if same { Ok(()) } else { Err(BodyError::Model) }
    })
}

/// The body for another model, if it names any.
pub(crate) fn renamed(body: &[u8], model: &str) -> Result<Vec<u8>, BodyError> {
    let mut value = parsed(body)?;
    named(&mut value, &mut |named| {
        *named = Value::from(format!("models/{model}"));
        Ok(())
    })?;
    Ok(value.to_string().into_bytes())
}

fn parsed(body: &[u8]) -> Result<Value, BodyError> {
    let text = std::str::from_utf8(body).map_err(|_| BodyError::Utf8)?;
    strict_json::parse(text).map_err(|error| BodyError::Value(error.to_string()))
}

type Each<'a> = dyn FnMut(&mut Value) -> Result<(), BodyError> + 'a;

/// Gives each place where a model is named.
fn named(body: &mut Value, each: &mut Each<'_>) -> Result<(), BodyError> {
    let fields = body.as_object_mut().ok_or_else(|| BodyError::Json("no object".into()))?;
    of_one(fields, each)?;
    for key in WITHIN {
        match fields.get_mut(key) {
            None | Some(Value::Null) => {}
            Some(Value::Object(within)) => of_one(within, each)?,
            Some(_) => return Err(BodyError::Value(format!("`{key}` is no object"))),
        }
    }
    let parts = match fields.get_mut("requests") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(parts)) if parts.len() <= MOST_PARTS => parts,
        Some(_) => {
            return Err(BodyError::Value(format!("`requests` is no list of up to {MOST_PARTS}")));
        }
    };
    for part in parts {
        let part = part.as_object_mut();
        of_one(part.ok_or_else(|| BodyError::Value("a part is no object".into()))?, each)?;
    }
    Ok(())
}

fn of_one(fields: &mut Map<String, Value>, each: &mut Each<'_>) -> Result<(), BodyError> {
    // Some decoders do not mind case.
    let other = |key: &String| {
        let mut known = ["model", "requests"].iter().chain(&WITHIN);
        known.any(|own| key != own && key.eq_ignore_ascii_case(own))
    };
    if fields.keys().any(other) {
        return Err(BodyError::Model);
    }
    fields.get_mut("model").map_or(Ok(()), each)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn no_part_names_another_model() {
        let of = |body: Value| check(body.to_string().as_bytes(), "e-1");
        assert_eq!(of(json!({"content": {"parts": [{"text": "x"}]}})), Ok(()));
        assert_eq!(of(json!({"model": "models/e-1"})), Ok(()));
        assert_eq!(
            of(json!({"requests": [{"model": "models/e-1"}, {"model": "e-1"}, {}]})),
            Ok(())
        );
        assert_eq!(of(json!({"generateContentRequest": {"model": "models/e-1"}})), Ok(()));
        for bad in [
            json!({"generateContentRequest": {"model": "models/e-2"}}),
            json!({"generate_content_request": {"model": "models/e-2"}}),
            json!({"GenerateContentRequest": {"model": "models/e-2"}}),
            json!({"generateContentRequest": [{"model": "models/e-2"}]}),
            json!({"model": "models/e-2"}),
            json!({"model": 1}),
            json!({"Model": "models/e-1"}),
            json!({"requests": [{"model": "models/e-1"}, {"model": "models/other"}]}),
            json!({"requests": [{"MODEL": "models/other"}]}),
            json!({"Requests": [{"model": "models/other"}]}),
            json!({"requests": {"model": "models/other"}}),
            json!({"requests": ["x"]}),
            json!({"model": "tunedModels/e-1"}),
            json!([]),
        ] {
            assert!(of(bad.clone()).is_err(), "{bad}");
        }
        assert!(check(br#"{"model":"models/e-1","model":"models/e-2"}"#, "e-1").is_err());
    }

    #[test]
    fn every_part_gets_the_other_name() {
        let body = json!({"requests": [{"model": "models/e-1", "content": {}}, {"content": {}}]});
        let other = renamed(body.to_string().as_bytes(), "e-2").unwrap();
        let expected =
            json!({"requests": [{"model": "models/e-2", "content": {}}, {"content": {}}]});
        assert_eq!(serde_json::from_slice::<Value>(&other).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,60}", model in "(models/)?(e-1|x)") {
            drop(check(text.as_bytes(), "e-1"));
            let body = json!({"requests": [{"model": model, "content": text}]}).to_string();
            prop_assert_eq!(check(body.as_bytes(), "e-1").is_ok(), model.ends_with("e-1"));
            let other = renamed(body.as_bytes(), "y").unwrap();
            prop_assert!(check(&other, "y").is_ok());
        }
    }
}
