//! Clouds, clusters, repositories and machines: mass destruction, audit switched off, ways out of a container,
//! workflows that hand out their secrets.

use std::sync::LazyLock;

use super::{Report, rules};
use crate::{
    Confidence::{High, Low, Medium},
    Severity,
    pattern::{Regex, code as pattern},
};

/// All that a listing gives is destroyed.
static MASS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:describe|list)-[a-z-]+\b[^\n]{0,300}(?:xargs|while\s+read|for\s)[^\n]{0,120}\b(?:delete|terminate|deregister|remove|destroy)-|kubectl\s+get\s+(?:ns|namespaces?|deploy\w*|all|pods?|pvc?|svc|sts)\b[^\n|]{0,80}(?:\|\s*grep\s+-v[^\n|]{0,60})?\|\s*xargs[^\n]{0,40}\bdelete\b|kubectl\s+delete\s+(?:ns|namespaces?|all|pvc?|deploy\w*)\s+--all\b[^\n]{0,30}|git\b[^\n]{0,20}\spush\b[^\n]{0,60}(?:--force|-f)\b[^\n]{0,40}(?:--all|--prune|--mirror|refs/heads/\*)|git\b[^\n]{0,20}\spush\b[^\n]{0,40}--(?:mirror|prune)[^\n]{0,40}--force|ls-remote[^\n]{0,120}xargs[^\n]{0,40}push|gh\s+(?:release|repo|run)\s+list[^\n]{0,120}xargs[^\n]{0,40}delete|workspace\s+list[^\n]{0,200}destroy[^\n]{0,60}-auto-approve|az\s+group\s+list[^\n]{0,160}delete|gcloud\s+\S+\s+(?:\S+\s+)?list[^\n]{0,160}delete[^\n]{0,40}(?:-q\b|--quiet)|aws\s+s3\s+ls[^\n]{0,160}(?:rb|rm)\b[^\n]{0,40}(?:--force|--recursive)|doctl[^\n]{0,40}list[^\n]{0,120}delete|heroku\s+apps[^\n]{0,120}destroy"#,
    )
});

/// All that there is of a kind, gone through.
static LISTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bfor\b[^\n]{0,80}(?:\.(?:describe|list)_\w{3,40}\(|\.all\(\)|get_paginator)|\b(?:describe|list)-[a-z-]{3,40}\b[\s\S]{0,300}?\b(?:while\s+read|for\s|xargs)|\bfor\s[^\n]{0,40}\$\((?:aws|gcloud|az|doctl)\s[^\n]{0,80}(?:describe|list)",
    )
});

/// The copies that would bring it back.
static LAST_COPIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)delete_recovery_point|delete-recovery-point|delete_?-?automated-?_?backups\s*[=:]?\s*true|delete-automated-backups|object_versions\.(?:all\(\)\.)?delete|delete_backup\b|delete-backup\b|delete_backup_vault|delete-backup-vault|purge_deleted|soft-delete[^\n]{0,40}(?:false|off|disable)",
    )
});

/// What holds a deletion up is taken away, or no last copy is made.
static LEFT_OPEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)deletion_?-?protection\s*[=:]\s*false|no-deletion-protection|skip_?-?final-?_?snapshot\s*[=:]?\s*true|--skip-final-snapshot|disable-?_?api-?_?termination\W{1,4}(?:value\W{1,4})?false|termination-protection[^\n]{0,12}(?:false|disable)",
    )
});

/// What a cloud records of itself.
static AUDIT_OFF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)cloudtrail[^\n]{0,40}(?:stop-logging|delete-trail)|\bstop-logging\b|guardduty[^\n]{0,20}delete-detector|stop-configuration-recorder|delete-configuration-recorder|delete-flow-logs|securityhub\s+disable|macie2?\s+disable|--no-log(?:ging)?-enabled|az\s+monitor\s+(?:diagnostic-settings|log-profiles)\s+delete|gcloud\s+logging\s+sinks\s+delete|auditctl\s+-e\s*0|wevtutil(?:\.exe)?\s+(?:cl|clear-log)\s+["'$%\w]|Clear-EventLog\s+[-"'$(@\w]|journalctl\s+--rotate[^\n]{0,40}--vacuum-time=1s"#,
    )
});

/// What the user and the agent did is taken out of its records.
static TRACES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)sed\s+-i[^\n]{0,120}(?:/d["'][^\n]{0,80}|d\s+)(?:\S*history|\S*\.jsonl|/var/log/\S+|auth\.log|wtmp|\.claude/projects)|(?:\btruncate|\bshred|\brm|(?:^|[;&]|:|echo(?:\s+["']{2})?)\s*>)\s[^\n]{0,20}(?:\.(?:bash|zsh)_history|\.claude/projects|/var/log/(?:auth|secure|wtmp|btmp|audit)|\.claude/history)|ln\s+-sf\s+/dev/null\s+\S*history"#,
    )
});

