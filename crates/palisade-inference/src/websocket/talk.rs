use std::{
    convert::Infallible,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Either};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Duration, timeout},
};

use super::{
    frames::{FrameError, Message},
    memory::Memory,
    request::{Create, Wish, read},
    socket::{Socket, Stop},
    telling::{Ending, Telling},
};
use crate::{
    answer::Payload,
    body::{Held, Share},
    gateway::Inner,
    inspect::MOST_HELD,
    passage::Passage,
    refusal::Refusal,
};

/// How much of a provider's error is read.
const MOST_ERROR: usize = 1 << 20;

/// How long a provider's error may take, and what comes behind the end of an answer.
const SOON: Duration = Duration::from_secs(10);

/// Headers of an error that clients look for.
const TOLD: &[&str] = &["retry-after", "retry-after-ms", "x-should-retry", "x-request-id"];

/// Serves a WebSocket that is open, to its end. `head` is what each of its requests is sent with.
pub(crate) async fn talk<S: AsyncRead + AsyncWrite + Unpin>(inner: &Inner, head: Parts, stream: S) {
    let socket = Socket::new(stream, &inner.limits, &inner.budget);
    let memory = Memory::new(&inner.budget, inner.limits.body);
    let mut talk = Talk { inner, head, socket, memory, waiting: None, warmed: AtomicU64::new(0) };
    let Err(end) = talk.run().await;
    let (code, why) = match end {
        End::Gone => return,
        End::Closed => (1000, String::new()),
        End::Broken => (1011, "the answer broke off".to_owned()),
        End::Refused(code, refusal) => {
            let why = refusal.to_string();
            let refused = talk.inner.message(&talk.head, Err(refusal)).await;
            if talk.error(refused).await.is_err() {
                return;
            }
            (code, why)
        }
    };
    talk.socket.close(code, &why).await;
}

/// Why a connection ends.
enum End {
    /// There is nobody left to tell.
    Gone,
    /// The client said so.
    Closed,
    Broken,
    /// With this code, after the error has been told.
    Refused(u16, Refusal),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        End::Gone
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Gone => End::Gone,
            Stop::Refused(why) => End::Refused(
                why.code(),
                match why {
                    FrameError::TooLarge(most) => Refusal::TooLarge(most),
                    FrameError::Crowded => Refusal::Crowded,
                    why => Refusal::WebSocket(why),
                },
            ),
        }
    }
}

