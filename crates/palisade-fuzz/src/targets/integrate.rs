//! An agent's settings: what is put in is taken out again, and all else says what it said.

use palisade_integrate::{Entry, Form, Unit, installed, removed};
use serde_json::Value;

use crate::input::text;

pub(crate) fn target(data: &[u8]) {
    let text = text(data);
    for form in [Form::Groups(Unit::Seconds), Form::Commands] {
        put_in_and_taken_out(&text, form);
    }
}

fn put_in_and_taken_out(text: &str, form: Form) {
    let events = vec!["PreToolUse".into()];
    let entry = Entry { command: "palisade hook".into(), events, form };
    let own = |command: &str| command == "palisade hook";
    let Ok(with) = installed(text, &entry, own) else { return };
    let (Ok(without), Ok(bare)) = (removed(&with, own), removed(text, own)) else {
        panic!("what was put in is not taken out: {with}")
    };
    let Ok(twice) = installed(&with, &entry, own) else { panic!("not twice: {with}") };
    let said = |text: &str| palisade_core::strict_object(text.as_bytes()).map(Value::Object);
    if let (Ok(twice), Ok(with)) = (said(&twice), said(&with)) {
        assert_eq!(twice, with);
    }
    if let (Ok(mut without), Ok(bare)) = (said(&without), said(&bare)) {
        // Nobody can tell by whom a version was written, and by itself it says nothing: it stays.
        if form == Form::Commands
            && bare.get("version").is_none()
            && let Some(fields) = without.as_object_mut()
        {
            assert_eq!(fields.remove("version"), Some(1.into()));
        }
        assert_eq!(without, bare);
    }
}
