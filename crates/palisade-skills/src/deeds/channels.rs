//! What settings, templates and exports of automations hand to somebody whom no text of the package mentions: values
//! in an address, whole environments, a second place for what is recorded, connections whose other end is not checked.
//!
//! None of these files is a program, and none says that it sends anything. What tells them is a stranger's address in
//! a place where data goes, and a sign that data goes there.

use std::sync::LazyLock;

use regex_automata::Input;

use super::{Report, found, handed, onward, outward, programs::Program, redirect, rules};
use crate::{
    Confidence::{Low, Medium},
    FileKind, Package, Seen,
    Severity::{High, Medium as Middling},
    formats::Profile,
    pattern::{Regex, code as pattern},
};

/// An address with a path, and a value in it that is filled in when it is asked for.
static FILLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:https?|wss?)://([a-z0-9][a-z0-9.-]{2,80}\.[a-z]{2,18})(?::\d{1,5})?[/?][^\s"'`<>]{0,160}?(?:\{\{|\$\{|\$[A-Z_]{3,40}\b|%\{|#\{|<%=)"#,
    )
});

/// Something is sent to an address, in any order of the two.
static POSTED: LazyLock<Regex> = LazyLock::new(|| {
    const METHOD: &str = r#"["']?\b(?:http_?)?(?:method|verb)["']?\s{0,3}[:=]\s{0,3}["']?(?:POST|PUT|PATCH)\b"#;
    const ADDRESS: &str = r#"(?:https?|wss?)://([a-z0-9][a-z0-9.-]{2,80}\.[a-z]{2,18})"#;
    pattern(&format!(r"(?i){METHOD}[\s\S]{{0,200}}?{ADDRESS}|{ADDRESS}[\s\S]{{0,200}}?{METHOD}"))
});

/// All variables of a program's surroundings, or of a tool's, as one value.
static SURROUNDINGS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bpm\.(?:environment|globals|variables|collectionVariables)\.(?:values|toObject)|JSON\.stringify\(\s*\{?\s*(?:\w{1,12}\s*:\s*|\.\.\.)?(?:process\.env|\$env|Deno\.env\.toObject\(\)|import\.meta\.env)\s*[,})]|[{,]\s*["']?\w{1,16}["']?\s*:\s*\$env\s*[,}]|json\.dumps\(\s*\{?\s*(?:["']\w{1,16}["']\s*:\s*)?(?:dict\()?os\.environ\s*[),}]|\bENV\.to_(?:h|a|hash)\b[^\n]{0,20}\.to_json|json_encode\(\s*\$_(?:ENV|SERVER)\b|toJSON\(\s*(?:secrets|env)\s*\)|\b(?:gci|ls|dir|Get-ChildItem)\s+env:[^\n]{0,80}(?:ConvertTo-Json|Out-String)|\binsomnia\.environment\b|\bbru\.getEnv|\bto_json\(\s*Sys\.getenv\(\s*\)|toJSON\(\s*as\.list\(\s*Sys\.getenv|msg\.payload\s*=\s*(?:process\.)?env\b|\{\{\s*env(?:ironment)?\s*\|\s*(?:to_?json|dump)|lookup\(\s*["']env["']\s*\)"#,
    )
});

/// A place where records, copies or notices go.
static SINK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:^|[\s"'{,\[.])(?:exporters?|outputs?|sinks?|remote_?write|webhook_configs|destinations?|forwarders?|drains?|log_?push|shadow|replicas?|replication|subscriptions?|mirrors?|reporters?|webhooks?|appenders?|handlers?|backends?|collectors?|contact_?points?|notifiers?|listeners?|callbacks?)["']?\s{0,3}(?:[:=]\s{0,3}|\s)[{\[]?"#,
    )
});
/// What such a place should not get, or a sign that its failures are to stay unseen.
static TELLING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)authorization|\bcookies?\b|password|passwd|\btokens?\b|secret|api_?key|\bprompts?\b|request_?body|\bpayload|from_context|include_metadata|card_?number|onError["']?\s*:\s*["']continue|ignore_?errors?|retry_on_failure["']?\s*:\s*\{\s*enabled["']?\s*:\s*false|silent|insecure"#,
    )
});
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:[a-z][a-z0-9+]{1,12}://|["'=\s@])((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,18})(?::\d{2,5}|[/"'\s,}\]]|$)"#,
    )
});

