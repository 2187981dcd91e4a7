//! The policy that a trial runs under, and the one that is derived from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::IpAddr,
    path::Path,
};

use palisade_core::{HostName, HostPattern, SkillPolicy, SkillReach};
use serde_json::{Value, json};

use super::{canary::Canaries, sink::Asked, stage::Stage};

/// What programs need of the system, as far as it is there.
pub(crate) const SYSTEM: [&str; 26] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/java",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/python3",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];
/// Ports that every name has.
const PORTS: [u16; 4] = [80, 443, 8080, 8443];
/// Names and addresses that are let in.
const MOST_PLACES: usize = 200;

/// Where a skill may go: to what plays it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) hosts: BTreeSet<HostName>,
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) ports: BTreeSet<u16>,
}

impl Places {
    /// One more name. Whether it is new.
    pub(super) fn host(&mut self, name: &str) -> bool {
        let own = |name: &HostName| {
            let text = name.as_str();
            text == "localhost" || text.ends_with(".internal") || text.ends_with(".local")
        };
        let Ok(name) = name.parse::<HostName>() else { return false };
        self.hosts.len() < MOST_PLACES && !own(&name) && self.hosts.insert(name)
    }

    /// One more destination.
    pub(super) fn destination(&mut self, host: &str, port: u16) -> bool {
        let port = self.ports.len() < MOST_PLACES
            && !PORTS.contains(&port)
            && port > 0
            && self.ports.insert(port);
        let place = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => {
                public(&address)
                    && self.addresses.len() < MOST_PLACES
                    && self.addresses.insert(address)
            }
            Err(_) => self.host(host),
        };
        port || place
    }
}

/// As far as a proxy may be asked for it; the sandbox's own rules say the last word.
fn public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast())
        }
        IpAddr::V6(v6) => v6.segments().first().is_some_and(|first| first & 0xe000 == 0x2000),
    }
}

