//! What limits say of one request by itself: how long its answer may be, what it offers, what it
//! switches on.

use std::{fmt, ops::Range};

use http::HeaderMap;
use palisade_core::TextPattern;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

use crate::{
    asking::{Asking, names},
    endpoint::Endpoint,
    model_field::ModelField,
    quota::{Estimate, Exceeded, Quota},
    strict_json::Strict,
};

/// Headers that switch betas on.
const BETAS: &[&str] = &["anthropic-beta", "openai-beta"];

/// Gemini's key for the length of an answer, in a table of its own.
const GEMINI: &str = "maxOutputTokens";

/// A change of some bytes of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
}

/// What is to be changed of a body for these limits, and what the call may then use.
pub(crate) fn bounded(
    body: &[u8],
    (field, asking): (&ModelField, &Asking),
    headers: &HeaderMap,
    endpoint: &Endpoint,
    quotas: &[Quota],
) -> Result<(Vec<Edit>, Estimate), Exceeded> {
    for quota in quotas {
        if let Some(named) = &quota.tools {
            let known = |name: &str| named.iter().any(|pattern| pattern.allows(name));
            let mut all = offered(body, field);
            all.extend_from_slice(&asking.offered);
            if let Some(other) = all.into_iter().find(|name| !known(name)) {
                let what = format!("the tool `{}` may not be offered to a model", shown(&other));
                return Err(not_named("inference.limits.tools", quota, what));
            }
        }
        if let Some(named) = &quota.betas {
            refuse_betas(headers, &asking.betas, named).map_err(|name| {
                let what = format!("the beta `{}` may not be switched on", shown(&name));
                not_named("inference.limits.betas", quota, what)
            })?;
        }
        if let Some(key) = asking.dearer.filter(|_| quota.counts_money()) {
            let what = format!(
                "`{key}` asks for an answer that costs more than the price of its model, and money is limited"
            );
            return Err(not_named("inference.limits.prices", quota, what));
        }
    }
    let most = quotas.iter().filter_map(|quota| quota.max_tokens).min();
    let answers = answers(endpoint);
    let mut edits = Vec::new();
    let mut asked: Option<u64> = None;
    let mut choices = 1;
    let mut config = None;
    let mut said = Vec::new();
    for (key, span) in &field.limited {
        if matches!(*key, "generationConfig" | "generation_config") {
            config = Some(span.clone());
            said.extend(inner(body, span));
        } else {
            said.push((*key, span.clone()));
        }
    }
    for (key, span) in said {
        let number = number(body.get(span.clone()).unwrap_or_default());
        match key {
            "n" => choices = number.unwrap_or(1).max(1),
            "tools" | "functions" => {}
            _ => {
                let number = match (most, number) {
                    (Some(most), Some(number)) if number <= most => Some(number),
                    // What is no number either asks for no end, or for the end that is permitted.
                    (Some(most), _) => {
                        edits.push(Edit { span, text: most.to_string() });
                        Some(most)
                    }
                    (None, number) => number,
                };
                asked = asked.max(number);
            }
        }
    }
    if let (Some(most), None, Some(key)) = (most, asked, length_key(endpoint).filter(|_| answers)) {
        let (at, text) = match (key, &config) {
            (GEMINI, Some(config)) => (config.start, format!("\"{GEMINI}\":{most}")),
            (GEMINI, None) => (0, format!("\"generationConfig\":{{\"{GEMINI}\":{most}}}")),
            (key, _) => (0, format!("\"{key}\":{most}")),
        };
        edits.extend(inserted(body, at, text));
        asked = Some(most);
    }
    let mut estimate = Estimate::of(body, asked, answers);
    estimate.output = estimate.output.saturating_mul(choices);
    Ok((edits, estimate))
}

/// Whether a model writes something there.
fn answers(endpoint: &Endpoint) -> bool {
    !endpoint.name.ends_with("/embeddings")
        && !endpoint.name.ends_with("/count_tokens")
        && !endpoint.names_twice()
}

/// The key that says how long an answer may be, of a format in which it may be left out.
fn length_key(endpoint: &Endpoint) -> Option<&'static str> {
    match endpoint.name {
        "openai/chat_completions" => Some("max_completion_tokens"),
        "openai/responses" => Some("max_output_tokens"),
        name if name.starts_with("gemini/") => Some(GEMINI),
        _ => None,
    }
}

