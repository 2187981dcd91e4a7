//! Reaching anything that no rule permits.

use std::{
    fs,
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    os::fd::OwnedFd,
    time::Duration,
};

use palisade_core::Layer;
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink,
        recv, sendto, socket_with,
    },
};

use crate::{
    Targets,
    attempt::{Act, Answers, Attempt, Outcome, errno, judge, name_of},
};

/// Nothing here waits longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer to a datagram may take.
const DATAGRAM: Duration = Duration::from_millis(200);
/// `MSG_FASTOPEN` of `sendto(2)`.
const FAST_OPEN: u32 = 0x2000_0000;

const OVER: Answers =
    &[(Errno::CONNRESET, "the proxy ended it"), (Errno::PIPE, "the proxy ended it")];
const NOT_DIALLED: Answers = &[
    (Errno::CONNREFUSED, "the packet filter refuses it"),
    (Errno::CONNRESET, "the proxy ended it"),
];
const NO_WAY: Answers = &[
    (Errno::NETUNREACH, "there is no way there"),
    (Errno::PERM, "there is no way out"),
    (Errno::CONNREFUSED, "there is no way out"),
    // No answer in time: a datagram that is dropped makes no noise.
    (Errno::AGAIN, "nothing answers"),
];

const fn attempt(name: &'static str, tries: &'static str, layer: Layer, act: Act) -> Attempt {
    Attempt { name, tries, layer, act }
}

macro_rules! fetches {
    ($name:literal, $tries:literal, $at:literal) => {
        attempt($name, $tries, Layer::Egress, Act::Fetch(|_| $at.parse().ok()))
    };
}

macro_rules! reaches_host {
    ($name:literal, $tries:literal, $address:expr) => {
        attempt(
            $name,
            $tries,
            Layer::Network,
            Act::Do(|targets| loopback(IpAddr::from($address), targets)),
        )
    };
}

macro_rules! speaks_netlink {
    ($name:literal, $tries:literal, $kind:literal, $body:expr) => {
        attempt($name, $tries, Layer::Network, Act::Do(|_| Some(netlink($kind, $body))))
    };
}

