//! What stands in the journal of a session whose command was not started, and of what was swept.

use std::{path::Path, sync::Arc};

use palisade_core::{Authority, Event, Layer, SessionId, Verdict};
use palisade_journal::{Durability, Journal};

use super::JOURNAL;
use crate::{
    exports,
    order::Order,
    pipeline::Pipeline,
    refusal::{Refusal, Refuse},
    sweep::Found,
    unwritten::Unwritten,
};

/// The journal of a session, and what may not stand in it.
pub(super) fn open_journal(
    order: &Order,
    session: &SessionId,
) -> Result<(Journal, Arc<Unwritten>), Refusal> {
    let folder: &Path = &order.operator.state_dir;
    let journal = Journal::open(folder, session, order.name.as_deref(), &order.policy.digest);
    let journal = journal.refuse("the journal", JOURNAL)?;
    let unwritten = Arc::new(Unwritten::default());
    journal.scrub_with(unwritten.clone());
    Ok((journal, unwritten))
}

fn refusal_event(refusal: &Refusal) -> Event {
    let mut event = Event::observed("refusal", Layer::Supervisor, refusal.what.clone());
    event.decision = Verdict::Deny;
    event.reason.clone_from(&refusal.remedy);
    event
}

/// Record why nothing was started. The refusal itself counts more than its record.
pub(super) fn journal_refusal(order: &Order, session: &SessionId, refusal: Refusal) -> Refusal {
    match open_journal(order, session) {
        Ok((journal, _)) => {
            let recorded = journal.close_blocking(refusal_event(&refusal), Durability::Written);
            let why = recorded.err().map(|error| error.to_string());
            with_record(refusal, why.or_else(|| exports::owe(order, session)))
        }
        Err(error) => with_record(refusal, Some(error.what)),
    }
}

/// The same in the journal that is open, which ends with it.
pub(super) async fn close_refused(pipeline: &Pipeline, refusal: Refusal) -> Refusal {
    let closed = pipeline.journal().close(refusal_event(&refusal), Durability::Written).await;
    with_record(refusal, closed.err().map(|error| error.to_string()))
}

fn with_record(mut refusal: Refusal, error: Option<String>) -> Refusal {
    if let Some(error) = error {
        refusal.what = format!("{}; nor could this be recorded: {error}", refusal.what);
    }
    refusal
}

/// Record what was moved aside; the same for the operator.
pub(super) async fn record_swept(pipeline: &Pipeline, found: &[Found]) -> Vec<String> {
    let mut notices = Vec::new();
    for one in found {
        let recorded = pipeline.record(one.event()).await;
        let unrecorded = if recorded { "" } else { " (this could not be recorded)" };
        notices.push(format!("{}{unrecorded}", one.told()));
    }
    notices
}
