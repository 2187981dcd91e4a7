//! How much has to stand against a package, by how much of it there is.
//!
//! Each rule reads some sentence or call wrongly now and then. Of published skills, those with more than 40 KiB to read
//! had a single sign of medium confidence five times as often as small ones, and nothing behind it. So there one such
//! sign is a question to a person, not an answer. What is certain counts in any package.

use crate::{Confidence, FileKind, Finding, Package, Severity, text};

/// Bytes to read up to which one sign is enough; with more a package is large.
const LARGE: usize = 40 << 10;
/// Bytes to read from which on a package is a book: what was read out of sentences stops nothing there.
const BOOK: usize = 256 << 10;

/// What of a package rules read as orders or as a program. Pictures and tables make no package longer.
pub(super) fn to_read(package: &Package) -> usize {
    let is_read =
        |kind: FileKind| kind.is_parsed() || matches!(kind, FileKind::Prose | FileKind::Definition);
    package.files.iter().filter(|file| is_read(file.kind)).map(|file| file.bytes.len()).sum()
}

/// Is there so much that weak signs always come together?
pub(super) fn is_large(to_read: usize) -> bool {
    to_read > LARGE
}

/// Does a finding count in a package with so much to read? What was read out of sentences does not in one that is a book:
/// there every sentence that a rule takes for an order stands somewhere.
pub(super) fn counts(finding: &Finding, to_read: usize) -> bool {
    to_read <= BOOK || !text::is_reading(finding.rule)
}

/// Does a finding add up with others in a package with so much to read? There is always a second sentence that is read wrongly.
pub(super) fn adds_up(finding: &Finding, to_read: usize) -> bool {
    !(is_large(to_read) && text::is_reading(finding.rule))
}

/// Do findings that are grave by themselves stop a package with so much to read?
pub(super) fn are_enough(findings: &[&Finding], to_read: usize) -> bool {
    let grave = || findings.iter().filter(|finding| finding.severity >= Severity::High);
    // Of what a sentence means nobody is that sure in a long text.
    let certain =
        |finding: &&Finding| finding.confidence >= Confidence::High && adds_up(finding, to_read);
    if grave().any(certain) {
        return true;
    }
    let sure = grave().filter(|finding| finding.confidence >= Confidence::Medium);
    let mut families: Vec<_> = sure.map(|finding| finding.rule.technique).collect();
    families.sort_unstable();
    families.dedup();
    families.len() >= if is_large(to_read) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{File, Rule, Technique};

    static ONE_SIGN: Rule = rule("one", Technique::SideTask);
    static ANOTHER: Rule = rule("another", Technique::Exfiltration);
    static THIRD: Rule = rule("third", Technique::Persistence);

    const fn rule(id: &'static str, technique: Technique) -> Rule {
        Rule { id, technique, severity: Severity::High, why: "", clear: "", references: &[] }
    }

    fn package(bytes: usize, kind: FileKind) -> Package {
        let bytes = vec![b'a'; bytes].into();
        Package { files: vec![File { path: "a".to_owned(), bytes, kind, executable: false }] }
    }

    fn enough(findings: &[Finding], bytes: usize) -> bool {
        let to_read = to_read(&package(bytes, FileKind::Prose));
        let counted: Vec<&Finding> =
            findings.iter().filter(|finding| counts(finding, to_read)).collect();
        are_enough(&counted, to_read)
    }

    /// A rule of what sentences mean.
    fn reading() -> &'static Rule {
        text::RULES.first().copied().unwrap()
    }

    #[test]
    fn one_sign_stops_a_small_package_and_two_a_large_one() {
        let sign = |rule: &'static Rule| rule.at("a", 1, 0, "", "");
        let (one, two) = (vec![sign(&ONE_SIGN)], vec![sign(&ONE_SIGN), sign(&ANOTHER)]);
        let same = vec![sign(&ONE_SIGN), ONE_SIGN.at("b", 9, 0, "", "")];
        assert!(enough(&one, LARGE) && !enough(&one, LARGE + 1));
        assert!(enough(&two, LARGE + 1) && enough(&two, 9 * BOOK) && !enough(&same, LARGE + 1));
    }

    #[test]
    fn what_is_certain_stops_a_package_of_any_size() {
        let certain = vec![ONE_SIGN.at("a", 1, 0, "", "").sure(Confidence::High)];
        assert!(enough(&certain, 100 * BOOK));
        assert!(!enough(&[ONE_SIGN.at("a", 1, 0, "", "").sure(Confidence::Low)], 1));
    }

    #[test]
    fn what_sentences_mean_is_certain_in_a_short_text_alone_and_stops_no_book() {
        let order = reading().at("a", 1, 0, "", "").sure(Confidence::High);
        let beside = ANOTHER.at("a", 9, 0, "", "");
        let both = [order.clone(), beside.clone()];
        assert!(order.rule.technique == beside.rule.technique || enough(&both, BOOK));
        let order = vec![order];
        assert!(enough(&order, LARGE) && !enough(&order, LARGE + 1));
        let third = [order, vec![THIRD.at("a", 9, 0, "", "")]].concat();
        assert!(enough(&third, BOOK) && !enough(&third, BOOK + 1));
    }

    #[test]
    fn pictures_and_tables_make_no_package_longer() {
        for kind in [FileKind::Data, FileKind::Media, FileKind::Unknown, FileKind::Binary] {
            assert_eq!(to_read(&package(BOOK, kind)), 0, "{kind:?}");
        }
        for kind in [FileKind::Prose, FileKind::Python, FileKind::Definition] {
            assert_eq!(to_read(&package(BOOK, kind)), BOOK, "{kind:?}");
        }
    }
}
