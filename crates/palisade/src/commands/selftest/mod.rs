//! `palisade selftest`: the hostile program in a sandbox of the user's own policy.
//!
//! Only the workspace is another: a decoy, so that nothing of the user's can be changed. The rest,
//! from the policy to the journal, is what `palisade run` would use here.

mod decoys;

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use palisade_policy::{Asked, CommandLine, load};
use palisade_sandbox::linux::abilities::Kind as AbilityKind;
use palisade_selftest::{Judge, Outcome, Report, Standing, names_in_home};
use palisade_session::Operator;
use serde_json::json;

use self::decoys::Decoys;
use super::hostile::{
    attempts_table, denied, own_program, permitted_table, random, reports, say, worked,
};
use super::run::layer;
use crate::{
    failure::{Failure, Kind},
    operator::{operator, sources},
};

/// In the supervisor's environment while the hostile program looks for what it holds.
const MARKER: &str = "PALISADE_SELFTEST_MARKER";
/// The profile of a policy that names none, as for any command.
const DEFAULT: &str = "shell";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  palisade selftest                          the policy that palisade run would use here
  palisade selftest --profile claude-code
  palisade selftest --json --policy ci.yaml

The hostile program works on a decoy in place of the workspace and changes nothing of yours. What
the policy permits is no hole. Its session is in the journal.

Exit code: 0 every layer held; 1 something got through; 2 usage; 3 there was no sandbox.")]
pub(crate) struct Args {
    /// The policy, in place of the project's and the user's.
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    policy: Option<PathBuf>,
    /// A built-in policy, in place of the project's and the user's.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Try the sandbox as it is where this system lacks this layer (landlock or seccomp), as `palisade run` has it.
    #[arg(long, value_name = "LAYER", value_parser = layer)]
    allow_degraded: Vec<AbilityKind>,
    /// One JSON object a line, those not tried as well.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let failed = |what: &str, error: io::Error| {
        Failure::new(Kind::Enforcement, format!("{what}: {error}"))
            .remedy("see that the state folder (PALISADE_STATE) can be written")
    };
    let operator = operator()
        .map_err(|(what, remedy)| Failure::new(Kind::Enforcement, what).remedy(remedy))?;
    let command_line = match (&args.policy, &args.profile) {
        (Some(file), _) => Some(CommandLine::File(file.clone())),
        (None, Some(name)) => Some(CommandLine::Profile(name.clone())),
        (None, None) => None,
    };
    let policy =
        load(&sources(&operator, command_line, Asked::default(), DEFAULT)).map_err(|found| {
            let what = format!("nothing was started, because of the policy\n{found}");
            Failure::new(Kind::Enforcement, what)
        })?;
    let marker = random().map_err(|error| failed("random numbers", error))?;
    let decoys = Decoys::plant(&operator, &policy, &marker)
        .map_err(|error| failed("the selftest's decoys", error))?;
    let mut targets = decoys.targets(&policy);
    targets.home = Some(operator.home.clone());
    targets.in_home = names_in_home()
        .filter(|name| operator.home.join(name).symlink_metadata().is_ok())
        .map(str::to_owned)
        .collect();
    targets.own_folders = vec![operator.state_dir.clone(), operator.config_dir.clone()];
    if !policy.process.pass.iter().any(|pattern| passes(pattern)) {
        let (start, end) = marker.split_at(marker.len() / 2);
        targets.marker = Some((start.to_owned(), end.to_owned()));
    }
    let name = format!("selftest-{}", marker.get(..8).unwrap_or_default());
    let mut command = palisade_run(args, &operator, &name);
    let started = command
        .arg("--stage")
        .arg(decoys.workspace())
        .arg("--")
        .arg(own_program())
        .arg("attempt")
        .env(MARKER, &marker)
        .stdin(decoys.input(&targets).map_err(|error| failed("what is aimed at", error))?)
        .output()
        .map_err(|error| failed("start palisade", error))?;
    let (attempts, permitted) = reports(&started)?;
    let judge = Judge::new(&policy, denied(&operator.state_dir, &name)?);
    let judged: Vec<(Report, Standing)> = attempts
        .into_iter()
        .map(|mut report| {
            look_outside(&mut report, decoys.daemon());
            let standing = judge.judge(&report);
            (report, standing)
        })
        .collect();
    tell(args, &name, &judged, &permitted)
}

