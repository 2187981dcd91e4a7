//! Documents of parts that meet each other often.

use proptest::{collection::btree_map, option, prelude::*, sample::subsequence};
use serde_json::{Map, Value, json};

pub(super) const PATHS: [&str; 9] = [
    "/srv",
    "/srv/data",
    "/srv/data/inner",
    "/opt/tool",
    "~/a",
    "~/a/b",
    "src",
    "src/inner",
    ".git/hooks",
];
pub(super) const HOSTS: [&str; 7] = [
    "a.example",
    "b.example",
    "x.a.example",
    "*.example",
    "**.example",
    "db.internal",
    "*.a.example",
];
pub(super) const MODELS: [&str; 4] = ["gpt-5", "gpt-5-mini", "claude-5", "other"];
const PATTERNS: [&str; 6] = ["gpt-5", "gpt-*", "gpt-5-mini", "claude-*", "*", "*-mini"];
const ADDRESSES: [&str; 6] =
    ["10.0.0.0/8", "10.1.2.3", "100.64.0.0/10", "100.100.100.200", "169.254.169.254", "127.0.0.1"];
const PROGRAMS: [&str; 4] = [
    "/usr/bin/git",
    "**/bin/*",
    "/opt/x/bin/node",
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];
pub(super) const VARIABLES: [&str; 5] = ["TERM", "LANG", "LC_ALL", "AWS_SECRET", "EDITOR"];
const PASSES: [&str; 6] = ["TERM", "LANG", "LC_*", "LC_ALL", "AWS_*", "EDITOR"];
const CALLS: [&str; 4] = ["ptrace", "bpf", "inotify_init1", "userfaultfd"];

/// Like `*` in a model's pattern.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]))
        }),
    }
}

fn some<const N: usize>(of: [&'static str; N]) -> impl Strategy<Value = Vec<&'static str>> {
    let most = N.min(3);
    subsequence(of.to_vec(), 0..=most)
}

fn rule() -> impl Strategy<Value = Value> {
    let ports = prop_oneof![Just(None), subsequence(vec![22, 80, 443], 1..=2).prop_map(Some)];
    let http = prop_oneof![3 => Just(None), 1 => requests().prop_map(Some)];
    let programs =
        prop_oneof![3 => Just(None), 1 => subsequence(PROGRAMS.to_vec(), 1..=2).prop_map(Some)];
    (some(HOSTS), ports, some(ADDRESSES), http, programs).prop_map(
        |(hosts, ports, addresses, http, programs)| {
            let mut rule = json!({"hosts": hosts, "addresses": addresses});
            if let Some(programs) = programs {
                rule["binaries"] = json!(programs);
            }
            if let Some(http) = http.filter(|_| !hosts.is_empty()) {
                rule["http"] = json!(http);
            }
            if let Some(ports) = ports {
                rule["ports"] = json!(ports);
            }
            rule
        },
    )
}

fn requests() -> impl Strategy<Value = Vec<Value>> {
    let methods = subsequence(vec!["GET", "POST"], 0..=2);
    let paths = subsequence(vec!["/a", "/a/**", "/*/b"], 0..=2);
    let rpc = (
        subsequence(vec!["tools/call", "tools/*", "ping"], 0..=2),
        subsequence(vec!["read", "read*", "*"], 0..=2),
    );
    let rpc = rpc.prop_map(|(methods, tools)| {
        let mut which = Map::new();
        let calls = methods.is_empty() || methods.iter().any(|method| method.starts_with("tools"));
        which.extend((!methods.is_empty()).then(|| ("methods".to_owned(), json!(methods))));
        which.extend((!tools.is_empty() && calls).then(|| ("tools".to_owned(), json!(tools))));
        ("json_rpc", Value::from(which))
    });
    let query = subsequence(vec!["1", "2", "*"], 1..=2).prop_map(|it| ("query", json!({"q": it})));
    let header =
        subsequence(vec!["1", "2", "*"], 1..=2).prop_map(|it| ("headers", json!({"x": it})));
    let more = option::of(prop_oneof![rpc, query, header]);
    let entry = (any::<bool>(), methods, paths, more).prop_map(|(allow, methods, paths, more)| {
        let mut which = Map::new();
        which.extend(more.map(|(key, value)| (key.to_owned(), value)));
        for (key, list) in [("methods", methods), ("paths", paths)] {
            which.extend((!list.is_empty()).then(|| (key.to_owned(), json!(list))));
        }
        json!({if allow { "allow" } else { "deny" }: which})
    });
    prop::collection::vec(entry, 1..3)
}

fn filesystem() -> impl Strategy<Value = Value> {
    let workspace = (
        option::of(prop::sample::select(vec![".", "src", "src/inner", "/srv/data"])),
        option::of(prop::sample::select(vec!["rw", "ro"])),
    );
    let granted = || option::of(some(PATHS));
    (option::of(workspace), granted(), granted(), denied()).prop_map(
        |(workspace, read, write, deny)| {
            let mut section = Map::new();
            if let Some((path, access)) = workspace {
                let mut workspace = Map::new();
                workspace.extend(path.map(|path| ("path".to_owned(), json!(path))));
                workspace.extend(access.map(|access| ("access".to_owned(), json!(access))));
                section.insert("workspace".into(), workspace.into());
            }
            let write = write.unwrap_or_default();
            if let Some(mut read) = read {
                read.retain(|path| !write.contains(path));
                section.insert("read".into(), json!(read));
            }
            if !write.is_empty() {
                section.insert("write".into(), json!(write));
            }
            section.insert("deny".into(), json!(deny));
            section.into()
        },
    )
}

fn denied() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        3 => Just(vec![]),
        1 => some(["/srv/data/inner", "~/a/b", "src/inner", "**/.env", "/srv/**/*.pem", "*.pem", "**/x"]),
    ]
}

