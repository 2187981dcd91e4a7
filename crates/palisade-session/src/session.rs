use std::{os::fd::OwnedFd, path::Path, sync::Arc};

use palisade_alarms::Decoys;
use palisade_core::{Action, Authority, Event, Layer, SessionId, Ties, Verdict};
use palisade_egress::{HostLookup, SandboxCa, Services};
use palisade_engine::Engine;
use palisade_export::{
    Exporter, Left,
    ship::{Shipper, Unshipped},
};
use palisade_journal::{Durability, Journal, Timestamp};
use palisade_policy::Policy;
use palisade_sandbox::{
    Building, LaunchError, Standing, begin,
    linux::{
        audit::Records,
        callers::{Callers, Lineages},
        marks::Marks,
        supervisor::Goes,
    },
};
use palisade_ssh::SkillsOf;
use palisade_workspace::{Kept, Outcome, WorkspaceError};
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::sync::oneshot;

use crate::{
    alarms::{self, Alarms, Opened},
    approvals::Approvals,
    callers::Programs,
    credentials::{self, Ready},
    degraded::{self, Missing},
    denials::Denials,
    denied_content::DeniedFiles,
    execs::{self, Execs, Origins},
    exports,
    expose::Exposed,
    file_denials::{self, FileDenials},
    guard,
    hooks::{DOOR, DOOR_PORT, Door, Hooks, Pinned},
    identities, keeping, kept_policy,
    later::Later,
    limits::{self, Account, Writable},
    live::Live,
    models,
    order::Order,
    outward,
    pipeline::Pipeline,
    plan::{self, Appearing, Made, Placeholders, Places, Who},
    questions::Questions,
    recording::Recording,
    refusal::{self, Refusal, Refuse},
    running::Desk,
    ships,
    skills::{self, Marked},
    ssh,
    streams::{self, Copies},
    supervise::{Cause, End, relay, until_end},
    sweep::{self, Found, List, Watched},
    terminal::{self, Relay, Signals, Terminal},
    unwritten::Unwritten,
    wants::Wants,
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
    palisade_sandbox::linux::sys::signal::outlive_large_files();
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

/// A sandbox in the making, and what is joined to it once it stands.
struct Started {
    building: Building,
    copies: Copies,
    terminal: Option<Terminal>,
    /// The workspace's overlay.
    kept: Option<Kept>,
    /// What of the host can be written to.
    writable: Writable,
    /// What is to be mounted.
    held: Vec<OwnedFd>,
    /// Layers that it is without.
    missing: Vec<Missing>,
    /// Ports of it on this machine's loopback.
    exposed: Exposed,
    /// What Landlock refuses, if the kernel tells.
    records: Option<Records>,
    /// Who signs what clients inside see of servers, where connections are looked into.
    authority: Option<Arc<SandboxCa>>,
    /// What stands inside for the keys of model providers.
    placeholders: Placeholders,
    /// What has no use inside but to be found.
    decoys: Option<Arc<Decoys>>,
    denied: DeniedFiles,
    /// Where programs are looked for inside.
    search: String,
    /// What is to be shown of skills.
    loads: Vec<Action>,
    /// What became of the others.
    kept_out: Vec<Event>,
    /// The skills that models may ask for.
    named: skills::Named,
    /// The skills that have a policy of their own.
    marked: Marked,
    /// Protected names that are missing, and that nobody may make.
    absent: Vec<Watched>,
    /// What is not to be seen inside, should it appear.
    appearing: Option<Appearing>,
}

/// What is swept at the end, and what was swept before for sessions whose supervisor was killed.
struct Watch {
    /// Folders that were made for the session. They go when nothing runs there any more.
    _places: Places,
    list: Option<List>,
    leftover: Vec<Found>,
    /// What sends events elsewhere, if the policy says where to.
    exporter: Option<Exporter>,
    /// What ships sessions that ended, if the policy says where to.
    shipper: Option<Shipper>,
}

/// What has to happen while there is one thread, and no secret in memory.
fn prepare(
    order: &Order,
    session: &SessionId,
    missing: Vec<Missing>,
) -> Result<(Started, Watch), Refusal> {
    let who = Who::find(&order.operator)?;
    let mut locked = skills::read(order)?;
    let mut ground = plan::ground(order, &who);
    ground.degraded = degraded::for_plan(&missing);
    let host_uid = ground.identity.host_uid;
    // It builds what it can while the plan is made. Should it fail, what is wrong with the order
    // is told first.
    let begun = begin(ground);
    // Init, which is forked by now, has none of these.
    let records = file_denials::ask(order);
    let exposed = Exposed::open(&order.policy.network.expose, &order.operator)?;
    let state = &order.operator.state_dir;
    let (mut list, leftover) = List::begin(state, session, plan::writable(&order.policy))?;
    let placeholders = Placeholders::of(order.policy.inference.as_ref())?;
    let decoys = alarms::plant(&order.policy)?;
    let (stdio, copies) = streams::of_caller()?;
    let terminal =
        Terminal::detect().refuse("the terminal", "start palisade from another terminal")?;
    // After the fork: its key is not in init, nor in what init becomes.
    let authority = outward::authority(&order.policy, session)?;
    let pem = authority.as_deref().map(SandboxCa::pem);
    let inside = (&placeholders, decoys.as_deref());
    let made = plan::make(order, session, stdio, inside, pem, &who, &mut locked)?;
    let Made { mut plan, kept, repositories, held, places, appearing } = made;
    let records = records.and_then(|question| Records::of(question, host_uid).ok());
    plan.tell_audit = records.is_some();
    let building = begun.and_then(|begun| begun.build(&plan));
    let building = building.map_err(|error| refusal::of_launch(&error, &order.allow_degraded))?;
    // While init builds. The agent does not start before this is kept.
    let grants = &order.policy.filesystem.grants;
    let lists = sweep::Lists {
        watched: sweep::find(&plan, grants),
        nested: sweep::find_nested(&plan, grants, &repositories),
        skills: match order.policy.skills.holds() {
            true => sweep::find_skill_places(&plan),
            false => Vec::new(),
        },
    };
    let marked = locked.marked()?;
    let absent = lists.absent(&repositories);
    if let Some(list) = &mut list {
        list.fill(lists)?;
    }
    let writable = Writable::of(&plan);
    let denied = DeniedFiles::of(&plan, &order.policy);
    let search = plan.environment.iter().find(|(name, _)| name == "PATH");
    let search = search.map(|(_, folders)| folders.to_string_lossy().into_owned());
    let started = Started {
        search: search.unwrap_or_default(),
        building,
        copies,
        terminal,
        kept,
        writable,
        held,
        missing,
        exposed,
        records,
        authority,
        placeholders,
        decoys,
        denied,
        named: skills::Named::of(&locked),
        marked,
        loads: locked.loads,
        kept_out: locked.events,
        absent,
        appearing,
    };
    Ok((started, Watch { _places: places, list, leftover, exporter: None, shipper: None }))
}

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
    let (journal, unwritten) = open_journal(order, session)?;
    if let Some(rule) = keeping::rule(&policy.audit) {
        let said = journal.record(rule).await;
        said.refuse("the record of how long records are kept", JOURNAL)?;
        keeping::begin(&order.operator.state_dir);
    }
    let sending = exports::start(order, &journal).await;
    let shipping = ships::start(order, &journal).await;
    let own = palisade_egress::own_addresses().refuse("this machine's addresses", "report this")?;
    let approvals = Approvals::new(policy.approvals.timeout, order.permissive);
    let hooks = if policy.hooks.is_empty() {
        Ok(None)
    } else {
        Hooks::new(policy, &order.operator, session.as_str(), Pinned::Yes).map(Some)
    };
    let (hooks, unready) = match hooks {
        Ok(hooks) => (hooks, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let engine = Engine::with_own_addresses(policy, own.clone());
    let engine = engine.with_skills(marked.policies.clone());
    let (rules, mut raised) = Alarms::new(policy.alarms.as_ref(), decoys.clone());
    let pipeline = Pipeline::new(engine, journal, approvals, hooks, (named, rules), unwritten);
    let unready = match keeping::content(order, session) {
        Ok(content) => {
            content.into_iter().for_each(|content| pipeline.keep_in(content));
            unready
        }
        Err(refusal) => Some(refusal),
    };
    let unready = match sending {
        Ok(exporter) => {
            watch.exporter = exporter;
            unready
        }
        Err(refusal) => Some(refusal),
    };
    let unready = match shipping {
        Ok(shipper) => {
            watch.shipper = shipper;
            unready
        }
        Err(refusal) => Some(refusal),
    };
    if let Some(refusal) = unready {
        return Err(close_refused(&pipeline, refusal).await);
    }
    let mut notices = record_swept(&pipeline, &watch.leftover).await;
    let refused = |refusal: Refusal| close_refused(&pipeline, refusal);
    let of_launch = |error: &LaunchError| refusal::of_launch(error, &order.allow_degraded);
    let authority: Arc<dyn Authority> = pipeline.clone();
    let lookup = Arc::new(HostLookup::new(policy.network.hosts.clone()));
    let outbound =
        outward::outbound(&policy.network, &order.operator, own, Arc::clone(&lookup)).await;
    let gateway = models::gateway(
        policy,
        outbound.clone(),
        &order.operator,
        (Arc::clone(&authority), pipeline.unwritten()),
    );
    let gateway = match gateway.await {
        Ok(gateway) => gateway,
        Err(refusal) => return Err(refused(refusal).await),
    };
    alarms::reach(decoys.as_deref(), gateway.as_ref());
    let services = door(&pipeline).and_then(|door| {
        models::services(gateway.as_ref(), certificates.as_ref(), &authority, door)
    });
    let services = match services {
        Ok(services) => services,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let live =
        Live::new(order, session, Arc::clone(&pipeline), Arc::clone(&lookup), gateway, denied);
    let live = Arc::new(live);
    let of_decoys = match alarms::credentials(decoys.as_deref()) {
        Ok(of_decoys) => of_decoys,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let (network, operator) = (&policy.network, &order.operator);
    let ready =
        credentials::read(network, operator, &placeholders, of_decoys, Arc::clone(&authority));
    let Ready { credentials, variables, secrets } = match ready.await {
        Ok(ready) => ready,
        Err(refusal) => return Err(refused(refusal).await),
    };
    live.keep_from_models(secrets);
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
    // All is mounted.
    drop(held);
    let most = policy.process.limits;
    let mut limits = match limits::Watch::begin(&standing, most, writable).await {
        Ok(limits) => limits,
        Err(refusal) => return Err(refused(refusal).await),
    };
    if let Some(weaker) = limits.weaker() {
        authority.record(weaker).await;
    }
    for one in &missing {
        if !authority.record(one.event()).await {
            let what = format!("that {} is missing could not be recorded", one.name());
            return Err(refused(Refusal::new(what, JOURNAL)).await);
        }
    }
    for one in &loads {
        let decision = authority.authorize(one).await;
        if !decision.is_allowed() {
            let what = format!("the skill {} is refused: {}", one.subject(), decision.reason);
            let remedy = "`palisade skill remove` it, or see who refuses it";
            return Err(refused(Refusal::new(what, remedy)).await);
        }
    }
    for one in kept_out {
        // A repository names its folders.
        let named = palisade_core::shown(&one.subject, 300);
        tell(&format!("the skill {named} is kept out: {}", one.reason));
        if !authority.record(one).await {
            let what = "what became of a skill could not be recorded";
            return Err(refused(Refusal::new(what, JOURNAL)).await);
        }
    }
    if order.permissive {
        let what = "what no rule names is permitted unasked";
        if !authority.record(Event::observed("learn", Layer::Supervisor, what)).await {
            let what = "that everything is permitted could not be recorded";
            return Err(refused(Refusal::new(what, JOURNAL)).await);
        }
    }
    let opened = match opened(decoys.as_deref(), &standing) {
        Ok(opened) => opened,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let wants = match watch_files(order, &standing) {
        Ok(wants) => wants,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let mut ties = Ties::new();
    match document {
        Ok(document) => drop(ties.insert("policy_document".into(), document.as_str().into())),
        Err(error) => {
            let what = format!("the policy could not be kept for the record: {error}");
            return Err(refused(Refusal::new(what, JOURNAL)).await);
        }
    }
    let decision = authority.authorize_tied(&launch_action(order), &ties).await;
    if !decision.is_allowed() {
        let refusal = Refusal::new(decision.reason, JOURNAL);
        return Err(refused(refusal).await);
    }
    let mut standing = standing;
    let callers = match watch_callers(policy, &marked, &mut standing) {
        Ok(callers) => callers,
        Err(refusal) => return Err(refused(refusal).await),
    };
    let lineages =
        match standing.lineages().refuse("look at the sandbox's processes", "report this") {
            Ok(lineages) => Arc::new(lineages),
            Err(refusal) => return Err(refused(refusal).await),
        };
    let execs = match hold_execs(policy, &standing, &pipeline, (&search, &lineages, &marked)) {
        Ok(execs) => execs,
        Err(refusal) => return Err(refused(refusal).await),
    };
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
        let with = (Arc::clone(&authority), skills_of(&marked));
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
    let appearing = match appearing.map(|appearing| Ok((appearing, standing.view()?))).transpose() {
        Ok(appearing) => appearing,
        Err(error) => return Err(refused(of_launch(&error)).await),
    };
    let mut later = Later::begin(absent, appearing);
    let running = match standing.go() {
        Ok(running) => Arc::new(running),
        Err(error) => return Err(refused(of_launch(&error)).await),
    };
    later.start(&running);
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
            let ended = finish(&pipeline, session, end, &cause, &account, notices, changes).await;
            alarms::tell_last(&mut raised, &which, tell);
            ended
        }
        Err(LaunchError::Exec(errno)) => {
            let name = order.command.first().map(|name| name.display().to_string());
            Err(refused(refusal::of_exec(&name.unwrap_or_default(), errno)).await)
        }
        Err(error) => Err(refused(of_launch(&error)).await),
    }
}

/// Who tells who connects, where that decides or is shown.
fn watch_callers(
    policy: &Policy,
    marked: &Marked,
    standing: &mut Standing,
) -> Result<Option<Arc<Callers>>, Refusal> {
    if !policy.network.watches_programs() && !marked.any() {
        return Ok(None);
    }
    let reaches = standing.sockets.is_some();
    let callers = standing.callers().refuse("look at the sandbox's processes", "report this")?;
    let callers = match marked.any() {
        true => callers.map(Callers::with_marks),
        false => callers,
    };
    let callers = callers.map(Arc::new);
    if callers.is_none() && (policy.network.names_programs() || (marked.any() && reaches)) {
        return Err(Refusal::new(
            "a rule is for certain programs, or a skill has a policy of its own, and this kernel does not tell whose a socket is",
            "use a kernel with CONFIG_INET_DIAG, or take `binaries`, `commands` and `skills.policies` out of the policy",
        ));
    }
    Ok(callers)
}

/// Where it is learned which files are wanted.
fn watch_files(order: &Order, standing: &Standing) -> Result<Option<Wants>, Refusal> {
    if !order.learns_files {
        return Ok(None);
    }
    let view = standing.view().refuse("look at the sandbox's files", "report this")?;
    let home = order.operator.home.clone();
    Ok(Some(Wants::new(view, plan::writable(&order.policy), home)))
}

/// The decoy files, watched.
fn opened(decoys: Option<&Decoys>, standing: &Standing) -> Result<Option<Opened>, Refusal> {
    let Some(decoys) = decoys.filter(|decoys| decoys.files().next().is_some()) else {
        return Ok(None);
    };
    let view = standing.view().refuse("look at the sandbox's files", "report this")?;
    Opened::watch(decoys, &view).map(Some)
}

/// Who decides what is executed, where a rule is for commands.
fn hold_execs(
    policy: &Policy,
    standing: &Standing,
    pipeline: &Arc<Pipeline>,
    (search, lineages, marked): (&str, &Arc<Lineages>, &Marked),
) -> Result<Option<Execs>, Refusal> {
    if !policy.holds_execs() && !marked.any() {
        return Ok(None);
    }
    let view = standing.view().refuse("look at the sandbox's files", "report this")?;
    let workspace = policy.filesystem.workspace.as_ref();
    let workspace = workspace.map_or("/sandbox".as_ref(), |workspace| workspace.path.as_path());
    if marked.any() && !Marks::can_be() {
        return Err(Refusal::new(
            "a skill has a policy of its own, and its processes cannot be told from others: real-time threads have a limit here",
            "start palisade where `ulimit -R` says unlimited, or take `skills.policies` out of the policy",
        ));
    }
    let origins = Origins::find(marked, &view)
        .map_err(|why| Refusal::new(format!("the files of skills inside: {why}"), "report this"))?;
    let skills = (origins, marked.names());
    Execs::start(Arc::clone(pipeline), view, search, workspace, Arc::clone(lineages), skills)
        .refuse("start to watch what is executed", "see the limits of this user (ulimit -u)")
        .map(Some)
}

/// Of which skills with a policy of their own a process is.
fn skills_of(marked: &Marked) -> Option<SkillsOf> {
    let names = marked.names();
    marked.any().then(|| {
        let of = move |number: i32| {
            let marks = Marks::of_thread(u32::try_from(number).ok()?).ok()?;
            Some(skills::named(marks, &names))
        };
        Arc::new(of) as SkillsOf
    })
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

/// Record what was moved aside; the same for the operator.
async fn record_swept(pipeline: &Pipeline, found: &[Found]) -> Vec<String> {
    let mut notices = Vec::new();
    for one in found {
        let recorded = pipeline.record(one.event()).await;
        let unrecorded = if recorded { "" } else { " (this could not be recorded)" };
        notices.push(format!("{}{unrecorded}", one.told()));
    }
    notices
}

async fn finish(
    pipeline: &Pipeline,
    session: &SessionId,
    end: End,
    cause: &Cause,
    account: &Account,
    mut notices: Vec<String>,
    changes: Option<Result<Outcome, WorkspaceError>>,
) -> Result<Ended, Refusal> {
    let how = match end {
        End::Exited(code) => format!("exit {code}"),
        End::Killed(signal) => format!("signal {signal}"),
        End::Lost if cause.is_limit() || account.ended_by.is_some() => {
            "ended at a limit".to_owned()
        }
        End::Lost if matches!(cause, Cause::Alarm { .. }) => "ended by an alarm".to_owned(),
        End::Lost if matches!(cause, Cause::Later(_)) => "ended by the guard of names".to_owned(),
        End::Lost => "the sandbox was ended from outside".to_owned(),
    };
    let event = Event::observed("end", Layer::Process, how);
    let mut event = account.tell(event.with("status", u64::from(end.status())));
    let notice = match cause {
        Cause::Itself => account.ended_by.as_ref().map(|(rule, told)| {
            event.rule = rule.map(str::to_owned);
            told.clone()
        }),
        Cause::Limit(breach) => {
            event.rule = Some(breach.rule.to_owned());
            Some(format!("ended: {}", breach.what))
        }
        Cause::WallTime(limit) => {
            event.rule = Some("process.limits.wall_time".to_owned());
            Some(format!("ended after {} s, the policy's wall_time", limit.as_secs()))
        }
        Cause::Alarm { rule, title } => {
            event.rule = Some(rule.clone());
            Some(format!("ended by an alarm: {title}"))
        }
        Cause::Later(why) => Some(format!("ended: {why}")),
        Cause::Network(why) => Some(format!("ended because its network failed: {why}")),
        Cause::Hangup => Some("ended because its terminal is gone".to_owned()),
        Cause::Operator(user) => Some(format!("ended by palisade kill, of uid {user}")),
    };
    if let Some(notice) = &notice {
        event.reason.clone_from(notice);
    }
    notices.extend(notice);
    notices.extend(account.notice.clone());
    let mut changed = true;
    match changes {
        None | Some(Ok(Outcome::Unchanged)) => changed = false,
        Some(Ok(Outcome::Changed)) => event = event.with("overlay", "changed"),
        Some(Err(error)) => {
            event = event.with("overlay", format!("changed, not recorded: {error}"));
            notices.push(format!("the changes are kept, but {error}"));
        }
    }
    pipeline.look_at_last(&event).await;
    if let Err(error) = pipeline.journal().close(event, Durability::Written).await {
        notices.push(format!("the end could not be written to the journal: {error}"));
    }
    Ok(Ended {
        session: session.clone(),
        status: end.status(),
        denied: pipeline.denied(),
        changed,
        notices,
    })
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

/// What agents inside tell of their hooks' events.
fn door(pipeline: &Arc<Pipeline>) -> Result<Services, Refusal> {
    let name = DOOR.parse().refuse("the name of the way for hooks", "report this")?;
    Ok(Services::new().with(name, DOOR_PORT, Arc::new(Door::new(Arc::clone(pipeline)))))
}

fn new_session() -> Result<SessionId, Refusal> {
    let mut bits = [0_u8; 16];
    getrandom(&mut bits, GetRandomFlags::empty())
        .refuse("random numbers from the kernel", "report this")?;
    Ok(SessionId::from_random(bits))
}

fn open_journal(order: &Order, session: &SessionId) -> Result<(Journal, Arc<Unwritten>), Refusal> {
    let folder: &Path = &order.operator.state_dir;
    let journal = Journal::open(folder, session, order.name.as_deref(), &order.policy.digest);
    let journal = journal.refuse("the journal", JOURNAL)?;
    let unwritten = Arc::new(Unwritten::default());
    journal.scrub_with(unwritten.clone());
    Ok((journal, unwritten))
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
        Ok((journal, _)) => {
            let recorded = journal.close_blocking(refusal_event(&refusal), Durability::Written);
            let why = recorded.err().map(|error| error.to_string());
            with_record(refusal, why.or_else(|| exports::owe(order, session)))
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
