//! What findings and capabilities say together that none says alone.

use crate::{Package, Seen, formats::Profile};

/// Raises and lowers findings by what stands beside them.
pub(super) fn combine(profile: &Profile, package: &Package, seen: &mut Seen) {
    let _ = (profile, package, seen);
}
