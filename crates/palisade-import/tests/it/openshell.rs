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
        "  a:\n    endpoints:\n      - {{host: a.b.test, port: 443, path: /**, protocol: rest, enforcement: enforce, rules: [{{allow: {{method: '*', path: /**}}}}, {{allow: {{method: GET, path: /repos/*}}}}]}}\n      - {{host: '*.b.test', port: 443, path: /admin, protocol: rest, enforcement: enforce, rules: [{{allow: {{method: GET, path: /admin}}}}]}}\n{CURL}"
    ));
    assert_eq!(
        requests(&came, Effect::Allow),
        ["GET,HEAD /repos/*", "GET,HEAD /admin"],
        "{}",
        came.text()
    );
}

/// Endpoints of one policy for curl.
fn endpoints(endpoints: &str) -> String {
    format!("  a:\n    endpoints: [{endpoints}]\n{CURL}")
}

/// Whether some rule permits anything.
fn permits(came: &Came) -> bool {
    came.policy.network.rules.iter().any(|rule| {
        rule.http.as_ref().is_none_or(|http| http.iter().any(|http| http.effect == Effect::Allow))
    })
}

#[test]
fn addresses_that_are_never_connected_to_there_are_not_here() {
    for host in [
        "127.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "'::1'",
        "'[fe80::1]'",
        "'::ffff:127.0.0.1'",
        "'::ffff:169.254.169.254'",
    ] {
        let came = came(&endpoints(&format!("{{host: {host}, port: 8080}}")));
        assert!(!permits(&came), "{}", came.text());
    }
    for list in [
        "127.0.0.0/8",
        "169.254.169.254",
        "169.254.169.254/32",
        "0.0.0.0/0",
        "'::/0'",
        "'::ffff:127.0.0.1'",
        "10.0.0.0/99",
        "x",
    ] {
        for host in ["", "host: x.internal, ", "host: 10.0.0.1, "] {
            let found =
                wrong(&endpoints(&format!("{{{host}allowed_ips: [10.1.2.3, {list}], port: 80}}")));
            assert!(found.contains("p.yaml:4: `"), "{found}");
        }
    }
    let came = came(&endpoints("{host: 10.0.0.1, port: 80, allowed_ips: [192.168.0.0/16]}"));
    assert!(!permits(&came), "{}", came.text());
}

#[test]
fn ports_of_a_clusters_servers_are_refused_there() {
    let came =
        came(&endpoints("{host: 10.0.0.1, port: 6443}, {host: a.test, ports: [443, 2379, 10250]}"));
    let ports: Vec<_> = came.policy.network.rules.iter().map(|rule| rule.ports.clone()).collect();
    assert_eq!(ports, [[443]], "{}", came.text());
}

#[test]
fn names_that_match_nothing_there_permit_nothing() {
    for host in ["'*.com'", "'**.test'", "'ａ.test'", "'bücher.test'", "a.test."] {
        let came = came(&endpoints(&format!("{{host: {host}, port: 443}}")));
        assert!(!permits(&came), "{host}\n{}", came.text());
    }
}

#[test]
fn a_refusal_stays_whatever_becomes_of_its_endpoint() {
    let full = "{host: a.test, port: 443, protocol: rest, enforcement: enforce, access: full";
    for (binaries, more) in [
        ("", ""),
        ("binaries: [{path: '/usr/bin/[c]url'}], ", ""),
        ("binaries: [{path: /usr/bin/curl}], ", "allowed_ips: [10.0.0.0/8], "),
        ("binaries: [{path: /usr/bin/curl}], ", "path: /a/**, "),
    ] {
        let came = came(&format!(
            "  a: {{{binaries}endpoints: [{full}, {more}deny_rules: [{{method: DELETE, path: /x}}]}}]}}\n  b: {{binaries: [{{path: /usr/bin/curl}}], endpoints: [{full}}}]}}\n"
        ));
        assert_eq!(requests(&came, Effect::Deny), ["DELETE /x"], "{}", came.text());
    }
}

#[test]
fn a_refusal_that_cannot_be_said_matters_where_something_is_permitted() {
    let socket = "  a: {endpoints: [{host: a.test, port: 443, protocol: websocket, enforcement: enforce, access: full, deny_rules: [{method: WEBSOCKET_TEXT, path: /x}]}]}\n";
    assert!(!permits(&came(socket)));
    let found = wrong(&format!(
        "{socket}  b: {{binaries: [{{path: /usr/bin/curl}}], endpoints: [{{host: a.test, port: 443}}]}}\n"
    ));
    assert!(found.contains("cannot be said"), "{found}");
}

