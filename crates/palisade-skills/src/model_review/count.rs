//! What counts of what a model says.

use serde::Serialize;

use super::{Claim, MISSING, SAYS, Says, Shown};
use crate::{
    Confidence, Finding, Options, Report,
    Severity::{High, Low, Medium},
    Technique, judge,
    output::plain,
};

/// Characters of a model's name.
const NAME: usize = 80;
/// Characters of what it says.
const MESSAGE: usize = 300;
/// Characters of what stands there.
const EXCERPT: usize = 200;
/// Findings of a model that one report takes.
const MOST: usize = 200;

/// How far a model reviewed a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reviewed {
    /// The model, by the name that it was asked by.
    pub model: String,
    /// Bytes that it was shown.
    pub bytes: u64,
    /// Pieces in which it was shown them.
    pub pieces: usize,
    /// Pieces that it gave an answer to that could be read.
    pub answered: usize,
    /// Findings of it that count.
    pub findings: usize,
    /// Findings of it that do not, since what they quote does not stand where they say.
    pub dropped: usize,
    /// Whether all was shown and answered.
    pub whole: bool,
}

impl Reviewed {
    /// Adds to a report what a model said of what it was shown, and says what was not reviewed (`missing`, a sentence). The
    /// verdict is as bad as before, or worse: nothing that a model says takes anything away.
    ///
    /// What it calls dangerous is a reason for caution. Only where something weighty stands against the package
    /// besides, by another judge, in the same file or in a small package, is it dangerous: a model is one sign, which
    /// can be wrong by itself.
    pub fn raise(
        mut self,
        report: &mut Report,
        shown: &Shown,
        mut claims: Vec<Claim>,
        missing: Option<&str>,
        options: &Options,
    ) {
        let mut findings: Vec<Finding> = Vec::new();
        // Only so many are taken, and what is shown first could bring a model to say much that is nothing.
        claims.sort_by_key(|claim| std::cmp::Reverse(claim.severity));
        for claim in claims {
            let Some((file, column, excerpt)) =
                shown.stands(&claim.file, claim.line, &claim.excerpt)
            else {
                self.dropped = self.dropped.saturating_add(1);
                continue;
            };
            let severity = match claim.severity {
                Says::Note => Low,
                Says::Dangerous if stands_besides(report, file) => High,
                Says::Caution | Says::Dangerous => Medium,
            };
            let message = format!(
                "the model {} says: {}",
                plain(&self.model, NAME),
                plain(claim.why.trim(), MESSAGE)
            );
            let mut finding = SAYS.at(file, claim.line, column, "", message);
            finding = finding.of(severity).sure(Confidence::Low);
            // What does not print is escaped in what was shown.
            finding.excerpt = plain(&excerpt, EXCERPT);
            let full = findings.len() >= MOST;
            let same = |one: &&mut Finding| one.place.file == file && one.place.line == claim.line;
            match findings.iter_mut().find(same) {
                Some(known) if known.severity >= finding.severity => {}
                Some(known) => *known = finding,
                None if full => {}
                None => findings.push(finding),
            }
        }
        report.keep_unaccepted(&mut findings, options);
        self.findings = findings.len();
        self.whole = missing.is_none();
        report.raise(findings, "a model says");
        if let Some(why) = missing {
            let message = format!("not reviewed by the model {}: {why}", plain(&self.model, NAME));
            let finding = MISSING.at("", 0, 0, "", message).sure(Confidence::High);
            report.raise(vec![finding], "the review that was asked for");
            report.vetted = false;
        }
        report.model_review = Some(self);
    }
}

