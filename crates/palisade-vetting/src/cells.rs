use std::time::Duration;

use palisade_sandbox::{
    StepError,
    linux::cell::{CellEnd, CellLimits, Inside},
};
use palisade_skills::{Report, output};
use thiserror::Error;

/// Bytes of address space of a reader.
const MEMORY: u64 = 2 << 30;
/// How long one package may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How long a reader is used before another takes its place: what it used counts towards its limit.
pub(crate) const RENEWED: Duration = Duration::from_secs(60);
/// Threads that one package is judged with, at most.
pub(crate) const MOST_THREADS: usize = 4;
/// Bytes of a report.
pub(crate) const ANSWER: usize = 16 << 20;

/// Why nothing was vetted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VetError {
    /// The reader could not give up everything, so it read nothing.
    #[error("skills are read by a process without any rights, and it cannot be made: {0}")]
    Cell(#[from] StepError),
    /// Readers cannot be waited for.
    #[error("{0}")]
    Lost(#[from] CellEnd),
}

/// A fork has what other threads had begun and nobody goes on with: tests that fork or scan take turns.
#[cfg(test)]
pub(crate) static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// What a reader may use.
pub(crate) fn limits(without_landlock: bool) -> CellLimits {
    let seconds = (PATIENCE + RENEWED).as_secs();
    let threads = u64::try_from(MOST_THREADS).unwrap_or(1);
    CellLimits {
        memory: MEMORY,
        processor: seconds.saturating_mul(threads),
        answer: ANSWER,
        without_landlock,
    }
}

/// Do this with so many threads of one's own.
pub(crate) fn with_threads(count: usize, work: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new();
    let pool = match count {
        // Another thread would only hand things to and fro.
        0 | 1 => pool.num_threads(1).use_current_thread(),
        more => pool.num_threads(more.min(MOST_THREADS)),
    };
    // Without threads there is no answer, and the other side says that.
    if let Ok(pool) = pool.build() {
        pool.install(work);
    }
}

/// Send a report behind these bytes. One that is too long is cut: the worst findings come first.
pub(crate) fn answer(inside: &mut Inside, before: &[u8], mut report: Report) {
    loop {
        let text = output::json(&report);
        if text.len().saturating_add(before.len()) <= ANSWER || report.findings.is_empty() {
            return inside.answer(&[before, text.as_bytes()].concat());
        }
        report.findings.truncate(report.findings.len() / 2);
        report.capabilities.truncate(report.capabilities.len() / 2);
    }
}

/// What a reader answered, if it is a report.
pub(crate) fn report(text: &[u8]) -> Result<Report, String> {
    let text = std::str::from_utf8(text).map_err(|_| "its answer is no text".to_owned())?;
    Report::from_json(text).map_err(|error| format!("its answer is not believed: {error}"))
}
