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

use crate::{OutboundProxy, Proxy, published::leads_to_one};

/// Addresses of one name that are tried.
const MOST_CANDIDATES: usize = 16;

const PUBLISHED: &str =
    "a sandbox publishes it for a person to look at, and no sandbox connects to that";
const OUTBOUND: &str = "it is the operator's proxy (`network.upstream`), which leads anywhere";

/// Where a client wants to go, as far as the proxy knows.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) host: Option<HostName>,
    pub(crate) port: u16,
    pub(crate) tls: TlsName,
    /// Who wants to go there.
    pub(crate) caller: Caller,
}

/// Where a target may be.
#[derive(Debug)]
pub(crate) enum Places {
    /// At one of these.
    Addresses(Vec<IpAddr>),
    /// Where the operator's proxy finds the name. Nothing is known of that here.
    ByProxy,
}

/// A connection to a target, and where it is as far as that is known here.
pub(crate) type Reached = (TcpStream, Option<SocketAddr>);

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

    /// Whether it may be looked up, where that lets its name out. A denial is recorded.
    pub(crate) async fn may_look_up(&self, host: &HostName, proxy: &Proxy) -> Result<(), Decision> {
        if proxy.lookup.is_fixed(host) {
            return Ok(());
        }
        let denied = proxy.authority.may_look_up(host);
        if let Err(denial) = &denied {
            proxy.authority.record(Event::decided(&self.action(None), denial)).await;
        }
        denied
    }

    /// Where it may be. Asked once for each dial.
    pub(crate) async fn places(&self, host: &HostName, proxy: &Proxy) -> io::Result<Places> {
        if proxy.outbound.as_ref().is_some_and(|it| it.finds(host, &*proxy.lookup)) {
            return Ok(Places::ByProxy);
        }
        proxy.lookup.addresses(host).await.map(Places::Addresses)
    }

    /// Reach it where it may be.
    pub(crate) async fn reach(&self, places: Places, proxy: &Proxy) -> Result<Reached, DialError> {
        match (places, &proxy.outbound, &self.host) {
            (Places::Addresses(addresses), ..) => {
                let (stream, address) = self.dial(addresses, proxy).await?;
                Ok((stream, Some(address)))
            }
            (Places::ByProxy, Some(outbound), Some(host)) => {
                Ok((self.ask_for(host, outbound, proxy).await?, None))
            }
            (Places::ByProxy, ..) => Err(DialError::Failed(io::ErrorKind::InvalidInput.into())),
        }
    }

    /// Have the operator's proxy reach it, wherever it finds it.
    async fn ask_for(
        &self,
        host: &HostName,
        outbound: &OutboundProxy,
        proxy: &Proxy,
    ) -> Result<TcpStream, DialError> {
        let authority = &*proxy.authority;
        if outbound.is_at(Some(host), None, self.port).await {
            return Err(DialError::Denied(self.refuse(None, OUTBOUND, authority).await));
        }
        let decision = authority.authorize(&self.action(None)).await;
        if !decision.is_allowed() {
            return Err(DialError::Denied(decision));
        }
        let tunnel = timeout(proxy.limits.connect, outbound.to_name(host, self.port)).await;
        let stream = tunnel.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(DialError::Failed)?;
        if leads_to_one(stream.peer_addr()) {
            return Err(DialError::Denied(self.refuse(None, PUBLISHED, authority).await));
        }
        Ok(stream)
    }

    /// Reach the first of these addresses that is permitted and answers. Each is judged before,
    /// and authorised as it is dialled; the next is tried beside it when it takes long.
    async fn dial(
        &self,
        addresses: Vec<IpAddr>,
        proxy: &Proxy,
    ) -> Result<(TcpStream, SocketAddr), DialError> {
        let (authority, limits) = (&*proxy.authority, &proxy.limits);
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
                    let denial = self.refuse(Some(address), PUBLISHED, authority).await;
                    failure = DialError::Denied(denial);
                    continue;
                }
                if let Some(outbound) = &proxy.outbound
                    && outbound.is_at(self.host.as_ref(), Some(address), self.port).await
                {
                    let denial = self.refuse(Some(address), OUTBOUND, authority).await;
                    failure = DialError::Denied(denial);
                    continue;
                }
                let decision = authority.authorize(&self.action(Some(address))).await;
                if !decision.is_allowed() {
                    failure = DialError::Denied(decision);
                    continue;
                }
                let connect = limits.connect;
                let by = proxy.outbound.as_ref();
                let by = by.filter(|it| !it.is_past(self.host.as_ref(), address.ip())).cloned();
                attempts.spawn(async move {
                    let connecting = async {
                        match by {
                            Some(outbound) => outbound.to_address(address).await,
                            None => TcpStream::connect(address).await,
                        }
                    };
                    match timeout(connect, connecting).await {
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
                        let denial = self.refuse(Some(address), PUBLISHED, authority).await;
                        failure = DialError::Denied(denial);
                    }
                    Ok((stream, address)) => {
                        // It may not have been known for one of this machine's own when it was permitted.
                        let late =
                            is_here(&stream, address.ip()) && authority.found_own(address.ip());
                        if !late {
                            return Ok((stream, address));
                        }
                        let action = self.action(Some(address));
                        if authority.consider(&action).is_allowed() {
                            return Ok((stream, address));
                        }
                        failure = DialError::Denied(authority.authorize(&action).await);
                    }
                    Err(error) => failure = DialError::Failed(error),
                },
                () = sleep(limits.stagger), if waiting.len() > 0 => {}
                else => {}
            }
        }
    }

    /// Record that what is permitted is something that nobody inside gets to.
    async fn refuse(
        &self,
        address: Option<SocketAddr>,
        why: &str,
        authority: &dyn Authority,
    ) -> Decision {
        let decision = Decision::deny(why);
        let event = Event::decided(&self.action(address), &decision);
        authority.record(event).await;
        decision
    }
}

/// Whether a connection to this address has come to this machine itself: the kernel gives one to an address of its
/// own that very address as its source. One through the operator's proxy is to another address.
fn is_here(stream: &TcpStream, address: IpAddr) -> bool {
    let ip = |end: io::Result<SocketAddr>| end.ok().map(|end| end.ip().to_canonical());
    let address = Some(address.to_canonical());
    ip(stream.peer_addr()) == address && ip(stream.local_addr()) == address
}
