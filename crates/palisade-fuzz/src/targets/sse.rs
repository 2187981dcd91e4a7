//! Events of a stream: put together they are the stream, and a cut changes none.

use palisade_inference::fuzz::events;

use crate::input::{pieces, two};

pub(crate) fn target(data: &[u8]) {
    let (lengths, stream) = two(data);
    let (all, error) = events(&[stream]);
    assert_eq!(events(&pieces(stream, lengths)), (all.clone(), error.clone()));
    let raw: Vec<u8> = all.iter().flat_map(|(raw, ..)| raw.iter().copied()).collect();
    match error {
        None => assert_eq!(raw, stream),
        Some(_) => assert!(stream.starts_with(&raw)),
    }
}
