//! A shell command against rules: noise that a shell ignores never makes it more permitted, nor does a rule that refuses.

use palisade_core::{ToolCall, ToolInput, ToolSeen, Verdict};
use palisade_permissions::{Mode, Permissions, Place, Settings, Written};

use crate::input::text;

pub(crate) fn target(data: &[u8]) {
    let command = text(data);
    let refused = |deny: &[&str], command: &str| {
        decided(Mode::BypassPermissions, &["Bash"], deny, command)
    };
    let verdict = refused(&["Bash(curl *)"], &command);
    let more = refused(&["Bash(curl *)", "Bash(wget *)", "Read(.env)"], &command);
    assert!(strict(more) >= strict(verdict), "a rule that refuses made {verdict:?} {more:?}");
    if verdict == Verdict::Deny {
        for (before, after) in NOISE {
            let noisy = format!("{before}{command}{after}");
            let then = refused(&["Bash(curl *)"], &noisy);
            assert!(then != Verdict::Allow, "{noisy:?} is permitted, {command:?} is not");
        }
    }
    let narrow = |command: &str| decided(Mode::Default, &["Bash(make *)"], &[], command);
    if narrow(&command) == Verdict::Allow {
        let more = format!("curl x\n{command}");
        assert!(narrow(&more) != Verdict::Allow, "{more:?} is permitted");
        assert!(refused(&["Bash"], &command) == Verdict::Deny, "all is refused but {command:?}");
    }
}

/// What stands around a command and leaves it one.
const NOISE: [(&str, &str); 9] = [
    (" ", ""),
    ("\n\n", "\n"),
    ("# a comment\n", ""),
    ("true\n", "\n"),
    ("true; ", ""),
    ("(", "\n)"),
    ("{ ", "\n}"),
    ("if true; then ", "\nfi"),
    ("f() { ", "\n}; f"),
];

/// How strict a decision is.
fn strict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Ask => 1,
        _ => 2,
    }
}

fn decided(mode: Mode, allow: &[&str], deny: &[&str], command: &str) -> Verdict {
    let rules = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| Written { text: (*text).into(), at: None, base: "/nowhere".into() })
            .collect()
    };
    let place = Place {
        workspace: "/nowhere".into(),
        additional: Vec::new(),
        home: Some("/nowhere/home".into()),
    };
    let settings =
        Settings { mode, allow: rules(allow), ask: Vec::new(), deny: rules(deny), place };
    let Ok(permissions) = Permissions::new(settings) else { panic!("the rules are none") };
    let input = serde_json::Map::from_iter([("command".to_owned(), command.into())]);
    let call = ToolCall {
        name: "Bash".into(),
        input: ToolInput::Object(input),
        id: None,
        seen: ToolSeen::Answer,
    };
    permissions.decide(&call).verdict
}
