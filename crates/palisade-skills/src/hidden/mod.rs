//! What a person does not see: characters without a shape, direction tricks, look-alike letters,
//! and texts in encodings that a model reads and a reviewer does not.

mod characters;
mod peel;
mod rules;

pub(crate) use characters::is_hidden;
pub(crate) use peel::matters;
pub(crate) use rules::{DECODE_AND_OBEY, RULES};

use crate::{FileKind, Package, Seen, formats::Profile};

/// The hidden texts of a package.
pub(crate) fn look(package: &Package, profile: &Profile) -> Seen {
    let mut seen = Seen::default();
    for file in &package.files {
        if matches!(
            file.kind,
            FileKind::Media | FileKind::Archive | FileKind::Binary | FileKind::Unknown
        ) {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        characters::look(file, text, profile, &mut seen);
        peel::look(file, text, profile, &mut seen);
    }
    seen
}
