//! The system call filter: an allow list, checked by argument where it matters.
//!
//! One hand-assembled program, not `seccompiler`: that crate neither checks the x32 bit nor gives
//! an errno a clause, so a second filter would be stacked on it, and the kernel runs every filter
//! for each call that its cache of constant answers does not cover. Here the dispatch is a binary
//! search over ranges of numbers, so a call that needs its arguments looked at costs about nine
//! comparisons, and one that does not is answered from the kernel's cache (Linux 5.11) without
//! running the program at all. The whole assembler is shorter than the glue would be, and the
//! tests run the program on an interpreter for each number.
//!
//! What is not in the table gets ENOSYS, as on an older kernel: a call that is newer than this
//! build is never allowed. The 32-bit entries of x86 and the x32 numbers kill the process.
//!
//! A refusal that says "you may not" (EPERM and its like) is told to whoever holds the filter's
//! [`Listener`]: the call waits until it has been recorded, and then fails with the errno that the
//! program has for it. What the table allows never comes there, and what comes there is never
//! allowed. Without a listener the same calls fail with the same errno by themselves.

mod arguments;
mod assemble;
mod decide;
mod listener;
mod numbers;
mod paths;
mod reader;
mod rule;
mod shown;
mod supervisor;
mod table;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, os::fd::OwnedFd};

use assemble::{Code, OFFSET_ARCHITECTURE, OFFSET_NUMBER, RETURN_ERRNO};
use rustix::io::Errno;

use self::rule::{Rule, Verdict};
pub use self::{
    assemble::Instruction,
    listener::{Connects, Executes, Heard, Listener, Refused, Waiting},
    paths::{NamedPath, Names, Want},
};
use crate::step::{Step, StepError};

/// `AUDIT_ARCH_*` of this build.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// Numbers with this bit are x32 calls (`__X32_SYSCALL_BIT`).
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// The longest program the kernel takes (`BPF_MAXINSNS`).
const MOST_INSTRUCTIONS: usize = 4096;

/// What a policy changes about the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyscallPolicy {
    /// Calls to allow that the table refuses.
    pub allow: Vec<String>,
    /// Calls to refuse (EPERM) that the table allows. Wins over `allow`.
    pub deny: Vec<String>,
    /// Whether each `connect` is to wait until the [`Listener`] has seen it.
    pub watch_connect: bool,
    /// Whether each `execve` and `execveat` is to wait for a decision at the [`Listener`]. Without one they fail.
    pub hold_exec: bool,
    /// Whether each call that names a path is to wait until the [`Listener`] has seen it.
    pub watch_paths: bool,
}

/// A policy that cannot be made into a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeccompError {
    /// No architecture has a call of this name.
    #[error("unknown system call `{0}`")]
    Unknown(String),
    /// The call would undo another layer.
    #[error("the system call `{name}` can never be allowed: {reason}")]
    Never {
        /// The call.
        name: String,
        /// Why, from the table.
        reason: &'static str,
    },
    /// Without this call no program starts or ends.
    #[error("the system call `{0}` cannot be denied: no program runs without it")]
    Needed(String),
    /// The program is longer than the kernel takes.
    #[error("the system call filter has {0} instructions, more than the kernel takes")]
    TooLong(usize),
}

/// What the filter does with a call, for `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Allowed.
    Allowed,
    /// Allowed or refused by its arguments.
    Checked,
    /// Refused; a policy may allow it.
    Refused,
    /// Refused, whatever a policy says.
    Forbidden,
}

/// A row of the table, for `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The call's name.
    pub name: &'static str,
    /// What happens to it without a word from the policy.
    pub outcome: Outcome,
    /// Why.
    pub reason: &'static str,
}

/// Calls without which nothing can start or end.
const NEEDED: &[&str] = &["execve", "exit", "exit_group", "rt_sigreturn", "brk", "mmap", "read"];

/// By which the listener is handed out, under the filter. Where a policy denies it there is none.
const HANDS_OUT: &str = "sendmsg";

