use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{DNSClass, Name, RData, RecordType},
};
use palisade_egress::{DnsSockets, HostRecords, Resolver, Services, SyntheticMap};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    sync::mpsc,
    time::timeout,
};

use crate::world::{Judge, LOCALHOST, SOON, name};

struct Desk {
    resolver: Resolver,
    judge: Arc<Judge>,
    map: Arc<SyntheticMap>,
}

fn desk() -> Desk {
    desk_of(SyntheticMap::new())
}

fn desk_of(map: Arc<SyntheticMap>) -> Desk {
    let names = [name("a.example"), name("b.example")].into();
    let judge = Arc::new(Judge { names, ..Judge::default() });
    let (sender, _) = mpsc::channel(1);
    let services = Services::new().with(name("inference.local"), 80, Arc::new(sender));
    let resolver = Resolver::new(Arc::clone(&judge) as _, Arc::clone(&map), services);
    Desk { resolver, judge, map }
}

fn query(asked: &str, kind: RecordType) -> Message {
    let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(asked).unwrap(), kind));
    message
}

impl Desk {
    async fn ask(&self, question: &Message) -> Message {
        let bytes = question.to_vec().unwrap();
        Message::from_vec(&self.resolver.answer(&bytes, None).await.unwrap()).unwrap()
    }

    async fn code(&self, question: &Message) -> ResponseCode {
        self.ask(question).await.metadata.response_code
    }

    fn events(&self) -> Vec<(String, String)> {
        let events = self.judge.events.lock().unwrap();
        events.iter().map(|event| (event.subject.clone(), event.reason.clone())).collect()
    }
}

#[tokio::test]
async fn permitted_names_have_addresses_that_stand_for_them() {
    let desk = desk();
    let answer = desk.ask(&query("A.eXample.", RecordType::A)).await;
    let twins = desk.map.assign(&name("a.example")).unwrap();
    assert_eq!((answer.metadata.id, answer.answers[0].ttl), (4711, 60));
    assert_eq!(answer.answers[0].data, RData::A(twins.v4.into()));
    assert_eq!(answer.queries[0].name().to_ascii(), "A.eXample.", "0x20 is echoed");
    let answer = desk.ask(&query("a.example.", RecordType::AAAA)).await;
    assert_eq!(answer.answers[0].data, RData::AAAA(twins.v6.into()));
    let answer = desk.ask(&query("inference.local.", RecordType::A)).await;
    assert_eq!(answer.answers.len(), 1);
    assert!(desk.events().is_empty());
}

#[tokio::test]
async fn asks_for_more_names_than_there_are_addresses() {
    let desk = desk_of(SyntheticMap::with_capacity(1, SOON).into());
    assert_eq!(desk.code(&query("a.example.", RecordType::A)).await, ResponseCode::NoError);
    assert!(desk.events().is_empty());
    assert_eq!(desk.code(&query("b.example.", RecordType::A)).await, ResponseCode::ServFail);
    assert_eq!(desk.events().len(), 1);
    assert_eq!(desk.events()[0].0, "b.example");
    assert_eq!(desk.code(&query("a.example.", RecordType::A)).await, ResponseCode::NoError);
}

#[tokio::test]
async fn asks_for_keys_of_an_encrypted_hello_and_for_text() {
    let desk = desk();
    for kind in [
        RecordType::HTTPS,
        RecordType::SVCB,
        RecordType::TXT,
        RecordType::MX,
        RecordType::ANY,
        RecordType::NULL,
        RecordType::CNAME,
        RecordType::SOA,
        RecordType::DNSKEY,
    ] {
        let answer = desk.ask(&query("a.example.", kind)).await;
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{kind}");
        assert!(answer.answers.is_empty(), "{kind}");
        assert_eq!(desk.code(&query("x.a.example.", kind)).await, ResponseCode::NXDomain);
    }
}

