//! What the sandbox's sockets lead to: the resolver, the proxy, and the services behind them.

use std::{
    net::{TcpListener, UdpSocket},
    sync::Arc,
};

use palisade_core::Authority;
use palisade_egress::{DnsSockets, HostLookup, Proxy, Resolver, Services, SyntheticMap};
use palisade_sandbox::NetSockets;

/// Serve until the future is dropped. Resolves only if something cannot go on: the sandbox has
/// no way out any more then, and the reason says why.
pub(crate) async fn serve(
    sockets: NetSockets,
    lookup: Arc<HostLookup>,
    services: Services,
    authority: Arc<dyn Authority>,
) -> String {
    let mut dns = DnsSockets::default();
    let mut proxies = Vec::new();
    for family in std::iter::once(sockets.v4).chain(sockets.v6) {
        dns.udp.push(UdpSocket::from(family.dns_udp));
        dns.tcp.push(TcpListener::from(family.dns_tcp));
        proxies.push(TcpListener::from(family.proxy));
    }
    let synthetic = SyntheticMap::new();
    let resolver = Resolver::new(Arc::clone(&authority), Arc::clone(&synthetic), services.clone());
    let proxy = Proxy::new(authority, synthetic, lookup).with_services(services);
    let ended = tokio::select! {
        ended = resolver.serve(dns) => ended,
        ended = proxy.serve(proxies) => ended,
    };
    match ended {
        Ok(never) => match never {},
        Err(error) => error.to_string(),
    }
}
