//! What `xargs` and `find` run for each thing that they read or find.

use super::{Inner, wrappers::words};
use crate::{Field, Piece};

pub(super) fn xargs(arguments: &[Field]) -> Vec<Inner> {
    const VALUED: &str = "adEILnPs";
    // Those whose value may be left out have it behind `=` alone.
    const LONG: [&str; 6] = [
        "--arg-file",
        "--delimiter",
        "--max-args",
        "--max-procs",
        "--max-chars",
        "--process-slot-var",
    ];
    let mut at = 0;
    let mut plain = true;
    // What is replaced by the input.
    let mut stands_for: Option<String> = None;
    while let Some(text) = arguments.get(at).and_then(Field::known) {
        if text == "--" {
            at += 1;
            break;
        }
        if !text.starts_with('-') {
            break;
        }
        plain = false;
        if let Some(name) = placeholder(text, arguments.get(at + 1)) {
            stands_for = Some(name);
        }
        let apart = (text.len() > 2 && LONG.iter().any(|option| option.starts_with(text)))
            || (!text.starts_with("--")
                && text
                    .chars()
                    .skip(1)
                    .position(|c| VALUED.contains(c))
                    .is_some_and(|index| index + 2 == text.chars().count()));
        at += if apart { 2 } else { 1 };
    }
    let mut rest = arguments.get(at..).unwrap_or_default().to_vec();
    if rest.is_empty() {
        return Vec::new();
    }
    if let Some(name) = stands_for.filter(|name| !name.is_empty()) {
        for field in &mut rest {
            if let Some(text) = field.known().filter(|text| text.contains(&name)) {
                *field = with_gaps(text, &name);
            }
        }
    }
    rest.push(Field::unknown());
    words(&rest, plain, true).into_iter().collect()
}

/// The text that an option of `xargs` has replaced by the input: `-I text`, `-i`, `--replace=text`.
fn placeholder(option: &str, next: Option<&Field>) -> Option<String> {
    if let Some(long) = option.strip_prefix("--") {
        let (name, value) = long.split_once('=').unwrap_or((long, "{}"));
        return (!name.is_empty() && "replace".starts_with(name)).then(|| value.to_owned());
    }
    let at = option.find(['I', 'i'])?;
    let (letters, value) = option.split_at(at + 1);
    Some(match (letters.ends_with('I'), value) {
        (true, "") => next?.known()?.to_owned(),
        (false, "") => "{}".to_owned(),
        (_, value) => value.to_owned(),
    })
}

pub(super) fn find(arguments: &[Field]) -> Vec<Inner> {
    const RUNS: [&str; 8] =
        ["-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"];
    let mut out = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        if argument.pieces() == [Piece::AnyWords] {
            out.push(Inner::Unclear(
                "what stands where `find` may be told to run something is not known",
            ));
        }
        // What is not known may be such an option, with a command behind it.
        let text = argument.start();
        let next = arguments.get(index + 1).and_then(Field::known).unwrap_or_default();
        if argument.known().is_none()
            && argument.pieces() != [Piece::AnyWords]
            && RUNS.iter().any(|option| option.starts_with(text))
            && next.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_'))
        {
            out.extend(words(arguments.get(index + 1..).unwrap_or_default(), false, false));
        }
        // `fd -xcmd`, `fd --exec=cmd`.
        let joined = match text.split_once('=') {
            Some((name, value)) if RUNS.contains(&name) => Some(value),
            _ => text.strip_prefix("-x").or_else(|| text.strip_prefix("-X")),
        };
        if let Some(value) = joined.filter(|value| !value.is_empty() && *value != "dev") {
            let mut given = vec![Field::text(value)];
            given.extend(arguments.iter().skip(index + 1).cloned());
            with_what_is_found(&mut given);
            out.extend(words(&given, false, false));
        }
        if argument.known().is_some_and(|text| RUNS.contains(&text)) {
            let rest = arguments.get(index + 1..).unwrap_or_default();
            let end = rest
                .iter()
                .position(|field| matches!(field.known(), Some(";" | "+")))
                .unwrap_or(rest.len());
            let mut given: Vec<Field> = rest
                .iter()
                .take(end)
                .map(|field| match field.known() {
                    Some(text) if text.contains("{}") => with_gaps(text, "{}"),
                    _ => field.clone(),
                })
                .collect();
            if argument
                .known()
                .is_some_and(|text| matches!(text, "-x" | "-X" | "--exec" | "--exec-batch"))
            {
                with_what_is_found(&mut given);
            }
            out.extend(words(&given, false, true));
        }
    }
    out
}

/// `fd` puts what it has found behind a command that has no place for it.
fn with_what_is_found(given: &mut Vec<Field>) {
    let has_place = |field: &Field| field.known().is_none_or(|text| text.contains('{'));
    if !given.is_empty() && !given.iter().any(has_place) {
        given.push(Field::unknown());
    }
}

/// A text in which `name` stands for what is not known.
fn with_gaps(text: &str, name: &str) -> Field {
    let mut out = Field::default();
    for (index, part) in text.split(name).enumerate() {
        if index > 0 {
            out.push(Piece::Any);
        }
        out.push_text(part);
    }
    out
}
