//! What a package says that it is, to hold against what it does.

use std::collections::BTreeSet;

use super::{base, frontmatter, parsed};
use crate::{FileKind, Package};

/// What a package declares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    /// The folder's name.
    pub(crate) folder: String,
    /// The name in the frontmatter or the manifest, else the folder's.
    pub(crate) name: String,
    /// All descriptions, in lower case.
    pub(crate) purpose: String,
    /// The words of name and purpose, in lower case, without the common ones.
    pub(crate) words: BTreeSet<String>,
    /// Hosts of its homepage, repository and declared servers.
    pub(crate) hosts: BTreeSet<String>,
    /// Environment variables that it says it needs.
    pub(crate) variables: BTreeSet<String>,
    /// Programs that it says it needs.
    pub(crate) programs: BTreeSet<String>,
    /// Is it about attack and defence, so that attacks are its subject?
    pub(crate) security: bool,
    /// Does it hold code, or commands in its text?
    pub(crate) runs: bool,
}

/// What the files of a package declare.
pub(crate) fn profile(package: &Package, folder: &str) -> Profile {
    let mut profile = Profile { folder: folder.to_owned(), ..Profile::default() };
    let mut titles = String::new();
    for file in &package.files {
        let front;
        let document = match file.kind {
            FileKind::Prose => {
                profile.runs |= memchr::memmem::find(&file.bytes, b"```").is_some();
                front = frontmatter::front(file).map(|front| front.document);
                if titles.is_empty() && base(&file.path).eq_ignore_ascii_case("SKILL.md") {
                    titles = heading(&file.bytes);
                }
                front
            }
            FileKind::Definition => parsed(file),
            FileKind::Data
            | FileKind::Media
            | FileKind::Archive
            | FileKind::Binary
            | FileKind::Unknown => None,
            _ => {
                profile.runs = true;
                None
            }
        };
        if let Some(document) = document {
            declared(&mut profile, &document);
        }
    }
    if profile.name.is_empty() {
        folder.clone_into(&mut profile.name);
    }
    profile.purpose = profile.purpose.to_lowercase();
    let text = format!(
        "{} {} {} {}",
        profile.name,
        profile.folder,
        profile.purpose,
        titles.to_lowercase()
    );
    profile.words = words(&text);
    profile.security = is_security(&format!("{} {} {titles}", profile.name, profile.folder), &text);
    profile
}

fn declared(profile: &mut Profile, document: &super::Document) {
    for leaf in &document.leaves {
        let path = leaf.path.as_str();
        let last = path.rsplit('.').find(|part| part.parse::<u32>().is_err()).unwrap_or_default();
        match last {
            "name" if profile.name.is_empty() && !path.contains('.') => {
                leaf.text.clone_into(&mut profile.name)
            }
            "description" | "when_to_use" | "compatibility" | "keywords" | "tags"
                if path.matches('.').count() < 3 =>
            {
                profile.purpose.push_str(&leaf.text);
                profile.purpose.push('\n');
            }
            "env" | "primaryEnv" => {
                profile.variables.insert(leaf.text.clone());
            }
            "bins" | "anyBins" => {
                profile.programs.insert(leaf.text.to_lowercase());
            }
            "homepage" | "repository" | "website" => {
                profile.hosts.extend(crate::text::hosts(&leaf.text));
            }
            _ => {}
        }
    }
}

fn heading(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(4096)).unwrap_or(bytes));
    text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().to_owned()
}

/// Words of a purpose that tell nothing.
const COMMON: &[&str] = &[
    "the",
    "and",
    "for",
    "with",
    "this",
    "that",
    "use",
    "when",
    "user",
    "users",
    "from",
    "into",
    "skill",
    "skills",
    "agent",
    "agents",
    "tool",
    "tools",
    "you",
    "your",
    "any",
    "all",
    "via",
    "using",
    "asks",
    "needs",
    "api",
    "app",
    "com",
    "net",
    "org",
    "data",
    "file",
    "files",
    "code",
    "help",
    "helper",
    "manager",
    "server",
    "service",
    "cloud",
    "web",
    "dev",
    "www",
    "http",
    "https",
    "github",
    "raw",
    "get",
    "new",
    "can",
    "how",
    "are",
    "not",
    "will",
    "other",
    "sync",
    "secure",
    "security",
    "backup",
    "analytics",
    "telemetry",
    "update",
    "updates",
];

pub(crate) fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 2 && !COMMON.contains(&word.as_str()))
        .collect()
}

