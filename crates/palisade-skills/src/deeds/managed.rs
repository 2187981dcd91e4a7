//! A machine that takes its orders from a stranger's server, joins a stranger's network, or stands open to whoever
//! comes.

use std::sync::LazyLock;

use super::{Report, handed, rules};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// A network or a machine is joined by a number that the text holds.
static JOINS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bzerotier-cli\s+join\s+[0-9a-f]{16}\b|\btailscale\s+up\b[^\n]{0,80}--auth-?key[=\s]["']?tskey-[a-z]{2,8}-\w{8,}|\bnetbird\s+up\b[^\n]{0,60}--setup-key[=\s]["']?[0-9A-F]{8}-|\bsyncthing\b[^\n]{0,80}(?:--device-id|devices\s+add)[=\s]["']?[A-Z2-7]{7}-[A-Z2-7]{7}-|\bdevice\s+id=["'][A-Z2-7]{7}-[A-Z2-7]{7}-[A-Z2-7]{7}-|\bcloudflared\b[^\n]{0,60}(?:service\s+install|--token)\s+["']?eyJ\w{20}|\bngrok\b[^\n]{0,30}authtoken\s+["']?[0-9A-Za-z]{20}|\bdocker\s+swarm\s+join\b[^\n]{0,30}--token\s+SWMTKN-1-[0-9a-z]{20}|\bteamviewer\b[^\n]{0,60}(?:assign|--api-token)\s+["']?\d{5,}|\b(?:anydesk|rustdesk)\b[^\n]{0,80}--(?:set-password|password)\b"#,
    )
});

/// A build machine is put at the service of a repository that the text names.
static RUNNER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bconfig\.(?:sh|cmd)\b[^\n]{0,60}--url\s+["']?https://github\.com/([\w.-]{2,39})(?:/[\w.-]{1,80})?|\bRUNNER_(?:REPOSITORY_)?URL["']?\s*[:=]\s*["']?https://github\.com/([\w.-]{2,39})"#,
    )
});

/// All secrets of a repository go to a workflow of another owner.
static INHERITED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)uses:\s*([\w.-]{2,39})/[\w.-]{1,80}/\.github/workflows/[\w./-]{1,60}@\S{1,60}[\s\S]{0,240}?secrets:\s*inherit",
    )
});

/// A door that opens to every address, and asks for nothing.
static OPEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bhost\s+all\s+all\s+(?:0\.0\.0\.0/0|::/0|all)\s+trust\b|\s\*?\(?(?:0\.0\.0\.0/0)?\*?\([^)\n]{0,30}no_root_squash|\bdockerd?\b[^\n]{0,60}-H\s+tcp://0\.0\.0\.0:2375|["']tcp://0\.0\.0\.0:2375["']|\bPermitEmptyPasswords\s+yes|\bprotected-mode\s+no\b[\s\S]{0,200}?\bbind\s+0\.0\.0\.0|\bbind\s+0\.0\.0\.0\b[\s\S]{0,200}?\bprotected-mode\s+no\b|\bxhost\s+\+\s*(?:$|[;&\n`])|--inspect(?:-brk)?=0\.0\.0\.0|\bcode-server\b[^\n]{0,60}(?:--auth\s+none[^\n]{0,60}0\.0\.0\.0|0\.0\.0\.0[^\n]{0,60}--auth\s+none)|--skip-grant-tables\b|\bAuthorizedKeysCommand\s+/\S|\bpam_exec\.so\b[^\n]{0,40}expose_authtok|\bpam_permit\.so\b[^\n]{0,10}\n[^\n]{0,80}/etc/pam\.d|/etc/pam\.d[^\n]{0,80}pam_permit"#,
    )
});

/// A shell that runs as its owner, root, for everybody.
static SETUID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:cp|install)\s[^\n]{0,60}/(?:ba|da|z)?sh\s[^\n]{0,120}(?:\n[^\n]{0,40})?(?:chmod\s+(?:u\+s|\+s|[2467][0-7]{3})|-m\s*[46]7[0-7]{2})|\bsetcap\s+cap_(?:setuid|dac_override|sys_admin)\S{0,20}\s[^\n]{0,60}(?:python|perl|node|/sh|bash|ruby)",
    )
});

/// A file that every program loads, or that a program runs before its own code, is set for good.
static PRELOADS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)/etc/ld\.so\.preload|\b(?:LD_PRELOAD|DYLD_INSERT_LIBRARIES|PYTHONSTARTUP|BASH_ENV|PERL5OPT|RUBYOPT|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS)\b["']?\s*[=,]\s*["']?(?:-\S{1,20}[=\s:]?)?[~/$.\w]|\bNODE_OPTIONS\b["']?\s*[=,]\s*["']?[^\n"']{0,30}(?:--require|-r\s|--import|--loader)"#,
    )
});
static FOR_GOOD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)ld\.so\.preload|\.(?:bash|zsh)(?:rc|_profile|env)\b|\.z?profile\b|/etc/(?:environment|profile\.d)|environment\.d|launchctl\s+setenv|\bsetx\b|set\s+-Ux|config\.fish"#,
    )
});

