use std::{io, net::SocketAddr, sync::Arc};

use palisade_core::{
    Action, Authority, Caller, Decision, Event, Handling, HostName, Layer, Look, TlsName, Verdict,
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    EndCause, Ended, Lease, Meaning, Proxy,
    dial::{DialError, Places, Target},
    first_flight::{FirstFlight, Inspected},
    relay::{Meter, Traffic, Way},
};

mod forwarded;
mod inspected;

use forwarded::Front;

/// How often is looked whether a client still waits for the operator's answer.
const LOOK: std::time::Duration = std::time::Duration::from_millis(250);

const LOOKED_INTO: &str = "the policy looks into what goes there now, and this was not begun so";

/// One connection of a client inside, from accept to end.
pub(crate) struct Connection<'a> {
    pub(crate) proxy: &'a Arc<Proxy>,
    pub(crate) client: TcpStream,
    pub(crate) traffic: Traffic,
    /// Where the client's socket leads, as it sees it.
    dialled: Option<SocketAddr>,
    /// Who came to the HTTP proxy, if it did.
    came: Option<Caller>,
    /// How it came by the HTTP proxy, as long as that still has to answer.
    front: Option<Front>,
}

/// A connection that leads somewhere.
struct Joined<'a> {
    server: TcpStream,
    address: Option<SocketAddr>,
    target: &'a mut Target,
    flight: FirstFlight,
    /// Whether what the client says first must be read before it goes on.
    inspect: bool,
    /// The policy that it was permitted by.
    generation: u64,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(proxy: &'a Arc<Proxy>, client: TcpStream) -> Self {
        Self { proxy, client, traffic: Traffic::new(), dialled: None, came: None, front: None }
    }

    /// Decide where this one may go and serve it to its end. `own` is the listener's address: who
    /// came straight to it meant to go nowhere.
    pub(crate) async fn serve(mut self, own: SocketAddr) {
        let destination = match self.proxy.destination.of(&self.client) {
            Ok(destination) => crate::destination::canonical(destination),
            Err(error) => {
                let why = format!("its destination is unknown: {error}");
                return self.refuse(bare(None, own.port()), why).await;
            }
        };
        if crate::destination::is_straight(destination, own) {
            let why = "it came straight to the proxy, which serves only what is led to it";
            return self.refuse(bare(Some(destination), own.port()), why.into()).await;
        }
        self.dialled = Some(destination);
        self.serve_destination(destination, FirstFlight::default()).await;
    }

    async fn serve_destination(self, destination: SocketAddr, flight: FirstFlight) {
        match self.proxy.synthetic.meaning(destination.ip()) {
            Meaning::Name(lease) => self.serve_name(&lease, destination, flight).await,
            Meaning::Unmapped => {
                let why = "the address stands for no name; ask the resolver first";
                self.refuse(bare(Some(destination), destination.port()), why.into()).await;
            }
            Meaning::Bare(_) => self.serve_address(destination, flight).await,
        }
    }

    async fn serve_name(self, lease: &Lease, destination: SocketAddr, flight: FirstFlight) {
        let (host, port) = (lease.name(), destination.port());
        if self.proxy.services.is_proxy(host, port) && self.front.is_none() {
            return self.serve_front(host, port).await;
        }
        self.serve_host(host, destination, flight).await;
    }

    /// What the client said already is in `flight`.
    async fn serve_host(
        mut self,
        host: &HostName,
        destination: SocketAddr,
        mut flight: FirstFlight,
    ) {
        let port = destination.port();
        // How it is handled is settled by the policy of now.
        let generation = self.authority().generation();
        if let Some(service) = self.proxy.services.at(host, port) {
            if !flight.is_empty() {
                let why = "what the supervisor serves itself is asked for by CONNECT";
                let (host, tls) = (Some(host.clone()), TlsName::Unseen);
                let target = Target { host, port, tls, caller: Caller::Unasked };
                return self.refuse(target.action(None), why.to_owned()).await;
            }
            if let Err(denial) = self.may_be_served(host, port).await {
                return self.turn_away(&denial).await;
            }
            if self.established().await.is_err() {
                return;
            }
            return service.serve(self.client).await;
        }
        let caller = self.caller(Some(host), destination).await;
        let mut target = Target { host: Some(host.clone()), port, tls: TlsName::Unseen, caller };
        let authority = Arc::clone(&self.proxy.authority);
        let caller = target.caller.clone();
        self.traffic.count_for(Meter { authority, host: host.clone(), port, caller });
        if let Err(denial) = self.may_go_on(&target.action(None)).await {
            return self.turn_away(&denial).await;
        }
        if self.established().await.is_err() {
            return;
        }
        if let Some(inspector) = &self.proxy.inspector
            && inspector.policy.of(host, port) == Handling::Inspect
        {
            return self.inspect(target, inspector, flight).await;
        }
        if flight.is_empty() {
            let first = flight.fill(&mut self.client);
            if let Ok(Err(_)) = timeout(self.proxy.limits.first_byte, first).await {
                // It is gone, and nothing was done for it.
                return;
            }
        }
        // Whether what the client says first is still to be read.
        let mut inspect = flight.is_empty();
        if !inspect {
            let limits = &self.proxy.limits;
            let inspected = flight.inspect(&mut self.client, (host, port), limits).await;
            let Ok(inspected) = inspected else { return };
            inspect = inspected.is_none();
            let inspected = inspected.unwrap_or_else(Inspected::open);
            target.tls = inspected.tls;
            if let Some(why) = inspected.refusal {
                return self.refuse(target.action(None), why).await;
            }
            if let Err(denial) = self.may_go_on(&target.action(None)).await {
                return self.turn_away(&denial).await;
            }
        }
        if let Err(denial) = target.may_look_up(host, self.proxy).await {
            return self.turn_away(&denial).await;
        }
        let places = match target.places(host, self.proxy).await {
            Ok(places) => places,
            Err(error) => return self.unreachable(&target, "resolve", &error).await,
        };
        self.join(&mut target, places, (flight, inspect), generation).await;
    }

    async fn serve_address(mut self, address: SocketAddr, flight: FirstFlight) {
        let generation = self.authority().generation();
        let caller = self.caller(None, address).await;
        let (port, tls) = (address.port(), TlsName::Unseen);
        let mut target = Target { host: None, port, tls, caller };
        if let Err(denial) = self.may_go_on(&target.action(Some(address))).await {
            return self.turn_away(&denial).await;
        }
        if self.established().await.is_err() {
            return;
        }
        let places = Places::Addresses(vec![address.ip()]);
        self.join(&mut target, places, (flight, false), generation).await;
    }

    async fn join(
        self,
        target: &mut Target,
        places: Places,
        (flight, inspect): (FirstFlight, bool),
        generation: u64,
    ) {
        let (server, address) = match target.reach(places, self.proxy).await {
            Ok(reached) => reached,
            Err(DialError::Denied(denial)) => return self.turn_away(&denial).await,
            Err(DialError::Failed(error)) => {
                return self.unreachable(target, "reach", &error).await;
            }
        };
        let action = target.action(address);
        if self.authority().generation() != generation && self.proxy.looks_into(&action) {
            // The client was taken for one that passes unseen.
            return self.refuse(action, LOOKED_INTO.to_owned()).await;
        }
        self.relay(Joined { server, address, target, flight, inspect, generation }).await;
    }

    async fn relay(mut self, joined: Joined<'_>) {
        let Joined { mut server, address, target, mut flight, inspect, generation } = joined;
        let forbidden = self.proxy.forbidden(target.action(address), generation);
        // Small writes go out as they come; that they were merged is not ours to know.
        server.set_nodelay(true).ok();
        let (proxy, traffic) = (self.proxy, &self.traffic);
        let (mut from_client, to_client) = self.client.split();
        let (from_server, mut to_server) = server.split();
        let host = target.host.clone();

        let outward = async {
            // How much of it went on already.
            let mut gone = 0;
            if let (true, Some(host)) = (inspect, &host) {
                loop {
                    // What is there already is known to be of no meaning alone.
                    let said = flight.bytes.get(gone..).unwrap_or_default();
                    traffic.write(Way::Out, said, &mut to_server).await?;
                    gone = flight.bytes.len();
                    flight.fill(&mut from_client).await?;
                    if flight.is_empty() {
                        break;
                    }
                    let at = (host, target.port);
                    let inspected = flight.inspect(&mut from_client, at, &proxy.limits).await?;
                    if let Some(inspected) = inspected {
                        target.tls = inspected.tls;
                        let action = target.action(address);
                        proxy.still_allowed(&action, inspected.refusal).await?;
                        break;
                    }
                }
            }
            let rest = flight.bytes.get(gone..).unwrap_or_default();
            traffic.write(Way::Out, rest, &mut to_server).await?;
            drop(flight);
            traffic.pass(Way::Out, from_client, to_server).await
        };
        let inward = traffic.pass(Way::In, from_server, to_client);
        let both = async { tokio::try_join!(outward, inward).map(|_| ()) };

        let cause = tokio::select! {
            result = both => match result {
                Ok(()) => EndCause::Closed,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => EndCause::Denied,
                Err(_) => EndCause::Broken,
            },
            () = traffic.idle(proxy.limits.idle) => EndCause::Idle,
            () = forbidden => EndCause::Denied,
        };
        if cause != EndCause::Closed {
            reset(&self.client);
            reset(&server);
        }
        proxy.observer.ended(&Ended {
            host,
            address,
            sent: traffic.sent(),
            received: traffic.received(),
            lasted: traffic.lasted(),
            cause,
        });
    }

    /// Whether it is permitted, if need be by the operator, whose answer is waited for as long as the
    /// client is there. A denial is recorded.
    async fn may_go_on(&self, action: &Action) -> Result<(), Decision> {
        let considered = self.authority().consider(action);
        match considered.verdict {
            Verdict::Allow => Ok(()),
            Verdict::Ask => tokio::select! {
                // Also one that is gone already leaves a record that it wanted this.
                biased;
                decision = self.authority().authorize(action) => {
                    if decision.is_allowed() { Ok(()) } else { Err(decision) }
                }
                () = self.gone() => Err(considered),
            },
            Verdict::Deny | Verdict::Observe => {
                // That it might be permitted by now changes nothing.
                self.authority().authorize(action).await;
                Err(considered)
            }
        }
    }

    /// Whether what is served here may be used by who connects. A denial is recorded.
    async fn may_be_served(&self, host: &HostName, port: u16) -> Result<(), Decision> {
        let caller = match (self.authority().look_at_most(), &self.came) {
            (Look::None, _) => return Ok(()),
            (_, Some(came)) => came.clone(),
            (look, None) => self.who(look).await,
        };
        let Err(denial) = self.authority().may_be_served(host, &caller) else { return Ok(()) };
        let target = Target { host: Some(host.clone()), port, tls: TlsName::Unseen, caller };
        self.authority().record(Event::decided(&target.action(None), &denial)).await;
        Err(denial)
    }

    /// Who connects, if that is to be known. It is looked at once, before anything is done for it.
    async fn caller(&self, host: Option<&HostName>, destination: SocketAddr) -> Caller {
        let look = self.authority().look(host, destination.ip(), destination.port());
        if look == Look::None {
            return Caller::Unasked;
        }
        match &self.came {
            // Who began it can be told once, and what it has become since does not count.
            Some(came) => came.clone(),
            None => self.who(look).await,
        }
    }

    /// Who has the client's end.
    async fn who(&self, look: Look) -> Caller {
        match (self.client.peer_addr(), self.dialled) {
            (Ok(client), Some(dialled)) => self.proxy.callers.who(client, dialled, look).await,
            (Err(error), _) => Caller::Unknown(error.to_string().into()),
            (Ok(_), None) => Caller::Unknown("its destination is unknown".into()),
        }
    }

    /// Resolves when the client has given up. What it has said before is still to be read, so the
    /// end of that is not seen by reading.
    async fn gone(&self) {
        let ends = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        loop {
            let mut client = [PollFd::new(&self.client, PollFlags::RDHUP)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut client, Some(&now)).ok();
            if client.iter().any(|client| client.revents().intersects(ends)) {
                return;
            }
            sleep(LOOK).await;
        }
    }

    fn authority(&self) -> &dyn Authority {
        &*self.proxy.authority
    }

    /// Let the authority deny and record this. That it might allow it by now changes nothing.
    async fn deny(self, action: &Action) {
        let decision = self.authority().authorize(action).await;
        self.turn_away(&decision).await;
    }

    /// Record a denial of our own.
    async fn refuse(self, action: Action, why: String) {
        let denial = Decision::deny(why);
        self.authority().record(Event::decided(&action, &denial)).await;
        self.turn_away(&denial).await;
    }

    /// Record that what is allowed cannot be done.
    async fn unreachable(self, target: &Target, step: &str, error: &io::Error) {
        let action = target.action(None);
        let mut event = Event::observed(action.kind(), Layer::Egress, action.subject());
        event.reason = format!("cannot {step} it: {error}");
        let why = event.reason.clone();
        self.authority().record(event.with("port", target.port)).await;
        self.give_up(&why).await;
    }
}

