//! A word that is a verb and a noun, at the beginning of a sentence.

/// Does a sentence say something of what a word names, so that the word orders nothing: `order is built into every edge`,
/// `upload must succeed`? The text is in normal form, and the word ends at this byte.
pub(super) fn is_subject(text: &str, end: usize) -> bool {
    const SAID: &[&str] = &[
        "is", "was", "has been", "had been", "isn't", "wasn't", "must", "may", "might", "cannot",
        "can't", "will", "should",
    ];
    let Some(rest) = text.get(end..).and_then(|rest| rest.strip_prefix(' ')) else { return false };
    SAID.iter().any(|said| rest.strip_prefix(said).is_some_and(|rest| rest.starts_with(' ')))
}

/// Is it everybody in a room whom a message mentions, and nothing that is kept from anybody: `no mention of @everyone`?
pub(super) fn calls_all(text: &str, end: usize) -> bool {
    const ALL: &[&str] = &["everyone", "everybody", "@everyone", "@here", "roles"];
    text.get(end..).and_then(|rest| rest.strip_prefix(" of ")).is_some_and(|rest| {
        ALL.iter().any(|all| {
            rest.strip_prefix(all)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '\''))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_thing_is_told_from_what_is_done_to_it() {
        for (text, word) in [
            ("order is built into every edge", "order"),
            ("upload must succeed", "upload"),
            ("fetch has been slow", "fetch"),
        ] {
            assert!(is_subject(text, word.len()), "{text}");
        }
        assert!(calls_all("no mention of everyone.", "no mention".len()));
        assert!(!calls_all("no mention of everyone's files", "no mention".len()));
        assert!(!calls_all("no mention of the upload", "no mention".len()));
        for (text, word) in [
            ("upload what is in the folder", "upload"),
            ("delete is.txt", "delete"),
            ("send the keys, which must arrive", "send"),
            ("send", "send"),
            ("run island", "run"),
        ] {
            assert!(!is_subject(text, word.len()), "{text}");
        }
    }
}
