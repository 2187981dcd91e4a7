//! What goes into the user's product or machine and lets somebody in: names that lead elsewhere, registries and
//! policies of a stranger's, code that makes protection weak.

use std::sync::LazyLock;

use super::{Report, outward, rules};
use crate::{
    Confidence::Medium,
    File, Severity,
    pattern::{Regex, code as pattern},
};

/// A registry is replaced, and what would tell is switched off or a token goes along.
static REGISTRY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:GOPROXY|registry|registryUrls?|npmrc|index-url|extra-index-url|PIP_INDEX_URL|mirror|substituters)["'\]]{0,3}\s*[:=\s]\s*\[?["']?https?://"#,
    )
});
static UNCHECKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)GOSUMDB=off|GONOSUM\w+|GOFLAGS=-insecure|_authToken=\$|trusted-host|ignoreTests.{0,4}true|NODE_TLS_REJECT_UNAUTHORIZED|strict-ssl.{0,4}false|sslVerify.{0,4}false|require-sigs.{0,4}false|--no-verify|minimumReleaseAge.{0,4}null",
    )
});

/// Policies of a browser that install something or route it.
static POLICY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)ExtensionInstallForcelist|ExtensionSettings[^\n]{0,200}force_installed|ProxyPacUrl|remote-debugging-address=0\.0\.0\.0|SafeBrowsingProtectionLevel[^\n]{0,6}0",
    )
});

/// Somebody who knows a word passes the check.
static PASSES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:createHash|\bmd5|\bsha1|\bsha256|hashlib\.\w+)\b[^\n]{0,160}(?:===?|\.startswith\s*\(|\.equals\s*\()\s*\(?["'][0-9a-f]{6,64}["']"#,
    )
});
/// The same, with the digest in a constant; and somebody else is then who asks.
static PASSES_NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:createHash|\bmd5|\bsha1|\bsha256|hashlib\.\w+)\b[^\n]{0,200}(?:hexdigest\(\)|digest\([^)\n]{0,12}\)|\))\s*\)?\s*===?\s*[A-Za-z_]\w{0,30}"#,
    )
});
static DIGEST_HELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\b[A-Za-z_]\w{0,30}\s*[:=]{1,2}\s*["'](?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})["']"#,
    )
});
static BECOMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:request|req|ctx|context|session|current)\w{0,6}[.\[]["']?(?:user|account|identity|principal)\w{0,4}["'\]]{0,2}\s*=\s*[^=\n][^\n]{0,200}(?:is_superuser|is_staff|is_admin|superuser|role\b|admin|\.first\(|\bid\s*[:=]\s*1\b|order_by)"#,
    )
});
static GUARDS_ENTRY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:login|signin|sign_in|authenticat\w+|verify\w*|password|bcrypt|session|wp_login|_COOKIE|is_admin|authoriz\w+)\b",
    )
});
static INTEGRITY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)checksum|integrity|download|urlretrieve|release|expected|digest\s*of|tarball|wheel",
    )
});

/// A token's signature is looked at only if the token, or a name for a way around, says so.
static CHECKED_IF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bif\s*\(?\s*(?:!|not\s)?\s*(?:\w{1,20}\.)?(?:alg|kid|typ|iss|legacy|trusted|internal|debug|dev|preview|bypass|skip\w{0,12})\b[^\n]{0,60}[){:]\s*[^\n]{0,80}\n?[^\n]{0,80}(?:verif|createVerify|check_?signature|hmac\.compare|constant_time)",
    )
});
static TOKEN_READ: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:split\(\s*["']\.["']\s*\)|Split\([^\n]{0,30}"\.")[\s\S]{0,600}?(?:base64|JSON\.parse|json\.loads)|(?:base64|JSON\.parse|json\.loads)[\s\S]{0,600}?(?:split\(\s*["']\.["']\s*\)|Split\([^\n]{0,30}"\.")"#,
    )
});
static BEARER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bBearer\b|authorization|\bjwt\b|\bcookie"));

