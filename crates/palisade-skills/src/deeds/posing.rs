//! Hosts that pose as a known one: its whole name, or the name of its owner, stands in front of somebody else's domain.
//!
//! `github.com.some-login.net` is nobody's but `some-login.net`'s. Networks that deliver pages have such names too, and so
//! have mirrors: it counts where somebody logs in or where the known host stands beside it, for which it is to stand in.

use std::sync::LazyLock;

use super::{outward, redirect, rules};
use crate::{
    Confidence::{Low, Medium},
    FileKind, Package, Seen,
    Severity::{High, Medium as Middling},
    formats::Profile,
    pattern::{Regex, code, pattern},
};

const LARGEST: usize = 512 << 10;
const LONGEST: usize = 4096;

/// Where people have accounts, or get what they run.
const KNOWN: &[&str] = &[
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "npmjs.com",
    "npmjs.org",
    "pypi.org",
    "crates.io",
    "rubygems.org",
    "docker.com",
    "docker.io",
    "google.com",
    "googleapis.com",
    "youtube.com",
    "gmail.com",
    "microsoft.com",
    "microsoftonline.com",
    "live.com",
    "office.com",
    "outlook.com",
    "azure.com",
    "apple.com",
    "icloud.com",
    "amazon.com",
    "amazonaws.com",
    "paypal.com",
    "stripe.com",
    "coinbase.com",
    "binance.com",
    "metamask.io",
    "ledger.com",
    "slack.com",
    "discord.com",
    "telegram.org",
    "whatsapp.com",
    "facebook.com",
    "instagram.com",
    "linkedin.com",
    "dropbox.com",
    "openai.com",
    "anthropic.com",
    "claude.ai",
    "huggingface.co",
    "cloudflare.com",
    "vercel.com",
    "netlify.com",
    "atlassian.com",
    "atlassian.net",
    "notion.so",
    "salesforce.com",
    "okta.com",
    "shopify.com",
    "wordpress.com",
    "booking.com",
    "airbnb.com",
    "ebay.com",
    "netflix.com",
    "adobe.com",
    "zoom.us",
    "docusign.com",
    "dhl.com",
    "ups.com",
    "fedex.com",
];

/// Networks whose names for pages begin with the page's own.
const CARRIERS: &[&str] = &[
    "edgekey.net",
    "edgesuite.net",
    "akadns.net",
    "akamai.net",
    "akamaized.net",
    "akamaiedge.net",
    "cloudflare.net",
    "cloudfront.net",
    "fastly.net",
    "trafficmanager.net",
    "azureedge.net",
    "azurefd.net",
    "nsatc.net",
    "footprint.net",
    "translate.goog",
    "archive.org",
    "ipaddress.com",
    "statuspage.io",
    "readthedocs.io",
    "github.io",
    "amazonaws.com",
    "amazonaws.com.cn",
];

static HOST: LazyLock<Regex> = LazyLock::new(|| {
    code(r#"(?i)(?:^|[\s|`"'(/@=,<])((?:[a-z0-9-]{1,63}\.){2,6}[a-z]{2,18})(?:[:/\s|`"')>,;]|$)"#)
});

/// People log in there, or leave what opens their account.
static ENTRY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)log-?[io]n|sign-?[iu][np]|\boauth|\bsso\b|\btokens?\b|passw|passwor|\baccount|\bverif|\bauth\b|/settings|\b2fa\b|\bwallet|anmeld|einlogg|connexion|se connecter|acceso|entrar|inicio de sesi|iniciar sesi|\baccedi|accesso|inloggen|zaloguj|logowani|вход|войти|вхід|увійти|giriş|دخول|ورود|लॉग ?इन|登录|登入|ログイン|로그인|đăng nhập|masuk\b|เข้าสู่ระบบ|logga in|přihlá",
    )
});

