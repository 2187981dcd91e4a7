//! `palisade demo`: a hostile agent in a real sandbox, on a stage of its own.
//!
//! Everything is done by the commands that a user has: the agent is this program again, started
//! by `palisade run`; what the layers say of it is read from the journal with `palisade audit`.

mod server;
mod stage;

use std::{
    env, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    sync::atomic::Ordering,
};

use palisade_policy::{Asked, CommandLine, load};
use palisade_selftest::{Judge, Standing, Targets};

use self::{server::Server, stage::Stage};
use super::hostile::{
    attempts_table, denied, holds_secret, own_program, permitted_table, reports, say, worked,
};
use crate::{
    failure::{Failure, Kind},
    operator::sources,
};

/// An address that belongs to nobody (RFC 5737).
const UNLISTED: &str = "203.0.113.7:80";
const KEY: &str = "ANTHROPIC_API_KEY";
/// What it tries, in this order.
const ATTEMPTS: [&str; 12] = [
    "reads_ssh_key",
    "writes_startup_file",
    "fetches_unlisted_address",
    "reaches_metadata_address",
    "resolves_unlisted_name",
    "opens_raw_socket",
    "traces_init",
    "becomes_root",
    "mounts",
    "signals_host_process",
    "reads_supervisor_environment",
    "takes_model_key",
];

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  palisade demo\n  palisade demo --report soc2.html\n\n\
    Exit code: 0 everything was stopped, and the rest works; 1 something was not; 3 no sandbox.")]
pub(crate) struct Args {
    /// Leave the demo's folder in place, with its journal.
    #[arg(long)]
    keep: bool,
    /// Write a report for an auditor on what happened, for SOC 2, as one page of HTML.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
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
    let (attempts, permitted) = reports(&started)?;
    let rules = load(&sources(
        &stage.operator(),
        Some(CommandLine::File(policy)),
        Asked::default(),
        "shell",
    ))
    .map_err(|found| Failure::new(Kind::Enforcement, format!("the demo's policy\n{found}")))?;
    let judge = Judge::new(&rules, denied(&stage.state(), "demo")?);
    let attempts: Vec<_> = attempts
        .into_iter()
        .map(|report| {
            let standing = judge.judge(&report);
            (report, standing)
        })
        .collect();
    let mut holes = attempts.iter().filter(|(_, standing)| *standing != Standing::Held).count();
    let mut broken = permitted.iter().filter(|report| !worked(report)).count();
    say(&attempts_table(&attempts))?;
    if !server.saw_key.load(Ordering::Relaxed) {
        broken += 1;
        say("\nThe model was not called with the real key.\n")?;
    }
    if holds_secret(&started, &stage.secret) {
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
    if let Some(path) = &args.report {
        report(&stage, path)?;
    }
    if args.keep {
        say(&format!("The folder is left in {}.\n", stage.keep().display()))?;
    }
    Ok(if holes == 0 && broken == 0 && whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn targets(stage: &Stage, port: u16) -> Targets {
    let (start, end) = stage.secret.split_at(stage.secret.len() / 2);
    Targets {
        only: ATTEMPTS.map(str::to_owned).to_vec(),
        home: Some(stage.home()),
        in_home: stage::IN_HOME.map(str::to_owned).to_vec(),
        workspace: Some(stage.workspace()),
        writable: true,
        host_process: i32::try_from(std::process::id()).ok(),
        marker: Some((start.to_owned(), end.to_owned())),
        unlisted_host: Some("unlisted.example".to_owned()),
        unlisted_address: UNLISTED.parse::<SocketAddr>().ok(),
        listed: Some((stage::LISTED.to_owned(), port)),
        model: Some("claude-demo".to_owned()),
        key_variable: Some(KEY.to_owned()),
        ..Targets::default()
    }
}

/// This program again, with an operator's environment that is the stage's.
fn palisade(stage: &Stage) -> Command {
    let mut command = Command::new(own_program());
    command
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
        .env("HOME", stage.home())
        .env("PALISADE_STATE", stage.state())
        .env("PALISADE_CONFIG", stage.folder().join("config"))
        .stdin(Stdio::null());
    command
}

/// Write what an auditor takes.
fn report(stage: &Stage, path: &Path) -> Result<(), Failure> {
    let file = path.to_string_lossy();
    say(&format!("\nand for an auditor:\n\n  palisade audit report --framework soc2 -o {file}\n"))?;
    let path = std::path::absolute(path)
        .map_err(|error| Failure::new(Kind::Usage, format!("{file}: {error}")))?;
    let path = path.as_os_str();
    let written = palisade(stage)
        .args(["audit", "report", "--framework", "soc2", "-o"])
        .arg(path)
        .output()
        .map_err(|error| Failure::new(Kind::Enforcement, format!("audit: {error}")))?;
    if written.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&written.stderr);
    Err(Failure::new(Kind::Enforcement, format!("the report was not written: {}", why.trim())))
}

fn audit(stage: &Stage, arguments: &[&str]) -> io::Result<Output> {
    palisade(stage).arg("audit").args(arguments).output()
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "  " + line + "\n")
}
