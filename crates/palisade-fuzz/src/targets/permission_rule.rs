//! The text of a permission rule: whatever it is, it is one or an error, and a call of any kind is decided by it.

use palisade_core::{ToolCall, ToolInput, ToolSeen};
use palisade_permissions::{List, Mode, Permissions, Place, Rule, Settings, Written};
use serde_json::Value;

use crate::input::{text, two};

pub(crate) fn target(data: &[u8]) {
    let (rule, rest) = two(data);
    let (name, input) = two(rest);
    let (rule, name) = (text(rule), text(name));
    for list in [List::Deny, List::Ask, List::Allow] {
        if let Ok(rule) = Rule::parse(&rule, list) {
            drop(rule.program());
        }
    }
    let input = match serde_json::from_slice(input) {
        Ok(Value::Object(fields)) => ToolInput::Object(fields),
        _ => ToolInput::Text(text(input)),
    };
    let call = ToolCall { name, input, id: None, seen: ToolSeen::Answer };
    let written = || vec![Written { text: rule.clone(), at: None, base: "/nowhere".into() }];
    let place = || Place { workspace: "/nowhere".into(), additional: Vec::new(), home: None };
    let (ask, allow) = (Vec::new(), Vec::new());
    let denying = Settings { mode: Mode::Default, allow, ask, deny: written(), place: place() };
    let (ask, deny) = (Vec::new(), Vec::new());
    let allowing = Settings { mode: Mode::Default, allow: written(), ask, deny, place: place() };
    let Ok(denying) = Permissions::new(denying) else { return };
    let denied = denying.decide(&call);
    if let Ok(allowing) = Permissions::new(allowing)
        && allowing.decide(&call).rule.is_some_and(|rule| rule.contains("allow"))
    {
        assert!(!denied.is_allowed(), "a rule permits {call:?} and does not refuse it");
    }
}
