//! What everybody uses gives way to what nearly bears its name: a row of a table, a list of mirrors, an address in a page.

use std::{collections::BTreeSet, sync::LazyLock};

use super::{outward, redirect, rules};
use crate::{
    Confidence::{Low, Medium},
    FileKind, Package, Seen,
    Severity::{self, High},
    formats::Profile,
    install::{
        names::{Alike, Registry},
        rules::TYPOSQUAT,
    },
    pattern::{Regex, code as pattern},
};

const LARGEST: usize = 512 << 10;

/// Names that people trust by habit. In one of eight letters or more a letter is easily overlooked; a shorter one has
/// neighbours of its own (`ipython`, `openapi`, `docket`).
const KNOWN: &[&str] = &[
    "jsdelivr",
    "cdnjs",
    "cloudflare",
    "githubusercontent",
    "github",
    "gitlab",
    "bitbucket",
    "pythonhosted",
    "googleapis",
    "gstatic",
    "polyfill",
    "bootstrapcdn",
    "rubygems",
    "packagist",
    "dockerhub",
    "huggingface",
    "microsoft",
    "cloudfront",
    "amazonaws",
    "anthropic",
    "sourceforge",
    "atlassian",
    "salesforce",
    "paypal",
    "stripe",
    "hashicorp",
    "kubernetes",
    "npmjs",
    "fontawesome",
    "googletagmanager",
    "letsencrypt",
    "digitalocean",
    "netlify",
    "raspberrypi",
    "ubuntu",
    "debian",
    "wordpress",
    "shopify",
    "telegram",
    "dropbox",
    "linkedin",
    "facebook",
    "instagram",
    "coinbase",
    "binance",
    "metamask",
    "jetbrains",
    "mozilla",
    "launchpad",
    "maven",
    "gradle",
    "nodejs",
    "python",
    "docker",
    "openai",
];

/// An address, or a host in a row.
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:^|[\s|`"'(/@=,<])((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,18})(?:[:/\s|`"')>,;]|$)"#,
    )
});
/// What would tell that it is another is left out.
static UNTOLD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)`?\bintegrity\b`?|\bSRI\b|crossorigin|unsafe-(?:inline|eval)|checksum|sha256|gpgcheck|signature|GOSUMDB|GONOSUM|lock ?file|--no-deps|--no-verify|校验|签名|проверк|prüfsumme|empreinte|suma de verificación"#,
    )
});

/// Looks through texts and settings of a package.
pub(super) fn look(package: &Package, profile: &Profile, seen: &mut Seen) {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for file in package.files.iter().filter(|file| file.bytes.len() <= LARGEST) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let sure = if profile.security { Low } else { Medium };
        let mut exchanged = 0_usize;
        let mut place: Option<(u32, &str, String)> = None;
        for (number, line) in (1_u32..).zip(text.lines()) {
            if line.len() > 4096 || !line.contains('.') && !line.contains('|') {
                continue;
            }
            let hosts: Vec<String> = super::assembled::names(&HOST, line)
                .into_iter()
                .map(|(_, host)| host.to_ascii_lowercase())
                // `s.src` is a member of an object.
                .filter(|host| !outward::is_file(host) && outward::has_known_end(host))
                .take(8)
                .collect();
            let strange = hosts.iter().find(|host| redirect::is_handed(host, profile)).cloned();
            let Some(strange) = strange else { continue };
            if crate::code::teaches(line) {
                continue;
            }
            if let Some(known) = looks_like(&strange) {
                let severity = if profile.security { Severity::Medium } else { High };
                let message = format!(
                    "{} is not `{known}`, whose name it nearly bears",
                    palisade_core::shown(&strange, 60)
                );
                seen.findings.push(
                    rules::POLICY.at(&file.path, number, 0, line, message).of(severity).sure(sure),
                );
            }
            let other = hosts.iter().any(|host| {
                *host != strange && !redirect::is_handed(host, profile) && is_source(host)
            });
            if other && file.kind == FileKind::Prose {
                exchanged += 1;
                place.get_or_insert_with(|| (number, line, strange.clone()));
            }
        }
        if let Some((number, line, host)) = place
            && UNTOLD.is_match(text)
            && exchanged > 0
        {
            let message = format!(
                "what everybody's servers hold is to come from {}, and what would tell is left out",
                palisade_core::shown(&host, 60)
            );
            let severity = if profile.security { Severity::Medium } else { High };
            seen.findings.push(
                rules::POLICY.at(&file.path, number, 0, line, message).of(severity).sure(sure),
            );
        }
        if file.kind == FileKind::Prose {
            packages(file, text, sure, &mut named, seen);
        }
    }
}