/// The policy of one round, as JSON, which YAML is.
pub(super) fn of_trial(
    stage: &Stage,
    canaries: &Canaries,
    places: &Places,
    proxy: u16,
    seconds: u64,
) -> String {
    let there = SYSTEM.iter().filter(|path| Path::new(path).exists());
    let ports: BTreeSet<u16> = PORTS.into_iter().chain(places.ports.iter().copied()).collect();
    let mut rules = Vec::new();
    if !places.hosts.is_empty() {
        let hosts: Vec<&str> = places.hosts.iter().map(HostName::as_str).collect();
        rules.push(json!({"name": "named", "hosts": hosts, "ports": ports, "tls": "inspect"}));
    }
    if !places.addresses.is_empty() {
        rules.push(json!({"name": "bare", "addresses": places.addresses, "ports": ports}));
    }
    let mut set: BTreeMap<&str, Value> = canaries
        .variables
        .iter()
        .map(|(name, value)| (name.as_str(), Value::from(value.as_str())))
        .collect();
    let home = stage.home();
    let skill = home.join(&stage.skill);
    for (name, value) in [
        ("HOME", home.display().to_string()),
        ("USER", "dev".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("CLAUDE_PLUGIN_ROOT", skill.display().to_string()),
        ("CLAUDE_PROJECT_DIR", home.join("project").display().to_string()),
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
    ] {
        set.insert(name, value.into());
    }
    json!({
        "palisade": 1,
        "filesystem": {
            "workspace": {"path": home, "access": "rw"},
            "read": there.collect::<Vec<_>>(),
            "write": stage.lets(),
        },
        "network": {
            "upstream": {"proxy": format!("http://127.0.0.1:{proxy}"), "resolve": "proxy"},
            "rules": rules,
        },
        "process": {
            "limits": {
                "memory": "1GiB",
                "processes": 256,
                "open_files": 1024,
                "disk": "512MiB",
                "wall_time": format!("{seconds}s"),
            },
            "environment": {"set": set},
        },
        // With a rule for commands each program that is executed is recorded.
        "permissions": {"deny": ["Bash(palisade-no-such-program *)"]},
    })
    .to_string()
}

/// What was done with a host.
#[derive(Default)]
struct Used {
    ports: BTreeSet<u16>,
    /// Paths by method.
    requests: BTreeMap<String, BTreeSet<String>>,
    /// Whether there was something that no entry of `http` can say.
    plain: bool,
}

/// The smallest policy under which all this would have passed.
pub(super) fn derived(name: &str, asked: &[Asked], bad: &BTreeSet<String>) -> String {
    let mut hosts: BTreeMap<HostName, Used> = BTreeMap::new();
    for one in asked.iter().filter(|one| !bad.contains(&one.host)) {
        let Ok(host) = one.host.parse::<HostName>() else { continue };
        let Used { ports, requests, plain } = hosts.entry(host).or_default();
        ports.insert(one.port);
        let simple = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
        let known = !one.method.is_empty()
            && one.method.bytes().all(|byte| byte.is_ascii_uppercase())
            && one.path.starts_with('/')
            && !one.path.contains("//")
            && !one.path.split('/').any(|part| matches!(part, "." | ".."))
            && one.path.chars().all(simple);
        if known {
            requests.entry(one.method.clone()).or_default().insert(one.path.clone());
        } else {
            *plain = true;
        }
    }
    let mut text = format!(
        "# What {} did when it was tried, but for what stands against it. Read it before you use it.\n\
         palisade: 1\nextends: [shell]\n",
        palisade_core::shown(name, 100)
    );
    if !hosts.is_empty() {
        text.push_str("network:\n  rules:\n");
    }
    for (host, Used { ports, requests, plain }) in hosts {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let mut line = format!("    - hosts: [{host}]\n      ports: [{}]\n", ports.join(", "));
        if !plain && !requests.is_empty() {
            line.push_str("      http:\n");
            for (method, paths) in requests {
                let paths: Vec<String> = paths.iter().map(|path| format!("{path:?}")).collect();
                writeln!(
                    line,
                    "        - allow: {{methods: [{method}], paths: [{}]}}",
                    paths.join(", ")
                )
                .unwrap_or_default();
            }
        }
        text.push_str(&line);
    }
    text
}

/// The hosts and ports of it, as a policy of the skill's own.
pub(super) fn own(asked: &[Asked], bad: &BTreeSet<String>) -> SkillPolicy {
    let mut hosts: BTreeMap<HostName, BTreeSet<u16>> = BTreeMap::new();
    for one in asked.iter().filter(|one| !bad.contains(&one.host)) {
        if let Ok(host) = one.host.parse::<HostName>() {
            hosts.entry(host).or_default().insert(one.port);
        }
    }
    let network = hosts.into_iter().map(|(host, ports)| SkillReach {
        hosts: vec![HostPattern::Exact(host)],
        ports: ports.into_iter().collect(),
    });
    SkillPolicy { network: network.collect(), ..SkillPolicy::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_against_a_host_keeps_it_out() {
        let asked = |host: &str, method: &str, path: &str| Asked {
            host: host.into(),
            port: 443,
            method: method.into(),
            path: path.into(),
            sent: 0,
            decoys: BTreeSet::new(),
            runs: false,
        };
        let all = [
            asked("api.good.example", "GET", "/v1/a"),
            asked("api.good.example", "GET", "/v1/b"),
            asked("evil.example", "POST", "/in"),
            asked("odd.example", "GET", "/a%20b"),
        ];
        let text = derived("a\nb: c", &all, &["evil.example".to_owned()].into());
        assert!(text.contains("paths: [\"/v1/a\", \"/v1/b\"]") && !text.contains("evil"), "{text}");
        assert!(text.starts_with("# What a\\nb: c did"), "{text}");
        let own = own(&all, &["evil.example".to_owned()].into());
        assert_eq!(
            own.told(),
            "hosts: api.good.example, odd.example; credentials: none; models: none"
        );
        let odd = text.split("odd.example").nth(1).unwrap();
        assert!(!odd.contains("http:"), "{text}");
        let mut places = Places::default();
        assert!(places.destination("1.1.1.1", 443) && !places.destination("10.0.0.1", 443));
        assert!(places.destination("10.0.0.1", 4444) && !places.host("proxy.palisade.internal"));
        assert!(!places.destination("169.254.169.254", 80));
    }
}
