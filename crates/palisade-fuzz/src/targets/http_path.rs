//! A path and a pattern: what permits also refuses, what covers takes all of it, and to print a pattern changes nothing.

use palisade_core::{HttpPath, PathPattern};

use crate::input::{text, two};

pub(crate) fn target(data: &[u8]) {
    let (pattern, rest) = two(data);
    let (other, path) = two(rest);
    let Ok(pattern) = text(pattern).parse::<PathPattern>() else { return };
    assert_eq!(pattern.to_string().parse::<PathPattern>(), Ok(pattern.clone()));
    let Ok(path) = HttpPath::parse(path) else { return };
    assert!(!pattern.allows(&path) || pattern.denies(&path));
    if let Ok(other) = text(other).parse::<PathPattern>()
        && pattern.covers(&other)
    {
        assert!(!other.allows(&path) || pattern.allows(&path));
    }
}
