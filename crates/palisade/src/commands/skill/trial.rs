use std::{fs, path::PathBuf, process::ExitCode};

use palisade_skill_store::{Lock, SkillName, read_folder};
use palisade_skills::output;
use palisade_vetting::{Trial, TrialError};

use super::{
    failure, policy,
    scan::{FailOn, Format},
    unvetted,
};
use crate::{
    commands::hostile::own_program,
    failure::{Failure, Kind},
    operator::state_dir,
    print,
};

pub(super) const HELP: &str = "\
Examples:
  palisade skill try ./pdf-tools                      what it would run is run, and what it touches is told
  palisade skill try ./pdf-tools --policy pdf.yaml    and the policy that it would need
  palisade skill try ./pdf-tools --lock               and that is all that it may do from now on, if you say so

Its scripts, install steps, hooks, servers and the shell that its text shows are run in a sandbox, with a home of decoys
and a network that answers to every name and leads nowhere. Nothing leaves this machine, and nothing of yours is in
there. What is seen only raises the verdict: that a skill did nothing here does not make it safe.

Exit code: 0 nothing at or over --fail-on, 1 something, 2 usage, 3 it could not be tried.";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The skill's folder.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// What is printed.
    #[arg(long, value_name = "FORM", default_value = "terminal")]
    format: Format,
    /// The severity from which a finding makes the exit code 1.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: FailOn,
    /// Write the smallest policy under which it would have passed, but for what stands against it.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Write into the lock that the skill may talk to the hosts that it talked to, and do no more: of the skill that has exactly
    /// these bytes there. It is shown, and asked.
    #[arg(long)]
    lock: bool,
    /// With --lock: ask nothing.
    #[arg(short, long, requires = "lock")]
    yes: bool,
    /// How many seconds each of its steps may take.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = clap::value_parser!(u64).range(1..=600))]
    time: u64,
    /// Show the weak findings too.
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let tree = read_folder(&args.folder).map_err(failure)?;
    let name = args.folder.canonicalize().ok();
    let name = name.as_deref().and_then(|path| path.file_name()).unwrap_or_default();
    let name = name.to_string_lossy();
    // Before there are threads: it forks.
    let (mut report, _) = palisade_vetting::vet(&name, &tree).map_err(unvetted)?;
    report.path = args.folder.display().to_string();
    let names = if args.lock { names_of(&tree.digest())? } else { Vec::new() };
    let program = own_program();
    let trial = Trial { program: &program, name: &name, tree: &tree, seconds: args.time };
    let tried = trial.run(&report).map_err(untried)?;
    report.raise(tried.findings, "when it was run");
    if let Some(path) = &args.policy {
        fs::write(path, tried.policy).map_err(|error| {
            Failure::new(Kind::Enforcement, format!("{}: {error}", path.display()))
        })?;
    }
    print::text(&match args.format {
        Format::Json => output::json(&report),
        Format::Terminal => {
            let (steps, of) = (tried.steps, tried.of);
            let steps = if steps < of { format!("{steps} of {of}") } else { steps.to_string() };
            format!("{}tried: {steps} steps\n", output::terminal(&report, args.all))
        }
        Format::Sarif => output::sarif(std::slice::from_ref(&report)),
        Format::Markdown => output::markdown(std::slice::from_ref(&report)),
    })?;
    let found = args.fail_on.reached(report.severity);
    if args.lock {
        policy::write(&names, Some(&tried.own), args.yes)?;
    }
    Ok(if found { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The skills of the lock that have these bytes.
fn names_of(digest: &palisade_skill_store::Digest) -> Result<Vec<SkillName>, Failure> {
    let lock = Lock::read(&state_dir()?).map_err(failure)?;
    let same = lock.skills.into_iter().filter(|(_, locked)| locked.digest == *digest);
    let names: Vec<SkillName> = same.map(|(name, _)| name).collect();
    if names.is_empty() {
        let what = format!("the lock has no skill with these bytes, which are {digest}");
        return Err(
            Failure::new(Kind::Usage, what).remedy("take it first with `palisade skill add`")
        );
    }
    Ok(names)
}

fn untried(error: TrialError) -> Failure {
    let remedy = match error {
        TrialError::NoSandbox(_) => "run `palisade doctor`",
        _ => "see that the folder for temporary files (TMPDIR) can be written",
    };
    Failure::new(Kind::Enforcement, error.to_string()).remedy(remedy)
}