struct Talk<'a, S> {
    inner: &'a Inner,
    head: Parts,
    socket: Socket<S>,
    memory: Memory,
    /// A request that came when the answer before had ended for its client, and not yet here.
    waiting: Option<String>,
    /// Requests that asked for nothing yet.
    warmed: AtomicU64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn run(&mut self) -> Result<Infallible, End> {
        loop {
            let text = match self.waiting.take() {
                Some(text) => text,
                None => match self.socket.next().await? {
                    Message::Text(text) => text,
                    Message::Ping(payload) => {
                        self.socket.pong(&payload).await?;
                        continue;
                    }
                    Message::Pong => continue,
                    Message::Close => return Err(End::Closed),
                },
            };
            let wish = read(&text, self.inner.limits.nesting, &self.memory);
            drop(text);
            match wish {
                Ok(Wish::Create(create)) => self.create(create).await?,
                Ok(Wish::Processed) => {}
                Err(refusal) => self.refuse(refusal).await?,
            }
        }
    }

    async fn refuse(&mut self, refusal: Refusal) -> Result<(), End> {
        let refused = self.inner.message(&self.head, Err(refusal)).await;
        self.error(refused).await
    }

    /// Makes a response, and tells it.
    async fn create(&mut self, create: Create) -> Result<(), End> {
        let Create { body, said, warm } = create;
        if body.len() > self.inner.limits.body {
            return self.refuse(Refusal::TooLarge(self.inner.limits.body)).await;
        }
        if warm {
            let number = self.warmed.fetch_add(1, Ordering::Relaxed);
            let id = format!("resp_palisade_{number}");
            for (at, (kind, status)) in
                [("response.created", "in_progress"), ("response.completed", "completed")]
                    .into_iter()
                    .enumerate()
            {
                let usage = json!({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0});
                let response = json!({
                    "id": id, "object": "response", "status": status, "output": [], "usage": usage,
                });
                let event = json!({"type": kind, "sequence_number": at, "response": response});
                self.socket.put(&event.to_string());
            }
            self.memory.keep(id, said, &[]);
            return Ok(self.socket.flush().await?);
        }
        let inner = self.inner;
        let head = self.head.clone();
        // It is there twice until the answer has come: as a request, and to be remembered.
        let mut share = Share::of(&inner.budget);
        let room = share.hold(said.items.len());
        let held = if room { Held::of(body, &inner.budget) } else { Err(Refusal::Crowded) };
        let answered = {
            let mut answering = pin!(inner.message(&head, held));
            loop {
                tokio::select! {
                    answered = &mut answering => break answered,
                    came = self.socket.next() => self.amid(came?, false).await?,
                }
            }
        };
        // An answer that fails is none to go on with.
        let telling = Telling::new(MOST_HELD);
        let ended = if answered.status().is_success() {
            match answered.into_body() {
                Either::Right(passage) => self.stream(passage, telling).await?,
                Either::Left(whole) => self.whole(whole, telling).await?,
            }
        } else {
            self.error(answered).await?;
            None
        };
        drop(share);
        match ended {
            Some((Ending::Answered(id), items)) => self.memory.keep(id, said, &items),
            Some((Ending::Failed, _)) | None => self.memory.forget(),
        }
        Ok(())
    }

    /// What comes while a request is answered. `over`: its client has heard the end of the answer.
    async fn amid(&mut self, came: Message, over: bool) -> Result<(), End> {
        match came {
            Message::Ping(payload) => Ok(self.socket.pong(&payload).await?),
            Message::Pong => Ok(()),
            Message::Close => Err(End::Closed),
            Message::Text(text) if over => {
                self.waiting = Some(text);
                Ok(())
            }
            Message::Text(text) => {
                match read(&text, self.inner.limits.nesting, &self.memory) {
                    Ok(Wish::Processed) => Ok(()),
                    // Whose answer is whose could not be told.
                    _ => Err(End::Refused(1008, Refusal::Running)),
                }
            }
        }
    }

    async fn stream(
        &mut self,
        mut passage: Passage,
        mut telling: Telling,
    ) -> Result<Option<(Ending, Vec<Value>)>, End> {
        let broken = |_| End::Broken;
        loop {
            let over = telling.is_over();
            tokio::select! {
                frame = timeout(if over { SOON } else { Duration::MAX }, passage.frame()) => {
                    let data = match frame {
                        // All that is to be told has been.
                        Err(_) | Ok(None) => break,
                        Ok(Some(Err(_))) => return Err(End::Broken),
                        Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                    };
                    telling.push(&data);
                    let mut any = false;
                    while let Some(message) = telling.next().map_err(broken)? {
                        self.socket.put(&message);
                        any = true;
                    }
                    if any {
                        self.socket.flush().await?;
                    }
                }
                // One request waits here, and further ones where they are.
                came = self.socket.next(), if self.waiting.is_none() => {
                    self.amid(came?, over).await?;
                }
            }
        }
        if let Some(message) = telling.rest().map_err(broken)? {
            self.socket.send(&message).await?;
        }
        self.end(telling).await
    }

    /// A provider that does not stream.
    async fn whole(
        &mut self,
        body: http_body_util::Full<Bytes>,
        mut telling: Telling,
    ) -> Result<Option<(Ending, Vec<Value>)>, End> {
        let Ok(body) = body.collect().await;
        let told: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        if told.get("output").is_none() {
            let error = told_error(StatusCode::BAD_GATEWAY, &HeaderMap::new(), &told);
            self.socket.send(&error).await?;
            return Ok(None);
        }
        for message in telling.whole(&told) {
            self.socket.put(&message);
        }
        self.socket.flush().await?;
        self.end(telling).await
    }

    /// A client waits for ever for the end of an answer that has none.
    async fn end(&mut self, telling: Telling) -> Result<Option<(Ending, Vec<Value>)>, End> {
        let ended = telling.ended();
        if ended.is_none() {
            let message = "Palisade: the provider's answer ended before it was whole";
            let error = json!({"error": {
                "type": "server_error", "code": "palisade", "message": message, "param": null,
            }});
            let error = told_error(StatusCode::BAD_GATEWAY, &HeaderMap::new(), &error);
            self.socket.send(&error).await?;
        }
        Ok(ended)
    }

    /// An answer with an error's status, as the message that says the same.
    async fn error(&mut self, response: Response<Payload>) -> Result<(), End> {
        let (head, mut body) = response.into_parts();
        let mut all = Vec::new();
        let reading = async {
            while let Some(Ok(frame)) = body.frame().await {
                all.extend_from_slice(&frame.into_data().unwrap_or_default());
                if all.len() > MOST_ERROR {
                    break;
                }
            }
        };
        // What came until then says enough, or nothing.
        drop(timeout(SOON, reading).await);
        let told = serde_json::from_slice(&all).unwrap_or_default();
        Ok(self.socket.send(&told_error(head.status, &head.headers, &told)).await?)
    }
}

/// OpenAI's message for an error.
fn told_error(status: StatusCode, headers: &HeaderMap, told: &Value) -> String {
    let error = told.get("error").filter(|error| error.is_object()).cloned();
    let error = error.unwrap_or_else(|| {
        let message = format!("the provider answered {}", status.as_u16());
        json!({"type": "server_error", "code": null, "message": message, "param": null})
    });
    let headers: Map<String, Value> = headers
        .iter()
        .filter(|(name, _)| {
            TOLD.contains(&name.as_str()) || name.as_str().starts_with("x-ratelimit-")
        })
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
        .collect();
    let status = status.as_u16();
    json!({"type": "error", "status": status, "error": error, "headers": headers}).to_string()
}
