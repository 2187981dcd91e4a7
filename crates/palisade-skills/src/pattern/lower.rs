//! A pattern whose case does not count, as one for texts in lower case.

/// The same pattern for a text whose letters of ASCII are all in lower case, and in which no other character is one of
/// them where case says nothing; bytes, if it is one of bytes. None, if case counts in it, or it is not understood.
///
/// With letters that are one byte each, a pattern is made in a third of the time, and the words that it begins with are
/// searched for as they are.
pub(super) fn lowered(pattern: &str, bytes: bool) -> Option<String> {
    let rest = pattern.strip_prefix("(?i")?;
    let mut out = String::with_capacity(pattern.len());
    let mut rest = match rest.strip_prefix(')') {
        Some(rest) => rest.chars().peekable(),
        None => {
            let (flags, rest) = rest.split_once(')')?;
            flags.bytes().all(|flag| b"ms".contains(&flag)).then_some(())?;
            out.extend(["(?", flags, ")"]);
            rest.chars().peekable()
        }
    };
    let mut depth = 0_usize;
    // What a range would begin with, and whether one has begun.
    let (mut last, mut range) = (None, false);
    while let Some(c) = rest.next() {
        let one = match c {
            '\\' => {
                let escaped = rest.next()?;
                out.extend(['\\', escaped]);
                match escaped {
                    'x' => {
                        let digits = [rest.next()?, rest.next()?];
                        out.extend(digits);
                        let [high, low] = digits.map(|digit| digit.to_digit(16));
                        let one = char::from_u32(high? * 16 + low?)?;
                        // A letter would have to be spelled anew, and one past ASCII may be large or small.
                        (!one.is_ascii_uppercase() && (bytes || one.is_ascii())).then_some(())?;
                        Some(one)
                    }
                    'n' => Some('\n'),
                    't' => Some('\t'),
                    'r' => Some('\r'),
                    'b' | 'B' | 'A' | 'z' if depth == 0 && rest.peek() != Some(&'{') => None,
                    // The half of a boundary.
                    '<' | '>' if depth == 0 => None,
                    'w' | 'W' | 'd' | 'D' | 's' | 'S' => None,
                    other if other.is_ascii_punctuation() => Some(other),
                    _ => return None,
                }
            }
            '(' if depth == 0 && rest.peek() == Some(&'?') => {
                out.push(c);
                // A name, or flags, none of which is about case.
                loop {
                    let next = rest.next()?;
                    out.push(next);
                    match next {
                        '>' | ':' | ')' => break,
                        'i' if !named(&out) => return None,
                        _ => {}
                    }
                }
                None
            }
            '[' => {
                depth += 1;
                out.push('[');
                (last, range) = (None, false);
                out.extend(rest.next_if_eq(&'^'));
                match rest.peek() {
                    // A class by its name.
                    Some(':') if depth > 1 => return None,
                    Some(']') => {
                        out.extend(rest.next());
                        Some(']')
                    }
                    _ => None,
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
                None
            }
            '-' if depth > 0
                && last.is_some()
                && !matches!(rest.peek(), None | Some(']' | '-' | '[')) =>
            {
                out.push('-');
                range = true;
                continue;
            }
            '&' | '~' | '-' if depth > 0 && rest.peek() == Some(&c) => {
                out.push(c);
                out.extend(rest.next());
                None
            }
            other => {
                out.push(other.to_ascii_lowercase());
                Some(other)
            }
        };
        if depth > 0 {
            if range {
                keeps_letters(last?, one?).then_some(())?;
                last = None;
            } else {
                last = one;
            }
            range = false;
        }
    }
    (depth == 0 && !range).then_some(out)
}

/// Is a name begun, and not ended?
fn named(out: &str) -> bool {
    out.rfind("(?").and_then(|at| out.get(at..)).is_some_and(|begun| begun.contains('<'))
}

/// Has a range all letters that it has in lower case, once its ends are in lower case?
fn keeps_letters(from: char, to: char) -> bool {
    let alike = |is: fn(&char) -> bool| is(&from) && is(&to);
    alike(char::is_ascii_lowercase)
        || alike(char::is_ascii_uppercase)
        || to < 'A'
        || from > 'z'
        || from < 'A' && to >= 'z'
        || from > 'Z' && to < 'a'
}
