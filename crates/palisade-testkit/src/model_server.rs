use std::{
    fs::File,
    io::{self, Write},
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    Answer, Recorded, Script, Speech, Upstream, anthropic, gemini, json_answer, openai,
    upstream::stream,
};

/// A model provider that follows a script.
#[derive(Debug)]
pub struct ModelServer(Upstream);

struct Model {
    script: Mutex<Script>,
    key: Option<String>,
    skip_without_tools: bool,
    /// Counts messages: each has an id of its own, or agents take one for a repetition.
    messages: AtomicU64,
    log: Option<Mutex<File>>,
}

impl ModelServer {
    /// Starts on a free port of loopback.
    pub fn start(script: Script) -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script, None)
    }

    /// Starts at an address, and writes each request to `log` as a line of JSON.
    pub fn start_at(address: SocketAddr, script: Script, log: Option<File>) -> io::Result<Self> {
        let model = Arc::new(Model::of(script, log));
        Upstream::start_at(address, answering(model)).map(Self)
    }

    /// Starts on a free port of loopback, over TLS.
    pub fn start_secure(tls: rustls::ServerConfig, script: Script) -> io::Result<Self> {
        Upstream::start_secure(tls, answering(Arc::new(Model::of(script, None)))).map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.0.requests()
    }

    /// Serves for ever.
    pub fn join(self) {
        self.0.join();
    }
}

fn answering(
    model: Arc<Model>,
) -> impl Fn(Recorded) -> std::future::Ready<Answer> + Send + Sync + 'static {
    move |request| std::future::ready(model.answer(&request))
}

impl Model {
    fn of(script: Script, log: Option<File>) -> Self {
        Self {
            key: script.key.clone(),
            skip_without_tools: script.skip_without_tools,
            script: Mutex::new(script),
            messages: AtomicU64::new(1),
            log: log.map(Mutex::new),
        }
    }

    fn answer(&self, request: &Recorded) -> Answer {
        if let Some(log) = &self.log {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            // A test that needs the log and does not find it there says so itself.
            drop(writeln!(log, "{}", request.to_json()));
        }
        let path = request.uri.path();
        let is_anthropic = request.headers.contains_key("anthropic-version");
        let error = if is_anthropic { anthropic::error } else { openai::error };
        if !self.opens(request) {
            let refused = error("authentication_error", "the key is not the one of this account");
            return json_answer(StatusCode::UNAUTHORIZED, &refused);
        }
        if request.method == Method::GET && path == "/v1/models" {
            let models = json!({"object": "list", "has_more": false, "first_id": null, "last_id": null, "data": [
                {"id": "scripted-1", "object": "model", "type": "model", "display_name": "Scripted",
                 "created": 0, "created_at": "2026-01-01T00:00:00Z", "owned_by": "test"},
            ]});
            return json_answer(StatusCode::OK, &models);
        }
        let body = request.json();
        if let Some((model, verb)) =
            path.strip_prefix("/v1beta/models/").and_then(|rest| rest.split_once(':'))
        {
            return self.gemini(model, verb, &body);
        }
        if request.method == Method::POST && body["model"].is_string() {
            match path {
                "/v1/messages" if is_anthropic => return self.messages(&body),
                "/v1/messages/count_tokens" if is_anthropic => {
                    return json_answer(StatusCode::OK, &json!({"input_tokens": 10}));
                }
                "/v1/responses" => return self.responses(&body),
                "/v1/chat/completions" => return self.completions(&body),
                "/v1/embeddings" => return json_answer(StatusCode::OK, &openai::embeddings(&body)),
                _ => {}
            }
        }
        json_answer(StatusCode::NOT_FOUND, &error("not_found_error", "there is no such thing here"))
    }

    fn opens(&self, request: &Recorded) -> bool {
        self.key.as_ref().is_none_or(|key| {
            request.header("x-api-key") == *key
                || request.header("x-goog-api-key") == *key
                || request.header("authorization") == format!("Bearer {key}")
        })
    }

    fn messages(&self, body: &Value) -> Answer {
        let (id, speech) = self.next(body, &anthropic::heard(body));
        if let Some(failed) = failed(&speech, |_| anthropic::error("api_error", "as scripted")) {
            return failed;
        }
        if body["stream"] == true {
            return sse(anthropic::events(&id, &body["model"], &speech), &speech);
        }
        json_answer(StatusCode::OK, &anthropic::message(&id, &body["model"], &speech))
    }

    fn responses(&self, body: &Value) -> Answer {
        let (id, speech) = self.next(body, &openai::heard(body));
        if let Some(failed) = failed(&speech, |_| openai::error("server_error", "as scripted")) {
            return failed;
        }
        if body["stream"] == true {
            return sse(openai::response_events(&id, &body["model"], &speech), &speech);
        }
        json_answer(StatusCode::OK, &openai::response(&id, &body["model"], &speech))
    }

    fn completions(&self, body: &Value) -> Answer {
        let (id, speech) = self.next(body, &openai::heard(body));
        if let Some(failed) = failed(&speech, |_| openai::error("server_error", "as scripted")) {
            return failed;
        }
        if body["stream"] == true {
            return sse(openai::completion_events(&id, &body["model"], &speech), &speech);
        }
        json_answer(StatusCode::OK, &openai::completion(&id, &body["model"], &speech))
    }

    fn gemini(&self, model: &str, verb: &str, body: &Value) -> Answer {
        match verb {
            "generateContent" | "streamGenerateContent" => {}
            "countTokens" => return json_answer(StatusCode::OK, &json!({"totalTokens": 10})),
            "embedContent" | "batchEmbedContents" => {
                return json_answer(StatusCode::OK, &gemini::embeddings(body));
            }
            _ => return json_answer(StatusCode::NOT_FOUND, &gemini::error(404, "no such thing")),
        }
        let (id, speech) = self.next(body, &gemini::heard(body));
        if let Some(failed) = failed(&speech, |status| gemini::error(status, "as scripted")) {
            return failed;
        }
        if verb == "streamGenerateContent" {
            return sse(gemini::events(&id, model, &speech), &speech);
        }
        json_answer(StatusCode::OK, &gemini::answer(&id, model, &speech))
    }

    fn next(&self, body: &Value, heard: &str) -> (String, Speech) {
        let id = format!("{:08}", self.messages.fetch_add(1, Ordering::Relaxed));
        let tools = body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
        if self.skip_without_tools && !tools {
            return (id, Speech::Text { text: "A short text.".into() });
        }
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        (id, script.next(heard))
    }
}

/// The answer of a model that fails.
fn failed(speech: &Speech, error: impl Fn(u16) -> Value) -> Option<Answer> {
    let Speech::Fails { fails, retry_after } = speech else { return None };
    let status = StatusCode::from_u16(*fails).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = json_answer(status, &error(*fails));
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    Some(answer)
}

fn sse(mut events: Vec<bytes::Bytes>, speech: &Speech) -> Answer {
    let breaks_off = matches!(speech, Speech::BreaksOff { .. });
    if breaks_off {
        events.truncate(events.len() / 2);
    }
    let (sender, receiver) = mpsc::channel(events.len().saturating_add(1));
    for event in events {
        // The channel has room for every event.
        drop(sender.try_send(Ok(event)));
    }
    if breaks_off {
        // What stands before it is to arrive.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(sender.send(Err(io::Error::other("as scripted"))).await);
        });
    }
    stream("text/event-stream; charset=utf-8", receiver)
}
