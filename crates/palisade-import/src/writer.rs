//! The policy as YAML, with a comment beside each entry.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::{
    note::Place,
    parts::{Parts, Section},
};

/// Which lines of the text an entry has.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) lines: RangeInclusive<usize>,
    pub(crate) section: Section,
    pub(crate) index: usize,
    /// The entry of `http`, where it is one.
    pub(crate) http: Option<usize>,
}

#[derive(Default)]
struct Out {
    text: String,
    line: usize,
}

impl Out {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
        self.line = self.line.saturating_add(1);
    }

    fn said(&mut self, text: &str, from: &str) {
        let from: String = from.chars().map(plain).collect();
        self.line(&format!("{text} # {from}"));
    }
}

pub(crate) fn write(parts: &Parts<'_>) -> (String, Vec<Span>) {
    let mut out = Out::default();
    let mut spans = Vec::new();
    out.line("# Imported. Behind each entry stands where it is from; `palisade policy explain` says what it means.");
    out.line("palisade: 1");
    if let Some(profile) = parts.extends {
        out.line(&format!("extends: [{profile}]"));
    }
    let lists = |sections: &[Section]| sections.iter().any(|section| !parts.of(section).is_empty());
    if parts.access.is_some() || lists(&[Section::Read, Section::Write, Section::Hide]) {
        out.line("");
        out.line("filesystem:");
        if let Some((access, place)) = &parts.access {
            out.said(&format!("  workspace: {{access: {access}}}"), &from(parts, place));
        }
        list(&mut out, &mut spans, parts, "  read:", &Section::Read);
        list(&mut out, &mut spans, parts, "  write:", &Section::Write);
        list(&mut out, &mut spans, parts, "  deny:", &Section::Hide);
    }
    if lists(&[Section::Network, Section::Fixed]) {
        out.line("");
        out.line("network:");
        list(&mut out, &mut spans, parts, "  hosts:", &Section::Fixed);
        list(&mut out, &mut spans, parts, "  rules:", &Section::Network);
    }
    if lists(&[Section::Variable]) {
        out.line("");
        out.line("process:");
        out.line("  environment:");
        list(&mut out, &mut spans, parts, "    set:", &Section::Variable);
    }
    if parts.mode.is_some() || lists(&[Section::Allow, Section::Ask, Section::Deny]) {
        out.line("");
        out.line("permissions:");
        if let Some((mode, place)) = &parts.mode {
            out.said(&format!("  mode: {mode}"), &from(parts, place));
        }
        list(&mut out, &mut spans, parts, "  allow:", &Section::Allow);
        list(&mut out, &mut spans, parts, "  ask:", &Section::Ask);
        list(&mut out, &mut spans, parts, "  deny:", &Section::Deny);
    }
    let hooks: Vec<&Section> =
        parts.lists.keys().filter(|section| matches!(section, Section::Hook(_))).collect();
    if !hooks.is_empty() {
        out.line("");
        out.line("hooks:");
        out.line("  on_error: deny");
        for section in hooks {
            if let Section::Hook(event) = section {
                list(&mut out, &mut spans, parts, &format!("  {event}:"), section);
            }
        }
    }
    (out.text, spans)
}

fn list(out: &mut Out, spans: &mut Vec<Span>, parts: &Parts<'_>, head: &str, section: &Section) {
    let entries = parts.of(section);
    if entries.is_empty() {
        return;
    }
    out.line(head);
    for (index, entry) in entries.iter().enumerate() {
        let first = out.line.saturating_add(1);
        let of = |lines, http| Span { lines, section: section.clone(), index, http };
        let value = flow(&entry.value);
        let indent = if *section == Section::Variable { "      " } else { "    " };
        if let (Section::Fixed | Section::Variable, Some(keys)) = (section, entry.value.as_object())
        {
            for (name, value) in keys {
                out.said(
                    &format!("{indent}{}: {}", quoted(name), flow(value)),
                    &from(parts, &entry.place),
                );
            }
            spans.push(of(first..=out.line, None));
            continue;
        }
        match value.strip_suffix('}').filter(|_| !entry.http.is_empty()) {
            None => out.said(&format!("    - {value}"), &from(parts, &entry.place)),
            Some(open) => {
                out.said(&format!("    - {open}, http: ["), &from(parts, &entry.place));
                for (number, request) in entry.http.iter().enumerate() {
                    out.said(
                        &format!("        {},", flow(&request.value)),
                        &from(parts, &request.place),
                    );
                    spans.push(of(out.line..=out.line, Some(number)));
                }
                out.line("      ]}");
            }
        }
        spans.push(of(first..=out.line, None));
    }
}

fn from(parts: &Parts<'_>, place: &Place) -> String {
    let place = place.to_string();
    let home = parts.request.home.to_str().map(|home| home.trim_end_matches('/'));
    let home = home.filter(|home| !home.is_empty());
    match home.and_then(|home| place.strip_prefix(home)) {
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => place,
    }
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(keys) => {
            let pair = |(key, value): (&String, &Value)| format!("{}: {}", word(key), flow(value));
            format!("{{{}}}", keys.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key without quotes where it cannot be taken for something else.
fn word(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text);
    if plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if plain(c) != c => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A policy is what it looks like: no character in it steers a terminal or hides.
fn plain(c: char) -> char {
    let unseen = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    if c.is_control() || unseen { '\u{fffd}' } else { c }
}
