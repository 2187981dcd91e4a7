//! What a rule for commands costs each program that is executed.
//!
//! ```text
//! cargo bench -p palisade --bench exec -- [--execs 500] [--rounds 7]
//! ```
//!
//! A program inside starts `/bin/true` again and again and takes the time of each; with a rule for commands and without, by
//! turns. Under root all is measured twice, as root and as an ordinary user.

#[allow(dead_code, unused_imports, reason = "each bench uses a part of it")]
mod stage;

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use stage::{Caller, Outcome, Stage, keep, number, say};

/// Prints the median and the 99th of a hundred, in microseconds.
const INSIDE: &str = "\
import os, sys, time
times = []
for turn in range(int(sys.argv[1])):
    before = time.perf_counter_ns()
    os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)
    times.append(time.perf_counter_ns() - before)
times.sort()
print(times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000)
";

fn main() -> Outcome<()> {
    let (execs, rounds) = (number("--execs", 500)?, number("--rounds", 7)?);
    say(format_args!(
        "{:6} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "caller", "p50 us", "with rule", "more", "p99 us", "with rule"
    ))?;
    let mut all = Vec::new();
    for caller in Caller::all() {
        all.push(of_caller(*caller, execs, rounds)?);
    }
    keep("exec", Value::Array(all))
}

fn of_caller(caller: Caller, execs: usize, rounds: usize) -> Outcome<Value> {
    let stage = Stage::of(caller)?;
    let folder = stage.workspace();
    let (plain, ruled) = (folder.join("plain.yaml"), folder.join("ruled.yaml"));
    fs::write(&plain, "palisade: 1\nextends: [shell]\n")?;
    let rules = "permissions: {deny: ['Bash(curl *)', 'Bash(git push --force *)'], ask: ['Bash(npm publish *)']}";
    fs::write(&ruled, format!("palisade: 1\nextends: [shell]\n{rules}\n"))?;
    let execs = execs.to_string();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (policy, times) in [&plain, &ruled].into_iter().zip(&mut times) {
            let mut command = stage.command(stage.program());
            command.args(["run", "--quiet", "--policy"]).arg(policy);
            command.args(["--", "python3", "-c", INSIDE, &execs]);
            let ran = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
            let said = String::from_utf8(ran.stdout)?;
            let mut numbers = said.split_whitespace().map(str::parse::<f64>);
            let (Some(p50), Some(p99)) = (numbers.next(), numbers.next()) else {
                return Err(format!("{said}{}", String::from_utf8_lossy(&ran.stderr)).into());
            };
            times.push((p50?, p99?));
        }
    }
    let middle = |times: &mut Vec<(f64, f64)>| {
        times.sort_by(|one, other| one.0.total_cmp(&other.0));
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let [plain, ruled] = &mut times;
    let (plain, ruled) = (middle(plain), middle(ruled));
    let more = ruled.0 - plain.0;
    say(format_args!(
        "{:6} {:12.1} {:12.1} {more:12.1} {:12.1} {:12.1}",
        caller.name(),
        plain.0,
        ruled.0,
        plain.1,
        ruled.1
    ))?;
    Ok(json!({
        "caller": caller.name(),
        "plain_us": {"p50": plain.0, "p99": plain.1},
        "ruled_us": {"p50": ruled.0, "p99": ruled.1},
        "more_us": more,
    }))
}
