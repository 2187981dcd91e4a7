//! Characters without a shape, and letters that look like others.

use unicode_script::{Script, UnicodeScript as _};

use super::rules;
use crate::{
    Confidence::{High, Low, Medium},
    File, Seen, Severity,
    confusable::skeleton,
    formats::{Lines, Profile},
    text,
};

/// Has the character no shape of its own?
pub(crate) fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

pub(super) fn look(file: &File, text: &str, profile: &Profile, seen: &mut Seen) {
    padding(file, text, seen);
    if text.is_ascii() {
        return;
    }
    let lines = Lines::of(text);
    runs(file, text, &lines, profile, seen);
    words(file, text, &lines, seen);
}

/// Runs of characters that are not shown.
fn runs(file: &File, text: &str, lines: &Lines, profile: &Profile, seen: &mut Seen) {
    let mut told = [0_usize; 5];
    const MOST: usize = 20;
    let mut characters = text.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((start, c)) = characters.next() {
        if !is_hidden(c) && !is_private(c) {
            before = Some(c);
            continue;
        }
        let mut run = vec![c];
        while let Some(&(_, next)) = characters.peek() {
            if !is_hidden(next) && !is_private(next) {
                break;
            }
            run.push(next);
            characters.next();
        }
        let after = characters.peek().map(|&(_, c)| c);
        let (line, column) = lines.place(text, start);
        let split = told.get(3).is_some_and(|&told| told < MOST);
        let mut say = |kind: usize, finding: crate::Finding| {
            if let Some(told) = told.get_mut(kind)
                && *told < MOST
            {
                *told += 1;
                seen.findings.push(finding);
            }
        };
        let letters: String = run
            .iter()
            .filter(|&&c| is_tag(c))
            .filter_map(|&c| char::from_u32(c as u32 & 0x7f))
            .collect();
        // The flags of England, Scotland and Wales are black flags with tags.
        if !letters.is_empty() && before != Some('\u{1f3f4}') {
            let shown = if letters.trim_matches(char::from(1)).is_empty() {
                "nothing".to_owned()
            } else {
                palisade_core::shown(&letters, 120)
            };
            say(
                0,
                rules::TAGS
                    .at(
                        &file.path,
                        line,
                        column,
                        &letters,
                        format!("{} tag characters say: {shown}", letters.len()),
                    )
                    .sure(if letters.len() > 3 { High } else { Medium }),
            );
            text::look_decoded(file, &letters, line, profile, seen);
            continue;
        }
        let hidden: Vec<char> = run
            .iter()
            .copied()
            .filter(|&c| is_hidden(c) && c != '\u{fe0f}' && c != '\u{fe0e}')
            .collect();
        if hidden.iter().any(|&c| matches!(c, '\u{202d}' | '\u{202e}'))
            || hidden.iter().filter(|&&c| is_bidi(c)).count() > 2
        {
            let finding = rules::BIDI.at(
                &file.path,
                line,
                column,
                around(text, start),
                "the direction of the text is overridden",
            );
            say(
                1,
                if hidden.iter().any(|&c| matches!(c, '\u{202d}' | '\u{202e}')) {
                    finding.sure(Medium)
                } else {
                    finding.of(Severity::Medium)
                },
            );
            continue;
        }
        if hidden.len() >= 8 {
            let decoded = bits(&hidden);
            let what = decoded.as_deref().map_or_else(
                || format!("{} characters without a shape", hidden.len()),
                |text| {
                    format!(
                        "{} characters without a shape say: {}",
                        hidden.len(),
                        palisade_core::shown(text, 120)
                    )
                },
            );
            let sure = if decoded.is_some() || hidden.len() >= 16 { High } else { Medium };
            say(
                2,
                rules::INVISIBLE
                    .at(&file.path, line, column, decoded.as_deref().unwrap_or_default(), what)
                    .sure(sure),
            );
            if let Some(decoded) = decoded {
                text::look_decoded(file, &decoded, line, profile, seen);
            }
            continue;
        }
        let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        if split
            && !hidden.is_empty()
            && latin(before)
            && latin(after)
            && !hidden.iter().all(|&c| c == '\u{00ad}')
        {
            say(
                3,
                rules::SPLIT
                    .at(
                        &file.path,
                        line,
                        column,
                        around(text, start),
                        "an invisible character stands within a word",
                    )
                    .sure(Low),
            );
        }
        let private = run.iter().filter(|&&c| is_private(c)).count();
        if private >= 8 {
            say(
                4,
                rules::PRIVATE
                    .at(
                        &file.path,
                        line,
                        column,
                        "",
                        format!("{private} characters for private use"),
                    )
                    .sure(Low),
            );
        }
    }
    if told.get(3).is_some_and(|&told| told >= 3) {
        for finding in seen
            .findings
            .iter_mut()
            .filter(|finding| finding.rule == &rules::SPLIT && finding.place.file == file.path)
        {
            finding.confidence = Medium;
        }
    }
}

