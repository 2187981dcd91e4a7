//! The head of an HTTP/1 request: that it is for the expected host is said only of what is whole, and for good.

use palisade_core::HostName;
use palisade_egress::{RequestHead, read_request_head};

pub(crate) fn target(data: &[u8]) {
    let Ok(host) = "api.example.com".parse::<HostName>() else { return };
    let read = |bytes: &[u8]| read_request_head(bytes, &host, 80);
    let whole = read(data);
    if whole != RequestHead::Partial {
        let mut longer = data.to_vec();
        longer.extend_from_slice(b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n");
        let after = read(&longer);
        match whole {
            RequestHead::Agrees | RequestHead::NotHttp => assert_eq!(after, whole),
            _ => assert!(matches!(after, RequestHead::Refused(_)), "{whole:?} became {after:?}"),
        }
    }
    if whole == RequestHead::Agrees {
        let lower = data.to_ascii_lowercase();
        let hosts = lower.windows(6).filter(|word| word == b"\nhost:").count();
        assert!(hosts >= 1, "nothing names the host");
        let Ok(other) = "elsewhere.example".parse::<HostName>() else { return };
        assert_ne!(read_request_head(data, &other, 80), RequestHead::Agrees);
    }
    let step = data.len() / 16 + 1;
    for end in (0..data.len()).step_by(step) {
        match read(&data[..end]) {
            RequestHead::Partial => {}
            RequestHead::Refused(_) => {
                assert!(matches!(whole, RequestHead::Refused(_)), "refused at {end}, then {whole:?}");
            }
            early => assert_eq!(early, whole, "more bytes changed what was read at {end}"),
        }
    }
}
