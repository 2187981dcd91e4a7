//! Hooks of Claude Code's form.

use palisade_hooks::{Event, Matcher, Seen};
use palisade_permissions::List;
use serde_json::{Map, Value as Json, json};

use crate::{
    error::ImportError,
    note::Place,
    parts::{Entry, Parts, Section},
    rules,
    tree::{Document, Node, Value},
};

/// The most that a policy takes for one event.
const MOST: usize = 64;
/// The longest that a hook may take, in seconds.
const LONGEST: f64 = 3600.0;

/// Whether the hooks of a file run there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Run {
    Yes,
    /// They are the repository's: nothing of it runs outside before somebody has read it.
    Untrusted,
    /// The tool's own settings switch them off.
    Off(&'static str),
}

/// Takes over the hooks of a file. `name` is how its tool is called in messages.
pub(crate) fn take(
    parts: &mut Parts<'_>,
    doc: &Document,
    name: &str,
    run: Run,
) -> Result<(), ImportError> {
    let Some(hooks) = doc.table(&doc.root, "hooks")? else { return Ok(()) };
    let place = doc.place(hooks);
    if let Run::Off(why) = run {
        parts.carried(&place, "hooks", why);
        return Ok(());
    }
    if hooks.keys().is_empty() {
        return Ok(());
    }
    let why = format!(
        "a hook that fails, hangs or is changed lets the call run in {name}; here that is a deny, and its environment has no keys"
    );
    parts.stricter(&place, "hooks", why);
    for key in hooks.keys() {
        let place = doc.place(&key.node);
        let seen = Event::named(&key.name).map(Event::seen);
        let event =
            Event::named(&key.name).filter(|_| matches!(seen, Some(Seen::Tool | Seen::Announced)));
        let Some(event) = event else {
            parts.lost(&place, format!("hooks.{}", key.name), "there is no such event here");
            continue;
        };
        for group in doc.list(hooks, &key.name)? {
            let matcher = doc.one_text(group, "matcher")?.map(|(text, _)| text);
            for hook in doc.list(group, "hooks")? {
                one(parts, doc, event, matcher, hook, run)?;
            }
        }
    }
    Ok(())
}

fn one(
    parts: &mut Parts<'_>,
    doc: &Document,
    event: Event,
    matcher: Option<&str>,
    hook: &Node,
    run: Run,
) -> Result<(), ImportError> {
    let place = doc.place(hook);
    let section = Section::Hook(event.name().to_owned());
    if matches!(run, Run::Untrusted) {
        let why = "the folder is not trusted there, and a hook runs outside of the sandbox";
        parts.without_hook(event.name(), matcher, &place, why);
        return Ok(());
    }
    if parts.of(&section).len() >= MOST {
        let why = format!("a policy has at most {MOST} hooks for one event");
        parts.without_hook(event.name(), matcher, &place, &why);
        return Ok(());
    }
    let written = match written(parts, doc, event, hook, &place)? {
        Ok(written) => written,
        Err(why) => {
            parts.without_hook(event.name(), matcher, &place, &why);
            return Ok(());
        }
    };
    let what = format!("hooks.{}: {}", event.name(), shown(&written));
    let mut group = Map::new();
    match matcher.map(|text| (text, Matcher::new(text))) {
        None => {}
        Some((_, Ok(matcher))) if matcher.is_all() => {}
        Some((text, Ok(_))) if event.matched_on().is_some() => {
            group.insert("matcher".into(), json!(text));
        }
        Some((text, Ok(_))) => {
            parts.carried(
                &place,
                format!("matcher: {text}"),
                "this event is about nothing to compare: it runs each time",
            );
        }
        Some((text, Err(why))) => {
            parts.stricter(
                &place,
                format!("matcher: {text}"),
                format!("{why}; the hook runs for everything"),
            );
        }
    }
    group.insert("hooks".into(), json!([Json::Object(written)]));
    parts.carried(&place, what.clone(), "");
    parts.add(section, Entry::new(Json::Object(group), &place, what));
    Ok(())
}

fn shown(hook: &Map<String, Json>) -> String {
    let text = |key| hook.get(key).and_then(Json::as_str);
    text("command").or(text("url")).unwrap_or_default().to_owned()
}

