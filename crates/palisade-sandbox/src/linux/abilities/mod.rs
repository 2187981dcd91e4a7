//! What this kernel can do for a sandbox, found by doing it.
//!
//! Reading version numbers says little: distributions patch, containers filter, administrators
//! switch off. So each ability is tried, most of them in a child that is thrown away, in the way
//! that a launch uses it. The result is a value, so that `doctor`, tests and launches with
//! a layer missing read the same one.

mod cgroup;
mod remedy;
mod trials;

use std::{borrow::Cow, fmt};

use serde::Serialize;

use crate::step::StepError;

/// One ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A user namespace with an id mapped in it, and capabilities there.
    UserNamespace,
    /// A mount namespace in which tmpfs can be mounted.
    MountNamespace,
    /// The mount calls by descriptor: `fsopen`, `move_mount`, `open_tree`, `mount_setattr`.
    MountApi,
    /// A pid namespace whose first child is process 1.
    PidNamespace,
    /// A fresh `/proc` for a new pid namespace.
    ProcMount,
    /// A network namespace with a working loopback.
    NetworkNamespace,
    /// Routes that make every address local.
    AnyIp,
    /// One nftables table with redirect and reject.
    Nftables,
    /// IPv6 inside.
    Ipv6,
    /// Landlock.
    Landlock,
    /// The system call filter.
    Seccomp,
    /// Telling the supervisor of refused system calls.
    SeccompListener,
    /// Giving up the rights that a supervisor has no more use for.
    Supervisor,
    /// Hearing from the kernel's audit what Landlock refuses (root only).
    AuditRecords,
    /// Descriptors of processes, to kill without races.
    Pidfd,
    /// Closing all inherited descriptors in one call.
    CloseRange,
    /// Opening without following links.
    Openat2,
    /// Files in memory.
    Memfd,
    /// overlayfs without root.
    Overlay,
    /// Mounts that map owners (root only).
    IdmappedMount,
    /// cgroup v2, delegated to the caller.
    CgroupV2,
    /// cgroup v1 with memory and pids, writable by the caller.
    CgroupV1,
}

/// How much depends on an ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Need {
    /// Nothing is launched without it.
    Required,
    /// Some policies cannot be enforced, or only more weakly, without it.
    Useful,
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "detail")]
#[non_exhaustive]
pub enum State {
    /// It works; what exactly, where there are degrees.
    Works(String),
    /// It does not: the step that failed and the kernel's answer.
    Missing(String),
    /// It does not apply here, and why.
    NotApplicable(String),
}

/// An ability, how it was tried and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ability {
    /// Which.
    pub kind: Kind,
    /// How much depends on it.
    pub need: Need,
    /// How it was tried, in a few words.
    pub tried: &'static str,
    /// What came out.
    #[serde(flatten)]
    pub state: State,
    /// What to do, if it is missing.
    pub remedy: Option<Cow<'static, str>>,
}

/// All abilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// In the order that a launch uses them.
    pub all: Vec<Ability>,
}

impl Abilities {
    /// Try everything. Takes some tens of milliseconds.
    pub fn probe() -> Self {
        Self::probe_without(&[])
    }

    /// Try everything, but report these as missing: what a machine without them would say. It can
    /// only make the answer stricter.
    pub fn probe_without(simulated: &[Kind]) -> Self {
        Self::probe_those(simulated, |_| true)
    }

    fn probe_those(simulated: &[Kind], tried: impl Fn(Kind) -> bool) -> Self {
        let mut user_namespaces = true;
        let all = trials::TRIALS
            .iter()
            .filter(|trial| tried(trial.kind))
            .map(|trial| {
                let state = if simulated.contains(&trial.kind) {
                    State::Missing("simulated".to_owned())
                } else {
                    (trial.run)()
                };
                let missing = matches!(state, State::Missing(_));
                let remedy = missing.then(|| {
                    if !user_namespaces && trial.kind.is_in_user_namespace() {
                        "Mend `user-namespace` first: this is tried inside one.".into()
                    } else {
                        remedy::of(trial.kind, &remedy::Host::read())
                    }
                });
                user_namespaces &= !(missing && trial.kind == Kind::UserNamespace);
                Ability { kind: trial.kind, need: trial.need, tried: trial.tried, state, remedy }
            })
            .collect();
        Self { all }
    }

    /// Try one.
    pub fn probe_one(kind: Kind, simulated: &[Kind]) -> Option<Ability> {
        Self::probe_those(simulated, |tried| tried == kind).all.pop()
    }

    /// Try only what a process can that may not be dumped and is not root: it cannot map ids in a
    /// namespace of its own.
    pub fn probe_guarded() -> Self {
        let namespaced = |kind: Kind| {
            kind.is_in_user_namespace() || matches!(kind, Kind::UserNamespace | Kind::IdmappedMount)
        };
        Self::probe_those(&[], |kind| !namespaced(kind))
    }

