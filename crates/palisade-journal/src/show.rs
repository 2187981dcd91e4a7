/// The text as it may go to a terminal: control, bidirectional and other invisible characters
/// and the backslash are written as escapes.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' => shown.push(character),
            other => palisade_core::push_escaped(&mut shown, other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_bidi_show_as_text() {
        assert_eq!(
            escaped("a\u{1b}[2J\u{202e}\n\u{200b}\u{e0041}\u{9b}é\"\\"),
            "a\\u{1b}[2J\\u{202e}\\n\\u{200b}\\u{e0041}\\u{9b}é\"\\\\"
        );
        assert_eq!(escaped("rm\u{3164}-rf\u{2800}x"), "rm\\u{3164}-rf\\u{2800}x");
    }
}
