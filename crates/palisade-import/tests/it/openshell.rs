use palisade_import::{ImportError, Outcome, Tool};
use palisade_policy::{Access, Effect};

use crate::world::{Came, World};

const TOOL: Tool = Tool::OpenShell;

fn of(network: &str) -> (World, Result<Came, ImportError>) {
    let world = World::new();
    world.write("p.yaml", format!("version: 1\nnetwork_policies:\n{network}"));
    let came = world.try_import(TOOL, &["p.yaml"]);
    (world, came)
}

fn came(network: &str) -> Came {
    of(network).1.unwrap()
}

fn wrong(network: &str) -> String {
    of(network).1.err().unwrap().to_string()
}

/// What is permitted at hosts, as text.
fn requests(came: &Came, effect: Effect) -> Vec<String> {
    let rules = came.policy.network.rules.iter().flat_map(|rule| rule.http.iter().flatten());
    let of = rules.filter(|http| http.effect == effect);
    of.map(|http| {
        let paths: Vec<String> = http.requests.paths.iter().map(ToString::to_string).collect();
        format!("{} {}", http.requests.methods.join(","), paths.join(","))
    })
    .collect()
}

const CURL: &str = "    binaries: [{path: /usr/bin/curl}]\n";

#[test]
fn without_binaries_nothing_is_reached() {
    let came = came("  a:\n    endpoints: [{host: a.test, port: 443}]\n");
    assert!(!came.reaches("a.test"));
    assert_eq!(came.outcome("network_policies.a").0, Outcome::Stricter);
    assert_eq!(came.outcome("network_policies.a").1, Some(3));
}

#[test]
fn a_connection_is_for_its_programs() {
    let came = came(&format!(
        "  a:\n    endpoints:\n      - {{host: a.test, ports: [8443, 443]}}\n{CURL}"
    ));
    let rule = &came.policy.network.rules[0];
    assert!(came.reaches("a.test"));
    assert_eq!(rule.ports, [443, 8443]);
    assert_eq!(rule.binaries.len(), 1);
    assert!(rule.http.is_none());
    assert!(came.text().contains("p.yaml:5"), "{}", came.text());
}

#[test]
fn rules_hold_even_where_they_do_not_there() {
    // Without a protocol; and without `enforcement`.
    for odd in ["", ", protocol: rest"] {
        let came = came(&format!(
            "  a:\n    endpoints:\n      - host: a.test\n        port: 443\n        rules: [{{allow: {{method: GET, path: /v1/**}}}}]{}\n{CURL}",
            odd.replace(", ", "\n        ")
        ));
        assert_eq!(requests(&came, Effect::Allow), ["GET,HEAD /v1/*/**"], "{}", came.text());
        assert!(
            came.imported
                .notes
                .iter()
                .any(|note| note.outcome == Outcome::Stricter && note.what.contains("a.test"))
        );
    }
}

#[test]
fn refusals_are_for_every_program() {
    let came = came(&format!(
        "  a:\n    endpoints:\n      - host: a.test\n        port: 443\n        protocol: rest\n        enforcement: enforce\n        access: full\n        deny_rules: [{{method: DELETE, path: /x/*}}, {{path: '/y/?'}}]\n{CURL}"
    ));
    assert_eq!(requests(&came, Effect::Deny), ["DELETE /x/,/x/*", " /y/,/y/*"]);
    let denies = came
        .policy
        .network
        .rules
        .iter()
        .find(|rule| rule.http.iter().flatten().any(|http| http.effect == Effect::Deny));
    assert!(denies.unwrap().binaries.is_empty());
}

#[test]
fn protocols() {
    let came = came(&format!(
        "  m:\n    endpoints:\n      - {{host: m.test, port: 443, path: /mcp, protocol: mcp, enforcement: enforce, rules: [{{allow: {{method: initialize}}}}, {{allow: {{method: tools/call, tool: read_status}}}}, {{allow: {{method: tools/call, tool: 'x*'}}}}], deny_rules: [{{method: tools/call, tool: 'del*'}}]}}\n      - {{host: g.test, port: 443, protocol: graphql, enforcement: enforce, rules: [{{allow: {{operation_type: query, fields: [viewer, 'a*']}}}}]}}\n      - {{host: w.test, port: 443, protocol: websocket, enforcement: enforce, access: read-only}}\n      - {{host: v.test, port: 443, protocol: websocket, enforcement: enforce, access: full}}\n      - {{host: j.test, port: 443, protocol: json-rpc, enforcement: enforce, rules: [{{allow: {{method: eth_call}}}}]}}\n      - {{host: redis.internal, port: 6379, protocol: tcp, allowed_ips: [10.1.2.3]}}\n      - {{host: net.internal, port: 6379, protocol: tcp, allowed_ips: [10.0.0.0/8]}}\n{CURL}"
    ));
    assert!(came.reaches("g.test") && came.reaches("v.test") && came.reaches("j.test"));
    assert!(!came.reaches("w.test"));
    assert_eq!(came.outcome("m.test: rules: tools/call x*").0, Outcome::Lost);
    assert_eq!(came.outcome("net.internal").0, Outcome::Lost);
    let fixed: Vec<&str> =
        came.policy.network.hosts.keys().map(palisade_core::HostName::as_str).collect();
    assert_eq!(fixed, ["redis.internal"]);
}

