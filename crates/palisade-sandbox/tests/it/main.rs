//! What the kernel really does: each layer is put on in a process of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic"
)]

mod cell;
mod child;
mod landlock;
mod net;
mod seccomp;
mod supervisor;
mod sys;