#[tokio::test]
async fn carries_data_out_in_query_names() {
    let desk = desk();
    for asked in ["c2VjcmV0.evil.example.", "c2VjcmV0.a.example.", "com."] {
        assert_eq!(desk.code(&query(asked, RecordType::A)).await, ResponseCode::NXDomain);
    }
    assert_eq!(desk.events().len(), 3);
    assert_eq!(desk.events()[0].0, "c2vjcmv0.evil.example");
}

#[tokio::test]
async fn asks_for_names_that_cannot_be() {
    let desk = desk();
    let odd: [&[&[u8]]; 6] = [
        &[b"a\0b", b"example"],
        &[b"a b", b"example"],
        &[b"a.example"],
        &[b"\xc3\xa9", b"example"],
        &[b"127", b"1"],
        &[],
    ];
    for labels in odd {
        let mut message = query("x.", RecordType::A);
        message.queries[0].set_name(Name::from_labels(labels.iter().copied()).unwrap());
        assert_eq!(desk.code(&message).await, ResponseCode::NXDomain, "{labels:?}");
    }
    let events = desk.events();
    assert_eq!(events.len(), odd.len());
    assert_eq!(events[0].0, "a\\x00b.example");
}

#[tokio::test]
async fn asks_what_is_no_plain_question() {
    let desk = desk();
    let mut chaos = query("version.bind.", RecordType::TXT);
    chaos.queries[0].set_query_class(DNSClass::CH);
    let mut update = query("a.example.", RecordType::SOA);
    update.metadata.op_code = OpCode::Notify;
    let mut two = query("a.example.", RecordType::A);
    two.add_query(Query::query(Name::from_ascii("b.example.").unwrap(), RecordType::A));
    let none = Message::new(1, MessageType::Query, OpCode::Query);
    let transfer = query("a.example.", RecordType::AXFR);
    for refused in [chaos, update, two, none, transfer] {
        assert_eq!(desk.code(&refused).await, ResponseCode::Refused, "{refused:?}");
    }
    assert_eq!(desk.events().len(), 5);
}

#[tokio::test]
async fn localhost_and_reverse_names_are_answered_here() {
    let desk = desk();
    for asked in ["localhost.", "x.LOCALHOST."] {
        let answer = desk.ask(&query(asked, RecordType::A)).await;
        assert_eq!(answer.answers[0].data.ip_addr(), Some(LOCALHOST));
        let answer = desk.ask(&query(asked, RecordType::AAAA)).await;
        assert_eq!(answer.answers[0].data.ip_addr(), Some("::1".parse().unwrap()));
    }
    let twins = desk.map.assign(&name("a.example")).unwrap();
    for (address, expected) in [
        (IpAddr::from(twins.v4), "a.example."),
        (twins.v6.into(), "a.example."),
        (LOCALHOST, "localhost."),
    ] {
        let mut message = query("x.", RecordType::PTR);
        message.queries[0].set_name(Name::from(address));
        let answer = desk.ask(&message).await;
        assert_eq!(answer.answers[0].data.to_string(), expected);
    }
    for other in ["4.3.2.1.in-addr.arpa.", "18.198.in-addr.arpa.", "9.9.19.198.in-addr.arpa."] {
        let code = desk.code(&query(other, RecordType::PTR)).await;
        assert_eq!(code, ResponseCode::NXDomain, "{other}");
    }
}

