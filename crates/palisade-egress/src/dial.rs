use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use palisade_core::{Action, Authority, Caller, Decision, Event, HostName, TlsName};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{Limits, published::leads_to_one};

/// Addresses of one name that are tried.
const MOST_CANDIDATES: usize = 16;

/// Where a client wants to go, as far as the proxy knows.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) host: Option<HostName>,
    pub(crate) port: u16,
    pub(crate) tls: TlsName,
    /// Who wants to go there.
    pub(crate) caller: Caller,
}

/// Why nobody was reached.
#[derive(Debug)]
pub(crate) enum DialError {
    /// No address is permitted; it is recorded.
    Denied(Decision),
    /// The permitted ones did not answer.
    Failed(io::Error),
}

impl Target {
    /// The act of connecting there, at `address` if that is known.
    pub(crate) fn action(&self, address: Option<SocketAddr>) -> Action {
        Action::Connect {
            host: self.host.clone(),
            port: self.port,
            address,
            tls: self.tls.clone(),
            caller: self.caller.clone(),
        }
    }

    /// Reach the first of these addresses that is permitted and answers. Each is judged before,
    /// and authorised as it is dialled; the next is tried beside it when it takes long.
    pub(crate) async fn dial(
        &self,
        addresses: Vec<IpAddr>,
        authority: &dyn Authority,
        limits: &Limits,
    ) -> Result<(TcpStream, SocketAddr), DialError> {
        let mut permitted = Vec::new();
        let mut refused = None;
        for ip in addresses.into_iter().take(MOST_CANDIDATES) {
            let address = SocketAddr::new(ip, self.port);
            if authority.consider(&self.action(Some(address))).is_allowed() {
                permitted.push(address);
            } else {
                refused.get_or_insert(address);
            }
        }
        if permitted.is_empty() {
            if let Some(address) = refused {
                let decision = authority.authorize(&self.action(Some(address))).await;
                return Err(DialError::Denied(decision));
            }
            return Err(DialError::Failed(io::Error::other("the name has no address")));
        }

        let mut attempts = JoinSet::new();
        let mut waiting = permitted.into_iter();
        let mut failure = DialError::Failed(io::Error::other("no address was tried"));
        loop {
            if let Some(address) = waiting.next() {
                if leads_to_one(Ok(address)) {
                    failure = DialError::Denied(self.refuse(address, authority).await);
                    continue;
                }
                let decision = authority.authorize(&self.action(Some(address))).await;
                if !decision.is_allowed() {
                    failure = DialError::Denied(decision);
                    continue;
                }
                let connect = limits.connect;
                attempts.spawn(async move {
                    match timeout(connect, TcpStream::connect(address)).await {
                        Ok(result) => result.map(|stream| (stream, address)),
                        Err(_) => Err(io::ErrorKind::TimedOut.into()),
                    }
                });
            } else if attempts.is_empty() {
                return Err(failure);
            }
            tokio::select! {
                Some(done) = attempts.join_next() => match done.unwrap_or_else(|e| Err(e.into())) {
                    // It was published meanwhile.
                    Ok((stream, address)) if leads_to_one(stream.peer_addr()) => {
                        failure = DialError::Denied(self.refuse(address, authority).await);
                    }
                    Ok(reached) => return Ok(reached),
                    Err(error) => failure = DialError::Failed(error),
                },
                () = sleep(limits.stagger), if waiting.len() > 0 => {}
                else => {}
            }
        }
    }

    /// Record that a permitted address is one that nobody inside gets to.
    async fn refuse(&self, address: SocketAddr, authority: &dyn Authority) -> Decision {
        let decision = Decision::deny(format!(
            "a sandbox publishes {address} for a person to look at, and no sandbox connects to that"
        ));
        let event = Event::decided(&self.action(Some(address)), &decision);
        authority.record(event).await;
        decision
    }
}
