use std::path::PathBuf;

use rustix::io::Errno;

use crate::{
    beneath::{Root, look, names, too_long},
    error::{WorkspaceError, io},
    seen::Kind,
};

/// How much an overlay holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Files, links and deletions; not folders.
    pub files: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

impl Weight {
    /// Of the folder of changes. What the agent forbids to read is not counted.
    pub(crate) fn of(upper: &Root) -> Result<Self, WorkspaceError> {
        let mut weight = Self::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(path) = folders.pop() {
            let folder = match upper.folder(&path) {
                Ok(folder) => folder,
                Err(Errno::ACCESS | Errno::NOENT) => continue,
                Err(errno) => return Err(io("open", &path)(errno)),
            };
            for name in names(&folder).map_err(io("list", &path))? {
                let path = path.join(&name);
                let Some(seen) = look(&folder, &name).map_err(io("look at", &path))? else {
                    continue;
                };
                weight.bytes = weight.bytes.saturating_add(seen.blocks.saturating_mul(512));
                if seen.kind != Kind::Folder {
                    weight.files = weight.files.saturating_add(1);
                } else if !too_long(&path) {
                    folders.push(path);
                }
            }
        }
        Ok(weight)
    }
}
