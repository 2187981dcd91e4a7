//! Install steps and dependencies: what runs by itself, where packages come from, and whose names
//! they have.

mod manifests;
pub(crate) mod names;
pub(crate) mod rules;

pub use rules::RULES;

use names::{Alike, Registry};

use crate::code::{hosts, safe};
use crate::{Confidence, Finding, Package, Place, Rule, Seen, Severity};

/// Looks at the manifests of a package.
pub fn look(package: &Package) -> Seen {
    let mut seen = Seen::default();
    for file in &package.files {
        manifests::look(package, file, &mut seen);
    }
    seen
}

/// A finding about a name that looks like another.
pub(crate) fn judge_name(
    registry: Registry,
    name: &str,
) -> Option<(&'static Rule, Severity, String)> {
    let shown = safe(name);
    Some(match registry.alike(name)? {
        Alike::Looks(known) => (
            &rules::HOMOGLYPH,
            Severity::High,
            format!("`{shown}` looks like `{known}` and has letters of another script."),
        ),
        Alike::Slip(known) => (
            &rules::TYPOSQUAT,
            Severity::High,
            format!("`{shown}` is one slip away from `{known}`."),
        ),
        Alike::Near(known) => {
            (&rules::TYPOSQUAT, Severity::Low, format!("`{shown}` is close to `{known}`."))
        }
    })
}

/// A finding about the address that a dependency comes from.
fn judge_address(address: &str) -> (Severity, Confidence) {
    use hosts::Standing;
    match hosts::standing_of(address) {
        None | Some(Standing::Loopback | Standing::Private | Standing::Known) => {
            (Severity::Note, Confidence::Medium)
        }
        Some(Standing::Shared) => (Severity::Low, Confidence::Medium),
        Some(Standing::Plain) if address.starts_with("http://") => {
            (Severity::High, Confidence::Medium)
        }
        // The package itself lies there, and no registry has seen it.
        Some(Standing::Plain) if is_archive(address) && !crate::deeds::is_placeholder(address) => {
            (Severity::High, Confidence::Medium)
        }
        Some(Standing::Plain) => (Severity::Medium, Confidence::Medium),
        Some(Standing::Drop | Standing::Address | Standing::Shortener) => {
            (Severity::High, Confidence::High)
        }
    }
}

fn is_archive(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    [".whl", ".tgz", ".tar.gz", ".zip", ".gem", ".crate", ".nupkg"]
        .iter()
        .any(|end| path.ends_with(end))
}

fn say(
    seen: &mut Seen,
    rule: &'static Rule,
    (severity, confidence): (Severity, Confidence),
    (file, line): (&str, u32),
    excerpt: &str,
    message: String,
) {
    seen.findings.push(Finding {
        rule,
        severity,
        confidence,
        place: Place { file: file.to_owned(), line, column: 0 },
        excerpt: safe(excerpt),
        message,
        related: Vec::new(),
    });
}
