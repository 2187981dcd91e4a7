use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Instant, SystemTime},
};

use arc_swap::ArcSwap;
use palisade_condition::{History, Moment};
use palisade_core::{
    Action, Body, Caller, Decision, Handling, HostName, Inspection, Look, PolicyDigest, Request,
    SkillPolicy, Untrusted, Verdict,
};
use palisade_permissions::{List, Permissions, Settings};

use crate::{
    Rule, Scope, When,
    address::AddressClass,
    context::Context,
    http,
    meter::Meters,
    models::Models,
    names::Names,
    own::Own,
    reach::Reach,
    ruling::Ruling,
    skills::Skills,
    taint::{Guarded, Tainted},
    when::{Counts, Kept},
};

/// Decides every action by the policy of the moment. Cheap, pure, and the same from any thread.
pub struct Engine {
    now: ArcSwap<Compiled>,
    spent: Meters,
    names: Names,
    history: Arc<History>,
    tainted: Tainted,
    /// Held from the last look at conditions until the act counts.
    turn: Mutex<()>,
    own: Own,
    /// Policies that have decided.
    policies: AtomicU64,
    /// What skills may do at most. They are fixed for the life of a sandbox.
    skills: Skills,
}

/// A policy in the form that decides fast. `reach` and `permissions` have all of its rules, as if each condition held.
struct Compiled {
    /// Which of those that have decided.
    number: u64,
    digest: Option<Arc<PolicyDigest>>,
    reach: Reach,
    models: Option<Models>,
    permissions: Option<ToolCalls>,
    conditional: Conditional,
    guarded: Option<Guarded>,
    /// The rules whose requests carry a credential, and which.
    carrying: BTreeMap<String, Vec<String>>,
}

