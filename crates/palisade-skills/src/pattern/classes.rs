//! Classes as each process can afford to compile them.

/// Any character past ASCII stands outside of a class with something else in it: where case says nothing, each of the
/// million characters of such a class would be looked up, in each process anew.
pub(super) fn plain(pattern: &str) -> String {
    const WORD: &str = "[0-9A-Za-z_]";
    const PAST: &str = r"[^\x00-\x7f]";
    let mut out = String::with_capacity(pattern.len() + 64);
    let mut characters = pattern.chars().peekable();
    // Where the class begins that is open, how many stand in each other, and whether it has a `\w` of its own.
    let (mut begins, mut depth, mut words) = (0, 0_usize, false);
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('b') => out.push_str(r"(?-u:\b)"),
                Some('<') => out.push_str(r"(?-u:\b{start-half})"),
                Some('>') => out.push_str(r"(?-u:\b{end-half})"),
                Some('d') => out.push_str("[0-9]"),
                Some('w') if depth == 0 => out.extend(["(?:", WORD, "|", PAST, ")"]),
                Some('w') if depth == 1 => {
                    out.push_str(WORD);
                    words = true;
                }
                Some('w') => out.push_str(r"[0-9A-Za-z_[^\x00-\x7f]]"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' => {
                if depth == 0 {
                    (begins, words) = (out.len(), false);
                }
                depth += 1;
                out.push('[');
                out.extend(characters.next_if_eq(&'^'));
                // The first one closes nothing.
                out.extend(characters.next_if_eq(&']'));
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
                if depth == 0 && words {
                    let class = out.split_off(begins);
                    if class.starts_with("[^") {
                        out.extend([r"[\x00-\x7f&&", &class, "]"]);
                    } else {
                        out.extend(["(?:", &class, "|", PAST, ")"]);
                    }
                }
            }
            other => out.push(other),
        }
    }
    out
}
