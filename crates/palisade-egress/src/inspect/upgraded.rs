//! A connection that is no HTTP any more.

use std::sync::Arc;

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::transform::AnswerFilter;
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
        let Some(mut filter) = filter else {
            return traffic.copy(Way::In, &mut from_server, &mut to_client).await;
        };
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            if from_server.read_buf(&mut buffer).await? == 0 {
                traffic.write(Way::In, &filter.end(), &mut to_client).await?;
                return to_client.shutdown().await;
            }
            let clean = filter.data(buffer.split().freeze());
            traffic.write(Way::In, &clean, &mut to_client).await?;
        }
    };
    // Whichever side breaks, both are closed.
    tokio::try_join!(outward, inward).ok();
}