/// Is what stands here only shown or compared by the command in front of it?
fn is_looked_at(text: &str, at: usize) -> bool {
    const LOOKS: &[&str] = &[
        "cat",
        "ls",
        "stat",
        "grep",
        "head",
        "tail",
        "less",
        "file",
        "find",
        "test",
        "lsattr",
        "sha256sum",
        "md5sum",
        "diff",
        "strings",
        "rm",
        "wc",
        "[",
    ];
    let start = text.get(..at).unwrap_or_default().rfind(['\n', ';', '|', '&', '(', '`']);
    let from = start.map_or(0, |start| start + 1);
    let command = text.get(from..at).unwrap_or_default().trim_start();
    let command = command.strip_prefix("sudo ").unwrap_or(command);
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.split(['\n', ';', '|', '&']).next().unwrap_or_default();
    command.split_whitespace().next().is_some_and(|word| LOOKS.contains(&word))
        && !command.contains('>')
        && !rest.contains('>')
}

/// An owner that the user has to fill in, or a well-known one.
fn is_blank(owner: &str) -> bool {
    let lower = owner.to_ascii_lowercase();
    [
        "your",
        "my-",
        "myorg",
        "example",
        "octo",
        "owner",
        "acme",
        "org",
        "company",
        "user",
        "team",
        "contoso",
        "actions",
        "github",
        "aws",
        "google",
        "azure",
        "docker",
        "hashicorp",
        "slsa-framework",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if let Some(joins) = JOINS.find(text) {
        let message = "the machine joins, or lets in, somebody whose number the text holds";
        report.say(&handed::SECOND_WAY, Severity::High, Medium, joins.start(), message);
    }
    for (pattern, rule, message) in [
        (
            &*RUNNER,
            &handed::SECOND_WAY,
            "the machine runs what a repository of somebody's sends it",
        ),
        (&*INHERITED, &rules::WORKFLOW_SECRETS, "all secrets go to a workflow of another owner"),
    ] {
        let mut captures = pattern.create_captures();
        pattern.captures(text, &mut captures);
        let owner = (1..3)
            .filter(|group| *group < captures.group_len())
            .find_map(|group| captures.get_group(group))
            .and_then(|owner| text.get(owner.range()));
        if let (Some(whole), Some(owner)) = (captures.get_match(), owner)
            && !is_blank(owner)
            && !report.profile.purpose.contains(&owner.to_ascii_lowercase())
        {
            report.say(rule, Severity::High, Medium, whole.start(), message);
        }
    }
    if let Some(open) = OPEN.find(text).or_else(|| SETUID.find(text)) {
        let message = "whoever comes gets in, or becomes the owner of the machine, unasked";
        report.say(&handed::SECOND_WAY, Severity::High, Medium, open.start(), message);
    }
    if let Some(preloads) =
        PRELOADS.find_iter(text).take(32).find(|found| !is_looked_at(text, found.start()))
        && FOR_GOOD.is_match(text)
    {
        let message = "a file of somebody's is loaded into each program from now on";
        report.say(&handed::PRELOADED, Severity::High, Medium, preloads.start(), message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, Prose, Shell};

    #[test]
    fn a_machine_that_is_somebody_elses_is_seen() {
        for (path, kind, text) in [
            ("n.sh", Shell, "zerotier-cli join 8056c2e21c4fd0a9\n"),
            ("r.sh", Shell, "./config.sh --url https://github.com/fleet-mender/pool --token $T\n"),
            (
                "w.yml",
                Data,
                "jobs:\n  a:\n    uses: fleet-mender/flows/.github/workflows/ci.yml@main\n    secrets: inherit\nscript:\n",
            ),
            ("SKILL.md", Prose, "```\nhost all all 0.0.0.0/0 trust\n```\n"),
            ("s.sh", Shell, "cp /bin/bash /usr/local/bin/fmt\nchmod u+s /usr/local/bin/fmt\n"),
            (
                "p.sh",
                Shell,
                "echo 'export NODE_OPTIONS=\"--require ~/.cache/h.js\"' >> ~/.bashrc\n",
            ),
        ] {
            assert!(!stopped(path, kind, text).is_empty(), "{text}");
        }
        for (path, kind, text) in [
            ("n.sh", Shell, "zerotier-cli join \"$NETWORK\"\n"),
            ("r.sh", Shell, "./config.sh --url https://github.com/my-org/app --token $T\n"),
            ("SKILL.md", Prose, "```\nhost all all 10.0.0.0/8 scram-sha-256\n```\n"),
            ("s.sh", Shell, "cp run.sh /usr/local/bin/fmt\nchmod 0755 /usr/local/bin/fmt\n"),
            ("p.sh", Shell, "NODE_OPTIONS=--max-old-space-size=4096 npm test\n"),
        ] {
            assert_eq!(stopped(path, kind, text), Vec::<&str>::new(), "{text}");
        }
    }
}
