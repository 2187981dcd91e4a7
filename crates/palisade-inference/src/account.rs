//! What one call used, how long it took and how it ended: charged and recorded when it is over.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::StatusCode;
use palisade_core::{Authority, Event};
use ring::digest::{Context, SHA256};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    observe::{Finish, Watcher},
    quota::{Estimate, Price, Reservation, floor, of_answer, of_time},
    usage::Usage,
};

/// Prompts up to this size are digested at once, larger ones beside.
const SMALL: usize = 64 * 1024;

/// Calls whose end is not recorded yet.
#[derive(Debug, Clone)]
pub(crate) struct Open(watch::Sender<usize>);

impl Default for Open {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Open {
    /// Resolves when there are none.
    pub(crate) async fn closed(&self) {
        // It cannot fail: the sender is ours.
        let mut open = self.0.subscribe();
        let _none = open.wait_for(|open| *open == 0).await;
    }

    fn one(&self) -> OneOpen {
        self.0.send_modify(|open| *open = open.saturating_add(1));
        OneOpen(self.clone())
    }
}

#[derive(Debug)]
struct OneOpen(Open);

impl Drop for OneOpen {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

/// What a prompt's digest is made of.
pub(crate) enum Prompt {
    /// None is made yet.
    Bytes(Bytes),
    Digest(String),
    Digesting(JoinHandle<String>),
}

impl Prompt {
    pub(crate) fn of(body: &Bytes) -> Self {
        if body.len() <= SMALL {
            return Prompt::Digest(digest(body));
        }
        let body = body.clone();
        Prompt::Digesting(tokio::task::spawn_blocking(move || digest(&body)))
    }

    async fn known(self) -> String {
        match self {
            Prompt::Bytes(body) => digest(&body),
            Prompt::Digest(text) => text,
            Prompt::Digesting(beside) => beside.await.unwrap_or_default(),
        }
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    shown(ring::digest::digest(&SHA256, bytes))
}

fn shown(digest: ring::digest::Digest) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is known of a call before its answer.
pub(crate) struct Call {
    /// The event that will be recorded, with what is known already.
    pub(crate) event: Event,
    pub(crate) reservation: Option<Reservation>,
    pub(crate) estimate: Estimate,
    /// What the model costs, if that is known.
    pub(crate) price: Option<Price>,
    /// None for a call that has no prompt.
    pub(crate) prompt: Option<Prompt>,
    /// When it was sent.
    pub(crate) started: Instant,
}

/// A call that is made.
pub(crate) struct Account {
    call: Option<Call>,
    authority: Arc<dyn Authority>,
    open: Option<OneOpen>,
    /// Whether the provider took the call: what it refuses costs nothing. As long as it has said nothing, it may
    /// have.
    taken: bool,
    /// Whether it has answered.
    begun: bool,
    told: Option<Usage>,
    bytes: u64,
    digest: Context,
    first: Option<Instant>,
    calls: usize,
    denied: usize,
    /// What came, as far as it is to be kept.
    answer: Option<Answer>,
}

/// Bytes of an answer that are kept in one piece.
const PIECE: usize = 256 * 1024;

/// An answer that is kept.
#[derive(Default)]
struct Answer {
    waiting: Vec<u8>,
    pieces: Vec<serde_json::Value>,
    lost: Option<String>,
}

impl Answer {
    fn keep(&mut self, authority: &dyn Authority) {
        if self.waiting.is_empty() || self.lost.is_some() {
            return;
        }
        match authority.keep_content(&self.waiting) {
            Ok(piece) => self.pieces.push(piece),
            Err(why) => self.lost = Some(why),
        }
        self.waiting.clear();
    }
}

impl Account {
    pub(crate) fn new(call: Call, authority: Arc<dyn Authority>, open: &Open) -> Self {
        let answer = authority.keeps_content().then(Answer::default);
        let mut account = Self {
            answer,
            call: Some(call),
            authority,
            open: Some(open.one()),
            taken: true,
            begun: false,
            told: None,
            bytes: 0,
            digest: Context::new(&SHA256),
            first: None,
            calls: 0,
            denied: 0,
        };
        account.charge(Finish::Left);
        account
    }

    /// Begin to digest what was asked.
    pub(crate) fn digest(&mut self) {
        let prompt = self.call.as_mut().and_then(|call| call.prompt.as_mut());
        if let Some(prompt @ Prompt::Bytes(_)) = prompt
            && let Prompt::Bytes(body) = std::mem::replace(prompt, Prompt::Digest(String::new()))
        {
            *prompt = Prompt::of(&body);
        }
    }

