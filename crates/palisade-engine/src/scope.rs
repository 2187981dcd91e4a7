use std::{collections::BTreeSet, path::Path};

use ipnet::IpNet;
use palisade_condition::Stage;
use palisade_core::{
    Caller, HostName, HostPattern, Look, PolicyDigest, ProgramPattern, RecordKind,
};
use palisade_permissions::{List, Place, Settings, Written};
use palisade_policy::{HttpRule, PermissionRule, Permissions, Policy, RuleLimits, Taint, Tls};

use crate::When;

/// What of a policy the engine decides by.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The network rules, in the policy's order.
    pub rules: Vec<Rule>,
    /// The policy that it is of, if it is of one.
    pub digest: Option<PolicyDigest>,
    /// Whether the operator is asked for a destination that no rule names.
    pub ask: bool,
    /// The model pattern of each inference route, in the policy's order; `None` where the policy
    /// has no inference. `*` stands for any characters.
    pub models: Option<Vec<String>>,
    /// Rules for tool calls; `None` where the policy has none.
    pub permissions: Option<Settings>,
    /// The rules for tool calls that have a condition: their list, and where they stand in it.
    pub conditions: Vec<(List, usize, When)>,
    /// What is asked once untrusted content has come in.
    pub taint: Option<TaintScope>,
}

/// The policy's `taint`, and what it depends on.
#[derive(Debug, Clone)]
pub struct TaintScope {
    /// The section.
    pub taint: Taint,
    /// Where agents are.
    pub place: Place,
    /// Hosts at which keys of an ssh agent sign.
    pub signs: Vec<HostName>,
}

/// A network rule, as far as deciding needs it.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// How decisions name it, such as `network.rules[github]`.
    pub id: String,
    /// Names it permits. Without any it is a rule for bare addresses.
    pub hosts: Vec<HostPattern>,
    /// Ports it permits.
    pub ports: Vec<u16>,
    /// The programs that it is for; none is any.
    pub binaries: Vec<ProgramPattern>,
    /// Kinds of records of its names that are asked for outside.
    pub records: BTreeSet<RecordKind>,
    /// Addresses that are not public and that it permits all the same; for a rule without hosts, all
    /// that it permits.
    pub addresses: Vec<IpNet>,
    /// Whether connections are looked into.
    pub inspect: bool,
    /// Requests, where they are looked into; `None` is any.
    pub http: Option<Vec<HttpRule>>,
    /// How much may go to its hosts and ports, by whichever rule.
    pub limits: RuleLimits,
    /// Whether it permits nothing, and only what it refuses counts.
    pub only_denies: bool,
    /// Where it does not hold, it permits and refuses nothing.
    pub when: When,
    /// The credentials that its requests carry, by their names.
    pub carries: Vec<String>,
}

impl Rule {
    /// Whether it is for whoever this is. What cannot be told is nobody that a rule names.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        if self.binaries.is_empty() {
            return true;
        }
        let Caller::Known(programs) = caller else { return false };
        let named = |program| self.binaries.iter().any(|pattern| pattern.matches(program));
        !programs.is_empty() && programs.iter().all(named)
    }

    /// Whether it may be for whoever this is: what it refuses counts where that cannot be told.
    pub(crate) fn may_be_for(&self, caller: &Caller) -> bool {
        let named = |program| self.binaries.iter().any(|pattern| pattern.matches(program));
        match caller {
            Caller::Known(programs) => self.binaries.is_empty() || programs.iter().any(named),
            Caller::Unasked | Caller::Unknown(_) => true,
        }
    }

    /// How much it needs to know of who connects.
    pub(crate) fn look(&self) -> Look {
        let asked = match &self.when {
            When::If(condition) if condition.names("programs") => Look::Paths,
            When::If(_) | When::Always | When::Unreadable(_) => Look::None,
        };
        let each = self.binaries.iter().map(|pattern| match pattern {
            ProgramPattern::Path(_) => Look::Paths,
            ProgramPattern::Digest(_) => Look::Digests,
        });
        each.max().unwrap_or_default().max(asked)
    }
}

impl From<&Policy> for Scope {
    fn from(policy: &Policy) -> Self {
        let rules = policy.network.rules.iter().map(|rule| Rule {
            id: rule.rule.clone(),
            hosts: rule.hosts.clone(),
            ports: rule.ports.clone(),
            binaries: rule.binaries.clone(),
            records: rule.records.clone(),
            addresses: rule.addresses.clone(),
            inspect: rule.tls == Tls::Inspect || rule.http.is_some(),
            http: rule.http.clone(),
            limits: rule.limits,
            only_denies: rule.only_denies,
            when: When::of(
                rule.when.as_deref(),
                if rule.http.is_some() { Stage::Requests } else { Stage::Connections },
            ),
            carries: rule.credential.iter().chain(&rule.client_certificate).cloned().collect(),
        });
        let models = policy
            .inference
            .as_ref()
            .map(|inference| inference.routes.iter().map(|route| route.model.clone()).collect());
        let permissions = policy.permissions.as_ref().map(|given| settings(given, policy));
        let conditions = policy.permissions.as_ref().map(conditions).unwrap_or_default();
        let digest = Some(policy.digest.clone());
        Self {
            rules: rules.collect(),
            digest,
            ask: policy.network.ask,
            models,
            permissions,
            conditions,
            taint: policy.taint.as_ref().map(|taint| tainted(taint, policy)),
        }
    }
}

fn conditions(given: &Permissions) -> Vec<(List, usize, When)> {
    let lists = [(List::Deny, &given.deny), (List::Ask, &given.ask), (List::Allow, &given.allow)];
    let each = lists.into_iter().flat_map(|(list, rules)| {
        let conditional = rules.iter().enumerate().filter(|(_, rule)| rule.when.is_some());
        conditional.map(move |(at, rule)| (list, at, When::of(rule.when.as_deref(), Stage::Calls)))
    });
    each.collect()
}

fn settings(given: &Permissions, policy: &Policy) -> Settings {
    let written = |rules: &[PermissionRule]| {
        let written = rules.iter().map(|rule| Written {
            text: rule.text.clone(),
            at: Some(rule.at.clone()),
            base: rule.base.clone(),
        });
        written.collect()
    };
    Settings {
        mode: given.mode,
        allow: written(&given.allow),
        ask: written(&given.ask),
        deny: written(&given.deny),
        place: place(policy, &given.home),
    }
}

fn tainted(taint: &Taint, policy: &Policy) -> TaintScope {
    let signs = policy.network.ssh.values().flat_map(|keys| keys.hosts.iter().cloned());
    TaintScope { taint: taint.clone(), place: place(policy, &taint.home), signs: signs.collect() }
}

fn place(policy: &Policy, home: &Path) -> Place {
    let workspace = policy.filesystem.workspace.as_ref().map(|workspace| workspace.path.clone());
    Place {
        // What a sandbox without a workspace works in.
        workspace: workspace.unwrap_or_else(|| "/sandbox".into()),
        additional: Vec::new(),
        home: Some(home.to_owned()),
    }
}
