use std::{
    collections::{HashMap, HashSet},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use palisade_core::{
    Action, Authority, BoxFuture, Decision, Event, HostName, RecordKind, TlsName, Verdict,
};
use palisade_egress::{
    Ended, Inspector, Limits, Lookup, OutboundProxy, Proxy, Services, SyntheticMap,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) fn name(text: &str) -> HostName {
    text.parse().unwrap()
}

/// Permits some names and some addresses, and keeps what it was told.
#[derive(Default)]
pub(crate) struct Judge {
    pub(crate) names: HashSet<HostName>,
    pub(crate) addresses: HashSet<IpAddr>,
    pub(crate) events: Mutex<Vec<Event>>,
    /// Grows while `/outdated` is asked for, which is not permitted any more then.
    pub(crate) generation: AtomicU64,
    /// How many names may be looked up.
    pub(crate) look_ups: Option<AtomicUsize>,
    /// What has turned out to be this machine, once it is asked for; that is not permitted then.
    pub(crate) own: Mutex<Option<HashSet<IpAddr>>>,
}

impl Authority for Judge {
    fn consider(&self, action: &Action) -> Decision {
        let permitted = match action {
            Action::Resolve { name } => self.names.contains(name),
            Action::Records { name, kind } => self.names.contains(name) && *kind == RecordKind::Txt,
            Action::Connect { host, port, address, tls, .. } => {
                let fits = host.as_ref().is_none_or(|host| {
                    self.names.contains(host)
                        && tls.contradicts(host).is_none()
                        && !(*port == 443 && *tls == TlsName::NotTls)
                });
                let own = self.own.lock().unwrap();
                fits && address.is_none_or(|address| {
                    self.addresses.contains(&address.ip())
                        && !own.as_ref().is_some_and(|own| own.contains(&address.ip()))
                })
            }
            Action::Request(request) => {
                let outdated = request.path.starts_with(b"/outdated") && self.generation() > 0;
                self.names.contains(&request.host)
                    && !request.path.starts_with(b"/denied")
                    && !outdated
            }
            _ => false,
        };
        if permitted { Decision::allow("test", "") } else { Decision::deny("not in the test") }
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        let decision = self.consider(action);
        self.events.lock().unwrap().push(Event::decided(action, &decision));
        if matches!(action, Action::Request(request) if request.path.starts_with(b"/outdated")) {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        Box::pin(async move { decision })
    }

    fn may_look_up(&self, _: &HostName) -> Result<(), Decision> {
        let take = |left: usize| left.checked_sub(1);
        let left = self.look_ups.as_ref();
        let left = left.map(|it| it.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take));
        match left {
            Some(Err(_)) => Err(Decision::deny_by("test", "too many names")),
            _ => Ok(()),
        }
    }

    fn found_own(&self, address: IpAddr) -> bool {
        self.own.lock().unwrap().as_mut().is_some_and(|own| own.insert(address))
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn record(&self, event: Event) -> BoxFuture<'_, bool> {
        self.events.lock().unwrap().push(event);
        Box::pin(async { true })
    }
}

/// Answers from a list for each name; each look-up takes the next, the last stays.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) of: HashMap<HostName, Vec<Vec<IpAddr>>>,
    pub(crate) asked: AtomicUsize,
}

