use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use palisade_audit::session;
use palisade_recording::{Moment, Piece, RecordingError, SecretKey, Tamed, moments, open_file};
use zeroize::Zeroizing;

use super::{finished, recording_key::SECRET_FILE, show::ascii, state_dir, unanswered};
use crate::{
    failure::{Failure, Kind},
    operator::operator,
};

/// No pause is longer than this, whatever the recording says.
const LONGEST_PAUSE: f64 = 2.0;
/// Bytes of lines that are not whole yet.
const MOST_WAITING: usize = 4 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The session's id, the beginning of it, or its name.
    #[arg(value_name = "SESSION")]
    session: String,
    /// The secret key, if it is not in the folder of the configuration.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How many times as fast.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Write it as asciicast v2, for other players, and do not play it.
    #[arg(long, conflicts_with = "speed")]
    cast: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let state = state_dir()?;
    let id = session::find(&state, &args.session).map_err(unanswered)?;
    let key = key(args)?;
    let path = state.join("recordings").join(format!("{id}.cast.sealed"));
    let opened = open_file(&path, &key, id.as_str());
    let mut sealed = opened.map_err(|error| match error {
        RecordingError::Io(error) => {
            let path = path.display();
            let what = format!("no recording of session {id} can be read: {path}: {error}");
            Failure::new(Kind::Usage, what).remedy("record one with palisade run --record")
        }
        error => unplayed(&error),
    })?;
    let mut player = Player::new(args);
    let mut waiting = Vec::new();
    let ended = loop {
        let Some(piece) = sealed.next_piece().map_err(|error| unplayed(&error))? else {
            break true;
        };
        let (bytes, last) = match piece {
            Piece::More(bytes) => (bytes, None),
            Piece::End(bytes) => (bytes, Some(true)),
            _ => (Vec::new(), Some(false)),
        };
        waiting.extend(bytes);
        if waiting.len() > MOST_WAITING {
            return Err(unplayed(&RecordingError::Form));
        }
        let whole =
            waiting.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        let lines: Vec<u8> = waiting.drain(..whole).collect();
        let lines = String::from_utf8(lines).map_err(|_| unplayed(&RecordingError::Form))?;
        if !player.play(&lines)? {
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(ended) = last {
            break ended;
        }
    };
    player.end()?;
    if ended {
        return Ok(ExitCode::SUCCESS);
    }
    let what = "the recording has no end: what made it was killed, or the rest was cut off";
    Err(Failure::new(Kind::Denied, what))
}

/// Writes what is played.
struct Player {
    speed: f64,
    cast: bool,
    tamed: Tamed,
    began: Instant,
    /// Seconds that were left out of pauses.
    skipped: f64,
    at: f64,
}

impl Player {
    fn new(args: &Args) -> Self {
        Self {
            speed: args.speed,
            cast: args.cast,
            tamed: Tamed::default(),
            began: Instant::now(),
            skipped: 0.0,
            at: 0.0,
        }
    }

    /// Play these lines; false when nobody watches any more.
    fn play(&mut self, lines: &str) -> Result<bool, Failure> {
        let moments = moments(lines).map_err(|error| unplayed(&error))?;
        if self.cast {
            return write(&ascii(lines));
        }
        for moment in moments {
            if let Moment::Output(seconds, text) = moment {
                self.wait_until(seconds);
                if !write(&self.tamed.text(&text))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn wait_until(&mut self, seconds: f64) {
        let pause = seconds - self.at;
        self.at = self.at.max(seconds);
        if pause > LONGEST_PAUSE {
            self.skipped += pause - LONGEST_PAUSE;
        }
        let due = (self.at - self.skipped).max(0.0) / self.speed;
        let due = Duration::try_from_secs_f64(due).unwrap_or_default();
        thread::sleep(due.saturating_sub(self.began.elapsed()).min(Duration::from_secs(60)));
    }

    /// Leave the terminal as a shell wants it.
    fn end(&self) -> Result<bool, Failure> {
        if self.cast {
            Ok(true)
        } else {
            write("\u{1b}[?1049l\u{1b}[?25h\u{1b}[?7h\u{1b}[r\u{1b}[0m\r\n")
        }
    }
}

fn key(args: &Args) -> Result<SecretKey, Failure> {
    let path = match &args.key {
        Some(path) => path.clone(),
        None => {
            let failed =
                |(what, remedy): (String, String)| Failure::new(Kind::Usage, what).remedy(remedy);
            operator().map_err(failed)?.config_dir.join(SECRET_FILE)
        }
    };
    let unusable = |why: String| {
        let what = format!("the key that opens recordings, {}: {why}", path.display());
        Failure::new(Kind::Usage, what).remedy("name it with --key")
    };
    let text = std::fs::read_to_string(&path).map_err(|error| unusable(error.to_string()))?;
    SecretKey::parse(&Zeroizing::new(text)).map_err(|error| unusable(error.to_string()))
}

fn write(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    finished(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn unplayed(error: &RecordingError) -> Failure {
    Failure::new(Kind::Denied, format!("the recording cannot be played: {error}"))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "this is no number".to_owned())?;
    if (0.01..=1000.0).contains(&speed) { Ok(speed) } else { Err("use 0.01 to 1000".to_owned()) }
}
