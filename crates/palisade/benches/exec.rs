//! What a rule for commands costs each program that is executed.
//!
//! ```text
//! cargo bench -p palisade --bench exec -- [--execs 500] [--rounds 7]
//! ```
//!
//! A program inside starts `/bin/true` again and again and takes the time of each; then `make -j2` compiles a hundred small
//! files. Each with a rule for commands and without, by turns. Under root all is measured twice, as root and as an ordinary user.

#[allow(dead_code, unused_imports, reason = "each bench uses a part of it")]
mod stage;

use std::{fs, path::Path, process::Stdio};

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

/// Prints how long `make` took in all, in microseconds, and again.
const MAKES: &str = "\
import subprocess, time
with open('f.c', 'w') as f: f.write('int f(int a) { return a + 1; }\\n')
names = ' '.join('o%d' % n for n in range(100))
with open('Makefile', 'w') as f: f.write('all: %s\\n.PHONY: %s\\n%s: ; @cc -O1 -c -o $@ f.c\\n' % (names, names, names))
before = time.perf_counter_ns()
subprocess.run(['make', '-s', '-j2'], check=True)
took = (time.perf_counter_ns() - before) / 1000
print(took, took)
";

fn main() -> Outcome<()> {
    let (execs, rounds) = (number("--execs", 500)?, number("--rounds", 7)?);
    say(format_args!(
        "{:6} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "caller", "p50 us", "with rule", "more", "p99 us", "with rule", "make ratio"
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
    let mut makes = Vec::new();
    for _ in 0..rounds {
        let mut made = Vec::new();
        for (policy, times) in [&plain, &ruled].into_iter().zip(&mut times) {
            times.push(inside(&stage, policy, &["-c", INSIDE, &execs])?);
            made.push(inside(&stage, policy, &["-c", MAKES])?.0);
        }
        if let [plain, ruled] = made.as_slice() {
            makes.push((ruled / plain, *ruled));
        }
    }
    let middle = |times: &mut Vec<(f64, f64)>| {
        times.sort_by(|one, other| one.0.total_cmp(&other.0));
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let [plain, ruled] = &mut times;
    let (plain, ruled) = (middle(plain), middle(ruled));
    let more = ruled.0 - plain.0;
    let make = middle(&mut makes).0;
    say(format_args!(
        "{:6} {:12.1} {:12.1} {more:12.1} {:12.1} {:12.1} {make:12.3}",
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
        "make_ratio": make,
    }))
}

/// The two numbers that Python prints inside.
fn inside(stage: &Stage, policy: &Path, arguments: &[&str]) -> Outcome<(f64, f64)> {
    let mut command = stage.command(stage.program());
    command.args(["run", "--quiet", "--policy"]).arg(policy).args(["--", "python3"]);
    let ran = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    let said = String::from_utf8(ran.stdout)?;
    let mut numbers = said.split_whitespace().map(str::parse::<f64>);
    let (Some(one), Some(other)) = (numbers.next(), numbers.next()) else {
        return Err(format!("{said}{}", String::from_utf8_lossy(&ran.stderr)).into());
    };
    Ok((one?, other?))
}
