//! One session, from the order to its end.
//!
//! The phases of a launch, in the order in which they come: `prepared`, `deciding`, `outside`, `launched`, `watched`; and `ended`.
//! What a phase makes is kept by [`live`] in the order in which it was made, so that it goes in the reverse. A phase that holds
//! something closes the journal itself where it fails, before what it holds goes.

mod deciding;
mod ended;
mod launched;
mod outside;
mod prepared;
mod recorded;
mod watched;

use std::sync::Arc;

use palisade_core::{Authority, SessionId};
use palisade_egress::HostLookup;
use palisade_export::{
    Exporter, Left,
    ship::{Shipper, Unshipped},
};
use palisade_journal::Timestamp;
use palisade_sandbox::{LaunchError, linux::supervisor::Goes};
use palisade_workspace::Kept;
use rustix::{
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};
use tokio::sync::oneshot;

use prepared::{Started, Watch, prepare, refuse_unbuilt};
use recorded::{close_refused, journal_refusal, record_swept};

use crate::{
    alarms,
    callers::Programs,
    degraded::{self, Missing},
    denials::Denials,
    execs,
    file_denials::FileDenials,
    guard, identities, kept_policy,
    later::Later,
    limits,
    live::Live,
    order::Order,
    outward, plan,
    questions::Questions,
    recording::Recording,
    refusal::{self, Refusal, Refuse},
    running::Desk,
    ssh,
    supervise::{Cause, relay, until_end},
    sweep::List,
    terminal::{self, Relay, Signals},
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
    /// What to tell the operator besides: what else ended it, what was found at the end.
    pub notices: Vec<String>,
}

/// Run the command in a sandbox, to its end.
///
/// The process must have one thread: it is forked before any other starts. That thread can start no program and no
/// process any more when this returns. Nothing runs unless
/// every layer stands and the journal has the launch. `tell` gets what the operator is to know
/// before the command starts.
///
/// # Errors
/// Why the command was not started. The journal has it as well, if there is a journal.
pub fn run(order: &Order, tell: impl Fn(&str)) -> Result<Ended, Refusal> {
    let session = new_session()?;
    let prepared = refuse_unbuilt(&order.policy)
        .and_then(|()| degraded::find(order))
        .inspect(|missing| missing.iter().for_each(|one| tell(&one.told())))
        .and_then(|missing| prepare(order, &session, missing));
    let (started, mut watch) = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => return Err(journal_refusal(order, &session, refusal)),
    };
    started.exposed.told().for_each(|one| tell(&one));
    let unfiltered = started.missing.iter().any(Missing::is_filter);
    let tracing = order.policy.holds_execs() || started.marked.any();
    let goes = Goes { tracing, unfiltered };
    if let Err(refusal) = guard::memory().and_then(|()| guard::rights(goes, &order.allow_degraded))
    {
        drop(started);
        watch.list.take().into_iter().for_each(List::forget);
        return Err(journal_refusal(order, &session, refusal));
    }
    // One thread serves one sandbox; starting more would take a tenth of a launch.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .refuse("start the supervisor's runtime", "see the limits of this user (ulimit -n)")?;
    let result = runtime.block_on(live(order, &session, started, &mut watch, &tell));
    // Still there if the session came to no regular end: what ran, if anything, is gone by now.
    let late = watch.list.take().map(List::done).unwrap_or_default();
    // A lookup or a read that hangs must not keep us.
    runtime.shutdown_background();
    // The journal has its last record by now.
    let unsent = watch.exporter.take().map(Exporter::finish).unwrap_or_default();
    let unshipped = watch.shipper.take().map(Shipper::finish).unwrap_or_default();
    let result = result.map(|mut ended| {
        ended.notices.extend(unsent.iter().map(Left::told));
        ended.notices.extend(unshipped.iter().map(Unshipped::told));
        ended
    });
    result.map_err(|mut refusal| {
        for found in &late {
            refusal.what = format!("{}; {}", refusal.what, found.told());
        }
        refusal
    })
}

