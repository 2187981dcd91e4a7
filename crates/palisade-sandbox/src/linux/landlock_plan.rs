//! The Landlock rights that say the same as the mount tree.

use super::landlock::Access;
use crate::plan::{Content, There};

/// What is granted at a path that holds this. `None`: nothing, by itself.
pub(crate) fn access(content: &Content) -> Option<Access> {
    match content {
        Content::Host(object) if object.writable => Some(Access::ReadWrite),
        Content::Host(_) | Content::Text(_) | Content::Folder(_) | Content::EmptyFolder => {
            Some(Access::ReadExecute)
        }
        Content::Overlay(_) | Content::Scratch { .. } => Some(Access::ReadWrite),
        Content::Socket => Some(Access::Socket),
        Content::Cover(There { folder: true, .. }) => Some(Access::ReadExecute),
        // A pin is a second mount of what the folder around it grants.
        Content::Link(_) | Content::Cover(_) | Content::Pin { .. } => None,
    }
}

/// All of it by path, in a tree that is there already.
#[cfg(test)]
pub(crate) fn by_path(
    mounts: &[crate::plan::Mount],
) -> Result<super::landlock::Prepared, crate::step::StepError> {
    let planned = mounts.iter().filter_map(|it| Some((it.at.clone(), access(&it.content)?)));
    let devices = super::mounts::device_paths().map(|path| (path.into(), Access::Device));
    let fixed = [("/dev/pts".into(), Access::Device), ("/proc".into(), Access::ReadOnly)];
    super::landlock::prepare(&planned.chain(devices).chain(fixed).collect::<Vec<_>>())
}
