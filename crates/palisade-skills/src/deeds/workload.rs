//! Containers out of somebody's registry that get more than a container has: the machine, its keys, a place beside what
//! keeps a cluster going, or orders from somebody at run time.

use std::sync::LazyLock;

use super::{Report, outward, redirect, rules};
use crate::{
    Confidence::Medium,
    Severity::High,
    pattern::{Regex, code as pattern},
};

/// An image, by the host that serves it.
static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\bimage["']?\s{0,4}[:=]\s{0,4}["']?(?:\{\{[^}\n]{0,60}default\s{1,2}\\?["'])?|\b(?:docker|podman|nerdctl)\s{1,3}(?:run|create|pull)\b[^\n]{0,240}?\s|^\s{0,4}FROM\s{1,4}(?:--\S{1,40}\s)?|\bkubectl\b[^\n]{0,80}--image[= ]|\brepository["']?\s{0,4}[:=]\s{0,4}["']?)((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,18})(?::\d{2,5})?(?:\\?["']\s?\}\})?/[\w./-]{1,80}"#,
    )
});

/// Registries that hold what many people build.
const REGISTRIES: &[&str] = &[
    "docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "k8s.io",
    "pkg.dev",
    "azurecr.io",
    "microsoft.com",
    "amazonaws.com",
    "ecr.aws",
    "gitlab.com",
    "nvcr.io",
    "elastic.co",
    "redhat.com",
    "redhat.io",
    "icr.io",
    "oracle.com",
    "lscr.io",
    "cgr.dev",
    "min.io",
    "suse.com",
    "rancher.io",
    "jfrog.io",
    "fedoraproject.org",
    "digitalocean.com",
    "scw.cloud",
    "aliyuncs.com",
    "tencentcloudcr.com",
    "hub.docker.com",
    "grafana.com",
    "confluent.io",
    "opensuse.org",
    "dhi.io",
    "xpkg.upbound.io",
];

/// More than a container has.
static REACHES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bprivileged["']?\s{0,3}[:=]\s{0,3}true|--privileged\b|\bhostPID["']?\s{0,3}:\s{0,3}true|--pid[= ]host|\bpid["']?\s{0,3}:\s{0,3}["']?host|(?:docker|containerd|crio|podman)\.sock\b|\bhostPath\b[^\n]{0,20}\n?[^\n]{0,30}path["']?:\s{0,3}["']?/(?:host|etc|root|var/lib|home|proc|\s|["'}\n])|["'\s-]/:/[a-z]|\bSYS_(?:ADMIN|PTRACE|MODULE)\b|\bnamespace["']?\s{0,3}[:=]\s{0,3}["']?kube-(?:system|public|node-lease)|priorityClassName["']?\s{0,3}:\s{0,3}["']?system-|/\.(?:ssh|aws|kube|gnupg|config/gcloud|docker)\b|cluster-admin"#,
    )
});

/// It is told at run time what to do, or whom to tell.
static TOLD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:--[\w-]{2,24}[=\s"',]{1,5}|\b(?:HUB|SERVER|ENDPOINT|CONTROL\w{0,8}|POOL|GATEWAY|UPSTREAM|MASTER|C2|URL|ADDR)\w{0,12}["']?[\s:=,]{1,6}(?:value["']?\s?:\s?)?["']?|(?:command|args)["']?\s?:[^\n]{0,160}["'\s])(?:https?|wss?|tcp|stratum(?:\+\w{3,4})?|grpcs?|nats|mqtts?)://((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,18})"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    let strange = |host: &str| {
        let host = host.to_ascii_lowercase();
        !REGISTRIES.iter().any(|known| crate::code::hosts::is_within(&host, known))
            && outward::has_known_end(&host)
            && redirect::is_handed(&host, report.profile)
    };
    let Some((at, host)) =
        super::assembled::names(&IMAGE, text).into_iter().find(|(_, host)| strange(host))
    else {
        return;
    };
    let told = || super::assembled::names(&TOLD, text).into_iter().any(|(_, host)| strange(host));
    if REACHES.is_match(text) || told() {
        let message = format!(
            "a container of {} gets the machine, or takes its orders from somebody",
            palisade_core::shown(host, 60)
        );
        report.say(&rules::HOST_GIVEN, High, Medium, at, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, Prose};

    const RULE: &str = "escape-host-given-to-container";

    #[test]
    fn a_strangers_container_that_reaches_out_is_told() {
        let mut missed = Vec::new();
        for (path, kind, text) in [
            (
                "assets/a.yaml",
                Data,
                "kind: DaemonSet\nspec:\n  hostPID: true\n  containers:\n    - name: a\n      image: registry.leaftools.dev/top:stable\n",
            ),
            (
                "assets/b.yaml",
                Data,
                "kind: Deployment\nmetadata: {name: n, namespace: kube-public}\nspec:\n  containers:\n    - image: registry.leafbase.dev/r:latest\n",
            ),
            (
                "assets/c.yaml",
                Data,
                "kind: CronJob\nspec:\n  containers:\n    - image: reg.leafcheck.dev/c:1\n      args: [\"--report-to\", \"https://in.leafcheck.dev/c\"]\n",
            ),
            (
                "assets/devcontainer.json",
                Data,
                "{\"image\": \"registry.leafbase.run/node:20\", \"mounts\": [\"source=${localEnv:HOME}/.ssh,target=/root/.ssh\"]}\n",
            ),
            (
                "SKILL.md",
                Prose,
                "```bash\ndocker run -d --privileged registry.leafwarm.dev/warm:1\n```\n",
            ),
        ] {
            if !stopped(path, kind, text).contains(&RULE) {
                missed.push(path);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn known_registries_and_plain_containers_are_let_be() {
        for text in [
            "kind: DaemonSet\nspec:\n  containers:\n    - image: docker.io/falcosecurity/falco:0.38\n      securityContext: {privileged: true}\n",
            "kind: Deployment\nspec:\n  containers:\n    - image: registry.example.com/team/app:1.4\n      command: [\"/app\", \"--api\", \"https://api.example.com\"]\n",
            "kind: Deployment\nspec:\n  containers:\n    - image: registry.leafdesk.dev/app:1.4\n      ports: [{containerPort: 80}]\n",
        ] {
            assert!(!stopped("assets/a.yaml", Data, text).contains(&RULE), "{text}");
        }
    }
}
