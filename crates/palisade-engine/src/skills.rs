//! What the programs of a skill may do at most, whatever the policy permits.

use std::collections::BTreeMap;

use palisade_core::{Action, Caller, Decision, HostName, Look, SkillPolicy, not_for_skill};

/// The skills that have a policy of their own, for the life of a sandbox. A skill may have several; what it may do is
/// in all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Skills(BTreeMap<String, Vec<SkillPolicy>>);

/// What a request would carry.
pub(crate) type Carried<'a> = &'a dyn Fn(&str) -> Vec<String>;

impl Skills {
    pub(crate) fn new(all: BTreeMap<String, Vec<SkillPolicy>>) -> Self {
        Self(all)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much has to be known of who connects.
    pub(crate) fn look(&self) -> Look {
        if self.is_empty() { Look::None } else { Look::Paths }
    }

    /// Whether a program that one of them starts has to be known by its bytes.
    pub(crate) fn need_digests(&self) -> bool {
        self.0.values().flatten().any(SkillPolicy::needs_digest)
    }

    /// A decision, as it is for the skills that the act comes from. Where it cannot be told who acts, it may be any of them.
    /// `carried` tells the credentials of a rule.
    pub(crate) fn narrowed(
        &self,
        action: &Action,
        decision: Decision,
        carried: Carried<'_>,
    ) -> Decision {
        if self.is_empty() || !decision.may_be_allowed() {
            return decision;
        }
        let denial = match action {
            Action::Connect { host, port, caller, .. } => {
                self.reaching(caller, host.as_ref(), *port)
            }
            Action::Request(request) => {
                let carried = decision.whole_rule().map(carried).unwrap_or_default();
                self.reaching(&request.caller, Some(&request.host), request.port)
                    .or_else(|| self.carrying(&request.caller, &carried))
            }
            Action::Exec(exec) => exec.of.program.as_ref().and_then(|program| {
                let denied = |policy: &SkillPolicy| !policy.starts(program);
                // What one skill has brought may still not be for another.
                let others = exec.of.skills.iter().filter(|name| !exec.of.own.contains(name));
                let name = self.first(others, denied)?;
                let what = palisade_core::shown(&program.path, 200);
                let remedy = match program.changeable {
                    true => "add its digest (`sha256:…`) to its `programs`".to_owned(),
                    false => format!("add {what} to its `programs`"),
                };
                Some(not_for_skill(name, &what, &remedy))
            }),
            _ => None,
        };
        denial.unwrap_or(decision)
    }

    /// What the supervisor serves itself, such as the way to models.
    pub(crate) fn serving(&self, name: &HostName, caller: &Caller) -> Option<Decision> {
        self.of(caller, &|policy| !policy.models, &|skill| {
            not_for_skill(skill, name.as_str(), "write `models: true`")
        })
    }

    /// The use of a credential by processes of these skills; `None` where that cannot be told.
    pub(crate) fn using(&self, credential: &str, skills: Option<&[String]>) -> Option<Decision> {
        let denied = |policy: &SkillPolicy| !policy.credentials.contains(credential);
        let name = match skills {
            Some(skills) => self.first(skills, denied)?,
            None => self.any(denied)?,
        };
        Some(credential_of(name, credential))
    }

    fn reaching(&self, caller: &Caller, host: Option<&HostName>, port: u16) -> Option<Decision> {
        self.of(caller, &|policy| !policy.reaches(host, port), &|skill| match host {
            Some(host) => {
                let what = format!("{host}:{port}");
                let remedy =
                    format!("add `hosts: [{host}]` and `ports: [{port}]` to its `network`");
                not_for_skill(skill, &what, &remedy)
            }
            None => not_for_skill(skill, "a bare address", "connect to a name"),
        })
    }

    fn carrying(&self, caller: &Caller, carried: &[String]) -> Option<Decision> {
        carried.iter().find_map(|name| {
            self.of(caller, &|policy| !policy.credentials.contains(name), &|skill| {
                credential_of(skill, name)
            })
        })
    }

    fn of(
        &self,
        caller: &Caller,
        denied: &dyn Fn(&SkillPolicy) -> bool,
        denial: &dyn Fn(&str) -> Decision,
    ) -> Option<Decision> {
        match caller {
            Caller::Known(programs) => {
                let skills = programs.iter().find_map(|it| self.first(&it.skills, denied));
                skills.map(denial)
            }
            Caller::Unknown(_) | Caller::Unasked => self.any(denied).map(|name| {
                let decision = denial(name);
                let reason = format!(
                    "it cannot be told who does this, and for all that is known it is the skill {name}: {}",
                    decision.reason
                );
                Decision { reason, ..decision }
            }),
        }
    }

    /// The first of these that a policy of its denies it to. One that is not known here may nothing.
    fn first<'a>(
        &self,
        skills: impl IntoIterator<Item = &'a String>,
        denied: impl Fn(&SkillPolicy) -> bool,
    ) -> Option<&'a str> {
        let denies = |name: &&String| {
            self.0.get(name.as_str()).is_none_or(|policies| policies.iter().any(&denied))
        };
        skills.into_iter().find(denies).map(String::as_str)
    }

    fn any(&self, denied: impl Fn(&SkillPolicy) -> bool) -> Option<&str> {
        let mut all = self.0.iter();
        all.find(|(_, policies)| policies.iter().any(&denied)).map(|(name, _)| name.as_str())
    }
}

fn credential_of(skill: &str, credential: &str) -> Decision {
    let what = format!("the credential {credential}");
    not_for_skill(skill, &what, &format!("add {credential} to its `credentials`"))
}

#[cfg(test)]
mod tests;
