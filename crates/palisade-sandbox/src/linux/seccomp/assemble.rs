//! The assembler: pieces of classic BPF that can be put one after the other.
//!
//! Every piece jumps only forward and only inside itself, so pieces are joined by appending. A
//! condition may be decided by any instruction of its piece; one that is not decided falls out at
//! its end. See `seccomp(2)`, and `kernel/seccomp.c` for the instructions it accepts.

use super::rule::{Clause, Test, Verdict, is_told};

/// One instruction, laid out as the kernel's `struct sock_filter`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub(super) code: u16,
    /// Instructions to skip if a jump's condition holds.
    pub(super) jump_true: u8,
    /// Instructions to skip if it does not.
    pub(super) jump_false: u8,
    /// Operand.
    pub(super) operand: u32,
}

impl Instruction {
    pub(super) fn to_bytes(self) -> [u8; 8] {
        let Self { code, jump_true, jump_false, operand } = self;
        let ([c0, c1], [o0, o1, o2, o3]) = (code.to_le_bytes(), operand.to_le_bytes());
        [c0, c1, jump_true, jump_false, o0, o1, o2, o3]
    }

    pub(super) fn from_bytes(bytes: &[u8; 8]) -> Self {
        let [c0, c1, jump_true, jump_false, o0, o1, o2, o3] = *bytes;
        Self {
            code: u16::from_le_bytes([c0, c1]),
            jump_true,
            jump_false,
            operand: u32::from_le_bytes([o0, o1, o2, o3]),
        }
    }
}

pub(super) const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
pub(super) const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
pub(super) const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
pub(super) const JUMP_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
pub(super) const JUMP_GREATER_EQUAL: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
pub(super) const RETURN: u16 = 0x06; // BPF_RET | BPF_K

// Offsets in `struct seccomp_data`; both architectures are little-endian.
pub(super) const OFFSET_NUMBER: u32 = 0;
pub(super) const OFFSET_ARCHITECTURE: u32 = 4;
pub(super) const OFFSET_ARGUMENTS: u32 = 16;

pub(super) const RETURN_KILL_PROCESS: u32 = 0x8000_0000;
pub(super) const RETURN_ERRNO: u32 = 0x0005_0000;
/// With the errno that the listener is to answer with in the low half, which the kernel ignores; with none
/// for a call that it is to let go on.
pub(super) const RETURN_TELL: u32 = libc::SECCOMP_RET_USER_NOTIF;
/// The low half for a call that somebody has to decide about. No errno is as large.
pub(super) const HELD: u32 = 0xffff;
pub(super) const RETURN_ALLOW: u32 = 0x7fff_0000;

/// The bits of a returned value that say what is done (`SECCOMP_RET_ACTION_FULL`).
pub(super) const ACTION: u32 = 0xffff_0000;

/// A piece of program.
pub(super) type Code = Vec<Instruction>;

const fn plain(code: u16, operand: u32) -> Instruction {
    Instruction { code, jump_true: 0, jump_false: 0, operand }
}

/// Load a word of `struct seccomp_data`.
pub(super) fn load(offset: u32) -> Code {
    vec![plain(LOAD, offset)]
}

/// End with a verdict.
pub(super) fn finish(verdict: Verdict) -> Code {
    let value = match verdict {
        Verdict::Allow => RETURN_ALLOW,
        Verdict::Watch => RETURN_TELL,
        Verdict::Hold => RETURN_TELL | HELD,
        Verdict::Fail(errno) if is_told(errno) => RETURN_TELL | (errno.unsigned_abs() & 0xffff),
        Verdict::Fail(errno) | Verdict::FailUntold(errno) => {
            RETURN_ERRNO | (errno.unsigned_abs() & 0xffff)
        }
        Verdict::Kill => RETURN_KILL_PROCESS,
    };
    vec![plain(RETURN, value)]
}

/// The same program without a listener: what it would tell of, it refuses by itself.
pub(super) fn silent(program: &[Instruction]) -> Box<[Instruction]> {
    let one = |instruction: &Instruction| match instruction.code {
        RETURN if instruction.operand == RETURN_TELL => plain(RETURN, RETURN_ALLOW),
        RETURN if instruction.operand == RETURN_TELL | HELD => {
            plain(RETURN, RETURN_ERRNO | libc::EACCES.unsigned_abs())
        }
        RETURN if instruction.operand & ACTION == RETURN_TELL => {
            plain(RETURN, RETURN_ERRNO | (instruction.operand & !ACTION))
        }
        _ => *instruction,
    };
    program.iter().map(one).collect()
}

/// If the accumulator is `value`, go on with `then`; else skip it.
pub(super) fn if_equal(value: u32, then: Code) -> Code {
    branch(JUMP_EQUAL, value, then, Code::new())
}

/// If the accumulator is at least `value`, go on with `then`, which must end; else with `otherwise`.
pub(super) fn if_at_least(value: u32, then: Code, otherwise: Code) -> Code {
    branch(JUMP_GREATER_EQUAL, value, then, otherwise)
}

/// `then` when the condition holds, `otherwise` when not. `then` must end with a return unless
/// `otherwise` is empty.
fn branch(code: u16, operand: u32, then: Code, otherwise: Code) -> Code {
    // The side that does not hold comes first, so one jump skips it.
    let (first, second, holds_jumps) =
        if otherwise.is_empty() { (then, otherwise, false) } else { (otherwise, then, true) };
    let mut all = Code::with_capacity(first.len() + second.len() + 2);
    match (u8::try_from(first.len()), holds_jumps) {
        (Ok(length), true) => {
            all.push(Instruction { code, jump_true: length, jump_false: 0, operand });
        }
        (Ok(length), false) => {
            all.push(Instruction { code, jump_true: 0, jump_false: length, operand });
        }
        (Err(_), holds_jumps) => {
            let (jump_true, jump_false) = if holds_jumps { (0, 1) } else { (1, 0) };
            all.push(Instruction { code, jump_true, jump_false, operand });
            all.push(long_jump(first.len()));
        }
    }
    all.extend(first);
    all.extend(second);
    all
}

fn long_jump(over: usize) -> Instruction {
    // A program has at most 4096 instructions; one too long is refused as a whole.
    plain(JUMP, u32::try_from(over).unwrap_or(u32::MAX))
}

/// The clauses in order, then `otherwise`. Always ends with a return.
pub(super) fn clauses(clauses: &[Clause], allowed: Verdict, otherwise: Verdict) -> Code {
    let mut all = Code::new();
    for clause in clauses {
        let verdict = if clause.verdict == Verdict::Allow { allowed } else { clause.verdict };
        let body = clause.tests.iter().rev().fold(finish(verdict), |then, one| test(one, then));
        all.extend(body);
    }
    all.extend(finish(otherwise));
    all
}

/// `then` if the test holds; else skip it.
fn test(test: &Test, then: Code) -> Code {
    let half = if test.upper { 4 } else { 0 };
    let mut all = load(OFFSET_ARGUMENTS + 8 * test.argument + half);
    if test.mask != u32::MAX {
        all.push(plain(AND, test.mask));
    }
    // Each comparison that holds jumps to `then`, over those that are left and the last jump.
    let count = test.one_of.len();
    for (index, value) in test.one_of.iter().enumerate() {
        let jump_true = u8::try_from(count - index).unwrap_or(u8::MAX);
        all.push(Instruction { code: JUMP_EQUAL, jump_true, jump_false: 0, operand: *value });
    }
    all.push(long_jump(then.len()));
    all.extend(then);
    all
}
