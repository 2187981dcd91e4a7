//! `hooks`: programs outside that decide.

use super::Check;
use crate::document::Document;

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    let Some(hooks) = &document.hooks else { return };
    for (event, matchers) in &hooks.value.events {
        if matchers.value.is_empty() {
            check.wrong(
                matchers.place,
                format!("`{event}` has no hook, so this does nothing"),
                "add one, or remove it",
            );
        }
        for matcher in &matchers.value {
            if matcher.value.hooks.is_empty() {
                check.wrong(
                    matcher.place,
                    "this names no hook to run",
                    "write `hooks: [{type: command, command: ./check.sh}]`",
                );
            }
            for hook in &matcher.value.hooks {
                if hook.command.value.trim().is_empty() {
                    check.wrong(
                        hook.command.place,
                        "the command is empty",
                        "name a program that decides",
                    );
                }
                if let Some(timeout) = hook.timeout.as_ref().filter(|seconds| seconds.value == 0) {
                    check.wrong(
                        timeout.place,
                        "with 0 seconds the hook always fails",
                        "write 1 or more",
                    );
                }
            }
        }
    }
    check.not_built_and_widens("hooks", hooks.place, hooks);
}
