/// Characters of a sequence that is read.
const LONGEST: usize = 64;

/// Lets through of a terminal's output what draws: text, colours, moves of the cursor, erasing, scrolling. What asks
/// the terminal for an answer (which the shell behind it would get as typed), sets its title, its clipboard or its
/// keys, prints to a file or loads anything, is left out.
///
/// Told by the forms of ECMA-48: of a sequence only its known, harmless finals pass, all others are left out whole.
#[derive(Debug, Default)]
pub struct Tamed {
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind an escape.
    Escape,
    /// Behind an escape and one of the intermediate characters.
    Intermediate,
    /// In a control sequence.
    Sequence(String),
    /// In a control sequence that is left out.
    Refused,
    /// In a string that the terminal would take as a command.
    Command,
    /// In such a string, behind an escape.
    CommandEscape,
}

impl Tamed {
    /// What of this may be written to a terminal.
    pub fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            self.character(character, &mut out);
        }
        out
    }

    fn character(&mut self, character: char, out: &mut String) {
        // Ends whatever there was, as it does in a terminal.
        if matches!(character, '\u{18}' | '\u{1a}') {
            self.state = State::Text;
            return;
        }
        match std::mem::take(&mut self.state) {
            State::Text => self.text_character(character, out),
            State::Escape => self.behind_escape(character, out),
            State::Intermediate => {
                // A choice of characters ends with one more.
                if (' '..='/').contains(&character) {
                    self.state = State::Intermediate;
                }
            }
            State::Sequence(sequence) => self.sequence(sequence, character, out),
            State::Refused => {
                if !('@'..='~').contains(&character) {
                    self.state = State::Refused;
                }
            }
            State::Command => {
                self.state = match character {
                    '\u{7}' | '\u{9c}' => State::Text,
                    '\u{1b}' => State::CommandEscape,
                    _ => State::Command,
                };
            }
            State::CommandEscape => {
                self.state = match character {
                    '\\' => State::Text,
                    '\u{1b}' => State::CommandEscape,
                    _ => State::Command,
                };
            }
        }
    }

    fn text_character(&mut self, character: char, out: &mut String) {
        match character {
            '\u{1b}' => self.state = State::Escape,
            '\u{9b}' => self.state = State::Sequence(String::new()),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => self.state = State::Command,
            '\n' | '\r' | '\t' | '\u{8}' => out.push(character),
            other if other.is_control() => {}
            other => out.push(other),
        }
    }

    fn behind_escape(&mut self, character: char, out: &mut String) {
        match character {
            '[' => self.state = State::Sequence(String::new()),
            // Device control, application, privacy, start of string, operating system.
            'P' | '_' | '^' | 'X' | ']' => self.state = State::Command,
            '\u{1b}' => self.state = State::Escape,
            ' '..='/' => self.state = State::Intermediate,
            // Save and restore the cursor, index, next line, reverse index.
            '7' | '8' | 'D' | 'E' | 'M' => {
                out.push('\u{1b}');
                out.push(character);
            }
            _ => {}
        }
    }

    fn sequence(&mut self, mut sequence: String, character: char, out: &mut String) {
        match character {
            '@'..='~' => {
                if draws(&sequence, character) {
                    out.push_str("\u{1b}[");
                    out.push_str(&sequence);
                    out.push(character);
                }
            }
            '\u{1b}' => self.state = State::Escape,
            ' '..='?' if sequence.len() < LONGEST => {
                sequence.push(character);
                self.state = State::Sequence(sequence);
            }
            _ => self.state = State::Refused,
        }
    }
}

