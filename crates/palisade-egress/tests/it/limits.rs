use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use crate::world::{Echo, Plan, SOON};

#[tokio::test]
async fn floods_with_connections() {
    let echo = Echo::start().await;
    let mut plan = Plan::to(echo.port);
    plan.limits.open = 4;
    let world = plan.start().await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut client = world.connect().await;
        client.write_all(b"\x01").await.unwrap();
        assert_eq!(timeout(SOON, client.read_u8()).await.unwrap().unwrap(), 1);
        held.push(client);
    }
    for _ in 0..50 {
        let mut excess = world.connect().await;
        timeout(SOON, excess.read_u8()).await.unwrap().unwrap_err();
    }
    sleep(Duration::from_millis(50)).await;
    let denials = world.denials();
    let count: u64 = denials.iter().map(|e| e.detail["count"].as_u64().unwrap()).sum();
    assert_eq!(count, 50);

    // Those that were there before go on, and there is room again when one ends.
    for client in &mut held {
        client.write_all(b"\x02").await.unwrap();
        assert_eq!(timeout(SOON, client.read_u8()).await.unwrap().unwrap(), 2);
    }
    drop(held.pop());
    for _ in 0..100 {
        if world.exchange(b"\x03").await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("no room again");
}

#[tokio::test]
async fn one_client_that_stalls_stops_no_other() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    let mut stalled = world.connect().await;
    stalled.write_all(b"\x16\x03").await.unwrap();
    let mut deaf = world.connect().await;
    deaf.write_all(&[1; 1 << 16]).await.unwrap();
    assert_eq!(world.exchange(b"\x01").await.unwrap(), b"\x01");
}

#[tokio::test]
async fn sends_a_request_byte_by_byte() {
    let echo = Echo::start().await;
    let world = Plan::to(echo.port).start().await;
    for (host, passes) in [("a.example", true), ("b.example", false)] {
        let request = format!("GET /{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "x".repeat(1500));
        let mut client = world.connect().await;
        client.set_nodelay(true).unwrap();
        for byte in request.bytes() {
            if client.write_u8(byte).await.is_err() {
                break;
            }
        }
        let mut back = vec![0; request.len()];
        let result = timeout(SOON, client.read_exact(&mut back)).await.unwrap();
        assert_eq!(result.is_ok(), passes, "{host}");
    }
}
