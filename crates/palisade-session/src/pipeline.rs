use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use palisade_core::{
    Action, Authority, Body, BoxFuture, Caller, Decision, Event, Exec, Handling, HostName,
    Inspection, Layer, Lineage, Look, PolicyDigest, Request, Ties, ToolAnswer, ToolCall, ToolInput,
    UNRECORDED, Untrusted, Verdict,
};
use palisade_engine::{Engine, Ruling};
use palisade_hooks::{Agent, Announced, Event as Hooked, Ran, Reply, ReplyTo, Say};
use palisade_journal::{Admitted, Journal};
use palisade_policy::Policy;
use palisade_recording::content::Content;
use serde_json::Value;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use crate::{
    alarms::{self, Alarms, Raised},
    approvals::Approvals,
    commands::Commands,
    hooks::{self, Decided, Hooks},
    passed::Passed,
    skills::Named,
    unwritten::Unwritten,
};

/// Characters of a tool call's id.
const MOST_OF_ID: usize = 100;
/// Characters of what brought untrusted content in.
const MOST_OF_SUBJECT: usize = 200;

/// The one path of every action: the engine decides, hooks narrow that, the journal takes the event, and only
/// then does the decision count.
#[derive(Debug)]
pub(crate) struct Pipeline {
    engine: Engine,
    journal: Journal,
    denied: AtomicU64,
    approvals: Approvals,
    /// Counts the policies that have decided.
    generation: watch::Sender<u64>,
    /// The hooks of the policy in force, if it has any.
    hooks: RwLock<Option<Arc<Hooks>>>,
    /// The skills that models may ask for.
    skills: Named,
    /// What tools were told to run.
    commands: Commands,
    /// What models' answers were let through with.
    passed: Passed,
    alarms: Alarms,
    /// Why the last program that was refused was.
    refused_program: Mutex<Option<String>>,
    /// Keeps what is said to models, where the policy wants that.
    content: OnceLock<Content>,
    unwritten: Arc<Unwritten>,
    /// Itself, for what is told to hooks and not waited for.
    own: Weak<Pipeline>,
}

/// What alarms an event raised. A rule that has fired is quiet for a while, so none may be lost: whoever waits for the
/// record can go away at any time, as a client does that closes its connection.
struct Owed<'a> {
    own: &'a Weak<Pipeline>,
    raised: Raised,
}

/// Has everything that is under way considered anew when it is dropped, however that comes.
struct Reconsider<'a>(&'a watch::Sender<u64>);

/// Who is asked about a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The operator, here.
    Operator,
    /// Its own user, by the agent that announces it.
    Agent,
}

impl Pipeline {
    pub(crate) fn new(
        engine: Engine,
        journal: Journal,
        approvals: Approvals,
        hooks: Option<Arc<Hooks>>,
        (skills, alarms): (Named, Alarms),
        unwritten: Arc<Unwritten>,
    ) -> Arc<Self> {
        let (denied, generation) = (AtomicU64::new(0), watch::Sender::new(0));
        let hooks = RwLock::new(hooks);
        Arc::new_cyclic(|own| Self {
            engine,
            journal,
            denied,
            approvals,
            generation,
            hooks,
            skills,
            commands: Commands::default(),
            passed: Passed::default(),
            alarms,
            refused_program: Mutex::default(),
            content: OnceLock::new(),
            unwritten: Arc::clone(&unwritten),
            own: own.clone(),
        })
    }

    /// What may not stand in the journal.
    pub(crate) fn unwritten(&self) -> &Unwritten {
        &self.unwritten
    }

    /// Keep what is said to models from now on.
    pub(crate) fn keep_in(&self, content: Content) {
        // Set once, before anything is said.
        self.content.set(content).ok();
    }

