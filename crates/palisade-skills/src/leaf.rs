//! A small skill that counts leaves, for tests: what is told of it is told of what a test puts into it.

use crate::{Options, Report, Verdict, read::Limits, read::from_files, scan};

/// What is found in it with this text in a section of this name.
pub(crate) fn report(section: &str, body: &str) -> Report {
    let text = format!(
        "---\nname: leaf-counter\ndescription: Counts the leaves of plants in a folder of photos.\n---\n# Leaf counter\n\n## {section}\n\n{body}\n"
    );
    let files = vec![("SKILL.md".to_owned(), text.into_bytes(), false)];
    scan(&from_files("leaf-counter", files, Limits::default()), &Options::default())
}

/// Whether it is blocked for this text.
pub(crate) fn is_blocked(section: &str, body: &str) -> bool {
    report(section, body).verdict == Verdict::Dangerous
}

/// Those that are bad are blocked, and those that are good are not. Tells of all that are judged wrongly at once.
pub(crate) fn told(section: &str, bad: &[&str], good: &[&str]) {
    let missed: Vec<&&str> = bad.iter().filter(|text| !is_blocked(section, text)).collect();
    let wrong: Vec<&&str> = good.iter().filter(|text| is_blocked(section, text)).collect();
    assert!(missed.is_empty() && wrong.is_empty(), "missed {missed:#?} wrong {wrong:#?}");
}