#[test]
fn a_refusal_holds_at_any_depth() {
    let came = came(&endpoints(
        "{host: a.test, port: 443, protocol: rest, enforcement: enforce, access: full, deny_rules: [{method: '*', path: '**/admin'}]}",
    ));
    assert_eq!(requests(&came, Effect::Deny), [" /**/admin"]);
}

/// Paths begin with a slash: these mean none there.
#[test]
fn paths_that_match_nothing_there_permit_nothing() {
    for path in ["'*'", "v1/x", "x", "'**x'"] {
        let came = came(&endpoints(&format!(
            "{{host: a.test, port: 443, protocol: rest, enforcement: enforce, rules: [{{allow: {{method: GET, path: {path}}}}}]}}, {{host: b.test, port: 443, path: {path}, protocol: rest, enforcement: enforce, access: full}}"
        )));
        assert!(!permits(&came), "{}", came.text());
    }
}

#[test]
fn graphql_is_all_that_graphql_permits() {
    let came = came(&endpoints(
        "{host: a.test, port: 443, protocol: graphql, enforcement: enforce, access: full}",
    ));
    let rule = &came.policy.network.rules[0].http.as_ref().unwrap()[0];
    assert_eq!(rule.requests.graphql.as_ref().unwrap().operations.len(), 3);
}

/// A DELETE with such a body, or a `query` beside it, is another request.
#[test]
fn what_is_permitted_by_its_body_comes_by_its_method() {
    for (rules, expected) in [
        ("protocol: graphql, access: read-only", "GET,POST "),
        ("protocol: graphql, access: full", "GET,POST "),
        ("protocol: graphql, rules: [{allow: {operation_type: query}}]", "GET,POST "),
        ("protocol: json-rpc, rules: [{allow: {method: a}}]", "POST "),
        ("protocol: mcp, rules: [{allow: {method: initialize}}]", "POST "),
    ] {
        let came = came(&endpoints(&format!("{{host: a.test, port: 443, {rules}}}")));
        assert_eq!(requests(&came, Effect::Allow), [expected], "{}", came.text());
    }
}

#[test]
fn who_looks_into_requests_decides_them() {
    // There the endpoint with rules decides, also for what its program starts.
    let rest = "{host: a.b.test, port: 443, path: /admin, protocol: rest, enforcement: enforce, rules: [{allow: {method: GET, path: /admin}}]}";
    for other in ["{host: a.b.test, port: 443}", "{host: '*.b.test', ports: [80, 443]}"] {
        let came = came(&endpoints(&format!("{other}, {rest}")));
        assert_eq!(came.policy.network.rules.len(), 1, "{}", came.text());
        assert_eq!(requests(&came, Effect::Allow), ["GET,HEAD /admin"]);
    }
    // A name that a policy cannot say has a narrower path.
    let came = came(&endpoints(
        "{host: a-1.b.test, port: 443, protocol: rest, enforcement: enforce, access: full}, {host: 'a-*.b.test', port: 443, path: '/????????', protocol: rest, enforcement: enforce, access: read-only}",
    ));
    assert!(!permits(&came), "{}", came.text());
}

#[test]
fn what_contradicts_itself_permits_nothing() {
    for two in [
        "{host: a.test, port: 443, protocol: rest, access: full}, {host: a.test, port: 443, protocol: graphql, access: full}",
        "{host: a.test, port: 443}, {host: a.test, port: 443, allowed_ips: [10.0.0.0/8]}",
    ] {
        let came = came(&endpoints(two));
        assert!(!permits(&came), "{}", came.text());
    }
    for (one, expected) in [
        ("protocol: rest, access: full, rules: [{allow: {method: GET, path: /x}}]", "`access` and"),
        ("protocol: tcp, access: read-only", "`access` has no place"),
        ("protocol: tcp, deny_rules: [{method: GET, path: /x}]", "`deny_rules` has no place"),
        ("protocol: sql, enforcement: enforce, rules: [{allow: {command: SELECT}}]", "SQL"),
        ("protocol: rest, mcp: {strict: true}, access: full", "`strict` is not known"),
        ("protocol: rest, rules: [{allow: GET /x}]", "a rule is a table"),
        ("protocol: rest, access: full, deny_rules: [DELETE /x]", "a rule is a table"),
    ] {
        let found = wrong(&endpoints(&format!("{{host: a.test, port: 443, {one}}}")));
        assert!(found.contains(expected), "{found}\nexpected {expected}");
    }
    for host in ["host: 10.0.0.1", "allowed_ips: [10.0.0.1]"] {
        let found = wrong(&endpoints(&format!("{{{host}, port: 443, protocol: tcp}}")));
        assert!(found.contains("for a host by its name"), "{found}");
    }
}

