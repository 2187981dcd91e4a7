//! What the operator's terminal shows of a session, recorded and sealed.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use palisade_core::{Event, Layer, SessionId};
use palisade_recording::{Recorded, Recorder};
use rustix::termios::Winsize;

use crate::{
    order::Order,
    refusal::{Refusal, Refuse},
    terminal::{Terminal, Watch},
};

/// How it has ended, once it has.
type Outcome = Arc<Mutex<Option<Result<Recorded, String>>>>;

/// A recording that is being made.
pub(crate) struct Recording {
    path: PathBuf,
    key: String,
    outcome: Outcome,
}

/// The end of it that is at the terminal.
pub(crate) struct Camera {
    recorder: Option<Recorder>,
    outcome: Outcome,
}

impl Recording {
    /// Begin one, if the order is to record.
    pub(crate) fn begin(
        order: &Order,
        session: &SessionId,
        terminal: Option<&Terminal>,
    ) -> Result<Option<(Self, Camera)>, Refusal> {
        let Some(key) = &order.record else { return Ok(None) };
        let Some(terminal) = terminal else {
            return Err(Refusal::new(
                "there is no terminal to record",
                "run it in a terminal, or without --record",
            ));
        };
        let folder = order.operator.state_dir.join("recordings");
        let path = folder.join(format!("{session}.cast.sealed"));
        let Winsize { ws_col, ws_row, .. } = terminal.size();
        let recorder = Recorder::create(&path, key, session.as_str(), (ws_col, ws_row));
        let recorder = recorder.refuse(
            "record the terminal",
            "see that the state folder can be written and has room",
        )?;
        let outcome = Outcome::default();
        let camera = Camera { recorder: Some(recorder), outcome: Arc::clone(&outcome) };
        Ok(Some((Self { path, key: key.id(), outcome }, camera)))
    }

    /// That it was begun.
    pub(crate) fn begun(&self) -> Event {
        self.event("recording")
    }

    /// How it has ended.
    pub(crate) fn ended(&self) -> Event {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        let why = match outcome {
            Some(Ok(recorded)) => {
                let digest: String =
                    recorded.digest.iter().map(|byte| format!("{byte:02x}")).collect();
                let event = self.event("recorded").with("bytes", recorded.bytes);
                return event.with("sha256", digest);
            }
            Some(Err(why)) => why,
            None => "the terminal was still busy".to_owned(),
        };
        let mut event = self.event("unrecorded");
        event.reason = format!("the recording broke off: {why}");
        event
    }

    fn event(&self, kind: &str) -> Event {
        let subject = self.path.display().to_string();
        Event::observed(kind, Layer::Supervisor, subject).with("key", self.key.as_str())
    }
}

impl Camera {
    /// Once it has broken off, nothing more is recorded.
    fn with(
        &mut self,
        take: impl FnOnce(&mut Recorder) -> Result<(), palisade_recording::RecordingError>,
    ) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Err(error) = take(recorder) {
            self.recorder = None;
            self.say(Err(error.to_string()));
        }
    }

    fn say(&self, outcome: Result<Recorded, String>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

impl Watch for Camera {
    fn output(&mut self, bytes: &[u8]) {
        self.with(|recorder| recorder.output(bytes));
    }

    fn resized(&mut self, size: Winsize) {
        self.with(|recorder| recorder.resized(size.ws_col, size.ws_row));
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            let outcome = recorder.finish().map_err(|error| error.to_string());
            self.say(outcome);
        }
    }
}
