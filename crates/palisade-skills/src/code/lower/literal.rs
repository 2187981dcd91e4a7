//! The texts that literals stand for.

/// The number that a literal of C's family stands for.
pub(super) fn number(text: &str) -> Option<i64> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let text = text.trim_end_matches(['l', 'n', 'u']);
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (text.get(2..)?, 16),
        Some("0o") => (text.get(2..)?, 8),
        Some("0b") => (text.get(2..)?, 2),
        _ => (text, 10),
    };
    i64::from_str_radix(digits, radix).ok()
}

/// Resolves the backslash escapes that the languages share.
///
/// What no language escapes stays as it stands.
pub(crate) fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('e' | 'E') => out.push('\u{1b}'),
            Some('\n') => {}
            Some('x') => code(&mut rest, &mut out, 2, 16),
            Some('u') if rest.as_str().starts_with('{') => {
                let inside = rest.as_str().trim_start_matches('{');
                let digits = inside.split('}').next().unwrap_or_default();
                out.extend(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
                let skip = digits.chars().count() + 2;
                rest = {
                    let mut rest = rest;
                    for _ in 0..skip {
                        rest.next();
                    }
                    rest
                };
            }
            Some('u') => code(&mut rest, &mut out, 4, 16),
            Some('U') => code(&mut rest, &mut out, 8, 16),
            Some(digit @ '0'..='7') => {
                let mut value = digit.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(next) = rest.as_str().chars().next().and_then(|c| c.to_digit(8))
                    else {
                        break;
                    };
                    value = value * 8 + next;
                    rest.next();
                }
                out.extend(char::from_u32(value));
            }
            Some(other @ ('\\' | '\'' | '"' | '`' | '/' | '$' | ' ')) => out.push(other),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

fn code(rest: &mut std::str::Chars<'_>, out: &mut String, most: usize, radix: u32) {
    let digits: String =
        rest.as_str().chars().take(most).take_while(|c| c.is_digit(radix)).collect();
    for _ in 0..digits.len() {
        rest.next();
    }
    out.extend(u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32));
}
