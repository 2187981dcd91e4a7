//! An authority for certificates that the package brings: whoever holds its key can be any host for the user.

use std::sync::LazyLock;

use super::{found, handed, outward, programs::Program};
use crate::{
    Confidence::Medium,
    Package, Seen, Severity,
    formats::{Profile, base},
    pattern::{Regex, code as pattern},
};

/// An authority is put among those that the machine trusts.
static TRUSTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bupdate-ca-(?:certificates|trust)\b|\btrust\s+anchor\b|add-trusted-cert|\bcertutil\b[^\n]{0,80}\s-A\b[^\n]{0,60}-t\s*["']?[CT]|\bcertutil(?:\.exe)?\b[^\n]{0,30}-addstore[^\n]{0,30}\broot\b|Import-Certificate\b[^\n]{0,160}\bRoot\b|\bkeytool\b[^\n]{0,80}-import\w{0,4}\b[^\n]{0,160}cacerts|NODE_EXTRA_CA_CERTS\s*=|(?:REQUESTS|CURL)_CA_BUNDLE\s*=|\bhttp\.sslCAInfo\b|\bcafile\s*[=:]"#,
    )
});

/// Files of certificates which the package brings.
fn brought(package: &Package) -> Vec<&str> {
    const LARGEST: usize = 64 << 10;
    package
        .files
        .iter()
        .filter(|file| {
            let name = base(&file.path).to_ascii_lowercase();
            let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
            matches!(suffix, "crt" | "cer" | "der" | "pem" | "p7b" | "mobileconfig")
                && file.bytes.len() <= LARGEST
                && memchr::memmem::find(&file.bytes, b"PRIVATE KEY").is_none()
        })
        .map(|file| base(&file.path))
        .collect()
}

pub(super) fn look(
    package: &Package,
    programs: &[Program<'_>],
    profile: &Profile,
    seen: &mut Seen,
) {
    let brought = brought(package);
    for program in programs {
        let Some(trusts) = TRUSTS.find(&program.text) else { continue };
        let own = brought.iter().find(|name| program.text.contains(**name));
        let message = match own {
            Some(name) => format!(
                "`{}`, which the package brings, may vouch for every host",
                palisade_core::shown(name, 60)
            ),
            None => match outward::stranger(program, profile) {
                Some(stranger) => {
                    format!("what comes from {} may vouch for every host", stranger.shown())
                }
                None => continue,
            },
        };
        let finding = found(
            program,
            profile,
            &handed::TRAFFIC,
            Severity::High,
            Medium,
            trusts.start(),
            message,
        );
        seen.findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{grave, stopped};
    use crate::FileKind::{Data, Prose, Shell};

    #[test]
    fn an_authority_that_is_brought_is_seen() {
        let text = "```sh\nsudo cp assets/lan.crt /usr/local/share/ca-certificates/\nsudo update-ca-certificates\n```\n";
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let found = grave(&[("SKILL.md", Prose, text), ("assets/lan.crt", Data, certificate)]);
        assert!(found.contains(&"config-traffic-through-stranger"), "{found:?}");
        // The user's own.
        assert!(grave(&[("SKILL.md", Prose, text)]).is_empty());
        let fetched = "curl -so /usr/local/share/ca-certificates/x.crt https://pki.trust-lan.net/x.crt && update-ca-certificates";
        assert!(stopped("a.sh", Shell, fetched).contains(&"config-traffic-through-stranger"));
        assert!(stopped("a.sh", Shell, "mkcert -install\nmkcert localhost 127.0.0.1").is_empty());
    }
}
