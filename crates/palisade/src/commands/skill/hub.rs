//! A folder of many skills: how far its scan is, and what came of it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    time::{Duration, Instant},
};

use palisade_skills::{Report, Severity, Verdict};
use palisade_vetting::Progress;

/// Between two pictures of the bar.
const EACH: Duration = Duration::from_millis(100);
/// Characters of the bar.
const WIDTH: usize = 30;
/// Rules that the table names.
const MOST_RULES: usize = 12;

/// A progress bar on standard error, if that is a terminal.
#[derive(Debug)]
pub(super) struct Bar {
    terminal: bool,
    shown: bool,
    last: Option<Instant>,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), shown: false, last: None }
    }

    pub(super) fn show(&mut self, Progress { done, all }: Progress) {
        let soon = self.last.is_some_and(|last| last.elapsed() < EACH);
        if !self.terminal || all < 2 || soon {
            return;
        }
        let full = WIDTH.saturating_mul(done).checked_div(all).unwrap_or(0).min(WIDTH);
        let bar = format!("\r[{}{}] {done} of {all}", "#".repeat(full), " ".repeat(WIDTH - full));
        write(&bar);
        (self.shown, self.last) = (true, Some(Instant::now()));
    }

    /// Take it away, for other text.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            write("\r\x1b[K");
            self.last = None;
        }
    }
}

fn write(text: &str) {
    io::stderr().lock().write_all(text.as_bytes()).unwrap_or_default();
}

/// What came of a scan.
#[derive(Debug, Default)]
pub(super) struct Hub {
    verdicts: [usize; 3],
    unvetted: usize,
    /// By rule: how many skills it stands against, and how badly.
    rules: BTreeMap<&'static str, (usize, Severity)>,
}

impl Hub {
    pub(super) fn add(&mut self, report: &Report) {
        if let Some(count) = self.verdicts.get_mut(report.verdict as usize) {
            *count += 1;
        }
        self.unvetted += usize::from(!report.vetted);
        let mut here = BTreeMap::new();
        for finding in report.findings.iter().filter(|one| one.severity >= Severity::Medium) {
            let worst = here.entry(finding.rule.id).or_insert(finding.severity);
            *worst = finding.severity.max(*worst);
        }
        for (rule, severity) in here {
            let (count, worst) = self.rules.entry(rule).or_insert((0, severity));
            *count += 1;
            *worst = severity.max(*worst);
        }
    }

    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let all: usize = self.verdicts.iter().sum();
        if all > 1 && !self.rules.is_empty() {
            let mut rules: Vec<_> = self.rules.iter().collect();
            rules.sort_by_key(|(id, (count, worst))| (std::cmp::Reverse((*worst, *count)), **id));
            text.push_str("\nSKILLS  SEVERITY  RULE\n");
            for (id, (count, worst)) in rules.iter().take(MOST_RULES) {
                let worst = format!("{worst:?}").to_ascii_lowercase();
                writeln!(text, "{count:>6}  {worst:<8}  {id}").unwrap_or_default();
            }
            if let Some(more) = rules.len().checked_sub(MOST_RULES).filter(|more| *more > 0) {
                writeln!(text, "        and {more} rules more").unwrap_or_default();
            }
        }
        let count = |verdict: Verdict| self.verdicts.get(verdict as usize).copied().unwrap_or(0);
        let unvetted = match self.unvetted {
            0 => String::new(),
            some => format!("; {some} not vetted"),
        };
        writeln!(
            text,
            "{} safe, {} caution, {} dangerous{unvetted}",
            count(Verdict::Safe),
            count(Verdict::Caution),
            count(Verdict::Dangerous)
        )
        .unwrap_or_default();
        text
    }
}
