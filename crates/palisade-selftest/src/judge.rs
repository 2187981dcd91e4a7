use std::{net::SocketAddr, path::Path};

use palisade_core::{Action, Decision, HostName, TlsName};
use palisade_engine::Engine;
use palisade_policy::Policy;

use crate::{Aim, Outcome, Report};

/// What an attempt's outcome means under a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The layer held.
    Held,
    /// It worked, and this rule of the policy says that it may.
    Permitted(String),
    /// The layer did not hold, or not as it should; this is what is wrong.
    Hole(String),
    /// Nothing was tried.
    NotTried,
}

/// Judges reports, outside.
#[derive(Debug)]
pub struct Judge<'a> {
    policy: &'a Policy,
    engine: Engine,
    /// Subjects of what the journal has as denied.
    denied: Vec<String>,
}

impl<'a> Judge<'a> {
    /// One for a sandbox of this policy, whose journal has these subjects as denied.
    pub fn new(policy: &'a Policy, denied: Vec<String>) -> Self {
        Self { policy, engine: Engine::new(policy), denied }
    }

    /// What a report means. What was seen from inside is believed only as far as the journal,
    /// where there is to be a record, says the same.
    pub fn judge(&self, report: &Report) -> Standing {
        match &report.outcome {
            Outcome::NotTried => Standing::NotTried,
            Outcome::Stopped(_) if self.is_recorded(&report.aim) => Standing::Held,
            Outcome::Stopped(told) => {
                Standing::Hole(format!("{told}, but the journal does not say so"))
            }
            Outcome::Worked(told) | Outcome::Seemed(told) | Outcome::Unclear(told) => {
                match self.permits(&report.aim) {
                    Some(rule) => Standing::Permitted(rule),
                    None => Standing::Hole(told.clone()),
                }
            }
        }
    }

    /// Whether the journal has a denial, for what only the supervisor denies.
    fn is_recorded(&self, aim: &Aim) -> bool {
        match aim {
            Aim::Resolve(name) => {
                let name = name.trim_end_matches('.');
                self.denied.iter().any(|subject| subject.eq_ignore_ascii_case(name))
            }
            Aim::Connect(address) => {
                let canonical = |address: SocketAddr| (address.ip().to_canonical(), address.port());
                let wanted = canonical(*address);
                let mut denied = self.denied.iter().filter_map(|subject| subject.parse().ok());
                denied.any(|address: SocketAddr| canonical(address) == wanted)
            }
            Aim::Nothing | Aim::Call(_) | Aim::Read(_) | Aim::Write(_) | Aim::Ask(_) => true,
        }
    }

    /// The rule that permits it.
    fn permits(&self, aim: &Aim) -> Option<String> {
        match aim {
            Aim::Nothing => None,
            Aim::Call(name) => self
                .policy
                .process
                .syscalls
                .allow
                .contains(name)
                .then(|| format!("process.syscalls.allow[{name}]")),
            Aim::Read(path) => self.grant(path, false),
            Aim::Write(path) => self.grant(path, true),
            Aim::Resolve(name) | Aim::Ask(name) => {
                let name: HostName = name.trim_end_matches('.').parse().ok()?;
                rule_of(self.engine.decide(&Action::Resolve { name }))
            }
            Aim::Connect(address) => rule_of(self.engine.decide(&Action::Connect {
                host: None,
                port: address.port(),
                address: Some(*address),
                tls: TlsName::Unseen,
                caller: palisade_core::Caller::Unasked,
            })),
        }
    }

    /// A grant that shows the path; one below it shows the folders on the way.
    fn grant(&self, path: &Path, writable: bool) -> Option<String> {
        let covers =
            |granted: &Path| path.starts_with(granted) || (!writable && granted.starts_with(path));
        let mut grants = self.policy.filesystem.grants.iter();
        grants
            .find(|grant| {
                let real = grant.path.canonicalize();
                (grant.writable || !writable)
                    && (covers(&grant.path) || real.is_ok_and(|real| covers(&real)))
            })
            .map(|grant| grant.rule.clone())
    }
}

fn rule_of(decision: Decision) -> Option<String> {
    decision.is_allowed().then(|| decision.rule.unwrap_or_else(|| "the policy".to_owned()))
}

