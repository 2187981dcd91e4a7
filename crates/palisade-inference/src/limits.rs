use std::time::Duration;

/// How much of the supervisor's memory and time one sandbox's model calls may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, in bytes.
    pub body: usize,
    /// All request bodies held at one time, in bytes.
    pub bodies: usize,
    /// All of the answers held at one time because something in them waits for its end, in bytes.
    pub answers: usize,
    /// Connections open at one time; further ones are closed at once.
    pub connections: usize,
    /// Headers in one request.
    pub headers: usize,
    /// Deepest nesting of a JSON body.
    pub nesting: usize,
    /// How long a client may take for a request's head, and how long a connection may stay idle.
    pub head: Duration,
    /// Longest pause within a request's body.
    pub body_pause: Duration,
    /// Longest time to connect to a provider, TLS included.
    pub connect: Duration,
    /// Longest time until a provider begins to answer. A call that does not stream answers only
    /// when the model is done.
    pub first_byte: Duration,
    /// Longest pause within a provider's answer.
    pub answer_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 << 20,
            bodies: 256 << 20,
            answers: 256 << 20,
            connections: 4096,
            headers: 100,
            nesting: 128,
            head: Duration::from_secs(60),
            body_pause: Duration::from_secs(30),
            connect: Duration::from_secs(15),
            first_byte: Duration::from_secs(900),
            answer_pause: Duration::from_secs(600),
        }
    }
}
