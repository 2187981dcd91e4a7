use std::{
    fs::File,
    io::{self, Write},
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    Answer, Recorded, Script, Speech, Upstream, anthropic, json_answer, openai, upstream::stream,
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
        let model = Arc::new(Model {
            key: script.key.clone(),
            skip_without_tools: script.skip_without_tools,
            script: Mutex::new(script),
            messages: AtomicU64::new(1),
            log: log.map(Mutex::new),
        });
        Upstream::start_at(address, move |request| {
            let model = Arc::clone(&model);
            async move { model.answer(&request) }
        })
        .map(Self)
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

impl Model {
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
            let models = json!({"object": "list", "has_more": false, "data": [
                {"id": "scripted-1", "object": "model", "type": "model", "display_name": "Scripted"},
            ]});
            return json_answer(StatusCode::OK, &models);
        }
        let body = request.json();
        if request.method == Method::POST && body["model"].is_string() {
            match path {
                "/v1/messages" if is_anthropic => return self.messages(&body),
                "/v1/messages/count_tokens" if is_anthropic => {
                    return json_answer(StatusCode::OK, &json!({"input_tokens": 10}));
                }
                "/v1/responses" => return self.responses(&body),
                "/v1/chat/completions" => return self.completions(&body),
                _ => {}
            }
        }
        json_answer(StatusCode::NOT_FOUND, &error("not_found_error", "there is no such thing here"))
    }

    fn opens(&self, request: &Recorded) -> bool {
        self.key.as_ref().is_none_or(|key| {
            request.header("x-api-key") == *key
                || request.header("authorization") == format!("Bearer {key}")
        })
    }

    fn messages(&self, body: &Value) -> Answer {
        let (id, speech) = self.next(body, &anthropic::heard(body));
        if body["stream"] == true {
            return sse(anthropic::events(&id, &body["model"], &speech));
        }
        json_answer(StatusCode::OK, &anthropic::message(&id, &body["model"], &speech))
    }

    fn responses(&self, body: &Value) -> Answer {
        let (id, speech) = self.next(body, &openai::heard(body));
        if body["stream"] == true {
            return sse(openai::response_events(&id, &body["model"], &speech));
        }
        json_answer(StatusCode::OK, &openai::response(&id, &body["model"], &speech))
    }

    fn completions(&self, body: &Value) -> Answer {
        let (id, speech) = self.next(body, &openai::heard(body));
        if body["stream"] == true {
            return sse(openai::completion_events(&id, &body["model"], &speech));
        }
        json_answer(StatusCode::OK, &openai::completion(&id, &body["model"], &speech))
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

fn sse(events: Vec<bytes::Bytes>) -> Answer {
    let (sender, receiver) = mpsc::channel(events.len().max(1));
    for event in events {
        // The channel has room for every event.
        drop(sender.try_send(Ok(event)));
    }
    stream("text/event-stream; charset=utf-8", receiver)
}