#[cfg(test)]
mod tests {
    use palisade_core::Layer;
    use palisade_policy::{Filesystem, Grant, Network, NetworkRule, Policy, Process, Syscalls};

    use super::*;

    fn policy() -> Policy {
        let grant = |path: &str, writable, rule: &str| Grant {
            path: path.into(),
            writable,
            required: false,
            rule: rule.into(),
        };
        Policy {
            digest: palisade_core::PolicyDigest::of(b""),
            sources: Vec::new(),
            filesystem: Filesystem {
                grants: vec![grant("/usr", false, "read[0]"), grant("/srv/a", true, "write[0]")],
                ..Filesystem::default()
            },
            network: Network {
                rules: vec![NetworkRule {
                    rule: "network.rules[any]".into(),
                    hosts: vec!["*.example".parse().unwrap()],
                    ports: vec![80],
                    addresses: Vec::new(),
                    binaries: Vec::new(),
                    records: Default::default(),
                    tls: palisade_policy::Tls::Passthrough,
                    http: None,
                    limits: palisade_policy::RuleLimits::default(),
                    only_denies: false,
                    credential: None,
                    client_certificate: None,
                    when: None,
                }],
                ..Network::default()
            },
            process: Process {
                syscalls: Syscalls { allow: ["ptrace".into()].into(), ..Syscalls::default() },
                ..Process::default()
            },
            inference: None,
            approvals: palisade_policy::Approvals::default(),
            hooks: Default::default(),
            permissions: None,
            audit: Default::default(),
            alarms: None,
            taint: None,
            skills: Default::default(),
            not_built: Vec::new(),
            led: std::collections::BTreeMap::new(),
        }
    }

    fn standing(aim: Aim, outcome: Outcome) -> Standing {
        let denied = vec!["203.0.113.7:80".into(), "unlisted.test".into()];
        let report =
            Report { name: "a".into(), tries: "b".into(), layer: Layer::Files, aim, outcome };
        Judge::new(&policy(), denied).judge(&report)
    }

    #[test]
    fn what_a_rule_permits_is_no_hole() {
        for (aim, rule) in [
            (Aim::Call("ptrace".into()), "process.syscalls.allow[ptrace]"),
            (Aim::Read("/usr/lib".into()), "read[0]"),
            (Aim::Read("/srv".into()), "write[0]"),
            (Aim::Write("/srv/a/b".into()), "write[0]"),
            (Aim::Resolve("unlisted.example.".into()), "network.rules[any]"),
            (Aim::Ask("unlisted.example".into()), "network.rules[any]"),
        ] {
            let worked = standing(aim.clone(), Outcome::Worked("w".into()));
            assert_eq!(worked, Standing::Permitted(rule.into()), "{aim:?}");
        }
    }

    #[test]
    fn what_no_rule_permits_is_a_hole() {
        let hole = |told: &str| Standing::Hole(told.into());
        for aim in [
            Aim::Nothing,
            Aim::Call("mount".into()),
            Aim::Read("/usrx".into()),
            Aim::Write("/usr/lib".into()),
            Aim::Write("/srv".into()),
            Aim::Resolve("unlisted.test".into()),
            Aim::Connect("203.0.113.7:80".parse().unwrap()),
        ] {
            for outcome in [Outcome::Worked("w".into()), Outcome::Unclear("w".into())] {
                assert_eq!(standing(aim.clone(), outcome), hole("w"), "{aim:?}");
            }
        }
    }

    #[test]
    fn a_denial_is_held_only_with_its_record() {
        let held = |aim| standing(aim, Outcome::Stopped("s".into())) == Standing::Held;
        assert!(held(Aim::Nothing) && held(Aim::Read("/x".into())));
        assert!(held(Aim::Connect("[::ffff:203.0.113.7]:80".parse().unwrap())));
        assert!(held(Aim::Resolve("UNLISTED.test.".into())));
        assert!(!held(Aim::Connect("203.0.113.7:443".parse().unwrap())));
        assert!(!held(Aim::Resolve("other.test".into())));
        assert_eq!(standing(Aim::Nothing, Outcome::NotTried), Standing::NotTried);
    }
}