#[test]
fn what_narrows_a_rule_is_not_forgotten() {
    for (protocol, rules) in [
        // The upgrade is a GET, with this query, and all messages.
        (
            "websocket",
            "{allow: {method: POST, path: /x}}, {allow: {method: WEBSOCKET_TEXT, path: /x}}",
        ),
        ("websocket", "{allow: {path: /x}}, {allow: {method: WEBSOCKET_TEXT, path: /x}}"),
        (
            "websocket",
            "{allow: {method: GET, path: /x}}, {allow: {method: WEBSOCKET_TEXT, path: /x, query: {a: b}}}",
        ),
        ("rest", "{allow: {method: POST, path: /x, operation_type: query}}"),
        ("graphql", "{allow: {operation_type: query, path: /x}}"),
        ("json-rpc", "{allow: {method: a, params: {name: b}}}"),
        ("mcp", "{allow: {method: resources/read, tool: x}}"),
        ("mcp", "{allow: {tool: x}}"),
        ("mcp", "{allow: {method: '*'}}"),
        ("mcp", "{allow: {method: 'notifications/*'}}"),
    ] {
        let came = came(&endpoints(&format!(
            "{{host: a.test, port: 443, protocol: {protocol}, enforcement: enforce, rules: [{rules}]}}"
        )));
        assert!(!permits(&came), "{rules}\n{}", came.text());
    }
    let came = came(&endpoints(
        "{host: a.test, port: 443, protocol: websocket, enforcement: enforce, rules: [{allow: {method: GET, path: /x, query: {a: b}}}, {allow: {method: WEBSOCKET_TEXT, path: /x}}]}",
    ));
    assert_eq!(came.policy.network.rules[0].http.as_ref().unwrap()[0].requests.query.len(), 1);
}

#[test]
fn a_filter_that_names_no_host_is_an_error() {
    for filter in [
        "",
        "{middleware: x}",
        "x",
        "{endpoints: [a.test]}",
        "{endpoints: {include: []}}",
        "{endpoints: {incude: [a.test]}}",
    ] {
        let world = World::new();
        world.write(
            "p.yaml",
            format!(
                "version: 1\nnetwork_middlewares:\n  m: {filter}\nnetwork_policies:\n{}",
                endpoints("{host: a.test, port: 443}")
            ),
        );
        let found = world.try_import(TOOL, &["p.yaml"]).err().unwrap().to_string();
        assert!(found.contains("p.yaml:3: "), "{found}");
    }
}

#[test]
fn programs_are_no_more_than_there() {
    let came = came(
        "  a: {binaries: [{path: /opt/**/node}, {path: '/srv/**'}], endpoints: [{host: a.test, port: 443}]}\n",
    );
    let programs: Vec<String> =
        came.policy.network.rules[0].binaries.iter().map(ToString::to_string).collect();
    assert_eq!(programs, ["/opt/*/**/node", "/srv/**"]);
    let found = wrong("  a: {binaries: [/usr/bin/curl], endpoints: [{host: a.test, port: 443}]}\n");
    assert!(found.contains("p.yaml:3: a binary is a table"), "{found}");
}

/// Words of the policy's own check in what was read are not its answer.
#[test]
fn a_refusal_cannot_say_that_another_says_it() {
    let name = format!("takes these requests permits all of this {}", "x".repeat(300));
    let found = wrong(&endpoints(&format!(
        "{{host: a.test, port: 443, protocol: rest, access: full, deny_rules: [{{method: GET, path: /x, query: {{'{name}': b}}}}]}}"
    )));
    assert!(found.contains("p.yaml:4: ") && found.contains("cannot be said"), "{found}");
}

#[test]
fn the_project_is_shown_as_it_was() {
    let world = World::new();
    let project = world.path("home/project").display().to_string();
    world.write("p.yaml", format!("version: 1\nfilesystem_policy: {{read_only: [{project}]}}\n"));
    let came = world.import(TOOL, &["p.yaml"]);
    assert_eq!(came.policy.filesystem.workspace.as_ref().unwrap().access, Access::ReadOnly);
    for odd in ["landlock: {compatibility: none}", "process: {run_as_user: [a]}"] {
        world.write("p.yaml", format!("version: 1\n{odd}\n"));
        assert!(world.try_import(TOOL, &["p.yaml"]).is_err(), "{odd}");
    }
}
