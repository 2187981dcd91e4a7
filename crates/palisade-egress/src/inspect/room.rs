//! How much of the supervisor's memory all connections together may take up that are looked into.
//!
//! What is bounded for one connection of HTTP/2 is some MiB, and there may be a thousand. So the first of them
//! have room for speed, and the others little; and of all requests only so many are under way at a time, more
//! wait. Together with [`MOST_GATHERED`](super::inspector) that is about 1.2 GiB if everybody inside tries to
//! have as much as there is: half of it heads, of 64 KiB each.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Connections of HTTP/2 that have large windows.
const ROOMY: usize = 32;
const LARGE: u32 = 1024 * 1024;
/// What the standard begins with (RFC 9113, section 6.5.2), and no sender counts on more.
const SMALL: u32 = 65_535;
/// Requests at a time on a connection with small ones.
const FEW: u32 = 8;
/// Requests that are under way at a time, of all connections: each may hold what a side does not read. HTTP/1
/// alone has no more, since a connection has one.
const MOST_UNDERWAY: usize = 2048;
/// How long one more waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// What there is for all.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    roomy: Arc<Semaphore>,
    underway: Arc<Semaphore>,
}

/// What there is for one connection of HTTP/2.
#[derive(Debug)]
pub(crate) struct Room {
    /// Bytes of one stream that may come before they are asked for. The connection has twice that.
    pub(crate) window: u32,
    /// Requests at a time.
    pub(crate) streams: u32,
    _place: Option<OwnedSemaphorePermit>,
}

impl Rooms {
    pub(crate) fn new() -> Self {
        let roomy = Arc::new(Semaphore::new(ROOMY));
        Self { roomy, underway: Arc::new(Semaphore::new(MOST_UNDERWAY)) }
    }

    /// For one more connection, which would have so many requests at a time.
    pub(crate) fn take(&self, streams: u32) -> Room {
        let place = Arc::clone(&self.roomy).try_acquire_owned().ok();
        match place {
            Some(_) => Room { window: LARGE, streams, _place: place },
            None => Room { window: SMALL, streams: streams.min(FEW), _place: None },
        }
    }

    /// A place for one more request. `None`: there was none for long.
    pub(crate) async fn request(&self) -> Option<OwnedSemaphorePermit> {
        timeout(PATIENCE, Arc::clone(&self.underway).acquire_owned()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn there_is_room_for_some_and_little_for_the_others() {
        let rooms = Rooms::new();
        let mut taken: Vec<Room> = (0..ROOMY).map(|_| rooms.take(100)).collect();
        assert!(taken.iter().all(|room| (room.window, room.streams) == (LARGE, 100)));
        let small = rooms.take(100);
        assert_eq!((small.window, small.streams, rooms.take(3).streams), (SMALL, FEW, 3));
        taken.pop();
        assert_eq!(rooms.take(100).window, LARGE);
        let mut requests = Vec::new();
        for _ in 0..MOST_UNDERWAY {
            requests.push(rooms.request().await.unwrap());
        }
        assert!(rooms.request().await.is_none());
        let waiting = rooms.clone();
        let waiting = tokio::spawn(async move { waiting.request().await.is_some() });
        tokio::task::yield_now().await;
        requests.pop();
        assert!(waiting.await.unwrap());
    }
}