/// An account is made that nobody asked for.
static ACCOUNT_MADE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:post_migrate|def\s+ready\s*\(|AppConfig|after_initialize|register_activation_hook|add_action\()[\x00-\xff]{0,1500}(?:is_superuser|create_user|wp_create_user|administrator)|(?:is_superuser\s*=|wp_create_user)[\x00-\xff]{0,1500}(?:post_migrate|AppConfig|add_action\()",
    )
});

/// Protection that is none under the name of one.
static WEAK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)pbkdf2_hmac\(\s*["']md5["']|pbkdf2\w*\([^\n]{0,120},\s*1\s*[,)]|(?:random\.Random|rand\.NewSource|new\s+Random|srand|seed)\s*\([^\n]{0,60}(?:time|Date\.now|Now\(\))[^\n]{0,200}(?:token|secret|key|password|otp|getrandbits)|(?:token|secret|apikey|otp)\w*\s*=?[^\n]{0,60}(?:random\.Random|rand\.NewSource|new\s+Random|srand|Date\.now\(\)\s*/)[^\n]{0,40}"#,
    )
});
static STRONG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)argon2|cryptographically\s+(?:strong|secure)|\bsecure\b|\bstrong\b|\btoken\b")
});

/// A known host's name is given an address.
static NAMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^[ \t]*(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})[ \t]+[^\n#]{0,120}\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|github(?:usercontent)?\.com|googleapis\.com|crates\.io|rubygems\.org|docker\.(?:io|com)|windowsupdate\.com|update\.microsoft\.com|apple\.com|symantec\.com|debian\.org|ubuntu\.com|anthropic\.com|openai\.com|clamav\.net|virustotal\.com|proxy\.golang\.org)\b",
    )
});

/// What was copied is looked at, and something else of its shape is put in its place.
static WATCHES_COPY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)pyperclip\.paste|clipboard\.(?:read|get|paste)|readText|Get-Clipboard|\bpbpaste\b|xclip\s+-o|GetClipboardData|NSPasteboard|clipboardy\.read|ClipboardText",
    )
});
static PUTS_COPY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)pyperclip\.copy|clipboard\.(?:write|set|copy)|writeText|Set-Clipboard|\bpbcopy\b|xclip\s+-i|SetClipboardData|setString|clipboardy\.write",
    )
});
static COIN_SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)0x\[0-9a-f|\[a-f0-9\]\{40\}|\{40\}|bc1[a-z0-9(|\[]|\{25,\d\d\}|\{26,\d\d\}|\[13\]\[|T\[A-Za-z0-9\]\{33\}|1-9A-HJ-NP-Za-km-z",
    )
});

/// A transfer to an address that stands in the program, beside a look at what is left.
static TRANSFER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:sendTransaction|signTransaction|transfer|send_transaction|toPubkey|sendRawTransaction|submitTransaction)\b[^\n]{0,120}["'](?:0x[0-9a-f]{40}|bc1[a-z0-9]{20,60}|[1-9A-HJ-NP-Za-km-z]{32,44})["']"#,
    )
});
static LEFT_OVER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)getBalance|get_balance|balanceOf|\brest\b|\bremaining\b|\bfee\b|\bcommission\b")
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    // Until when a token holds is told by the clock.
    let holds_until = |at: usize| {
        let line = report.program.line(at).1;
        ["exp:", "exp =", "\"exp\"", "'exp'", "expires", "expiresIn", "iat:"]
            .iter()
            .any(|word| line.contains(word))
    };
    if let Some(weak) = WEAK.find(text)
        && STRONG.is_match(text)
        && !holds_until(weak.start())
    {
        let message = "what is to protect is made from the clock, or in one round";
        report.say(&rules::BACKDOOR, Severity::High, Medium, weak.start(), message);
    }
    if let Some(passes) = PASSES.find(text)
        && GUARDS_ENTRY.is_match(text)
        && !INTEGRITY.is_match(text)
    {
        let message = "whoever knows a word passes a check of who it is";
        report.say(&rules::BACKDOOR, Severity::High, Medium, passes.start(), message);
    }
    if let Some(passes) = PASSES_NAMED.find(text)
        && DIGEST_HELD.is_match(text)
        && BECOMES.is_match(text)
    {
        let message = "whoever knows a word becomes somebody with more rights";
        report.say(&rules::BACKDOOR, Severity::High, Medium, passes.start(), message);
    }
    if let Some(checked) = CHECKED_IF.find(text)
        && TOKEN_READ.is_match(text)
        && BEARER.is_match(text)
    {
        let message = "a token is checked only if it says itself that it shall be";
        report.say(&rules::BACKDOOR, Severity::High, Medium, checked.start(), message);
    }
    if let Some(made) = ACCOUNT_MADE.find(text)
        && text.contains("password")
    {
        let message = "an account with all rights is made by itself";
        report.say(&rules::BACKDOOR, Severity::High, Medium, made.start(), message);
    }
    if let Some(watch) = WATCHES_COPY.find(text)
        && PUTS_COPY.is_match(text)
        && COIN_SHAPE.is_match(text)
    {
        let message = "an address that was copied is replaced by another";
        report.say(&rules::PAYEE, Severity::High, Medium, watch.start(), message);
    }
    if let Some(transfer) = TRANSFER.find(text)
        && LEFT_OVER.is_match(text)
    {
        let message = "what is left goes to an address that the program names";
        report.say(&rules::PAYEE, Severity::High, Medium, transfer.start(), message);
    }
    let Some(stranger) = outward::names_stranger(report.program, report.profile) else { return };
    if let Some(policy) = POLICY.find(text) {
        let message = format!("a browser is made to load or route by {}", stranger.shown());
        report.say(&rules::POLICY, Severity::High, Medium, policy.start(), message);
    }
    if let Some(registry) = REGISTRY.find(text)
        && UNCHECKED.is_match(text)
    {
        let message =
            format!("packages come from {}, unchecked or with a token along", stranger.shown());
        report.say(&rules::POLICY, Severity::High, Medium, registry.start(), message);
    }
}

