/// Text from outside, for a message or a record: at most so many characters of it, each that does not print or that
/// has a meaning in quotes escaped; `…` stands where more would follow.
pub fn shown(text: &str, most: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(most));
    text.chars().take(most).for_each(|letter| push_escaped(&mut shown, letter));
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// Adds a character as [`shown`] has it. Letters and signs that look like nothing, or like a blank, are escaped as well:
/// a text with them looks like another.
pub fn push_escaped(shown: &mut String, letter: char) {
    // Fillers of Hangul, the empty pattern of Braille, and the null notehead.
    match letter {
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{1d159}' => {
            shown.extend(letter.escape_unicode());
        }
        _ => shown.extend(letter.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(shown("a\u{1b}[2J", 10), "a\\u{1b}[2J");
        assert_eq!(shown("abc", 3), "abc");
        assert_eq!(shown("abcd", 3), "abc…");
        assert_eq!(shown("", 0), "");
    }

    #[test]
    fn what_looks_like_nothing_is_seen() {
        let blanks = "a\u{3164}\u{115f}\u{1160}\u{ffa0}\u{2800}\u{a0}\u{2003}\u{34f}\u{fe0f}\u{180e}\u{200d}b";
        let seen = shown(blanks, 100);
        assert!(seen.is_ascii() && seen.starts_with("a\\u{3164}\\u{115f}"), "{seen}");
    }
}
