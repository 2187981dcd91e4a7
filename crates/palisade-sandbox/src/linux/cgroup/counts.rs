//! What a group counted.

use std::time::Duration;

use super::{
    controller::{Controller, Version},
    folder::Folder,
};

/// What a group counted until now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often the group was at its limit of memory with nothing left to give up; at least once,
    /// where the kernel does not count.
    pub at_memory_limit: u64,
    /// Processes that the kernel killed for want of memory, the group's or the machine's.
    pub killed_for_memory: u64,
    /// The most memory it ever had, in bytes.
    pub peak_memory: Option<u64>,
    /// Processes and threads that were not started because of the limit.
    pub refused_processes: u64,
    /// How long its processes had to wait because of the processor limit.
    pub throttled: Duration,
    /// Processor time used.
    pub processor_time: Option<Duration>,
}

impl Counts {
    pub(super) fn of(folders: &[Folder]) -> Self {
        let mut counts = Self::default();
        for folder in folders {
            for controller in &folder.controllers {
                counts.add(folder, *controller);
            }
        }
        counts
    }

    fn add(&mut self, folder: &Folder, controller: Controller) {
        let number = |file: &str| folder.read(file).trim().parse::<u64>().ok();
        match (controller, folder.version) {
            (Controller::Memory, Version::Two) => {
                let events = folder.read("memory.events");
                self.at_memory_limit = keyed(&events, "oom");
                self.killed_for_memory = keyed(&events, "oom_kill");
                self.peak_memory = number("memory.peak");
            }
            (Controller::Memory, Version::One) => {
                self.at_memory_limit = was_at_limit(
                    number("memory.limit_in_bytes"),
                    number("memory.max_usage_in_bytes"),
                    ["memory.failcnt", "memory.memsw.failcnt"].into_iter().filter_map(number).sum(),
                );
                self.killed_for_memory = keyed(&folder.read("memory.oom_control"), "oom_kill");
                self.peak_memory = number("memory.max_usage_in_bytes");
            }
            (Controller::Pids, _) => {
                self.refused_processes = keyed(&folder.read("pids.events"), "max");
            }
            (Controller::Cpu, Version::Two) => {
                let stat = folder.read("cpu.stat");
                self.throttled = Duration::from_micros(keyed(&stat, "throttled_usec"));
                self.processor_time = Some(Duration::from_micros(keyed(&stat, "usage_usec")));
            }
            (Controller::Cpu, Version::One) => {
                let stat = folder.read("cpu.stat");
                self.throttled = Duration::from_nanos(keyed(&stat, "throttled_time"));
            }
        }
    }
}

/// Newer kernels count failures in version 1 now and then only, so the peak tells as well. The kernel
/// takes memory in batches, so it may never come quite to the limit.
fn was_at_limit(limit: Option<u64>, peak: Option<u64>, failed: u64) -> u64 {
    const BATCHES: u64 = 1 << 20;
    let near = limit.zip(peak).is_some_and(|(limit, peak)| peak >= limit.saturating_sub(BATCHES));
    if near { failed.max(1) } else { failed }
}

/// The number behind a word, in a file of such lines.
pub(super) fn keyed(text: &str, key: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_at_the_limit_counts_where_failures_do_not() {
        let limit = Some(64 << 20);
        assert_eq!(was_at_limit(limit, limit, 0), 1);
        assert_eq!(was_at_limit(limit, Some((64 << 20) - 4096), 7), 7);
        assert_eq!(was_at_limit(limit, Some(30 << 20), 0), 0);
        assert_eq!(was_at_limit(None, None, 0), 0);
    }

    #[test]
    fn a_key_is_not_the_beginning_of_another() {
        let events = "low 0\nmax 90\noom 2\noom_kill 3\noom_group_kill 1\n";
        assert_eq!(keyed(events, "oom"), 2);
        assert_eq!(keyed(events, "oom_kill"), 3);
        assert_eq!(keyed(events, "kill"), 0);
        assert_eq!(keyed("", "max"), 0);
    }
}