#[test]
fn what_filters_there_is_not_reached_here() {
    let world = World::new();
    world.write(
        "p.yaml",
        "version: 1\nnetwork_policies:\n  a:\n    endpoints: [{host: api.a.test, port: 443}, {host: b.test, port: 443}]\n    binaries: [{path: /usr/bin/curl}]\n\
         network_middlewares:\n  r:\n    middleware: openshell/regex\n    endpoints: {include: ['**.a.test']}\n",
    );
    let came = world.import(TOOL, &["p.yaml"]);
    assert!(came.reaches("b.test") && !came.reaches("api.a.test"));
}

#[test]
fn files() {
    let world = World::new();
    world.write(
        "p.yaml",
        "version: 1\nfilesystem_policy:\n  include_workdir: true\n  read_only: [/usr, /proc/self, /nowhere]\n  read_write: [/tmp, /usr, /]\n",
    );
    let came = world.import(TOOL, &["p.yaml"]);
    let files = &came.policy.filesystem;
    assert_eq!(files.workspace.as_ref().unwrap().access, Access::ReadWrite);
    assert!(!files.grants.iter().any(|grant| grant.writable), "{}", came.text());
    assert_eq!(came.outcome("read_only: /nowhere").0, Outcome::Lost);
    world.write("p.yaml", "version: 1\n");
    assert!(world.import(TOOL, &["p.yaml"]).policy.filesystem.workspace.is_none());
    world.write("p.yaml", "version: 1\nfilesystem_policy: {read_only: [/usr/../etc]}\n");
    assert!(world.try_import(TOOL, &["p.yaml"]).is_err());
}

#[test]
fn a_preset_takes_the_place_of_what_has_its_name() {
    let world = World::new();
    world
        .write("base.yaml", "version: 1\nnetwork_policies:\n  a:\n    endpoints: [{host: a.test, port: 443}]\n    binaries: [{path: /x}]\n")
        .write("preset.yaml", "preset: {name: a, description: b}\nnetwork_policies:\n  a:\n    endpoints: [{host: b.test, port: 443}]\n    binaries: [{path: /x}]\n");
    let came = world.import(TOOL, &["base.yaml", "preset.yaml"]);
    assert!(came.reaches("b.test") && !came.reaches("a.test"));
}

#[test]
fn what_cannot_be_told_is_an_error_with_its_line() {
    for (network, expected) in [
        (
            "  a:\n    endpoints: [{host: a.test, port: 443, new_key: 1}]\n    binaries: [{path: /x}]\n",
            "p.yaml:4: `new_key` is not known",
        ),
        (
            "  a:\n    endpoints:\n      - host: a.test\n        port: 1\n        ports: [2]\n    binaries: [{path: /x}]\n",
            "p.yaml:5: `port` and `ports`",
        ),
        (
            "  a:\n    endpoints: [{host: a.test, port: 0}]\n    binaries: [{path: /x}]\n",
            "p.yaml:4: ports are",
        ),
        (
            "  a:\n    endpoints: [{host: a.test, port: 1, protocol: rest, rules: [{allow: {method: GET, path: /__OWNER__/x}}]}]\n    binaries: [{path: /x}]\n",
            "p.yaml:4: `__OWNER__` stands for something",
        ),
        (
            "  a:\n    endpoints: [{host: a.test, port: 1, protocol: websocket, access: full, deny_rules: [{method: WEBSOCKET_TEXT, path: /x}]}]\n    binaries: [{path: /x}]\n",
            "cannot be said",
        ),
        ("  a: {}\n  a: {}\n", "p.yaml:4: "),
    ] {
        let found = wrong(network);
        assert!(found.contains(expected), "{found}\nexpected {expected}");
    }
}

#[test]
fn a_narrower_path_decides_alone() {
    let came = came(&format!(
        "  a:\n    endpoints:\n      - {{host: a.test, port: 443, path: /**, protocol: rest, enforcement: enforce, rules: [{{allow: {{method: '*', path: /**}}}}, {{allow: {{method: GET, path: /repos/*}}}}]}}\n      - {{host: '*.test', port: 443, path: /admin, protocol: rest, enforcement: enforce, rules: [{{allow: {{method: GET, path: /admin}}}}]}}\n{CURL}"
    ));
    assert_eq!(
        requests(&came, Effect::Allow),
        ["GET,HEAD /repos/*", "GET,HEAD /admin"],
        "{}",
        came.text()
    );
}