/// What is made anew when other conditions hold.
#[derive(Default)]
struct Conditional {
    /// The rules, where one of them has a condition.
    rules: Option<Vec<Rule>>,
    ask: bool,
    own: Own,
    /// The rules for tool calls, where one of them has a condition.
    settings: Option<Settings>,
    conditions: Vec<(List, usize, When)>,
    reaches: Kept<Reach>,
    permissions: Kept<ToolCalls>,
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
        let own: Own = own.into_iter().collect();
        let now = ArcSwap::from_pointee(Compiled::new(policy.into(), own.clone()));
        Self {
            now,
            spent: Meters::default(),
            names: Names::default(),
            history: Arc::default(),
            tainted: Tainted::default(),
            turn: Mutex::default(),
            own,
            policies: AtomicU64::default(),
            skills: Skills::default(),
        }
    }

    /// One under which the programs of these skills may do what all of their policies permit as well, and no more.
    #[must_use]
    pub fn with_skills(self, all: BTreeMap<String, Vec<SkillPolicy>>) -> Self {
        Self { skills: Skills::new(all), ..self }
    }

    /// The denial, if what the supervisor serves under this name is not for the skills that this comes from.
    pub fn serving(&self, name: &HostName, caller: &Caller) -> Option<Decision> {
        self.skills.serving(name, caller)
    }

    /// The denial, if processes of these skills may not use this credential. `None` of `skills`: that cannot be told.
    pub fn using(&self, credential: &str, skills: Option<&[String]>) -> Option<Decision> {
        self.skills.using(credential, skills)
    }

    /// Whether each program that is started has to be looked at for skills, and whether by its bytes.
    pub fn starts_by_digest(&self) -> bool {
        self.skills.need_digests()
    }

    /// Decide by this policy from now on. What is being decided is decided by the old one or by
    /// the new one, never by a mixture.
    pub fn replace(&self, policy: impl Into<Scope>) {
        let number = self.policies.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let compiled = Compiled { number, ..Compiled::new(policy.into(), self.own.clone()) };
        self.now.store(Arc::new(compiled));
    }

    /// Treat this address of the machine like loopback too, from now on. Whether it was not always treated so: a
    /// decision on it may then have been another.
    pub fn found_own(&self, address: IpAddr) -> bool {
        AddressClass::of(address) == AddressClass::Public && self.own.add(address)
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

    /// Count a name that is about to be looked up outside, if no rule names it whole.
    ///
    /// # Errors
    /// The denial, if too many others below the same wildcard were.
    pub fn may_look_up(&self, host: &HostName) -> Result<(), Decision> {
        let now = self.now.load();
        match now.reach.wildcard_of(host) {
            Some((rule, zone)) => self.names.look_up(rule, zone, host, Instant::now()),
            None => Ok(()),
        }
    }

    /// How much has to be known of who connects there to decide about it.
    pub fn look(&self, host: Option<&HostName>, address: IpAddr, port: u16) -> Look {
        self.now.load().reach.look(host, address, port).max(self.skills.look())
    }

    /// How much has to be known of who connects where it is not known yet to whom.
    pub fn look_at_most(&self) -> Look {
        self.now.load().reach.look_at_most().max(self.skills.look())
    }

    /// The programs that rules for commands name, as these name them.
    pub fn programs(&self) -> Vec<String> {
        let now = self.now.load();
        let mut programs = match &now.permissions {
            Some(Ok(permissions)) => permissions.programs(),
            Some(Err(_)) | None => Vec::new(),
        };
        programs.extend(now.guarded.iter().flat_map(Guarded::programs));
        programs.sort_unstable();
        programs.dedup();
        programs
    }

    /// The number of the policy in force, if what that says of an execution is the same at each moment: it has no conditions
    /// for commands, and does not look for untrusted content. What was decided under a number is still decided so while this
    /// returns it.
    pub fn steady_execs(&self) -> Option<u64> {
        let now = self.now.load();
        (now.conditional.settings.is_none() && now.guarded.is_none()).then_some(now.number)
    }

    /// Whether this may happen, by which rule, and why.
    pub fn decide(&self, action: &Action) -> Decision {
        let now = self.now.load();
        self.narrowed(&now, action, now.decide(action, &self.context(None)))
    }

    /// What is decided of an act, by which policy, and of a tool call also what is decided where the agent says to be.
    pub fn decide_in(&self, action: &Action, directory: Option<&Path>) -> Ruling {
        let now = self.now.load();
        let decide =
            |folder| self.narrowed(&now, action, now.decide(action, &self.context(folder)));
        let here = decide(None);
        let elsewhere = directory.filter(|it| now.is_elsewhere(action, it));
        // Nothing is stricter than a denial.
        let elsewhere = elsewhere.filter(|_| here.verdict != Verdict::Deny).map(Some).map(decide);
        let elsewhere = elsewhere.filter(|there| there.is_stricter(&here));
        Ruling { here, elsewhere, policy: now.digest.clone() }
    }

    fn context<'a>(&'a self, directory: Option<&'a Path>) -> Context<'a> {
        Context { history: &self.history, tainted: &self.tainted, directory }
    }

    /// The same without what is asked for only because of untrusted content: what an answer of the operator to that
    /// question permits.
    pub fn decide_untainted(&self, action: &Action) -> Decision {
        let now = self.now.load();
        self.narrowed(&now, action, now.ruled(action, &self.context(None)))
    }

    /// Whether it would be asked only because of untrusted content, if all else permitted it.
    pub fn asks_tainted(&self, action: &Action) -> bool {
        let now = self.now.load();
        let permitted = Decision::allow("approval", "");
        now.tainted(action, permitted, &self.context(None)).verdict == Verdict::Ask
    }

    /// Remember that untrusted content came in. True if that is news, and the policy counts it.
    pub fn tainted(&self, how: Untrusted) -> bool {
        let counts = self.now.load().guarded.as_ref().is_some_and(|it| it.counts(how));
        self.tainted.add(how) && counts
    }

    /// What untrusted content an act brings in that is permitted so, if the policy looks for it.
    pub fn brings(&self, action: &Action, decision: &Decision) -> Option<Untrusted> {
        self.now.load().guarded.as_ref()?.brings(action, decision)
    }

    /// Whether untrusted content came in already, of any kind that the policy counts.
    pub fn is_tainted(&self) -> bool {
        let now = self.now.load();
        now.guarded.as_ref().is_some_and(|it| !it.came(&self.tainted).is_empty())
    }

    /// Remember for conditions that such an act was permitted and recorded.
    pub fn happened(&self, kind: &str) {
        let known = ["connect", "request", "tool_call", "exec"];
        if let Some(kind) = known.into_iter().find(|known| *known == kind) {
            self.history.add(kind);
        }
    }

    /// Remember the same of an act that is about to be permitted; or the denial, if by now a condition of a
    /// network rule does not hold any more. Of acts that are decided at once no more are permitted than a
    /// condition has room for.
    pub fn happens(&self, action: &Action) -> Option<Decision> {
        let now = self.now.load();
        let network = matches!(action, Action::Connect { .. } | Action::Request(_));
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if network && now.conditional.rules.is_some() {
            let again = now.ruled(action, &self.context(None));
            if again.verdict == Verdict::Deny {
                return Some(again);
            }
        }
        self.happened(action.kind());
        None
    }

    /// A decision of the policy, as the policies of the skills that it comes from narrow it.
    fn narrowed(&self, now: &Compiled, action: &Action, decision: Decision) -> Decision {
        self.skills.narrowed(action, decision, &|rule| now.carried(rule))
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
    fn new(scope: Scope, own: Own) -> Self {
        let any = scope.rules.iter().any(|rule| rule.when != When::Always);
        let carrying = scope.rules.iter().filter(|rule| !rule.carries.is_empty());
        let carrying = carrying.map(|rule| (rule.id.clone(), rule.carries.clone())).collect();
        let guarded = scope.taint.map(|it| Guarded::new(it.taint, it.place, it.signs));
        let settings = scope.permissions.clone().filter(|_| !scope.conditions.is_empty());
        let conditional = Conditional {
            rules: any.then(|| scope.rules.clone()),
            ask: scope.ask,
            own: own.clone(),
            settings,
            conditions: scope.conditions,
            ..Conditional::default()
        };
        Self {
            number: 0,
            digest: scope.digest.map(Arc::new),
            reach: Reach::new(scope.rules, scope.ask, own),
            models: scope.models.map(Models::new),
            permissions: scope.permissions.map(tool_calls),
            conditional,
            guarded,
            carrying,
        }
    }

    /// Whether the folder makes a difference to what is decided of this.
    fn is_elsewhere(&self, action: &Action, directory: &Path) -> bool {
        let is_other = |rules: &ToolCalls| matches!(rules, Ok(it) if !it.works_in(directory));
        let tainted = self.guarded.as_ref().map(Guarded::calls);
        matches!(action, Action::ToolCall(_))
            && self.permissions.as_ref().into_iter().chain(tainted).any(is_other)
    }

    /// The credentials that requests by this rule carry.
    fn carried(&self, rule: &str) -> Vec<String> {
        self.carrying.get(rule).cloned().unwrap_or_default()
    }

    fn decide(&self, action: &Action, context: &Context<'_>) -> Decision {
        self.tainted(action, self.ruled(action, context), context)
    }

    /// A decision of the rules, as untrusted content narrows it.
    fn tainted(&self, action: &Action, decision: Decision, context: &Context<'_>) -> Decision {
        let Some(guarded) = &self.guarded else { return decision };
        let carries = decision.whole_rule().is_some_and(|rule| self.carrying.contains_key(rule));
        let seen = match action {
            Action::Connect { host: Some(host), port, .. } => {
                self.reach.handling(host, *port) == Handling::Inspect
            }
            _ => false,
        };
        guarded.narrowed(action, decision, context, (carries, seen))
    }

    /// What the rules say, those with a condition that holds.
    fn ruled(&self, action: &Action, context: &Context<'_>) -> Decision {
        let came = self.guarded.as_ref().map(|it| it.came(context.tainted)).unwrap_or_default();
        let conditional = &self.conditional;
        match action {
            Action::Resolve { .. }
            | Action::Records { .. }
            | Action::Connect { .. }
            | Action::Request(_) => {
                if let Some(rules) = &conditional.rules {
                    let reach = conditional.reach(rules, action, &self.moment(context, &came));
                    let decision = self.by(action, &reach, None, context);
                    return unless(decision, || self.by(action, &self.reach, None, context));
                }
            }
            Action::ToolCall(_) | Action::Exec(_) => {
                if let Some(settings) = &conditional.settings {
                    let moment = self.moment(context, &came);
                    let rules = conditional.tool_calls(settings, action, &moment);
                    let decision = self.by(action, &self.reach, Some(&rules), context);
                    return unless(decision, || {
                        self.by(action, &self.reach, self.permissions.as_ref(), context)
                    });
                }
            }
            _ => {}
        }
        self.by(action, &self.reach, self.permissions.as_ref(), context)
    }

    fn moment<'a>(&'a self, context: &Context<'a>, taint: &'a [Untrusted]) -> Moment<'a> {
        let mode = match &self.permissions {
            Some(Ok(permissions)) => permissions.mode().as_str(),
            Some(Err(_)) | None => "",
        };
        Moment { now: SystemTime::now(), mode, history: context.history, taint }
    }

    fn by(
        &self,
        action: &Action,
        reach: &Reach,
        permissions: Option<&ToolCalls>,
        context: &Context<'_>,
    ) -> Decision {
        match action {
            // Who may start a sandbox is settled before there is a policy to ask.
            Action::Launch { .. } => Decision::allow("policy", "the operator starts it"),
            // The lock and the policy's `skills` have let it in; hooks may still refuse it.
            Action::SkillLoad { why, .. } => Decision::allow("skills.require", why.clone()),
            Action::Resolve { name } => self.resolve(name, reach),
            Action::Records { name, kind } => reach.records(name, *kind),
            Action::ResolveRefused { why, .. } => {
                Decision::deny(format!("the resolver has no answer to this: {why}"))
            }
            Action::Connect { host: Some(host), port, address, tls, caller } => {
                let address = address.map(|address| address.ip());
                reach.to_name(host, *port, address, (tls, caller))
            }
            Action::Connect { host: None, port, address: Some(address), caller, .. } => {
                reach.to_address(address.ip(), *port, caller)
            }
            Action::Connect { host: None, address: None, .. } => {
                Decision::deny("the connection has neither a name nor an address")
            }
            Action::Request(request) => reach.request(request),
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
            Action::ToolCall(call) => match permissions {
                None => Decision::allow("permissions", "the policy has no permission rules"),
                Some(Ok(permissions)) => permissions.decide_in(call, context.directory),
                Some(Err(why)) => {
                    Decision::deny(format!("the permission rules cannot be used: {why}"))
                }
            },
            Action::Exec(exec) => match permissions {
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

    fn resolve(&self, name: &HostName, reach: &Reach) -> Decision {
        if self.models.is_some() && name.as_str() == GATEWAY {
            return Decision::allow("inference", "the model gateway's own name");
        }
        reach.resolve(name)
    }
}

impl Conditional {
    /// Where the rules lead that count now. One that does not count still names its hosts: they are not unknown.
    fn reach(&self, rules: &[Rule], action: &Action, moment: &Moment<'_>) -> Arc<Reach> {
        let counts = rules.iter().map(|rule| {
            // What is looked into is decided again with each request, and all of it again once it is known to where.
            let open = match action {
                Action::Resolve { .. } | Action::Records { .. } => true,
                Action::Connect { address, .. } => address.is_none() || rule.http.is_some(),
                _ => false,
            };
            rule.when.counts(action, moment, open)
        });
        self.reaches.get(counts.collect(), |counts| {
            let rules = rules.iter().cloned().zip(counts).map(|(rule, counts)| match counts {
                Counts::Whole => rule,
                Counts::Narrows => Rule { only_denies: true, ..rule },
                Counts::Not => {
                    let http = rule.http.as_ref().map(|_| Vec::new());
                    Rule { only_denies: true, http, ..rule }
                }
            });
            Reach::new(rules.collect(), self.ask, self.own.clone())
        })
    }

    /// The rules for tool calls that count now.
    fn tool_calls(
        &self,
        settings: &Settings,
        action: &Action,
        moment: &Moment<'_>,
    ) -> Arc<ToolCalls> {
        let counts = self.conditions.iter().map(|(_, _, when)| when.counts(action, moment, false));
        self.permissions.get(counts.collect(), |counts| {
            let mut settings = settings.clone();
            for (list, rules) in [
                (List::Deny, &mut settings.deny),
                (List::Ask, &mut settings.ask),
                (List::Allow, &mut settings.allow),
            ] {
                let left_out: Vec<usize> = self
                    .conditions
                    .iter()
                    .zip(counts)
                    .filter(|((of, _, _), counts)| {
                        let narrows = **counts == Counts::Narrows && list == List::Allow;
                        *of == list && (**counts == Counts::Not || narrows)
                    })
                    .map(|((_, at, _), _)| *at)
                    .collect();
                let mut at = 0;
                rules.retain(|_| {
                    at += 1;
                    !left_out.contains(&(at - 1))
                });
            }
            tool_calls(settings)
        })
    }
}

fn tool_calls(settings: Settings) -> ToolCalls {
    Permissions::new(settings).map_err(|wrong| {
        let first = wrong.first().map(|(rule, why)| format!("`{}`: {why}", rule.text));
        first.unwrap_or_default()
    })
}

/// Tells of a condition where it is what makes the difference: a rule that is there and does not count is looked for in vain.
fn unless(decision: Decision, otherwise: impl FnOnce() -> Decision) -> Decision {
    if decision.is_allowed() {
        return decision;
    }
    let otherwise = otherwise();
    let Some(rule) = otherwise.rule.filter(|_| otherwise.verdict == Verdict::Allow) else {
        return decision;
    };
    let reason =
        format!("{}; {rule} would permit it, but its `when` does not hold", decision.reason);
    Decision { reason, ..decision }
}

const NO_INFERENCE: &str = "the policy has no `inference` section, so there is no model to call; to \
                            allow it, add a provider and a route";

#[cfg(test)]
mod tests;
