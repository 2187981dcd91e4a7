//! Code in languages that no parser here reads, and commands that stand within sentences: told by
//! pairs of signs.

use super::{base, commands::facts, rules};
use crate::{
    Confidence::{self, Low, Medium},
    File, FileKind, Rule, Seen, Severity,
    formats::Profile,
    text::{hosts, is_local, is_vendor},
};

/// Suffixes of languages that are not parsed.
pub(crate) const UNPARSED: &[&str] = &[
    "bat",
    "cmd",
    "vbs",
    "vbe",
    "wsf",
    "hta",
    "php",
    "lua",
    "pl",
    "pm",
    "kt",
    "kts",
    "java",
    "swift",
    "applescript",
    "scpt",
    "r",
    "jl",
    "ex",
    "exs",
    "groovy",
    "gradle",
    "awk",
    "fish",
    "nu",
    "tcl",
    "el",
    "vim",
    "scala",
    "clj",
    "cs",
    "fs",
    "dart",
    "nim",
    "zig",
    "rs",
    "c",
    "cpp",
    "m",
    "mm",
    "hs",
    "ml",
    "cr",
    "pas",
    "tf",
    "mk",
    "cmake",
    "service",
    "desktop",
    "plist",
    "reg",
    "ahk",
    "ipynb",
    "html",
    "sql",
    "pth",
];

/// Suffixes besides, of what holds commands here and there.
const SUFFIXES: &[&str] = &["h", "d", "yml", "yaml", "svg", "xml", "toml", "cfg", "ini"];

/// Names of files that hold commands.
pub(crate) const COMMAND_FILES: &[&str] = &[
    "dockerfile",
    "makefile",
    "justfile",
    "procfile",
    "rakefile",
    "jenkinsfile",
    "vagrantfile",
    "commit-msg",
    "pre-commit",
    "pre-push",
    "post-commit",
    "post-checkout",
    "post-merge",
];

pub(super) fn look(file: &File, profile: &Profile, seen: &mut Seen) {
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return };
    if file.kind == FileKind::Prose {
        inline(file, text, profile, seen);
        return;
    }
    let name = base(&file.path).to_ascii_lowercase();
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    if file.kind.is_parsed() {
        // Its parser sees more; these signs hold wherever they stand.
        pairs(file, text, profile, seen);
        return;
    }
    if !(UNPARSED.contains(&suffix)
        || SUFFIXES.contains(&suffix)
        || COMMAND_FILES.contains(&name.as_str())
        || text.starts_with("#!"))
    {
        return;
    }
    judge(file, text, 1, Medium, profile, seen);
}

/// Is a connection outwards joined to a shell?
fn joins_a_shell(text: &str) -> bool {
    let facts = facts(text);
    facts.shell && facts.network
}

/// What is hardly ever harmless in any language.
fn pairs(file: &File, text: &str, profile: &Profile, seen: &mut Seen) {
    let facts = facts(text);
    let hosts = hosts(text);
    let strange = hosts.iter().any(|host| !is_vendor(host) && !is_local(host));
    let sure = if profile.security { Low } else { Medium };
    if facts.shell && facts.network {
        seen.findings.push(
            rules::SCRIPT_SHELL
                .at(&file.path, 0, 0, "", "a connection outwards is joined to a shell")
                .of(Severity::High)
                .sure(sure),
        );
    }
    if facts.disarms {
        seen.findings.push(
            rules::SCRIPT_DISARMS
                .at(&file.path, 0, 0, "", "a protection of the system is switched off")
                .of(Severity::Medium)
                .sure(sure),
        );
    }
    if facts.watches && facts.network && facts.sends && strange {
        seen.findings.push(
            rules::SCRIPT_WATCHES
                .at(&file.path, 0, 0, "", "the user is watched and something is sent")
                .sure(sure),
        );
    }
}

/// Is a line of a text one field of a document, whose whole value is where something is, as a licence or a server is?
///
/// A call has its verb on the line, or its argument stands in quotation marks behind a plain name.
fn is_field(line: &str) -> bool {
    let line = line.trim().trim_start_matches("- ");
    line.split_once(": ").is_some_and(|(name, value)| {
        name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
            && value.starts_with("http")
            && !value.contains(char::is_whitespace)
            && !value.contains(['$', '{', '?'])
    })
}

