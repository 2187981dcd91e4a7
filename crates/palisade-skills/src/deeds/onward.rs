//! What goes to somebody whom the package does not say it is about: carried there by a command, addressed to a mail
//! box, led through a gateway, or asked for orders.
//!
//! An author says with whom a skill talks, for the user needs an account there or at least wants to know. A host that
//! neither the description names nor everybody uses, at the end of a command that takes a file along, is a deed and
//! a sign together.

use std::sync::LazyLock;

use super::{handed, redirect};
use crate::{
    Confidence::Medium,
    File, FileKind, Package, Rule, Seen,
    Severity::{self, High},
    code::hosts::is_namesake,
    formats::Profile,
    pattern::{Regex, code as pattern},
};

/// The longest line that is looked at, and the largest file.
const LONGEST: usize = 4096;
const LARGEST: usize = 1 << 20;
/// How many lines before and behind belong together.
const NEAR: usize = 4;

/// A command whose operand is a place outside, up to its end.
static CARRIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:curl|xh|https?ie)\b[^\n]{0,400}|\bwget\b[^\n]{0,120}--post[^\n]{0,200}|\b(?:openssl\s+s_client|ncat?|netcat|socat|scp|sftp|rsync|rclone|restic|lftp)\s[^\n]{0,300}|\bgit\s+remote\s+set-url\s+(?:--add\s+)?--push[^\n]{0,200}|\bdocker\s+push\b[^\n]{0,160}"#,
    )
});

/// A file, the output of a program, or whole input goes along.
static TAKES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)=?@[^\s"']|\s(?:-T|--upload-file)\s|\$\((?:cat|git|env|base64|tar|gzip|<|hostname|whoami|history|jq|tail|head|find|printenv|kubectl|docker|aws|gh)|\b(?:scp|rsync|rclone|restic)\s|--push\b|\bdocker\s+push\b|<\s*["'$~/\w]"#,
    )
});

/// What stands before a command goes into it.
static PIPED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\|\s*(?:openssl\s+s_client|ncat?|netcat|socat|curl|xh)\b"));

/// A mail box.
static MAIL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b[\w.+-]{1,64}@((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12})\b"));

/// Whose mail box is named anyway.
static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:contact|author|maintain\w*|support|security|report (?:bugs|issues)|licen[cs]e|copyright|e\.g\.|for example|for instance|no-?reply|abuse|unsubscribe|user\.email|git config|identity|sample|placeholder)\b",
    )
});

/// Somebody is made to read along.
static ADDRESSED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:b?cc|guests?|attendees?|invit\w+|recipients?|forward\w*|shar(?:e|ed|ing)\b|copy|copies|add(?:s|ed)?|reply-?to|delegate|viewers?|editors?|members?|participants?|send|sent|mail(?:s|ed)?|writes? to|gast|gäste|invité\w*|invitad\w+|ospit\w+|convidad\w+|empfänger|destinat\w+|en copie|in kopie|en copia|in copia)\b|抄送|宛先|参加者|参与者|копи(?:я|ю|и)|получател",
    )
});

/// What they get to read, or that it is so each time.
static CONTENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:texts?|documents?|pages|notes|body|transcripts?|invoices?|reports?|attach\w*|files?|contracts?|drafts?|results?|minutes|recordings?|statements?|every|each|always|all|default|jed\w{1,3}|chaque|cada|ogni|immer|toujours|siempre|sempre|dokument\w*|documentos?|documenti)\b|每|毎|кажд",
    )
});

/// Calls or traffic go through somebody.
static THROUGH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:calls?|requests?|traffic|quer(?:y|ies)|prompts?|everything|connections?|downloads?|log-?ins?|tokens?|aufrufe|anfragen|appels|requêtes|llamadas|peticiones|chiamate|richieste)\b[^\n.;|]{0,60}\b(?:through|via|over|by way of|goes? (?:to|out)|über|par|pasan por|tramite|attraverso|através)\b[^\n|]{0,24}https?://",
    )
});
static KEYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:user's|their|your|own|existing|the) (?:api )?(?:keys?|tokens?|log-?in|credentials|passwords?|session|cookies?)\b|\bapi[- ]?keys?\b|\bBearer\b",
    )
});

