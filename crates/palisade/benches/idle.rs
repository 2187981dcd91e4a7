//! What a sandbox costs while its command only waits: memory, processor time, and what is left of many.
//!
//! ```text
//! cargo bench -p palisade --bench idle -- [--count 1000] [--seconds 10] [--json FILE]
//! ```
//!
//! Memory is the proportional share (PSS) of the supervisor and of init, not of the command. Only root
//! may look into a supervisor, so under an ordinary user what the machine has less is all that is told.

#[path = "idle/left.rs"]
mod left;
#[path = "idle/process.rs"]
mod process;
#[allow(dead_code, unused_imports, reason = "each bench uses a part of it")]
mod stage;
#[path = "idle/waiting.rs"]
mod waiting;

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use left::Left;
use process::{Memory, available};
use stage::{Caller, Outcome, Stage, keep, number, say};
use waiting::Waiting;

/// Launches at one time.
const PARALLEL: usize = 2;
/// How long a sandbox has what the launch leaves to be done.
const SETTLED: Duration = Duration::from_secs(3);
/// An ordinary user shares what the kernel counts for each user among all sandboxes.
const OF_A_USER: usize = 100;

fn main() -> Outcome<()> {
    let seconds = Duration::from_secs(number("--seconds", 10)?.try_into()?);
    // Each has a pipe to us.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    let mut all = Vec::new();
    for caller in Caller::all() {
        let usual = if *caller == Caller::Root { 1000 } else { OF_A_USER };
        let stage = Stage::of(*caller)?;
        let one = of_one(&stage, *caller)?;
        let many = of_many(&stage, *caller, number("--count", usual)?, seconds)?;
        all.push(json!({ "caller": caller.name(), "one": one, "many": many }));
    }
    keep("idle", Value::Array(all))
}

/// One alone: nobody shares the program's text with it.
fn of_one(stage: &Stage, caller: Caller) -> Outcome<Value> {
    let one = Waiting::start(stage)?;
    // What the launch leaves to be done is done.
    thread::sleep(SETTLED);
    let [supervisor, init] = one.memory()?.map_or([None; 2], |each| each.map(Some));
    for (name, memory) in [("supervisor", supervisor), ("init", init)] {
        match memory {
            Some(memory) => say(format_args!("{:6} one alone: {name:10} {memory}", caller.name()))?,
            None => say(format_args!("{:6} one alone: only root may look into it", caller.name()))?,
        }
    }
    one.end()?;
    Ok(json!({ "supervisor": supervisor.map(Memory::kept), "init": init.map(Memory::kept) }))
}

fn of_many(stage: &Stage, caller: Caller, count: usize, seconds: Duration) -> Outcome<Value> {
    let before = Left::look(&stage.program())?;
    let free = available()?;
    let start = Instant::now();
    let all = start_all(stage, count)?;
    let took = start.elapsed();
    thread::sleep(SETTLED);
    let less = free.saturating_sub(available()?);

    let mut sum = Memory::default();
    let mut seen = true;
    for one in &all {
        match one.memory()? {
            Some(each) => each.into_iter().for_each(|memory| sum += memory),
            None => seen = false,
        }
    }
    let used = processor_time(&all)?;
    thread::sleep(seconds);
    let used = processor_time(&all)?.saturating_sub(used);
    let alive = all.iter().filter(|one| one.lives()).count();

    let start = Instant::now();
    all.iter().try_for_each(Waiting::ask_to_end)?;
    let ended = all.into_iter().map(Waiting::end).filter(Outcome::is_ok).count();
    let ending = start.elapsed();
    let left = Left::beyond(&before, &stage.program())?;

    let each = |kilobytes: u64| kilobytes / count.max(1) as u64;
    say(format_args!(
        "{:6} {count} idle at once: started in {:.1} s, {alive} live, {ended} ended regularly in {:.1} s",
        caller.name(),
        took.as_secs_f64(),
        ending.as_secs_f64(),
    ))?;
    if seen {
        say(format_args!("{:6} supervisor and init of each: {}", caller.name(), sum.part(count)))?;
    }
    say(format_args!(
        "{:6} with the kernel's and the command's: {} kB of the machine's memory each; all use {:.1} ms of \
         processor a second",
        caller.name(),
        each(less),
        used.as_secs_f64() * 1e3 / seconds.as_secs_f64(),
    ))?;
    say(format_args!("{:6} left afterwards: {left}", caller.name()))?;
    if alive != count || ended != count || !left.is_nothing() {
        return Err("not all lived, or something is left".into());
    }
    Ok(json!({
        "count": count,
        "start_s": took.as_secs_f64(),
        "end_s": ending.as_secs_f64(),
        "each": seen.then(|| sum.part(count).kept()),
        "machine_kb_each": each(less),
        "processor_ms_a_second": used.as_secs_f64() * 1e3 / seconds.as_secs_f64(),
    }))
}

fn start_all(stage: &Stage, count: usize) -> Outcome<Vec<Waiting>> {
    let parts: Vec<_> = thread::scope(|scope| {
        let start_part = |part: usize| {
            let each = (part..count).step_by(PARALLEL);
            each.map(|_| Waiting::start(stage).map_err(|error| error.to_string())).collect()
        };
        let threads: Vec<_> =
            (0..PARALLEL).map(|part| scope.spawn(move || start_part(part))).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut all = Vec::new();
    for part in parts {
        let part: Result<Vec<_>, String> = part.map_err(|_| "a thread that starts them failed")?;
        all.extend(part.map_err(|why| format!("not all of {count} were started: {why}"))?);
    }
    Ok(all)
}

fn processor_time(all: &[Waiting]) -> Outcome<Duration> {
    all.iter().map(Waiting::processor_time).sum()
}
