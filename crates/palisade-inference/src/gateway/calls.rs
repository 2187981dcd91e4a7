//! A call of the providers that a request is for, one after the other, and what is owed for it.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use hyper::body::Incoming;
use palisade_core::{Action, Decision, Event, Layer};
use tokio::time::timeout;

use super::Exchange;
use crate::{
    KeySource,
    account::{Account, Call, Prompt},
    answer::Payload,
    body::Held,
    embeddings,
    endpoint::Endpoint,
    headers,
    hosted::{Hosting, Signing, sign},
    inspect::Judge,
    model_field::{BodyError, ModelField},
    passage::Checks,
    quota::{Estimate, Exceeded, Price, Reservation, Wanted, of_answer, price_of},
    refusal::Refusal,
    relay::relay,
    restore::Restorer,
    scrub::Scrubber,
    table::{Table, Target, Upstream},
    translate::Translation,
    usage::Usage,
};

/// A call that has its provider.
pub(super) struct Routed<'a> {
    pub(super) action: &'a Action,
    /// Those to ask, one after the other.
    pub(super) targets: Vec<Target>,
    /// Where the model stands in the body, if it does.
    pub(super) field: Option<ModelField>,
    pub(super) table: &'a Table,
    /// What the call may use. None for one that no model answers.
    pub(super) estimate: Option<Estimate>,
    /// Headers that do not go on.
    pub(super) withheld: Vec<HeaderName>,
}

impl Routed<'_> {
    /// The model, by the name that the provider gets.
    fn model<'b>(&'b self, target: &'b Target) -> Option<&'b str> {
        let asked = match self.action {
            Action::ModelCall { model, .. } => Some(model.as_str()),
            _ => None,
        };
        target.rename.as_deref().filter(|_| asked.is_some()).or(asked)
    }
}

/// Whether a provider takes no money.
fn is_free(target: &Target) -> bool {
    matches!(target.upstream.key, KeySource::None)
}

