//! Layers that this system lacks and the operator lets a sandbox be without.

use palisade_core::{Event, Layer, Verdict};
use palisade_policy::Policy;
use palisade_sandbox::{
    Degraded,
    linux::abilities::{Abilities, Kind, State},
};

use crate::{
    order::Order,
    refusal::{self, Refusal},
};

/// A layer that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    kind: Kind,
    found: String,
}

/// What this session is without: of what is allowed to be missing, that which is.
///
/// # Errors
/// Something else is missing, or nobody may allow it here.
pub(crate) fn find(order: &Order) -> Result<Vec<Missing>, Refusal> {
    let Order { policy, missing: simulated, allow_degraded: allowed, .. } = order;
    if allowed.is_empty() && simulated.is_empty() {
        // What is missing shows itself when it is needed.
        return Ok(Vec::new());
    }
    if !allowed.is_empty() {
        refuse_managed(policy)?;
    }
    if let Some(kind) = allowed.iter().find(|kind| !kind.may_be_missing()) {
        return Err(Refusal::new(
            format!("there is no sandbox without {kind}"),
            "take it out of --allow-degraded",
        ));
    }
    let abilities = Abilities::probe_without(simulated);
    if let Some(refusal) = refusal::missing(&abilities, allowed) {
        return Err(refusal);
    }
    let found = |state: &State| match state {
        State::Missing(found) => found.clone(),
        _ => String::new(),
    };
    let missing = abilities.missing();
    Ok(missing.map(|one| Missing { kind: one.kind, found: found(&one.state) }).collect())
}

/// Who manages the machine says the most that anybody may have, and a weaker sandbox is more.
fn refuse_managed(policy: &Policy) -> Result<(), Refusal> {
    match policy.sources.iter().find(|source| source.layer == "managed") {
        None => Ok(()),
        Some(source) => Err(Refusal::new(
            format!("{} is in force, so no layer may be missing", source.name),
            "run it without --allow-degraded, or ask whoever manages this machine",
        )),
    }
}

/// The same for the plan.
pub(crate) fn for_plan(missing: &[Missing]) -> Degraded {
    let has = |kind| missing.iter().any(|one| one.kind == kind);
    Degraded { landlock: has(Kind::Landlock), seccomp: has(Kind::Seccomp) }
}

impl Missing {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether it is what refuses system calls.
    pub(crate) fn is_filter(&self) -> bool {
        self.kind == Kind::Seccomp
    }

    /// For the operator, before the command starts.
    pub(crate) fn told(&self) -> String {
        let Self { kind, found } = self;
        format!("without {kind}, as --allow-degraded lets it be: {} ({found})", self.means())
    }

    pub(crate) fn event(&self) -> Event {
        let layer = if self.kind == Kind::Landlock { Layer::Files } else { Layer::Process };
        let mut event = Event::observed("degraded", layer, self.kind.name());
        event.decision = Verdict::Allow;
        event.rule = Some(format!("--allow-degraded {}", self.kind));
        event.reason = format!("the operator allowed it; {}", self.means());
        event.with("found", self.found.as_str())
    }

    fn means(&self) -> &'static str {
        match self.kind {
            Kind::Landlock => {
                "files are held by the mount tree, and by what the kernel has of Landlock"
            }
            _ => "system calls are refused only as the kernel refuses them to any user",
        }
    }
}
