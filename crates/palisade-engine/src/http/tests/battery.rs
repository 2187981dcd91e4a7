//! Spellings by which a request could be taken for another one: each must be no use against a permission, nor against a
//! denial.

use super::*;

/// What some server serves as `/admin` or something below it.
const PATHS: &[&str] = &[
    "/admin",
    "/admin/",
    "/ADMIN/x",
    "//admin",
    "///admin//x",
    "/./admin",
    "/x/../admin",
    "/x/%2e%2e/admin",
    "/x/%2E%2E/admin",
    "/%2e/admin",
    "/x/.%2e/admin",
    "/x/%2e./admin",
    "/x/..%2fadmin",
    "/x%2f..%2fadmin",
    "/x/%2e%2e%2fadmin",
    "/x/..%5cadmin",
    "/x/..\\admin",
    "/%5cadmin",
    "/x/..;/admin",
    "/x/..;a=b/admin",
    "/x/.;/../admin",
    "/;x/admin",
    "/;/admin",
    "/admin;x",
    "/admin;x=1/y",
    "/admin%3bx",
    "/admin%3fx",
    "/admin%23x",
    "/adm%69n",
    "/%61%64%6d%69%6e",
    "/%2561dmin",
    "/adm%2569n",
    "/x/%252e%252e/admin",
    "/x/%25252e%25252e/admin",
    "/x/..%252fadmin",
    "/%u0061dmin",
    "/%U0061dmin",
    "/x/%u002e%u002e/admin",
    "/%uff0fadmin",
    "/admin%20",
    "/admin.",
    "/admin...",
    "/admin%20.%20/x",
    "/x/.. /admin",
    "/x/..%20/admin",
    "/x/.../admin",
    "/admin%2f",
    "/%2fadmin",
    "/%2f%2fadmin",
    "/%2f/admin",
    "/admin%00",
    "/admin%00.png",
    "/admin%0a",
    "/admin%0d%0ax",
    "/admin%09",
    "/admin%7f",
    "/admin%c2%85",
    "/%c0%afadmin",
    "/x/%c0%ae%c0%ae/admin",
    "/%e0%80%afadmin",
    "/%f0%80%80%afadmin",
    "/%c1%a1dmin",
    "/%ff/admin",
    "/%ef%bc%8fadmin",
    "/adm%ef%bd%89n",
    "/x/%ef%bc%8e%ef%bc%8e/admin",
    "/x/%e2%80%a4%e2%80%a4/admin",
    "/x%e2%88%95admin",
    "/x%e2%81%84admin",
    "/x/..%e2%88%96admin",
    "/adm%c2%adin",
    "/admin%e2%80%8b",
    "/%e2%80%aeadmin",
    "/%ef%bb%bfadmin",
    "/admin/%",
    "/admin/%zz",
    "/admin%2",
    "/admin#x",
    "/admin?x",
    "/admin\u{b}",
    "/x\u{ff0f}admin",
    "admin",
    "",
    "*",
    "https://a.example/admin",
    "a.example:443",
];

#[test]
fn no_spelling_of_a_path_goes_round_an_entry() {
    for path in PATHS {
        let mut request = request("GET", "/");
        request.path = path.as_bytes().to_vec();
        assert!(is_denied(of(&[], &["/admin/**"]), &request), "{path}");
        for public in ["/x/**", "/public/**", "/*.png", "/admin.png"] {
            assert!(!is_allowed(of(&[], &[public]), &request), "{path} by {public}");
        }
    }
    // The twins.
    for path in ["/x", "/x/a.b", "/x/%c3%a9", "/x/a%20b", "/x/~a", "/x/a=b,c"] {
        let request = request("GET", path);
        assert!(!is_denied(of(&[], &["/admin/**"]), &request), "{path}");
        assert!(is_allowed(of(&[], &["/x/**"]), &request), "{path}");
    }
}

