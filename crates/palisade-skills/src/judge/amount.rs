//! How much has to stand against a package, by how much of it there is.
//!
//! Each rule reads some sentence or call wrongly now and then. Of published skills, those with more than 40 KiB to read
//! had a single sign of medium confidence five times as often as small ones, and nothing behind it. So there one such
//! sign is a question to a person, not an answer; what is certain, and signs of several families, count in any package.

use crate::{Confidence, FileKind, Finding, Package, Severity};

/// Bytes to read up to which one sign is enough.
const ONE: usize = 40 << 10;
/// Bytes to read up to which two are.
const TWO: usize = 256 << 10;

/// What of a package rules read as orders or as a program. Pictures and tables make no package longer.
pub(super) fn to_read(package: &Package) -> usize {
    let is_read =
        |kind: FileKind| kind.is_parsed() || matches!(kind, FileKind::Prose | FileKind::Definition);
    package.files.iter().filter(|file| is_read(file.kind)).map(|file| file.bytes.len()).sum()
}

/// Whether there is so much that weak signs always come together.
pub(super) fn is_large(to_read: usize) -> bool {
    to_read > ONE
}

/// Do findings that are grave by themselves stop a package with so much to read?
pub(super) fn are_enough(findings: &[Finding], to_read: usize) -> bool {
    let grave = || findings.iter().filter(|finding| finding.severity >= Severity::High);
    if grave().any(|finding| finding.confidence >= Confidence::High) {
        return true;
    }
    let sure = grave().filter(|finding| finding.confidence >= Confidence::Medium);
    let mut families: Vec<_> = sure.map(|finding| finding.rule.technique).collect();
    families.sort_unstable();
    families.dedup();
    let needed = match to_read {
        0..=ONE => 1,
        ..=TWO => 2,
        _ => 3,
    };
    families.len() >= needed
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
        are_enough(findings, to_read(&package(bytes, FileKind::Prose)))
    }

    #[test]
    fn one_sign_stops_a_small_package_and_two_a_large_one() {
        let sign = |rule: &'static Rule| rule.at("a", 1, 0, "", "");
        let (one, two) = (vec![sign(&ONE_SIGN)], vec![sign(&ONE_SIGN), sign(&ANOTHER)]);
        let same = vec![sign(&ONE_SIGN), ONE_SIGN.at("b", 9, 0, "", "")];
        assert!(enough(&one, ONE) && !enough(&one, ONE + 1));
        assert!(enough(&two, TWO) && !enough(&two, TWO + 1) && !enough(&same, TWO));
        let three = [two, vec![sign(&THIRD)]].concat();
        assert!(enough(&three, TWO + 1));
    }

    #[test]
    fn what_is_certain_stops_a_package_of_any_size() {
        let certain = vec![ONE_SIGN.at("a", 1, 0, "", "").sure(Confidence::High)];
        assert!(enough(&certain, 100 * TWO));
        assert!(!enough(&[ONE_SIGN.at("a", 1, 0, "", "").sure(Confidence::Low)], 1));
    }

    #[test]
    fn pictures_and_tables_make_no_package_longer() {
        for kind in [FileKind::Data, FileKind::Media, FileKind::Unknown, FileKind::Binary] {
            assert_eq!(to_read(&package(TWO, kind)), 0, "{kind:?}");
        }
        for kind in [FileKind::Prose, FileKind::Python, FileKind::Definition] {
            assert_eq!(to_read(&package(TWO, kind)), TWO, "{kind:?}");
        }
    }
}
