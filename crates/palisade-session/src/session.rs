use std::{path::Path, sync::Arc};

use palisade_core::{Action, Authority, Event, Layer, SessionId, Verdict};
use palisade_engine::Engine;
use palisade_journal::{Durability, Journal, Timestamp};
use palisade_policy::Policy;
use palisade_sandbox::{Building, LaunchError, launch};
use palisade_workspace::{Kept, Outcome, WorkspaceError};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::{
    models,
    order::Order,
    outward,
    pipeline::Pipeline,
    plan::{self, Placeholders},
    refusal::{self, Exit, Refusal, Refuse},
    streams::{self, Copies},
    supervise::{Cause, End, Terminals, until_end},
    terminal::{Signals, Terminal},
};

const JOURNAL: &str = "see that the state folder (PALISADE_STATE) can be written and has room";

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The session, as the journal names it.
    pub session: SessionId,
    /// The exit status for the shell: the command's own, or 128 and the signal that ended it.
    pub status: u8,
    /// How many acts were refused, each time counted.
    pub denied: u64,
    /// Whether the agent changed something that is kept in the workspace's overlay.
    pub changed: bool,
    /// What to tell the operator besides, if something other than the command ended it.
    pub notice: Option<String>,
}

/// Run the command in a sandbox, to its end.
///
/// The process must have one thread: it is forked before any other starts. Nothing runs unless
/// every layer stands and the journal has the launch.
///
/// # Errors
/// Why the command was not started. The journal has it as well, if there is a journal.
pub fn run(order: &Order) -> Result<Ended, Refusal> {
    let session = new_session()?;
    let prepared = refuse_unbuilt(&order.policy).and_then(|()| prepare(order, &session));
    let (building, copies, terminal, kept) = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => return Err(journal_refusal(order, &session, refusal)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .refuse("start the supervisor's threads", "see the limits of this user (ulimit -u)")?;
    let result = runtime.block_on(live(order, &session, building, copies, terminal, kept));
    // A lookup or a read that hangs must not keep us.
    runtime.shutdown_background();
    result
}

/// What has to happen while there is one thread, and no secret in memory.
fn prepare(
    order: &Order,
    session: &SessionId,
) -> Result<(Building, Copies, Option<Terminal>, Option<Kept>), Refusal> {
    let placeholders = Placeholders::of(order.policy.inference.as_ref())?;
    let (stdio, copies) = streams::of_caller()?;
    let terminal =
        Terminal::detect().refuse("the terminal", "start palisade from another terminal")?;
    let (plan, kept) = plan::make(order, session, stdio, &placeholders)?;
    let building = launch(plan).map_err(|error| refusal::of_launch(&error))?;
    Ok((building, copies, terminal, kept))
}

async fn live(
    order: &Order,
    session: &SessionId,
    building: Building,
    mut copies: Copies,
    terminal: Option<Terminal>,
    mut kept: Option<Kept>,
) -> Result<Ended, Refusal> {
    let policy = &order.policy;
    let signals = Signals::catch().refuse("catch signals", "report this")?;
    let journal = open_journal(order, session)?;
    let own = palisade_egress::own_addresses().refuse("this machine's addresses", "report this")?;
    let pipeline = Pipeline::new(Engine::with_own_addresses(policy, own), journal);
    let refused = |refusal: Refusal| close_refused(&pipeline, refusal);
    let authority: Arc<dyn Authority> = pipeline.clone();
    let services = models::services(
        policy.inference.as_ref(),
        &policy.network,
        &order.operator,
        Arc::clone(&authority),
    );
    let services = match services.await {
        Ok(services) => services,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let standing = match tokio::task::block_in_place(|| building.wait()) {
        Ok(standing) => standing,
        Err(error) => return Err(refused(refusal::of_launch(&error)).await),
    };
    let decision = authority.authorize(&launch_action(order)).await;
    if !decision.is_allowed() {
        let refusal = Refusal::new(decision.reason, JOURNAL);
        return Err(refused(refusal).await);
    }
    let mut standing = standing;
    let sockets = standing.sockets.take();
    let sandbox = standing.terminal.take();
    let outward = async {
        match sockets {
            Some(sockets) => outward::serve(sockets, &policy.network, services, authority).await,
            None => std::future::pending().await,
        }
    };
    if let Some(Err(error)) = kept.as_mut().map(Kept::record_host) {
        return Err(refused(plan::of_overlay(&error)).await);
    }
    copies.start()?;
    let terminals = Terminals { operator: terminal, sandbox };
    let running = match standing.go() {
        Ok(running) => running,
        Err(error) => return Err(refused(refusal::of_launch(&error)).await),
    };
    let wall_time = policy.process.limits.wall_time;
    let (end, cause) = until_end(running, terminals, signals, wall_time, outward).await?;
    tokio::task::block_in_place(|| copies.finish());
    match end {
        Ok(end) => {
            let changes = kept.map(|kept| kept.end(Timestamp::now().to_string()));
            finish(&pipeline, session, end, &cause, changes).await
        }
        Err(LaunchError::Exec(errno)) => {
            let name = order.command.first().map(|name| name.display().to_string());
            Err(refused(of_exec(&name.unwrap_or_default(), errno)).await)
        }
        Err(error) => Err(refused(refusal::of_launch(&error)).await),
    }
}

fn launch_action(order: &Order) -> Action {
    Action::Launch {
        command: order.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        workspace: order
            .policy
            .filesystem
            .workspace
            .as_ref()
            .map(|workspace| workspace.path.display().to_string()),
    }
}

async fn finish(
    pipeline: &Pipeline,
    session: &SessionId,
    end: End,
    cause: &Cause,
    changes: Option<Result<Outcome, WorkspaceError>>,
) -> Result<Ended, Refusal> {
    let how = match end {
        End::Exited(code) => format!("exit {code}"),
        End::Killed(signal) => format!("signal {signal}"),
        End::Lost => "the sandbox was ended from outside".to_owned(),
    };
    let mut event =
        Event::observed("end", Layer::Process, how).with("status", u64::from(end.status()));
    let notice = match cause {
        Cause::Itself => None,
        Cause::WallTime(limit) => {
            event.rule = Some("process.limits.wall_time".to_owned());
            Some(format!("ended after {} s, the policy's wall_time", limit.as_secs()))
        }
        Cause::Network(why) => Some(format!("ended because its network failed: {why}")),
    };
    if let Some(notice) = &notice {
        event.reason.clone_from(notice);
    }
    let mut changed = false;
    let notice = match changes {
        None | Some(Ok(Outcome::Unchanged)) => notice,
        Some(Ok(Outcome::Changed)) => {
            changed = true;
            event = event.with("overlay", "changed");
            notice
        }
        Some(Err(error)) => {
            changed = true;
            event = event.with("overlay", format!("changed, not recorded: {error}"));
            Some(format!("the changes are kept, but {error}"))
        }
    };
    let closed = pipeline.journal().close(event, Durability::Written).await;
    let notice = match closed {
        Ok(_) => notice,
        Err(error) => Some(format!("the end could not be written to the journal: {error}")),
    };
    let denied = pipeline.denied();
    Ok(Ended { session: session.clone(), status: end.status(), denied, changed, notice })
}

fn of_exec(name: &str, errno: rustix::io::Errno) -> Refusal {
    use rustix::io::Errno;
    match errno {
        Errno::NOENT => Refusal::new(
            format!("{name}: there is no such command in the sandbox, or what it needs to start"),
            "grant its folder in `filesystem.read`",
        )
        .with_exit(Exit::NotFound),
        _ => Refusal::new(
            format!("{name} cannot be executed: {errno}"),
            "see that it is a program for this system",
        )
        .with_exit(Exit::NotExecutable),
    }
}

fn refuse_unbuilt(policy: &Policy) -> Result<(), Refusal> {
    let Some(first) = policy.not_built.first() else { return Ok(()) };
    let list: Vec<String> = policy
        .not_built
        .iter()
        .map(|missing| format!("{} ({})", missing.what, missing.at))
        .collect();
    Err(Refusal::new(
        format!("the policy asks for what this version cannot enforce yet: {}", list.join(", ")),
        format!("take `{}` out of the policy; nothing is ignored silently", first.what),
    ))
}

fn new_session() -> Result<SessionId, Refusal> {
    let mut bits = [0_u8; 16];
    getrandom(&mut bits, GetRandomFlags::empty())
        .refuse("random numbers from the kernel", "report this")?;
    Ok(SessionId::from_random(bits))
}

fn open_journal(order: &Order, session: &SessionId) -> Result<Journal, Refusal> {
    let folder: &Path = &order.operator.state_dir;
    Journal::open(folder, session, order.name.as_deref(), &order.policy.digest)
        .refuse("the journal", JOURNAL)
}

fn refusal_event(refusal: &Refusal) -> Event {
    let mut event = Event::observed("refusal", Layer::Supervisor, refusal.what.clone());
    event.decision = Verdict::Deny;
    event.reason.clone_from(&refusal.remedy);
    event
}

/// Record why nothing was started. The refusal itself counts more than its record.
fn journal_refusal(order: &Order, session: &SessionId, refusal: Refusal) -> Refusal {
    match open_journal(order, session) {
        Ok(journal) => {
            let recorded = journal.close_blocking(refusal_event(&refusal), Durability::Written);
            with_record(refusal, recorded.err().map(|error| error.to_string()))
        }
        Err(error) => with_record(refusal, Some(error.what)),
    }
}

async fn close_refused(pipeline: &Pipeline, refusal: Refusal) -> Refusal {
    let closed = pipeline.journal().close(refusal_event(&refusal), Durability::Written).await;
    with_record(refusal, closed.err().map(|error| error.to_string()))
}

fn with_record(mut refusal: Refusal, error: Option<String>) -> Refusal {
    if let Some(error) = error {
        refusal.what = format!("{}; nor could this be recorded: {error}", refusal.what);
    }
    refusal
}
