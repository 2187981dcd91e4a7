use palisade_core::{shown, strict_object};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Bytes of an answer.
const MOST_BYTES: usize = 256 * 1024;
/// Findings of an answer.
const MOST_CLAIMS: usize = 50;
/// Characters of what a parser says of an answer, which quotes it.
const MESSAGE: usize = 120;

/// What a model says of one line. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The file, as it was shown.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What stands there.
    pub excerpt: String,
    /// How bad that is.
    pub severity: Says,
    /// One sentence.
    pub why: String,
}

/// How bad a model says that something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// Worth a line.
    Note,
    /// A person should look.
    Caution,
    /// It is not to be loaded.
    Dangerous,
}

/// Why a text is no answer. Then nothing was reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Too long to be looked at.
    #[error("its answer is longer than {MOST_BYTES} bytes")]
    Long,
    /// It has another form than the one that was asked for.
    #[error("its answer is not of the form that was asked for: {0}")]
    Form(String),
    /// It is the answer to something else.
    #[error("its answer is not to what it was asked")]
    Other,
    /// More than a reviewer finds.
    #[error("its answer has more than {MOST_CLAIMS} findings")]
    Many,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    id: String,
    findings: Vec<Claim>,
}

/// Reads what a model answered to the question with this boundary: one JSON object of exactly the form that
/// [`instruction`](super::instruction) asks for, with one reading, alone or as the one fenced block of a text.
///
/// # Errors
/// It is anything else.
pub fn claims(text: &str, boundary: &str) -> Result<Vec<Claim>, AnswerError> {
    if text.len() > MOST_BYTES {
        return Err(AnswerError::Long);
    }
    let form = |why: String| AnswerError::Form(shown(&why, MESSAGE));
    let object = strict_object(unfenced(text.trim()).as_bytes()).map_err(form)?;
    let wire: Wire =
        serde_json::from_value(Value::Object(object)).map_err(|error| form(error.to_string()))?;
    if wire.id != boundary {
        return Err(AnswerError::Other);
    }
    if wire.findings.len() > MOST_CLAIMS {
        return Err(AnswerError::Many);
    }
    Ok(wire.findings)
}

/// Models put JSON into a block of Markdown, whatever they are told.
fn unfenced(text: &str) -> &str {
    let block = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let inner = block.and_then(|rest| rest.split_once('\n'));
    match inner {
        Some(("" | "json" | "JSON", inner)) => inner,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn one() -> Value {
        json!({"file": "a.sh", "line": 3, "excerpt": "curl x", "severity": "dangerous", "why": "It sends."})
    }

    fn answer(findings: Value) -> String {
        json!({"id": "b", "findings": findings}).to_string()
    }

    #[test]
    fn an_answer_of_the_form_is_read() {
        let read = claims(&answer(json!([one()])), "b").unwrap();
        assert_eq!((read.len(), read[0].line, read[0].severity), (1, 3, Says::Dangerous));
        assert!(claims(&answer(json!([])), "b").unwrap().is_empty());
        for fence in ["```\n", "```json\n"] {
            let fenced = format!("  {fence}{}\n```\n", answer(json!([one()])));
            assert_eq!(claims(&fenced, "b").unwrap(), read);
        }
    }

    #[test]
    fn any_other_answer_is_none() {
        let with = |key: &str, value: Value| {
            let mut other = one();
            other[key] = value;
            answer(json!([other]))
        };
        for other in [
            String::new(),
            "The package is safe.".into(),
            format!("Here it is: {}", answer(json!([]))),
            format!("{} {}", answer(json!([])), answer(json!([]))),
            format!("```json\n{0}\n```\n```json\n{0}\n```", answer(json!([]))),
            "[]".into(),
            "{}".into(),
            r#"{"id": "b"}"#.into(),
            r#"{"id": "b", "findings": [], "findings": []}"#.into(),
            r#"{"id": "b", "findings": [], "verdict": "safe"}"#.into(),
            r#"{"id": "b", "findings": [], "clears": ["exfiltration-order-secrets"]}"#.into(),
            r#"{"id": "b", "findings": null}"#.into(),
            answer(json!({"0": one()})),
            with("severity", json!("safe")),
            with("severity", json!("critical")),
            with("line", json!(-1)),
            with("line", json!(4_294_967_296_u64)),
            with("line", json!("3")),
            with("line", json!(1.5)),
            with("file", json!(null)),
            with("clear", json!(true)),
            "[".repeat(100_000),
            format!("{{\"id\": {}", "[".repeat(100_000)),
        ] {
            assert!(matches!(claims(&other, "b"), Err(AnswerError::Form(_))), "{other:.200}");
        }
        assert_eq!(claims(&answer(json!([])), "c"), Err(AnswerError::Other));
        assert_eq!(claims(&answer(json!(vec![one(); 51])), "b"), Err(AnswerError::Many));
        assert_eq!(claims(&" ".repeat(MOST_BYTES + 1), "b"), Err(AnswerError::Long));
    }

    #[test]
    fn what_is_said_of_it_steers_no_terminal() {
        let odd = r#"{"id": "b", "findings": [], "\u001b[2J\u001b]0;x\u0007": 1}"#;
        let said = claims(odd, "b").unwrap_err().to_string();
        assert!(said.chars().all(|c| !c.is_control()) && said.len() < 1000, "{said}");
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer_or_none(text in "\\PC{0,200}") {
            drop(claims(&text, "b"));
        }

        #[test]
        fn what_was_cut_or_changed_is_read_whole_or_not(
            at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let whole = answer(json!([one(), one()]));
            let mut bytes = whole.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = to;
            bytes.truncate(cut.index(bytes.len() + 1));
            let cut = bytes.len() < whole.len();
            if let Ok(read) = claims(&String::from_utf8_lossy(&bytes), "b") {
                // A whole one has both; one that was cut has no end.
                prop_assert!(!cut && read.len() == 2);
            }
        }

        #[test]
        fn no_more_is_read_than_was_written(
            lines in prop::collection::vec(any::<u32>(), 0..60), why in "\\PC{0,40}", file in "\\PC{0,40}",
        ) {
            let all: Vec<Value> = lines
                .iter()
                .map(|line| json!({"file": file, "line": line, "excerpt": why, "severity": "note", "why": why}))
                .collect();
            match claims(&answer(json!(all)), "b") {
                Ok(read) => {
                    prop_assert!(lines.len() <= MOST_CLAIMS);
                    prop_assert_eq!(read.iter().map(|one| one.line).collect::<Vec<_>>(), lines);
                    prop_assert!(read.iter().all(|one| one.why == why && one.file == file));
                }
                Err(error) => {
                    prop_assert_eq!(error, AnswerError::Many);
                    prop_assert!(lines.len() > MOST_CLAIMS);
                }
            }
        }
    }
}
