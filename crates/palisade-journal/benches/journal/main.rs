//! What the journal costs: records a second, how long a decision waits for its record, what a session's begin and end
//! cost, and how fast all of it is verified.
//!
//! ```text
//! cargo bench -p palisade-journal --bench journal [-- --records 1000000 --folder DIR]
//! ```
//!
//! The folder is on the disk that is to be measured; by default the system's for temporary files. `--only append,verify` leaves
//! out the other parts (`sessions`, `commits`, `proofs`, `peers`), and `taskset -c 0` before the program shows what one core does.
//! Peers are measured in the same run where they are installed, or where `JOURNAL_REMOTE` and `AUDITD` say that
//! `systemd-journal-remote` and `auditd` are.
//!
//! `--grow 1000000,10000000,100000000` does nothing but let one journal grow to these sizes, in sessions of five million records
//! (`--each`) that are compressed as they end, as `palisade audit prune` does it. At each size another process verifies all of it
//! and says what the most memory was that it had. A hundred million take some 9 GB, and 3 more meanwhile.

#![allow(clippy::print_stdout, reason = "a bench tells")]

mod peers;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_journal::{
    Durability, Journal, JournalError, journal_dir, keep,
    proof::Prover,
    verify::{self, Options},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    if let Some(state) = argument(VERIFY) {
        return verify_alone(Path::new(&state));
    }
    if let Some(folder) = argument(peers::AUDITD) {
        return peers::auditd_alone(Path::new(&folder));
    }
    let records = argument("--records").map_or(Ok(1_000_000), |text| text.parse())?;
    let own;
    let folder = match argument("--folder") {
        Some(folder) => PathBuf::from(folder),
        None => {
            own = tempfile::tempdir()?;
            own.path().to_owned()
        }
    };
    let state = folder.join("palisade-bench-state");
    fs::create_dir_all(&state)?;
    if let Some(sizes) = argument("--grow") {
        let sizes: Result<Vec<u64>, _> = sizes.split(',').map(str::parse).collect();
        grow(&state, &sizes?)?;
        fs::remove_dir_all(&state)?;
        return Ok(());
    }
    let only = argument("--only");
    let wanted = |part| only.as_ref().is_none_or(|only| only.split(',').any(|one| one == part));
    if wanted("sessions") {
        sessions(&state)?;
    }
    if wanted("commits") {
        commits(&state)?;
    }
    if wanted("append") {
        long(&state, records)?;
    }
    if wanted("append") && wanted("verify") {
        verified(&state)?;
    }
    if wanted("append") && wanted("proofs") {
        proofs(&state)?;
    }
    if wanted("peers") {
        peers::all(&folder, records.min(200_000))?;
    }
    fs::remove_dir_all(&state)?;
    Ok(())
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

fn event(number: u64) -> Event {
    let mut event = Event::observed("connect", Layer::Egress, format!("{number}.example:443"));
    event.decision = Verdict::Allow;
    event.rule = Some("network.rules[3]".into());
    event.reason = "a rule permits it".into();
    event.with("host", "api.example").with("port", 443).with("binary", "/usr/bin/curl")
}

fn open(state: &Path, name: &str) -> Outcome<Journal> {
    let session: SessionId = name.parse()?;
    Ok(Journal::open(state, &session, None, &PolicyDigest::of(b"policy"))?)
}

fn close(journal: &Journal) -> Outcome {
    let end = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(end, Durability::Written)?;
    Ok(())
}

fn line(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 1000).copied().unwrap_or_default();
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let (p50, p99, p999) = (us(at(500)), us(at(990)), us(at(999)));
    println!("{name:44} p50 {p50:9.1} us  p99 {p99:9.1} us  p99.9 {p999:9.1} us");
}

/// The begin and the end of a session, which every launch pays.
fn sessions(state: &Path) -> Outcome {
    let start = Instant::now();
    close(&open(state, "first")?)?;
    println!(
        "{:44} {:9.1} us",
        "first session, makes the key",
        start.elapsed().as_secs_f64() * 1e6
    );
    let (mut opening, mut closing) = (Vec::new(), Vec::new());
    for number in 0..1000 {
        let start = Instant::now();
        let journal = open(state, &format!("short-{number}"))?;
        opening.push(start.elapsed());
        let start = Instant::now();
        close(&journal)?;
        closing.push(start.elapsed());
    }
    line("session: open", &mut opening);
    line("session: close", &mut closing);
    Ok(())
}

/// `tasks` at once, each its next record when it has the one before; how long each waited.
fn storm(
    journal: &Journal,
    tasks: u64,
    each: u64,
    durability: Durability,
) -> Outcome<(Duration, Vec<Duration>)> {
    paced(journal, tasks, each, durability, None)
}

