mod battery;

use palisade_core::{Body, BodyFacts, GraphqlKind, PathPattern, Request, TextPattern};
use palisade_policy::{GraphqlMatch, HttpMatch, JsonRpcMatch};
use proptest::prelude::*;

use super::*;

fn request(method: &str, target: &str) -> Request {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.as_bytes().to_vec())),
        None => (target, None),
    };
    Request {
        host: "api.example.com".parse().unwrap(),
        port: 443,
        tls: true,
        address: None,
        method: method.into(),
        path: path.as_bytes().to_vec(),
        query,
        headers: Vec::new(),
        body: Body::Unread,
        caller: palisade_core::Caller::Unasked,
    }
}

fn with(mut request: Request, fields: &[(&str, &str)]) -> Request {
    request
        .headers
        .extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
    request
}

fn posted(target: &str, kind: &str, body: &str) -> Request {
    let mut request = with(request("POST", target), &[("content-type", kind)]);
    request.body = read(&request, body.as_bytes());
    request
}

fn texts(patterns: &[&str]) -> Vec<TextPattern> {
    patterns.iter().map(|text| text.parse().unwrap()).collect()
}

fn of(methods: &[&str], paths: &[&str]) -> HttpMatch {
    HttpMatch {
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        paths: paths.iter().map(|path| path.parse::<PathPattern>().unwrap()).collect(),
        ..HttpMatch::default()
    }
}

fn rpc(methods: &[&str], tools: &[&str]) -> HttpMatch {
    let json_rpc = Some(JsonRpcMatch { methods: texts(methods), tools: texts(tools) });
    HttpMatch { json_rpc, ..HttpMatch::default() }
}

fn graphql(operations: &[GraphqlKind], names: &[&str], fields: &[&str]) -> HttpMatch {
    let graphql = Some(GraphqlMatch {
        operations: operations.to_vec(),
        names: texts(names),
        fields: texts(fields),
    });
    HttpMatch { graphql, ..HttpMatch::default() }
}

fn allow(requests: HttpMatch) -> HttpRule {
    HttpRule { effect: Effect::Allow, requests }
}

fn deny(requests: HttpMatch) -> HttpRule {
    HttpRule { effect: Effect::Deny, requests }
}

fn said(rules: &[HttpRule], request: &Request) -> Said {
    decide(rules, &Facts::of(request))
}

fn is_allowed(rule: HttpMatch, request: &Request) -> bool {
    said(&[allow(rule)], request) == Said::Allow(0)
}

fn is_denied(rule: HttpMatch, request: &Request) -> bool {
    matches!(said(&[deny(rule), allow(HttpMatch::default())], request), Said::Deny(0, _))
}

#[test]
fn the_first_entry_that_fits_wins() {
    let rules = [
        deny(of(&[], &["/repos/*/*/actions/**"])),
        allow(of(&["GET", "HEAD"], &["/repos/**"])),
        deny(of(&["POST"], &[])),
    ];
    assert_eq!(said(&rules, &request("GET", "/repos/o/r")), Said::Allow(1));
    assert_eq!(said(&rules, &request("GET", "/repos/o/r/actions/runs")), Said::Deny(0, None));
    assert_eq!(said(&rules, &request("POST", "/repos/o/r")), Said::Deny(2, None));
    assert_eq!(said(&rules, &request("PUT", "/repos/o/r")), Said::Nothing(None));
    assert_eq!(said(&rules, &request("GET", "/gists")), Said::Nothing(None));
}

#[test]
fn what_may_be_denied_is_denied() {
    let rules = [deny(of(&[], &["/admin/**"])), allow(HttpMatch::default())];
    for path in [
        "/admin",
        "/ADMIN/x",
        "//admin",
        "/admin;a/x",
        "/%61dmin",
        "/x%2f..%2fadmin",
        "/a/../admin",
    ] {
        assert!(matches!(said(&rules, &request("GET", path)), Said::Deny(0, _)), "{path}");
    }
    assert_eq!(said(&rules, &request("GET", "/public")), Said::Allow(1));
    let allowed = [allow(of(&[], &["/public/**"]))];
    for path in ["/public/../admin", "/public/%2e%2e/admin", "/public%2fx", "*", "/public\\x"] {
        assert!(matches!(said(&allowed, &request("GET", path)), Said::Nothing(_)), "{path}");
    }
    // Without a path to compare, none is read.
    assert!(is_allowed(of(&["GET"], &[]), &request("GET", "/a/../b")));
}