#[tokio::test]
async fn sends_noise() {
    let desk = desk();
    for noise in [&b""[..], b"x", &[0; 11], &[0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
        assert_eq!(desk.resolver.answer(noise, None).await, None);
    }
    // A name that points at itself.
    let mut looping = query("a.example.", RecordType::A).to_vec().unwrap();
    looping[12] = 0xc0;
    looping[13] = 12;
    let answer = desk.resolver.answer(&looping, None).await.unwrap();
    let answer = Message::from_vec(&answer).unwrap();
    assert_eq!((answer.metadata.id, answer.metadata.response_code), (4711, ResponseCode::FormErr));
}

#[tokio::test]
async fn edns_is_answered_with_edns() {
    let desk = desk();
    let mut message = query("a.example.", RecordType::A);
    assert!(desk.ask(&message).await.edns.is_none());
    message.set_edns(Edns::new());
    assert_eq!(desk.ask(&message).await.edns.unwrap().max_payload(), 1232);
}

#[tokio::test]
async fn serves_udp_and_tcp() {
    let desk = desk();
    let udp = std::net::UdpSocket::bind((LOCALHOST, 0)).unwrap();
    let tcp = std::net::TcpListener::bind((LOCALHOST, 0)).unwrap();
    let (udp_at, tcp_at): (SocketAddr, SocketAddr) =
        (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
    let sockets = DnsSockets { udp: vec![udp], tcp: vec![tcp] };
    let serving = tokio::spawn(desk.resolver.clone().serve(sockets));

    let client = UdpSocket::bind((LOCALHOST, 0)).await.unwrap();
    let question = query("a.example.", RecordType::A).to_vec().unwrap();
    client.send_to(b"noise", udp_at).await.unwrap();
    client.send_to(&question, udp_at).await.unwrap();
    let mut buffer = [0; 1500];
    let (length, from) = timeout(SOON, client.recv_from(&mut buffer)).await.unwrap().unwrap();
    assert_eq!(from, udp_at);
    let over_udp = buffer[..length].to_vec();

    let mut client = TcpStream::connect(tcp_at).await.unwrap();
    for _ in 0..2 {
        client.write_u16(u16::try_from(question.len()).unwrap()).await.unwrap();
        client.write_all(&question).await.unwrap();
        let length = timeout(SOON, client.read_u16()).await.unwrap().unwrap();
        let mut over_tcp = vec![0; length.into()];
        client.read_exact(&mut over_tcp).await.unwrap();
        assert_eq!(over_tcp, over_udp);
    }
    client.write_u16(60_000).await.unwrap();
    assert_eq!(timeout(SOON, client.read(&mut buffer)).await.unwrap().unwrap(), 0);
    serving.abort();
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn any_packet_is_read_without_harm(packet in prop::collection::vec(any::<u8>(), 0..200)) {
        let desk = desk();
        run(desk.resolver.answer(&packet, None));
        let question = [&[1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &packet].concat();
        run(desk.resolver.answer(&question, None));
    }

    #[test]
    fn a_changed_query_is_answered_to_the_same_id_or_not_at_all(
        changes in prop::collection::vec((2_usize..60, any::<u8>()), 1..6)
    ) {
        let mut message = query("a.example.", RecordType::AAAA);
        message.set_edns(Edns::new());
        let mut packet = message.to_vec().unwrap();
        for (at, value) in changes {
            if let Some(byte) = packet.get_mut(at) {
                *byte = value;
            }
        }
        let desk = desk();
        if let Some(answer) = run(desk.resolver.answer(&packet, None)) {
            let answer = Message::from_vec(&answer).unwrap();
            prop_assert_eq!(answer.metadata.id, 4711);
            prop_assert_eq!(answer.metadata.message_type, MessageType::Response);
            for record in answer.answers {
                let ours = match record.data {
                    RData::A(a) => a.0.octets()[0] == 198 || a.0.is_loopback(),
                    RData::AAAA(a) => a.0.segments()[0] == 0xfd70 || a.0.is_loopback(),
                    RData::PTR(_) => true,
                    _ => false,
                };
                prop_assert!(ours);
            }
        }
    }
}

/// A nameserver that answers each question with this, over UDP and TCP on one port. Counts them.
async fn nameserver(
    answer: impl Fn(&mut Message) + Clone + Send + Sync + 'static,
) -> (SocketAddr, Arc<std::sync::atomic::AtomicUsize>) {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind((LOCALHOST, 0)).await.unwrap();
        if let Ok(tcp) = tokio::net::TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let count = Arc::<std::sync::atomic::AtomicUsize>::default();
    let reply = move |packet: &[u8], tcp: bool| {
        let question = Message::from_vec(packet).unwrap();
        assert!(question.queries[0].name().to_ascii().chars().all(|c| !c.is_ascii_uppercase()));
        let mut message = Message::response(question.metadata.id, OpCode::Query);
        message.add_query(question.queries[0].clone());
        answer(&mut message);
        let bytes = message.to_vec().unwrap();
        if bytes.len() > 512 && !tcp { message.truncate().to_vec().unwrap() } else { bytes }
    };
    let (of_udp, counted) = (reply.clone(), Arc::clone(&count));
    tokio::spawn(async move {
        let mut packet = [0; 2000];
        loop {
            let (length, from) = udp.recv_from(&mut packet).await.unwrap();
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            // A guess comes first.
            udp.send_to(&[0; 40], from).await.unwrap();
            udp.send_to(&of_udp(&packet[..length], false), from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut packet = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut packet).await.unwrap();
            let bytes = reply(&packet, true);
            stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    (address, count)
}

fn text(owner: &str, words: &str) -> hickory_proto::rr::Record {
    let data = RData::TXT(hickory_proto::rr::rdata::TXT::new(vec![words.to_owned()]));
    hickory_proto::rr::Record::from_rdata(Name::from_ascii(owner).unwrap(), 5, data)
}

#[tokio::test]
async fn records_that_a_rule_opens_come_from_outside() {
    let (server, count) = nameserver(|message| {
        // Another kind, and another owner, as behind an alias.
        let other = RData::A(std::net::Ipv4Addr::new(10, 0, 0, 1).into());
        let name = Name::from_ascii("a.example.").unwrap();
        message.add_answer(hickory_proto::rr::Record::from_rdata(name, 5, other));
        message.add_answer(text("alias.example.", "v=1"));
    })
    .await;
    let mut desk = desk();
    desk.resolver = desk.resolver.with_records(Arc::new(HostRecords::new(vec![server])));
    // The judge permits TXT of what it permits to be resolved, and no other kind.
    let answer = desk.ask(&query("A.EXAMPLE.", RecordType::TXT)).await;
    let [record] = answer.answers.as_slice() else { panic!("{answer:?}") };
    assert_eq!(record.name.to_ascii(), "A.EXAMPLE.");
    assert_eq!(record.data, text("x.", "v=1").data);
    assert!(desk.events().contains(&("TXT a.example".to_owned(), String::new())));
    // It is kept for a while, and what is not opened is not asked for.
    desk.ask(&query("a.example.", RecordType::TXT)).await;
    let closed = desk.ask(&query("a.example.", RecordType::MX)).await;
    assert_eq!((closed.metadata.response_code, closed.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(desk.code(&query("c.example.", RecordType::TXT)).await, ResponseCode::NXDomain);
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_nameserver_that_lies_or_floods_harms_nobody() {
    let long = "x".repeat(250);
    let (server, _) = nameserver(move |message| {
        for number in 0..200 {
            message.add_answer(text("a.example.", &format!("{number}{long}")));
        }
    })
    .await;
    let mut desk = desk();
    desk.resolver = desk.resolver.with_records(Arc::new(HostRecords::new(vec![server])));
    let bytes = query("a.example.", RecordType::TXT).to_vec().unwrap();
    let answer = desk.resolver.answer(&bytes, Some(u16::MAX)).await.unwrap();
    let answer = Message::from_vec(&answer).unwrap();
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    assert_eq!(answer.answers.len(), 32);
    // One that is not there.
    let dead = UdpSocket::bind((LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    desk.resolver = desk.resolver.with_records(Arc::new(HostRecords::new(vec![dead])));
    assert_eq!(desk.code(&query("b.example.", RecordType::TXT)).await, ResponseCode::ServFail);
    let events = desk.events();
    assert!(events.last().unwrap().1.contains("nameservers do not tell"), "{events:?}");
}

#[tokio::test]
async fn asks_for_records_without_end() {
    let (server, count) = nameserver(|message| {
        message.metadata.response_code = ResponseCode::ServFail;
    })
    .await;
    let mut desk = desk();
    desk.resolver = desk.resolver.with_records(Arc::new(HostRecords::new(vec![server])));
    for _ in 0..200 {
        let code = desk.code(&query("a.example.", RecordType::TXT)).await;
        assert_eq!(code, ResponseCode::ServFail);
    }
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 60);
}
