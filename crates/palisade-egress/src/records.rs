//! SRV, MX and TXT records of names that a rule opens, from the host's nameservers.
//!
//! A question of ours is made anew: a whole name of the policy in small letters, so that nothing of the agent's
//! is in it. What comes back is read, and of it only records of the kind that was asked for are kept.

use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use palisade_core::{BoxFuture, HostName, RecordKind};
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout},
};

/// Where the host's nameservers are named (resolv.conf(5)).
const CONFIGURATION: &str = "/etc/resolv.conf";
const DNS: u16 = 53;
/// As many as the C library asks.
const MOST_SERVERS: usize = 3;
/// How long one nameserver may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Questions in a minute that leave, of one sandbox.
const MOST_IN_A_MINUTE: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);
/// Records of one answer, and bytes of them.
const MOST_RECORDS: usize = 32;
const MOST_BYTES: usize = 8 * 1024;
/// How long an answer is kept, and how many are.
const KEPT: Duration = Duration::from_secs(60);
const MOST_KEPT: usize = 256;
/// What is taken over UDP.
const LONGEST_UDP: u16 = 1232;

/// Finds records of a name, outside.
pub trait Records: Send + Sync + 'static {
    /// The data of all records of this kind; none if the name has none.
    fn of<'a>(
        &'a self,
        name: &'a HostName,
        kind: RecordKind,
    ) -> BoxFuture<'a, io::Result<Vec<RData>>>;
}

/// Asks the nameservers of the host, one after the other.
#[derive(Debug)]
pub struct HostRecords {
    /// `None`: those of the host's configuration at the time.
    servers: Option<Vec<SocketAddr>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the questions of the last minute left.
    asked: VecDeque<Instant>,
    kept: HashMap<(HostName, RecordKind), (Instant, Vec<RData>)>,
}

impl HostRecords {
    /// Those of the host's configuration; the host itself where it names none.
    pub fn of_host() -> Self {
        Self { servers: None, state: Mutex::default() }
    }

    /// These.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers: Some(servers), state: Mutex::default() }
    }

    fn servers(&self) -> Vec<SocketAddr> {
        self.servers.clone().unwrap_or_else(|| {
            servers(&fs::read_to_string(Path::new(CONFIGURATION)).unwrap_or_default())
        })
    }

    async fn ask(&self, name: &HostName, kind: RecordKind) -> io::Result<Vec<RData>> {
        if let Some(known) = self.known(name, kind) {
            return Ok(known);
        }
        if !self.may_ask() {
            return Err(io::Error::other(format!(
                "{MOST_IN_A_MINUTE} questions have left within a minute"
            )));
        }
        let mut failure = io::Error::other("the host has no nameserver");
        for server in self.servers() {
            match ask_one(server, name, kind).await {
                Ok(found) => {
                    self.keep(name, kind, &found);
                    return Ok(found);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn known(&self, name: &HostName, kind: RecordKind) -> Option<Vec<RData>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (when, found) = state.kept.get(&(name.clone(), kind))?;
        (when.elapsed() < KEPT).then(|| found.clone())
    }

    fn keep(&self, name: &HostName, kind: RecordKind, found: &[RData]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.kept.len() >= MOST_KEPT {
            state.kept.clear();
        }
        state.kept.insert((name.clone(), kind), (Instant::now(), found.to_vec()));
    }

    fn may_ask(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.asked.front().is_some_and(|then| then.elapsed() >= MINUTE) {
            state.asked.pop_front();
        }
        if state.asked.len() >= MOST_IN_A_MINUTE {
            return false;
        }
        state.asked.push_back(Instant::now());
        true
    }
}

impl Records for HostRecords {
    fn of<'a>(
        &'a self,
        name: &'a HostName,
        kind: RecordKind,
    ) -> BoxFuture<'a, io::Result<Vec<RData>>> {
        Box::pin(self.ask(name, kind))
    }
}

/// The record type of a kind that can be opened.
pub(crate) fn kind_of(kind: RecordType) -> Option<RecordKind> {
    match kind {
        RecordType::SRV => Some(RecordKind::Srv),
        RecordType::MX => Some(RecordKind::Mx),
        RecordType::TXT => Some(RecordKind::Txt),
        _ => None,
    }
}

fn type_of(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::Srv => RecordType::SRV,
        RecordKind::Mx => RecordType::MX,
        RecordKind::Txt => RecordType::TXT,
    }
}

/// The `nameserver` lines. An address with a scope is left out: it says nothing without its interface.
fn servers(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()).flatten()
    });
    let addresses = lines.filter_map(|word| word.parse::<IpAddr>().ok());
    let mut found: Vec<_> =
        addresses.take(MOST_SERVERS).map(|address| SocketAddr::new(address, DNS)).collect();
    if found.is_empty() {
        found.push((Ipv4Addr::LOCALHOST, DNS).into());
    }
    found
}

