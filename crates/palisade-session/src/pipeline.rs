use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use palisade_core::{
    Action, Authority, Body, BoxFuture, Decision, Event, Handling, HostName, Inspection, Request,
    Verdict,
};
use palisade_engine::Engine;
use palisade_journal::Journal;

/// The one path of every action: the engine decides, the journal takes the event, and only then
/// does the decision count.
#[derive(Debug)]
pub(crate) struct Pipeline {
    engine: Engine,
    journal: Journal,
    denied: AtomicU64,
}

impl Pipeline {
    pub(crate) fn new(engine: Engine, journal: Journal) -> Arc<Self> {
        Arc::new(Self { engine, journal, denied: AtomicU64::new(0) })
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// How many acts were refused until now.
    pub(crate) fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }

    /// Whether the journal has it. An agent can cause denials and lookups without end: of a
    /// flood the journal keeps the first and the count. An answer of a model belongs to one call.
    async fn write(&self, event: Event) -> bool {
        if event.decision == Verdict::Deny {
            self.denied.fetch_add(1, Ordering::Relaxed);
        }
        let each = event.decision == Verdict::Allow || event.kind == "model_answer";
        let repeats = !each || event.kind == "resolve";
        if repeats {
            self.journal.record_folding(event).await.is_ok()
        } else {
            self.journal.record(event).await.is_ok()
        }
    }
}

impl Authority for Pipeline {
    fn consider(&self, action: &Action) -> Decision {
        self.engine.decide(action)
    }

    fn may_send(&self, host: &HostName, port: u16, bytes: u64) -> Result<(), Decision> {
        self.engine.may_send(host, port, bytes)
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(async move {
            let mut decision = self.engine.decide(action);
            if let (true, Action::Request(request)) = (decision.is_allowed(), action)
                && let Some(denial) = self.engine.count(request)
            {
                decision = denial;
            }
            if self.write(Event::decided(action, &decision)).await {
                decision
            } else {
                Decision::deny("the journal cannot be written, so nothing is permitted")
            }
        })
    }

    fn record(&self, event: Event) -> BoxFuture<'_, bool> {
        Box::pin(self.write(event))
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
