//! `palisade demo`: a hostile agent in a real sandbox, on a stage of its own.
//!
//! Everything is done by the commands that a user has: the agent is this program again, started
//! by `palisade run`; what the layers say of it is read from the journal with `palisade audit`.

mod server;
mod stage;

use std::{
    env,
    fmt::Write as _,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitCode, Output, Stdio},
    sync::atomic::Ordering,
};

use palisade_selftest::{Outcome, Report, Targets};

use self::{server::Server, stage::Stage};
use crate::failure::{Failure, Kind};

/// An address that belongs to nobody (RFC 5737).
const UNLISTED: &str = "203.0.113.7:80";
const KEY: &str = "ANTHROPIC_API_KEY";
/// The start of each line that the permitted acts print.
const PERMITTED: &str = "+";

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: palisade demo\n\n\
    Exit code: 0 everything was stopped, and the rest works; 1 something was not; 3 no sandbox.")]
pub(crate) struct Args {
    /// Leave the demo's folder in place, with its journal.
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let failed = |what: &str, error: io::Error| {
        Failure::new(Kind::Enforcement, format!("{what}: {error}"))
            .remedy("see that the folder for temporary files (TMPDIR) can be written")
    };
    let stage = Stage::set().map_err(|error| failed("the demo's folder", error))?;
    let server = Server::start(stage.secret.clone())
        .map_err(|error| failed("the demo's server on loopback", error))?;
    let policy = stage.write_policy(server.port).map_err(|error| failed("the policy", error))?;
    let targets = targets(&stage, server.port);

    say("A hostile agent is started in a sandbox:\n\n  \
         palisade run --policy demo.yaml --name demo -- the-agent\n\n\
         Its home has an SSH key, the operator's environment a model key.\n\n")?;
    let started = palisade(&stage)
        .args(["run", "--quiet", "--name", "demo", "--policy"])
        .arg(&policy)
        .arg("--")
        .arg(own_program())
        .arg("attempt")
        .stdin(stage.input(&targets).map_err(|error| failed("what the agent aims at", error))?)
        .current_dir(stage.workspace())
        .env(KEY, &stage.secret)
        .output()
        .map_err(|error| failed("start palisade", error))?;
    let (mut attempts, permitted) = reports(&started)?;
    for report in &mut attempts {
        look_outside(report, &stage);
    }
    let mut holes = attempts.iter().filter(|report| !stopped(report)).count();
    let mut broken = permitted.iter().filter(|report| !worked(report)).count();
    say(&attempts_table(&attempts))?;
    if !server.saw_key.load(Ordering::Relaxed) {
        broken += 1;
        say("\nThe model was not called with the real key.\n")?;
    }
    if inside_holds_secret(&started, &stage.secret) {
        holes += 1;
        say("\nThe secret was printed from inside.\n")?;
    }
    say(&permitted_table(&permitted))?;

    say("\nThe journal has what the layers decided:\n\n  palisade audit query --session demo\n\n")?;
    let query = audit(&stage, &["query", "--session", "demo"]).map_err(|e| failed("audit", e))?;
    say(&indented(&String::from_utf8_lossy(&query.stdout)))?;
    say("\nand it is whole:\n\n  palisade audit verify\n\n")?;
    let verify = audit(&stage, &["verify"]).map_err(|e| failed("audit", e))?;
    say(&indented(&String::from_utf8_lossy(&verify.stdout)))?;

