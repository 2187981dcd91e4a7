use palisade_core::HostName;

/// The most that is read of a request's head.
pub(crate) const LONGEST: usize = 32 * 1024;
/// Empty lines that a patient server may skip before a request, in bytes.
const MOST_BLANK: usize = 64;
const MOST_HEADERS: usize = 128;
/// A longer first word is no method.
const LONGEST_METHOD: usize = 64;

/// Methods that no other protocol begins with.
const METHODS: [&[u8]; 9] =
    [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];

/// What is known of a client's first bytes, as to HTTP/1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestHead {
    /// It may become a request, and is not whole.
    Partial,
    /// It is no request of HTTP/1.
    NotHttp,
    /// A request that names the expected host everywhere it names one.
    Agrees,
    /// A request that names another host, none, or cannot be read in one way only.
    Refused(String),
}

/// Whether this begins with one of the methods that all know, or as HTTP/2 does, or is the beginning of that.
pub(crate) fn may_begin_one(line: &[u8]) -> bool {
    let end = line.iter().position(|byte| !is_token(*byte)).unwrap_or(line.len());
    let word = line.get(..end).unwrap_or_default();
    METHODS.iter().chain([&&b"PRI"[..]]).any(|method| method.starts_with(word))
}

/// Read the head of an HTTP/1 request and compare the hosts it names with the one it is sent to.
///
/// A first line that names HTTP must be a request that every server reads the same way;
/// everything else is left to be what it is.
pub fn read_request_head(bytes: &[u8], host: &HostName, port: u16) -> RequestHead {
    // RFC 9112, section 2.2: a server skips empty lines before a request.
    let blank = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    if blank > MOST_BLANK {
        return RequestHead::Refused("it begins with empty lines only".into());
    }
    let text = bytes.get(blank..).unwrap_or_default();
    let end = text.iter().position(|&b| b == b'\n');
    let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let method = line.iter().take_while(|&&b| is_token(b)).count();
    let known = METHODS.contains(&line.get(..method).unwrap_or_default());
    let spaced = line
        .get(method)
        .is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r') || (known && is_blank(*b)));
    let leading_space = method == 0 && line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
    let nul = line.contains(&0);
    // A NUL ends a line to some, and nothing to others.
    if nul && spaced && (known || names_http(line)) {
        return RequestHead::Refused("its first line has a NUL".into());
    }
    if !line.is_empty() && (!spaced || method > LONGEST_METHOD || (method == 0 && !leading_space))
        || nul
    {
        return RequestHead::NotHttp;
    }
    match end {
        None if bytes.len() >= LONGEST => RequestHead::Refused("its first line is too long".into()),
        None => RequestHead::Partial,
        Some(_) if !names_http(line) => RequestHead::NotHttp,
        Some(_) => read_whole(bytes, host, port),
    }
}

fn read_whole(bytes: &[u8], host: &HostName, port: u16) -> RequestHead {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) if bytes.len() >= LONGEST => {
            RequestHead::Refused("the head of its HTTP request is too long".into())
        }
        Ok(httparse::Status::Partial) => RequestHead::Partial,
        Ok(httparse::Status::Complete(_)) => match disagreement(&request, host, port) {
            Some(why) => RequestHead::Refused(why),
            None => RequestHead::Agrees,
        },
        // HTTP/2 without TLS begins with `PRI * HTTP/2.0` and ends here too: its `:authority` is
        // not read yet.
        Err(why) => RequestHead::Refused(format!("its HTTP request cannot be read ({why})")),
    }
}

fn disagreement(request: &httparse::Request<'_, '_>, host: &HostName, port: u16) -> Option<String> {
    let mut hosts = request.headers.iter().filter(|h| h.name.eq_ignore_ascii_case("host"));
    let (Some(named), None) = (hosts.next(), hosts.next()) else {
        return Some("its HTTP request does not have exactly one Host".into());
    };
    let target = request.path.unwrap_or_default();
    let (method, in_target) = (request.method.unwrap_or_default(), authority_of(target));
    let in_target = if method.eq_ignore_ascii_case("CONNECT") { Some(target) } else { in_target };
    let authorities = std::str::from_utf8(named.value).ok().into_iter().chain(in_target);
    let agree = authorities.clone().all(|authority| is_here(authority, host, port))
        && authorities.count() == 1 + usize::from(in_target.is_some());
    (!agree).then(|| {
        format!(
            "the connection is to {host}:{port}, but its HTTP request is for {}",
            shown(in_target.map_or(named.value, str::as_bytes), named.value, host, port),
        )
    })
}

/// Whichever of the two does not agree, escaped and cut for the record.
fn shown(target: &[u8], header: &[u8], host: &HostName, port: u16) -> String {
    let good = std::str::from_utf8(header).is_ok_and(|header| is_here(header, host, port));
    let odd = if good { target } else { header };
    odd.escape_ascii().take(100).map(char::from).collect()
}

/// The authority of a target in absolute form, whatever its scheme.
fn authority_of(target: &str) -> Option<&str> {
    if target.starts_with('/') || target == "*" {
        return None;
    }
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    Some(rest.split(['/', '?', '#', '\\']).next().unwrap_or_default())
}

/// Whether an authority is this host, and this port if it says one.
pub(crate) fn is_here(authority: &str, host: &HostName, port: u16) -> bool {
    let (name, said) = match authority.rsplit_once(':') {
        Some((name, said)) => (name, Some(said)),
        None => (authority, None),
    };
    let port_agrees = said
        .is_none_or(|said| said.bytes().all(|b| b.is_ascii_digit()) && said.parse() == Ok(port));
    port_agrees && name.is_ascii() && name.parse().is_ok_and(|name: HostName| name == *host)
}

fn names_http(line: &[u8]) -> bool {
    line.windows(5).any(|word| word.eq_ignore_ascii_case(b"http/"))
}

/// What some servers take for a blank between the words of the first line besides blanks: RFC 9112, section 3, names two,
/// and Python splits a text at the others.
fn is_blank(byte: u8) -> bool {
    matches!(byte, 0x0b | 0x0c | 0x1c..=0x1f | 0x85 | 0xa0)
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