/// The known host that this one poses as, by all of its name or by its owner's.
fn posed(host: &str) -> Option<(&'static str, bool)> {
    if CARRIERS.iter().any(|carrier| crate::code::hosts::is_within(host, carrier)) {
        return None;
    }
    for known in KNOWN {
        if crate::code::hosts::is_within(host, known) {
            return None;
        }
    }
    let whole = KNOWN.iter().find(|known| {
        host.match_indices(**known).any(|(at, _)| {
            let before = host.get(..at).unwrap_or_default();
            let rest = host.get(at + known.len()..).unwrap_or_default();
            // `google.com.au` is of the same owner.
            (before.is_empty() || before.ends_with('.'))
                && rest.starts_with('.')
                && rest.matches('.').count() >= 2
        })
    });
    if let Some(known) = whole {
        return Some((known, true));
    }
    let mut labels = host.split('.');
    let first = labels.next().unwrap_or_default();
    // `google.com.au`, `google.co.jp`: of the same owner.
    let second = labels.next().unwrap_or_default();
    let own = matches!(second, "com" | "co" | "org" | "net" | "ac" | "gov" | "edu");
    (!own && labels.count() >= 1 && first.len() >= 5)
        .then(|| KNOWN.iter().find(|known| known.split('.').next() == Some(first)))
        .flatten()
        .map(|known| (*known, false))
}

/// Looks through what a package says and brings.
pub(super) fn look(package: &Package, profile: &Profile, seen: &mut Seen) {
    const MOST: usize = 3;
    let mut told = 0_usize;
    for file in package.files.iter().filter(|file| file.bytes.len() <= LARGEST) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        for (number, line) in (1_u32..).zip(text.lines()) {
            if told >= MOST || line.len() > LONGEST || !line.contains('.') {
                continue;
            }
            let hosts: Vec<String> = super::assembled::names(&HOST, line)
                .into_iter()
                .map(|(_, host)| host.to_ascii_lowercase())
                .filter(|host| !outward::is_file(host))
                .take(8)
                .collect();
            let found = hosts.iter().find_map(|host| {
                let (known, whole) = posed(host)?;
                redirect::is_handed(host, profile).then_some((host, known, whole))
            });
            let Some((host, known, whole)) = found else { continue };
            // The one that it stands in for, in the same row or link.
            let beside = line.match_indices(known).any(|(at, _)| {
                let rest = line.get(at + known.len()..).unwrap_or_default();
                !rest.starts_with('.')
            });
            let enters = ENTRY.is_match(line);
            let told_so = if whole { beside || enters } else { beside && enters };
            if !told_so || crate::code::teaches(line) {
                continue;
            }
            told += 1;
            let (severity, sure) = match profile.security {
                true => (Middling, Low),
                false => (High, if file.kind == FileKind::Media { Low } else { Medium }),
            };
            let message = format!(
                "{} poses as `{known}`, whose name stands in front of somebody else's",
                palisade_core::shown(host, 60)
            );
            seen.findings.push(
                rules::POLICY.at(&file.path, number, 0, line, message).of(severity).sure(sure),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::stopped, *};

    #[test]
    fn whose_name_stands_in_front_is_told() {
        assert_eq!(posed("github.com.acces-fr.net"), Some(("github.com", true)));
        assert_eq!(posed("login.paypal.com.secure-id.org"), Some(("paypal.com", true)));
        assert_eq!(posed("npmjs.acces-fr.net"), Some(("npmjs.com", false)));
        for own in [
            "github.com",
            "docs.github.com",
            "google.com.au",
            "www.apple.com.edgekey.net",
            "octo.github.io",
            "s3.amazonaws.com",
            "mygithub.company.net",
        ] {
            assert_eq!(posed(own), None, "{own}");
        }
    }

    #[test]
    fn a_page_to_log_in_that_poses_is_told() {
        for text in [
            "| `github.com/login` | `github.com.entree-fr.net/login` |\n",
            "Sign in at https://login.microsoftonline.com.desk-sso.net/ first.\n",
            "Lien : [huggingface.co](https://huggingface.co.modeles-fr.net/join)\n",
            "| `npmjs.com/login` | `npmjs.entree-fr.net/entrer-login` |\n",
            "登录页面：https://paypal.com.zhifu-desk.cn/account\n",
            "Вход: https://discord.com.vhod-desk.ru/\n",
        ] {
            assert_eq!(
                stopped("SKILL.md", FileKind::Prose, text),
                ["redirect-to-stranger"],
                "{text}"
            );
        }
        for text in [
            "| `github.com/login` | `docs.github.com/fr` |\n",
            "Sign in at https://github.com/login first.\n",
            "Its name leads to apple.com.edgekey.net.\n",
            "Log in at https://google.com.au/ and at https://amazon.com.br/account\n",
            "The mirror npmjs.company.net serves packages.\n",
        ] {
            assert_eq!(stopped("SKILL.md", FileKind::Prose, text), Vec::<&str>::new(), "{text}");
        }
    }
}
