//! The literals of any text, by their quotes, and the values of its lines.

/// One literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Literal<'a> {
    /// Where it begins, in bytes.
    pub(super) at: usize,
    pub(super) text: &'a str,
}

/// The shortest literal, in characters, and how many are kept.
const SHORTEST: usize = 2;
const MOST: usize = 1024;

/// The literals of a text. Quotes are paired line by line, so an apostrophe costs no more than its line.
pub(super) fn literals(text: &str) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        quoted(line, at, &mut found);
        value(line, at, &mut found);
        if found.len() > MOST {
            break;
        }
        at += line.len();
    }
    found
}

fn quoted<'a>(line: &'a str, at: usize, found: &mut Vec<Literal<'a>>) {
    let mut from = 0;
    while let Some((start, quote)) = line
        .get(from..)
        .and_then(|rest| rest.char_indices().find(|(_, c)| matches!(c, '"' | '\'' | '`')))
        .map(|(start, quote)| (from + start + 1, quote))
    {
        let mut escaped = false;
        let end = line.get(start..).unwrap_or_default().char_indices().find(|&(_, c)| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some((length, _)) = end else {
            from = start;
            continue;
        };
        let text = line.get(start..start + length).unwrap_or_default();
        if text.chars().nth(SHORTEST - 1).is_some() && found.len() <= MOST {
            found.push(Literal { at: at + start, text });
        }
        from = start + length + 1;
    }
}

/// What stands behind the first sign of an assignment, or a line without a space.
fn value<'a>(line: &'a str, at: usize, found: &mut Vec<Literal<'a>>) {
    let bare = line.trim();
    let text = match bare.split_once('=') {
        Some((name, value)) if name.len() < 40 => {
            value.trim().trim_end_matches(';').trim_matches(['"', '\''])
        }
        _ if !bare.contains(' ') => bare,
        _ => return,
    };
    if text.chars().nth(SHORTEST - 1).is_some() && !text.contains('(') {
        found.push(Literal { at, text });
    }
}

/// The characters of an alphabet: at least ten, nearly all of them different. Ranges as of `tr` are written out.
pub(super) fn alphabet(text: &str) -> Option<Vec<char>> {
    const FEWEST: usize = 10;
    const LONGEST: usize = 200;
    let mut letters: Vec<char> = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '-'
            && let (Some(&from), Some(&to)) = (letters.last(), rest.peek())
            && from.is_ascii_alphanumeric()
            && to.is_ascii_alphanumeric()
            && from < to
        {
            letters.extend((from..=to).skip(1));
            rest.next();
        } else {
            letters.push(c);
        }
        if letters.len() > LONGEST {
            return None;
        }
    }
    let mut different = letters.clone();
    different.sort_unstable();
    different.dedup();
    (letters.len() >= FEWEST && different.len() * 10 >= letters.len() * 8).then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabets_are_told_from_sentences() {
        assert_eq!(alphabet("A-Za-z").map(|letters| letters.len()), Some(52));
        assert!(alphabet("〇一二三四五六七八九").is_some());
        assert!(alphabet("the quick brown fox jumps over the lazy dog again").is_none());
    }

    #[test]
    fn literals_are_found_in_any_language() {
        for text in [
            "set \"b=abcdefghij\"",
            "b = 'abcdefghij';",
            "b=abcdefghij\n",
            "{\"b\":\"abcdefghij\"}",
        ] {
            assert!(literals(text).iter().any(|literal| literal.text == "abcdefghij"), "{text}");
        }
    }
}