fn network() -> impl Strategy<Value = Value> {
    let address = prop::sample::select(vec!["203.0.113.1", "10.1.2.3"]);
    let hosts = btree_map(prop::sample::select(vec!["a.example", "db.internal"]), address, 0..2);
    let rules = option::of(prop::collection::vec(rule(), 0..3));
    let expose = option::of(subsequence(vec![3000, 8080], 0..=2));
    (rules, hosts, expose).prop_map(|(rules, hosts, expose)| {
        let mut section = Map::new();
        section.extend(expose.map(|ports| ("expose".to_owned(), json!(ports))));
        section.extend(rules.map(|rules| ("rules".to_owned(), json!(rules))));
        let hosts: Map<String, Value> =
            hosts.into_iter().map(|(host, address)| (host.to_owned(), json!([address]))).collect();
        section.insert("hosts".into(), hosts.into());
        section.into()
    })
}

fn process() -> impl Strategy<Value = Value> {
    let limit = |values: Vec<Value>| option::of(prop::sample::select(values));
    let limits = (
        limit(vec![json!("1GiB"), json!("1024MiB"), json!("2GiB"), json!("4GiB")]),
        limit(vec![json!(64), json!(512), json!(9000)]),
        limit(vec![json!(64), json!(4096)]),
        limit(vec![json!("60m"), json!("1h"), json!("8h")]),
    );
    let set = btree_map(
        prop::sample::select(vec!["CI", "PATH"]),
        prop::sample::select(vec!["1", "2"]),
        0..2,
    );
    let calls = (option::of(some(CALLS)), some(CALLS));
    (limits, calls, option::of(some(PASSES)), set).prop_map(|(limits, (allow, deny), pass, set)| {
        let mut all = Map::new();
        for (name, limit) in [
            ("memory", limits.0),
            ("processes", limits.1),
            ("open_files", limits.2),
            ("wall_time", limits.3),
        ] {
            all.extend(limit.map(|limit| (name.to_owned(), limit)));
        }
        let mut calls = json!({"deny": deny});
        if let Some(mut allow) = allow {
            allow.retain(|call| !deny.contains(call));
            calls["allow"] = json!(allow);
        }
        let mut environment = json!({"set": set});
        if let Some(pass) = pass {
            environment["pass"] = json!(pass);
        }
        json!({"limits": all, "syscalls": calls, "environment": environment})
    })
}

