//! Clients that take us for an HTTP proxy.

use palisade_egress::Services;

use crate::world::{Echo, Plan, World, name};

/// All connections are to the HTTP proxy, and `a.example` is here and permitted.
async fn world() -> World {
    let mut plan = Plan::to(3128);
    (plan.host, plan.allow_name) = ("proxy.test", false);
    plan.services = Services::new().with_proxy(name("proxy.test"), 3128);
    plan.names = vec![name("a.example")];
    plan.start().await
}

async fn said(world: &World, bytes: &[u8]) -> String {
    String::from_utf8_lossy(&world.exchange(bytes).await.unwrap()).into_owned()
}

#[tokio::test]
async fn a_tunnel_leads_where_a_connection_would() {
    let (world, echo) = (world().await, Echo::start().await);
    let head =
        format!("CONNECT a.example:{} HTTP/1.1\r\nHost: a.example\r\n\r\n\x00ping", echo.port);
    let answer = said(&world, head.as_bytes()).await;
    assert_eq!(answer, "HTTP/1.1 200 Connection established\r\n\r\n\x00ping");
    assert_eq!(echo.heard(), b"\x00ping");
    assert_eq!(world.denials().len(), 0);
}

#[tokio::test]
async fn a_tunnel_is_denied_as_a_connection_would_be() {
    let (world, echo) = (world().await, Echo::start().await);
    for authority in [
        // No rule names it.
        format!("b.example:{}", echo.port),
        // No rule for a bare address; inside, and so not ours.
        format!("192.0.2.1:{}", echo.port),
        "169.254.169.254:80".to_owned(),
        format!("127.0.0.1:{}", echo.port),
        format!("[::1]:{}", echo.port),
        format!("[::ffff:127.0.0.1]:{}", echo.port),
        format!("0.0.0.0:{}", echo.port),
        format!("localhost:{}", echo.port),
        format!("x.localhost:{}", echo.port),
        // It leads to itself.
        "proxy.test:3128".to_owned(),
        // Stands for no name.
        "198.18.99.99:80".to_owned(),
    ] {
        let before = world.denials().len();
        let head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        let answer = said(&world, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{authority}: {answer}");
        assert!(answer.contains("denied by palisade"), "{authority}: {answer}");
        assert_eq!(world.denials().len(), before + 1, "{authority}");
    }
    assert_eq!(echo.visitors(), 0);
}

#[tokio::test]
async fn what_comes_through_a_tunnel_is_read_as_without_it() {
    let (world, echo) = (world().await, Echo::start().await);
    let tunnel = format!("CONNECT a.example:{} HTTP/1.1\r\n\r\n", echo.port);
    for fronted in [
        "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
        "GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "\x16\x03\x01\x00\x05nonsense",
    ] {
        let before = world.denials().len();
        let sent = format!("{tunnel}{fronted}");
        // The tunnel is there, and then it breaks.
        world.exchange(sent.as_bytes()).await.unwrap_err();
        assert_eq!(world.denials().len(), before + 1, "{fronted:?}");
    }
    assert_eq!(echo.visitors(), 0);
}

#[tokio::test]
async fn a_plain_request_reaches_its_server_in_origin_form() {
    let (world, echo) = (world().await, Echo::start().await);
    let at = format!("a.example:{}", echo.port);
    let sent =
        format!("GET http://{at}/x HTTP/1.1\r\nHost: {at}\r\nProxy-Connection: keep-alive\r\n\r\n");
    let expected = format!("GET /x HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    assert_eq!(said(&world, sent.as_bytes()).await, expected);
    assert_eq!(world.denials().len(), 0);
}

#[tokio::test]
async fn a_plain_request_is_denied_as_a_connection_would_be() {
    let (world, echo) = (world().await, Echo::start().await);
    let port = echo.port;
    for (sent, status) in [
        (format!("GET http://b.example:{port}/ HTTP/1.1\r\nHost: b.example:{port}\r\n\r\n"), 403),
        (format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"), 403),
        (format!("GET http://a.example:{port}/ HTTP/1.1\r\nHost: b.example\r\n\r\n"), 403),
        (format!("GET http://a.example:{port}/ HTTP/1.1\nHost: a.example\n\n"), 403),
        ("GET http://a.example:1/ HTTP/1.1\r\nHost: a.example:1\r\n\r\n".to_owned(), 502),
        ("GET / HTTP/1.1\r\nHost: proxy.test\r\n\r\n".to_owned(), 403),
    ] {
        let answer = said(&world, sent.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{sent}: {answer}");
    }
    assert_eq!(echo.visitors(), 0);
}
