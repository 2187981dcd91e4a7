//! Packets to the resolver, and streams of them.

use std::sync::Arc;

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::RecordType,
};
use palisade_egress::{DnsSockets, Resolver, Services, SyntheticMap};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::PATIENCE;
use crate::world::{Judge, LOCALHOST, name};

fn resolver() -> (Resolver, Arc<Judge>) {
    let judge = Arc::new(Judge { names: [name("a.example")].into(), ..Judge::default() });
    let resolver = Resolver::new(Arc::clone(&judge) as _, SyntheticMap::new(), Services::new());
    (resolver, judge)
}

const A: &[u8] = b"\x01a\x07example\x00";

/// A header that asks for one thing, and this behind it.
fn packet(head: [u8; 10], rest: &[&[u8]]) -> Vec<u8> {
    [&[0x12, 0x67], head.as_slice(), &rest.concat()].concat()
}

const ONE: [u8; 10] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0];

fn ask(name: &[u8], kind: u16, class: u16) -> Vec<u8> {
    packet(ONE, &[name, &kind.to_be_bytes(), &class.to_be_bytes()])
}

fn label(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text, b"\x07example\x00"].concat()
}

/// How a packet is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Taken {
    /// With no answer at all.
    Noise,
    /// With an answer that has this code, and no record.
    Says(ResponseCode),
    /// With so many addresses.
    Has(usize),
}

use Taken::{Has, Noise, Says};

