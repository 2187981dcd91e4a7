//! `hooks`: programs and servers outside that decide.

use std::time::Duration;

use palisade_hooks::{Event, Handler, Hook, Http, Matcher, MatcherError, OnError, Program, Seen};
use palisade_permissions::{List, Rule};

use super::{Check, shown, url};
use crate::{
    at::{At, Place},
    document::{self, Document, HookKind},
};

/// Seconds, where nothing else is written: as with Claude Code.
const USUAL: u64 = 600;
/// Where a person or a connection waits.
const SHORT: u64 = 30;
/// The longest.
const MOST: u64 = 3600;
/// Hooks of one event in a document.
const MOST_HOOKS: usize = 64;

/// A hook with its event. How it is printed is settled when all documents are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftHook {
    pub(crate) event: Event,
    pub(crate) hook: Hook,
}

pub(super) fn check(check: &mut Check<'_>, document: &Document) -> Vec<At<DraftHook>> {
    let mut all = Vec::new();
    let Some(hooks) = &document.hooks else { return all };
    let on_error = hooks.value.on_error.as_ref().map_or(OnError::Deny, |at| match at.value {
        document::OnError::Deny => OnError::Deny,
        document::OnError::Ask => OnError::Ask,
        document::OnError::Allow => OnError::Allow,
    });
    for (name, matchers) in &hooks.value.events {
        let event = Event::named(name);
        if event.is_none() {
            check.not_built_and_widens(format!("hooks.{name}"), matchers.place, matchers);
        }
        let count = matchers.value.iter().map(|at| at.value.hooks.len()).sum::<usize>();
        if count > MOST_HOOKS {
            check.wrong(
                matchers.place,
                format!("`{name}` has {count} hooks, and {MOST_HOOKS} are the most"),
                "let one program do the work of several",
            );
        }
        if matchers.value.is_empty() {
            check.wrong(
                matchers.place,
                format!("`{name}` has no hook, so this does nothing"),
                "add one, or remove it",
            );
        }
        for at in &matchers.value {
            if at.value.hooks.is_empty() {
                check.wrong(
                    at.place,
                    "this names no hook to run",
                    "write `hooks: [{type: command, command: ./check.sh}]`",
                );
            }
            let matcher = matcher(check, at.value.matcher.as_ref(), event);
            for hook in &at.value.hooks {
                let made = one(check, hook, event, on_error);
                if let (Some(event), Some(matcher), Some(made)) = (event, &matcher, made) {
                    let hook_of = Hook { matcher: matcher.clone(), ..made };
                    let value = DraftHook { event, hook: hook_of };
                    all.push(At { value, place: hook.place });
                }
            }
        }
    }
    all
}

fn matcher(
    check: &mut Check<'_>,
    written: Option<&At<String>>,
    event: Option<Event>,
) -> Option<Matcher> {
    let Some(at) = written else { return Some(Matcher::default()) };
    match Matcher::new(&at.value) {
        Ok(matcher) => {
            let blind = event.filter(|event| event.matched_on().is_none());
            if let (Some(event), false) = (blind, matcher.is_all()) {
                check.wrong(
                    at.place,
                    format!("`{event}` is about nothing that a matcher could be compared with"),
                    "remove `matcher`: the hook runs each time",
                );
            }
            Some(matcher)
        }
        Err(error) => {
            let help = match error {
                MatcherError::JavaScript(_) => {
                    "write it without: matchers are searched for in linear time, so that no text makes them slow"
                }
                _ => {
                    "write a name, several as `Edit|Write`, or a regular expression such as `mcp__.*`"
                }
            };
            check.wrong(at.place, format!("`{}` is no matcher: {error}", shown(&at.value)), help);
            None
        }
    }
}

