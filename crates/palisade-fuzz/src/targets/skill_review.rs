//! What is told of another judge of skills: a model's answer, and the output of programs that run YARA rules.

use palisade_skills::{
    Options, Report, Verdict,
    model_review::{Reviewed, Shown, Text, claims},
    output,
    read::{Limits, from_files},
    scan,
    yara::{Searched, Told, of_yara, of_yr, raise},
};

use crate::input;

const SKILL: &str = "---\nname: a\ndescription: Counts.\n---\n\nCount the words of the file.\n";

/// Whatever they say, no verdict becomes better, and nothing steers a terminal.
pub(crate) fn target(data: &[u8]) {
    let text = input::text(data);
    let files = vec![("SKILL.md".to_owned(), SKILL.as_bytes().to_vec(), false)];
    let before = scan(&from_files("a", files, Limits::default()), &Options::default());
    let told = Told { folder: "/w", files: 1 };
    let file = Searched { path: "SKILL.md", bytes: SKILL.as_bytes() };
    for read in [of_yara(&text, told), of_yr(&text, told)] {
        let mut after = before.clone();
        let read = read.map_err(|error| error.to_string());
        raise(&mut after, &[file], read, &Options::default());
        held(&before, &after);
    }
    let shown = Shown::of(vec![Text { path: "SKILL.md".into(), text: SKILL.into() }], 10_000);
    let (heard, missing) = match claims(&text, "boundary") {
        Ok(heard) => (heard, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let mut after = before.clone();
    let reviewed = Reviewed {
        model: "m".into(),
        bytes: 1,
        pieces: 1,
        answered: 1,
        findings: 0,
        dropped: 0,
        whole: false,
    };
    reviewed.raise(&mut after, &shown, heard, missing.as_deref(), &Options::default());
    held(&before, &after);
    // A model alone is never sure.
    assert!(after.verdict < Verdict::Dangerous);
    assert!(missing.is_none() || after.verdict > Verdict::Safe);
    for finding in after.findings.iter().filter(|it| it.rule.id == "model-review") {
        let at = usize::try_from(finding.place.line).unwrap_or(0);
        let line = SKILL.lines().nth(at - 1).unwrap_or_default();
        assert!(line.contains(&finding.excerpt), "{finding:?}");
    }
}

fn held(before: &Report, after: &Report) {
    assert!(after.verdict >= before.verdict && after.vetted <= before.vetted);
    assert!(before.findings.iter().all(|it| after.findings.contains(it)));
    let text = output::terminal(after, true);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}
