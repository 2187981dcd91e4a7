//! What findings and capabilities say together that none says alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use crate::{
    Confidence::{High, Low, Medium},
    FileKind, Package, Seen, Severity, Technique, Use,
    formats::{Profile, base},
    pattern::{Regex, pattern},
    text::{is_local, is_reading, is_vendor},
};

/// The password of an archive, told to whoever unpacks it.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(unzip|7z|7za|unrar|extract|unpack|entpack|archive|\.zip|\.7z|\.rar)[^\n]{0,100}(password|passwort|mot de passe|contraseña|senha|пароль|密码|パスワード|\s-P\s|\s-p\S)|(password|passwort|passphrase)[^\n]{0,100}(unzip|7z|archive|\.zip|extract)",
    )
});

/// Folders of what is looked at and not run.
const SHOWN: &[&str] = &[
    "rules",
    "test",
    "tests",
    "fixtures",
    "samples",
    "examples",
    "payloads",
    "cases",
    "signatures",
    "corpus",
    "testdata",
    "attacks",
    "exploits",
    "malware",
    "poc",
    "pocs",
    "data",
    "datasets",
    "demo",
    "demo-repo",
    "labs",
    "exercises",
    "references",
    "reference",
    "docs",
    "wordlists",
];

/// Does a file lie where samples are looked at and not run?
pub(crate) fn is_shown(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|part| SHOWN.contains(&part.to_ascii_lowercase().as_str()))
}

/// Raises and lowers findings by what stands beside them.
pub(super) fn combine(profile: &Profile, package: &Package, seen: &mut Seen) {
    archives(package, seen);
    alike(seen);
    disguised(package, seen);
    steps(profile, seen);
    defanged(package, seen);
    if profile.security {
        teaching(package, seen);
    } else {
        records(package, seen);
    }
}

/// An address that was written so that nothing can open it: `hxxps://host[.]example`.
static DEFANGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\bhxxps?(?:://|\[:?//)|\b[a-z0-9-]+\[\.\](?:[a-z0-9-]+(?:\[?\.\]?))*[a-z0-9]{2,}")
});

/// A program that a text shows with such an address does nothing as it stands. What an agent is told in words is another matter.
fn defanged(package: &Package, seen: &mut Seen) {
    let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
    let code = |finding: &&mut crate::Finding| {
        finding.severity > Severity::Medium && !is_reading(finding.rule)
    };
    for finding in seen.findings.iter_mut().filter(code) {
        let text = texts.entry(finding.place.file.clone()).or_insert_with(|| {
            let file = package.file(&finding.place.file)?;
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            (file.kind == FileKind::Prose && DEFANGED.is_match(&text)).then_some(text)
        });
        let Some(text) = text else { continue };
        let line = usize::try_from(finding.place.line).unwrap_or(usize::MAX).saturating_sub(1);
        if text.lines().nth(line).is_some_and(|line| DEFANGED.is_match(line) && !opens(line)) {
            finding.severity = Severity::Medium;
            finding.confidence = Low;
        }
    }
}

/// Is an address on a line that can be opened, or what makes one of such?
fn opens(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("http://")
        || line.contains("https://")
        || line.contains("replace")
        || line.contains("sed ")
        || line.contains("tr ")
}

/// One name that is nearly another's may be chance; several in one package are not.
fn alike(seen: &mut Seen) {
    let near = |finding: &&mut crate::Finding| finding.rule.id == "dependency-name-alike";
    let names: BTreeSet<String> = seen
        .findings
        .iter()
        .filter(|finding| finding.rule.id == "dependency-name-alike")
        // The message names it; the same name on two lines is one name.
        .map(|finding| finding.message.clone())
        .collect();
    if names.len() < 2 {
        return;
    }
    for finding in seen.findings.iter_mut().filter(near) {
        (finding.severity, finding.confidence) = (Severity::High, Medium);
        finding.message.push_str(", and it is not the only one");
    }
}