/// The hook as the policy has it, or why it cannot.
fn written(
    parts: &mut Parts<'_>,
    doc: &Document,
    event: Event,
    hook: &Node,
    place: &Place,
) -> Result<Result<Map<String, Json>, String>, ImportError> {
    let mut out = Map::new();
    let kind = doc.one_text(hook, "type")?.map_or("command", |(text, _)| text);
    match kind {
        "command" => {
            let Some((command, _)) = doc.one_text(hook, "command")? else {
                return Ok(Err("it has no command".into()));
            };
            let shell = doc.one_text(hook, "shell")?.map(|(text, _)| text);
            let command = rooted(command, parts);
            let arguments = doc.texts(hook, "args")?;
            out.insert("type".into(), json!("command"));
            match shell {
                None => {
                    out.insert("command".into(), json!(command));
                    if hook.get("args").is_some() {
                        let texts: Vec<&str> = arguments.iter().map(|(text, _)| *text).collect();
                        out.insert("args".into(), json!(texts));
                    }
                }
                Some("bash") => {
                    out.insert("command".into(), json!("bash"));
                    out.insert("args".into(), json!(["-c", command]));
                }
                Some(other) => return Ok(Err(format!("hooks in {other} do not run here"))),
            }
        }
        "http" => {
            let Some((url, _)) = doc.one_text(hook, "url")? else {
                return Ok(Err("it has no URL".into()));
            };
            out.insert("type".into(), json!("http"));
            out.insert("url".into(), json!(url));
            if let Some(headers) = doc.table(hook, "headers")? {
                let mut all = Map::new();
                for key in headers.keys() {
                    let value = doc.one_text(headers, &key.name)?.map(|(text, _)| text);
                    all.insert(key.name.clone(), json!(value.unwrap_or_default()));
                }
                if all.values().any(|value| !value.as_str().unwrap_or_default().contains('$')) {
                    parts.carried(
                        place,
                        "headers",
                        "a value that is a key stands in the policy now: use a variable",
                    );
                }
                out.insert("headers".into(), Json::Object(all));
            }
            let variables: Vec<&str> =
                doc.texts(hook, "allowedEnvVars")?.iter().map(|(text, _)| *text).collect();
            if !variables.is_empty() {
                out.insert("allowedEnvVars".into(), json!(variables));
            }
        }
        other => return Ok(Err(format!("hooks of type `{other}` do not run here"))),
    }
    times(parts, hook, &mut out, place);
    narrowed(parts, doc, event, hook, &mut out, place)?;
    Ok(Ok(out))
}

fn times(parts: &mut Parts<'_>, hook: &Node, out: &mut Map<String, Json>, place: &Place) {
    if let Some(Value::Number(seconds)) = hook.get("timeout").map(|node| &node.value) {
        let most = seconds.ceil().clamp(1.0, LONGEST);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is 1 to 3600"
        )]
        let whole = most as u64;
        out.insert("timeout".into(), json!(whole));
        if *seconds > LONGEST {
            parts.stricter(
                place,
                format!("timeout: {seconds}"),
                format!("at most {LONGEST} seconds"),
            );
        }
    }
    let flag = |name| hook.get(name).and_then(Node::bool) == Some(true);
    if flag("async") || flag("asyncRewake") {
        out.insert("async".into(), json!(true));
        if flag("asyncRewake") {
            parts.lost(place, "asyncRewake", "nobody waits for the hook, and it wakes nobody");
        }
    }
}

fn narrowed(
    parts: &mut Parts<'_>,
    doc: &Document,
    event: Event,
    hook: &Node,
    out: &mut Map<String, Json>,
    place: &Place,
) -> Result<(), ImportError> {
    let Some((rule, _)) = doc.one_text(hook, "if")? else { return Ok(()) };
    if event.is_about_tool() && rules::is_valid(rule, List::Ask, parts.request) {
        out.insert("if".into(), json!(rule.trim()));
    } else {
        parts.stricter(place, format!("if: {rule}"), "left out, so the hook runs more often");
    }
    Ok(())
}

/// A command by a relative path, from the project: here it would begin at the policy's folder.
fn rooted(command: &str, parts: &Parts<'_>) -> String {
    let request = parts.request;
    let word = command.split_whitespace().next().unwrap_or_default();
    let relative =
        word.contains('/') && !word.starts_with(['/', '~', '$', '"', '\'', '\\', '(', '`']);
    let plain = |path: &str| path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    match request.project.to_str().filter(|project| plain(project)) {
        Some(project) if relative && request.project != request.base && !word.contains('=') => {
            let rest = command.trim_start().strip_prefix(word).unwrap_or_default();
            let word = word.trim_start_matches("./");
            format!("{}/{word}{rest}", project.trim_end_matches('/'))
        }
        _ => command.to_owned(),
    }
}
