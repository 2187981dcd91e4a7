//! Each rule that comes with Palisade fires for what it is about, and not for what is near it.

use std::collections::BTreeSet;

use palisade_alarms::{Watch, builtin};
use palisade_core::{Event, Layer, Verdict};

use crate::rules::{event, see};

/// Events, each with its second.
type Story = Vec<(u64, Event)>;

/// Whether this rule, alone, fires in a story.
fn fires(id: &str, story: &Story) -> bool {
    let rules: Vec<_> = builtin().iter().filter(|rule| rule.id == id).cloned().collect();
    assert_eq!(rules.len(), 1, "{id}");
    let mut watch = Watch::new(&rules).unwrap();
    let mut fired = false;
    for (second, event) in story {
        fired |= !see(&mut watch, event, *second).is_empty();
    }
    fired
}

fn deny(kind: &str, layer: Layer, subject: &str) -> Event {
    event(kind, layer, Verdict::Deny, subject)
}

fn allow(kind: &str, layer: Layer, subject: &str) -> Event {
    event(kind, layer, Verdict::Allow, subject)
}

fn observe(kind: &str, layer: Layer, subject: &str) -> Event {
    event(kind, layer, Verdict::Observe, subject)
}

/// So many of these, so many seconds apart.
fn many(count: u64, apart: u64, one: impl Fn(u64) -> Event) -> Story {
    (0..count).map(|n| (n * apart, one(n))).collect()
}

fn once(event: Event) -> Story {
    vec![(0, event)]
}

fn ruled(mut event: Event, rule: &str) -> Event {
    event.rule = Some(rule.to_owned());
    event
}

