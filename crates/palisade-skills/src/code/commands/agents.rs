//! Agents started by a skill, and their settings.

use super::super::analysis::Analysis;
use super::super::hosts;
use super::super::rules;
use super::super::value::{Taint, Value};
use super::Run;
use crate::{Confidence, Severity, Use};

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
