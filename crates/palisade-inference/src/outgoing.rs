//! What becomes of a request's body before it goes to a provider: as long an answer as it may ask for,
//! without secrets, and with what its tools gave back looked at.

use std::{collections::BTreeSet, sync::Arc};

use http::HeaderMap;
use palisade_core::{Action, Authority, Decision, Event, Layer, Untrusted, Verdict};

use crate::{
    Guard, Redacted, Redactor,
    asking::Asking,
    body::Held,
    bounds::{bounded, edited},
    endpoint::Endpoint,
    guard::{Suspicion, Told},
    model_field::ModelField,
    private::Private,
    quota::{Estimate, Quota},
    redact::Texts,
    refusal::Refusal,
};

/// Bodies over this size are searched on a thread of their own, so that they hold up no stream.
const LARGE: usize = 128 * 1024;

/// A body that may go out.
pub(crate) struct Outgoing {
    pub(crate) held: Held,
    /// Whether it is another one than came.
    pub(crate) changed: bool,
    /// What its call may use.
    pub(crate) estimate: Estimate,
}

/// What was found in a body.
#[derive(Default)]
struct Searched {
    /// Whether it has what a decoy holds.
    decoy: bool,
    suspicion: Suspicion,
    redacted: Option<Redacted>,
    /// The body as it may go out, if it is another one.
    body: Option<Vec<u8>>,
}

/// Who prepares bodies.
pub(crate) struct Preparing<'a> {
    pub(crate) authority: &'a dyn Authority,
    pub(crate) quotas: &'a [Quota],
    pub(crate) redactor: Option<&'a Arc<Redactor>>,
    /// Knows what decoys hold.
    pub(crate) decoys: Option<&'a Arc<Redactor>>,
    pub(crate) guard: Option<Guard>,
    pub(crate) told: &'a Arc<Told>,
    /// One large body is searched at a time: the memory that it takes is several times its size.
    pub(crate) turn: &'a tokio::sync::Mutex<()>,
    pub(crate) action: &'a Action,
    /// What the request asks for besides words.
    pub(crate) asking: &'a Asking,
}

