use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use palisade_core::{
    Action, Authority, Body, BoxFuture, Decision, Event, Handling, HostName, Inspection, Look,
    PolicyDigest, Request, UNRECORDED, Verdict,
};
use palisade_engine::Engine;
use palisade_journal::Journal;
use palisade_policy::Policy;
use tokio::sync::watch;

use crate::approvals::Approvals;

/// The one path of every action: the engine decides, the journal takes the event, and only then
/// does the decision count.
#[derive(Debug)]
pub(crate) struct Pipeline {
    engine: Engine,
    journal: Journal,
    denied: AtomicU64,
    approvals: Approvals,
    /// Counts the policies that have decided.
    generation: watch::Sender<u64>,
}

impl Pipeline {
    pub(crate) fn new(engine: Engine, journal: Journal, approvals: Approvals) -> Arc<Self> {
        let (denied, generation) = (AtomicU64::new(0), watch::Sender::new(0));
        Arc::new(Self { engine, journal, denied, approvals, generation })
    }

    /// The questions to the operator.
    pub(crate) fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Decide by this policy from now on. What was permitted and goes on is considered again by
    /// those who let it.
    pub(crate) fn replace(&self, policy: &Policy) {
        self.journal.set_policy(policy.digest.clone());
        self.engine.replace(policy);
        self.approvals.set_timeout(policy.approvals.timeout);
        self.generation.send_modify(|number| *number += 1);
    }

    /// How many acts were refused until now.
    pub(crate) fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }

    /// Whether the journal has it. An agent can cause denials and lookups without end: of a
    /// flood the journal keeps the first and the count. An answer of a model belongs to one call.
    async fn write(&self, event: Event) -> bool {
        self.write_under(event, None).await
    }

    /// The same, for what this policy decided: another may be in force by now.
    async fn write_under(&self, event: Event, policy: Option<&PolicyDigest>) -> bool {
        if event.decision == Verdict::Deny {
            self.denied.fetch_add(1, Ordering::Relaxed);
        }
        let each = event.decision == Verdict::Allow || event.kind == "model_answer";
        let repeats = !each || event.kind == "resolve";
        match (repeats, policy) {
            (true, None) => self.journal.record_folding(event).await.is_ok(),
            (true, Some(policy)) => self.journal.record_folding_under(event, policy).await.is_ok(),
            (false, None) => self.journal.record(event).await.is_ok(),
            (false, Some(policy)) => self.journal.record_under(event, policy).await.is_ok(),
        }
    }
}

impl Pipeline {
    /// The decision, if need be the operator's, and the policy that it is by. A policy that comes into force
    /// meanwhile decides anew.
    async fn settle(&self, action: &Action) -> (Decision, Option<Arc<PolicyDigest>>) {
        loop {
            let generation = self.generation();
            let (decision, policy) = self.considered(action);
            if decision.verdict != Verdict::Ask {
                return (decision, policy);
            }
            let asked = Event::decided(action, &decision);
            if !self.write_under(asked, policy.as_deref()).await {
                return (Decision::deny(UNRECORDED), policy);
            }
            tokio::select! {
                biased;
                _ = self.replaced(generation) => {}
                answer = self.approvals.ask(action) => return (answer, policy),
            }
        }
    }

    fn considered(&self, action: &Action) -> (Decision, Option<Arc<PolicyDigest>>) {
        let (decision, policy) = self.engine.decide_under(action);
        let decision = match decision.verdict {
            Verdict::Ask => self.approvals.settled(action).unwrap_or(decision),
            _ => decision,
        };
        (decision, policy)
    }
}

impl Authority for Pipeline {
    fn consider(&self, action: &Action) -> Decision {
        self.considered(action).0
    }

    fn look(&self, host: Option<&HostName>, address: IpAddr, port: u16) -> Look {
        self.engine.look(host, address, port)
    }

    fn may_send(&self, host: &HostName, port: u16, bytes: u64) -> Result<(), Decision> {
        self.engine.may_send(host, port, bytes)
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(async move {
            let (mut decision, policy) = self.settle(action).await;
            if let (true, Action::Request(request)) = (decision.is_allowed(), action)
                && let Some(denial) = self.engine.count(request)
            {
                decision = denial;
            }
            if self.write_under(Event::decided(action, &decision), policy.as_deref()).await {
                decision
            } else {
                Decision::deny(UNRECORDED)
            }
        })
    }

    fn record(&self, event: Event) -> BoxFuture<'_, bool> {
        Box::pin(self.write(event))
    }

    fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    fn replaced(&self, generation: u64) -> BoxFuture<'_, u64> {
        let mut receiver = self.generation.subscribe();
        Box::pin(async move {
            let next = receiver.wait_for(|now| *now != generation).await.map(|now| *now);
            match next {
                Ok(now) => now,
                // The sender is ours, and there as long as we are.
                Err(_) => std::future::pending().await,
            }
        })
    }
}

impl Inspection for Pipeline {
    fn of(&self, host: &HostName, port: u16) -> Handling {
        self.engine.of(host, port)
    }

    fn body_bound(&self, request: &Request) -> Option<usize> {
        self.engine.body_bound(request)
    }

    fn read_body(&self, request: &Request, bytes: &[u8]) -> Body {
        self.engine.read_body(request, bytes)
    }
}
