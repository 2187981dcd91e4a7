use std::{net::SocketAddr, time::Duration};

use palisade_core::HostName;

/// How a relayed connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndCause {
    /// Both sides were done.
    Closed,
    /// One side broke off.
    Broken,
    /// Nothing flowed for too long.
    Idle,
    /// What the client said first was denied.
    Denied,
}

/// A connection that was dialled, and is over.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ended {
    /// The name it was to, if it was to a name.
    pub host: Option<HostName>,
    /// The address that was dialled; `None` where the operator's proxy was asked for the name.
    pub address: Option<SocketAddr>,
    /// Bytes that left the sandbox.
    pub sent: u64,
    /// Bytes that came in.
    pub received: u64,
    /// From accept to end.
    pub lasted: Duration,
    /// Why it ended.
    pub cause: EndCause,
}

/// Is told of each dialled connection's end, for counters. Must not block.
pub trait Observer: Send + Sync + 'static {
    /// This one is over.
    fn ended(&self, connection: &Ended);
}

impl<F: Fn(&Ended) + Send + Sync + 'static> Observer for F {
    fn ended(&self, connection: &Ended) {
        self(connection);
    }
}
