//! Lock files: a package that comes from elsewhere than the others, and whose content nothing pins.

use std::collections::BTreeMap;

use super::{handed, outward};
use crate::{
    Confidence::Medium,
    Package, Seen, Severity,
    formats::{Profile, base},
};

/// The largest lock file that is read, in bytes.
const LARGEST: usize = 8 << 20;

pub(super) fn look(package: &Package, profile: &Profile, seen: &mut Seen) {
    for file in &package.files {
        let name = base(&file.path);
        if !matches!(name, "package-lock.json" | "npm-shrinkwrap.json")
            || file.bytes.len() > LARGEST
        {
            continue;
        }
        let Ok(lock) = serde_json::from_slice::<serde_json::Value>(&file.bytes) else { continue };
        let Some(packages) = lock.get("packages").and_then(serde_json::Value::as_object) else {
            continue;
        };
        let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut odd: Option<(&str, &str)> = None;
        for (name, entry) in packages {
            let Some(from) = entry.get("resolved").and_then(serde_json::Value::as_str) else {
                continue;
            };
            let Some(host) = from.strip_prefix("https://").or(from.strip_prefix("http://")) else {
                continue;
            };
            let host = host.split(['/', ':', '?']).next().unwrap_or_default();
            *hosts.entry(host).or_default() += 1;
            if entry.get("integrity").is_none() && outward::is_strange(host, profile) {
                odd = odd.or(Some((name, host)));
            }
        }
        // All from one mirror: the user's choice, or one that other rules look at.
        let Some((name, host)) = odd.filter(|_| hosts.len() > 1) else { continue };
        seen.findings.push(
            handed::SOURCE
                .at(
                    &file.path,
                    0,
                    0,
                    name,
                    format!("a package comes from {host}, other than the rest, and nothing pins its content"),
                )
                .of(Severity::High)
                .sure(Medium),
        );
    }
}