/// Rows that name a well-known package and one that is nearly called so.
fn packages(
    file: &crate::File,
    text: &str,
    sure: crate::Confidence,
    named: &mut BTreeSet<String>,
    seen: &mut Seen,
) {
    for (number, line) in (1_u32..).zip(text.lines()) {
        if !line.trim_start().starts_with('|') || crate::code::teaches(line) {
            continue;
        }
        let cells: Vec<&str> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches(['`', '*']))
            .filter(|cell| {
                (4..60).contains(&cell.len())
                    && cell.chars().all(|c| {
                        c.is_ascii_lowercase()
                            || c.is_ascii_digit()
                            || matches!(c, '-' | '_' | '.' | '@' | '/')
                    })
            })
            .take(8)
            .collect();
        for registry in [Registry::Npm, Registry::PyPi] {
            let known: Vec<&&str> = cells.iter().filter(|cell| registry.knows(cell)).collect();
            let other = cells.iter().find_map(|cell| {
                let like = near(registry, cell)?;
                known.iter().any(|known| ***known == like).then_some((*cell, like))
            });
            if let Some((name, like)) = other
                && named.insert(name.to_owned())
            {
                let message = format!(
                    "`{name}` is to take the place of `{like}`, whose name it nearly bears"
                );
                seen.findings.push(
                    TYPOSQUAT
                        .at(&file.path, number, 0, name, message)
                        .of(Severity::Medium)
                        .sure(sure),
                );
            }
        }
    }
}

/// The well-known package that a name, or the beginning of one, is a slip of.
fn near(registry: Registry, name: &str) -> Option<String> {
    if registry.knows(name) {
        return None;
    }
    let whole = registry.alike(name);
    let alike = whole.or_else(|| {
        let mut stem = name;
        while let Some((front, _)) = stem.rsplit_once(['-', '_']) {
            stem = front;
            if registry.knows(stem) {
                return None;
            }
            if let Some(found) = registry.alike(stem) {
                return Some(found);
            }
        }
        None
    })?;
    Some(match alike {
        Alike::Looks(known) | Alike::Slip(known) | Alike::Near(known) => known,
    })
}

/// A host that serves what everybody loads.
fn is_source(host: &str) -> bool {
    const SOURCES: &[&str] = &[
        "jsdelivr.net",
        "unpkg.com",
        "cdnjs.cloudflare.com",
        "googleapis.com",
        "jquery.com",
        "gstatic.com",
        "polyfill.io",
        "esm.sh",
        "bootstrapcdn.com",
        "npmjs.org",
        "npmjs.com",
        "pypi.org",
        "pythonhosted.org",
        "crates.io",
        "rubygems.org",
        "docker.io",
        "ghcr.io",
        "quay.io",
        "gcr.io",
        "githubusercontent.com",
        "proxy.golang.org",
        "repo.maven.apache.org",
        "maven.org",
        "packagist.org",
        "debian.org",
        "ubuntu.com",
        "huggingface.co",
        "nuget.org",
        "anaconda.org",
    ];
    SOURCES.iter().any(|known| crate::code::hosts::is_within(host, known))
}

/// A name of fewer letters is told only by two that are exchanged, or a digit in place of a letter.
const LONG: usize = 8;

/// The well-known name that a label of a host is a slip of.
fn looks_like(host: &str) -> Option<&'static str> {
    let labels: Vec<&str> = host.split('.').collect();
    let names = labels.get(..labels.len().saturating_sub(1)).unwrap_or_default();
    names.iter().flat_map(|label| label.split(['-', '_'])).find_map(|part| {
        if part.len() < 6 || KNOWN.contains(&part) {
            return None;
        }
        KNOWN.iter().copied().find(|known| {
            let near = super::templates::is_near(part, known);
            near && (known.len() >= LONG || is_disguised(part, known))
        })
    })
}

/// Whether these have the same letters in another order, or differ in a digit that looks like a letter.
fn is_disguised(name: &str, known: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<u8> = text.bytes().collect();
        letters.sort_unstable();
        letters
    };
    let read = name.replace('0', "o").replace('1', "l").replace('3', "e").replace('5', "s");
    sorted(name) == sorted(known) || read == known || read.replace('l', "i") == known
}

#[cfg(test)]
mod tests {
    use super::{super::tests::seen_in, *};

    #[test]
    fn hosts_that_nearly_bear_a_known_name_are_told() {
        assert_eq!(looks_like("cdn.jsdellivr-cn.net"), Some("jsdelivr"));
        assert_eq!(looks_like("fonts.googleapls.com"), Some("googleapis"));
        assert_eq!(looks_like("gihtub.com"), Some("github"));
        assert_eq!(looks_like("raw.g1thub.com"), Some("github"));
        assert_eq!(looks_like("api.0penai.com"), Some("openai"));
        for own in [
            "cdn.jsdelivr.net",
            "docs.github.io",
            "grade.net",
            "dockers.net",
            "ipython.display",
            "jython.org",
            "openapi.tools",
            "docket.com",
            "cradle.dev",
        ] {
            assert_eq!(looks_like(own), None, "{own}");
        }
    }

    #[test]
    fn packages_nearly_called_so_are_told_in_tables() {
        let told = |text: &str| {
            seen_in(&[("SKILL.md", FileKind::Prose, text)])
                .findings
                .iter()
                .filter(|finding| finding.rule.id == TYPOSQUAT.id)
                .count()
        };
        assert_eq!(told("| pandas | padnas-lite |\n| requests | reqeusts-core |\n"), 2);
        assert_eq!(told("| lodash | lodash-es |\n| moment | dayjs |\n| axios | ky |\n"), 0);
    }
}
