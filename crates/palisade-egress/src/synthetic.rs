use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::HostName;
use tokio::time::Instant;

/// 198.18.0.0/15: set aside for benchmarks (RFC 2544), so that it stands for nothing real.
const V4_BASE: u32 = 0xc612_0000;
const V4_MASK: u32 = 0xfffe_0000;
/// fd70:616c:6973:6164::/96, unique local addresses with `palisad` for a global id; the IPv4
/// twin is in the last 32 bits.
const V6_BASE: u128 = 0xfd70_616c_6973_6164_0000_0000_0000_0000;

/// Names that can be mapped at a time.
const CAPACITY: u32 = 16 * 1024;
/// How long a mapping is kept at least after its last use: well past the time to live that
/// answers carry, so that no client still believes in it.
const QUARANTINE: Duration = Duration::from_secs(300);

/// The two addresses that stand for a name inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synthetic {
    /// From 198.18.0.0/15.
    pub v4: Ipv4Addr,
    /// From `fd70:616c:6973:6164::/96`, with `v4` as its end.
    pub v6: Ipv6Addr,
}

/// What an address that a client dialled means.
#[derive(Debug)]
pub enum Meaning {
    /// It stands for a name.
    Name(Lease),
    /// It is of the synthetic range, but stands for nothing.
    Unmapped,
    /// It is an ordinary address.
    Bare(IpAddr),
}

/// Which synthetic address stands for which name. The mapping is stable while there is room;
/// then the name that was idle longest gives way, never one with open connections.
#[derive(Debug)]
pub struct SyntheticMap {
    capacity: u32,
    quarantine: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    slots: Vec<Slot>,
    of_name: HashMap<HostName, usize>,
}

#[derive(Debug)]
struct Slot {
    name: HostName,
    used: Instant,
    live: usize,
}

/// Holds a mapping in place while a connection uses it.
#[derive(Debug)]
pub struct Lease {
    map: Arc<SyntheticMap>,
    slot: usize,
    name: HostName,
}

impl Default for SyntheticMap {
    fn default() -> Self {
        Self::with_capacity(CAPACITY, QUARANTINE)
    }
}

impl SyntheticMap {
    /// An empty map for a session.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A map of at most `capacity` names, of which one is given up only when it was idle for
    /// `quarantine`. Capacity is cut to what the range holds.
    pub fn with_capacity(capacity: u32, quarantine: Duration) -> Self {
        Self { capacity: capacity.min(!V4_MASK - 1), quarantine, table: Mutex::default() }
    }

    /// The addresses that stand for `name`, now and for a while. `None` if there is no room.
    pub fn assign(&self, name: &HostName) -> Option<Synthetic> {
        let now = Instant::now();
        let mut table = self.table();
        if let Some(&index) = table.of_name.get(name) {
            table.slots.get_mut(index)?.used = now;
            return addresses_of(index);
        }
        let slot = Slot { name: name.clone(), used: now, live: 0 };
        let room = usize::try_from(self.capacity).is_ok_and(|most| table.slots.len() < most);
        let index = if room {
            table.slots.push(slot);
            table.slots.len() - 1
        } else {
            let (index, oldest) = table
                .slots
                .iter_mut()
                .enumerate()
                .filter(|(_, slot)| slot.live == 0)
                .min_by_key(|(_, slot)| slot.used)?;
            if now.duration_since(oldest.used) < self.quarantine {
                return None;
            }
            let gone = std::mem::replace(oldest, slot);
            table.of_name.remove(&gone.name);
            index
        };
        table.of_name.insert(name.clone(), index);
        addresses_of(index)
    }

    /// What `address` means to whoever dials it. A name is held in place by the lease.
    pub fn meaning(self: &Arc<Self>, address: IpAddr) -> Meaning {
        let slot = match slot_of(address) {
            Place::Elsewhere => return Meaning::Bare(address),
            Place::Reserved => return Meaning::Unmapped,
            Place::Slot(slot) => slot,
        };
        let mut table = self.table();
        let Some(found) = table.slots.get_mut(slot) else { return Meaning::Unmapped };
        found.live += 1;
        found.used = Instant::now();
        let name = found.name.clone();
        Meaning::Name(Lease { map: Arc::clone(self), slot, name })
    }