/// A hook, but for its matcher.
fn one(
    check: &mut Check<'_>,
    at: &At<document::Hook>,
    event: Option<Event>,
    on_error: OnError,
) -> Option<Hook> {
    let written = &at.value;
    let found = check.found.len();
    let handler = handler(check, at);
    let usual = match event {
        Some(event) if event.name() == "MessageDisplay" => 10,
        Some(event)
            if event.name() == "UserPromptSubmit"
                || matches!(
                    event.seen(),
                    Seen::Connections | Seen::Requests | Seen::Models | Seen::Skills | Seen::Execs
                ) =>
        {
            SHORT
        }
        _ => USUAL,
    };
    let seconds = written.timeout.as_ref().map_or(usual, |seconds| seconds.value);
    if let Some(timeout) = &written.timeout {
        if timeout.value == 0 {
            check.wrong(timeout.place, "with 0 seconds the hook always fails", "write 1 or more");
        } else if timeout.value > MOST {
            check.wrong(
                timeout.place,
                format!("{} seconds is longer than a hook may take", timeout.value),
                format!("write {MOST} or less"),
            );
        }
    }
    if let (Some(rule), Some(event)) = (&written.only_if, event)
        && !event.is_about_tool()
    {
        check.wrong(
            rule.place,
            format!("`if` is a permission rule, and `{event}` is about no tool call"),
            "remove it, or narrow with `matcher`",
        );
    }
    if let Some(rule) = &written.only_if
        && let Err(error) = Rule::parse(&rule.value, List::Deny)
    {
        check.wrong(
            rule.place,
            format!("`{}` is no permission rule: {error}", shown(&rule.value)),
            "write `Tool`, or `Tool(what)` such as `Bash(npm run *)`",
        );
    }
    if let (Some(detached), Some(event)) = (&written.detached, event)
        && detached.value
        && event.is_gate()
        && event.seen() != Seen::Tool
        && event.seen() != Seen::Announced
    {
        check.wrong(
            detached.place,
            format!(
                "nobody waits for an `async` hook, so it cannot keep a `{event}` from happening"
            ),
            "remove `async`, or use PostModelCall",
        );
    }
    let handler = handler.filter(|_| check.found.len() == found)?;
    Some(Hook {
        rule: String::new(),
        matcher: Matcher::default(),
        only_if: written.only_if.as_ref().map(|rule| rule.value.clone()),
        handler,
        timeout: Duration::from_secs(seconds),
        once: written.once.unwrap_or(false),
        detached: written.detached.as_ref().is_some_and(|at| at.value),
        on_error,
    })
}

fn handler(check: &mut Check<'_>, at: &At<document::Hook>) -> Option<Handler> {
    let hook = &at.value;
    let foreign = match hook.kind {
        HookKind::Http => hook.command.as_ref().map(|at| ("command", at.place)),
        HookKind::Command | HookKind::Worker => hook.url.as_ref().map(|at| ("url", at.place)),
    };
    if let Some((key, place)) = foreign {
        check.wrong(
            place,
            format!("`{key}` is not of this kind of hook"),
            "a `command` or `worker` has `command`, an `http` has `url`",
        );
    }
    let program = |check: &mut Check<'_>| {
        let command = needed(check, hook.command.as_ref(), at.place, "command")?;
        for text in std::iter::once(command).chain(hook.args.iter().flatten()) {
            nul(check, text);
        }
        Some(Program {
            command: command.value.clone(),
            arguments: hook
                .args
                .as_ref()
                .map(|all| all.iter().map(|it| it.value.clone()).collect()),
            base: check.origin.base.clone(),
        })
    };
    match hook.kind {
        HookKind::Command => program(check).map(Handler::Command),
        HookKind::Worker => program(check).map(Handler::Worker),
        HookKind::Http => {
            let url = needed(check, hook.url.as_ref(), at.place, "url")?;
            server(check, url);
            for (name, value) in &hook.headers {
                header(check, name, value);
            }
            Some(Handler::Http(Http {
                url: url.value.clone(),
                headers: hook
                    .headers
                    .iter()
                    .map(|(name, at)| (name.clone(), at.value.clone()))
                    .collect(),
                variables: hook.variables.iter().map(|at| at.value.clone()).collect(),
            }))
        }
    }
}

fn needed<'a>(
    check: &mut Check<'_>,
    text: Option<&'a At<String>>,
    hook: Place,
    key: &str,
) -> Option<&'a At<String>> {
    match text {
        Some(at) if !at.value.trim().is_empty() => Some(at),
        Some(at) => {
            let message = format!("the {key} is empty");
            check.wrong(at.place, message, "name a program or a server that decides");
            None
        }
        None => {
            let message = format!("this hook has no `{key}`");
            check.wrong(hook, message, "name a program or a server that decides");
            None
        }
    }
}

fn nul(check: &mut Check<'_>, text: &At<String>) {
    if text.value.contains('\0') {
        check.wrong(text.place, "it has a NUL in it, which no program can be given", "remove it");
    }
}

/// Where something of Palisade's is posted.
pub(super) fn server(check: &mut Check<'_>, at: &At<String>) {
    if let Err(why) = url::check(&at.value) {
        check.wrong(
            at.place,
            format!("`{}` is no URL of a server: {why}", shown(&at.value)),
            "write it as in `url: \"https://hooks.example.com/check\"`",
        );
    } else if at.value.starts_with("http://") && !url::is_loopback(&at.value) {
        check.wrong(
            at.place,
            format!("`{}` would send what agents do over the network in clear", shown(&at.value)),
            "use https; http is for loopback addresses",
        );
    }
}

fn header(check: &mut Check<'_>, name: &str, value: &At<String>) {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        check.wrong(
            value.place,
            format!("`{}` is no name of a header field", shown(name)),
            "write one such as `authorization`",
        );
    }
    if value.value.chars().any(|c| c.is_control() || !c.is_ascii()) {
        check.wrong(
            value.place,
            format!("the value of `{}` has a character that no header has", shown(name)),
            "remove it",
        );
    }
}