/// Fields and parameters by which some server takes another method, or another path.
#[test]
fn no_override_goes_round_an_entry() {
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-http-method-override", "delete"),
        ("x-http-method-override", " DELETE "),
        ("x-http-method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x_http_method_override", "DELETE"),
        ("x-http_method-override", "DELETE"),
        ("x.http~method|override", "DELETE"),
    ] {
        let request = with(request("GET", "/x"), &[("accept", "*/*"), (name, value)]);
        assert!(!is_allowed(of(&["GET"], &[]), &request), "{name}");
        assert!(is_denied(of(&["DELETE"], &[]), &request), "{name}");
    }
    for query in [
        "_HttpMethod=DELETE",
        "%5FHTTPMETHOD=delete",
        "X-Http-Method=DELETE",
        "x-method-override=DELETE",
        "_method=DELETE",
        "_method=delete",
        "a=b&_method=DELETE",
        "_method=GET&_method=DELETE",
        "_METHOD=DELETE",
        "%5fmethod=DELETE",
        "_method%3dx&_method=DELETE",
        "_method=%44ELETE",
        "_method[]=DELETE",
        "_method%5b%5d=DELETE",
        "+_method=DELETE",
        "%20_method=DELETE",
        ".method=DELETE",
        "_method=DELETE+",
        "a;_method=DELETE",
        "_method%00=DELETE",
        "%ff&_method=DELETE",
        "$httpMethod=DELETE",
        "%24httpMethod=DELETE",
        "X-HTTP-Method-Override=DELETE",
    ] {
        let request = request("GET", &format!("/x?{query}"));
        assert!(!is_allowed(of(&["GET"], &[]), &request), "{query}");
        assert!(is_denied(of(&["DELETE"], &[]), &request), "{query}");
    }
    for name in [
        "x-original-url",
        "x-rewrite-url",
        "x-original-uri",
        "x-forwarded-uri",
        "x-override-url",
        "x-forwarded-path",
        "x-forwarded-prefix",
        "x-envoy-original-path",
        "x_rewrite_url",
        "script-name",
        "path_info",
        "x-invoke-path",
        "x-matched-path",
    ] {
        let request = with(request("GET", "/x"), &[(name, "/admin")]);
        assert!(!is_allowed(of(&[], &["/x"]), &request), "{name}");
        assert!(is_denied(of(&[], &["/admin"]), &request), "{name}");
    }
}

/// What some server takes for `q=secret`, against rules that permit or deny values of `q`.
#[test]
fn no_spelling_of_a_parameter_goes_round_an_entry() {
    let q = |value: &str| HttpMatch {
        query: [("q".to_owned(), texts(&[value]))].into_iter().collect(),
        ..HttpMatch::default()
    };
    for query in [
        "q=secret",
        "q=public&q=secret",
        "q=secret&q=public",
        "q=public&Q=secret",
        "q=public&q[]=secret",
        "q=public&q%5b%5d=secret",
        "q=public&q[0]=secret",
        "q=public&%71=secret",
        "q=public&+q=secret",
        "q=public&q+=secret",
        "q=public&%20q=secret",
        "q=public&q=%73ecret",
        "q=public;q=secret",
        "q=public%00&q=secret",
        "q=public&q=secret%00",
        "q=public&q=%zz",
        "q=public&q=%",
        "q=public&q=\u{e9}",
        "q=public&q=%ff",
        "q=public&q=%c0%ae",
        "q=public&&&q=secret",
        "=&q=public&q=secret",
    ] {
        let mut request = request("GET", "/");
        request.query = Some(query.as_bytes().to_vec());
        assert!(!is_allowed(q("public"), &request), "{query}");
        assert!(is_denied(q("secret"), &request), "{query}");
    }
    assert!(is_allowed(q("public"), &request("GET", "/?a=b&q=public&c")));
    assert!(is_allowed(q("a b"), &request("GET", "/?q=a%20b")));
}

