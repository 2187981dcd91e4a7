use std::{fmt, fs, io, ops::AddAssign, time::Duration};

use serde_json::{Value, json};

use crate::stage::Outcome;

/// Memory of a process, in kilobytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Its share of all that it has mapped.
    pss: u64,
    /// Of it what is no file's: heap, stacks, relocated data.
    anonymous: u64,
    /// Of it what is the program's and the libraries'.
    file: u64,
}

impl Memory {
    /// `None` if one may not look.
    pub(crate) fn of(pid: u32) -> Outcome<Option<Self>> {
        let text = match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let number = |key| kilobytes(&text, key);
        Ok(Some(Self {
            pss: number("Pss:")?,
            anonymous: number("Pss_Anon:")?,
            file: number("Pss_File:")?,
        }))
    }

    pub(crate) fn part(self, count: usize) -> Self {
        let count = count.max(1) as u64;
        let Self { pss, anonymous, file } = self;
        Self { pss: pss / count, anonymous: anonymous / count, file: file / count }
    }

    pub(crate) fn kept(self) -> Value {
        json!({ "pss_kb": self.pss, "anonymous_kb": self.anonymous, "file_kb": self.file })
    }
}

impl AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.pss += other.pss;
        self.anonymous += other.anonymous;
        self.file += other.file;
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pss, anonymous, file } = self;
        write!(f, "{pss} kB (anonymous {anonymous}, files {file})")
    }
}

/// What the machine could still give, in kilobytes.
pub(crate) fn available() -> Outcome<u64> {
    kilobytes(&fs::read_to_string("/proc/meminfo")?, "MemAvailable:")
}

/// The first child.
pub(crate) fn child_of(pid: u32) -> Outcome<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let first = children.split_ascii_whitespace().next();
    Ok(first.ok_or_else(|| format!("{pid} has no child"))?.parse()?)
}

/// Processor time, to a hundredth of a second.
pub(crate) fn processor_time(pid: u32) -> Outcome<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
    // proc_pid_stat(5): utime and stime are the fields 14 and 15, the name is the second.
    let ticks: u64 = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn kilobytes(text: &str, key: &str) -> Outcome<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(number.ok_or_else(|| format!("no `{key}`"))?.parse()?)
}
