use std::{collections::BTreeMap, time::Duration};

use super::{Check, DraftLimits, shown};
use crate::{
    amount,
    at::{At, Place},
    document::{Limits, Process, SyscallProfile, Syscalls},
};

/// The section, checked.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) limits: DraftLimits,
    pub(super) calls: Vec<At<String>>,
    pub(super) no_calls: Vec<At<String>>,
    pub(super) pass: Vec<At<String>>,
    pub(super) set: BTreeMap<String, At<String>>,
}

/// Fewer than these, and not even a shell starts.
const LEAST_PROCESSES: u64 = 2;
const LEAST_FILES: u64 = 16;
const LEAST_MEMORY: u64 = 16 << 20;
const LEAST_SPACE: u64 = 1 << 20;
/// The kernel hands out processor time in slices of a millisecond, ten times a second.
const LEAST_CPUS: f64 = 0.01;
const MOST_CPUS: f64 = 1e6;
/// Longer than any session, and far from where clocks overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

pub(super) fn check(check: &mut Check<'_>, section: Option<&Process>) -> Checked {
    let mut checked = Checked::default();
    let Some(section) = section else { return checked };
    if let Some(named) = &section.limits {
        checked.limits = limits(check, named);
    }
    if let Some(named) = &section.syscalls {
        calls(check, named, &mut checked);
    }
    if let Some(environment) = &section.environment {
        for name in environment.pass.iter() {
            pass(check, name, &mut checked.pass);
        }
        for (name, value) in &environment.set {
            if !is_variable(name) {
                check.wrong(
                    value.place,
                    format!("`{}` is no variable's name", shown(name)),
                    "use letters, digits and `_`, no digit first",
                );
            }
            if let Some(passed) = checked.pass.iter().find(|passed| passed.value == *name) {
                check.wrong(
                    passed.place,
                    format!("{name} is passed and set: what is set wins, so this never counts"),
                    "remove one of the two",
                );
            }
            checked.set.insert(name.clone(), value.clone());
        }
    }
    checked
}

fn limits(check: &mut Check<'_>, named: &Limits) -> DraftLimits {
    let least = |check: &mut Check<'_>, value: u64, least: u64, place: Place, what: &str| {
        if value < least {
            check.wrong(
                place,
                format!("with {value} {what} no program starts"),
                format!("write {least} or more"),
            );
        }
    };
    for (size, least, what) in [
        (&named.memory, LEAST_MEMORY, "memory"),
        (&named.disk, LEAST_SPACE, "disk"),
        (&named.scratch, LEAST_SPACE, "scratch space"),
    ] {
        if let Some(size) = size.as_ref().filter(|size| size.value.0 < least) {
            let named = amount::size(size.value.0);
            check.wrong(
                size.place,
                format!("with {named} of {what} no program starts"),
                format!("write {} or more", amount::size(least)),
            );
        }
    }
    if let Some(processes) = &named.processes {
        least(check, processes.value, LEAST_PROCESSES, processes.place, "processes");
    }
    if let Some(files) = &named.open_files {
        least(check, files.value, LEAST_FILES, files.place, "open files");
    }
    if let Some(time) = named.wall_time.as_ref().filter(|time| time.value.0 > LONGEST) {
        check.wrong(
            time.place,
            "no session lasts for more than ten years",
            "write less, or remove the limit",
        );
    }
    let bytes = |size: &Option<At<amount::Size>>| {
        size.as_ref().map(|at| At { value: at.value.0, place: at.place })
    };
    DraftLimits {
        memory: bytes(&named.memory),
        processes: named.processes.clone(),
        cpu_thousandths: named.cpus.as_ref().and_then(|cpus| thousandths(check, cpus)),
        open_files: named.open_files.clone(),
        disk: bytes(&named.disk),
        scratch: bytes(&named.scratch),
        wall_time: named.wall_time.as_ref().map(|at| At { value: at.value.0, place: at.place }),
    }
}

fn thousandths(check: &mut Check<'_>, cpus: &At<f64>) -> Option<At<u64>> {
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
        reason = "between the least and the most, as just checked"
    )]
    let value = (cpus.value * 1000.0).round() as u64;
    Some(At { value, place: cpus.place })
}

fn calls(check: &mut Check<'_>, named: &Syscalls, checked: &mut Checked) {
    // There is one list so far, and it is the default.
    match named.profile.as_ref().map(|at| at.value) {
        None | Some(SyscallProfile::Agent) => {}
    }
    for (list, names) in [(&mut checked.calls, &*named.allow), (&mut checked.no_calls, &named.deny)]
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
            list.push(name.clone());
        }
    }
    for name in named.allow.iter() {
        if named.deny.iter().any(|denied| denied.value == name.value) {
            check.wrong(
                name.place,
                format!("`{}` is allowed and denied: a deny always wins", shown(&name.value)),
                "remove one of the two",
            );
        }
    }
}

fn pass(check: &mut Check<'_>, name: &At<String>, pass: &mut Vec<At<String>>) {
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
            "use letters, digits and `_`, no digit first; `*` only at the end",
        );
    } else {
        pass.push(name.clone());
    }
}

/// A name that `export` takes.
pub(super) fn is_variable(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 256
}
