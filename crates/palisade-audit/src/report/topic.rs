//! What Palisade enforces, by topic, and which records are evidence of it.

use palisade_core::Verdict;
use palisade_journal::Record;
use serde::Serialize;

/// One thing that Palisade does and that leaves records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Topic {
    /// Agents run in a sandbox or not at all.
    Sandbox,
    /// What of the host's files is seen and changed.
    Files,
    /// Names, connections and requests that leave the sandbox.
    Network,
    /// Calls of models.
    Models,
    /// Calls of tools, and commands.
    Tools,
    /// System calls and programs.
    Processes,
    /// Questions to a person, and what persons did.
    People,
    /// Secrets that stay outside, and their use.
    Credentials,
    /// What is taken out of what goes to models, and what tries to steer them.
    Content,
    /// Policies in force, their changes, and layers that were missing.
    Configuration,
    /// Limits of resources.
    Limits,
    /// Detection rules and canaries.
    Alarms,
    /// The journal itself.
    Journal,
}

impl Topic {
    /// Each of them.
    pub const ALL: [Topic; 13] = [
        Topic::Sandbox,
        Topic::Files,
        Topic::Network,
        Topic::Models,
        Topic::Tools,
        Topic::Processes,
        Topic::People,
        Topic::Credentials,
        Topic::Content,
        Topic::Configuration,
        Topic::Limits,
        Topic::Alarms,
        Topic::Journal,
    ];

    /// Its name, for a heading.
    pub fn title(self) -> &'static str {
        match self {
            Topic::Sandbox => "Sandbox",
            Topic::Files => "Files",
            Topic::Network => "Network",
            Topic::Models => "Models",
            Topic::Tools => "Tools and commands",
            Topic::Processes => "Processes",
            Topic::People => "Decisions of people",
            Topic::Credentials => "Credentials",
            Topic::Content => "Content sent to models",
            Topic::Configuration => "Configuration",
            Topic::Limits => "Limits",
            Topic::Alarms => "Alarms",
            Topic::Journal => "Journal",
        }
    }

    /// What Palisade enforces.
    pub fn enforces(self) -> &'static str {
        match self {
            Topic::Sandbox => {
                "Each agent is started inside a sandbox that its policy describes: namespaces, a filter of \
                 system calls and Landlock. Where a layer cannot be put up nothing is started, unless the \
                 operator said so by name."
            }
            Topic::Files => {
                "An agent sees only the files that its policy names. What is denied is not there. Changes \
                 can be kept apart until a person takes them."
            }
            Topic::Network => {
                "The sandbox has no network but one way out, which decides each name, connection and \
                 request by the policy's rules. What no rule names is denied."
            }
            Topic::Models => {
                "Models are reached through one gateway only, which decides who answers for which model \
                 and records each call."
            }
            Topic::Tools => {
                "Calls of tools in a model's answer are decided by permission rules and hooks before the \
                 agent gets them."
            }
            Topic::Processes => {
                "System calls outside a list are refused, privileges cannot be gained, and commands that \
                 rules name are decided where they are executed."
            }
            Topic::People => {
                "What no rule decides can be asked of a person; no answer in time is a denial. Answers \
                 and acts of operators are recorded with who they were."
            }
            Topic::Credentials => {
                "Secrets stay outside the sandbox. Inside there are placeholders, which are replaced only \
                 in requests to the hosts that a credential is bound to. Each use is recorded."
            }
            Topic::Content => {
                "Secrets are taken out of what goes to models where the policy asks for it, and results \
                 of tools that look like instructions are marked."
            }
            Topic::Configuration => {
                "Each record names the policy in force by its digest. A policy that is exchanged while a \
                 sandbox runs is recorded with who asked, as is a layer that was missing."
            }
            Topic::Limits => {
                "Memory, processes, time, disk and the use of models are limited by the policy; what \
                 breaks a limit is refused or ended."
            }
            Topic::Alarms => {
                "Detection rules look at each event as it is recorded, and can notify, freeze or end the \
                 sandbox. Decoys raise an alarm when they are touched."
            }
            Topic::Journal => {
                "Each act is recorded before it takes effect, in a chain of hashes that shows edits, \
                 removals and reordering. What cannot be recorded is denied."
            }
        }
    }

    /// The topics that a record is evidence of.
    pub fn of(record: &Record) -> Vec<Topic> {
        let kind = kind(record);
        let mut topics = match kind {
            "launch" => vec![Topic::Sandbox, Topic::Configuration],
            "refusal" => vec![Topic::Sandbox],
            "end" => vec![Topic::Sandbox, Topic::Limits],
            "access" | "sweep" | "cover" => vec![Topic::Files],
            "resolve" | "connect" | "request" | "expose" => vec![Topic::Network],
            "model_call" | "model_answer" | "model_failure" | "answer" | "server_tool"
            | "websocket" => vec![Topic::Models],
            "tool_call" | "tool_result" | "hook" => vec![Topic::Tools],
            "exec" | "exec_end" => vec![Topic::Processes, Topic::Tools],
            "syscall" => vec![Topic::Processes],
            "approval" => vec![Topic::People],
            "credential" | "placeholder" | "secret_in_answer" | "key_in_answer" | "ssh_sign" => {
                vec![Topic::Credentials]
            }
            "redaction" | "injection_suspected" | "taint" | "privacy" => vec![Topic::Content],
            "policy" | "learn" | "degraded" | "ungranted" => vec![Topic::Configuration],
            "limits" => vec![Topic::Limits, Topic::Configuration],
            "alarm" | "canary" => vec![Topic::Alarms],
            "journal_open" | "journal_reopen" | "recovered" | "unrecorded" => vec![Topic::Journal],
            other if other.starts_with("workspace_") => vec![Topic::Files, Topic::People],
            _ => Vec::new(),
        };
        let limit =
            |rule: &str| rule.starts_with("process.limits") || rule.starts_with("inference.limits");
        let limited = record.rule.as_deref().is_some_and(limit);
        let asked = record.decision == Verdict::Ask || record.detail.contains_key("principal");
        for (is, topic) in [(limited, Topic::Limits), (asked, Topic::People)] {
            if is && !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        topics
    }
}