impl Preparing<'_> {
    pub(crate) async fn body(
        &self,
        held: Held,
        field: &ModelField,
        headers: &HeaderMap,
        endpoint: &Endpoint,
    ) -> Result<Outgoing, Refusal> {
        let bounded = bounded(held.bytes(), (field, self.asking), headers, endpoint, self.quotas);
        let (edits, estimate) = match bounded {
            Ok(bounded) => bounded,
            Err(why) => {
                let decision = Decision::deny_by(why.rule(), why.to_string());
                self.authority.record(Event::decided(self.action, &decision)).await;
                return Err(Refusal::Limit(why));
            }
        };
        let mut changed = !edits.is_empty();
        let mut held = if changed {
            let body = edited(held.bytes(), edits);
            held.with(body)
        } else {
            held
        };
        if self.decoys.is_none() && self.guard.is_none() && self.redactor.is_none() {
            return Ok(Outgoing { held, changed, estimate });
        }
        let (same, searched) = self.searched(held).await?;
        held = same;
        if searched.decoy {
            let mut event = Event::observed("canary", Layer::Inference, "a decoy")
                .with("about", self.action.subject())
                .with("place", "model");
            event.reason = "what a decoy holds goes to a model".into();
            self.record(event).await?;
        }
        if let Some(guard) = self.guard {
            self.suspected(guard, &searched.suspicion).await?;
        }
        if let Some(redacted) = searched.redacted
            && redacted.body.is_some()
        {
            let found = redacted.found.into_iter().map(|(kind, number)| (kind, number.into()));
            let found: serde_json::Map<String, serde_json::Value> = found.collect();
            self.record(self.observed("redaction").with("found", found)).await?;
        }
        if let Some(body) = searched.body {
            held = held.with(body);
            changed = true;
        }
        Ok(Outgoing { held, changed, estimate })
    }

    /// Which kinds of what only a local provider may have a body carries, or what goes beside it.
    pub(crate) async fn private(
        &self,
        held: Held,
        (private, secrets): (&Arc<Private>, Option<Arc<Redactor>>),
        beside: Vec<u8>,
    ) -> Result<(Held, BTreeSet<&'static str>), Refusal> {
        let private = Arc::clone(private);
        self.aside(held, move |held| {
            let texts = Texts::of(held.bytes())?;
            let mut found = private.find(held.bytes(), &texts, secrets.as_deref());
            found.extend(private.find_beside(&beside, secrets.as_deref()));
            Ok(found)
        })
        .await
    }

    /// All that is looked for in a body, by one reading of it.
    async fn searched(&self, held: Held) -> Result<(Held, Searched), Refusal> {
        let (decoys, redactor) = (self.decoys.cloned(), self.redactor.cloned());
        let (guard, told) = (self.guard, Arc::clone(self.told));
        self.aside(held, move |held| {
            let mut texts = Texts::of(held.bytes())?;
            let mut searched = Searched {
                decoy: decoys.is_some_and(|decoys| decoys.is_in(&texts)),
                ..Searched::default()
            };
            if let Some(guard) = guard {
                searched.suspicion = guard.look(&texts, &told);
                let edits = std::mem::take(&mut searched.suspicion.edits);
                if !edits.is_empty() {
                    let body = edited(held.bytes(), edits);
                    texts = Texts::of(&body)?;
                    searched.body = Some(body);
                }
            }
            if let Some(redactor) = redactor {
                let body = searched.body.as_deref().unwrap_or(held.bytes());
                let mut redacted = redactor.redact_in(body, &texts);
                if redacted.body.is_some() {
                    searched.body = redacted.body.replace(Vec::new());
                }
                searched.redacted = Some(redacted);
            }
            Ok(searched)
        })
        .await
    }

    /// Records what is suspected of results of tools.
    async fn suspected(&self, guard: Guard, suspicion: &Suspicion) -> Result<(), Refusal> {
        if suspicion.any {
            self.brought(Untrusted::Injection).await?;
        }
        for (shapes, digest) in &suspicion.news {
            let event = self.observed("injection_suspected");
            let mut event = event
                .with("shapes", shapes.clone())
                .with("sha256", digest.as_str())
                .with("guard", guard.as_str());
            if guard == Guard::Block {
                event.decision = Verdict::Deny;
                event.rule = Some("inference.guard".into());
                event.reason = "a result of a tool was withheld from the model".into();
            }
            self.record(event).await?;
        }
        Ok(())
    }

    async fn aside<T: Send + 'static>(
        &self,
        held: Held,
        work: impl FnOnce(&Held) -> Result<T, crate::Unsearchable> + Send + 'static,
    ) -> Result<(Held, T), Refusal> {
        if held.bytes().len() <= LARGE {
            let done = work(&held).map_err(Refusal::Unsearchable)?;
            return Ok((held, done));
        }
        let _turn = self.turn.lock().await;
        let beside = tokio::task::spawn_blocking(move || work(&held).map(|done| (held, done)));
        let done = beside.await.map_err(|_| Refusal::Incomplete)?;
        done.map_err(Refusal::Unsearchable)
    }

    async fn brought(&self, how: Untrusted) -> Result<(), Refusal> {
        if self.authority.brought(how, &self.action.subject()).await {
            return Ok(());
        }
        Err(Refusal::Denied(palisade_core::UNRECORDED.into()))
    }

    fn observed(&self, kind: &str) -> Event {
        Event::observed(kind, Layer::Inference, self.action.subject())
    }

    async fn record(&self, event: Event) -> Result<(), Refusal> {
        if self.authority.record(event).await {
            return Ok(());
        }
        Err(Refusal::Denied(palisade_core::UNRECORDED.into()))
    }
}
