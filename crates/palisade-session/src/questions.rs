//! Shows the operator what waits for an answer, and asks at the terminal where there is one.

use std::{future::pending, sync::Arc, time::Duration};

use palisade_core::SessionId;
use rustix::process::getuid;
use tokio::time::sleep;

use crate::{
    approvals::{Pending, Scope},
    live::Live,
    order::Order,
    terminal::Handle,
};

/// How often is looked whether a question is still open.
const LOOK: Duration = Duration::from_millis(100);
/// How often what is no answer is asked again.
const TRIES: usize = 3;

/// The questions of a sandbox, as far as its operator has to hear of them.
pub(crate) struct Questions<'a> {
    /// How the operator names the sandbox.
    which: String,
    live: Arc<Live>,
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
        let short = session.as_str().get(..10).unwrap_or(session.as_str());
        let which = order.name.clone().unwrap_or_else(|| short.to_owned());
        Self { which, live, tell, terminal: terminal.filter(Handle::is_raw) }
    }

    /// Tell of each new question, for ever.
    pub(crate) async fn show(&self) {
        let mut asked = self.live.approvals().asked();
        let mut told = 0;
        while asked.changed().await.is_ok() {
            asked.borrow_and_update();
            let next = |told: u32| {
                let open = self.live.approvals().pending();
                open.into_iter().find(|question| question.id > told)
            };
            while let Some(question) = next(told) {
                told = question.id;
                match &self.terminal {
                    Some(terminal) => self.ask(terminal, &question).await,
                    None => (self.tell)(&self.told(&question)),
                }
            }
        }
        pending().await
    }

    fn told(&self, question: &Pending) -> String {
        format!(
            "it waits for {}, which no rule names: palisade approvals allow {}/{} (or deny; no \
             answer in {} s is a denial)",
            question.subject, self.which, question.id, question.seconds_left
        )
    }

    /// Ask at the terminal, as long as nobody has answered elsewhere.
    async fn ask(&self, terminal: &Handle, question: &Pending) {
        let asking = async {
            for _ in 0..TRIES {
                // What the command has printed may have left colours, or no cursor.
                let text = format!(
                    "\n\x1b[0m\x1b[?25hpalisade: the sandbox wants {}, which no rule names.\n  \
                     once, session (as long as it runs), no, never (as long as it runs)? ",
                    question.subject
                );
                let Ok(line) = terminal.ask(&text).await else { break };
                if let Some(answer) = Answer::of(&line) {
                    return self.answer(question.id, answer).await;
                }
            }
            (self.tell)(&self.told(question));
        };
        tokio::select! {
            () = asking => {}
            () = self.settled(question.id) => {}
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
}
