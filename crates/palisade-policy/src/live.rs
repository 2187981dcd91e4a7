//! What of a policy can be exchanged while a sandbox runs under it.

use std::collections::BTreeSet;

use crate::{
    http::Tls,
    policy::{Filesystem, Inference, Policy},
};

/// What keeps `new` from coming into force in a sandbox that was started under `old`: each part of the
/// document that is fixed for the life of a sandbox and is another one now, and why. Empty: `new`
/// can.
///
/// Files and processes are held by what the kernel was told at the launch; it takes nothing back. The
/// environment is the agent's own by now, so a placeholder cannot be put there later.
pub fn fixed_parts(old: &Policy, new: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    if files(&old.filesystem) != files(&new.filesystem) {
        found.push("filesystem".to_owned());
    }
    let (before, after) = (&old.process, &new.process);
    for (part, same) in [
        ("process.limits", before.limits == after.limits),
        ("process.syscalls", before.syscalls == after.syscalls),
        ("process.environment", (&before.pass, &before.set) == (&after.pass, &after.set)),
    ] {
        if !same {
            found.push(part.to_owned());
        }
    }
    if old.inference.is_some() != new.inference.is_some() {
        found.push("inference (there is a way to models, or there is none)".to_owned());
    }
    if old.skills != new.skills {
        found.push("skills (the folders of agents are as they were made)".to_owned());
    }
    if old.network.expose != new.network.expose {
        found.push("network.expose".to_owned());
    }
    if old.network.upstream != new.network.upstream {
        found.push("network.upstream".to_owned());
    }
    if old.audit != new.audit {
        found.push("audit".to_owned());
    }
    if !looks_into_tls(old) && looks_into_tls(new) {
        found.push("network.rules (nothing in the sandbox trusts an authority that TLS is looked into with)".to_owned());
    }
    if !old.network.names_programs() && new.network.names_programs() {
        found.push("network.rules.binaries (it was not watched who connects)".to_owned());
    }
    if !old.holds_execs() && new.holds_execs() {
        found.push(
            "permissions or hooks (rules for commands, PreExec: it was not watched what is executed)".to_owned(),
        );
    }
    if (&old.network.credentials, bound(old)) != (&new.network.credentials, bound(new)) {
        found.push("credentials (of network.rules, and the rules that carry one)".to_owned());
    }
    if old.network.ssh != new.network.ssh {
        found.push("credentials (ssh keys)".to_owned());
    }
    let canaries = |policy: &Policy| policy.alarms.as_ref().and_then(|it| it.canaries.clone());
    if canaries(old) != canaries(new) {
        found.push("alarms.canaries".to_owned());
    }
    let there = exposed(old.inference.as_ref());
    for variable in exposed(new.inference.as_ref()).difference(&there) {
        found.push(format!("credentials (the variable {variable} is not in the sandbox)"));
    }
    found
}

/// The rules whose requests carry a secret, and where that may go.
fn bound(policy: &Policy) -> Vec<impl PartialEq> {
    let rules = policy.network.rules.iter();
    let bound = rules.filter_map(|rule| {
        let carried = (rule.credential.clone(), rule.client_certificate.clone());
        if carried == (None, None) {
            return None;
        }
        let to = (rule.hosts.clone(), rule.addresses.clone());
        Some((rule.rule.clone(), carried, to, rule.binaries.clone()))
    });
    bound.collect()
}

fn looks_into_tls(policy: &Policy) -> bool {
    policy.network.rules.iter().any(|rule| rule.tls == Tls::Inspect)
}

/// What is shown, whoever says so.
fn files(files: &Filesystem) -> impl PartialEq {
    let grants: BTreeSet<_> =
        files.grants.iter().map(|grant| (grant.path.clone(), grant.writable)).collect();
    let deny: BTreeSet<_> = files.deny.iter().map(|deny| deny.pattern.clone()).collect();
    (files.workspace.clone(), grants, deny)
}

