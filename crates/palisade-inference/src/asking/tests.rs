use proptest::prelude::*;

use super::*;

fn of(wire: Wire, body: &str) -> Asking {
    Asking::of(body.as_bytes(), wire).unwrap()
}

fn tools(wire: Wire, body: &str) -> Vec<Option<ServerTool>> {
    of(wire, body).at_provider.into_iter().map(|(tool, _)| tool).collect()
}

#[test]
fn tools_at_the_provider_are_found() {
    for (wire, body, tool) in [
        (
            Wire::Messages,
            r#"{"tools":[{"type":"web_search_20250305","name":"x"}]}"#,
            Some(ServerTool::WebSearch),
        ),
        (Wire::Messages, r#"{"mcp_servers":[{"url":"x"}]}"#, Some(ServerTool::Mcp)),
        (Wire::Messages, r#"{"container":{"skills":[]}}"#, Some(ServerTool::CodeExecution)),
        (Wire::Messages, r#"{"tools":[{"type":"new_20300101"}]}"#, None),
        (Wire::Messages, r#"{"tools":[{"type":1}]}"#, None),
        (Wire::Messages, r#"{"tools":{"type":"web_fetch_1"}}"#, Some(ServerTool::WebFetch)),
        (
            Wire::Messages,
            r#"{"\u0074ools":[{"typ\u0065":"web_fetch_1"}]}"#,
            Some(ServerTool::WebFetch),
        ),
        (Wire::Chat, r#"{"web_search_options":{}}"#, Some(ServerTool::WebSearch)),
        (Wire::Chat, r#"{"plugins":[{"id":"web"}]}"#, None),
        (Wire::Responses, r#"{"tools":[{"type":"mcp"}]}"#, Some(ServerTool::Mcp)),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"namespace","tools":[{"type":"mcp"}]}]}"#,
            Some(ServerTool::Mcp),
        ),
        (Wire::Responses, r#"{"tools":[{"type":"tool_search"}]}"#, Some(ServerTool::ToolSearch)),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"shell","environment":{"type":"container_auto"}}]}"#,
            Some(ServerTool::CodeExecution),
        ),
        (Wire::Gemini, r#"{"tools":[{"googleSearch":{}}]}"#, Some(ServerTool::WebSearch)),
        (Wire::Gemini, r#"{"tools":[{"code_execution":{}}]}"#, Some(ServerTool::CodeExecution)),
        (Wire::Gemini, r#"{"tools":[{"newThing":{}}]}"#, None),
    ] {
        assert_eq!(tools(wire, body), [tool], "{body}");
    }
    for (wire, body) in [
        (
            Wire::Messages,
            r#"{"tools":[{"name":"Bash","input_schema":{}},{"type":"bash_20250124"},{"type":"custom"}],"mcp_servers":[]}"#,
        ),
        (Wire::Chat, r#"{"tools":[{"type":"function"}],"web_search_options":null}"#),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"function"},{"type":"custom"},{"type":"local_shell"},{"type":"tool_search","execution":"client"},{"type":"shell"}]}"#,
        ),
        (Wire::Gemini, r#"{"tools":[{"functionDeclarations":[]}]}"#),
        (Wire::Nothing, r#"{"tools":[{"type":"mcp"}]}"#),
    ] {
        assert_eq!(tools(wire, body), [], "{body}");
    }
    assert!(of(Wire::Chat, r#"{"models":["a"]}"#).refused.is_some());
    assert!(of(Wire::Responses, r#"{"prompt":{"id":"a"}}"#).refused.is_some());
    for bad in [
        r#"{"Tools":[]}"#,
        r#"{"tools":[{"a":1,"a":2}]}"#,
        r#"{"messages":[{"role":"a","role":"b"}]}"#,
    ] {
        assert!(Asking::of(bad.as_bytes(), Wire::Messages).is_err(), "{bad}");
    }
}

#[test]
fn results_are_found_wherever_they_stand() {
    for (wire, body) in [
        (
            Wire::Messages,
            r#"{"messages":[{"role":"user","content":"x"},{"role":"user","content":[{"type":"text"},{"tool_use_id":"1","content":[{"type":"text"}],"type":"tool_result"}]}]}"#,
        ),
        (
            Wire::Chat,
            r#"{"messages":[{"role":"tool","tool_call_id":"1","content":"x"},{"role":"assistant","tool_calls":[{"id":"2"}]}]}"#,
        ),
        (
            Wire::Responses,
            r#"{"input":[{"type":"function_call","call_id":"1"},{"type":"function_call_output","call_id":"1","output":"x"}]}"#,
        ),
        (
            Wire::Gemini,
            r#"{"contents":[{"role":"user","parts":[{"functionResponse":{"id":"1","name":"x"}}]}]}"#,
        ),
    ] {
        assert_eq!(of(wire, body).results, ["1"], "{body}");
    }
    assert!(of(Wire::Responses, r#"{"input":"hello"}"#).results.is_empty());
}

#[test]
fn what_is_taken_from_the_providers_memory_is_found() {
    for body in [
        r#"{"previous_response_id":"1"}"#,
        r#"{"input":[{"type":"item_reference","id":"1"}]}"#,
        r#"{"input":[{"\u0069d":"1"}]}"#,
        r#"{"input":[{"type":null,"id":"1"}]}"#,
    ] {
        assert_eq!(of(Wire::Responses, body).stored, ["1"], "{body}");
    }
    assert_eq!(of(Wire::Responses, r#"{"previous_response_id":{}}"#).stored, [""]);
    assert!(of(Wire::Responses, r#"{"conversation":"1"}"#).refused.is_some());
    for body in [
        r#"{"previous_response_id":null,"conversation":null}"#,
        r#"{"input":[{"type":"message","id":"1","role":"user"},{"role":"user","id":"1"}]}"#,
    ] {
        let asking = of(Wire::Responses, body);
        assert_eq!((asking.stored.len(), asking.refused), (0, None), "{body}");
    }
    assert!(of(Wire::Chat, r#"{"messages":[{"id":"1"}]}"#).stored.is_empty());
}

#[test]
fn what_the_provider_would_fetch_is_found() {
    for (wire, part) in [
        (
            Wire::Messages,
            r#"{"type":"image","source":{"type":"url","url":"https://evil.test/?key"}}"#,
        ),
        (
            Wire::Messages,
            r#"{"type":"document","source":{"type":"content","content":[{"type":"image","source":{"url":"https://e"}}]}}"#,
        ),
        (
            Wire::Messages,
            r#"{"type":"tool_result","content":[{"type":"image","source":{"url":"http://e"}}]}"#,
        ),
        (Wire::Chat, r#"{"type":"image_url","image_url":{"url":"https://evil.test"}}"#),
        (Wire::Responses, r#"{"type":"input_image","image_url":"https://evil.test"}"#),
        (Wire::Responses, r#"{"type":"input_file","file_url":"https://evil.test"}"#),
    ] {
        let key = if wire == Wire::Responses { "input" } else { "messages" };
        let body = format!(r#"{{"{key}":[{{"role":"user","content":[{part}]}}]}}"#);
        assert_eq!(tools(wire, &body), [Some(ServerTool::WebFetch)], "{body}");
    }
    let output = r#"{"input":[{"type":"function_call_output","call_id":"1","output":[{"type":"input_image","image_url":"https://e"}]}]}"#;
    assert_eq!(tools(Wire::Responses, output), [Some(ServerTool::WebFetch)]);
    let gemini = r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://e"}}]}]}"#;
    assert_eq!(tools(Wire::Gemini, gemini), [Some(ServerTool::WebFetch)]);
    // Of OpenRouter and of Mistral.
    for part in [
        r#"{"type":"file","file":{"filename":"a.pdf","file_data":"https://evil.test/?key"}}"#,
        r#"{"type":"document_url","document_url":"https://evil.test/?key"}"#,
    ] {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
        assert_eq!(tools(Wire::Chat, &body), [Some(ServerTool::WebFetch)], "{body}");
    }
    let system = r#"{"systemInstruction":{"parts":[{"fileData":{"fileUri":"https://e"}}]}}"#;
    assert_eq!(tools(Wire::Gemini, system), [Some(ServerTool::WebFetch)]);
    for part in [
        r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,x"}}"#,
        r#"{"type":"file","file":{"file_data":"aHR0cHM6Ly8"}}"#,
        r#"{"type":"image","source":{"type":"base64","data":"https"}}"#,
        r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,x"}}"#,
        r#"{"type":"text","text":"see https://evil.test"}"#,
        r#"{"type":"tool_use","input":{"url":"https://x","image_url":"https://x"}}"#,
    ] {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
        assert_eq!(tools(Wire::Messages, &body), [], "{body}");
    }
    assert!(of(Wire::Gemini, r#"{"cachedContent":"x"}"#).refused.is_some());
}

#[test]
fn what_is_counted_or_embedded_is_fetched_all_the_same() {
    let asked = |wire, body: &str| {
        let at_provider = of(wire, body).unanswered().at_provider;
        at_provider.into_iter().map(|(tool, _)| tool).collect::<Vec<_>>()
    };
    let fetched = [Some(ServerTool::WebFetch)];
    for (wire, body) in [
        (
            Wire::Messages,
            r#"{"messages":[{"content":[{"type":"image","source":{"type":"url","url":"https://e"}}]}]}"#,
        ),
        (Wire::Gemini, r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://e"}}]}]}"#),
        (Wire::Gemini, r#"{"content":{"parts":[{"fileData":{"fileUri":"https://e"}}]}}"#),
        (
            Wire::Gemini,
            r#"{"requests":[{"content":{"parts":[{"file_data":{"file_uri":"gs://e"}}]}}]}"#,
        ),
        (
            Wire::Gemini,
            r#"{"generateContentRequest":{"contents":[{"parts":[{"fileData":{"fileUri":"files/e"}}]}]}}"#,
        ),
        (Wire::Chat, r#"{"input":[{"image":"https://e"}]}"#),
        (Wire::Chat, r#"{"input":[{"content":[{"type":"image_url","image_url":"https://e"}]}]}"#),
    ] {
        assert_eq!(asked(wire, body), fetched, "{body}");
    }
    let servers = r#"{"mcp_servers":[{"url":"https://e"}],"tools":[{"type":"web_search_1"}]}"#;
    assert_eq!(asked(Wire::Messages, servers), [Some(ServerTool::Mcp)]);
    let within = r#"{"generateContentRequest":{"cachedContent":"x"}}"#;
    assert!(of(Wire::Gemini, within).unanswered().refused.is_some());
    for plain in [
        r#"{"input":["https://e","see https://e"]}"#,
        r#"{"input":"https://e"}"#,
        r#"{"tools":[{"type":"web_search_1"}],"messages":[{"role":"tool","tool_call_id":"1","content":"x"}]}"#,
    ] {
        let asking = of(Wire::Chat, plain).unanswered();
        assert!(asking.at_provider.is_empty() && asking.results.is_empty(), "{plain}");
    }
}

#[test]
fn an_address_is_found_however_it_is_called() {
    for part in [
        r#"{"type":"image_url","imageUrl":{"url":"https://e"}}"#,
        r#"{"type":"image_url","Image_URL":{"URL":"https://e"}}"#,
        r#"{"type":"image","image":"https://e"}"#,
        r#"{"type":"image","image":["http://e/1","http://e/2"]}"#,
        r#"{"type":"video","video":["https://e/1.jpg"]}"#,
        r#"{"type":"video_url","video_url":{"url":"file:///etc/passwd"}}"#,
        r#"{"type":"audio_url","audio_url":{"url":"http://169.254.169.254/"}}"#,
        r#"{"type":"input_audio","input_audio":{"data":"https://e/a.mp3","format":"mp3"}}"#,
        r#"{"type":"image","source":{"type":"s3","s3Location":{"uri":"s3://bucket/x"}}}"#,
        r#"{"type":"image","images":[{"image_url":{"url":"https://e"}}]}"#,
        r#"{"role":"user","parts":[{"fileData":{"fileUri":"HTTPS://e"}}]}"#,
        r#"{"parts":[{"functionResponse":{"name":"x","parts":[{"fileData":{"fileUri":"https://e"}}]}}]}"#,
    ] {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
        assert_eq!(tools(Wire::Chat, &body), [Some(ServerTool::WebFetch)], "{body}");
    }
    for part in [
        r#"{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}"#,
        r#"{"type":"image","image":"data:image/png;base64,iVBO"}"#,
        r#"{"type":"search_result","source":"https://e","title":"t","content":[{"type":"text","text":"x"}]}"#,
        r#"{"type":"web_search_tool_result","content":[{"type":"web_search_result","url":"https://e"}]}"#,
        r#"{"type":"document","source":{"type":"text","data":"see https://e"}}"#,
        r#"{"parts":[{"functionResponse":{"name":"x","response":{"url":"https://e","uri":"a:b"}}}]}"#,
    ] {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
        assert_eq!(tools(Wire::Messages, &body), [], "{body}");
    }
}

#[test]
fn what_is_stored_there_is_nobodys_to_name() {
    for (wire, body) in [
        (
            Wire::Messages,
            r#"{"messages":[{"content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]}"#,
        ),
        (
            Wire::Messages,
            r#"{"messages":[{"content":[{"type":"container_upload","file_id":"file_1"}]}]}"#,
        ),
        (Wire::Chat, r#"{"messages":[{"content":[{"type":"file","file":{"file_id":"file-1"}}]}]}"#),
        (Wire::Responses, r#"{"input":[{"content":[{"type":"input_file","file_id":"1"}]}]}"#),
        (Wire::Responses, r#"{"input":[{"content":[{"type":"input_image","fileId":"1"}]}]}"#),
        (
            Wire::Responses,
            r#"{"input":[{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","file_id":"1"}}]}"#,
        ),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["1"]}}]}"#,
        ),
        (Wire::Chat, r#"{"preset":"x"}"#),
        (Wire::Messages, r#"{"models":["a","b"]}"#),
        (Wire::Chat, r#"{"fallbacks":["b"]}"#),
        (Wire::Responses, r#"{"background":true}"#),
        (Wire::Chat, r#"{"deferred":true}"#),
        (Wire::Chat, r#"{"background":"true"}"#),
        (Wire::Chat, r#"{"api_base":"https://b.test"}"#),
        (Wire::Messages, r#"{"base_url":"https://b.test"}"#),
        (Wire::Chat, r#"{"api_key":"of-another-account"}"#),
        (Wire::Chat, r#"{"extra_body":{"max_tokens":1000000,"tools":[]}}"#),
        (Wire::Responses, r#"{"extra_headers":{"authorization":"x"}}"#),
        (Wire::Chat, r#"{"user_config":{"model_list":[]}}"#),
    ] {
        assert!(of(wire, body).refused.is_some(), "{body}");
    }
    for (wire, body) in [
        (
            Wire::Messages,
            r#"{"messages":[{"content":[{"type":"bash_code_execution_tool_result","content":{"content":[{"type":"bash_code_execution_output","file_id":"file_1"}]}}]}]}"#,
        ),
        (Wire::Responses, r#"{"background":false,"preset":null,"models":[]}"#),
        (
            Wire::Chat,
            r#"{"messages":[{"content":[{"type":"file","file":{"file_id":null,"file_data":"data:x"}}]}]}"#,
        ),
    ] {
        assert_eq!(of(wire, body).refused, None, "{body}");
    }
    for (wire, body, stored) in [
        (Wire::Messages, r#"{"container":"c_1"}"#, Some("c_1")),
        (Wire::Messages, r#"{"container":{"id":"c_1","skills":[]}}"#, Some("c_1")),
        (Wire::Messages, r#"{"container":{"id":1}}"#, Some("")),
        (Wire::Messages, r#"{"container":{"skills":[]}}"#, None),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}"#,
            Some("cntr_1"),
        ),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}"#,
            None,
        ),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"shell","environment":{"type":"container_reference","container_id":"cntr_1"}}]}"#,
            Some("cntr_1"),
        ),
        (
            Wire::Responses,
            r#"{"input":[{"type":"image_generation_call","id":"ig_1"}]}"#,
            Some("ig_1"),
        ),
        (
            Wire::Responses,
            r#"{"input":[{"type":"image_generation_call","id":"ig_1","result":null}]}"#,
            Some("ig_1"),
        ),
        (
            Wire::Responses,
            r#"{"input":[{"type":"image_generation_call","id":"ig_1","result":"iVBO"}]}"#,
            None,
        ),
    ] {
        let expected: Vec<&str> = stored.into_iter().collect();
        assert_eq!(of(wire, body).stored, expected, "{body}");
    }
}

#[test]
fn a_tool_is_known_by_each_of_its_names() {
    let named = |tool: &str| {
        let mut all = Vec::new();
        names(&serde_json::from_str(tool).unwrap(), &mut all);
        all.join(" ")
    };
    for (tool, expected) in [
        (r#"{"name":"Read","input_schema":{}}"#, "Read"),
        (r#"{"type":"function","function":{"name":"Read"}}"#, "Read"),
        (r#"{"type":"function","name":"Read","function":{"name":"Evil"}}"#, "Read Evil"),
        (r#"{"type":"custom","custom":{"name":"Evil"}}"#, "Evil"),
        (r#"{"type":"web_search_1"}"#, "web_search_1"),
        (r#"{"type":"namespace","name":"ok_","tools":[{"name":"a"},{"name":"b"}]}"#, "ok_a ok_b"),
        (r#"{"type":"namespace","name":"ok_","tools":[]}"#, "ok_"),
        (
            r#"{"functionDeclarations":[{"name":"a"}],"function_declarations":[{"name":"b"}]}"#,
            "a b",
        ),
        (r#"{"functionDeclarations":[]}"#, ""),
        (r#"{"googleSearch":{}}"#, "?"),
        (r#"{"functionDeclarations":[{"name":1}]}"#, "?"),
        ("1", "?"),
    ] {
        assert_eq!(named(tool), expected, "{tool}");
    }
    let body = r#"{"input":[{"type":"tool_search_output","call_id":"1","tools":[{"type":"mcp","server_url":"https://e"},{"type":"function","name":"Evil"}]}]}"#;
    let asking = of(Wire::Responses, body);
    assert_eq!(asking.offered, ["mcp", "Evil"]);
    assert_eq!(asking.at_provider, [(Some(ServerTool::Mcp), "mcp".to_owned())]);
}

#[test]
fn what_costs_more_than_its_model_is_told() {
    for (body, dearer) in [
        (r#"{"service_tier":"priority"}"#, Some("service_tier")),
        (r#"{"service_tier":1}"#, Some("service_tier")),
        (r#"{"speed":"fast"}"#, Some("speed")),
        (r#"{"inference_geo":"us"}"#, Some("inference_geo")),
        (r#"{"service_tier":"auto","speed":"standard","inference_geo":"global"}"#, None),
        (r#"{"service_tier":"standard_only"}"#, None),
        (r#"{"service_tier":null}"#, None),
    ] {
        assert_eq!(of(Wire::Messages, body).dearer, dearer, "{body}");
    }
    assert_eq!(of(Wire::Messages, r#"{"anthropic_beta":["x",1]}"#).betas, ["x", "?"]);
}

proptest! {
    #[test]
    fn never_panics(body in "[\\[\\]{}\":,a]{0,20}(\"(tools|messages|type|role|content)\":[\\[\\]{}\",a]{0,5}){0,6}") {
        drop(Asking::of(body.as_bytes(), Wire::Messages));
    }
}
