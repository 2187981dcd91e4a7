//! What other scanners found, as they tell it in SARIF 2.1.0. It can only raise a verdict.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::path::{Component, Path, PathBuf};

use palisade_core::shown;
use serde_json::Value;

use crate::{
    Confidence, Finding, Place, Report, Rule,
    Severity::{self, High, Low, Medium},
    Technique::Imported as Family,
};

/// Bytes of a log.
pub const MOST_BYTES: u64 = 64 << 20;
/// Results of a log.
const MOST_RESULTS: usize = 100_000;
/// Characters of a tool's name, of a rule's, and of what is said.
const NAME: usize = 60;
const MESSAGE: usize = 300;

/// A finding of another tool.
pub static IMPORTED: Rule = Rule {
    id: "imported-result",
    technique: Family,
    severity: Medium,
    why: "Another scanner that the operator runs found this.",
    clear: "See what that scanner says of its rule, and suppress the result there if it is wrong.",
    references: &["LLM03", "ASI04"],
};

/// Every rule of imports.
pub(crate) static RULES: &[&Rule] = &[&IMPORTED];

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another kind.
    #[error("it is no SARIF 2.1.0: {0}")]
    Form(&'static str),
    /// More than a hundred thousand results.
    #[error("it has more than {MOST_RESULTS} results")]
    Many,
}

/// The results of a log that count: those that say that something failed and that nobody suppressed.
#[derive(Debug)]
pub struct Imports(Vec<Told>);

#[derive(Debug)]
struct Told {
    /// As it is told: absolute, or below some folder.
    file: PathBuf,
    finding: Finding,
    taken: bool,
}

impl Imports {
    /// Reads a log.
    ///
    /// # Errors
    /// It is none, or has too many results.
    pub fn parse(log: &[u8]) -> Result<Self, ImportError> {
        let log: Value = serde_json::from_slice(log)?;
        if log.get("version").and_then(Value::as_str) != Some("2.1.0") {
            return Err(ImportError::Form("`version` is not `2.1.0`"));
        }
        let runs = log.get("runs").and_then(Value::as_array);
        let mut all = Vec::new();
        for run in runs.ok_or(ImportError::Form("it has no `runs`"))? {
            // Null: the tool did not run to its end, and says so elsewhere.
            for result in list(run, "results") {
                if all.len() == MOST_RESULTS {
                    return Err(ImportError::Many);
                }
                if counts(result) {
                    all.push(told(run, result));
                }
            }
        }
        Ok(Self(all))
    }

    /// Adds to a report what is about it. `roots`: where files that are told by a relative path may begin, each
    /// absolute.
    pub fn raise(&mut self, report: &mut Report, roots: &[PathBuf]) {
        let Ok(path) = std::path::absolute(&report.path) else { return };
        let mut findings = Vec::new();
        for told in &mut self.0 {
            let within = roots
                .iter()
                // An absolute path takes the root's place.
                .filter_map(|root| inside(&root.join(&told.file), &path))
                .next();
            let Some(file) = within else { continue };
            told.taken = true;
            let place = Place { file, ..told.finding.place.clone() };
            findings.push(Finding { place, ..told.finding.clone() });
        }
        report.raise(findings, "another scanner says");
    }

    /// How many results were about no report until now.
    pub fn left(&self) -> usize {
        self.0.iter().filter(|told| !told.taken).count()
    }
}

