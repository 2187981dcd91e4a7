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

/// Whether two names of headers are one to programs that have headers as variables (CGI, FastCGI, WSGI): to some
/// gateways all that is neither a letter nor a digit is `_` there, and case never counts (RFC 3875, section 4.1.18).
pub fn one_variable(name: &[u8], other: &[u8]) -> bool {
    let folded = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() => byte.to_ascii_uppercase(),
        _ => b'_',
    };
    name.len() == other.len() && name.iter().map(folded).eq(other.iter().map(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_letter_and_no_digit_is_one() {
        for twin in ["x-api-key", "X_Api_Key", "x.api~key", "x*api|key"] {
            assert!(one_variable(twin.as_bytes(), b"x-api-key"), "{twin}");
        }
        for other in ["xapikey", "x-api-keys", "x-api-kex", "x--api-key", ""] {
            assert!(!one_variable(other.as_bytes(), b"x-api-key"), "{other}");
        }
    }
}