    let whole = verify.status.success() && query.status.success();
    say(&format!(
        "\n{} of {} attempts stopped, {} of {} permitted acts work, the journal {}.\n",
        attempts.len() - holes.min(attempts.len()),
        attempts.len(),
        permitted.len().saturating_sub(broken),
        permitted.len(),
        if whole { "verifies" } else { "DOES NOT VERIFY" },
    ))?;
    if args.keep {
        say(&format!("The folder is left in {}.\n", stage.keep().display()))?;
    }
    Ok(if holes == 0 && broken == 0 && whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn targets(stage: &Stage, port: u16) -> Targets {
    let (start, end) = stage.secret.split_at(stage.secret.len() / 2);
    Targets {
        secret: Some(stage.ssh_key()),
        startup_file: Some(stage.startup_file()),
        workspace: Some(stage.workspace()),
        host_process: i32::try_from(std::process::id()).ok(),
        marker: Some((start.to_owned(), end.to_owned())),
        unlisted_host: Some("unlisted.example".to_owned()),
        unlisted_address: UNLISTED.parse::<SocketAddr>().ok(),
        host_loopback: Some(port),
        listed: Some((stage::LISTED.to_owned(), port)),
        model: Some("claude-demo".to_owned()),
        key_variable: Some(KEY.to_owned()),
    }
}

fn own_program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into())
}

/// This program again, with an operator's environment that is the stage's.
fn palisade(stage: &Stage) -> Command {
    let mut command = Command::new(env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into()));
    command
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
        .env("HOME", stage.home())
        .env("PALISADE_STATE", stage.state())
        .env("PALISADE_CONFIG", stage.folder().join("config"))
        .stdin(Stdio::null());
    command
}

fn audit(stage: &Stage, arguments: &[&str]) -> io::Result<Output> {
    palisade(stage).arg("audit").args(arguments).output()
}

/// What the agent printed, as attempts and as permitted acts.
fn reports(started: &Output) -> Result<(Vec<Report>, Vec<Report>), Failure> {
    let text = String::from_utf8_lossy(&started.stdout);
    let mut all = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (list, line) = match line.strip_prefix(PERMITTED) {
            Some(rest) => (&mut all.1, rest),
            None => (&mut all.0, line),
        };
        list.extend(serde_json::from_str::<Report>(line).ok());
    }
    if started.status.success() && !all.0.is_empty() && !all.1.is_empty() {
        return Ok(all);
    }
    let said = String::from_utf8_lossy(&started.stderr).trim().to_owned();
    let last = all.0.last().map(|report| format!(" after `{}`", report.tries)).unwrap_or_default();
    Err(Failure::new(
        Kind::Enforcement,
        format!("the agent did not run to its end{last} ({}): {said}", started.status),
    )
    .remedy("run `palisade doctor`"))
}

/// What only somebody outside can tell: whether the file that was written is the host's.
fn look_outside(report: &mut Report, stage: &Stage) {
    if let Outcome::Seemed(told) = &report.outcome {
        report.outcome = if report.name == "writes_startup_file" && stage.startup_is_unchanged() {
            Outcome::Stopped("it has a private home; the operator's file is unchanged".to_owned())
        } else {
            Outcome::Worked(told.clone())
        };
    }
}

fn stopped(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Stopped(_))
}

fn worked(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Worked(_))
}

fn inside_holds_secret(started: &Output, secret: &str) -> bool {
    [&started.stdout, &started.stderr]
        .into_iter()
        .any(|bytes| String::from_utf8_lossy(bytes).contains(secret))
}

fn attempts_table(reports: &[Report]) -> String {
    let mut table = format!("{:<44} {:<11} {}\n", "IT TRIES TO", "STOPPED BY", "AND SEES");
    for report in reports {
        let by = if stopped(report) { report.layer.as_str() } else { "NOTHING" };
        // Writing to a string cannot fail.
        writeln!(table, "{:<44} {by:<11} {}", report.tries, report.told()).unwrap_or_default();
    }
    table
}

fn permitted_table(reports: &[Report]) -> String {
    let mut table = format!("\n{:<44} {:<11} {}\n", "IT MAY", "LET BY", "AND GETS");
    for report in reports {
        let by = if worked(report) { report.layer.as_str() } else { "FAILED" };
        writeln!(table, "{:<44} {by:<11} {}", report.tries, report.told()).unwrap_or_default();
    }
    table
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "  " + line + "\n")
}

fn say(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Enforcement, format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
