//! What a conversation brings, read without a copy of it: results, what is stored at the provider, tools, media.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{
    each,
    media::{fetches, folded, is_medium, names_file},
    request::Key,
};
use crate::strict_json::Strict;

/// What a conversation brings.
pub(super) struct Results(pub(super) Told);

#[derive(Default)]
pub(super) struct Told {
    /// The ids of all calls of which it has results.
    pub(super) ids: Vec<String>,
    /// The ids of items that are not said but taken from the provider's memory.
    pub(super) stored: Vec<String>,
    /// Whether it has the address of something in place of the thing: whoever gets it fetches that, and the
    /// address can say anything to anybody.
    pub(super) fetches: bool,
    /// Whether a file is named by its id at the provider.
    pub(super) files: bool,
    /// Tools that are offered in it.
    pub(super) offered: Vec<Value>,
}

impl Told {
    pub(super) fn add(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.stored.append(&mut other.stored);
        self.offered.append(&mut other.offered);
        self.fetches |= other.fetches;
        self.files |= other.files;
    }

    /// What stands under a key that holds a picture, a file or the like.
    fn medium(&mut self, key: &str, value: &Value) {
        self.fetches |= fetches(key, value);
        self.files |= names_file(key, value);
    }
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ResultsVisitor).map(Self)
    }
}

/// A short text, or nothing of any other value.
struct Word(Option<String>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Strict(value) = Strict::deserialize(deserializer)?;
        Ok(Self(value.as_str().map(str::to_owned)))
    }
}

struct ResultsVisitor;

impl<'de> Visitor<'de> for ResultsVisitor {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a conversation")
    }

    fn visit_unit<E>(self) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Told, A::Error> {
        let mut all = Told::default();
        while let Some(Results(told)) = items.next_element()? {
            all.add(told);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Told, A::Error> {
        let mut all = Told::default();
        let (mut kind, mut role, mut id, mut own) = (None, None, None, None);
        let (mut medium, mut has_result) = (Told::default(), false);
        while let Some(Key(key)) = fields.next_key()? {
            let slot = match &*key {
                "type" => &mut kind,
                "role" => &mut role,
                "tool_use_id" | "tool_call_id" | "call_id" => &mut id,
                "id" => &mut own,
                "content" | "parts" | "output" => {
                    let Results(told) = fields.next_value()?;
                    all.add(told);
                    continue;
                }
                "tools" => {
                    let Strict(value) = fields.next_value()?;
                    each(&value, |tool| all.offered.push(tool.clone()));
                    continue;
                }
                "result" => {
                    has_result = fields.next_value::<Option<IgnoredAny>>()?.is_some();
                    continue;
                }
                key if is_medium(&folded(key)) => {
                    let Strict(value) = fields.next_value()?;
                    medium.medium(key, &value);
                    continue;
                }
                "functionResponse" | "function_response" => {
                    let Strict(response) = fields.next_value()?;
                    let id = response.get("id").and_then(Value::as_str);
                    all.ids.extend(id.map(str::to_owned));
                    // What a tool said is words; what it gave besides are parts.
                    all.medium("", response.get("parts").unwrap_or(&Value::Null));
                    continue;
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let Word(word) = fields.next_value()?;
            if slot.replace(word).is_some() {
                return Err(A::Error::custom("a message has a key twice"));
            }
        }
        let kind = kind.flatten().unwrap_or_default();
        // The type of a reference may be left out, and then it has nothing but an id.
        // A picture that was made before is one too, where it does not come itself.
        let is_reference = kind == "item_reference"
            || (kind.is_empty() && role.is_none())
            || (kind == "image_generation_call" && !has_result);
        // What a tool at the provider gave out says what it is called there, and nobody reads it by that.
        medium.files &= !kind.ends_with("code_execution_output");
        all.add(medium);
        if let Some(own) = own.filter(|_| is_reference) {
            all.stored.push(own.unwrap_or_default());
        }
        let is_result = role.flatten().as_deref() == Some("tool")
            || kind == "tool_result"
            || kind.ends_with("_call_output")
            || kind == "tool_search_output";
        if let (true, Some(id)) = (is_result, id.flatten()) {
            all.ids.push(id);
        }
        Ok(all)
    }
}
