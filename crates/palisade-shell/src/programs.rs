//! What is known of programs: which start others, and with which options.

mod each;
mod git;
mod globals;
mod keeps;
mod languages;
mod moves;
mod powers;
mod sed;
mod shells;
mod variables;
mod wrappers;

use crate::Field;

pub(crate) use globals::without_globals;
pub(crate) use keeps::keeps;
pub(crate) use moves::moves;
pub(crate) use powers::hidden_powers;
pub(crate) use variables::assigned_within;
pub use variables::{changes_meaning, is_harmless_variable};

/// Something that a program starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inner {
    /// A program with arguments.
    Words { words: Vec<Field>, transparent: bool, certain: bool },
    /// A text that a shell runs.
    Script { text: Field, certain: bool },
    /// What comes on standard input, as a script.
    Input,
    /// Something that the arguments do not tell.
    Unclear(&'static str),
}

/// What this command starts, as far as its arguments tell.
pub(crate) fn started(program: &str, words: &[Field]) -> Vec<Inner> {
    wrappers::started(program, words)
}

/// Whether a path is one that the kernel lets stand for another file, such as `/proc/self/exe` or `/dev/fd/0`.
pub(crate) fn is_of_the_kernel(path: &str) -> bool {
    let path: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    path.first() == Some(&"proc")
        || (path.first() == Some(&"dev") && matches!(path.get(1), Some(&("fd" | "stdin"))))
        || path.contains(&"..") && (path.contains(&"proc") || path.contains(&"dev"))
}
