use std::{
    fmt, fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::stage::Outcome;

const PATIENCE: Duration = Duration::from_secs(10);

/// What of sandboxes there is on the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    /// That run this program.
    processes: usize,
    groups: usize,
    mounts: usize,
}

impl Left {
    pub(crate) fn look(program: &Path) -> Outcome<Self> {
        let runs = |process: &fs::DirEntry| {
            fs::read_link(process.path().join("exe")).is_ok_and(|exe| exe == program)
        };
        let processes = fs::read_dir("/proc")?.flatten().filter(runs).count();
        let groups = groups_below(Path::new("/sys/fs/cgroup"));
        let mounts = fs::read_to_string("/proc/self/mountinfo")?.lines().count();
        Ok(Self { processes, groups, mounts })
    }

    /// What there is more than `before`. Other sandboxes on the machine come and go, and count as well: so
    /// the least of some seconds.
    pub(crate) fn beyond(before: &Self, program: &Path) -> Outcome<Self> {
        let start = Instant::now();
        loop {
            let more = Self::look(program)?.less(before);
            if more.is_nothing() || start.elapsed() > PATIENCE {
                return Ok(more);
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn less(self, before: &Self) -> Self {
        Self {
            processes: self.processes.saturating_sub(before.processes),
            groups: self.groups.saturating_sub(before.groups),
            mounts: self.mounts.saturating_sub(before.mounts),
        }
    }

    pub(crate) fn is_nothing(self) -> bool {
        matches!(self, Self { processes: 0, groups: 0, mounts: 0 })
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processes, groups, mounts } = self;
        write!(f, "{processes} processes, {groups} control groups, {mounts} mounts")
    }
}

fn groups_below(folder: &Path) -> usize {
    // A group that goes while one looks has no entries.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders
        .map(|entry| {
            let ours = entry.file_name().to_string_lossy().starts_with("palisade-");
            usize::from(ours) + groups_below(&entry.path())
        })
        .sum()
}