    /// The hooks that are asked now.
    fn hooks(&self) -> Option<Arc<Hooks>> {
        self.hooks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The questions to the operator.
    pub(crate) fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// Record what is executed, beside what was decided about it: who does it, and which tool call told
    /// it, if one did.
    pub(crate) fn executed(&self, exec: &Exec, event: Event, lineage: &Lineage) -> Event {
        event.tied(&self.ties_of(exec, lineage))
    }

    /// The same as facts.
    pub(crate) fn ties_of(&self, exec: &Exec, lineage: &Lineage) -> Ties {
        let mut none = Event::observed("exec", Layer::Process, "").by(lineage);
        if let Some(call) = self.commands.of(exec) {
            none = none.with("call", call).with("call_by", "text");
        }
        none.detail
    }

    /// A program is refused where it is asked for.
    pub(crate) fn program_refused(&self, why: &str) {
        let mut last = self.refused_program.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(why.to_owned());
    }

    /// Why the last program that was refused was, if one was.
    pub(crate) fn refused_program(&self) -> Option<String> {
        self.refused_program.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Decide by this policy from now on. What was permitted and goes on is considered again by
    /// those who let it.
    pub(crate) fn replace(&self, policy: &Policy, hooks: Option<Arc<Hooks>>) {
        self.journal.set_policy(policy.digest.clone());
        self.engine.replace(policy);
        *self.hooks.write().unwrap_or_else(PoisonError::into_inner) = hooks;
        self.approvals.set_timeout(policy.approvals.timeout);
        self.alarms.replace(policy.alarms.as_ref());
        self.generation.send_modify(|number| *number += 1);
    }

    /// The programs that rules for commands name.
    pub(crate) fn programs(&self) -> Vec<String> {
        self.engine.programs()
    }

    /// See [`Engine::starts_by_digest`].
    pub(crate) fn starts_by_digest(&self) -> bool {
        self.engine.starts_by_digest()
    }

    /// See [`Engine::steady_execs`].
    pub(crate) fn steady_execs(&self) -> Option<u64> {
        self.engine.steady_execs()
    }

    /// Whether an event that permits something will be written, or was counted as one of a flood. `None`: rules for alarms
    /// have to see it first, and all of it. For [`Pipeline::record_admitted`].
    pub(crate) fn admit(&self, event: &Event) -> Option<Admitted> {
        self.alarms.is_idle().then(|| self.journal.admit(event))
    }

    /// Record an event that permits something, whole by now.
    pub(crate) async fn record_admitted(&self, event: Event, admitted: Option<Admitted>) -> bool {
        let Some(admitted) = admitted else { return self.write(event).await };
        self.engine.happened(&event.kind);
        self.journal.record_admitted(event, admitted).await.is_ok()
    }

    /// Whether hooks are asked before a program is executed.
    pub(crate) fn guards_execs(&self) -> bool {
        self.hooks().is_some_and(|hooks| hooks.runner.has(Hooked::PRE_EXEC))
    }

    /// How many acts were refused until now.
    pub(crate) fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }

    /// Whether the journal has it. An agent can cause denials and lookups without end: of a
    /// flood the journal keeps the first and the count. An answer of a model belongs to one call.
    async fn write(&self, event: Event) -> bool {
        self.write_under(event, None).await
    }

    /// The same, for what this policy decided: another may be in force by now. Rules for alarms see it first.
    async fn write_under(&self, event: Event, policy: Option<&PolicyDigest>) -> bool {
        let owed = self.owed(&event);
        // What waits for this record has to stop.
        let stops = owed.raised.holds().is_some();
        let kept = self.put(event, policy).await;
        owed.pay().await && kept && !stops
    }

    /// Whether the journal has this decision, which is a denial where an alarm stops the sandbox for it.
    async fn write_decision(
        &self,
        action: &Action,
        decision: &mut Decision,
        event: impl Fn(&Decision) -> Event,
        policy: Option<&PolicyDigest>,
    ) -> bool {
        let owed = self.owed(&event(decision));
        if let (true, Some(alarm)) = (decision.is_allowed(), owed.raised.holds()) {
            let why = format!("it raised an alarm: {}", alarm.title);
            *decision = Decision::deny_by(alarms::name(alarm), why);
        }
        if decision.is_allowed()
            && let Some(denial) = self.engine.happens(action)
        {
            *decision = denial;
        }
        // What is asked still is announced, and permitted by the agent's own user, who answers unseen.
        if (decision.is_allowed() || decision.verdict == Verdict::Ask)
            && let Some(how) = self.engine.brings(action, decision)
            && !self.came(how, &action.subject()).await
        {
            return false;
        }
        let kept = self.keep(event(decision), policy).await;
        owed.pay().await && kept
    }

    /// Remember that untrusted content came in. False if that is news, and the journal has it not.
    async fn came(&self, how: Untrusted, subject: &str) -> bool {
        if !self.engine.tainted(how) {
            return true;
        }
        let mut event = Event::observed("taint", Layer::Supervisor, how.as_str())
            .with("about", palisade_core::shown(subject, MOST_OF_SUBJECT));
        event.reason = "content that nobody answers for came into this session".into();
        self.approvals.tainted();
        // What is under way was permitted without it. A condition may name this kind and no other.
        let _reconsider = Reconsider(&self.generation);
        self.write(event).await
    }

    /// What an event raises, which is owed from now on.
    fn owed(&self, event: &Event) -> Owed<'_> {
        Owed { own: &self.own, raised: self.alarms.look(event) }
    }