fn inference() -> impl Strategy<Value = Value> {
    let to = prop::sample::select(vec!["one", "two"]);
    let rename = option::of(Just("gpt-0"));
    let route =
        (prop::sample::select(PATTERNS.to_vec()), to, rename).prop_map(|(model, to, rename)| {
            let mut route = json!({"model": model, "to": to});
            if let Some(rename) = rename {
                route["as"] = json!(rename);
            }
            route
        });
    let url = prop::sample::select(vec!["https://one.example", "https://two.example/v1"]);
    (option::of(prop::collection::vec(route, 0..3)), url, any::<bool>()).prop_map(
        |(routes, url, key)| {
            let mut one = json!({"api": "openai", "url": url});
            if key {
                one["credential"] = json!("key");
            }
            let two = json!({"api": "anthropic", "url": "https://two.example"});
            let mut section = json!({"providers": {"one": one, "two": two}});
            if let Some(routes) = routes {
                section["routes"] = json!(routes);
            }
            section
        },
    )
}

fn credentials() -> impl Strategy<Value = Value> {
    let from = vec![json!({"env": "KEY"}), json!({"file": "/srv/key"}), json!({"command": ["x"]})];
    prop::sample::select(from).prop_map(|from| json!({"key": {"from": from, "expose": "KEY"}}))
}

fn later() -> impl Strategy<Value = Value> {
    let hooks = json!({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}});
    prop_oneof![
        8 => Just(json!({})),
        1 => Just(hooks),
        1 => Just(json!({"permissions": {"deny": ["Bash(curl *)"]}})),
        1 => Just(json!({"permissions": {"allow": ["Bash"]}})),
    ]
}

/// A document that is valid more often than not.
pub(super) fn document() -> impl Strategy<Value = Value> {
    let part = |strategy: BoxedStrategy<Value>| option::weighted(0.6, strategy);
    (
        part(filesystem().boxed()),
        part(network().boxed()),
        part(process().boxed()),
        part(inference().boxed()),
        credentials(),
        later(),
        option::weighted(0.2, prop::sample::select(vec!["shell", "codex"])),
    )
        .prop_map(|(filesystem, network, process, inference, credentials, later, extends)| {
            let mut document = Map::new();
            document.insert("palisade".into(), json!(1));
            document.extend(extends.map(|name| ("extends".to_owned(), json!([name]))));
            document.insert("credentials".into(), credentials);
            for (name, section) in [
                ("filesystem", filesystem),
                ("network", network),
                ("process", process),
                ("inference", inference),
            ] {
                document.extend(section.map(|section| (name.to_owned(), section)));
            }
            document.extend(later.as_object().unwrap().clone());
            document.into()
        })
}

/// A document that only denies.
pub(super) fn deny() -> impl Strategy<Value = Value> {
    let files = some(["/srv", "/srv/data", "~/a", "src", "**/.env", "/srv/**/*.pem", "**/x"]);
    (files, some(CALLS)).prop_map(|(files, calls)| {
        json!({"filesystem": {"deny": files}, "process": {"syscalls": {"deny": calls}}})
    })
}

/// A document and others that have much of it: some sections are its own, some are fresh, and some
/// have only a part of its lists.
pub(super) fn with_others() -> impl Strategy<Value = (Value, Value, Value)> {
    let other = || (document(), any::<u64>());
    (document(), other(), other()).prop_map(|(base, (one, seed), (two, other_seed))| {
        let (one, two) = (mixed(&base, &one, seed), mixed(&base, &two, other_seed));
        (base, one, two)
    })
}

