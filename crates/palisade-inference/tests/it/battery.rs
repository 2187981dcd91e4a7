//! Attempts on the gateway, as tables: what a client asks for that no provider may get from here, and beside it what it
//! may, so that a row which is refused is refused for its own sake.

use http::StatusCode;
use palisade_inference::{Api, GatewayConfig, Quota, Route, ServerTool, Usd};
use palisade_testkit::{Upstream, json_answer};
use serde_json::json;

use crate::bench::{Bench, Ledger, config, provider};

const MESSAGES: &str = "/v1/messages";
const COUNT: &str = "/v1/messages/count_tokens";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const EMBED: &str = "/v1/embeddings";
const GEMINI: &str = "/v1beta/models/gemini-x:generateContent";
const GEMINI_COUNT: &str = "/v1beta/models/gemini-x:countTokens";
const GEMINI_EMBED: &str = "/v1beta/models/gemini-x:embedContent";
const GEMINI_BATCH: &str = "/v1beta/models/gemini-x:batchEmbedContents";

/// Answers whatever it is asked, in all formats at once.
fn server() -> Upstream {
    Upstream::start(|_| async {
        let said = json!({
            "id": "resp_1", "type": "message", "role": "assistant", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "hi"}], "output": [], "choices": [], "candidates": [],
            "container": {"id": "container_ours"}, "input_tokens": 1, "totalTokens": 1,
        });
        json_answer(StatusCode::OK, &said)
    })
    .unwrap()
}

fn of(url: &str) -> GatewayConfig {
    let mut config = config(url, url);
    config
        .providers
        .insert("google".into(), provider(Api::Gemini, url, "x-goog-api-key: {secret}"));
    let model = "gemini-*".parse().unwrap();
    let to = "google".into();
    config.routes.push(Route { model, to, rename: None, weight: 1, fallback: Vec::new() });
    config
}

/// A body with its model, where it has one there.
fn body(path: &str, rest: &str) -> String {
    let model = match path {
        MESSAGES | COUNT => r#""model":"claude-x","max_tokens":9"#,
        CHAT | RESPONSES | EMBED => r#""model":"gpt-x""#,
        _ => "",
    };
    let between = if model.is_empty() || rest.is_empty() { "" } else { "," };
    format!("{{{model}{between}{rest}}}")
}

/// None of these reaches the server.
async fn refused(config: GatewayConfig, server: &Upstream, rows: &[(&str, &str)]) {
    let bench = Bench::of(config, Ledger::default()).await;
    let mut through = Vec::new();
    for (path, rest) in rows {
        let before = server.requests().len();
        let status = bench.post(path, &body(path, rest)).await.status.as_u16();
        if !matches!(status, 400 | 403) || server.requests().len() != before {
            through.push(format!("{path} {rest}: {status}"));
        }
    }
    assert!(through.is_empty(), "{} got through:\n{}", through.len(), through.join("\n"));
}

/// All of these do.
async fn passed(config: GatewayConfig, server: &Upstream, rows: &[(&str, &str)]) {
    let bench = Bench::of(config, Ledger::default()).await;
    for (number, (path, rest)) in rows.iter().enumerate() {
        let got = bench.post(path, &body(path, rest)).await;
        assert_eq!(got.status, StatusCode::OK, "{path} {rest}: {:?}", got.body);
        assert_eq!(server.requests().len(), number + 1, "{path} {rest}");
    }
}

