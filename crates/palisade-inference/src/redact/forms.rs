use super::checks;

/// Characters that a key has behind its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chars {
    Alphanumeric,
    /// Capitals and 2 to 7: base 32.
    Base32,
    Hex,
    /// Alphanumeric, `-` and `_`.
    Url,
    /// Alphanumeric, `-`, `_`, `.` and `=`.
    Dotted,
    /// Alphanumeric, `+`, `/` and `=`.
    Base64,
    /// Alphanumeric and `/`.
    Path,
}

/// What must be true of it besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Its last six characters are the checksum of those before; or it has none that is known, and looks
    /// random.
    Crc,
    /// It looks random.
    Random,
    /// It holds this, or looks random and is as long as this.
    Holds(&'static [u8], usize),
    /// It has a form of its own.
    Jwt,
    PrivateKey,
    AwsSecret,
}

/// The form of a kind of key.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) kind: &'static str,
    pub(super) prefix: &'static str,
    pub(super) chars: Chars,
    /// How many of them.
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) check: Check,
}

const fn form(
    kind: &'static str,
    prefix: &'static str,
    chars: Chars,
    (least, most): (usize, usize),
    check: Check,
) -> Form {
    Form { kind, prefix, chars, least, most, check }
}

use Chars::{Alphanumeric, Base32, Base64, Dotted, Hex, Path, Url};
use Check::{AwsSecret, Crc, Holds, Jwt, PrivateKey, Random};

/// Every form that is known. A longer beginning stands before the one that it begins with. The sources
/// are the providers' own descriptions of their keys.
pub(super) const FORMS: &[Form] = &[
    form("github-token", "ghp_", Alphanumeric, (36, 251), Crc),
    form("github-token", "gho_", Alphanumeric, (36, 251), Crc),
    form("github-token", "ghu_", Alphanumeric, (36, 251), Crc),
    form("github-token", "ghs_", Alphanumeric, (36, 251), Crc),
    form("github-token", "ghr_", Alphanumeric, (36, 251), Crc),
    form("github-token", "github_pat_", Url, (82, 251), Crc),
    form("npm-token", "npm_", Alphanumeric, (36, 36), Crc),
    form("pypi-token", "pypi-AgEIcHlwaS5vcmc", Url, (50, 400), Random),
    form("pypi-token", "pypi-AgENdGVzdC5weXBpLm9yZ", Url, (50, 400), Random),
    form("anthropic-key", "sk-ant-", Url, (32, 300), Random),
    form("openrouter-key", "sk-or-v1-", Hex, (64, 64), Random),
    form("openai-key", "sk-proj-", Url, (40, 300), Holds(b"T3BlbkFJ", 40)),
    form("openai-key", "sk-svcacct-", Url, (40, 300), Holds(b"T3BlbkFJ", 40)),
    form("openai-key", "sk-admin-", Url, (40, 300), Holds(b"T3BlbkFJ", 40)),
    form("openai-key", "sk-", Alphanumeric, (32, 100), Holds(b"T3BlbkFJ", 32)),
    form("aws-key-id", "AKIA", Base32, (16, 16), Random),
    form("aws-key-id", "ASIA", Base32, (16, 16), Random),
    form("aws-secret-key", "ecret_access_key", Base64, (40, 40), AwsSecret),
    form("aws-secret-key", "ecretAccessKey", Base64, (40, 40), AwsSecret),
    form("aws-secret-key", "ECRET_ACCESS_KEY", Base64, (40, 40), AwsSecret),
    form("slack-token", "xoxb-", Url, (24, 200), Random),
    form("slack-token", "xoxp-", Url, (24, 200), Random),
    form("slack-token", "xoxa-", Url, (24, 200), Random),
    form("slack-token", "xoxr-", Url, (24, 200), Random),
    form("slack-token", "xoxs-", Url, (24, 200), Random),
    form("slack-token", "xoxe.", Dotted, (24, 300), Random),
    form("slack-token", "xoxe-", Url, (24, 300), Random),
    form("slack-token", "xapp-", Url, (24, 200), Random),
    form("slack-webhook", "hooks.slack.com/services/", Path, (30, 100), Random),
    form("stripe-key", "sk_live_", Alphanumeric, (24, 247), Random),
    form("stripe-key", "rk_live_", Alphanumeric, (24, 247), Random),
    form("stripe-key", "sk_test_", Alphanumeric, (24, 247), Random),
    form("stripe-key", "rk_test_", Alphanumeric, (24, 247), Random),
    form("stripe-key", "whsec_", Base64, (32, 100), Random),
    form("google-key", "AIza", Url, (35, 35), Random),
    form("google-oauth", "GOCSPX-", Url, (28, 28), Random),
    form("google-oauth", "ya29.", Url, (40, 2000), Random),
    form("gitlab-token", "glpat-", Dotted, (20, 300), Random),
    form("gitlab-token", "gldt-", Dotted, (20, 300), Random),
    form("gitlab-token", "glrt-", Dotted, (20, 300), Random),
    form("gitlab-token", "glptt-", Dotted, (20, 300), Random),
    form("gitlab-token", "glcbt-", Dotted, (20, 300), Random),
    form("gitlab-token", "glsoat-", Dotted, (20, 300), Random),
    form("huggingface-token", "hf_", Alphanumeric, (34, 40), Random),
    form("sendgrid-key", "SG.", Dotted, (66, 66), Random),
    form("digitalocean-token", "dop_v1_", Hex, (64, 64), Random),
    form("digitalocean-token", "doo_v1_", Hex, (64, 64), Random),
    form("shopify-token", "shpat_", Hex, (32, 32), Random),
    form("shopify-token", "shpss_", Hex, (32, 32), Random),
    form("grafana-token", "glsa_", Url, (41, 41), Random),
    form("docker-token", "dckr_pat_", Url, (27, 27), Random),
    form("atlassian-token", "ATATT3", Dotted, (60, 400), Random),
    form("databricks-token", "dapi", Hex, (32, 34), Random),
    form("groq-key", "gsk_", Alphanumeric, (52, 52), Random),
    form("xai-key", "xai-", Alphanumeric, (80, 80), Random),
    form("vault-token", "hvs.", Url, (90, 200), Random),
    form("age-key", "AGE-SECRET-KEY-1", Alphanumeric, (58, 58), Random),
    form("private-key", "-----BEGIN ", Base64, (0, 0), PrivateKey),
    form("jwt", "eyJ", Url, (12, 4096), Jwt),
];

impl Chars {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Alphanumeric => byte.is_ascii_alphanumeric(),
            Base32 => byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte),
            Hex => byte.is_ascii_hexdigit(),
            Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'='),
            Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Path => byte.is_ascii_alphanumeric() || byte == b'/',
        }
    }

    /// How many bytes at the beginning of a text are of these, at most so many.
    pub(super) fn run(self, text: &[u8], most: usize) -> usize {
        text.iter().take(most).take_while(|byte| self.has(**byte)).count()
    }
}

impl Form {
    /// Whether these characters behind the beginning make a key of it.
    pub(super) fn fits(&self, rest: &[u8]) -> bool {
        match self.check {
            Crc => checks::crc32_base62(rest) || checks::random(rest),
            Random => checks::random(rest) && !rest.ends_with(b"EXAMPLE"),
            Holds(part, length) => {
                memchr::memmem::find(rest, part).is_some()
                    || (rest.len() >= length && checks::random(rest))
            }
            Jwt | PrivateKey | AwsSecret => false,
        }
    }
}
