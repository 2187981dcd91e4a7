//! What a row of the table says about its calls.

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Verdict {
    /// It goes through.
    Allow,
    /// It fails with this errno; the process goes on.
    Fail(i32),
    /// The same, and it is never told.
    FailUntold(i32),
    /// It waits until the listener has seen it, and goes through; without a listener at once.
    Watch,
    /// The same, but without a listener it fails: what nobody decides about does not happen.
    Hold,
    /// The process is killed with SIGSYS.
    Kill,
}

/// A test of the low 32 bits of one argument, masked. The arguments tested are `int`s or
/// `unsigned int`s to the kernel, or flag words without meaning above bit 31: the kernel drops the
/// upper half, so a filter that compared it could be passed by setting a bit there. A pointer has both
/// halves, each with a test of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Test {
    pub(super) argument: u32,
    pub(super) upper: bool,
    pub(super) mask: u32,
    pub(super) one_of: &'static [u32],
}

/// If every test holds, the verdict is this.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clause {
    pub(super) tests: &'static [Test],
    pub(super) verdict: Verdict,
}

/// How a call is decided.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Whatever its arguments.
    Allow,
    /// The first clause that holds decides; if none does, it fails with `otherwise`.
    Check { clauses: &'static [Clause], otherwise: i32 },
    /// Refused, but a policy may allow it.
    Refuse(i32),
    /// Refused, and no policy may allow it: with it another layer could be left or weakened.
    Never(i32),
}

/// Calls that share a rule and a reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Names, with spaces between.
    pub(super) calls: &'static str,
    pub(super) rule: Rule,
    pub(super) reason: &'static str,
}

/// Whether a refusal with this errno is told to the supervisor: those that say "you may not". The others say "this
/// kernel has no such thing", as an older one does, and programs ask for that all the time to find
/// out what there is.
pub(super) const fn is_told(errno: i32) -> bool {
    matches!(errno, libc::EPERM | libc::EACCES | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT)
}

/// Calls that say "you may not" and are not told all the same: a record that honest programs always leave tells
/// nothing, and hides others.
pub(super) const UNTOLD: &[&str] = &[
    "io_uring_setup", // Node.js 24 asks for a ring each time it starts
];

impl Test {
    /// The argument, as a 32-bit number, is one of these.
    pub(super) const fn is(argument: u32, one_of: &'static [u32]) -> Self {
        Self { argument, upper: false, mask: u32::MAX, one_of }
    }

    /// The upper half of the argument is one of these.
    pub(super) const fn upper(argument: u32, one_of: &'static [u32]) -> Self {
        Self { argument, upper: true, mask: u32::MAX, one_of }
    }

    /// The bits of `mask` in the argument are one of these.
    pub(super) const fn masked(argument: u32, mask: u32, one_of: &'static [u32]) -> Self {
        Self { argument, upper: false, mask, one_of }
    }
}

impl Clause {
    pub(super) const fn allow(tests: &'static [Test]) -> Self {
        Self { tests, verdict: Verdict::Allow }
    }

    pub(super) const fn fail(errno: i32, tests: &'static [Test]) -> Self {
        Self { tests, verdict: Verdict::Fail(errno) }
    }
}

impl Row {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.calls.split_ascii_whitespace()
    }
}
