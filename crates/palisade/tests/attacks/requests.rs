//! Ways round HTTP rules, and what has to work in spite of them.

use http::StatusCode;
use palisade_testkit::{Flaw, Recorded, TestAuthority, Upstream, answer};

use crate::world::{Ran, World};

/// A server at `api.test` over TLS, and a world with these entries of `http` for it.
struct Stage {
    server: Upstream,
    world: World,
}

impl Stage {
    fn new(entries: &[&str]) -> Option<Self> {
        Self::with("", entries)
    }

    /// With another line in its rule.
    fn with(line: &str, entries: &[&str]) -> Option<Self> {
        let authority = TestAuthority::new().unwrap();
        let tls = authority.server("api.test", Flaw::None, &["h2", "http/1.1"]).unwrap();
        let server = Upstream::start_secure(tls, |request: Recorded| async move {
            answer(StatusCode::OK, "text/plain", format!("{} hello\n", request.method))
        });
        let server = server.unwrap();
        let port = server.address().port();
        // `PORT` is the server's.
        let entry =
            |entry: &&str| format!("        - {}\n", entry.replace("PORT", &port.to_string()));
        let entries: String = entries.iter().map(entry).collect();
        let world = World::new(&format!(
            "network:
  hosts: {{api.test: [127.0.0.1]}}
  rules:
    - name: api
      hosts: [api.test]
      ports: [{port}]
      addresses: [127.0.0.1]
      {line}
      http:
{entries}"
        ))?;
        world.write("store.pem", &authority.pem());
        let store = world.at("store.pem");
        let world = world.with_variable("SSL_CERT_FILE", store.to_str().unwrap());
        Some(Self { server, world })
    }

    fn url(&self, target: &str) -> String {
        format!("https://api.test:{}{target}", self.server.address().port())
    }

    fn curl(&self, target: &str, arguments: &[&str]) -> Ran {
        let url = self.url(target);
        let mut argv = vec!["curl", "--silent", "--show-error", "--path-as-is", "--globoff"];
        argv.extend(["--max-time", "60"]);
        argv.extend(arguments);
        argv.push(&url);
        self.world.inside(&argv)
    }

    fn passes(&self, target: &str, arguments: &[&str]) {
        let ran = self.curl(target, arguments);
        assert!(ran.good().ends_with(" hello"), "{target} {arguments:?}: {ran}");
    }

    /// It is refused by what names the rule, on both protocols, and the server hears nothing.
    fn refused(&self, target: &str, arguments: &[&str]) -> String {
        let before = self.server.requests().len();
        let mut reason = String::new();
        for version in ["--http1.1", "--http2"] {
            let mut all = vec![version];
            all.extend(arguments);
            let ran = self.curl(target, &all);
            let json: serde_json::Value = serde_json::from_str(ran.good())
                .unwrap_or_else(|_| panic!("{target} {arguments:?} passed: {ran}"));
            // The second is what no parser of ours takes.
            let known = ["denied by palisade", "refused by palisade"];
            assert!(known.contains(&json["error"].as_str().unwrap()), "{target}: {json}");
            reason = format!("{} {}", json["reason"], json["allow"]);
        }
        assert_eq!(self.server.requests().len(), before, "{target} came to the server");
        reason
    }
}