/// The call that a listener can be shown before it goes through.
const WATCHED: &str = "connect";

/// The calls that a listener can decide about.
const HELD: [&str; 2] = ["execve", "execveat"];

/// A compiled filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Needs no listener.
    program: Box<[Instruction]>,
    /// Tells of what it refuses.
    telling: Option<Box<[Instruction]>>,
    /// What the policy denies.
    denied: BTreeSet<u32>,
}

impl Filter {
    /// Assemble the filter. Allocates: call it before any fork.
    ///
    /// # Errors
    /// A name that is unknown, can never be allowed, or cannot be denied.
    pub fn compile(policy: &SyscallPolicy) -> Result<Self, SeccompError> {
        Self::assemble(policy, false)
    }

    /// The same for a sandbox whose files are root's on the host: no set-group-id bit either.
    ///
    /// # Errors
    /// As [`Filter::compile`].
    pub fn compile_for_root(policy: &SyscallPolicy) -> Result<Self, SeccompError> {
        Self::assemble(policy, true)
    }

    fn assemble(policy: &SyscallPolicy, roots_files: bool) -> Result<Self, SeccompError> {
        check(policy)?;
        let mut calls: Vec<(u32, Decision)> = Vec::with_capacity(numbers::NATIVE.len());
        let denied = policy.deny.iter().filter_map(|name| number_of(name)).collect();
        for row in table::rows() {
            for name in row.names() {
                let Some(number) = number_of(name) else { continue };
                let named = |list: &[String]| list.iter().any(|entry| entry == name);
                let shown = policy.watch_paths && paths::has_paths(name);
                let allowed = if shown { Verdict::Watch } else { Verdict::Allow };
                let decision = match row.rule {
                    _ if named(&policy.deny) => Decision::Is(Verdict::Fail(libc::EPERM)),
                    Rule::Allow if policy.watch_connect && name == WATCHED => {
                        Decision::Is(Verdict::Watch)
                    }
                    Rule::Allow if policy.hold_exec && HELD.contains(&name) => {
                        Decision::Is(Verdict::Hold)
                    }
                    Rule::Allow => Decision::Is(allowed),
                    Rule::Check { .. } => Decision::By(
                        roots_files
                            .then(|| arguments::for_roots_files(name))
                            .flatten()
                            .unwrap_or(row.rule),
                        allowed,
                    ),
                    Rule::Refuse(_) if named(&policy.allow) => Decision::Is(allowed),
                    Rule::Refuse(errno) | Rule::Never(errno) if rule::UNTOLD.contains(&name) => {
                        Decision::Is(Verdict::FailUntold(errno))
                    }
                    Rule::Refuse(errno) | Rule::Never(errno) => Decision::Is(Verdict::Fail(errno)),
                };
                calls.push((number, decision));
            }
        }
        calls.sort_unstable_by_key(|(number, _)| *number);
        let program = assemble_whole(&ranges(&calls));
        if program.len() > MOST_INSTRUCTIONS {
            return Err(SeccompError::TooLong(program.len()));
        }
        let telling = program.into_boxed_slice();
        let program = assemble::silent(&telling);
        let telling = (!policy.deny.iter().any(|name| name == HANDS_OUT)).then_some(telling);
        Ok(Self { program, telling, denied })
    }

    /// Whether it can have a listener.
    pub fn can_tell(&self) -> bool {
        self.telling.is_some()
    }

    /// Whether a listener decides about each program that is started.
    pub fn holds_exec(&self) -> bool {
        let held = assemble::finish(Verdict::Hold);
        self.telling.as_ref().is_some_and(|program| held.iter().all(|it| program.contains(it)))
    }

    /// The same filter for where there is to be no listener.
    #[must_use]
    pub fn without_listener(self) -> Self {
        Self { telling: None, ..self }
    }

