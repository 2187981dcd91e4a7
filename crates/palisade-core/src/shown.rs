/// Text from outside, for a message or a record: at most so many characters of it, each that does not print or that
/// has a meaning in quotes escaped; `…` stands where more would follow.
pub fn shown(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).flat_map(char::escape_debug).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
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
}