#[test]
fn methods_and_what_overrides_them() {
    let get = || of(&["GET"], &[]);
    let delete = || of(&["DELETE"], &[]);
    assert!(is_allowed(get(), &request("GET", "/")) && !is_allowed(get(), &request("get", "/")));
    assert!(is_denied(delete(), &request("delete", "/")));
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-http-method", "delete"),
        ("x-method-override", " Delete"),
        ("x_http_method_override", "DELETE"),
    ] {
        let request = with(request("GET", "/"), &[(name, value)]);
        assert!(!is_allowed(get(), &request), "{name}");
        assert!(is_denied(delete(), &request), "{name}");
    }
    for target in
        ["/?_method=DELETE", "/?_METHOD=delete", "/?%5fmethod=DELETE", "/?_method[]=DELETE"]
    {
        assert!(!is_allowed(get(), &request("GET", target)), "{target}");
        assert!(is_denied(delete(), &request("GET", target)), "{target}");
    }
    assert!(is_denied(delete(), &request("GET", "/?a;_method=DELETE")));
    assert!(is_allowed(get(), &request("GET", "/?a;b")));
    assert!(is_allowed(of(&["GET", "DELETE"], &[]), &request("GET", "/?_method=delete")));
}

#[test]
fn a_header_for_another_path_permits_no_path() {
    for name in ["x-original-url", "x-rewrite-url", "x_original_url"] {
        let request = with(request("GET", "/public/a"), &[(name, "/admin")]);
        assert!(!is_allowed(of(&[], &["/public/**"]), &request), "{name}");
        assert!(is_denied(of(&[], &["/admin"]), &request), "{name}");
    }
}

#[test]
fn header_fields() {
    let json = || HttpMatch {
        headers: [("accept".to_owned(), texts(&["application/json*"]))].into(),
        ..HttpMatch::default()
    };
    let accept = |values: &[&str]| {
        let fields: Vec<(&str, &str)> = values.iter().map(|value| ("accept", *value)).collect();
        with(request("GET", "/"), &fields)
    };
    assert!(is_allowed(json(), &accept(&["application/json; q=1"])));
    assert!(!is_allowed(json(), &accept(&[])) && !is_denied(json(), &accept(&[])));
    assert!(!is_allowed(json(), &accept(&["application/json", "text/html"])));
    assert!(is_denied(json(), &accept(&["text/html", "Application/JSON"])));
    assert!(is_denied(json(), &accept(&["text/html, application/json"])));
    let forwarded = HttpMatch {
        headers: [("x-team".to_owned(), texts(&["a"]))].into(),
        ..HttpMatch::default()
    };
    let twin = with(request("GET", "/"), &[("x-team", "a"), ("x_team", "a")]);
    assert!(!is_allowed(forwarded.clone(), &twin) && is_denied(forwarded, &twin));
    let mut bytes = accept(&[]);
    bytes.headers.push(("accept".into(), vec![0xff]));
    assert!(!is_allowed(json(), &bytes) && is_denied(json(), &bytes));
}

#[test]
fn query_parameters() {
    let open = || HttpMatch {
        query: [("state".to_owned(), texts(&["open", "clos*"]))].into(),
        ..HttpMatch::default()
    };
    assert!(is_allowed(open(), &request("GET", "/?page=2&state=closed")));
    for target in ["/", "/?state=all", "/?state=open&state=all", "/?state=open;x", "/?state=%ff"] {
        assert!(!is_allowed(open(), &request("GET", target)), "{target}");
    }
    assert!(is_denied(open(), &request("GET", "/?state=all&STATE=Open")));
    assert!(is_denied(open(), &request("GET", "/?x;state=open")));
    assert!(!is_denied(open(), &request("GET", "/?state=all")));
}

