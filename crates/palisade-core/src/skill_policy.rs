use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Decision, HostName, HostPattern, Program, ProgramPattern};

/// What the programs of one skill may do at most. It permits nothing by itself: what the session's policy does not permit is
/// not permitted to a skill either. What is left out is not permitted, but for `programs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SkillPolicy {
    /// Where they may connect to.
    pub network: Vec<SkillReach>,
    /// The credentials that their requests may carry, by their names in the policy.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub credentials: BTreeSet<String>,
    /// The programs that they may start besides the skill's own files; `None` is any.
    #[serde(skip_serializing_if = "Option::is_none", with = "patterns")]
    pub programs: Option<Vec<ProgramPattern>>,
    /// Whether they may call models.
    pub models: bool,
}

/// Hosts and ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillReach {
    /// The names.
    pub hosts: Vec<HostPattern>,
    /// The ports.
    #[serde(default = "https")]
    pub ports: Vec<u16>,
}

fn https() -> Vec<u16> {
    vec![443]
}

impl SkillPolicy {
    /// Whether a program of the skill may connect there. A bare address has no name, and is nowhere.
    pub fn reaches(&self, host: Option<&HostName>, port: u16) -> bool {
        host.is_some_and(|host| {
            let here = self.network.iter().filter(|reach| reach.ports.contains(&port));
            here.flat_map(|reach| &reach.hosts).any(|pattern| pattern.matches(host))
        })
    }

    /// Whether a program of the skill may start this one, which is none of its own files.
    pub fn starts(&self, program: &Program) -> bool {
        let patterns = self.programs.as_ref();
        patterns.is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(program)))
    }

    /// Whether a program has to be known by its bytes.
    pub fn needs_digest(&self) -> bool {
        let mut patterns = self.programs.iter().flatten();
        patterns.any(|pattern| matches!(pattern, ProgramPattern::Digest(_)))
    }

    /// The same in one line, for the operator.
    pub fn told(&self) -> String {
        let list = |words: Vec<String>| match words.is_empty() {
            true => "none".to_owned(),
            false => words.join(", "),
        };
        let hosts = self.network.iter().flat_map(|reach| {
            let ports = &reach.ports;
            reach.hosts.iter().flat_map(move |host| {
                ports.iter().map(move |port| match port {
                    443 => host.to_string(),
                    port => format!("{host}:{port}"),
                })
            })
        });
        let mut text = format!(
            "hosts: {}; credentials: {}; models: {}",
            list(hosts.collect()),
            list(self.credentials.iter().cloned().collect()),
            if self.models { "those of the policy" } else { "none" },
        );
        if let Some(programs) = &self.programs {
            let programs = list(programs.iter().map(ToString::to_string).collect());
            text.push_str(&format!("; programs besides its own: {programs}"));
        }
        text
    }
}

/// The denial of what a skill's policy does not permit.
pub fn not_for_skill(name: &str, what: &str, remedy: &str) -> Decision {
    let rule = format!("skills.policies[{name}]");
    let reason = format!("{what} is not among what the skill {name} may do; to allow it, {remedy}");
    Decision::deny_by(rule, reason)
}

mod patterns {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::ProgramPattern;

    pub(super) fn serialize<S: Serializer>(
        all: &Option<Vec<ProgramPattern>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        all.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<ProgramPattern>>, D::Error> {
        let texts: Option<Vec<String>> = Option::deserialize(deserializer)?;
        let parsed = texts
            .map(|texts| texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect());
        parsed.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lineage;

    fn policy(json: &str) -> SkillPolicy {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_left_out_is_not_permitted() {
        let none = policy("{}");
        let host: HostName = "api.example.com".parse().unwrap();
        assert!(!none.reaches(Some(&host), 443) && !none.reaches(None, 443) && !none.models);
        let some = policy(r#"{"network": [{"hosts": ["*.example.com"]}], "credentials": ["a"]}"#);
        assert!(some.reaches(Some(&host), 443));
        assert!(!some.reaches(Some(&host), 80) && !some.reaches(None, 443));
        assert!(!some.reaches(Some(&"example.com".parse().unwrap()), 443));
        assert_eq!(
            serde_json::to_string(&policy(&serde_json::to_string(&some).unwrap())).unwrap(),
            serde_json::to_string(&some).unwrap()
        );
        for bad in
            [r#"{"hosts": []}"#, r#"{"network": [{"hosts": ["a b"]}]}"#, r#"{"programs": ["git"]}"#]
        {
            assert!(serde_json::from_str::<SkillPolicy>(bad).is_err(), "{bad}");
        }
        assert_eq!(some.told(), "hosts: *.example.com; credentials: a; models: none");
    }

    #[test]
    fn programs_are_named_by_their_files() {
        let some = policy(r#"{"programs": ["/usr/bin/git"]}"#);
        let program = |path: &str, changeable| Program {
            path: path.to_owned(),
            digest: None,
            changeable,
            script: None,
            ancestors: Vec::new(),
            lineage: Lineage::default(),
            skills: Vec::new(),
        };
        assert!(some.starts(&program("/usr/bin/git", false)));
        assert!(!some.starts(&program("/usr/bin/git", true)));
        assert!(!some.starts(&program("/usr/bin/curl", false)));
        assert!(policy("{}").starts(&program("/usr/bin/curl", true)));
        assert!(!policy(r#"{"programs": []}"#).starts(&program("/usr/bin/git", false)));
    }
}
