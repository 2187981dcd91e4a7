//! Where events go besides the journal. Nothing of this is there without `audit` in the policy: no
//! thread, no runtime, no secret.

use std::time::Duration;

use palisade_core::SessionId;
use palisade_export::{Destination, Exporter, Left};
use palisade_journal::Journal;
use palisade_policy::{Audit, Export};

use crate::{
    order::{Operator, Order},
    refusal::{Refusal, Refuse},
    secret::{self, AGAIN},
};

/// Begin to send, if the policy says where to.
///
/// # Errors
/// A secret is missing, or there can be no further thread.
pub(crate) async fn start(order: &Order, journal: &Journal) -> Result<Option<Exporter>, Refusal> {
    let audit = &order.policy.audit;
    if audit.exports.is_empty() {
        return Ok(None);
    }
    let to = destinations(audit, &order.operator).await?;
    Exporter::start(&order.operator.state_dir, journal, to, audit.flush)
        .refuse("the thread that sends events", "see the limits of this user (ulimit -u)")
        .map(Some)
}

/// Nothing was started, so nothing sends: whoever sends next sends this as well. Why that cannot be noted, if
/// it cannot.
pub(crate) fn owe(order: &Order, session: &SessionId) -> Option<String> {
    let state = &order.operator.state_dir;
    let audit = &order.policy.audit;
    let owed = palisade_export::owe(state, &audit.exports, session)
        .and_then(|()| palisade_export::ship::owe(state, &audit.ship, session));
    owed.err().map(|error| error.to_string())
}

/// Whether spans are sent, so that what runs inside is to know whose they are.
pub(crate) fn traces(audit: &Audit) -> bool {
    audit.exports.iter().any(|export| matches!(export, Export::Otlp(otlp) if otlp.traces))
}

/// Send what sessions that have ended have left: how many of them are now all at a destination, each counted
/// for itself, and what is still left.
///
/// # Errors
/// A secret is missing, or there can be no runtime.
pub fn flush(
    audit: &Audit,
    operator: &Operator,
    within: Duration,
) -> Result<(u64, Vec<Left>), Refusal> {
    let to = secret::read_alone(destinations(audit, operator))?;
    palisade_export::flush(&operator.state_dir, &to, within).refuse("start a runtime", AGAIN)
}

/// Every destination with its secret.
async fn destinations(audit: &Audit, operator: &Operator) -> Result<Vec<Destination>, Refusal> {
    let mut all = Vec::new();
    for export in &audit.exports {
        let named = match export {
            Export::Otlp(otlp) => otlp.credential.as_ref().map(|it| (it.name.as_str(), &it.from)),
            Export::Webhook(webhook) => Some((webhook.secret.as_str(), &webhook.from)),
            _ => None,
        };
        let secret = secret::of_audit(named, operator, export.key()).await?;
        all.push(Destination { export: export.clone(), secret });
    }
    Ok(all)
}