    /// The provider has answered with this status.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        (self.taken, self.begun) = (status.is_success(), true);
        if let Some(call) = &mut self.call {
            call.event.detail.insert("status".into(), status.as_u16().into());
        }
        self.charge(Finish::Left);
    }

    /// There is no answer, and the call owes this. Somebody else says why.
    pub(crate) fn failed(mut self, used: Usage) {
        let call = self.call.take();
        if let Some(mut reservation) = call.and_then(|call| call.reservation) {
            reservation.owes(used);
        }
    }

    /// What the call has used if it ends like this. A server is believed, but not everything.
    fn used(&self, estimate: Estimate, how: Finish) -> Usage {
        match (self.taken, self.told, how) {
            (false, ..) => Usage::default(),
            (true, Some(told), Finish::Whole) => told.at_least(&floor(estimate, self.bytes)),
            // Whoever is done without a word of it, or before it.
            (true, told, _) => {
                let mut seen = of_answer(estimate, self.bytes);
                if let (None, Some(call)) = (self.first, &self.call) {
                    // One that does not stream may be done before anything of it comes.
                    let made = of_time(estimate, call.started.elapsed());
                    seen.output = seen.output.max(made);
                }
                match told {
                    // The prompt was counted by the provider; the answer goes on there for a while.
                    Some(told) => Usage { output: told.output.max(seen.output), ..told }
                        .at_least(&floor(estimate, self.bytes)),
                    None => seen,
                }
            }
        }
    }

    fn charge(&mut self, how: Finish) {
        let Some(estimate) = self.call.as_ref().map(|call| call.estimate) else { return };
        let used = self.used(estimate, how);
        let reservation = self.call.as_mut().and_then(|call| call.reservation.as_mut());
        reservation.into_iter().for_each(|reservation| reservation.owes(used));
    }

    fn close(&mut self, how: Finish) {
        self.charge(how);
        let Some(call) = self.call.take() else { return };
        let used = self.used(call.estimate, how);
        // Whoever asks next finds it settled.
        drop(call.reservation);
        let millis = |until: Instant| {
            let passed = until.saturating_duration_since(call.started).as_millis();
            u64::try_from(passed).unwrap_or(u64::MAX)
        };
        let mut event = call.event.with("latency_ms", millis(Instant::now()));
        if let Some(first) = self.first {
            event = event.with("first_byte_ms", millis(first));
        }
        let ended = match how {
            Finish::Whole => "whole",
            Finish::Broken => "broken",
            Finish::Left => "left",
        };
        event = event.with("ended", ended);
        if call.prompt.is_some() {
            event = event
                .with("input_tokens", used.input)
                .with("output_tokens", used.output)
                .with("cache_read_tokens", used.cache_read)
                .with("cache_write_tokens", used.cache_write)
                .with("estimated", self.taken && self.told.is_none())
                .with("tool_calls", self.calls)
                .with("tool_calls_denied", self.denied);
        }
        if let Some(price) = call.price.filter(|_| call.prompt.is_some()) {
            event = event.with("usd", price.of(&used).dollars());
        }
        let answer = std::mem::replace(&mut self.digest, Context::new(&SHA256)).finish();
        event = event.with("answer_sha256", shown(answer));
        if let Some(mut answer) = self.answer.take() {
            answer.keep(&*self.authority);
            event = event.with("content", answer.pieces);
            if let Some(why) = answer.lost {
                event = event.with("content_lost", why);
            }
        }
        let (authority, open) = (Arc::clone(&self.authority), self.open.take());
        let recording = async move {
            let _open = open;
            if let Some(prompt) = call.prompt {
                event = event.with("prompt_sha256", prompt.known().await);
            }
            // Where the journal takes nothing, nothing further is permitted.
            authority.record(event).await;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(recording);
        }
    }
}

impl Watcher for Account {
    fn usage(&mut self, usage: Usage) {
        self.told = Some(usage);
        self.charge(Finish::Left);
    }

    fn came(&mut self, bytes: &Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.first.get_or_insert_with(Instant::now);
        self.digest.update(bytes);
        if let Some(answer) = &mut self.answer {
            answer.waiting.extend_from_slice(bytes);
            if answer.waiting.len() >= PIECE {
                answer.keep(&*self.authority);
            }
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.charge(Finish::Left);
    }

    fn ruled(&mut self, calls: usize, denied: usize) {
        self.calls = self.calls.saturating_add(calls);
        self.denied = self.denied.saturating_add(denied);
    }

    fn finished(&mut self, how: Finish) {
        self.close(how);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // Who waits for an answer that has not begun has gone.
        self.close(if self.begun { Finish::Broken } else { Finish::Left });
    }
}
