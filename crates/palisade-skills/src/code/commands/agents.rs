//! Agents started by a skill, and their settings.

use super::super::analysis::Analysis;
use super::super::hosts;
use super::super::origin::Tag;
use super::super::rules;
use super::super::value::{Taint, Value};
use super::Run;
use crate::{Confidence, Severity, Use};

/// Do the words of a setting let everybody in, or turn questions off?
fn opens(words: &[String]) -> bool {
    let line = words.join(" ").to_ascii_lowercase();
    let pairs = [
        ("dmpolicy", "open"),
        ("allowfrom", "*"),
        ("grouppolicy", "open"),
        ("ask", "off"),
        ("security", "full"),
        ("sandbox", "off"),
        ("approvals", "false"),
        ("approval", "never"),
        ("auth.mode", "none"),
        ("bind", "0.0.0.0"),
    ];
    pairs.iter().any(|(key, value)| {
        line.split_once(key).is_some_and(|(_, rest)| {
            rest.split_whitespace()
                .nth(usize::from(!rest.starts_with(' ')))
                .or(rest.split_whitespace().last())
                .is_some_and(|word| word.contains(value))
        })
    })
}

impl Analysis {
    pub(super) fn agent_program(&mut self, run: &Run) -> Option<Value> {
        if !matches!(
            run.name.as_str(),
            "claude"
                | "codex"
                | "gemini"
                | "openclaw"
                | "clawdbot"
                | "moltbot"
                | "aider"
                | "opencode"
                | "cursor-agent"
                | "amp"
                | "copilot"
                | "clawhub"
        ) {
            return None;
        }
        let words = run.words();
        let off = words.iter().find(|word| {
            matches!(
                word.as_str(),
                "--dangerously-skip-permissions"
                    | "--dangerously-bypass-approvals-and-sandbox"
                    | "--yolo"
                    | "--full-auto"
                    | "--yes-always"
                    | "bypassPermissions"
                    | "--permission-mode=bypassPermissions"
                    | "danger-full-access"
                    | "--allow-all-tools"
                    | "--approval-mode=yolo"
                    | "--no-sandbox"
                    | "--force"
            )
        });
        if let Some(flag) = off.filter(|flag| *flag != "--force" || run.name == "cursor-agent") {
            self.report(
                &rules::APPROVAL_OFF,
                Severity::Medium,
                Confidence::High,
                format!("An agent is started with `{}`.", super::super::excerpt::safe(flag)),
                &Taint::default(),
            );
        }
        let open = words.iter().any(|word| word == "set") && opens(&words);
        if open {
            self.report(
                &rules::APPROVAL_OFF,
                Severity::High,
                Confidence::High,
                "The agent's settings are opened to everybody, or stop asking.".to_owned(),
                &Taint::default(),
            );
        }
        let pairs = words.iter().any(|word| word == "pairing" || word == "devices")
            && words.iter().any(|word| word == "approve");
        let taint = run.taint();
        if pairs && self.has(&taint, |tag| matches!(tag, Tag::Network(_) | Tag::Channel)) {
            self.report(
                &rules::COMMAND_CHANNEL,
                Severity::Critical,
                Confidence::High,
                "Whom the agent obeys is decided by what an address serves.".to_owned(),
                &taint,
            );
        }
        let adds = words
            .iter()
            .position(|word| word == "add")
            .filter(|_| words.iter().any(|word| word == "mcp"));
        if let Some(at) = adds {
            self.can(Use::Persist("mcp server".to_owned()));
            let address = words.iter().skip(at).find(|word| hosts::is_address(word));
            if let Some(address) = address {
                self.redirect("mcp server", address, &Value::default());
            }
        }
        if words.iter().any(|word| word == "set") && words.iter().any(|word| word == "config") {
            let key = words.iter().find(|word| word.contains('.')).cloned().unwrap_or_default();
            if let Some(address) =
                words.iter().find(|word| hosts::is_address(word) || word.starts_with("ws"))
            {
                self.redirect(&format!("{} gateway {key}", run.name), address, &Value::default());
            }
        }
        Some(Value::tainted(run.taint()))
    }
}