    /// Record alarms, then do what they do: that they could not be recorded is no reason to do less.
    async fn raise(&self, raised: Raised) -> bool {
        let mut kept = true;
        for event in raised.events {
            if event.kind == "alarm" {
                self.alarm_to_hooks(&event);
            }
            kept = self.journal.record(event).await.is_ok() && kept;
        }
        self.alarms.raise(raised.alarms);
        kept
    }

    /// Look at the last event of a session, which is written otherwise.
    pub(crate) async fn look_at_last(&self, event: &Event) {
        self.owed(event).pay().await;
    }

    /// Whether the journal has it, once alarms have seen it.
    async fn put(&self, event: Event, policy: Option<&PolicyDigest>) -> bool {
        if event.decision == Verdict::Allow {
            self.engine.happened(&event.kind);
        }
        self.keep(event, policy).await
    }

    /// The same of what counts already.
    async fn keep(&self, event: Event, policy: Option<&PolicyDigest>) -> bool {
        if event.decision == Verdict::Deny {
            self.denied.fetch_add(1, Ordering::Relaxed);
        }
        let own = matches!(event.kind.as_str(), "model_answer" | "content");
        let each = event.decision == Verdict::Allow || own;
        let repeats = !each || matches!(event.kind.as_str(), "resolve" | "exec");
        match (repeats, policy) {
            (true, None) => self.journal.record_folding(event).await.is_ok(),
            (true, Some(policy)) => self.journal.record_folding_under(event, policy).await.is_ok(),
            // On the disk before the effect where that cannot be taken back.
            (false, policy) => self.journal.record_by_class(event, policy).await.is_ok(),
        }
    }
}

impl Pipeline {
    /// The decision, if need be the operator's, and the policy that it is by. A policy that comes into force
    /// meanwhile decides anew.
    async fn settle(&self, action: &Action, ties: &Ties) -> (Decision, Option<Arc<PolicyDigest>>) {
        loop {
            let generation = self.generation();
            let Ruling { here: decision, policy, .. } = self.considered(action, None);
            if decision.verdict != Verdict::Ask {
                return (decision, policy);
            }
            let asked = Event::decided(action, &decision).tied(ties);
            if !self.write_under(asked, policy.as_deref()).await {
                return (Decision::deny(UNRECORDED), policy);
            }
            tokio::select! {
                biased;
                _ = self.replaced(generation) => {}
                answer = self.approvals.ask(action, decision.rule.as_deref()) => {
                    return (self.answered(action, &decision, answer), policy);
                }
            }
        }
    }

    /// What the rules say, as the lock of skills and what the operator has answered before make it. Such an answer is for
    /// the call wherever it is made: what is decided elsewhere counts where it is stricter than the question was.
    fn considered(&self, action: &Action, directory: Option<&Path>) -> Ruling {
        let ruling = self.engine.decide_in(action, directory);
        if let Action::ToolCall(call) = action
            && let Some(why) = self.skills.refuses(call)
        {
            return Ruling { here: Decision::deny_by("skills.require", why), ..ruling };
        }
        if ruling.here.verdict != Verdict::Ask {
            return ruling;
        }
        match self.approvals.settled(action, || self.engine.asks_tainted(action)) {
            Some(answer) => Ruling { here: self.answered(action, &ruling.here, answer), ..ruling },
            None => ruling,
        }
    }

