use std::{
    pin::pin,
    task::{Context, Poll},
};

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::fuzz::Pieces;

impl Pieces {
    fn of(bytes: &[u8], cuts: &[usize]) -> Self {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        cuts.dedup();
        let mut from = 0;
        let pieces = cuts.into_iter().map(|to| {
            let piece = bytes[from..to].to_vec();
            from = to;
            piece
        });
        Self(pieces.filter(|piece| !piece.is_empty()).collect())
    }
}

/// All that comes through, with what was told of it. Ends where the gate would wait for ever.
fn through(
    bytes: &[u8],
    cuts: &[usize],
    room: usize,
) -> (Vec<u8>, Vec<Result<bool, &'static str>>, bool) {
    let (gate, admissions) = Gate::new(Pieces::of(bytes, cuts));
    let mut gate = pin!(gate);
    let mut out = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    let failed = loop {
        let mut space = vec![0; room];
        let mut buffer = ReadBuf::new(&mut space);
        match gate.as_mut().poll_read(&mut cx, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => break false,
            Poll::Ready(Ok(())) => out.extend_from_slice(buffer.filled()),
            Poll::Ready(Err(_)) => break true,
            Poll::Pending => break false,
        }
    };
    let told = admissions.shared().told.drain(..).map(|told| told.map(|it| it.upgrade)).collect();
    (out, told, failed)
}

const GOOD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
    GET /b HTTP/1.1\r\nHost: a\r\n\r\n\
    PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n\
    GET /d HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn requests_pass_as_they_are_and_each_is_told() {
    let (out, told, failed) = through(GOOD, &[], 1024);
    assert_eq!(out, GOOD);
    assert_eq!(told, [Ok(false); 4]);
    assert!(!failed);
}

#[test]
fn nothing_passes_behind_what_is_refused() {
    let bytes = [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice(),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    .concat();
    for cuts in [vec![], (0..bytes.len()).collect()] {
        let (out, told, _) = through(&bytes, &cuts, 1024);
        assert_eq!(out, [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", STAND_IN].concat());
        assert_eq!(told[0], Ok(false));
        assert_eq!(told[1], Err("it has both Content-Length and Transfer-Encoding"));
        assert_eq!(told.len(), 2);
    }
}

#[test]
fn a_bad_chunk_breaks_the_body_off() {
    let bytes =
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0x0\r\n\r\n";
    let head = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    let (out, told, failed) = through(bytes, &[head], 1024);
    assert!(failed);
    assert_eq!(told, [Ok(false)]);
    assert!(!out.ends_with(b"0\r\n\r\n"), "{}", out.escape_ascii());
    // What comes with its head is known before anything is given on.
    let (out, told, _) = through(bytes, &[], 1024);
    assert_eq!(out, STAND_IN);
    assert_eq!(told, [Err("a chunk's size is not a hexadecimal number")]);
}

#[test]
fn an_empty_line_behind_a_request_is_passed_over() {
    let (out, told, _) = through(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &[1], 1024);
    assert_eq!(out, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(told, [Ok(false)]);
    let (_, told, _) = through(b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &[], 1024);
    assert!(told[0].is_err());
}

#[tokio::test]
async fn another_protocol_flows_only_once_it_is_agreed_on() {
    const ASK: &[u8] =
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    for upgraded in [true, false] {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let (mut gate, admissions) = Gate::new(server);
        client.write_all(ASK).await.unwrap();
        client.write_all(b"\x81\x05hello").await.unwrap();
        let mut head = vec![0; ASK.len()];
        gate.read_exact(&mut head).await.unwrap();
        assert!(admissions.next().unwrap().upgrade);
        let reading = tokio::spawn(async move {
            let mut frame = [0; 7];
            gate.read_exact(&mut frame).await.map(|_| frame)
        });
        tokio::task::yield_now().await;
        assert!(!reading.is_finished());
        admissions.settle(upgraded);
        if upgraded {
            assert_eq!(&reading.await.unwrap().unwrap(), b"\x81\x05hello");
        } else {
            client.write_all(b"\r\n").await.unwrap();
            reading.await.unwrap().unwrap();
            admissions.next().unwrap_err();
        }
    }
}

proptest! {
    #[test]
    fn however_it_is_cut_the_same_passes(
        broken in prop::option::of((0usize..GOOD.len(), any::<u8>())),
        cuts in prop::collection::vec(0usize..300, 0..12),
        room in 1usize..64,
    ) {
        let mut bytes = GOOD.to_vec();
        if let Some((at, byte)) = broken {
            bytes[at] = byte;
        }
        let (out, told, failed) = through(&bytes, &cuts, room);
        let (whole_out, whole_told, whole_failed) = through(&bytes, &[], 4096);
        // What a broken chunk lets pass before it breaks depends on how it comes.
        let ends_badly = |told: &[Result<bool, _>], failed| failed || told.last().is_some_and(Result::is_err);
        if ends_badly(&told, failed) {
            prop_assert!(ends_badly(&whole_told, whole_failed));
            let good = |told: &[Result<bool, _>]| told.iter().filter(|it| it.is_ok()).count();
            prop_assert!(good(&told).abs_diff(good(&whole_told)) <= 1);
            let passed = |out: &[u8]| out.strip_suffix(STAND_IN).unwrap_or(out).to_vec();
            let (out, whole_out) = (passed(&out), passed(&whole_out));
            let shorter = out.len().min(whole_out.len());
            prop_assert_eq!(&out[..shorter], &whole_out[..shorter]);
        } else {
            prop_assert_eq!(told, whole_told);
            prop_assert_eq!(failed, whole_failed);
            prop_assert_eq!(out, whole_out);
        }
    }
}
