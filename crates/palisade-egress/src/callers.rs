use std::net::SocketAddr;

use palisade_core::{BoxFuture, Caller, Look};

/// Tells who makes a connection, where rules are about that.
pub trait Callers: Send + Sync + 'static {
    /// Who has the socket at `client` that is connected to `destination`, as the client dialled it. Never
    /// asked for [`Look::None`].
    fn who(&self, client: SocketAddr, destination: SocketAddr, look: Look)
    -> BoxFuture<'_, Caller>;
}

/// Nobody can be told.
pub(crate) struct Untold;

impl Callers for Untold {
    fn who(&self, _: SocketAddr, _: SocketAddr, _: Look) -> BoxFuture<'_, Caller> {
        Box::pin(async { Caller::Unknown("it is not watched who connects".into()) })
    }
}
