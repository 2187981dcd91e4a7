//! Names that are one file for some systems: those that fold case, that write a letter in one way, that leave out what stands at
//! a name's end.

use unicode_normalization::UnicodeNormalization as _;

/// A path without what says nothing.
pub(super) fn plain(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}

/// The same for all paths that some system takes for one.
pub(super) fn alike(path: &str) -> String {
    let mut alike = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if !alike.is_empty() {
            alike.push('/');
        }
        // Behind a colon Windows has another content of the same file.
        let name = part.split_once(':').map_or(part, |(name, _)| name);
        let name = name.trim_end_matches(['.', ' ']);
        let name = if name.is_empty() { part } else { name };
        if name.is_ascii() {
            alike.extend(name.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            let upper = name.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
            alike.extend(upper.nfkc());
        }
    }
    alike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_that_some_system_takes_for_one() {
        for (one, other) in [
            ("SKILL.md", "skill.MD"),
            ("SKILL.md", "./SKILL.md"),
            ("a/b", "a//b"),
            ("a/b", "a/./b"),
            ("\u{e9}.md", "e\u{301}.md"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{212a}", "k"),
            ("SKILL.md", "SKILL.md."),
            ("SKILL.md", "SKILL.md "),
            ("SKILL.md", "SKILL.md:stream"),
            ("a. /b", "a/b"),
        ] {
            assert_eq!(alike(one), alike(other), "{one} {other}");
        }
        for (one, other) in
            [("a", "b"), ("a/b", "ab"), (".", ".."), ("...", "a"), ("a.zip!/x", "a.zip/x")]
        {
            assert_ne!(alike(one), alike(other), "{one} {other}");
        }
        assert_eq!(plain("./a//./b"), "a/b");
        assert_ne!(plain("A"), plain("a"));
    }
}