/// A password keeps scanners out: with the password in the text, it is there for that.
fn archives(package: &Package, seen: &mut Seen) {
    let locked: Vec<usize> = (0..seen.findings.len())
        .filter(|&at| {
            seen.findings
                .get(at)
                .is_some_and(|finding| finding.rule.id == "opaque-archive-password")
        })
        .collect();
    if locked.is_empty() {
        return;
    }
    let told = package
        .files
        .iter()
        .filter(|file| {
            matches!(
                file.kind,
                FileKind::Prose
                    | FileKind::Shell
                    | FileKind::Python
                    | FileKind::PowerShell
                    | FileKind::JavaScript
            )
        })
        .any(|file| std::str::from_utf8(&file.bytes).is_ok_and(|text| PASSWORD.is_match(text)));
    if told {
        for at in locked {
            if let Some(finding) = seen.findings.get_mut(at) {
                finding.severity = Severity::High;
                finding.confidence = High;
                finding.message.push_str(", and the text tells the password");
            }
        }
    }
}

/// A program with the name of something else, which a text or a script of the package starts.
fn disguised(package: &Package, seen: &mut Seen) {
    const STARTS: &[&str] = &[
        "chmod",
        "install -",
        " bin/",
        "/bin",
        "exec",
        "spawn",
        "nohup",
        "start ",
        "./",
        "popen",
        "system(",
        "ld_preload",
        "cdll",
        "dlopen",
        "ctypes",
    ];
    for finding in
        seen.findings.iter_mut().filter(|finding| finding.rule.id == "opaque-disguised-file")
    {
        let name = base(&finding.place.file);
        let started = package
            .files
            .iter()
            .filter(|file| file.kind.is_parsed() || file.kind == FileKind::Prose)
            .any(|file| {
                String::from_utf8_lossy(&file.bytes).lines().any(|line| {
                    line.contains(name) && {
                        let line = line.to_ascii_lowercase();
                        STARTS.iter().any(|word| line.contains(word))
                    }
                })
            });
        if started {
            finding.severity = Severity::High;
            finding.confidence = finding.confidence.max(Medium);
            finding.message.push_str(", and the package starts it");
        }
    }
}

/// A script that is to be run every time, whatever the task, and that talks to a strange host.
fn steps(profile: &Profile, seen: &mut Seen) {
    let outward: BTreeSet<String> =
        seen.capabilities
            .iter()
            .filter(|capability| match &capability.what {
                Use::Network(Some(host)) => {
                    !is_vendor(host)
                        && !is_local(host)
                        && !profile.hosts.contains(host)
                        && !profile.words.iter().any(|word| {
                            word.len() > 3 && host.split('.').any(|label| label == word)
                        })
                }
                _ => false,
            })
            .map(|capability| capability.place.file.clone())
            .collect();
    let leaks: BTreeSet<String> = seen
        .findings
        .iter()
        .filter(|finding| {
            finding.rule.technique == Technique::Exfiltration && finding.severity >= Severity::Low
        })
        .map(|finding| finding.place.file.clone())
        .collect();
    for finding in seen
        .findings
        .iter_mut()
        .filter(|finding| finding.rule.id == "side-task-standing" && !finding.related.is_empty())
    {
        let sends = finding.related.iter().any(|place| outward.contains(&place.file));
        let takes = finding.related.iter().any(|place| leaks.contains(&place.file));
        if sends && takes {
            (finding.severity, finding.confidence) = (Severity::High, Medium);
            finding
                .message
                .push_str(", and it sends data to a host that the purpose does not name");
        } else if sends {
            (finding.severity, finding.confidence) = (Severity::Medium, Medium);
            finding.message.push_str(", and it talks to a host that the purpose does not name");
        }
    }
}

