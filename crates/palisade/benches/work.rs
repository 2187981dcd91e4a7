//! What work costs inside, beside the same work outside and under bubblewrap.
//!
//! ```text
//! cargo bench -p palisade --bench work -- [--rounds 15] [--job NAME] [--json FILE]
//! ```
//!
//! Three shells stand all the while: outside, in a sandbox of ours, in the peer's. Each does the same
//! job in the same folder when it is its turn, so that no launch is measured, and what else the machine
//! does is in all three. Processor time is that of the work, over all rounds: it suffers less from others
//! on the machine. Under root all is measured twice, as root and as an ordinary user.

#[path = "work/files.rs"]
mod files;
#[path = "work/jobs.rs"]
mod jobs;
#[path = "work/shell.rs"]
mod shell;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod stage;

use std::{fs, process::Command, time::Duration};

use serde_json::{Value, json};

use jobs::{JOBS, Job};
use shell::Shell;
use stage::{BUBBLEWRAP, Caller, Outcome, Sample, Stage, keep, number, say, text};

const NAMES: [&str; 3] = ["outside", "palisade", "bubblewrap"];

fn main() -> Outcome<()> {
    if let Some(count) = text("--files") {
        return files::work(count.parse()?);
    }
    let rounds = number("--rounds", 15)?;
    say(format_args!(
        "{:6} {:12} {:5} {:>10} {:>10} {:>7} {:>12} {:>7}",
        "caller", "job", "ms", "outside", "palisade", "ratio", "bubblewrap", "ratio"
    ))?;
    let mut all = Vec::new();
    for caller in Caller::all() {
        all.push(of_caller(*caller, rounds)?);
    }
    keep("work", Value::Array(all))
}

fn of_caller(caller: Caller, rounds: usize) -> Outcome<Value> {
    let stage = Stage::of(caller)?;
    lay_out(&stage)?;
    let only = text("--job");
    let wanted = |job: &&Job| only.as_deref().is_none_or(|name| name == job.name);
    let mut ready = Vec::new();
    for job in JOBS.iter().filter(wanted) {
        let prepared = Shell::start(in_workspace(stage.command("sh"), &stage))?.run(job.prepare);
        match prepared {
            Ok(_) => ready.push(job),
            Err(error) => {
                say(format_args!("{:6} {:12} left out: {error}", caller.name(), job.name))?
            }
        }
    }
    let mut shells = [
        Shell::start(in_workspace(stage.command("sh"), &stage))?,
        Shell::start(in_workspace(palisade(&stage), &stage))?,
        Shell::start(in_workspace(bubblewrap(&stage), &stage))?,
    ];
    let mut measured = Vec::new();
    for job in ready {
        measured.push(of_job(caller, job, &mut shells, rounds)?);
    }
    for shell in shells {
        shell.end()?;
    }
    Ok(json!({ "caller": caller.name(), "jobs": measured }))
}

