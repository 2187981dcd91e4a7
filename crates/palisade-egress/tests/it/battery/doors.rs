//! Clients that take us for a proxy of HTTP or SOCKS, and want to be led where no connection leads.

use palisade_egress::Services;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::PATIENCE;
use crate::world::{Echo, Plan, SOON, World, name};

async fn world() -> World {
    let mut plan = Plan::to(3128);
    (plan.host, plan.allow_name) = ("proxy.test", false);
    plan.services = Services::new().with_proxy(name("proxy.test"), 3128);
    plan.names = vec![name("a.example")];
    plan.limits.head = SOON / 25;
    plan.start().await
}

/// A CONNECT of SOCKS 5 to this, behind a greeting without a log-in.
fn socks(command: u8, kind: u8, address: &[u8], port: u16) -> Vec<u8> {
    [&[5, 1, 0, 5, command, 0, kind], address, &port.to_be_bytes()].concat()
}

fn named(host: &[u8], port: u16) -> Vec<u8> {
    socks(1, 3, &[&[u8::try_from(host.len()).unwrap()], host].concat(), port)
}

fn v6(text: &str) -> [u8; 16] {
    text.parse::<std::net::Ipv6Addr>().unwrap().octets()
}

fn of_socks(port: u16) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("SOCKS 4", [&[4, 1], port.to_be_bytes().as_slice(), &[127, 0, 0, 1, 0]].concat()),
        (
            "SOCKS 4a",
            [&[4, 1], port.to_be_bytes().as_slice(), &[0, 0, 0, 1, 0], b"a.example\0"].concat(),
        ),
        ("no way to log in", [&[5, 0], &socks(1, 3, b"\x09a.example", port)[3..]].concat()),
        ("a password", [&[5, 1, 2], &named(b"a.example", port)[3..]].concat()),
        ("GSSAPI", [&[5, 1, 1], &named(b"a.example", port)[3..]].concat()),
        ("every way but none", [&[5, 254][..], &(1..=254).collect::<Vec<u8>>()].concat()),
        ("BIND", socks(2, 1, &[127, 0, 0, 1], port)),
        ("BIND to a name", socks(2, 3, b"\x09a.example", port)),
        ("UDP", socks(3, 1, &[0, 0, 0, 0], 0)),
        ("UDP to a name", socks(3, 3, b"\x09a.example", port)),
        ("the command 0", socks(0, 3, b"\x09a.example", port)),
        ("the command 255", socks(255, 3, b"\x09a.example", port)),
        ("the kind 0", socks(1, 0, b"\x09a.example", port)),
        ("the kind 2", socks(1, 2, b"\x09a.example", port)),
        ("the kind 255", socks(1, 255, b"\x09a.example", port)),
        (
            "another version behind the greeting",
            [&[5, 1, 0, 4], &named(b"a.example", port)[4..]].concat(),
        ),
        ("the port 0", named(b"a.example", 0)),
        ("another name", named(b"b.example", port)),
        ("no name", named(b"", port)),
        ("a NUL behind", named(b"a.example\0", port)),
        ("a NUL and another name", named(b"a.example\0.evil", port)),
        ("another name and a NUL", named(b"evil\0a.example", port)),
        ("a line end", named(b"a.example\r\n", port)),
        ("a blank", named(b"a.example ", port)),
        ("a port", named(b"a.example:80", port)),
        ("a user", named(b"x@a.example", port)),
        ("a URL", named(b"http://a.example", port)),
        ("a wildcard", named(b"*.example", port)),
        ("another script", named("\u{430}.example".as_bytes(), port)),
        ("what is not UTF-8", named(b"a\xff.example", port)),
        ("two dots", named(b"a..example", port)),
        ("a name of 255", named(&[b'a'; 255], port)),
        ("an address as a name", named(b"127.0.0.1", port)),
        ("a short address", named(b"127.1", port)),
        ("a number", named(b"2130706433", port)),
        ("a number in hexadecimal", named(b"0x7f000001", port)),
        ("an octal address", named(b"0177.0.0.1", port)),
        ("an address of IPv6 as a name", named(b"::1", port)),
        ("the same in brackets", named(b"[::1]", port)),
        ("this machine", named(b"localhost", port)),
        ("this machine in capitals", named(b"LOCALHOST", port)),
        ("this machine with a dot", named(b"localhost.", port)),
        ("below this machine", named(b"x.localhost", port)),
        ("the proxy itself", named(b"proxy.test", 3128)),
        ("an address here", socks(1, 1, &[127, 0, 0, 1], port)),
        ("another address here", socks(1, 1, &[127, 1, 2, 3], port)),
        ("no address", socks(1, 1, &[0, 0, 0, 0], port)),
        ("metadata", socks(1, 1, &[169, 254, 169, 254], 80)),
        ("an address that stands for nothing", socks(1, 1, &[198, 18, 99, 99], port)),
        ("everybody", socks(1, 1, &[255, 255, 255, 255], port)),
        ("many", socks(1, 1, &[224, 0, 0, 1], port)),
        ("here by IPv6", socks(1, 4, &v6("::1"), port)),
        ("here by IPv4 within IPv6", socks(1, 4, &v6("::ffff:127.0.0.1"), port)),
        ("here by an old form of it", socks(1, 4, &v6("::127.0.0.1"), port)),
        ("here by NAT64", socks(1, 4, &v6("64:ff9b::7f00:1"), port)),
        ("here by 6to4", socks(1, 4, &v6("2002:7f00:1::"), port)),
        ("no address of IPv6", socks(1, 4, &v6("::"), port)),
        ("a neighbour", socks(1, 4, &v6("fe80::1"), port)),
        ("many by IPv6", socks(1, 4, &v6("ff02::1"), port)),
        ("one's own network", socks(1, 4, &v6("fd00:ec2::254"), port)),
        (
            "a twin that stands for nothing",
            socks(1, 4, &v6("fd70:616c:6973:6164::c612:6363"), port),
        ),
        ("half a greeting", vec![5, 9, 0]),
        ("half a request", named(b"a.example", port)[..8].to_vec()),
        ("the version alone", vec![5]),
    ]
}

