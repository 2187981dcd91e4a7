//! Claude where others host it: a Bedrock that checks the signature of each request and answers in frames of its
//! own, and a Vertex AI that takes no other token than the one of now.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::StatusCode;
use palisade_core::{Action, BoxFuture, SecretString};
use palisade_inference::{
    Api, AwsKeys, GatewayConfig, HeaderCredential, Hosting, KeyFeed, KeySource, LocalOnly,
    Provider, Route,
};
use palisade_testkit::{Answer, Recorded, Upstream, answer, json_answer};
use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::bench::{Bench, KEY, Ledger, config, got};

const ACCESS: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a request is signed by the secret, as the server finds out: from what it got alone.
fn is_signed(request: &Recorded) -> bool {
    let authorization = request.header("authorization");
    let Some(rest) = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=") else {
        return false;
    };
    let parts: Vec<&str> = rest.split(", ").collect();
    let [credential, names, signature] = parts.as_slice() else { return false };
    let (key, scope) = credential.split_once('/').unwrap();
    let names = names.strip_prefix("SignedHeaders=").unwrap();
    let signature = signature.strip_prefix("Signature=").unwrap();
    let again = |part: &str| part.replace('%', "%25");
    let path: Vec<String> = request.uri.path().split('/').map(again).collect();
    let lines: String =
        names.split(';').map(|name| format!("{name}:{}\n", request.header(name))).collect();
    let body = hex(digest::digest(&digest::SHA256, &request.body).as_ref());
    let canonical = format!("POST\n{}\n\n{lines}\n{names}\n{body}", path.join("/"));
    let date = request.header("x-amz-date");
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}");
    let mut key_of = format!("AWS4{SECRET}").into_bytes();
    for part in scope.split('/') {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key_of);
        key_of = hmac::sign(&key, part.as_bytes()).as_ref().to_vec();
    }
    let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key_of), to_sign.as_bytes());
    key == ACCESS
        && scope.ends_with("/eu-west-1/bedrock/aws4_request")
        && names.contains("host")
        && hex(expected.as_ref()) == signature
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    (!crc).to_be_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for at in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn frame(kind: &str, name: &str, payload: &Value) -> Vec<u8> {
    let mut headers = Vec::new();
    for (key, value) in [(":event-type", name), (":message-type", kind)] {
        headers.push(u8::try_from(key.len()).unwrap());
        headers.extend_from_slice(key.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let payload = payload.to_string();
    let length = u32::try_from(16 + headers.len() + payload.len()).unwrap();
    let mut out = length.to_be_bytes().to_vec();
    out.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
    out.extend_from_slice(&crc(&out));
    out.extend_from_slice(&headers);
    out.extend_from_slice(payload.as_bytes());
    out.extend_from_slice(&crc(&out));
    out
}

fn events() -> Vec<Value> {
    let usage = json!({"input_tokens": 3, "output_tokens": 1});
    vec![
        json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant",
               "model": "x", "content": [], "stop_reason": null, "usage": usage}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0,
               "delta": {"type": "text_delta", "text": "h\u{e9}llo"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1,
               "content_block": {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1,
               "delta": {"type": "input_json_delta", "partial_json": "{\"command\":\"ls\"}"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": usage}),
        json!({"type": "message_stop"}),
    ]
}

fn bedrock(request: &Recorded) -> Answer {
    if !is_signed(request) {
        let why = json!({"message": "The request signature we calculated does not match"});
        return json_answer(StatusCode::FORBIDDEN, &why);
    }
    let sent = request.json();
    assert_eq!(sent["anthropic_version"], "bedrock-2023-05-31");
    assert!(sent.get("model").is_none() && sent.get("stream").is_none());
    if sent["max_tokens"] == 429 {
        return json_answer(StatusCode::TOO_MANY_REQUESTS, &json!({"message": "Too many tokens"}));
    }
    if !request.uri.path().ends_with("/invoke-with-response-stream") {
        let said = json!({"type": "message", "content": [{"type": "text", "text": "hello"}],
                          "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}});
        return json_answer(StatusCode::OK, &said);
    }
    let mut body = Vec::new();
    for event in events() {
        let said = base64(event.to_string().as_bytes());
        body.extend(frame("event", "chunk", &json!({"bytes": said, "p": "abc"})));
    }
    if sent["max_tokens"] == 13 {
        body.truncate(body.len() - 5);
    }
    answer(StatusCode::OK, "application/vnd.amazon.eventstream", body)
}

fn on_bedrock(url: &str, secret: &str) -> GatewayConfig {
    let provider = Provider {
        api: Api::Anthropic,
        url: url.parse().unwrap(),
        key: KeySource::Aws(AwsKeys {
            access_key: ACCESS.into(),
            secret: SecretString::from(secret),
            session_token: None,
        }),
        addresses: Vec::new(),
        local: false,
        hosting: Some(Hosting::Bedrock { region: "eu-west-1".into() }),
    };
    let mut config = config(url, url);
    config.providers.insert("anthropic".into(), provider);
    config.routes[0].rename = Some("eu.anthropic.claude-x-v1:0".into());
    config
}

#[tokio::test]
async fn bedrock_is_called_with_a_signature_and_its_frames_are_events() {
    let server = Upstream::start(|request: Recorded| async move { bedrock(&request) }).unwrap();
    let bench = Bench::of(on_bedrock(&server.url(), SECRET), Ledger::default()).await;
    let plain = bench.post("/v1/messages", r#"{"model":"claude-x","max_tokens":5}"#).await;
    assert_eq!(plain.status, StatusCode::OK, "{}", String::from_utf8_lossy(&plain.body));
    assert_eq!(plain.json()["content"][0]["text"], "hello");
    let asks = r#"{"model":"claude-x","max_tokens":5,"stream":true}"#;
    let got = bench.post("/v1/messages", asks).await;
    assert_eq!(got.headers["content-type"], "text/event-stream");
    let text = String::from_utf8(got.body.to_vec()).unwrap();
    let expected: String = events()
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect();
    assert_eq!(text, expected);
    let actions = bench.ledger.actions.lock().unwrap();
    assert!(actions.iter().any(|one| matches!(one, Action::ToolCall(call) if call.name == "Bash")));
    for request in server.requests() {
        assert!(request.uri.path().starts_with("/model/eu.anthropic.claude-x-v1%3A0/invoke"));
        assert!(!request.contains(SECRET) && !request.contains(KEY));
    }
}

/// Keys that end come with a token, which is signed and goes along.
#[tokio::test]
async fn bedrock_has_the_session_token() {
    let server = Upstream::start(|request: Recorded| async move {
        if request.header("x-amz-security-token") != TOKEN {
            return json_answer(StatusCode::FORBIDDEN, &json!({"message": "no such token"}));
        }
        bedrock(&request)
    })
    .unwrap();
    let mut config = on_bedrock(&server.url(), SECRET);
    let printed = json!({"Version": 1, "AccessKeyId": ACCESS, "SecretAccessKey": SECRET, "SessionToken": TOKEN});
    let keys = AwsKeys::printed(&printed.to_string()).unwrap();
    config.providers.get_mut("anthropic").unwrap().key = KeySource::Aws(keys);
    let bench = Bench::of(config, Ledger::default()).await;
    let got = bench.post("/v1/messages", r#"{"model":"claude-x","max_tokens":5}"#).await;
    assert_eq!(got.status, StatusCode::OK, "{}", String::from_utf8_lossy(&got.body));
    let requests = server.requests();
    let signed = requests[0].header("authorization");
    assert!(signed.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,"));
    assert!(!requests[0].contains(SECRET));
}

const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN==";

#[tokio::test]
async fn bedrocks_tool_calls_are_decided_and_its_errors_are_errors_of_messages() {
    let server = Upstream::start(|request: Recorded| async move { bedrock(&request) }).unwrap();
    let ledger = Ledger { denied_tool: Some("Bash"), ..Ledger::default() };
    let bench = Bench::of(on_bedrock(&server.url(), SECRET), ledger).await;
    let asks = r#"{"model":"claude-x","max_tokens":5,"stream":true}"#;
    let text = String::from_utf8(bench.post("/v1/messages", asks).await.body.to_vec()).unwrap();
    assert!(text.contains("no such calls here") && !text.contains("tool_use"), "{text}");
    let busy = bench.post("/v1/messages", r#"{"model":"claude-x","max_tokens":429}"#).await;
    assert_eq!(busy.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(busy.json()["error"]["type"], "rate_limit_error");
    let counts = bench.post("/v1/messages/count_tokens", r#"{"model":"claude-x"}"#).await;
    assert!(counts.message().contains("counts of tokens"), "{}", counts.message());
    // Another key: the server does not take it.
    let other = Bench::of(on_bedrock(&server.url(), "another-secret-key"), Ledger::default()).await;
    let refused = other.post("/v1/messages", asks).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.message().contains("signature"));
}

#[tokio::test]
async fn a_stream_of_frames_that_is_cut_does_not_look_whole() {
    let server = Upstream::start(|request: Recorded| async move { bedrock(&request) }).unwrap();
    let bench = Bench::of(on_bedrock(&server.url(), SECRET), Ledger::default()).await;
    let body = r#"{"model":"claude-x","max_tokens":13,"stream":true}"#;
    let asks = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: inference.local\r\nanthropic-version: 2023-06-01\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let got = bench.raw(asks.as_bytes()).await;
    assert!(!got.contains("message_stop"), "{got}");
    assert!(got.contains("event: error\ndata: {\"type\":\"error\""), "{got}");
    assert_eq!(server.requests().len(), 1);
}

/// Another token each time.
#[derive(Default)]
struct Tokens(AtomicUsize);

impl KeyFeed for Tokens {
    fn current(&self) -> BoxFuture<'_, Result<Arc<HeaderCredential>, String>> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let key = match number {
            2 => Err("set up the credentials".to_owned()),
            number => {
                let token = SecretString::from(format!("ya29.token-{number}"));
                HeaderCredential::new("authorization: Bearer {secret}", token)
                    .map(Arc::new)
                    .map_err(|error| error.to_string())
            }
        };
        Box::pin(std::future::ready(key))
    }
}

#[tokio::test]
async fn vertex_is_called_with_the_token_of_now() {
    let server = Upstream::start(|request: Recorded| async move {
        let sent = request.json();
        assert_eq!(sent["anthropic_version"], "vertex-2023-10-16");
        assert!(sent.get("model").is_none());
        // It says the token back.
        let text = request.header("authorization");
        let said = json!({"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"});
        json_answer(StatusCode::OK, &said)
    })
    .unwrap();
    let mut config = config(&server.url(), &server.url());
    config.providers.insert(
        "anthropic".into(),
        Provider {
            api: Api::Anthropic,
            url: server.url().parse().unwrap(),
            key: KeySource::Fed(Arc::new(Tokens::default())),
            addresses: Vec::new(),
            local: false,
            hosting: Some(Hosting::Vertex { project: "p".into(), location: "us-east5".into() }),
        },
    );
    let bench = Bench::of(config, Ledger::default()).await;
    for _ in 0..2 {
        let got = bench.post("/v1/messages", r#"{"model":"claude-x@1","max_tokens":5}"#).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(!String::from_utf8_lossy(&got.body).contains("ya29.token"), "{:?}", got.body);
    }
    let missing = bench.post("/v1/messages", r#"{"model":"claude-x@1","max_tokens":5}"#).await;
    assert!(missing.message().contains("set up the credentials"), "{}", missing.message());
    let requests = server.requests();
    let tokens: Vec<String> = requests.iter().map(|it| it.header("authorization")).collect();
    assert_eq!(tokens, ["Bearer ya29.token-0", "Bearer ya29.token-1"]);
    for request in requests {
        assert_eq!(
            request.uri.path(),
            "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-x%401:rawPredict"
        );
    }
}

/// What the policy keeps goes to the provider of the operator's own, or nowhere.
#[tokio::test]
async fn what_may_not_leave_goes_to_a_local_provider_or_nowhere() {
    let say = |_: Recorded| async {
        let said = json!({"content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn"});
        answer(StatusCode::OK, "application/json", said.to_string())
    };
    let (cloud, own) = (Upstream::start(say).unwrap(), Upstream::start(say).unwrap());
    let mut config = config(&cloud.url(), &cloud.url());
    config.local_only = Some(LocalOnly {
        secrets: true,
        cards: true,
        texts: ["Project Falcon".to_owned()].into(),
        patterns: ["PF-[0-9]{4}".to_owned()].into(),
    });
    config.providers.insert(
        "own".into(),
        Provider {
            api: Api::Anthropic,
            url: own.url().parse().unwrap(),
            key: KeySource::None,
            addresses: Vec::new(),
            local: true,
            hosting: None,
        },
    );
    config.routes.push(Route {
        model: "claude-both".parse().unwrap(),
        to: "own".into(),
        rename: Some("local-model".into()),
        weight: 1,
        fallback: Vec::new(),
    });
    let bench = Bench::of(config, Ledger::default()).await;
    let said = |model: &str, text: &str| {
        json!({"model": model, "messages": [{"role": "user", "content": text}]}).to_string()
    };
    let sensitive = [
        "about project falcon",
        "see PF-1234",
        "4111 1111 1111 1111",
        "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",
    ];
    for text in sensitive {
        let got = bench.post("/v1/messages", &said("claude-both", text)).await;
        assert_eq!(got.status, StatusCode::OK, "{text}");
        let refused = bench.post("/v1/messages", &said("claude-other", text)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{text}");
        assert!(refused.message().contains("inference.local_only"), "{}", refused.message());
        let counted = bench.post("/v1/messages/count_tokens", &said("claude-other", text)).await;
        assert_eq!(counted.status, StatusCode::FORBIDDEN, "{text}");
    }
    assert!(cloud.requests().is_empty());
    assert_eq!(own.requests().len(), sensitive.len());
    assert!(own.requests().iter().all(|request| request.json()["model"] == "local-model"));
    // Beside a body, and where there is none.
    let list = http::Request::get("/v1/models?after_id=PF-1234").header("x-api-key", "x");
    let titled = http::Request::post("/v1/messages")
        .header("x-api-key", "x")
        .header("x-title", "Project Falcon")
        .header("content-type", "application/json");
    let other = said("claude-other", "the weather");
    for (request, body) in [(list, String::new()), (titled, other)] {
        let request = request.body(http_body_util::Full::from(body)).unwrap();
        let refused = got(bench.send(request).await).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.message().contains("inference.local_only"), "{}", refused.message());
    }
    assert!(cloud.requests().is_empty());
    let plain = bench.post("/v1/messages", &said("claude-both", "the weather")).await;
    assert_eq!((plain.status, cloud.requests().len()), (StatusCode::OK, 1));
    let events = bench.ledger.events.lock().unwrap();
    let found = events.iter().filter(|event| event.kind == "privacy");
    assert_eq!(found.count(), 3 * sensitive.len() + 2);
    assert!(!events.iter().any(|event| format!("{event:?}").contains("1111")));
}
