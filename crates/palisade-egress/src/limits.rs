use std::time::Duration;

/// How much of the supervisor a sandbox may take up, and for how long.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections open at a time; what comes on top is reset and recorded.
    pub open: usize,
    /// How long a dial to one address may take.
    pub connect: Duration,
    /// How long one address is tried before the next is tried beside it.
    pub stagger: Duration,
    /// How long a client may stay silent before the server is dialled without having heard it.
    pub first_byte: Duration,
    /// How long a client may take, from its first byte, to say what it wants.
    pub first_flight: Duration,
    /// How long nothing may flow in either direction.
    pub idle: Duration,
    /// How long the head of an HTTP request may take to come, and how long a client may wait
    /// with the next one.
    pub head: Duration,
    /// How long a server may take to begin its answer, once it has the request.
    pub answer: Duration,
    /// How long a body may take that is read before the request is decided.
    pub body: Duration,
    /// Requests that one HTTP/2 client may have open at a time.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open: 1024,
            connect: Duration::from_secs(10),
            stagger: Duration::from_millis(250),
            first_byte: Duration::from_millis(150),
            first_flight: Duration::from_secs(10),
            idle: Duration::from_secs(15 * 60),
            head: Duration::from_secs(60),
            answer: Duration::from_secs(10 * 60),
            body: Duration::from_secs(30),
            streams: 100,
        }
    }
}
