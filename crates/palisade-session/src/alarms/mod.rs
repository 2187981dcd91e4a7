//! The policy's alarms in a session: rules that see each event as it is recorded, decoys inside, and what an
//! alarm does.
//!
//! An act that raises an alarm which freezes or ends the sandbox does not happen: the rule sees the event before it is
//! written, and the decision that is written is a denial. What only tells of something (an opened decoy) cannot
//! be taken back; the sandbox is frozen or ended right behind it.

mod decoys;
mod watch;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use std::time::Instant;

use palisade_alarms::{Action, Alarm, Decoys, Rule, Seen, Watch};
use palisade_core::{Event, Layer, Verdict};
use palisade_sandbox::Running;
use tokio::sync::mpsc;

pub(crate) use self::{
    decoys::{credentials, plant, reach},
    watch::Opened,
};
use crate::supervise::Cause;

/// The rules of a session, and what they have seen.
#[derive(Debug)]
pub(crate) struct Alarms {
    began: Instant,
    idle: AtomicBool,
    state: Mutex<State>,
    decoys: Option<Arc<Decoys>>,
    raised: mpsc::UnboundedSender<Alarm>,
}

#[derive(Debug)]
struct State {
    rules: Vec<Rule>,
    watch: Watch,
}

/// What an event raised.
#[derive(Debug, Default)]
pub(crate) struct Raised {
    /// Events that follow it.
    pub(crate) events: Vec<Event>,
    pub(crate) alarms: Vec<Alarm>,
}

impl Raised {
    /// The alarm, if any, because of which the act must not happen.
    pub(crate) fn holds(&self) -> Option<&Alarm> {
        self.alarms.iter().find(|alarm| alarm.holds())
    }
}

/// How the journal names a rule.
pub(crate) fn name(alarm: &Alarm) -> String {
    format!("alarms.rules[{}]", alarm.rule)
}

impl Alarms {
    /// Of this policy, and what is to be done for alarms as they are raised.
    pub(crate) fn new(
        alarms: Option<&palisade_policy::Alarms>,
        decoys: Option<Arc<Decoys>>,
    ) -> (Self, mpsc::UnboundedReceiver<Alarm>) {
        let (raised, receiver) = mpsc::unbounded_channel();
        let state = State::of(alarms);
        let idle = AtomicBool::new(state.watch.is_empty() && decoys.is_none());
        let state = Mutex::new(state);
        (Self { began: Instant::now(), idle, state, decoys, raised }, receiver)
    }

    /// Rules of another policy. The same ones go on from where they are.
    pub(crate) fn replace(&self, alarms: Option<&palisade_policy::Alarms>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = alarms.map_or(&[][..], |alarms| alarms.rules.as_slice());
        if state.rules != rules {
            *state = State::of(alarms);
        }
        self.idle.store(state.watch.is_empty() && self.decoys.is_none(), Ordering::Release);
    }

    /// Look at an event that is about to be recorded.
    pub(crate) fn look(&self, event: &Event) -> Raised {
        let mut raised = Raised::default();
        if self.is_idle() || event.kind == "alarm" {
            return raised;
        }
        let found = self.decoys.as_ref().filter(|_| event.kind != "canary");
        let canary = found.and_then(|decoys| decoys.found_in(event)).map(|name| {
            let mut canary = Event::observed("canary", event.layer, name)
                .with("about", event.subject.as_str())
                .with("place", event.kind.as_str());
            canary.reason = format!("what belongs to the decoy {name} is in what was done");
            canary
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for one in std::iter::once(event).chain(&canary) {
            let seen = Seen::of(one, self.began.elapsed());
            for alarm in state.watch.see(&seen) {
                raised.events.push(record(&alarm, one));
                raised.alarms.push(alarm);
            }
        }
        drop(state);
        raised.events.splice(0..0, canary);
        raised
    }

    /// Whether no event raises any.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Acquire)
    }

    /// Have done what alarms do, once they are recorded.
    pub(crate) fn raise(&self, alarms: Vec<Alarm>) {
        for alarm in alarms {
            // Nobody is told any more when the session is over.
            self.raised.send(alarm).unwrap_or_default();
        }
    }
}

impl State {
    fn of(alarms: Option<&palisade_policy::Alarms>) -> Self {
        let rules = alarms.map_or_else(Vec::new, |alarms| alarms.rules.clone());
        // They were checked when the policy was read.
        match Watch::new(&rules) {
            Ok(watch) => Self { rules, watch },
            Err(_) => Self::default(),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::of(None)
    }
}

/// What an alarm leaves in the journal.
fn record(alarm: &Alarm, by: &Event) -> Event {
    let actions: Vec<&str> = alarm.actions.iter().map(|action| action.as_str()).collect();
    let mut event = Event::observed("alarm", Layer::Supervisor, alarm.title.as_str())
        .with("severity", alarm.severity.as_str())
        .with("actions", actions)
        .with("fires", alarm.fires.as_str())
        .with("by", by.kind.as_str())
        .with("about", by.subject.as_str());
    if alarm.suppressed > 0 {
        event = event.with("suppressed", alarm.suppressed);
    }
    event.rule = Some(name(alarm));
    event.reason.clone_from(&alarm.why);
    event.decision = Verdict::Observe;
    event
}

/// Tell of alarms and freeze, until one ends the sandbox.
pub(crate) async fn until_ended(
    raised: &mut mpsc::UnboundedReceiver<Alarm>,
    which: &str,
    tell: &dyn Fn(&str),
    running: &Running,
) -> Cause {
    while let Some(alarm) = raised.recv().await {
        let (words, look) = words(&alarm, which);
        if alarm.actions.contains(&Action::End) {
            tell(&format!("{words}; it is ended. {look}"));
            return Cause::Alarm { rule: name(&alarm), title: alarm.title };
        }
        if alarm.actions.contains(&Action::Freeze) {
            match running.freeze(true) {
                Ok(()) => tell(&format!(
                    "{words}; it is frozen: palisade thaw {which} lets it go on, palisade kill {which} ends it. {look}"
                )),
                // What cannot be stopped is ended.
                Err(_) => return Cause::Alarm { rule: name(&alarm), title: alarm.title },
            }
        } else {
            tell(&format!("{words}. {look}"));
        }
    }
    std::future::pending().await
}

/// Tell of what was raised while the sandbox ended.
pub(crate) fn tell_last(
    raised: &mut mpsc::UnboundedReceiver<Alarm>,
    which: &str,
    tell: &dyn Fn(&str),
) {
    while let Ok(alarm) = raised.try_recv() {
        let (words, look) = words(&alarm, which);
        tell(&format!("{words}. {look}"));
    }
}

fn words(alarm: &Alarm, which: &str) -> (String, String) {
    let severity = alarm.severity.as_str();
    let words = format!("ALARM ({severity}) in {which}: {}", alarm.title);
    (words, format!("palisade audit query --session {which} --kind alarm"))
}
