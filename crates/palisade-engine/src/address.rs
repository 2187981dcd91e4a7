use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// Anybody's: the internet.
    Public,
    /// Special, and permitted only where a rule names it or a range that holds it.
    Special(&'static str),
    /// Special, and permitted only where a rule names it whole, not by a range: one typing error
    /// or one wide range must not give away a machine's credentials.
    Guarded(&'static str),
}

use AddressClass::{Guarded, Public, Special};

impl AddressClass {
    /// The kind of place that a packet to `address` would come to.
    ///
    /// Addresses that carry an IPv4 address inside are what that one is. Every range of the IANA
    /// registries of special-purpose addresses (RFC 6890) that is not globally reachable is
    /// special, and so is what is not yet given out.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [169, 254, 169, 254] | [169, 254, 170, 2] => Guarded("a cloud metadata address"),
            // Alibaba, Azure, Oracle.
            [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => {
                Guarded("a cloud metadata address")
            }
            [169, 254, ..] => Guarded("a link-local address"),
            [0, ..] => Special("an unspecified address"),
            [127, ..] => Special("a loopback address of the host"),
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Special("a private address"),
            [100, 64..=127, ..] => Special("a carrier's shared address (CGNAT)"),
            [192, 0, 0, _] => Special("an address set aside for protocols"),
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
                Special("a documentation address")
            }
            [192, 88, 99, _] => Special("a 6to4 relay address"),
            [198, 18..=19, ..] => Special("a benchmark address"),
            [224..=239, ..] => Special("a multicast address"),
            [255, 255, 255, 255] => Special("the broadcast address"),
            [240..=255, ..] => Special("a reserved address"),
            _ => Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let segments = address.segments();
        let v4 = |high: u16, low: u16| {
            Self::of_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        };
        match segments {
            // Amazon, Google.
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
                Guarded("a cloud metadata address")
            }
            [0, 0, 0, 0, 0, 0, 0, 0] => Special("an unspecified address"),
            [0, 0, 0, 0, 0, 0, 0, 1] => Special("a loopback address of the host"),
            // IPv4-mapped (RFC 4291), -translated (RFC 2765) and NAT64 (RFC 6052): a packet to one
            // of these comes to the IPv4 address.
            [0, 0, 0, 0, 0, 0xffff, high, low]
            | [0, 0, 0, 0, 0xffff, 0, high, low]
            | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
            [0, 0, 0, 0, 0, 0, high, low] => v4(high, low).or("an IPv4-compatible address"),
            [0x64, 0xff9b, 1, .., high, low] => v4(high, low).or("a local NAT64 address"),
            [0x2002, high, low, ..] => v4(high, low),
            // Teredo (RFC 4380): the server, and the client's address with each bit turned over.
            [0x2001, 0, high, low, _, _, client_high, client_low] => {
                v4(high, low).and(v4(!client_high, !client_low))
            }
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Special("a documentation address"),
            [0x2001, 2, 0, ..] => Special("a benchmark address"),
            [0x2001, 0..=0x1ff, ..] => Special("an address set aside for protocols"),
            [0xfe80..=0xfebf, ..] => Guarded("a link-local address"),
            [0xfec0..=0xfeff, ..] => Special("a site-local address"),
            [0xfc00..=0xfdff, ..] => Special("a private address (unique local)"),
            [0xff00..=0xffff, ..] => Special("a multicast address"),
            [0x2000..=0x3fff, ..] => Public,
            _ => Special("a reserved address"),
        }
    }

    /// This class, or `what` if it were public.
    fn or(self, what: &'static str) -> Self {
        if self == Public { Special(what) } else { self }
    }

    /// The stricter of the two.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Guarded(what), _) | (_, Guarded(what)) => Guarded(what),
            (Special(what), _) | (_, Special(what)) => Special(what),
            (Public, Public) => Public,
        }
    }
}

/// Whether `address` is among those that a rule names, as its class demands.
pub(crate) fn is_named(address: IpAddr, class: AddressClass, named: &[IpNet]) -> bool {
    let whole_only = matches!(class, Guarded(_));
    // An IPv4-mapped address is dialled as IPv4, so a rule may name it as that.
    [address, address.to_canonical()].into_iter().any(|address| {
        named.iter().any(|net| {
            net.contains(&address) && (!whole_only || net.prefix_len() == net.max_prefix_len())
        })
    })
}

#[cfg(test)]
mod tests;
