use http::{HeaderMap, Method, Uri};

use crate::{
    Api,
    gemini_path::{GeminiPath, query as gemini_query},
    inspect::{
        ChatStream, GeminiStream, MessageStream, ResponseStream, Stream, Whole, WholeChat,
        WholeGemini, WholeMessage, WholeResponse,
    },
};

/// An endpoint that the gateway answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) api: Api,
    /// `anthropic/messages`, as it stands in the journal.
    pub(crate) name: &'static str,
    /// The path and query that go upstream: ours, not the client's.
    pub(crate) target: String,
    /// Whether the request names a model: in its body, unless it does in its path.
    pub(crate) takes_model: bool,
    pub(crate) path_model: Option<String>,
    /// How an answer is written.
    pub(crate) wire: Wire,
    /// How a request is written, also one that no model answers.
    pub(crate) asks: Wire,
}

/// How a model's words are written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Not at all: numbers, names of models.
    Nothing,
    Messages,
    Chat,
    Responses,
    Gemini,
}

impl Wire {
    /// Who reads an answer of events.
    pub(crate) fn stream(self) -> Option<Box<dyn Stream>> {
        match self {
            Wire::Nothing => None,
            Wire::Messages => Some(Box::new(MessageStream::default())),
            Wire::Chat => Some(Box::new(ChatStream::default())),
            Wire::Responses => Some(Box::new(ResponseStream::default())),
            Wire::Gemini => Some(Box::new(GeminiStream::default())),
        }
    }

    /// Who reads an answer that comes at once.
    pub(crate) fn whole(self) -> Option<Box<dyn Whole>> {
        match self {
            Wire::Nothing => None,
            Wire::Messages => Some(Box::new(WholeMessage)),
            Wire::Chat => Some(Box::new(WholeChat)),
            Wire::Responses => Some(Box::new(WholeResponse)),
            Wire::Gemini => Some(Box::new(WholeGemini)),
        }
    }
}

/// One line of the allow list.
struct Known {
    api: Api,
    name: &'static str,
    method: Method,
    path: &'static str,
    takes_model: bool,
    wire: Wire,
    /// Query parameters that may come with it.
    query: &'static [&'static str],
}

const LIST: &[&str] = &["limit", "after_id", "before_id", "client_version", "beta"];

/// Every endpoint that can be reached, and nothing else. Batches, files, fine-tuning, admin keys
/// and stored responses work at the provider out of sight: they are absent on purpose.
const KNOWN: &[Known] = &[
    Known {
        api: Api::Anthropic,
        name: "anthropic/messages",
        method: Method::POST,
        path: "/v1/messages",
        takes_model: true,
        wire: Wire::Messages,
        query: &["beta"],
    },
    Known {
        api: Api::Anthropic,
        name: "anthropic/count_tokens",
        method: Method::POST,
        path: "/v1/messages/count_tokens",
        takes_model: true,
        wire: Wire::Nothing,
        query: &["beta"],
    },
    Known {
        api: Api::OpenAi,
        name: "openai/chat_completions",
        method: Method::POST,
        path: "/v1/chat/completions",
        takes_model: true,
        wire: Wire::Chat,
        query: &[],
    },
    Known {
        api: Api::OpenAi,
        name: "openai/responses",
        method: Method::POST,
        path: "/v1/responses",
        takes_model: true,
        wire: Wire::Responses,
        query: &[],
    },
    Known {
        api: Api::OpenAi,
        name: "openai/embeddings",
        method: Method::POST,
        path: "/v1/embeddings",
        takes_model: true,
        wire: Wire::Nothing,
        query: &[],
    },
    Known {
        api: Api::Anthropic,
        name: "anthropic/models",
        method: Method::GET,
        path: "/v1/models",
        takes_model: false,
        wire: Wire::Nothing,
        query: LIST,
    },
    Known {
        api: Api::OpenAi,
        name: "openai/models",
        method: Method::GET,
        path: "/v1/models",
        takes_model: false,
        wire: Wire::Nothing,
        query: LIST,
    },
    Known {
        api: Api::Gemini,
        name: "gemini/models",
        method: Method::GET,
        path: "/v1beta/models",
        takes_model: false,
        wire: Wire::Nothing,
        query: &["pageSize", "pageToken"],
    },
];

