use std::net::IpAddr;

use crate::world::{Echo, LOCALHOST, Plan};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn dials_metadata_address_of_a_name_that_rebinds() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.answers = vec![vec![LOCALHOST], vec![address("169.254.169.254")]];
    let world = plan.start().await;
    assert_eq!(world.exchange(b"\x01").await.unwrap(), b"\x01");
    world.exchange(b"\x01").await.unwrap_err();
    let denials = world.denials();
    assert_eq!(denials.len(), 1, "{denials:?}");
    assert_eq!(denials[0].detail["address"], format!("169.254.169.254:{}", echo.port));
    assert_eq!(echo.visitors(), 1);
}

#[tokio::test]
async fn hides_a_private_address_among_public_ones() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.answers = vec![vec![address("10.0.0.1"), address("::ffff:169.254.169.254"), LOCALHOST]];
    let world = plan.start().await;
    assert_eq!(world.exchange(b"\x01").await.unwrap(), b"\x01");
    let events = world.events();
    assert_eq!(events.len(), 1, "only what is dialled is authorised: {events:?}");
    assert_eq!(events[0].detail["address"], format!("127.0.0.1:{}", echo.port));
}

#[tokio::test]
async fn looks_up_a_second_time_between_check_and_dial() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    world.exchange(b"\x01").await.unwrap();
    assert_eq!(world.answers.asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn dials_a_bare_address() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.bare = Some(address("203.0.113.7"));
    let world = plan.start().await;
    world.exchange(b"\x01").await.unwrap_err();
    let denials = world.denials();
    assert_eq!(denials[0].subject, format!("203.0.113.7:{}", echo.port));
    assert_eq!(world.answers.asked.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn reaches_a_bare_address_that_is_permitted() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.bare = Some(LOCALHOST);
    let world = plan.start().await;
    assert_eq!(world.exchange(b"GET / HTTP/1.1\r\n\r\n").await.unwrap(), b"GET / HTTP/1.1\r\n\r\n");
}

#[tokio::test]
async fn dials_a_synthetic_address_that_stands_for_nothing() {
    for unmapped in ["198.19.1.1", "fd70:616c:6973:6164::c613:101", "fd70:616c:6973:6164::1"] {
        let mut plan = Plan::to(80);
        plan.bare = Some(address(unmapped));
        plan.permitted.push(address(unmapped));
        let world = plan.start().await;
        world.exchange(b"\x01").await.unwrap_err();
        assert!(world.denials()[0].reason.contains("stands for no name"), "{unmapped}");
    }
}

#[tokio::test]
async fn comes_straight_to_the_proxy() {
    use std::{net::TcpListener, sync::Arc};

    use palisade_egress::{Proxy, SyntheticMap};
    use tokio::io::AsyncReadExt;

    use crate::world::{Answers, Judge};

    // No destination of the test's: the true one, without any redirection.
    let judge = Arc::new(Judge { addresses: [LOCALHOST].into(), ..Judge::default() });
    let listener = TcpListener::bind((LOCALHOST, 0)).unwrap();
    let at = listener.local_addr().unwrap();
    let answers = Arc::new(Answers::default());
    let proxy = Proxy::new(Arc::clone(&judge) as _, SyntheticMap::new(), answers);
    let serving = tokio::spawn(proxy.serve(vec![listener]));
    let mut client = tokio::net::TcpStream::connect(at).await.unwrap();
    client.read_u8().await.unwrap_err();
    serving.abort();
    let events = judge.events.lock().unwrap().clone();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].reason.contains("straight to the proxy"));
}

/// An address that this machine got after the sandbox was started, so that it is permitted as anybody's is.
#[tokio::test]
async fn dials_an_address_that_has_become_the_hosts_own() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    // The twin: where it may be dialled all the same it is.
    assert_eq!(world.exchange(b"\x00hello").await.unwrap(), b"\x00hello");
    *world.judge.own.lock().unwrap() = Some([].into());
    for _ in 0..2 {
        world.exchange(b"\x00secret").await.unwrap_err();
    }
    assert_eq!(echo.heard(), b"\x00hello");
    assert_eq!(world.denials().len(), 2);
    // It is known from the first time on.
    assert_eq!(echo.visitors(), 2);
}

/// Names below a wildcard: what is looked up gets to that zone's nameservers.
#[tokio::test]
async fn has_more_names_looked_up_than_may_be() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.look_ups = Some(2);
    let world = plan.start().await;
    for _ in 0..2 {
        assert_eq!(world.exchange(b"\x01").await.unwrap(), b"\x01");
    }
    world.exchange(b"\x01").await.unwrap_err();
    assert_eq!(world.answers.asked.load(std::sync::atomic::Ordering::SeqCst), 2);
    assert_eq!(echo.visitors(), 2);
    assert_eq!(world.denials()[0].reason, "too many names");
}
