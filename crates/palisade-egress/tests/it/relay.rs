use std::{sync::Arc, time::Duration};

use palisade_core::Verdict;
use palisade_egress::{EndCause, Services};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};

use crate::world::{Echo, LOCALHOST, Plan, SOON, name};

#[tokio::test]
async fn reaches_a_permitted_host_and_leaves_one_event() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    assert_eq!(world.exchange(b"\x01hello").await.unwrap(), b"\x01hello");
    let events = world.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].decision, Verdict::Allow);
    assert_eq!(events[0].subject, format!("a.example:{}", echo.port));
    assert_eq!(events[0].detail["address"], format!("127.0.0.1:{}", echo.port));
    let end = world.end().await;
    assert_eq!((end.sent, end.received, end.cause), (6, 6, EndCause::Closed));
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard_first() {
    let echo = Echo::greeting(b"220 ready\r\n").await;
    let world = Plan::to(echo.port).start().await;
    let mut client = world.connect().await;
    let mut words = [0; 11];
    timeout(SOON, client.read_exact(&mut words)).await.unwrap().unwrap();
    assert_eq!(&words, b"220 ready\r\n");
    client.write_all(b"EHLO me\r\n").await.unwrap();
    let mut answer = [0; 9];
    timeout(SOON, client.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"EHLO me\r\n");
    assert_eq!(world.events().len(), 1);
}

#[tokio::test]
async fn many_bytes_flow_both_ways_and_each_way_ends_by_itself() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    let sent: Vec<u8> = (0..8_000_000_u32).map(|i| (i % 251) as u8).collect();
    let (mut reader, mut writer) = world.connect().await.into_split();
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    timeout(SOON * 4, reader.read_to_end(&mut received)).await.unwrap().unwrap();
    writing.await.unwrap();
    assert!(received == expected);
    let end = world.end().await;
    assert_eq!((end.sent, end.received), (8_000_000, 8_000_000));
}

#[tokio::test]
async fn names_that_no_rule_permits_are_reset_at_once() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.allow_name = false;
    let world = plan.start().await;
    let mut client = world.connect().await;
    let result = timeout(SOON, client.read_u8()).await.unwrap();
    assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(world.denials().len(), 1);
    assert_eq!(echo.visitors(), 0);
}

#[tokio::test]
async fn an_upstream_that_is_dead_is_an_event_and_an_error() {
    let port = {
        let gone = std::net::TcpListener::bind((LOCALHOST, 0)).unwrap();
        gone.local_addr().unwrap().port()
    };
    let world = Plan::to(port).start().await;
    world.exchange(b"\x01").await.unwrap_err();
    let events = world.events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[1].decision, Verdict::Observe);
    assert!(events[1].reason.contains("refused"), "{}", events[1].reason);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_is_dead() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    // Nothing listens on 127.0.0.2; 192.0.2.1 never answers.
    let (dead, silent) = ("127.0.0.2".parse().unwrap(), "192.0.2.1".parse().unwrap());
    plan.answers = vec![vec![silent, dead, LOCALHOST]];
    plan.permitted.extend([dead, silent]);
    let world = plan.start().await;
    assert_eq!(world.exchange(b"\x01").await.unwrap(), b"\x01");
}

#[tokio::test]
async fn services_are_served_without_a_dial() {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut plan = Plan::to(80);
    plan.host = "inference.local";
    plan.allow_name = false;
    plan.services = Services::new().with(name("inference.local"), 80, Arc::new(sender));
    let world = plan.start().await;
    let mut client = world.connect().await;
    client.write_all(b"hi").await.unwrap();
    let mut served = timeout(SOON, receiver.recv()).await.unwrap().unwrap();
    let mut words = [0; 2];
    served.read_exact(&mut words).await.unwrap();
    assert_eq!(&words, b"hi");
    // An answer in pieces does not wait for the client to acknowledge each.
    assert!(served.nodelay().unwrap());
    assert!(world.events().is_empty());
}

#[tokio::test]
async fn idle_connections_end() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.limits.idle = Duration::from_millis(300);
    let world = plan.start().await;
    let mut client = world.connect().await;
    client.write_all(b"\x01").await.unwrap();
    assert_eq!(timeout(SOON, client.read_u8()).await.unwrap().unwrap(), 1);
    timeout(SOON, client.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(world.end().await.cause, EndCause::Idle);
}
