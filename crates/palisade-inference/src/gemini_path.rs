use http::Method;

use crate::endpoint::Wire;

/// A Gemini endpoint that has its model in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GeminiPath<'a> {
    pub(crate) name: &'static str,
    pub(crate) model: &'a str,
    /// What is asked of the model.
    pub(crate) verb: &'static str,
    pub(crate) wire: Wire,
}

const MODELS: &str = "/v1beta/models/";

impl<'a> GeminiPath<'a> {
    /// `/v1beta/models/gemini-2.5-pro:generateContent`, in a path that has one reading only.
    pub(crate) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let (model, verb) = path.strip_prefix(MODELS)?.rsplit_once(':')?;
        let (name, verb, wire) = match verb {
            "generateContent" => ("gemini/generate_content", "generateContent", Wire::Gemini),
            "streamGenerateContent" => {
                ("gemini/stream_generate_content", "streamGenerateContent", Wire::Gemini)
            }
            "countTokens" => ("gemini/count_tokens", "countTokens", Wire::Nothing),
            "embedContent" => ("gemini/embed_content", "embedContent", Wire::Nothing),
            "batchEmbedContents" => {
                ("gemini/batch_embed_contents", "batchEmbedContents", Wire::Nothing)
            }
            _ => return None,
        };
        let plain = !model.is_empty() && !model.contains(['/', ':']);
        (*method == Method::POST && plain).then_some(Self { name, model, verb, wire })
    }

    /// The path for another model.
    pub(crate) fn target(&self, model: &str) -> String {
        format!("{MODELS}{model}:{}", self.verb)
    }
}

/// The query that goes on. The key of a client goes nowhere, and a stream has to be one of events: an
/// array that comes in pieces is not looked into.
pub(crate) fn query(verb: &str, query: &str) -> Result<Option<&'static str>, String> {
    let mut events = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("key", _) => {}
            ("alt", "sse") if !events => events = true,
            _ => return Err("its query has a parameter that is not allowed here".into()),
        }
    }
    match (verb, events) {
        ("streamGenerateContent", false) => {
            Err("a stream must be asked for with `alt=sse`; an array in pieces is not passed"
                .into())
        }
        ("streamGenerateContent", true) => Ok(Some("alt=sse")),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_in_the_path() {
        let path = GeminiPath::of(&Method::POST, "/v1beta/models/gemini-2.5-pro:generateContent");
        let path = path.unwrap();
        assert_eq!((path.name, path.model), ("gemini/generate_content", "gemini-2.5-pro"));
        assert_eq!(path.target("x"), "/v1beta/models/x:generateContent");
        for other in [
            "/v1beta/models/:generateContent",
            "/v1beta/models/a:b:generateContent",
            "/v1beta/models/a/b:generateContent",
            "/v1beta/models/a:batchGenerateContent",
            "/v1beta/tunedModels/a:generateContent",
            "/v1beta/models/a:generatecontent",
            "/v1/models/a:generateContent",
        ] {
            assert_eq!(GeminiPath::of(&Method::POST, other), None, "{other}");
        }
        assert_eq!(GeminiPath::of(&Method::GET, "/v1beta/models/a:generateContent"), None);
    }

    #[test]
    fn streams_are_of_events_and_keys_stay() {
        let stream = "streamGenerateContent";
        assert_eq!(query(stream, "alt=sse&key=placeholder"), Ok(Some("alt=sse")));
        assert_eq!(query("generateContent", "key=x"), Ok(None));
        for bad in ["", "alt=json", "alt=sse&alt=sse", "alt=sse&x=1"] {
            assert!(query(stream, bad).is_err(), "{bad}");
        }
    }
}
