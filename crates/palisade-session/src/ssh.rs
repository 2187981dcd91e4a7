//! The policy's ssh keys: what stands inside for the operator's ssh agent, and what is known there of
//! hosts.

use std::{fs, os::fd::OwnedFd, path::PathBuf, sync::Arc};

use palisade_core::{Authority, HostName};
use palisade_policy::Network;
use palisade_ssh::{Agent, Grant, HostKeys, KnownHosts, SkillsOf};
use tokio::net::UnixListener;

use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// Where the agent's socket is inside.
pub(crate) const SOCKET: &str = "/run/palisade/ssh-agent";
/// Where ssh looks for the keys of hosts, whoever calls it.
pub(crate) const KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// The port that is ssh's own, and is not written.
const PORT: u16 = 22;

/// A host of a credential, and the ports that rules permit there.
struct Host {
    keys: HostKeys,
    ports: Vec<u16>,
}

/// The lines of `known_hosts` for inside. `None`: the policy has no ssh keys.
///
/// # Errors
/// A host of a credential is not known to the operator.
pub(crate) fn known_hosts(
    network: &Network,
    operator: &Operator,
) -> Result<Option<String>, Refusal> {
    if network.ssh.is_empty() {
        return Ok(None);
    }
    let known = read(operator);
    let mut text = String::new();
    let hosts: std::collections::BTreeSet<&HostName> =
        network.ssh.values().flat_map(|ssh| &ssh.hosts).collect();
    for host in hosts {
        let Host { keys, ports } = of(network, &known, host)?;
        text.push_str(&keys.lines(&ports));
    }
    Ok(Some(text))
}

/// The agent, for the socket that init has made.
pub(crate) fn agent(
    network: &Network,
    operator: &Operator,
    socket: OwnedFd,
    (authority, skills): (Arc<dyn Authority>, Option<SkillsOf>),
) -> Result<(Arc<Agent>, UnixListener), Refusal> {
    let known = read(operator);
    let mut grants = Vec::new();
    for (name, ssh) in &network.ssh {
        let keys = ssh.keys.iter().map(|key| key.parse()).collect::<Result<_, _>>();
        let keys = keys.refuse(format!("the credential `{name}`"), "correct its `keys`")?;
        let hosts = ssh.hosts.iter().map(|host| Ok(of(network, &known, host)?.keys));
        grants.push(Grant {
            rule: format!("credentials[{name}]"),
            name: name.clone(),
            keys,
            hosts: hosts.collect::<Result<_, Refusal>>()?,
        });
    }
    let outside = operator.variable("SSH_AUTH_SOCK").map(PathBuf::from);
    let listener = std::os::unix::net::UnixListener::from(socket);
    listener.set_nonblocking(true).refuse("the ssh agent's socket", "report this")?;
    let listener = UnixListener::from_std(listener);
    let listener = listener.refuse("the ssh agent's socket", "report this")?;
    let mut agent = Agent::new(grants, outside, authority);
    if let Some(skills) = skills {
        agent = agent.with_skills(skills);
    }
    Ok((Arc::new(agent), listener))
}

fn of(network: &Network, known: &KnownHosts, host: &HostName) -> Result<Host, Refusal> {
    let rules = network.rules.iter().filter(|rule| !rule.only_denies);
    let here = rules.filter(|rule| rule.hosts.iter().any(|pattern| pattern.matches(host)));
    let mut ports: Vec<u16> = here.flat_map(|rule| rule.ports.clone()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports.retain(|port| *port != PORT);
    let keys = known.of(host, &ports);
    if keys.keys.is_empty() {
        return Err(Refusal::new(
            format!("an ssh credential is for {host}, and no key of that host is known"),
            format!(
                "connect to it once outside with `ssh {host}`, which adds it to ~/.ssh/known_hosts"
            ),
        ));
    }
    Ok(Host { keys, ports })
}

fn read(operator: &Operator) -> KnownHosts {
    let folder = operator.home.join(".ssh");
    let mut known = KnownHosts::default();
    for file in [folder.join("known_hosts"), folder.join("known_hosts2"), KNOWN_HOSTS.into()] {
        // What is not there names nobody.
        known.add(&fs::read_to_string(file).unwrap_or_default());
    }
    known
}