async fn ask_one(server: SocketAddr, name: &HostName, kind: RecordKind) -> io::Result<Vec<RData>> {
    let question = Question::new(name, kind)?;
    let answer = match timeout(PATIENCE, question.by_udp(server)).await {
        Ok(answer) => answer?,
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    };
    if !answer.metadata.truncation {
        return question.records(&answer);
    }
    match timeout(PATIENCE, question.by_tcp(server)).await {
        Ok(answer) => question.records(&answer?),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// One question of ours.
struct Question {
    id: u16,
    query: Query,
    kind: RecordKind,
    bytes: Vec<u8>,
}

impl Question {
    fn new(name: &HostName, kind: RecordKind) -> io::Result<Self> {
        let mut random = [0_u8; 2];
        getrandom(&mut random, GetRandomFlags::empty())?;
        let id = u16::from_ne_bytes(random);
        let mut name = Name::from_ascii(name.as_str()).map_err(io::Error::other)?;
        name.set_fqdn(true);
        let query = Query::query(name, type_of(kind));
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(query.clone());
        let mut edns = Edns::new();
        edns.set_max_payload(LONGEST_UDP);
        message.set_edns(edns);
        let bytes = message.to_vec().map_err(io::Error::other)?;
        Ok(Self { id, query, kind, bytes })
    }

    async fn by_udp(&self, server: SocketAddr) -> io::Result<Message> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(server).await?;
        socket.send(&self.bytes).await?;
        let mut packet = vec![0; usize::from(LONGEST_UDP)];
        loop {
            let length = socket.recv(&mut packet).await?;
            // What answers another question is somebody's guess.
            if let Some(answer) = self.read(packet.get(..length).unwrap_or_default()) {
                return Ok(answer);
            }
        }
    }

    async fn by_tcp(&self, server: SocketAddr) -> io::Result<Message> {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(self.bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), self.bytes.as_slice()].concat()).await?;
        let length = stream.read_u16().await?;
        let mut packet = vec![0; usize::from(length)];
        stream.read_exact(&mut packet).await?;
        self.read(&packet).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The answer to this question, if it is one.
    fn read(&self, packet: &[u8]) -> Option<Message> {
        let answer = Message::from_vec(packet).ok()?;
        let ours = answer.metadata.id == self.id
            && answer.metadata.message_type == MessageType::Response
            && matches!(answer.queries.as_slice(), [query] if *query == self.query);
        ours.then_some(answer)
    }

    fn records(&self, answer: &Message) -> io::Result<Vec<RData>> {
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => {}
            code => return Err(io::Error::other(format!("the nameserver says {code}"))),
        }
        let of_kind = |data: &&RData| {
            matches!(
                (self.kind, data),
                (RecordKind::Srv, RData::SRV(_))
                    | (RecordKind::Mx, RData::MX(_))
                    | (RecordKind::Txt, RData::TXT(_))
            )
        };
        let all = answer.answers.iter().map(|record| &record.data).filter(of_kind);
        let mut left = MOST_BYTES;
        let fits = all.take_while(|data| {
            let fits = left.checked_sub(length(data));
            left = fits.unwrap_or(0);
            fits.is_some()
        });
        Ok(fits.take(MOST_RECORDS).cloned().collect())
    }
}

/// For [`crate::fuzz`]: how many records are taken of an answer that begins like one to this question.
pub(crate) fn taken_of(name: &HostName, kind: RecordKind, rest: &[u8]) -> Option<usize> {
    let question = Question::new(name, kind).ok()?;
    let mut packet = question.bytes.get(..2)?.to_vec();
    packet.extend_from_slice(rest);
    let answer = question.read(&packet)?;
    question.records(&answer).ok().map(|found| found.len())
}

/// About what a record takes of an answer.
fn length(data: &RData) -> usize {
    match data {
        RData::TXT(text) => text.txt_data.iter().map(|part| part.len() + 1).sum(),
        _ => 300,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nameservers_are_read_as_the_c_library_does() {
        let text = "# x\nsearch a.b\nnameserver 10.0.0.1\n nameserver\t::1 # y\nnameserver fe80::1%eth0\n\
                    nameserver nonsense\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n";
        let shown: Vec<_> = servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.1:53", "[::1]:53", "10.0.0.2:53"]);
        assert_eq!(servers("").len(), 1);
    }

    proptest! {
        #[test]
        fn no_packet_panics(packet in prop::collection::vec(any::<u8>(), 0..300)) {
            let question = Question::new(&"a.test".parse().unwrap(), RecordKind::Txt).unwrap();
            prop_assert!(question.read(&packet).is_none());
            // One that begins like an answer to it.
            let mut answer = question.bytes.clone();
            answer[2] |= 0x80;
            answer.extend(&packet);
            if let Some(answer) = question.read(&answer) {
                prop_assert!(question.records(&answer).is_ok_and(|found| found.len() <= MOST_RECORDS));
            }
        }

        #[test]
        fn no_configuration_panics(text in "(nameserver|x| |\n|[0-9a-f:.%]){0,40}") {
            prop_assert!((1..=MOST_SERVERS).contains(&servers(&text).len()));
        }
    }
}
