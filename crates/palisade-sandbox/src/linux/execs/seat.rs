use std::cell::Cell;

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The processor of the thread that looks at programs.
///
/// What asks for a program wakes it where it asks itself ([`take_turns`](crate::linux::sys::notify::take_turns)). It is woken again
/// where that has become the program, and the kernel would put it on a processor that does nothing: that one has to be
/// roused, which in a virtual machine takes as long as half the look. So it stays until then. Of what is looked at nothing is
/// changed: programs count the processors that they may use.
#[derive(Debug)]
pub(super) struct Seat {
    /// Where this thread may be, if that is more than one processor.
    anywhere: Option<CpuSet>,
    kept: Cell<bool>,
}

impl Seat {
    /// Of the calling thread.
    pub(super) fn of_this_thread() -> Self {
        let anywhere = sched_getaffinity(None).ok().filter(|set| set.count() > 1);
        Self { anywhere, kept: Cell::new(false) }
    }

    /// Stay on this processor. Where that fails nothing is lost but time.
    pub(super) fn stay(&self) {
        if self.anywhere.is_some() && !self.kept.get() {
            let mut here = CpuSet::new();
            here.set(sched_getcpu());
            self.kept.set(sched_setaffinity(None, &here).is_ok());
        }
    }

    /// Be anywhere again.
    pub(super) fn leave(&self) {
        if let Some(anywhere) = self.anywhere.filter(|_| self.kept.take()) {
            sched_setaffinity(None, &anywhere).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_on_one_processor_until_it_leaves() {
        let own = || sched_getaffinity(None).unwrap();
        let all = own();
        let seat = Seat::of_this_thread();
        for _ in 0..2 {
            seat.stay();
            assert_eq!(own().count(), 1);
            seat.stay();
            assert_eq!(own().count(), 1);
            seat.leave();
            assert_eq!(own(), all);
            seat.leave();
            assert_eq!(own(), all);
        }
        // Who has one keeps that.
        seat.stay();
        let one = own();
        let only = Seat::of_this_thread();
        only.stay();
        only.leave();
        assert_eq!(own(), one);
    }
}
