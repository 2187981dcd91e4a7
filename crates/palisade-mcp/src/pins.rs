use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::Path,
};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Bytes of a file of pins.
const MOST_BYTES: u64 = 4 << 20;
/// Tools of one server.
const MOST_TOOLS: usize = 4096;

/// The definitions of a server's tools that somebody has seen and accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// The tool's name, and the [`digest`] of its definition.
    pub tools: BTreeMap<String, String>,
    /// The [`digest`] of the server's instructions, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// Why pins cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PinsError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It holds no pins.
    #[error("{path} holds no pins: {why}")]
    Form {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
}

impl Pins {
    /// The pins in a file; none where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn load(path: &Path) -> Result<Self, PinsError> {
        let failed = |error| PinsError::Io { path: path.display().to_string(), error };
        let form = |why: String| PinsError::Form { path: path.display().to_string(), why };
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(form("it is too long".into()));
        }
        let object = palisade_core::strict_object(&bytes).map_err(form)?;
        serde_json::from_value(Value::Object(object)).map_err(|error| form(error.to_string()))
    }

    /// Writes them, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), PinsError> {
        let failed = |error| PinsError::Io { path: path.display().to_string(), error };
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Whether this very definition is pinned.
    pub fn has(&self, tool: &Value) -> bool {
        let name = tool.get("name").and_then(Value::as_str);
        let pinned = name.and_then(|name| self.tools.get(name));
        pinned.is_some_and(|pinned| *pinned == digest(tool))
    }

    /// Whether a tool of this name is pinned, with whatever definition.
    pub fn names(&self, name: &str) -> bool {
        self.tools.contains_key(name)
    }

    /// Accepts these definitions and no others, and these instructions.
    pub fn of(tools: &[Value], instructions: Option<&Value>) -> Self {
        let named = tools.iter().take(MOST_TOOLS).filter_map(|tool| {
            let name = tool.get("name")?.as_str()?;
            Some((name.to_owned(), digest(tool)))
        });
        Self { tools: named.collect(), instructions: instructions.map(digest) }
    }
}

/// `sha256:` and the digest of a tool's definition: all of it, with the members of each object in the order
/// of their names.
pub fn digest(tool: &Value) -> String {
    let mut hash = Sha256::new();
    feed(&mut hash, tool);
    format!("sha256:{}", HEXLOWER.encode(&hash.finalize()))
}

/// Every value with its kind and length, so that no two read the same. How deep it nests was bounded when it
/// was read.
fn feed(hash: &mut Sha256, value: &Value) {
    let mut part = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    match value {
        Value::Null => part(b'n', b""),
        Value::Bool(truth) => part(b'b', &[u8::from(*truth)]),
        Value::Number(number) => part(b'd', number.to_string().as_bytes()),
        Value::String(text) => part(b's', text.as_bytes()),
        Value::Array(items) => {
            part(b'a', &(items.len() as u64).to_be_bytes());
            for item in items {
                feed(hash, item);
            }
        }
        Value::Object(members) => {
            part(b'o', &(members.len() as u64).to_be_bytes());
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            for (name, member) in sorted {
                feed(hash, &Value::from(name.as_str()));
                feed(hash, member);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_letter_changes_the_digest_and_an_order_does_not() {
        let tool = json!({"name": "read", "description": "Reads.", "inputSchema": {"type": "object", "a": 1}});
        let same = json!({"inputSchema": {"a": 1, "type": "object"}, "description": "Reads.", "name": "read"});
        assert_eq!(digest(&tool), digest(&same));
        for other in [
            json!({"name": "read", "description": "Reads!", "inputSchema": {"type": "object", "a": 1}}),
            json!({"name": "read", "description": "Reads.", "inputSchema": {"type": "object", "a": "1"}}),
            json!({"name": "read", "description": "Reads.", "inputSchema": {"type": "object", "a": 1, "b": null}}),
            json!({"name": "read", "description": "Reads.", "inputSchema": {"type": "object", "a": 1}, "title": ""}),
        ] {
            assert_ne!(digest(&tool), digest(&other), "{other}");
            assert!(!Pins::of(std::slice::from_ref(&tool), None).has(&other));
        }
        assert!(Pins::of(std::slice::from_ref(&tool), None).has(&same));
    }

    #[test]
    fn a_file_of_pins_is_read_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        assert_eq!(Pins::load(&path).unwrap(), Pins::default());
        let pins = Pins::of(&[json!({"name": "x"})], None);
        pins.save(&path).unwrap();
        assert_eq!(Pins::load(&path).unwrap(), pins);
        for wrong in ["", "[]", "{}x", r#"{"tools":{},"tools":{}}"#, r#"{"tools":{},"x":1}"#] {
            fs::write(&path, wrong).unwrap();
            assert!(Pins::load(&path).is_err(), "{wrong}");
        }
    }
}
