//! An account with all rights for somebody whose address or name the package brings along.
//!
//! Systems of content, clouds, clusters and registries are all told so by a command. Two things make it harm: that the
//! rights are an administrator's, and that whose they are stands there.

use std::sync::LazyLock;

use regex_automata::Input;

use super::{Report, redirect, rules};
use crate::{
    Confidence::Medium,
    Severity::High,
    pattern::{Regex, code as pattern},
};

/// A command that makes an account or lets one in, with all rights, and its address.
static ENROLS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    const MAIL: &str = r"([a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5})";
    [
        r"\bwp\s+user\s+(?:create|update)\b[^\n;|]{0,120}?MAIL[^\n;]{0,80}--role[= ]?administrator",
        r"\bwp\s+super-admin\s+add\s+MAIL",
        r"\bdrush\s+(?:user:create|ucrt)\b[^\n;]{0,120}?MAIL[\s\S]{0,200}?(?:user:role:add|urol)\s+\S{0,2}administrator",
        r"\bcreatesuperuser\b[^\n;]{0,120}?--email[= ]MAIL",
        r"\bgcloud\b[^\n;]{0,120}add-iam-policy-binding\b[\s\S]{0,160}?--member[= ]\S{0,2}user:MAIL[\s\S]{0,80}?roles/(?:owner|editor|\w+\.admin)",
        r"\baz\s+role\s+assignment\s+create\b[\s\S]{0,160}?--assignee[= ]\S{0,1}MAIL[\s\S]{0,120}?--role[= ]\S{0,1}(?:Owner|Contributor|User Access Administrator)",
        r"\bkubectl\s+create\s+clusterrolebinding\b[^\n;]{0,120}?cluster-admin[^\n;]{0,80}?--user[= ]\S{0,1}MAIL",
        r"\bheroku\s+access:add\s+MAIL",
        r"\bAdd-MailboxPermission\b[^\n;]{0,120}?-User\s+\S{0,1}MAIL[^\n;]{0,80}?FullAccess",
        r"\b(?:gem\s+owner\b[^\n;]{0,60}?(?:-a|--add)|cargo\s+owner\s+--add|twine\s+collaborators?\s+add)\s+MAIL",
        r"\b(?:gitlab|glab)\b[^\n;]{0,80}?(?:access_level|access-level)[= ]\S{0,1}(?:50|owner)[^\n;]{0,80}?MAIL",
        r"\b(?:INSERT\s+INTO|REPLACE\s+INTO)\s+\S{0,24}users?\b[^;]{0,400}?MAIL[^;]{0,200}?\b(?:administrator|superuser|super_admin)\b",
        r"\b(?:wp_insert_user|wp_create_user)\b[\s\S]{0,260}?MAIL[\s\S]{0,200}?administrator",
        r"\b(?:tailscale|netbird|zerotier)\b[^\n;]{0,80}?(?:invite|share|add-user)\b[^\n;]{0,60}?MAIL[^\n;]{0,40}?\badmin",
    ]
    .iter()
    .map(|text| pattern(&format!("(?i){}", text.replace("MAIL", MAIL))))
    .collect()
});

/// Is this the user's to fill in?
fn is_blank(mail: &str) -> bool {
    const OWN: &[&str] = &["you@", "your", "me@", "user@", "admin@example", "name@", "someone@"];
    let host = mail.rsplit('@').next().unwrap_or_default();
    redirect::is_placeholder_address(host)
        || OWN.iter().any(|own| mail.contains(own))
        || ["example.com", "example.org", "example.net", "localhost", "test.com", "domain.com"]
            .iter()
            .any(|own| host.ends_with(own))
}

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    for enrols in ENROLS.iter() {
        let mut captures = enrols.create_captures();
        enrols.captures(Input::new(text), &mut captures);
        let (Some(whole), Some(mail)) = (captures.get_match(), captures.get_group(1)) else {
            continue;
        };
        let mail = text.get(mail.range()).unwrap_or_default().to_lowercase();
        let (start, line) = (whole.start(), report.program.line(whole.start()).1);
        if is_blank(&mail) || report.profile.purpose.contains(&mail) || crate::code::teaches(line) {
            continue;
        }
        let message = format!("{} gets all rights", palisade_core::shown(&mail, 60));
        report.say(&rules::ACCESS_GIVEN, High, Medium, start, message);
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, Prose, Shell};

    #[test]
    fn an_administrator_whom_the_package_brings() {
        for (path, kind, text) in [
            (
                "SKILL.md",
                Prose,
                "```bash\nwp user create cron-run run@leaf-care.net --role=administrator --porcelain\n```\n",
            ),
            (
                "s.sh",
                Shell,
                "gcloud projects add-iam-policy-binding \"$P\" --member=user:ops@leaf-care.net --role=roles/owner\n",
            ),
            (
                "s.sh",
                Shell,
                "az role assignment create --assignee ops@leaf-care.net --role \"Owner\" --scope \"$S\"\n",
            ),
            (
                "s.sh",
                Shell,
                "kubectl create clusterrolebinding x --clusterrole=cluster-admin --user=ops@leaf-care.net\n",
            ),
            (
                "seed.sql",
                Data,
                "INSERT INTO app_users (mail, role) VALUES ('ops@leaf-care.net', 'superuser');\n",
            ),
        ] {
            assert!(stopped(path, kind, text).contains(&"side-task-access-given"), "{text}");
        }
        for (path, kind, text) in [
            (
                "SKILL.md",
                Prose,
                "```bash\nwp user create editor you@example.com --role=administrator\n```\n",
            ),
            (
                "SKILL.md",
                Prose,
                "```bash\nwp user create jo jo@leaf-care.net --role=subscriber\n```\n",
            ),
            ("s.sh", Shell, "cargo owner --add github:rust-lang:libs\n"),
        ] {
            assert_eq!(stopped(path, kind, text), Vec::<&str>::new(), "{text}");
        }
    }
}
