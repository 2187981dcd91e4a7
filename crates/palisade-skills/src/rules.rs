use crate::{
    Rule, binary, code, deeds, formats, hidden, import, install, model_review, read, text, trial,
    yara,
};

/// Every rule there is, sorted by id.
pub fn rules() -> Vec<&'static Rule> {
    // One line an analyser.
    let all = [
        read::RULES,
        hidden::RULES,
        text::RULES,
        formats::RULES,
        code::RULES,
        deeds::RULES,
        deeds::HANDED,
        install::RULES,
        binary::RULES,
        trial::RULES,
        import::RULES,
        model_review::RULES,
        yara::RULES,
    ];
    let mut rules: Vec<_> = all.into_iter().flatten().copied().collect();
    rules.sort_by_key(|rule| rule.id);
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_named_once_and_belong_to_a_catalogue() {
        let rules = rules();
        for pair in rules.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} twice", pair[0].id);
        }
        for rule in rules {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(rule.id.chars().all(plain), "{}", rule.id);
            assert!(!rule.references.is_empty(), "{} has no reference", rule.id);
            assert!(rule.why.ends_with('.') && rule.clear.ends_with('.'), "{}", rule.id);
        }
    }
}
