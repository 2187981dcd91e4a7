//! Who opens a decoy file. The kernel tells that one is opened, and not by whom.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use palisade_alarms::Decoys;
use palisade_core::{Authority, Event, Layer};
use palisade_sandbox::linux::execs::View;
use rustix::{
    fs::inotify::{self, CreateFlags, Reader, WatchFlags},
    io::Errno,
};
use tokio::{net::unix::pipe::Receiver, time::sleep};

use crate::refusal::{Refusal, Refuse};

/// Between two looks. A program that opens one again and again is told of once in so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Decoy files that are watched.
pub(crate) struct Opened {
    /// Not a pipe, and to wait there is no difference.
    notices: Receiver,
    files: Vec<(i32, PathBuf)>,
}

impl Opened {
    /// Watch them from now on. Nothing has run inside.
    pub(crate) fn watch(decoys: &Decoys, view: &View) -> Result<Self, Refusal> {
        const WHAT: &str = "watch the decoy files";
        const HELP: &str =
            "take `files` out of `alarms.canaries`, or raise fs.inotify.max_user_watches";
        let notices =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).refuse(WHAT, HELP)?;
        let mut files = Vec::new();
        for (path, _) in decoys.files() {
            let file = view.named(path).refuse(format!("{WHAT}: {}", path.display()), HELP)?;
            // By the descriptor: the name means another file outside.
            let by = format!("/proc/self/fd/{}", file.as_raw_fd());
            let number = inotify::add_watch(&notices, by, WatchFlags::OPEN).refuse(WHAT, HELP)?;
            files.push((number, path.to_path_buf()));
        }
        let notices = Receiver::from_owned_fd_unchecked(notices).refuse(WHAT, "report this")?;
        Ok(Self { notices, files })
    }

    /// Record each that is opened, for ever.
    pub(crate) async fn tell(self, authority: Arc<dyn Authority>) {
        loop {
            let look = || match self.taken() {
                opened if opened.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
                opened => Ok(opened),
            };
            if self.notices.readable().await.is_err() {
                return;
            }
            let Ok(opened) = self.notices.try_io(look) else { continue };
            for (path, times) in opened {
                let name = path.display().to_string();
                let mut event = Event::observed("canary", Layer::Files, name.as_str());
                event.reason = "the decoy file was opened".into();
                authority.record(event.with("place", "file").with("times", times)).await;
            }
            sleep(PAUSE).await;
        }
    }

    /// What was opened since the last look, each once, with how often.
    fn taken(&self) -> Vec<(&PathBuf, u64)> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        let mut reader = Reader::new(self.notices.as_fd(), &mut buffer);
        let mut found: Vec<(&PathBuf, u64)> = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    let file = self.files.iter().find(|(number, _)| *number == event.wd());
                    let Some((_, path)) = file else { continue };
                    match found.iter_mut().find(|(known, _)| *known == path) {
                        Some((_, times)) => *times = times.saturating_add(1),
                        None => found.push((path, 1)),
                    }
                }
                Err(Errno::INTR) => {}
                // There is nothing more.
                Err(_) => return found,
            }
        }
    }
}
