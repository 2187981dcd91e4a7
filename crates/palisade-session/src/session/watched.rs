//! Who watches what runs inside, where the policy or the order needs it.

use std::{os::fd::BorrowedFd, sync::Arc};

use palisade_alarms::Decoys;
use palisade_policy::Policy;
use palisade_sandbox::{
    Standing,
    linux::{
        callers::{Callers, Lineages},
        marks::Marks,
    },
};

use palisade_ssh::SkillsOf;

use super::recorded::close_refused;
use crate::{
    alarms::Opened,
    execs::{Execs, Origins},
    order::Order,
    pipeline::Pipeline,
    plan,
    refusal::{Refusal, Refuse},
    skills::{self, Marked},
    wants::Wants,
};

/// In the order in which they are made, for the caller to keep them so: who tells who connects, whom each program descends
/// from, and who decides what is executed.
type Watchers = (Option<Arc<Callers>>, Arc<Lineages>, Option<Execs>);

/// Watch the programs that run inside.
pub(super) async fn programs(
    policy: &Policy,
    standing: &mut Standing,
    pipeline: &Arc<Pipeline>,
    (search, marked): (&str, &Marked),
) -> Result<Watchers, Refusal> {
    let callers = match watch_callers(policy, marked, standing) {
        Ok(callers) => callers,
        Err(refusal) => return Err(close_refused(pipeline, refusal).await),
    };
    let lineages =
        match standing.lineages().refuse("look at the sandbox's processes", "report this") {
            Ok(lineages) => Arc::new(lineages),
            Err(refusal) => return Err(close_refused(pipeline, refusal).await),
        };
    let execs = match hold_execs(policy, standing, pipeline, (search, &lineages, marked)) {
        Ok(execs) => execs,
        Err(refusal) => return Err(close_refused(pipeline, refusal).await),
    };
    Ok((callers, lineages, execs))
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
pub(super) fn files(order: &Order, standing: &Standing) -> Result<Option<Wants>, Refusal> {
    if !order.learns_files {
        return Ok(None);
    }
    let view = standing.view().refuse("look at the sandbox's files", "report this")?;
    let home = order.operator.home.clone();
    Ok(Some(Wants::new(view, plan::writable(&order.policy), home)))
}

/// The decoy files, watched.
pub(super) fn decoys(
    decoys: Option<&Decoys>,
    standing: &Standing,
) -> Result<Option<Opened>, Refusal> {
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

/// Of which skills with a policy of their own a process is that connects.
pub(super) fn skills_of(marked: &Marked) -> Option<SkillsOf> {
    let names = marked.names();
    marked.any().then(|| {
        let of = move |socket: BorrowedFd<'_>| {
            let marks = Marks::of_peer(socket).ok()?;
            Some(skills::named(marks, &names))
        };
        Arc::new(of) as SkillsOf
    })
}
