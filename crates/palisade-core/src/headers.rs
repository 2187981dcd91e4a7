/// Headers, in lower case, that frame a message or say where it goes. No credential is carried in one: what
/// was decided about the request would not be what is sent.
pub const FRAMING_HEADERS: [&str; 11] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "content-type",
    "content-encoding",
    "expect",
    "accept-encoding",
];
