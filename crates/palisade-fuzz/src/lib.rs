//! What is held of every parser of bytes from outside, as functions of any bytes.
//!
//! A [`Target`] takes bytes and panics where something that must hold does not: a text that is printed and read
//! again is another, a stream that is split elsewhere gives something else, noise turns a denial into a
//! permission. That nothing panics, hangs or eats memory is held by whoever calls it: `fuzz/run` with a fuzzer,
//! the tests of this crate over `corpus/`, which has inputs made by hand and each one that was once a bug.
//!
//! It is no part of the product.

#![forbid(unsafe_code)]
#![allow(clippy::indexing_slicing, reason = "a panic is what this crate is for")]

mod input;
mod targets;

pub use targets::TARGETS;

/// One parser, and what must hold of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folder in `corpus/` too.
    pub name: &'static str,
    /// What it reads.
    pub about: &'static str,
    /// Reads these bytes, and panics if something does not hold.
    pub run: fn(&[u8]),
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

#[cfg(test)]
mod tests;