/// What only a program of the package reads gives the agent no orders.
fn records(package: &Package, seen: &mut Seen) {
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for finding in &mut seen.findings {
        let path = finding.place.file.as_str();
        if !matches!(
            finding.rule.technique,
            Technique::InstructionOverride
                | Technique::Concealment
                | Technique::ApprovalBypass
                | Technique::Exfiltration
                | Technique::CredentialAccess
        ) {
            continue;
        }
        let told = *known.entry(path.to_owned()).or_insert_with(|| {
            is_specimen(package, path) && (is_argument(package, path) || is_unheeded(package, path))
        });
        if told {
            finding.confidence = Low;
            finding.severity = finding.severity.min(Severity::Medium);
        }
    }
}

/// Says each text that names a file that what stands in it is not to be followed?
fn is_unheeded(package: &Package, path: &str) -> bool {
    const UNHEEDED: &[&str] = &[
        "do not follow",
        "don't follow",
        "never follow",
        "do not act on",
        "don't act on",
        "never act on",
    ];
    let name = base(path);
    let mut lines =
        package.files.iter().filter(|file| file.kind == FileKind::Prose).flat_map(|file| {
            let text = String::from_utf8_lossy(&file.bytes).to_lowercase();
            text.lines()
                .filter(|line| line.contains(&name.to_lowercase()))
                .map(|line| UNHEEDED.iter().any(|word| line.contains(word)))
                .collect::<Vec<bool>>()
        });
    lines.next().is_some_and(|first| first && lines.all(|unheeded| unheeded))
}

/// Do texts name a file only behind a program, which reads it?
fn is_argument(package: &Package, path: &str) -> bool {
    let name = base(path);
    let mut named = false;
    for file in package.files.iter().filter(|file| file.kind == FileKind::Prose) {
        let text = String::from_utf8_lossy(&file.bytes);
        for line in text.lines().filter(|line| line.contains(name)) {
            let program = line.find(name).and_then(|at| line.get(..at)).is_some_and(|before| {
                [".py ", ".js ", ".mjs ", ".sh ", ".ts ", ".rb ", "go run "]
                    .iter()
                    .any(|end| before.contains(end))
            });
            if !program {
                return false;
            }
            named = true;
        }
    }
    named
}

/// What a package about security shows and does not run counts less.
fn teaching(package: &Package, seen: &mut Seen) {
    let orders: String = package
        .files
        .iter()
        .filter(|file| {
            base(&file.path).eq_ignore_ascii_case("SKILL.md") || file.path.starts_with("commands/")
        })
        .map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
        .collect();
    let running: Vec<&str> = orders
        .lines()
        .filter(|line| {
            ["bash ", "sh ", "python", "node ", "./", "run ", "source ", "pwsh", "ruby ", "execute"]
                .iter()
                .any(|word| line.contains(word))
        })
        .collect();
    // Invisible letters that spell no order are an exhibit.
    let carries_orders = seen.findings.iter().any(|finding| {
        matches!(finding.rule.id, "hidden-order" | "hidden-note-to-agent")
            && finding.severity >= Severity::Medium
            || finding.rule.id == "obfuscation-encoded-order" && finding.severity >= Severity::High
    });
    // A file may have a thousand findings.
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for finding in &mut seen.findings {
        let path = finding.place.file.as_str();
        let shown = path.split('/').any(|part| SHOWN.contains(&part.to_ascii_lowercase().as_str()));
        let data = package.file(path).is_some_and(|file| {
            matches!(
                file.kind,
                FileKind::Data | FileKind::Prose | FileKind::Archive | FileKind::Media
            )
        });
        let specimen = is_specimen(package, path);
        let shown = shown || specimen;
        let run = shown
            && !data
            && match known.get(path) {
                Some(&run) => run,
                None => {
                    let run = running.iter().any(|line| line.contains(base(path)));
                    known.insert(path.to_owned(), run);
                    run
                }
            };
        let prose = package.file(path).is_some_and(|file| file.kind == FileKind::Prose);
        let in_block = prose
            && matches!(
                finding.rule.technique,
                Technique::RemoteControl
                    | Technique::DownloadAndRun
                    | Technique::Obfuscation
                    | Technique::CredentialAccess
                    | Technique::Persistence
                    | Technique::Destruction
                    | Technique::Escape
            );
        let sample = specimen
            || path.split('/').rev().skip(1).any(|part| {
                matches!(
                    part,
                    "attacks"
                        | "payloads"
                        | "fixtures"
                        | "samples"
                        | "testdata"
                        | "corpus"
                        | "cases"
                        | "tests"
                        | "test"
                        | "demo"
                        | "demo-repo"
                )
            });
        if (shown && !run || in_block)
            && (sample
                || finding.rule.technique != Technique::HiddenText
                || matches!(
                    finding.rule.id,
                    "hidden-direction" | "hidden-look-alike-letters" | "hidden-split-word"
                ))
            || prose
                && matches!(finding.rule.id, "hidden-invisible-run" | "hidden-tag-characters")
                && !carries_orders
            || prose
                && matches!(
                    finding.rule.id,
                    "hidden-direction" | "hidden-look-alike-letters" | "hidden-split-word"
                )
        {
            finding.confidence = finding.confidence.min(Low);
        }
        // Many exhibits are no more of an attack than one.
        if finding.confidence == Low && (prose || specimen || sample && data) {
            finding.severity = finding.severity.min(Severity::Medium);
        }
    }
}