/// Two or more kinds of invisible characters as bits, or variation selectors as bytes.
fn bits(hidden: &[char]) -> Option<String> {
    let readable = |text: &String| {
        text.len() > 2
            && text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control())
            && text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').count() * 10
                >= text.chars().count() * 8
    };
    let selectors: Vec<u8> = hidden
        .iter()
        .filter_map(|&c| match c {
            '\u{fe00}'..='\u{fe0f}' => u8::try_from(c as u32 - 0xfe00).ok(),
            '\u{e0100}'..='\u{e01ef}' => u8::try_from(c as u32 - 0xe0100 + 16).ok(),
            _ => None,
        })
        .collect();
    if selectors.len() * 2 > hidden.len() {
        return String::from_utf8(selectors).ok().filter(readable);
    }
    let mut kinds: Vec<char> = Vec::new();
    for &c in hidden {
        if !kinds.contains(&c) {
            kinds.push(c);
        }
    }
    if kinds.len() < 2 || kinds.len() > 4 {
        return None;
    }
    for zero in &kinds {
        for one in kinds.iter().filter(|one| *one != zero) {
            for width in [8, 7, 16] {
                let digits: Vec<bool> =
                    hidden.iter().filter(|c| *c == zero || *c == one).map(|c| c == one).collect();
                let text: String = digits
                    .chunks_exact(width)
                    .filter_map(|chunk| {
                        char::from_u32(
                            chunk.iter().fold(0, |value, &bit| value << 1 | u32::from(bit)),
                        )
                    })
                    .collect();
                if readable(&text) {
                    return Some(text);
                }
            }
        }
    }
    None
}

/// Words that mix scripts and look like Latin words.
fn words(file: &File, text: &str, lines: &Lines, seen: &mut Seen) {
    let mut count = 0_usize;
    let mut first: Option<(usize, &str, String)> = None;
    let mut at = 0;
    for word in text.split(|c: char| !c.is_alphabetic()) {
        let start = at;
        at += word.len();
        at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        if word.is_ascii() || word.chars().count() < 3 {
            continue;
        }
        let foreign = |c: char| {
            matches!(
                c.script(),
                Script::Cyrillic
                    | Script::Greek
                    | Script::Armenian
                    | Script::Cherokee
                    | Script::Coptic
            )
        };
        let strange = word.chars().filter(|&c| foreign(c)).count();
        let latin = word.chars().filter(char::is_ascii_alphabetic).count();
        // `µm` and `Δx` are one letter beside others; a disguise replaces some of many.
        if strange == 0 || latin == 0 || word.chars().count() < 4 {
            continue;
        }
        let folded: String = skeleton(word).collect();
        if folded.is_ascii() {
            count += 1;
            first.get_or_insert((start, word, folded));
        }
    }
    if let Some((start, word, folded)) = first {
        let (line, column) = lines.place(text, start);
        // Where the rest is Latin, nobody typed that by chance.
        let other = text
            .chars()
            .filter(|c| matches!(c.script(), Script::Cyrillic | Script::Greek | Script::Armenian))
            .count();
        let severity = if other <= count * 6 { Severity::High } else { Severity::Medium };
        let message = format!(
            "{count} words mix scripts; the first looks like {}",
            palisade_core::shown(&folded, 40)
        );
        seen.findings.push(
            rules::LOOKALIKE
                .at(&file.path, line, column, word, message)
                .of(severity)
                .sure(if count > 2 { High } else { Medium }),
        );
    }
}

/// Text far behind blank lines or spaces.
fn padding(file: &File, text: &str, seen: &mut Seen) {
    const LINES: usize = 120;
    const SPACES: usize = 400;
    let bytes = text.as_bytes();
    let (mut blank, mut newlines, mut spaces) = (0_usize, 0_usize, 0_usize);
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => {
                newlines += 1;
                spaces = 0;
                blank += 1;
            }
            b' ' | b'\t' | b'\r' => {
                spaces += 1;
                blank += 1;
            }
            // The last cell of a row that is as wide as its column: nothing stands behind it.
            // Looked at where it matters alone: a row can have any number of cells.
            b'|' if newlines == 0 && spaces >= SPACES && closes_row(text, at) => {
                (blank, newlines, spaces) = (0, 0, 0);
            }
            _ => {
                if newlines >= LINES || spaces >= SPACES {
                    let line = Lines::of(text).line(at);
                    let rest: String =
                        text.get(at..).unwrap_or_default().chars().take(200).collect();
                    // What stands right behind it counts, not what the rest of a long text does.
                    let mut end = (at + 1500).min(text.len());
                    while !text.is_char_boundary(end) {
                        end -= 1;
                    }
                    let acts = crate::formats::acts(text.get(at..end).unwrap_or_default());
                    let finding = rules::PADDING.at(
                        &file.path,
                        line,
                        0,
                        &rest,
                        format!("text stands behind {blank} blank characters"),
                    );
                    let far = newlines >= LINES * 2 || spaces >= SPACES;
                    seen.findings.push(if acts && far {
                        finding.of(Severity::High)
                    } else {
                        finding
                    });
                    return;
                }
                (blank, newlines, spaces) = (0, 0, 0);
            }
        }
    }
}

/// Is this bar the end of a row of a table, behind which its line ends?
fn closes_row(text: &str, bar: usize) -> bool {
    let line = text.get(..bar).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    let rest = text.get(bar + 1..).unwrap_or_default().split('\n').next().unwrap_or_default();
    line.trim_start().starts_with('|') && rest.trim().is_empty()
}

fn around(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(30);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let mut to = (at + 40).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    text.get(from..to).unwrap_or_default()
}