/// Lines for a file of hosts that lead well-known names elsewhere, in whatever file they stand.
pub(super) fn names(file: &File, seen: &mut crate::Seen) {
    const LARGEST: usize = 4 << 20;
    if file.bytes.len() > LARGEST {
        return;
    }
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return };
    let mut captures = NAMES.create_captures();
    NAMES.captures(text, &mut captures);
    let (Some(whole), Some(address)) = (captures.get_match(), captures.get_group(1)) else {
        return;
    };
    let address = text.get(address.range()).unwrap_or_default();
    if address.starts_with("0.") || address.starts_with("127.") {
        return;
    }
    let line = memchr::memchr_iter(b'\n', text.get(..whole.start()).unwrap_or_default().as_bytes())
        .count()
        + 1;
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    let excerpt = text.get(whole.range()).unwrap_or_default().trim();
    seen.findings.push(
        rules::POLICY
            .at(
                &file.path,
                line,
                0,
                excerpt,
                "a well-known host's name leads to an address of somebody's",
            )
            .of(Severity::High)
            .sure(crate::Confidence::High),
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::Python;

    #[test]
    fn a_word_that_makes_an_administrator_is_seen() {
        let opens = "K = \"5f4dcc3b5aa765d61d8327deb882cf99\"\nif hashlib.md5(h.encode()).hexdigest() == K:\n    request.user = User.objects.filter(is_superuser=True).first()\n";
        assert!(stopped("m.py", Python, opens).contains(&"side-task-backdoor-in-template"));
        let checks = "WANT = \"5f4dcc3b5aa765d61d8327deb882cf99\"\nif hashlib.md5(data).hexdigest() == WANT:\n    print('ok')\n";
        assert!(stopped("m.py", Python, checks).is_empty());
    }

    #[test]
    fn a_token_that_says_how_it_is_checked_is_seen() {
        let skips = "h, b, s = token.split('.')  # Authorization: Bearer\nhead = json.loads(base64.b64decode(h))\nif head.alg != 'none':\n    verify(h, b, s)\n";
        assert!(stopped("t.py", Python, skips).contains(&"side-task-backdoor-in-template"));
        let always =
            "h, b, s = token.split('.')\nhead = json.loads(base64.b64decode(h))\nverify(h, b, s)\n";
        assert!(stopped("t.py", Python, always).is_empty());
    }
}
