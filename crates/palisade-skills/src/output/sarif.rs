//! SARIF 2.1.0, for code hosts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Report, Rule, Severity};

/// Reports as one SARIF log.
pub fn sarif(reports: &[Report]) -> String {
    let mut rules: BTreeMap<&str, &'static Rule> = BTreeMap::new();
    let mut results = Vec::new();
    for report in reports {
        for finding in &report.findings {
            rules.insert(finding.rule.id, finding.rule);
            let place = &finding.place;
            let mut region = json!({ "startLine": place.line.max(1) });
            if let Some(region) = region.as_object_mut().filter(|_| place.column > 0) {
                region.insert("startColumn".to_owned(), place.column.into());
            }
            let uri = if report.path.ends_with(&place.file) {
                report.path.clone()
            } else {
                format!("{}/{}", report.path.trim_end_matches('/'), place.file)
            };
            results.push(json!({
                "ruleId": finding.rule.id,
                "level": level(finding.severity),
                "message": { "text": format!("{}: {}", finding.message, finding.excerpt) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": encoded(&uri) }, "region": region } }],
                "properties": { "confidence": finding.confidence, "severity": finding.severity, "verdict": report.verdict },
            }));
        }
    }
    let rules: Vec<Value> = rules
        .values()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.why },
                "help": { "text": rule.clear },
                "defaultConfiguration": { "level": level(rule.severity) },
                "properties": { "tags": rule.references },
            })
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "palisade", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "results": results,
        }],
    });
    super::printable(&format!("{log:#}\n"))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// A path as a relative reference.
fn encoded(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
