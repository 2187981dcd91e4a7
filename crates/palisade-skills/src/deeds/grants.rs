//! Rights that a command gives to an account, a tenant or an application which the text names by its number.

use std::sync::LazyLock;

use regex_automata::Input;

use super::{Report, handed};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// A command that shares with another account, and the account.
static SHARED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:modify-(?:db-(?:cluster-)?)?snapshot-attribute|modify-image-attribute|modify_(?:db_)?(?:cluster_)?snapshot_attribute|modify_image_attribute|ram\s+create-resource-share|create_resource_share|put-(?:bucket|key|resource|repository|secret|event-bus)-policy|put-subscription-filter|put-destination-policy|add-layer-version-permission|lambda\s+add-permission|events\s+put-permission|kms\s+create-grant|aws_ram_principal_association|aws_ami_launch_permission|aws_snapshot_create_volume_permission|aws_lambda_permission|share-ids\b|authorize-snapshot-access|create-data-share-consumer|associate-data-share-consumer|cross-account)\b[\s\S]{0,320}?["'\s:=,](\d{12})(?:["':\s,\])]|$)"#,
    )
});

/// A tenant or an application of another's is let in, by its number.
static LIGHTHOUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:managedByTenantId|az\s+managedservices\s+definition\s+create|Microsoft\.ManagedServices/registrationDefinitions|crossTenantAccessPolicy|az\s+ad\s+sp\s+create\s+--id|New-AzADServicePrincipal\s+-ApplicationId)\b[\s\S]{0,240}?["'\s:=]([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"#,
    )
});

/// Numbers of vendors and of examples.
fn is_blank(number: &str) -> bool {
    const EXAMPLES: &[&str] = &[
        "123456789012",
        "111122223333",
        "444455556666",
        "012345678901",
        "999999999999",
        "987654321098",
        "210987654321",
    ];
    let first = number.chars().next();
    EXAMPLES.contains(&number)
        || number.chars().all(|c| Some(c) == first || c == '-')
        || number.starts_with("00000000-")
        || number.starts_with("11111111-")
        || number.starts_with("12345678")
}

pub(super) fn look(report: &mut Report<'_>) {
    const MOST: usize = 16;
    let text = report.program.text.as_str();
    for pattern in [&*SHARED, &*LIGHTHOUSE] {
        let mut captures = pattern.create_captures();
        let mut from = 0;
        for _ in 0..MOST {
            pattern.captures(Input::new(text).range(from..), &mut captures);
            let (Some(whole), Some(number)) = (captures.get_match(), captures.get_group(1)) else {
                break;
            };
            from = whole.end().max(from + 1);
            let number = text.get(number.range()).unwrap_or_default();
            // The same number everywhere is the user's own: `arn:aws:…:NUMBER:` beside it.
            let own = text.matches(number).count() > 3;
            if is_blank(number) || own || report.profile.purpose.contains(number) {
                continue;
            }
            let message = format!("rights go to `{number}`, which the text names");
            report.say(&handed::RIGHTS, Severity::High, Medium, whole.start(), message);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Prose, Shell};

    #[test]
    fn rights_of_another_account_are_seen() {
        for (path, kind, text) in [
            (
                "s.sh",
                Shell,
                "aws ec2 modify-snapshot-attribute --snapshot-id \"$S\" --attribute createVolumePermission \\\n  --operation-type add --user-ids 470911523387\n",
            ),
            (
                "SKILL.md",
                Prose,
                "```sh\naz ad sp create --id 8c1f0b52-77aa-4c0e-9d1b-2f3c61a6e0d4\n```\n",
            ),
        ] {
            assert!(
                stopped(path, kind, text).contains(&"persistence-rights-for-anybody"),
                "{text}"
            );
        }
        for text in [
            "```sh\naws ec2 modify-snapshot-attribute --snapshot-id s --user-ids 111122223333\n```\n",
            "```sh\naws ec2 modify-snapshot-attribute --snapshot-id s --user-ids $PARTNER\n```\n",
        ] {
            assert_eq!(stopped("SKILL.md", Prose, text), Vec::<&str>::new(), "{text}");
        }
    }
}
