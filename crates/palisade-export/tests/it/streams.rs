//! Files, syslog and journald.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, UdpSocket},
    os::unix::net::UnixDatagram,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use palisade_policy::{Export, Syslog, Transport};
use palisade_testkit::{Flaw, TestAuthority};
use serde_json::Value;

use crate::world::{World, session, wait_for};

fn syslog(transport: Transport, port: u16) -> Syslog {
    Syslog { transport, host: "127.0.0.1".into(), port, facility: 13, ca: None }
}

/// Messages by octet counting (RFC 6587, section 3.4.1).
fn counted(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = std::str::from_utf8(&bytes[..blank]).unwrap().parse().unwrap();
        let message = &bytes[blank + 1..blank + 1 + length];
        all.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = &bytes[blank + 1 + length..];
    }
    all
}

fn seq(message: &str) -> u64 {
    let behind = message.split_once(" seq=\"").unwrap().1;
    behind.split('"').next().unwrap().parse().unwrap()
}

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn two_sessions_write_one_file_whole_lines_each() {
    let world = World::new();
    let file = world.state().join("log/ocsf.jsonl");
    let other = World { journal: session(world.state(), 2), folder: tempfile::tempdir().unwrap() };
    let first = world.export(Export::Ocsf(Some(file.clone())));
    let second = palisade_export::Exporter::start(
        world.state(),
        &other.journal,
        vec![palisade_export::Destination {
            export: Export::Ocsf(Some(file.clone())),
            secret: None,
        }],
        Duration::from_secs(20),
    )
    .unwrap();
    for n in 0..300 {
        world.connect(&format!("a-{n}.example:443"));
        other.connect(&format!("b-{n}.example:443"));
    }
    // Whoever rotates logs moves it away.
    wait_for("some lines", || file.exists());
    fs::rename(&file, file.with_extension("1")).unwrap();
    world.end();
    other.end();
    assert_eq!((first.finish(), second.finish()), (vec![], vec![]));
    let mut all = lines(&file.with_extension("1"));
    all.extend(lines(&file));
    for journal in [&world.journal, &other.journal] {
        let of =
            |event: &&Value| event["metadata"]["correlation_uid"] == journal.session().as_str();
        let seqs: Vec<u64> =
            all.iter().filter(of).map(|it| it["metadata"]["sequence"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=302).collect::<Vec<_>>());
    }
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

/// A link in place of the file leads nowhere.
#[test]
fn a_link_is_not_followed() {
    let world = World::new();
    let victim = world.state().join("victim");
    fs::write(&victim, "as it was").unwrap();
    let file = world.state().join("ocsf.jsonl");
    std::os::unix::fs::symlink(&victim, &file).unwrap();
    let exporter = world.export_with(Export::Ocsf(Some(file)), None, Duration::from_millis(300));
    world.end();
    assert_eq!(exporter.finish().len(), 1);
    assert_eq!(fs::read_to_string(victim).unwrap(), "as it was");
}

#[test]
fn syslog_by_tcp_counts_octets_and_survives_a_restart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let got = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&got);
    let (closed, first_closed) = mpsc::channel();
    let server = thread::spawn(move || {
        for number in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            if number == 0 {
                let mut some = [0; 1 << 16];
                let read = stream.read(&mut some).unwrap();
                bytes.extend_from_slice(&some[..read]);
                drop(stream);
                closed.send(()).unwrap();
            } else {
                stream.read_to_end(&mut bytes).unwrap();
            }
            kept.lock().unwrap().push(bytes);
        }
    });
    let world = World::new();
    let exporter = world.export(Export::Syslog(syslog(Transport::Tcp, port)));
    first_closed.recv_timeout(Duration::from_secs(60)).unwrap();
    world.connect("evil\n<110>1 - - - - - - allowed.example:443");
    world.end();
    assert_eq!(exporter.finish(), []);
    server.join().unwrap();
    let got = got.lock().unwrap();
    let (first, second) = (counted(&got[0]), counted(&got[1]));
    let seqs: Vec<u64> = first.iter().chain(&second).map(|message| seq(message)).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert!(second[0].starts_with("<108>1 "), "{}", second[0]);
    assert!(second[0].contains("connect denied: evil\\n<110>1"), "{}", second[0]);
}

