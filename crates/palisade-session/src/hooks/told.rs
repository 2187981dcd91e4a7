use std::path::{Component, Path};

use palisade_hooks::{Announced, Common};
use serde_json::Value;

/// Fields that name files of the agent's own, which a hook may open: outside, they would be the operator's.
const TRANSCRIPTS: [&str; 2] = ["transcript_path", "agent_transcript_path"];

/// What an agent inside announces, without places outside that a hook would look into for it. Its folder is the
/// workspace, or one in it.
pub(crate) fn without_places(mut announced: Announced, common: &Common) -> Announced {
    for name in TRANSCRIPTS {
        if let Some(field) = announced.fields.get_mut(name) {
            *field = "".into();
        }
    }
    let within = announced.fields.get("cwd").and_then(Value::as_str).is_some_and(|folder| {
        let folder = Path::new(folder);
        folder.starts_with(&common.directory)
            && folder.components().all(|part| part != Component::ParentDir)
    });
    if !within {
        announced.fields.insert("cwd".into(), common.directory.clone().into());
    }
    announced
}

#[cfg(test)]
mod tests {
    use palisade_hooks::Agent;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hook_is_led_nowhere() {
        let common = Common { directory: "/work".to_owned(), ..Common::default() };
        let told = |folder: &str| {
            let event = json!({"hook_event_name": "Stop", "transcript_path": "/root/.ssh/id",
                "agent_transcript_path": "/etc/shadow", "cwd": folder});
            let announced = Agent::ClaudeCode.read(event.to_string().as_bytes()).unwrap();
            without_places(announced, &common).fields
        };
        for (folder, expected) in [
            ("/work/sub", "/work/sub"),
            ("/work", "/work"),
            ("/workshop", "/work"),
            ("/work/../etc", "/work"),
            ("/etc", "/work"),
            ("sub", "/work"),
        ] {
            let fields = told(folder);
            assert_eq!(fields["cwd"], expected, "{folder}");
            assert_eq!(
                (&fields["transcript_path"], &fields["agent_transcript_path"]),
                (&json!(""), &json!(""))
            );
        }
    }
}
