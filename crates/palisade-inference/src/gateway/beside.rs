//! What goes to a provider beside the body of a request: headers, the path and its query.

use http::{HeaderName, request::Parts};
use palisade_core::{Action, Decision, Event, Layer};
use serde_json::{Map, Value};

use super::Exchange;
use crate::{endpoint::Endpoint, headers, refusal::Refusal};

/// What the journal has in place of a path with a secret in it.
const WITHHELD: &str = "(withheld)";

impl Exchange<'_> {
    /// The headers that do not go on, since they hold what is taken out of bodies. A path with it, or the name of a
    /// model, is refused: with another one in its place it would ask for something else.
    pub(super) async fn withheld(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        model: Option<&str>,
    ) -> Result<Vec<HeaderName>, Refusal> {
        let (redactor, decoys) = (self.redacting.now(), self.decoys.load_full());
        if redactor.is_none() && decoys.is_none() {
            return Ok(Vec::new());
        }
        if let Some(decoys) = decoys {
            let mut said = headers::beside(&endpoint.target, &head.headers);
            said.extend_from_slice(model.unwrap_or_default().as_bytes());
            if !decoys.kinds_in(&said).is_empty() {
                let mut event = Event::observed("canary", Layer::Inference, "a decoy")
                    .with("about", endpoint.name)
                    .with("place", "model");
                event.reason = "what a decoy holds goes to a model, beside what is said".into();
                self.kept(event).await?;
            }
        }
        let Some(redactor) = redactor else { return Ok(Vec::new()) };
        let target = format!("{}\n{}", endpoint.target, model.unwrap_or_default());
        if !redactor.kinds_in(target.as_bytes()).is_empty() {
            let action = match model {
                Some(_) => Action::ModelCall {
                    endpoint: endpoint.name.to_owned(),
                    model: WITHHELD.to_owned(),
                },
                None => Action::ModelRequest {
                    request: format!("{} {} {WITHHELD}", head.method, endpoint.name),
                    refused: None,
                },
            };
            let why = "its path or its model holds a secret, which is kept from models";
            let denial = Decision::deny_by("inference.redact", why);
            self.authority.record(Event::decided(&action, &denial)).await;
            return Err(Refusal::Denied(why.to_owned()));
        }
        let mut names = Vec::new();
        let mut found: Map<String, Value> = Map::new();
        for (name, value) in &headers::for_provider(&head.headers, true) {
            let kinds = redactor.kinds_in(value.as_bytes());
            for (kind, _) in &kinds {
                let number = found.get(*kind).and_then(Value::as_u64).unwrap_or(0);
                found.insert((*kind).to_owned(), number.saturating_add(1).into());
            }
            if !kinds.is_empty() && !names.contains(name) {
                names.push(name.clone());
            }
        }
        if !names.is_empty() {
            let told: Vec<String> = names.iter().map(HeaderName::to_string).collect();
            let event = Event::observed("redaction", Layer::Inference, endpoint.name);
            self.kept(event.with("found", found).with("headers", told)).await?;
        }
        Ok(names)
    }

    async fn kept(&self, event: Event) -> Result<(), Refusal> {
        if self.authority.record(event).await {
            return Ok(());
        }
        Err(Refusal::Denied(palisade_core::UNRECORDED.into()))
    }
}
