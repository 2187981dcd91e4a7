//! What is made while there is one thread: the sandbox begins to be built, and what is joined to it once it stands is laid ready.

use std::sync::Arc;

use palisade_alarms::Decoys;
use palisade_core::{Action, Event, SessionId};
use palisade_egress::SandboxCa;
use palisade_export::{Exporter, ship::Shipper};
use palisade_policy::Policy;
use palisade_sandbox::{Building, begin, linux::audit::Records};
use palisade_workspace::Kept;

use crate::{
    alarms,
    degraded::{self, Missing},
    denied_content::DeniedFiles,
    expose::Exposed,
    file_denials,
    limits::Writable,
    order::Order,
    outward,
    plan::{self, Appearing, Held, Made, Placeholders, Places, Who},
    refusal::{self, Refusal, Refuse},
    skills,
    streams::{self, Copies},
    sweep::{self, Found, List, Watched},
    terminal::Terminal,
};

/// A sandbox in the making, and what is joined to it once it stands.
pub(super) struct Started {
    pub(super) building: Building,
    pub(super) copies: Copies,
    pub(super) terminal: Option<Terminal>,
    /// The workspace's overlay.
    pub(super) kept: Option<Kept>,
    /// What of the host can be written to.
    pub(super) writable: Writable,
    /// What is to be mounted.
    pub(super) held: Held,
    /// Layers that it is without.
    pub(super) missing: Vec<Missing>,
    /// Ports of it on this machine's loopback.
    pub(super) exposed: Exposed,
    /// What Landlock refuses, if the kernel tells.
    pub(super) records: Option<Records>,
    /// Who signs what clients inside see of servers, where connections are looked into.
    pub(super) authority: Option<Arc<SandboxCa>>,
    /// What stands inside for the keys of model providers.
    pub(super) placeholders: Placeholders,
    /// What has no use inside but to be found.
    pub(super) decoys: Option<Arc<Decoys>>,
    pub(super) denied: DeniedFiles,
    /// Where programs are looked for inside.
    pub(super) search: String,
    /// What is to be shown of skills.
    pub(super) loads: Vec<Action>,
    /// What became of the others.
    pub(super) kept_out: Vec<Event>,
    /// What the policy grants for reading and does not exist.
    pub(super) ungranted: Vec<Event>,
    /// The skills that models may ask for.
    pub(super) named: skills::Named,
    /// The skills that have a policy of their own.
    pub(super) marked: skills::Marked,
    /// Protected names that are missing, and that nobody may make.
    pub(super) absent: Vec<Watched>,
    /// What is not to be seen inside, should it appear.
    pub(super) appearing: Option<Appearing>,
}

/// What is swept at the end, and what was swept before for sessions whose supervisor was killed.
pub(super) struct Watch {
    /// Folders that were made for the session. They go when nothing runs there any more.
    pub(super) _places: Places,
    pub(super) list: Option<List>,
    pub(super) leftover: Vec<Found>,
    /// What sends events elsewhere, if the policy says where to.
    pub(super) exporter: Option<Exporter>,
    /// What ships sessions that ended, if the policy says where to.
    pub(super) shipper: Option<Shipper>,
}

/// What has to happen while there is one thread, and no secret in memory.
pub(super) fn prepare(
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
    let Made { mut plan, kept, repositories, held, places, appearing, ungranted } = made;
    let records = records.and_then(|question| Records::of(question, host_uid).ok());
    plan.tell_audit = records.is_some();
    let building = begun.and_then(|begun| begun.build(&plan));
    let building = building.map_err(|error| refusal::of_launch(&error, &order.allow_degraded))?;
    // While init builds. The agent does not start before this is kept.
    let grants = &order.policy.filesystem.grants;
    let lists = sweep::Lists {
        watched: sweep::find(&plan, grants, &repositories),
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
        ungranted,
        absent,
        appearing,
    };
    Ok((started, Watch { _places: places, list, leftover, exporter: None, shipper: None }))
}

/// Nothing of a policy is ignored.
pub(super) fn refuse_unbuilt(policy: &Policy) -> Result<(), Refusal> {
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
