//! What an agent announces: it is understood or refused, and what is denied is not told as if it were permitted.

use palisade_hooks::{Agent, Answer, ReplyTo, Say};

pub(crate) fn target(data: &[u8]) {
    for agent in Agent::ALL {
        let announced = match agent.read(data) {
            Ok(announced) => announced,
            Err(why) => {
                let refusal = agent.refusal(&why.to_string());
                assert!(refusal.exit == 2 || !refusal.stdout.is_empty());
                continue;
            }
        };
        let to = |say| ReplyTo {
            say: Some(say),
            reason: "because".into(),
            input: None,
            answer: Answer::default(),
        };
        let (denied, allowed) =
            (announced.reply(&to(Say::Deny)), announced.reply(&to(Say::Allow)));
        if announced.event.is_some_and(|event| event.is_gate()) {
            assert_ne!(denied, allowed, "{agent:?} hears no difference");
        }
        for reply in [denied, allowed] {
            if reply.stdout.trim_start().starts_with('{') {
                assert!(serde_json::from_str::<serde_json::Value>(&reply.stdout).is_ok());
            }
        }
    }
}
