//! A client that came by the proxy of HTTP and SOCKS: what it asks for is decided as if it had connected there itself.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use http::StatusCode;
use palisade_core::{Action, Caller, Decision, HostName, Look, TlsName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{Connection, bare, reset};
use crate::{
    dial::Target,
    first_flight::FirstFlight,
    forward::{self, Asked, Host, Reply, Speech},
    inspect::answer,
};

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// How long a client may take to read an answer of ours, or to finish what it sends meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is read of that, in bytes.
const MOST_DRAINED: u64 = 1 << 20;

/// What the proxy still owes a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// The word that its tunnel is there.
    Tunnel,
    /// An answer to its request, if no server gives one.
    Request,
    /// The reply of SOCKS.
    Socks,
}

impl Connection<'_> {
    /// Serve a client that takes us for a proxy. `own` and `own_port` are where it knows us to be.
    pub(super) async fn serve_front(mut self, own: &HostName, own_port: u16) {
        // With all that a rule may want to know: where it asks to go is not known yet. Nobody is told by what
        // no rule asks for: to hash a program costs as much as the agent likes.
        self.came = match self.authority().look_at_most() {
            Look::None => None,
            look => Some(self.who(look).await),
        };
        let client = &mut self.client;
        let reading = async {
            let speech = forward::speech(client).await?;
            io::Result::Ok((speech, forward::read(client, speech).await?))
        };
        let (speech, asked) = match timeout(self.proxy.limits.head, reading).await {
            Ok(Ok(asked)) => asked,
            // It went away, or never came to the point. Nothing was done for it.
            _ => return,
        };
        let here = || {
            let (host, tls) = (Some(own.clone()), TlsName::Unseen);
            Target { host, port: own_port, tls, caller: Caller::Unasked }.action(None)
        };
        let Asked { host, port, request } = match asked {
            Ok(asked) => asked,
            Err(why) => {
                self.front = Some(match speech {
                    Speech::Http => Front::Request,
                    Speech::Socks => Front::Socks,
                });
                return self.refuse(here(), format!("not served by the proxy: {why}")).await;
            }
        };
        self.front = Some(match (speech, &request) {
            (Speech::Socks, _) => Front::Socks,
            (Speech::Http, Some(_)) => Front::Request,
            (Speech::Http, None) => Front::Tunnel,
        });
        let flight = FirstFlight::begun(request.unwrap_or_default());
        match host {
            Host::Address(address) => {
                let destination = crate::destination::canonical(SocketAddr::new(address, port));
                // There a client gets by itself, to what is inside.
                if destination.ip().is_loopback() || destination.ip().is_unspecified() {
                    return self.refuse(bare(Some(destination), port), INSIDE.to_owned()).await;
                }
                // The mapped name, if there is one, may be the proxy's own.
                Box::pin(self.serve_destination(destination, flight)).await;
            }
            Host::Name(name) => {
                let (to, tls) = (Some(name.clone()), TlsName::Unseen);
                let target = Target { host: to, port, tls, caller: Caller::Unasked };
                if name.labels().next_back() == Some("localhost") {
                    return self.refuse(target.action(None), INSIDE.to_owned()).await;
                }
                if !self.proxy.services.has(&name) {
                    // Who connects by itself has to resolve it first.
                    let action = Action::Resolve { name: name.clone() };
                    let considered = self.authority().consider(&action);
                    if !considered.may_be_allowed() {
                        self.authority().authorize(&action).await;
                        return self.turn_away(&considered).await;
                    }
                }
                // Only its port counts, beside a name.
                let ip = self.dialled.map_or(Ipv4Addr::UNSPECIFIED.into(), |it| it.ip());
                self.serve_host(&name, SocketAddr::new(ip, port), flight).await;
            }
        }
    }

    /// Tell a client that its tunnel is there, if it waits for that.
    pub(super) async fn established(&mut self) -> io::Result<()> {
        let succeeded = Reply::Succeeded.bytes();
        let word = match self.front {
            Some(Front::Tunnel) => ESTABLISHED,
            Some(Front::Socks) => &succeeded,
            Some(Front::Request) | None => return Ok(()),
        };
        self.front = None;
        timeout(PATIENCE, self.client.write_all(word)).await??;
        Ok(())
    }

    /// End a client's connection that was denied. That is recorded.
    pub(super) async fn turn_away(self, denial: &Decision) {
        self.end(Reply::NotAllowed, || answer::denied_bytes(denial)).await;
    }

    /// End a client's connection that leads nowhere.
    pub(super) async fn give_up(self, why: &str) {
        let answer = || answer::failed_bytes(StatusCode::BAD_GATEWAY, why);
        self.end(Reply::HostUnreachable, answer).await;
    }

    async fn end(mut self, reply: Reply, answer: impl FnOnce() -> Vec<u8>) {
        let word = match self.front {
            None => return reset(&self.client),
            Some(Front::Socks) => reply.bytes().to_vec(),
            Some(Front::Tunnel | Front::Request) => answer(),
        };
        let ending = async {
            self.client.write_all(&word).await?;
            self.client.shutdown().await?;
            // What is sent after a close takes the answer away before it is read.
            let (mut rest, mut sink) = (self.client.take(MOST_DRAINED), tokio::io::sink());
            tokio::io::copy(&mut rest, &mut sink).await
        };
        timeout(PATIENCE, ending).await.map(drop).unwrap_or_default();
    }
}

const INSIDE: &str = "it is in the sandbox itself, where a program connects without a proxy";