/// The other end of a connection is not checked.
static UNCHECKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bcurl\b[^\n`]{0,80}\s(?:-\w{0,6}k\w{0,6}\b|--insecure\b)|\bverify\s*=\s*False\b|SSL_verify_mode["']?\s*(?:=>?|:)\s*["']?(?:0|SSL_VERIFY_NONE)|VERIFY_NONE|rejectUnauthorized["']?\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED["']?\s*[=:]\s*["']?0|InsecureSkipVerify\s*:\s*true|insecure_?skip_?(?:tls_)?verify["']?\s*[:=]\s*["']?true|ssl_?verify["']?\s*[:=\s]\s*["']?(?:false|off|no|0)\b|sslVerify\s*[=\s]\s*false|--no-check-certificate|StrictHostKeyChecking[=\s]+["']?no|--tls-?verify[= ]false|trustServerCertificate["']?\s*[=:]\s*["']?true|-SkipCertificateCheck|--no-verify-ssl|CURLOPT_SSL_VERIFYPEER\s*(?:,|=>)\s*(?:0|false)|verify_ssl["']?\s*[:=]\s*["']?(?:false|no|0)|tls_insecure\w*["']?\s*[:=]\s*["']?true|ServerCertificateCustomValidationCallback|check_hostname\s*=\s*False|badCertificateCallback|--ssl-mode[= ]DISABLED|tls_verify["']?\s*[:=]\s*["']?(?:false|no|off)|smtp_tls_security_level\s*=\s*(?:none|may)\b|validate_certs["']?\s*[:=]\s*["']?(?:no|false)|--allow-insecure|--insecure-registry|--trust-server-cert|server-cert=accept"#,
    )
});
/// A name and a password, a key or a session go along.
static LOGS_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)pass(?:word|wd|wort|e)?\d?\b|--user|\blogin|\btoken\b|api[_-]?key|authorization|\bbearer\b|senha|contraseña|mot de passe|парол|密码|パスワード|credential|\bssh\b|\bimap\w*|\bsmtp"#,
    )
});

/// Every file of a package that is no text.
pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if let Some(all) = SURROUNDINGS.find(text)
        && let Some(stranger) = outward::names_stranger(report.program, report.profile)
    {
        let message = format!("all variables of the surroundings go to {}", stranger.shown());
        report.say(&rules::SECRET_AND_STRANGER, High, Medium, all.start(), message);
    }
    if let Some(unchecked) = UNCHECKED.find(text) {
        let around = redirect::near(text, unchecked.start());
        if LOGS_IN.is_match(around)
            && let Some((_, host)) = first(&ADDRESS, around, |host| {
                !outward::is_file(host) && onward::is_untold(host, report.profile)
            })
            && !(report.program.prose && crate::code::teaches(around))
        {
            let message = format!(
                "logins go to {}, whom nothing checks",
                palisade_core::shown(&host, 60)
            );
            report.say(&handed::TRAFFIC, High, Medium, unchecked.start(), message);
        }
    }
}

/// Files of settings, and exports of automations, whose stranger no text mentions.
pub(super) fn files(
    package: &Package,
    programs: &[Program<'_>],
    profile: &Profile,
    seen: &mut Seen,
) {
    let mut told: Option<String> = None;
    let settings = super::programs::settings(package);
    let files = settings
        .iter()
        .map(|(_, program)| program)
        .chain(programs.iter().filter(|program| !program.prose && !is_parsed(package, program)));
    for program in files {
        let text = program.text.as_str();
        let told = &*told.get_or_insert_with(|| {
            package
                .files
                .iter()
                .filter(|file| file.kind == FileKind::Prose)
                .map(|file| String::from_utf8_lossy(&file.bytes).to_lowercase())
                .collect()
        });
        let strange = |host: &str| {
            !outward::is_file(host)
                && onward::is_untold(host, profile)
                && !outward::Stranger::of(host).is_told(told)
        };
        let shown = crate::judge::is_shown(program.path);
        let sure = if shown { Low } else { Medium };
        if let Some((at, host)) = first(&FILLED, text, strange) {
            let message = format!(
                "values are put into an address at {}, which no text of the package mentions",
                palisade_core::shown(&host, 60)
            );
            seen.findings.push(found(program, profile, &rules::UNTOLD, High, sure, at, message));
        } else if let Some((at, host)) = first(&POSTED, text, strange) {
            let message = format!(
                "something is sent to {}, which no text of the package mentions",
                palisade_core::shown(&host, 60)
            );
            seen.findings.push(found(program, profile, &rules::UNTOLD, High, sure, at, message));
        }
        if let Some((at, host)) = second_sink(text, strange) {
            let message = format!(
                "what is recorded also goes to {}, which no text of the package mentions",
                palisade_core::shown(&host, 60)
            );
            let severity = if shown { Middling } else { High };
            seen.findings.push(found(program, profile, &handed::COPY, severity, sure, at, message));
        }
    }
}

fn is_parsed(package: &Package, program: &Program<'_>) -> bool {
    package.files.iter().any(|file| file.path == program.path && file.kind.is_parsed())
}

/// A stranger among the places where records go, beside another place or what nobody else should get.
fn second_sink(text: &str, strange: impl Fn(&str) -> bool) -> Option<(usize, String)> {
    const MOST: usize = 24;
    const REACH: usize = 700;
    for sink in SINK.find_iter(text).take(MOST) {
        let mut to = (sink.end() + REACH).min(text.len());
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        let Some(around) = text.get(sink.end()..to) else { continue };
        let Some((at, host)) = first(&ADDRESS, around, &strange) else { continue };
        let another = first(&ADDRESS, around, |other| other != host && !outward::is_file(other));
        if another.is_some() && TELLING.is_match(text) {
            return Some((sink.end() + at, host));
        }
    }
    None
}

/// The first host of a pattern that is as it should be, and its place.
fn first(regex: &Regex, text: &str, fits: impl Fn(&str) -> bool) -> Option<(usize, String)> {
    const MOST: usize = 64;
    let mut captures = regex.create_captures();
    let mut from = 0;
    for _ in 0..MOST {
        regex.captures(Input::new(text).range(from..), &mut captures);
        let whole = captures.get_match()?;
        let host = [1, 2]
            .into_iter()
            .filter_map(|group| captures.get_group(group))
            .find_map(|group| text.get(group.range()))?
            .to_ascii_lowercase();
        if fits(&host) {
            return Some((whole.start(), host));
        }
        from = whole.end().max(from + 1);
        while from < text.len() && !text.is_char_boundary(from) {
            from += 1;
        }
        if from >= text.len() {
            return None;
        }
    }
    None
}
