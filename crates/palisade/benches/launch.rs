//! What a launch costs, beside bubblewrap: time, processor time, and launches a second.
//!
//! ```text
//! cargo bench -p palisade --bench launch -- [--pairs 300] [--seconds 5] [--json FILE]
//! ```
//!
//! Both start `/bin/true`, by turns, so that whatever else the machine does is in both. Under root
//! all is measured twice, as root and as an ordinary user.

#[allow(dead_code, reason = "each bench uses a part of it")]
mod stage;

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use stage::{Caller, Outcome, Sample, Stage, adopt, keep, number, once, processor_time, say};

const TRUE: [&str; 1] = ["/bin/true"];
/// Launches at one time, for the rate.
const PARALLEL: usize = 2;
/// Launches that processor time is taken over.
const BLOCK: u32 = 50;

fn main() -> Outcome<()> {
    let pairs = number("--pairs", 300)?;
    let seconds = Duration::from_secs(number("--seconds", 5)?.try_into()?);
    say(format_args!(
        "{:6} {:11} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8}",
        "caller", "", "p50 ms", "p99 ms", "min ms", "p99/p50", "cpu ms", "per s"
    ))?;
    let mut all = Vec::new();
    for caller in Caller::all() {
        all.push(of_caller(*caller, pairs, seconds)?);
    }
    keep("launch", Value::Array(all))
}

fn of_caller(caller: Caller, pairs: usize, seconds: Duration) -> Outcome<Value> {
    let stage = Stage::of(caller)?;
    let ours = || stage.palisade(&TRUE);
    let peer = || stage.bubblewrap(&TRUE);
    adopt(true)?;
    // The first fills the caches of the kernel and makes the state folder.
    for _ in 0..5 {
        once(&mut ours())?;
        once(&mut peer())?;
    }
    let (mut our_times, mut peer_times) = (Sample::default(), Sample::default());
    for _ in 0..pairs {
        peer_times.push(once(&mut peer())?);
        our_times.push(once(&mut ours())?);
    }
    let (peer_cpu, our_cpu) = (processor(&peer)?, processor(&ours)?);
    adopt(false)?;
    let (peer_rate, our_rate) = (rate(&peer, seconds)?, rate(&ours, seconds)?);
    let ratio = our_times.ratio_to(&peer_times);
    for (name, times, cpu, rate) in [
        ("bubblewrap", &peer_times, peer_cpu, peer_rate),
        ("palisade", &our_times, our_cpu, our_rate),
    ] {
        say(format_args!(
            "{:6} {name:11} {:8.2} {:8.2} {:8.2} {:9.2} {cpu:8.2} {rate:8.0}",
            caller.name(),
            times.median(),
            times.quantile(0.99),
            times.quantile(0.0),
            times.quantile(0.99) / times.median(),
        ))?;
    }
    say(format_args!(
        "{:6} palisade takes {ratio:.2} times as long (median of {pairs} pairs)",
        caller.name()
    ))?;
    Ok(json!({
        "caller": caller.name(),
        "ratio": ratio,
        "bubblewrap": { "time": peer_times.kept(), "cpu_ms": peer_cpu, "per_second": peer_rate },
        "palisade": { "time": our_times.kept(), "cpu_ms": our_cpu, "per_second": our_rate },
    }))
}

/// Processor time of one launch with all that belongs to it, in milliseconds.
fn processor(command: &impl Fn() -> Command) -> Outcome<f64> {
    let before = processor_time()?;
    for _ in 0..BLOCK {
        once(&mut command())?;
    }
    let used = processor_time()?.saturating_sub(before);
    Ok(used.as_secs_f64() * 1e3 / f64::from(BLOCK))
}

/// Launches a second, some at a time.
fn rate(command: &(impl Fn() -> Command + Sync), seconds: Duration) -> Outcome<f64> {
    let (done, failed) = (AtomicU32::new(0), AtomicU32::new(0));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while start.elapsed() < seconds {
                    let ended = command().status().is_ok_and(|status| status.success());
                    let count = if ended { &done } else { &failed };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let took = start.elapsed();
    match failed.into_inner() {
        0 => Ok(f64::from(done.into_inner()) / took.as_secs_f64()),
        some => Err(format!("{some} launches failed").into()),
    }
}