/// Bodies that some server takes for a call of `delete_all`.
#[test]
fn no_spelling_of_a_call_goes_round_an_entry() {
    let json = "application/json";
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_all"}}"#;
    let listing = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let in_16: Vec<u8> = call.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_16_be: Vec<u8> = call.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let in_32: Vec<u8> = call.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    let mut bodies: Vec<(&str, Vec<u8>)> = vec![
        (json, in_16.clone()),
        (json, marked(b"\xff\xfe", &in_16)),
        (json, in_16_be.clone()),
        (json, marked(b"\xfe\xff", &in_16_be)),
        (json, in_32),
        (json, marked(b"\xef\xbb\xbf", call.as_bytes())),
        (json, marked(b"\x1f\x8b\x08", call.as_bytes())),
        ("application/json; charset=utf-16", call.into()),
        ("application/json; charset=utf-7", call.into()),
        ("application/json;charset=\"iso-8859-1\"", call.into()),
        ("application/msgpack", b"\x81\xa6method\xaatools/call".to_vec()),
        ("text/xml", b"<methodCall><methodName>delete_all</methodName></methodCall>".to_vec()),
        ("multipart/form-data; boundary=x", format!("--x\r\n\r\n{call}\r\n--x--").into_bytes()),
        (json, [call.as_bytes(), b"\xff"].concat()),
    ];
    for text in [
        call.to_owned(),
        format!("[{call}]"),
        format!("[{listing},{call}]"),
        format!("[{call},{listing}]"),
        format!("[[{call}]]"),
        format!("{listing}{call}"),
        format!("{listing}\n{call}"),
        format!("{listing}\0{call}"),
        format!("{call},"),
        format!("// x\n{call}"),
        format!("/* x */{call}"),
        format!("{call}// x"),
        format!(")]}}',\n{call}"),
        format!("for(;;);{call}"),
        call.replace('"', "'"),
        call.replace("tools/call", "tools\\/call"),
        call.replace("tools/call", "\\u0074ools/call"),
        call.replace("delete_all", "\\u0064elete_all"),
        call.replace("delete_all", "DELETE_ALL"),
        call.replace("delete_all", "delete_all\\u0000"),
        call.replace("delete_all", "delete_all\\u0000x"),
        call.replace("tools/call", "tools/call\\u0000"),
        call.replace("tools/call", "TOOLS/CALL"),
        call.replace("tools/call", "tools/call\\ud800"),
        call.replace("\"method\"", "\"\\u006dethod\""),
        call.replace("\"method\"", "\"method\\u0000\""),
        call.replace("\"method\"", "\"method\":\"tools/list\",\"method\""),
        call.replace("\"method\"", "\"method\":\"tools/list\",\"Method\""),
        call.replace("\"method\"", "\"method\":\"tools/list\",\"METHOD\""),
        call.replace("\"method\"", "\"method\":\"tools/list\",\"method\\u0000\""),
        call.replace("\"method\"", "\"method\":\"tools/list\",\"\\u006d\\u0065thod\""),
        call.replace("\"method\"", "method"),
        call.replace("\"name\"", "\"name\":\"read\",\"name\""),
        call.replace("\"name\"", "\"name\":\"read\",\"Name\""),
        call.replace("\"name\"", "\"name\":\"read\",\"name\\u0000\""),
        call.replace("\"params\"", "\"params\":{\"name\":\"read\"},\"params\""),
        call.replace("\"params\"", "\"params\":{\"name\":\"read\"},\"Params\""),
        call.replace("\"delete_all\"", "[\"delete_all\"]"),
        call.replace("\"tools/call\"", "[\"tools/call\"]"),
        call.replace("\"tools/call\"", "7"),
        call.replace("\"id\":1", "\"id\":1e999"),
        call.replace("\"id\":1", "\"id\":NaN"),
        call.replace("\"id\":1", "\"id\":Infinity"),
        call.replace("\"id\":1", "\"id\":0x1"),
        call.replace("\"id\":1", "\"id\":01"),
        call.replace("\"id\":1", "\"id\":+1"),
        call.replace("\"id\":1", "\"id\":.1"),
        call.replace("\"id\":1", "\"id\":1,"),
        call.replace("\"id\":1", "\"id\":\"\u{1}\""),
        call.replace("\"id\":1", &format!("\"id\":{}{}", "[".repeat(300), "]".repeat(300))),
        call.replace("\"id\":1", "\"id\":{\"a\":1,\"a\":2}"),
    ] {
        bodies.push((json, text.into_bytes()));
    }
    for (kind, body) in bodies {
        let mut request = with(request("POST", "/mcp"), &[("content-type", kind)]);
        request.body = read(&request, &body);
        let shown = body.escape_ascii().to_string();
        assert!(!is_allowed(rpc(&["tools/list"], &[]), &request), "{kind}: {shown}");
        assert!(!is_allowed(rpc(&[], &["read"]), &request), "{kind}: {shown}");
        assert!(is_denied(rpc(&[], &["delete_*"]), &request), "{kind}: {shown}");
    }
    assert!(is_allowed(rpc(&["tools/list"], &[]), &posted("/mcp", json, listing)));
    let reads = call.replace("delete_all", "read");
    assert!(is_allowed(rpc(&[], &["read"]), &posted("/mcp", json, &reads)));
    assert!(!is_denied(rpc(&[], &["delete_*"]), &posted("/mcp", json, &reads)));
}

