use bytes::Bytes;

use crate::{
    body::{Budget, Share},
    inspect::{Outlet, Ruling, Stream, Unreadable},
    sse::Reader,
};

/// The largest event of a stream, in bytes.
pub(crate) const MOST_EVENT: usize = 16 << 20;

/// A stream of events on its way through its [`Stream`]. Takes pieces cut anywhere.
pub(crate) struct Reading {
    reader: Reader,
    stream: Box<dyn Stream>,
    share: Share,
    ended: bool,
    over: bool,
}

impl Reading {
    /// What is held of it counts in this budget.
    pub(crate) fn new(stream: Box<dyn Stream>, budget: &Budget) -> Self {
        let share = Share::of(budget);
        Self { reader: Reader::new(MOST_EVENT), stream, share, ended: false, over: false }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.reader.push(chunk);
    }

    /// No further piece will come.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether all is read and nothing waits.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    pub(crate) fn is_holding(&self) -> bool {
        self.stream.held() > 0
    }

    pub(crate) fn idle(&self) -> Bytes {
        self.stream.idle()
    }

    pub(crate) fn error(&self, message: &str) -> Bytes {
        self.stream.error(message)
    }

    /// Reads on, as far as there is something to read, or until something is asked.
    pub(crate) fn advance(&mut self, out: &mut Outlet) -> Result<(), Unreadable> {
        self.read(out)?;
        self.hold()
    }

    /// Counts what is held now.
    fn hold(&mut self) -> Result<(), Unreadable> {
        let held = self.reader.held().saturating_add(self.stream.held());
        if self.share.hold(held) { Ok(()) } else { Err(Unreadable::Crowded) }
    }

    fn read(&mut self, out: &mut Outlet) -> Result<(), Unreadable> {
        while let Some(event) = self.reader.next()? {
            self.stream.event(event, out)?;
            if !out.asked.is_empty() {
                return Ok(());
            }
        }
        if !self.ended || self.over {
            return Ok(());
        }
        if let Some(event) = self.reader.finish()? {
            self.stream.event(event, out)?;
            if !out.asked.is_empty() {
                return Ok(());
            }
        }
        self.stream.finish(out)?;
        self.over = out.asked.is_empty();
        Ok(())
    }

    pub(crate) fn ruled(
        &mut self,
        rulings: Vec<Ruling>,
        out: &mut Outlet,
    ) -> Result<(), Unreadable> {
        self.stream.ruled(rulings, out)?;
        self.hold()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::MessageStream;

    #[test]
    fn all_streams_share_the_room_for_what_is_held() {
        let budget = Budget::new(64 << 10);
        let reading = || Reading::new(Box::new(MessageStream::default()), &budget);
        let (mut one, mut other) = (reading(), reading());
        let (mut out, part) = (Outlet::default(), vec![b'x'; 40 << 10]);
        one.push(&part);
        assert_eq!(one.advance(&mut out), Ok(()));
        other.push(&part);
        assert_eq!(other.advance(&mut out), Err(Unreadable::Crowded));
        drop(one);
        assert_eq!(other.advance(&mut out), Ok(()));
    }
}
