//! The path of an HTTP request, as servers may read it, and the patterns it is compared with.

mod pattern;
mod reading;

pub use pattern::{PathPattern, PathPatternError};

use reading::Reading;

/// Bytes of a path that are read. Servers refuse longer ones (RFC 9112, section 3, asks for 8000).
const LONGEST: usize = 16 * 1024;

/// A path, decoded, in each of the ways that a server may read it.
///
/// Servers do not agree on what a path means. What all read alike is decoded once and compared. Where
/// they differ in a way that can be listed (`//`, `%2f`, `;x`, a dot at the end of a name), each
/// reading is here: a permission needs all of them, a denial one. What cannot be listed (dot
/// segments, double encoding, `\`, bytes that are not UTF-8) has no meaning here:
/// [`HttpPath::parse`] says why, and a request with it is refused wherever a path is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPath {
    /// Never empty. The first is the literal one.
    readings: Vec<Reading>,
}

/// Why a path may be read differently by two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmbiguousPath {
    /// `*`, or an authority.
    #[error("it does not begin with `/`")]
    Relative,
    /// Over 16 KiB.
    #[error("it is longer than 16 KiB")]
    TooLong,
    /// A space, a control character, `#`, `?` or a byte over 0x7e as it is.
    #[error("it has a character that must be percent-encoded")]
    Raw,
    /// `%` without two hexadecimal digits.
    #[error("it has a `%` that begins no percent-encoding")]
    Escape,
    /// `%2e` behind `%25`, `%u002e`.
    #[error("it is percent-encoded twice")]
    Twice,
    /// `\` or `%5c`.
    #[error("it has a backslash, which some servers read as `/`")]
    Backslash,
    /// `%00` to `%1f`, `%7f`, and control characters of Unicode.
    #[error("it has an encoded control character")]
    Control,
    /// `%3f`, `%23`, `%3b`.
    #[error("it has an encoded `?`, `#` or `;`, which some servers read as the delimiter")]
    Delimiter,
    /// `;` and `%2f` in one segment.
    #[error("it has a `;` and a `%2f` in one segment")]
    Parameter,
    /// Also overlong forms.
    #[error("it is not UTF-8 when it is decoded")]
    NotUtf8,
    /// Full-width and other forms of one character, invisible characters.
    #[error("it has characters that some servers turn into others")]
    Unicode,
    /// `.`, `..`, also encoded, also with parameters or further dots.
    #[error("it has a dot segment, which some servers resolve and others do not")]
    Dots,
}

impl HttpPath {
    /// Read a path as a client sent it, without its query.
    ///
    /// # Errors
    /// If two servers may read it differently and not all readings can be listed.
    pub fn parse(raw: &[u8]) -> Result<Self, AmbiguousPath> {
        reading::all(raw).map(|readings| Self { readings })
    }
}

#[cfg(test)]
mod tests;