pub(super) static ATTEMPTS: &[Attempt] = &[
    attempt(
        "fetches_unlisted_address",
        "fetch from an unlisted host by its address",
        Layer::Egress,
        Act::Fetch(|targets| targets.unlisted_address),
    ),
    attempt(
        "fetches_unlisted_secure_port",
        "fetch from an unlisted host's port 443",
        Layer::Egress,
        Act::Fetch(|targets| other_port(targets, 443)),
    ),
    attempt(
        "reaches_shell_port",
        "reach an unlisted host's port 22",
        Layer::Egress,
        Act::Fetch(|targets| other_port(targets, 22)),
    ),
    attempt(
        "reaches_mail_port",
        "reach an unlisted host's port 25",
        Layer::Egress,
        Act::Fetch(|targets| other_port(targets, 25)),
    ),
    attempt(
        "fetches_by_mapped_address",
        "fetch by an IPv4-mapped address",
        Layer::Egress,
        Act::Fetch(|targets| embedded(targets, |v4| v4.to_ipv6_mapped())),
    ),
    attempt(
        "fetches_by_nat64_address",
        "fetch by a NAT64 address",
        Layer::Egress,
        Act::Fetch(|targets| embedded(targets, |v4| after(&[0x64, 0xff9b, 0, 0, 0, 0], v4))),
    ),
    attempt(
        "fetches_by_6to4_address",
        "fetch by a 6to4 address",
        Layer::Egress,
        Act::Fetch(|targets| {
            embedded(targets, |v4| {
                let [high, low] = halves(v4);
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1)
            })
        }),
    ),
    fetches!("fetches_over_ipv6", "fetch from an IPv6 address", "[2001:db8::7]:80"),
    fetches!(
        "reaches_metadata_address",
        "reach the cloud's metadata address",
        "169.254.169.254:80"
    ),
    fetches!(
        "reaches_metadata_over_ipv6",
        "reach the metadata address by IPv6",
        "[fd00:ec2::254]:80"
    ),
    fetches!(
        "reaches_mapped_metadata",
        "reach the metadata by a mapped address",
        "[::ffff:a9fe:a9fe]:80"
    ),
    fetches!(
        "reaches_container_credentials",
        "reach a container's credentials",
        "169.254.170.2:80"
    ),
    fetches!("reaches_azure_host", "reach Azure's host", "168.63.129.16:80"),
    fetches!("reaches_alibaba_metadata", "reach Alibaba's metadata", "100.100.100.200:80"),
    fetches!("reaches_private_network", "reach a private network (10/8)", "10.0.0.1:80"),
    fetches!("reaches_private_network_b", "reach a private network (172.16/12)", "172.16.0.1:80"),
    fetches!("reaches_private_network_c", "reach a private network (192.168/16)", "192.168.0.1:80"),
    fetches!("reaches_docker_host", "reach Docker's host", "172.17.0.1:80"),
    fetches!("reaches_carrier_network", "reach a carrier's network (100.64/10)", "100.64.0.1:80"),
    fetches!("reaches_local_ipv6_network", "reach a local IPv6 network", "[fd00::1]:80"),
    fetches!("reaches_unmapped_name_address", "reach an address of no name", "198.18.77.77:80"),
    fetches!("resolves_over_tls", "resolve names over TLS (port 853)", "1.1.1.1:853"),
    fetches!("resolves_over_https", "resolve names over HTTPS", "1.1.1.1:443"),
    attempt(
        "reaches_own_machine",
        "reach the machine by its own address",
        Layer::Egress,
        Act::Fetch(|targets| Some((*targets.own_addresses.first()?, 22).into())),
    ),
    attempt("opens_fast", "send with the opening (fast open)", Layer::Egress, Act::Do(fast_open)),
    attempt("dials_proxy_directly", "dial the proxy itself", Layer::Egress, Act::Do(dial_proxy)),
    reaches_host!(
        "reaches_host_loopback",
        "reach a service on the host's loopback",
        [127, 0, 0, 1]
    ),
    reaches_host!(
        "reaches_other_loopback",
        "reach the host's loopback by 127.0.0.2",
        [127, 0, 0, 2]
    ),
    reaches_host!("reaches_any_address", "reach the host's loopback by 0.0.0.0", [0, 0, 0, 0]),
    reaches_host!(
        "reaches_host_loopback_v6",
        "reach the host's loopback by ::1",
        Ipv6Addr::LOCALHOST
    ),
    reaches_host!("reaches_mapped_loopback", "reach the host's loopback by a mapped one", {
        Ipv4Addr::LOCALHOST.to_ipv6_mapped()
    }),
    attempt(
        "sends_udp_out",
        "send a UDP datagram out",
        Layer::Network,
        Act::Do(|targets| datagram(targets.unlisted_address?.ip(), 443)),
    ),
    attempt(
        "asks_time_server",
        "ask a time server",
        Layer::Network,
        Act::Do(|targets| datagram(targets.unlisted_address?.ip(), 123)),
    ),
    attempt(
        "sends_udp_over_ipv6",
        "send a UDP datagram by IPv6",
        Layer::Network,
        Act::Do(|_| datagram(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).into(), 443)),
    ),
    attempt(
        "sends_multicast",
        "send to a multicast group",
        Layer::Network,
        Act::Do(|_| datagram(Ipv4Addr::new(224, 0, 0, 251).into(), 5353)),
    ),
    attempt(
        "asks_host_loopback_by_udp",
        "ask the host's own resolver",
        Layer::Network,
        Act::Do(|_| datagram(Ipv4Addr::new(127, 0, 0, 53).into(), 5355)),
    ),
    attempt(
        "sees_host_interfaces",
        "see the host's interfaces",
        Layer::Network,
        Act::Do(|_| Some(interfaces())),
    ),
    // RTM_NEWROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_DELROUTE, RTM_NEWRULE, RTM_NEWNEIGH: each with an
    // empty body, which is looked at after the capability.
    speaks_netlink!("adds_route", "add a route", 24, 12),
    speaks_netlink!("removes_route", "remove a route", 25, 12),
    speaks_netlink!("adds_address", "add an address", 20, 8),
    speaks_netlink!("adds_interface", "add an interface", 16, 16),
    speaks_netlink!("changes_interface", "change an interface", 19, 16),
    speaks_netlink!("adds_routing_rule", "add a routing rule", 32, 12),
    speaks_netlink!("adds_neighbour", "add a neighbour", 28, 12),
];