/// Commands within sentences, and blocks of languages that are not parsed.
fn inline(file: &File, text: &str, profile: &Profile, seen: &mut Seen) {
    let mut block: Option<(u32, String)> = None;
    let mut fence_body = String::new();
    let mut code = false;
    for (line, number) in text.lines().zip(1_u32..) {
        let trimmed = line.trim_start();
        let indented = !code
            && line.starts_with("    ")
            && !trimmed.is_empty()
            && !trimmed.starts_with(['-', '*']);
        if let Some(fence) = trimmed.strip_prefix("```").or_else(|| trimmed.strip_prefix("~~~")) {
            if let Some((from, body)) = block.take() {
                judge(file, &body, from, Medium, profile, seen);
            }
            if code && joins_a_shell(&fence_body) {
                let sure = if profile.security { Low } else { Medium };
                seen.findings.push(
                    rules::SCRIPT_SHELL
                        .at(
                            &file.path,
                            number,
                            0,
                            &fence_body,
                            "a connection outwards is joined to a shell",
                        )
                        .sure(sure),
                );
            }
            fence_body.clear();
            if !code {
                let language = fence.trim().to_ascii_lowercase();
                let other = SUFFIXES.contains(&language.as_str())
                    || [
                        "perl",
                        "kotlin",
                        "batch",
                        "dockerfile",
                        "makefile",
                        "cmd",
                        "csharp",
                        "rust",
                    ]
                    .contains(&language.as_str());
                block = other.then(|| (number + 1, String::new()));
            }
            code = !code;
            continue;
        }
        if code {
            fence_body.push_str(line);
            fence_body.push('\n');
        }
        if indented && block.is_none() {
            block = Some((number, String::new()));
        } else if !code
            && !indented
            && !trimmed.is_empty()
            && let Some((from, body)) = block.take()
        {
            judge(file, &body, from, Medium, profile, seen);
        }
        if let Some((_, body)) = &mut block {
            body.push_str(trimmed);
            body.push('\n');
        } else if !code {
            for span in line
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|span| span.len() > 12 && span.contains(' '))
            {
                judge(file, span, number, Medium, profile, seen);
            }
        }
    }
    if let Some((from, body)) = block {
        judge(file, &body, from, Medium, profile, seen);
    }
}

fn judge(file: &File, text: &str, line: u32, sure: Confidence, profile: &Profile, seen: &mut Seen) {
    let facts = facts(text);
    let many = text.len() > 20_000;
    let sure = if many || profile.security { Low } else { sure };
    let hosts = hosts(text);
    let strange = hosts.iter().any(|host| !is_vendor(host) && !is_local(host));
    // Whom the lines name that fetch; a file may name others for other ends.
    let fetching: String = text
        .lines()
        .filter(|line| {
            ["curl", "wget", "iwr", "irm", "Invoke-", "Download", "fetch", "http"]
                .iter()
                .any(|word| line.contains(word))
                && !(file.kind == FileKind::Prose && is_field(line))
        })
        .collect::<Vec<_>>()
        .join("\n");
    let fetched_from = crate::text::hosts(&fetching);
    let mut say = |rule: &'static Rule,
                   severity: Severity,
                   confidence: Confidence,
                   message: &str| {
        let place = text.lines().zip(line..).find(|(line, _)| {
            ["http", "/dev/tcp", "curl", "socket", "Socket"].iter().any(|word| line.contains(word))
        });
        let (excerpt, line) = place.unwrap_or((text, line));
        seen.findings
            .push(rule.at(&file.path, line, 0, excerpt, message).of(severity).sure(confidence));
    };
    if facts.shell && facts.network {
        say(
            &rules::SCRIPT_SHELL,
            Severity::High,
            sure,
            "a connection outwards is joined to a shell",
        );
    }
    // In a sentence it counts only with a real address.
    let real = file.kind != FileKind::Prose
        || hosts
            .iter()
            .any(|host| host.is_ascii() && host.contains('.') && !host.contains("example"));
    if facts.executes_fetched && real {
        let known = !fetched_from.iter().any(|host| !is_vendor(host) && !is_local(host));
        let (severity, confidence) =
            if known { (Severity::Medium, Low) } else { (Severity::High, sure) };
        let prose = file.kind == FileKind::Prose;
        say(
            &rules::SCRIPT_FETCHES,
            if prose
                && text.contains("https://")
                && !crate::text::hosts(text)
                    .iter()
                    .any(|host| crate::text::is_anyones(host) || crate::text::is_bare(host))
            {
                Severity::Medium
            } else {
                severity
            },
            confidence,
            "fetched bytes are executed",
        );
    }
    // What a text shows speaks of many hosts; whom it talks to, the lines that do so name.
    const SHOWN: &[&str] = &["example.com", "example.org", "example.net"];
    let strange = match file.kind {
        FileKind::Prose => fetched_from.iter().any(|host| {
            !is_vendor(host) && !is_local(host) && !SHOWN.iter().any(|shown| host.ends_with(shown))
        }),
        _ => strange,
    };
    if facts.network && facts.sends && facts.secret && strange {
        say(&rules::SCRIPT_LEAKS, Severity::High, sure, "secrets are read and something is sent");
    }
    if facts.watches && facts.network && (facts.sends || strange) {
        say(
            &rules::SCRIPT_WATCHES,
            Severity::High,
            sure,
            "the user is watched and something is sent",
        );
    }
    if facts.disarms {
        say(
            &rules::SCRIPT_DISARMS,
            Severity::Medium,
            if facts.network || facts.executes_fetched { Medium } else { sure },
            "a protection of the system is switched off",
        );
    }
    if facts.dns && facts.hidden {
        say(&rules::SCRIPT_HIDES, Severity::High, sure, "what a name server says is decoded");
    }
    if facts.hidden
        && (facts.network || facts.executes_fetched)
        && strange
        && file.kind != FileKind::Data
    {
        say(&rules::SCRIPT_HIDES, Severity::Medium, Low, "something is decoded beside the network");
    }
}