fn exposed(inference: Option<&Inference>) -> BTreeSet<&str> {
    let providers = inference.iter().flat_map(|inference| inference.providers.values());
    providers.filter_map(|provider| provider.credential.as_ref()?.expose.as_deref()).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::check_file;

    fn policy(folder: &Path, text: &str) -> Policy {
        let file = folder.join("policy.yaml");
        fs::write(&file, format!("palisade: 1\n{text}")).unwrap();
        check_file(&file, Path::new("/home/nobody")).unwrap()
    }

    #[test]
    fn only_what_the_kernel_was_told_is_fixed() {
        let folder = tempfile::tempdir().unwrap();
        let base = "filesystem: {read: [/usr, /etc], write: [/srv], deny: [/usr/secret]}\n\
                    process: {limits: {processes: 9}, environment: {set: {A: '1'}}}\n\
                    network: {rules: [{hosts: [a.example]}]}\n";
        let old = policy(folder.path(), base);
        for same in [
            base.to_owned(),
            base.replace("[/usr, /etc]", "[/etc, /usr]"),
            base.replace("a.example", "b.example"),
            format!("{base}extends: []\n"),
        ] {
            assert_eq!(fixed_parts(&old, &policy(folder.path(), &same)), [""; 0], "{same}");
        }
        for (from, to, part) in [
            ("network: {", "network: {expose: [3000], ", "network.expose"),
            ("network: {", "audit: {ocsf: true}\nnetwork: {", "audit"),
            ("network: {", "network: {upstream: {proxy: 'http://p.corp:1'}, ", "network.upstream"),
            (
                "network: {",
                "skills: {require: signed}\nnetwork: {",
                "skills (the folders of agents are as they were made)",
            ),
            ("[/usr, /etc]", "[/usr]", "filesystem"),
            ("[/usr, /etc]", "[/usr, /etc, /opt]", "filesystem"),
            ("write: [/srv]", "write: []", "filesystem"),
            ("[/usr/secret]", "[]", "filesystem"),
            ("processes: 9", "processes: 10", "process.limits"),
            ("A: '1'", "A: '2'", "process.environment"),
            (
                "limits: {processes: 9}",
                "syscalls: {deny: [ptrace]}, limits: {processes: 9}",
                "process.syscalls",
            ),
        ] {
            let new = policy(folder.path(), &base.replace(from, to));
            assert_eq!(fixed_parts(&old, &new), [part], "{to}");
        }
        let keyed = |host: &str| {
            format!(
                "credentials: {{k: {{from: {{env: K}}, header: 'x-key: {{secret}}'}}}}\n{}",
                base.replace(
                    "{hosts: [a.example]}",
                    &format!("{{hosts: [{host}], credential: k}}")
                )
            )
        };
        let with_key = policy(folder.path(), &keyed("a.example"));
        assert_eq!(fixed_parts(&with_key, &with_key), [""; 0]);
        assert!(!fixed_parts(&old, &with_key).is_empty());
        assert_eq!(fixed_parts(&with_key, &policy(folder.path(), &keyed("b.example"))).len(), 1);
        let models = "inference: {providers: {local: {api: openai, url: 'http://127.0.0.1:1/v1'}}, \
                      routes: [{model: '*', to: local}]}\n";
        let rules = "permissions: {deny: ['Bash(curl *)']}\n";
        let held = policy(folder.path(), &format!("{base}{rules}"));
        assert!(fixed_parts(&old, &held)[0].contains("what is executed"));
        assert_eq!(fixed_parts(&held, &old), [""; 0]);
        let others = rules.replace("Bash(curl *)", "Read(./x)");
        let others = policy(folder.path(), &format!("{base}{others}"));
        assert!(!others.holds_execs() && held.holds_execs());
        let new = policy(folder.path(), &format!("{base}{models}"));
        assert_eq!(fixed_parts(&old, &new).len(), 1);
        let keyed = "credentials: {k: {from: {env: K}, expose: KEY}}\n\
                     inference: {providers: {local: {api: openai, url: 'http://127.0.0.1:1/v1', \
                     credential: k}}, routes: [{model: '*', to: local}]}\n";
        let (plain, keyed) = (new, policy(folder.path(), &format!("{base}{keyed}")));
        assert!(fixed_parts(&plain, &keyed)[0].contains("KEY"));
        assert_eq!(fixed_parts(&keyed, &plain), [""; 0]);
    }
}
