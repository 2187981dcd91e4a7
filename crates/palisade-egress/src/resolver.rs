use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, PTR},
    },
};
use palisade_core::{Action, Authority, Event, HostName, Layer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    EgressError, Records, Services, SyntheticMap,
    proxy::{adopt, is_of_the_connection},
    question::{self, Packet, Question},
    records,
};

/// How long a client may believe an answer, in seconds.
const TIME_TO_LIVE: u32 = 60;
/// Questions that are being answered at a time. More are dropped, and clients ask again.
const PARALLEL: usize = 256;
/// TCP connections at a time.
const MOST_TCP: usize = 64;
/// A query has no reason to be longer.
const LONGEST_QUERY: usize = 4096;
/// How long a TCP client may take for its next question, or to take an answer.
const TCP_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait after a socket failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The sockets that queries come in by, on both families as far as there are two.
#[derive(Debug, Default)]
pub struct DnsSockets {
    /// Bound to a loopback address, not to a wildcard: answers must leave from where they are asked.
    pub udp: Vec<std::net::UdpSocket>,
    /// Listening.
    pub tcp: Vec<std::net::TcpListener>,
}

/// Answers DNS from the policy. No question is ever passed on; where a rule opens other records of a name than
/// its addresses, one of ours is asked.
#[derive(Clone)]
pub struct Resolver {
    authority: Arc<dyn Authority>,
    synthetic: Arc<SyntheticMap>,
    services: Services,
    records: Option<Arc<dyn Records>>,
}

impl Resolver {
    /// A resolver that gives the names that `authority` permits, and those of `services`,
    /// addresses from `synthetic`.
    pub fn new(
        authority: Arc<dyn Authority>,
        synthetic: Arc<SyntheticMap>,
        services: Services,
    ) -> Self {
        Self { authority, synthetic, services, records: None }
    }

    /// Answer questions for other records, where a rule opens them, with what `records` finds.
    #[must_use]
    pub fn with_records(self, records: Arc<dyn Records>) -> Self {
        Self { records: Some(records), ..self }
    }

    /// Answer on these sockets. Does not end by itself.
    ///
    /// # Errors
    /// A socket cannot be used, there is no UDP socket, or serving one has stopped.
    pub async fn serve(self, sockets: DnsSockets) -> Result<Infallible, EgressError> {
        let taken = |what| move |source| EgressError::Socket { what, source };
        if sockets.udp.is_empty() {
            return Err(EgressError::NoSocket("resolver's UDP socket"));
        }
        let questions = Arc::new(Semaphore::new(PARALLEL));
        let connections = Arc::new(Semaphore::new(MOST_TCP));
        let mut tasks = JoinSet::new();
        for socket in sockets.udp {
            let adopted = socket.set_nonblocking(true).and_then(|()| UdpSocket::from_std(socket));
            let socket = adopted.map_err(taken("resolver's UDP socket"))?;
            tasks.spawn(self.clone().serve_udp(socket, Arc::clone(&questions)));
        }
        for listener in sockets.tcp {
            let listener = adopt(listener).map_err(taken("resolver's TCP listener"))?;
            tasks.spawn(self.clone().serve_tcp(listener, Arc::clone(&connections)));
        }
        tasks.join_next().await;
        Err(EgressError::Stopped("resolver"))
    }

    async fn serve_udp(self, socket: UdpSocket, questions: Arc<Semaphore>) {
        let socket = Arc::new(socket);
        let mut answering = JoinSet::new();
        let mut packet = vec![0; LONGEST_QUERY];
        loop {
            let received: io::Result<(usize, SocketAddr)> = tokio::select! {
                received = socket.recv_from(&mut packet) => received,
                Some(_) = answering.join_next() => continue,
            };
            let Ok((length, client)) = received else {
                sleep(PAUSE).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&questions).try_acquire_owned() else { continue };
            let query = packet.get(..length).unwrap_or_default().to_vec();
            let (resolver, socket) = (self.clone(), Arc::clone(&socket));
            answering.spawn(async move {
                if let Some(answer) = resolver.answer(&query, None).await {
                    socket.send_to(&answer, client).await.ok();
                }
                drop(permit);
            });
        }
    }

    async fn serve_tcp(self, listener: TcpListener, connections: Arc<Semaphore>) {
        let mut serving = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = serving.join_next() => continue,
            };
            let client = match accepted {
                Ok((client, _)) => client,
                Err(error) if is_of_the_connection(&error) => continue,
                Err(_) => {
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
            let resolver = self.clone();
            serving.spawn(async move {
                // However it ends, it ends this client only.
                resolver.serve_tcp_client(client).await.ok();
                drop(permit);
            });
        }
    }

    /// Questions and answers with their lengths before them (RFC 7766, section 8).
    async fn serve_tcp_client(&self, mut client: TcpStream) -> io::Result<()> {
        loop {
            let length = timeout(TCP_PATIENCE, client.read_u16()).await??;
            let mut query = vec![0; usize::from(length)];
            if query.len() > LONGEST_QUERY {
                return Err(io::ErrorKind::InvalidData.into());
            }
            timeout(TCP_PATIENCE, client.read_exact(&mut query)).await??;
            let Some(answer) = self.answer(&query, Some(u16::MAX)).await else { return Ok(()) };
            let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
            let framed = [&length.to_be_bytes(), answer.as_slice()].concat();
            timeout(TCP_PATIENCE, client.write_all(&framed)).await??;
        }
    }

