//! Files of secrets among those that are published, pushed or built into an image.

use std::sync::LazyLock;

use super::{Report, rules};
use crate::{
    Confidence::Medium,
    Severity,
    pattern::{Regex, code as pattern},
};

/// A file of secrets in the list of what a package holds. A name with an exclamation mark is left out of it.
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"["']?files["']?\s*[:=]\s*\[[^\]]{0,600}?["'](?:\./)?(?:\.env(?:\*|["']|\.(?:\*|local|prod\w*)["'])|\.(?:npmrc|netrc|pypirc|git-credentials)["']|\.(?:ssh|aws|git|claude|kube)(?:["'/])|id_(?:rsa|ed25519)|[\w*./-]{0,40}\.(?:pem|p12|pfx|key|kdbx)["'])|(?m:^\s*(?:recursive-)?include\s+(?:\S{1,40}\s+)?\.(?:env|npmrc|netrc|pypirc)(?:\s|$))|(?m:^!\.(?:env|npmrc|netrc|pypirc)(?:\s|$))|\bgit\s+add\s+(?:-f|--force)\s[^\n]{0,60}(?:\.env\b|\.npmrc|\.netrc|\.pem\b|id_(?:rsa|ed25519)|credentials)|(?:COPY|ADD)\s+(?:--\S{1,30}\s+)?(?:\.env|\.npmrc|\.netrc|\.ssh|\.aws)\b[^.e]"#,
    )
});

/// It leaves for where others can read it.
static PUBLISHED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)publishConfig|access["']?\s*[:=]?\s*["']?public|\b(?:npm|pnpm|yarn|bun|cargo|poetry|uv|gem|flit|hatch)\s+(?:publish|push|upload)\b|\btwine\s+upload|\bdocker\s+(?:push|buildx[^\n]{0,60}--push)|\bgit\s+push\b|\bgh\s+release\s+(?:create|upload)|\bvsce\s+publish"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if !report.program.prose {
        unignored(report);
    }
    let Some(listed) = LISTED.find(text) else { return };
    let here = text.get(listed.range()).unwrap_or_default();
    // Blanks of them are meant to be read.
    if ["example", "sample", "template", "dist.pem", "public.pem"]
        .iter()
        .any(|word| here.contains(word))
    {
        return;
    }
    if PUBLISHED.is_match(text) {
        let message = "a file of secrets is among those that are published";
        report.say(&rules::MESSAGES_SENT, Severity::High, Medium, listed.start(), message);
    }
}

/// Lines of a list of what is left out that take files of secrets in again.
static UNIGNORED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^\s{0,8}!/?(?:\*\*?/)*(?:\.env\b[^\s]{0,20}|\*{0,2}\.?\*?\.(?:pem|key|p12|pfx|tfvars|tfstate|kdbx|jks|keystore|ppk)\b\S{0,8}|id_(?:rsa|ed25519)\S{0,4}|\.(?:npmrc|netrc|pypirc|pgpass|git-credentials|aws|ssh|kube)\b\S{0,20}|(?:\S{0,20}/)?(?:credentials|secrets|service-account)\b\S{0,20})\s*$",
    )
});

/// Files of secrets that were kept out of a repository are let in, two kinds of them or more.
pub(super) fn unignored(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if !text.contains('!') {
        return;
    }
    let mut kinds: Vec<&str> = UNIGNORED
        .find_iter(text)
        .take(40)
        .filter_map(|found| text.get(found.range()))
        .map(str::trim)
        .filter(|line| {
            !["example", "sample", "template", "dist", "default", "test", ".pub", "schema", "enc"]
                .iter()
                .any(|blank| line.contains(blank))
        })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    if let (true, Some(found)) = (kinds.len() > 1, UNIGNORED.find(text)) {
        let message = "files of secrets that were left out of a repository are taken in";
        report.say(&rules::MESSAGES_SENT, Severity::High, Medium, found.start(), message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Prose, Shell};

    #[test]
    fn secrets_that_are_published_are_seen() {
        for (path, kind, text) in [
            (
                "SKILL.md",
                Prose,
                "```json\n{ \"files\": [\"lib\", \".env*\", \"README.md\"], \"publishConfig\": { \"access\": \"public\" } }\n```\n",
            ),
            (
                "r.sh",
                Shell,
                "git add -f .env config/credentials.yml\ngit commit -qm state && git push\n",
            ),
        ] {
            assert!(
                stopped(path, kind, text).contains(&"exfiltration-account-of-author"),
                "{text}"
            );
        }
        for text in [
            "```json\n{ \"files\": [\"lib\", \"!.env*\"], \"publishConfig\": { \"access\": \"public\" } }\n```\n",
            "```json\n{ \"files\": [\"lib\", \".env.example\"], \"publishConfig\": { \"access\": \"public\" } }\n```\n",
            "```sh\ngit add -A\ngit push\n```\n",
        ] {
            assert_eq!(stopped("SKILL.md", Prose, text), Vec::<&str>::new(), "{text}");
        }
    }
}
