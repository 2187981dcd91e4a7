//! What a program says of a call, computed as the kernel does: the answer to a call that is told of
//! is what the kernel ran and nothing else.

use super::assemble::{
    AND, Instruction, JUMP, JUMP_EQUAL, JUMP_GREATER_EQUAL, LOAD, OFFSET_ARCHITECTURE,
    OFFSET_ARGUMENTS, OFFSET_NUMBER, RETURN,
};
use crate::linux::sys::notify::Registers;

/// The value that it returns; `None` for a program that the kernel would not have taken.
pub(super) fn decide(program: &[Instruction], call: &Registers) -> Option<u32> {
    let mut accumulator = 0_u32;
    let mut rest = program;
    loop {
        let (&Instruction { code, jump_true, jump_false, operand }, next) = rest.split_first()?;
        let branch = |holds: bool| usize::from(if holds { jump_true } else { jump_false });
        let over = match code {
            LOAD => {
                accumulator = word(call, operand)?;
                0
            }
            AND => {
                accumulator &= operand;
                0
            }
            JUMP => usize::try_from(operand).ok()?,
            JUMP_EQUAL => branch(accumulator == operand),
            JUMP_GREATER_EQUAL => branch(accumulator >= operand),
            RETURN => return Some(operand),
            _ => return None,
        };
        // Only ever forward.
        rest = next.get(over..)?;
    }
}

/// A word of `struct seccomp_data`: those that programs of the assembler look at.
fn word(call: &Registers, offset: u32) -> Option<u32> {
    match offset {
        OFFSET_NUMBER => Some(call.number),
        OFFSET_ARCHITECTURE => Some(call.architecture),
        _ => {
            let at = offset.checked_sub(OFFSET_ARGUMENTS)?;
            let argument = call.arguments.get(usize::try_from(at / 8).ok()?)?;
            let half = if at % 8 == 0 { argument & 0xffff_ffff } else { argument >> 32 };
            u32::try_from(half).ok()
        }
    }
}
