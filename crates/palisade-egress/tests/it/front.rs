use std::{sync::Arc, time::Duration};

use palisade_egress::EndCause;
use rustls::{ClientConfig, ClientConnection, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use crate::world::{Echo, Plan, SOON};

/// What a real TLS client sends first.
fn hello_to(name: &str) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_true_server_name_passes_unchanged_and_is_recorded() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    let hello = hello_to("a.example");
    assert_eq!(world.exchange(&hello).await.unwrap(), hello);
    assert_eq!(world.events()[0].detail["tls_name"], "a.example");
}

#[tokio::test]
async fn fronts_with_another_sni() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    world.exchange(&hello_to("b.example")).await.unwrap_err();
    assert_eq!(world.denials().len(), 1);
    assert_eq!(world.denials()[0].detail["tls_name"], "b.example");
    assert_eq!(echo.visitors(), 0, "it was dialled before the client was read");
}

#[tokio::test]
async fn fronts_without_an_sni() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    world.exchange(&hello_to("127.0.0.1")).await.unwrap_err();
    world.exchange(b"\x16\x03\x01\x00\x05nonsense").await.unwrap_err();
    world.exchange(&hello_to("a.example")[..40]).await.unwrap_err();
    assert_eq!(world.denials().len(), 3);
    assert_eq!(echo.visitors(), 0);
}

#[tokio::test]
async fn fronts_after_letting_the_server_speak_first() {
    let echo = Echo::greeting(b"hello").await;
    let world = Plan::to(echo.port).start().await;
    let mut client = world.connect().await;
    let mut words = [0; 5];
    timeout(SOON, client.read_exact(&mut words)).await.unwrap().unwrap();
    client.write_all(&hello_to("b.example")).await.unwrap();
    timeout(SOON, client.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(world.denials().len(), 1);
    assert_eq!(echo.heard(), b"", "what it said went out before it was read");
    assert_eq!(world.end().await.cause, EndCause::Denied);
}

#[tokio::test]
async fn fronts_with_a_hello_in_many_small_segments() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    for (host, passes) in [("a.example", true), ("b.example", false)] {
        let mut client = world.connect().await;
        client.set_nodelay(true).unwrap();
        let hello = hello_to(host);
        for part in hello.chunks(20) {
            if client.write_all(part).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(2)).await;
        }
        let mut back = vec![0; hello.len()];
        let result = timeout(SOON, client.read_exact(&mut back)).await.unwrap();
        assert_eq!(result.is_ok(), passes, "{host}");
        assert!(!passes || back == hello);
    }
}

#[tokio::test]
async fn fronts_with_another_http_host() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    let good = format!("GET / HTTP/1.1\r\nHost: a.example:{}\r\n\r\n", echo.port);
    assert_eq!(world.exchange(good.as_bytes()).await.unwrap(), good.as_bytes());
    for bad in [
        "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: b.exa",
    ] {
        world.exchange(bad.as_bytes()).await.unwrap_err();
    }
    let denials = world.denials();
    assert_eq!(denials.len(), 3, "{denials:?}");
    assert!(denials[0].reason.contains("b.example"), "{}", denials[0].reason);
    assert_eq!(echo.visitors(), 1);
}

#[tokio::test]
async fn speaks_plain_text_to_port_443() {
    let world = Plan::to(443).start().await;
    world.exchange(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap_err();
    world.exchange(b"\x00\x01\x02").await.unwrap_err();
    assert_eq!(world.denials().len(), 2);
}

#[tokio::test]
async fn says_half_a_request_and_waits_to_be_let_through() {
    let echo = Echo::start().await;
    for half in [&b"GE"[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
        let mut plan = Plan::to(echo.port);
        plan.limits.first_flight = Duration::from_millis(300);
        let world = plan.start().await;
        let mut client = world.connect().await;
        client.write_all(half).await.unwrap();
        timeout(SOON, client.read_u8()).await.unwrap().unwrap_err();
        assert!(world.denials()[0].reason.contains("did not say"), "{:?}", world.denials());
    }
    assert_eq!(echo.visitors(), 0);
}

#[tokio::test]
async fn short_text_that_ends_is_no_request() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    assert_eq!(world.exchange(b"hello").await.unwrap(), b"hello");
}

/// Not all protocols have lines: to wait for the end of one is to wait for ever.
#[tokio::test]
async fn a_message_without_a_lines_end_is_answered() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    for messages in [
        &["JDWP-Handshake"][..],
        &["ruok"],
        &["hello", " world", "\n", "more"],
        &["SET /x", "y", " z\n"],
        &["x"; 8],
    ] {
        let mut client = world.connect().await;
        for message in messages {
            client.write_all(message.as_bytes()).await.unwrap();
            let mut back = vec![0; message.len()];
            timeout(SOON, client.read_exact(&mut back)).await.expect("an answer").unwrap();
            assert_eq!(back, message.as_bytes(), "{messages:?}");
        }
    }
    assert_eq!(world.denials().len(), 0);
    assert!(world.events().iter().all(|event| event.detail.get("tls_name").is_none()));
}

/// What goes on before is no request yet, and no server does anything for it.
#[tokio::test]
async fn fronts_with_pauses_within_the_first_line() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    for (first, rest) in [
        ("MK", "COL / HTTP/1.1\r\nHost: b.example\r\n\r\n"),
        ("get / HTTP/1.1", "\r\nHost: b.example\r\n\r\n"),
        ("COPY / HTTP/1.1", "\nHost: b.example\n\n"),
        ("MOVE http://b.example/ HTTP/1.1", "\r\nHost: a.example\r\n\r\n"),
        ("connect b.example:443 HTTP/1.1", "\r\n\r\n"),
        ("XGET / HTTP/1.0", "\r\n\r\n"),
        ("LOCK", " / HTTP/1.1\0\r\nHost: b.example\r\n\r\n"),
    ] {
        let before = world.denials().len();
        let mut client = world.connect().await;
        client.write_all(first.as_bytes()).await.unwrap();
        let mut back = vec![0; first.len()];
        timeout(SOON, client.read_exact(&mut back)).await.expect("an answer").unwrap();
        client.write_all(rest.as_bytes()).await.unwrap();
        timeout(SOON, client.read_u8()).await.unwrap().unwrap_err();
        assert_eq!(world.denials().len(), before + 1, "{rest:?}");
        let heard = std::mem::take(&mut *echo.heard.lock().unwrap());
        assert_eq!(heard, first.as_bytes(), "{rest:?}");
    }
    // Some servers end a line with CR alone.
    let mut client = world.connect().await;
    client.write_all(b"MKCOL / HTTP/1.1\rHost: b.example\r\r").await.unwrap();
    sleep(Duration::from_millis(400)).await;
    assert_eq!(echo.heard(), b"");
    // The twin.
    let mut client = world.connect().await;
    let request = "COPY / HTTP/1.1\r\nHost: a.example\r\n\r\n";
    for part in [&request[..2], &request[2..14], &request[14..]] {
        client.write_all(part.as_bytes()).await.unwrap();
        sleep(Duration::from_millis(200)).await;
    }
    let mut back = vec![0; request.len()];
    timeout(SOON, client.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(back, request.as_bytes());
}
