//! Tool calls in answers, over real sockets: what is let go, what is not, and what the client gets
//! instead.

use http::StatusCode;
use palisade_core::{Action, Event, ToolInput, ToolSeen, Verdict};
use palisade_inference::{Api, Fallback, KeySource, Provider, Route, ServerTool};
use palisade_testkit::{
    Answer, ModelServer, Recorded, Script, Turn, Upstream, answer, json_answer,
};
use serde_json::{Value, json};

use crate::bench::{Bench, KEY, Ledger, config};

/// The same turns in every format.
const CALLS: [(&str, &str); 6] = [
    ("/v1/messages", r#"{"model":"claude-x","stream":true}"#),
    ("/v1/messages", r#"{"model":"claude-x"}"#),
    ("/v1/chat/completions", r#"{"model":"gpt-5","stream":true}"#),
    ("/v1/chat/completions", r#"{"model":"gpt-5"}"#),
    ("/v1/responses", r#"{"model":"gpt-5","stream":true}"#),
    ("/v1/responses", r#"{"model":"gpt-5"}"#),
];

fn server(turns: Vec<Turn>) -> ModelServer {
    ModelServer::start(Script::new(turns).with_key(KEY)).unwrap()
}

fn tool(name: &str) -> Turn {
    Turn::tool(name, json!({"command": "echo \u{e9} \"x\""}))
}

#[tokio::test]
async fn a_call_that_is_allowed_passes_byte_for_byte() {
    for (path, body) in CALLS {
        let direct = server(vec![tool("Bash")]);
        let through = server(vec![tool("Bash")]);
        let plain = Bench::new(&direct.url(), &direct.url()).await;
        let ledger = Ledger::default();
        let bench = Bench::of(config(&through.url(), &through.url()), ledger).await;
        let (expected, got) = (plain.post(path, body).await, bench.post(path, body).await);
        assert_eq!((got.status, &got.body), (StatusCode::OK, &expected.body), "{path} {body}");
        assert!(String::from_utf8_lossy(&got.body).contains("Bash"));
        let actions = bench.ledger.actions.lock().unwrap();
        let calls: Vec<_> = actions
            .iter()
            .filter_map(|action| match action {
                Action::ToolCall(call) => Some(call),
                _ => None,
            })
            .collect();
        let [call] = calls.as_slice() else { panic!("{path} {body}: {calls:?}") };
        assert_eq!((call.name.as_str(), call.seen), ("Bash", ToolSeen::Answer));
        assert_eq!(call.input.text("command"), Some("echo \u{e9} \"x\""));
        assert!(call.id.is_some());
    }
}

#[tokio::test]
async fn a_call_that_is_denied_never_arrives() {
    for (path, body) in CALLS {
        let server = server(vec![tool("Bash")]);
        let ledger = Ledger { denied_tool: Some("Bash"), ..Ledger::default() };
        let bench = Bench::of(config(&server.url(), &server.url()), ledger).await;
        let got = bench.post(path, body).await;
        assert_eq!(got.status, StatusCode::OK);
        let text = String::from_utf8_lossy(&got.body).into_owned();
        assert!(!text.contains("\"command\"") && !text.contains("command\\\""), "{path}: {text}");
        for sign in ["\"tool_use\"", "tool_calls", "function_call", "call_0"] {
            assert!(!text.contains(sign), "{path} {sign}: {text}");
        }
        assert!(text.contains("no such calls here"), "{path}: {text}");
        // The scripted server tells no usage in chunks.
        let tells = path != "/v1/chat/completions" || !body.contains("stream");
        assert!(!tells || text.contains("10"), "usage is kept: {text}");
    }
}

#[tokio::test]
async fn a_custom_tool_is_given_as_text() {
    let server = server(vec![Turn::custom_tool("apply_patch", "*** Begin Patch")]);
    let bench = Bench::new(&server.url(), &server.url()).await;
    let got = bench.post("/v1/responses", r#"{"model":"gpt-5","stream":true}"#).await;
    assert!(String::from_utf8_lossy(&got.body).contains("apply_patch"));
    let actions = bench.ledger.actions.lock().unwrap();
    let Action::ToolCall(call) = &actions[1] else { panic!("{actions:?}") };
    assert_eq!(call.input, ToolInput::Text("*** Begin Patch".into()));
}

#[tokio::test]
async fn results_are_tied_to_their_calls() {
    let server = server(vec![tool("Bash"), Turn::text("a"), Turn::text("b"), Turn::text("c")]);
    let bench = Bench::new(&server.url(), &server.url()).await;
    let first = bench.post("/v1/messages", r#"{"model":"claude-x"}"#).await.json();
    let id = first["content"][0]["id"].as_str().unwrap().to_owned();
    let with = |id: &str| {
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": "x"});
        json!({"model": "claude-x", "messages": [{"role": "user", "content": [result]}]})
            .to_string()
    };
    let told = |bench: &Bench| {
        let events = bench.ledger.events.lock().unwrap();
        events.iter().filter(|event| event.kind == "tool_result").count()
    };
    assert_eq!(bench.post("/v1/messages", &with(&id)).await.status, StatusCode::OK);
    assert_eq!(told(&bench), 0);
    // Recorded once, though every later request of the conversation brings it again.
    for _ in 0..2 {
        assert_eq!(bench.post("/v1/messages", &with("toolu_other")).await.status, StatusCode::OK);
    }
    assert_eq!(told(&bench), 1);

    let mut config = config(&server.url(), &server.url());
    config.deny_unknown_results = true;
    let bench = Bench::of(config, Ledger::default()).await;
    for _ in 0..2 {
        let got = bench.post("/v1/messages", &with("toolu_other")).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN);
        assert!(got.message().contains("inference.tool_results"), "{}", got.message());
    }
}

#[tokio::test]
async fn tools_at_the_provider_run_only_if_they_are_named() {
    let found = json!({"content": [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    ], "stop_reason": "end_turn"});
    let answered = found.clone();
    let server = Upstream::start(move |_| {
        let answered = answered.clone();
        async move { json_answer(StatusCode::OK, &answered) }
    })
    .unwrap();
    let asks =
        r#"{"model":"claude-x","tools":[{"type":"web_search_20250305","name":"web_search"}]}"#;
    let bench = Bench::new(&server.url(), &server.url()).await;
    let got = bench.post("/v1/messages", asks).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.message().contains("add `web_search` to `inference.server_tools`"));
    // Nobody asked for it.
    let got = bench.post("/v1/messages", r#"{"model":"claude-x"}"#).await.json();
    assert_eq!(got["content"][0]["type"], "text");
    assert!(!got.to_string().contains("server_tool_use"));
    let is_denial = |event: &&Event| event.kind == "server_tool" && event.decision == Verdict::Deny;
    assert_eq!(bench.ledger.events.lock().unwrap().iter().filter(is_denial).count(), 2);

    let mut config = config(&server.url(), &server.url());
    config.server_tools = [ServerTool::WebSearch].into_iter().collect();
    let bench = Bench::of(config, Ledger::default()).await;
    assert_eq!(bench.post("/v1/messages", asks).await.json(), found);
}

fn failing(status: StatusCode) -> Upstream {
    Upstream::start(
        move |_| async move { json_answer(status, &json!({"error": {"message": "no"}})) },
    )
    .unwrap()
}

fn say(text: &'static str) -> impl Fn(Recorded) -> std::future::Ready<Answer> + Clone {
    move |_| {
        let said = json!({"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"});
        std::future::ready(json_answer(StatusCode::OK, &said))
    }
}

fn provider(api: Api, url: &str) -> Provider {
    Provider {
        api,
        url: url.parse().unwrap(),
        key: KeySource::None,
        addresses: Vec::new(),
        local: false,
        hosting: None,
    }
}

#[tokio::test]
async fn another_provider_is_asked_if_one_has_no_answer() {
    let (busy, broken) = (failing(StatusCode::TOO_MANY_REQUESTS), failing(StatusCode::BAD_GATEWAY));
    let good = Upstream::start(say("from the last")).unwrap();
    let wrong = failing(StatusCode::BAD_REQUEST);
    let config = |names: &[&str]| {
        let mut config = config(&good.url(), &good.url());
        for (name, url) in [
            ("busy", busy.url()),
            ("broken", broken.url()),
            ("gone", "http://127.0.0.1:1".to_owned()),
            ("wrong", wrong.url()),
            ("good", good.url()),
        ] {
            config.providers.insert(name.into(), provider(Api::Anthropic, &url));
        }
        let fallback =
            |name: &&str| Fallback { to: (*name).into(), rename: Some("other".into()), weight: 0 };
        config.routes = vec![Route {
            model: "*".parse().unwrap(),
            to: names[0].into(),
            rename: None,
            weight: 1,
            fallback: names[1..].iter().map(fallback).collect(),
        }];
        config
    };
    let bench = Bench::of(config(&["busy", "broken", "gone", "good"]), Ledger::default()).await;
    let got = bench.post("/v1/messages", r#"{"model":"m"}"#).await;
    assert_eq!(got.json()["content"][0]["text"], "from the last");
    assert_eq!(busy.requests()[0].json()["model"], "m");
    assert_eq!(good.requests()[0].json()["model"], "other");
    // One decision, and a word of each that failed.
    assert_eq!(bench.ledger.actions.lock().unwrap().len(), 1);
    let is_failure = |event: &&Event| event.kind == "model_failure";
    assert_eq!(bench.ledger.events.lock().unwrap().iter().filter(is_failure).count(), 3);

    // What is the client's own fault stays its own, and the last word is passed on.
    let bench = Bench::of(config(&["wrong", "good"]), Ledger::default()).await;
    let got = bench.post("/v1/messages", r#"{"model":"m"}"#).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    let bench = Bench::of(config(&["broken", "busy"]), Ledger::default()).await;
    let got = bench.post("/v1/messages", r#"{"model":"m"}"#).await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(good.requests().len(), 1);
}

#[tokio::test]
async fn each_format_reaches_a_provider_of_the_other() {
    for (path, body, model) in [
        (
            "/v1/messages",
            r#"{"model":"gpt-5","max_tokens":9,"stream":true,"messages":[]}"#,
            "gpt-5",
        ),
        ("/v1/messages", r#"{"model":"gpt-5","max_tokens":9,"messages":[]}"#, "gpt-5"),
        ("/v1/chat/completions", r#"{"model":"claude-x","stream":true,"messages":[]}"#, "claude-x"),
        ("/v1/chat/completions", r#"{"model":"claude-x","messages":[]}"#, "claude-x"),
    ] {
        let server = server(vec![Turn::text("Hello there."), tool("Bash"), tool("Bad")]);
        let ledger = Ledger { denied_tool: Some("Bad"), ..Ledger::default() };
        let bench = Bench::of(config(&server.url(), &server.url()), ledger).await;
        let mut said = Vec::new();
        for _ in 0..3 {
            let got = bench.post(path, body).await;
            assert_eq!(got.status, StatusCode::OK, "{}", String::from_utf8_lossy(&got.body));
            said.push(String::from_utf8_lossy(&got.body).into_owned());
        }
        let ours = if path == "/v1/messages" { "\"stop_reason\"" } else { "\"finish_reason\"" };
        let other = if path == "/v1/messages" { "\"choices\"" } else { "\"stop_reason\"" };
        for text in &said {
            assert!(text.contains(ours) && !text.contains(other), "{path}: {text}");
        }
        assert!(said[0].contains("Hello") && said[1].contains("Bash"), "{said:?}");
        assert!(said[2].contains("no such calls here") && !said[2].contains("\"Bad\""), "{said:?}");
        let request = server.requests().remove(0);
        assert_eq!(request.json()["model"], model);
        let expected = if path == "/v1/messages" { "/v1/chat/completions" } else { "/v1/messages" };
        assert_eq!(request.uri.path(), expected);
    }
    // Errors too, in the client's shape.
    let server = failing(StatusCode::UNAUTHORIZED);
    let bench = Bench::new(&server.url(), &server.url()).await;
    let got = bench.post("/v1/messages", r#"{"model":"gpt-5","messages":[]}"#).await;
    assert_eq!(
        (got.status, got.json()["type"].clone()),
        (StatusCode::UNAUTHORIZED, json!("error"))
    );
    assert_eq!(got.message(), "no");
    let got = bench.post("/v1/messages", r#"{"model":"gpt-5","messages":[{"role":"x"}]}"#).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn gemini_is_spoken_too() {
    let said = json!({"candidates": [{"content": {"role": "model", "parts": [
        {"text": "hi"}, {"functionCall": {"name": "Good", "args": {"a": 1}}}, {"functionCall": {"name": "Bad", "args": {}}}]}}]});
    let answered = said.clone();
    let server = Upstream::start(move |request: Recorded| {
        let answered = answered.clone();
        async move {
            if request.uri.query() == Some("alt=sse") {
                return answer(
                    StatusCode::OK,
                    "text/event-stream",
                    format!("data: {answered}\r\n\r\n"),
                );
            }
            json_answer(StatusCode::OK, &answered)
        }
    })
    .unwrap();
    let mut config = config(&server.url(), &server.url());
    config
        .providers
        .insert("google".into(), provider(Api::Gemini, &format!("{}/v1beta", server.url())));
    config.routes.push(Route {
        model: "gemini-*".parse().unwrap(),
        to: "google".into(),
        rename: Some("gemini-x".into()),
        weight: 1,
        fallback: Vec::new(),
    });
    let ledger = Ledger { denied_tool: Some("Bad"), ..Ledger::default() };
    let bench = Bench::of(config, ledger).await;
    for path in ["generateContent?key=placeholder", "streamGenerateContent?alt=sse"] {
        let path = format!("/v1beta/models/gemini-2.5:{path}");
        let got = bench.post(&path, r#"{"contents":[]}"#).await;
        let text = String::from_utf8_lossy(&got.body).into_owned();
        let told: Value = serde_json::from_str(text.trim_start_matches("data: ").trim()).unwrap();
        let parts = &told["candidates"][0]["content"]["parts"];
        assert_eq!(parts[1]["functionCall"]["name"], "Good", "{text}");
        assert!(parts[2]["text"].as_str().unwrap().contains("no such calls here"), "{text}");
    }
    let paths: Vec<String> = server.requests().iter().map(|r| r.uri.to_string()).collect();
    assert_eq!(
        paths,
        [
            "/v1beta/models/gemini-x:generateContent",
            "/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
        ]
    );
    let got =
        bench.post("/v1beta/models/gemini-2.5:streamGenerateContent", r#"{"contents":[]}"#).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let got = bench.post("/v1beta/models/gpt-5:generateContent", r#"{"contents":[]}"#).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}