impl Endpoint {
    /// The endpoint that a request names, or why it names none.
    ///
    /// `fallback` tells the API of a path that both have (`/v1/models`) when the headers do not.
    pub(crate) fn of(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        fallback: Api,
    ) -> Result<Self, String> {
        if uri.scheme().is_some() || uri.authority().is_some() {
            return Err("a request names a path, not a URL: the gateway is no proxy".into());
        }
        let path = uri.path();
        plain_path(path)?;
        if let Some(gemini) = GeminiPath::of(method, path) {
            return Self::gemini(&gemini, uri.query().unwrap_or_default());
        }
        let api = family(headers).unwrap_or(fallback);
        let found = KNOWN
            .iter()
            .filter(|known| known.method == *method)
            .find_map(|known| {
                let rest = path.strip_prefix(known.path)?;
                let single = known.path.ends_with("/models");
                let shared = known.path == "/v1/models";
                let fits = rest.is_empty()
                    || (single && rest.strip_prefix('/').is_some_and(|id| !id.contains('/')));
                (fits && (!shared || known.api == api)).then_some(known)
            })
            .ok_or_else(|| "it is not an endpoint that the gateway answers".to_owned())?;
        let mut target = path.to_owned();
        if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
            plain_query(query, found.query)?;
            target.push('?');
            target.push_str(query);
        }
        Ok(Self {
            api: found.api,
            name: found.name,
            target,
            takes_model: found.takes_model,
            path_model: None,
            wire: found.wire,
            asks: match found.name {
                "anthropic/count_tokens" => Wire::Messages,
                "openai/embeddings" => Wire::Chat,
                _ => found.wire,
            },
        })
    }

    fn gemini(path: &GeminiPath<'_>, query: &str) -> Result<Self, String> {
        let mut target = path.target(path.model);
        if let Some(query) = gemini_query(path.verb, query)? {
            target.push('?');
            target.push_str(query);
        }
        Ok(Self {
            api: Api::Gemini,
            name: path.name,
            target,
            takes_model: true,
            path_model: Some(path.model.to_owned()),
            wire: path.wire,
            asks: Wire::Gemini,
        })
    }

    /// Whether its body may name the model that its path names.
    pub(crate) fn names_twice(&self) -> bool {
        matches!(
            self.name,
            "gemini/embed_content" | "gemini/batch_embed_contents" | "gemini/count_tokens"
        )
    }

    /// The same with another model in its path, if it has one there.
    pub(crate) fn renamed(&self, model: &str) -> Result<String, String> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        let Some(gemini) = GeminiPath::of(&Method::POST, path) else {
            return Ok(self.target.clone());
        };
        let path = gemini.target(model);
        // What the policy calls it must not lead elsewhere either.
        plain_path(&path)?;
        Ok(match query {
            Some(query) => format!("{path}?{query}"),
            None => path,
        })
    }
}

/// The API whose client this is, as far as its headers tell.
pub(crate) fn family(headers: &HeaderMap) -> Option<Api> {
    if headers.contains_key("x-goog-api-key") {
        Some(Api::Gemini)
    } else if headers.contains_key("anthropic-version") || headers.contains_key("x-api-key") {
        Some(Api::Anthropic)
    } else if headers.contains_key("authorization") {
        Some(Api::OpenAi)
    } else {
        None
    }
}