/// The path of a file in a package, if it is in it and there.
fn inside(file: &Path, package: &Path) -> Option<String> {
    if file.components().any(|part| part == Component::ParentDir) {
        return None;
    }
    let rest = file.strip_prefix(package).ok()?;
    file.symlink_metadata().ok()?;
    let rest = if rest.as_os_str().is_empty() { file.file_name()?.as_ref() } else { rest };
    Some(shown(&rest.to_string_lossy(), MESSAGE))
}

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(of: &'a Value, pointer: &str) -> Option<&'a str> {
    of.pointer(pointer).and_then(Value::as_str)
}

/// `kind` is `fail` where it is not said; a suppression counts unless it was rejected or is still asked for.
fn counts(result: &Value) -> bool {
    let kind = result.get("kind").and_then(Value::as_str).unwrap_or("fail");
    let suppressed = list(result, "suppressions")
        .any(|it| matches!(it.get("status").and_then(Value::as_str), None | Some("accepted")));
    matches!(kind, "fail" | "open" | "review") && !suppressed
}

fn told(run: &Value, result: &Value) -> Told {
    let tool = text(run, "/tool/driver/name").unwrap_or("a tool without a name");
    let index = result.get("ruleIndex").or_else(|| result.pointer("/rule/index"));
    let rule = index
        .and_then(Value::as_u64)
        .and_then(|index| run.pointer("/tool/driver/rules")?.get(usize::try_from(index).ok()?));
    let id = text(result, "/ruleId").or_else(|| text(result, "/rule/id"));
    let id = id.or_else(|| rule.and_then(|rule| text(rule, "/id"))).unwrap_or("?");
    let rule = rule.or_else(|| {
        let all = run.pointer("/tool/driver/rules")?.as_array()?;
        all.iter().find(|rule| text(rule, "/id") == Some(id))
    });
    let level = text(result, "/level")
        .or_else(|| rule.and_then(|rule| text(rule, "/defaultConfiguration/level")));
    let message = text(result, "/message/text")
        .or_else(|| text(result, "/message/markdown"))
        .or_else(|| rule.and_then(|rule| text(rule, "/shortDescription/text")))
        .unwrap_or("no message");
    let location = list(result, "locations").next().unwrap_or(&Value::Null);
    let number = |pointer: &str| {
        let told = location.pointer(pointer).and_then(Value::as_u64);
        told.and_then(|told| u32::try_from(told).ok()).unwrap_or(0)
    };
    let finding = Finding {
        rule: &IMPORTED,
        severity: severity(level),
        confidence: Confidence::Low,
        place: Place {
            file: String::new(),
            line: number("/physicalLocation/region/startLine"),
            column: number("/physicalLocation/region/startColumn"),
        },
        excerpt: shown(
            text(location, "/physicalLocation/region/snippet/text").unwrap_or_default().trim(),
            MESSAGE,
        ),
        message: format!(
            "{}, {}: {}",
            shown(tool, NAME),
            shown(id, NAME),
            shown(message.trim(), MESSAGE)
        ),
        related: Vec::new(),
    };
    Told { file: file(run, location), finding, taken: false }
}

/// `warning` where nothing is said.
fn severity(level: Option<&str>) -> Severity {
    match level {
        Some("error") => High,
        Some("note" | "none") => Low,
        _ => Medium,
    }
}

/// Where it is, by its own words and those of the run.
fn file(run: &Value, location: &Value) -> PathBuf {
    let at = location.pointer("/physicalLocation/artifactLocation").unwrap_or(&Value::Null);
    let index = at.get("index").and_then(Value::as_u64);
    let listed = index
        .and_then(|index| run.get("artifacts")?.get(usize::try_from(index).ok()?)?.get("location"));
    let at = if at.get("uri").is_some() { at } else { listed.unwrap_or(at) };
    let uri = at.get("uri").and_then(Value::as_str).unwrap_or_default();
    let base = at.get("uriBaseId").and_then(Value::as_str).and_then(|id| {
        let bases = run.get("originalUriBaseIds")?;
        text(bases.get(id)?, "/uri")
    });
    let path = path(uri);
    match base {
        // A relative base is no more than a name.
        Some(base) if base.starts_with("file:") => self::path(base).join(path),
        _ => path,
    }
}

/// A path of a `file:` URI or of a relative reference.
fn path(uri: &str) -> PathBuf {
    let rest = uri.strip_prefix("file://localhost/").map(|rest| format!("/{rest}"));
    let rest = rest.or_else(|| uri.strip_prefix("file://").map(str::to_owned));
    let rest = rest.or_else(|| uri.strip_prefix("file:").map(str::to_owned));
    let rest = rest.unwrap_or_else(|| uri.to_owned());
    let mut bytes = Vec::with_capacity(rest.len());
    let mut left = rest.as_bytes();
    while let Some((&byte, more)) = left.split_first() {
        let pair = more.get(..2).filter(|_| byte == b'%');
        let pair = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                left = more.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                left = more;
            }
        }
    }
    let path = String::from_utf8_lossy(&bytes).into_owned();
    PathBuf::from(path.strip_prefix("./").unwrap_or(&path))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Verdict;

    fn report(path: &str) -> Report {
        Report {
            path: path.to_owned(),
            name: "a".to_owned(),
            verdict: Verdict::Safe,
            severity: None,
            vetted: true,
            reasons: Vec::new(),
            findings: Vec::new(),
            accepted: 0,
            capabilities: Vec::new(),
            files: 1,
            bytes: 1,
            model_review: None,
        }
    }

    /// A folder of two skills.
    fn hub() -> tempfile::TempDir {
        let hub = tempfile::tempdir().unwrap();
        for file in ["one/a.sh", "one/s/a.sh", "one/run it.sh", "on/a.sh"] {
            let file = hub.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        hub
    }

    fn log(hub: &Path, results: Value) -> Vec<u8> {
        let run = json!({
            "tool": {"driver": {"name": "other", "rules": [
                {"id": "r0", "defaultConfiguration": {"level": "error"}, "shortDescription": {"text": "bad"}},
            ]}},
            "originalUriBaseIds": {"SRC": {"uri": format!("file://{}/", hub.display())}},
            "artifacts": [{"location": {"uri": "one/run%20it.sh", "uriBaseId": "SRC"}}],
            "results": results,
        });
        json!({"version": "2.1.0", "runs": [run]}).to_string().into_bytes()
    }

    fn at(uri: &str) -> Value {
        json!([{"physicalLocation": {"artifactLocation": {"uri": uri},
            "region": {"startLine": 3, "startColumn": 2, "snippet": {"text": "x\u{1b}[2J"}}}}])
    }

    #[test]
    fn results_raise_the_verdict_of_the_skill_that_they_are_about() {
        let hub = hub();
        let (hub, roots) = (hub.path(), [hub.path().join("one"), hub.path().to_owned()]);
        let here = |rest: &str| format!("{}/{rest}", hub.display());
        for (result, verdict, file) in [
            (
                json!({"ruleId": "r", "level": "warning", "locations": at("one/a.sh")}),
                Verdict::Caution,
                "a.sh",
            ),
            (
                json!({"ruleId": "r0", "locations": at(&here("one/s/a.sh"))}),
                Verdict::Dangerous,
                "s/a.sh",
            ),
            (
                json!({"ruleIndex": 0, "locations": at(&format!("file://{}", here("one/a%2Esh")))}),
                Verdict::Dangerous,
                "a.sh",
            ),
            (json!({"level": "note", "locations": at("./one/a.sh")}), Verdict::Safe, "a.sh"),
            (
                json!({"level": "error", "locations": [{"physicalLocation": {"artifactLocation": {"index": 0}}}]}),
                Verdict::Dangerous,
                "run it.sh",
            ),
        ] {
            let mut imports = Imports::parse(&log(hub, json!([result]))).unwrap();
            let (mut one, mut two) = (report(&here("one")), report(&here("on")));
            imports.raise(&mut two, &roots);
            assert_eq!((two.verdict, imports.left()), (Verdict::Safe, 1));
            imports.raise(&mut one, &roots);
            assert_eq!((one.verdict, imports.left()), (verdict, 0), "{result}");
            assert_eq!(one.findings[0].place.file, file);
            assert!(!one.findings[0].excerpt.contains('\u{1b}'));
            assert!(one.findings[0].message.starts_with("other, "), "{:?}", one.findings);
        }
    }

    #[test]
    fn what_does_not_count_or_is_elsewhere_raises_nothing() {
        let hub = hub();
        let (hub, roots) = (hub.path(), [hub.path().to_owned()]);
        let results = json!([
            {"level": "error", "kind": "pass", "locations": at("one/a.sh")},
            {"level": "error", "suppressions": [{"kind": "external"}], "locations": at("one/a.sh")},
            {"level": "error", "locations": at("one/../one/a.sh")},
            {"level": "error", "locations": at("/other/one/a.sh")},
            {"level": "error", "locations": at("one/gone.sh")},
            {"level": "error"},
        ]);
        let mut imports = Imports::parse(&log(hub, results)).unwrap();
        let path = hub.join("one").display().to_string();
        let mut one = report(&path);
        imports.raise(&mut one, &roots);
        assert_eq!((one, imports.left()), (report(&path), 4));
        let rejected = json!([{"level": "error", "suppressions": [{"kind": "external", "status": "rejected"}],
            "locations": at("one/a.sh")}]);
        assert_eq!(Imports::parse(&log(hub, rejected)).unwrap().left(), 1);
        for odd in
            ["", "[]", "{}", "{\"version\": \"2.1.0\"}", "{\"version\": \"1.0\", \"runs\": []}"]
        {
            assert!(Imports::parse(odd.as_bytes()).is_err(), "{odd}");
        }
        for odd in [json!(1), json!([1, null, {"locations": 1}, {"message": []}])] {
            Imports::parse(&log(hub, odd)).unwrap();
        }
    }
}
