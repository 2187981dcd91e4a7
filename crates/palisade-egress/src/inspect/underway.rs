//! Requests that have been permitted and are not answered to their end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use palisade_core::Request;
use tokio::sync::OwnedSemaphorePermit;

type Open = Arc<Mutex<State>>;

/// Those of one connection.
#[derive(Debug, Default)]
pub(crate) struct Underway(Open);

#[derive(Debug, Default)]
struct State {
    next: u64,
    requests: BTreeMap<u64, Arc<Request>>,
}

/// One of them, as long as this is there.
#[derive(Debug)]
pub(crate) struct Ongoing {
    open: Open,
    id: u64,
    /// Among those of all connections.
    _place: OwnedSemaphorePermit,
}

impl Underway {
    /// And this one.
    pub(crate) fn enter(&self, request: &Arc<Request>, place: OwnedSemaphorePermit) -> Ongoing {
        let mut state = lock(&self.0);
        let id = state.next;
        state.next = id.wrapping_add(1);
        state.requests.insert(id, Arc::clone(request));
        Ongoing { open: Arc::clone(&self.0), id, _place: place }
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Request>> {
        lock(&self.0).requests.values().cloned().collect()
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        lock(&self.open).requests.remove(&self.id);
    }
}

fn lock(open: &Open) -> MutexGuard<'_, State> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
