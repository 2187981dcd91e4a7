//! One client's connection that is looked into, from its first request to its end.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt, Limited};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
    upgrade::OnUpgrade,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use palisade_core::{
    Action, Body, BoxFuture, Caller, Decision, Event, HostName, Request as Asked, TlsName, Verdict,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OwnedSemaphorePermit,
    time::timeout,
};

use super::{
    Inspector,
    aim::Aim,
    answer::{self, Payload},
    elsewhere, fields,
    flow::{self, Flow, Watched},
    gate::{Admissions, Gate},
    head,
    inspector::{As, MOST_BUFFERED},
    lent::{Lent, Returned},
    resets::{self, Resets, Told},
    room::Room,
    tasks::Tasks,
    transform::Passing,
    underway::Underway,
    upstream::{Failure, Upstream},
};
use crate::{
    EndCause, Proxy,
    dial::Target,
    relay::{Meter, Traffic, Way},
};

mod answers;

/// A client's connection.
pub(crate) struct Visit {
    proxy: Arc<Proxy>,
    inspector: Arc<Inspector>,
    host: HostName,
    port: u16,
    secure: bool,
    caller: Caller,
    upstream: Upstream,
    /// If the client speaks HTTP/2.
    room: Option<Room>,
    pub(crate) traffic: Arc<Traffic>,
    tasks: Tasks,
    underway: Underway,
    /// What the connection goes on with once it is no HTTP any more.
    after: Mutex<Option<BoxFuture<'static, ()>>>,
}

/// Whether the client's end of the connection may become another protocol's.
struct Offer<'a> {
    admissions: Option<&'a Admissions>,
    client: Option<OnUpgrade>,
}

/// A body that was read to its end.
struct Whole {
    bytes: Bytes,
    /// What it takes of the room that there is for all.
    room: Option<OwnedSemaphorePermit>,
    trailers: bool,
}

/// What a client gets instead of what it asked for.
type Refused = Box<Response<Payload>>;

impl Visit {
    pub(crate) fn new(
        proxy: Arc<Proxy>,
        inspector: Arc<Inspector>,
        (host, port): (HostName, u16),
        target: Target,
        (secure, h2): (bool, bool),
    ) -> Arc<Self> {
        let tasks = Tasks::default();
        let room = h2.then(|| inspector.rooms.take(proxy.limits.streams));
        let caller = target.caller.clone();
        let upstream = Upstream::new(
            Arc::clone(&proxy),
            Arc::clone(&inspector),
            target,
            secure,
            room.as_ref(),
            tasks.clone(),
        );
        let traffic = Arc::new(Traffic::new());
        let authority = Arc::clone(&proxy.authority);
        let meter = Meter { authority, host: host.clone(), port, caller: caller.clone() };
        traffic.count_for(meter);
        let (underway, after) = (Underway::default(), Mutex::default());
        Arc::new(Self {
            proxy,
            inspector,
            host,
            port,
            secure,
            caller,
            upstream,
            room,
            traffic,
            tasks,
            underway,
            after,
        })
    }

    /// The name that was dialled.
    pub(crate) fn host(&self) -> &HostName {
        &self.host
    }

    /// Whether a server was dialled.
    pub(crate) fn has_dialled(&self) -> bool {
        self.upstream.has_dialled()
    }

    /// Where the server is, if it was dialled and that is known.
    pub(crate) fn address(&self) -> Option<std::net::SocketAddr> {
        self.upstream.address()
    }

