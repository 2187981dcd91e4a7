use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Duration, timeout},
};

use crate::{Limits, refusal::Refusal};

/// The unit in which memory for bodies is counted.
const PAGE: usize = 1024;

/// Room that is made for a body when it begins, at most: what a client announces is no more than a word.
const MOST_AHEAD: usize = 64 * 1024;

/// Memory that all request bodies share, or all answers that wait.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / PAGE).min(Semaphore::MAX_PERMITS))))
    }

    /// Never waits: two requests that wait for each other's memory would wait for ever.
    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let pages = u32::try_from(bytes.div_ceil(PAGE)).map_err(|_| Refusal::Crowded)?;
        Arc::clone(&self.0).try_acquire_many_owned(pages).map_err(|_| Refusal::Crowded)
    }
}

/// A share of the budget that follows what is held.
pub(crate) struct Share {
    budget: Budget,
    pages: Option<OwnedSemaphorePermit>,
}

impl Share {
    pub(crate) fn of(budget: &Budget) -> Self {
        Self { budget: budget.clone(), pages: None }
    }

    /// Makes it a share for so many bytes. `false`: there is no room for them, and it stays as it is.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let has = self.pages.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = bytes.div_ceil(PAGE);
        if let Some(more) = wanted.checked_sub(has).filter(|more| *more > 0) {
            let Ok(more) = self.budget.take(more.saturating_mul(PAGE)) else { return false };
            match &mut self.pages {
                Some(pages) => pages.merge(more),
                None => self.pages = Some(more),
            }
        } else if let Some(pages) = &mut self.pages {
            drop(pages.split(has.saturating_sub(wanted)));
        }
        true
    }
}

/// A whole request body, with its share of the budget.
pub(crate) struct Held {
    bytes: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Reads a body to its end, no further than the limit.
    pub(crate) async fn read(
        body: &mut Incoming,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, Refusal> {
        let too_large = Refusal::TooLarge(limits.body);
        let announced = body.size_hint().lower();
        if announced > limits.body as u64 {
            return Err(too_large);
        }
        let mut held = Self { bytes: Vec::new(), share: None };
        loop {
            let frame = match timeout(limits.body_pause, body.frame()).await {
                Err(_) | Ok(Some(Err(_))) => return Err(Refusal::Incomplete),
                Ok(None) => return Ok(held),
                Ok(Some(Ok(frame))) => frame,
            };
            // Trailers of a request say nothing that is understood here.
            let Ok(data) = frame.into_data() else { continue };
            if held.bytes.len().saturating_add(data.len()) > limits.body {
                return Err(too_large);
            }
            let share = budget.take(data.len())?;
            match &mut held.share {
                Some(all) => all.merge(share),
                None => held.share = Some(share),
            }
            if held.bytes.is_empty() {
                held.bytes.reserve_exact(usize::try_from(announced).unwrap_or(0).min(MOST_AHEAD));
            }
            held.bytes.extend_from_slice(&data);
        }
    }

    /// A body that is there, if there is room for it.
    pub(crate) fn of(bytes: Vec<u8>, budget: &Budget) -> Result<Self, Refusal> {
        let share = Some(budget.take(bytes.len())?);
        Ok(Self { bytes, share })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same share of the budget for a body of other bytes.
    pub(crate) fn with(mut self, bytes: Vec<u8>) -> Self {
        self.bytes = bytes;
        self
    }

    /// The body as it is sent. Its share goes back when the last of it is dropped.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads on and forgets, so that a client which is still sending finds its answer and not a
/// reset connection.
pub(crate) async fn drain(body: &mut Incoming, most: usize) {
    let mut left = most;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(size) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // A client that is slower than this loses its answer; it was refused anyway.
    drop(timeout(Duration::from_secs(2), reading).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_grows_and_shrinks_and_comes_back() {
        let budget = Budget::new(8 * PAGE);
        let (mut one, mut other) = (Share::of(&budget), Share::of(&budget));
        assert!(one.hold(6 * PAGE - 1) && other.hold(PAGE));
        assert!(!other.hold(3 * PAGE));
        assert!(one.hold(5 * PAGE) && other.hold(3 * PAGE));
        drop(one);
        assert!(other.hold(8 * PAGE) && other.hold(0));
        assert!(Share::of(&budget).hold(8 * PAGE));
    }
}
