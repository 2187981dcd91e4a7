//! What Landlock refuses, where the kernel's audit tells the supervisor of it.
//!
//! Unlike a system call the act does not wait: the record comes when it was refused already.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};

use palisade_core::{Authority, Event, Layer, Verdict};
use palisade_sandbox::linux::{
    abilities::Kind,
    audit::{Denied, Question, Records, Told},
};
use tokio::{io::Interest, sync::oneshot, task::JoinHandle, time::timeout};

use crate::order::Order;

/// How long the kernel is heard, after its last word, of a sandbox that is gone and to which it
/// told of a denial: then the number of them is to come.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The same where it has told of none. It tells at once, through a queue.
const A_MOMENT: Duration = Duration::from_millis(20);

/// Hears the records and keeps them.
#[derive(Debug)]
pub(crate) struct FileDenials {
    hearing: JoinHandle<()>,
    over: oneshot::Sender<()>,
}

/// Ask for the records of the sandbox to be. Whether this system tells of them is known when that is answered
/// ([`Records::of`]).
pub(crate) fn ask(order: &Order) -> Option<Question> {
    if !rustix::process::geteuid().is_root() || order.missing.contains(&Kind::AuditRecords) {
        return None;
    }
    Question::ask().ok()
}

impl FileDenials {
    pub(crate) fn hear(records: Records, authority: Arc<dyn Authority>) -> Self {
        let (over, ended) = oneshot::channel();
        let hearing = tokio::spawn(async move {
            if let Err(error) = hear(records, &authority, ended).await {
                authority.record(unrecorded(&error.to_string())).await;
            }
        });
        Self { hearing, over }
    }

    /// Everything inside is gone: wait until what the kernel has to tell is in the journal.
    pub(crate) async fn finish(self) {
        drop(self.over);
        // It has an end of its own.
        self.hearing.await.unwrap_or_default();
    }
}

async fn hear(
    mut records: Records,
    authority: &Arc<dyn Authority>,
    ended: oneshot::Receiver<()>,
) -> io::Result<()> {
    // A copy, by which the runtime knows when there is something.
    let copy = UnixStream::from(records.as_fd().try_clone_to_owned()?);
    copy.set_nonblocking(true)?;
    let readable = tokio::net::UnixStream::from_std(copy)?;
    tokio::pin!(ended);
    loop {
        tokio::select! {
            told = next(&readable, &mut records) => keep(told?, authority).await,
            _ = &mut ended => break,
        }
    }
    loop {
        let patience = if records.more_may_come() { LAST_WORDS } else { A_MOMENT };
        match timeout(patience, next(&readable, &mut records)).await {
            Ok(told) => keep(told?, authority).await,
            Err(_) => return Ok(()),
        }
    }
}

/// The next one. Can be cancelled without losing any.
async fn next(readable: &tokio::net::UnixStream, records: &mut Records) -> io::Result<Told> {
    let look = || match records.hear()? {
        Told::Nothing => Err(io::ErrorKind::WouldBlock.into()),
        told => Ok(told),
    };
    readable.async_io(Interest::READABLE, look).await
}

async fn keep(told: Told, authority: &Arc<dyn Authority>) {
    match told {
        Told::Denied(denied) => {
            authority.record(event(&denied)).await;
        }
        Told::More(number) => {
            let mut event = Event::observed("access", Layer::Files, "(many subjects)");
            event.decision = Verdict::Deny;
            event.reason = format!("{number} more were counted by the kernel and not told");
            authority.record(event.with("count", number)).await;
        }
        Told::Elsewhere | Told::Nothing => {}
    }
}

fn event(denied: &Denied) -> Event {
    let files = denied.rights.starts_with("fs.");
    let layer = if files { Layer::Files } else { Layer::Process };
    let mut event = Event::observed("access", layer, denied.object.as_str());
    event.decision = Verdict::Deny;
    event.reason = "no rule of the policy grants it".to_owned();
    event.with("rights", denied.rights.split(',').map(str::to_owned).collect::<Vec<_>>())
}

fn unrecorded(why: &str) -> Event {
    let subject = "what Landlock refused is not recorded";
    let mut event = Event::observed("unrecorded", Layer::Files, subject);
    event.reason = format!("it was refused all the same; {why}");
    event
}
