use std::{fmt, net::IpAddr, sync::Arc, time::Instant};

use arc_swap::ArcSwap;
use palisade_core::{
    Action, Body, Decision, Handling, HostName, Inspection, Look, PolicyDigest, Request,
};
use palisade_permissions::Permissions;

use crate::{Scope, http, meter::Meters, models::Models, reach::Reach};

/// Decides every action by the policy of the moment. Cheap, pure, and the same from any thread.
pub struct Engine {
    now: ArcSwap<Compiled>,
    spent: Meters,
    own: Vec<IpAddr>,
}

/// A policy in the form that decides fast.
struct Compiled {
    digest: Option<Arc<PolicyDigest>>,
    reach: Reach,
    models: Option<Models>,
    permissions: Option<ToolCalls>,
}

/// Rules for tool calls. Those that cannot be understood permit nothing.
type ToolCalls = Result<Permissions, String>;

/// The name that the model gateway has inside.
const GATEWAY: &str = "inference.local";

impl Engine {
    /// An engine for this policy.
    pub fn new(policy: impl Into<Scope>) -> Self {
        Self::with_own_addresses(policy, [])
    }

    /// An engine that treats these addresses of the machine itself like loopback.
    pub fn with_own_addresses(
        policy: impl Into<Scope>,
        own: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        let own: Vec<IpAddr> = own.into_iter().map(|address| address.to_canonical()).collect();
        let now = ArcSwap::from_pointee(Compiled::new(policy.into(), own.clone()));
        Self { now, spent: Meters::default(), own }
    }

    /// Decide by this policy from now on. What is being decided is decided by the old one or by
    /// the new one, never by a mixture.
    pub fn replace(&self, policy: impl Into<Scope>) {
        self.now.store(Arc::new(Compiled::new(policy.into(), self.own.clone())));
    }

    /// Count a request that is permitted; or the denial, if a rule for its host and port lets no more pass
    /// for now. Limits outlast a replacement of the policy by what was used of them.
    pub fn count(&self, request: &Request) -> Option<Decision> {
        let now = self.now.load();
        let limited = now.reach.limited(&request.host, request.port);
        self.spent.request(&limited, request, Instant::now())
    }

    /// Count bytes that are about to be sent.
    ///
    /// # Errors
    /// The denial, if a rule for this host and port lets no more pass.
    pub fn may_send(&self, host: &HostName, port: u16, bytes: u64) -> Result<(), Decision> {
        let now = self.now.load();
        self.spent.bytes(&now.reach.limited(host, port), host, bytes)
    }

    /// How much has to be known of who connects there to decide about it.
    pub fn look(&self, host: Option<&HostName>, address: IpAddr, port: u16) -> Look {
        self.now.load().reach.look(host, address, port)
    }

    /// How much has to be known of who connects where it is not known yet to whom.
    pub fn look_at_most(&self) -> Look {
        self.now.load().reach.look_at_most()
    }

    /// The programs that rules for commands name, as these name them.
    pub fn programs(&self) -> Vec<String> {
        match &self.now.load().permissions {
            Some(Ok(permissions)) => permissions.programs(),
            Some(Err(_)) | None => Vec::new(),
        }
    }

    /// Whether this may happen, by which rule, and why.
    pub fn decide(&self, action: &Action) -> Decision {
        self.now.load().decide(action)
    }

    /// The same, with the policy that says so.
    pub fn decide_under(&self, action: &Action) -> (Decision, Option<Arc<PolicyDigest>>) {
        let now = self.now.load();
        (now.decide(action), now.digest.clone())
    }
}

impl Inspection for Engine {
    fn of(&self, host: &HostName, port: u16) -> Handling {
        self.now.load().reach.handling(host, port)
    }

    fn body_bound(&self, request: &Request) -> Option<usize> {
        self.now.load().reach.body_bound(request)
    }

    fn read_body(&self, request: &Request, bytes: &[u8]) -> Body {
        http::read(request, bytes)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Compiled {
    fn new(scope: Scope, own: Vec<IpAddr>) -> Self {
        Self {
            digest: scope.digest.map(Arc::new),
            reach: Reach::new(scope.rules, scope.ask, own),
            models: scope.models.map(Models::new),
            permissions: scope.permissions.map(|settings| {
                Permissions::new(settings).map_err(|wrong| {
                    let first = wrong.first().map(|(rule, why)| format!("`{}`: {why}", rule.text));
                    first.unwrap_or_default()
                })
            }),
        }
    }

    fn decide(&self, action: &Action) -> Decision {
        match action {
            // Who may start a sandbox is settled before there is a policy to ask.
            Action::Launch { .. } => Decision::allow("policy", "the operator starts it"),
            // The lock and the policy's `skills` have let it in; hooks may still refuse it.
            Action::SkillLoad { why, .. } => Decision::allow("skills.require", why.clone()),
            Action::Resolve { name } => self.resolve(name),
            Action::Records { name, kind } => self.reach.records(name, *kind),
            Action::ResolveRefused { why, .. } => {
                Decision::deny(format!("the resolver has no answer to this: {why}"))
            }
            Action::Connect { host: Some(host), port, address, tls, caller } => {
                let address = address.map(|address| address.ip());
                self.reach.to_name(host, *port, address, (tls, caller))
            }
            Action::Connect { host: None, port, address: Some(address), caller, .. } => {
                self.reach.to_address(address.ip(), *port, caller)
            }
            Action::Connect { host: None, address: None, .. } => {
                Decision::deny("the connection has neither a name nor an address")
            }
            Action::Request(request) => self.reach.request(request),
            Action::ModelCall { model, .. } => match &self.models {
                Some(models) => models.decide(model),
                None => Decision::deny(NO_INFERENCE),
            },
            Action::ModelRequest { refused: Some(why), .. } => {
                Decision::deny(format!("the model gateway does not pass this on: {why}"))
            }
            Action::ModelRequest { refused: None, .. } => match &self.models {
                Some(_) => Decision::allow("inference", "an endpoint of the model gateway"),
                None => Decision::deny(NO_INFERENCE),
            },
            // Without permission rules a tool call is only recorded: what it does is decided by the layers
            // that see it done.
            Action::ToolCall(call) => match &self.permissions {
                None => Decision::allow("permissions", "the policy has no permission rules"),
                Some(Ok(permissions)) => permissions.decide(call),
                Some(Err(why)) => {
                    Decision::deny(format!("the permission rules cannot be used: {why}"))
                }
            },
            Action::Exec(exec) => match &self.permissions {
                None => Decision::allow("permissions", "the policy has no permission rules"),
                Some(Ok(permissions)) => permissions.decide_exec(exec),
                Some(Err(why)) => {
                    Decision::deny(format!("the permission rules cannot be used: {why}"))
                }
            },
            // An act that is not known here is not permitted here.
            _ => Decision::deny("this version of the engine does not know such an action"),
        }
    }

    fn resolve(&self, name: &HostName) -> Decision {
        if self.models.is_some() && name.as_str() == GATEWAY {
            return Decision::allow("inference", "the model gateway's own name");
        }
        self.reach.resolve(name)
    }
}

const NO_INFERENCE: &str = "the policy has no `inference` section, so there is no model to call; to \
                            allow it, add a provider and a route";

#[cfg(test)]
mod tests;