/// Whether a control sequence only draws.
fn draws(parameters: &str, end: char) -> bool {
    let plain = parameters.chars().all(|c| c.is_ascii_digit() || matches!(c, ';' | ':'));
    let plain_ends = [
        '@', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'P', 'S', 'T', 'X', 'Z',
        '`', 'a', 'b', 'd', 'e', 'f', 'm', 'r', 's', 'u',
    ];
    if plain {
        return plain_ends.contains(&end);
    }
    // Modes of DEC's: wrapping, the cursor's look and whether it is there, the other screen, whole updates. None of
    // the mouse, the keys, or pasted text: they would go on when it has ended.
    let Some(modes) = parameters.strip_prefix('?') else { return false };
    let known = ["7", "12", "25", "47", "1047", "1048", "1049", "2026"];
    matches!(end, 'h' | 'l') && modes.split(';').all(|mode| known.contains(&mode))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tamed(text: &str) -> String {
        Tamed::default().text(text)
    }

    #[test]
    fn what_draws_passes() {
        for text in [
            "plain é 日本\r\n\tx\u{8}",
            "\u{1b}[1;31mred\u{1b}[0m\u{1b}[38:2::1:2:3m",
            "\u{1b}[2J\u{1b}[H\u{1b}[10;20Hx\u{1b}[K\u{1b}[?25l\u{1b}[?1049h",
            "\u{1b}7\u{1b}8\u{1b}M",
        ] {
            assert_eq!(tamed(text), text);
        }
    }

    #[test]
    fn what_asks_or_sets_is_left_out() {
        for text in [
            "\u{1b}[6n",
            "\u{1b}[c",
            "\u{1b}[>c",
            "\u{1b}[=c",
            "\u{1b}[>0q",
            "\u{1b}[?1$p",
            "\u{1b}[18t",
            "\u{1b}[21t",
            "\u{1b}[5i",
            "\u{1b}[?2004h",
            "\u{1b}[?1000;1006h",
            "\u{1b}[4h",
            "\u{1b}]0;title\u{7}",
            "\u{1b}]52;c;ZXZpbA==\u{1b}\\",
            "\u{1b}]8;;http://x\u{1b}\\",
            "\u{9d}0;title\u{9c}",
            "\u{1b}P$q\"p\u{1b}\\",
            "\u{1b}_x\u{1b}\\",
            "\u{1b}^x\u{1b}\\",
            "\u{1b}c",
            "\u{1b}Z",
            "\u{1b}=",
            "\u{1b}(0",
            "\u{1b}#8",
            "\u{5}",
            "\u{7}",
            "\u{1b}[\u{1b}]0;x\u{7}",
            "\u{1b}[6\u{0}n",
        ] {
            assert_eq!(tamed(&format!("a{text}b")), "ab", "{text:?}");
        }
        assert_eq!(tamed("\u{1b}]52;c;never ended"), "");
        assert_eq!(tamed(&format!("\u{1b}[{}mx", "1;".repeat(100))), "x");
    }

    proptest! {
        #[test]
        fn what_passes_passes_again_and_holds_no_other_control(
            parts in proptest::collection::vec("\u{1b}?[\\[\\]P_^?>;0-9a-zA-Z\u{7}\u{9b}\u{9d}\\\\\u{1b} -~é]{0,6}", 0..12),
        ) {
            let once = tamed(&parts.concat());
            prop_assert_eq!(tamed(&once), once.clone());
            for (at, _) in once.match_indices('\u{1b}') {
                let next = once[at + 1..].chars().next().unwrap();
                prop_assert!("[78DEM".contains(next), "{once:?}");
            }
            let other = |c: char| c.is_control() && !"\u{1b}\n\r\t\u{8}".contains(c);
            prop_assert!(!once.contains(other));
        }

        #[test]
        fn it_makes_no_difference_where_the_text_is_cut(text in "[\u{1b}\\[\\]0-9;?mnhc\u{7}x]{0,30}", at in 0_usize..30) {
            let cut = text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
            let mut tame = Tamed::default();
            let parts = tame.text(&text[..cut]) + &tame.text(&text[cut..]);
            prop_assert_eq!(parts, tamed(&text));
        }
    }
}
