//! The section `hooks`.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use palisade_hooks::Event;
use schemars::{JsonSchema, Schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::at::At;

/// Programs and servers that decide, by event, of Claude Code's events and protocol. They run outside, as the
/// operator.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[schemars(transform = only_known_events)]
pub(crate) struct Hooks {
    /// What a hook that fails, hangs or answers nonsense means. Default: `deny`.
    pub(crate) on_error: Option<At<OnError>>,
    #[schemars(flatten)]
    #[serde(flatten)]
    pub(crate) events: BTreeMap<String, At<Vec<At<HookMatcher>>>>,
}

/// The events that a hook can be for: Claude Code's, and Palisade's own.
static EVENTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut events: Vec<&str> = Event::all().map(Event::name).collect();
    events.sort_unstable();
    events
});

/// A schema for any key becomes one for each event.
fn only_known_events(schema: &mut Schema) {
    let Some(matchers) = schema.remove("additionalProperties") else { return };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(EVENTS.iter().map(|event| ((*event).to_owned(), matchers.clone())));
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
}

impl<'de> Deserialize<'de> for Hooks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Of;

        impl<'de> Visitor<'de> for Of {
            type Value = Hooks;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("events with their hooks")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hooks, A::Error> {
                let mut hooks = Hooks::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "on_error" {
                        hooks.on_error = map.next_value()?;
                    } else if EVENTS.contains(&key.as_str()) {
                        hooks.events.insert(key, map.next_value()?);
                    } else {
                        return Err(serde::de::Error::unknown_field(&key, &EVENTS));
                    }
                }
                Ok(hooks)
            }
        }

        deserializer.deserialize_map(Of)
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnError {
    /// Deny.
    Deny,
    /// Ask.
    Ask,
    /// Go on as if there were no such hook.
    Allow,
}

/// Hooks for some tools, or for some of whatever the event is about.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HookMatcher {
    /// Which tools, hosts or models: an exact name, several with `|` between, or a regular expression. Default:
    /// all.
    #[schemars(extend("examples" = ["Bash"]))]
    pub(crate) matcher: Option<At<String>>,
    /// What to run.
    #[schemars(extend("examples" = [[{"type": "command", "command": "./hooks/check.sh"}]]))]
    pub(crate) hooks: Vec<At<Hook>>,
}

/// A program or a server that decides.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    /// What kind of hook it is.
    #[serde(rename = "type")]
    pub(crate) kind: HookKind,
    /// A line for `sh -c`, or with `args` the program. A relative path starts at the policy's folder.
    #[schemars(extend("examples" = ["./hooks/check.sh"]))]
    pub(crate) command: Option<At<String>>,
    /// Arguments for the program. No shell is between then.
    #[schemars(extend("examples" = [["--strict"]]))]
    pub(crate) args: Option<Vec<At<String>>>,
    /// The server's URL: `https`, or `http` at a loopback address.
    #[schemars(extend("examples" = ["https://hooks.example.com/pre-tool-use"]))]
    pub(crate) url: Option<At<String>>,
    /// Header fields for the server; `$NAME` stands for a variable of the operator that is allowed.
    #[serde(default)]
    #[schemars(extend("examples" = [{"authorization": "Bearer $HOOK_TOKEN"}]))]
    pub(crate) headers: BTreeMap<String, At<String>>,
    /// Variables of the operator that may stand in `headers`.
    #[serde(default, rename = "allowedEnvVars")]
    #[schemars(extend("examples" = [["HOOK_TOKEN"]]))]
    pub(crate) variables: Vec<At<String>>,
    /// A permission rule that narrows the matcher further.
    #[serde(rename = "if")]
    #[schemars(extend("examples" = ["Bash(git *)"]))]
    pub(crate) only_if: Option<At<String>>,
    /// Seconds that it may take. Default: 600; 30 where it holds up a connection, a request or a prompt.
    #[schemars(range(min = 1, max = 3600), extend("examples" = [10]))]
    pub(crate) timeout: Option<At<u64>>,
    /// Whether it runs once in a session.
    pub(crate) once: Option<bool>,
    /// Whether nobody waits for it. It then decides nothing.
    #[serde(rename = "async")]
    pub(crate) detached: Option<At<bool>>,
    /// What an agent shows meanwhile. Not used here.
    #[serde(rename = "statusMessage")]
    pub(crate) status_message: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HookKind {
    /// A program for each event.
    Command,
    /// A server, by HTTP.
    Http,
    /// One program for all events: a line of JSON in, a line of JSON out.
    Worker,
}