fn other_port(targets: &Targets, port: u16) -> Option<SocketAddr> {
    targets.unlisted_address.map(|address| SocketAddr::new(address.ip(), port))
}

/// The unlisted address inside another.
fn embedded(targets: &Targets, put: fn(Ipv4Addr) -> Ipv6Addr) -> Option<SocketAddr> {
    match targets.unlisted_address? {
        SocketAddr::V4(v4) => Some(SocketAddr::new(put(*v4.ip()).into(), v4.port())),
        SocketAddr::V6(_) => None,
    }
}

fn halves(v4: Ipv4Addr) -> [u16; 2] {
    let [a, b, c, d] = v4.octets();
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

fn after(prefix: &[u16; 6], v4: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = *prefix;
    let [high, low] = halves(v4);
    Ipv6Addr::new(a, b, c, d, e, f, high, low)
}

pub(crate) fn resolve(name: &str) -> Outcome {
    match (name, 80).to_socket_addrs() {
        Ok(addresses) => {
            let list: Vec<String> = addresses.map(|at| at.ip().to_string()).collect();
            Outcome::Worked(format!("it is at {}", list.join(", ")))
        }
        Err(_) => Outcome::Stopped("the resolver knows no such name".to_owned()),
    }
}

/// Ask as a web client does: a connection alone says nothing, since the proxy takes it before it
/// decides.
pub(crate) fn fetch(from: SocketAddr) -> Outcome {
    ask(from, OVER)
}

fn ask(from: SocketAddr, answers: Answers) -> Outcome {
    let answer = TcpStream::connect_timeout(&from, PATIENCE).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: unlisted.example\r\n\r\n")?;
        let mut answer = [0_u8; 64];
        stream.read(&mut answer)
    });
    match answer {
        Ok(0) => Outcome::Stopped("closed without an answer".to_owned()),
        Ok(read) => Outcome::Worked(format!("answered with {read} bytes")),
        Err(error) => judge(Err::<(), _>(errno(&error)), answers, |()| String::new()),
    }
}

/// Its own loopback has nothing at that port.
fn loopback(address: IpAddr, targets: &Targets) -> Option<Outcome> {
    let answers: Answers = &[
        (Errno::CONNREFUSED, "its loopback is its own"),
        (Errno::CONNRESET, "the proxy ended it"),
        (Errno::PIPE, "the proxy ended it"),
    ];
    Some(ask(SocketAddr::new(address, targets.host_loopback?), answers))
}

/// An answer is what counts: the namespace takes some datagrams and has no way out for them.
pub(super) fn datagram(to: IpAddr, port: u16) -> Option<Outcome> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let asked = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.set_read_timeout(Some(DATAGRAM))?;
        socket.connect((to, port))?;
        socket.send(b"palisade")?;
        socket.recv(&mut [0_u8; 64])
    });
    Some(match asked {
        Ok(read) => Outcome::Worked(format!("answered with {read} bytes")),
        Err(error) => judge(Err::<(), _>(errno(&error)), NO_WAY, |()| String::new()),
    })
}

/// The first bytes go with the opening, before any `connect(2)` that could be watched.
fn fast_open(targets: &Targets) -> Option<Outcome> {
    let to = targets.unlisted_address?;
    let sent = socket_with(AddressFamily::of(to), SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .and_then(|socket| {
            let flags = SendFlags::from_bits_retain(FAST_OPEN) | SendFlags::NOSIGNAL;
            sendto(&socket, b"GET / HTTP/1.0\r\n\r\n", flags, &to)?;
            receive(&socket)
        });
    Some(match sent {
        Ok(0) => Outcome::Stopped("closed without an answer".to_owned()),
        Ok(read) => Outcome::Worked(format!("answered with {read} bytes")),
        // Without fast open it is a send without a connection.
        Err(Errno::OPNOTSUPP) => return None,
        Err(errno) => judge(Err::<(), _>(errno), OVER, |()| String::new()),
    })
}

trait Of {
    fn of(address: SocketAddr) -> Self;
}

impl Of for AddressFamily {
    fn of(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        }
    }
}