/// The session from the first thread besides this one to its end.
async fn live(
    order: &Order,
    session: &SessionId,
    started: Started,
    watch: &mut Watch,
    tell: &dyn Fn(&str),
) -> Result<Ended, Refusal> {
    let Started {
        building,
        mut copies,
        terminal,
        mut kept,
        writable,
        held,
        missing,
        exposed,
        records,
        authority: certificates,
        placeholders,
        decoys,
        denied,
        search,
        loads,
        kept_out,
        ungranted,
        named,
        marked,
        absent,
        appearing,
    } = started;
    let policy = &order.policy;
    let mut signals = Signals::catch().refuse("catch signals", "report this")?;
    if policy.holds_execs() || marked.any() {
        execs::prepare().refuse("prepare to watch what is executed", "report this")?;
    }
    let (own, mut raised, pipeline) =
        deciding::begin(order, session, watch, (named, &marked, &decoys)).await?;
    let mut notices = record_swept(&pipeline, &watch.leftover).await;
    let refused = |refusal: Refusal| close_refused(&pipeline, refusal);
    let of_launch = |error: &LaunchError| refusal::of_launch(error, &order.allow_degraded);
    let authority: Arc<dyn Authority> = pipeline.clone();
    let lookup = Arc::new(HostLookup::new(policy.network.hosts.clone()));
    let outbound =
        outward::outbound(&policy.network, &order.operator, own, Arc::clone(&lookup)).await;
    let (gateway, services) = outside::models(
        order,
        &pipeline,
        (outbound.clone(), certificates.as_ref()),
        decoys.as_deref(),
    )
    .await?;
    let live =
        Live::new(order, session, Arc::clone(&pipeline), Arc::clone(&lookup), gateway, denied);
    let live = Arc::new(live);
    let (credentials, variables) =
        outside::credentials(order, &pipeline, &placeholders, decoys.as_deref(), &live).await?;
    // While init builds.
    let without = missing.iter().map(Missing::name).collect();
    let desk = match Desk::set_up(order, session, building.pid(), without) {
        Ok(desk) => desk,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let document = kept_policy::keep(&order.operator.state_dir, policy);
    let standing = match building.wait() {
        Ok(standing) => standing,
        Err(error) => return Err(refused(of_launch(&error)).await),
    };
    if let Err(refusal) = held.refuse_moved(&standing.changed) {
        return Err(refused(refusal).await);
    }
    // All is mounted.
    drop(held);
    if let Some(Err(refusal)) = watch.list.as_ref().map(List::stands) {
        return Err(refused(refusal).await);
    }
    let most = policy.process.limits;
    let mut limits = match limits::Watch::begin(&standing, most, writable).await {
        Ok(limits) => limits,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let found = launched::Found { missing: &missing, loads: &loads, kept_out, ungranted };
    if let Err(refusal) = launched::told(order, &authority, limits.weaker(), found, tell).await {
        return Err(refused(refusal).await);
    }
    let opened = match watched::decoys(decoys.as_deref(), &standing) {
        Ok(opened) => opened,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let wants = match watched::files(order, &standing) {
        Ok(wants) => wants,
        Err(refusal) => return Err(refused(refusal).await),
    };
    if let Err(refusal) = launched::permitted(order, &authority, document).await {
        return Err(refused(refusal).await);
    }
    let mut standing = standing;
    let (callers, lineages, execs) =
        watched::programs(policy, &mut standing, &pipeline, (&search, &marked)).await?;
    let programs = callers.clone().map(|callers| Programs::new(callers, marked.names()));
    let recorder = Arc::clone(&authority);
    let sockets = standing.sockets.take();
    let sandbox = standing.terminal.take();
    if let Err(error) = standing.set_environment(&variables) {
        return Err(refused(of_launch(&error)).await);
    }
    let shown = identities::read(&policy.network, &order.operator).await;
    let inspector = match outward::inspector(certificates, pipeline.clone(), credentials, shown) {
        Ok(inspector) => inspector,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let agent = standing.socket.take().map(|socket| {
        let with = (Arc::clone(&authority), watched::skills_of(&marked));
        ssh::agent(&policy.network, &order.operator, socket, with)
    });
    let agent = match agent.transpose() {
        Ok(agent) => agent,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let agent = async {
        match agent {
            Some((agent, listener)) => match agent.serve(listener).await {},
            None => std::future::pending::<String>().await,
        }
    };
    let outward = async {
        match sockets {
            Some(sockets) => {
                let ways = (inspector, outbound);
                outward::serve(sockets, lookup, services, ways, programs, authority).await
            }
            None => std::future::pending().await,
        }
    };
    let outward = async {
        tokio::select! {
            why = outward => why,
            why = agent => why,
        }
    };
    if let Some(Err(error)) = kept.as_mut().map(Kept::record_host) {
        return Err(refused(plan::of_overlay(&error)).await);
    }
    if let Err(refusal) = copies.start() {
        return Err(refused(refusal).await);
    }
    // Before the command runs: a terminal that is gone by now starts nothing.
    let recording = match Recording::begin(order, session, terminal.as_ref()) {
        Ok(recording) => recording,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let (recording, camera) = recording.unzip();
    if let Some(recording) = &recording
        && !recorder.record(recording.begun()).await
    {
        let what = "that the terminal is recorded could not be recorded";
        return Err(refused(Refusal::new(what, JOURNAL)).await);
    }
    let camera = camera.map(|camera| Box::new(camera) as Box<dyn terminal::Watch>);
    let relay = match relay(terminal, sandbox, camera) {
        Ok(relay) => relay,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let watching = Later::is_needed(&absent, appearing.is_some());
    let inside = match watching.then(|| standing.view()).transpose() {
        Ok(inside) => inside,
        Err(error) => return Err(refused(of_launch(&error)).await),
    };
    let running = match standing.go() {
        Ok(running) => Arc::new(running),
        Err(error) => return Err(refused(of_launch(&error)).await),
    };
    let appearing = appearing.map(|appearing| (appearing, Arc::clone(&running)));
    let turns = watch.list.as_ref().map(List::turns);
    let mut later = Later::new(absent, turns, appearing, inside);
    let mut denials = Denials::new(
        Arc::clone(&recorder),
        policy.process.syscalls.deny.clone(),
        callers,
        execs,
        wants,
        lineages,
    );
    if !running.tells() && !missing.iter().any(Missing::is_filter) {
        denials.never();
    }
    let of_files = records.map(|records| FileDenials::hear(records, Arc::clone(&recorder)));
    let exposing = exposed.serve(Arc::clone(&running), Arc::clone(&recorder));
    let outward = async {
        tokio::select! {
            why = outward => why,
            // Never, but where nothing is published.
            () = async { exposing.await; std::future::pending().await } => String::new(),
        }
    };
    let of_decoys = Arc::clone(&recorder);
    let mut desk = desk.serve(&running, recorder, Arc::clone(&live));
    let asked = desk.asked_to_end();
    let which = order.name.clone().unwrap_or_else(|| session.as_str().to_owned());
    let stopped = Arc::clone(&running);
    let (over, hears) = oneshot::channel();
    let telling = opened.map(|opened| tokio::spawn(opened.tell(of_decoys, hears)));
    let broken = async {
        tokio::select! {
            breach = limits.broken() => Cause::Limit(breach),
            cause = alarms::until_ended(&mut raised, &which, tell, &stopped) => cause,
            cause = later.until_ended(&pipeline, tell) => cause,
        }
    };
    let held = (most.wall_time, broken);
    let terminal = relay.as_ref().map(Relay::handle);
    let models = Arc::clone(&live);
    let questions = Questions::new(order, session, live, tell, terminal);
    let outside = (asked, questions.show());
    let ending = until_end(running, relay, &mut signals, &mut denials, outside, outward, held);
    let (end, cause) = match ending.await {
        Ok(ended) => ended,
        Err(refusal) => return Err(refused(refusal).await),
    };
    if let Some(recording) = recording {
        pipeline.record(recording.ended()).await;
    }
    models.models_recorded().await;
    // Nobody hears it when nothing is watched.
    over.send(()).unwrap_or_default();
    notices.extend(later.finish(&pipeline).await);
    if let Some(telling) = telling {
        telling.await.unwrap_or_default();
    }
    denials.finish().await;
    if let Some(of_files) = of_files {
        of_files.finish().await;
    }
    let account = limits.account();
    // Until the journal has the end.
    let _entry = desk.close().await;
    tokio::select! {
        () = copies.finish() => {}
        // Whoever reads it may be stuck; what is left to do is to be done all the same.
        () = signals.end() => {}
    }
    match end {
        Ok(end) => {
            let swept = watch.list.take().map(List::done).unwrap_or_default();
            notices.extend(record_swept(&pipeline, &swept).await);
            let changes = kept.map(|kept| kept.end(Timestamp::now().to_string()));
            let ended =
                ended::finish(&pipeline, session, end, &cause, &account, notices, changes).await;
            alarms::tell_last(&mut raised, &which, tell);
            ended
        }
        Err(LaunchError::Exec(errno)) => {
            let name = order.command.first().map(|name| name.display().to_string());
            let name = name.unwrap_or_default();
            // Nothing but the command itself has asked for a program.
            let why = pipeline.refused_program().filter(|_| errno == Errno::ACCESS);
            let refusal = match why {
                Some(why) => refusal::of_permissions(&name, &why),
                None => refusal::of_exec(&name, errno),
            };
            Err(refused(refusal).await)
        }
        Err(error) => Err(refused(of_launch(&error)).await),
    }
}

fn new_session() -> Result<SessionId, Refusal> {
    let mut bits = [0_u8; 16];
    getrandom(&mut bits, GetRandomFlags::empty())
        .refuse("random numbers from the kernel", "report this")?;
    Ok(SessionId::from_random(bits))
}
