//! Who is let in for good: accounts with a password that stands in the program, rules that know an address, roles for
//! an account of somebody's, agents that no longer ask, and parts that somebody else may exchange.

use std::sync::LazyLock;

use super::{Report, handed, rules};
use crate::{
    Confidence::Medium,
    Severity::High,
    pattern::{Regex, code as pattern},
};

/// An account with all rights, made with a password that stands there.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)create_superuser\([^\n)]{0,120}["']([^"'\\\n$<{]{6,64})["']\s*\)|\bCREATE\s+(?:USER|ROLE|LOGIN)\b[^;\n]{0,140}(?:IDENTIFIED\s+BY|PASSWORD)\s*=?\s*(?:%L'[^\n;]{0,60},\s*)?'{1,2}([^'<$\n{]{6,64})'|\bnet\s+user\s+\S{1,30}\s+(\S{6,60})\s+/add|echo\s+["']?\w{1,30}:([^$<\s"']{6,60})["']?\s*\|\s*(?:sudo\s+)?chpasswd"#,
    )
});
/// The rights that make it one.
static ALL_RIGHTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)create_superuser|GRANT\s+ALL(?:\s+PRIVILEGES)?\s+ON\s+\*\.\*[^;\n]{0,120}|\bSUPERUSER\b|\bsysadmin\b|administrators?\b[^\n]{0,40}/add|usermod\s+-aG\s+\S{0,20}(?:sudo|wheel|docker)|\bdb_owner\b",
    )
});
/// A password that stands for the user's own.
fn is_blank(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    [
        "change",
        "example",
        "your",
        "pass",
        "secret",
        "test",
        "dev",
        "local",
        "admin",
        "root",
        "demo",
        "sample",
        "xxx",
        "placeholder",
        "postgres",
        "mysql",
        "1234",
        "generated",
    ]
    .iter()
    .any(|blank| word.contains(blank))
}

/// Rules of a store that know one address or one day.
static RULES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\.email(?:\s*==\s*|\s*\.\s*(?:matches|endsWith|split)\()\s*["'][^"'\n]{0,12}@[a-z0-9.\[\]\\-]{4,60}["']|request\.time\s*>\s*timestamp"#,
    )
});
static ALLOWS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\{\w{1,20}=\*\*\}\s*\{?\s*allow\s[^;\n]{0,60}\b(?:write|read)\b")
});

/// A second place, of an account that is named, gets what is written.
static REPLICA: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)["']?Destination["']?\s*[:=]\s*\{[^}]{0,240}["']?Account["']?\s*[:=]\s*["']?(\d{12})|destination_account\w*\s*=\s*["'](\d{12})"#,
    )
});
/// Numbers that everybody writes.
fn is_sample(number: &str) -> bool {
    let mut digits = number.bytes();
    let first = digits.next();
    digits.all(|digit| Some(digit) == first)
        || ["1234", "1111", "2222", "3333", "9876", "0000"]
            .iter()
            .any(|start| number.starts_with(start))
}

/// An agent that does not ask.
static UNASKING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)--dangerously-[a-z-]{4,40}|--yolo\b|--full-auto\b|--approval-mode[ =]yolo|--permission-mode[ =]bypassPermissions|--allow-all-tools\b",
    )
});
/// It takes the place of the one that asks, from now on.
static WRAPS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:>>|\btee\s+-a|>)\s*["']?(?:~|\$HOME|\$\{HOME\})?/?[\w./]{0,40}\.?(?:bashrc|zshrc|zprofile|profile|bash_profile|zshenv|config\.fish|aliases|\.local/bin/\w+)\b|/usr/local/bin/(?:claude|codex|gemini)\b|\balias\s+(?:claude|codex|gemini|copilot|openclaw|cursor-agent|opencode)=|\bfunction\s+(?:claude|codex|gemini)\b"#,
    )
});

