//! Archives: their members are files of the package, within bounds.

use super::Reader;

/// Takes the members of an archive.
pub(super) fn members(reader: &mut Reader, path: &str, bytes: &[u8], nested: usize) {
    let _ = (bytes, nested);
    reader.note(&super::rules::NESTED, path, "archives are not opened".to_owned());
}