    /// What an answer of the operator permits. Where the rules permit it and untrusted content alone made it a
    /// question, it is done by those rules: with their credentials, for instance.
    fn answered(&self, action: &Action, asked: &Decision, answer: Decision) -> Decision {
        if !(asked.is_about_taint() && answer.is_allowed()) {
            return answer;
        }
        let ruled = self.engine.decide_untainted(action);
        match ruled.verdict {
            Verdict::Allow => {
                Decision { reason: format!("{}; {}", answer.reason, ruled.reason), ..ruled }
            }
            Verdict::Ask => answer,
            Verdict::Deny | Verdict::Observe => ruled,
        }
    }
}

impl Pipeline {
    /// What was permitted, as hooks narrow it. An `allow` of theirs changes nothing here.
    async fn narrowed(&self, action: &Action, decision: Decision, ties: &Ties) -> Decision {
        let Some(hooks) = self.hooks().filter(|_| decision.is_allowed()) else { return decision };
        let Some((event, fields)) = hooks::about(action, &hooks.common) else { return decision };
        if !hooks.runner.has(event) {
            return decision;
        }
        let outcome = hooks.runner.run(event, &fields, None, &[]).await;
        if !self.ran(event, &action.subject(), &outcome.ran, ties).await {
            return Decision::deny(UNRECORDED);
        }
        let by = outcome.answer.by.unwrap_or_else(|| "hooks".to_owned());
        let reason = outcome.answer.reason;
        match outcome.answer.say {
            None | Some(Say::Allow) => decision,
            Some(Say::Deny | Say::Defer) => Decision::deny_by(by, reason),
            Some(Say::Ask) => {
                let tainted = || self.engine.asks_tainted(action);
                if let Some(settled) = self.approvals.settled(action, tainted) {
                    return settled;
                }
                let question = Decision::ask(by, reason);
                if !self.write(Event::decided(action, &question).tied(ties)).await {
                    return Decision::deny(UNRECORDED);
                }
                self.approvals.ask(action, question.rule.as_deref()).await
            }
        }
    }

    /// Whether the journal has what each hook did.
    async fn ran(&self, event: Hooked, subject: &str, ran: &[Ran], ties: &Ties) -> bool {
        for one in ran {
            if !self.journal_hook(hooks::record(event, subject, one).tied(ties)).await {
                return false;
            }
        }
        true
    }

    /// As any event, but what a hook denies is counted with the act that it denies.
    async fn journal_hook(&self, event: Event) -> bool {
        if event.decision == Verdict::Allow {
            self.journal.record(event).await.is_ok()
        } else {
            self.journal.record_folding(event).await.is_ok()
        }
    }

    /// Settle what hooks and rules left open of a tool call, and record it all. `asks`: who is asked.
    async fn settled(&self, mut decided: Decided, asks: Asks, ties: &Ties) -> Decided {
        let subject = decided.call.subject();
        let mut action = Action::ToolCall(Box::new(decided.call.clone()));
        let ties = &of_call(&decided.call, ties);
        let mut kept = self.ran(Hooked::PRE_TOOL_USE, &subject, &decided.ran, ties).await;
        let changed = decided.changed;
        let mut edited = false;
        if decided.decision.verdict == Verdict::Ask && asks == Asks::Operator {
            let asked = Event::decided(&action, &decided.decision).tied(ties);
            kept = kept && self.write(asked).await;
            let by = decided.decision.rule.clone();
            let (answer, input) = self.approvals.ask_call(&action, by.as_deref()).await;
            let allowed = answer.is_allowed();
            decided.decision = self.answered(&action, &decided.decision, answer);
            if let Some(input) = input.filter(|_| allowed) {
                edited = true;
                kept = self.edited(&mut decided, input, ties).await && kept;
                action = Action::ToolCall(Box::new(decided.call.clone()));
            }
            // A policy that came into force meanwhile may refuse it.
            let now = self.consider(&action);
            if now.verdict == Verdict::Deny {
                decided.decision = now;
            }
            decided.say = Some(if decided.decision.is_allowed() { Say::Allow } else { Say::Deny });
        }
        let event = |decision: &Decision| {
            let event = Event::decided(&action, decision).tied(ties);
            let event = if changed { event.with("changed_by_hooks", true) } else { event };
            if edited { event.with("changed_by_operator", true) } else { event }
        };
        let allowed = decided.decision.is_allowed();
        let written = self.write_decision(&action, &mut decided.decision, event, None).await;
        if allowed && !decided.decision.is_allowed() {
            decided.say = Some(Say::Deny);
        }
        if decided.decision.is_allowed() {
            self.commands.told(&decided.call);
        }
        if !(kept && written) {
            decided.decision = Decision::deny(UNRECORDED);
            decided.say = Some(Say::Deny);
        }
        decided
    }

