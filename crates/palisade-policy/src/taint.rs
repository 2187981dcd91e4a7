//! `taint` as it is enforced.

use std::{collections::BTreeSet, path::PathBuf};

use palisade_core::{HostPattern, Untrusted};
use palisade_permissions::{List, Rule};
use serde::Serialize;

/// What is asked once untrusted content has come in. Of several documents all counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taint {
    /// What counts as such content.
    pub by: BTreeSet<Untrusted>,
    /// Hosts whose answers do.
    pub hosts: Vec<HostPattern>,
    /// What is asked, by its word.
    pub acts: BTreeSet<TaintedAct>,
    /// Tool calls and programs that are asked.
    pub rules: Vec<TaintRule>,
    /// What `~` is in these rules.
    #[serde(serialize_with = "crate::digest::exact")]
    pub home: PathBuf,
}

/// A permission rule of `taint.ask`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaintRule {
    /// Its text, such as `Bash(scp *)`.
    pub text: String,
    /// The folder that a path with one leading `/` begins at.
    #[serde(serialize_with = "crate::digest::exact")]
    pub base: PathBuf,
}

/// Acts that have a word of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaintedAct {
    /// Commits go to another repository.
    Push,
    /// A package, an image or a release is published.
    Publish,
    /// A request that changes something, or a connection that nobody looks into.
    Send,
    /// A request that carries a credential, or a connection on which a key of an ssh agent signs.
    Secrets,
}

/// Commands by which commits leave.
const PUSH: &[&str] = &[
    "Bash(git push *)",
    "Bash(git send-pack *)",
    "Bash(git http-push *)",
    "Bash(git lfs push *)",
    "Bash(git svn dcommit *)",
    "Bash(jj git push *)",
    "Bash(hg push *)",
    "Bash(gh pr create *)",
    "Bash(gh repo create *)",
    "Bash(gh repo sync *)",
    "Bash(glab mr create *)",
];

/// Commands by which something is published.
const PUBLISH: &[&str] = &[
    "Bash(npm publish *)",
    "Bash(pnpm publish *)",
    "Bash(yarn publish *)",
    "Bash(yarn npm publish *)",
    "Bash(bun publish *)",
    "Bash(cargo publish *)",
    "Bash(twine upload *)",
    "Bash(uv publish *)",
    "Bash(poetry publish *)",
    "Bash(hatch publish *)",
    "Bash(flit publish *)",
    "Bash(gem push *)",
    "Bash(docker push *)",
    "Bash(docker image push *)",
    "Bash(podman push *)",
    "Bash(skopeo copy *)",
    "Bash(helm push *)",
    "Bash(dotnet nuget push *)",
    "Bash(mvn deploy *)",
    "Bash(gh release create *)",
    "Bash(gh release upload *)",
];

impl TaintedAct {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Push, Self::Publish, Self::Send, Self::Secrets];

    /// The word in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Publish => "publish",
            Self::Send => "send",
            Self::Secrets => "secrets",
        }
    }

    /// What it means, in a sentence without its end.
    pub fn says(self) -> &'static str {
        match self {
            Self::Push => "commands and requests by which commits leave",
            Self::Publish => "commands and requests that publish packages, images and releases",
            Self::Send => "requests that change something, and connections that nobody looks into",
            Self::Secrets => "requests that carry a credential, and connections on which keys sign",
        }
    }

    /// The commands that it names, as permission rules.
    pub fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Push => PUSH,
            Self::Publish => PUBLISH,
            // Each is seen where it leaves.
            Self::Send | Self::Secrets => &[],
        }
    }
}

impl Taint {
    /// One that counts everything and asks for nothing: conditions of rules may name it.
    pub(crate) fn counted(home: PathBuf) -> Self {
        let (by, rules) = (Untrusted::ALL.into(), Vec::new());
        Self { by, hosts: Vec::new(), acts: BTreeSet::new(), rules, home }
    }

    /// Each rule for tool calls and programs, with the word that it is asked by.
    pub fn calls(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_acts = self
            .acts
            .iter()
            .flat_map(|act| act.commands().iter().map(move |text| (act.as_str(), *text)));
        of_acts.chain(self.rules.iter().map(|rule| (rule.text.as_str(), rule.text.as_str())))
    }

    /// Whether it has rules for commands, so that it must be watched what is executed.
    pub(crate) fn holds_execs(&self) -> bool {
        self.calls().any(|(_, text)| is_for_commands(text))
    }
}

impl TaintRule {
    /// Whether it is held where programs are executed.
    pub(crate) fn is_for_commands(&self) -> bool {
        is_for_commands(&self.text)
    }
}

fn is_for_commands(text: &str) -> bool {
    Rule::parse(text, List::Ask).is_ok_and(|rule| rule.is_for_commands())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_words_are_rules() {
        for act in TaintedAct::ALL {
            for text in act.commands() {
                assert!(is_for_commands(text), "{text}");
            }
        }
    }
}
