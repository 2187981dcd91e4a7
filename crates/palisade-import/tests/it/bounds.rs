//! That nothing is permitted which was not: against a second, naive reading of the same settings.

use palisade_import::Tool;
use proptest::prelude::*;

use crate::world::World;

/// sandbox-runtime's own comparison.
fn there(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(base) => host.ends_with(&format!(".{base}")),
        None => pattern == "*" || pattern == host,
    }
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof!["(\\*\\.)?([ab]\\.){0,2}test", "\\*", "(\\*\\.)?test", "a\\*\\.test"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_host_is_reached_that_was_not(
        allowed in prop::collection::vec(pattern(), 0..4),
        denied in prop::collection::vec(pattern(), 0..3),
        hosts in prop::collection::vec("([ab]\\.){0,3}test", 1..12),
    ) {
        let world = World::new();
        let text = serde_json::json!({"network": {"allowedDomains": allowed, "deniedDomains": denied}});
        world.write("home/.srt-settings.json", text.to_string());
        let came = world.import(Tool::Srt, &[]);
        for host in hosts {
            let reached = allowed.iter().any(|pattern| there(pattern, &host))
                && !denied.iter().any(|pattern| there(pattern, &host));
            prop_assert!(reached || !came.reaches(&host), "{host}\n{}", came.text());
        }
    }

    /// Each refusal is there, whatever else the files say.
    #[test]
    fn no_refusal_is_lost(
        allow in prop::collection::vec("(Bash|Read)\\([a-c]\\)", 0..4),
        deny in prop::collection::vec("(Bash|Read)\\([a-c]\\)", 0..4),
        more in prop::collection::vec("(Bash|Read)\\([a-c]\\)", 0..4),
    ) {
        let world = World::new();
        let user = serde_json::json!({"permissions": {"allow": allow, "deny": deny}});
        let project = serde_json::json!({"permissions": {"allow": ["Bash"], "deny": more}});
        world.write("home/.claude/settings.json", user.to_string());
        world.write("home/project/.claude/settings.json", project.to_string());
        let came = world.import(Tool::ClaudeCode, &[]);
        let denied = came.rules("deny");
        for rule in deny.iter().chain(&more) {
            prop_assert!(denied.contains(&rule.as_str()), "{rule}\n{}", came.text());
        }
        for rule in came.rules("allow") {
            prop_assert!(allow.iter().any(|known| known == rule), "{rule}\n{}", came.text());
        }
    }
}