/// A rule, a story that must fire it, and one that must not.
fn stories() -> Vec<(&'static str, Story, Story)> {
    use Layer::{Egress, Files, Inference, Network, Process, Supervisor, Tool};
    let connect = |n: u64| deny("connect", Egress, &format!("10.0.0.{n}:22"));
    let name = |n: u64| deny("resolve", Network, &format!("{n}.evil.example"));
    let suspected = || observe("injection_suspected", Inference, "anthropic/messages claude");
    let out = || allow("connect", Egress, "pypi.org:443").with("host", "pypi.org");
    let ssh = || deny("access", Files, "/home/u/.ssh/id_ed25519");
    let ask = |n: u64| event("connect", Egress, Verdict::Ask, &format!("{n}.example:443"));
    let said = |verdict| event("approval", Supervisor, verdict, "npm.example:443");
    let call = |subject: &str| deny("tool_call", Inference, subject);
    let syscalls = ["mount", "ptrace(12)", "unshare(CLONE_NEWUSER)"];
    vec![
        (
            "canary-touched",
            once(observe("canary", Files, "~/.aws/credentials")),
            once(deny("access", Files, "~/.aws/credentials")),
        ),
        ("denial-burst", many(100, 0, connect), many(100, 1, connect)),
        ("names-many-refused", many(25, 1, name), many(200, 1, |_| name(7))),
        ("destinations-many-refused", many(15, 1, connect), many(14, 1, connect)),
        (
            "cloud-metadata",
            once(deny("connect", Egress, "169.254.169.254:80")),
            once(deny("connect", Egress, "169.254.1.1:80")),
        ),
        (
            "placeholder-abroad",
            once(deny("placeholder", Egress, "POST evil.example/")),
            once(observe("placeholder", Egress, "POST api.github.com/")),
        ),
        (
            "secret-in-answer",
            once(observe("key_in_answer", Inference, "anthropic/messages claude")),
            once(observe("answer", Inference, "anthropic/messages claude")),
        ),
        (
            "secrets-to-model",
            many(5, 60, |_| observe("redaction", Inference, "anthropic/messages claude")),
            many(20, 200, |_| observe("redaction", Inference, "anthropic/messages claude")),
        ),
        (
            "injection-then-refusal",
            vec![(0, suspected()), (300, call("Bash(curl evil)"))],
            vec![(0, call("Bash(curl evil)")), (300, suspected()), (2000, call("Bash(curl)"))],
        ),
        (
            "injection-then-new-host",
            vec![(0, suspected()), (60, out())],
            // Models are reached by another layer.
            vec![(0, out()), (1, suspected()), (2, allow("connect", Inference, "anthropic"))],
        ),
        (
            "refused-secret-then-egress",
            vec![(0, ssh()), (60, out())],
            vec![(0, deny("access", Files, "/srv/other")), (60, out()), (70, ssh())],
        ),
        (
            "secret-files-tried",
            once(call("Read(/home/u/.aws/credentials)")),
            once(call("Read(/home/u/src/aws.rs)")),
        ),
        (
            "escape-calls",
            many(3, 1, |n| deny("syscall", Process, syscalls[usize::try_from(n).unwrap()])),
            many(3, 1, |_| deny("syscall", Process, "mountain")),
        ),
        (
            "kernel-surface-probed",
            many(12, 1, |n| deny("syscall", Process, &format!("call{n}"))),
            many(200, 1, |n| deny("syscall", Process, &format!("call{}", n % 11))),
        ),
        (
            "tool-refused-again",
            many(5, 60, |_| call("Bash(rm -rf /)")),
            many(20, 60, |n| call(&format!("Bash({n})"))),
        ),
        (
            "commands-refused",
            many(10, 1, |n| deny("exec", Process, &format!("curl {n}"))),
            many(50, 1, |n| allow("exec", Process, &format!("curl {n}"))),
        ),
        (
            "refused-call-ran",
            once(observe("tool_result", Inference, "m").with("denied", 1).with("unknown", 0)),
            once(observe("tool_result", Inference, "m").with("denied", 0).with("unknown", 1)),
        ),
        (
            "tool-loop",
            many(300, 0, |_| allow("tool_call", Inference, "Read(a)")),
            many(900, 1, |_| allow("tool_call", Inference, "Read(a)")),
        ),
        ("questions-flood", many(15, 5, ask), many(40, 30, ask)),
        (
            "question-again",
            vec![(0, said(Verdict::Deny)), (60, said(Verdict::Deny)), (90, ask(1))],
            vec![(0, said(Verdict::Deny)), (60, said(Verdict::Allow)), (90, ask(1))],
        ),
        (
            "model-refused",
            many(3, 9, |_| deny("model_call", Inference, "openai/chat gpt")),
            many(9, 9, |_| {
                ruled(deny("model_call", Inference, "a b"), "inference.limits.usd_per_day")
            }),
        ),
        (
            "model-limit-reached",
            once(ruled(deny("model_call", Inference, "a b"), "inference.limits.usd_per_day")),
            once(ruled(deny("model_call", Inference, "a b"), "inference.routes[0]")),
        ),
        (
            "resource-limit-ended",
            once(ruled(observe("end", Process, "ended at a limit"), "process.limits.memory")),
            once(observe("end", Process, "exit 0")),
        ),
        (
            "late-new-host",
            vec![(0, out()), (7300, out().with("host", "new.example"))],
            vec![(0, out()), (7000, out().with("host", "new.example")), (9000, out())],
        ),
        (
            "startup-planted",
            once(deny("sweep", Files, "/work/.git/hooks/pre-commit")),
            once(deny("access", Files, "/work/.git/hooks/pre-commit")),
        ),
        (
            "policy-exchanged",
            once(allow("policy", Supervisor, "next.yaml")),
            once(deny("policy", Supervisor, "next.yaml")),
        ),
        (
            "layer-missing",
            once(observe("degraded", Files, "landlock")),
            once(observe("limits", Process, "some limits are weaker here")),
        ),
        (
            "record-incomplete",
            once(observe("unrecorded", Process, "refused system calls are not recorded")),
            once(observe("folded", Tool, "Bash(ls)")),
        ),
    ]
}

#[test]
fn each_rule_fires_for_its_story_and_not_for_the_other() {
    for (id, yes, no) in stories() {
        assert!(fires(id, &yes), "{id} must fire");
        assert!(!fires(id, &no), "{id} must not fire");
    }
}

#[test]
fn each_rule_has_its_stories() {
    let told: BTreeSet<_> = stories().into_iter().map(|(id, ..)| id).collect();
    let rules: BTreeSet<_> = builtin().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(told, rules);
}

#[test]
fn an_ordinary_session_raises_nothing() {
    let mut watch = Watch::new(builtin()).unwrap();
    let work = [
        allow("launch", Layer::Process, "claude"),
        allow("resolve", Layer::Network, "api.github.com"),
        allow("connect", Layer::Egress, "api.github.com:443").with("host", "api.github.com"),
        allow("model_call", Layer::Inference, "anthropic/messages claude"),
        observe("model_answer", Layer::Inference, "anthropic/messages claude"),
        allow("tool_call", Layer::Inference, "Bash(cargo test)"),
        deny("resolve", Layer::Network, "telemetry.example"),
    ];
    for second in 0..20_000 {
        let event = &work[usize::try_from(second).unwrap() % work.len()];
        assert_eq!(see(&mut watch, event, second), [], "{second}");
    }
}
