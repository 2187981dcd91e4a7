//! Programs for a test to run.
//!
//! The kernel runs no file that someone has open for writing (`ETXTBSY`, execve(2)). A test that writes a
//! program itself has it open for a moment, and a child that another thread forks in that moment
//! has it open until it runs something else. So another process writes: none of ours ever has it open.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Write `text` to `path`, for everyone to run.
///
/// # Panics
///
/// Where that cannot be done.
pub fn write_program(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    let path = path.as_ref();
    let mut child = Command::new("sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|why| panic!("sh: {why}"));
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_ref()).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    }
    let status = child.wait().unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    assert!(status.success(), "{} was not written: {status}", path.display());
}

/// Copy the program `from` to `to`, for everyone to run.
///
/// # Panics
///
/// Where that cannot be done.
pub fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let (from, to) = (from.as_ref(), to.as_ref());
    let status = Command::new("sh")
        .args(["-c", "cp \"$1\" \"$2\" && chmod 755 \"$2\"", "sh"])
        .args([from, to])
        .status()
        .unwrap_or_else(|why| panic!("sh: {why}"));
    assert!(status.success(), "{} was not copied to {}", from.display(), to.display());
}
