//! A public key, written out to its last letter, that a package has machines accept: in the file of keys, in what sets
//! machines up, in what provisions them.
//!
//! Guides write keys with dots in them, or a word for the user's own. One that is complete has somebody who holds the
//! other half.

use std::sync::LazyLock;

use super::{Report, rules};
use crate::{
    Confidence::Medium,
    Severity::Critical,
    pattern::{Regex, code as pattern},
};

/// A whole key.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:ssh-ed25519\s{1,3}AAAAC3NzaC1lZDI1NTE5AAAA[A-Za-z0-9+/]{40,48}={0,2}|ssh-rsa\s{1,3}AAAAB3NzaC1yc2E[A-Za-z0-9+/]{200,1200}={0,2}|ecdsa-sha2-nistp\d{3}\s{1,3}AAAAE2VjZHNh[A-Za-z0-9+/]{90,240}={0,2}|sk-ssh-ed25519@openssh\.com\s{1,3}AAAAG[A-Za-z0-9+/]{60,120}={0,2})",
    )
});

/// Where keys that may log in stand, in programs and settings.
static ACCEPTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)authorized[_-]?keys?\b|aws_key_pair|\bkey_?pair|public_?key["']?\s{0,3}[:=]|\bssh[_-]keys?["']?\s{0,3}[:=]|ssh_authorized|AuthorizedKeysFile|keydir/|admin_ssh_key|ssh_public_keys?|metadata[^\n]{0,40}ssh-keys|deploy[_-]?keys?\b|AuthorizedKeysCommand|SshKeys?\b|sshPublicKey|openssh\.authorizedKeys"#,
    )
});

/// The line shows what a key looks like, or is of a host and not of somebody.
static SHOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\blooks? like\b|\bfor example\b|\be\.g\.|\bexample\b|\bformat\b|\bsuch as\b|known_hosts|beispiel|exemple|ejemplo|esempio|exemplo|например|例|예시|^\s{0,4}(?:\|\s?)?`?(?:[a-z0-9-]{1,63}\.){1,3}[a-z]{2,8}[ ,]|fingerprint|\brevok|\bremove\b|\bdelete\b",
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    const MOST: usize = 32;
    let text = report.program.text.as_str();
    if crate::judge::is_shown(report.program.path) || text.len() > 1 << 19 {
        return;
    }
    let found = KEY.find_iter(text).take(MOST).find(|found| {
        let around = super::redirect::near(text, found.start());
        let line = report.program.line(found.start()).1;
        let before = line.split("AAAA").next().unwrap_or_default();
        !SHOWN.is_match(before)
            && !is_blank(text.get(found.range()).unwrap_or_default())
            && ACCEPTED.is_match(around)
    });
    if let Some(found) = found {
        let message = "a key that the package brings may log in from now on";
        report.say(&rules::LOGIN_KEY, Critical, Medium, found.start(), message);
    }
}

/// Is it a key of letters that only fill the place: `AAAAB3Nza…AAAAAAAA`, `EXAMPLE`, `yourkey`?
fn is_blank(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let rest = key.get(key.len().saturating_sub(36)..).unwrap_or_default();
    let mut letters: Vec<u8> = rest.bytes().collect();
    letters.sort_unstable();
    letters.dedup();
    letters.len() < 12
        || ["example", "yourkey", "yourpublic", "placeholder", "xxxxx", "abcdefgh", "1234567"]
            .iter()
            .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, Prose};

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk3Vw9pLq2sTzYcR7mBnXeJ4oUaF1dGiKtZ8vQyWbS0";

    #[test]
    fn a_whole_key_that_machines_accept_is_told_wherever_it_stands() {
        let mut missed = Vec::new();
        for (path, kind, text) in [
            (
                "assets/u.yaml",
                Data,
                format!("users:\n  - name: ops\n    ssh_authorized_keys:\n      - {KEY} fleet\n"),
            ),
            (
                "assets/m.yml",
                Data,
                format!(
                    "- ansible.posix.authorized_key:\n    user: root\n    key: \"{KEY} base\"\n"
                ),
            ),
            (
                "assets/v.tf",
                Data,
                format!("resource \"aws_key_pair\" \"ops\" {{\n  public_key = \"{KEY}\"\n}}\n"),
            ),
            (
                "SKILL.md",
                Prose,
                format!("```bash\necho '{KEY} r@x' >> /root/.ssh/authorized_keys\n```\n"),
            ),
            (
                "SKILL.md",
                Prose,
                format!(
                    "Añadir en `~/.ssh/authorized_keys` la clave de rescate:\n\n`{KEY} rescate`\n"
                ),
            ),
        ] {
            if !stopped(path, kind, &text).contains(&"persistence-login-key") {
                missed.push(text);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn forms_hosts_and_the_users_own_keys_are_let_be() {
        for text in [
            "```bash\necho 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA... you@laptop' >> ~/.ssh/authorized_keys\n```\n".to_owned(),
            format!("A key looks like `{KEY} name@host`, one line each in `authorized_keys`.\n"),
            format!("`github.com {KEY}` goes to `~/.ssh/known_hosts`.\n"),
            "`cat ~/.ssh/id_ed25519.pub >> ~/.ssh/authorized_keys`\n".to_owned(),
        ] {
            assert!(stopped("SKILL.md", Prose, &text).is_empty(), "{text}");
        }
    }
}
