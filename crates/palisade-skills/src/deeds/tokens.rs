//! Tokens of one service beside another one's address.

use std::{collections::BTreeSet, sync::LazyLock};

use super::{Report, handed, outward, redirect};
use crate::{
    Confidence::{Low, Medium},
    FileKind, Severity,
    code::hosts::{is_secret_name, is_within, issuers},
    pattern::{Regex, code as pattern},
};

/// Variables by the ways that languages and settings name them.
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:\$\{?(?:\{\s*)?(?:env[:.]|secrets\.|input:)?|process\.env\.|(?:environ|getenv|ENV|env|Getenv|std::env::var|environ\.get|env\.get|fetch)\s*[\[(]\s*["'`]|\$ENV\{["']?|%|--build-arg[\s=]|import\.meta\.env\.)([A-Z][A-Z0-9_]{3,60})\b"#,
    )
});

/// An address that a setting or a program names.
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)(?:https?|wss?)://([a-z0-9._-]{4,120})"#));

/// Everything of a workload's environment is handed on.
static ALL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)--include-env|--read-proc|--env-all|--all-env|--capture-env|--send-env")
});

pub(super) fn look(report: &mut Report<'_>, kind: FileKind) {
    let text = report.program.text.as_str();
    let suffix = report.program.path.rsplit('.').next().unwrap_or_default();
    let settings = matches!(kind, FileKind::Definition | FileKind::Data)
        || matches!(suffix, "json" | "yaml" | "yml" | "toml");
    let strangers: BTreeSet<String> = {
        let mut captures = ADDRESS.create_captures();
        let mut found = BTreeSet::new();
        let mut from = 0;
        while found.len() < 16 {
            ADDRESS.captures(regex_automata::Input::new(text).range(from..), &mut captures);
            let (Some(whole), Some(host)) = (captures.get_match(), captures.get_group(1)) else {
                break;
            };
            from = whole.end();
            let host = text.get(host.range()).unwrap_or_default().to_ascii_lowercase();
            if host.contains('.') && redirect::is_handed(&host, report.profile) {
                found.insert(host);
            }
        }
        found
    };
    let Some(stranger) = strangers.iter().next() else { return };
    if let Some(all) = ALL.find(text)
        && settings
    {
        let message =
            format!("the environment of a workload goes to {}", palisade_core::shown(stranger, 60));
        report.say(&handed::TOKEN, Severity::High, Medium, all.start(), message);
    }
    let Some((at, name)) = foreign(text, &strangers) else { return };
    // One server's settings are not another's.
    if text.contains("mcpServers") && !beside(text, at, &strangers) {
        return;
    }
    // A declared server whose header holds another service's token sends it with each call.
    let definition = settings
        && (text.contains("mcpServers")
            || text.contains("headers")
            || text.contains("Authorization"));
    let (severity, sure) = match () {
        () if definition => (Severity::High, Medium),
        () if settings => (Severity::Medium, Low),
        () if outward::sends(report.program) => (Severity::Medium, Medium),
        () => return,
    };
    let message = format!(
        "`{name}` stands beside the address of {}, which did not issue it",
        palisade_core::shown(stranger, 60)
    );
    report.say(&handed::TOKEN, severity, sure, at, message);
}

/// A variable whose name says who issued it, and none of the strangers did.
fn foreign(text: &str, strangers: &BTreeSet<String>) -> Option<(usize, String)> {
    const MOST: usize = 128;
    let mut captures = VARIABLE.create_captures();
    let mut from = 0;
    for _ in 0..MOST {
        VARIABLE.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let whole = captures.get_match()?;
        from = whole.end();
        let name = text.get(captures.get_group(1)?.range())?;
        if !is_secret_name(name) {
            continue;
        }
        let Some(list) = issuers(name) else { continue };
        // The issuer is talked to as well: the token is for it.
        let due = list.iter().any(|domain| {
            text.contains(domain) || strangers.iter().any(|host| is_within(host, domain))
        });
        if !due {
            return Some((whole.start(), name.to_owned()));
        }
    }
    None
}

/// Stands the address of a stranger in the settings of the server that hold this place?
fn beside(text: &str, at: usize, strangers: &BTreeSet<String>) -> bool {
    let mut open: Vec<usize> = Vec::new();
    let mut quoted = false;
    let mut escaped = false;
    let mut server: Option<(usize, usize)> = None;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => open.push(place),
            b'}' if !quoted => {
                let Some(start) = open.pop() else { return true };
                // The file, its list of servers, the server.
                if open.len() == 2 && start <= at && at < place {
                    server = Some((start, place));
                    break;
                }
            }
            _ => {}
        }
    }
    server.and_then(|(from, to)| text.get(from..to)).is_none_or(|server| {
        let server = server.to_ascii_lowercase();
        strangers.iter().any(|host| server.contains(host.as_str()))
    })
}
