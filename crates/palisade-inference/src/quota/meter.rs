use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    Usage,
    quota::{
        Estimate, Exceeded, Price, Quota, QuotaError, Usd,
        clock::{Clock, Moment},
        counts::{Counts, Stamp},
        price::price_of,
        store::Store,
    },
};

/// How often a lock is tried that another process has, and how long it is waited in between. Who has
/// it keeps it for some microseconds.
const TRIES: usize = 400;
const PAUSE: Duration = Duration::from_millis(5);

/// What was used of each scope's limits.
#[derive(Debug)]
pub(crate) struct Meters {
    clock: Clock,
    /// Where counts are kept that outlast a session.
    folder: Option<PathBuf>,
    spent: Mutex<BTreeMap<String, Spent>>,
}

#[derive(Debug)]
struct Spent {
    store: Store,
    /// Of this session.
    tokens: u64,
    usd: Usd,
    /// Calls under way.
    calls: u64,
}

/// What a call wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The model, by the name that the provider gets.
    pub(crate) model: &'a str,
    /// Whether the provider takes no money: it is called without a key.
    pub(crate) free: bool,
    pub(crate) estimate: Estimate,
}

/// Room for one call. It is settled when it goes: with what it owes, or, if it was never made, with nothing.
#[derive(Debug)]
pub(crate) struct Reservation {
    meters: Arc<Meters>,
    parts: Vec<Part>,
    owes: Option<Usage>,
}

/// The share of one scope.
#[derive(Debug, Clone)]
struct Part {
    scope: String,
    stamp: Stamp,
    tokens: u64,
    usd: Usd,
    price: Option<Price>,
}

impl Meters {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { clock: Clock::new(), folder, spent: Mutex::default() }
    }

    /// Has the counts of these limits ready. Those of others stay.
    pub(crate) fn prepare(&self, quotas: &[Quota]) -> Result<(), QuotaError> {
        let mut spent = self.all();
        for quota in quotas {
            let kept = quota.is_kept() && self.folder.is_some();
            let known = spent.get(&quota.scope);
            if known.is_some_and(|known| !kept || matches!(known.store, Store::File { .. })) {
                continue;
            }
            let store = match &self.folder {
                Some(folder) if kept => Store::open(folder, &quota.scope)?,
                _ => Store::Memory(Box::default()),
            };
            match spent.get_mut(&quota.scope) {
                Some(known) => known.store = store,
                None => {
                    let fresh = Spent { store, tokens: 0, usd: Usd(0), calls: 0 };
                    spent.insert(quota.scope.clone(), fresh);
                }
            }
        }
        Ok(())
    }

    /// Room for this call under each of these limits, or the first that has none. Either all of them
    /// count it or none.
    pub(crate) async fn reserve(
        self: &Arc<Self>,
        quotas: &[Quota],
        wanted: &Wanted<'_>,
    ) -> Result<Reservation, Exceeded> {
        for _ in 0..TRIES {
            if let Some(parts) = self.try_reserve(quotas, wanted)? {
                return Ok(Reservation { meters: Arc::clone(self), parts, owes: None });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Exceeded::Locked)
    }

    fn try_reserve(
        &self,
        quotas: &[Quota],
        wanted: &Wanted<'_>,
    ) -> Result<Option<Vec<Part>>, Exceeded> {
        let mut spent = self.all();
        let now = self.clock.now();
        // In the order of their names: two who want the same ones never wait for each other.
        let mut order: Vec<&Quota> = quotas.iter().collect();
        order.sort_by(|one, other| one.scope.cmp(&other.scope));
        order.dedup_by(|one, other| one.scope == other.scope);
        let mut held: Vec<(&Quota, Counts)> = Vec::with_capacity(order.len());
        let checked = order.iter().try_for_each(|quota| {
            let Some(of) = spent.get_mut(&quota.scope) else {
                return Err(Some(Exceeded::Locked));
            };
            match of.store.hold() {
                Ok(Some(mut found)) => {
                    found.counts.turn(now);
                    let room = room(quota, of, &found.counts, wanted, now);
                    held.push((quota, found.counts));
                    room.map_err(Some)
                }
                Ok(None) => Err(None),
                Err(error) => Err(Some(error.into())),
            }
        });
        if let Err(why) = checked {
            for (quota, _) in &held {
                spent.get(&quota.scope).iter().for_each(|of| of.store.release());
            }
            return why.map_or(Ok(None), Err);
        }
        let mut parts = Vec::with_capacity(held.len());
        let mut written = Ok(());
        for (quota, mut counts) in held {
            let Some(of) = spent.get_mut(&quota.scope) else { continue };
            let price = price(quota, wanted);
            let tokens = wanted.estimate.input.saturating_add(wanted.estimate.output);
            let usd = most(price, wanted.estimate);
            let stamp = counts.add(1, tokens, usd);
            // What is written of one when another fails stays counted: rather too much than too little.
            written = written.and(of.store.put(&counts));
            of.tokens = of.tokens.saturating_add(tokens);
            of.usd = Usd(of.usd.0.saturating_add(usd.0));
            of.calls = of.calls.saturating_add(1);
            parts.push(Part { scope: quota.scope.clone(), stamp, tokens, usd, price });
        }
        if let Err(error) = written {
            for part in &parts {
                let of = spent.get_mut(&part.scope);
                of.into_iter().for_each(|of| of.calls = of.calls.saturating_sub(1));
            }
            return Err(error.into());
        }
        Ok(Some(parts))
    }

    /// Puts what a call used in place of what was reserved. Those parts are left that another process
    /// holds now.
    fn try_settle(&self, parts: &mut Vec<Part>, owes: Option<&Usage>) {
        let mut spent = self.all();
        let now = self.clock.now();
        parts.retain(|part| {
            let Some(of) = spent.get_mut(&part.scope) else { return false };
            let mut counts = match of.store.hold() {
                Ok(Some(held)) => held.counts,
                Ok(None) => return true,
                // What was reserved stays counted.
                Err(_) => {
                    of.calls = of.calls.saturating_sub(1);
                    return false;
                }
            };
            counts.turn(now);
            let reserved = (part.tokens, part.usd);
            let used = owes.map_or((0, Usd(0)), |usage| {
                (usage.total(), part.price.map_or(Usd(0), |price| price.of(usage)))
            });
            match owes {
                Some(_) => counts.correct(part.stamp, reserved, used),
                None => counts.take_back(part.stamp, reserved),
            }
            let _kept = of.store.put(&counts);
            of.tokens = of.tokens.saturating_sub(part.tokens).saturating_add(used.0);
            of.usd = Usd(of.usd.0.saturating_sub(part.usd.0).saturating_add(used.1.0));
            of.calls = of.calls.saturating_sub(1);
            false
        });
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Spent>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// From now on the call has been made, and has used this.
    pub(crate) fn owes(&mut self, usage: Usage) {
        self.owes = Some(usage);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut parts = std::mem::take(&mut self.parts);
        if parts.is_empty() {
            return;
        }
        let owes = self.owes;
        self.meters.try_settle(&mut parts, owes.as_ref());
        if parts.is_empty() {
            return;
        }
        let meters = Arc::clone(&self.meters);
        // Without a runtime nobody is left to be served; what was reserved stays counted.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                for _ in 0..TRIES {
                    tokio::time::sleep(PAUSE).await;
                    meters.try_settle(&mut parts, owes.as_ref());
                    if parts.is_empty() {
                        return;
                    }
                }
            });
        }
    }
}