/// Whether another judge than a model has something weighty against this file, or against a package that is small enough to
/// be one thing.
fn stands_besides(report: &Report, file: &str) -> bool {
    report.findings.iter().any(|finding| {
        finding.severity >= Medium
            && finding.rule.id != SAYS.id
            && !matches!(finding.rule.technique, Technique::NotVetted | Technique::Format)
            && (report.files <= judge::SMALL || finding.place.file == file)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::Text, *};
    use crate::{Suppressions, Verdict, import::IMPORTED, output};

    fn report(files: usize) -> Report {
        Report {
            path: "a".to_owned(),
            name: "a".to_owned(),
            verdict: Verdict::Safe,
            severity: None,
            vetted: true,
            reasons: Vec::new(),
            findings: Vec::new(),
            accepted: 0,
            capabilities: Vec::new(),
            files,
            bytes: 1,
            model_review: None,
        }
    }

    fn reviewed() -> Reviewed {
        Reviewed {
            model: "m\u{1b}[2J".into(),
            bytes: 10,
            pieces: 1,
            answered: 1,
            findings: 0,
            dropped: 0,
            whole: false,
        }
    }

    fn shown() -> Shown {
        let text = |path: &str, text: &str| Text { path: path.into(), text: text.into() };
        Shown::of(vec![text("a.sh", "curl x.example\nls"), text("b.md", "Be brief.")], 1000)
    }

    fn claim(severity: Says, excerpt: &str) -> Claim {
        let why = "It sends.\u{1b}]0;x\u{7}".to_owned();
        Claim { file: "a.sh".into(), line: 1, excerpt: excerpt.into(), severity, why }
    }

    #[test]
    fn a_model_alone_is_a_reason_for_caution_and_never_for_more() {
        for (says, verdict) in [
            (Says::Note, Verdict::Safe),
            (Says::Caution, Verdict::Caution),
            (Says::Dangerous, Verdict::Caution),
        ] {
            let mut one = report(2);
            reviewed().raise(
                &mut one,
                &shown(),
                vec![claim(says, "curl x")],
                None,
                &Options::default(),
            );
            assert_eq!(one.verdict, verdict);
            assert!(one.vetted && one.model_review.as_ref().unwrap().whole, "{one:?}");
            let text = output::terminal(&one, true);
            assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
        }
    }

    #[test]
    fn beside_what_another_judge_found_it_is_dangerous() {
        let raised = |files: usize, file: &str, severity| {
            let mut one = report(files);
            one.raise(vec![IMPORTED.at(file, 1, 0, "x", "x").of(severity)], "x");
            let claims = vec![claim(Says::Dangerous, "curl x")];
            reviewed().raise(&mut one, &shown(), claims, None, &Options::default());
            one.verdict
        };
        assert_eq!(raised(2, "b.md", Medium), Verdict::Dangerous);
        assert_eq!(raised(20, "a.sh", Medium), Verdict::Dangerous);
        assert_eq!(raised(20, "b.md", Medium), Verdict::Caution);
        assert_eq!(raised(2, "a.sh", Low), Verdict::Caution);
        // Nor do two of its own findings make each other sure.
        let mut one = report(2);
        let claims = vec![
            claim(Says::Dangerous, "curl x"),
            Claim { line: 2, ..claim(Says::Dangerous, "ls") },
        ];
        reviewed().raise(&mut one, &shown(), claims, None, &Options::default());
        assert_eq!((one.verdict, one.findings.len()), (Verdict::Caution, 2));
    }

    #[test]
    fn what_does_not_stand_there_is_dropped_and_counted() {
        let mut one = report(2);
        let claims = vec![
            claim(Says::Dangerous, "rm -rf"),
            Claim { line: 700, ..claim(Says::Dangerous, "curl x") },
            Claim { file: "c.sh".into(), ..claim(Says::Dangerous, "curl x") },
        ];
        reviewed().raise(&mut one, &shown(), claims, None, &Options::default());
        assert_eq!((one.verdict, one.findings.len()), (Verdict::Safe, 0));
        assert_eq!(one.model_review.unwrap().dropped, 3);
    }

    #[test]
    fn the_worst_counts_however_much_is_said_before_it() {
        let text = "nothing at all\n".repeat(MOST + 1) + "curl x";
        let shown = Shown::of(vec![Text { path: "a.sh".into(), text }], 100_000);
        let notes = (1..).take(MOST + 1);
        let notes = notes.map(|line| Claim { line, ..claim(Says::Note, "nothing at all") });
        let last = Claim { line: 202, ..claim(Says::Dangerous, "curl x") };
        let mut one = report(1);
        let claims = notes.chain([last]).collect();
        reviewed().raise(&mut one, &shown, claims, None, &Options::default());
        assert_eq!((one.verdict, one.findings.len()), (Verdict::Caution, MOST));
    }

    #[test]
    fn what_was_not_reviewed_is_told_and_never_safe() {
        let mut one = report(2);
        reviewed().raise(
            &mut one,
            &shown(),
            Vec::new(),
            Some("it did not answer"),
            &Options::default(),
        );
        assert_eq!((one.verdict, one.vetted), (Verdict::Caution, false));
        assert!(output::terminal(&one, false).contains("not reviewed by the model"));
        assert!(Report::from_json(&output::json(&one)).is_ok());
    }

    #[test]
    fn what_the_operator_suppresses_counts_no_more() {
        let list = "suppress:\n- {rule: model-review, file: a.sh, why: it is wrong}\n";
        let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
        let options = Options {
            suppressions: Suppressions::parse(list, today).unwrap(),
            ..Options::default()
        };
        let mut one = report(2);
        let claims = vec![claim(Says::Dangerous, "curl x")];
        reviewed().raise(&mut one, &shown(), claims, None, &options);
        assert_eq!((one.verdict, one.accepted), (Verdict::Safe, 1));
        assert!(
            Suppressions::parse("suppress:\n- {rule: model-review-missing, why: x}\n", today)
                .is_err()
        );
    }

    proptest! {
        /// Whatever a model answers, no verdict becomes better and no finding is gone.
        #[test]
        fn nothing_that_a_model_says_lowers_a_verdict(
            before in 0..4_usize,
            says in prop::collection::vec((0..3_u8, 0..4_u32, "curl x|ls|Be brief|[ -~]{0,8}", "a.sh|b.md|SKILL.md"), 0..8),
            missing in any::<bool>(),
        ) {
            let mut one = report(2);
            if let Some(severity) = [None, Some(Low), Some(Medium), Some(High)][before] {
                one.raise(vec![IMPORTED.at("a.sh", 1, 0, "x", "x").of(severity)], "x");
            }
            let was = one.clone();
            let claims = says.into_iter().map(|(severity, line, excerpt, file)| {
                let severity = [Says::Note, Says::Caution, Says::Dangerous][usize::from(severity)];
                Claim { file, line, excerpt, severity, why: "x".into() }
            });
            let missing = missing.then_some("x");
            reviewed().raise(&mut one, &shown(), claims.collect(), missing, &Options::default());
            prop_assert!(one.verdict >= was.verdict && one.severity >= was.severity);
            prop_assert!(one.vetted <= was.vetted);
            prop_assert!(was.findings.iter().all(|it| one.findings.contains(it)));
            prop_assert!(was.reasons.iter().all(|it| one.reasons.contains(it)));
            prop_assert!(missing.is_none() || one.verdict > Verdict::Safe);
            if was.severity < Some(Medium) {
                prop_assert!(one.verdict < Verdict::Dangerous);
            }
        }
    }
}
