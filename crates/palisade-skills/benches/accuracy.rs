//! How well the scanner tells the labelled corpus apart:
//! `cargo bench -p palisade-skills --bench accuracy -- [--misses] [--held-out] [--benign DIR] [--folder DIR]`.
//!
//! The corpus has two halves, told apart by a hash of the name: one that rules may be mended against, and one
//! that is only counted. `--misses` names what was judged wrongly in the first half and why; `--held-out` does so
//! for the second one, which spoils it. `--benign DIR` counts the skills of a folder, all of them taken as harmless.
//! `--all` explains every case of it. `--benign DIR --json` prints each report as a line, for whoever counts further.
//! `--folder DIR` measures a corpus of plain folders that lies elsewhere: `malicious/FAMILY/CASE` or `malicious/CASE`,
//! `benign/CASE`, `dual-use/CASE`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that measures")]
#![allow(unreachable_pub, reason = "the corpus is a module of tests and benches")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use palisade_skills::{
    Options, Report, Verdict,
    read::{Limits, Tree},
    scan,
};
use rayon::prelude::*;

#[path = "../tests/corpus/mod.rs"]
mod corpus;

use corpus::{Class, Sample};

/// How often each verdict was given.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    dangerous: usize,
    caution: usize,
    safe: usize,
}

impl Count {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Dangerous => self.dangerous += 1,
            Verdict::Caution => self.caution += 1,
            Verdict::Safe => self.safe += 1,
        }
    }

    fn all(self) -> usize {
        self.dangerous + self.caution + self.safe
    }

    fn line(self, name: &str) {
        let share = self.dangerous as f64 / self.all().max(1) as f64;
        println!(
            "{name:42} {:4} {:9} {:7} {:4}  {share:.3}",
            self.all(),
            self.dangerous,
            self.caution,
            self.safe
        );
    }
}

/// The worst verdict of the packages that a path holds, with its report.
fn judge(path: &Path) -> Vec<Report> {
    let tree = Tree::open(path, Limits::default()).unwrap();
    (0..tree.len()).into_par_iter().map(|at| scan(&tree.read(at), &Options::default())).collect()
}

fn worst(reports: &[Report]) -> Verdict {
    reports.iter().map(|report| report.verdict).max().unwrap()
}

fn explain(id: &str, reports: &[Report]) {
    println!("\n{id}: {:?}", worst(reports));
    for finding in reports.iter().flat_map(|report| &report.findings) {
        println!(
            "    {:?}/{:?} {} {}:{} {} | {}",
            finding.severity,
            finding.confidence,
            finding.rule.id,
            finding.place.file,
            finding.place.line,
            finding.message,
            finding.excerpt.chars().take(100).collect::<String>()
        );
    }
}

fn table(title: &str, judged: &[(Sample, Vec<Report>)], held_out: bool) {
    println!(
        "\n{title:42} {:>4} {:>9} {:>7} {:>4}  blocked",
        "all", "dangerous", "caution", "safe"
    );
    for (class, folder) in Class::ALL {
        let mut families: BTreeMap<&str, Count> = BTreeMap::new();
        let mut sum = Count::default();
        for (sample, reports) in judged {
            if sample.class == class && sample.held_out() == held_out {
                families.entry(&sample.family).or_default().add(worst(reports));
                sum.add(worst(reports));
            }
        }
        for (family, count) in families {
            count.line(&format!("  {folder}/{family}"));
        }
        sum.line(folder);
    }
}

/// The folders directly below a folder, in order.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Measures a corpus of plain folders.
fn elsewhere(root: &Path, misses: bool, every: bool) {
    println!(
        "\n{:42} {:>4} {:>9} {:>7} {:>4}  blocked",
        "folders", "all", "dangerous", "caution", "safe"
    );
    for (class, folder) in Class::ALL {
        let families: Vec<(String, Vec<PathBuf>)> = match class {
            Class::Malicious => below(&root.join(folder))
                .into_iter()
                // A case may stand without a family.
                .map(|family| match family.join("SKILL.md").exists() {
                    true => (name(&family), vec![family]),
                    false => (name(&family), below(&family)),
                })
                .collect(),
            _ => vec![(String::new(), below(&root.join(folder)))],
        };
        let mut sum = Count::default();
        for (family, cases) in families {
            let judged: Vec<(PathBuf, Vec<Report>)> = cases
                .into_par_iter()
                .map(|path| {
                    let reports = judge(&path);
                    (path, reports)
                })
                .collect();
            let mut count = Count::default();
            for (path, reports) in &judged {
                let blocked = worst(reports) == Verdict::Dangerous;
                if every || misses && blocked != (class == Class::Malicious) {
                    explain(&path.display().to_string(), reports);
                }
                count.add(worst(reports));
                sum.add(worst(reports));
            }
            if class == Class::Malicious {
                count.line(&format!("  {folder}/{family}"));
            }
        }
        sum.line(folder);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);

    if let Some(at) = arguments.iter().position(|argument| argument == "--benign") {
        let mut count = Count::default();
        for report in judge(Path::new(arguments.get(at + 1).expect("--benign DIR"))) {
            count.add(report.verdict);
            if has("--json") {
                println!("{}", serde_json::to_string(&report).unwrap());
            }
            if has("--misses") && report.verdict == Verdict::Dangerous {
                let id = report.path.clone();
                explain(&id, &[report]);
            }
        }
        count.line("benign");
        return;
    }

    if let Some(at) = arguments.iter().position(|argument| argument == "--folder") {
        elsewhere(
            Path::new(arguments.get(at + 1).expect("--folder DIR")),
            has("--misses"),
            has("--all"),
        );
        return;
    }

    let folder = tempfile::tempdir().unwrap();
    let judged: Vec<(Sample, Vec<Report>)> = corpus::samples()
        .into_par_iter()
        .map(|sample| {
            let path = folder.path().join(sample.id());
            sample.write(&path);
            let reports = judge(&path);
            (sample, reports)
        })
        .collect();

    for (sample, reports) in &judged {
        let wrong = match sample.class {
            Class::Malicious => worst(reports) != Verdict::Dangerous,
            Class::Benign | Class::DualUse => worst(reports) == Verdict::Dangerous,
        };
        let shown = if sample.held_out() { has("--held-out") } else { has("--misses") };
        if wrong && shown {
            explain(&sample.id(), reports);
        }
    }
    table("seen half", &judged, false);
    table("held-out half", &judged, true);
}