/// The whole machine is given to a container.
static HOST_GIVEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:-v|--volume|--mount\s+type=bind,source=|\n\s*-)[\s=]?["']?/:/[A-Za-z][\w/]*(?:["'\s,]|:rw|$)|hostPath:\s*\{?\s*path:\s*["']?/["']?\s*[}\n]|["']/:/(?:host|mnt|rootfs)\w*["']"#,
    )
});

static PRIVILEGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)--privileged\b|--pid[= ]host|privileged:\s*true|hostPID:\s*true|nsenter|docker\.sock",
    )
});

/// Secrets of a workflow, all of them.
static ALL_SECRETS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)toJSON\(\s*secrets\s*\)"));

/// A stranger's change is checked out with the rights of the repository.
static TARGET: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)pull_request_target|issue_comment|workflow_run"));
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)github\.event\.(?:pull_request\.head|workflow_run\.head)|github\.head_ref|refs/pull/",
    )
});
static RIGHTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)write-all|contents:\s*write|secrets\.|self-hosted|id-token:\s*write|packages:\s*write",
    )
});

/// Somebody whom the text names gets in, or a gate comes down.
static ACCESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)gh\s+api\b[^\n]{0,80}collaborators/[\w-]+[^\n]{0,60}permission=(?:admin|push|maintain)|npm\s+(?:owner\s+add|access\s+set\s+mfa=none|access\s+grant)|gh\s+auth\s+refresh[^\n]{0,60}-s[^\n]{0,30}(?:admin|delete_repo)|gh\s+api\b[^\n]{0,80}-X\s*DELETE[^\n]{0,80}(?:protection|rulesets)|Principal["']?\s*[:=]\s*\{?\s*["']?AWS["']?\s*[:=]\s*["']arn:aws:iam::\d{12}:root|put-bucket-replication|gh\s+repo\s+(?:edit|deploy-key\s+add)[^\n]{0,60}(?:--visibility\s+public|-w\b|--allow-write)|az\s+role\s+assignment\s+create[^\n]{0,80}Owner|gem\s+owner\s+-a|add-iam-policy-binding[^\n]{0,120}(?:allUsers|roles/owner|@[\w.-]+)|alter\s+share\s+\w{1,40}\s+add\s+accounts\s*=\s*[\w.]{2,60}|New-MgRoleManagementDirectoryRoleAssignment[^\n]{0,160}-RoleDefinitionId\s+[0-9a-f]{8}-|New-MgServicePrincipal\b[^\n]{0,40}-AppId\s+[0-9a-f]{8}-|New-InboxRule\b[^\n]{0,160}-(?:ForwardTo|RedirectTo|ForwardAsAttachmentTo)\s+["']?[\w.+-]+@|-ForwardingSmtpAddress\s+["']?(?:smtp:)?[\w.+-]+@|trusted_networks[^\n]{0,20}\n?[^\n]{0,40}0\.0\.0\.0/0|allow_bypass_login:\s*true|aws\s+iam\s+attach-user-policy[^\n]{0,120}AdministratorAccess[^\n]{0,60}--user-name\s+[a-z]|aws\s+iam\s+attach-user-policy[^\n]{0,40}--user-name\s+[a-z][^\n]{0,120}AdministratorAccess|gcloud\s+projects\s+add-iam[^\n]{0,120}roles/(?:owner|editor)|databricks\s+[^\n]{0,60}create-recipient|add\s+consumer|GRANT\s+ALL\b[^\n]{0,80}TO\s+PUBLIC"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if let Some(mass) = MASS.find(text) {
        let message = "everything that a listing gives is destroyed";
        // A filter, a prefix, a label: somebody has said what shall go.
        let given = text.get(mass.range()).unwrap_or_default().to_ascii_lowercase();
        // `git push --mirror` is how a cleaned history is put back, after everybody was asked. All branches go the
        // same way where the text names what cleans it.
        let cleaned =
            ["filter-repo", "filter-branch", "bfg "].iter().any(|tool| text.contains(tool))
                && given.contains("push")
                && !given.contains("ls-remote");
        // With a lease nothing is lost that one has not seen.
        let chosen = given.contains("--mirror")
            || given.contains("--force-with-lease")
            || cleaned
            || [
                "prefix",
                "filter",
                "contains(",
                "starts_with(",
                "tag:",
                "-l ",
                "selector",
                "status",
                "| grep -e",
                "| grep '",
            ]
            .iter()
            .any(|word| given.contains(word));
        let (severity, sure) =
            if chosen { (Severity::Medium, Low) } else { (Severity::High, Medium) };
        report.say(&rules::MASS_DESTRUCTION, severity, sure, mass.start(), message);
    }
    if LISTS.is_match(text)
        && let Some(last) = LAST_COPIES.find(text)
        && LEFT_OPEN.is_match(text)
    {
        let message = "what is listed is destroyed together with what would bring it back";
        report.say(&rules::MASS_DESTRUCTION, Severity::High, Medium, last.start(), message);
    }
    if let Some(off) = AUDIT_OFF.find(text) {
        let message =
            "the records of what happens in the account or on the machine are switched off";
        report.say(&rules::AUDIT_OFF, Severity::High, Medium, off.start(), message);
    }
    if let Some(traces) = TRACES.find(text) {
        let message = "traces of what was done are removed";
        // `/PATTERN/d`: one line, which the user names, and no deed of the text's own.
        let given = text.get(traces.range()).unwrap_or_default();
        let named = given.split('/').nth(1).is_some_and(|word| {
            word.len() > 2 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                || word.starts_with(['<', '{'])
        });
        let (severity, sure) = if named && report.program.prose {
            (Severity::Medium, Low)
        } else {
            (Severity::High, Medium)
        };
        report.say(&rules::AUDIT_OFF, severity, sure, traces.start(), message);
    }
    if let Some(given) = HOST_GIVEN.find(text) {
        let (severity, sure) = match PRIVILEGED.is_match(text) {
            true => (Severity::High, Medium),
            false => (Severity::Medium, Low),
        };
        let message = "a container gets the whole file system of the machine to write to";
        report.say(&rules::HOST_GIVEN, severity, sure, given.start(), message);
    }
    if let Some(secrets) = ALL_SECRETS.find(text) {
        let message = "all secrets of the repository are handed to a step";
        report.say(&rules::WORKFLOW_SECRETS, Severity::High, High, secrets.start(), message);
    } else if let Some(target) = TARGET.find(text)
        && HEAD.is_match(text)
        && RIGHTS.is_match(text)
        && text.contains("checkout")
    {
        let message =
            "a stranger's change is checked out and run with the rights of the repository";
        report.say(&rules::WORKFLOW_SECRETS, Severity::High, Medium, target.start(), message);
    }
    if let Some(access) = ACCESS.find(text) {
        // A name in angle brackets is the user's to fill in.
        let given = text.get(access.range()).unwrap_or_default();
        let rest = text.get(access.end()..).unwrap_or_default().trim_start();
        // So is one in capitals: `collaborators/NAME`.
        let blank = given.split("collaborators/").nth(1).is_some_and(|name| {
            name.split(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .is_some_and(|word| word.len() > 2 && word.bytes().all(|b| b.is_ascii_uppercase()))
        });
        let named = !blank
            && !given.contains('<')
            && !given.contains("${")
            && !rest.starts_with(['<', '$', '{'])
            && !stands_for_another(given)
            && !is_published(given, rest, report);
        let (severity, sure) =
            if named { (Severity::High, Medium) } else { (Severity::Medium, Low) };
        let message = "somebody whom the text names is given access, or a gate comes down";
        report.say(&rules::ACCESS_GIVEN, severity, sure, access.start(), message);
    }
}