/// A path that has one reading only: whoever parses it next sees the same segments.
fn plain_path(path: &str) -> Result<(), String> {
    let Some(segments) = path.strip_prefix('/') else {
        return Err("its path does not begin with `/`".into());
    };
    if path.len() > 512 {
        return Err("its path is too long".into());
    }
    for segment in segments.split('/') {
        if segment.is_empty() {
            return Err("its path has an empty segment".into());
        }
        if segment.starts_with('.') || segment.ends_with('.') {
            return Err("its path has a segment that begins or ends with a dot".into());
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        if !segment.bytes().all(plain) {
            return Err(
                "its path has a character other than letters, digits, `-`, `_`, `.`, `:`".into()
            );
        }
    }
    Ok(())
}

/// `key=value` pairs with keys of the list, each at most once, and values without any encoding.
fn plain_query(query: &str, allowed: &[&str]) -> Result<(), String> {
    let mut seen = Vec::new();
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !allowed.contains(&key) || seen.contains(&key) {
            return Err("its query has a parameter that is not allowed here, or one twice".into());
        }
        seen.push(key);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        if value.len() > 128 || !value.bytes().all(plain) {
            return Err("its query has a value with an encoding or an unusual character".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, target: &str) -> Result<Endpoint, String> {
        let uri: Uri = target.parse().map_err(|e| format!("{e}"))?;
        Endpoint::of(&method.parse().unwrap(), &uri, &HeaderMap::new(), Api::OpenAi)
    }

    #[test]
    fn what_agents_use_is_known() {
        for (method, target, name) in [
            ("POST", "/v1/messages", "anthropic/messages"),
            ("POST", "/v1/messages?beta=true", "anthropic/messages"),
            ("POST", "/v1/messages/count_tokens?beta=true", "anthropic/count_tokens"),
            ("POST", "/v1/responses", "openai/responses"),
            ("POST", "/v1/chat/completions", "openai/chat_completions"),
            ("POST", "/v1/embeddings", "openai/embeddings"),
            ("GET", "/v1/models?limit=1000", "openai/models"),
            ("GET", "/v1/models/gpt-5.2", "openai/models"),
        ] {
            let endpoint = of(method, target).unwrap();
            assert_eq!((endpoint.name, endpoint.target.as_str()), (name, target));
        }
        let headers = HeaderMap::from_iter([(
            http::header::HeaderName::from_static("anthropic-version"),
            http::HeaderValue::from_static("2023-06-01"),
        )]);
        let uri = Uri::from_static("/v1/models");
        let models = Endpoint::of(&Method::GET, &uri, &headers, Api::OpenAi).unwrap();
        assert_eq!(models.api, Api::Anthropic);
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for target in [
            "/",
            "/v1",
            "/v1/",
            "/v1/messages/",
            "//v1/messages",
            "/v1//messages",
            "/V1/messages",
            "/v1/Messages",
            "/v1/messages;x",
            "/v1/messages/..",
            "/v1/messages/../admin",
            "/v1/./messages",
            "/v1/%6dessages",
            "/v1/messages%2f..%2fadmin",
            "/v1/messages%00",
            "/v1/messages/batches",
            "/v1/organizations/api_keys",
            "/v1/files",
            "/v1/fine_tuning/jobs",
            "/v1/responses/resp_1",
            "/v1/messages?beta=true&beta=true",
            "/v1/messages?x=1",
            "/v1/messages?beta=%74rue",
            "/v1/messages?beta=a/../b",
            "/v1/messages\\..\\admin",
            "/v1/messagesx",
            "/v1/messages.json",
            "/api/hello",
            "/api/event_logging/batch",
            "http://inference.local/v1/messages",
            "inference.local:443",
            "*",
            "/v1/responses?beta=1",
        ] {
            assert!(of("POST", target).is_err(), "{target}");
        }
        for (method, target) in [
            ("HEAD", "/v1/messages"),
            ("OPTIONS", "/v1/messages"),
            ("GET", "/v1/messages"),
            ("PUT", "/v1/messages"),
            ("DELETE", "/v1/models/x"),
            ("CONNECT", "/v1/messages"),
            ("TRACE", "/v1/messages"),
            ("post", "/v1/messages"),
            ("POST", "/v1/models"),
            ("GET", "/v1/models/a/b"),
            ("GET", "/v1/models/.."),
            ("GET", "/v1/models/"),
            ("GET", "/v1/modelsx"),
            ("HEAD", "/v1/models"),
        ] {
            assert!(of(method, target).is_err(), "{method} {target}");
        }
    }
}
