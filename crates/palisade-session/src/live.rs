//! Another policy for a sandbox that runs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use palisade_core::{
    Action, Authority, Event, Layer, PolicyDigest, SessionId, ToolCall, ToolInput, UNRECORDED,
    Verdict,
};
use palisade_egress::HostLookup;
use palisade_inference::{Gateway, KnownSecret};
use palisade_policy::{CommandLine, Policy, Sources, fixed_parts, load};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{
    approvals::{Approvals, Scope},
    denied_content::DeniedFiles,
    hooks::{self, Hooks, Pinned},
    kept_policy, models,
    order::{Operator, Order},
    pipeline::Pipeline,
    plan,
    refusal::{Refusal, Refuse},
};

/// What decides in this sandbox, and where to get the next one.
pub(crate) struct Live {
    sources: Sources,
    operator: Operator,
    session: SessionId,
    /// The one that it was started with.
    launched: Arc<Policy>,
    policy: RwLock<Arc<Policy>>,
    pipeline: Arc<Pipeline>,
    lookup: Arc<HostLookup>,
    gateway: Option<Gateway>,
    /// What is to be kept from models, until it was read.
    denied: std::sync::Mutex<Option<DeniedFiles>>,
    /// One at a time.
    turn: Mutex<()>,
}

/// Who wants another policy, and which.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The document, as it would be named with `--policy`; else those that the sandbox was started with.
    pub(crate) file: Option<PathBuf>,
    /// Whether each change of the file is to count by itself, without another word of the operator.
    pub(crate) watched: bool,
    /// For the record.
    pub(crate) principal: String,
}

impl Live {
    pub(crate) fn new(
        order: &Order,
        session: &SessionId,
        pipeline: Arc<Pipeline>,
        lookup: Arc<HostLookup>,
        gateway: Option<Gateway>,
        denied: DeniedFiles,
    ) -> Self {
        let launched = Arc::new(order.policy.clone());
        let denied = std::sync::Mutex::new(Some(denied));
        let live = Self {
            sources: order.sources.clone(),
            operator: order.operator.clone(),
            session: session.clone(),
            policy: RwLock::new(Arc::clone(&launched)),
            launched,
            pipeline,
            lookup,
            gateway,
            denied,
            turn: Mutex::new(()),
        };
        live.denied_from_models(&order.policy);
        live
    }

    /// Keeps these values from models, wherever the policy says that anything is.
    pub(crate) fn keep_from_models(&self, values: Vec<KnownSecret>) {
        self.pipeline.unwritten().learn(&values);
        if let Some(gateway) = &self.gateway {
            gateway.keep_from_models(values);
        }
    }

    /// The same for what denied files hold, once a policy asks for it.
    fn denied_from_models(&self, policy: &Policy) {
        if self.gateway.is_none() || !policy.inference.as_ref().is_some_and(|it| it.redact) {
            return;
        }
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(denied) = denied {
            self.keep_from_models(denied.content());
        }
    }

    /// The one in force.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The questions to the operator.
    pub(crate) fn approvals(&self) -> &Approvals {
        self.pipeline.approvals()
    }

    /// Record an answer that does not count.
    pub(crate) async fn told_wrong(&self, event: Event) {
        self.pipeline.record(event).await;
    }

    /// Answer a question. The answer is recorded before it counts.
    ///
    /// # Errors
    /// There is no such question, or the journal cannot take the answer.
    pub(crate) async fn answer(
        &self,
        id: u32,
        allow: bool,
        scope: Scope,
        principal: &str,
    ) -> Result<String, Refusal> {
        let subject = self.approvals().subject(id).ok_or_else(|| none(id))?;
        let mut event = Event::observed("approval", Layer::Supervisor, subject.clone())
            .with("principal", principal)
            .with("scope", scope.as_str());
        if let Some(program) = self.approvals().program(id) {
            event = event.with("program", program);
        }
        let environment = self.approvals().environment(id);
        if !environment.is_empty() {
            event = event.with("environment", environment);
        }
        event.decision = if allow { Verdict::Allow } else { Verdict::Deny };
        event.reason = "the operator's answer".into();
        if !self.pipeline.record(event).await {
            return Err(Refusal::new(UNRECORDED, "palisade audit verify"));
        }
        if self.approvals().answer(id, allow, scope, principal) {
            Ok(subject)
        } else {
            Err(none(id))
        }
    }