/// Is what everybody may read what the package says it publishes: reading only, and by its purpose?
fn is_published(given: &str, rest: &str, report: &Report<'_>) -> bool {
    const PURPOSE: &[&str] = &["publish", "public", "static site", "website", "open data", "hosts"];
    let given = given.to_ascii_lowercase();
    let rest: String = rest.chars().take(160).collect::<String>().to_ascii_lowercase();
    let writes = ["admin", "owner", "editor", "creator", "writer", "objectuser"]
        .iter()
        .any(|role| given.contains(role) || rest.contains(role));
    given.contains("allusers")
        && !writes
        && PURPOSE.iter().any(|word| report.profile.purpose.contains(word))
}

/// Does a command end in words that say whose account goes there (`ORG.PARTNER`), rather than in one?
fn stands_for_another(command: &str) -> bool {
    let last = command.rsplit(['=', ' ', '"', '\'']).find(|word| !word.is_empty());
    last.is_some_and(|name| {
        name.to_ascii_lowercase().split('.').all(|part| {
            matches!(
                part,
                "org"
                    | "organization"
                    | "partner"
                    | "account"
                    | "consumer"
                    | "customer"
                    | "acct"
                    | "locator"
                    | "partner_account"
                    | "consumer_account"
                    | "partner_org"
                    | "consumer_org"
                    | "account_locator"
                    | "org_name"
                    | "account_name"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_an_account_name_none() {
        assert!(stands_for_another("alter share p add accounts = ORG.PARTNER"));
        assert!(!stands_for_another("alter share p add accounts = KQ81.ZX0042"));
        assert!(!stands_for_another("npm owner add"));
    }

    /// The root of the machine in a list of volumes, as in an option.
    #[test]
    fn the_root_is_given_in_a_list_too() {
        for text in ["volumes:\n  - /:/host\n", "docker run -v /:/host x", "    - \"/:/rootfs\""] {
            assert!(HOST_GIVEN.is_match(text), "{text}");
        }
        assert!(!HOST_GIVEN.is_match("volumes:\n  - ./:/app\n  - data:/var\n"));
    }
}
