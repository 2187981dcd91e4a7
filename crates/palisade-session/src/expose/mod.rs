//! Ports of the sandbox on this machine's loopback, so that a person can look at what the agent
//! started.
//!
//! The supervisor listens outside, and asks init for a connected socket from inside for each client. So
//! nothing inside gets a descriptor of the outside, and every connection begins outside. Who may come:
//! programs of the operator and of root, by the owner of their socket ([`peer`]); no other user, and no
//! other sandbox, since its proxy leaves claimed ports alone ([`palisade_egress::Claim`]).

mod peer;

use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as Listener},
    os::fd::OwnedFd,
    sync::Arc,
    time::Duration,
};

use palisade_core::{Authority, Event, Layer, Verdict};
use palisade_egress::Claim;
use palisade_sandbox::Running;
use rustix::io::Errno;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// Connections at one time, of all ports together.
const MOST: usize = 256;
/// How long it may take to get a connection inside.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be accepted: there is no room for more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The ports, listened to and claimed.
#[derive(Debug)]
pub(crate) struct Exposed {
    ports: Vec<Port>,
    users: peer::Users,
}

#[derive(Debug)]
struct Port {
    number: u16,
    listeners: Vec<Listener>,
    // Behind the listeners: it is given up last.
    _claim: Claim,
}

impl Exposed {
    /// Listen on each of these, on 127.0.0.1 and, where there is IPv6, on `::1`.
    pub(crate) fn open(ports: &BTreeSet<u16>, operator: &Operator) -> Result<Self, Refusal> {
        let ports = ports.iter().map(|port| Port::open(*port)).collect::<Result<_, _>>()?;
        Ok(Self { ports, users: peer::Users::of(operator) })
    }

    /// What the operator is to know.
    pub(crate) fn told(&self) -> impl Iterator<Item = String> {
        self.ports.iter().map(|port| {
            let number = port.number;
            format!("port {number} of the sandbox is at http://localhost:{number}/, for you alone")
        })
    }

    /// Serve until this is dropped.
    pub(crate) async fn serve(self, running: Arc<Running>, authority: Arc<dyn Authority>) {
        let room = Arc::new(Semaphore::new(MOST));
        let users = Arc::new(self.users);
        let mut all = JoinSet::new();
        for port in self.ports {
            let Port { number, listeners, _claim } = port;
            authority.record(Event::observed("expose", Layer::Network, subject(number))).await;
            let claim = Arc::new(_claim);
            for listener in listeners {
                let door = Door {
                    port: number,
                    users: Arc::clone(&users),
                    running: Arc::clone(&running),
                    authority: Arc::clone(&authority),
                    room: Arc::clone(&room),
                };
                let claim = Arc::clone(&claim);
                all.spawn(async move {
                    door.serve(listener).await;
                    drop(claim);
                });
            }
        }
        while all.join_next().await.is_some() {}
    }
}

impl Port {
    fn open(number: u16) -> Result<Self, Refusal> {
        let what = format!("port {number} of this machine's loopback");
        let claim = Claim::of(number).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => Refusal::new(
                format!("{what} is taken: another sandbox publishes it"),
                "end that one (`palisade ps`), or expose another port",
            ),
            _ => Refusal::new(format!("{what}: {error}"), "report this"),
        })?;
        let mut listeners = Vec::new();
        for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            match listen(SocketAddr::new(address, number)) {
                Ok(listener) => listeners.push(listener),
                // A machine without IPv6.
                Err(error) if address.is_ipv6() && is_missing(&error) => {}
                Err(error) => {
                    let remedy = match error.kind() {
                        ErrorKind::AddrInUse => {
                            "end the program that listens there (`ss -ltnp`), or have the agent's \
                             server listen on another port, and expose that"
                        }
                        ErrorKind::PermissionDenied => {
                            "ports below 1024 are root's: expose a higher one"
                        }
                        _ => "expose another port",
                    };
                    return Err(error).refuse(what, remedy);
                }
            }
        }
        Ok(Self { number, listeners, _claim: claim })
    }
}

fn listen(address: SocketAddr) -> io::Result<Listener> {
    let listener = Listener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn is_missing(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| matches!(errno, Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

fn subject(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// What a connection to one port goes through.
#[derive(Clone)]
struct Door {
    port: u16,
    users: Arc<peer::Users>,
    running: Arc<Running>,
    authority: Arc<dyn Authority>,
    room: Arc<Semaphore>,
}

impl Door {
    async fn serve(self, listener: Listener) {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let mut guests = JoinSet::new();
        loop {
            while guests.try_join_next().is_some() {}
            // The next waits outside until there is room.
            let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((client, from)) => {
                    let door = self.clone();
                    guests.spawn(async move {
                        door.let_in(client, from).await;
                        drop(room);
                    });
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn let_in(self, mut client: TcpStream, from: SocketAddr) {
        let here = client.local_addr();
        let known =
            here.map_err(|error| error.to_string()).and_then(|here| self.users.may(from, here));
        if let Err(why) = known {
            self.record(Verdict::Deny, why).await;
            client.set_zero_linger().ok();
            return;
        }
        let inside = timeout(PATIENCE, self.inside()).await;
        let Ok(Ok(mut inside)) = inside else {
            // Nobody listens there, and the client is told as it would be without us.
            client.set_zero_linger().ok();
            return;
        };
        if !self.record(Verdict::Allow, format!("from {from}")).await {
            client.set_zero_linger().ok();
            return;
        }
        client.set_nodelay(true).ok();
        inside.set_nodelay(true).ok();
        if tokio::io::copy_bidirectional(&mut client, &mut inside).await.is_err() {
            client.set_zero_linger().ok();
            inside.set_zero_linger().ok();
        }
    }

    /// A connection to the port inside: to 127.0.0.1, or else to `::1`.
    async fn inside(&self) -> io::Result<TcpStream> {
        match self.dial(false).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.dial(true).await,
            other => other,
        }
    }

    async fn dial(&self, v6: bool) -> io::Result<TcpStream> {
        let (told, hears) = oneshot::channel::<Result<OwnedFd, Errno>>();
        let hear = move |socket| drop(told.send(socket));
        self.running.dial(self.port, v6, hear).map_err(io::Error::other)?;
        let socket = hears.await.map_err(io::Error::other)??;
        let stream = TcpStream::from_std(std::net::TcpStream::from(socket))?;
        stream.writable().await?;
        match stream.take_error()? {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }

    async fn record(&self, decision: Verdict, reason: String) -> bool {
        let mut event = Event::observed("expose", Layer::Network, subject(self.port));
        event.decision = decision;
        event.rule = Some(format!("network.expose[{}]", self.port));
        event.reason = reason;
        self.authority.record(event).await
    }
}