    /// The call as the operator has changed it: rules and hooks look at it as at any, and may refuse it. Whether the
    /// journal has what hooks did.
    async fn edited(&self, decided: &mut Decided, input: ToolInput, ties: &Ties) -> bool {
        let call = ToolCall { input, ..decided.call.clone() };
        let hooks = self.hooks();
        let rules = |action: &Action| self.consider(action);
        let again = hooks::tool_call(hooks.as_deref(), &call, None, &rules).await;
        let kept = self.ran(Hooked::PRE_TOOL_USE, &call.subject(), &again.ran, ties).await;
        if again.decision.verdict == Verdict::Deny {
            decided.decision = again.decision;
        } else if again.changed {
            let why = "a hook changes what the operator has written";
            decided.decision = Decision::deny_by("approval", why);
        }
        decided.call = call;
        decided.changed = true;
        kept
    }

    /// What an agent is told of an event that it announces on its own hook interface. `asks`: who is asked what is to
    /// be asked.
    pub(crate) async fn announced(&self, agent: Agent, told: &[u8], asks: Asks) -> Reply {
        let read = agent.read(told);
        let directory = read.as_ref().ok().and_then(|it| it.directory().map(Path::to_owned));
        let announced = match read {
            Ok(announced) => match self.hooks() {
                Some(hooks) => hooks::without_places(announced, &hooks.common),
                None => announced,
            },
            Err(error) => {
                let mut event = Event::observed("tool_call", Layer::Tool, agent.name());
                event.decision = Verdict::Deny;
                event.reason = error.to_string();
                self.write(event).await;
                return agent.refusal(&format!("palisade: {error}"));
            }
        };
        if let Some(reply) = self.passed(&announced, directory.as_deref()).await {
            return reply;
        }
        let hooks = self.hooks();
        let rules = |action: &Action| self.considered(action, directory.as_deref()).strictest();
        let mut outcome = hooks::decided(hooks.as_deref(), &announced, &rules).await;
        let kept = match outcome.decided.take() {
            Some(decided) => {
                let decided = self.settled(decided, asks, &Ties::new()).await;
                outcome.to.say = decided.say;
                outcome.to.reason.clone_from(&decided.decision.reason);
                outcome.to.input = decided.input();
                decided.decision.reason != UNRECORDED
            }
            None => match announced.event {
                Some(event) => self.ran(event, agent.name(), &outcome.ran, &Ties::new()).await,
                None => true,
            },
        };
        if kept { announced.reply(&outcome.to) } else { agent.refusal(UNRECORDED) }
    }

    /// The answer to a call that a model's answer was let through with: it was decided there, by hooks and by whoever
    /// was asked. Rules may have changed since.
    async fn passed(&self, announced: &Announced, directory: Option<&Path>) -> Option<Reply> {
        let call = announced.call.as_ref()?;
        if announced.event != Some(Hooked::PRE_TOOL_USE) || !self.passed.take(call) {
            return None;
        }
        let action = Action::ToolCall(Box::new(call.clone()));
        let now = self.considered(&action, directory);
        // In the answer it was decided as one in the workspace.
        if now.here.verdict == Verdict::Deny || now.elsewhere.is_some() {
            return None;
        }
        let mut decision = Decision { verdict: Verdict::Allow, ..now.here };
        decision.reason = "it was permitted in the model's answer".to_owned();
        let ties = of_call(call, &Ties::new());
        let event = |decision: &Decision| Event::decided(&action, decision).tied(&ties);
        let written = self.write_decision(&action, &mut decision, event, None).await;
        if !(written && decision.is_allowed()) {
            return Some(announced.agent.refusal(&decision.reason));
        }
        let to = ReplyTo { say: Some(Say::Allow), reason: decision.reason, ..ReplyTo::default() };
        Some(announced.reply(&to))
    }