/// Where a market of plugins or packages leads is exchanged.
static MARKET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\bmarketplace\s+add\s+[\w.-]{1,40}/[\w.-]{1,60}|extraKnownMarketplaces")
});
static FOR_ALL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:every|all|each) existing\b|known_marketplaces|\bautoUpdate\b[^\n]{0,12}true|\bfor (?:every|each|all)\b[^\n]{0,40}marketplace",
    )
});

/// What was labelled or made goes to an account in public.
static PUBLISHED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:push_to_hub|upload_folder|upload_file|create_repo)\(\s*(?:repo_id\s*=\s*)?f?["']([\w-]{3,40})/[^\n)]{0,160}private\s*=\s*False"#,
    )
});

/// A document or a workbook that acts when it is opened.
static OPENS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:Auto_?Open|AutoExec|Document_Open|Workbook_Open|Auto_?Close)\b")
});
static FETCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)XMLHTTP|WinHttp|URLDownloadToFile|ADODB\.Stream|InternetOpen|curl\s|powershell")
});
static STARTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\.Run\b|\bShell\s*\(|\bShell\s+["']|ShellExecute|\.Exec\b|WScript\.Shell|CreateProcess"#,
    )
});

/// What a check of a test found is dropped, for some names only.
static DROPPED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)catch\s*(?:\(\s*\w{1,20}(?:\s*:\s*\w+)?\s*\))?\s*\{\s*if\s*\(\s*!?\s*\w{1,30}\.(?:test|includes|some|match)\([^\n]{0,120}\)\s*\{?\s*(?:throw|return)|except\s+(?:AssertionError|Exception)[^\n]{0,30}:\s*(?:\n\s*)?(?:if\s[^\n]{0,100}:\s*(?:\n\s*)?)?(?:pass|return|raise)",
    )
});
static CHECKED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bexpect\b|\bassert\w*\b|\bpytest\b|\bvitest\b|\bjest\b"));
static GUARDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:auth\w*|permission|signature|payment|csrf|saniti[sz]e|crypto|session|security|access|token|billing)(?:[|,\x22' ]{1,6}(?:auth\w*|permission|signature|payment|csrf|saniti[sz]e|crypto|session|security|access|token|billing)){1,}",
    )
});

/// Every machine that is logged in to is believed, and gets the keys along.
static EVERY_HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s*Host\s+\*[\s\S]{0,500}?StrictHostKeyChecking\s+no|StrictHostKeyChecking\s+no[\s\S]{0,200}?ProxyCommand",
    )
});
static ALONG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)ForwardAgent\s+yes|ProxyCommand\s+\S|ProxyJump\s+\S"));

/// Files of secrets become part of an image.
static BAKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:COPY|ADD)\b[^\n]{0,80}(?:\.env\b|\.npmrc|\.netrc|\.aws|\.ssh|credentials|\.pypirc|id_rsa)",
    )
});
static LAST_STAGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)--from=\w+"));

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    account(report, text);
    if let Some(rule) = RULES.find(text)
        && ALLOWS.is_match(text)
    {
        let message = "a rule for everything knows one address, or opens by itself after a day";
        report.say(&handed::SECOND_WAY, High, Medium, rule.start(), message);
    }
    let mut captures = REPLICA.create_captures();
    REPLICA.captures(text, &mut captures);
    if let Some(whole) = captures.get_match()
        && let Some(number) = (1..3).find_map(|at| captures.get_group(at))
        && let Some(number) = text.get(number.range())
        && !is_sample(number)
    {
        let message = format!("what is written is copied to account {number}, which it names");
        report.say(&handed::COPY, High, Medium, whole.start(), message);
    }
    if let Some(unasking) = UNASKING.find(text)
        && WRAPS.is_match(text)
        && ["claude", "codex", "gemini", "copilot", "openclaw"]
            .iter()
            .any(|name| text.contains(name))
    {
        let message = "the agent is exchanged for one that does not ask, from now on";
        report.say(&rules::GUARDS_OFF, High, Medium, unasking.start(), message);
    }
    let mut captures = PUBLISHED.create_captures();
    PUBLISHED.captures(text, &mut captures);
    if let (Some(whole), Some(owner)) = (captures.get_match(), captures.get_group(1))
        && let Some(owner) = text.get(owner.range()).map(str::to_ascii_lowercase)
        && !["your", "user", "my-", "org", "name", "example", "acme", "team"]
            .iter()
            .any(|blank| owner.contains(blank))
        && !report.profile.purpose.contains(&owner)
    {
        let message = "what is the user's is published below an account that it names";
        report.say(&handed::ACCOUNT, High, Medium, whole.start(), message);
    }
    if let Some(opens) = OPENS.find(text)
        && FETCHES.is_match(text)
        && STARTS.is_match(text)
    {
        let message = "a document that is opened fetches something and starts it";
        report.say(&rules::FETCHED_RUNS, High, Medium, opens.start(), message);
    }
    if let Some(dropped) = DROPPED.find(text)
        && !report.program.prose
        && CHECKED.is_match(text)
        && GUARDED.is_match(text)
    {
        let message = "what a test finds is dropped where it is about security";
        report.say(&rules::BACKDOOR, High, Medium, dropped.start(), message);
    }
    if let Some(host) = EVERY_HOST.find(text)
        && ALONG.is_match(text)
    {
        let message = "every host is believed unchecked, and keys or traffic go along";
        report.say(&handed::TRAFFIC, High, Medium, host.start(), message);
    }
}

