//! Filled below.

use super::super::call::Call;
use super::Act;

pub(super) fn act(_: &Call) -> Option<Act> {
    None
}
