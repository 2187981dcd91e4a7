//! The Landlock rules that say the same as the mount tree.

use super::{
    landlock::{Access, Prepared},
    mounts::device_paths,
};
use crate::{
    plan::{Content, Mount},
    step::StepError,
};

/// Open what the rules are about (in the new root) and make the ruleset.
pub(crate) fn prepare(mounts: &[Mount]) -> Result<Prepared, StepError> {
    let mut rules: Vec<(std::path::PathBuf, Access)> = mounts
        .iter()
        .filter_map(|mount| {
            let access = match &mount.content {
                Content::Host(object) if object.writable => Access::ReadWrite,
                Content::Host(_) | Content::Text(_) | Content::EmptyFolder => Access::ReadExecute,
                Content::Overlay(_) | Content::Scratch { .. } => Access::ReadWrite,
                Content::Link(_) | Content::EmptyFile => return None,
            };
            Some((mount.at.clone(), access))
        })
        .collect();
    rules.extend(device_paths().map(|path| (path.into(), Access::Device)));
    rules.push(("/dev/pts".into(), Access::Device));
    rules.push(("/proc".into(), Access::ReadOnly));
    super::landlock::prepare(&rules)
}
