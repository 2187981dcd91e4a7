use palisade_skills::Severity;

use crate::{Locked, lock::word};

/// What a policy asks of skills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// What must have happened to a skill.
    pub require: Require,
    /// Findings of this severity and up keep a skill out.
    pub block: Option<Severity>,
}

/// What must have happened to a skill, the least first. Each has what those before it ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Require {
    /// It is in the lock.
    #[default]
    Any,
    /// It was scanned.
    Scanned,
    /// A person, or a publisher who is trusted, has approved exactly this.
    Reviewed,
    /// A publisher who is trusted has signed exactly this.
    Signed,
}

/// Why a skill may be in a sandbox, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It may be there.
    Loads(String),
    /// It may not.
    Kept {
        /// The part of the policy that decided, or `revoked`, `review` or `verdict`.
        rule: &'static str,
        /// In one sentence.
        why: String,
    },
}

/// Whether a skill may be in a sandbox. `signed_by`: publishers who are trusted and have signed it;
/// `revoked`: why the operator has revoked it, if so.
pub fn judge(locked: &Locked, terms: Terms, signed_by: &[String], revoked: Option<&str>) -> Ruling {
    let kept = |rule, why: String| Ruling::Kept { rule, why };
    if let Some(why) = revoked {
        return kept("revoked", format!("it is revoked: {why}"));
    }
    if let Some(review) = locked.review.as_ref().filter(|_| locked.is_refused()) {
        return kept("review", format!("{} refused it", review.by));
    }
    if let Some(block) = terms.block {
        let Some(scan) = &locked.scan else {
            return kept(
                "skills.block",
                "it was not scanned, so nobody knows its findings".to_owned(),
            );
        };
        // A word of another version is as bad as can be.
        let worst = scan.severity.as_ref().map(|_| scan.severity().unwrap_or(Severity::Critical));
        if let Some(worst) = worst.filter(|worst| *worst >= block) {
            return kept("skills.block", format!("it has a finding that is {}", word(worst)));
        }
    }
    let approved = locked.is_approved();
    if terms.require == Require::Any && locked.scan.is_none() {
        return Ruling::Loads("it is in the lock, and nothing more is asked for".to_owned());
    }
    let Some(scan) = &locked.scan else {
        return kept("skills.require", "it was not scanned".to_owned());
    };
    // Only who has looked at it can say otherwise.
    if !matches!(scan.verdict.as_str(), "safe" | "caution") && !approved && signed_by.is_empty() {
        return kept(
            "verdict",
            format!("the scanner says {}, and nobody has approved it", scan.verdict),
        );
    }
    let signed = || format!("{} signed it", signed_by.join(" and "));
    match terms.require {
        Require::Any | Require::Scanned => {
            Ruling::Loads(format!("it was scanned, with the verdict {}", scan.verdict))
        }
        Require::Reviewed if approved => {
            let by = locked.review.as_ref().map(|review| review.by.as_str());
            Ruling::Loads(format!("{} approved it", by.unwrap_or_default()))
        }
        Require::Reviewed if signed_by.is_empty() => {
            kept("skills.require", "nobody has approved it".to_owned())
        }
        Require::Signed if signed_by.is_empty() => {
            kept("skills.require", "nobody who is trusted has signed it".to_owned())
        }
        Require::Reviewed | Require::Signed => Ruling::Loads(signed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Review, Scan, Source};

    fn locked(verdict: Option<(&str, Option<&str>)>, approved: Option<bool>) -> Locked {
        let digest = Digest::of(b"x");
        Locked {
            digest,
            source: Source::Folder { path: "/a".into() },
            added: String::new(),
            scan: verdict.map(|(verdict, severity)| Scan {
                verdict: verdict.into(),
                severity: severity.map(Into::into),
                rules: Vec::new(),
                capabilities: Vec::new(),
                by: String::new(),
            }),
            review: approved.map(|approved| Review {
                by: "o".into(),
                at: String::new(),
                digest,
                approved,
                comment: String::new(),
            }),
            policy: None,
            signatures: Vec::new(),
            bundles: Vec::new(),
        }
    }

    fn loads(locked: &Locked, require: Require, block: Option<Severity>, signed: bool) -> bool {
        let signed: &[String] = if signed { &["acme".to_owned()] } else { &[] };
        matches!(judge(locked, Terms { require, block }, signed, None), Ruling::Loads(_))
    }

    const ALL: [Require; 4] = [Require::Any, Require::Scanned, Require::Reviewed, Require::Signed];

    #[test]
    fn each_level_asks_for_what_it_says() {
        let of = |locked: &Locked, signed| ALL.map(|require| loads(locked, require, None, signed));
        let safe = || Some(("safe", None));
        assert_eq!(of(&locked(None, None), false), [true, false, false, false]);
        assert_eq!(of(&locked(safe(), None), false), [true, true, false, false]);
        assert_eq!(of(&locked(safe(), Some(true)), false), [true, true, true, false]);
        assert_eq!(of(&locked(safe(), None), true), [true; 4]);
        assert_eq!(of(&locked(safe(), Some(false)), true), [false; 4]);
        for verdict in ["dangerous", "not vetted", "of another version"] {
            let bad = || Some((verdict, None));
            assert_eq!(of(&locked(bad(), None), false), [false; 4]);
            assert_eq!(of(&locked(bad(), Some(true)), false), [true, true, true, false]);
        }
        let revoked = judge(&locked(safe(), Some(true)), Terms::default(), &[], Some("stolen"));
        assert!(matches!(revoked, Ruling::Kept { rule: "revoked", .. }));
    }

    #[test]
    fn a_finding_keeps_it_out_whoever_approved_it() {
        let high = || locked(Some(("caution", Some("high"))), Some(true));
        assert!(!loads(&high(), Require::Reviewed, Some(Severity::High), true));
        assert!(!loads(&high(), Require::Any, Some(Severity::Medium), true));
        assert!(loads(&high(), Require::Reviewed, Some(Severity::Critical), false));
        assert!(!loads(&locked(None, None), Require::Any, Some(Severity::Critical), true));
        let odd = locked(Some(("caution", Some("dreadful"))), Some(true));
        assert!(!loads(&odd, Require::Any, Some(Severity::Critical), true));
    }

    /// What is asked for more never lets more in.
    #[test]
    fn asking_for_more_permits_no_more() {
        for verdict in [None, Some(("safe", Some("low"))), Some(("dangerous", Some("high")))] {
            for approved in [None, Some(true), Some(false)] {
                for (signed, block) in [(false, None), (true, None), (true, Some(Severity::High))] {
                    let one = locked(verdict, approved);
                    let all = ALL.map(|require| loads(&one, require, block, signed));
                    // A signature stands in for a review, so what is signed is reviewed as well.
                    assert!(all.windows(2).all(|pair| pair[0] || !pair[1]), "{one:?} {all:?}");
                    let stricter =
                        ALL.map(|require| loads(&one, require, Some(Severity::Low), signed));
                    assert!(stricter.iter().zip(all).all(|(strict, free)| !strict || free));
                }
            }
        }
    }
}