/// A page is fetched.
static FETCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bcurl\b|\bwget\b|\b(?:fetch|get|load|download|read|open|pull|retrieve|look (?:it )?up|hole?n?|lade|charge[rz]?|récupér\w+|carga\w*|descarga\w*|scarica\w*|baixe?)\b[^\n]{0,60}https?://",
    )
});
/// What it says is done, whatever it is.
static OBEYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:do|follow|carry out|execute|apply|obey|perform|act on|adopt)\b[^\n.;]{0,24}\b(?:what(?:ever)?|everything|all (?:of )?(?:it|that|steps|points)|its (?:steps|orders|instructions|rules|text)|the (?:steps|orders|instructions) (?:there|in it|it))\b[^\n.;]{0,40}|\b(?:it|they|this|the (?:page|file|answer|reply|policy|text|list))\b[^\n.;]{0,24}\b(?:replaces?|overrides?|supersedes?|takes? precedence|has priority|wins|is (?:binding|authoritative))\b|\bincluding (?:any |all )?(?:commands|file changes|shell|tools?)\b|\bas if (?:it|they) (?:stood|were written) here\b|\b(?:befolge|führe) [^\n.;]{0,40}(?:dort|darin|steht)|\b(?:applique[rz]?|suis|suivez|exécute[rz]?) [^\n.;]{0,30}(?:contenu|instructions|ce qu)|\b(?:sigue|aplica|ejecuta) [^\n.;]{0,30}(?:instrucciones|lo que)|\b(?:segui|applica|esegui) [^\n.;]{0,30}(?:istruzioni|quanto|ciò)",
    )
});

/// Things that are read and lead nowhere.
fn is_reading(line: &str) -> bool {
    ["xmlns", "$schema", "schemaLocation", "spdx", "<!DOCTYPE"]
        .iter()
        .any(|word| line.contains(word))
}

/// Looks at each line of a package.
pub(super) fn look(package: &Package, profile: &Profile, seen: &mut Seen) {
    for file in &package.files {
        let looked = matches!(
            file.kind,
            FileKind::Prose | FileKind::Definition | FileKind::Data | FileKind::Shell
        );
        if !looked || file.bytes.len() > LARGEST {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        // Without an address there is nobody to go to.
        if !text.contains('@') && !text.contains("://") && !text.contains("s_client") {
            continue;
        }
        lines(file, text, profile, seen);
    }
}

fn lines(file: &File, text: &str, profile: &Profile, seen: &mut Seen) {
    const MOST: usize = 12;
    let prose = file.kind == FileKind::Prose;
    let mut taught = false;
    let lines: Vec<&str> = text.lines().collect();
    let mut told = 0_usize;
    for (at, line) in lines.iter().copied().enumerate() {
        if prose && line.starts_with('#') {
            taught = crate::code::teaches(line);
        }
        let comment = !prose && line.trim_start().starts_with(['#', '/']);
        if taught || comment || line.len() > LONGEST || told >= MOST || is_reading(line) {
            continue;
        }
        if !line.contains('.') || prose && crate::code::teaches(line) {
            continue;
        }
        let mut say = |rule: &'static Rule, severity: Severity, message: String| {
            told += 1;
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            // In a package about attacks they are shown.
            let (severity, sure) = match profile.security {
                true => (severity.min(Severity::Medium), crate::Confidence::Low),
                false => (severity, Medium),
            };
            seen.findings
                .push(rule.at(&file.path, number, 0, line, message).of(severity).sure(sure));
        };
        if let Some((host, grave)) = carried(line, profile) {
            let message = format!(
                "a file or what a program says goes to {}, whom the description does not name",
                palisade_core::shown(&host, 60)
            );
            if grave {
                say(&handed::CARRIED, High, message);
            }
        }
        if !prose {
            continue;
        }
        let around = || {
            let from = at.saturating_sub(NEAR);
            lines.get(from..(at + NEAR + 1).min(lines.len())).unwrap_or_default()
        };
        if let Some(host) = mailbox(line, profile) {
            let near = around();
            let addressed = near.iter().any(|line| ADDRESSED.is_match(*line));
            let content = near.iter().any(|line| CONTENT.is_match(*line));
            if addressed && content {
                let message = format!(
                    "somebody at {} is made to read along",
                    palisade_core::shown(&host, 60)
                );
                // By itself it may be work: what it is kept from, or another sign, makes it grave.
                say(&handed::MAILBOX, Severity::Medium, message);
            }
        }
        if line.contains("://")
            && let Some(host) = stranger(line, profile)
        {
            let near = around();
            let host = palisade_core::shown(&host, 60);
            if THROUGH.is_match(line) && near.iter().any(|line| KEYS.is_match(*line)) {
                say(
                    &handed::TRAFFIC,
                    High,
                    format!("calls go through {host}, with the user's key"),
                );
            }
            let fetched = FETCHES.is_match(line)
                || near.iter().any(|line| line.contains("curl") || line.contains("etch"));
            if fetched && near.iter().any(|line| OBEYS.is_match(*line) && !denies(line)) {
                say(&handed::PAGE, High, format!("what {host} says is to be done, unseen"));
            }
        }
    }
}