fn packets() -> Vec<(&'static str, Vec<u8>, Taken)> {
    let edns = |rest: &[u8]| {
        let counted = [1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        packet(counted, &[A, &[0, 1, 0, 1], &[0, 0, 41], rest])
    };
    let nothing = Says(ResponseCode::NoError);
    let unknown = Says(ResponseCode::NXDomain);
    let no = Says(ResponseCode::Refused);
    let bad = Says(ResponseCode::FormErr);
    let mut all = vec![
        ("the twin", ask(A, 1, 1), Has(1)),
        ("the twin of IPv6", ask(A, 28, 1), Has(1)),
        ("in odd case", ask(b"\x01A\x07eXaMpLe\x00", 1, 1), Has(1)),
        ("nothing", vec![], Noise),
        ("one byte", vec![7], Noise),
        ("half a header", vec![0; 11], Noise),
        ("an answer", packet([0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[A, &[0, 1, 0, 1]]), Noise),
        ("no question", packet([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]), no),
        ("a question that is not there", packet(ONE, &[]), bad),
        ("65535 questions", packet([1, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0], &[A, &[0, 1, 0, 1]]), bad),
        (
            "two questions",
            packet([1, 0, 0, 2, 0, 0, 0, 0, 0, 0], &[A, &[0, 1, 0, 1], A, &[0, 1, 0, 1]]),
            no,
        ),
        ("half a question", packet(ONE, &[A, &[0]]), bad),
        ("a status", packet([0x10, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[A, &[0, 1, 0, 1]]), no),
        ("a notify", packet([0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[A, &[0, 6, 0, 1]]), no),
        ("an update", packet([0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[A, &[0, 6, 0, 1]]), no),
        (
            "a record in a question",
            packet([1, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0], &[A, &[0, 1, 0, 1]]),
            bad,
        ),
        ("the root", ask(b"\x00", 1, 1), unknown),
        ("another name", ask(b"\x01b\x07example\x00", 1, 1), unknown),
        ("a name below", ask(b"\x01x\x01a\x07example\x00", 1, 1), unknown),
        ("a name above", ask(b"\x07example\x00", 1, 1), unknown),
        ("a dot in a label", ask(b"\x09a.example\x00", 1, 1), unknown),
        ("a NUL in a label", ask(&label(b"a\0"), 1, 1), unknown),
        ("a blank in a label", ask(&label(b"a "), 1, 1), unknown),
        ("a backslash in a label", ask(&label(b"a\\"), 1, 1), unknown),
        ("a wildcard", ask(&label(b"*"), 1, 1), unknown),
        ("a byte over 127", ask(&label(b"\xe0"), 1, 1), unknown),
        ("another script", ask(&label("\u{430}".as_bytes()), 1, 1), unknown),
        ("a broken A-label", ask(&label(b"xn--a"), 1, 1), unknown),
        ("a label of 63", ask(&label(&[b'a'; 63]), 1, 1), unknown),
        ("a label that is a pointer to itself", ask(b"\xc0\x0c", 1, 1), bad),
        ("a pointer behind", ask(b"\xc0\x20", 1, 1), bad),
        ("a pointer out of the packet", ask(b"\xff\xff", 1, 1), bad),
        ("a label of another kind", ask(b"\x41a\x00", 1, 1), bad),
        ("a name that does not end", packet(ONE, &[b"\x3fa"]), bad),
        (
            "a name that is too long",
            ask(&[[&[63_u8], [b'a'; 63].as_slice()].concat().repeat(4), vec![0]].concat(), 1, 1),
            bad,
        ),
        ("an address as a name", ask(b"\x03127\x010\x010\x011\x00", 1, 1), unknown),
        ("a number as a name", ask(b"\x0a2130706433\x00", 1, 1), unknown),
        ("the class CH", ask(A, 16, 3), no),
        ("the class HS", ask(A, 1, 4), no),
        ("any class", ask(A, 1, 255), no),
        ("a zone", ask(A, 252, 1), no),
        ("news of a zone", ask(A, 251, 1), no),
        ("EDNS", edns(&[4, 0xd0, 0, 0, 0, 0, 0, 0]), Has(1)),
        ("EDNS of a size of 0", edns(&[0, 0, 0, 0, 0, 0, 0, 0]), Has(1)),
        (
            "EDNS with a client's network",
            edns(&[4, 0xd0, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 1, 2, 3]),
            Has(1),
        ),
        (
            "EDNS with a cookie",
            edns(&[4, 0xd0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
            Has(1),
        ),
        ("EDNS that is cut", edns(&[4, 0xd0, 0, 0, 0, 0, 0, 12, 0, 10]), bad),
    ];
    // NULL, TXT, ANY, HTTPS and so on: the name is there, and has none.
    for kind in
        [2, 5, 6, 10, 12, 13, 15, 16, 33, 35, 41, 43, 44, 48, 52, 64, 65, 250, 255, 256, 257, 65280]
    {
        all.push(("another kind of record", ask(A, kind, 1), nothing));
    }
    all
}

#[tokio::test]
async fn every_packet_is_taken_for_what_it_is() {
    let (resolver, judge) = resolver();
    for (what, packet, taken) in packets() {
        let shown = packet.escape_ascii().to_string();
        let answer = resolver.answer(&packet, None).await;
        let found = match answer {
            None => Noise,
            Some(answer) => {
                assert_eq!(answer[..2], packet[..2], "{what}: {shown}");
                assert!(answer.len() <= 512, "{what}: {shown}");
                let answer = Message::from_vec(&answer).unwrap();
                assert!(answer.authorities.is_empty(), "{what}: {shown}");
                let address = |kind| matches!(kind, RecordType::A | RecordType::AAAA);
                assert!(answer.answers.iter().all(|it| address(it.record_type())), "{what}");
                match answer.answers.len() {
                    0 => Says(answer.metadata.response_code),
                    count => Has(count),
                }
            }
        };
        assert_eq!(found, taken, "{what}: {shown}");
    }
    // Each that asked for something else is told of, and nothing of any was asked outside.
    let told = judge.events.lock().unwrap().len();
    let denied = packets()
        .iter()
        .filter(|(.., taken)| matches!(taken, Says(code) if *code != ResponseCode::NoError))
        .count();
    assert_eq!(told, denied);
}

/// Questions over TCP, however they are framed: each whole one is answered, and what is none ends its client alone.
#[tokio::test]
async fn every_stream_of_packets_ends() {
    let (resolver, _) = resolver();
    let tcp = std::net::TcpListener::bind((LOCALHOST, 0)).unwrap();
    let udp = std::net::UdpSocket::bind((LOCALHOST, 0)).unwrap();
    let at = tcp.local_addr().unwrap();
    let sockets = DnsSockets { udp: vec![udp], tcp: vec![tcp] };
    tokio::spawn(async move { resolver.serve(sockets).await.map(|_| ()) });
    let framed =
        |packet: &[u8]| [&u16::try_from(packet.len()).unwrap().to_be_bytes(), packet].concat();
    let good = framed(&ask(A, 1, 1));
    for (what, pieces, answers) in [
        ("one", vec![good.clone()], 1),
        ("two at once", vec![good.repeat(2)], 2),
        ("byte by byte", good.iter().map(|byte| vec![*byte]).collect(), 1),
        ("one and half of another", vec![[good.as_slice(), &good[..9]].concat()], 1),
        ("a length alone", vec![vec![0]], 0),
        ("no length", vec![vec![0, 0]], 0),
        ("more than there is", vec![vec![15, 0, 1]], 0),
        ("more than is read", vec![vec![255, 255], vec![0; 5000]], 0),
        ("noise, and one behind", vec![framed(&[0x80; 12]), good.clone()], 0),
        ("nonsense, and one behind", vec![framed(&ask(b"\xc0\x0c", 1, 1)), good.clone()], 2),
    ] {
        let mut client = TcpStream::connect(at).await.unwrap();
        client.set_nodelay(true).unwrap();
        for piece in pieces {
            client.write_all(&piece).await.ok();
        }
        client.shutdown().await.ok();
        let mut got = Vec::new();
        timeout(PATIENCE, client.read_to_end(&mut got)).await.expect("it ends").ok();
        let mut count = 0;
        let mut rest = got.as_slice();
        while let [high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            Message::from_vec(&after[..length]).unwrap();
            rest = &after[length..];
            count += 1;
        }
        assert_eq!(count, answers, "{what}: {}", got.escape_ascii());
    }
}