/// What limits are about in Gemini's table of its own.
fn inner(body: &[u8], span: &Range<usize>) -> Vec<(&'static str, Range<usize>)> {
    let raw = body.get(span.clone()).unwrap_or_default();
    let Ok(Pairs(table)) = serde_json::from_slice(raw) else { return Vec::new() };
    let known = |key: &str| match key.replace('_', "").to_ascii_lowercase().as_str() {
        "maxoutputtokens" => Some(GEMINI),
        "candidatecount" => Some("n"),
        _ => None,
    };
    let place = |value: &RawValue| {
        // A part of `raw`: the difference of their addresses is its place.
        let start = (value.get().as_ptr() as usize).checked_sub(raw.as_ptr() as usize)?;
        let start = span.start.saturating_add(start);
        Some(start..start.saturating_add(value.get().len()))
    };
    table.iter().filter_map(|(key, value)| Some((known(key)?, place(value)?))).collect()
}

/// Another field, in front of all others of the object that begins here or later.
fn inserted(body: &[u8], at: usize, mut field: String) -> Option<Edit> {
    let brace = body.get(at..)?.iter().position(|byte| *byte == b'{')?;
    let place = at.saturating_add(brace).saturating_add(1);
    let next = body.get(place..)?.iter().find(|byte| !byte.is_ascii_whitespace());
    if next != Some(&b'}') {
        field.push(',');
    }
    Some(Edit { span: place..place, text: field })
}

/// The body with these changes, none of which touches another.
pub(crate) fn edited(body: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| edit.span.start);
    let mut out = Vec::with_capacity(body.len().saturating_add(64));
    let mut last = 0;
    for edit in edits {
        out.extend_from_slice(body.get(last..edit.span.start).unwrap_or_default());
        out.extend_from_slice(edit.text.as_bytes());
        last = edit.span.end;
    }
    out.extend_from_slice(body.get(last..).unwrap_or_default());
    out
}

/// A whole number, or one that is written otherwise, rounded up.
fn number(raw: &[u8]) -> Option<u64> {
    let number: f64 = serde_json::from_slice(raw).ok()?;
    // Local servers take less than nought for no end at all.
    if number.is_sign_negative() {
        return None;
    }
    if let Ok(whole) = serde_json::from_slice::<u64>(raw) {
        return Some(whole);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates, which is what is wanted"
    )]
    let rounded = number.ceil() as u64;
    Some(rounded)
}

/// The fields of an object, those too that come twice.
pub(crate) struct Pairs<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    all.push(pair);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_map(PairsVisitor).map(Self)
    }
}

/// The names of all tools that a body offers, each by which some server may know it. What is no list of tools goes by
/// `?`, which no name is.
fn offered(body: &[u8], field: &ModelField) -> Vec<String> {
    let mut all = Vec::new();
    let lists = field.limited.iter().filter(|(key, _)| matches!(*key, "tools" | "functions"));
    for (_, span) in lists {
        let raw = body.get(span.clone()).unwrap_or_default();
        match serde_json::from_slice::<Strict>(raw) {
            Ok(Strict(Value::Null)) => {}
            Ok(Strict(Value::Array(tools))) => tools.iter().for_each(|tool| names(tool, &mut all)),
            Ok(_) | Err(_) => all.push("?".into()),
        }
    }
    all
}

fn refuse_betas(
    headers: &HeaderMap,
    in_body: &[String],
    named: &[TextPattern],
) -> Result<(), String> {
    let other = |name: &&String| !named.iter().any(|pattern| pattern.allows(name));
    if let Some(name) = in_body.iter().find(other) {
        return Err(name.clone());
    }
    let values = BETAS.iter().flat_map(|name| headers.get_all(*name));
    for value in values {
        let text = String::from_utf8_lossy(value.as_bytes());
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        for name in names {
            if !named.iter().any(|pattern| pattern.allows(name)) {
                return Err(name.to_owned());
            }
        }
    }
    Ok(())
}

fn not_named(rule: &'static str, quota: &Quota, what: String) -> Exceeded {
    Exceeded::NotNamed { rule, scope: quota.scope.clone(), what }
}

fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method, Uri};

    use super::*;
    use crate::Api;

    fn of(path: &'static str, body: &str, quota: Quota) -> Result<(String, Estimate), Exceeded> {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("anthropic-beta"),
            HeaderValue::from_static("a-1, b-2"),
        )]);
        let uri = Uri::from_static(path);
        let endpoint = Endpoint::of(&Method::POST, &uri, &HeaderMap::new(), Api::OpenAi).unwrap();
        let field = match &endpoint.path_model {
            Some(model) => ModelField::of_path(body.as_bytes(), model, 128, false).unwrap(),
            None => ModelField::of(body.as_bytes(), 128).unwrap(),
        };
        // What it refuses is refused before.
        let asking = Asking::of(body.as_bytes(), endpoint.asks).unwrap_or_default();
        let asked = (&field, &asking);
        let (edits, estimate) = bounded(body.as_bytes(), asked, &headers, &endpoint, &[quota])?;
        Ok((String::from_utf8(edited(body.as_bytes(), edits)).unwrap(), estimate))
    }

    fn capped() -> Quota {
        Quota { max_tokens: Some(100), ..Quota::default() }
    }

    #[test]
    fn an_answer_is_no_longer_than_it_may_be() {
        for (path, body, expected) in [
            (
                "/v1/messages",
                r#"{"model":"a","max_tokens":100}"#,
                r#"{"model":"a","max_tokens":100}"#,
            ),
            (
                "/v1/messages",
                r#"{"max_tokens": 32000 ,"model":"a"}"#,
                r#"{"max_tokens": 100 ,"model":"a"}"#,
            ),
            (
                "/v1/messages",
                r#"{"model":"a","Max_Tokens":1e9}"#,
                r#"{"model":"a","Max_Tokens":100}"#,
            ),
            (
                "/v1/messages",
                r#"{"model":"a","max_\u0074okens":101}"#,
                r#"{"model":"a","max_\u0074okens":100}"#,
            ),
            (
                "/v1/messages",
                r#"{"model":"a","max_tokens":"9"}"#,
                r#"{"model":"a","max_tokens":100}"#,
            ),
            (
                "/v1/chat/completions",
                r#"{"model":"a","max_tokens":-1,"n_predict":-2}"#,
                r#"{"model":"a","max_tokens":100,"n_predict":100}"#,
            ),
            (
                "/v1/chat/completions",
                r#" {"model":"a"}"#,
                r#" {"max_completion_tokens":100,"model":"a"}"#,
            ),
            (
                "/v1/chat/completions",
                r#"{"model":"a","max_tokens":1000,"max_completion_tokens":null}"#,
                r#"{"model":"a","max_tokens":100,"max_completion_tokens":100}"#,
            ),
            ("/v1/responses", r#"{"model":"a"}"#, r#"{"max_output_tokens":100,"model":"a"}"#),
            ("/v1/embeddings", r#"{"model":"a"}"#, r#"{"model":"a"}"#),
        ] {
            let (out, estimate) = of(path, body, capped()).unwrap();
            assert_eq!(out, expected);
            assert_eq!(
                estimate.output,
                if path.ends_with('s') && !path.contains("embed") { 100 } else { 0 },
                "{path}"
            );
        }
    }

    #[test]
    fn so_it_is_with_gemini() {
        let path = "/v1beta/models/gemini-3:generateContent";
        for (body, expected) in [
            ("{}", r#"{"generationConfig":{"maxOutputTokens":100}}"#),
            (r#"{"a":1}"#, r#"{"generationConfig":{"maxOutputTokens":100},"a":1}"#),
            (
                r#"{"generationConfig":{"maxOutputTokens":9000,"maxOutputTokens":5}}"#,
                r#"{"generationConfig":{"maxOutputTokens":100,"maxOutputTokens":5}}"#,
            ),
            (r#"{"generationConfig":{ }}"#, r#"{"generationConfig":{"maxOutputTokens":100 }}"#),
            (
                r#"{"generation_config":{"max_output_tokens":9000,"x":1}}"#,
                r#"{"generation_config":{"max_output_tokens":100,"x":1}}"#,
            ),
            (
                r#"{"generationConfig":{"maxOutputTokens":7,"candidateCount":3}}"#,
                r#"{"generationConfig":{"maxOutputTokens":7,"candidateCount":3}}"#,
            ),
        ] {
            let (out, estimate) = of(path, body, capped()).unwrap();
            assert_eq!(out, expected);
            assert_eq!(estimate.output, if body.contains("Count") { 21 } else { 100 });
        }
        let quota = Quota { tools: Some(vec!["read".parse().unwrap()]), ..Quota::default() };
        let tools = |name: &str| {
            format!("{{\"tools\":[{{\"functionDeclarations\":[{{\"name\":\"{name}\"}}]}}]}}")
        };
        assert!(of(path, &tools("read"), quota.clone()).is_ok());
        assert!(of(path, &tools("write"), quota.clone()).is_err());
        assert!(of(path, r#"{"tools":[{"googleSearch":{}}]}"#, quota).is_err());
    }

    #[test]
    fn money_that_no_price_tells_of_is_not_spent() {
        let money = || Quota { usd_per_day: Some(crate::quota::Usd(1)), ..Quota::default() };
        let body = r#"{"model":"a","max_tokens":1,"service_tier":"priority"}"#;
        let why = of("/v1/messages", body, money()).unwrap_err();
        assert!(why.to_string().contains("`service_tier` asks for an answer"), "{why}");
        assert!(of("/v1/messages", body, Quota::default()).is_ok());
        let body = body.replace("priority", "auto");
        assert!(of("/v1/messages", &body, money()).is_ok());
    }

    #[test]
    fn betas_and_tools_count_wherever_they_stand() {
        let betas = || Quota {
            betas: Some(vec!["a-1".parse().unwrap(), "b-*".parse().unwrap()]),
            ..Quota::default()
        };
        assert!(of("/v1/messages", r#"{"model":"a","max_tokens":1}"#, betas()).is_ok());
        for key in ["anthropic_beta", "betas"] {
            let body = format!(r#"{{"model":"a","max_tokens":1,"{key}":["b-3","c-1"]}}"#);
            let why = of("/v1/messages", &body, betas()).unwrap_err();
            assert!(why.to_string().contains("the beta `c-1`"), "{why}");
        }
        let quota = || Quota { tools: Some(vec!["Read".parse().unwrap()]), ..Quota::default() };
        for (path, body) in [
            (
                "/v1/chat/completions",
                r#"{"model":"a","tools":[{"type":"function","name":"Read","function":{"name":"Evil"}}]}"#,
            ),
            (
                "/v1/responses",
                r#"{"model":"a","tools":[{"type":"namespace","name":"Read","tools":[{"type":"function","name":"Evil"}]}]}"#,
            ),
            (
                "/v1/responses",
                r#"{"model":"a","input":[{"type":"tool_search_output","call_id":"1","tools":[{"type":"function","name":"Evil"}]}]}"#,
            ),
            ("/v1/messages", r#"{"model":"a","tools":{"name":"Read"}}"#),
        ] {
            assert!(of(path, body, quota()).is_err(), "{body}");
        }
        let good = r#"{"model":"a","tools":[{"type":"function","function":{"name":"Read"}}]}"#;
        assert!(of("/v1/chat/completions", good, quota()).is_ok());
    }

    #[test]
    fn each_of_many_answers_counts() {
        let body = r#"{"model":"a","n":7,"max_tokens":50}"#;
        assert_eq!(of("/v1/chat/completions", body, capped()).unwrap().1.output, 350);
        let body = r#"{"model":"a","n":7}"#;
        assert_eq!(of("/v1/chat/completions", body, Quota::default()).unwrap().1.output, 7 * 8192);
    }

    #[test]
    fn only_named_tools_are_offered() {
        let quota = Quota {
            tools: Some(vec!["Bash".parse().unwrap(), "mcp__*".parse().unwrap()]),
            ..Quota::default()
        };
        for good in [
            r#"{"model":"a"}"#,
            r#"{"model":"a","tools":[]}"#,
            r#"{"model":"a","tools":[{"name":"Bash"},{"name":"mcp__x"}]}"#,
            r#"{"model":"a","tools":[{"type":"function","function":{"name":"Bash"}}]}"#,
        ] {
            assert!(of("/v1/messages", good, quota.clone()).is_ok(), "{good}");
        }
        for bad in [
            r#"{"model":"a","tools":[{"name":"Bash"},{"name":"Write"}]}"#,
            r#"{"model":"a","Tools":[{"name":"\u0057rite"}]}"#,
            r#"{"model":"a","tools":[{"type":"web_search_20250305"}]}"#,
            r#"{"model":"a","tools":[{}]}"#,
            r#"{"model":"a","tools":{"name":"Bash"}}"#,
            r#"{"model":"a","functions":[{"name":"write"}]}"#,
        ] {
            let why = of("/v1/messages", bad, quota.clone()).unwrap_err();
            assert_eq!(why.rule(), "inference.limits.tools", "{bad}");
        }
    }

    #[test]
    fn only_named_betas_are_switched_on() {
        let quota = |betas: &[&str]| Quota {
            betas: Some(betas.iter().map(|name| name.parse().unwrap()).collect()),
            ..Quota::default()
        };
        let body = r#"{"model":"a"}"#;
        assert!(of("/v1/messages", body, quota(&["a-*", "b-2"])).is_ok());
        let why = of("/v1/messages", body, quota(&["a-*"])).unwrap_err();
        assert!(why.to_string().contains("`b-2`"), "{why}");
    }
}
