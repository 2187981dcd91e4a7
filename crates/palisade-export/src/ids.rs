//! Names of traces and spans, made of the session and the record's number, so that every way of
//! sending the same record names it the same.

use data_encoding::HEXLOWER;
use palisade_core::{PolicyDigest, SessionId};

/// The trace of a session (W3C Trace Context, section 3.2.2.3): the random bits of its id.
pub fn trace_id(session: &SessionId) -> [u8; 16] {
    let own = session.as_str().strip_prefix("s-").and_then(bytes::<16>);
    own.filter(|bits| bits.iter().any(|byte| *byte != 0))
        .unwrap_or_else(|| digest(&format!("trace {session}")))
}

/// The span of a record; 0 is the session itself.
pub(crate) fn span_id(session: &SessionId, seq: u64) -> [u8; 8] {
    digest(&format!("span {session} {seq}"))
}

/// The variable `TRACEPARENT` for what runs in the sandbox: its own spans belong below the session's.
pub fn trace_parent(session: &SessionId) -> String {
    format!("00-{}-{}-01", hex(&trace_id(session)), hex(&span_id(session, 0)))
}

/// Lower case digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// The beginning of a digest of this text. Never all zeros, but by a chance that does not happen.
fn digest<const N: usize>(text: &str) -> [u8; N] {
    let digest = PolicyDigest::of(text.as_bytes());
    let digits = digest.as_str().strip_prefix("sha256:").unwrap_or_default();
    digits.get(..N.saturating_mul(2)).and_then(bytes::<N>).unwrap_or([1; N])
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_one_trace_whoever_asks() {
        let session = SessionId::from_random([0xab; 16]);
        assert_eq!(trace_id(&session), [0xab; 16]);
        assert_eq!(span_id(&session, 7), span_id(&session, 7));
        assert_ne!(span_id(&session, 7), span_id(&session, 8));
        let parent = trace_parent(&session);
        assert!(parent.starts_with(&format!("00-{}-", "ab".repeat(16))), "{parent}");
        assert_eq!((parent.len(), parent.ends_with("-01")), (55, true));
        let zero = SessionId::from_random([0; 16]);
        assert_ne!(trace_id(&zero), [0; 16]);
        let named: SessionId = "recovered-by-hand".parse().unwrap();
        assert_ne!(trace_id(&named), trace_id(&zero));
    }
}