fn receive(socket: &OwnedFd) -> Result<usize, Errno> {
    let patience = Some(PATIENCE);
    rustix::net::sockopt::set_socket_timeout(
        socket,
        rustix::net::sockopt::Timeout::Recv,
        patience,
    )?;
    let mut answer = [0_u8; 64];
    recv(socket, &mut answer[..], RecvFlags::empty()).map(|(read, _)| read)
}

/// Whatever listens here is the supervisor's. Meant for nowhere, a connection must lead nowhere.
fn dial_proxy(_: &Targets) -> Option<Outcome> {
    let families: [(&str, IpAddr); 2] = [
        ("/proc/net/tcp", Ipv4Addr::LOCALHOST.into()),
        ("/proc/net/tcp6", Ipv6Addr::LOCALHOST.into()),
    ];
    let mut dialled = 0;
    for (file, address) in families {
        let text = fs::read_to_string(file).unwrap_or_default();
        for port in text.lines().filter_map(listening).filter(|port| *port != 53) {
            match ask(SocketAddr::new(address, port), NOT_DIALLED) {
                Outcome::Stopped(_) => dialled += 1,
                hole => return Some(hole),
            }
        }
    }
    (dialled > 0).then(|| Outcome::Stopped(format!("{dialled} listen, and lead nowhere")))
}

/// The port of a line of `/proc/net/tcp` whose socket listens (state 0A).
fn listening(line: &str) -> Option<u16> {
    let mut words = line.split_whitespace().skip(1);
    let (local, state) = (words.next()?, words.nth(1)?);
    let (_, port) = local.rsplit_once(':')?;
    (state == "0A").then(|| u16::from_str_radix(port, 16).ok()).flatten()
}

fn interfaces() -> Outcome {
    match fs::read_to_string("/proc/net/dev") {
        Ok(text) => {
            let names: Vec<&str> = text
                .lines()
                .filter_map(|line| line.split_once(':'))
                .map(|(name, _)| name.trim())
                .collect();
            if names == ["lo"] {
                Outcome::Stopped("there is only a loopback of its own".to_owned())
            } else {
                Outcome::Worked(format!("there are {}", names.join(", ")))
            }
        }
        Err(error) => Outcome::Unclear(format!("/proc/net/dev: {error}")),
    }
}

/// Send a request with an empty body of this size, and read the kernel's answer.
fn netlink(kind: u16, body: usize) -> Outcome {
    let answers: Answers = &[(Errno::PERM, "it has no capability to")];
    judge(request(kind, body), answers, |()| "the kernel took it".to_owned())
}

/// See `netlink(7)`: length, kind, flags (request and acknowledge), sequence, port.
fn request(kind: u16, body: usize) -> Result<(), Errno> {
    const HEADER: usize = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 0x5;
    const ERROR: u16 = 2;
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    let length = u32::try_from(HEADER.saturating_add(body)).map_err(|_| Errno::INVAL)?;
    let mut message = Vec::from(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    message.extend([0; 8]);
    message.resize(HEADER.saturating_add(body), 0);
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 1024];
    let (read, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    let answer = answer.get(..read).unwrap_or_default();
    let word = |at: usize| answer.get(at..)?.first_chunk::<4>().copied();
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    match (kind, word(HEADER).map(i32::from_ne_bytes)) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(negative)) => Err(Errno::from_raw_os_error(negative.saturating_neg())),
        _ => Err(Errno::PROTO),
    }
}

/// The error's name.
pub(super) fn shown(error: &io::Error) -> String {
    name_of(errno(error))
}