    /// Tell hooks of an alarm. Nobody waits for them, and what they leave raises no alarm.
    fn alarm_to_hooks(&self, event: &Event) {
        let Some(hooks) = self.hooks() else { return };
        let Some(own) = self.own.upgrade().filter(|_| hooks.runner.has(Hooked::ALARM)) else {
            return;
        };
        let rule = event.rule.clone().unwrap_or_default();
        let rule = rule.trim_start_matches("alarms.rules[").trim_end_matches(']').to_owned();
        let mut fields = hooks.common.event(Hooked::ALARM);
        fields.insert("alarm".into(), rule.clone().into());
        fields.insert("title".into(), event.subject.clone().into());
        fields.insert("why".into(), event.reason.clone().into());
        for (key, value) in &event.detail {
            fields.entry(key.clone()).or_insert_with(|| Value::clone(value));
        }
        tokio::spawn(async move {
            let outcome = hooks.runner.run(Hooked::ALARM, &fields, None, &[]).await;
            own.ran(Hooked::ALARM, &rule, &outcome.ran, &Ties::new()).await;
        });
    }

    /// Tell hooks that a model has answered. Nobody waits for them.
    fn model_answered(&self, event: &Event) {
        let Some(hooks) = self.hooks() else { return };
        let Some(own) = self.own.upgrade().filter(|_| hooks.runner.has(Hooked::POST_MODEL_CALL))
        else {
            return;
        };
        let subject = event.subject.clone();
        let mut fields = hooks.common.event(Hooked::POST_MODEL_CALL);
        let (endpoint, model) = subject.split_once(' ').unwrap_or(("", subject.as_str()));
        fields.insert("endpoint".into(), endpoint.into());
        fields.insert("model".into(), model.into());
        for (key, value) in &event.detail {
            fields.entry(key.clone()).or_insert_with(|| Value::clone(value));
        }
        let ties = of_exchange(event);
        tokio::spawn(async move {
            let event = Hooked::POST_MODEL_CALL;
            let outcome = hooks.runner.run(event, &fields, None, &[]).await;
            own.ran(event, &subject, &outcome.ran, &ties).await;
        });
    }
}

impl Authority for Pipeline {
    fn consider(&self, action: &Action) -> Decision {
        self.considered(action, None).here
    }

    fn look(&self, host: Option<&HostName>, address: IpAddr, port: u16) -> Look {
        self.engine.look(host, address, port)
    }

    fn look_at_most(&self) -> Look {
        self.engine.look_at_most()
    }

    fn found_own(&self, address: IpAddr) -> bool {
        self.engine.found_own(address)
    }

    fn may_send(&self, host: &HostName, port: u16, bytes: u64) -> Result<(), Decision> {
        self.engine.may_send(host, port, bytes)
    }

    fn may_look_up(&self, host: &HostName) -> Result<(), Decision> {
        self.engine.may_look_up(host)
    }

    fn may_be_served(&self, name: &HostName, caller: &Caller) -> Result<(), Decision> {
        self.engine.serving(name, caller).map_or(Ok(()), Err)
    }

    fn may_use(&self, credential: &str, skills: Option<&[String]>) -> Result<(), Decision> {
        self.engine.using(credential, skills).map_or(Ok(()), Err)
    }

    fn keeps_content(&self) -> bool {
        self.content.get().is_some()
    }

    fn keep_content(&self, bytes: &[u8]) -> Result<Value, String> {
        let content = self.content.get().ok_or("nothing is kept here")?;
        let why = |error: &dyn std::fmt::Display| format!("what is said cannot be kept: {error}");
        let piece = content.keep(bytes).map_err(|error| why(&error))?;
        serde_json::to_value(piece).map_err(|error| why(&error))
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(async move { self.authorize_tied(action, &Ties::new()).await })
    }

