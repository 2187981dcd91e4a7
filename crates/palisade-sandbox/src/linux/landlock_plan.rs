//! The Landlock rights that say the same as the mount tree.

use super::landlock::Access;
use crate::plan::Content;

/// What is granted at a path that holds this. `None`: nothing, by itself.
pub(crate) fn access(content: &Content) -> Option<Access> {
    match content {
        Content::Host(object) if object.writable => Some(Access::ReadWrite),
        Content::Host(_) | Content::Text(_) | Content::EmptyFolder => Some(Access::ReadExecute),
        Content::Overlay(_) | Content::Scratch { .. } => Some(Access::ReadWrite),
        Content::Link(_) | Content::EmptyFile => None,
    }
}
