//! Runs of numbers in any text: lists, tables, columns, calls one behind the other, escapes.

/// Numbers that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// Where the first stands, in bytes.
    pub(super) at: usize,
    pub(super) numbers: Vec<i64>,
}

/// The fewest numbers of a run: what is shorter spells no command.
const FEWEST: usize = 8;
/// The most numbers of one run, and the most runs of one text.
const MOST: usize = 4096;
const MOST_RUNS: usize = 48;
/// The most bytes between two numbers of a run.
const BETWEEN: usize = 24;

/// One number: where it begins and ends, and what it is.
fn number(bytes: &[u8], at: usize) -> Option<(usize, i64)> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let before = at.checked_sub(1).map_or(0, byte);
    let digits = |from: usize, most: usize, base: u32| {
        let mut end = from;
        let mut value = 0_i64;
        while end - from < most
            && let Some(digit) = char::from(byte(end)).to_digit(base)
        {
            value = value * i64::from(base) + i64::from(digit);
            end += 1;
        }
        (end > from).then_some((end, value))
    };
    match (byte(at), byte(at + 1)) {
        (b'\\', b'x') => digits(at + 2, 2, 16),
        (b'\\', b'u') => digits(at + 2 + usize::from(byte(at + 2) == b'{'), 4, 16),
        (b'\\', b'0'..=b'7') => digits(at + 1, 3, 8),
        (b'0', b'x' | b'X') | (b'&', b'H' | b'h') => digits(at + 2, 8, 16),
        (b'0'..=b'9', _) if !before.is_ascii_alphanumeric() && !matches!(before, b'.' | b'_') => {
            let (end, value) = digits(at, 9, 10)?;
            if byte(end) == b'.' && byte(end + 1).is_ascii_digit() || byte(end).is_ascii_digit() {
                return None;
            }
            let negative = before == b'-'
                && at
                    .checked_sub(2)
                    .is_none_or(|at| !byte(at).is_ascii_alphanumeric() && byte(at) != b')');
            Some((end, if negative { -value } else { value }))
        }
        _ => None,
    }
}

/// The runs of a text, longest ones first.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let bytes = text.as_bytes();
    let mut found: Vec<Run> = Vec::new();
    let mut run = Run { at: 0, numbers: Vec::new() };
    let mut all = Vec::new();
    let mut end_of_last = 0;
    let mut letters_before: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < bytes.len() {
        let Some((end, value)) = number(bytes, at) else {
            at += 1;
            continue;
        };
        let between = bytes.get(end_of_last..at).unwrap_or_default();
        let letters: Vec<u8> =
            between.iter().copied().filter(|b| b.is_ascii_alphabetic()).take(BETWEEN).collect();
        let joined = !run.numbers.is_empty()
            && between.len() <= BETWEEN
            && run.numbers.len() < MOST
            && !between.contains(&b'#')
            && (letters.is_empty()
                || letters_before.as_ref().is_none_or(|before| *before == letters));
        if !joined {
            keep(&mut run, &mut found);
            run.at = at;
            letters_before = None;
        } else if !letters.is_empty() {
            letters_before = Some(letters);
        }
        run.numbers.push(value);
        if all.len() < MOST {
            all.push(value);
        }
        end_of_last = end;
        at = end;
    }
    keep(&mut run, &mut found);
    // Numbers of which each has a name.
    if all.len() >= FEWEST * 3
        && all.len() < MOST
        && found.first().is_none_or(|run| run.numbers.len() < all.len())
    {
        found.push(Run { at: 0, numbers: all });
    }
    columns(text, &mut found);
    packed(text, &mut found);
    found.sort_by_key(|run| std::cmp::Reverse(run.numbers.len()));
    found.truncate(MOST_RUNS);
    found
}

fn keep(run: &mut Run, found: &mut Vec<Run>) {
    if run.numbers.len() >= FEWEST {
        found.push(run.clone());
    }
    run.numbers.clear();
}

/// The columns of a table whose cells are separated by one sign.
fn columns(text: &str, found: &mut Vec<Run>) {
    const COLUMNS: usize = 12;
    let Some(first) = text.lines().nth(1) else { return };
    let Some(sign) = [',', ';', '\t', '|'].into_iter().find(|sign| first.contains(*sign)) else {
        return;
    };
    for column in 0..first.split(sign).count().min(COLUMNS) {
        let numbers: Vec<i64> = text
            .lines()
            .take(MOST)
            .filter_map(|line| line.split(sign).nth(column)?.trim().trim_matches('"').parse().ok())
            .collect();
        if numbers.len() >= FEWEST * 2 {
            found.push(Run { at: 0, numbers });
        }
    }
}

/// Digits without anything between them: two or three for each number.
fn packed(text: &str, found: &mut Vec<Run>) {
    const LEAST: usize = 36;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() && found.len() < MOST_RUNS * 2 {
        let length =
            bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
        if length >= LEAST {
            for width in [2, 3] {
                let digits = bytes.get(at..at + length).unwrap_or_default();
                let numbers = digits
                    .chunks_exact(width)
                    .take(MOST)
                    .map(|chunk| chunk.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0')))
                    .collect();
                found.push(Run { at, numbers });
            }
        }
        at += length.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_any_dress() {
        let wanted: Vec<i64> = vec![99, 117, 114, 108, 32, 45, 115, 32];
        for text in [
            "my @a = (99,117,114,108,32,45,115,32);",
            "x = chr(99).chr(117).chr(114).chr(108).chr(32).chr(45).chr(115).chr(32)",
            "[0x63, 0x75, 0x72, 0x6c, 0x20, 0x2d, 0x73, 0x20]",
            "\"\\x63\\x75\\x72\\x6c\\x20\\x2d\\x73\\x20\"",
            "99u8, 117u8, 114u8, 108u8, 32u8, 45u8, 115u8, 32u8",
            "99\n117\n114\n108\n32\n45\n115\n32\n",
        ] {
            assert_eq!(
                runs(text).first().map(|run| run.numbers.clone()),
                Some(wanted.clone()),
                "{text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(text: String) {
            runs(&text);
        }
    }
}
