//! Shows the operator what waits for an answer.

use std::future::pending;

use palisade_core::SessionId;

use crate::{approvals::Approvals, order::Order};

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
        while asked.changed().await.is_ok() {
            asked.borrow_and_update();
            for question in self.approvals.pending() {
                if question.id > told {
                    told = question.id;
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