impl Exchange<'_> {
    /// Asks one provider after the other, until one answers in a way that is the client's to hear.
    pub(super) async fn call(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        routed: &Routed<'_>,
        body: Option<Held>,
    ) -> Result<Response<Payload>, Refusal> {
        let body = body.map(Held::into_bytes);
        if let Some(said) = body.as_ref().filter(|_| self.authority.keeps_content()) {
            self.said(routed.action, said).await?;
        }
        let mut decided = false;
        let mut last = Err(Refusal::NoProvider(endpoint.api));
        for (at, target) in routed.targets.iter().enumerate() {
            let is_last = at.saturating_add(1) == routed.targets.len();
            last = self.attempt(head, endpoint, (routed, target), body.clone(), &mut decided).await;
            if is_last || !goes_on(&last) {
                break;
            }
            // Whoever is asked next has an event of its own. A failure has one already.
            if let Ok(response) = &last {
                let subject = routed.action.subject();
                let event = Event::observed("model_failure", Layer::Inference, subject)
                    .with("provider", target.upstream.name.as_str())
                    .with("why", format!("answered {}", response.status().as_u16()));
                self.authority.record(event).await;
            }
        }
        last
    }

    /// Keep what is said to a model before it is.
    async fn said(&self, action: &Action, body: &Bytes) -> Result<(), Refusal> {
        let kept = match self.authority.keep_content(body) {
            Ok(kept) => kept,
            Err(why) => {
                let decision = Decision::deny_by("audit.content", why);
                self.authority.record(Event::decided(action, &decision)).await;
                return Err(Refusal::Denied(decision.reason));
            }
        };
        let event = Event::observed("content", Layer::Inference, action.subject())
            .with("of", "request")
            .with("content", vec![kept]);
        if self.authority.record(event).await {
            return Ok(());
        }
        Err(Refusal::Denied(palisade_core::UNRECORDED.into()))
    }

    async fn attempt(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        (routed, target): (&Routed<'_>, &Target),
        body: Option<Bytes>,
        decided: &mut bool,
    ) -> Result<Response<Payload>, Refusal> {
        let Routed { action, .. } = *routed;
        let upstream = &*target.upstream;
        let translation = Translation::between(endpoint.wire, upstream.api)
            .filter(|_| upstream.api != endpoint.api);
        let mut scrubber = None;
        let mut aws = None;
        let mut fields = headers::for_provider(&head.headers, body.is_some());
        for name in &routed.withheld {
            fields.remove(name);
        }
        match &upstream.key {
            KeySource::None => {}
            KeySource::Header(key) => {
                let value = key
                    .value()
                    .ok_or_else(|| failed(upstream, "has a key that no header can hold"))?;
                fields.insert(key.name().clone(), value);
                scrubber = Scrubber::new(key.secret());
            }
            KeySource::Fed(feed) => {
                let key = feed
                    .current()
                    .await
                    .map_err(|why| Refusal::KeyMissing { provider: upstream.name.clone(), why })?;
                let value = key
                    .value()
                    .ok_or_else(|| failed(upstream, "has a key that no header can hold"))?;
                fields.insert(key.name().clone(), value);
                scrubber = Scrubber::new(key.secret());
            }
            // Once all is there that is signed.
            KeySource::Aws(keys) => aws = Some(Arc::new(keys.clone())),
            KeySource::AwsFed(feed) => {
                let keys = feed.current().await;
                aws = Some(keys.map_err(|why| {
                    let provider = upstream.name.clone();
                    Refusal::KeyMissing { provider, why }
                })?);
            }
            KeySource::Missing { why } => {
                let provider = upstream.name.clone();
                return Err(Refusal::KeyMissing { provider, why: why.clone() });
            }
        }
        let path = match (translation, &target.rename) {
            (Some(translation), _) => translation.path().to_owned(),
            (None, Some(model)) => endpoint.renamed(model).map_err(Refusal::Endpoint)?,
            (None, None) => endpoint.target.clone(),
        };
        let payload = match (body, &target.rename, &routed.field) {
            (Some(body), Some(name), Some(field)) => {
                field.renamed(&body, name).map(Bytes::from).ok_or(BodyError::Model)?
            }
            (Some(body), Some(name), None) if endpoint.names_twice() => {
                embeddings::renamed(&body, name)?.into()
            }
            (body, _, _) => body.unwrap_or_default(),
        };
        let payload = match translation {
            Some(translation) => {
                translation.headers(&mut fields);
                translation
                    .request(&payload, upstream.url.host())
                    .map_err(|why| Refusal::Untranslated { provider: upstream.name.clone(), why })?
            }
            None => payload,
        };
        let (path, payload) = match &upstream.hosting {
            Some(hosting) => {
                let hosted = hosting.request(&path, &payload, &mut fields).map_err(|why| {
                    Refusal::Untranslated { provider: upstream.name.clone(), why }
                })?;
                (hosted.path, hosted.body)
            }
            None => (path, payload),
        };
        let uri = upstream.url.join(&path);
        let (Some(uri), Some(host)) = (uri, upstream.url.host_header()) else {
            return Err(failed(upstream, "has a URL that cannot be called"));
        };
        fields.insert(header::HOST, host);
        if let (Some(keys), Some(Hosting::Bedrock { region })) = (&aws, &upstream.hosting) {
            scrubber = keys.session_token.as_ref().and_then(Scrubber::new);
            let signing = Signing { keys, region, now: SystemTime::now() };
            sign(&signing, &uri, &mut fields, &payload)
                .ok_or_else(|| failed(upstream, "has a key that cannot sign"))?;
        }
        let prompt = routed.estimate.is_some().then(|| payload.clone());
        let mut request = Request::new(Full::new(payload));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = fields;

        let reservation = self.reserve(routed, target).await?;
        if !*decided {
            let decision = self.authority.authorize(action).await;
            if !decision.is_allowed() {
                return Err(Refusal::Denied(decision.reason));
            }
            *decided = true;
        }
        // The new policy permits it, and perhaps not to this provider.
        if !std::ptr::eq(&**self.inner.table.load(), routed.table) {
            return Err(failed(upstream, "was chosen by a policy that has just been replaced"));
        }
        // From here on it counts as made, also if the client leaves before there is an answer.
        let mut event = Event::observed("model_answer", Layer::Inference, action.subject())
            .with("provider", upstream.name.as_str());
        if let Some(model) = routed.model(target) {
            event = event.with("model", model);
        }
        let call = Call {
            event,
            reservation,
            estimate: routed.estimate.unwrap_or_default(),
            price: self.price(routed, target),
            prompt: prompt.map(Prompt::Bytes),
            started: Instant::now(),
        };
        let mut account = Account::new(call, Arc::clone(&self.authority), &self.open);
        // What only a record needs is made once the request is on its way.
        let digesting = async {
            tokio::task::yield_now().await;
            account.digest();
        };
        let (sent, ()) = tokio::join!(self.send(upstream, request), digesting);
        let answered = match sent {
            Ok(response) => {
                account.answered(response.status());
                let mut checks = self.checks(action, upstream, scrubber, account);
                checks.translation = translation;
                checks.hosted = upstream.hosting.is_some();
                checks.restorer =
                    routed.table.restore.then(|| Restorer::new(Arc::clone(self.redacting.marks())));
                let relayed = relay(response, endpoint.wire, checks, &self.limits).await;
                relayed.map_err(|why| failed(upstream, &why))
            }
            Err(refusal) => {
                // A slow one may have read the prompt and thought about it.
                account.failed(match (&refusal, routed.estimate) {
                    (Refusal::Slow { .. }, Some(estimate)) => of_answer(estimate, 0),
                    _ => Usage::default(),
                });
                Err(refusal)
            }
        };
        if let Err(refusal) = &answered {
            let event = Event::observed("model_failure", Layer::Inference, action.subject())
                .with("provider", upstream.name.as_str())
                .with("why", refusal.to_string());
            self.authority.record(event).await;
        }
        answered
    }

    /// Room for a call under every limit.
    async fn reserve(
        &self,
        routed: &Routed<'_>,
        target: &Target,
    ) -> Result<Option<Reservation>, Refusal> {
        let quotas = &routed.table.quotas;
        let (Some(estimate), Some(model), false) =
            (routed.estimate, routed.model(target), quotas.is_empty())
        else {
            return Ok(None);
        };
        let wanted = Wanted { model, free: is_free(target), estimate };
        match self.meters.reserve(quotas, &wanted).await {
            Ok(reservation) => Ok(Some(reservation)),
            Err(why) => Err(self.exceeded(routed.action, why).await),
        }
    }

    /// Records that a limit has no room for a call.
    async fn exceeded(&self, action: &Action, why: Exceeded) -> Refusal {
        let decision = Decision::deny_by(why.rule(), why.to_string());
        self.authority.record(Event::decided(action, &decision)).await;
        Refusal::Limit(why)
    }

    /// What the model costs, if anybody says so.
    fn price(&self, routed: &Routed<'_>, target: &Target) -> Option<Price> {
        if is_free(target) {
            return Some(Price::default());
        }
        let model = routed.model(target)?;
        let quotas = routed.table.quotas.iter();
        quotas
            .map(|quota| quota.prices.as_slice())
            .chain([&[][..]])
            .find_map(|own| price_of(own, model))
    }

    fn checks(
        &self,
        action: &Action,
        upstream: &Upstream,
        scrubber: Option<Scrubber>,
        account: Account,
    ) -> Checks {
        let judge = Judge {
            authority: Arc::clone(&self.authority),
            server_tools: Arc::clone(&self.table.load().server_tools),
            calls: Arc::clone(&self.calls),
            stored: Arc::clone(&self.stored),
        };
        Checks {
            scrubber,
            reading: None,
            translation: None,
            hosted: false,
            frames: None,
            restorer: None,
            judge,
            budget: self.answers.clone(),
            watcher: Box::new(account),
            provider: upstream.name.clone(),
            subject: action.subject(),
        }
    }

    async fn send(
        &self,
        upstream: &Upstream,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Refusal> {
        let answering = upstream.client.request(request);
        let response = match timeout(self.limits.first_byte, answering).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let did = if error.is_connect() { "cannot be reached" } else { "broke off" };
                return Err(failed(upstream, &format!("{did}: {}", cause(&error))));
            }
            Err(_) => {
                let provider = upstream.name.clone();
                return Err(Refusal::Slow { provider, after: self.limits.first_byte });
            }
        };
        let status = response.status();
        if status.is_redirection() || status.is_informational() {
            return Err(failed(
                upstream,
                &format!("answered {}; redirects are not followed", status.as_u16()),
            ));
        }
        if !headers::is_identity(response.headers()) {
            return Err(failed(upstream, "answered compressed, though it was asked not to"));
        }
        Ok(response)
    }
}

/// Whether the next provider is asked: this one had no room or no answer, and the client has heard nothing.
fn goes_on(answered: &Result<Response<Payload>, Refusal>) -> bool {
    match answered {
        Ok(response) => {
            response.status() == StatusCode::TOO_MANY_REQUESTS
                || response.status().is_server_error()
        }
        Err(why) => matches!(
            why,
            Refusal::Upstream { .. } | Refusal::Slow { .. } | Refusal::KeyMissing { .. }
        ),
    }
}

fn failed(upstream: &Upstream, why: &str) -> Refusal {
    Refusal::Upstream { provider: upstream.name.clone(), why: why.into() }
}

/// The innermost cause of an error: the outer ones only say which layer passed it on.
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
