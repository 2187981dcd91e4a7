use std::time::Duration;

/// How far an order has come: for each number of steps, when the newest beginning of so many was.
///
/// An older beginning with as many steps can do nothing that the newest cannot, so one time a step is all
/// that is needed to find each order there is.
#[derive(Debug)]
pub(crate) struct Sequence {
    within: Option<Duration>,
    begun: Vec<Option<Duration>>,
}

impl Sequence {
    pub(crate) fn new(steps: usize, within: Option<Duration>) -> Self {
        Self { within, begun: vec![None; steps.saturating_sub(1)] }
    }

    /// Take an event that is these steps; true when it is the last of an order.
    pub(crate) fn take(&mut self, is: impl Fn(usize) -> bool, at: Duration) -> bool {
        let last = self.begun.len();
        let mut fires = false;
        // From the end, so that one event is not two steps.
        for step in (0..=last).rev() {
            if !is(step) {
                continue;
            }
            let begun = match step.checked_sub(1) {
                None => Some(at),
                Some(before) => self.begun.get(before).copied().flatten(),
            };
            let Some(begun) = begun else { continue };
            if self.within.is_some_and(|within| at.saturating_sub(begun) > within) {
                continue;
            }
            match self.begun.get_mut(step) {
                Some(known) => *known = (*known).max(Some(begun)),
                None => fires = true,
            }
        }
        fires
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_event_is_one_step_and_others_may_come_between() {
        let mut state = Sequence::new(2, Some(10 * SECOND));
        let both = |_| true;
        assert!(!state.take(both, SECOND));
        assert!(!state.take(|_| false, 2 * SECOND));
        assert!(state.take(|step| step == 1, 3 * SECOND));
        assert!(!state.take(|step| step == 1, 12 * SECOND), "too late");
    }

    proptest! {
        /// The same as looking at all events for an order.
        #[test]
        fn it_finds_what_looking_at_all_finds(
            events in prop::collection::vec((0_u32..4, 0_usize..4), 0..20),
            within in prop::option::of(0_u32..8),
        ) {
            let within = within.map(|seconds| seconds * SECOND);
            let mut state = Sequence::new(3, within);
            let (mut at, mut all) = (Duration::ZERO, Vec::new());
            for (later, kind) in events {
                at += later * SECOND;
                let fires = state.take(|step| step == kind, at);
                all.push((at, kind));
                let of = |kind: usize, until: usize| {
                    all[..until].iter().enumerate().filter(move |(_, it)| it.1 == kind)
                };
                let expected = kind == 2 && of(1, all.len() - 1).any(|(middle, _)| {
                    of(0, middle).any(|(_, first)| within.is_none_or(|within| at - first.0 <= within))
                });
                prop_assert_eq!(fires, expected);
            }
        }
    }
}