/// The session as the user would start it.
fn palisade_run(args: &Args, operator: &Operator, name: &str) -> Command {
    let mut command = Command::new(own_program());
    command.args(["run", "--quiet", "--name", name]).current_dir(&operator.directory);
    if let Some(file) = &args.policy {
        command.arg("--policy").arg(file);
    }
    if let Some(profile) = &args.profile {
        command.arg("--profile").arg(profile);
    }
    for kind in &args.allow_degraded {
        command.args(["--allow-degraded", kind.name()]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// As the policy passes variables: a name, or the beginning of names with a `*` behind it.
fn passes(pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == MARKER, |start| MARKER.starts_with(start))
}

/// What only somebody outside can tell: whether what was left behind is still there.
fn look_outside(report: &mut Report, daemon: &str) {
    if !matches!(report.outcome, Outcome::Seemed(_)) {
        return;
    }
    let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
    let left = listed
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(daemon));
    report.outcome = if left {
        Outcome::Worked("it runs on the host, after the sandbox's end".to_owned())
    } else {
        Outcome::Stopped("it ended with the sandbox".to_owned())
    };
}

fn tell(
    args: &Args,
    name: &str,
    judged: &[(Report, Standing)],
    permitted: &[Report],
) -> Result<ExitCode, Failure> {
    let count = |wanted: fn(&Standing) -> bool| {
        judged.iter().filter(|(_, standing)| wanted(standing)).count()
    };
    let held = count(|standing| *standing == Standing::Held);
    let by_rule = count(|standing| matches!(standing, Standing::Permitted(_)));
    let not_tried = count(|standing| *standing == Standing::NotTried);
    let holes = count(|standing| matches!(standing, Standing::Hole(_)));
    let working = permitted.iter().filter(|report| worked(report)).count();
    if args.json {
        let mut text: String = judged.iter().map(line).collect();
        text.extend(permitted.iter().map(|report| {
            let outcome = if worked(report) { "works" } else { "broken" };
            object(report, outcome, None, report.told())
        }));
        say(&text)?;
    } else {
        say(&attempts_table(judged))?;
        say(&permitted_table(permitted))?;
        let tried = judged.len().saturating_sub(not_tried);
        say(&format!(
            "\n{held} of {tried} attempts stopped, {by_rule} permitted by the policy, \
             {holes} got through; {not_tried} had nothing to aim at. {} of {} permitted acts work.\n\
             The journal: palisade logs {name}\n",
            working,
            permitted.len(),
        ))?;
    }
    for (report, standing) in judged {
        if let Standing::Hole(why) = standing {
            eprintln!("palisade: {}: {}: {why}", report.name, report.tries);
        }
    }
    Ok(if holds(judged, permitted) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Nothing got through, and the sandbox is not one in which nothing works.
fn holds(judged: &[(Report, Standing)], permitted: &[Report]) -> bool {
    let hole = |(_, standing): &(Report, Standing)| matches!(standing, Standing::Hole(_));
    !judged.iter().any(hole) && !permitted.is_empty() && permitted.iter().all(worked)
}

fn line((report, standing): &(Report, Standing)) -> String {
    match standing {
        Standing::Held => object(report, "stopped", None, report.told()),
        Standing::Permitted(rule) => object(report, "permitted", Some(rule), report.told()),
        Standing::Hole(why) => object(report, "hole", None, why),
        Standing::NotTried => object(report, "not_tried", None, report.told()),
    }
}

fn object(report: &Report, outcome: &str, rule: Option<&String>, told: &str) -> String {
    let (name, tries, layer) = (&report.name, &report.tries, report.layer);
    let object = json!({
        "name": name, "tries": tries, "layer": layer, "outcome": outcome, "rule": rule, "told": told,
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use palisade_core::Layer;
    use palisade_selftest::Aim;

    use super::*;

    fn report(outcome: Outcome) -> Report {
        let (name, tries) = ("a".into(), "try a".into());
        Report { name, tries, layer: Layer::Files, aim: Aim::Nothing, outcome }
    }

    #[test]
    fn one_hole_is_enough_and_so_is_one_act_that_fails() {
        let told = || "told".to_owned();
        let of = |standing| (report(Outcome::Stopped(told())), standing);
        let works = [report(Outcome::Worked(told()))];
        let good =
            [of(Standing::Held), of(Standing::Permitted("a rule".into())), of(Standing::NotTried)];
        assert!(holds(&good, &works));
        let hole = [of(Standing::Held), of(Standing::Hole(told()))];
        assert!(!holds(&hole, &works));
        assert!(!holds(&good, &[report(Outcome::Unclear(told()))]));
        assert!(!holds(&good, &[]));
        let line = line(&hole[1]);
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&object["outcome"], &object["told"]), (&"hole".into(), &"told".into()));
    }
}
