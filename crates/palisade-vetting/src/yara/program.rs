//! A program of the operator's: where it is, and what it writes, within bounds.

use std::{
    env,
    ffi::OsStr,
    io::{self, Read},
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Bytes of what it says is wrong.
const MOST_SAID: usize = 64 * 1024;

/// What a program left that ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    /// `None`: a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// The first program of this name in the absolute folders of `path`, by its real path.
pub(super) fn find(path: &OsStr, name: &str) -> Option<PathBuf> {
    env::split_paths(path).filter(|folder| folder.is_absolute()).find_map(|folder| {
        let found = folder.join(name);
        let metadata = found.metadata().ok()?;
        let runs = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
        runs.then(|| found.canonicalize().ok())?
    })
}

/// Run it to its end, without another thread: readers may be forked later. The inner error says why it was ended.
///
/// # Errors
/// It cannot be started, or its pipes cannot be read.
pub(super) fn bounded(
    mut command: Command,
    within: Duration,
    most: usize,
) -> io::Result<Result<Ended, String>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut started = Running(command.spawn()?);
    let until = Instant::now() + within;
    let late = || Ok(Err(format!("it took longer than {} seconds", within.as_secs())));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (mut out, mut err) = (started.0.stdout.take(), started.0.stderr.take());
    while out.is_some() || err.is_some() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return late();
        }
        let (one, two) = (ready(out.as_ref(), err.as_ref(), left))?;
        if one && !drain(&mut out, &mut stdout, most)? {
            return Ok(Err("its output is too long".to_owned()));
        }
        // More of what is wrong says no more.
        if two && !drain(&mut err, &mut stderr, MOST_SAID)? {
            return Ok(Err("it says too much".to_owned()));
        }
    }
    loop {
        if let Some(status) = started.0.try_wait()? {
            return Ok(Ok(Ended { code: status.code(), stdout, stderr }));
        }
        if Instant::now() > until {
            return late();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Ended when it is not wanted any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

/// Which of the two has something or is at its end, after at most this time.
fn ready(
    out: Option<&impl AsFd>,
    err: Option<&impl AsFd>,
    left: Duration,
) -> io::Result<(bool, bool)> {
    let mut list: Vec<PollFd<'_>> = Vec::new();
    list.extend(out.map(|it| PollFd::new(it, PollFlags::IN)));
    list.extend(err.map(|it| PollFd::new(it, PollFlags::IN)));
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut list, Some(&left)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let mut found = list.iter().map(|one| !one.revents().is_empty());
    let one = out.is_some() && found.next().unwrap_or(false);
    let two = err.is_some() && found.next().unwrap_or(false);
    Ok((one, two))
}

/// Take what is there; at the end the pipe is gone. False: it is more than may be.
fn drain(from: &mut Option<impl Read>, to: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    let mut chunk = [0; 16 * 1024];
    let read = match from.as_mut().map_or(Ok(0), |from| from.read(&mut chunk)) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
        read => read?,
    };
    if read == 0 {
        *from = None;
    }
    to.extend_from_slice(chunk.get(..read).unwrap_or_default());
    Ok(to.len() <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, within: u64, most: usize) -> Result<Ended, String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        bounded(command, Duration::from_secs(within), most).unwrap()
    }

    #[test]
    fn what_it_writes_is_bounded_in_bytes_and_time() {
        let ended = sh("echo out; echo err >&2; exit 3", 60, 100).unwrap();
        assert_eq!(
            (ended.code, &*ended.stdout, &*ended.stderr),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(sh("kill -9 $$", 60, 100).unwrap().code, None);
        assert!(
            sh("while :; do echo xxxxxxxxxxxxxxx; done", 60, 10_000)
                .unwrap_err()
                .contains("too long")
        );
        assert!(
            sh("while :; do echo xxxxxxxxxxxxxxx >&2; done", 60, 100)
                .unwrap_err()
                .contains("too much")
        );
        let began = Instant::now();
        assert!(sh("exec sleep 600", 1, 100).unwrap_err().contains("longer than 1 seconds"));
        assert!(sh("exec >&- 2>&-; exec sleep 600", 1, 100).is_err());
        assert!(began.elapsed() < Duration::from_secs(300));
    }

    #[test]
    fn only_programs_in_absolute_folders_are_found() {
        assert!(find(OsStr::new("/nonexistent:/bin:/usr/bin"), "sh").is_some());
        assert_eq!(find(OsStr::new(".:bin::"), "sh"), None);
        let top = tempfile::tempdir().unwrap();
        std::fs::write(top.path().join("yara"), "").unwrap();
        assert_eq!(find(top.path().as_os_str(), "yara"), None);
    }
}
