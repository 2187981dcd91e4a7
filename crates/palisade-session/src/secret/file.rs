use std::{
    fs::{Metadata, OpenOptions},
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::MOST_BYTES;

/// The file's content, if nobody else can have read or written it.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let shown = path.display();
    // A named pipe would be waited for.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| format!("cannot be read from {shown}: {error}"))?;
    let found = file.metadata().map_err(|error| format!("cannot be read from {shown}: {error}"))?;
    if let Some(why) = is_open_to_others(&found, rustix::process::geteuid().as_raw()) {
        return Err(format!("is not read from {shown}: {why}"));
    }
    // Room for all of it: no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 2));
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read from {shown}: {error}"))?;
    Ok(bytes)
}

/// Why a file is not one that only its owner has.
///
/// What root keeps for others to read, as secrets of containers are, is taken; what anybody else could
/// have changed is not.
fn is_open_to_others(found: &Metadata, user: u32) -> Option<String> {
    let mode = found.mode() & 0o777;
    if !found.is_file() {
        return Some("it is no regular file".to_owned());
    }
    if found.uid() != user && found.uid() != 0 {
        return Some(format!("it belongs to uid {}; make it yours, with mode 600", found.uid()));
    }
    let ours = found.uid() == user && user != 0;
    if mode & 0o022 != 0 || (ours && mode & 0o077 != 0) {
        return Some(format!("others may read or change it (mode {mode:o}); `chmod 600` it"));
    }
    None
}
