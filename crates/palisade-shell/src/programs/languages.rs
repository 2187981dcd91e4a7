//! What programs with a language of their own start.

use super::{
    Inner,
    wrappers::{script, somewhere},
};
use crate::Field;

/// Programs with a language of their own that can run commands: texts behind the words that do so.
pub(super) fn embedded(arguments: &[Field]) -> Vec<Inner> {
    const MARKS: [&str; 12] = [
        "system(", "!", "\\!", ".shell", ".system", "shell ", "EXEC:", "SYSTEM:", "exec ",
        "spawn ", "-e", "|",
    ];
    // What no shell can read is no command of one.
    let script = |text: Field, certain: bool| {
        let readable = text.known().is_none_or(|text| crate::parse::script(text).is_ok());
        readable.then(|| script(text, certain))
    };
    let mut out = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        let Some(text) = argument.known() else { continue };
        if matches!(text, "-e" | "--exec" | "--sh-exec" | "-c") {
            out.extend(arguments.get(index + 1).and_then(|value| script(value.clone(), false)));
        }
        for mark in MARKS {
            let Some((_, after)) = text.split_once(mark) else { continue };
            let after = after.trim_start_matches(['"', '\'', ' ', '(']);
            let end = after.find(['"', '\'', ')', ',']).unwrap_or(after.len());
            if let Some(after) = after.get(..end).filter(|after| !after.trim().is_empty()) {
                out.extend(script(Field::text(after), false));
            }
        }
        if text.contains(' ') {
            out.extend(script(Field::text(text), false));
        }
        if argument.known().is_some_and(|text| {
            matches!(
                text,
                "new-session"
                    | "new-window"
                    | "split-window"
                    | "send-keys"
                    | "run-shell"
                    | "neww"
                    | "splitw"
                    | "new"
                    | "-dm"
                    | "-dmS"
                    | "-X"
            )
        }) {
            out.extend(somewhere(arguments.get(index + 1..).unwrap_or_default()));
        }
    }
    out
}