/// Words that a package about attack and defence uses of itself. One alone may be chance.
const SECURITY: &[&str] = &[
    "security",
    "reverse shell",
    "shells",
    "payloads",
    "macro",
    "samples",
    "evaluat",
    "harness",
    "testing",
    "secure",
    "secrets",
    "privesc",
    "hackthebox",
    "tryhackme",
    "lab",
    "labs",
    "rules",
    "intrusion",
    "suricata",
    "snort",
    "falco",
    "injections",
    "pentest",
    "penetration",
    "red team",
    "redteam",
    "blue team",
    "vulnerab",
    "exploit",
    "malware",
    "forensic",
    "threat",
    "ctf",
    "capture the flag",
    "incident response",
    "detection",
    "yara",
    "sigma",
    "semgrep",
    "owasp",
    "prompt injection",
    "jailbreak",
    "attack",
    "adversar",
    "offensive",
    "defensive",
    "hardening",
    "reverse engineer",
    "reversing",
    "osint",
    "recon",
    "fuzz",
    "mitre",
    "att&ck",
    "soc analyst",
    "siem",
    "phishing",
    "skimmer",
    "skimming",
    "credential",
    "audit",
    "privilege escalation",
    "lateral movement",
    "payload",
    "stealer",
    "infostealer",
    "poison",
    "tabletop",
    "hostile",
    "content filter",
    "moderation",
    "exercise",
    "workshop",
    "static analysis",
    "virtual machine",
    "trust and safety",
    "red flags",
    "vetting",
    "vetter",
    "intrusions",
    "tunnel",
    "emulation",
    "abuse",
    "scam",
    "fraud",
    "spoof",
    "botnet",
    "trojan",
    "spyware",
    "hunt",
    "hunting",
    "compromise",
    "first responder",
    "attack surface",
    "escape",
    "cracking",
    "wordlist",
    "purple team",
    "shellcode",
    "bug bounty",
    "cve",
    "secret scan",
    "injection",
    "xss",
    "sqli",
    "nmap",
    "metasploit",
    "burp",
    "active directory",
    "kerberos",
    "exfiltration",
    "backdoor",
    "rootkit",
    "ransomware",
    "sandbox escape",
    "supply chain",
    "sast",
    "dast",
    "devsecops",
    "cyber",
    "hacking",
    "infosec",
    "guardrail",
    "safety eval",
    "honeypot",
    "decoy",
    "canary",
    "unicode",
    "homoglyph",
    "confusable",
    "bidi",
    "zero-width",
    "invisible character",
    "badusb",
    "rubber ducky",
    "dlp",
    "data loss",
    "insider",
    "typosquat",
    "ssti",
    "sandbox",
    "awareness",
    "canarytoken",
    "harden",
    "deobfuscat",
    "obfuscat",
    "malicious",
    "refusal",
    "tamper",
    "intruder",
    "evidence",
    "incident",
    "due-diligence",
    "skill auditor",
    "before installation",
    "fail2ban",
    "防御",
    "leaked",
    "breach",
    "cis level",
    "cis benchmark",
    "sudoers",
    "auditd",
    "nftables",
    "system prompt",
    "few-shot",
    "evals",
    "steganograph",
    "captive portal",
    "persistence",
    "c2",
    "beacon",
    "ioc",
    "iocs",
    "edr",
    "mimikatz",
    "wifi",
    "deauth",
    "wpa",
    "triage",
    "sicherheit",
    "angriff",
    "schwachstelle",
    "kryptografie",
    "verschlüsselung",
    "sécurité",
    "vulnérabil",
    "seguridad",
    "ataque",
    "segurança",
    "безопасност",
    "уязвимост",
    "атак",
    "安全",
    "攻击",
    "漏洞",
    "渗透",
    "应急响应",
    "取证",
    "后门",
    "入侵",
    "威胁",
    "침해",
    "악성코드",
    "포렌식",
    "インシデント対応",
    "マルウェア",
    "フォレンジック",
    "侵害",
    "реагирован",
    "вредонос",
    "container escape",
    "container isolation",
    "breakout",
    "恶意",
    "攻撃",
    "脆弱性",
    "セキュリティ",
    "보안",
    "취약점",
];

/// Words that no package about anything else has in its name or title: one is enough there.
const ATTACKS: &[&str] = &[
    "malware",
    "ransomware",
    "jailbreak",
    "phishing",
    "exploit",
    "pentest",
    "penetration test",
    "red team",
    "redteam",
    "purple team",
    "stealer",
    "trojan",
    "rootkit",
    "botnet",
    "keylogger",
    "spyware",
    "backdoor",
    "shellcode",
    "reverse shell",
    "prompt injection",
    "poison",
    "data loss prevention",
    "ctf",
    "adversar",
    "steganograph",
    "steg",
    "intrusion",
    "vulnerabilit",
    "hacking",
    "forensic",
    "infostealer",
    "social engineering",
    "deepfake",
    "honeypot",
    "cowrie",
    "skill audit",
    "skill vett",
    "vetting skills",
    "auditing skills",
    "scam",
    "fraud",
];

/// Words of these that other trades have too.
const PLAIN: &[&str] = &[
    "evaluat",
    "security",
    "macro",
    "samples",
    "testing",
    "secure",
    "lab",
    "labs",
    "rules",
    "exercise",
    "workshop",
    "hunt",
    "hunting",
    "escape",
    "canary",
    "unicode",
    "tunnel",
    "emulation",
    "virtual machine",
    "tabletop",
    "shells",
    "burp",
    // Of issues, not only of alarms.
    "triage",
];

fn is_security(name: &str, text: &str) -> bool {
    let text = text.to_lowercase().replace('-', " ");
    let name = name.to_lowercase().replace('-', " ");
    // Two words, of which one is hardly ever used otherwise: each laboratory has labs and rules.
    let said = || SECURITY.iter().filter(|word| says(&text, word));
    said().take(2).count() == 2 && said().any(|word| !PLAIN.contains(word))
        // A workshop of poets is none of theirs.
        || ATTACKS.iter().any(|word| !PLAIN.contains(word) && says(&name, word))
}

/// Does a text in lower case say this word, or begin one with it?
fn says(text: &str, word: &str) -> bool {
    let plain = |c: Option<char>| {
        c.is_none_or(|c| !c.is_alphanumeric() || !c.is_ascii() && !c.is_lowercase())
    };
    let word = word.replace('-', " ");
    text.match_indices(&word).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|text| text.chars().next());
        // A short word is an abbreviation; a long one may be a stem.
        plain(before) && (word.len() > 5 || plain(after))
    })
}
