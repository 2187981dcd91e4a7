//! What decides and records: from here on each refusal is the last record of a journal that is open.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use palisade_alarms::{Alarm, Decoys};
use palisade_core::SessionId;
use palisade_engine::Engine;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    JOURNAL,
    prepared::Watch,
    recorded::{close_refused, open_journal},
};
use crate::{
    alarms::Alarms,
    approvals::Approvals,
    exports,
    hooks::{Hooks, Pinned},
    keeping,
    order::Order,
    pipeline::Pipeline,
    refusal::{Refusal, Refuse},
    ships,
    skills::{Marked, Named},
};

/// In the order in which they are made, for the caller to keep them so: this machine's addresses, alarms as they are raised,
/// and what decides.
type Deciding = (BTreeSet<IpAddr>, UnboundedReceiver<Alarm>, Arc<Pipeline>);

/// Open the journal and begin all that sends it on, then make what decides. What is not ready is told of once there is a
/// journal that can have it.
pub(super) async fn begin(
    order: &Order,
    session: &SessionId,
    watch: &mut Watch,
    (named, marked, decoys): (Named, &Marked, &Option<Arc<Decoys>>),
) -> Result<Deciding, Refusal> {
    let policy = &order.policy;
    let (journal, unwritten) = open_journal(order, session)?;
    if let Some(rule) = keeping::rule(&policy.audit) {
        let said = journal.record(rule).await;
        said.refuse("the record of how long records are kept", JOURNAL)?;
        keeping::begin(&order.operator.state_dir);
    }
    let sending = exports::start(order, &journal).await;
    let shipping = ships::start(order, &journal).await;
    let own = palisade_egress::own_addresses().refuse("this machine's addresses", "report this")?;
    let approvals = Approvals::new(policy.approvals.timeout, order.permissive);
    let hooks = if policy.hooks.is_empty() {
        Ok(None)
    } else {
        Hooks::new(policy, &order.operator, session.as_str(), Pinned::Yes).map(Some)
    };
    let (hooks, unready) = match hooks {
        Ok(hooks) => (hooks, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let engine = Engine::with_own_addresses(policy, own.clone());
    let engine = engine.with_skills(marked.policies.clone());
    let (rules, raised) = Alarms::new(policy.alarms.as_ref(), decoys.clone());
    let pipeline = Pipeline::new(engine, journal, approvals, hooks, (named, rules), unwritten);
    let unready = match keeping::content(order, session) {
        Ok(content) => {
            content.into_iter().for_each(|content| pipeline.keep_in(content));
            unready
        }
        Err(refusal) => Some(refusal),
    };
    let unready = match sending {
        Ok(exporter) => {
            watch.exporter = exporter;
            unready
        }
        Err(refusal) => Some(refusal),
    };
    let unready = match shipping {
        Ok(shipper) => {
            watch.shipper = shipper;
            unready
        }
        Err(refusal) => Some(refusal),
    };
    if let Some(refusal) = unready {
        return Err(close_refused(&pipeline, refusal).await);
    }
    Ok((own, raised, pipeline))
}
