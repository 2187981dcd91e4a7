//! What is really executed, seen from outside and before it runs.
//!
//! An `execve` waits at the seccomp listener: [`Attempt`] is what it asks for then. That can be another thing by the
//! time the kernel does it, for what a path and an argument point to is the caller's to change. So the thread is
//! traced from there on ([`Tracing`]), and stopped when it has become the other program and nothing of that has run: [`Image`]
//! is what it has become. From then on nobody inside can change it, for `/proc` is read-only there, tracing is
//! refused, and no memory of it is shared.
//!
//! # What it does not see
//! Code that comes into a process without `execve`: an interpreter's script, a library, what a program maps for itself.

mod attempt;
mod fixed;
mod image;
mod memory;
mod seat;
mod tracing;
mod view;
mod wanted;
mod way;

pub use attempt::{Attempt, environment};
pub use image::{Image, environment_of};
pub use tracing::{Change, Tracing};
pub use view::{Named, View, opened_by};
pub use wanted::{Shown, Wanted};

/// Bytes of arguments that are read.
const MOST_BYTES: usize = 256 * 1024;
/// Arguments that are read.
const MOST_ARGUMENTS: usize = 16 * 1024;

/// The arguments of a program, as far as they are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Each, the name that it was given first.
    pub words: Vec<Vec<u8>>,
    /// Whether these are all.
    pub whole: bool,
}
