//! The operator's own proxy on the way out.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use palisade_core::SecretString;
use palisade_egress::{
    Login, OutboundProxy, ProxyHost,
    credential::{Secret, SecretFeed},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::world::{Answers, Echo, LOCALHOST, Plan, name};

/// Of a network for documentation: nothing is there.
const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A proxy that keeps the heads it gets, answers each with the same, and leads all to one place.
struct Corporate {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Corporate {
    async fn start(answer: &'static [u8], to: u16) -> Self {
        let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await.unwrap());
                    }
                    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                    stream.write_all(answer).await.unwrap();
                    if answer.starts_with(b"HTTP/1.1 200") {
                        let mut server = TcpStream::connect((LOCALHOST, to)).await.unwrap();
                        copy_bidirectional(&mut stream, &mut server).await.ok();
                    }
                });
            }
        });
        Self { port, heads }
    }

    fn as_outbound(&self) -> OutboundProxy {
        OutboundProxy {
            host: ProxyHost::Address(LOCALHOST),
            port: self.port,
            login: None,
            except_hosts: vec![],
            except_networks: vec![],
            own: [].into(),
            resolves: false,
            lookup: Arc::new(Answers::default()),
        }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

const YES: &[u8] = b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n";

fn plan(corporate: &Corporate) -> Plan {
    let mut plan = Plan::to(9);
    plan.answers = vec![vec![FAR]];
    plan.permitted = vec![FAR];
    plan.outbound = Some(corporate.as_outbound());
    plan
}

#[tokio::test]
async fn a_tunnel_is_to_the_very_address_that_was_judged() {
    let echo = Echo::start().await;
    let corporate = Corporate::start(YES, echo.port).await;
    let world = plan(&corporate).start().await;
    assert_eq!(world.exchange(b"\x00ping").await.unwrap(), b"\x00ping");
    let expected = "CONNECT 192.0.2.7:9 HTTP/1.1\r\nHost: 192.0.2.7:9\r\n\r\n";
    assert_eq!(corporate.heads(), [expected]);
    assert_eq!(world.end().await.address, Some((FAR, 9).into()));
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard_from_its_first_byte() {
    let echo = Echo::greeting(b"SSH-2.0-x\r\n\r\n").await;
    // All of it may come in one piece.
    let corporate = Corporate::start(b"HTTP/1.1 200 OK\r\n\r\nearly ", echo.port).await;
    let world = plan(&corporate).start().await;
    assert_eq!(world.exchange(b"").await.unwrap(), b"early SSH-2.0-x\r\n\r\n");
}

#[tokio::test]
async fn an_address_that_is_not_permitted_is_not_asked_for() {
    let corporate = Corporate::start(YES, 9).await;
    let mut plan = plan(&corporate);
    plan.answers = vec![vec!["10.0.0.1".parse().unwrap(), "169.254.169.254".parse().unwrap()]];
    let world = plan.start().await;
    world.exchange(b"\x00ping").await.unwrap_err();
    assert_eq!(corporate.heads(), [""; 0]);
    assert_eq!(world.denials().len(), 1);
}

#[tokio::test]
async fn what_is_here_or_excepted_is_dialled_past_it() {
    let echo = Echo::start().await;
    let corporate = Corporate::start(YES, 9).await;
    let mut here = plan(&corporate);
    (here.port, here.answers, here.permitted) = (echo.port, vec![vec![LOCALHOST]], vec![LOCALHOST]);
    let world = here.start().await;
    assert_eq!(world.exchange(b"\x00ping").await.unwrap(), b"\x00ping");
    assert_eq!(corporate.heads(), [""; 0]);
    // Nobody is there: it is dialled, and not asked for.
    for (hosts, networks) in [(vec!["*.example"], vec![]), (vec![], vec!["192.0.2.0/24"])] {
        let mut excepted = plan(&corporate);
        excepted.limits.connect = std::time::Duration::from_millis(50);
        let mut outbound = corporate.as_outbound();
        outbound.except_hosts = hosts.iter().map(|text| text.parse().unwrap()).collect();
        outbound.except_networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        excepted.outbound = Some(outbound);
        excepted.start().await.exchange(b"\x00ping").await.unwrap_err();
    }
    assert_eq!(corporate.heads(), [""; 0]);
}

#[tokio::test]
async fn the_proxy_may_find_names_if_it_is_said() {
    let echo = Echo::start().await;
    let corporate = Corporate::start(YES, echo.port).await;
    let mut plan = plan(&corporate);
    (plan.answers, plan.permitted) = (vec![], vec![]);
    plan.outbound.as_mut().unwrap().resolves = true;
    let world = plan.start().await;
    assert_eq!(world.exchange(b"\x00ping").await.unwrap(), b"\x00ping");
    assert_eq!(corporate.heads(), ["CONNECT a.example:9 HTTP/1.1\r\nHost: a.example:9\r\n\r\n"]);
    assert_eq!(world.end().await.address, None);
}

#[tokio::test]
async fn nobody_inside_gets_to_the_proxy_itself() {
    let corporate = Corporate::start(YES, 9).await;
    let mut by_address = plan(&corporate);
    (by_address.port, by_address.answers) = (corporate.port, vec![vec![LOCALHOST]]);
    by_address.permitted = vec![LOCALHOST];
    let world = by_address.start().await;
    world.exchange(b"\x00x").await.unwrap_err();
    let mut by_name = plan(&corporate);
    by_name.port = corporate.port;
    let outbound = by_name.outbound.as_mut().unwrap();
    (outbound.host, outbound.resolves) = (ProxyHost::Name(name("a.example")), true);
    let other = by_name.start().await;
    other.exchange(b"\x00x").await.unwrap_err();
    assert_eq!(corporate.heads(), [""; 0]);
    for world in [&world, &other] {
        assert!(world.denials()[0].reason.contains("operator's proxy"), "{:?}", world.denials());
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_talks_nonsense_is_an_error_that_says_so() {
    let long: &'static [u8] = Box::leak(vec![b'x'; 40_000].into_boxed_slice());
    for (answer, why) in [
        (&b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"[..], "(403)"),
        (b"HTTP/1.1 407 Who?\r\n\r\n", "asks for a credential"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "(101)"),
        (b"220 mail.example ESMTP\r\n\r\n", "not answer as an HTTP proxy"),
        (b"\x16\x03\x03\x00\x05\r\n\r\n", "not answer as an HTTP proxy"),
        (long, "too long a head"),
    ] {
        let corporate = Corporate::start(answer, 9).await;
        let world = plan(&corporate).start().await;
        world.exchange(b"\x00ping").await.unwrap_err();
        let reasons: Vec<String> = world.events().into_iter().map(|event| event.reason).collect();
        assert!(reasons.iter().any(|it| it.contains(why)), "{why}: {reasons:?}");
    }
}

#[tokio::test]
async fn the_credential_goes_to_the_proxy_and_a_407_has_it_read_anew() {
    struct Feed(Arc<Secret>, Mutex<usize>);
    impl SecretFeed for Feed {
        fn current(&self) -> palisade_core::BoxFuture<'_, Result<Arc<Secret>, String>> {
            Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
        }
        fn refused(&self, _: &Arc<Secret>) -> bool {
            *self.1.lock().unwrap() += 1;
            true
        }
    }
    let secret = Arc::new(Secret::new(SecretString::from("opensesame")).unwrap());
    let feed = Arc::new(Feed(secret, Mutex::default()));
    let corporate = Corporate::start(b"HTTP/1.1 407 No\r\n\r\n", 9).await;
    let mut plan = plan(&corporate);
    let password = Arc::clone(&feed) as Arc<dyn SecretFeed>;
    plan.outbound.as_mut().unwrap().login = Some(Login { user: Some("ada".into()), password });
    let world = plan.start().await;
    world.exchange(b"\x00ping").await.unwrap_err();
    let head = &corporate.heads()[0];
    assert!(head.contains("\r\nProxy-Authorization: Basic YWRhOm9wZW5zZXNhbWU=\r\n"), "{head}");
    assert_eq!(*feed.1.lock().unwrap(), 1);
    let told = format!("{:?}", world.events());
    assert!(!told.contains("opensesame") && !told.contains("YWRh"), "{told}");
}