/// Is it a file of records that a program of the package reads, and that no text tells the agent to obey: cases of
/// a test, a set of attacks, an exercise?
fn is_specimen(package: &Package, path: &str) -> bool {
    let Some(file) = package.file(path).filter(|file| file.kind == FileKind::Data) else {
        return false;
    };
    let name = base(path);
    let records = {
        let text = String::from_utf8_lossy(&file.bytes);
        let marks = [": ", "\":", "\t", ",", "|"];
        // The same sign begins or divides line after line.
        let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches(['-', '{', ' ']);
            let end = marks.iter().filter_map(|mark| line.find(mark)).min().unwrap_or_default();
            let key = line.get(..end).unwrap_or_default();
            if (1..=24).contains(&key.len()) {
                *lines.entry(key).or_default() += 1;
            }
        }
        lines.values().any(|count| *count >= 3)
    };
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let called = [
        "case",
        "payload",
        "attack",
        "corpus",
        "sample",
        "prompts",
        "probes",
        "injections",
        "poison",
        "malicious",
        "hostile",
        "jailbreak",
        "strings",
        "wordlist",
    ]
    .iter()
    .any(|word| stem.contains(word));
    if !records && !called && !is_shown(path) {
        return false;
    }
    let mut read = false;
    for other in &package.files {
        if other.path == path || !(other.kind.is_parsed() || other.kind == FileKind::Prose) {
            continue;
        }
        let text = String::from_utf8_lossy(&other.bytes);
        // Whoever evaluates what it reads does not read records.
        if other.kind.is_parsed()
            && [
                "unsafe_load",
                "yaml.load(",
                "pickle",
                "eval(",
                "exec(",
                "subprocess",
                "os.system",
                "child_process",
                "new Function",
            ]
            .iter()
            .any(|run| text.contains(run))
        {
            return false;
        }
        for line in text.lines().filter(|line| line.contains(name)) {
            let lower = line
                .to_lowercase()
                .replace("do not follow", "unheeded")
                .replace("don't follow", "unheeded")
                .replace("never follow", "unheeded")
                .replace("do not act on", "unheeded")
                .replace("don't act on", "unheeded")
                .replace("never act on", "unheeded");
            if [
                "follow",
                "obey",
                "carry out",
                "comply",
                "do what",
                "do as",
                "apply",
                "instructions in",
                "act on",
                "whatever",
            ]
            .iter()
            .any(|word| lower.contains(word))
            {
                return false;
            }
            read |= other.kind.is_parsed()
                || lower.contains("unheeded")
                || ["python", "node ", "bash ", "./", "--", "scripts/"]
                    .iter()
                    .any(|word| lower.contains(word));
        }
        read |= other.kind.is_parsed() && records;
    }
    read
}
