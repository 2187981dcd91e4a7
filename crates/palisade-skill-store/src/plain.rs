use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// Opens a regular file for reading. Whatever else was put in its place is refused at once: opening a pipe
/// would wait for somebody to write to it, and opening a terminal would take it.
///
/// # Errors
/// It cannot be opened, or is no regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn what_would_be_waited_for_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("it");
        assert_eq!(open(&at).unwrap_err().kind(), io::ErrorKind::NotFound);
        mknodat(CWD, &at, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let path = at.clone();
        std::thread::spawn(move || tell.send(open(&path).map(drop)));
        let answer = told.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        assert!(answer.unwrap_err().to_string().contains("no regular file"));
        assert!(open(folder.path()).is_err());
        std::fs::remove_file(&at).unwrap();
        std::fs::write(&at, "text").unwrap();
        assert_eq!(io::read_to_string(open(&at).unwrap()).unwrap(), "text");
    }
}
