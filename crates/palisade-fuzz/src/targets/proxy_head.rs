//! What a client asks a proxy for: it is judged once it can be, the same however it comes, and nothing behind it is read.

use palisade_egress::fuzz::proxy_head;

pub(crate) fn target(data: &[u8]) {
    let whole = proxy_head(data, 0);
    if let Some((length, served)) = whole {
        assert!(length <= data.len());
        if served {
            assert_eq!(proxy_head(&data[..length], 0), whole, "it hangs on what follows");
        }
    }
    // Byte by byte.
    let mut first = None;
    for end in 1..=data.len().min(600) {
        first = proxy_head(&data[..end], end - 1);
        if first.is_some() {
            break;
        }
    }
    if data.len() <= 600 {
        let served = |judged: Option<(usize, bool)>| judged.map(|(_, served)| served);
        assert_eq!(served(first), served(whole));
    }
}
