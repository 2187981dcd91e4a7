use bytes::Bytes;

use crate::{
    inspect::{Outlet, Ruling, Stream, Unreadable},
    sse::Reader,
};

/// The largest event of a stream, in bytes.
pub(crate) const MOST_EVENT: usize = 16 << 20;

/// A stream of events on its way through its [`Stream`]. Takes pieces cut anywhere.
pub(crate) struct Reading {
    reader: Reader,
    stream: Box<dyn Stream>,
    ended: bool,
    over: bool,
}

impl Reading {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { reader: Reader::new(MOST_EVENT), stream, ended: false, over: false }
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
        self.stream.is_holding()
    }

    pub(crate) fn idle(&self) -> Bytes {
        self.stream.idle()
    }

    pub(crate) fn error(&self, message: &str) -> Bytes {
        self.stream.error(message)
    }

    /// Reads on, as far as there is something to read, or until something is asked.
    pub(crate) fn advance(&mut self, out: &mut Outlet) -> Result<(), Unreadable> {
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
        self.stream.ruled(rulings, out)
    }
}
