use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    time::Duration,
};

use palisade_core::Layer;

use crate::{
    Targets,
    attempt::{Attempt, Outcome, errno, name_of},
};

/// Nothing here waits longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where clouds hand out credentials to whoever asks.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

pub(super) const ATTEMPTS: &[Attempt] = &[
    Attempt {
        name: "resolves_unlisted_name",
        tries: "resolve an unlisted name",
        layer: Layer::Network,
        make: |targets| targets.unlisted_host.as_deref().map(resolve),
    },
    Attempt {
        name: "fetches_unlisted_address",
        tries: "fetch from an unlisted host by its address",
        layer: Layer::Egress,
        make: |targets| targets.unlisted_address.map(fetch),
    },
    Attempt {
        name: "reaches_metadata_address",
        tries: "reach the cloud's metadata address",
        layer: Layer::Egress,
        make: |_| Some(fetch(SocketAddr::new(METADATA.into(), 80))),
    },
    Attempt {
        name: "reaches_host_loopback",
        tries: "reach a service on the host's loopback",
        layer: Layer::Network,
        make: loopback,
    },
    Attempt {
        name: "sends_udp_out",
        tries: "send a UDP datagram out",
        layer: Layer::Network,
        make: |targets| targets.unlisted_address.map(|to| datagram(to.ip())),
    },
];

fn resolve(name: &str) -> Outcome {
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
fn fetch(from: SocketAddr) -> Outcome {
    let answer = TcpStream::connect_timeout(&from, PATIENCE).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: unlisted.example\r\n\r\n")?;
        let mut answer = [0_u8; 64];
        stream.read(&mut answer)
    });
    match answer {
        Ok(0) => Outcome::Stopped("closed without an answer".to_owned()),
        Ok(read) => Outcome::Worked(format!("answered with {read} bytes")),
        Err(error) => match errno(&error) {
            timeout if timeout == rustix::io::Errno::AGAIN => {
                Outcome::Unclear("no answer in time".to_owned())
            }
            errno => Outcome::Stopped(format!("{}: the proxy ended it", name_of(errno))),
        },
    }
}

fn loopback(targets: &Targets) -> Option<Outcome> {
    let outcome = fetch(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), targets.host_loopback?));
    Some(match outcome {
        Outcome::Stopped(_) => Outcome::Stopped("its loopback is its own".to_owned()),
        other => other,
    })
}

/// An answer is what counts: the namespace takes any datagram and has no way out for it.
fn datagram(to: IpAddr) -> Outcome {
    let socket = match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)) {
        Ok(socket) => socket,
        Err(error) => return Outcome::Stopped(format!("no socket: {error}")),
    };
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap_or_default();
    let asked = socket.connect((to, 443)).and_then(|()| socket.send(b"palisade"));
    match asked.and_then(|_| socket.recv(&mut [0_u8; 64])) {
        Ok(read) => Outcome::Worked(format!("answered with {read} bytes")),
        Err(error) => Outcome::Stopped(format!("{}: there is no way out", name_of(errno(&error)))),
    }
}
