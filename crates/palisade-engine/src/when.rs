//! Rules that count only where a condition holds.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use palisade_condition::{Answer, Condition, Moment, Stage};
use palisade_core::Action;

/// Sets of rules that are kept compiled. Which conditions hold together does not change often.
const MOST_KEPT: usize = 64;

/// Whether a rule counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum When {
    /// Always.
    #[default]
    Always,
    /// Where this holds.
    If(Condition),
    /// Where it narrows: its condition cannot be read, which a policy that was checked has not.
    Unreadable(String),
}

/// What a condition means for a rule and an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Counts {
    /// The rule counts.
    Whole,
    /// It is as if it had neither permitted nor refused anything.
    Not,
    /// Nobody knows: it counts where it refuses or asks.
    Narrows,
}

impl When {
    /// What is written in a policy.
    pub fn of(text: Option<&str>, stage: Stage) -> Self {
        match text.map(|text| Condition::new(text, stage)) {
            None => When::Always,
            Some(Ok(condition)) => When::If(condition),
            Some(Err(error)) => When::Unreadable(error.to_string()),
        }
    }

    /// What it means for an act. `open` says whether an act that comes before the one that decides may pass by a
    /// rule whose condition cannot be answered yet.
    pub(crate) fn counts(&self, action: &Action, moment: &Moment<'_>, open: bool) -> Counts {
        match self {
            When::Always => Counts::Whole,
            When::Unreadable(_) => Counts::Narrows,
            When::If(condition) => match condition.holds(action, moment) {
                Answer::Yes => Counts::Whole,
                Answer::No => Counts::Not,
                Answer::Later if open => Counts::Whole,
                Answer::Later | Answer::Failed(_) => Counts::Narrows,
            },
        }
    }
}

/// What was compiled for one set of rules that count, by what counts.
#[derive(Debug)]
pub(crate) struct Kept<T>(Mutex<HashMap<Vec<Counts>, Arc<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// What is kept for these, or what is made of them now.
    pub(crate) fn get(&self, counts: Vec<Counts>, make: impl FnOnce(&[Counts]) -> T) -> Arc<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&counts).cloned();
        if let Some(known) = known {
            return known;
        }
        let made = Arc::new(make(&counts));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(counts, Arc::clone(&made));
        made
    }
}
