//! A connection that the policy wants to look into.

use std::sync::Arc;

use palisade_core::{Event, HostName, Layer, TlsName};
use palisade_tls::Ahead;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::Connection;
use crate::{
    EndCause, Ended, Inspector, Proxy,
    dial::Target,
    first_flight::{FirstFlight, Inspected},
    inspect::{H2, Prefixed, Visit},
};

impl Connection<'_> {
    /// Look into what the client says: it speaks first, and nothing is dialled before a request of it
    /// was permitted.
    pub(super) async fn inspect(
        mut self,
        target: Target,
        inspector: &Arc<Inspector>,
        mut flight: FirstFlight,
    ) {
        let Some(host) = target.host.clone() else { return };
        let first = flight.begin(&mut self.client);
        match timeout(self.proxy.limits.first_flight, first).await {
            Ok(Ok(())) if !flight.is_empty() => {}
            // It went away, or never came to the point. Nothing was done for it.
            _ => return,
        }
        if flight.is_tls() {
            self.inspect_tls(host, target, flight, inspector).await;
        } else {
            self.inspect_plain(host, target, flight, inspector).await;
        }
    }

    async fn inspect_plain(
        self,
        host: HostName,
        mut target: Target,
        flight: FirstFlight,
        inspector: &Arc<Inspector>,
    ) {
        target.tls = TlsName::NotTls;
        if !self.authority().consider(&target.action(None)).is_allowed() {
            return self.deny(&target.action(None)).await;
        }
        let (proxy, inspector) = (Arc::clone(self.proxy), Arc::clone(inspector));
        let (h2, at) = (flight.is_http2(), (host, target.port));
        let stream = Prefixed::new(flight.bytes, self.client);
        let visit = Visit::new(proxy, inspector, at, target, (false, h2));
        let cause = visit.serve(stream).await;
        self.proxy.over(&visit, cause);
    }

    async fn inspect_tls(
        mut self,
        host: HostName,
        mut target: Target,
        mut flight: FirstFlight,
        inspector: &Arc<Inspector>,
    ) {
        let limits = &self.proxy.limits;
        let patience = limits.first_flight;
        flight.to_us = true;
        let inspected = flight.inspect(&mut self.client, (&host, target.port), limits).await;
        let Ok(inspected) = inspected else { return };
        let inspected = inspected.unwrap_or_else(Inspected::open);
        target.tls = inspected.tls;
        if let Some(why) = inspected.refusal {
            return self.refuse(target.action(None), why).await;
        }
        if !self.authority().consider(&target.action(None)).is_allowed() {
            return self.deny(&target.action(None)).await;
        }
        if target.tls != TlsName::Named(host.clone()) {
            let why = "what it begins with is TLS, but not so that it can be looked into";
            return self.refuse(target.action(None), why.to_owned()).await;
        }
        let stream = Ahead::new(Prefixed::new(flight.bytes, self.client));
        let accepting = TlsAcceptor::from(Arc::clone(&inspector.inward)).accept(stream);
        let stream = match timeout(patience, accepting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.proxy.not_accepted(&target, &error.to_string()).await,
            Err(_) => return self.proxy.not_accepted(&target, "it took too long").await,
        };
        let (_, session) = stream.get_ref();
        if session.server_name() != Some(host.as_str()) {
            // Its second hello asked for another name than its first.
            return self.proxy.not_accepted(&target, "its server name has changed").await;
        }
        let h2 = session.alpn_protocol() == Some(H2);
        let (proxy, inspector) = (Arc::clone(self.proxy), Arc::clone(inspector));
        let at = (host, target.port);
        let visit = Visit::new(proxy, inspector, at, target, (true, h2));
        let cause = visit.serve(stream).await;
        self.proxy.over(&visit, cause);
    }
}

impl Proxy {
    /// Record that a client did not take the certificate that it was shown, or speaks TLS otherwise.
    async fn not_accepted(&self, target: &Target, error: &str) {
        let action = target.action(None);
        let mut event = Event::observed(action.kind(), Layer::Egress, action.subject());
        event.reason = format!(
            "the client's TLS cannot be looked into: {error}; a client that has its own list of \
             authorities has to be told to use the file in SSL_CERT_FILE"
        );
        self.authority.record(event.with("port", target.port)).await;
    }

    /// Tell of the end of a connection that was looked into, if it led anywhere.
    fn over(&self, visit: &Visit, cause: EndCause) {
        if !visit.has_dialled() {
            return;
        }
        self.observer.ended(&Ended {
            host: Some(visit.host().clone()),
            address: visit.address(),
            sent: visit.traffic.sent(),
            received: visit.traffic.received(),
            lasted: visit.traffic.lasted(),
            cause,
        });
    }
}