    /// See from inside that a filter of ours is on: `clone3` is there for nobody. Allocates nothing unless it
    /// fails.
    pub(crate) fn require_in_force() -> Result<(), StepError> {
        match crate::linux::sys::clone::clone3_of_nothing() {
            Errno::NOSYS => Ok(()),
            _ => Err(Errno::PERM).step("find the system call filter in force"),
        }
    }

    /// Put the filter on like [`Filter::install`], and return the descriptor of its [`Listener`]. The
    /// caller must hand it out before it makes a call that is told of: that would wait for itself.
    ///
    /// # Errors
    /// EBUSY where the process has a filter with a listener already, as in some containers; EINVAL or
    /// ENOSYS where the kernel knows none; EOPNOTSUPP for a filter that is to have none.
    pub fn install_telling(&self) -> Result<OwnedFd, StepError> {
        const STEP: &str = "install the system call filter with a listener";
        let telling = self.telling.as_ref().ok_or(Errno::OPNOTSUPP).step(STEP)?;
        rustix::thread::set_no_new_privs(true).step("set no_new_privs")?;
        crate::linux::sys::notify::set_filter_with_listener(telling).step(STEP)
    }

    /// Put the filter on the calling thread and all it starts, for good. Sets `no_new_privs`.
    /// Allocates nothing.
    ///
    /// # Errors
    /// ENOSYS or EINVAL where the kernel has no seccomp filters.
    pub fn install(&self) -> Result<(), StepError> {
        rustix::thread::set_no_new_privs(true).step("set no_new_privs")?;
        crate::linux::sys::seccomp::set_filter(&self.program).step("install the system call filter")
    }

    /// Its instructions, to be handed to another process of ours.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let program = self.telling.as_ref().unwrap_or(&self.program);
        let mut bytes = vec![u8::from(self.telling.is_some())];
        bytes.extend(program.iter().copied().flat_map(Instruction::to_bytes));
        bytes
    }

    /// What [`Filter::to_bytes`] gave, but for who denies what, which only its [`Listener`] has a use for;
    /// `None` if these are no whole instructions.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tells, bytes) = bytes.split_first()?;
        let (instructions, rest) = bytes.as_chunks();
        let program: Box<[_]> = instructions.iter().map(Instruction::from_bytes).collect();
        let denied = BTreeSet::new();
        if !rest.is_empty() {
            return None;
        }
        Some(match tells {
            0 => Self { program, telling: None, denied },
            _ => Self { program: assemble::silent(&program), telling: Some(program), denied },
        })
    }

    /// Its length in instructions.
    pub fn len(&self) -> usize {
        self.program.len()
    }

    /// Whether it has no instruction; never so.
    pub fn is_empty(&self) -> bool {
        self.program.is_empty()
    }
}

/// Whether any supported architecture has a system call of this name.
pub fn is_known_syscall(name: &str) -> bool {
    [numbers::X86_64, numbers::AARCH64].iter().any(|list| number_in(list, name).is_some())
}

/// The whole table, for `explain` and the reference.
pub fn explain() -> impl Iterator<Item = Explanation> {
    table::rows().flat_map(|row| {
        let outcome = match row.rule {
            Rule::Allow => Outcome::Allowed,
            Rule::Check { .. } => Outcome::Checked,
            Rule::Refuse(_) => Outcome::Refused,
            Rule::Never(_) => Outcome::Forbidden,
        };
        row.names().map(move |name| Explanation { name, outcome, reason: row.reason })
    })
}

/// Whether the kernel takes a filter with the actions that ours uses.
///
/// # Errors
/// What `seccomp(2)` says to the question.
pub fn available() -> Result<(), Errno> {
    crate::linux::sys::seccomp::has_action(assemble::RETURN_KILL_PROCESS)?;
    crate::linux::sys::seccomp::has_action(RETURN_ERRNO)
}

pub(crate) fn number_of(name: &str) -> Option<u32> {
    number_in(numbers::NATIVE, name)
}

fn number_in(list: &[(&str, u32)], name: &str) -> Option<u32> {
    let at = list.binary_search_by_key(&name, |(known, _)| known).ok()?;
    list.get(at).map(|(_, number)| *number)
}

