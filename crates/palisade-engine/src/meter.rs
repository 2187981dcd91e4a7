use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use palisade_core::{Decision, HostName, Request};

use crate::Rule;

const MINUTE: Duration = Duration::from_secs(60);

/// What was used of the limits of rules, by their ids. A limit counts for its hosts and ports, whichever
/// rule permits what goes there; so no rule that is added takes one away.
#[derive(Debug, Default)]
pub(crate) struct Meters(Mutex<HashMap<String, Spent>>);

#[derive(Debug, Default)]
struct Spent {
    /// When the requests of the last minute were permitted.
    requests: VecDeque<Instant>,
    sent: u64,
}

impl Meters {
    /// Count a request, with the bytes of its head. `None` if each of these rules has room for it; else
    /// nothing is counted.
    pub(crate) fn request(
        &self,
        limited: &[&Rule],
        request: &Request,
        now: Instant,
    ) -> Option<Decision> {
        if limited.is_empty() {
            return None;
        }
        let head = head_bytes(request);
        let mut all = self.all();
        for rule in limited {
            let spent = all.entry(rule.id.clone()).or_default();
            while spent.requests.front().is_some_and(|then| now.duration_since(*then) >= MINUTE) {
                spent.requests.pop_front();
            }
            let most = rule.limits.requests_per_minute.map(usize::try_from);
            if let Some(most) = most.map(|most| most.unwrap_or(usize::MAX))
                && spent.requests.len() >= most
            {
                return Some(reached(rule, &request.host, &format!("{most} requests in a minute")));
            }
            if let Err(denial) = room(rule, spent, &request.host, head) {
                return Some(denial);
            }
        }
        for rule in limited {
            let spent = all.entry(rule.id.clone()).or_default();
            if rule.limits.requests_per_minute.is_some() {
                spent.requests.push_back(now);
            }
            spent.sent = spent.sent.saturating_add(head);
        }
        None
    }

    /// Count bytes, if each of these rules has room for them.
    pub(crate) fn bytes(
        &self,
        limited: &[&Rule],
        host: &HostName,
        bytes: u64,
    ) -> Result<(), Decision> {
        if limited.is_empty() {
            return Ok(());
        }
        let mut all = self.all();
        for rule in limited {
            room(rule, all.entry(rule.id.clone()).or_default(), host, bytes)?;
        }
        for rule in limited {
            let spent = all.entry(rule.id.clone()).or_default();
            spent.sent = spent.sent.saturating_add(bytes);
        }
        Ok(())
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Spent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn room(rule: &Rule, spent: &Spent, host: &HostName, bytes: u64) -> Result<(), Decision> {
    match rule.limits.sent {
        Some(most) if spent.sent.saturating_add(bytes) > most => {
            Err(reached(rule, host, &format!("{most} bytes sent in a session")))
        }
        _ => Ok(()),
    }
}

fn reached(rule: &Rule, host: &HostName, what: &str) -> Decision {
    let id = format!("{}.limits", rule.id);
    let reason = format!("{id} permits no more to {host} than {what}");
    Decision::deny_by(id, reason)
}

/// About what the head of a request has when it is sent.
fn head_bytes(request: &Request) -> u64 {
    let fields = request.headers.iter().map(|(name, value)| name.len() + value.len() + 4);
    let query = request.query.as_ref().map_or(0, |query| query.len() + 1);
    let line = request.method.len() + request.path.len() + query + 12;
    u64::try_from(fields.sum::<usize>() + line).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use palisade_core::Body;
    use palisade_policy::RuleLimits;

    use super::*;

    fn rule(id: &str, requests_per_minute: Option<u32>, sent: Option<u64>) -> Rule {
        let limits = RuleLimits { requests_per_minute, sent };
        Rule { id: id.into(), limits, ..Rule::default() }
    }

    fn request() -> Request {
        Request {
            host: "a.example".parse().unwrap(),
            port: 443,
            tls: true,
            address: None,
            method: "GET".into(),
            path: b"/".to_vec(),
            query: None,
            headers: Vec::new(),
            body: Body::Unread,
            caller: palisade_core::Caller::Unasked,
        }
    }

    #[test]
    fn requests_of_any_minute_are_counted() {
        let (meters, rule, begin) = (Meters::default(), rule("a", Some(2), None), Instant::now());
        let at =
            |seconds| meters.request(&[&rule], &request(), begin + Duration::from_secs(seconds));
        assert!(at(0).is_none() && at(30).is_none());
        let denied = at(59).unwrap();
        assert_eq!(denied.rule.as_deref(), Some("a.limits"));
        assert!(denied.reason.contains("2 requests in a minute"));
        // The first is over, and what was denied did not count.
        assert!(at(60).is_none() && at(61).is_some() && at(90).is_none());
    }

    #[test]
    fn the_least_limit_counts_and_nothing_is_counted_in_part() {
        let meters = Meters::default();
        let (wide, narrow) = (rule("wide", None, Some(100)), rule("narrow", None, Some(10)));
        let host = "a.example".parse().unwrap();
        assert!(meters.bytes(&[&wide, &narrow], &host, 10).is_ok());
        let denied = meters.bytes(&[&wide, &narrow], &host, 1).unwrap_err();
        assert_eq!(denied.rule.as_deref(), Some("narrow.limits"));
        assert!(meters.bytes(&[&wide], &host, 90).is_ok());
        assert!(meters.bytes(&[&wide], &host, 1).is_err());
        assert!(meters.bytes(&[], &host, u64::MAX).is_ok());
    }

    #[test]
    fn heads_count_as_sent() {
        let (meters, rule) = (Meters::default(), rule("a", None, Some(40)));
        let now = Instant::now();
        assert!(meters.request(&[&rule], &request(), now).is_none());
        assert!(meters.request(&[&rule], &request(), now).is_none());
        assert!(meters.request(&[&rule], &request(), now).is_some());
    }
}