/// The same with so many records a second in all, if it is said.
fn paced(
    journal: &Journal,
    tasks: u64,
    each: u64,
    durability: Durability,
    rate: Option<u32>,
) -> Outcome<(Duration, Vec<Duration>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let callers = u32::try_from(tasks)?;
    let every = rate.map(|rate| Duration::from_secs(1) * callers / rate);
    let waits = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    runtime.block_on(async {
        let running: Vec<_> = (0..tasks)
            .map(|task| {
                let (journal, waits) = (journal.clone(), Arc::clone(&waits));
                tokio::spawn(async move {
                    let mut mine = Vec::with_capacity(usize::try_from(each).unwrap_or(0));
                    let mut turns = every.map(tokio::time::interval);
                    for number in 0..each {
                        if let Some(turns) = &mut turns {
                            turns.tick().await;
                        }
                        let start = Instant::now();
                        let event = event(task * each + number);
                        match durability {
                            Durability::Written => journal.record(event).await?,
                            Durability::Durable => journal.record_durable(event).await?,
                        };
                        mine.push(start.elapsed());
                    }
                    waits.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
                    Ok::<_, JournalError>(())
                })
            })
            .collect();
        for task in running {
            task.await??;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let took = start.elapsed();
    let waits = std::mem::take(&mut *waits.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((took, waits))
}

/// Records that share syncs, and decisions that wait for a record beside them.
fn commits(state: &Path) -> Outcome {
    for (name, tasks, each) in [("one at a time", 1, 300), ("512 at once", 512, 200)] {
        let journal = open(state, &format!("durable-{tasks}"))?;
        let (took, mut waits) = storm(&journal, tasks, each, Durability::Durable)?;
        close(&journal)?;
        println!("durable, {name:35} {:9.0} records/s", rate(tasks * each, took));
        line(&format!("durable, {name}: wait"), &mut waits);
    }
    println!("a decision's wait beside 512 callers whose records are durable");
    waits_beside(state, "as fast as it goes", None, 200)?;
    waits_beside(state, "50,000 a second", Some(50_000), 200)
}

/// How long decisions wait for their record beside this load.
fn waits_beside(state: &Path, name: &str, rate: Option<u32>, each: u64) -> Outcome {
    let journal = open(state, &format!("beside-{}", rate.unwrap_or_default()))?;
    let beside = journal.clone();
    let load = std::thread::spawn(move || {
        paced(&beside, 512, each, Durability::Durable, rate)
            .map(|(took, _)| took)
            .map_err(|error| error.to_string())
    });
    let (mut waits, mut own) = (Vec::new(), Vec::new());
    // When it has written something it has its name.
    journal.record_blocking(event(0), Durability::Written)?;
    let threads = [PathBuf::from("/proc/thread-self"), writer()?];
    while !load.is_finished() {
        let (queued, start) = (queued(&threads), Instant::now());
        journal.record_blocking(event(0), Durability::Written)?;
        let took = start.elapsed();
        waits.push(took);
        own.push(took.saturating_sub(self::queued(&threads).saturating_sub(queued)));
        std::thread::sleep(Duration::from_micros(200));
    }
    let took = load.join().map_err(|_| "the load ended")??;
    close(&journal)?;
    line(&format!("  {name}: {:.0} a second", self::rate(512 * each, took)), &mut waits);
    line("  the same without waiting for a processor", &mut own);
    Ok(())
}

/// The journal's writer.
fn writer() -> Outcome<PathBuf> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == "journal" {
            return Ok(task);
        }
    }
    Err("the journal has no writer".into())
}

/// How long these threads were ready and had no processor: what a machine with other work adds to each wait.
fn queued(threads: &[PathBuf]) -> Duration {
    let one = |task: &PathBuf| {
        let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
        text.split(' ')
            .nth(1)
            .and_then(|it| it.parse().ok())
            .map_or(Duration::ZERO, Duration::from_nanos)
    };
    threads.iter().map(one).sum()
}

/// One long session without syncs: chain, tree, a checkpoint each 4096 records.
fn long(state: &Path, records: u64) -> Outcome {
    let journal = open(state, "long")?;
    let before = processors();
    let (took, mut waits) = storm(&journal, 256, records / 256, Durability::Written)?;
    close(&journal)?;
    let used = each(records, processors() - before);
    println!("{:44} {used:9.2} us a record", "written, 256 at once: processors' time");
    println!("{:44} {:9.0} records/s", "written, 256 at once", rate(records, took));
    line("written, 256 at once: wait", &mut waits);
    Ok(())
}

fn verified(state: &Path) -> Outcome {
    let key = Prover::open(state)?.keys().into_iter().next().map(|(_, key)| key);
    let (before, used, start) = (peak(), processors(), Instant::now());
    let report = verify::verify(state, &Options { key, ..Options::default() })?;
    let took = start.elapsed();
    let used = each(report.records(), processors() - used);
    println!("{:44} {used:9.2} us a record", "verify, with a key: processors' time");
    if let Some(damage) = report.damages().next() {
        return Err(damage.to_string().into());
    }
    let size = fs::metadata(journal_dir(state).join("long/000001.jsonl"))?.len();
    println!(
        "{:44} {:9.0} records/s, {} MB, memory {} MB more (peak {} MB)",
        "verify, with a key",
        rate(report.records(), took),
        size >> 20,
        peak().saturating_sub(before) >> 10,
        peak() >> 10
    );
    Ok(())
}

/// What the process is told that verifies and does nothing else.
const VERIFY: &str = "--verify-alone";

/// One journal, verified as it grows.
fn grow(state: &Path, sizes: &[u64]) -> Outcome {
    let most: u64 = argument("--each").map_or(Ok(5_000_000), |text| text.parse())?;
    let (mut there, mut session) = (0, 0);
    let (mut making, mut packing) = (Duration::ZERO, Duration::ZERO);
    for size in sizes {
        while there < *size {
            session += 1;
            // Whole rounds of all tasks.
            let records = most.min(size - there).next_multiple_of(256);
            let name = format!("part-{session:04}");
            let journal = open(state, &name)?;
            let (took, _) = storm(&journal, 256, records / 256, Durability::Written)?;
            close(&journal)?;
            making += took;
            let start = Instant::now();
            let only = Some(name.parse()?);
            let (now, otherwise) = (palisade_journal::Timestamp::now(), keep::Retention::default());
            keep::tidy(state, &keep::Options { now, otherwise, only, dry: false })?;
            packing += start.elapsed();
            there += records;
        }
        println!(
            "{:44} written {:.0}/s, compressed {:.0}/s, {} MB in {session} sessions",
            format!("a journal of {there} records"),
            rate(there, making),
            rate(there, packing),
            bytes(&journal_dir(state))? >> 20,
        );
        let (used, start) = (children(), Instant::now());
        let ran = Command::new(std::env::current_exe()?).arg(VERIFY).arg(state).output()?;
        if !ran.status.success() {
            return Err(String::from_utf8_lossy(&ran.stderr).into_owned().into());
        }
        println!(
            "{:44} {:.0} records/s, {:.2} us of processors' time a record, {}",
            "verify, compressed, with a key",
            rate(there, start.elapsed()),
            each(there, children().saturating_sub(used)),
            String::from_utf8_lossy(&ran.stdout).trim()
        );
    }
    Ok(())
}

/// Verify, in a process that did nothing before.
fn verify_alone(state: &Path) -> Outcome {
    let key = Prover::open(state)?.keys().into_iter().next().map(|(_, key)| key);
    let before = peak();
    let report = verify::verify(state, &Options { key, ..Options::default() })?;
    if let Some(damage) = report.damages().next() {
        return Err(damage.to_string().into());
    }
    let (records, most) = (report.records(), peak());
    println!("{records} records, peak memory {most} KB ({before} KB when it began)");
    Ok(())
}

/// Bytes of all files below.
fn bytes(folder: &Path) -> Outcome<u64> {
    let mut all = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        all += if meta.is_dir() { bytes(&entry.path())? } else { meta.len() };
    }
    Ok(all)
}

fn proofs(state: &Path) -> Outcome {
    let session: SessionId = "long".parse()?;
    let start = Instant::now();
    let prover = Prover::open(state)?;
    let opened = start.elapsed();
    let proof = prover.prove(&[(session.clone(), 10), (session, 5000)])?;
    println!(
        "{:44} {:9.1} ms, {} bytes (the ledger read in {:.1} ms)",
        "proof of two records",
        (start.elapsed() - opened).as_secs_f64() * 1e3,
        serde_json::to_string(&proof)?.len(),
        opened.as_secs_f64() * 1e3
    );
    Ok(())
}

fn rate(records: u64, took: Duration) -> f64 {
    u32::try_from(records).map_or(0.0, f64::from) / took.as_secs_f64()
}

/// The processors' time that this process used, which other work on the machine does not change much.
fn processors() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The same of programs that this process waited for, to a hundredth of a second.
fn children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit(')').next().unwrap_or_default();
    // Behind the name: cutime and cstime are members 16 and 17 of all (proc_pid_stat(5)), in ticks of 1/100 s.
    let ticks = behind.split_whitespace().skip(13).take(2);
    Duration::from_millis(ticks.filter_map(|it| it.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn each(records: u64, used: Duration) -> f64 {
    used.as_secs_f64() * 1e6 / u32::try_from(records).map_or(1.0, f64::from)
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
