//! Answers go through frame by frame. No test here depends on how fast anything is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use palisade_testkit::{Upstream, stream};
use tokio::{
    sync::{Notify, mpsc},
    time::{Duration, sleep, timeout},
};

use crate::bench::{Bench, LONG, post};

const CALL: &str = r#"{"model":"claude-x","stream":true}"#;

async fn frame(body: &mut Incoming) -> Bytes {
    timeout(LONG, body.frame()).await.expect("a frame comes").unwrap().unwrap().into_data().unwrap()
}

#[tokio::test]
async fn a_chunk_arrives_before_the_next_one_is_sent() {
    let received = Arc::new(Notify::new());
    let acknowledged = Arc::clone(&received);
    let upstream = Upstream::start(move |_| {
        let acknowledged = Arc::clone(&acknowledged);
        async move {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(async move {
                for number in 0..5 {
                    let event = format!("event: ping\r\ndata: {{\"type\":\"ping\",\"n\":\"{number}\u{1f980}\"}}\r\n\r\n");
                    drop(sender.send(Ok(Bytes::from(event))).await);
                    acknowledged.notified().await;
                }
            });
            stream("text/event-stream", receiver)
        }
    })
    .unwrap();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let mut body = bench.send(post("/v1/messages", CALL)).await.into_body();
    for number in 0..5 {
        let expected = format!(
            "event: ping\r\ndata: {{\"type\":\"ping\",\"n\":\"{number}\u{1f980}\"}}\r\n\r\n"
        );
        assert_eq!(frame(&mut body).await, expected);
        received.notify_one();
    }
    assert!(timeout(LONG, body.frame()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_upstream() {
    for sends_first in [true, false] {
        let ended = Arc::new(Notify::new());
        let begun = Arc::new(Notify::new());
        let (noticed, arrived) = (Arc::clone(&ended), Arc::clone(&begun));
        let upstream = Upstream::start(move |_| {
            let (noticed, arrived) = (Arc::clone(&noticed), Arc::clone(&arrived));
            async move {
                let (sender, receiver) = mpsc::channel(1);
                if sends_first {
                    drop(sender.send(Ok(Bytes::from_static(b": 1\n\n"))).await);
                    tokio::spawn(async move {
                        sender.closed().await;
                        noticed.notify_one();
                    });
                    return stream("text/event-stream", receiver);
                }
                // Dropped with the connection, before any answer.
                let guard = Ending(noticed);
                arrived.notify_one();
                std::future::pending::<()>().await;
                drop((guard, sender));
                stream("text/event-stream", receiver)
            }
        })
        .unwrap();
        let bench = Bench::new(&upstream.url(), &upstream.url()).await;
        if sends_first {
            let mut body = bench.send(post("/v1/messages", CALL)).await.into_body();
            assert_eq!(frame(&mut body).await, ": 1\n\n");
            drop(body);
        } else {
            tokio::select! {
                _ = bench.send(post("/v1/messages", CALL)) => panic!("no answer was sent"),
                () = begun.notified() => {}
            }
        }
        timeout(LONG, ended.notified()).await.expect("the provider notices");
    }
}

struct Ending(Arc<Notify>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_provider_back() {
    const CHUNK: usize = 64 << 10;
    let chunk = format!("event: ping\ndata: {{\"type\":\"ping\"}}\n: {}\n\n", "x".repeat(CHUNK));
    let size = chunk.len();
    let chunk = Bytes::from(chunk);
    const ALL: usize = 1024;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let upstream = Upstream::start(move |_| {
        let (counter, chunk) = (Arc::clone(&counter), chunk.clone());
        async move {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(async move {
                while counter.load(Ordering::Relaxed) < ALL
                    && sender.send(Ok(chunk.clone())).await.is_ok()
                {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
            stream("text/event-stream", receiver)
        }
    })
    .unwrap();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let body = bench.send(post("/v1/messages", CALL)).await.into_body();
    let mut before = 0;
    loop {
        sleep(Duration::from_millis(300)).await;
        let now = sent.load(Ordering::Relaxed);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    assert!(before < ALL / 2, "{before} chunks went out to nobody");
    let all = timeout(LONG, body.collect()).await.unwrap().unwrap().to_bytes();
    assert_eq!(all.len(), ALL * size);
}
