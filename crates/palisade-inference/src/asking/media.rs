//! Pictures, files and the like in what is said: whoever gets the address of one in its place fetches that.

use serde_json::Value;

/// A key as any of its spellings: `imageUrl` and `image_url` are one.
pub(super) fn folded(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether there is a picture, a file or the like under a key of a part, or where it is.
pub(super) fn is_medium(key: &str) -> bool {
    matches!(
        key,
        "source"
            | "file"
            | "filedata"
            | "fileid"
            | "fileids"
            | "image"
            | "images"
            | "video"
            | "videos"
            | "audio"
            | "media"
            | "inputaudio"
            | "inputimage"
            | "inputvideo"
            | "inputfile"
    ) || (key != "url" && (key.ends_with("url") || key.ends_with("uri")))
}

/// Whether a file's id stands under a key.
pub(super) fn names_file(key: &str, value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| names_file(key, value)),
        Value::Array(items) => items.iter().any(|value| names_file(key, value)),
        Value::Null => false,
        _ => matches!(folded(key).as_str(), "fileid" | "fileids"),
    }
}

/// Whether there is an address to fetch in what stands under a key.
pub(super) fn fetches(key: &str, value: &Value) -> bool {
    let outside = |text: &str| !text.is_empty() && !text.starts_with("data:");
    let key = folded(key);
    match (key.as_str(), value) {
        (key, Value::String(text)) if key.ends_with("url") || key.ends_with("uri") => outside(text),
        // Some take an address in place of the bytes. No base64 has a colon.
        (
            "filedata" | "image" | "images" | "video" | "videos" | "audio" | "media" | "inputaudio"
            | "inputimage" | "inputvideo" | "inputfile",
            Value::String(text),
        ) => outside(text) && text.contains(':'),
        ("inputaudio", Value::Object(fields)) => {
            let of_sound = |(key, value): (&String, &Value)| {
                fetches(if folded(key) == "data" { "inputaudio" } else { key }, value)
            };
            fields.iter().any(of_sound)
        }
        (_, Value::Object(fields)) => fields.iter().any(|(key, value)| fetches(key, value)),
        (key, Value::Array(items)) => items.iter().any(|value| fetches(key, value)),
        _ => false,
    }
}
