//! Which tool call told what is executed: by the text of its command, which is all that there is. No id goes
//! through the agent's own process, so this is what was found and no proof.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use palisade_core::{Exec, ToolCall, ToolInput, shown};
use serde_json::Value;

/// Calls that are remembered.
const MOST: usize = 64;
/// A shorter text is in too many others.
const SHORTEST: usize = 4;
/// Bytes of one that are compared.
const LONGEST: usize = 64 * 1024;
/// Characters of a tool call's id.
const MOST_OF_ID: usize = 100;
/// Fields of tools that hold a command.
const FIELDS: [&str; 3] = ["command", "cmd", "script"];

/// The commands of the newest tool calls that were permitted.
#[derive(Debug, Default)]
pub(crate) struct Commands(Mutex<VecDeque<(String, String)>>);

impl Commands {
    /// A tool call is permitted.
    pub(crate) fn told(&self, call: &ToolCall) {
        let (Some(id), Some(text)) = (&call.id, text(&call.input)) else { return };
        let text = text.trim();
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back((shown(id, MOST_OF_ID), text.to_owned()));
    }

    /// The id of the newest call whose command is among the arguments of this, whole or in one of them, or is
    /// all of them.
    pub(crate) fn of(&self, exec: &Exec) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return None;
        }
        let arguments = exec.argv.get(1..).unwrap_or_default();
        let name = exec.argv.first().map(|name| name.rsplit('/').next().unwrap_or(name));
        let whole: Vec<&str> =
            name.into_iter().chain(arguments.iter().map(String::as_str)).collect();
        let whole = whole.join(" ");
        let told = |text: &String| {
            whole == *text
                || arguments.iter().any(|word| word.len() <= LONGEST && word.contains(text))
        };
        all.iter().rev().find(|(_, text)| told(text)).map(|(id, _)| id.clone())
    }
}

/// The command that a tool is told, if it is told one.
fn text(input: &ToolInput) -> Option<String> {
    match input {
        ToolInput::Text(text) => Some(text.clone()),
        ToolInput::Object(fields) => FIELDS.iter().find_map(|key| match fields.get(*key)? {
            Value::String(text) => Some(text.clone()),
            // As `execvp` gets it: `["bash", "-lc", "make"]`. The last says most.
            Value::Array(words) => words.last()?.as_str().map(str::to_owned),
            _ => None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::ToolSeen;
    use serde_json::json;

    use super::*;

    fn call(id: &str, input: Value) -> ToolCall {
        let input = ToolInput::Object(input.as_object().cloned().unwrap());
        ToolCall { name: "Bash".into(), input, id: Some(id.into()), seen: ToolSeen::Answer }
    }

    fn exec(argv: &[&str]) -> Exec {
        Exec { argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..Exec::default() }
    }

    #[test]
    fn the_newest_call_with_the_text_is_found() {
        let commands = Commands::default();
        commands.told(&call("a", json!({"command": "make test"})));
        commands.told(&call("b", json!({"command": "make test"})));
        commands.told(&call("c", json!({"cmd": ["bash", "-lc", "cargo build"]})));
        commands.told(&call("d", json!({"command": "ls"})));
        for (argv, expected) in [
            (&["bash", "-c", "make test"][..], Some("b")),
            (&["/bin/zsh", "-c", "source x && eval 'make test' < /dev/null"], Some("b")),
            (&["/usr/bin/make", "test"], Some("b")),
            (&["bash", "-lc", "cargo build"], Some("c")),
            // Too short to say anything.
            (&["bash", "-c", "ls"], None),
            (&["make test"], Some("b")),
            (&["make"], None),
            (&[], None),
        ] {
            assert_eq!(commands.of(&exec(argv)).as_deref(), expected, "{argv:?}");
        }
        for number in 0..100 {
            commands.told(&call("x", json!({"command": format!("other {number}")})));
        }
        assert_eq!(commands.of(&exec(&["make", "test"])), None);
    }
}
