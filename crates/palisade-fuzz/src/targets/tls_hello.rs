//! A ClientHello: what is read of its beginning stays so whatever follows.

use palisade_core::TlsName;
use palisade_egress::{ClientHello, read_client_hello};

pub(crate) fn target(data: &[u8]) {
    let whole = read_client_hello(data);
    match &whole {
        // Else whoever waits for more would read what is there again and again.
        ClientHello::Partial(needed) => assert!(*needed > data.len()),
        ClientHello::Read(_) => {
            let mut longer = data.to_vec();
            longer.extend_from_slice(&[22, 3, 1, 0, 1, 0]);
            assert_eq!(read_client_hello(&longer), whole);
        }
    }
    let named = |read: &ClientHello| matches!(read, ClientHello::Read(TlsName::Named(_)));
    let step = data.len() / 16 + 1;
    for end in (0..data.len()).step_by(step) {
        match read_client_hello(&data[..end]) {
            ClientHello::Partial(needed) => assert!(needed > end),
            read => assert_eq!(read, whole, "more bytes changed what was read at {end}"),
        }
    }
    if named(&whole) {
        assert!(data.len() > 5, "a name out of nothing");
    }
}