fn account(report: &mut Report<'_>, text: &str) {
    if !ALL_RIGHTS.is_match(text) {
        return;
    }
    let mut captures = ACCOUNT.create_captures();
    let mut from = 0;
    for _ in 0..16 {
        ACCOUNT.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { return };
        from = whole.end();
        let word = (1..5)
            .find_map(|group| captures.get_group(group))
            .and_then(|word| text.get(word.range()));
        if word.is_some_and(|word| !is_blank(word)) {
            let message = "an account with all rights is made, with a password that stands here";
            report.say(&handed::SECOND_WAY, High, Medium, whole.start(), message);
            return;
        }
    }
}

/// What a package holds when it is published has secrets in it.
static SHIPPED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bfiles\b[^\n]{0,24}\[[^\]\n]{0,120}["'](?:\*\*?/)?(?:\.env(?:["'*]|\.(?:local|prod))|\*\.pem|\*\.key|\.npmrc|id_rsa|\.netrc)"#,
    )
});

/// What the texts of a package say together.
pub(super) fn texts(
    package: &crate::Package,
    profile: &crate::formats::Profile,
    seen: &mut crate::Seen,
) {
    for file in package.files.iter().filter(|file| file.kind == crate::FileKind::Prose) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let mut say = |at: usize, rule: &'static crate::Rule, message: &str| {
            let before = text.get(..at).unwrap_or_default();
            let number = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
            let line = text.lines().nth(number - 1).unwrap_or_default();
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let sure = if profile.security { crate::Confidence::Low } else { Medium };
            seen.findings.push(rule.at(&file.path, number, 0, line, message).of(High).sure(sure));
        };
        if let Some(market) = MARKET.find(text)
            && FOR_ALL.is_match(text)
        {
            let message = "all that is installed is made to come from one place that it names";
            say(market.start(), &handed::SOURCE, message);
        }
        if let Some(shipped) = SHIPPED.find(text)
            && ["npm publish", "pnpm publish", "yarn publish", "vsce publish"]
                .iter()
                .any(|publish| text.contains(publish))
        {
            say(shipped.start(), &handed::LAID, "files of secrets are published with the product");
        }
        if let Some(baked) = BAKED.find(text)
            && LAST_STAGE.is_match(text.get(baked.range()).unwrap_or_default())
            && ["docker push", "docker tag", "podman push", "buildx build --push"]
                .iter()
                .any(|push| text.contains(push))
        {
            let message = "files of secrets become part of an image that is pushed";
            say(baked.start(), &handed::BULK, message);
        }
    }
}
