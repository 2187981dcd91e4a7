use std::{fs, os::unix::fs::symlink};

use palisade_import::Tool;
use proptest::prelude::*;

use crate::world::World;

const USER: &str = "home/.claude/settings.json";

fn wrong(text: impl AsRef<[u8]>) -> String {
    let world = World::new();
    world.write(USER, text);
    world.try_import(Tool::ClaudeCode, &[]).err().unwrap().to_string()
}

#[test]
fn malformed_files_are_named_with_their_line() {
    for (text, expected) in [
        (&b"{\n\"permissions\": {\"deny\": [\"a\"},\n"[..], "settings.json:2: it is not JSON"),
        (b"{\"a\": 1,\n\"a\": 2}", "settings.json:2: `a` is there twice"),
        (b"{\n\n\"x\": \"\xff\"}", "settings.json:3: the text is not UTF-8"),
        (b"", "settings.json:1: the file is empty"),
        (b"[]", "settings.json:1: this is no table"),
        (
            b"{\"permissions\":\n {\"deny\": \"Bash\"}}",
            "settings.json:2: `permissions.deny` is a list",
        ),
        (
            b"{\"permissions\":\n {\"deny\": [1]}}",
            "settings.json:2: `permissions.deny` is a list of texts",
        ),
        (
            b"{\"permissions\": {\"defaultMode\": \"yolo\"}}",
            "settings.json:1: there is no such mode",
        ),
    ] {
        let found = wrong(text);
        assert!(found.contains(expected), "{found}\nexpected {expected}");
    }
    let deep = format!("{}{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    assert!(wrong(deep).contains("settings.json:1: "));
    assert!(wrong(" ".repeat(2 << 20)).contains("longer than 1 MiB"));
}

#[test]
fn a_repository_leads_to_no_file_by_a_link() {
    let world = World::new();
    world.write("home/secret.json", "{}").write("home/project/.claude/x", "");
    symlink(world.path("home/secret.json"), world.path("home/project/.claude/settings.json"))
        .unwrap();
    let found = world.try_import(Tool::ClaudeCode, &[]).err().unwrap().to_string();
    assert!(found.contains(".claude/settings.json: it is a symbolic link"), "{found}");
    // The user's own may be one.
    let world = World::new();
    world.write("home/dotfiles/settings.json", "{}").write("home/.claude/x", "");
    symlink(world.path("home/dotfiles/settings.json"), world.path(USER)).unwrap();
    world.import(Tool::ClaudeCode, &[]);
}

#[test]
fn only_files_are_waited_for() {
    let world = World::new();
    fs::create_dir_all(world.path(USER)).unwrap();
    let found = world.try_import(Tool::ClaudeCode, &[]).err().unwrap().to_string();
    assert!(found.contains("not a regular file"), "{found}");
    for tool in [Tool::ClaudeCode, Tool::Codex, Tool::Srt, Tool::OpenShell, Tool::Gemini] {
        let found = World::new().try_import(tool, &[]).err().unwrap().to_string();
        assert!(found.contains("there is nothing to read"), "{found}");
        let found = World::new().try_import(tool, &["none.json"]).err().unwrap().to_string();
        assert!(found.contains("there is no such file"), "{found}");
    }
}

#[test]
fn names_do_not_write_the_policy() {
    let world = World::new();
    let odd = "x\"]\n  allow: [\"Bash\u{202e}\u{1b}[2J # ";
    let text = serde_json::json!({"permissions": {"deny": [format!("Bash({odd})")], "allow": [format!("Bash({odd})"), odd]},
        "hooks": {"Stop": [{"hooks": [{"type": "command", "command": odd}]}]}});
    world.write(USER, text.to_string());
    let came = world.import(Tool::ClaudeCode, &[]);
    assert!(came.rules("allow").is_empty(), "{}", came.text());
    assert_eq!(came.rules("deny").len(), 1);
}

fn settings() -> impl Strategy<Value = serde_json::Value> {
    let rule = prop_oneof![
        "(Bash|Read|Edit|Write|WebFetch|mcp__a|\\*|Foo|Skill)(\\([a-z:*/~.! {}\\[]{0,8}\\))?",
        "WebFetch\\(domain:[a-z*.]{1,8}\\)",
        any::<String>(),
    ];
    let rules = prop::collection::vec(rule, 0..5);
    let path = prop_oneof![
        "[~./a-c*{]{1,8}",
        Just("/usr".to_owned()),
        Just("~".to_owned()),
        any::<String>()
    ];
    let paths = prop::collection::vec(path, 0..4);
    let domain = prop_oneof![
        "[a-c*.]{1,8}(\\.test)?",
        Just("10.0.0.1".to_owned()),
        Just("169.254.169.254".to_owned()),
        any::<String>()
    ];
    let domains = prop::collection::vec(domain, 0..4);
    let hook = prop_oneof![
        ("[a-z./ ]{0,6}", 0.0..5000.0).prop_map(|(command, timeout)| serde_json::json!({"type": "command", "command": command, "timeout": timeout})),
        "(http|https)://[a-z.]{1,5}".prop_map(|url| serde_json::json!({"type": "http", "url": url})),
        Just(serde_json::json!({"type": "prompt"})),
    ];
    let hooks = ("(PreToolUse|Stop|PostToolUse|X)", "[A-Za-z|*(.]{0,6}", prop::collection::vec(hook, 0..3))
        .prop_map(|(event, matcher, hooks)| serde_json::json!({event: [{"matcher": matcher, "hooks": hooks}]}));
    (rules.clone(), rules.clone(), rules, (paths.clone(), paths.clone(), paths.clone(), paths), (domains.clone(), domains), hooks, any::<Option<bool>>())
        .prop_map(|(allow, ask, deny, (write, keep, hide, read), (to, not), hooks, enabled)| {
            serde_json::json!({
                "permissions": {"allow": allow, "ask": ask, "deny": deny},
                "hooks": hooks,
                "sandbox": {"enabled": enabled.unwrap_or(true),
                    "filesystem": {"allowWrite": write, "denyWrite": keep, "denyRead": hide, "allowRead": read},
                    "network": {"allowedDomains": to, "deniedDomains": not}},
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// `World::import` checks the policy; an error names a file.
    #[test]
    fn any_settings_are_a_valid_policy_or_an_error(settings in settings()) {
        let world = World::new();
        world.write(USER, settings.to_string()).write("home/.srt-settings.json", settings["sandbox"].to_string());
        for tool in [Tool::ClaudeCode, Tool::Srt] {
            match world.try_import(tool, &[]) {
                Ok(came) => prop_assert!(!came.imported.notes.is_empty()),
                Err(error) => {
                    let text = error.to_string();
                    prop_assert!(text.contains("settings.json:"), "{}", text);
                }
            }
        }
    }
}
