use std::sync::LazyLock;

use crate::document::{Rule, parse};

/// As they are written.
const TEXT: &str = include_str!("builtin.yaml");

/// The rules that come with Palisade.
pub fn builtin() -> &'static [Rule] {
    // A test holds that they are valid; without it, none is better than a launch that panics.
    static RULES: LazyLock<Vec<Rule>> =
        LazyLock::new(|| parse(TEXT.as_bytes()).unwrap_or_default());
    &RULES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_valid_and_say_why() {
        let rules = parse(TEXT.as_bytes()).unwrap();
        assert!(rules.len() >= 20, "{}", rules.len());
        for rule in rules {
            assert!(rule.why.ends_with('.') && !rule.title.ends_with('.'), "{}", rule.id);
        }
    }
}