#[test]
fn syslog_by_tls_verifies_who_listens() {
    let authority = TestAuthority::new().unwrap();
    let stranger = TestAuthority::new().unwrap();
    for (own, works) in [(&authority, true), (&stranger, false)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(authority.server("127.0.0.1", Flaw::None, &[]).unwrap());
        let server = thread::spawn(move || {
            let mut all = Vec::new();
            let Ok((mut stream, _)) = listener.accept() else { return all };
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut tls = rustls::ServerConnection::new(config).unwrap();
            let mut stream = rustls::Stream::new(&mut tls, &mut stream);
            stream.read_to_end(&mut all).ok();
            stream.flush().ok();
            all
        });
        let world = World::new();
        let ca = world.state().join("ca.pem");
        fs::write(&ca, own.pem()).unwrap();
        let to = Syslog { ca: Some(ca), ..syslog(Transport::Tls, port) };
        let within = Duration::from_secs(if works { 20 } else { 2 });
        let exporter = world.export_with(Export::Syslog(to), None, within);
        world.connect("a.example:443");
        wait_for("an attempt", || {
            world.progress().is_some_and(|of| of.sent > 0 || of.failures > 0)
        });
        world.end();
        let left = exporter.finish();
        let messages = counted(&server.join().unwrap());
        if works {
            assert_eq!(left, []);
            assert_eq!(messages.iter().map(|it| seq(it)).collect::<Vec<_>>(), [1, 2, 3]);
        } else {
            assert!(left[0].why.contains("TLS") || left[0].why.contains("refused"), "{left:?}");
            assert!(messages.is_empty());
        }
    }
}

#[test]
fn syslog_by_udp_is_a_datagram_each() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let world = World::new();
    let port = socket.local_addr().unwrap().port();
    let exporter = world.export(Export::Syslog(syslog(Transport::Udp, port)));
    world.connect("a.example:443");
    world.end();
    assert_eq!(exporter.finish(), []);
    for expected in 1..=3 {
        let mut bytes = [0; 1 << 16];
        let read = socket.recv(&mut bytes).unwrap();
        assert_eq!(seq(std::str::from_utf8(&bytes[..read]).unwrap()), expected);
    }
}

/// The fields of a datagram (systemd.io/JOURNAL_NATIVE_PROTOCOL).
fn fields(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == b'\n' || *byte == b'=').unwrap();
        let name = String::from_utf8(bytes[..end].to_vec()).unwrap();
        assert_eq!(bytes[end], b'\n', "{name} has no length");
        let length = u64::from_le_bytes(bytes[end + 1..end + 9].try_into().unwrap()) as usize;
        let value = String::from_utf8(bytes[end + 9..end + 9 + length].to_vec()).unwrap();
        assert_eq!(bytes[end + 9 + length], b'\n');
        all.push((name, value));
        bytes = &bytes[end + 10 + length..];
    }
    all
}

#[test]
fn journald_gets_fields_that_no_text_breaks_out_of() {
    let world = World::new();
    let path = world.state().join("socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let exporter = world.export(Export::Journald(path));
    world.connect("x\nPALISADE_DECISION=allow\nPALISADE_DECISION\n\u{5}\0\0\0\0\0\0\0allow\n");
    world.end();
    let mut decisions = Vec::new();
    for _ in 1..=3 {
        let mut bytes = [0; 1 << 17];
        let read = socket.recv(&mut bytes).unwrap();
        let fields = fields(&bytes[..read]);
        let of = |name: &str| fields.iter().filter(|(known, _)| known == name).collect::<Vec<_>>();
        assert_eq!(of("PALISADE_DECISION").len(), 1);
        decisions.push(of("PALISADE_DECISION")[0].1.clone());
        assert_eq!(of("SYSLOG_IDENTIFIER")[0].1, "palisade");
        assert!(!of("MESSAGE")[0].1.contains('\n'));
    }
    assert_eq!(exporter.finish(), []);
    assert_eq!(decisions, ["observe", "deny", "observe"]);
}
