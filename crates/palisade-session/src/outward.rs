//! What the sandbox's sockets lead to: the resolver, the proxy, and the services behind them.

use std::{
    collections::BTreeSet,
    net::{IpAddr, TcpListener, UdpSocket},
    sync::Arc,
};

use palisade_core::{Authority, Inspection, SessionId};
use palisade_egress::{
    DnsSockets, HostLookup, HostRecords, Inspector, Login, OutboundProxy, Proxy, ProxyHost,
    Resolver, SandboxCa, Services, SyntheticMap, credential::Credentials,
};
use palisade_policy::{Network, Policy, Tls, UpstreamHost};
use palisade_sandbox::NetSockets;
use palisade_tls::Roots;

use crate::{
    callers::Programs,
    credentials,
    identities::Certificate,
    models,
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// Certificates for what is looked into, and for model providers. `None`: nothing is.
pub(crate) fn authority(
    policy: &Policy,
    session: &SessionId,
) -> Result<Option<Arc<SandboxCa>>, Refusal> {
    let looks = policy.network.rules.iter().any(|rule| rule.tls != Tls::Passthrough);
    if !looks && !models::has_secure_door(policy.inference.as_ref()) {
        return Ok(None);
    }
    let made = SandboxCa::new(session.as_str());
    Ok(Some(Arc::new(made.refuse("the sandbox's certificate authority", "report this")?)))
}

/// What looks into connections where `policy` says so.
pub(crate) fn inspector(
    authority: Option<Arc<SandboxCa>>,
    policy: Arc<dyn Inspection>,
    credentials: Option<Arc<Credentials>>,
    certificates: Vec<Certificate>,
) -> Result<Option<Inspector>, Refusal> {
    let Some(authority) = authority else { return Ok(None) };
    let made = Inspector::new(policy, authority, Roots::of_operator());
    let mut made = made.refuse("TLS for what is looked into", "report this")?;
    for (rule, identity) in certificates {
        made = made.with_certificate(rule, identity);
    }
    Ok(Some(match credentials {
        Some(credentials) => made.with_transform(Arc::new(credentials)),
        None => made,
    }))
}

/// The operator's proxy, if the policy names one. `own` are this machine's addresses.
///
/// A password that is not there does not stop the launch: each connection says what is missing.
pub(crate) async fn outbound(
    network: &Network,
    operator: &Operator,
    own: BTreeSet<IpAddr>,
    lookup: Arc<HostLookup>,
) -> Option<Arc<OutboundProxy>> {
    let upstream = network.upstream.as_ref()?;
    let login = match &upstream.credential {
        Some(credential) => Some(Login {
            user: upstream.user.clone(),
            password: credentials::feed(credential, operator).await,
        }),
        None => None,
    };
    Some(Arc::new(OutboundProxy {
        host: match &upstream.host {
            UpstreamHost::Name(name) => ProxyHost::Name(name.clone()),
            UpstreamHost::Address(address) => ProxyHost::Address(*address),
        },
        port: upstream.port,
        login,
        except_hosts: upstream.except_hosts.clone(),
        except_networks: upstream.except_networks.clone(),
        own,
        resolves: upstream.resolves,
        lookup,
    }))
}

/// Serve until the future is dropped. Resolves only if something cannot go on: the sandbox has
/// no way out any more then, and the reason says why.
pub(crate) async fn serve(
    sockets: NetSockets,
    lookup: Arc<HostLookup>,
    services: Services,
    (inspector, outbound): (Option<Inspector>, Option<Arc<OutboundProxy>>),
    callers: Option<Programs>,
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
    let resolver = resolver.with_records(Arc::new(HostRecords::of_host()));
    let mut proxy = Proxy::new(authority, synthetic, lookup).with_services(services);
    if let Some(inspector) = inspector {
        proxy = proxy.with_inspector(inspector);
    }
    if let Some(outbound) = outbound {
        proxy = proxy.with_outbound(outbound);
    }
    if let Some(callers) = callers {
        proxy = proxy.with_callers(callers);
    }
    let ended = tokio::select! {
        ended = resolver.serve(dns) => ended,
        ended = proxy.serve(proxies) => ended,
    };
    match ended {
        Ok(never) => match never {},
        Err(error) => error.to_string(),
    }
}
