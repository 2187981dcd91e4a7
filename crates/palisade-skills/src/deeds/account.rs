//! Accounts at well-known services that the program names: a repository, a bucket, a channel, a hub.
//!
//! The host tells nothing there: everybody's data goes to the same one. The name of the account does, since it is not
//! the user's to choose.

use std::sync::LazyLock;

use super::{Report, bulk, handed, programs::Program, secrets};
use crate::{
    Confidence::{Low, Medium},
    Severity,
    formats::Profile,
    pattern::{Regex, code as pattern},
};

/// Something is put into an account; its name is the group.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bgh["'\s,]+(?:issue|pr|release|gist|api|workflow|run)\b[^\n]{0,200}?(?:(?:-R|--repo)["'\s,=]+|repos/)["']?([\w.-]{2,39}/[\w.-]{2,80})|api\.github\.com/repos/([\w.-]{2,39}/[\w.-]{2,80})/(?:issues|contents|git|dispatches|comments|releases)|gitlab\.com/api/v4/projects/([\w%.-]{2,80})/(?:issues|notes|snippets|repository|uploads)|\bowner\s*:\s*["']([\w-]{2,39})["']\s*,\s*repo\s*:|get_repo\(\s*["']([\w.-]{2,39}/[\w.-]{2,80})["']|git(?:["'\s,]+-C["'\s,]+\S{1,60})?["'\s,]+(?:remote["'\s,]+add["'\s,]+\S{1,30}|push)["'\s,]+(?:-\S+["'\s,]+){0,3}["']?(?:https://(?:[^\s/@]{1,80}@)?|git@|ssh://git@)(?:github|gitlab|bitbucket|codeberg)\.(?:com|org)[:/]([\w.-]{2,39}/[\w.-]{2,80})|s3://([a-z0-9][a-z0-9.-]{2,60})|gs://([a-z0-9][a-z0-9._-]{2,60})|\bBucket\s*[:=]\s*["']([a-z0-9][a-z0-9.-]{2,60})["']|upload_file(?:obj)?\([^\n]{0,80},\s*["']([a-z0-9][a-z0-9.-]{2,60})["']|([a-z0-9]{3,24})\.blob\.core\.windows\.net|push_to_hub\(\s*["']([\w.-]{2,60}/[\w.-]{2,90})|upload_(?:folder|file)\([^\n]{0,200}?repo_id\s*=\s*["']([\w.-]{2,60}/[\w.-]{2,90})|huggingface-cli\s+upload\s+([\w.-]{2,60}/[\w.-]{2,90})|chat[._]postMessage[^\n]{0,120}channel["']?\s*[:=]\s*["']([CGU][A-Z0-9]{8,12})["']|chat_id["']?\s*[:=]\s*["']?(-?\d{6,14})|parent[^\n]{0,30}(?:database|page)_id["']?\s*:\s*["']([0-9a-f-]{32,36})|spreadsheets/d/([\w-]{30,60})|docker["'\s,]+push["'\s,]+(?:-\S+\s+)?["']?([a-z0-9_-]{2,39}/[\w.-]{2,80})"#,
    )
});

/// Something goes in, rather than comes out.
static PUTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:create|comment|upload|cp|sync|mv|push|rsync|put\w*|post\w*|edit|dispatches?|createComment|create_issue|create_comment|upload_\w+|push_to_hub|send\w*)\b|-X\s*(?:POST|PUT|PATCH)|--method\s+(?:POST|PUT)|-f\s+body|--body|--data|-d\s"#,
    )
});

/// Content of files or programs is put into the message itself.
static FILLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\$\((?:whoami|hostname|id|cat|env|git|base64|tail|head|printenv|history|gzip|tar|<)|--body-file|`(?:cat|env|git|base64)\s|\|\s*(?:gzip|base64|xz|zstd)|<\s*\(|readFile\w*\(|read_text\(|open\([^\n]{0,60}\)\.read|getoutput|check_output"#,
    )
});

/// What stands there is written over, under a name that the machine or its user has.
static FORCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bpush\b[^\n]{0,40}\s(?:-[a-z]*f[a-z]*|--force)\b[^\n]{0,160}\$\((?:whoami|hostname|id|git config user)",
    )
});

/// The user has to fill it in.
fn is_blank(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let first = lower.split('/').next().unwrap_or_default();
    matches!(
        first,
        "owner"
            | "org"
            | "user"
            | "username"
            | "you"
            | "me"
            | "acme"
            | "example"
            | "team"
            | "company"
            | "repos"
    ) || ["your", "my-", "example", "placeholder", "xxx", "backup-bucket", "bucket-name"]
        .iter()
        .any(|word| lower.contains(word))
}

/// The accounts that a program puts something into, each with where, that are neither the user's to fill in nor named
/// by the purpose.
pub(super) fn named(program: &Program<'_>, profile: &Profile) -> Vec<(usize, String)> {
    let text = program.text.as_str();
    let mut found = Vec::new();
    let mut captures = ACCOUNT.create_captures();
    let mut from = 0;
    for _ in 0..32 {
        ACCOUNT.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let Some(whole) = captures.get_match() else { break };
        from = whole.end();
        let groups = captures.group_len();
        let Some(name) = (1..groups)
            .find_map(|group| captures.get_group(group))
            .and_then(|name| text.get(name.range()))
        else {
            continue;
        };
        if is_blank(name)
            || profile.purpose.contains(&name.to_ascii_lowercase())
            || !PUTS.is_match(super::redirect::near(text, whole.start()))
        {
            continue;
        }
        found.push((whole.start(), name.to_owned()));
    }
    found
}

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    for (at, name) in named(report.program, report.profile) {
        let around = super::redirect::near(text, at);
        let secret = secrets::opens(report.program);
        let people = bulk::reads(text);
        let filled = FILLED.is_match(around);
        let forced = FORCED.is_match(around);
        let (severity, sure) = match (secret || people, filled) {
            // Everybody's work goes to one place, each under a name of its own, over what was there.
            (false, true) if forced => (Severity::High, Medium),
            (true, _) if secret => (Severity::High, Medium),
            (true, true) => (Severity::High, Medium),
            (true, false) => (Severity::Medium, Medium),
            (false, true) => (Severity::Medium, Low),
            (false, false) => continue,
        };
        let message = format!(
            "what is the user's goes to `{}`, which the program names",
            palisade_core::shown(&name, 60)
        );
        report.say(&handed::ACCOUNT, severity, sure, at, message);
        return;
    }
}