    /// One of them.
    pub fn get(&self, kind: Kind) -> Option<&Ability> {
        self.all.iter().find(|ability| ability.kind == kind)
    }

    /// Whether it works.
    pub fn has(&self, kind: Kind) -> bool {
        self.get(kind).is_some_and(|ability| matches!(ability.state, State::Works(_)))
    }

    /// What must work for any launch and does not.
    pub fn missing(&self) -> impl Iterator<Item = &Ability> {
        self.all.iter().filter(|ability| {
            ability.need == Need::Required && matches!(ability.state, State::Missing(_))
        })
    }
}

impl Kind {
    /// Whether it is tried in a user namespace, so that without those it cannot work either.
    fn is_in_user_namespace(self) -> bool {
        matches!(
            self,
            Kind::MountNamespace
                | Kind::MountApi
                | Kind::PidNamespace
                | Kind::ProcMount
                | Kind::NetworkNamespace
                | Kind::AnyIp
                | Kind::Nftables
                | Kind::Overlay
        )
    }

    /// Every ability, in the order that a launch uses them.
    pub fn all() -> impl Iterator<Item = Self> {
        trials::TRIALS.iter().map(|trial| trial.kind)
    }

    /// How much depends on it.
    pub fn need(self) -> Need {
        let trial = trials::TRIALS.iter().find(|trial| trial.kind == self);
        trial.map_or(Need::Required, |trial| trial.need)
    }

    /// Whether an operator may have a sandbox without it (`--allow-degraded`). Without any other that
    /// is required there is none: they hold what the sandbox is, or keep it out of the host's way.
    pub fn may_be_missing(self) -> bool {
        matches!(self, Kind::Landlock | Kind::Seccomp)
    }

    /// The name in `doctor`'s output and in `PALISADE_SIMULATE_MISSING`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::UserNamespace => "user-namespace",
            Kind::MountNamespace => "mount-namespace",
            Kind::MountApi => "mount-api",
            Kind::PidNamespace => "pid-namespace",
            Kind::ProcMount => "proc-mount",
            Kind::NetworkNamespace => "network-namespace",
            Kind::AnyIp => "any-ip",
            Kind::Nftables => "nftables",
            Kind::Ipv6 => "ipv6",
            Kind::Landlock => "landlock",
            Kind::Seccomp => "seccomp",
            Kind::SeccompListener => "seccomp-listener",
            Kind::Supervisor => "supervisor",
            Kind::AuditRecords => "audit-records",
            Kind::Pidfd => "pidfd",
            Kind::CloseRange => "close-range",
            Kind::Openat2 => "openat2",
            Kind::Memfd => "memfd",
            Kind::Overlay => "overlay",
            Kind::IdmappedMount => "idmapped-mount",
            Kind::CgroupV2 => "cgroup-v2",
            Kind::CgroupV1 => "cgroup-v1",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl From<Result<String, StepError>> for State {
    fn from(result: Result<String, StepError>) -> Self {
        match result {
            Ok(detail) => State::Works(detail),
            Err(error) => State::Missing(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_simulated_is_missing_with_a_remedy() {
        let every: Vec<Kind> = Kind::all().collect();
        let none = Abilities::probe_without(&every);
        for ability in &none.all {
            assert!(matches!(ability.state, State::Missing(_)));
            assert!(ability.remedy.as_ref().is_some_and(|text| text.ends_with('.')), "{ability:?}");
        }
        assert!(none.missing().count() > 5);
        let first = |kind| {
            let found = none.all.iter().find(|ability| ability.kind == kind);
            found.and_then(|ability| ability.remedy.as_ref()).unwrap().contains("first: ")
        };
        assert!(first(Kind::Nftables) && !first(Kind::Landlock) && !first(Kind::UserNamespace));
        assert!(!none.has(Kind::Landlock));
    }

    #[test]
    fn names_are_unique_and_match_the_serialised_form() {
        let mut names: Vec<_> = Kind::all().map(Kind::name).collect();
        for kind in Kind::all() {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        names.sort_unstable();
        assert!(names.is_sorted_by(|one, next| one < next));
    }

    /// This machine, whatever it is, must give an answer for each without hanging or dying.
    #[test]
    fn every_trial_answers() {
        let found = Abilities::probe();
        for ability in &found.all {
            println!("{:18} {:?}", ability.kind.name(), ability.state);
            if let State::Missing(text) = &ability.state {
                assert!(!text.contains("without a word"), "{ability:?}");
            }
        }
        assert_eq!(found.all.len(), Kind::all().count());
    }
}
