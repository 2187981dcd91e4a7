//! What the kernel really does: each layer is put on in a process of its own.

mod child;
mod landlock;
mod net;
mod seccomp;
mod sys;
