use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

/// What a model says, turn by turn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The turns. Each is said once; after the last, the model says that it is done.
    pub turns: Vec<Turn>,
    /// Turns are said again each time that they fit.
    #[serde(default)]
    pub repeats: bool,
    /// The only key that is taken. Calls with another are refused as a provider would.
    #[serde(default)]
    pub key: Option<String>,
    /// Calls that offer no tools (a title, a summary) get a short text and use up no turn.
    #[serde(default)]
    pub skip_without_tools: bool,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Turn {
    /// Say this only once the last message or tool result holds this text.
    #[serde(default)]
    pub when: Option<String>,
    /// Say this once, even in a script that repeats its turns.
    #[serde(default)]
    pub once: bool,
    /// What is said.
    #[serde(flatten)]
    pub speech: Speech,
}

/// What a model can say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Speech {
    /// Words; the turn of the agent ends.
    Text {
        /// The words.
        text: String,
    },
    /// A tool call with JSON input.
    Tool {
        /// The tool's name.
        tool: String,
        /// Its input.
        input: Value,
    },
    /// A tool call with free text (OpenAI's custom tools, such as `apply_patch`).
    CustomTool {
        /// The tool's name.
        custom_tool: String,
        /// Its input.
        input: String,
    },
    /// Several of these in one answer.
    Several {
        /// They, in their order.
        several: Vec<Speech>,
    },
    /// No answer, but an error with this status.
    Fails {
        /// The status.
        fails: u16,
        /// What the header `retry-after` says.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Words that end in the middle, with the connection.
    BreaksOff {
        /// The words.
        breaks_off: String,
    },
}

impl Speech {
    /// What is said, one after the other.
    pub(crate) fn items(&self) -> Vec<&Speech> {
        match self {
            Speech::Several { several } => several.iter().flat_map(Speech::items).collect(),
            one => vec![one],
        }
    }

    /// The words of it, if it is words.
    pub(crate) fn words(&self) -> &str {
        match self {
            Speech::Text { text } | Speech::BreaksOff { breaks_off: text } => text,
            _ => "",
        }
    }

    /// Whether it has a call of a tool.
    pub(crate) fn calls(&self) -> bool {
        let call = |item: &&Speech| matches!(item, Speech::Tool { .. } | Speech::CustomTool { .. });
        self.items().iter().any(call)
    }
}

/// The id of the item at this place of a message.
pub(crate) fn item_id(message: &str, at: usize) -> String {
    if at == 0 { message.into() } else { format!("{message}_{at}") }
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// Its file cannot be read.
    #[error("cannot read the script: {0}")]
    Read(#[from] std::io::Error),
    /// It is not a script.
    #[error("not a script: {0}")]
    Syntax(#[from] serde_json::Error),
}

impl Script {
    /// A script of these turns.
    pub fn new(turns: Vec<Turn>) -> Self {
        Self { turns, ..Self::default() }
    }

    /// The script in a JSON file.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    /// The script in a JSON file that holds names for paths, such as `@WORKSPACE@`, each
    /// replaced by its value.
    pub fn read_with(path: &Path, values: &[(&str, &Path)]) -> Result<Self, ScriptError> {
        let mut text = fs::read_to_string(path)?;
        for (name, value) in values {
            let quoted = serde_json::to_string(&value.to_string_lossy())?;
            text = text.replace(name, quoted.trim_matches('"'));
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// The same script, each turn said as often as it fits.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// The same script for a model that takes only this key.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Takes the next turn out that fits the last thing said to the model.
    pub(crate) fn next(&mut self, heard: &str) -> Speech {
        let fits = |turn: &Turn| turn.when.as_ref().is_none_or(|text| heard.contains(text));
        match self.turns.iter().position(fits) {
            Some(place) if self.repeats && !self.turns[place].once => {
                self.turns[place].speech.clone()
            }
            Some(place) => self.turns.remove(place).speech,
            None => Speech::Text { text: "The script has ended.".into() },
        }
    }
}

impl Turn {
    /// Words.
    pub fn text(text: &str) -> Self {
        Self { when: None, once: false, speech: Speech::Text { text: text.into() } }
    }

    /// A tool call.
    pub fn tool(name: &str, input: Value) -> Self {
        Self { when: None, once: false, speech: Speech::Tool { tool: name.into(), input } }
    }

    /// A call of a tool with free text.
    pub fn custom_tool(name: &str, input: &str) -> Self {
        let speech = Speech::CustomTool { custom_tool: name.into(), input: input.into() };
        Self { when: None, once: false, speech }
    }

    /// Calls of several tools at once.
    pub fn tools(calls: &[(&str, Value)]) -> Self {
        let call = |(name, input): &(&str, Value)| Speech::Tool {
            tool: (*name).into(),
            input: input.clone(),
        };
        Self {
            when: None,
            once: false,
            speech: Speech::Several { several: calls.iter().map(call).collect() },
        }
    }

    /// An error with this status, and a header `retry-after`.
    pub fn fails(status: u16, retry_after: Option<u64>) -> Self {
        Self { when: None, once: false, speech: Speech::Fails { fails: status, retry_after } }
    }

    /// Words that end in the middle, with the connection.
    pub fn breaks_off(text: &str) -> Self {
        Self { when: None, once: false, speech: Speech::BreaksOff { breaks_off: text.into() } }
    }

    /// The same turn, never said a second time.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// The same turn, said only once the last message holds this text.
    #[must_use]
    pub fn when(mut self, text: &str) -> Self {
        self.when = Some(text.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order_unless_they_wait_for_a_word() {
        let mut script: Script = serde_json::from_str(
            r#"{"turns": [
                {"text": "late", "when": "ready"},
                {"tool": "Bash", "input": {"command": "true"}},
                {"custom_tool": "apply_patch", "input": "*** Begin Patch"}
            ]}"#,
        )
        .unwrap();
        assert!(matches!(script.next("hello"), Speech::Tool { .. }));
        assert!(matches!(script.next("it is ready"), Speech::Text { .. }));
        assert!(matches!(script.next(""), Speech::CustomTool { .. }));
        assert!(matches!(script.next(""), Speech::Text { text } if text.contains("ended")));
    }
}
