//! How many names are looked up outside that no rule names whole: what stands for a wildcard is the agent's own words,
//! and whoever has the zone's nameservers reads them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use palisade_core::{Decision, HostName};

use crate::Rule;

const MINUTE: Duration = Duration::from_secs(60);
/// New names below one zone in any minute. Pages and tools that have many come with some dozens.
const MOST_IN_A_MINUTE: usize = 60;
/// Names below one zone in a session.
const MOST: usize = 1000;

/// What was looked up below each zone that a wildcard of the policy has. It outlasts a replacement of the policy.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<HostName, Zone>>);

#[derive(Debug, Default)]
struct Zone {
    known: HashSet<HostName>,
    /// When the new ones of the last minute were looked up.
    fresh: VecDeque<Instant>,
}

impl Names {
    /// Count a name, if there is room for it below its zone. One that was looked up before says nothing new.
    pub(crate) fn look_up(
        &self,
        rule: &Rule,
        zone: &HostName,
        name: &HostName,
        now: Instant,
    ) -> Result<(), Decision> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let below = all.entry(zone.clone()).or_default();
        if below.known.contains(name) {
            return Ok(());
        }
        while below.fresh.front().is_some_and(|then| now.duration_since(*then) >= MINUTE) {
            below.fresh.pop_front();
        }
        let reached = if below.known.len() >= MOST {
            format!("{MOST} names below {zone} in a session")
        } else if below.fresh.len() >= MOST_IN_A_MINUTE {
            format!("{MOST_IN_A_MINUTE} new names below {zone} in a minute")
        } else {
            below.known.insert(name.clone());
            below.fresh.push_back(now);
            return Ok(());
        };
        Err(Decision::deny_by(
            &rule.id,
            format!(
                "a wildcard permits no more than {reached} to be looked up outside, since names can carry data; \
                 to allow {name}, name it whole in `hosts` of {}",
                rule.id
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_a_wildcard_come_to_an_end() {
        let (names, rule, begin) = (Names::default(), Rule::default(), Instant::now());
        let zone: HostName = "a.example".parse().unwrap();
        let look_up = |number: usize, seconds: u64| {
            let name = format!("n{number}.a.example").parse().unwrap();
            names.look_up(&rule, &zone, &name, begin + Duration::from_secs(seconds))
        };
        for number in 0..MOST_IN_A_MINUTE {
            look_up(number, 0).unwrap();
        }
        let denied = look_up(60, 59).unwrap_err();
        assert!(denied.reason.contains("60 new names below a.example in a minute"), "{denied:?}");
        // Those that were looked up already are no news, and other zones have room of their own.
        look_up(3, 59).unwrap();
        let other = "n.b.example".parse().unwrap();
        names.look_up(&rule, &"b.example".parse().unwrap(), &other, begin).unwrap();
        let mut at = 60;
        for number in MOST_IN_A_MINUTE..MOST {
            if number % MOST_IN_A_MINUTE == 0 {
                at += 60;
            }
            look_up(number, at).unwrap();
        }
        assert!(look_up(MOST, at + 600).unwrap_err().reason.contains("1000 names"));
        look_up(MOST - 1, at + 600).unwrap();
    }
}