impl Lookup for Answers {
    fn addresses<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let found = self.of.get(host).and_then(|all| all.get(turn).or(all.last())).cloned();
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// A running proxy, all of whose connections are to one destination.
pub(crate) struct World {
    pub(crate) proxy: SocketAddr,
    pub(crate) judge: Arc<Judge>,
    pub(crate) answers: Arc<Answers>,
    pub(crate) ended: Arc<Mutex<Vec<Ended>>>,
    task: JoinHandle<()>,
}

/// What a [`World`] is made of.
pub(crate) struct Plan {
    pub(crate) host: &'static str,
    pub(crate) port: u16,
    pub(crate) answers: Vec<Vec<IpAddr>>,
    pub(crate) permitted: Vec<IpAddr>,
    pub(crate) bare: Option<IpAddr>,
    pub(crate) allow_name: bool,
    /// Permitted besides, and at the same addresses.
    pub(crate) names: Vec<HostName>,
    /// How many names may be looked up.
    pub(crate) look_ups: Option<usize>,
    pub(crate) limits: Limits,
    pub(crate) services: Services,
    pub(crate) inspector: Option<Inspector>,
    pub(crate) outbound: Option<OutboundProxy>,
}

pub(crate) const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Plan {
    /// Connections are to `a.example` at this port; it is here, and that is permitted.
    pub(crate) fn to(port: u16) -> Self {
        let mut limits = Limits::default();
        limits.first_byte = Duration::from_millis(100);
        Self {
            host: "a.example",
            port,
            answers: vec![vec![LOCALHOST]],
            permitted: vec![LOCALHOST],
            bare: None,
            allow_name: true,
            names: vec![],
            look_ups: None,
            limits,
            services: Services::new(),
            inspector: None,
            outbound: None,
        }
    }

    pub(crate) async fn start(self) -> World {
        let host = name(self.host);
        let synthetic = SyntheticMap::new();
        let twins = synthetic.assign(&host).unwrap();
        let destination = SocketAddr::new(self.bare.unwrap_or(twins.v4.into()), self.port);
        let judge = Arc::new(Judge {
            names: self
                .allow_name
                .then(|| host.clone())
                .into_iter()
                .chain(self.names.clone())
                .collect(),
            addresses: self.permitted.into_iter().collect(),
            look_ups: self.look_ups.map(AtomicUsize::new),
            ..Judge::default()
        });
        let answers = Arc::new(Answers {
            of: self.names.into_iter().chain([host]).map(|it| (it, self.answers.clone())).collect(),
            asked: 0.into(),
        });
        let ended = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ended);
        let mut proxy = Proxy::new(Arc::clone(&judge) as _, synthetic, Arc::clone(&answers) as _)
            .with_destination(move |_: &TcpStream| Ok(destination))
            .with_observer(move |end: &Ended| seen.lock().unwrap().push(end.clone()))
            .with_services(self.services)
            .with_limits(self.limits);
        if let Some(inspector) = self.inspector {
            proxy = proxy.with_inspector(inspector);
        }
        if let Some(outbound) = self.outbound {
            proxy = proxy.with_outbound(Arc::new(outbound));
        }
        let listener = std::net::TcpListener::bind((LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            proxy.serve(vec![listener]).await.unwrap();
        });
        World { proxy: address, judge, answers, ended, task }
    }
}

impl World {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy).await.unwrap()
    }

    /// Send this and return what comes back; an error is how the connection broke.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut client = self.connect().await;
        client.write_all(bytes).await?;
        client.shutdown().await.ok();
        read_all(&mut client).await
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.judge.events.lock().unwrap().clone()
    }

    pub(crate) fn denials(&self) -> Vec<Event> {
        self.events().into_iter().filter(|e| e.decision == Verdict::Deny).collect()
    }

    /// The end of the one connection there was.
    pub(crate) async fn end(&self) -> Ended {
        for _ in 0..500 {
            if let Some(end) = self.ended.lock().unwrap().first() {
                return end.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no connection ended");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn read_all(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    timeout(SOON, client.read_to_end(&mut answer)).await.expect("a prompt answer")?;
    Ok(answer)
}

/// A server that sends back what it gets, and counts who came.
pub(crate) struct Echo {
    pub(crate) port: u16,
    pub(crate) heard: Arc<Mutex<Vec<u8>>>,
    pub(crate) came: Arc<AtomicUsize>,
}

impl Echo {
    pub(crate) async fn start() -> Self {
        Self::greeting(b"").await
    }

    /// One that speaks first.
    pub(crate) async fn greeting(words: &'static [u8]) -> Self {
        let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, came) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let echo = Self { port, heard: Arc::clone(&heard), came: Arc::clone(&came) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                came.fetch_add(1, Ordering::SeqCst);
                let heard = Arc::clone(&heard);
                tokio::spawn(async move {
                    stream.write_all(words).await?;
                    let mut buffer = vec![0; 64 * 1024];
                    loop {
                        let length = stream.read(&mut buffer).await?;
                        if length == 0 {
                            return stream.shutdown().await;
                        }
                        heard.lock().unwrap().extend(&buffer[..length]);
                        stream.write_all(&buffer[..length]).await?;
                    }
                });
            }
        });
        echo
    }

    pub(crate) fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn visitors(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}
