//! Messages between a client and a server of MCP: a call that is denied never reaches the server, and a message stays one line.

use palisade_mcp::{Between, Decide, Lines, Pins, Said, Step};
use serde_json::{Map, Value, json};

use crate::input::number;

/// Permits tools that begin with `good`, and changes those that begin with `change`.
struct Rules;

impl Decide for Rules {
    fn decide(&self, name: &str, input: &Map<String, Value>) -> Said {
        match name.strip_prefix("mcp__files__") {
            Some(tool) if tool.starts_with("good") => Said::Allow,
            Some(tool) if tool.starts_with("change") => {
                let mut input = input.clone();
                input.insert("path".into(), "/safe".into());
                Said::AllowWith(input)
            }
            _ => Said::Deny("no rule names it".into()),
        }
    }
}

pub(crate) fn target(data: &[u8]) {
    let (pinned, stream) = number(data, 2);
    let tool = json!({"name": "good", "description": "d", "inputSchema": {"type": "object"}});
    let pins = (pinned == 1).then(|| Pins::of(&[tool], None));
    let between = Between::new("files", pins, Rules);
    let mut lines = Lines::new(stream);
    while let Ok(Some(line)) = lines.next_line() {
        // The first letter says who speaks.
        let (said, line) = number(&line, 2);
        let step = if said == 0 { between.of_client(line) } else { between.of_server(line) };
        holds(&step);
        if let (0, Some(on)) = (said, &step.on) {
            let Ok(message) = serde_json::from_slice::<Value>(on) else {
                panic!("what passes is no JSON: {}", on.escape_ascii())
            };
            if message["method"] == "tools/call" {
                let name = message["params"]["name"].as_str().unwrap_or_default();
                let good = name.starts_with("good");
                let changed = name.starts_with("change")
                    && message["params"]["arguments"]["path"] == "/safe";
                assert!(good || changed, "{message} passes");
                assert!(pinned == 0 || name == "good", "{name} is not pinned");
            }
        }
    }
}

fn holds(step: &Step) {
    for line in [&step.on, &step.back].into_iter().flatten() {
        let text = String::from_utf8_lossy(line);
        assert!(!text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "{text:?}");
    }
}
