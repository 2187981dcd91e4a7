//! The word that somebody may have meant.

/// The known word that is nearest to this one, if any is near.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let far = |candidate: &str| distance(&lower, &candidate.to_lowercase());
    let near = known
        .iter()
        .map(|candidate| (far(candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 2.min(candidate.chars().count() / 2))
        .min();
    let begins = |one: &str, other: &str| one.len() >= 3 && other.starts_with(one);
    let part = || {
        let either = |known: &str| begins(&lower, known) || begins(known, &lower);
        known.iter().find(|candidate| either(&candidate.to_lowercase())).copied()
    };
    near.map(|(_, candidate)| candidate).or_else(part)
}

/// The Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, c) in one.chars().take(64).enumerate() {
        let mut next = vec![index + 1];
        for (column, d) in other.iter().enumerate() {
            let cost = |at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let left = next.last().copied().unwrap_or_default();
            let replaced = cost(column) + usize::from(c != *d);
            next.push(replaced.min(left + 1).min(cost(column + 1) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let known = ["filesystem", "network", "process", "ro", "rw"];
        for (word, meant) in [
            ("filesytem", Some("filesystem")),
            ("Network", Some("network")),
            ("proc", Some("process")),
            ("networking", Some("network")),
            ("rq", Some("ro")),
            ("hooks", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), meant, "{word}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