/// The kind of act, also where only a count of it was recorded.
pub(super) fn kind(record: &Record) -> &str {
    match record.kind.as_str() {
        "folded" => record.detail.get("kind").and_then(|kind| kind.as_str()).unwrap_or("folded"),
        kind => kind,
    }
}

/// How many acts a record stands for.
pub(super) fn acts(record: &Record) -> u64 {
    match record.kind.as_str() {
        "folded" => record.detail.get("count").and_then(|count| count.as_u64()).unwrap_or(1),
        _ => 1,
    }
}

/// Why an auditor should look at a record: something was weaker than meant, or it went wrong.
pub(super) fn exception(record: &Record) -> Option<&'static str> {
    Some(match (kind(record), record.decision) {
        ("degraded", _) => "a layer of the sandbox was missing, as the operator allowed",
        ("limits", _) => "a limit was held in a weaker way",
        ("learn", _) => "what no rule named was permitted, to learn rules",
        ("unrecorded", _) => "some refusals of the kernel could not be recorded",
        ("recovered", _) => {
            "a supervisor had died while it wrote, and an unfinished record was cut"
        }
        ("sweep", _) => "something appeared that the sandbox should not have changed",
        ("cover", _) => "something that the policy denies appeared, and was hidden",
        ("secret_in_answer" | "key_in_answer", _) => {
            "a server's answer held a secret; the agent got the placeholder"
        }
        ("placeholder", Verdict::Deny) => {
            "a placeholder was sent where its credential is not bound"
        }
        ("injection_suspected", _) => "a tool's result looked like instructions to the model",
        ("taint", _) => "content that nobody answers for came into a session",
        ("alarm" | "canary", _) => "an alarm was raised",
        ("hook", _) if record.detail.contains_key("failed") => "a hook failed",
        ("refusal", _) => "a sandbox was not started",
        ("policy", Verdict::Deny) => "a policy was refused, and the one before stayed in force",
        ("model_failure", _) => "a model provider failed",
        _ => return None,
    })
}
