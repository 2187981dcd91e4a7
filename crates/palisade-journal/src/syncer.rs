use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use rustix::io::fcntl_dupfd_cloexec;
use tokio::sync::oneshot;

use crate::{
    JournalError, Receipt, disk,
    keys::Keyring,
    ledger::Head,
    store::{Folder, LEDGER, io},
    writer::Shared,
};

type Waiting = Vec<(Head, oneshot::Sender<Result<Receipt, JournalError>>)>;

/// What has to be on the disk, so that a session's records are.
#[derive(Debug)]
pub(crate) struct Durable {
    fd: OwnedFd,
    path: PathBuf,
    folder: Folder,
    journal: Folder,
    state: Folder,
    keys: Keyring,
    entries: bool,
}

impl Durable {
    pub(crate) fn of(
        (fd, path): (&OwnedFd, &PathBuf),
        (folder, journal, state): (&Folder, &Folder, &Folder),
        keys: &Keyring,
    ) -> Result<Self, JournalError> {
        Ok(Self {
            fd: fcntl_dupfd_cloexec(fd, 0).map_err(io("open", path))?,
            path: path.clone(),
            folder: folder.again()?,
            journal: journal.again()?,
            state: state.again()?,
            keys: keys.again()?,
            entries: false,
        })
    }

    /// Put the file on the disk; the first time, also the folders that lead to it and its opening in the ledger.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        disk::sync_data(&self.fd, &self.path)?;
        if !self.entries {
            self.folder.sync()?;
            // Without its opening in the ledger the session would look planted, without the key unsigned.
            self.keys.sync()?;
            self.journal.sync_file(LEDGER)?;
            self.journal.sync()?;
            self.state.sync()?;
            self.entries = true;
        }
        Ok(())
    }
}

/// Waits for the disk, so that those who wait for the kernel alone do not. One sync is for all that came meanwhile.
#[derive(Debug)]
pub(crate) struct Syncer {
    durable: Arc<Mutex<Durable>>,
    shared: Arc<Shared>,
    thread: Option<(Sender<Waiting>, JoinHandle<()>)>,
}

impl Syncer {
    pub(crate) fn new(durable: Durable, shared: Arc<Shared>) -> Self {
        Self { durable: Arc::new(Mutex::new(durable)), shared, thread: None }
    }

    /// Answer these when what is written now is on the disk.
    pub(crate) fn wait(&mut self, waiting: Waiting) {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => match self.begin() {
                Ok(thread) => thread,
                // There can be no further thread: it is done here.
                Err(_) => return synced(&self.durable, &self.shared, waiting),
            },
        };
        let left = thread.0.send(waiting);
        self.thread = Some(thread);
        if let Err(mpsc::SendError(waiting)) = left {
            synced(&self.durable, &self.shared, waiting);
        }
    }

    /// All that waited is answered when this returns.
    pub(crate) fn settle(&mut self) {
        if let Some((queue, thread)) = self.thread.take() {
            drop(queue);
            if thread.join().is_err() {
                self.shared.poison(JournalError::NoWriter);
            }
        }
    }

    /// Put everything that is written on the disk, and wait for that.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.settle();
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).sync()
    }

    fn begin(&self) -> std::io::Result<(Sender<Waiting>, JoinHandle<()>)> {
        let (send, queue) = mpsc::channel();
        let (durable, shared) = (Arc::clone(&self.durable), Arc::clone(&self.shared));
        let run = move || run(&durable, &shared, &queue);
        let thread = thread::Builder::new().name("journal-sync".into()).spawn(run)?;
        Ok((send, thread))
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.settle();
    }
}

fn run(durable: &Mutex<Durable>, shared: &Shared, queue: &Receiver<Waiting>) {
    while let Ok(mut waiting) = queue.recv() {
        waiting.extend(queue.try_iter().flatten());
        synced(durable, shared, waiting);
    }
}

fn synced(durable: &Mutex<Durable>, shared: &Shared, waiting: Waiting) {
    // What was written before an earlier sync failed may be lost: a later one does not say so.
    let result =
        shared.check().and_then(|()| durable.lock().unwrap_or_else(PoisonError::into_inner).sync());
    if let Err(error) = &result {
        shared.poison(error.clone());
    }
    for (head, answer) in waiting {
        // Whoever asked may have stopped waiting; the record stands all the same.
        answer.send(result.clone().map(|()| Receipt { seq: head.seq })).ok();
    }
}
