use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use palisade_skills::{
    Baseline, Options, Report, Severity, Verdict, output,
    read::{Limits, Tree},
    scan,
};
use rayon::prelude::*;

use crate::{
    failure::{Failure, Kind},
    print,
};

pub(super) const HELP: &str = "Examples:\n  \
    palisade skill scan ~/.claude/skills              each skill with its verdict and the reasons\n  \
    palisade skill scan --format json hub/ > seen.json  a line a skill\n  \
    palisade skill scan --baseline seen.json hub/     only what is new since\n\n\
    A verdict is safe, caution (look at the evidence) or dangerous (do not load). What could not be read\n\
    is never safe. Nothing is executed, and no link is followed.\n\
    Exit code: 0 nothing at or over --fail-on, 1 something, 2 usage, 3 a path cannot be read.";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Skills, plugins, archives, single files, or folders of many.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// What is printed.
    #[arg(long, value_name = "FORM", default_value = "terminal")]
    format: Format,
    /// The severity from which a finding makes the exit code 1.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: FailOn,
    /// Findings that you accept: what `--format json` printed before.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How many skills are judged at once. Default: one a processor.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Show the weak findings too.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Terminal,
    Json,
    Sarif,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Note,
    Low,
    Medium,
    High,
    Critical,
    Never,
}

impl FailOn {
    fn reached(self, severity: Option<Severity>) -> bool {
        let least = match self {
            Self::Note => Severity::Note,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
            Self::Never => return false,
        };
        severity >= Some(least)
    }
}

/// How many skills are judged before they are printed.
const BATCH: usize = 256;

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let options = Options { baseline: baseline(args.baseline.as_deref())? };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.unwrap_or(0))
        .build()
        .map_err(|error| Failure::new(Kind::Enforcement, format!("threads: {error}")))?;
    let mut unread = None;
    let mut kept = Vec::new();
    let mut counts = [0_usize; 3];
    let mut found = false;
    for path in &args.paths {
        let tree = match Tree::open(path, Limits::default()) {
            Ok(tree) => tree,
            Err(error) => {
                let failure = Failure::new(Kind::Enforcement, error.to_string())
                    .remedy("name a skill, a plugin, an archive, or a folder of them");
                failure.report();
                unread = Some(ExitCode::from(3));
                continue;
            }
        };
        for batch in (0..tree.len()).collect::<Vec<_>>().chunks(BATCH) {
            let reports: Vec<Report> = pool
                .install(|| batch.par_iter().map(|&at| scan(&tree.read(at), &options)).collect());
            for report in &reports {
                found |= args.fail_on.reached(report.severity);
                if let Some(count) = counts.get_mut(report.verdict as usize) {
                    *count += 1;
                }
            }
            match args.format {
                Format::Json => {
                    print::text(&reports.iter().map(output::json).collect::<String>())?;
                }
                Format::Terminal => {
                    let text = reports.iter().map(|report| output::terminal(report, args.all));
                    print::text(&text.collect::<String>())?;
                }
                Format::Sarif | Format::Markdown => kept.extend(reports),
            }
        }
    }
    match args.format {
        Format::Sarif => {
            print::text(&output::sarif(&kept))?;
        }
        Format::Markdown => {
            print::text(&output::markdown(&kept))?;
        }
        Format::Terminal => {
            let count = |verdict: Verdict| counts.get(verdict as usize).copied().unwrap_or(0);
            let text = format!(
                "{} safe, {} caution, {} dangerous\n",
                count(Verdict::Safe),
                count(Verdict::Caution),
                count(Verdict::Dangerous)
            );
            print::text(&text)?;
        }
        Format::Json => {}
    }
    Ok(unread.unwrap_or(if found { ExitCode::from(1) } else { ExitCode::SUCCESS }))
}

fn baseline(path: Option<&Path>) -> Result<Baseline, Failure> {
    let Some(path) = path else { return Ok(Baseline::default()) };
    let failed = |why: String| {
        Failure::new(Kind::Usage, format!("baseline {}: {why}", path.display()))
            .remedy("give what `palisade skill scan --format json` printed")
    };
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Baseline::parse(&text).map_err(|error| failed(error.to_string()))
}
