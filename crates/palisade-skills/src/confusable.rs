//! What text looks like: the skeleton of Unicode Technical Standard 39, by a table without pointers.
//!
//! The crate `unicode-security` has the same table as thousands of pointers, each of which would be written to when the
//! program starts, whatever it then does. A test holds this one to that one.

use unicode_normalization::UnicodeNormalization;

/// A line a character, in their order: the character, and what stands for it, which is nothing for what is not
/// seen.
const TABLE: &str = include_str!("confusables.txt");

/// The skeleton: two texts that look alike have the same one.
pub(crate) fn skeleton(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().nfd().flat_map(|c| Stands::of(c, prototype(c))).nfd()
}

/// What stands for a character: itself, or a text.
struct Stands {
    itself: Option<char>,
    text: std::str::Chars<'static>,
}

impl Stands {
    fn of(itself: char, text: Option<&'static str>) -> Self {
        Self { itself: text.is_none().then_some(itself), text: text.unwrap_or_default().chars() }
    }
}

impl Iterator for Stands {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.itself.take().or_else(|| self.text.next())
    }
}

/// What stands for a character, if that is not itself.
fn prototype(c: char) -> Option<&'static str> {
    // No letter, digit or sign of these but three, and most of all text is of them.
    if c.is_ascii() && !matches!(c, '0' | '1' | 'I' | 'm' | '"' | '%' | '`' | '|') {
        return None;
    }
    let mut rest = TABLE;
    while !rest.is_empty() {
        let middle = rest.floor_char_boundary(rest.len() / 2);
        let (before, _) = rest.split_at_checked(middle)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let (before, line) = rest.split_at_checked(start)?;
        let (line, after) = line.split_once('\n')?;
        let first = line.chars().next()?;
        match first.cmp(&c) {
            std::cmp::Ordering::Less => rest = after,
            std::cmp::Ordering::Greater => rest = before,
            std::cmp::Ordering::Equal => return line.get(first.len_utf8()..),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use unicode_security::confusable_detection::skeleton as known;

    use super::*;

    fn of_one(c: char, by: impl Fn(&str) -> String) -> String {
        by(c.encode_utf8(&mut [0; 4]))
    }

    #[test]
    fn every_character_looks_as_the_standard_says() {
        let writes = std::env::var_os("PALISADE_WRITE_CONFUSABLES").is_some();
        let mut table = String::new();
        for c in '\0'..=char::MAX {
            let wanted = of_one(c, |text| known(text).collect());
            let same = std::iter::once(c).eq(wanted.chars());
            // What is the same is not in the table, which is compared below.
            if !writes && (!same || c.is_ascii()) {
                assert_eq!(of_one(c, |text| skeleton(text).collect()), wanted, "{c:?}");
            }
            // A composed one is looked up by its parts.
            if !same && std::iter::once(c).nfd().eq([c]) {
                assert!(c != '\n' && !wanted.contains('\n'));
                writeln!(table, "{c}{wanted}").unwrap();
            }
        }
        if writes {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/confusables.txt");
            return std::fs::write(file, table).unwrap();
        }
        assert!(TABLE == table, "PALISADE_WRITE_CONFUSABLES=1 writes src/confusables.txt");
    }

    #[test]
    fn words_look_as_the_standard_says() {
        for text in [
            "",
            "paypal",
            "раураl",
            "ﬁle",
            "Ångström",
            "\u{212b}",
            "각",
            "a\u{200b}b",
            "e\u{301}\u{323}",
            "rn",
            "m",
        ] {
            assert!(skeleton(text).eq(known(text)), "{text:?}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_looks_as_the_standard_says(text in ".{0,40}") {
            proptest::prop_assert!(skeleton(&text).eq(known(&text)));
        }
    }
}
