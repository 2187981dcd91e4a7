//! The thread that starts the operator's programs.
//!
//! They run with the operator's rights; what reads the agent's bytes is not to have these, and what a thread
//! has, its children have too. So a supervisor has a thread that starts programs and does nothing else, from
//! before it gives its own rights up. Without one, where there is no session, programs are started by whoever asks.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{OnceLock, mpsc},
    thread,
};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
};

/// Of its stack; to start a program takes little of it.
const STACK: usize = 256 << 10;

type Done = Box<dyn Any + Send>;
type Work = Box<dyn FnOnce() -> Done + Send>;
/// What is to be done, and who waits for it. Nobody gets an answer to what panicked.
type Job = (Work, mpsc::SyncSender<Done>);
/// What is done to each program before it is started.
type Prepare = fn(&mut std::process::Command);

static STARTER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
static PREPARE: OnceLock<Prepare> = OnceLock::new();

/// Start the thread, once in a process. It keeps the rights that the caller has now; `first` is what it does before
/// anything else, and `prepare` what is done to each program: it would have what this thread has, such as signals that
/// are blocked.
///
/// # Errors
/// The system has no thread left, or there is one already.
pub fn begin(first: impl FnOnce() + Send + 'static, prepare: Prepare) -> io::Result<()> {
    PREPARE.set(prepare).map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
    let (jobs, asked) = mpsc::channel::<Job>();
    thread::Builder::new().name("starter".into()).stack_size(STACK).spawn(move || {
        first();
        serve(&asked);
    })?;
    STARTER.set(jobs).map_err(|_| io::ErrorKind::AlreadyExists.into())
}

fn serve(asked: &mpsc::Receiver<Job>) {
    while let Ok((work, answer)) = asked.recv() {
        if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
            // Who asked may be gone.
            answer.send(done).unwrap_or_default();
        }
    }
}

/// Do this on that thread, and wait for it.
///
/// # Errors
/// It is gone, or what was to be done panicked.
pub fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    match STARTER.get() {
        None => Ok(work()),
        Some(jobs) => ask(jobs, work),
    }
}

fn ask<T: Send + 'static>(
    jobs: &mpsc::Sender<Job>,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let gone = || io::Error::other("the thread that starts programs is gone");
    let (answer, answered) = mpsc::sync_channel(1);
    let work: Work = Box::new(move || Box::new(work()));
    jobs.send((work, answer)).map_err(|_| gone())?;
    let done = answered.recv().map_err(|_| gone())?;
    done.downcast().map(|done| *done).map_err(|_| gone())
}

/// Start a program there. The caller's runtime waits for its end.
///
/// # Errors
/// As [`Command::spawn`], or there is no such thread any more.
pub fn start(mut command: Command) -> io::Result<Child> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    if let Some(prepare) = PREPARE.get() {
        prepare(command.as_std_mut());
    }
    beside(move || {
        let _in = runtime.enter();
        command.spawn()
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread of its own, not the process's: other tests start programs as well.
    fn thread_of() -> mpsc::Sender<Job> {
        let (jobs, asked) = mpsc::channel::<Job>();
        thread::spawn(move || serve(&asked));
        jobs
    }

    #[test]
    fn it_is_done_on_another_thread_and_outlives_what_panics() {
        let jobs = thread_of();
        let here = thread::current().id();
        let there = ask(&jobs, || thread::current().id()).unwrap();
        assert_ne!(there, here);
        let failed = ask(&jobs, || -> u8 { panic!("on purpose") });
        assert!(failed.unwrap_err().to_string().contains("gone"));
        assert_eq!(ask(&jobs, || thread::current().id()).unwrap(), there);
    }

    #[tokio::test]
    async fn a_program_is_started_where_there_is_no_such_thread() {
        let mut child = start(Command::new("true")).unwrap();
        assert!(child.wait().await.unwrap().success());
        assert!(start(Command::new("/no/such/program")).is_err());
    }
}
