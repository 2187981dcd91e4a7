//! Patterns, compiled when there is something to find, and matched in time linear in the text.
//!
//! A pattern of five hundred words takes half a millisecond to compile, there are hundreds, and a process that looks at
//! one skill needs each for a few sentences. So each is asked at first what words its matches hold ([`glance`], [`required`]), and
//! is then compiled without the alternatives that the text cannot match ([`narrowed`]); with many texts it is compiled once
//! and for all.

mod classes;
mod edges;
mod folded;
mod glance;
mod lazy;
mod lower;
mod narrowed;
mod required;
#[cfg(test)]
mod tests;

pub(crate) use lazy::Regex;

/// A pattern of this crate.
///
/// `\b` is the boundary of an ASCII word: with the one of Unicode the fast engines give up at the first
/// letter past ASCII, and a command behind a Chinese or Japanese word has none. Where a word of the pattern itself begins
/// or ends past ASCII, it is the half of one ([`edges`]). `\w` is a letter or digit of
/// ASCII or any character past it, and `\d` a digit of ASCII: their tables are dear to compile, and each
/// process does it anew.
///
/// A pattern that is wrong panics when it is used, which a test shows.
pub(crate) fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern, true)
}

/// A pattern for programs, whose telling words are ASCII: a class is one byte, so that a reach of a
/// hundred characters is a hundred states and not a thousand. A match may begin or end within a character.
/// As [`pattern`] otherwise.
pub(crate) fn code(pattern: &str) -> Regex {
    Regex::new(pattern, false)
}