#[test]
fn asks_for_another_path_or_method() {
    let Some(stage) = Stage::new(&[
        "deny: {paths: [\"/repos/*/*/actions/**\"]}",
        "allow: {methods: [GET, HEAD], paths: [\"/repos/**\"]}",
    ]) else {
        return;
    };
    // Unconfined, the server takes anything.
    let resolve = format!("api.test:{}:127.0.0.1", stage.server.address().port());
    let url = stage.url("/user");
    let outside = ["curl", "-sk", "--resolve", &resolve, "-X", "DELETE", &url];
    assert_eq!(stage.world.outside(&outside).good(), "DELETE hello");
    stage.passes("/repos/o/r", &[]);
    stage.passes("/repos/o/r?page=2", &["--http2"]);
    for target in ["/repos/o/r/actions/runs", "/user", "/"] {
        stage.refused(target, &[]);
    }
    let why = stage.refused("/repos/o/r", &["-X", "DELETE"]);
    assert!(why.contains("- allow: {methods: [DELETE], paths: [\\\"/repos/o/r\\\"]}"), "{why}");
    stage.refused("/repos/o/r", &["-X", "get"]);
    stage.refused("/repos/o/r", &["-d", "x"]);
    stage.refused("/repos/o/r", &["-H", "X-HTTP-Method-Override: DELETE"]);
    stage.refused("/repos/o/r", &["-H", "X-Original-URL: /user"]);
    // What is no letter and no digit is `_` to gateways that have headers as variables.
    for twin in ["X.HTTP.Method.Override: DELETE", "x~http*method-override: DELETE"] {
        stage.refused("/repos/o/r", &["-H", twin]);
    }
    for twin in ["X.Original.URL: /user", "X|Rewrite_URL: /user", "Content.Length: 5"] {
        stage.refused("/repos/o/r", &["-H", twin]);
    }
    let events = stage.world.events();
    let requests: Vec<_> = events.iter().filter(|event| event["kind"] == "request").collect();
    let of = |rule: &str| requests.iter().filter(|event| event["rule"] == rule).count();
    assert_eq!(of("network.rules[api].http[1]"), 2);
    assert!(of("network.rules[api].http[0]") >= 1 && of("network.rules[api]") >= 1);
    stage.world.verify();
}

/// A server copies what a header names with the rights of whoever asks, and whoever may read the copy has it.
#[test]
fn copies_from_and_moves_to_where_no_rule_leads() {
    let Some(stage) = Stage::new(&["allow: {methods: [GET, PUT, MOVE], paths: [\"/mine/**\"]}"])
    else {
        return;
    };
    let put = |header: &str| ["-X", "PUT", "-H", header].map(str::to_owned);
    let moved = |to: &str| ["-X".into(), "MOVE".into(), "-H".into(), format!("Destination: {to}")];
    let with = |arguments: &[String; 4], passes: bool| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if passes {
            stage.passes("/mine/x", &arguments);
        } else {
            stage.refused("/mine/x", &arguments);
        }
    };
    for header in [
        "x-amz-copy-source: /others/y",
        "X_Amz.Copy-Source: others/y",
        "x-amz-copy-source: /mine/../others/y",
        "x-amz-copy-source: /mine/%2e%2e/others/y",
        "x-amz-copy-source: arn:aws:s3:eu:1:accesspoint/p/object/y",
        "x-goog-copy-source: others/y",
        "x-ms-copy-source: https://other.test/mine/y",
        "x-ms-rename-source: /others/y",
        "x-copy-from: /mine/y",
    ] {
        with(&put(header), false);
    }
    for to in ["/others/y", "https://other.test/mine/y", "y"] {
        with(&moved(to), false);
    }
    with(&put("x-amz-copy-source: /mine/y?versionId=1"), true);
    with(&put("x-ms-rename-source: /mine/y"), true);
    with(&put("x-amz-meta-source: /others/y"), true);
    with(&moved("/mine/y"), true);
    with(&moved(&stage.url("/mine/y")), true);
    stage.world.verify();
}

