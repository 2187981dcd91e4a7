use std::collections::BTreeMap;

use super::{Check, shown};
use crate::{
    at::At,
    document::Process,
    policy::{ProcessLimits, Syscalls},
};

type Checked = (At<ProcessLimits>, At<Syscalls>, Vec<At<String>>, BTreeMap<String, At<String>>);

/// Fewer than these, and not even a shell starts.
const LEAST_PROCESSES: u64 = 2;
const LEAST_FILES: u64 = 16;
const LEAST_MEMORY: u64 = 16 << 20;
const LEAST_SCRATCH: u64 = 1 << 20;
const LEAST_DISK: u64 = 1 << 20;
/// The kernel hands out processor time in slices of a millisecond, ten times a second.
const LEAST_CPUS: f64 = 0.01;
const MOST_CPUS: f64 = 1e6;

pub(super) fn check(check: &mut Check<'_>, section: Option<&Process>) -> Checked {
    let Some(section) = section else { return Checked::default() };
    let mut limits = At::<ProcessLimits>::default();
    if let Some(named) = &section.limits {
        let least = |check: &mut Check<'_>, value: u64, least: u64, place, what: &str| {
            if value < least {
                check.wrong(
                    place,
                    format!("with {value} {what} no program starts"),
                    format!("write {least} or more"),
                );
            }
        };
        if let Some(memory) = &named.memory {
            least(check, memory.value.0, LEAST_MEMORY, memory.place, "bytes of memory");
            limits.value.memory = Some(memory.value.0);
            limits.place = memory.place;
        }
        if let Some(processes) = &named.processes {
            least(check, processes.value, LEAST_PROCESSES, processes.place, "processes");
            limits.value.processes = Some(processes.value);
            limits.place = processes.place;
        }
        if let Some(files) = &named.open_files {
            least(check, files.value, LEAST_FILES, files.place, "open files");
            limits.value.open_files = Some(files.value);
            limits.place = files.place;
        }
        if let Some(time) = &named.wall_time {
            limits.value.wall_time = Some(time.value.0);
            limits.place = time.place;
        }
        if let Some(cpus) = &named.cpus {
            limits.value.cpu_thousandths = thousandths(check, cpus);
            limits.place = cpus.place;
        }
        if let Some(disk) = &named.disk {
            least(check, disk.value.0, LEAST_DISK, disk.place, "bytes of disk");
            limits.value.disk = Some(disk.value.0);
            limits.place = disk.place;
        }
        if let Some(scratch) = &named.scratch {
            least(check, scratch.value.0, LEAST_SCRATCH, scratch.place, "bytes of scratch space");
            limits.value.scratch = Some(scratch.value.0);
            limits.place = scratch.place;
        }
    }
    let syscalls = syscalls(check, section);
    let mut pass = Vec::new();
    let mut set = BTreeMap::new();
    if let Some(environment) = &section.environment {
        for name in &environment.pass {
            let bare = name.value.strip_suffix('*').unwrap_or(&name.value);
            if bare.is_empty() {
                check.wrong(
                    name.place,
                    "this passes every variable, secrets too",
                    "name those that are needed; `LC_*` takes all that begin so",
                );
            } else if !is_variable(bare) {
                check.wrong(
                    name.place,
                    format!("`{}` is no variable's name", shown(&name.value)),
                    "use letters, digits and `_`, no digit first",
                );
            } else {
                pass.push(name.clone());
            }
        }
        for (name, value) in &environment.set {
            if !is_variable(name) {
                check.wrong(
                    value.place,
                    format!("`{}` is no variable's name", shown(name)),
                    "use letters, digits and `_`, no digit first",
                );
            }
            set.insert(name.clone(), value.clone());
        }
    }
    (limits, syscalls, pass, set)
}

fn thousandths(check: &mut Check<'_>, cpus: &At<f64>) -> Option<u64> {
    if !(LEAST_CPUS..=MOST_CPUS).contains(&cpus.value) {
        check.wrong(
            cpus.place,
            format!("{} is no number of processors", cpus.value),
            format!("write one such as 2 or 0.5, not less than {LEAST_CPUS}"),
        );
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between the least and the most, as just checked"
    )]
    Some((cpus.value * 1000.0).round() as u64)
}

fn syscalls(check: &mut Check<'_>, section: &Process) -> At<Syscalls> {
    let mut all = At::<Syscalls>::default();
    let Some(named) = &section.syscalls else { return all };
    for (list, names) in [(&mut all.value.allow, &named.allow), (&mut all.value.deny, &named.deny)]
    {
        for name in names {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.value.is_empty() || !name.value.chars().all(plain) {
                check.wrong(
                    name.place,
                    format!("`{}` is no system call's name", shown(&name.value)),
                    "write names as in syscalls(2), such as `ptrace`",
                );
            }
            list.insert(name.value.clone());
        }
    }
    for name in &named.allow {
        if all.value.deny.contains(&name.value) {
            check.wrong(
                name.place,
                format!("`{}` is allowed and denied: a deny always wins", shown(&name.value)),
                "remove one of the two",
            );
        }
        all.place = name.place;
    }
    all
}

/// A name that `export` takes.
pub(super) fn is_variable(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 256
}
