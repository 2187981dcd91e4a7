//! `palisade policy`: documents before they are used, and while they are.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use palisade_policy::{
    Asked, CommandLine, Diagnostic, Diagnostics, Explained, PROFILES, PROJECT_FILE, Policy,
    ProjectFile, Trust, check_file, explain, load, profile, project_file, schema, trust, untrust,
};
use palisade_sandbox::linux::{
    abilities::{Abilities, Kind as AbilityKind, State},
    cgroup,
};
use palisade_session::Operator;
use serde::Serialize;

mod apply;
mod diff;
mod import;
mod tried;

use super::doctor;
use crate::{
    failure::{Failure, Kind},
    operator::{operator, sources},
    print::{self, json_line},
};

const DENIED_CALL: &str = "process.syscalls.deny[";
/// By which a listener is handed out.
const DENIED_SENDMSG: &str = "process.syscalls.deny[sendmsg]";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong with policies, and where.
    #[command(after_help = "Example: palisade policy check palisade.yaml\n\n\
        Exit code: 0 all are valid, 1 not, 2 usage.")]
    Check(CheckArgs),
    /// List each rule with what it does and the layers that hold it.
    #[command(
        after_help = "Examples:\n  palisade policy explain               what `palisade run` would use here\n  \
        palisade policy explain --json p.yaml what `palisade run --policy p.yaml` would use\n\n\
        Exit code: 0, 1 the policy is not valid, 2 usage."
    )]
    Explain(ExplainArgs),
    /// Print the JSON Schema of the document, for editors.
    #[command(after_help = "Example: palisade policy schema > palisade.schema.json")]
    Schema,
    /// Print a built-in profile, or list them.
    #[command(after_help = "Example: palisade policy show claude-code")]
    Show(ShowArgs),
    /// Take a project's policy as it is now: what it adds to yours counts from then on.
    #[command(after_help = "Example: palisade policy trust\n\n\
        Any change of the file ends the trust. Exit code: 0, 1 the file is not valid, 2 usage.")]
    Trust(TrustArgs),
    /// Say what another policy permits more and less.
    #[command(after_help = diff::HELP)]
    Diff(diff::Args),
    /// Try a file of cases: what the policy says to each, against what it should say.
    #[command(after_help = tried::TEST_HELP)]
    Test(tried::TestArgs),
    /// Say what the policy says to one act, by which rule, and why.
    #[command(after_help = tried::WHY_HELP)]
    Why(tried::WhyArgs),
    /// Put another policy in force in a running sandbox: all of it at once, or nothing of it.
    #[command(
        after_help = "Examples:\n  palisade policy apply build ci.yaml          the sandbox named `build` is under ci.yaml now\n  \
        palisade policy apply build                  what it was started with, read anew\n  \
        palisade policy apply build ci.yaml --watch  and each change of the file, until Ctrl-C\n\n\
        Connections that the new policy forbids are cut. Files, processes and the environment are fixed\n\
        while a sandbox runs: a policy that has others there is refused.\n\
        Exit code: 0 it is in force, 1 the one before stays in force, 2 usage."
    )]
    Apply(apply::Args),
    /// Write a policy that permits no more than another tool's settings.
    #[command(
        after_help = "Examples:\n  palisade policy import --from claude-code --output palisade.yaml  all layers of Claude Code here\n  \
        palisade policy import --from openshell sandbox.yaml slack.yaml   a policy and a preset\n\n\
        What became of each line is on standard error. Exit code: 0, 1 something could not be read or said, 2 usage."
    )]
    Import(import::Args),
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The documents.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a document.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ExplainArgs {
    /// A document; by default what a run here would use.
    #[arg(value_name = "FILE", conflicts_with = "profile")]
    file: Option<PathBuf>,
    /// A built-in profile.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// One JSON object a rule.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The profile.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct TrustArgs {
    /// The project's policy.
    #[arg(value_name = "FILE", default_value = palisade_policy::PROJECT_FILE)]
    file: PathBuf,
    /// Trust it no more.
    #[arg(long)]
    remove: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// The profile of a command that none is made for.
const DEFAULT: &str = "shell";
const OTHER_DEFAULTS: &str = "You have no policy of your own, so this is for any command; claude, codex, gemini and openclaw\n\
     start from the profile of their name: palisade policy explain --profile claude-code\n";

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Check(args) => check(&args),
        Command::Explain(args) => explained(args),
        Command::Schema => {
            let text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
            print::text(&(text + "\n"))
        }
        Command::Show(args) => show(&args),
        Command::Trust(args) => trusted(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Test(args) => tried::test(&args),
        Command::Why(args) => tried::why(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Import(args) => import::run(args),
    }
}

/// What `check --json` says of a document.
#[derive(Serialize)]
struct Checked<'a> {
    file: String,
    valid: bool,
    digest: Option<&'a str>,
    errors: Vec<&'a Diagnostic>,
    not_built: Vec<String>,
}

fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let operator = the_operator()?;
    let mut out = String::new();
    let mut wrong = 0;
    for file in &args.files {
        let checked = check_file(file, &operator.home);
        wrong += u32::from(checked.is_err());
        if args.json {
            let (errors, not_built) = match &checked {
                Ok(policy) => (Vec::new(), unbuilt(policy)),
                Err(found) => (found.iter().collect(), Vec::new()),
            };
            let file = file.display().to_string();
            let digest = checked.as_ref().ok().map(|policy| policy.digest.as_str());
            let valid = checked.is_ok();
            json_line(&mut out, &Checked { file, valid, digest, errors, not_built });
            continue;
        }
        match &checked {
            Ok(policy) => {
                line(&mut out, format_args!("{}: valid", file.display()));
                for what in unbuilt(policy) {
                    line(&mut out, format_args!("  not built yet, a launch refuses it: {what}"));
                }
            }
            // Where errors belong: a script reads the exit code.
            Err(found) => eprintln!("{found}"),
        }
    }
    print::text(&out)?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn unbuilt(policy: &Policy) -> Vec<String> {
    policy.not_built.iter().map(|missing| format!("{} ({})", missing.what, missing.at)).collect()
}

fn explained(args: ExplainArgs) -> Result<ExitCode, Failure> {
    let operator = the_operator()?;
    let named = match (args.file, args.profile) {
        (Some(file), _) => Some(CommandLine::File(file)),
        (None, profile) => profile.map(CommandLine::Profile),
    };
    let here = named.is_none();
    let policy = load(&sources(&operator, named, Asked::default(), DEFAULT)).map_err(invalid)?;
    let mut rules = explain(&policy);
    how_limits_are_held(&mut rules);
    whether_denied_calls_are_told(&mut rules)?;
    if args.json {
        let mut out = String::new();
        rules.iter().for_each(|rule| json_line(&mut out, rule));
        return print::text(&out);
    }
    let mut out = table(&policy, &rules);
    let by_default = |source: &palisade_policy::Source| source.layer == "user";
    if here && !policy.sources.iter().any(by_default) {
        out.push_str(OTHER_DEFAULTS);
    }
    print::text(&out)
}

/// Machines differ in how they hold limits: this one says it for itself.
fn how_limits_are_held(rules: &mut [Explained]) {
    if !rules.iter().any(|rule| rule.rule.starts_with("process.limits.")) {
        return;
    }
    for holding in cgroup::holdings(cgroup::Versions::default()) {
        let name = format!("process.limits.{}", holding.limit);
        for rule in rules.iter_mut().filter(|rule| rule.rule == name) {
            let weaker = holding.held.weaker.as_ref().map(|less| format!("; weaker: {less}"));
            rule.held = Some(format!("{}{}", holding.held.by, weaker.unwrap_or_default()));
        }
    }
}

/// A denied call fails on each machine, and is in the journal where there is a listener.
fn whether_denied_calls_are_told(rules: &mut [Explained]) -> Result<(), Failure> {
    if !rules.iter().any(|rule| rule.rule.starts_with(DENIED_CALL)) {
        return Ok(());
    }
    let listener = Abilities::probe_one(AbilityKind::SeccompListener, &doctor::simulated()?);
    let told = listener.is_some_and(|found| matches!(found.state, State::Works(_)))
        && !rules.iter().any(|rule| rule.rule == DENIED_SENDMSG);
    let held = if told { "recorded each time" } else { "not recorded" };
    for rule in rules.iter_mut().filter(|rule| rule.rule.starts_with(DENIED_CALL)) {
        rule.held = Some(held.to_owned());
    }
    Ok(())
}

fn table(policy: &Policy, rules: &[Explained]) -> String {
    let mut out = format!("policy {}\n", policy.digest.as_str());
    for source in &policy.sources {
        line(&mut out, format_args!("  {:<13} {}", source.layer, source.name));
    }
    out.push('\n');
    let width = rules.iter().map(|rule| rule.rule.chars().count()).max().unwrap_or(0).min(44);
    for rule in rules {
        let by = if !rule.built {
            "NOT BUILT".to_owned()
        } else if rule.advisory {
            "advisory".to_owned()
        } else {
            rule.layers.join(", ")
        };
        line(&mut out, format_args!("{:<width$}  {by:<18} {}", rule.rule, rule.says));
        if let Some(held) = &rule.held {
            line(&mut out, format_args!("{:<width$}  {:<18} here: {held}", "", ""));
        }
    }
    out.push_str("\nWhat is not named is denied.\n");
    out
}

fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let Some(name) = &args.name else {
        let mut out = String::new();
        for profile in PROFILES {
            line(&mut out, format_args!("{:<12} {}", profile.name, profile.about));
        }
        return print::text(&out);
    };
    let Some(found) = profile(name) else {
        let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        return Err(Failure::new(Kind::Usage, format!("there is no profile `{name}`"))
            .remedy(format!("one of {}", known.join(", "))));
    };
    print::text(found.text)
}

fn trusted(args: &TrustArgs) -> Result<ExitCode, Failure> {
    let operator = the_operator()?;
    let state = &operator.state_dir;
    let unkept = |error: palisade_policy::TrustError| {
        Failure::new(Kind::Enforcement, format!("the store of trust: {error}"))
            .remedy("see that the state folder (PALISADE_STATE) is yours and can be written")
    };
    if args.remove {
        let path = args.file.canonicalize().unwrap_or_else(|_| absolute(&operator, &args.file));
        let was = untrust(state, &path).map_err(unkept)?;
        let word = if was { "is not trusted any more" } else { "was not trusted" };
        return print::text(&format!("{} {word}\n", path.display()));
    }
    if args.file.file_name() != Some(OsStr::new(PROJECT_FILE)) {
        let what = format!("{} is no project's policy", args.file.display());
        return Err(Failure::new(Kind::Usage, what).remedy(format!(
            "name a {PROJECT_FILE}; a policy that you name with --policy counts as it is"
        )));
    }
    let found = project_file(&args.file, &sources(&operator, None, Asked::default(), DEFAULT))
        .map_err(invalid)?;
    if found.trust != Trust::Trusted {
        trust(state, &found.path, &found.digest).map_err(unkept)?;
    }
    let mut out = String::new();
    if args.json {
        json_line(&mut out, &Taken::of(&found));
    } else {
        taken(&mut out, &found);
    }
    print::text(&out)
}

/// What `trust --json` says of a project's policy.
#[derive(Serialize)]
struct Taken<'a> {
    file: String,
    digest: &'a str,
    /// What it was before: `trusted`, `changed` or `none`.
    was: &'static str,
    extends: &'a [String],
    adds: Vec<Added<'a>>,
}

#[derive(Serialize)]
struct Added<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    what: &'a str,
}

impl<'a> Taken<'a> {
    fn of(found: &'a ProjectFile) -> Self {
        let adds = found.widens.iter().map(|one| Added {
            file: &one.file,
            line: one.line,
            column: one.column,
            what: added(one),
        });
        Self {
            file: found.path.display().to_string(),
            digest: found.digest.as_str(),
            was: match found.trust {
                Trust::Trusted => "trusted",
                Trust::Changed => "changed",
                Trust::None => "none",
            },
            extends: &found.extends,
            adds: adds.collect(),
        }
    }
}

fn taken(out: &mut String, found: &ProjectFile) {
    if found.widens.is_empty() {
        line(out, format_args!("{} adds nothing to your policy.", found.path.display()));
    } else {
        line(out, format_args!("{} adds to your policy:", found.path.display()));
        out.push('\n');
        for one in &found.widens {
            line(out, format_args!("  {}: {}", one.place(), added(one)));
        }
        out.push('\n');
    }
    for file in &found.extends {
        line(out, format_args!("It builds on {file}, which is trusted with it."));
    }
    let digest = found.digest.as_str();
    match found.trust {
        Trust::Trusted => line(out, format_args!("It is trusted already: {digest}")),
        Trust::Changed => {
            line(out, format_args!("It has changed since it was trusted."));
            line(out, format_args!("Trusted as it is now: {digest}"));
        }
        Trust::None => line(out, format_args!("Trusted as it is now: {digest}")),
    }
}

/// The thing, of a message that says that it is added.
fn added(one: &Diagnostic) -> &str {
    one.message.split_once("it adds ").map_or(&*one.message, |(_, what)| what)
}

fn absolute(operator: &Operator, path: &Path) -> PathBuf {
    operator.directory.join(path)
}

fn the_operator() -> Result<Operator, Failure> {
    operator().map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))
}

/// All that is wrong, in the form of a failure.
fn invalid(found: Diagnostics) -> Failure {
    Failure::new(Kind::Denied, format!("the policy is not valid\n{found}"))
}

/// A line of its own. Names in it are of files and of documents: none of them steers a terminal.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.extend(text.to_string().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
    out.push('\n');
}
