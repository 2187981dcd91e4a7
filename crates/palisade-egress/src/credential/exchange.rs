use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response};
use palisade_core::HostName;

use super::{
    Credentials, Secret,
    body::{Scrubbed, Watched},
    credentials::Route,
    patterns::Patterns,
    scrub::Scrubber,
};

/// One request and its answer, for what has to be looked at while they pass.
pub struct Exchange {
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) request: Told,
    /// The credentials of this host, by number.
    pub(crate) here: Vec<usize>,
    answers: Arc<Patterns>,
    sent: Option<(usize, Arc<Secret>)>,
}

/// What of a request events tell.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) host: HostName,
    pub(crate) rule: Option<String>,
    pub(crate) subject: String,
}

impl Told {
    pub(crate) fn route(&self) -> Route<'_> {
        Route {
            host: &self.host,
            rule: self.rule.as_deref(),
            verified: false,
            address: None,
            subject: &self.subject,
        }
    }
}

impl Exchange {
    pub(crate) fn new(
        credentials: Arc<Credentials>,
        route: Route<'_>,
        here: Vec<usize>,
        answers: Arc<Patterns>,
        sent: Option<(usize, Arc<Secret>)>,
    ) -> Self {
        let request = Told {
            host: route.host.clone(),
            rule: route.rule.map(str::to_owned),
            subject: route.subject.to_owned(),
        };
        Self { credentials, request, here, answers, sent }
    }

    /// Whether the request carries a secret.
    pub fn carries_secret(&self) -> bool {
        self.sent.is_some()
    }

    /// The request's body, which must not carry a placeholder to a server that it is not for: it
    /// breaks off there.
    pub fn request_body<B>(&self, body: B) -> Watched<B> {
        Watched::new(body, self)
    }

    /// The answer's head as the client gets it. Call it before [`Self::answer_body`].
    ///
    /// # Errors
    /// The answer cannot be looked through, and so must not reach the client. The text says why.
    pub async fn answer(&self, head: &mut response::Parts, has_body: bool) -> Result<(), String> {
        if head.status == StatusCode::UNAUTHORIZED
            && let Some((number, secret)) = &self.sent
            && let Some(feed) = self.credentials.feed(*number)
        {
            feed.refused(secret);
        }
        if self.answers.is_empty() {
            return Ok(());
        }
        // It is the server's own text.
        head.extensions.remove::<hyper::ext::ReasonPhrase>();
        if has_body && !is_identity(&head.headers) {
            return Err("the server answered compressed, though it was asked not to, and its answer could hold a secret".to_owned());
        }
        if self.clean(&mut head.headers) {
            let Told { rule, subject, .. } = &self.request;
            self.credentials.reflected(rule.clone(), subject, "its headers").await;
        }
        Ok(())
    }

    /// The answer's body as the client gets it, as long as it was.
    pub fn answer_body<B>(&self, body: B) -> Scrubbed<B> {
        Scrubbed::new(body, self)
    }

    /// For what comes from the server after it has changed to another protocol.
    pub fn answer_stream(&self) -> AnswerStream {
        AnswerStream(Scrubber::new(Arc::clone(&self.answers)))
    }

    pub(crate) fn scrubber(&self) -> Scrubber {
        Scrubber::new(Arc::clone(&self.answers))
    }

    /// Whether there was a secret in it.
    pub(crate) fn clean(&self, headers: &mut HeaderMap) -> bool {
        clean(&mut self.scrubber(), headers)
    }
}

/// Cleans what a server sends after an upgrade, in the order it comes.
#[derive(Debug)]
pub struct AnswerStream(Scrubber);

impl AnswerStream {
    /// What may go on, once `bytes` have come.
    pub fn push(&mut self, bytes: Bytes) -> Bytes {
        self.0.push(bytes)
    }

    /// What was held back, once it has ended.
    pub fn finish(&mut self) -> Bytes {
        self.0.finish()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("request", &self.request).finish_non_exhaustive()
    }
}

/// Whether there was a secret in it. A header with one in its name goes.
pub(crate) fn clean(scrubber: &mut Scrubber, headers: &mut HeaderMap) -> bool {
    let named: Vec<_> =
        headers.keys().filter(|name| scrubber.is_in_name(name.as_str())).cloned().collect();
    for name in &named {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        if let Some(clean) = scrubber.header(value) {
            *value = clean;
        }
    }
    !named.is_empty() || scrubber.found() > 0
}

fn is_identity(headers: &HeaderMap) -> bool {
    let coded = headers.get_all(header::CONTENT_ENCODING).iter();
    let plain = coded.into_iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let transfer = headers.get_all(header::TRANSFER_ENCODING).iter();
    plain && transfer.into_iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"))
}
