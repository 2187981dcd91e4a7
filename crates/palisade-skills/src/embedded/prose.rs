//! Blocks and commands in Markdown.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::Snippet;
use crate::{
    File, Place,
    code::Language,
    formats::{self, Lines, Profile},
    text::is_teaching,
};

pub(super) fn snippets(file: &File, text: &str, profile: &Profile, snippets: &mut Vec<Snippet>) {
    let from = formats::front(file).map_or(0, |front| front.body);
    let Some(body) = text.get(from..) else { return };
    let lines = Lines::of(text);
    let place = |offset: usize| {
        let (line, column) = lines.place(text, (from + offset).min(text.len()));
        Place { file: file.path.clone(), line, column }
    };
    let mut headings: Vec<(HeadingLevel, bool)> = Vec::new();
    let mut heading: Option<(HeadingLevel, String)> = None;
    let mut block: Option<(Option<Language>, bool, usize, String)> = None;
    let mut cell = false;
    // The sentence before a block says what the block is for.
    let mut before = String::new();
    for (event, range) in Parser::new_ext(body, Options::ENABLE_TABLES).into_offset_iter() {
        let teaching = || profile.security || headings.iter().any(|&(_, teaching)| teaching);
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, title)) = heading.take() {
                    headings.retain(|&(above, _)| above < level);
                    headings.push((level, is_teaching(&title.to_lowercase())));
                }
                before.clear();
            }
            Event::Start(Tag::TableCell) => cell = true,
            Event::End(TagEnd::TableCell) => cell = false,
            Event::Start(Tag::Paragraph | Tag::Item) => before.clear(),
            Event::Start(Tag::CodeBlock(kind)) => {
                let (language, auto_run) = match &kind {
                    CodeBlockKind::Fenced(word) => fence(word),
                    CodeBlockKind::Indented => (Some(Language::Shell), false),
                };
                block = Some((language, auto_run, usize::MAX, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((Some(language), auto_run, at, text)) = block.take()
                    && !text.trim().is_empty()
                {
                    let text = if language == Language::Shell { without_prompts(&text) } else { text };
                    let shown = !auto_run && (teaching() || is_warning(&before));
                    snippets.push(Snippet { language, text, origin: place(at), auto_run, shown });
                }
                before.clear();
            }
            Event::Text(part) => {
                if let Some((_, _, at, text)) = &mut block {
                    *at = (*at).min(range.start);
                    text.push_str(&part);
                } else if let Some((_, title)) = &mut heading {
                    title.push_str(&part);
                } else {
                    before.push_str(&part);
                }
            }
            Event::Code(code) if heading.is_none() => {
                let auto_run = body.get(..range.start).is_some_and(|text| text.ends_with('!'));
                if auto_run || (code.len() > 8 && acts(&code)) {
                    snippets.push(Snippet {
                        language: inline_language(&code),
                        text: code.to_string(),
                        origin: place(range.start + 1),
                        auto_run,
                        shown: !auto_run && (cell || teaching() || is_warning(&before)),
                    });
                }
                before.push_str(&code);
            }
            _ => {}
        }
    }
}

/// The language of a fence, and whether it runs before the model reads the text.
fn fence(word: &str) -> (Option<Language>, bool) {
    let word = word.trim();
    if word.starts_with('!') {
        return (Some(Language::Shell), true);
    }
    let language = if word.is_empty() { Some(Language::Shell) } else { Language::of_fence(word) };
    (language, false)
}

fn inline_language(code: &str) -> Language {
    let lower = code.to_ascii_lowercase();
    let windows = ["iex", "invoke-", "iwr ", "irm ", "new-object", "set-mppreference", "$env:"];
    if windows.iter().any(|word| lower.starts_with(word)) { Language::PowerShell } else { Language::Shell }
}

/// Is a piece of inline code more than a name: does it join, send, write or change something?
fn acts(code: &str) -> bool {
    code.contains(' ')
        && ["|", "$(", "://", "/dev/", ">", "&&", ";", "config", "sudo", "curl", "wget", "install", "crontab", "base64", "eval", "push", "ssh", "nslookup", "dig ", "nc ", "python", "node ", "bash ", "sh ", "chmod", "tee"]
            .iter()
            .any(|sign| code.contains(sign))
}

/// `$ curl …`: the prompt is no part of the command.
fn without_prompts(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let trimmed = line.trim_start();
            trimmed.strip_prefix("$ ").or_else(|| trimmed.strip_prefix("> ")).unwrap_or(line)
        })
        .collect()
}

/// Does the text before a command speak of it as what not to do?
fn is_warning(before: &str) -> bool {
    let before = before.to_lowercase();
    let tail = before.char_indices().rev().nth(160).map_or(0, |(at, _)| at);
    let before = before.get(tail..).unwrap_or_default();
    ["attacker", "malicious", "never run", "do not run", "don't run", "bad:", "wrong:", "dangerous", "avoid", "suspicious", "for example, an", "looks like", "such as", "red flag", "detects", "sample", "unsafe", "insecure", "instead of", "not do"]
        .iter()
        .any(|sign| before.contains(sign))
}
