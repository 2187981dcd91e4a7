use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header, response};
use palisade_core::Event;
use zeroize::Zeroizing;

use super::{
    Credentials, Secret,
    patterns::{Found, Patterns},
    scrub::Scrubber,
};
use crate::{AnswerFilter, BodyWatch};

/// What of a request events tell.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) host: String,
    pub(crate) rule: Option<String>,
    pub(crate) subject: String,
}

/// Looks for placeholders in a request's body. One of another host's ends it.
pub(crate) struct Watch {
    credentials: Arc<Credentials>,
    request: Told,
    /// The credentials of this host, by number.
    here: Vec<usize>,
    /// Those that were told of.
    told: Vec<usize>,
    /// The beginning of a placeholder, perhaps.
    tail: Zeroizing<Vec<u8>>,
}

impl Watch {
    pub(crate) fn new(credentials: Arc<Credentials>, request: Told, here: Vec<usize>) -> Self {
        Self { credentials, request, here, told: Vec::new(), tail: Zeroizing::default() }
    }

    fn look(&mut self, data: &[u8]) -> Result<(), String> {
        let placeholders = Arc::clone(self.credentials.placeholders());
        let joined;
        let all: &[u8] = if self.tail.is_empty() {
            data
        } else {
            let mut both = BytesMut::from(self.tail.as_slice());
            both.extend_from_slice(data);
            joined = both;
            &joined
        };
        let mut from = 0;
        let mut found = Vec::new();
        let rest = loop {
            match placeholders.find(all, from) {
                Found::Nothing => break &[][..],
                Found::Perhaps(at) => break all.get(at..).unwrap_or_default(),
                Found::At(pattern, at) => {
                    found.push(placeholders.whose(pattern));
                    from = at.saturating_add(placeholders.length(pattern));
                }
            }
        };
        self.tail = Zeroizing::new(rest.to_vec());
        found.into_iter().try_for_each(|number| self.met(number))
    }

    /// A whole placeholder is there.
    fn met(&mut self, number: usize) -> Result<(), String> {
        let own = self.here.contains(&number);
        if !self.told.contains(&number) {
            self.told.push(number);
            let event = self.credentials.stray(&self.request, number, "the body", own);
            record(&self.credentials, event);
        }
        if own {
            return Ok(());
        }
        Err(self.credentials.stray(&self.request, number, "the body", own).reason)
    }
}

impl BodyWatch for Watch {
    fn data(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.look(bytes)
    }

    fn trailers(&mut self, trailers: &HeaderMap) -> Result<(), String> {
        for (name, value) in trailers {
            self.tail = Zeroizing::default();
            let in_name = self.credentials.placeholder_in_name(name.as_str());
            in_name.into_iter().try_for_each(|number| self.met(number))?;
            self.look(value.as_bytes())?;
        }
        self.tail = Zeroizing::default();
        Ok(())
    }
}

/// Takes secrets out of an answer: also those that are sent with other requests while it comes. One that goes on for
/// long would else be where a server can give them back.
pub(crate) struct Answer {
    credentials: Arc<Credentials>,
    request: Told,
    scrubber: Scrubber,
    patterns: Arc<Patterns>,
    /// The credentials that may be in it, by number.
    of: Vec<usize>,
    /// [`Credentials::changes`] that `patterns` knows of.
    seen: u64,
    /// The credential that the request carried, by number.
    sent: Option<(usize, Arc<Secret>)>,
    told: bool,
}

impl Answer {
    pub(crate) fn new(
        credentials: Arc<Credentials>,
        request: Told,
        of: Vec<usize>,
        sent: Option<(usize, Arc<Secret>)>,
    ) -> Self {
        let seen = credentials.changes();
        let patterns = credentials.answers(&of, sent.as_ref());
        let scrubber = Scrubber::new(Arc::clone(&patterns));
        Self { credentials, request, scrubber, patterns, of, seen, sent, told: false }
    }

    /// Look for what was sent since, too.
    fn renew(&mut self) {
        let now = self.credentials.changes();
        if now != self.seen && !self.of.is_empty() {
            self.seen = now;
            self.patterns = self.credentials.answers(&self.of, self.sent.as_ref());
            self.scrubber.look_for(Arc::clone(&self.patterns));
        }
    }

    fn clean(&mut self, headers: &mut HeaderMap, place: &str) {
        self.renew();
        let mut scrubber = Scrubber::new(Arc::clone(&self.patterns));
        let named = headers.keys().filter(|name| scrubber.is_in_name(name.as_str()));
        let named: Vec<_> = named.cloned().collect();
        for name in &named {
            headers.remove(name);
        }
        for value in headers.values_mut() {
            if let Some(clean) = scrubber.header(value) {
                *value = clean;
            }
        }
        if !named.is_empty() || scrubber.found() > 0 {
            self.tell(place);
        }
    }

    /// Once for an answer.
    fn tell(&mut self, place: &str) {
        if !std::mem::replace(&mut self.told, true) {
            record(&self.credentials, Credentials::reflected(&self.request, place));
        }
    }

    fn cleaned(&mut self, get: impl FnOnce(&mut Scrubber) -> Bytes) -> Bytes {
        self.renew();
        let clean = get(&mut self.scrubber);
        if self.scrubber.found() > 0 {
            self.tell("its body");
        }
        clean
    }
}

impl AnswerFilter for Answer {
    fn head(&mut self, head: &mut response::Parts, has_body: bool) -> Result<(), String> {
        if head.status == StatusCode::UNAUTHORIZED
            && let Some((number, secret)) = &self.sent
            && let Some(feed) = self.credentials.feed(*number)
        {
            feed.refused(secret);
        }
        if self.of.is_empty() {
            return Ok(());
        }
        // The words behind the status are the server's own.
        head.extensions.remove::<hyper::ext::ReasonPhrase>();
        if has_body && !is_identity(&head.headers) {
            return Err("the server answered compressed, though it was asked not to; its answer could hold \
                        a secret, and is not given on"
                .to_owned());
        }
        // Asked for by nobody: what goes on then may be compressed.
        if head.headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
            return Err("the server's WebSocket has an extension that it was not asked for; what comes by it \
                        could hold a secret, and is not given on"
                .to_owned());
        }
        self.clean(&mut head.headers, "its headers");
        Ok(())
    }

    fn data(&mut self, bytes: Bytes) -> Bytes {
        self.cleaned(|scrubber| scrubber.push(bytes))
    }

    fn apart(&mut self, bytes: Bytes) -> Bytes {
        self.cleaned(|scrubber| scrubber.whole(&bytes).unwrap_or(bytes))
    }

    fn quiet(&mut self) -> Bytes {
        self.renew();
        self.scrubber.quiet()
    }

    fn end(&mut self) -> Bytes {
        self.cleaned(Scrubber::finish)
    }

    fn trailers(&mut self, trailers: &mut HeaderMap) {
        self.clean(trailers, "its trailers");
    }
}

/// Have it recorded, without waiting: what passes here must not.
fn record(credentials: &Arc<Credentials>, event: Event) {
    let credentials = Arc::clone(credentials);
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(runtime.spawn(async move { credentials.record(event).await }));
    }
}

fn is_identity(headers: &HeaderMap) -> bool {
    // Servers of gRPC answer as they were asked, whatever the client says that it takes.
    let coded = [header::CONTENT_ENCODING.as_str(), "grpc-encoding", "connect-content-encoding"]
        .into_iter()
        .flat_map(|name| headers.get_all(name));
    let plain = coded.into_iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let transfer = headers.get_all(header::TRANSFER_ENCODING).iter();
    plain && transfer.into_iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"))
}
