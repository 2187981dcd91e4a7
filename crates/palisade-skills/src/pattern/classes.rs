//! Classes as each process can afford to compile them.

use super::edges;

/// A character of a pattern, and where it stands.
struct At {
    at: usize,
    c: char,
}

/// Any character past ASCII stands outside of a class with something else in it: where case says nothing, each of the
/// million characters of such a class would be looked up, in each process anew.
pub(super) fn plain(pattern: &str) -> String {
    const WORD: &str = "[0-9A-Za-z_]";
    const PAST: &str = r"[^\x00-\x7f]";
    let mut out = String::with_capacity(pattern.len() + 64);
    let halves = edges::halves(pattern);
    let mut characters = pattern.char_indices().map(|(at, c)| At { at, c }).peekable();
    // Where the class begins that is open, how many stand in each other, and whether it has a `\w` of its own.
    let (mut begins, mut depth, mut words) = (0, 0_usize, false);
    while let Some(At { at, c }) = characters.next() {
        match c {
            '\\' => match characters.next().map(|next| next.c) {
                Some('b') => out.push_str(
                    halves
                        .binary_search_by_key(&at, |half| half.0)
                        .ok()
                        .and_then(|found| halves.get(found))
                        .map_or(r"(?-u:\b)", |half| half.1.text()),
                ),
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
                out.extend(characters.next_if(|next| next.c == '^').map(|next| next.c));
                // The first one closes nothing.
                out.extend(characters.next_if(|next| next.c == ']').map(|next| next.c));
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
