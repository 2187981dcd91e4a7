//! A connection that is no HTTP any more.

use std::sync::Arc;

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{flow::QUIET, frames::Frames, transform::AnswerFilter};
use crate::relay::{Traffic, Way};

/// What is read at a time of what is no HTTP any more.
const CHUNK: usize = 16 * 1024;

/// Pass on everything both ways, once both sides are free of HTTP.
pub(super) async fn relayed(
    client: OnUpgrade,
    server: OnUpgrade,
    filter: Option<Box<dyn AnswerFilter>>,
    traffic: Arc<Traffic>,
) {
    let (Ok(client), Ok(server)) = tokio::join!(client, server) else { return };
    let (mut from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (mut from_server, mut to_server) = tokio::io::split(TokioIo::new(server));
    let outward = traffic.copy(Way::Out, &mut from_client, &mut to_server);
    let inward = async {
        let Some(filter) = filter else {
            return traffic.copy(Way::In, &mut from_server, &mut to_client).await;
        };
        let mut filter = Frames::new(filter);
        let mut buffer = BytesMut::new();
        let (mut held, mut asked) = (0_usize, false);
        loop {
            buffer.reserve(CHUNK);
            let reading = from_server.read_buf(&mut buffer);
            let read = if held == 0 || asked {
                reading.await
            } else if let Ok(read) = timeout(QUIET, reading).await {
                read
            } else {
                let clean = filter.quiet();
                (held, asked) = (held.saturating_sub(clean.len()), true);
                traffic.write(Way::In, &clean, &mut to_client).await?;
                continue;
            };
            if read? == 0 {
                traffic.write(Way::In, &filter.end(), &mut to_client).await?;
                return to_client.shutdown().await;
            }
            let came = buffer.split().freeze();
            held = held.saturating_add(came.len());
            let clean = filter.data(came);
            (held, asked) = (held.saturating_sub(clean.len()), false);
            traffic.write(Way::In, &clean, &mut to_client).await?;
        }
    };
    // Whichever side breaks, both are closed.
    tokio::try_join!(outward, inward).ok();
}
