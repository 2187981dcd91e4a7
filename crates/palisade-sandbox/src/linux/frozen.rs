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
        match (&mut self.known, states()) {
            (Some(known), Some(seen)) => {
                let mut some = false;
                for (pid, goes) in seen {
                    some |= goes;
                    if judge(known, pid, goes) {
                        end(pid);
                    }
                }
                if some {
                    signal::signal_all(Signal::STOP.as_raw()).unwrap_or_default();
                }
            }
            // Who stands is not seen here.
            _ => signal::signal_all(Signal::STOP.as_raw()).unwrap_or_default(),
        }
        self.due = Instant::now() + APART.max(begun.elapsed().saturating_mul(10));
    }
}

/// Whether a process is to be ended for what it does.
fn judge(known: &mut BTreeMap<i32, Known>, pid: i32, goes: bool) -> bool {
    match known.get_mut(&pid) {
        // Born of one that went on.
        None => true,
        Some(Known::Stands) => goes,
        Some(Known::Goes(looks)) if goes => {
            *looks = looks.saturating_add(1);
            *looks > LOOKS
        }
        Some(state) => {
            *state = Known::Stands;
            false
        }
    }
}

fn end(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may be gone meanwhile.
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }
}

/// Each process but this one, and whether a thread of it goes. `None` without `/proc`.
fn states() -> Option<Vec<(i32, bool)>> {
    let mut seen = Vec::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if pid == 1 {
            continue;
        }
        let Ok(tasks) = fs::read_dir(entry.path().join("task")) else { continue };
        let goes = tasks
            .flatten()
            .any(|task| fs::read(task.path().join("stat")).is_ok_and(|stat| is_going(&stat)));
        seen.push((pid, goes));
    }
    // Not this namespace's, or hidden: then nothing is known of anybody.
    (!seen.is_empty()).then_some(seen)
}

/// Whether a line of `proc_pid_stat(5)` is of a thread that runs or could be woken. Stopped, traced and ended ones cannot, and
/// one in an uninterruptible wait stops when that is over.
fn is_going(stat: &[u8]) -> bool {
    let name_ends = stat.iter().rposition(|&byte| byte == b')');
    let state = name_ends.and_then(|at| stat.get(at.checked_add(2)?));
    matches!(state, Some(b'R' | b'S'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_behind_the_last_bracket() {
        assert!(is_going(b"7 (a) T (b)) S 1 7"));
        assert!(is_going(b"7 (sh) R 1 7"));
        assert!(!is_going(b"7 (a) R (b)) T 1 7"));
        assert!(!is_going(b"7 (sh) D 1 7"));
        assert!(!is_going(b""));
        assert!(!is_going(b"7 (sh)"));
        assert!(!is_going(b"7 (sh)\xff"));
    }

    #[test]
    fn who_goes_on_is_ended() {
        let mut known = BTreeMap::from([(5, Known::Goes(0)), (6, Known::Goes(0))]);
        assert!(!judge(&mut known, 5, true), "it may be slow");
        assert!(!judge(&mut known, 5, false));
        assert!(!judge(&mut known, 5, false));
        assert!(judge(&mut known, 5, true), "it stood");
        assert!(judge(&mut known, 9, false), "it was born meanwhile");
        let ended = (0..1000).position(|_| judge(&mut known, 6, true));
        assert_eq!(ended, Some(40));
    }
}
