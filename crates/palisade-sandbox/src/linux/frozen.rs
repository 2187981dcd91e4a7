//! Keeping processes where they stand. A stopped process goes on at `SIGCONT` whoever sends it, and one can have the
//! kernel send it later: by a timer, by a descriptor's `F_SETSIG`, at a parent's death. See `signal(7)`.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::sys::signal;

/// Between two looks; and no look may cost more than a tenth of the time.
const APART: Duration = Duration::from_millis(50);
/// One that was never seen to stand is given so many looks: on a loaded machine a stop takes its time.
const LOOKS: u32 = 40;

/// What a process does at one look: the last of these that a thread of it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    Stand,
    Unknown,
    Go,
}

/// What is known of a process that is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Stands,
    /// So many looks found it going.
    Goes(u32),
}

/// The processes of a frozen sandbox. One that goes on, or is born, is ended.
#[derive(Debug)]
pub(super) struct Frozen {
    known: Option<BTreeMap<i32, Known>>,
    due: Instant,
}

impl Frozen {
    /// Stop all there are.
    pub(super) fn all() -> Self {
        // With nobody there is nobody to stop.
        signal::signal_all(Signal::STOP.as_raw()).unwrap_or_default();
        // From now on nobody can be born of one that stands.
        let known = states().map(|seen| seen.into_iter().map(|(pid, _)| (pid, Known::Goes(0))));
        Self { known: known.map(Iterator::collect), due: Instant::now() + APART }
    }

    /// Let all go on.
    pub(super) fn thaw(self) {
        signal::signal_all(Signal::CONT.as_raw()).unwrap_or_default();
    }

    /// How long there is nothing to do.
    pub(super) fn rest(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Look whether all stand, if it is time for that.
    pub(super) fn look(&mut self) {
        let begun = Instant::now();
        if begun < self.due {
            return;
        }
        if let (Some(known), Some(seen)) = (&mut self.known, states()) {
            seen.into_iter()
                .filter(|(pid, does)| judge(known, *pid, *does))
                .for_each(|(pid, _)| end(pid));
        }
        signal::signal_all(Signal::STOP.as_raw()).unwrap_or_default();
        self.due = Instant::now() + APART.max(begun.elapsed().saturating_mul(10));
    }
}

/// Whether a process is to be ended for what it does.
fn judge(known: &mut BTreeMap<i32, Known>, pid: i32, does: Does) -> bool {
    // Unknown ones were born of one that went on.
    let Some(state) = known.get_mut(&pid) else { return true };
    match (*state, does) {
        (Known::Stands, Does::Go) => true,
        (Known::Goes(looks), Does::Go) => {
            *state = Known::Goes(looks.saturating_add(1));
            looks >= LOOKS
        }
        (_, Does::Stand) => {
            *state = Known::Stands;
            false
        }
        (_, Does::Unknown) => false,
    }
}

fn end(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may be gone meanwhile.
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }
}

/// Each process but this one, and what it does. `None` without `/proc`.
fn states() -> Option<Vec<(i32, Does)>> {
    let mut seen = Vec::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if pid == 1 {
            continue;
        }
        let tasks = fs::read_dir(entry.path().join("task")).into_iter().flatten().flatten();
        let threads = tasks.map(|task| fs::read(task.path().join("stat")).unwrap_or_default());
        seen.push((pid, threads.map(|stat| of_thread(&stat)).max().unwrap_or(Does::Unknown)));
    }
    // Not this namespace's, or hidden: then nothing is known of anybody.
    (!seen.is_empty()).then_some(seen)
}

/// What a thread does by a line of `proc_pid_stat(5)`. One in an uninterruptible wait stops when that is over, and runs a
/// moment before.
fn of_thread(stat: &[u8]) -> Does {
    let name_ends = stat.iter().rposition(|&byte| byte == b')');
    match name_ends.and_then(|at| stat.get(at.checked_add(2)?)) {
        Some(b'R' | b'S') => Does::Go,
        Some(b'T' | b't' | b'Z' | b'X') => Does::Stand,
        _ => Does::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_behind_the_last_bracket() {
        assert_eq!(of_thread(b"7 (a) T (b)) S 1 7"), Does::Go);
        assert_eq!(of_thread(b"7 (sh) R 1 7"), Does::Go);
        assert_eq!(of_thread(b"7 (a) R (b)) T 1 7"), Does::Stand);
        for unknown in [&b"7 (sh) D 1 7"[..], b"", b"7 (sh)", b"7 (sh)\xff"] {
            assert_eq!(of_thread(unknown), Does::Unknown);
        }
    }

    #[test]
    fn who_goes_on_is_ended() {
        let mut known = BTreeMap::from([5, 6, 7].map(|pid| (pid, Known::Goes(0))));
        assert!(!judge(&mut known, 5, Does::Go), "it may be slow");
        assert!(!judge(&mut known, 5, Does::Stand));
        assert!(!judge(&mut known, 5, Does::Stand));
        assert!(judge(&mut known, 5, Does::Go), "it stood");
        assert!(judge(&mut known, 9, Does::Unknown), "it was born meanwhile");
        // It waits for a disk, and stops as soon as it can.
        assert!(!judge(&mut known, 7, Does::Unknown) && !judge(&mut known, 7, Does::Go));
        let ended = (0..1000).position(|_| judge(&mut known, 6, Does::Go));
        assert_eq!(ended, Some(40));
    }
}
