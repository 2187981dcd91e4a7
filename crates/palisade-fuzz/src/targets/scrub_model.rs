//! A model's answer that reflects a key: it does not come through, however it is cut.

use palisade_inference::fuzz::scrub;

use crate::input::{pieces, two};

pub(crate) fn target(data: &[u8]) {
    let (lengths, stream) = two(data);
    for key in ["sk-ant-abcabcab", "aabaabaaa"] {
        let Some(whole) = scrub(key, &[stream]) else { panic!("no such key") };
        assert_eq!(scrub(key, &pieces(stream, lengths)).as_ref(), Some(&whole));
        assert_eq!(whole.len(), stream.len());
        assert!(!whole.windows(key.len()).any(|window| window == key.as_bytes()));
    }
}
