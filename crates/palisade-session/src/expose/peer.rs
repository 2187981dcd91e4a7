//! Whose socket is at the other end of a connection over loopback.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use crate::order::Operator;

/// The kernel's tables of TCP sockets (proc_pid_net(5)).
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// The state of a connection that is over, and belongs to nobody (`TCP_TIME_WAIT`).
const OVER: &str = "06";

/// Who may come.
#[derive(Debug)]
pub(super) struct Users(Vec<u32>);

impl Users {
    /// The user that runs palisade, and root. Who became root by sudo(8) comes as before as well.
    pub(super) fn of(operator: &Operator) -> Self {
        let own = rustix::process::geteuid();
        let mut users = vec![0, own.as_raw()];
        if own.is_root() {
            let before =
                operator.variable("SUDO_UID").and_then(|text| text.to_str()?.parse::<u32>().ok());
            users.extend(before);
        }
        Self(users)
    }

    /// Whether the socket at `from`, connected to ours at `here`, is of one of them; else why not.
    pub(super) fn may(&self, from: SocketAddr, here: SocketAddr) -> Result<(), String> {
        let owner = owner(from, here).map_err(|error| format!("{from} cannot be told: {error}"))?;
        match owner {
            Some(user) if self.0.contains(&user) => Ok(()),
            Some(user) => Err(format!("{from} is of uid {user}, and the port is for the operator")),
            None => Err(format!("{from} is of nobody on this machine")),
        }
    }
}

fn owner(from: SocketAddr, here: SocketAddr) -> io::Result<Option<u32>> {
    for table in TABLES {
        match fs::read_to_string(table) {
            Ok(text) => {
                if let Some(user) = owner_in(&text, from, here) {
                    return Ok(Some(user));
                }
            }
            // Without IPv6 there is no such table.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn owner_in(table: &str, from: SocketAddr, here: SocketAddr) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
        if !is_same(local, from) || !is_same(remote, here) {
            return None;
        }
        let state = words.next()?;
        let user = words.nth(3)?.parse().ok()?;
        let inode = words.nth(1)?;
        // A socket that no process has any more is listed as root's.
        (state != OVER && inode != "0").then_some(user)
    })
}

fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

/// `0100007F:0BB8`: words of four bytes as this machine has them, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let digits = address.get(at * 8..(at + 1) * 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match address.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_connections_owner_is_who_made_it() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (accepted, from) = listener.accept().unwrap();
            let here = accepted.local_addr().unwrap();
            let own = rustix::process::geteuid().as_raw();
            assert_eq!(owner(from, here).unwrap(), Some(own));
            assert!(Users(vec![own]).may(from, here).is_ok());
            let why = Users(vec![own + 1]).may(from, here).unwrap_err();
            assert!(why.contains("and the port is for the operator"), "{why}");
            // Gone, and so of nobody; but a child that another test has just forked may still have it.
            drop(client);
            let until = Instant::now() + Duration::from_secs(5);
            while owner(from, here).unwrap().is_some() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(owner(from, here).unwrap(), None);
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn reads_what_the_kernel_prints() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:C350 0100007F:0BB8 01 00000000:00000000 00:00000000 00000000  1000        0 4242 1
   1: 0100007F:C351 0100007F:0BB8 06 00000000:00000000 03:00000F5A 00000000     0        0 0 3
";
        let at = |text: &str| text.parse().unwrap();
        let here = at("127.0.0.1:3000");
        assert_eq!(owner_in(table, at("127.0.0.1:50000"), here), Some(1000));
        assert_eq!(owner_in(table, at("[::ffff:127.0.0.1]:50000"), here), Some(1000));
        assert_eq!(owner_in(table, at("127.0.0.1:50001"), here), None);
        assert_eq!(owner_in(table, at("127.0.0.1:50002"), here), None);
        assert_eq!(address("00000000000000000000000001000000:0050"), Some(at("[::1]:80")));
        for bad in ["", ":", "0100007F", "zz00007F:0050", "0100007F:zzzz", "é100007F:0050"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
