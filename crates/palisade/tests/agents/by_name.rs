//! The built-in profile is chosen by the command's name, and brings what that agent needs.

use crate::{
    ran::{Ran, run},
    stage::{KEY, Stage},
};

/// A program of this name that shows what it finds, started without any policy of the operator's.
fn shown_to(name: &str) -> Ran {
    let mut stage = Stage::new("shell");
    let bin = stage.outside.clone();
    let program = bin.join(name);
    let text = "#!/bin/sh\nenv | sort; cat ~/.claude.json ~/.openclaw/openclaw.json ~/.gemini/settings.json \
                /etc/claude-code/* /etc/codex/*\n";
    palisade_testkit::write_program(&program, text);
    stage.add_to_path(&bin);
    let ran = run(stage.palisade().args(["run", "--", name]));
    assert!(!ran.stdout.contains(KEY), "{ran}");
    ran
}

#[test]
fn claude_has_a_placeholder_and_no_first_run() {
    let ran = shown_to("claude");
    let key = line(&ran, "ANTHROPIC_API_KEY=");
    assert!(key.starts_with("palisade-placeholder-"), "{ran}");
    assert_eq!(line(&ran, "ANTHROPIC_BASE_URL="), "http://inference.local");
    // It remembers a key by its last 20 characters.
    let approved = format!("\"approved\": [\"{}\"]", &key[key.len() - 20..]);
    assert!(ran.stdout.contains(&approved), "{ran}");
    assert!(ran.stdout.contains("\"hasCompletedOnboarding\": true"), "{ran}");
    assert!(!ran.stdout.contains("OPENAI_API_KEY"), "{ran}");
}

#[test]
fn codex_has_a_placeholder_and_its_provider() {
    let ran = shown_to("codex");
    assert!(line(&ran, "OPENAI_API_KEY=").starts_with("palisade-placeholder-"), "{ran}");
    assert_eq!(line(&ran, "model_provider = "), "\"palisade\"");
    assert_eq!(line(&ran, "base_url = "), "\"http://inference.local/v1\"");
    assert_eq!(line(&ran, "env_key = "), "\"OPENAI_API_KEY\"");
    assert_eq!(line(&ran, "sandbox_mode = "), "\"danger-full-access\"");
    assert!(!ran.stdout.contains("ANTHROPIC_API_KEY"), "{ran}");
}

#[test]
fn gemini_has_a_placeholder_and_asks_nothing() {
    let ran = shown_to("gemini");
    assert!(line(&ran, "GEMINI_API_KEY=").starts_with("palisade-placeholder-"), "{ran}");
    assert_eq!(line(&ran, "GOOGLE_GEMINI_BASE_URL="), "http://inference.local");
    assert!(ran.stdout.contains("\"selectedType\":\"gemini-api-key\""), "{ran}");
    assert!(!ran.stdout.contains("ANTHROPIC_API_KEY"), "{ran}");
}

#[test]
fn openclaw_has_both() {
    let ran = shown_to("openclaw");
    for variable in ["ANTHROPIC_API_KEY=", "OPENAI_API_KEY="] {
        assert!(line(&ran, variable).starts_with("palisade-placeholder-"), "{ran}");
    }
    assert!(ran.stdout.contains("{\"models\": {\"providers\": {\"anthropic\": "), "{ran}");
}

#[test]
fn another_command_has_no_model_and_no_key() {
    let ran = shown_to("make-it-so");
    for absent in ["API_KEY", "inference.local", "hasCompletedOnboarding"] {
        assert!(!ran.stdout.contains(absent), "{ran}");
    }
}

/// What stands behind this beginning of a line.
fn line<'a>(ran: &'a Ran, beginning: &str) -> &'a str {
    ran.stdout.lines().find_map(|line| line.strip_prefix(beginning)).unwrap_or_default()
}
