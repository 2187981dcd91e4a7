use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

/// The addresses of this machine itself, the same list for all that have it. It grows: a machine gets other
/// addresses while a sandbox runs, by DHCP, by a VPN, and each day by IPv6 (RFC 8981).
#[derive(Debug, Clone, Default)]
pub(crate) struct Own(Arc<RwLock<Vec<IpAddr>>>);

impl Own {
    /// And this one.
    pub(crate) fn add(&self, address: IpAddr) {
        let address = address.to_canonical();
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&address) {
            all.push(address);
        }
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.contains(&address.to_canonical())
    }
}

impl FromIterator<IpAddr> for Own {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(all: I) -> Self {
        Self(Arc::new(RwLock::new(all.into_iter().map(|it| it.to_canonical()).collect())))
    }
}