    /// The answer to a packet, if it deserves one. `room` is the longest the client can take,
    /// or `None` to go by what the packet says.
    pub async fn answer(&self, packet: &[u8], room: Option<u16>) -> Option<Vec<u8>> {
        match question::read(packet) {
            Packet::Noise => None,
            Packet::Refused(answer, why) => {
                let asked = format!("{} octets", packet.len());
                self.authority.authorize(&Action::ResolveRefused { asked, why }).await;
                question::encode(&answer, u16::MAX)
            }
            Packet::Asked(question) => {
                let Question { query, mut answer, room: said } = *question;
                let outcome = self.resolve(query.name(), query.query_type(), &mut answer).await;
                answer.metadata.response_code = outcome;
                question::encode(&answer, room.unwrap_or(said))
            }
        }
    }

    async fn resolve(&self, asked: &Name, kind: RecordType, answer: &mut Message) -> ResponseCode {
        if matches!(kind, RecordType::AXFR | RecordType::IXFR) {
            self.refuse(asked, "a zone transfer").await;
            return ResponseCode::Refused;
        }
        if kind == RecordType::PTR
            && let Some(name) = self.name_behind(asked)
        {
            answer.add_answer(record(asked, RData::PTR(PTR(name))));
            return ResponseCode::NoError;
        }
        let name = match question::host_name(asked) {
            Ok(name) => name,
            Err(why) => {
                self.refuse(asked, &why).await;
                return ResponseCode::NXDomain;
            }
        };
        let (v4, v6) = if is_localhost(&name) {
            (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST)
        } else {
            let action = Action::Resolve { name: name.clone() };
            if !self.services.has(&name) && !self.authority.consider(&action).may_be_allowed() {
                self.authority.authorize(&action).await;
                return ResponseCode::NXDomain;
            }
            match self.synthetic.assign(&name) {
                Some(twins) => (twins.v4, twins.v6),
                None => {
                    self.refuse(
                        asked,
                        "so many names were asked for that no address is left to stand for it",
                    )
                    .await;
                    return ResponseCode::ServFail;
                }
            }
        };
        match kind {
            RecordType::A => answer.add_answer(record(asked, RData::A(A(v4)))),
            RecordType::AAAA => answer.add_answer(record(asked, RData::AAAA(AAAA(v6)))),
            RecordType::SRV | RecordType::MX | RecordType::TXT => {
                return self.other_records(asked, &name, kind, answer).await;
            }
            // The name exists, and has nothing of this kind: no keys for an encrypted
            // ClientHello, no text to carry anything.
            _ => answer,
        };
        ResponseCode::NoError
    }

    /// What a rule opens comes from outside; of what none opens the name has nothing, as of any other kind.
    async fn other_records(
        &self,
        asked: &Name,
        name: &HostName,
        kind: RecordType,
        answer: &mut Message,
    ) -> ResponseCode {
        let (Some(records), Some(kind)) = (&self.records, records::kind_of(kind)) else {
            return ResponseCode::NoError;
        };
        let action = Action::Records { name: name.clone(), kind };
        if is_localhost(name) || self.services.has(name) {
            return ResponseCode::NoError;
        }
        if !self.authority.consider(&action).is_allowed() {
            return ResponseCode::NoError;
        }
        if !self.authority.authorize(&action).await.is_allowed() {
            return ResponseCode::Refused;
        }
        match records.of(name, kind).await {
            Ok(found) => {
                answer.add_answers(found.into_iter().map(|data| record(asked, data)));
                ResponseCode::NoError
            }
            Err(error) => {
                let mut event = Event::observed(action.kind(), Layer::Network, action.subject());
                event.reason = format!("the host's nameservers do not tell: {error}");
                self.authority.record(event).await;
                ResponseCode::ServFail
            }
        }
    }

    async fn refuse(&self, asked: &Name, why: &str) {
        let action = Action::ResolveRefused { asked: question::shown(asked), why: why.to_owned() };
        self.authority.authorize(&action).await;
    }

    /// The name of an address of ours.
    fn name_behind(&self, reverse: &Name) -> Option<Name> {
        let net = reverse.parse_arpa_name().ok()?;
        if net.prefix_len() != net.max_prefix_len() {
            return None;
        }
        let address: IpAddr = net.addr();
        let name = if address.is_loopback() {
            "localhost".to_owned()
        } else {
            self.synthetic.name_of(address)?.to_string()
        };
        Name::from_ascii(name).ok().map(|mut name| {
            name.set_fqdn(true);
            name
        })
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("services", &self.services).finish_non_exhaustive()
    }
}

fn record(name: &Name, data: RData) -> Record {
    Record::from_rdata(name.clone(), TIME_TO_LIVE, data)
}

/// `localhost` and everything below it is this host (RFC 6761, section 6.3).
fn is_localhost(name: &HostName) -> bool {
    name.labels().next_back() == Some("localhost")
}