/// Bodies and queries that some server takes for a mutation, or for another field than `viewer`.
#[test]
fn no_spelling_of_a_document_goes_round_an_entry() {
    let json = "application/json";
    let viewer = || graphql(&[GraphqlKind::Query], &[], &["viewer"]);
    let document = |text: &str| format!(r#"{{"query":{}}}"#, serde_json::json!(text));
    let mut requests: Vec<Request> = [
        "mutation{x}",
        "mutation X{viewer}",
        "subscription{viewer}",
        "query A{viewer} mutation B{x}",
        "mutation B{x} query A{viewer}",
        "{viewer:x}",
        "{viewer x}",
        "{viewer, x}",
        "{viewer...F} fragment F on Query{x}",
        "{...F} fragment F on Query{...G} fragment G on Query{x}",
        "{...F} fragment F on Query{...F x}",
        "{...on Query{x}}",
        "{...{x}}",
        "{...@include(if:true){x}}",
        "{...F}",
        "{viewer ...F} fragment F on Query{viewer} fragment F on Query{x}",
        "#{viewer}\nmutation{x}",
        "#\rmutation{x}",
        "{viewer}#\nmutation{x}",
        "\u{feff}mutation{x}",
        "query{viewer}{x}",
        "{__schema{types{name}}}",
        "{__type(name:\"x\"){name}}",
        "extend schema{query:Q}",
        "type Q{viewer:Int}",
        "{viewer(a:\"\"\"}x{\"\"\") x}",
        "{viewer",
        "",
        "viewer",
        "{viewer}\0mutation{x}",
    ]
    .iter()
    .map(|text| posted("/graphql", json, &document(text)))
    .collect();
    for body in [
        r#"{"query":"{viewer}","query":"mutation{x}"}"#,
        r#"{"query":"{viewer}","Query":"mutation{x}"}"#,
        r#"{"query":"{viewer}","query\u0000":"mutation{x}"}"#,
        r#"[{"query":"{viewer}"},{"query":"mutation{x}"}]"#,
        r#"{"query":["{viewer}"]}"#,
        r#"{"query":null,"id":"stored"}"#,
        r#"{"query":"{viewer}","documentId":"stored"}"#,
        r#"{"query":"{viewer}","doc_id":"stored"}"#,
        r#"{"query":"{viewer}","queryId":"stored"}"#,
        r#"{"extensions":{"persistedQuery":{"sha256Hash":"x"}}}"#,
        r#"{"id":"stored"}"#,
        r#"{"operationName":"X"}"#,
    ] {
        requests.push(posted("/graphql", json, body));
    }
    for (kind, body) in [
        ("application/graphql", "mutation{x}"),
        ("application/x-www-form-urlencoded", "query=mutation{x}"),
        ("application/x-www-form-urlencoded", "query={viewer}&query=mutation{x}"),
        ("application/x-www-form-urlencoded", "query={viewer}&QUERY=mutation{x}"),
        ("application/x-www-form-urlencoded", "query={viewer}&query[]=mutation{x}"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=operations\r\n\r\n{\"query\":\"mutation{x}\"}\r\n--x--",
        ),
        ("text/plain", "mutation{x}"),
        ("", "mutation{x}"),
    ] {
        requests.push(posted("/graphql", kind, body));
    }
    for target in [
        "/graphql?query=mutation{x}",
        "/graphql?query={viewer}&query=mutation{x}",
        "/graphql?query={viewer}&Query=mutation{x}",
        "/graphql?query={viewer}&query%5b%5d=mutation{x}",
        "/graphql?query={viewer}&documentId=stored",
        "/graphql?extensions=%7b%22persistedQuery%22:1%7d",
        "/graphql?documentId=stored",
        "/graphql?query={viewer};query=mutation{x}",
        "/graphql?query=%6dutation{x}",
    ] {
        requests.push(posted(target, json, ""));
        requests.push(posted(target, json, &document("{viewer}")));
    }
    for request in requests {
        assert!(!is_allowed(viewer(), &request), "{request:?}");
    }
    for body in ["{viewer}", "query A{viewer{x}} query B{viewer}", "{a:viewer __typename}"] {
        assert!(is_allowed(viewer(), &posted("/graphql", json, &document(body))), "{body}");
    }
    assert!(is_allowed(viewer(), &posted("/graphql?query={viewer{x}}", json, "")));
}
