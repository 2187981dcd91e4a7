//! Addresses that OpenShell's proxy never connects to, whatever a policy says.

use std::net::IpAddr;

/// Ports of a cluster's own servers (etcd, the API, kubelets), which its proxy refuses at any address.
pub(super) const CLUSTER: [u64; 5] = [2379, 2380, 6443, 10250, 10255];

/// The first and the last address of a network, an IPv4 one in IPv6's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range(u128, u128);

impl Range {
    /// `10.0.0.0/8`, `10.1.2.3`, `fd00::/8`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let free = u32::checked_sub(width, bits.unwrap_or(width))?;
        let below = if free == 128 { u128::MAX } else { (1_u128 << free).saturating_sub(1) };
        let start = wide(address) & !below;
        Some(Self(start, start | below))
    }

    pub(super) fn of(address: IpAddr) -> Self {
        Self(wide(address), wide(address))
    }

    pub(super) fn holds(self, other: Self) -> bool {
        self.0 <= other.0 && other.1 <= self.1
    }

    /// Whether it has loopback, link-local or unspecified addresses, where the machine itself and the cloud's metadata
    /// are.
    pub(super) fn is_refused(self) -> bool {
        let refused = ["127.0.0.0/8", "169.254.0.0/16", "0.0.0.0", "::1", "::", "fe80::/10"];
        refused
            .iter()
            .filter_map(|text| Self::parse(text))
            .any(|range| range.0 <= self.1 && self.0 <= range.1)
    }
}

fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn what_is_never_connected_to() {
        for (text, refused) in [
            ("127.0.0.1", true),
            ("126.0.0.0/7", true),
            ("0.0.0.0/0", true),
            ("::/0", true),
            ("::ffff:169.254.169.254", true),
            ("169.254.169.254/32", true),
            ("fe80::1", true),
            ("::1", true),
            ("10.0.0.0/8", false),
            ("fd00::/8", false),
            ("8.8.8.8", false),
        ] {
            assert_eq!(Range::parse(text).unwrap().is_refused(), refused, "{text}");
        }
        for text in ["10.0.0.0/33", "fd00::/129", "a", "10.0.0.1/", "10.0.0.1/-1"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }

    #[test]
    fn networks_within_others() {
        let range = |text| Range::parse(text).unwrap();
        assert!(range("10.0.0.0/8").holds(range("10.1.2.3")));
        assert!(!range("10.0.0.0/8").holds(range("11.0.0.0")));
        assert!(range("::/0").holds(Range::of("10.0.0.1".parse().unwrap())));
    }
}
