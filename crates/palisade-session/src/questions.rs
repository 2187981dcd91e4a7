//! Shows the operator what waits for an answer, and asks at the terminal where there is one.

use std::{
    future::pending,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use palisade_core::SessionId;
use rustix::process::getuid;
use tokio::time::sleep;

use crate::{
    approvals::{Pending, Scope},
    live::Live,
    order::Order,
    tells::Tells,
    terminal::Handle,
};

/// How often is looked whether a question is still open.
const LOOK: Duration = Duration::from_millis(100);
/// How often what is no answer is asked again.
const TRIES: usize = 3;

/// How long nothing is asked once a question has gone by itself. A command that gives up and wants something
/// else at the right moment must not get the answer that is being typed.
const PAUSE: Duration = Duration::from_secs(2);

/// Questions that are told of at once, and how long it takes until there is room for one more. An agent
/// can ask without end, and what the operator has to see would be gone from the screen.
const MOST_TOLD: u32 = 8;
const ROOM: Duration = Duration::from_secs(2);

/// The questions of a sandbox, as far as its operator has to hear of them.
pub(crate) struct Questions<'a> {
    /// How the operator names the sandbox.
    which: String,
    live: Arc<Live>,
    /// Others who are told.
    tells: Tells,
    tell: &'a dyn Fn(&str),
    /// The terminal that the command has.
    terminal: Option<Handle>,
}

/// What the operator typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Allow(Scope),
    Deny(Scope),
}

impl<'a> Questions<'a> {
    pub(crate) fn new(
        order: &Order,
        session: &SessionId,
        live: Arc<Live>,
        tell: &'a dyn Fn(&str),
        terminal: Option<Handle>,
    ) -> Self {
        let which = order.name.clone().unwrap_or_else(|| session.short().to_owned());
        let operator = order.operator.clone();
        let tells = Tells::new(which.clone(), session.clone(), Arc::clone(&live), operator);
        Self { which, live, tells, tell, terminal: terminal.filter(Handle::is_raw) }
    }

    /// Tell of each new question, for ever.
    pub(crate) async fn show(&self) {
        let mut asked = self.live.approvals().asked();
        let mut told = 0;
        let mut room = Room::new(Instant::now());
        // The same for who is told elsewhere.
        let mut elsewhere = Room::new(Instant::now());
        while asked.changed().await.is_ok() {
            asked.borrow_and_update();
            let next = |told: u32| {
                let open = self.live.approvals().pending();
                open.into_iter().find(|question| question.id > told)
            };
            while let Some(question) = next(told) {
                told = question.id;
                if elsewhere.take(Instant::now()) == Taken::One {
                    self.tells.tell(&question);
                }
                match (room.take(Instant::now()), &self.terminal) {
                    (Taken::One, Some(terminal)) => {
                        if self.ask(terminal, &question).await.is_break() {
                            sleep(PAUSE).await;
                        }
                    }
                    (Taken::One, None) => (self.tell)(&self.told(&question)),
                    (Taken::Last, _) => (self.tell)(
                        "it waits for more than is told of here: palisade approvals list",
                    ),
                    (Taken::None, _) => {}
                }
            }
        }
        pending().await
    }

    fn told(&self, question: &Pending) -> String {
        format!(
            "{} waits for {}, {}: palisade approvals allow {}/{} (or deny; no \
             answer in {} s is a denial)",
            question.program.as_deref().unwrap_or("it"),
            wanted(question),
            why(question),
            self.which,
            question.id,
            question.seconds_left
        )
    }

    /// Ask at the terminal, as long as nobody has answered elsewhere. `Break`: the question has gone.
    async fn ask(&self, terminal: &Handle, question: &Pending) -> ControlFlow<()> {
        let asking = async {
            for _ in 0..TRIES {
                // What the command has printed may have left colours, or no cursor.
                let text = format!(
                    "\n\x1b[0m\x1b[?25hpalisade: {} wants {}, {}.\n  \
                     once, session (as long as it runs), no, never (as long as it runs)? ",
                    question.program.as_deref().unwrap_or("the sandbox"),
                    wanted(question),
                    why(question)
                );
                let Ok(line) = terminal.ask(&text).await else { break };
                if let Some(answer) = Answer::of(&line) {
                    return self.answer(question.id, answer).await;
                }
            }
            (self.tell)(&self.told(question));
        };
        tokio::select! {
            () = asking => ControlFlow::Continue(()),
            () = self.settled(question.id) => ControlFlow::Break(()),
        }
    }

    async fn answer(&self, id: u32, answer: Answer) {
        let (allow, scope) = match answer {
            Answer::Allow(scope) => (true, scope),
            Answer::Deny(scope) => (false, scope),
        };
        let principal = format!("uid {}", getuid().as_raw());
        // A question that is gone by now needs none, and one that cannot be recorded is denied in time.
        self.live.answer(id, allow, scope, &principal).await.map(drop).unwrap_or_default();
    }

    /// Resolves when the question is open no more.
    async fn settled(&self, id: u32) {
        while self.live.approvals().subject(id).is_some() {
            sleep(LOOK).await;
        }
    }
}

impl Answer {
    /// Whole words: what was meant for the command is not to be one by chance.
    fn of(line: &str) -> Option<Self> {
        match line.to_ascii_lowercase().as_str() {
            "once" => Some(Self::Allow(Scope::Once)),
            "session" => Some(Self::Allow(Scope::Session)),
            "no" => Some(Self::Deny(Scope::Once)),
            "never" => Some(Self::Deny(Scope::Session)),
            _ => None,
        }
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

/// What is asked, with the variables that are part of it.
fn wanted(question: &Pending) -> String {
    match question.environment.as_slice() {
        [] => question.subject.clone(),
        with => format!("{} (with {})", question.subject, with.join(" ")),
    }
}

/// Why the operator is asked.
fn why(question: &Pending) -> &'static str {
    match question.kind.as_str() {
        _ if question.rule.as_deref().is_some_and(|rule| rule.starts_with("taint.")) => {
            "which the policy has asked since untrusted content came into the session"
        }
        _ if question.rule.is_some() => "which the policy has asked",
        "tool_call" | "exec" | "request" => "which the policy has asked",
        _ => "which no rule names",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_answer() {
        assert_eq!(Answer::of("Once"), Some(Answer::Allow(Scope::Once)));
        assert_eq!(Answer::of("session"), Some(Answer::Allow(Scope::Session)));
        assert_eq!(Answer::of("never"), Some(Answer::Deny(Scope::Session)));
        for line in ["", "y", "yes", "o", "once more", "\u{1b}[A"] {
            assert_eq!(Answer::of(line), None, "{line:?}");
        }
    }

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