fn check(policy: &SyscallPolicy) -> Result<(), SeccompError> {
    for name in policy.allow.iter().chain(&policy.deny) {
        if !is_known_syscall(name) {
            return Err(SeccompError::Unknown(name.clone()));
        }
    }
    for name in &policy.deny {
        if NEEDED.contains(&name.as_str()) {
            return Err(SeccompError::Needed(name.clone()));
        }
    }
    for name in &policy.allow {
        let row = table::rows().find(|row| row.names().any(|call| call == name));
        if let Some(row) = row
            && matches!(row.rule, Rule::Never(_))
        {
            return Err(SeccompError::Never { name: name.clone(), reason: row.reason });
        }
    }
    Ok(())
}

/// What the program does for one number.
#[derive(Debug, Clone, Copy)]
enum Decision {
    Is(Verdict),
    /// By the arguments; where the rule allows, this happens.
    By(Rule, Verdict),
}

/// The decision for all numbers from `start` to the next range's.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: u32,
    decision: Decision,
}

/// Neighbours with one verdict become one range; gaps between known numbers are ENOSYS.
fn ranges(calls: &[(u32, Decision)]) -> Vec<Range> {
    const UNKNOWN: Decision = Decision::Is(Verdict::Fail(libc::ENOSYS));
    let mut ranges: Vec<Range> = Vec::with_capacity(calls.len());
    let mut push = |start: u32, decision: Decision| {
        let same = match (ranges.last(), decision) {
            (Some(Range { decision: Decision::Is(last), .. }), Decision::Is(this)) => *last == this,
            _ => false,
        };
        if !same {
            ranges.push(Range { start, decision });
        }
    };
    let mut next = 0;
    for (number, decision) in calls {
        if *number > next {
            push(next, UNKNOWN);
        }
        push(*number, *decision);
        next = number.saturating_add(1);
    }
    push(next, UNKNOWN);
    ranges
}

fn assemble_whole(ranges: &[Range]) -> Code {
    let mut program = assemble::load(OFFSET_ARCHITECTURE);
    let mut native = assemble::load(OFFSET_NUMBER);
    native.extend(search(&first_bound(ranges)));
    program.extend(assemble::if_equal(ARCHITECTURE, native));
    program.extend(assemble::finish(Verdict::Kill));
    program
}

/// Adds what is above all calls: x32 numbers kill. The number -1, which some programs use to ask
/// for ENOSYS, is not one of them.
#[cfg(target_arch = "x86_64")]
fn first_bound(ranges: &[Range]) -> Vec<Range> {
    let mut all = ranges.to_vec();
    all.push(Range { start: X32, decision: Decision::Is(Verdict::Kill) });
    all.push(Range { start: u32::MAX, decision: Decision::Is(Verdict::Fail(libc::ENOSYS)) });
    all
}

#[cfg(not(target_arch = "x86_64"))]
fn first_bound(ranges: &[Range]) -> Vec<Range> {
    ranges.to_vec()
}

/// A balanced tree of comparisons over the accumulator; each leaf ends with a return.
fn search(ranges: &[Range]) -> Code {
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    match (lower.is_empty(), upper.split_first()) {
        (_, None) => assemble::finish(Verdict::Kill),
        (true, Some((only, _))) => match only.decision {
            Decision::Is(verdict) => assemble::finish(verdict),
            Decision::By(Rule::Check { clauses, otherwise }, allowed) => {
                assemble::clauses(clauses, allowed, Verdict::Fail(otherwise))
            }
            Decision::By(Rule::Allow, allowed) => assemble::finish(allowed),
            Decision::By(Rule::Refuse(errno) | Rule::Never(errno), _) => {
                assemble::finish(Verdict::Fail(errno))
            }
        },
        (false, Some((first, _))) => {
            assemble::if_at_least(first.start, search(upper), search(lower))
        }
    }
}