    /// Serve it to its end.
    pub(crate) async fn serve<S>(self: &Arc<Self>, stream: S) -> EndCause
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let _end = EndOnDrop(&self.tasks);
        let serving = async {
            let clean = match &self.room {
                Some(room) => self.serve_h2(stream, room).await,
                None => self.serve_h1(stream).await,
            };
            let after = self.after.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(after) = after {
                after.await;
            }
            if clean { EndCause::Closed } else { EndCause::Broken }
        };
        tokio::select! {
            cause = serving => cause,
            () = self.traffic.idle(self.proxy.limits.idle) => EndCause::Idle,
            () = self.forbidden() => EndCause::Denied,
        }
    }

    /// Resolves when a policy that comes into force later does not permit the connection, or a request
    /// of it that is under way. The denial is recorded.
    async fn forbidden(&self) {
        let authority = &self.proxy.authority;
        let connect = Action::Connect {
            host: Some(self.host.clone()),
            port: self.port,
            address: self.address(),
            tls: TlsName::Unseen,
            caller: self.caller.clone(),
        };
        let mut generation = authority.generation();
        loop {
            let requests = self.underway.all().into_iter();
            let requests =
                requests.map(|request| Action::Request(Box::new(Asked::clone(&request))));
            for action in std::iter::once(connect.clone()).chain(requests) {
                if !authority.consider(&action).may_be_allowed() {
                    authority.authorize(&action).await;
                    return;
                }
            }
            generation = authority.replaced(generation).await;
        }
    }

    async fn serve_h1<S>(self: &Arc<Self>, stream: S) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (gate, admissions) = Gate::new(stream);
        let service = service_fn(|request| {
            let (visit, admissions) = (Arc::clone(self), admissions.clone());
            async move {
                let answering = admissions.answering();
                let answer = visit.answer(request, Some(&admissions)).await;
                Ok::<_, Infallible>(answer::until_given(answer, answering))
            }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.proxy.limits.head)
            .auto_date_header(false)
            .preserve_header_case(true)
            .max_headers(head::MOST_HEADERS)
            .max_header_size(2 * head::LONGEST)
            .max_buf_size(4 * head::LONGEST)
            .serve_connection(TokioIo::new(gate.patient()), service)
            .with_upgrades();
        let gone = async {
            admissions.listens().await;
            self.traffic.idle(self.proxy.limits.head).await;
        };
        let served = tokio::select! {
            served = serving => served,
            // Whether it still waits cannot be told, and it has waited for long.
            () = gone => return false,
        };
        if let Some(why) = admissions.broken() {
            self.record_denial(format!("its body can be read in more than one way: {why}")).await;
        }
        if let Err(error) = &served
            && error.is_parse()
        {
            self.record_denial(format!("its request cannot be read: {error}")).await;
        }
        served.is_ok()
    }

    async fn serve_h2<S>(self: &Arc<Self>, stream: S, room: &Room) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| {
            let visit = Arc::clone(self);
            async move { Ok::<_, Infallible>(visit.answer(request, None).await) }
        });
        let resets = Arc::new(Resets::default());
        let stream = Told::new(stream, Arc::clone(&resets));
        let serving = http2::Builder::new(self.tasks.clone())
            .timer(TokioTimer::new())
            .auto_date_header(false)
            .max_concurrent_streams(room.streams)
            .max_header_list_size(u32::try_from(head::LONGEST).unwrap_or(u32::MAX))
            .initial_stream_window_size(room.window)
            .initial_connection_window_size(room.window.saturating_mul(2))
            .max_send_buf_size(MOST_BUFFERED)
            .serve_connection(TokioIo::new(stream), service);
        let telling = async {
            loop {
                self.record_faults(resets.next().await).await;
            }
        };
        let served = tokio::select! {
            served = serving => served,
            never = telling => never,
        };
        self.record_faults(resets.take()).await;
        served.is_ok()
    }

    /// What was refused before it was a request.
    async fn record_faults(&self, found: BTreeMap<u32, u64>) {
        for (code, count) in found {
            let Some(fault) = resets::fault(code) else { continue };
            let times = if count > 1 { format!(", {count} times") } else { String::new() };
            self.record_denial(format!("its HTTP/2 cannot be read: {fault}{times}")).await;
        }
    }

    async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        admissions: Option<&Admissions>,
    ) -> Response<Payload> {
        self.traffic.touch();
        let mut offer = Offer { admissions: None, client: None };
        match admissions.map(Admissions::next) {
            None => {}
            Some(Err(why)) => {
                self.record_denial(format!("its request can be read in more than one way: {why}"))
                    .await;
                return answer::malformed(why);
            }
            Some(Ok(admitted)) if admitted.upgrade => {
                offer.admissions = admissions;
                if request.method() == Method::GET && fields::offers_websocket(request.headers()) {
                    offer.client = Some(hyper::upgrade::on(&mut request));
                }
            }
            Some(Ok(_)) => {}
        }
        match self.pass(request, offer).await {
            Ok(answer) => answer,
            Err(refused) => {
                let Some(admissions) = admissions else { return *refused };
                admissions.turned_away();
                // Whatever came of it: it broke off for this, which is recorded when the connection ends.
                admissions.broken().map_or(*refused, answer::malformed)
            }
        }
    }

    async fn pass(
        &self,
        request: Request<Incoming>,
        mut offer: Offer<'_>,
    ) -> Result<Response<Payload>, Refused> {
        let place = self.inspector.rooms.request().await;
        let (mut head, mut body) = request.into_parts();
        let expects = head.headers.contains_key(header::EXPECT);
        let disagreement = Aim { host: &self.host, port: self.port, secure: self.secure }
            .take(&mut head)
            .and_then(|()| fields::as_in_http1(&head.headers).map_err(str::to_owned));
        fields::clean_request(&mut head.headers);
        if offer.client.is_some() {
            let headers = &mut head.headers;
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        let mut asked = self.asked(&head);
        let disagreement = disagreement.and_then(|()| self.elsewhere(&asked));
        if let Err(why) = disagreement {
            let decision = Decision::deny(why);
            let event = Event::decided(&Action::Request(Box::new(asked)), &decision);
            self.proxy.authority.record(event).await;
            return Err(self.turned_away(body, expects, &decision).await);
        }
        let (mut gathered, mut room) = (None, None);
        let mut unsent = "the policy has changed while the request was read".to_owned();
        let transform = self.inspector.transform.as_ref();
        if let Some(most) = self.inspector.policy.body_bound(&asked) {
            (asked.body, gathered, room) = self.gather(&asked, &mut body, most).await;
        } else if let Some(most) = transform.and_then(|it| it.body_bound(&asked)) {
            // Whether it may pass does not depend on it; that it can be sent does.
            match self.gather(&asked, &mut body, most).await {
                (Body::Refused(why), None, _) => {
                    unsent = format!("its body has to be read to be sent, and {why}");
                    asked.body = Body::Refused(why);
                }
                (_, bytes, held) => (gathered, room) = (bytes, held),
            }
        }
        let action = Action::Request(Box::new(asked));
        let generation = self.proxy.authority.generation();
        let mut decision = self.proxy.authority.authorize(&action).await;
        let asked = match action {
            Action::Request(asked) if !matches!(asked.body, Body::Refused(_)) => asked,
            // What was read of it cannot be sent any more.
            _ if decision.is_allowed() => {
                decision = Decision::deny(unsent);
                return Err(self.turned_away(body, expects, &decision).await);
            }
            Action::Request(asked) => asked,
            _ => return Err(Box::new(answer::denied(&decision))),
        };
        if !decision.is_allowed() {
            return Err(self.turned_away(body, expects, &decision).await);
        }
        let asked: Arc<Asked> = asked.into();
        let Some(place) = place else {
            return Err(self.failed(Failure::Full, &asked).await);
        };
        let ongoing = self.underway.enter(&asked, place);
        if let Some(denial) = self.forbidden_since(generation, &asked).await {
            return Err(self.turned_away(body, expects, &denial).await);
        }
        let who = match self.who(&decision, &asked).await {
            Ok(who) => who,
            Err(refused) => return Err(self.after(refused, Some(body), !expects).await),
        };
        let none = Bytes::new();
        let known = gathered.as_ref().or(body.is_end_stream().then_some(&none));
        let passing = match self.transformed(&asked, &decision, known, &mut head).await {
            Ok(passing) => passing,
            Err(refused) => return Err(self.after(refused, Some(body), !expects).await),
        };
        let (watch, filter) = passing.map(|it| (it.body, it.answer)).unzip();
        let refused = flow::Refused::default();
        let watch = watch.map(|watch| Watched { watch, refused: Arc::clone(&refused) });
        // Other requests of the connection may be busy: that is no sign of this one.
        let pace = Arc::new(Traffic::new());
        let returned = Returned::default();
        let payload = match (gathered, watch) {
            (None, watch) => {
                let (traffic, pace) = (Arc::clone(&self.traffic), Arc::clone(&pace));
                let body = Lent::to_be_returned(body, &returned);
                Flow::out(body, traffic, pace, (watch, Arc::clone(&refused))).boxed_unsync()
            }
            (Some(bytes), None) => answer::full(bytes),
            (Some(bytes), Some(mut watch)) => {
                if let Err(reason) = watch.watch.data(&bytes) {
                    let denial = Decision { verdict: Verdict::Deny, reason, ..decision };
                    return Err(Box::new(answer::denied(&denial)));
                }
                answer::full(bytes)
            }
        };
        let limit = self.proxy.limits.answer;
        let sending = self.upstream.send(Request::from_parts(head, payload), &asked, &who);
        let sent = tokio::select! {
            sent = sending => sent,
            () = pace.idle(limit) => Err(Failure::Slow(limit)),
        };
        drop(room);
        match sent {
            Ok(answer) if is_unasked_switch(&answer, &offer) => {
                Err(self.failed(Failure::Switched, &asked).await)
            }
            Ok(answer) if let Some(why) = read_in_two_ways(&answer) => {
                Err(self.failed(Failure::Ambiguous(why), &asked).await)
            }
            Ok(answer) => Ok(self.given(answer, (filter, ongoing), &asked, &mut offer)),
            Err(_) if refused.get().is_some() => {
                let reason = refused.get().cloned().unwrap_or_default();
                let denial = Decision { verdict: Verdict::Deny, reason, ..decision };
                Err(Box::new(answer::denied(&denial)))
            }
            Err(failure) => {
                // A server that failed may have had some of it, and a client with much more is not waited for.
                let read = !expects && matches!(failure, Failure::Denied(_));
                let refused = self.failed(failure, &asked).await;
                Err(self.after(refused, returned.take(), read).await)
            }
        }
    }

    /// Whether what a request names besides its own path is permitted too.
    ///
    /// # Errors
    /// It is not, or cannot be told.
    fn elsewhere(&self, asked: &Asked) -> Result<(), String> {
        for other in elsewhere::named(asked)? {
            let subject = other.subject();
            let considered = self.proxy.authority.consider(&Action::Request(Box::new(other)));
            if !considered.is_allowed() {
                return Err(format!("it is about {subject} as well: {}", considered.reason));
            }
        }
        Ok(())
    }

    /// What a policy says of a request that came into force since, before the request was known to be under
    /// way. From here on [`Visit::forbidden`] sees to it.
    async fn forbidden_since(&self, generation: u64, asked: &Asked) -> Option<Decision> {
        let authority = &self.proxy.authority;
        if authority.generation() == generation {
            return None;
        }
        let action = Action::Request(Box::new(asked.clone()));
        let denial = authority.consider(&action);
        if denial.may_be_allowed() {
            return None;
        }
        authority.record(Event::decided(&action, &denial)).await;
        Some(denial)
    }

    /// The request as the policy is asked about it.
    fn asked(&self, head: &request::Parts) -> Asked {
        let path = head.uri.path();
        Asked {
            host: self.host.clone(),
            port: self.port,
            tls: self.secure,
            address: self.upstream.address(),
            method: head.method.as_str().to_owned(),
            path: if path.is_empty() { b"/".to_vec() } else { path.as_bytes().to_vec() },
            query: head.uri.query().map(|query| query.as_bytes().to_vec()),
            headers: listed(&head.headers),
            body: Body::Unread,
            caller: self.caller.clone(),
        }
    }

    /// Read all of a body that has to be known to decide, but no more than `most`.
    async fn gather(
        &self,
        asked: &Asked,
        body: &mut Incoming,
        most: usize,
    ) -> (Body, Option<Bytes>, Option<OwnedSemaphorePermit>) {
        let refused = |why: String| (Body::Refused(why), None, None);
        match timeout(self.proxy.limits.body, self.whole(body, most)).await {
            Ok(Ok(Whole { trailers: true, .. })) => {
                refused("it has trailers behind its body".to_owned())
            }
            Ok(Ok(Whole { bytes, room, .. })) => {
                if let Err(event) = self.traffic.may(Way::Out, bytes.len()) {
                    let why = event.reason.clone();
                    self.traffic.record(event).await;
                    return refused(why);
                }
                self.traffic.flowed(Way::Out, bytes.len());
                (self.inspector.policy.read_body(asked, &bytes), Some(bytes), room)
            }
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                refused(format!("its body is longer than {most} bytes"))
            }
            Ok(Err(_)) => refused("its body broke off".to_owned()),
            Err(_) => refused("its body did not come in time".to_owned()),
        }
    }

    /// Read a body to its end. What is held of all of them is bounded; who comes when there is no room
    /// waits.
    async fn whole(
        &self,
        body: &mut Incoming,
        most: usize,
    ) -> Result<Whole, Box<dyn Error + Send + Sync>> {
        let mut body = Limited::new(body, most);
        let (mut bytes, mut room, mut trailers) = (BytesMut::new(), None, false);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                trailers = true;
                continue;
            };
            let count = u32::try_from(data.len())?;
            let more = Arc::clone(&self.inspector.gathered).acquire_many_owned(count).await?;
            match &mut room {
                Some(room) => OwnedSemaphorePermit::merge(room, more),
                None => room = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Whole { bytes: bytes.freeze(), room, trailers })
    }

    /// As whom a permitted request goes to its server.
    async fn who(&self, decision: &Decision, asked: &Asked) -> Result<As, Refused> {
        if !self.secure {
            return Ok(None);
        }
        match self.inspector.who(decision.whole_rule()) {
            Ok(who) => Ok(who),
            Err(reason) => {
                let denial = Decision { verdict: Verdict::Deny, reason, ..decision.clone() };
                let action = Action::Request(Box::new(asked.clone()));
                self.proxy.authority.record(Event::decided(&action, &denial)).await;
                Err(Box::new(answer::denied(&denial)))
            }
        }
    }

    async fn transformed(
        &self,
        asked: &Asked,
        decision: &Decision,
        body: Option<&Bytes>,
        head: &mut request::Parts,
    ) -> Result<Option<Passing>, Refused> {
        let Some(transform) = &self.inspector.transform else { return Ok(None) };
        match transform.request(asked, decision, body.map(|it| &**it), head).await {
            Ok(passing) => Ok(passing),
            Err(denial) => {
                let action = Action::Request(Box::new(asked.clone()));
                self.proxy.authority.record(Event::decided(&action, &denial)).await;
                Err(Box::new(answer::denied(&denial)))
            }
        }
    }
}

impl Offer<'_> {
    fn settle(&mut self, upgraded: bool) {
        if let Some(admissions) = self.admissions.take() {
            admissions.settle(upgraded);
        }
    }
}

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        self.settle(false);
    }
}

struct EndOnDrop<'a>(&'a Tasks);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Whether the server goes on in a protocol that it was not asked for.
fn is_unasked_switch(answer: &Response<Incoming>, offer: &Offer<'_>) -> bool {
    answer.status() == StatusCode::SWITCHING_PROTOCOLS
        && (offer.client.is_none() || !fields::offers_websocket(answer.headers()))
}

/// Why the end of the answer's body is not told in one way only, if so.
fn read_in_two_ways(answer: &Response<Incoming>) -> Option<&'static str> {
    if answer.body().is_end_stream() {
        return None;
    }
    fields::framed_once(answer.headers()).err()
}

/// All fields, names in lower case, values without the white space around.
fn listed(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let one = |(name, value): (&header::HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().trim_ascii().to_vec())
    };
    headers.iter().map(one).collect()
}
