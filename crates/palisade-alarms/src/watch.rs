use std::{collections::BTreeSet, time::Duration};

use crate::{
    AlarmError,
    condition::Matcher,
    document::{Action, Rule, Severity},
    seen::{Field, Seen},
    state,
};

/// Counts of a threshold.
const COUNTS: std::ops::RangeInclusive<u64> = 2..=1000;
/// Steps of a sequence.
const STEPS: std::ops::RangeInclusive<usize> = 2..=8;

/// The rules of one session, and what they remember.
#[derive(Debug)]
pub struct Watch {
    rules: Vec<Live>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alarm {
    /// The rule's id.
    pub rule: String,
    /// What it means.
    pub title: String,
    /// Why that matters.
    pub why: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it does.
    pub actions: BTreeSet<Action>,
    /// When the rule fires, in words.
    pub fires: String,
    /// How often it would have fired since it fired last, and was quiet.
    pub suppressed: u64,
}

impl Alarm {
    /// Whether the act that raised it must not happen.
    pub fn holds(&self) -> bool {
        self.actions.contains(&Action::Freeze) || self.actions.contains(&Action::End)
    }
}

#[derive(Debug)]
struct Live {
    rule: Rule,
    ready: Ready,
    quiet_until: Option<Duration>,
    suppressed: u64,
}

#[derive(Debug)]
struct Ready {
    matches: Option<Matcher>,
    unless: Option<Matcher>,
    when: When,
    fires: String,
}

/// When events are worth an alarm.
#[derive(Debug)]
enum When {
    Each,
    Threshold(Option<Field>, state::Threshold),
    Sequence(Vec<Matcher>, state::Sequence),
    FirstSeen(Field, state::FirstSeen),
    Distinct(Field, state::Distinct),
}

impl Watch {
    /// Watch by these rules, from the session's beginning.
    ///
    /// # Errors
    /// A rule that cannot be used. One that was parsed can.
    pub fn new(rules: &[Rule]) -> Result<Self, AlarmError> {
        let rules = rules.iter().map(|rule| {
            let ready = Ready::new(rule);
            let ready = ready.map_err(|why| AlarmError::Rule { rule: rule.id.clone(), why })?;
            Ok(Live { rule: rule.clone(), ready, quiet_until: None, suppressed: 0 })
        });
        Ok(Self { rules: rules.collect::<Result<_, AlarmError>>()? })
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Look at the next event.
    pub fn see(&mut self, seen: &Seen<'_>) -> Vec<Alarm> {
        self.rules.iter_mut().filter_map(|live| live.see(seen)).collect()
    }
}

impl Live {
    fn see(&mut self, seen: &Seen<'_>) -> Option<Alarm> {
        if !self.ready.see(seen) {
            return None;
        }
        if self.quiet_until.is_some_and(|until| seen.at < until) {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.quiet_until = seen.at.checked_add(self.rule.again.duration());
        Some(Alarm {
            rule: self.rule.id.clone(),
            title: self.rule.title.clone(),
            why: self.rule.why.clone(),
            severity: self.rule.severity,
            actions: self.rule.actions.iter().copied().collect(),
            fires: self.ready.fires.clone(),
            suppressed: std::mem::take(&mut self.suppressed),
        })
    }
}

impl Ready {
    fn new(rule: &Rule) -> Result<Self, String> {
        let matcher = |matches: &Option<_>| matches.as_ref().map(Matcher::new).transpose();
        let (matches, unless) = (matcher(&rule.matches)?, matcher(&rule.unless)?);
        let ways = [
            rule.threshold.is_some(),
            rule.sequence.is_some(),
            rule.first_seen.is_some(),
            rule.distinct.is_some(),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(
                "it has two of threshold, sequence, first_seen and distinct; write two rules"
                    .into(),
            );
        }
        match (matches.is_some(), rule.sequence.is_some()) {
            (false, false) => return Err("it has no `match`; say which events it is about".into()),
            (true, true) => {
                return Err("a sequence has its matches in `steps`; remove `match`".into());
            }
            _ => {}
        }
        let counted = |count: u64| match usize::try_from(count) {
            Ok(number) if COUNTS.contains(&count) => Ok(number),
            _ => Err(format!("`count` is from {} to {}", COUNTS.start(), COUNTS.end())),
        };
        let (when, fires) = if let Some(it) = &rule.threshold {
            let by = it.by.as_deref().map(Field::named).transpose()?;
            let state = state::Threshold::new(counted(it.count)?, it.within.duration());
            let each = it.by.as_ref().map_or_else(String::new, |by| format!(" with the same {by}"));
            (When::Threshold(by, state), format!("{} events{each} within {}", it.count, it.within))
        } else if let Some(it) = &rule.sequence {
            if !STEPS.contains(&it.steps.len()) {
                return Err(format!("a sequence has {} to {} steps", STEPS.start(), STEPS.end()));
            }
            let steps = it.steps.iter().map(Matcher::new).collect::<Result<Vec<_>, _>>()?;
            let within = it.within.map(crate::Span::duration);
            let time = it.within.map_or_else(String::new, |within| format!(" within {within}"));
            let fires = format!("{} events in an order{time}", steps.len());
            (When::Sequence(steps, state::Sequence::new(it.steps.len(), within)), fires)
        } else if let Some(it) = &rule.first_seen {
            let settle = it.settle.map(crate::Span::duration).unwrap_or_default();
            let state = state::FirstSeen::new(settle);
            (When::FirstSeen(Field::named(&it.field)?, state), format!("a new {}", it.field))
        } else if let Some(it) = &rule.distinct {
            let state = state::Distinct::new(counted(it.count)?, it.within.duration());
            let fires = format!("{} different {} within {}", it.count, it.field, it.within);
            (When::Distinct(Field::named(&it.field)?, state), fires)
        } else {
            (When::Each, "such an event".to_owned())
        };
        Ok(Self { matches, unless, when, fires })
    }

