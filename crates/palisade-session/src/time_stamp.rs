//! A question to a time-stamp server (RFC 3161, section 3.4).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;

use crate::secret::http::call_within;

const WITHIN: Duration = Duration::from_secs(30);

/// Ask the server at `url`, which is `https`, or `http`: the answer is signed by itself. No redirect is followed.
pub fn time_stamp(url: &str, question: Vec<u8>, most: usize) -> Result<Vec<u8>, String> {
    let request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/timestamp-query")
        .body(Full::new(Bytes::from(question)))
        .map_err(|error| error.to_string())?;
    if !matches!(request.uri().scheme_str(), Some("https" | "http")) {
        return Err("it is no URL with http:// or https://".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let answer = runtime.block_on(call_within(request, WITHIN, most))?;
    if answer.status == StatusCode::OK {
        Ok(answer.body.to_vec())
    } else {
        Err(format!("the server answered {}", answer.status))
    }
}
