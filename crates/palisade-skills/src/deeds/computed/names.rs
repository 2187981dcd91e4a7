//! The names of a text, line by line, and what they carry, in any language.

use std::{collections::HashMap, sync::LazyLock};

use crate::pattern::{Regex, code as pattern};

/// The most lines of a file, the longest line and the most rounds.
const LINES: usize = 4000;
pub(super) const LONGEST: usize = 20_000;
pub(super) const ROUNDS: usize = 4;

/// Names of functions: their first line says so.
static DEFINES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[\s;])(?:def|sub|fn|func|fun|function|Private Function|Public Function|proc|let rec)\s{1,3}(?:self\.|M\.|local )?([A-Za-z_\x80-\xff][\w\x80-\xff]{0,40})|^\s{0,12}(?:(?:public|private|static|final|export|const|local|let|var)\s)*([A-Za-z_\x80-\xff][\w\x80-\xff.]{0,40})\s{0,3}(?:=|<-)\s{0,3}(?:async\s)?(?:function\b|\(?[\w, ]{0,40}\)?\s{0,2}=>|lambda\b|proc\b|->)|^\s{0,12}([a-z_]\w{0,40})\s?\(\)\s?(?:\{|$)|^\s{0,12}(?:(?:public|private|internal|static|final|async|override)\s{1,3}){1,4}[A-Za-z][\w<>\[\], ]{0,30}\s([A-Za-z_]\w{0,40})\s?\(|^\s{0,12}([A-Za-z_]\w{0,40})\(\)\s{0,2}=\s",
    )
});

/// The lines of a text that hold something, each with where it begins.
pub(in crate::deeds) fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n')
        .take(LINES)
        .map(|line| {
            let start = at;
            at += line.len();
            let bare = line.trim_start();
            let comment = ["//", "#", "--", ";", "rem ", "REM ", "'", "*", "%"]
                .iter()
                .any(|mark| bare.starts_with(mark));
            (start, if comment || line.len() > LONGEST { "" } else { line })
        })
        .collect()
}

pub(in crate::deeds) fn defines(line: &str) -> Option<&str> {
    let mut captures = DEFINES.create_captures();
    DEFINES.captures(line, &mut captures);
    [1, 2, 3, 4, 5]
        .iter()
        .find_map(|&group| captures.get_group(group))
        .and_then(|name| line.get(name.range()))
}

/// The names of a text, in any script.
pub(in crate::deeds) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_'))
}

/// The names that a line gives something.
pub(in crate::deeds) fn sides(line: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let bytes = line.as_bytes();
    let found = line.char_indices().find(|&(at, c)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        match c {
            '=' => {
                !matches!(before, b'=' | b'!' | b'<' | b'>') && !matches!(after, b'=' | b'~' | b'>')
            }
            '<' => after == b'-' && !bytes.get(at + 2).is_some_and(u8::is_ascii_digit),
            _ => false,
        }
    });
    if let Some((at, _)) = found {
        let left = line.get(..at).unwrap_or_default();
        // `f(x) = …` gives to `f`; `if (a = …)` to `a`.
        let left = match left.split_once(": [").or_else(|| left.split_once(": &[")) {
            Some((name, _)) => name,
            None => left.rsplit([';', '{']).next().unwrap_or(left),
        };
        names.extend(words(left.split(':').next().unwrap_or(left)).filter(|word| {
            ![
                "my", "local", "let", "const", "var", "set", "dim", "if", "auto", "val", "mut",
                "our", "export", "declare", "readonly", "def", "static", "final",
            ]
            .contains(&word.to_ascii_lowercase().as_str())
        }));
    }
    let trimmed = line.trim_start().to_ascii_lowercase();
    if trimmed.starts_with("for") {
        let head: Vec<&str> = words(line).skip(1).take(6).collect();
        names.extend(
            head.into_iter()
                .take_while(|word| {
                    !matches!(word.to_ascii_lowercase().as_str(), "in" | "of" | "as")
                })
                .filter(|word| {
                    !["each", "my", "let", "const", "var", "local"]
                        .contains(&word.to_ascii_lowercase().as_str())
                }),
        );
        // PHP: `foreach ($table as $x)`.
        if trimmed.starts_with("foreach")
            && let Some((_, variable)) = line.split_once(" as ")
        {
            names.extend(words(variable).take(2));
        }
    }
    // The parameters of a function that begins here take what is given to it.
    for mark in ["function(", "function (", "do |", "{ |", "{|", "fn("] {
        if let Some((_, parameters)) = line.split_once(mark) {
            names.extend(words(parameters.split([')', '|']).next().unwrap_or_default()).take(4));
        }
    }
    if let Some((before, _)) = line.split_once("=>") {
        let last = before.trim_end().trim_end_matches(')');
        names.extend(words(last.rsplit(['(', ',']).next().unwrap_or_default()).take(2));
    }
    names
}

/// The names that a line assigns to, and no parameters.
fn targets(line: &str) -> Vec<&str> {
    let left = line.split('=').next().unwrap_or_default();
    // R: `x <- f(a, b = 1)`.
    let left = left.split("<-").next().unwrap_or(left);
    let trimmed = line.trim_start().to_ascii_lowercase();
    if line.contains("=>") && !line.contains("= ") || left.contains('(') {
        return match trimmed.starts_with("for") {
            true => sides(line),
            false => Vec::new(),
        };
    }
    let head = line.split("=>").next().unwrap_or(line);
    match trimmed.starts_with("for") {
        true => sides(line),
        false => sides(head),
    }
}

/// Which names have what the seeds hold: those that a line with one of them is assigned to, and the functions that
/// give one back.
pub(in crate::deeds) fn spread<'a>(
    lines: &[(usize, &'a str)],
    seeds: &HashMap<usize, u8>,
) -> HashMap<&'a str, u8> {
    let mut has: HashMap<&str, u8> = HashMap::new();
    for _ in 0..ROUNDS {
        let before = has.len();
        // Functions within functions: the one that a line is in begins further left.
        let mut within: Vec<(usize, &str)> = Vec::new();
        for (number, (_, line)) in lines.iter().enumerate() {
            let line: &'a str = line;
            if line.trim().is_empty() {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            within.retain(|(begun, _)| *begun < indent);
            let defined = defines(line);
            if let Some(name) = defined {
                within.push((indent, name));
            }
            let function = within.last().map(|(_, name)| *name);
            let carries =
                seeds.contains_key(&number) || words(line).any(|word| has.contains_key(word));
            if !carries || line.len() > LONGEST {
                continue;
            }
            for name in targets(line).into_iter().take(8) {
                has.insert(name, 1);
            }
            if (line.contains("return") || defined.is_some())
                && let Some(function) = function
            {
                has.insert(function, 1);
            }
        }
        if has.len() == before {
            break;
        }
    }
    has
}