fn price(quota: &Quota, wanted: &Wanted<'_>) -> Option<Price> {
    if wanted.free {
        return Some(Price::default());
    }
    price_of(&quota.prices, wanted.model)
}

/// What a call may cost at most: all of its prompt may have to be written to the cache.
fn most(price: Option<Price>, estimate: Estimate) -> Usd {
    let Some(price) = price else { return Usd(0) };
    let prompt = Price { input: price.input.max(price.cache_write), ..price };
    prompt.of(&Usage { input: estimate.input, output: estimate.output, ..Usage::default() })
}

/// Whether these limits have room.
fn room(
    quota: &Quota,
    of: &Spent,
    counts: &Counts,
    wanted: &Wanted<'_>,
    now: Moment,
) -> Result<(), Exceeded> {
    let scope = || quota.scope.clone();
    let tokens = wanted.estimate.input.saturating_add(wanted.estimate.output);
    let spent =
        |rule, what, retry, rate| Exceeded::Spent { rule, scope: scope(), what, retry, rate };
    let never = |rule, what| Exceeded::Never { rule, scope: scope(), what };
    let too_large = |most: u64| {
        format!(
            "this call may use {tokens} tokens (about {} of its prompt, {} of its answer), more than {most} at all; ask for a shorter answer (`max_tokens`)",
            wanted.estimate.input, wanted.estimate.output
        )
    };
    if let Some(most) = quota.concurrent
        && of.calls >= most
    {
        let what = format!("{most} calls are under way, and no more may be at one time");
        return Err(spent("inference.limits.concurrent", what, Some(1), true));
    }
    let (calls, of_minute) = counts.minute();
    if let Some(most) = quota.requests_per_minute
        && calls >= most
    {
        let wait = counts.until_free(calls.saturating_sub(most).saturating_add(1), 0);
        let what = format!("there were {calls} calls in the last minute, and {most} may be");
        return Err(spent("inference.limits.requests_per_minute", what, Some(wait), true));
    }
    if let Some(most) = quota.tokens_per_minute {
        let rule = "inference.limits.tokens_per_minute";
        if tokens > most {
            return Err(never(rule, too_large(most)));
        }
        let over = of_minute.saturating_add(tokens).saturating_sub(most);
        if over > 0 {
            let wait = counts.until_free(0, over);
            let what = format!(
                "{of_minute} of {most} tokens a minute are used, and this call may use {tokens}"
            );
            return Err(spent(rule, what, Some(wait), true));
        }
    }
    for (rule, used, most, retry) in [
        (
            "inference.limits.tokens_per_day",
            counts.tokens_of_day(),
            quota.tokens_per_day,
            Some(now.left),
        ),
        ("inference.limits.tokens_per_session", of.tokens, quota.tokens_per_session, None),
    ] {
        let Some(most) = most else { continue };
        if tokens > most {
            return Err(never(rule, too_large(most)));
        }
        if used.saturating_add(tokens) > most {
            let what = format!("{used} of {most} tokens are used, and this call may use {tokens}");
            return Err(spent(rule, what, retry, false));
        }
    }
    if !quota.counts_money() {
        return Ok(());
    }
    let Some(price) = price(quota, wanted) else {
        return Err(Exceeded::NoPrice { model: wanted.model.to_owned(), scope: scope() });
    };
    let cost = most(Some(price), wanted.estimate);
    for (rule, used, most, retry) in [
        ("inference.limits.usd_per_day", counts.usd_of_day(), quota.usd_per_day, Some(now.left)),
        ("inference.limits.usd_per_session", of.usd, quota.usd_per_session, None),
    ] {
        let Some(most) = most else { continue };
        if cost > most {
            let what = format!(
                "this call may cost {cost}, more than {most} at all; ask for a shorter answer (`max_tokens`)"
            );
            return Err(never(rule, what));
        }
        if used.0.saturating_add(cost.0) > most.0 {
            let what = format!("{used} of {most} are spent, and this call may cost {cost}");
            return Err(spent(rule, what, retry, false));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
