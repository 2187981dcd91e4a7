//! What a hook printed: exit code 2 blocks whatever it printed, and a denial joined with anything stays one.

use palisade_hooks::{Answer, Event, Exit, Say, of_body, of_program};

use crate::input::{number, two};

pub(crate) fn target(data: &[u8]) {
    let (index, rest) = number(data, Event::all().count());
    let Some(event) = Event::all().nth(index) else { return };
    let (code, rest) = number(rest, 256);
    let (stderr, stdout) = two(rest);
    let exit = Exit::Code(i32::try_from(code).unwrap_or_default());
    let read = of_program(event, exit, stdout, stderr);
    if event.blocks() {
        let blocked = of_program(event, Exit::Code(2), stdout, stderr);
        assert_eq!(blocked.answer.say, Some(Say::Deny), "{}", event.name());
    }
    if code > 2 {
        assert!(read.wrong.is_some(), "exit code {code} is no failure");
    }
    drop(of_body(event, stdout));
    let mut denied = Answer { say: Some(Say::Deny), ..Answer::default() };
    drop(denied.join(read.answer.clone()));
    assert_eq!(denied.say, Some(Say::Deny));
    let mut joined = read.answer;
    drop(joined.join(Answer { say: Some(Say::Deny), ..Answer::default() }));
    assert_eq!(joined.say, Some(Say::Deny));
}