fn mixed(base: &Value, fresh: &Value, seed: u64) -> Value {
    let mut bits = Bits(seed);
    let mut mixed = json!({"palisade": 1, "credentials": base["credentials"]});
    for name in ["extends", "filesystem", "network", "process", "inference", "hooks", "permissions"]
    {
        let (fresh, base) = (fresh.get(name), base.get(name));
        let section = match bits.next(8) {
            0 | 1 => fresh.cloned(),
            2..=5 => base.map(|base| thinned(base, &mut bits)),
            _ => None,
        };
        if let Some(section) = section {
            mixed[name] = section;
        }
    }
    mixed
}

/// The same with some entries and keys gone.
fn thinned(value: &Value, bits: &mut Bits) -> Value {
    match value {
        Value::Object(table) => {
            // What one kind of entry must have.
            let whole = ["to", "api", "type"].iter().any(|key| table.contains_key(*key));
            let kept = table.iter().filter(|_| whole || bits.next(4) > 0).collect::<Vec<_>>();
            kept.into_iter().map(|(key, value)| (key.clone(), thinned(value, bits))).collect()
        }
        Value::Array(items) => {
            let kept: Vec<_> = items.iter().filter(|_| bits.next(4) > 0).collect();
            kept.into_iter().map(|item| thinned(item, bits)).collect()
        }
        other => other.clone(),
    }
}

struct Bits(u64);

impl Bits {
    fn next(&mut self, below: u64) -> u64 {
        // xorshift64
        self.0 |= 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % below
    }
}

/// JSON is YAML.
pub(super) fn text(document: &Value) -> String {
    format!("{document}\n")
}

/// The same document, written in another way: in blocks, with other orders where order means
/// nothing, other spellings of names and amounts, and comments.
pub(super) fn spelt(document: &Value, seed: u64) -> String {
    let mut out = String::from("# Written by hand.\n");
    block(&mut out, document, "", 0, seed);
    out
}

/// Lists whose order means nothing.
const UNORDERED: [&str; 8] =
    ["read", "write", "deny", "ports", "addresses", "allow", "pass", "hosts"];

fn block(out: &mut String, value: &Value, key: &str, depth: usize, seed: u64) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(table) if !table.is_empty() => {
            let mut keys: Vec<_> = table.iter().collect();
            let length = keys.len();
            keys.rotate_left(usize::try_from(seed % 7).unwrap() % length);
            for (key, value) in keys {
                out.push_str(&format!("\n{indent}# About {key}.\n{indent}{key}: "));
                block(out, value, key, depth + 1, seed / 3);
            }
            out.push('\n');
        }
        Value::Array(items) if !items.is_empty() => {
            let mut items: Vec<_> = items.iter().collect();
            if UNORDERED.contains(&key) && seed.is_multiple_of(2) {
                items.reverse();
            }
            for item in items {
                out.push_str(&format!("\n{indent}- "));
                match item {
                    // A table in a list is written in one line.
                    Value::Object(_) => out.push_str(&item.to_string()),
                    _ => block(out, item, key, depth + 1, seed),
                }
            }
            out.push('\n');
        }
        Value::String(text) => out.push_str(&word(text, key, seed)),
        other => out.push_str(&other.to_string()),
    }
}

fn word(text: &str, key: &str, seed: u64) -> String {
    let other = match (key, text) {
        ("memory", "1GiB") => "1024MiB".to_owned(),
        ("memory", "2GiB") => "2 GiB".to_owned(),
        ("wall_time", "1h") => "3600s".to_owned(),
        ("read" | "write" | "path", text) => format!("{text}/."),
        (_, text) => text.to_owned(),
    };
    let text = if seed.is_multiple_of(3) { other } else { text.to_owned() };
    if seed.is_multiple_of(5) { format!("'{text}'") } else { format!("\"{text}\"") }
}