#[test]
fn json_rpc_and_tools() {
    let post = |body: &str| posted("/mcp", "application/json", body);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let call = |tool: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
        )
    };
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
    let some = || rpc(&["tools/list", "tools/call", "notifications/*"], &["read_*"]);
    assert!(is_allowed(some(), &post(list)) && is_allowed(some(), &post(&call("read_file"))));
    assert!(is_allowed(some(), &post(&format!("[{list},{}]", call("read_file")))));
    assert!(!is_allowed(some(), &post(&format!("[{list},{}]", call("delete_file")))));
    assert!(!is_allowed(some(), &post(&call("delete_file"))) && !is_allowed(some(), &post(answer)));
    assert!(!is_allowed(some(), &post(r#"{"jsonrpc":"2.0","method":"resources/read"}"#)));
    assert!(!is_allowed(some(), &post(r#"{"jsonrpc":"2.0","method":"tools/call","params":{}}"#)));
    assert!(!is_allowed(some(), &post("[]")) && !is_allowed(some(), &post("{}")));
    assert!(is_allowed(rpc(&[], &[]), &post(answer)));
    let only = || rpc(&[], &["delete_*"]);
    assert!(is_denied(only(), &post(&call("delete_file"))));
    assert!(is_denied(only(), &post(&call("DELETE_file"))));
    assert!(is_denied(only(), &post(&format!("[{list},{}]", call("delete_file")))));
    assert!(is_denied(only(), &post(r#"{"method":"tools/call","params":{}}"#)));
    assert!(is_denied(only(), &post(r#"{"method":" Tools/Call\t","params":{}}"#)));
    assert!(is_denied(only(), &post(r#"{"method":"TOOLS/call","params":{"name":"delete_x"}}"#)));
    assert!(!is_denied(only(), &post(list)) && !is_denied(only(), &post(&call("read_file"))));
    // Nothing was read, and nothing is known.
    assert!(!is_allowed(rpc(&[], &[]), &request("POST", "/mcp")));
    assert!(is_denied(rpc(&["x"], &[]), &request("POST", "/mcp")));
}

#[test]
fn a_body_with_two_meanings_is_refused() {
    for body in [
        r#"{"method":"a","method":"tools/call"}"#,
        r#"{"method":"a","Method":"tools/call"}"#,
        r#"{"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        r#"{"method":"tools/call","params":{"name":"a","NAME":"b"}}"#,
        r#"{"method":1}"#,
        r#"{"method":"a","x":{"y":1,"y":2}}"#,
        r#"[{"method":"a"},1]"#,
        r#"{"method":"a"}{"method":"b"}"#,
        "{'method':'a'}",
        "\u{feff}{\"method\":\"a\"}",
        "{\"method\":\"a\", // x\n}",
    ] {
        let request = posted("/mcp", "application/json", body);
        assert!(matches!(request.body, Body::Refused(_)), "{body}: {:?}", request.body);
        assert!(!is_allowed(rpc(&[], &[]), &request) && is_denied(rpc(&["z"], &[]), &request));
    }
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(posted("/", "application/json", &deep).body, Body::Refused(_)));
    let long = format!("\"{}\"", "x".repeat(BODY_BOUND));
    assert!(matches!(posted("/", "application/json", &long).body, Body::Refused(_)));
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-type", "application/json; charset=utf-16"),
        ("content-type", "application/json; charset=\"UTF-7\""),
    ] {
        let mut request = with(request("POST", "/"), &[(name, value)]);
        request.body = read(&request, b"{}");
        assert!(matches!(request.body, Body::Refused(_)), "{value}");
    }
    // JSON to a server that asks for nothing, a form to one that asks what it is called; JSON to a parser
    // that takes more than the standard has.
    let form = "application/x-www-form-urlencoded";
    for (kind, body) in [
        (form, r#"{"query":"{viewer}","x":"&query=mutation{x}&y="}"#),
        ("", r#"{"query":"{viewer}","x":"&query=mutation{x}&y="}"#),
        (form, r#"{"id":NaN,"method":"tools/call","params":{"name":"z"}}"#),
        (form, r#"[{"method":"tools/call","params":{"name":"z"}},]"#),
        (form, "/**/{\"method\":\"tools/call\"}"),
        ("application/graphql", r#"{"id":NaN,"method":"tools/call","params":{"name":"z"}}"#),
    ] {
        let request = posted("/mcp", kind, body);
        assert!(matches!(request.body, Body::Refused(_)), "{kind} {body}: {:?}", request.body);
    }
    let called = posted("/mcp", form, r#"{"method":"tools/list","params":{"x":"a=b"}}"#);
    assert!(is_allowed(rpc(&["tools/list"], &[]), &called));
    for name in ["content_type", "content_encoding"] {
        let mut request = with(request("POST", "/"), &[(name, "identity")]);
        request.body = read(&request, b"{}");
        assert!(matches!(request.body, Body::Refused(_)), "{name}");
    }
    let mut twice = with(request("POST", "/"), &[("content-type", "a/b"), ("content-type", "c/d")]);
    twice.body = read(&twice, b"{}");
    assert!(matches!(twice.body, Body::Refused(_)));
}

#[test]
fn graphql_operations() {
    let post = |document: &str| {
        let text = document.replace('\n', " ").replace('"', "\\\"");
        posted("/graphql", "application/json", &format!(r#"{{"query":"{text}"}}"#))
    };
    let reads = || graphql(&[GraphqlKind::Query], &[], &["viewer", "repository"]);
    for document in [
        "{ viewer { login } }",
        "query Q($n: Int = 3) { a: repository(name: \"}{ mutation\") { id } viewer { id } }",
        "query { ...F } fragment F on Query { viewer { id } ... on Query { repository { id } } }",
        "{ viewer { id } __typename }",
    ] {
        assert!(is_allowed(reads(), &post(document)), "{document} {:?}", post(document).body);
    }
    for document in [
        "mutation { deleteRepo(id: 1) { id } }",
        "{ viewer { id } users { id } }",
        "{ viewer: users { id } }",
        "query A { viewer { id } } mutation B { x }",
        "query { ...F } fragment F on Query { ...G } fragment G on Query { users { id } }",
        "query { ... on Query { users { id } } }",
        "query { ...Missing }",
        "subscription { viewer }",
        "type Query { viewer: Int }",
        "{ viewer ",
        "",
    ] {
        assert!(!is_allowed(reads(), &post(document)), "{document}");
    }
    let writes = || graphql(&[GraphqlKind::Mutation], &[], &[]);
    let deletes = || graphql(&[], &[], &["delete*"]);
    for document in [
        "query A { viewer { id } } mutation B { x }",
        "mutation { viewer: deleteRepo }",
        "mutation { ...F } fragment F on Mutation { deleteRepo }",
        "{ viewer ",
    ] {
        assert!(is_denied(writes(), &post(document)), "{document}");
    }
    assert!(is_denied(deletes(), &post("mutation { viewer: deleteRepo }")));
    assert!(is_denied(deletes(), &post("mutation { ...F } fragment F on M { deleteRepo }")));
    assert!(!is_denied(writes(), &post("{ viewer { id } }")));
    assert!(is_allowed(graphql(&[], &["Get*"], &[]), &post("query GetMe { viewer { id } }")));
    assert!(!is_allowed(graphql(&[], &["Get*"], &[]), &post("{ viewer { id } }")));
    // Documents that are kept on the server, batches, forms, and the query of the target.
    let stored = posted("/", "application/json", r#"{"extensions":{"persistedQuery":{}}}"#);
    assert!(!is_allowed(reads(), &stored) && is_denied(writes(), &stored));
    for key in ["documentId", "doc_id", "queryId"] {
        let body = format!(r#"{{"query":"{{ viewer }}","{key}":7}}"#);
        let beside = posted("/", "application/json", &body);
        assert!(!is_allowed(reads(), &beside) && is_denied(writes(), &beside), "{key}");
        let form = format!("query={{viewer}}&{key}=7");
        let form = posted("/", "application/x-www-form-urlencoded", &form);
        assert!(!is_allowed(reads(), &form), "{key}");
        let body = r#"{"query":"{ viewer }"}"#;
        let target = posted(&format!("/?{key}=7"), "application/json", body);
        assert!(!is_allowed(reads(), &target), "{key}");
    }
    let batch = r#"[{"query":"{ viewer { id } }"},{"query":"mutation { x }"}]"#;
    let batch = posted("/", "application/json", batch);
    assert!(!is_allowed(reads(), &batch) && is_denied(writes(), &batch));
    let form = posted("/", "application/x-www-form-urlencoded", "query=mutation+%7B+x+%7D");
    assert!(is_denied(writes(), &form));
    let bare = posted("/", "application/graphql", "mutation { x }");
    assert!(is_denied(writes(), &bare));
    let mut get = request("GET", "/graphql?query=%7Bviewer%7Bid%7D%7D");
    get.body = read(&get, b"");
    assert!(is_allowed(reads(), &get));
    let both = posted("/?query=%7Bviewer%7D", "application/json", r#"{"query":"mutation { x }"}"#);
    assert!(!is_allowed(reads(), &both) && is_denied(writes(), &both));
    let mut plain = request("GET", "/x?page=1");
    plain.body = read(&plain, b"");
    assert!(!is_denied(writes(), &plain) && !is_allowed(reads(), &plain));
    // A document that grows when it is spread out.
    let spread: String =
        (0..60).map(|n| format!("fragment F{n} on Q {{ ...F{m} ...F{m} }} ", m = n + 1)).collect();
    let document = format!("{{ ...F0 }} {spread} fragment F60 on Q {{ users }}");
    assert!(!is_allowed(reads(), &post(&document)));
    let nested = format!("{}{}", "{ a ".repeat(3000), "}".repeat(3000));
    assert!(!is_allowed(graphql(&[], &[], &[]), &post(&nested)));
}

#[test]
fn a_body_is_only_read_where_it_decides() {
    let needs = |rules: &[HttpRule], request: &Request| needs_body(rules, &Facts::of(request));
    let mut tools = rpc(&[], &["x"]);
    tools.paths = vec!["/mcp".parse().unwrap()];
    let rules = [deny(of(&["PUT"], &[])), deny(tools), allow(of(&["POST"], &[]))];
    assert!(needs(&rules, &request("POST", "/mcp")));
    assert!(!needs(&rules, &request("PUT", "/mcp")));
    assert!(!needs(&rules, &request("POST", "/other")));
    assert!(needs(&rules, &request("POST", "/mcp/../mcp")));
}

#[test]
fn no_later_entry_permits_a_body_that_was_refused() {
    let rules = [allow(rpc(&["ping"], &[])), allow(of(&["POST"], &[]))];
    assert_eq!(said(&rules, &posted("/", "application/json", r#"{"method":"x"}"#)), Said::Allow(1));
    let broken = posted("/", "application/json", "{");
    assert!(matches!(said(&rules, &broken), Said::Deny(0, Some(_))));
    // Where no entry that may fit compares it, it is never read.
    assert_eq!(said(&rules[1..], &broken), Said::Allow(0));
}

fn anything() -> impl Strategy<Value = HttpMatch> {
    let methods = prop::sample::subsequence(vec!["GET", "POST", "PUT"], 0..3);
    let paths = prop::sample::subsequence(vec!["/a", "/a/**", "/*/b", "/**/c", "/"], 0..3);
    (methods, paths).prop_map(|(methods, paths)| of(&methods, &paths))
}

proptest! {
    #[test]
    fn to_deny_more_never_allows_more(
        rules in prop::collection::vec((any::<bool>(), anything()), 0..5),
        at in 0..6usize,
        more in anything(),
        method in prop::sample::select(vec!["GET", "POST", "get"]),
        path in "/[ab/.;%2f]{0,8}",
    ) {
        let rules: Vec<HttpRule> = rules
            .into_iter()
            .map(|(allows, requests)| if allows { allow(requests) } else { deny(requests) })
            .collect();
        let mut stricter = rules.clone();
        stricter.insert(at.min(rules.len()), deny(more));
        let request = request(method, &path);
        if matches!(said(&stricter, &request), Said::Allow(_)) {
            prop_assert!(matches!(said(&rules, &request), Said::Allow(_)));
        }
    }

    #[test]
    fn no_body_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in "[a-z/;= -]{0,30}") {
        let mut request = with(request("POST", "/"), &[("content-type", &kind)]);
        request.body = read(&request, &bytes);
        said(&[deny(rpc(&["x"], &[])), deny(graphql(&[], &[], &["x"]))], &request);
    }

    #[test]
    fn no_graphql_panics(text in "[{}()a-z:.$@!\"#, ]{0,60}") {
        let request = posted("/", "application/graphql", &text);
        if let Body::Read(BodyFacts { graphql: Some(operations), .. }) = &request.body {
            // What is told has a field, or the document is an error.
            prop_assert!(operations.iter().all(|operation| !operation.fields.is_empty()));
        }
    }
}