    /// The tool call that question `id` is about: its digest as a question, the tool and its input.
    ///
    /// # Errors
    /// There is no such question, or it is about something that cannot be changed.
    pub(crate) fn call(&self, id: u32) -> Result<(String, String, String), Refusal> {
        let digest = self.approvals().digest(id).ok_or_else(|| none(id))?;
        let call = self.approvals().call(id).ok_or_else(unchangeable)?;
        let ToolInput::Object(input) = &call.input else { return Err(unchangeable()) };
        Ok((digest, call.name, Value::from(input.clone()).to_string()))
    }

    /// Permit another input in place of that of question `id`, for once. It is decided by the rules like any, and the
    /// journal has both. Returns what the question was about.
    ///
    /// # Errors
    /// There is no such question any more, it was another (`digest`), a rule refuses the changed call, or the journal
    /// cannot take the answer. The question stays open.
    pub(crate) async fn edit(
        &self,
        id: u32,
        digest: &str,
        input: &str,
        principal: &str,
    ) -> Result<String, Refusal> {
        let (asked, ..) = self.call(id)?;
        if asked != digest {
            return Err(none(id));
        }
        let call = self.approvals().call(id).ok_or_else(|| none(id))?;
        let subject = self.approvals().subject(id).ok_or_else(|| none(id))?;
        let remedy = "the question is still open; answer it in another way";
        let input = palisade_core::strict_object(input.as_bytes())
            .refuse("the changed input is no JSON object", remedy)?;
        let call = ToolCall { input: ToolInput::Object(input), ..call };
        let input = call.input.clone();
        let action = Action::ToolCall(Box::new(call));
        let Some(whole) = action.whole() else {
            return Err(Refusal::new("the changed call is too long to be permitted", remedy));
        };
        let decision = self.pipeline.consider(&action);
        if decision.verdict == Verdict::Deny {
            let what = format!("the changed call is refused: {}", decision.reason);
            return Err(Refusal::new(what, remedy));
        }
        let mut event = Event::observed("approval", Layer::Supervisor, subject.clone())
            .with("principal", principal)
            .with("scope", Scope::Once.as_str())
            .with("digest", digest)
            .with("edited_to", whole);
        event.decision = Verdict::Allow;
        event.reason = "the operator's answer, for another input in place of what was asked".into();
        if !self.pipeline.record(event).await {
            return Err(Refusal::new(UNRECORDED, "palisade audit verify"));
        }
        if self.approvals().answer_edited(id, input, principal) {
            Ok(subject)
        } else {
            Err(none(id))
        }
    }

    /// Read, check and put another policy in force: all of it, or nothing of it. Either is recorded.
    ///
    /// # Errors
    /// Why the one before stays in force.
    pub(crate) async fn apply(&self, wanted: Wanted) -> Result<PolicyDigest, Refusal> {
        let _turn = self.turn.lock().await;
        let before = self.policy();
        let applied = self.exchange(&before, &wanted).await;
        if let Err(refusal) = &applied {
            let mut event = event(&before, &wanted);
            event.decision = Verdict::Deny;
            event.reason.clone_from(&refusal.what);
            self.pipeline.record(event).await;
        }
        applied
    }

    async fn exchange(&self, before: &Policy, wanted: &Wanted) -> Result<PolicyDigest, Refusal> {
        let mut sources = self.sources.clone();
        if let Some(file) = &wanted.file {
            if wanted.watched {
                not_the_agents(file, before)?;
            }
            sources.command_line = Some(CommandLine::File(file.clone()));
        }
        // Files can be slow, and a sandbox waits for us meanwhile.
        let loaded = tokio::task::spawn_blocking(move || load(&sources)).await;
        let policy = loaded
            .refuse("read the policy", "try again")?
            .refuse("the policy is not valid", "correct it; the one before stays in force")?;
        if wanted.watched {
            let files = policy.sources.iter().filter(|source| source.layer != "profile");
            files.map(|it| Path::new(&it.name)).try_for_each(|it| not_the_agents(it, before))?;
        }
        changeable(before, &policy)?;
        let configuration = match &policy.inference {
            Some(inference) => {
                let unwritten = self.pipeline.unwritten();
                Some(models::configuration(inference, &policy, &self.operator, unwritten).await?)
            }
            None => None,
        };
        let hooks = self.hooks(before, &policy).await?;
        let document = kept_policy::keep(&self.operator.state_dir, &policy)
            .refuse("keep the policy for the record", "see that the state folder has room")?;
        let mut event = event(before, wanted)
            .with("to", policy.digest.as_str())
            .with("policy_document", document.as_str());
        event.decision = Verdict::Allow;
        if !self.pipeline.record(event).await {
            return Err(Refusal::new(UNRECORDED, "palisade audit verify"));
        }
        self.denied_from_models(&policy);
        if let (Some(gateway), Some(configuration)) = (&self.gateway, configuration) {
            gateway
                .replace(configuration)
                .refuse("the model gateway", "correct the policy's `inference` section")?;
        }
        self.lookup.replace(policy.network.hosts.clone());
        self.pipeline.replace(&policy, hooks);
        let digest = policy.digest.clone();
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        Ok(digest)
    }
}

