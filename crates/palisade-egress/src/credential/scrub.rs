use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use zeroize::Zeroizing;

use super::patterns::{Found, Patterns};

/// So many bytes that could begin a secret are let go when nothing follows for a while: a message that ends with
/// them must not wait for the next. They tell next to nothing of a secret, and its rest is still found.
const MOST_SHOWN: usize = 2;

/// Replaces secrets by their placeholders, in a stream that may split them anywhere.
///
/// What comes out is as long as what goes in, so a `Content-Length` stays true. Bytes that could be
/// the beginning of a secret are held back until the next ones decide; all before them goes on at once.
/// One or two of them go on as well once it is quiet.
#[derive(Debug)]
pub(crate) struct Scrubber {
    patterns: Arc<Patterns>,
    held: Zeroizing<Vec<u8>>,
    /// How many of these went on already.
    shown: usize,
    found: usize,
}

impl Scrubber {
    pub(crate) fn new(patterns: Arc<Patterns>) -> Self {
        Self { patterns, held: Zeroizing::default(), shown: 0, found: 0 }
    }

    /// Look for these from now on. What is held back is looked through anew.
    pub(crate) fn look_for(&mut self, patterns: Arc<Patterns>) {
        self.patterns = patterns;
    }

    /// How often a secret was met.
    pub(crate) fn found(&self) -> usize {
        self.found
    }

    /// How many bytes wait for what comes next.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held.len().saturating_sub(self.shown)
    }

    /// What may go on of what is held, now that nothing has come for a while.
    pub(crate) fn quiet(&mut self) -> Bytes {
        if self.held.len() > MOST_SHOWN {
            return Bytes::new();
        }
        let out = Bytes::copy_from_slice(self.held.get(self.shown..).unwrap_or_default());
        self.shown = self.held.len();
        out
    }

    /// What may go on of all that was seen, once `chunk` has come.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        if self.held.is_empty() {
            match self.patterns.find(&chunk, 0) {
                Found::Nothing => return chunk,
                Found::Perhaps(at) => {
                    self.hold(chunk.get(at..).unwrap_or_default());
                    return chunk.slice(..at);
                }
                Found::At(..) => {}
            }
        }
        let room = chunk.len().saturating_add(self.held.len());
        let mut all = Zeroizing::new(Vec::with_capacity(room));
        all.extend_from_slice(&self.held);
        all.extend_from_slice(&chunk);
        let (out, from) = self.replaced(&all);
        self.hold(all.get(from..).unwrap_or_default());
        self.unseen(out)
    }

    /// Without the bytes that went on before.
    fn unseen(&mut self, mut out: Bytes) -> Bytes {
        let seen = self.shown.min(out.len());
        self.shown = self.shown.saturating_sub(seen);
        out.split_off(seen)
    }

    /// What was held back, once the stream has ended.
    pub(crate) fn finish(&mut self) -> Bytes {
        let all = std::mem::take(&mut self.held);
        let mut out = BytesMut::with_capacity(all.len());
        let mut from = 0;
        // A text that is not whole now never will be, but a shorter one may stand in it.
        while let Some(rest) = all.get(from..).filter(|rest| !rest.is_empty()) {
            let (ready, used) = self.replaced(rest);
            out.extend_from_slice(&ready);
            from = from.saturating_add(used);
            if let Some(byte) = all.get(from) {
                out.extend_from_slice(&[*byte]);
                from = from.saturating_add(1);
            }
        }
        self.unseen(out.freeze())
    }

    /// The same for text that comes whole. `None` if it is to stay as it is.
    pub(crate) fn whole(&mut self, bytes: &[u8]) -> Option<Bytes> {
        if let Found::Nothing = self.patterns.find(bytes, 0) {
            return None;
        }
        let before = self.found;
        let mut scrubber = Self::new(Arc::clone(&self.patterns));
        let mut out = BytesMut::from(scrubber.push(Bytes::copy_from_slice(bytes)).as_ref());
        out.extend_from_slice(&scrubber.finish());
        self.found = before.saturating_add(scrubber.found);
        (scrubber.found > 0).then(|| out.freeze())
    }

    /// The same for a header's value. One that no header can hold any more is empty.
    pub(crate) fn header(&mut self, value: &HeaderValue) -> Option<HeaderValue> {
        let clean = self.whole(value.as_bytes())?;
        Some(HeaderValue::from_maybe_shared(clean).unwrap_or(HeaderValue::from_static("")))
    }

    /// Whether the name of a header holds a secret.
    pub(crate) fn is_in_name(&self, name: &str) -> bool {
        self.patterns.in_name(name.as_bytes()).is_some()
    }

    /// What can go on of these bytes, and how many of them that is.
    fn replaced(&mut self, all: &[u8]) -> (Bytes, usize) {
        let mut out = BytesMut::with_capacity(all.len());
        let mut from = 0;
        let until = loop {
            match self.patterns.find(all, from) {
                Found::Nothing => break all.len(),
                Found::Perhaps(at) => break at,
                Found::At(number, at) => {
                    let instead = self.patterns.instead(number);
                    out.extend_from_slice(all.get(from..at).unwrap_or_default());
                    out.extend_from_slice(instead);
                    self.found = self.found.saturating_add(1);
                    from = at.saturating_add(instead.len());
                }
            }
        };
        out.extend_from_slice(all.get(from..until).unwrap_or_default());
        (out.freeze(), until)
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.held = Zeroizing::new(bytes.to_vec());
    }
}

#[cfg(test)]
mod tests;