    fn see(&mut self, seen: &Seen<'_>) -> bool {
        let wanted = self.matches.as_ref().is_none_or(|matches| matches.takes(seen));
        if !wanted || self.unless.as_ref().is_some_and(|unless| unless.takes(seen)) {
            return false;
        }
        match &mut self.when {
            When::Each => true,
            When::Threshold(by, state) => {
                let value = match by {
                    None => Some("".into()),
                    Some(field) => seen.value(field),
                };
                value.is_some_and(|value| state.count(&value, seen.at, seen.acts))
            }
            When::Sequence(steps, state) => {
                state.take(|step| steps.get(step).is_some_and(|it| it.takes(seen)), seen.at)
            }
            When::FirstSeen(field, state) => {
                seen.value(field).is_some_and(|value| state.is_new(&value, seen.at))
            }
            When::Distinct(field, state) => {
                seen.value(field).is_some_and(|value| state.take(&value, seen.at))
            }
        }
    }
}

/// What is wrong with rules, the first of it.
pub(crate) fn check(rules: &[Rule]) -> Result<(), AlarmError> {
    let mut ids = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (1..=64).contains(&rule.id.len()) && rule.id.chars().all(plain);
        let wrong = |why: &str| {
            let rule = if good { rule.id.clone() } else { format!("number {}", index + 1) };
            Err(AlarmError::Rule { rule, why: why.to_owned() })
        };
        if !good {
            return wrong("an id has 1 to 64 lowercase letters, digits and `-`");
        }
        if !ids.insert(&rule.id) {
            return wrong("there is another one of this id");
        }
        if rule.title.trim().is_empty() || rule.title.len() > 200 || rule.why.len() > 2000 {
            return wrong("it needs a title of at most 200 bytes; `why` has at most 2000");
        }
        if rule.title.chars().chain(rule.why.chars()).any(|c| c.is_control() && c != '\n') {
            return wrong("a title and `why` have no control characters");
        }
        if rule.actions.is_empty() {
            return wrong("`actions` is empty: write notify, freeze or end, or leave it out");
        }
        if let Err(why) = Ready::new(rule) {
            return wrong(&why);
        }
    }
    Ok(())
}
