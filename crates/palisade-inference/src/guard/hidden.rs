//! Characters that a model reads and a person does not see.

use std::collections::BTreeSet;

/// So many characters without width one after the other mean something; fewer join letters and emoji.
const LEAST_ZERO: usize = 3;
/// So many selectors one after the other are a text of their own; one selects a form.
const LEAST_SELECTORS: usize = 3;

pub(super) fn find(text: &[u8], shapes: &mut BTreeSet<&'static str>) {
    // All of these begin with one of three bytes; most texts have none of them.
    if memchr::memchr3(0xe2, 0xef, 0xf3, text).is_none() {
        return;
    }
    let text = String::from_utf8_lossy(text);
    let (mut zero, mut selectors, mut flag) = (0_usize, 0_usize, false);
    let (mut turned, mut right_to_left) = (false, false);
    for character in text.chars() {
        match character {
            // Flags of parts of countries are spelled with tags.
            '\u{1f3f4}' => flag = true,
            '\u{e0000}'..='\u{e007f}' => {
                if !flag {
                    shapes.insert("hidden tags");
                }
                flag &= character != '\u{e007f}';
            }
            _ => flag = false,
        }
        let hidden = is_zero(character);
        zero = if hidden { zero.saturating_add(1) } else { 0 };
        if zero >= LEAST_ZERO {
            shapes.insert("zero width");
        }
        let selector = matches!(character, '\u{e0100}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe0f}');
        selectors = if selector { selectors.saturating_add(1) } else { 0 };
        if selectors >= LEAST_SELECTORS {
            shapes.insert("hidden selectors");
        }
        turned |= matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        right_to_left |= matches!(character, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    }
    // Where nothing is written from the right, nothing has to be turned.
    if turned && !right_to_left {
        shapes.insert("bidi");
    }
}

/// Whether a character has no width and no meaning of its own.
pub(super) fn is_zero(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{00ad}' | '\u{180e}'
    )
}