impl Live {
    /// Waits until every call of a model that has ended is recorded; but not for ever.
    pub(crate) async fn models_recorded(&self) {
        if let Some(gateway) = &self.gateway {
            drop(tokio::time::timeout(Duration::from_secs(2), gateway.recorded()).await);
        }
    }

    /// The hooks of the next policy, as they are now. A script in the agent's hands would be its own.
    async fn hooks(&self, before: &Policy, next: &Policy) -> Result<Option<Arc<Hooks>>, Refusal> {
        if next.hooks.is_empty() {
            return Ok(None);
        }
        // The folders of those that were there at the launch are read-only inside.
        let held = hooks::scripts(&self.launched, &self.operator);
        let folders: Vec<&Path> = held.iter().filter_map(|script| script.parent()).collect();
        hooks::scripts(next, &self.operator)
            .iter()
            .filter(|script| !script.parent().is_some_and(|folder| folders.contains(&folder)))
            .try_for_each(|script| not_the_agents(script, before))?;
        let (next, operator) = (next.clone(), self.operator.clone());
        let session = self.session.clone();
        let made = tokio::task::spawn_blocking(move || {
            Hooks::new(&next, &operator, session.as_str(), Pinned::Yes)
        });
        made.await.refuse("make the policy's hooks ready", "try again")?.map(Some)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// Nobody confirms what a watched file says. So the agent must not be able to write it, nor to put another in
/// its place.
fn none(id: u32) -> Refusal {
    Refusal::new(
        format!("no question {id} waits for an answer"),
        "palisade approvals list shows those that do",
    )
}

fn unchangeable() -> Refusal {
    Refusal::new(
        "this cannot be changed before it is permitted: only a tool call whose input has names can",
        "allow it as it is, or deny it and say what to do instead",
    )
}

fn not_the_agents(file: &Path, policy: &Policy) -> Result<(), Refusal> {
    let found = plan::in_the_agents_hands(policy, file)
        .refuse(format!("find {}", file.display()), "name a policy that is there")?;
    match found {
        None => Ok(()),
        Some(folder) => Err(Refusal::new(
            format!(
                "{} is found by way of {}, where the agent can write: it would decide for itself",
                file.display(),
                folder.display()
            ),
            "keep the policy elsewhere, or apply it without --watch after each change",
        )),
    }
}

/// Whether it can come into force here at all.
fn changeable(before: &Policy, policy: &Policy) -> Result<(), Refusal> {
    if let Some(missing) = policy.not_built.first() {
        return Err(Refusal::new(
            format!(
                "the policy asks for what this version cannot enforce yet: {} ({})",
                missing.what, missing.at
            ),
            format!("take `{}` out of the policy", missing.what),
        ));
    }
    let fixed = fixed_parts(before, policy);
    if fixed.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        format!("a running sandbox keeps what it was started with: {}", fixed.join(", ")),
        "leave that part as it was, or start another sandbox with the new policy",
    ))
}

fn event(before: &Policy, wanted: &Wanted) -> Event {
    let subject = match &wanted.file {
        Some(file) => file.display().to_string(),
        None => "the documents that it was started with".to_owned(),
    };
    let mut event = Event::observed("policy", Layer::Supervisor, subject);
    event.reason = "the operator asked for it".into();
    event.with("principal", wanted.principal.clone()).with("from", before.digest.as_str())
}