fn denies(line: &str) -> bool {
    ["never", "don't", "do not", "nicht", "jamais", "nunca", "mai "]
        .iter()
        .any(|no| line.contains(no))
}

/// The stranger to whom a command of this line takes something.
fn carried(line: &str, profile: &Profile) -> Option<(String, bool)> {
    let found = CARRIES.find(line)?;
    let command = line.get(found.range())?;
    let host = command_host(command, profile)?;
    // `Authorization: Bearer $ACME_KEY` says whose service it is.
    let keyed = command
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.contains('_') && word.len() > 6)
        .any(|word| is_namesake(word, &host));
    if keyed {
        return None;
    }
    let piped = PIPED.is_match(line);
    Some((host, piped || TAKES.is_match(command)))
}

/// The first stranger among the operands of a command.
fn command_host(command: &str, profile: &Profile) -> Option<String> {
    static OPERAND: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?i)(?:[\s"'`=@]|://)((?:[a-z0-9_-]{1,63}\.){1,5}[a-z]{2,18}|(?:\d{1,3}\.){3}\d{1,3})(?:[:/\s"'`?]|$)"#,
        )
    });
    let mut captures = OPERAND.create_captures();
    let mut from = 0;
    for _ in 0..16 {
        OPERAND.captures(regex_automata::Input::new(command).range(from..), &mut captures);
        let whole = captures.get_match()?;
        let group = captures.get_group(1)?;
        from = group.end.max(whole.start() + 1);
        let host = command.get(group.range())?.to_ascii_lowercase();
        let before = command.get(..group.start).unwrap_or_default();
        let address = before.ends_with("://")
            || before.ends_with('@') && command.contains("://")
            || command.get(group.end..).is_some_and(|rest| rest.starts_with([':', '/']))
            || before.ends_with("-connect ");
        // `-F file=@notes.io` names a file.
        if address
            && !before.ends_with("=@")
            && !super::outward::is_file(&host)
            && is_untold(&host, profile)
        {
            return Some(host);
        }
    }
    None
}

/// The first address of a line that is a stranger's.
pub(super) fn stranger(line: &str, profile: &Profile) -> Option<String> {
    crate::text::hosts(line).into_iter().find(|host| is_untold(host, profile))
}

/// The mail box of a stranger.
fn mailbox(line: &str, profile: &Profile) -> Option<String> {
    if !line.contains('@') || CONTACT.is_match(line) {
        return None;
    }
    let mut captures = MAIL.create_captures();
    let mut from = 0;
    for _ in 0..8 {
        MAIL.captures(regex_automata::Input::new(line).range(from..), &mut captures);
        let whole = captures.get_match()?;
        from = whole.end();
        let host = line.get(captures.get_group(1)?.range())?.to_ascii_lowercase();
        // `git@host:` and `user@host` before a command are accounts.
        let account = line.get(whole.range()).is_some_and(|mail| mail.starts_with("git@"))
            || line.get(whole.end()..).is_some_and(|rest| rest.starts_with([':', '/']));
        let short = host.split('.').next().is_none_or(|label| label.len() < 4);
        if !account && !short && is_untold(&host, profile) {
            return Some(host);
        }
    }
    None
}

/// Is it a stranger's, and does the package not say that it is about it?
pub(super) fn is_untold(host: &str, profile: &Profile) -> bool {
    if !redirect::is_handed(host, profile) {
        return false;
    }
    let mut labels = host.rsplit('.').skip(1);
    let mut label = labels.next().unwrap_or_default();
    if matches!(label, "co" | "com" | "org" | "ac" | "gov" | "net") {
        label = labels.next().unwrap_or(label);
    }
    let named = |text: &str| {
        text.contains(host)
            || label.len() > 3
                && (text.contains(label) || text.contains(&label.replace(['-', '_'], " ")))
    };
    !named(&profile.purpose) && !named(&profile.name.to_lowercase())
}
