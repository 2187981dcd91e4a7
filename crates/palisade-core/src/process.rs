use std::fmt;

/// A process inside, told from every other one of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Process {
    /// Its number inside.
    pub number: u32,
    /// When it was started, in ticks since the machine was: another process with its number has another one.
    pub started: u64,
}

/// A process and those that it comes from, for the record. Nothing is decided by it, and so any two are
/// equal.
#[derive(Debug, Clone, Default)]
pub struct Lineage(pub Vec<Process>);

impl Lineage {
    /// From numbers inside and times of start, the process itself first.
    pub fn of(all: impl IntoIterator<Item = (u32, u64)>) -> Self {
        Self(all.into_iter().map(|(number, started)| Process { number, started }).collect())
    }
}

impl PartialEq for Lineage {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Lineage {}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.number, self.started)
    }
}
