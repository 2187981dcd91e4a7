//! Programs that copy themselves, or what they bring, to where they were not asked to be.

use std::sync::LazyLock;

use super::{Report, rules};
use crate::{
    Confidence::{High, Medium},
    Severity,
    pattern::{Regex, code as pattern},
};

/// Other people's projects, packages and machines are searched for.
static SEARCHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bgh\b[^\n]{0,8}repo[^\n]{0,8}list|/user/repos|/orgs/[^\s"']{1,40}/repos|npm\b[^\n]{0,8}access[^\n]{0,12}(?:list|ls)|maintainer:|/-/user/|-/v1/search|known_hosts|\.ssh/config|\barp\s+-a|\bnmap\b|/24\b|\*/\.git\b|name\s+["']?\.git\b|join\(\s*\w+,\s*["'](?:package\.json|SKILL\.md|CLAUDE\.md|setup\.py)|glob\w*\(\s*[rf]?["'][^"'\n]{0,40}(?:\.git|package\.json|setup\.py|pyproject\.toml|SKILL\.md|CLAUDE\.md|AGENTS\.md)|(?:readdir\w*|listdir|walk|scandir|iterdir|rglob|Get-ChildItem|Dir\.glob|filepath\.Walk\w*|find)\b[^\n]{0,80}(?:home|~|repos|projects|src|work|skills|node_modules|\.git)|list_?(?:for_?)?(?:org|user|authenticated|repos|forks)|getRepos|pip\s+list|for_each_ref"#,
    )
});

/// The program itself is what is copied.
static ITSELF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)__file__|__filename|__dirname|\$0\b|BASH_SOURCE|import\.meta\.(?:url|dirname|filename)|process\.argv\[1\]|sys\.argv\[0\]|os\.Args\[0\]|os\.Executable|current_exe|\$PSCommandPath|MyInvocation|\$PSScriptRoot|__dir__|__FILE__|FindBin|SKILL_DIR|CLAUDE_PLUGIN_ROOT|inspect\.getsource|ScriptFullName|WScript\.ScriptFullName|\bHERE\b"#,
    )
});

static COPIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bcopy(?:tree|file|2)?\s*\(|\bcp\s+-?|cpSync|copyFile|writeFile|write_text|write_bytes|\.write\(|\bscp\s|\brsync\s|Copy-Item|Set-Content|Add-Content|FileUtils\.cp|File\.write|os\.WriteFile|\btee\s|>>|\bln\s+-s|io\.Copy|createOrUpdateFile|put_contents|/contents/|FileSystemObject"#,
    )
});

/// Where agents, and whoever opens or installs a project, obey what lies there.
static OBEYED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\.(?:claude|codex|agents|openclaw|cursor|windsurf|gemini|clawdbot)["'\s,/\\)]{1,6}["']?(?:skills|rules|commands|agents|hooks)|\bSKILL\.md|\bCLAUDE\.md|\bAGENTS\.md|\.cursorrules|copilot-instructions|\.git/hooks|["'\s.](?:post|pre)install\b|scripts[^\n]{0,30}\bprepare\b|\bprepare["']?\s*\]?\s*[:=]|extconf\.rb|sitecustomize|conftest\.py|authorized_keys|\.vscode/tasks|\.github/workflows|setup\.py\b|\.pth\b"#,
    )
});

/// The change leaves the machine.
static LEAVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)git\b[^\n]{0,40}["'\s,]push|npm["'\s,]{1,4}publish|twine["'\s,]{1,4}upload|cargo["'\s,]{1,4}publish|gem["'\s,]{1,4}push|\bgh\b[^\n]{0,10}\bpr\b[^\n]{0,10}(?:create|merge)|createPullRequest|pulls\.create|create_pull|/pulls\b|\bscp\s|\bssh\s|docker["'\s,]{1,4}push|createOrUpdateFileContents|vsce\s+publish|uv\s+publish|poetry\s+publish"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    let (Some(searches), true, Some(obeyed)) =
        (SEARCHES.find(text), COPIES.is_match(text), OBEYED.find(text))
    else {
        // From host to host, without a project between.
        if let Some(copy) = to_each_host(text) {
            let message = "it copies itself to each host that it finds, and runs there";
            report.say(&rules::SPREADS, Severity::High, High, copy, message);
        }
        return;
    };
    let itself = copies_itself(text);
    let leaves = LEAVES.is_match(text);
    let lifecycle = text.contains("postinstall") || text.contains("preinstall");
    let workflow = text.contains(".github/workflows");
    let _ = obeyed;
    if itself && (leaves || !is_installer(report.program.path)) || lifecycle && leaves {
        report.say(
            &rules::SPREADS,
            Severity::High,
            if leaves { High } else { Medium },
            searches.start(),
            "it searches for other projects and puts itself where they run it",
        );
    } else if leaves && !workflow {
        report.say(
            &rules::SPREADS,
            Severity::Medium,
            Medium,
            searches.start(),
            "it searches for other projects and changes what runs in them",
        );
    }
}

/// The program, or the folder around it, is the thing that is copied.
fn copies_itself(text: &str) -> bool {
    static COPY_OF: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?i)(?:copy\w*|cp\w*|scp|rsync|writeFile\w*|write_text|write_bytes|Copy-Item|Set-Content|FileUtils\.\w+|File\.write|os\.WriteFile|\bcat|\btee)\b[^\n]{0,120}(?:__file__|__filename|__dirname|\$0\b|BASH_SOURCE|import\.meta|argv\[[01]\]|os\.Args|Executable|PSCommandPath|MyInvocation|PSScriptRoot|__dir__|__FILE__|SKILL_DIR|PLUGIN_ROOT|\bself\b|\bSELF\b|\bHERE\b|\bhere\b|\bme\b|\bME\b|\bsrc\b|\bSRC\b|\bsource\b|\bmine\b|\bpayload\b|\bbody\b|\broot\b)"#,
        )
    });
    ITSELF.is_match(text) && COPY_OF.is_match(text)
}

/// A program that is called for what it does may put its own package where the user wants it.
fn is_installer(path: &str) -> bool {
    let name = crate::formats::base(path).to_ascii_lowercase();
    ["install", "setup", "deploy", "link", "bootstrap", "sync"]
        .iter()
        .any(|word| name.contains(word))
}

/// Itself by `scp` or a pipe to each known host, and run there.
fn to_each_host(text: &str) -> Option<usize> {
    static KNOWN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)known_hosts|\.ssh/config|\barp\s+-a|/etc/hosts|\bnmap\b|ip\s+neigh|/24\b|kubectl\s+get\s+nodes",
        )
    });
    static SELF_THERE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?i)(?:scp|rsync)\s[^\n]{0,80}(?:\$0|BASH_SOURCE|\$\{?self|__file__|\$me\b)|ssh\s[^\n]{0,120}(?:<\s*["']?(?:\$0|\$\{?BASH_SOURCE)|bash\s+-s|\bsh\s+-s)|\.put\([^\n]{0,40}(?:__file__|argv)"#,
        )
    });
    KNOWN.find(text).and_then(|_| SELF_THERE.find(text)).map(|found| found.start())
}
