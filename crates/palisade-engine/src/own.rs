use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

/// The addresses of this machine itself, the same list for all that have it. It grows: a machine gets other
/// addresses while a sandbox runs, by DHCP, by a VPN, and each day by IPv6 (RFC 8981).
#[derive(Debug, Clone, Default)]
pub(crate) struct Own {
    all: Arc<RwLock<Vec<IpAddr>>>,
    /// How many of them were known from the beginning.
    first: usize,
}

impl Own {
    /// And this one. Whether it was not known from the beginning.
    pub(crate) fn add(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().position(|it| *it == address);
        if known.is_none() {
            all.push(address);
        }
        known.is_none_or(|at| at >= self.first)
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.contains(&address.to_canonical())
    }
}

impl FromIterator<IpAddr> for Own {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(all: I) -> Self {
        let all: Vec<IpAddr> = all.into_iter().map(|it| it.to_canonical()).collect();
        Self { first: all.len(), all: Arc::new(RwLock::new(all)) }
    }
}
