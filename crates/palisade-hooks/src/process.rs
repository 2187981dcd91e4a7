use std::{
    ffi::OsString,
    io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::unix::pipe::Receiver,
    process::{Child, Command},
    time::timeout,
};

use crate::{answer::Exit, starter};

/// Bytes that a hook may print.
pub(crate) const MOST_BYTES: usize = 1 << 20;
/// How long what a program left in its pipes is waited for, once it has ended: a daemon of its own may hold
/// them open for ever.
const GRACE: Duration = Duration::from_millis(100);
/// How long a killed program may take to be gone.
const DYING: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Arc<[(OsString, OsString)]>,
    pub(crate) directory: PathBuf,
}

/// What a program left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) exit: Exit,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Order {
    /// Start it, in a process group of its own.
    pub(crate) fn start(&self, stderr: Stdio) -> Result<(Child, Group), String> {
        let failed = |error: io::Error| {
            format!("{} cannot be started: {error}", self.program.to_string_lossy())
        };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(true);
        let child = starter::start(command).map_err(failed)?;
        let group = Group::of(&child).map_err(failed)?;
        Ok((child, group))
    }
}

/// A child and the group that it leads. Whatever is left of the group is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Pid,
    /// The leader's pidfd, which can be read when it has ended. For the runtime it is like a pipe.
    ended: Receiver,
    reaped: bool,
}

impl Group {
    fn of(child: &Child) -> io::Result<Self> {
        let number = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let leader = number.ok_or(io::ErrorKind::NotFound)?;
        let ended = pidfd_open(leader, PidfdFlags::NONBLOCK)?;
        let ended = Receiver::from_owned_fd_unchecked(ended)?;
        Ok(Self { leader, ended, reaped: false })
    }

    /// Resolves when the leader has ended. It is not reaped by that, so its number is nobody else's.
    async fn ended(&self) {
        if self.ended.readable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// End all of it.
    fn kill(&self) {
        if !self.reaped {
            // That there is nobody left is what is wanted.
            kill_process_group(self.leader, Signal::KILL).unwrap_or_default();
        }
    }

    /// End all of it, and say how the leader ended.
    async fn finish(mut self, child: &mut Child) -> Result<ExitStatus, String> {
        self.kill();
        let waited = timeout(DYING, child.wait()).await;
        let status = waited.map_err(|_| "it cannot be ended".to_owned())?;
        self.reaped = true;
        status.map_err(|error| error.to_string())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Run it with this on its standard input, to its end.
///
/// # Errors
/// It cannot be started, takes too long, or prints too much.
pub(crate) async fn run(order: &Order, input: &[u8], within: Duration) -> Result<Left, String> {
    let (mut child, group) = order.start(Stdio::piped())?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let writing = async {
        if let Some(mut stdin) = stdin {
            // Who does not read it has decided without.
            stdin.write_all(input).await.unwrap_or_default();
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        let both = async { tokio::try_join!(bounded(stdout, &mut out), bounded(stderr, &mut err)) };
        tokio::pin!(both);
        tokio::select! {
            biased;
            read = &mut both => {
                read?;
                group.ended().await;
            }
            () = group.ended() => {
                if let Ok(read) = timeout(GRACE, both).await {
                    read?;
                }
            }
        }
        Ok::<(), String>(())
    };
    let talked = timeout(within, async {
        tokio::select! {
            read = read => read,
            () = writing => Ok(()),
        }
    });
    let talked = talked.await;
    let ended = group.finish(&mut child).await;
    talked.map_err(|_| too_long(within))??;
    let status = ended?;
    let exit = match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    };
    Ok(Left { exit, stdout: out, stderr: err })
}

pub(crate) fn too_long(within: Duration) -> String {
    format!("it took longer than {} s", within.as_secs_f64())
}

pub(crate) fn too_much() -> String {
    format!("it printed more than {MOST_BYTES} bytes")
}

/// Read all, or no more than is read of a hook.
async fn bounded(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), String> {
    let Some(from) = from else { return Ok(()) };
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    from.take(most).read_to_end(into).await.map_err(|error| error.to_string())?;
    if into.len() > MOST_BYTES { Err(too_much()) } else { Ok(()) }
}
