//! Where a word begins or ends with a letter past ASCII.
//!
//! `\b` is the boundary of an ASCII word: before `über` and behind `clé` there is none, and what stands between two of
//! them would never match. There, half of the boundary is asked for: that no letter of ASCII stands on the other side.

use std::borrow::Cow;

/// Which side of a boundary is a word that may begin or end past ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    /// A word begins.
    Start,
    /// A word ends.
    End,
}

/// A group that is open: where it begins, and whether a part of it begins or ends past ASCII.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    /// The `\b` that stands before it.
    bound: Option<usize>,
    /// It stands first in its part.
    first: bool,
    /// What stands before it ends past ASCII.
    before: bool,
    begins: bool,
    ends: bool,
}

/// A pattern in which `\<` and `\>` stand for the boundaries that are half ones. It is made of the whole pattern, before
/// parts of it are left out: what a boundary is must not depend on what a text holds.
pub(super) fn halved(pattern: &str) -> Cow<'_, str> {
    let halves = halves(pattern);
    if halves.is_empty() {
        return Cow::Borrowed(pattern);
    }
    let mut out = String::with_capacity(pattern.len());
    let mut from = 0;
    for (at, half) in halves {
        out.push_str(pattern.get(from..at).unwrap_or_default());
        out.push_str(match half {
            Half::Start => r"\<",
            Half::End => r"\>",
        });
        from = at + r"\b".len();
    }
    out.push_str(pattern.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// The boundaries of a pattern that are half ones, by their places, in order.
fn halves(pattern: &str) -> Vec<(usize, Half)> {
    let mut found = Vec::new();
    if pattern.is_ascii() {
        return found;
    }
    let mut groups: Vec<Group> = Vec::new();
    // The boundary that was read last, with nothing behind it yet; is a part about to begin; what was read last is past
    // ASCII, or a group of which a part ends so.
    let (mut bound, mut fresh, mut past) = (None, true, false);
    // What was read before that ends past ASCII: what follows it may be left out.
    let mut before = false;
    let mut in_class = 0_usize;
    let mut characters = pattern.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if in_class > 0 {
            match c {
                '\\' => {
                    characters.next();
                }
                '[' => in_class += 1,
                ']' => in_class -= 1,
                _ => {}
            }
            continue;
        }
        match c {
            '\\' => match characters.next() {
                Some((_, 'b')) => {
                    if past {
                        found.push((at, Half::End));
                    } else {
                        bound = Some(at);
                        continue;
                    }
                    past = false;
                }
                _ => (bound, fresh, before, past) = (None, false, past, false),
            },
            '[' => {
                in_class = 1;
                characters.next_if(|&(_, c)| c == '^');
                // The first one closes nothing.
                characters.next_if(|&(_, c)| c == ']');
                (bound, fresh, before, past) = (None, false, past, false);
            }
            '(' => {
                groups.push(Group {
                    bound: bound.take(),
                    first: fresh,
                    before: past,
                    ..Group::default()
                });
                if characters.next_if(|&(_, c)| c == '?').is_some() {
                    for (_, c) in characters.by_ref() {
                        if matches!(c, ':' | ')') {
                            if c == ')' {
                                groups.pop();
                            }
                            break;
                        }
                    }
                }
                (fresh, past) = (true, false);
            }
            '|' => {
                if let Some(group) = groups.last_mut() {
                    group.ends |= past;
                }
                (bound, fresh, past) = (None, true, false);
            }
            ')' => {
                let group = groups.pop().unwrap_or_default();
                past |= group.ends;
                before = group.before;
                if group.first
                    && group.begins
                    && let Some(outer) = groups.last_mut()
                {
                    outer.begins = true;
                }
                if let Some(at) = group.bound.filter(|_| group.begins) {
                    found.push((at, Half::Start));
                }
                (bound, fresh) = (None, false);
            }
            // What is repeated stands.
            '{' => {
                past |= before && matches!(characters.peek(), Some((_, '0' | ',')));
                for (_, c) in characters.by_ref() {
                    if c == '}' {
                        break;
                    }
                }
            }
            '?' | '*' => past |= before,
            '+' => {}
            other => {
                if !other.is_ascii() {
                    if let Some(at) = bound {
                        found.push((at, Half::Start));
                    }
                    if fresh && let Some(group) = groups.last_mut() {
                        group.begins = true;
                    }
                }
                (bound, fresh, before, past) = (None, false, past, !other.is_ascii());
            }
        }
    }
    found.sort_unstable_by_key(|&(at, _)| at);
    found
}

#[cfg(test)]
mod tests {
    use super::{super::pattern, Half, halves};

    #[test]
    fn a_word_past_ascii_has_a_half() {
        assert_eq!(halves(r"\b(?:über|ab)\b"), [(0, Half::Start)]);
        assert_eq!(halves(r"\b(?:(?:é|e)t|mot)\b x\b"), [(0, Half::Start)]);
        assert_eq!(halves(r"\bé\b"), [(0, Half::Start), (4, Half::End)]);
        assert_eq!(halves(r"\b(?:a|b)\b[^é]{0,4}\bc"), []);
        assert_eq!(halves(r"\bfoo\b"), []);
    }

    #[test]
    fn words_are_found_at_their_edges_in_any_script() {
        let words = pattern(r"(?i)\b(?:über|clés?|mot|écart)\b");
        for text in ["das ist über uns", "la clé est", "un écart", "mot", "(clé)"] {
            assert!(words.is_match(text), "{text}");
        }
        for text in ["motif", "xmot", "xüber", "überx"] {
            assert!(!words.is_match(text), "{text}");
        }
    }
}