#[test]
fn spells_a_denied_path_otherwise() {
    let Some(stage) = Stage::new(&["deny: {paths: [\"/admin/**\"]}", "allow: {}"]) else { return };
    stage.passes("/public/x%20y", &[]);
    stage.passes("/administrator", &[]);
    for target in [
        "/admin",
        "/admin/",
        "/ADMIN/keys",
        "//admin/keys",
        "/%61dmin/keys",
        "/x/../admin/keys",
        "/x/%2e%2e/admin/keys",
        "/x%2f..%2fadmin",
        "/x/..;/admin",
        "/;x/admin/keys",
        "/admin;x/keys",
        "/admin%2fkeys",
        "/%2561dmin/keys",
        "/./admin",
        "/admin./keys",
        "/admin%20/keys",
        "/x\\..\\admin",
        "/x%5c..%5cadmin",
        "/%c0%ae%c0%ae/admin",
        "/%ef%bc%a1dmin",
        "/admin%00",
        "/admin%3fx",
    ] {
        stage.refused(target, &[]);
    }
}

#[test]
fn hides_a_tool_call_in_a_body() {
    let Some(stage) = Stage::new(&[
        "deny: {paths: [/mcp], json_rpc: {tools: [\"delete_*\"]}}",
        "allow: {methods: [POST], paths: [/mcp], json_rpc: {methods: [initialize, tools/list, tools/call]}}",
    ]) else {
        return;
    };
    let json = "Content-Type: application/json";
    let post = |body: &'static str| ["-H", json, "--data-raw", body];
    stage.passes("/mcp", &post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#));
    stage.passes("/mcp", &post(r#"{"method":"tools/call","params":{"name":"read_file"}}"#));
    let sent = stage.server.requests().last().unwrap().body.clone();
    assert_eq!(&*sent, br#"{"method":"tools/call","params":{"name":"read_file"}}"#);
    for body in [
        r#"{"method":"tools/call","params":{"name":"delete_repo"}}"#,
        r#"{"method":"tools/call","params":{"name":"read","name":"delete_repo"}}"#,
        r#"{"method":"tools/list","method":"tools/call","params":{"name":"delete_repo"}}"#,
        r#"{"method":"tools/list","Method":"tools/call"}"#,
        r#"{"\u006dethod":"tools/call","params":{"name":"\u0064elete_repo"}}"#,
        r#"[{"method":"tools/list"},{"method":"tools/call","params":{"name":"delete_repo"}}]"#,
        r#"{"method":"resources/read"}"#,
        r#"{"method":"tools/list"}{"method":"tools/call"}"#,
        "{}",
        "method=tools/list",
    ] {
        stage.refused("/mcp", &post(body));
    }
    // What is a form to us is JSON to a server that does not ask, and takes more than JSON has.
    let lenient = r#"{"id":NaN,"method":"tools/call","params":{"name":"delete_repo"}}"#;
    stage.refused("/mcp", &["--data-raw", lenient]);
    stage.refused("/mcp", &["-H", json, "-H", "Content-Encoding: gzip", "--data-raw", "{}"]);
    stage.world.write(
        "work/long",
        &format!("{{\"method\":\"initialize\",\"x\":\"{}\"}}", "x".repeat(1 << 21)),
    );
    let why = stage.refused("/mcp", &["-H", json, "--data-binary", "@long"]);
    assert!(why.contains("longer than 1048576 bytes"), "{why}");
    let events = stage.world.events();
    let called = events.iter().find(|event| event["detail"]["mcp_tools"][0] == "read_file");
    assert_eq!(called.unwrap()["decision"], "allow");
    stage.world.verify();
}

#[test]
fn writes_through_graphql() {
    let Some(stage) = Stage::new(&[
        "allow: {methods: [POST], paths: [/graphql], graphql: {operations: [query], fields: [viewer, repository]}}",
    ]) else {
        return;
    };
    let json = "Content-Type: application/json";
    let post = |body: &'static str| ["-H", json, "--data-raw", body];
    stage.passes("/graphql", &post(r#"{"query":"query Q { me: viewer { login } }"}"#));
    for body in [
        r#"{"query":"mutation { deleteRepo { id } }"}"#,
        r#"{"query":"{ viewer: users { id } }"}"#,
        r#"{"query":"query A { viewer { id } } mutation B { x }","operationName":"B"}"#,
        r#"{"query":"query { ...F } fragment F on Query { users { id } }"}"#,
        r#"{"query":"{ viewer { id }"}"#,
        r#"{"extensions":{"persistedQuery":{"version":1}}}"#,
        r#"[{"query":"{ viewer { id } }"},{"query":"mutation { x }"}]"#,
    ] {
        stage.refused("/graphql", &post(body));
    }
    // curl calls it a form, and so a form it is to servers that take one.
    let form = r#"{"query":"{viewer}","x":"&query=mutation{deleteRepo}&y="}"#;
    stage.refused("/graphql", &["--data-raw", form]);
    stage.refused("/graphql", &post(r#"{"query":"{ viewer }","doc_id":"7"}"#));
    stage.refused("/graphql?query=mutation%7Bx%7D", &post(r#"{"query":"{ viewer { id } }"}"#));
    stage.refused(
        "/graphql",
        &["-H", "Content-Type: application/graphql", "--data-raw", "mutation { x }"],
    );
}

#[test]
fn compares_query_and_header_fields() {
    let Some(stage) = Stage::new(&[
        "allow: {methods: [GET], paths: [/search], query: {scope: [public]}, headers: {accept: [\"application/json*\"]}}",
    ]) else {
        return;
    };
    let json = ["-H", "Accept: application/json"];
    stage.passes("/search?q=a&scope=public", &json);
    for target in [
        "/search?q=a",
        "/search?scope=private",
        "/search?scope=public&scope=private",
        "/search?scope=public&SCOPE=private",
        "/search?scope=public&scope[]=private",
        "/search?scope=public;scope=private",
        "/search?scope=public%00",
    ] {
        stage.refused(target, &json);
    }
    stage.refused("/search?scope=public", &["-H", "Accept: text/html"]);
    stage.refused(
        "/search?scope=public",
        &["-H", "Accept: application/json", "-H", "Accept: text/html"],
    );
}

#[test]
fn downgrades_to_http_without_tls() {
    let Some(stage) = Stage::new(&["allow: {paths: [\"/public/**\"]}"]) else { return };
    let url = stage.url("/admin").replace("https://", "http://");
    let ran = stage.world.inside(&["curl", "-s", "--max-time", "60", &url]);
    assert!(ran.good().contains("denied by palisade"), "{ran}");
    assert_eq!(stage.server.requests().len(), 0);
}

#[test]
fn asks_more_often_than_the_rule_lets_it() {
    let Some(stage) = Stage::with("limits: {requests_per_minute: 3}", &["allow: {}"]) else {
        return;
    };
    let many = format!(
        "for i in 1 2 3 4 5; do curl -s -o out -w '%{{http_code}} ' {}; done; cat out",
        stage.url("/x")
    );
    let ran = stage.world.inside_sh(&many);
    assert!(ran.out.starts_with("200 200 200 403 403 "), "{ran}");
    assert!(ran.out.contains("3 requests in a minute"), "{ran}");
    assert_eq!(stage.server.requests().len(), 3);
    let events = stage.world.events();
    let limited = events.iter().filter(|event| event["rule"] == "network.rules[api].limits");
    assert_eq!(limited.count(), 2);
    stage.world.verify();
}

#[test]
fn sends_more_than_the_rule_lets_it() {
    let Some(stage) = Stage::with("limits: {sent: 100KiB}", &["allow: {}"]) else { return };
    stage.world.write("work/part", &"x".repeat(60 * 1024));
    stage.passes("/x", &["--data-binary", "@part"]);
    // A session has what it has; the next one begins anew.
    stage.passes("/x", &["--http2", "--data-binary", "@part"]);
    stage.world.write("work/whole", &"x".repeat(200 * 1024));
    for version in ["--http1.1", "--http2"] {
        let before = stage.server.requests().len();
        let ran = stage.curl("/x", &[version, "--data-binary", "@whole"]);
        assert!(!ran.out.contains("hello"), "{ran}");
        assert!(ran.out.contains("102400 bytes sent in a session"), "{ran}");
        assert_eq!(stage.server.requests().len(), before, "nothing came whole");
    }
    let many = format!(
        "for i in 1 2 3; do curl -s -o /dev/null -w '%{{http_code}} ' --data-binary @part {}; done",
        stage.url("/y")
    );
    let ran = stage.world.inside_sh(&many);
    assert!(ran.out.starts_with("200 ") && !ran.out.contains("200 200"), "{ran}");
    let why = stage.world.why_denied(&format!("api.test:{}", stage.server.address().port()));
    assert!(why.contains("102400 bytes sent in a session"), "{why}");
    stage.world.verify();
}

/// Fields behind a body are sent too.
#[test]
fn sends_more_than_the_rule_lets_it_in_trailers() {
    let Some(stage) = Stage::with("limits: {sent: 8KiB}", &["allow: {}"]) else { return };
    let send = |bytes: usize| {
        let program = format!(
            "import socket, ssl\nport, data = {}, 'x' * {bytes}\n\
             stream = socket.create_connection(('api.test', port), 20)\n\
             stream = ssl.create_default_context().wrap_socket(stream, server_hostname='api.test')\n\
             stream.sendall((f'POST /x HTTP/1.1\\r\\nHost: api.test:{{port}}\\r\\nTrailer: content-digest\\r\\n'\n    \
             f'Transfer-Encoding: chunked\\r\\n\\r\\n1\\r\\na\\r\\n0\\r\\ncontent-digest: {{data}}\\r\\n\\r\\n').encode())\n\
             print(stream.recv(65536).split()[1:2])",
            stage.server.address().port()
        );
        stage.world.inside_python_with(&program, &[])
    };
    assert_eq!(send(100).good(), "[b'200']");
    let before = stage.server.requests().len();
    let ran = send(10_000);
    assert!(!ran.out.contains("200"), "{ran}");
    assert_eq!(stage.server.requests().len(), before);
}

/// What stands behind a body, or beside the `Host`, is a part of the head to some servers.
#[test]
fn names_another_path_method_or_host_where_it_is_not_looked_for() {
    let Some(stage) = Stage::new(&["allow: {methods: [POST], paths: [/x]}"]) else { return };
    let program = format!(
        "import socket, ssl\nport = {}\n\
         stream = socket.create_connection(('api.test', port), 20)\n\
         stream = ssl.create_default_context().wrap_socket(stream, server_hostname='api.test')\n\
         stream.sendall((f'POST /x HTTP/1.1\\r\\nHost: api.test:{{port}}\\r\\nX-Forwarded-Host: evil.test\\r\\n'\n    \
         f'Forwarded: host=evil.test\\r\\nX-Forwarded-For: 1.2.3.4\\r\\n'\n    \
         f'Trailer: x-http-method-override, x-original-url, x-api-key, content-digest\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n1\\r\\na\\r\\n0\\r\\n'\n    \
         f'x-http-method-override: DELETE\\r\\nx-original-url: /admin\\r\\nx-api-key: mine\\r\\ncontent-digest: d\\r\\n\\r\\n').encode())\n\
         print(stream.recv(65536).split()[1:2])",
        stage.server.address().port()
    );
    let ran = stage.world.inside_python_with(&program, &[]);
    assert_eq!(ran.good(), "[b'200']");
    let [request] = stage.server.requests().try_into().unwrap();
    for name in ["x-forwarded-host", "forwarded", "x-http-method-override", "x-original-url"] {
        assert!(!request.headers.contains_key(name), "{request:?}");
    }
    assert!(request.headers.contains_key("x-forwarded-for"));
    for name in [
        "Script-Name: /admin",
        "Path_Info: /admin",
        "X-Invoke-Path: /admin",
        "X-Matched-Path: /admin",
    ] {
        stage.refused("/x", &["-d", "x", "-H", name]);
    }
    stage.world.verify();
}

/// One rule permits the request and another one the address, and none both.
#[test]
fn adds_one_rules_request_to_another_rules_address() {
    let Some(stage) = Stage::new(&[
        "allow: {methods: [GET]}",
        "allow: {methods: [PUT]}\n    - {name: public, hosts: [api.test], ports: [PORT], http: [{allow: {methods: [POST]}}]}",
    ]) else {
        return;
    };
    stage.passes("/x", &[]);
    let why = stage.refused("/x", &["-d", "x"]);
    assert!(why.contains("but not at 127.0.0.1"), "{why}");
}

/// Without a look into it, bytes are counted all the same.
#[test]
fn sends_more_than_a_rule_lets_through_unseen() {
    let sink = crate::servers::Sink::start();
    let port = sink.port();
    let Some(world) = World::new(&format!(
        "network:
  hosts: {{raw.test: [127.0.0.1]}}
  rules:
    - {{hosts: [raw.test], ports: [{port}], addresses: [127.0.0.1], limits: {{sent: 1KiB}}}}
"
    )) else {
        return;
    };
    let send = |bytes: usize| {
        let program = format!(
            "import socket\nstream = socket.create_connection(('raw.test', {port}), 20)\ntry:\n    \
             stream.sendall(b'x' * {bytes})\n    print(stream.recv(100).decode().split()[0])\nexcept \
             OSError as error:\n    print(type(error).__name__)"
        );
        world.inside_python(&program)
    };
    assert_eq!(send(1000).good(), "HTTP/1.1");
    assert_eq!(sink.take().concat().len(), 1000);
    assert_eq!(send(2000).good(), "ConnectionResetError");
    assert!(sink.take().concat().len() <= 1024);
    let why = world.why_denied(&format!("raw.test:{port}"));
    assert!(why.contains("1024 bytes sent in a session"), "{why}");
}

/// A secret goes with the requests that the rule permits, and with no other.
#[test]
fn sends_a_secret_along_with_what_a_rule_refuses() {
    let authority = TestAuthority::new().unwrap();
    let tls = authority.server("api.test", Flaw::None, &["h2", "http/1.1"]).unwrap();
    let server = Upstream::start_secure(tls, |request: Recorded| async move {
        answer(StatusCode::OK, "text/plain", format!("{} hello\n", request.method))
    });
    let server = server.unwrap();
    let port = server.address().port();
    let Some(world) = World::new(&format!(
        "network:
  hosts: {{api.test: [127.0.0.1]}}
  rules:
    - name: api
      hosts: [api.test]
      ports: [{port}]
      addresses: [127.0.0.1]
      credential: token
      http: [{{deny: {{paths: [/admin]}}}}, {{allow: {{methods: [GET]}}}}]
credentials:
  token: {{from: {{env: REAL_TOKEN}}, header: \"authorization: Bearer {{secret}}\", expose: API_TOKEN}}
"
    )) else {
        return;
    };
    world.write("store.pem", &authority.pem());
    let store = world.at("store.pem");
    let real = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let world = world
        .with_variable("SSL_CERT_FILE", store.to_str().unwrap())
        .with_variable("REAL_TOKEN", real);
    let ask = |path: &str, option: &str| {
        world.inside_sh(&format!(
            "curl -s --max-time 60 {option} -H \"authorization: Bearer $API_TOKEN\" https://api.test:{port}{path}"
        ))
    };
    assert_eq!(ask("/x", "").good(), "GET hello");
    let last = server.requests().last().unwrap().header("authorization").to_owned();
    assert_eq!(last, format!("Bearer {real}"));
    assert!(ask("/admin", "").good().contains("denied by palisade"));
    assert!(ask("/x", "-X POST").good().contains("denied by palisade"));
    assert_eq!(server.requests().len(), 1);
    world.verify();
}