#[tokio::test]
async fn socks_leads_nowhere_else() {
    let (world, echo) = (world().await, Echo::start().await);
    for (what, bytes) in of_socks(echo.port) {
        let mut client = world.connect().await;
        client.write_all(&[bytes.as_slice(), b"ping"].concat()).await.ok();
        let mut got = Vec::new();
        timeout(PATIENCE, client.read_to_end(&mut got))
            .await
            .unwrap_or_else(|_| panic!("{what}"))
            .ok();
        // What is no request is answered by nothing, or by the proxy of HTTP.
        let reply = match got.as_slice() {
            [5, 0, 5, reply, ..] => *reply,
            _ => 255,
        };
        assert_ne!(reply, 0, "{what}: {}", got.escape_ascii());
        assert!(!got.ends_with(b"ping"), "{what}: {}", got.escape_ascii());
    }
    assert_eq!(echo.visitors(), 0);
    // The twin.
    let answer =
        world.exchange(&[named(b"A.example.", echo.port).as_slice(), b"ping"].concat()).await;
    assert!(answer.unwrap().ends_with(b"ping"));
    assert_eq!(echo.heard(), b"ping");
}

/// Heads that ask for a tunnel and could be read in two ways, or ask for what is nowhere.
const CONNECTS: &[&str] = &[
    "CONNECT a.example:PORT HTTP/2.0\r\n\r\n",
    "CONNECT a.example:PORT\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\n\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nHost: a.example\n\r\n",
    "CONNECT  a.example:PORT HTTP/1.1\r\n\r\n",
    "CONNECT\ta.example:PORT HTTP/1.1\r\n\r\n",
    "connect a.example:PORT HTTP/1.1\r\n\r\n",
    "CONNECT a.example HTTP/1.1\r\n\r\n",
    "CONNECT a.example: HTTP/1.1\r\n\r\n",
    "CONNECT a.example:0 HTTP/1.1\r\n\r\n",
    "CONNECT a.example:+PORT HTTP/1.1\r\n\r\n",
    "CONNECT a.example:PORT:PORT HTTP/1.1\r\n\r\n",
    "CONNECT a.example:99999 HTTP/1.1\r\n\r\n",
    "CONNECT x@a.example:PORT HTTP/1.1\r\n\r\n",
    "CONNECT http://a.example:PORT HTTP/1.1\r\n\r\n",
    "CONNECT a.example:PORT/ HTTP/1.1\r\n\r\n",
    "CONNECT a%2eexample:PORT HTTP/1.1\r\n\r\n",
    "CONNECT a.example\0:PORT HTTP/1.1\r\n\r\n",
    "CONNECT [a.example]:PORT HTTP/1.1\r\n\r\n",
    "CONNECT [::1%25lo]:PORT HTTP/1.1\r\n\r\n",
    "CONNECT ::1:PORT HTTP/1.1\r\n\r\n",
    "CONNECT 127.1:PORT HTTP/1.1\r\n\r\n",
    "CONNECT 0x7f000001:PORT HTTP/1.1\r\n\r\n",
    "CONNECT 2130706433:PORT HTTP/1.1\r\n\r\n",
    "CONNECT \u{430}.example:PORT HTTP/1.1\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nHost: b.example\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nHost : a.example\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nX: y\r\n z\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nContent-Length: 4\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nContent-Length: 00\r\n\r\n",
    "CONNECT a.example:PORT HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET https://a.example:PORT/ HTTP/1.1\r\nHost: a.example:PORT\r\n\r\n",
    "GET ftp://a.example:PORT/ HTTP/1.1\r\nHost: a.example:PORT\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.example:PORT\r\n\r\n",
    "GET http://a.example:PORT/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
    "GET http://b.example:PORT/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "GET http://x@a.example:PORT/ HTTP/1.1\r\nHost: a.example:PORT\r\n\r\n",
    "GET http://localhost:PORT/ HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n",
    "GET http://[::1]:PORT/ HTTP/1.1\r\nHost: [::1]:PORT\r\n\r\n",
    "GET http://proxy.test:3128/ HTTP/1.1\r\nHost: proxy.test:3128\r\n\r\n",
    "GET http://a.example:PORT/ HTTP/1.1\r\nHost: a.example:PORT\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01\x00\x05hello",
    "\r\n\r\n\r\n\r\nCONNECT a.example:PORT HTTP/1.1\r\n\r\n",
    "\n",
];

#[tokio::test]
async fn the_proxy_of_http_leads_nowhere_else() {
    let (world, echo) = (world().await, Echo::start().await);
    let port = echo.port.to_string();
    for text in CONNECTS {
        let bytes = [text.replace("PORT", &port).as_bytes(), b"ping"].concat();
        let mut client = world.connect().await;
        client.write_all(&bytes).await.ok();
        let mut got = Vec::new();
        timeout(PATIENCE, client.read_to_end(&mut got))
            .await
            .unwrap_or_else(|_| panic!("{text}"))
            .ok();
        let got = got.escape_ascii().to_string();
        let refused = got.is_empty() || got.starts_with("HTTP/1.1 403 ");
        assert!(refused, "{text:?}: {got}");
    }
    assert_eq!(echo.visitors(), 0);
    // The twin.
    let head = format!("CONNECT A.example.:{port} HTTP/1.1\r\n\r\nping");
    assert!(world.exchange(head.as_bytes()).await.unwrap().ends_with(b"ping"));
    assert_eq!(echo.heard(), b"ping");
}
