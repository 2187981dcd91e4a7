use std::{
    fs,
    io::{self, Read},
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use clap::ValueEnum;
use palisade_skills::{
    Baseline, Options, Report, Severity, Suppressions,
    import::{Imports, MOST_BYTES},
    output,
    read::Opened,
};
use palisade_vetting::{Batch, Cache, Contents, Judged, Progress, Wanted};
use time::OffsetDateTime;

use super::{
    hub::{Bar, Hub},
    model,
    yara::Rules,
};
use crate::{
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

pub(super) const HELP: &str = "Examples:\n  \
    palisade skill scan ~/.claude/skills              each skill with its verdict and the reasons\n  \
    palisade skill scan --format json hub/ > seen.json  a line a skill\n  \
    palisade skill scan --baseline seen.json hub/     only what is new since\n  \
    palisade skill scan --import yara.sarif hub/      with what another scanner found\n  \
    palisade skill scan --yara rules/ hub/            with what YARA rules of your own match\n  \
    palisade skill scan --ask-model claude-sonnet-4-5 ./pdf-tools  with what a model of your provider says\n\n\
    A verdict is safe, caution (look at the evidence) or dangerous (do not load). What could not be read\n\
    is never safe. Nothing is executed, and no link is followed. What reads has no rights: no network, no program,\n\
    no other file. What did not change since an earlier scan by this program is not judged again.\n\
    Exit code: 0 nothing at or over --fail-on, 1 something, 2 usage, 3 a path cannot be read, or the\n\
    model did not review all of what it was asked about.";

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
    /// Rules that do not count, by skill and file, with a reason (docs/skills.md).
    #[arg(long, value_name = "FILE")]
    suppress: Option<PathBuf>,
    /// What another scanner found, in SARIF 2.1.0. It can only raise a verdict: its `error` to dangerous, its
    /// `warning` to caution. May be given again.
    #[arg(long, value_name = "FILE")]
    import: Vec<PathBuf>,
    /// YARA rules of your own: a file, or a folder of `.yar` and `.yara`. They are run by the program `yr` (YARA-X) or
    /// `yara` of this machine, in a sandbox. What they match can only raise a verdict, by the `severity` in a rule's
    /// `meta`: `high` to dangerous, else to caution. May be given again.
    #[arg(long, value_name = "RULES")]
    yara: Vec<PathBuf>,
    #[command(flatten)]
    model: model::AskModel,
    /// How many skills are judged at once. Default: one a processor.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Judge again what was judged before by this program and has not changed.
    #[arg(long)]
    no_cache: bool,
    /// Scan folders also where this system lacks landlock: a reader that a skill takes over could then
    /// open your other files, and still send nothing.
    #[arg(long, value_name = "LAYER", value_parser = ["landlock"])]
    allow_degraded: Option<String>,
    /// Show the weak findings too.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Terminal,
    Json,
    Sarif,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    Note,
    Low,
    Medium,
    High,
    Critical,
    Never,
}

impl FailOn {
    pub(super) fn reached(self, severity: Option<Severity>) -> bool {
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

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let options = Options {
        baseline: baseline(args.baseline.as_deref())?,
        suppressions: suppressions(args.suppress.as_deref())?,
    };
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let mut imports = Imported::read(args)?;
    let to_ask = args.model.to_ask()?;
    let mut rules = Rules::prepare(&args.yara)?;
    let mut wanted = model::wanted(to_ask.as_ref());
    wanted.all = rules.is_some();
    // No reader is started once a model is asked: until then all of them wait.
    let mut waiting: Vec<(Report, Option<Contents>, Progress)> = Vec::new();
    let mut told = Told::new(args);
    let mut unread = None;
    for path in &args.paths {
        let opened = match Opened::open(path) {
            Ok(opened) => opened,
            Err(error) => {
                let failure = Failure::new(Kind::Enforcement, error.to_string())
                    .remedy("name a skill, a plugin, an archive, or a folder of them");
                failure.report();
                unread = Some(ExitCode::from(3));
                continue;
            }
        };
        // What is remembered is a report without contents, and without what a model said.
        let anew = args.no_cache || wanted != Wanted::NOTHING;
        let mut cache = match anew || args.baseline.is_some() || args.suppress.is_some() {
            true => None,
            false => state_dir().ok().and_then(|state| Cache::open(&state).ok()),
        };
        let without_landlock = args.allow_degraded.is_some();
        let batch = Batch { opened: &opened, options: &options, jobs, without_landlock, wanted };
        let mut failed = None;
        batch
            .run(cache.as_mut(), |judged, progress| {
                let Judged { mut report, contents } = judged;
                imports.raise(&mut report);
                if let Some(rules) = &mut rules {
                    rules.raise(&mut report, contents.as_ref(), &options);
                }
                if to_ask.is_some() {
                    told.progress.show(progress);
                    let contents = contents.map(|it| it.texts(wanted.texts.unwrap_or(0)));
                    waiting.push((report, contents, progress));
                } else if let Err(failure) = told.report(report, progress) {
                    failed.get_or_insert(failure);
                }
            })
            .map_err(super::unvetted)?;
        told.progress.clear();
        if let Some(failure) = failed.or(rules.as_mut().and_then(Rules::failed)) {
            return Err(failure);
        }
    }
    if let Some(to_ask) = to_ask {
        let mut reviewer = to_ask.open()?;
        for (mut report, contents, progress) in waiting {
            reviewer.review(&mut report, contents, &options);
            told.report(report, progress)?;
        }
        told.progress.clear();
        if !reviewer.end() {
            unread = Some(ExitCode::from(3));
        }
    }
    if rules.is_some_and(|rules| !rules.all_run()) {
        unread = Some(ExitCode::from(3));
    }
    let found = told.end()?;
    imports.end();
    Ok(unread.unwrap_or(if found { ExitCode::from(1) } else { ExitCode::SUCCESS }))
}

/// What other scanners found.
struct Imported<'a> {
    all: Vec<(&'a Path, Imports)>,
    /// Where a relative path may begin.
    roots: Vec<PathBuf>,
}

impl<'a> Imported<'a> {
    fn read(args: &'a Args) -> Result<Self, Failure> {
        let all: Result<Vec<_>, Failure> =
            args.import.iter().map(|file| Ok((file.as_path(), log(file)?))).collect();
        let here = [Path::new(".")].into_iter();
        let named = here.chain(args.paths.iter().map(PathBuf::as_path));
        // What stands beside a single file is told from its folder.
        let named = named.flat_map(|path| [Some(path), path.parent()]).flatten();
        let mut roots: Vec<PathBuf> =
            named.filter_map(|path| std::path::absolute(path).ok()).collect();
        roots.dedup();
        Ok(Self { all: all?, roots })
    }

    fn raise(&mut self, report: &mut Report) {
        for (_, imports) in &mut self.all {
            imports.raise(report, &self.roots);
        }
    }

    /// What was of no use is said.
    fn end(self) {
        for (file, imports) in self.all {
            match imports.left() {
                0 => {}
                left => print::note(&format!(
                    "palisade: {left} of the results of {} are about no skill that was scanned",
                    file.display()
                )),
            }
        }
    }
}

fn log(file: &Path) -> Result<Imports, Failure> {
    let failed = |why: String| {
        Failure::new(Kind::Usage, format!("import {}: {why}", file.display()))
            .remedy("give a SARIF 2.1.0 log")
    };
    let read = || {
        let mut bytes = Vec::new();
        fs::File::open(file)?.take(MOST_BYTES.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    let bytes = read().map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(failed("it is longer than 64 MiB".to_owned()));
    }
    Imports::parse(&bytes).map_err(|error| failed(error.to_string()))
}

/// What is printed.
struct Told<'a> {
    args: &'a Args,
    /// For the forms that are one document.
    kept: Vec<Report>,
    hub: Hub,
    progress: Bar,
    found: bool,
}

impl<'a> Told<'a> {
    fn new(args: &'a Args) -> Self {
        let (kept, hub, progress) = (Vec::new(), Hub::default(), Bar::new());
        Self { args, kept, hub, progress, found: false }
    }

    fn report(&mut self, report: Report, progress: Progress) -> Result<(), Failure> {
        self.found |= self.args.fail_on.reached(report.severity);
        self.hub.add(&report);
        let text = match self.args.format {
            Format::Json => output::json(&report),
            Format::Terminal => output::terminal(&report, self.args.all),
            Format::Sarif | Format::Markdown => {
                self.kept.push(report);
                self.progress.show(progress);
                return Ok(());
            }
        };
        self.progress.clear();
        print::text(&text)?;
        self.progress.show(progress);
        Ok(())
    }

    /// Whether something was found.
    fn end(self) -> Result<bool, Failure> {
        print::text(&match self.args.format {
            Format::Sarif => output::sarif(&self.kept),
            Format::Markdown => output::markdown(&self.kept),
            Format::Terminal => self.hub.table(),
            Format::Json => String::new(),
        })?;
        Ok(self.found)
    }
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

fn suppressions(path: Option<&Path>) -> Result<Suppressions, Failure> {
    let Some(path) = path else { return Ok(Suppressions::default()) };
    let failed = |why: String| {
        Failure::new(Kind::Usage, format!("suppress {}: {why}", path.display()))
            .remedy("docs/skills.md says how such a list is written")
    };
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let today = OffsetDateTime::now_utc().date();
    let list = Suppressions::parse(&text, today).map_err(|error| failed(error.to_string()))?;
    for over in list.over() {
        print::note(&format!("palisade: {}: {over} counts no more", path.display()));
    }
    Ok(list)
}
