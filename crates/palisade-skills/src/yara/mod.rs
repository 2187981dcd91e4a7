//! What YARA rules of the operator's own match in a package. It can only raise a verdict.
//!
//! Here is how the output of `yr` (YARA-X) and of `yara` is read, and what comes of it. Who runs them is elsewhere; they
//! have read hostile bytes, so what they say is hostile too.

mod told;

pub use told::{Match, OutputError, Told, of_yara, of_yr};

use crate::{
    Confidence, Finding, Options, Place, Report, Rule,
    Severity::{self, Critical, High, Low, Medium},
    Technique::{Imported as Family, NotVetted},
    output::plain,
};

/// Characters of a rule's name, and of what its author says of it.
const NAME: usize = 80;
const MESSAGE: usize = 300;
/// Characters of what stands there.
const EXCERPT: usize = 200;
/// Further places of one finding.
const MOST_PLACES: usize = 20;
/// Findings of one report.
const MOST: usize = 1000;

/// A rule matches.
pub static MATCH: Rule = Rule {
    id: "yara-match",
    technique: Family,
    severity: Medium,
    why: "A YARA rule that the operator runs matches here.",
    clear: "See what the rule looks for; if it is wrong, mend it, or suppress this rule for the file with a reason.",
    references: &["LLM03", "ASI04"],
};
/// The rules were not run to their end.
pub static MISSING: Rule = Rule {
    id: "yara-missing",
    technique: NotVetted,
    severity: Medium,
    why: "The operator's YARA rules were to be run, and were not run on all of it. Nothing is taken for clean that was not looked at.",
    clear: "See why they ended: a rule that is slow on large files, or a file that breaks the program.",
    references: &["LLM03", "ASI04"],
};

/// Every rule of these.
pub(crate) static RULES: &[&Rule] = &[&MATCH, &MISSING];

/// A file in which matches are: its path in the package, and its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Searched<'a> {
    /// The path.
    pub path: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// Adds to a report what rules matched in these files, or why they were not run to their end. The verdict is as bad as
/// before, or worse.
pub fn raise(
    report: &mut Report,
    files: &[Searched<'_>],
    matches: Result<Vec<Match>, String>,
    options: &Options,
) {
    let matches = match matches {
        Ok(matches) => matches,
        Err(why) => {
            let message = format!("YARA rules were not run to their end: {}", plain(&why, MESSAGE));
            report.raise(
                vec![MISSING.at("", 0, 0, "", message).sure(Confidence::High)],
                "the rules that were to be run",
            );
            report.vetted = false;
            return;
        }
    };
    let found = matches.into_iter().filter_map(|one| Some(finding(files.get(one.file)?, &one)));
    let mut findings: Vec<Finding> = found.take(MOST).collect();
    report.keep_unaccepted(&mut findings, options);
    report.raise(findings, "a YARA rule matches");
}

fn finding(file: &Searched<'_>, told: &Match) -> Finding {
    let name = plain(&told.rule, NAME);
    let message = match &told.description {
        Some(text) => format!("{name}: {}", plain(text.trim(), MESSAGE)),
        None => format!("the rule {name} matches"),
    };
    let first = told.strings.first();
    let (line, column) = first.map_or((0, 0), |(at, _)| place(file.bytes, *at));
    let excerpt = first.and_then(|(at, length)| {
        let at = usize::try_from(*at).ok()?;
        let length = usize::try_from(*length).ok()?.min(EXCERPT);
        file.bytes.get(at..)?.get(..length).or_else(|| file.bytes.get(at..))
    });
    let excerpt = String::from_utf8_lossy(excerpt.unwrap_or_default());
    let mut finding = MATCH
        .at(file.path, line, column, &excerpt, message)
        .of(severity(told.severity.as_deref()))
        .sure(Confidence::Low);
    for (at, _) in told.strings.iter().skip(1).take(MOST_PLACES) {
        let (line, column) = place(file.bytes, *at);
        finding = finding.with(Place { file: file.path.to_owned(), line, column });
    }
    finding
}

/// The line and column of an offset, from 1; 0 for what is beyond the file.
fn place(bytes: &[u8], offset: u64) -> (u32, u32) {
    let before = usize::try_from(offset).ok().and_then(|offset| bytes.get(..offset));
    let Some(before) = before else { return (0, 0) };
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count();
    let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX).saturating_add(1);
    (number(line), number(column))
}

/// What the rule's author says of it (`severity` in its `meta`); caution where nothing is said that is known.
fn severity(said: Option<&str>) -> Severity {
    match said.map(str::to_ascii_lowercase).as_deref() {
        Some("critical") => Critical,
        Some("high" | "error" | "severe" | "malicious" | "dangerous") => High,
        Some("low" | "note" | "none" | "info" | "informational" | "information") => Low,
        _ => Medium,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Verdict, output};

    fn report() -> Report {
        let text = b"---\nname: a\ndescription: Counts words.\n---\n\nCount words.\n".to_vec();
        let files = vec![("SKILL.md".to_owned(), text, false)];
        let read = crate::read::from_files("a", files, crate::read::Limits::default());
        crate::scan(&read, &Options::default())
    }

    fn told(severity: Option<&str>, strings: Vec<(u64, u64)>) -> Match {
        let description = Some("Sends.\u{1b}[2J".to_owned());
        Match {
            rule: "Sends".into(),
            severity: severity.map(str::to_owned),
            description,
            file: 0,
            strings,
        }
    }

    #[test]
    fn a_match_weighs_what_its_author_says() {
        for (said, verdict) in [
            (None, Verdict::Caution),
            (Some("whatever"), Verdict::Caution),
            (Some("medium"), Verdict::Caution),
            (Some("Info"), Verdict::Safe),
            (Some("HIGH"), Verdict::Dangerous),
            (Some("critical"), Verdict::Dangerous),
        ] {
            let mut report = report();
            let file = Searched { path: "a.sh", bytes: "é\nab curl\u{1b} x\n".as_bytes() };
            let one = told(said, vec![(6, 5), (3, 2), (900, 5)]);
            raise(&mut report, &[file], Ok(vec![one]), &Options::default());
            assert_eq!(report.verdict, verdict, "{said:?}");
            let finding = &report.findings[0];
            assert_eq!((finding.place.line, finding.place.column), (2, 4));
            assert_eq!(finding.excerpt, "curl\\u{1b}");
            let lines: Vec<u32> = finding.related.iter().map(|place| place.line).collect();
            assert_eq!(lines, [2, 0]);
            assert!(!output::terminal(&report, true).contains('\u{1b}'));
        }
    }

    #[test]
    fn what_was_not_run_is_never_safe_and_what_is_nowhere_is_nothing() {
        let mut report = report();
        let nowhere = Match { file: 7, ..told(Some("critical"), Vec::new()) };
        raise(&mut report, &[], Ok(vec![nowhere]), &Options::default());
        assert_eq!((report.verdict, report.vetted), (Verdict::Safe, true));
        raise(&mut report, &[], Err("it took too long\u{7}".into()), &Options::default());
        assert_eq!((report.verdict, report.vetted), (Verdict::Caution, false));
        assert!(Report::from_json(&output::json(&report)).is_ok());
    }
}
