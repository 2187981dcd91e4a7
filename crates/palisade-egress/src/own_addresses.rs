use std::{
    collections::BTreeSet,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The addresses of this machine's own interfaces. To connect to one is to connect to the host,
/// also where it is a public address, so the engine wants to know them.
///
/// # Errors
/// The kernel's IPv4 table cannot be read. A kernel without IPv6 is no error.
pub fn own_addresses() -> io::Result<BTreeSet<IpAddr>> {
    let v4 = fs::read_to_string("/proc/net/fib_trie")?;
    let v6 = match fs::read_to_string("/proc/net/if_inet6") {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    Ok(of_trie(&v4).map(IpAddr::V4).chain(of_interfaces(&v6).map(IpAddr::V6)).collect())
}

/// An address is a line `|-- 192.0.2.2`, followed by `/32 host LOCAL` if it is our own.
fn of_trie(text: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut address = None;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(leaf) = line.strip_prefix("|-- ") {
            address = leaf.parse().ok();
        }
        address.filter(|_| line == "/32 host LOCAL")
    })
}

/// An address is the first word of a line, 32 hexadecimal digits.
fn of_interfaces(text: &str) -> impl Iterator<Item = Ipv6Addr> {
    text.lines().filter_map(|line| {
        let digits = line.split_whitespace().next()?;
        u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_prints() {
        let trie = "\
     +-- 192.0.2.0/24 2 0 2
        +-- 192.0.2.0/30 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.2
              /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
";
        assert_eq!(of_trie(trie).collect::<Vec<_>>(), [Ipv4Addr::new(192, 0, 2, 2)]);
        let interfaces = "fd000000000000000000000000000002 04 40 00 82     eth0\n";
        let found: Vec<_> = of_interfaces(interfaces).collect();
        assert_eq!(found, ["fd00::2".parse::<Ipv6Addr>().unwrap()]);
    }

    #[test]
    fn this_machine_has_a_loopback_address() {
        assert!(own_addresses().unwrap().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