    /// The name that `address` stands for, for a reverse look-up.
    pub fn name_of(&self, address: IpAddr) -> Option<HostName> {
        let Place::Slot(slot) = slot_of(address) else { return None };
        self.table().slots.get(slot).map(|slot| slot.name.clone())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The name that was dialled.
    pub fn name(&self) -> &HostName {
        &self.name
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(slot) = self.map.table().slots.get_mut(self.slot) {
            slot.live = slot.live.saturating_sub(1);
            slot.used = Instant::now();
        }
    }
}

enum Place {
    Slot(usize),
    Reserved,
    Elsewhere,
}

/// The first address of the range is left out: some clients take it for a network's own.
fn addresses_of(slot: usize) -> Option<Synthetic> {
    let offset = u32::try_from(slot).ok()?.checked_add(1).filter(|offset| offset & V4_MASK == 0)?;
    let v4 = V4_BASE | offset;
    Some(Synthetic { v4: Ipv4Addr::from(v4), v6: Ipv6Addr::from(V6_BASE | u128::from(v4)) })
}

fn slot_of(address: IpAddr) -> Place {
    let v4 = match address.to_canonical() {
        IpAddr::V4(v4) => u32::from(v4),
        IpAddr::V6(v6) => match u32::try_from(u128::from(v6) ^ V6_BASE) {
            Ok(low) if low & V4_MASK == V4_BASE => low,
            Ok(_) => return Place::Reserved,
            Err(_) => return Place::Elsewhere,
        },
    };
    if v4 & V4_MASK != V4_BASE {
        return Place::Elsewhere;
    }
    match (v4 & !V4_MASK).checked_sub(1).and_then(|offset| usize::try_from(offset).ok()) {
        Some(slot) => Place::Slot(slot),
        None => Place::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn leased(map: &Arc<SyntheticMap>, address: impl Into<IpAddr>) -> Lease {
        match map.meaning(address.into()) {
            Meaning::Name(lease) => lease,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_twins_mean_the_name_they_were_given_for() {
        let map = SyntheticMap::new();
        let a = map.assign(&name("a.example")).unwrap();
        let b = map.assign(&name("b.example")).unwrap();
        assert_ne!(a, b);
        assert_eq!(map.assign(&name("a.example")), Some(a));
        assert_eq!(a.v4, Ipv4Addr::new(198, 18, 0, 1));
        assert_eq!(a.v6.to_string(), "fd70:616c:6973:6164::c612:1");
        for (twin, expected) in [(a, "a.example"), (b, "b.example")] {
            assert_eq!(leased(&map, twin.v4).name(), &name(expected));
            assert_eq!(leased(&map, twin.v6).name(), &name(expected));
            assert_eq!(leased(&map, twin.v4.to_ipv6_mapped()).name(), &name(expected));
        }
    }

    #[test]
    fn unmapped_synthetic_addresses_mean_nothing() {
        let map = SyntheticMap::new();
        for address in
            ["198.18.0.0", "198.18.0.1", "198.19.255.255", "fd70:616c:6973:6164::1.2.3.4"]
        {
            assert!(
                matches!(map.meaning(address.parse().unwrap()), Meaning::Unmapped),
                "{address}"
            );
        }
        for address in ["198.17.255.255", "198.20.0.0", "fd70:616c:6973:6164:1::c612:1", "::1"] {
            assert!(matches!(map.meaning(address.parse().unwrap()), Meaning::Bare(_)), "{address}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_name_idle_longest_gives_way_and_only_after_a_while() {
        let map = Arc::new(SyntheticMap::with_capacity(2, QUARANTINE));
        let a = map.assign(&name("a")).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let b = map.assign(&name("b")).unwrap();
        assert_eq!(map.assign(&name("c")), None, "everything was used a moment ago");
        tokio::time::advance(QUARANTINE).await;
        assert_eq!(map.assign(&name("c")), Some(a));
        assert_eq!(map.name_of(b.v4.into()), Some(name("b")));
        assert_eq!(map.name_of(a.v6.into()), Some(name("c")));
    }

    #[tokio::test(start_paused = true)]
    async fn remaps_a_name_under_an_open_connection() {
        let map = Arc::new(SyntheticMap::with_capacity(1, QUARANTINE));
        let a = map.assign(&name("a")).unwrap();
        let lease = leased(&map, a.v4);
        tokio::time::advance(QUARANTINE * 10).await;
        assert_eq!(map.assign(&name("b")), None);
        drop(lease);
        assert_eq!(map.assign(&name("b")), None, "its last use was a moment ago");
        tokio::time::advance(QUARANTINE).await;
        assert_eq!(map.assign(&name("b")), Some(a));
    }
}