impl Proxy {
    /// Resolves when a policy that comes into force later does not permit this any more. The
    /// denial is recorded.
    async fn forbidden(&self, action: Action, mut generation: u64) {
        loop {
            generation = self.authority.replaced(generation).await;
            let considered = self.authority.consider(&action);
            // It was permitted before untrusted content came in, and nobody sees what it is used for since.
            if considered.is_about_taint() {
                let denial = Decision { verdict: Verdict::Deny, ..considered };
                self.authority.record(Event::decided(&action, &denial)).await;
                return;
            }
            // What an answer of the operator permitted needs no other one.
            if !considered.may_be_allowed() {
                self.authority.authorize(&action).await;
                return;
            }
            if self.looks_into(&action) {
                let denial = Decision::deny(LOOKED_INTO);
                self.authority.record(Event::decided(&action, &denial)).await;
                return;
            }
        }
    }

    fn looks_into(&self, action: &Action) -> bool {
        let Action::Connect { host: Some(host), port, .. } = action else { return false };
        let policy = self.inspector.as_ref().map(|inspector| &inspector.policy);
        policy.is_some_and(|policy| policy.of(host, *port) == Handling::Inspect)
    }

    /// Judge a connection again that was dialled before the client had spoken. Its event is in
    /// the journal already; only a denial makes another.
    async fn still_allowed(&self, action: &Action, refusal: Option<String>) -> io::Result<()> {
        if let Some(why) = refusal {
            self.authority.record(Event::decided(action, &Decision::deny(why))).await;
        } else if self.authority.consider(action).may_be_allowed() {
            return Ok(());
        } else {
            self.authority.authorize(action).await;
        }
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

fn bare(address: Option<SocketAddr>, port: u16) -> Action {
    let host: Option<HostName> = None;
    let (tls, caller) = (TlsName::Unseen, Caller::Unasked);
    Action::Connect { host, port, address, tls, caller }
}

/// Have the kernel say so at once when this one is closed: the client gets an error, not an end.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().ok();
}
