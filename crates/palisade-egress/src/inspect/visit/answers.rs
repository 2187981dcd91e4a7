//! What a client gets: the server's answer, or another one in its place.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use palisade_core::{Decision, Event, Layer, Request as Asked, Verdict};
use tokio::time::timeout;

use super::{Offer, Refused, Visit};
use crate::inspect::{
    answer::{self, Payload},
    fields,
    flow::{Flow, Report},
    transform::AnswerFilter,
    underway::Ongoing,
    upgraded::relayed,
    upstream::Failure,
};

/// What is read of the body of a denied request, so that the connection can go on.
const MOST_DRAINED: usize = 64 << 20;
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

impl Visit {
    /// The server's answer, as the client gets it.
    pub(super) fn given(
        &self,
        mut answer: Response<Incoming>,
        (mut filter, ongoing): (Option<Box<dyn AnswerFilter>>, Ongoing),
        asked: &Asked,
        offer: &mut Offer<'_>,
    ) -> Response<Payload> {
        self.traffic.touch();
        let switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let client = offer.client.take().filter(|_| switched);
        let upgrade = client.map(|client| (client, hyper::upgrade::on(&mut answer)));
        let (mut head, body) = answer.into_parts();
        fields::clean_answer(head.status, &mut head.headers);
        if upgrade.is_some() {
            head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        // Each side's connection has its own.
        head.version = Version::HTTP_11;
        if let Some(filter) = &mut filter
            && let Err(why) = filter.head(&mut head, !body.is_end_stream())
        {
            return answer::failed(StatusCode::BAD_GATEWAY, &why);
        }
        if let Some((client, server)) = upgrade {
            let relayed = relayed(client, server, filter, Arc::clone(&self.traffic));
            let after = async move {
                relayed.await;
                drop(ongoing);
            };
            *self.after.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(after));
            offer.settle(true);
            return Response::from_parts(head, answer::full(Bytes::new()));
        }
        let report = self.reporter(asked.subject());
        let flow = Flow::back(body, Arc::clone(&self.traffic), filter, report).of(ongoing);
        Response::from_parts(head, flow.boxed_unsync())
    }

    /// Records that a server's answer broke off.
    pub(super) fn reporter(&self, subject: String) -> Report {
        let authority = Arc::clone(&self.proxy.authority);
        Box::new(move |why| {
            let mut event = Event::observed("request", Layer::Egress, subject);
            event.reason = format!("the server's answer broke off: {why}");
            // Not one of the connection's tasks: it ends now.
            tokio::spawn(async move { authority.record(event).await });
        })
    }

    /// The answer to a denied request, so that the client gets to read it: one that is still sending
    /// would often not see it. What waits for a `100 Continue` sends no body.
    pub(super) async fn turned_away(
        &self,
        body: Incoming,
        expects: bool,
        decision: &Decision,
    ) -> Refused {
        self.after(Box::new(answer::denied(decision)), Some(body), !expects).await
    }

    /// The same for an answer that there is already, and what is left of the request. `read`: it is read before
    /// the answer goes.
    pub(super) async fn after(
        &self,
        refused: Refused,
        rest: Option<Incoming>,
        read: bool,
    ) -> Refused {
        let Some(mut body) = rest else { return refused };
        if read && !body.is_end_stream() {
            timeout(DRAINED_WITHIN, drain(&mut body)).await.ok();
        }
        Box::new(answer::holding(*refused, body))
    }

    pub(super) async fn failed(&self, failure: Failure, asked: &Asked) -> Refused {
        if let Failure::Denied(decision) = &failure {
            return Box::new(answer::denied(decision));
        }
        if let Some(event) = failure.event(asked.subject()) {
            self.proxy.authority.record(event).await;
        }
        Box::new(answer::failed(failure.status(), &failure.reason()))
    }

    pub(super) async fn record_denial(&self, why: String) {
        let subject = format!("{}:{}", self.host, self.port);
        let mut event = Event::observed("request", Layer::Egress, subject);
        event.decision = Verdict::Deny;
        event.reason = why;
        self.proxy.authority.record(event).await;
    }
}

/// Read on, and forget it.
async fn drain(body: &mut Incoming) {
    let mut left = MOST_DRAINED;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else { return };
        left = rest;
    }
}