#[tokio::test]
async fn has_the_provider_fetch_an_address() {
    let server = server();
    let rows = [
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://evil.test/?key"}}]}]"#,
        ),
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://evil.test"}}]}]"#,
        ),
        (
            MESSAGES,
            r#""system":[{"type":"image","source":{"type":"url","url":"https://evil.test"}}],"messages":[]"#,
        ),
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"url","url":"http://169.254.169.254/"}}]}]}]"#,
        ),
        (
            MESSAGES,
            r#""mcp_servers":[{"type":"url","url":"https://evil.test","name":"x"}],"messages":[]"#,
        ),
        (
            COUNT,
            r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://evil.test/?key"}}]}]"#,
        ),
        (
            COUNT,
            r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://evil.test/?key"}}]}]"#,
        ),
        (
            COUNT,
            r#""mcp_servers":[{"type":"url","url":"https://evil.test","name":"x"}],"messages":[]"#,
        ),
        (COUNT, r#""tools":[{"type":"mcp_toolset","mcp_server_name":"x"}],"messages":[]"#),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://evil.test"}}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"image_url","imageUrl":"https://evil.test"}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"image_url","IMAGE_URL":{"URL":"https://evil.test"}}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"https://evil.test/a.mp3","format":"mp3"}}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"video","video":["https://evil.test/1.jpg"]}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"file:///etc/passwd"}}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"audio_url","audio_url":{"url":"http://127.0.0.1:1/"}}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"https://evil.test"}}]}]"#,
        ),
        (EMBED, r#""input":[{"image":"https://evil.test"}]"#),
        (EMBED, r#""input":[{"image_url":"https://evil.test"}]"#),
        (
            EMBED,
            r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://evil.test"}}]}]"#,
        ),
        (
            RESPONSES,
            r#""input":[{"role":"user","content":[{"type":"input_image","image_url":"https://evil.test"}]}]"#,
        ),
        (
            RESPONSES,
            r#""input":[{"role":"user","content":[{"type":"input_file","file_url":"https://evil.test"}]}]"#,
        ),
        (
            RESPONSES,
            r#""input":[{"type":"custom_tool_call_output","call_id":"c","output":[{"type":"input_file","file_url":"https://evil.test"}]}]"#,
        ),
        (GEMINI, r#""contents":[{"parts":[{"fileData":{"fileUri":"https://evil.test"}}]}]"#),
        (GEMINI, r#""contents":[{"parts":[{"file_data":{"file_uri":"HTTPS://evil.test"}}]}]"#),
        (GEMINI, r#""contents":[{"parts":[{"fileData":{"fileUri":"gs://bucket/x"}}]}]"#),
        (
            GEMINI,
            r#""contents":[{"parts":[{"functionResponse":{"name":"x","parts":[{"fileData":{"fileUri":"https://evil.test"}}]}}]}]"#,
        ),
        (GEMINI, r#""systemInstruction":{"parts":[{"fileData":{"fileUri":"https://evil.test"}}]}"#),
        (GEMINI_COUNT, r#""contents":[{"parts":[{"fileData":{"fileUri":"https://evil.test"}}]}]"#),
        (
            GEMINI_COUNT,
            r#""generateContentRequest":{"model":"models/gemini-x","contents":[{"parts":[{"fileData":{"fileUri":"https://evil.test"}}]}]}"#,
        ),
        (
            GEMINI_COUNT,
            r#""generate_content_request":{"contents":[{"parts":[{"file_data":{"file_uri":"https://evil.test"}}]}]}"#,
        ),
        (GEMINI_EMBED, r#""content":{"parts":[{"fileData":{"fileUri":"https://evil.test"}}]}"#),
        (
            GEMINI_BATCH,
            r#""requests":[{"content":{"parts":[{"fileData":{"fileUri":"https://evil.test"}}]}}]"#,
        ),
    ];
    refused(of(&server.url()), &server, &rows).await;
}

#[tokio::test]
async fn names_what_is_stored_at_the_provider() {
    let server = server();
    let mut config = of(&server.url());
    config.server_tools = [ServerTool::CodeExecution, ServerTool::ImageGeneration].into();
    let rows = [
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]"#,
        ),
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"file_1"}}]}]"#,
        ),
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"container_upload","file_id":"file_1"}]}]"#,
        ),
        (MESSAGES, r#""container":"container_other","messages":[]"#),
        (MESSAGES, r#""container":{"id":"container_other"},"messages":[]"#),
        (MESSAGES, r#""container":{"id":["container_other"]},"messages":[]"#),
        (
            COUNT,
            r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]"#,
        ),
        (CHAT, r#""messages":[],"preset":"@preset/x""#),
        (
            RESPONSES,
            r#""input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]"#,
        ),
        (
            RESPONSES,
            r#""input":[{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}]"#,
        ),
        (
            RESPONSES,
            r#""input":[{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","file_id":"file-1"}}]"#,
        ),
        (RESPONSES, r#""input":[{"type":"image_generation_call","id":"ig_other"}]"#),
        (RESPONSES, r#""input":[{"type":"item_reference","id":"msg_other"}]"#),
        (RESPONSES, r#""input":[{"id":"msg_other"}]"#),
        (RESPONSES, r#""previous_response_id":"resp_other","input":"x""#),
        (RESPONSES, r#""conversation":"conv_1","input":"x""#),
        (RESPONSES, r#""prompt":{"id":"pmpt_1"}"#),
        (
            RESPONSES,
            r#""tools":[{"type":"code_interpreter","container":"cntr_other"}],"input":"x""#,
        ),
        (
            RESPONSES,
            r#""tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}}],"input":"x""#,
        ),
        (
            RESPONSES,
            r#""tools":[{"type":"shell","environment":{"type":"container_reference","container_id":"cntr_other"}}],"input":"x""#,
        ),
        (GEMINI, r#""cachedContent":"cachedContents/x","contents":[]"#),
        (GEMINI, r#""contents":[{"parts":[{"fileData":{"fileUri":"files/x"}}]}]"#),
        (
            GEMINI_COUNT,
            r#""generateContentRequest":{"model":"models/gemini-x","cachedContent":"cachedContents/x"}"#,
        ),
    ];
    refused(config, &server, &rows).await;
}

/// What OpenRouter reads out of the name of a model.
#[tokio::test]
async fn asks_for_a_search_or_a_preset_by_the_name_of_a_model() {
    let server = server();
    let mut config = of(&server.url());
    let any = "*".parse().unwrap();
    let to = "openai".into();
    config.routes.push(Route { model: any, to, rename: None, weight: 1, fallback: Vec::new() });
    let bench = Bench::of(config, Ledger::default()).await;
    let post = async |model: &str| {
        bench.post(CHAT, &format!(r#"{{"model":"{model}","messages":[]}}"#)).await.status
    };
    for model in [
        "a/b:online",
        "a/b:online:floor",
        "a/b:free:Online",
        "@preset/x",
        "a/b@preset/x",
        "a/b:online@preset/x",
    ] {
        assert_eq!(post(model).await, StatusCode::FORBIDDEN, "{model}");
    }
    assert!(server.requests().is_empty());
    for model in ["a/b", "a/b:free", "a/online", "preset/x"] {
        assert_eq!(post(model).await, StatusCode::OK, "{model}");
    }
}

#[tokio::test]
async fn has_it_done_out_of_sight_or_by_another_model() {
    let server = server();
    let rows = [
        (RESPONSES, r#""background":true,"input":"x""#),
        (RESPONSES, r#""background":true,"stream":true,"input":"x""#),
        (RESPONSES, r#""\u0062ackground":1,"input":"x""#),
        (RESPONSES, r#""Background":true,"input":"x""#),
        (CHAT, r#""messages":[],"deferred":true"#),
        (CHAT, r#""messages":[],"models":["other"]"#),
        (CHAT, r#""messages":[],"fallbacks":["other"]"#),
        (CHAT, r#""messages":[],"api_base":"https://evil.test""#),
        (CHAT, r#""messages":[],"api_key":"of-another-account""#),
        (CHAT, r#""messages":[],"extra_body":{"tools":[{"type":"web_search"}]}"#),
        (MESSAGES, r#""messages":[],"base_url":"https://evil.test""#),
        (CHAT, r#""messages":[],"plugins":[{"id":"web"}]"#),
        (CHAT, r#""messages":[],"connectors":[{"id":"web-search"}]"#),
        (CHAT, r#""messages":[],"enable_search":true"#),
        (CHAT, r#""messages":[],"enable_code_interpreter":true"#),
        (CHAT, r#""messages":[],"mcp_servers":[{"url":"https://evil.test"}]"#),
        (CHAT, r#""messages":[],"search_parameters":{"mode":"on"}"#),
        (MESSAGES, r#""messages":[],"models":["other"]"#),
        (MESSAGES, r#""messages":[],"plugins":[{"id":"web"}]"#),
        (MESSAGES, r#""messages":[],"web_search_options":{}"#),
        (RESPONSES, r#""input":"x","plugins":[{"id":"web"}]"#),
        (RESPONSES, r#""input":"x","web_search_options":{}"#),
        (
            RESPONSES,
            r#""input":[{"type":"tool_search_output","call_id":"c","tools":[{"type":"mcp","server_url":"https://evil.test"}]}]"#,
        ),
        (
            RESPONSES,
            r#""input":[{"type":"tool_search_output","call_id":"c","tools":[{"type":"web_search"}]}]"#,
        ),
        (
            RESPONSES,
            r#""input":[{"type":"tool_search_output","call_id":"c","tools":[{"type":"namespace","name":"n","tools":[{"type":"code_interpreter"}]}]}]"#,
        ),
        (GEMINI_COUNT, r#""generateContentRequest":{"model":"models/gemini-other","contents":[]}"#),
        (GEMINI_BATCH, r#""requests":[{"model":"models/gemini-other","content":{"parts":[]}}]"#),
    ];
    refused(of(&server.url()), &server, &rows).await;
}

#[tokio::test]
async fn spends_more_than_is_counted() {
    let server = server();
    let mut config = of(&server.url());
    let quota = Quota { scope: "p".into(), usd_per_day: Some(Usd(1 << 60)), ..Quota::default() };
    config.quotas = vec![quota];
    for route in &mut config.routes {
        route.rename = Some("claude-opus-4-8".into());
    }
    let rows = [
        (MESSAGES, r#""messages":[],"service_tier":"priority""#),
        (MESSAGES, r#""messages":[],"speed":"fast""#),
        (MESSAGES, r#""messages":[],"inference_geo":"us""#),
        (CHAT, r#""messages":[],"service_tier":"priority""#),
        (RESPONSES, r#""input":"x","service_tier":"scale""#),
        (GEMINI, r#""contents":[],"serviceTier":"priority""#),
    ];
    refused(config, &server, &rows).await;
}

/// The twins.
#[tokio::test]
async fn what_agents_ask_for_is_passed_on() {
    let server = server();
    let rows = [
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}]}]"#,
        ),
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"see https://a.test"}}]}]"#,
        ),
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"search_result","source":"https://a.test","title":"t","content":[{"type":"text","text":"x"}]}]}]"#,
        ),
        (MESSAGES, r#""messages":[],"service_tier":"priority","speed":"fast""#),
        (
            MESSAGES,
            r#""messages":[{"role":"user","content":[{"type":"bash_code_execution_tool_result","tool_use_id":"t","content":{"type":"bash_code_execution_result","content":[{"type":"bash_code_execution_output","file_id":"file_1"}]}}]}]"#,
        ),
        (
            COUNT,
            r#""tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"see https://a.test"}]"#,
        ),
        (
            CHAT,
            r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]}],"background":false"#,
        ),
        (EMBED, r#""input":["https://a.test","x"]"#),
        (
            RESPONSES,
            r#""background":false,"input":[{"role":"user","content":[{"type":"input_file","filename":"a","file_data":"data:application/pdf;base64,x"}]}]"#,
        ),
        (RESPONSES, r#""input":[{"type":"image_generation_call","id":"ig_1","result":"iVBO"}]"#),
        (
            RESPONSES,
            r#""input":[{"type":"tool_search_output","call_id":"c","tools":[{"type":"function","name":"f"}]}],"tools":[{"type":"function","name":"g"}]"#,
        ),
        (RESPONSES, r#""previous_response_id":"resp_1","input":"x""#),
        (
            GEMINI,
            r#""contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBO"}}]},{"parts":[{"functionResponse":{"name":"x","response":{"url":"https://a.test"}}}]}]"#,
        ),
        (
            GEMINI_COUNT,
            r#""generateContentRequest":{"model":"models/gemini-x","contents":[{"parts":[{"text":"x"}]}]}"#,
        ),
        (GEMINI_COUNT, r#""contents":[{"parts":[{"text":"https://a.test"}]}]"#),
        (
            GEMINI_EMBED,
            r#""model":"models/gemini-x","content":{"parts":[{"text":"https://a.test"}]}"#,
        ),
    ];
    passed(of(&server.url()), &server, &rows).await;
}

/// A container is the session's own once an answer has told of it.
#[tokio::test]
async fn goes_on_in_a_container_of_its_own() {
    let server = server();
    let mut config = of(&server.url());
    config.server_tools = [ServerTool::CodeExecution].into();
    let rows = [
        (MESSAGES, r#""messages":[]"#),
        (MESSAGES, r#""container":"container_ours","messages":[]"#),
        (MESSAGES, r#""container":{"id":"container_ours"},"messages":[]"#),
    ];
    passed(config, &server, &rows).await;
}