    fn authorize_tied<'a>(&'a self, action: &'a Action, ties: &'a Ties) -> BoxFuture<'a, Decision> {
        Box::pin(async move {
            let (decision, policy) = self.settle(action, ties).await;
            let mut decision = self.narrowed(action, decision, ties).await;
            if let (true, Action::Request(request)) = (decision.is_allowed(), action)
                && let Some(denial) = self.engine.count(request)
            {
                decision = denial;
            }
            let event = |decision: &Decision| Event::decided(action, decision).tied(ties);
            if self.write_decision(action, &mut decision, event, policy.as_deref()).await {
                decision
            } else {
                Decision::deny(UNRECORDED)
            }
        })
    }

    fn tool_call<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, ToolAnswer> {
        Box::pin(async move { self.tool_call_tied(call, &Ties::new()).await })
    }

    fn tool_call_tied<'a>(
        &'a self,
        call: &'a ToolCall,
        ties: &'a Ties,
    ) -> BoxFuture<'a, ToolAnswer> {
        Box::pin(async move {
            let hooks = self.hooks();
            let rules = |action: &Action| self.consider(action);
            let decided = hooks::tool_call(hooks.as_deref(), call, None, &rules).await;
            let decided = self.settled(decided, Asks::Operator, ties).await;
            if decided.decision.is_allowed() {
                self.passed.add(&decided.call);
            }
            let input = decided.input().filter(|_| decided.decision.is_allowed());
            ToolAnswer { decision: decided.decision, input }
        })
    }

    fn record(&self, event: Event) -> BoxFuture<'_, bool> {
        if event.kind == "model_answer" {
            self.model_answered(&event);
        }
        Box::pin(self.write(event))
    }

    fn brought<'a>(&'a self, how: Untrusted, subject: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(self.came(how, subject))
    }

    fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    fn replaced(&self, generation: u64) -> BoxFuture<'_, u64> {
        let mut receiver = self.generation.subscribe();
        Box::pin(async move {
            let next = receiver.wait_for(|now| *now != generation).await.map(|now| *now);
            match next {
                Ok(now) => now,
                // The sender is ours, and there as long as we are.
                Err(_) => std::future::pending().await,
            }
        })
    }
}

impl Owed<'_> {
    /// Record the alarms and do what they do. Whether the journal has them.
    async fn pay(mut self) -> bool {
        if self.is_nothing() {
            return true;
        }
        match self.begun() {
            Some(done) => done.await.unwrap_or_default(),
            None => false,
        }
    }

    fn is_nothing(&self) -> bool {
        self.raised.events.is_empty() && self.raised.alarms.is_empty()
    }

    /// In a task of its own, which nobody's going away ends.
    fn begun(&mut self) -> Option<JoinHandle<bool>> {
        let raised = std::mem::take(&mut self.raised);
        let own = self.own.upgrade()?;
        let runtime = Handle::try_current().ok()?;
        Some(runtime.spawn(async move { own.raise(raised).await }))
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if !self.is_nothing() {
            // It goes on by itself.
            drop(self.begun());
        }
    }
}

impl Drop for Reconsider<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|number| *number += 1);
    }
}

/// What ties the events of a tool call to it.
fn of_call(call: &ToolCall, ties: &Ties) -> Ties {
    let mut ties = ties.clone();
    if let Some(id) = &call.id {
        ties.insert("call".into(), palisade_core::shown(id, MOST_OF_ID).into());
    }
    ties
}

/// What ties events to the exchange with a model that this one is of.
fn of_exchange(event: &Event) -> Ties {
    let own = event.detail.get_key_value("exchange");
    own.map(|(key, value)| (key.clone(), value.clone())).into_iter().collect()
}

impl Inspection for Pipeline {
    fn of(&self, host: &HostName, port: u16) -> Handling {
        self.engine.of(host, port)
    }

    fn body_bound(&self, request: &Request) -> Option<usize> {
        self.engine.body_bound(request)
    }

    fn read_body(&self, request: &Request, bytes: &[u8]) -> Body {
        self.engine.read_body(request, bytes)
    }
}

#[cfg(test)]
mod tests;
