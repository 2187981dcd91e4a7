//! Shows the operator what waits for an answer.

use std::{
    future::pending,
    time::{Duration, Instant},
};

use palisade_core::SessionId;

use crate::{approvals::Approvals, order::Order};

/// Questions that are told of at once, and how long it takes until there is room for one more. An agent
/// can ask without end, and what the operator has to see would be gone from the screen.
const MOST_TOLD: u32 = 8;
const ROOM: Duration = Duration::from_secs(2);

/// The questions of a sandbox, as far as its operator has to hear of them.
pub(crate) struct Questions<'a> {
    /// How the operator names the sandbox.
    which: String,
    approvals: &'a Approvals,
    tell: &'a dyn Fn(&str),
}

impl<'a> Questions<'a> {
    pub(crate) fn new(
        order: &Order,
        session: &SessionId,
        approvals: &'a Approvals,
        tell: &'a dyn Fn(&str),
    ) -> Self {
        let short = session.as_str().get(..10).unwrap_or(session.as_str());
        let which = order.name.clone().unwrap_or_else(|| short.to_owned());
        Self { which, approvals, tell }
    }

    /// Tell of each new question, for ever.
    pub(crate) async fn show(&self) {
        let mut asked = self.approvals.asked();
        let mut told = 0;
        let mut room = Room::new(Instant::now());
        while asked.changed().await.is_ok() {
            asked.borrow_and_update();
            for question in self.approvals.pending() {
                if question.id > told {
                    told = question.id;
                    match room.take(Instant::now()) {
                        Taken::One => {}
                        Taken::Last => {
                            (self.tell)(
                                "it waits for more than is told of here: palisade approvals list",
                            );
                            continue;
                        }
                        Taken::None => continue,
                    }
                    (self.tell)(&format!(
                        "it waits for {}, which no rule names: palisade approvals allow {}/{} \
                         (or deny; no answer in {} s is a denial)",
                        question.subject, self.which, question.id, question.seconds_left
                    ));
                }
            }
        }
        pending().await
    }
}

/// Room on the operator's screen.
struct Room {
    left: u32,
    since: Instant,
    full: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// It may be told of.
    One,
    /// It may not; that is to be said.
    Last,
    /// It may not, and that was said.
    None,
}

impl Room {
    fn new(now: Instant) -> Self {
        Self { left: MOST_TOLD, since: now, full: false }
    }

    fn take(&mut self, now: Instant) -> Taken {
        while self.left < MOST_TOLD && now.duration_since(self.since) >= ROOM {
            self.left += 1;
            self.since += ROOM;
        }
        if self.left == MOST_TOLD {
            self.since = now;
        }
        if self.left > 0 {
            self.left -= 1;
            self.full = false;
            return Taken::One;
        }
        if std::mem::replace(&mut self.full, true) { Taken::None } else { Taken::Last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_of_once_and_later_there_is_room_again() {
        let begin = Instant::now();
        let mut room = Room::new(begin);
        for _ in 0..MOST_TOLD {
            assert_eq!(room.take(begin), Taken::One);
        }
        assert_eq!(room.take(begin), Taken::Last);
        assert_eq!(room.take(begin + ROOM / 2), Taken::None);
        assert_eq!(room.take(begin + ROOM), Taken::One);
        assert_eq!(room.take(begin + ROOM), Taken::Last);
        for _ in 0..MOST_TOLD {
            assert_eq!(room.take(begin + 100 * ROOM), Taken::One);
        }
        assert_eq!(room.take(begin + 100 * ROOM), Taken::Last);
    }
}