fn of_job(caller: Caller, job: &Job, shells: &mut [Shell; 3], rounds: usize) -> Outcome<Value> {
    let once = |shell: &mut Shell| {
        shell.run(job.before)?;
        let before = shell.processor_time()?;
        let took = shell.run(job.work)?;
        Outcome::Ok((took, shell.processor_time()?.saturating_sub(before)))
    };
    let mut used = [Duration::ZERO; 3];
    let mut samples = [const { Sample::new() }; 3];
    for shell in &mut *shells {
        once(shell)?;
    }
    for round in 0..rounds {
        // Each comes first, second and third as often as the others.
        for turn in 0..shells.len() {
            let at = (round + turn) % shells.len();
            if let (Some(shell), Some(sample), Some(used)) =
                (shells.get_mut(at), samples.get_mut(at), used.get_mut(at))
            {
                let (took, processor) = once(shell)?;
                sample.push(took);
                *used += processor;
            }
        }
    }
    let used = used.map(|used| used.as_secs_f64() * 1e3 / number_of(rounds));
    let [outside, palisade, bubblewrap] = &samples;
    let [outside_cpu, palisade_cpu, bubblewrap_cpu] = used;
    let found = [
        (
            "time",
            outside.median(),
            palisade.median(),
            palisade.ratio_to(outside),
            bubblewrap.median(),
            bubblewrap.ratio_to(outside),
        ),
        (
            "cpu",
            outside_cpu,
            palisade_cpu,
            palisade_cpu / outside_cpu,
            bubblewrap_cpu,
            bubblewrap_cpu / outside_cpu,
        ),
    ];
    for (what, outside, palisade, ratio, bubblewrap, peer_ratio) in found {
        say(format_args!(
            "{:6} {:12} {what:5} {outside:10.1} {palisade:10.1} {ratio:7.3} {bubblewrap:12.1} {peer_ratio:7.3}",
            caller.name(),
            job.name,
        ))?;
    }
    let kept: serde_json::Map<_, _> = NAMES
        .iter()
        .zip(&samples)
        .zip(used)
        .map(|((name, sample), cpu)| {
            ((*name).to_owned(), json!({ "time": sample.kept(), "cpu_ms": cpu }))
        })
        .collect();
    Ok(json!({ "job": job.name, "ratio": palisade.ratio_to(outside), "measured": kept }))
}

fn number_of(rounds: usize) -> f64 {
    u32::try_from(rounds).map_or(f64::NAN, f64::from)
}

/// What the jobs need: this program, for the work with files; the toolchain, under a name that every
/// caller can reach; a policy that lets it be read.
fn lay_out(stage: &Stage) -> Outcome<()> {
    let worker = stage.workspace().join("worker");
    fs::copy(std::env::current_exe()?, &worker)?;
    stage.own(&worker)?;
    let toolchain = stage.toolchain();
    fs::create_dir(&toolchain)?;
    let found = Command::new("rustc").args(["--print", "sysroot"]).output();
    if let Ok(found) = found {
        let from = String::from_utf8(found.stdout)?;
        let from = from.trim();
        for part in ["bin", "lib"] {
            // Links where they can be made: it is half a gigabyte.
            let copied = |how| {
                Command::new("cp").arg(how).arg(format!("{from}/{part}")).arg(&toolchain).output()
            };
            if !copied("-al").is_ok_and(|done| done.status.success()) {
                fs::remove_dir_all(toolchain.join(part)).unwrap_or_default();
                copied("-a")?;
            }
        }
    }
    let policy = format!(
        "palisade: 1\nextends: [shell]\nfilesystem:\n  workspace: {{path: {}, access: rw}}\n  read: [{}]\n",
        stage.workspace().display(),
        toolchain.display(),
    );
    Ok(fs::write(stage.policy(), policy)?)
}

fn palisade(stage: &Stage) -> Command {
    let mut command = stage.command(stage.program());
    command.arg("run").arg("--quiet").arg("--policy").arg(stage.policy()).args(["--", "sh"]);
    command
}

/// As in the bench of launches, with the folders of this one.
fn bubblewrap(stage: &Stage) -> Command {
    let [program, arguments @ .., _] = BUBBLEWRAP;
    let mut command = stage.command(program);
    command
        .args(arguments)
        .arg("--bind")
        .args([stage.workspace(), stage.workspace()])
        .arg("--ro-bind")
        .args([stage.toolchain(), stage.toolchain()])
        .arg("--chdir")
        .arg(stage.workspace())
        .args(["--", "sh"]);
    command
}

/// Where the toolchain is, said in the first line: what is inside of the environment is the policy's.
fn in_workspace(command: Command, stage: &Stage) -> shell::Setting {
    let workspace = stage.workspace().display().to_string();
    let setting = format!(
        "cd {workspace} && umask 022 && export W={workspace} HOME={workspace}/home PATH={}/bin:/usr/local/bin:/usr/bin:/bin",
        stage.toolchain().display()
    );
    shell::Setting { command, setting }
}
