//! What is told of the limits at the end.

use palisade_core::Event;
use palisade_policy::ProcessLimits;
use palisade_sandbox::linux::cgroup::Counts;

use super::{MEMORY, PROCESSES, memory};

/// What was reached, and what was used.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Account {
    /// The limit that ended something inside, if one did, and what to tell the operator of it.
    pub(crate) ended_by: Option<(Option<&'static str>, String)>,
    /// What else to tell the operator.
    pub(crate) notice: Option<String>,
    facts: Vec<(&'static str, u64)>,
}

impl Account {
    pub(super) fn of(limits: &ProcessLimits, counts: &Counts) -> Self {
        let mut account = Self::default();
        if counts.killed_for_memory > 0 {
            account.facts.push(("killed_for_memory", counts.killed_for_memory));
            account.ended_by = Some(match limits.memory {
                Some(limit) if counts.at_memory_limit > 0 => {
                    (Some(MEMORY), format!("ended: {}", memory::breach(limit).what))
                }
                _ => (None, "ended: the machine was out of memory".to_owned()),
            });
        }
        let refused = counts.refused_processes;
        if refused > 0 {
            account.facts.push(("refused_processes", refused));
            let most = limits.processes.unwrap_or_default();
            account.notice = Some(format!(
                "{refused} times a process or thread was refused: it may have {most} ({PROCESSES})"
            ));
        }
        account.facts.extend(counts.peak_memory.map(|bytes| ("peak_memory", bytes)));
        let throttled = u64::try_from(counts.throttled.as_millis()).unwrap_or(u64::MAX);
        if throttled > 0 {
            account.facts.push(("throttled_ms", throttled));
        }
        account
    }

    /// Into the last event.
    pub(crate) fn tell(&self, event: Event) -> Event {
        self.facts.iter().fold(event, |event, (key, value)| event.with(key, *value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ProcessLimits = ProcessLimits {
        memory: Some(64 << 20),
        processes: Some(32),
        cpu_thousandths: None,
        open_files: None,
        disk: None,
        scratch: None,
        wall_time: None,
    };

    #[test]
    fn a_kill_at_the_own_limit_names_it_and_another_does_not() {
        let own = Counts { killed_for_memory: 1, at_memory_limit: 3, ..Counts::default() };
        let (rule, told) = Account::of(&LIMITS, &own).ended_by.unwrap();
        assert_eq!(rule, Some(MEMORY));
        assert!(told.contains("64 MiB together"), "{told}");
        let others = Counts { killed_for_memory: 1, ..Counts::default() };
        let (rule, told) = Account::of(&LIMITS, &others).ended_by.unwrap();
        assert_eq!((rule, told.contains("machine")), (None, true));
    }

    #[test]
    fn refused_processes_end_nothing_and_are_told() {
        let counts = Counts { refused_processes: 7, ..Counts::default() };
        let account = Account::of(&LIMITS, &counts);
        assert_eq!(account.ended_by, None);
        assert!(account.notice.unwrap().starts_with("7 times"));
        assert_eq!(Account::of(&LIMITS, &Counts::default()), Account::default());
    }
}
