use proptest::prelude::*;
use serde_json::json;

use super::*;

const PRE: Event = Event::PRE_TOOL_USE;

fn read(exit: i32, stdout: &str, stderr: &str) -> Read {
    of_program(PRE, Exit::Code(exit), stdout.as_bytes(), stderr.as_bytes())
}

fn decided(word: &str) -> String {
    json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": word,
        "permissionDecisionReason": "why"}})
    .to_string()
}

#[test]
fn reads_what_claude_code_reads() {
    for (word, say) in
        [("allow", Say::Allow), ("ask", Say::Ask), ("defer", Say::Defer), ("deny", Say::Deny)]
    {
        let Read { answer, wrong } = read(0, &decided(word), "");
        assert_eq!((answer.say, answer.reason.as_str(), wrong), (Some(say), "why", None));
    }
    assert_eq!(read(0, "", ""), Read::default());
    assert_eq!(read(0, "all is well\n", "noise"), Read::default());
    let blocked = read(0, r#"{"decision": "block", "reason": "no"}"#, "");
    assert_eq!((blocked.answer.say, blocked.answer.reason.as_str()), (Some(Say::Deny), "no"));
    assert_eq!(read(0, r#"{"decision": "approve"}"#, "").answer.say, Some(Say::Allow));
    let stopped = read(0, r#"{"continue": false, "stopReason": "enough"}"#, "").answer;
    assert_eq!((stopped.say, stopped.stop.as_deref()), (Some(Say::Deny), Some("enough")));
    let context = r#"{"systemMessage": "m", "suppressOutput": true, "hookSpecificOutput": {
        "hookEventName": "PreToolUse", "additionalContext": "c", "updatedInput": {"command": "ls"}}}"#;
    let Read { answer, wrong } = read(0, context, "");
    assert_eq!(
        (answer.messages, answer.context, wrong),
        (vec!["m".into()], vec!["c".into()], None)
    );
    assert_eq!(answer.input.unwrap()["command"], "ls");
}

#[test]
fn exit_code_2_blocks_whatever_is_printed() {
    for printed in ["", "{", "text", &decided("allow"), "{} {}"] {
        let Read { answer, wrong } = read(2, printed, "not this\n");
        assert_eq!(
            (answer.say, answer.reason.as_str()),
            (Some(Say::Deny), "not this"),
            "{printed}"
        );
        assert_eq!(wrong, None);
    }
    assert_eq!(read(2, &decided("deny"), "other").answer.reason, "why");
    let told = of_program(Event::named("SessionEnd").unwrap(), Exit::Code(2), b"", b"x");
    assert_eq!((told.answer.say, told.answer.messages), (None, vec!["x".to_owned()]));
}

#[test]
fn what_is_odd_is_a_failure() {
    for (exit, printed) in [
        (1, String::new()),
        (127, String::new()),
        (126, String::new()),
        (1, decided("allow")),
        (0, decided("permit")),
        (0, "{".to_owned()),
        (0, "[]".to_owned()),
        (0, "{} {}".to_owned()),
        (0, r#"{"decision": "block", "decision": "approve"}"#.to_owned()),
        (0, r#"{"decision": 1}"#.to_owned()),
        (0, r#"{"decision": "perhaps"}"#.to_owned()),
        (0, r#"{"continue": "no"}"#.to_owned()),
        (0, r#"{"hookSpecificOutput": {"permissionDecision": "allow"}}"#.to_owned()),
        (
            0,
            r#"{"hookSpecificOutput": {"hookEventName": "Stop", "permissionDecision": "allow"}}"#
                .to_owned(),
        ),
        (
            0,
            r#"{"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": "ls"}}"#
                .to_owned(),
        ),
        (0, r#"{"hookSpecificOutput": []}"#.to_owned()),
        (0, "a\0b".to_owned()),
    ] {
        assert!(read(exit, &printed, "").wrong.is_some(), "{exit} {printed}");
    }
    assert!(of_program(PRE, Exit::Code(0), b"\xff\xfe", b"").wrong.is_some());
    assert!(of_program(PRE, Exit::Code(0), b"{\"reason\": \"\xff\"}", b"").wrong.is_some());
    assert!(of_program(PRE, Exit::Signal(9), b"", b"").wrong.is_some());
    // A denial is understood all the same.
    let denied = read(1, &decided("deny"), "");
    assert_eq!((denied.answer.say, denied.wrong.is_some()), (Some(Say::Deny), true));
}

#[test]
fn a_decision_where_nobody_reads_it_is_a_failure() {
    let deny = decided("deny");
    for printed in [
        // Beside something else, as a shell's start prints it.
        format!("welcome\n{deny}"),
        format!("checking… {deny}"),
        format!("\u{feff}{deny}"),
        format!("\u{1b}[0m{deny}"),
        "looking\n{\"decision\": \"block\"".to_owned(),
        // In another place, or in the words of another agent.
        r#"{"permissionDecision": "deny"}"#.to_owned(),
        r#"{"updatedInput": {"command": "ls"}}"#.to_owned(),
        r#"{"hookSpecificOutput": {"hookEventName": "PreToolUse", "decision": "block"}}"#
            .to_owned(),
        r#"{"hookSpecificOutput": {"hookEventName": "PreToolUse", "continue": false}}"#.to_owned(),
        r#"{"hookSpecificOutput": {"hookEventName": "PreToolUse", "behavior": "deny"}}"#.to_owned(),
        r#"{"permission": "deny"}"#.to_owned(),
        r#"{"block": true, "blockReason": "no"}"#.to_owned(),
        r#"{"ok": false, "reason": "no"}"#.to_owned(),
        r#"{"async": true, "asyncTimeout": 5}"#.to_owned(),
    ] {
        assert!(read(0, &printed, "").wrong.is_some(), "{printed}");
    }
    let prompt = Event::named("UserPromptSubmit").unwrap();
    let told = |text: &str| of_program(prompt, Exit::Code(0), text.as_bytes(), b"");
    assert!(told("note\n{\"decision\": \"block\"}").wrong.is_some());
    // Text that speaks of it is context, and text that does not is none.
    assert_eq!(told("the key \"decision\" is read").wrong, None);
    assert_eq!(read(0, "2 files {a, b} are fine", "").wrong, None);
    assert_eq!(read(0, r#"{"updatedInput": null}"#, "").wrong, None);
}

#[test]
fn texts_steer_no_terminal_and_have_an_end() {
    let said = read(2, "", "\u{1b}[2Jgone\u{202e}\r\nnext\0").answer.reason;
    assert_eq!(said, "[2Jgone\nnext");
    let long = read(2, "", &"é".repeat(50_000)).answer.reason;
    assert_eq!(long.chars().count(), LONGEST);
}

#[test]
fn the_strongest_word_counts() {
    let answer = |say: Option<Say>| Answer { say, reason: format!("{say:?}"), ..Answer::default() };
    let all = [None, Some(Say::Allow), Some(Say::Ask), Some(Say::Defer), Some(Say::Deny)];
    for one in all {
        for other in all {
            let mut joined = answer(one);
            joined.join(answer(other)).unwrap();
            assert_eq!(joined.say, one.max(other));
            assert_eq!(joined.reason, format!("{:?}", one.max(other)));
        }
    }
    let with = |text: &str| Answer {
        input: json!({"command": text}).as_object().cloned(),
        ..Answer::default()
    };
    let mut joined = with("a");
    joined.join(with("a")).unwrap();
    joined.join(with("b")).unwrap_err();
}

fn json_text() -> impl Strategy<Value = String> {
    let word =
        prop::sample::select(vec!["allow", "deny", "ask", "defer", "block", "approve", "x", ""]);
    let value = prop_oneof![
        word.prop_map(|word| json!(word)),
        any::<bool>().prop_map(|yes| json!(yes)),
        Just(json!(null)),
        Just(json!({"command": "ls"})),
        Just(json!([1])),
    ];
    let key = prop::sample::select(vec![
        "continue",
        "stopReason",
        "decision",
        "reason",
        "systemMessage",
        "suppressOutput",
        "other",
        "hookEventName",
        "permissionDecision",
        "permissionDecisionReason",
        "updatedInput",
        "additionalContext",
    ]);
    let object = prop::collection::btree_map(key, value, 0..6);
    (object.clone(), object, any::<bool>()).prop_map(|(mut whole, mut inner, named)| {
        if named {
            inner.insert("hookEventName", json!("PreToolUse"));
        }
        whole.insert("hookSpecificOutput", json!(inner));
        json!(whole).to_string()
    })
}

proptest! {
    /// Any bytes and any end are answered, within bounds.
    #[test]
    fn any_output_is_answered(
        stdout in prop::collection::vec(any::<u8>(), 0..300),
        stderr in prop::collection::vec(any::<u8>(), 0..300),
        exit in -3..130_i32,
    ) {
        for event in Event::all() {
            let Read { answer, wrong } = of_program(event, Exit::Code(exit), &stdout, &stderr);
            if event.blocks() && exit == 2 {
                prop_assert_eq!(answer.say, Some(Say::Deny));
            } else if exit != 0 && exit != 2 {
                prop_assert!(wrong.is_some());
            }
            prop_assert!(!answer.reason.chars().any(steers));
        }
    }

    /// What is understood is never weaker than a word that stands there, and what is not is told.
    #[test]
    fn a_denial_is_never_lost(text in json_text()) {
        let Read { answer, wrong } = of_body(PRE, text.as_bytes());
        let value: Value = serde_json::from_str(&text).unwrap();
        let denies = value["decision"] == "block"
            || value["continue"] == false
            || value["hookSpecificOutput"]["permissionDecision"] == "deny";
        if denies {
            prop_assert_eq!(answer.say, Some(Say::Deny));
        }
        let said = &value["hookSpecificOutput"]["permissionDecision"];
        let known = ["allow", "deny", "ask", "defer"];
        if said.as_str().is_some_and(|word| !known.contains(&word)) {
            prop_assert!(wrong.is_some());
        }
    }

    /// With more hooks no answer becomes weaker.
    #[test]
    fn another_hook_never_weakens(one in json_text(), other in json_text()) {
        let (one, other) = (of_body(PRE, one.as_bytes()).answer, of_body(PRE, other.as_bytes()).answer);
        let mut joined = one.clone();
        if joined.join(other.clone()).is_ok() {
            prop_assert!(joined.say >= one.say && joined.say >= other.say);
        }
    }
}
