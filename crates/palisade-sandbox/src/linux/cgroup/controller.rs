//! The controllers that limits need, and the files by which each version sets them.

use crate::plan::Limits;

/// What one controller limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    Memory,
    Pids,
    Cpu,
}

/// Which interface a folder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) file: &'static str,
    pub(super) value: String,
    /// What it means if the file is not there or takes no such value.
    pub(super) else_: Else,
}

/// What a write that fails means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Else {
    /// The limit is not held.
    Fail,
    /// It is needed only where there is swap.
    FailWithSwap,
    /// The group above is stricter already (EINVAL).
    AboveIsStricter,
    /// The limit holds without it, less neatly.
    Pass,
}

/// Period of the processor limit, in microseconds: the kernel's own default.
const PERIOD: u64 = 100_000;

impl Controller {
    pub(super) const ALL: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
        }
    }

    /// Whether these limits need it.
    pub(super) fn serves(self, limits: &Limits) -> bool {
        match self {
            Self::Memory => limits.memory.is_some(),
            Self::Pids => limits.processes.is_some(),
            Self::Cpu => limits.cpu_thousandths.is_some(),
        }
    }

    /// The writes that set a limit, in their order.
    pub(super) fn settings(self, version: Version, limits: &Limits) -> Vec<Setting> {
        let set = |file, value: String, else_| Setting { file, value, else_ };
        match (self, version) {
            (Self::Memory, _) if limits.memory.is_none() => Vec::new(),
            (Self::Memory, Version::Two) => {
                let bytes = limits.memory.unwrap_or_default();
                vec![
                    set("memory.max", bytes.to_string(), Else::Fail),
                    // Memory and swap together are no more than the limit then.
                    set("memory.swap.max", "0".into(), Else::FailWithSwap),
                    set("memory.oom.group", "1".into(), Else::Pass),
                ]
            }
            (Self::Memory, Version::One) => {
                let bytes = limits.memory.unwrap_or_default();
                vec![
                    set("memory.limit_in_bytes", bytes.to_string(), Else::Fail),
                    set("memory.memsw.limit_in_bytes", bytes.to_string(), Else::FailWithSwap),
                    // Buffers of TCP sockets are counted apart in this version.
                    set("memory.kmem.tcp.limit_in_bytes", (bytes / 4).to_string(), Else::Pass),
                ]
            }
            (Self::Pids, _) => limits
                .processes
                .map(|number| set("pids.max", number.to_string(), Else::Fail))
                .into_iter()
                .collect(),
            (Self::Cpu, version) => {
                let Some(thousandths) = limits.cpu_thousandths else { return Vec::new() };
                let quota = thousandths.saturating_mul(PERIOD / 1000);
                match version {
                    Version::Two => {
                        vec![set("cpu.max", format!("{quota} {PERIOD}"), Else::Fail)]
                    }
                    Version::One => vec![
                        set("cpu.cfs_period_us", PERIOD.to_string(), Else::Fail),
                        set("cpu.cfs_quota_us", quota.to_string(), Else::AboveIsStricter),
                    ],
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        memory: Some(64 << 20),
        processes: Some(32),
        cpu_thousandths: Some(500),
        open_files: None,
        file_bytes: None,
    };

    fn written(version: Version, limits: &Limits) -> Vec<String> {
        Controller::ALL
            .into_iter()
            .flat_map(|controller| controller.settings(version, limits))
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect()
    }

    #[test]
    fn each_version_gets_its_own_files() {
        assert_eq!(
            written(Version::Two, &LIMITS),
            [
                "memory.max=67108864",
                "memory.swap.max=0",
                "memory.oom.group=1",
                "pids.max=32",
                "cpu.max=50000 100000"
            ]
        );
        assert_eq!(
            written(Version::One, &LIMITS),
            [
                "memory.limit_in_bytes=67108864",
                "memory.memsw.limit_in_bytes=67108864",
                "memory.kmem.tcp.limit_in_bytes=16777216",
                "pids.max=32",
                "cpu.cfs_period_us=100000",
                "cpu.cfs_quota_us=50000"
            ]
        );
    }

    #[test]
    fn what_is_not_limited_is_not_written() {
        assert!(written(Version::One, &Limits::default()).is_empty());
        assert!(written(Version::Two, &Limits::default()).is_empty());
        assert!(!Controller::ALL.into_iter().any(|one| one.serves(&Limits::default())));
    }
}
