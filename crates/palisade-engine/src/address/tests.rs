use proptest::prelude::*;

use super::*;

fn class(address: &str) -> AddressClass {
    AddressClass::of(address.parse().unwrap())
}

#[test]
fn every_special_range_from_its_first_to_its_last_address() {
    let special = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.255"),
        ("::", "::ffff"),
        ("::0.0.0.2", "::255.255.255.255"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        ("100::", "100::ffff:ffff:ffff:ffff"),
        ("2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];
    for address in special.into_iter().flat_map(|(first, last)| [first, last]) {
        assert!(matches!(class(address), Special(_)), "{address}: {:?}", class(address));
    }
}

#[test]
fn the_addresses_beside_special_ranges_are_public() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::",
        "2001:200::",
        "2001:db7::",
        "2001:db9::",
        "2003::",
        "2606:4700::1111",
        "3ffe:ffff::",
        "3fff:1000::",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
        "2001:0:808:808::f7f7:f7f7",
    ] {
        assert_eq!(class(address), Public, "{address}");
    }
}

#[test]
fn metadata_and_link_local_are_guarded_in_every_dress() {
    for address in [
        "169.254.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::",
        "febf:ffff::1",
        "::ffff:169.254.169.254",
        "::ffff:0:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001:0:808:808::5601:5601",
        "64:ff9b::a83f:8110",
    ] {
        assert!(matches!(class(address), Guarded(_)), "{address}: {:?}", class(address));
    }
}

#[test]
fn private_addresses_stay_private_inside_others() {
    for v4 in ["10.1.2.3", "127.0.0.1", "192.168.0.1", "100.64.0.1", "0.0.0.0"] {
        for dress in ["::ffff:", "::ffff:0:", "64:ff9b::", "64:ff9b:1::"] {
            let address = format!("{dress}{v4}");
            assert!(matches!(class(&address), Special(_)), "{address}: {:?}", class(&address));
        }
        let octets = v4.parse::<Ipv4Addr>().unwrap().octets();
        let [a, b, c, d] = octets;
        let six_to_four = format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1");
        assert!(matches!(class(&six_to_four), Special(_)), "{six_to_four}");
    }
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|v4| IpAddr::V4(v4.into())),
        any::<u128>().prop_map(|v6| IpAddr::V6(v6.into())),
        any::<u32>().prop_map(|v4| IpAddr::V6(Ipv4Addr::from(v4).to_ipv6_mapped())),
    ]
}

proptest! {
    #[test]
    fn no_range_names_a_guarded_address(length in 0_u8..128, dress in 0_usize..6) {
        let guarded: IpAddr = [
            "169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "168.63.129.16",
            "fe80::1", "64:ff9b::169.254.169.254",
        ][dress].parse().unwrap();
        let most = if guarded.is_ipv4() { 31 } else { 127 };
        let range = IpNet::new(guarded, length.min(most)).unwrap();
        prop_assert!(!is_named(guarded, AddressClass::of(guarded), &[range]));
        prop_assert!(is_named(guarded, AddressClass::of(guarded), &[range, guarded.into()]));
    }

    #[test]
    fn the_standard_library_calls_nothing_public_that_it_knows_better(address in any_address()) {
        if AddressClass::of(address) == Public {
            let odd = address.is_loopback() || address.is_multicast() || address.is_unspecified();
            prop_assert!(!odd);
            if let IpAddr::V4(v4) = address {
                prop_assert!(!v4.is_private() && !v4.is_link_local() && !v4.is_documentation());
                prop_assert!(!v4.is_broadcast());
            }
            if let IpAddr::V6(v6) = address {
                prop_assert!(!v6.is_unique_local() && !v6.is_unicast_link_local());
            }
        }
    }

    #[test]
    fn a_mapped_address_is_what_it_maps(v4 in any::<u32>()) {
        let v4 = Ipv4Addr::from(v4);
        prop_assert_eq!(
            AddressClass::of(v4.into()),
            AddressClass::of(v4.to_ipv6_mapped().into())
        );
    }
}
