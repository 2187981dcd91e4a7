use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use palisade_core::BoxFuture;
use palisade_hooks::Post;

use crate::secret::http::call_within;

/// Bytes that a server of a hook may answer with.
const MOST_BYTES: usize = 1 << 20;

/// Asks servers of hooks. No redirect is followed.
pub(super) struct Client;

impl Post for Client {
    fn post<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(String, String)],
        body: Arc<[u8]>,
        within: Duration,
    ) -> BoxFuture<'a, Result<(u16, Vec<u8>), String>> {
        Box::pin(async move {
            let mut request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = request.body(Full::new(Bytes::copy_from_slice(&body)));
            let request = request.map_err(|error| error.to_string())?;
            let answer = call_within(request, within, MOST_BYTES).await?;
            Ok((answer.status.as_u16(), answer.body.to_vec()))
        })
    }
}
