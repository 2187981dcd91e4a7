use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

use super::{KnownSecret, Marks, Redactor};

/// The redactor of the moment: what the configuration names and what was learned besides, or none.
#[derive(Debug)]
pub(crate) struct Redacting {
    now: ArcSwapOption<Redactor>,
    /// What gives the marks.
    first: Redactor,
    known: Mutex<Values>,
}

#[derive(Debug)]
struct Values {
    /// `None`: nothing is taken out.
    configured: Option<Vec<KnownSecret>>,
    learned: Vec<KnownSecret>,
}

impl Redacting {
    pub(crate) fn new(configured: Option<Vec<KnownSecret>>) -> Self {
        let redacting = Self {
            now: ArcSwapOption::empty(),
            first: Redactor::new(&[]),
            known: Mutex::new(Values { configured, learned: Vec::new() }),
        };
        redacting.renew(&redacting.known());
        redacting
    }

    /// The one in force, if any is.
    pub(crate) fn now(&self) -> Option<Arc<Redactor>> {
        self.now.load_full()
    }

    /// Those who know what marks stand for.
    pub(crate) fn marks(&self) -> &Arc<Marks> {
        self.first.marks()
    }

    pub(crate) fn configure(&self, configured: Option<Vec<KnownSecret>>) {
        let mut known = self.known();
        known.configured = configured;
        self.renew(&known);
    }

    /// These values too, as long as the sandbox runs.
    pub(crate) fn learn(&self, values: Vec<KnownSecret>) {
        let mut known = self.known();
        known.learned.extend(values);
        self.renew(&known);
    }

    fn renew(&self, known: &Values) {
        let all =
            known.configured.as_ref().map(|configured| configured.iter().chain(&known.learned));
        self.now.store(all.map(|all| Arc::new(self.first.with(all))));
    }

    fn known(&self) -> MutexGuard<'_, Values> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
