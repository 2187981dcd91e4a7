//! The list at a terminal, with keys that answer.

use std::{
    cell::Cell,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
    execute, queue,
    style::{Attribute, Color, Print, SetAttribute, SetForegroundColor},
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode, size,
    },
};
use palisade_session::running::{self, Entry, Pending, Scope};
use serde_json::Value;

use super::{
    addition, all, edit, named,
    view::{self, Look},
};
use crate::{
    commands::place::Place,
    failure::{Failure, Kind},
    operator::state_dir,
};

/// How often it is looked what waits.
const LOOK: Duration = Duration::from_millis(500);
/// Rows of the list at most; the rest of the screen is the question itself.
const MOST_ROWS: usize = 10;

/// What is on the screen.
#[derive(Debug, Default)]
struct Screen {
    all: Vec<(Entry, Pending)>,
    chosen: usize,
    /// The first row of the question that is seen.
    from: usize,
    /// So many rows further on shows what follows, and leaves none out.
    page: usize,
    /// Whether the last one was: nobody permits what is below the screen's end.
    seen: bool,
    said: String,
    /// A rule that was shown, and is written if `r` is pressed again: of this question.
    sure: Option<String>,
    /// An input that was changed and shown, and is permitted if `y` is pressed next: of this question.
    changed: Option<Changed>,
}

/// What the operator has made of a tool call.
#[derive(Debug)]
struct Changed {
    question: String,
    digest: String,
    input: String,
    /// What is other than before.
    shown: Vec<view::Line>,
}

/// Puts the terminal back, whatever happens.
struct Raw;

impl Raw {
    fn enter() -> io::Result<Self> {
        let raw = Self;
        enter()?;
        Ok(raw)
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide)
}

fn leave() -> io::Result<()> {
    execute!(io::stdout(), Show, LeaveAlternateScreen)?;
    disable_raw_mode()
}

impl Drop for Raw {
    fn drop(&mut self) {
        leave().unwrap_or_default();
        disable_raw_mode().unwrap_or_default();
    }
}

/// Until `q`. `place`: the policy that `r` writes to.
pub(super) fn run(place: Option<&Place>) -> Result<ExitCode, Failure> {
    let failed = |error: io::Error| {
        Failure::new(Kind::Enforcement, format!("the terminal: {error}"))
            .remedy("palisade approvals list")
    };
    let _raw = Raw::enter().map_err(failed)?;
    let mut screen = Screen::default();
    loop {
        screen.look()?;
        screen.draw().map_err(failed)?;
        if !event::poll(LOOK).map_err(failed)? {
            continue;
        }
        let Event::Key(key) = event::read().map_err(failed)? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let code = match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char('q')
            }
            code => code,
        };
        match code {
            KeyCode::Char('q') => return Ok(ExitCode::SUCCESS),
            KeyCode::Char('e') => screen.edit().map_err(failed)?,
            _ => screen.press(code, place),
        }
    }
}

impl Screen {
    /// See what waits now. What was chosen stays chosen, so that no key answers what has just moved under it.
    fn look(&mut self) -> Result<(), Failure> {
        let before = self.chosen().map(|(entry, pending)| (entry.session.clone(), pending.id));
        self.all = all()?;
        let at = before.as_ref().and_then(|(session, id)| {
            self.all
                .iter()
                .position(|(entry, pending)| entry.session == *session && pending.id == *id)
        });
        match (at, before) {
            (Some(at), _) => self.chosen = at,
            (None, Some(_)) => {
                self.said = "the question that was chosen is open no more".into();
                // Another one takes its place: a key that is being pressed is not for it.
                self.chosen = usize::MAX;
                (self.from, self.seen, self.sure, self.changed) = (0, false, None, None);
            }
            (None, None) if self.chosen == usize::MAX && !self.said.is_empty() => {}
            (None, None) => self.chosen = 0,
        }
        Ok(())
    }

    fn chosen(&self) -> Option<&(Entry, Pending)> {
        self.all.get(self.chosen)
    }

    fn press(&mut self, key: KeyCode, place: Option<&Place>) {
        let last = self.all.len().saturating_sub(1);
        let further = matches!(key, KeyCode::PageDown | KeyCode::PageUp | KeyCode::Char(' '));
        let sure = self.sure.take();
        let changed = if further { None } else { self.changed.take() };
        let permits = matches!(key, KeyCode::Char('a' | 's' | 'r' | 'y'));
        if permits && !self.seen && self.chosen().is_some() {
            self.changed = changed;
            self.said = "there is more of it than was seen: space shows it".into();
            return;
        }
        if changed.is_some() {
            // What is shown from now on is another text.
            (self.from, self.seen) = (0, false);
        }
        match key {
            KeyCode::Char('y') => self.allow_changed(changed),
            KeyCode::Down | KeyCode::Char('j') => {
                self.choose(self.chosen.wrapping_add(1).min(last))
            }
            KeyCode::Up | KeyCode::Char('k') => {
                self.choose(self.chosen.min(last + 1).saturating_sub(1))
            }
            KeyCode::PageDown | KeyCode::Char(' ') => {
                self.from = self.from.saturating_add(self.page);
            }
            KeyCode::PageUp => self.from = self.from.saturating_sub(self.page),
            KeyCode::Char('a') => self.answer(true, Scope::Once),
            KeyCode::Char('s') => self.answer(true, Scope::Session),
            KeyCode::Char('d') => self.answer(false, Scope::Once),
            KeyCode::Char('r') => self.for_good(place, sure),
            _ => {}
        }
    }

    fn choose(&mut self, at: usize) {
        (self.chosen, self.from, self.seen) = (at, 0, false);
        self.said.clear();
    }

    fn answer(&mut self, allow: bool, scope: Scope) {
        let Some((entry, pending)) = self.chosen() else { return };
        let which = entry.session.to_string();
        let said = state_dir().and_then(|state| {
            running::answer(&state, &which, pending.id, allow, scope).map_err(Failure::denied)
        });
        let question = named(entry, pending);
        self.said = match said {
            Ok(_) if allow => format!("{question} is allowed"),
            Ok(_) => format!("{question} is denied"),
            Err(failure) => failure.to_string(),
        };
        self.chosen = usize::MAX;
    }

    /// Have the operator's editor change the call that is chosen, and show what is other then.
    fn edit(&mut self) -> io::Result<()> {
        (self.sure, self.changed) = (None, None);
        let Some((entry, pending)) = self.chosen() else { return Ok(()) };
        let (which, id, question) = (entry.session.to_string(), pending.id, named(entry, pending));
        let asked = state_dir()
            .and_then(|state| running::call(&state, &which, id).map_err(Failure::denied));
        let asked = match asked {
            Ok(asked) => asked,
            Err(failure) => {
                self.said = failure.to_string();
                return Ok(());
            }
        };
        leave()?;
        let edited = edit::edited(&asked);
        enter()?;
        let changed = edited.and_then(|text| {
            let input = edit::object(&text)?;
            let shown = view::of_diff(&edit::compared(&asked, &input)?);
            let input = Value::from(input).to_string();
            Ok(Changed { question: question.clone(), digest: asked.digest, input, shown })
        });
        match changed {
            Ok(changed) => {
                self.said = format!("y permits this in place of {question}, once");
                (self.from, self.seen, self.changed) = (0, false, Some(changed));
            }
            Err(failure) => self.said = failure.to_string(),
        }
        Ok(())
    }

    /// Permit what was shown last.
    fn allow_changed(&mut self, changed: Option<Changed>) {
        let (Some((entry, pending)), Some(changed)) = (self.chosen(), changed) else { return };
        let question = named(entry, pending);
        if changed.question != question {
            return;
        }
        let (which, id) = (entry.session.to_string(), pending.id);
        let said = state_dir().and_then(|state| {
            running::edit(&state, &which, id, &changed.digest, &changed.input)
                .map_err(Failure::denied)
        });
        match said {
            Ok(_) => {
                self.said = format!("{question} is allowed as changed");
                self.chosen = usize::MAX;
            }
            Err(failure) => self.said = failure.to_string(),
        }
    }

    /// Show the rule, and at the second time write it.
    fn for_good(&mut self, place: Option<&Place>, sure: Option<String>) {
        let Some((entry, pending)) = self.chosen() else { return };
        let question = named(entry, pending);
        let Some(place) = place else {
            self.said = "name the policy that gets the rule: palisade approvals --rule FILE".into();
            return;
        };
        let written = addition(pending).and_then(|addition| {
            place.with(&addition)?;
            Ok(addition)
        });
        match written {
            Err(failure) => self.said = failure.to_string(),
            Ok(addition) if sure.as_ref() != Some(&question) => {
                let rules: Vec<String> =
                    addition.items.iter().map(|item| item.value.to_string()).collect();
                self.said = format!(
                    "{} gets {} {}; once more r to write it",
                    place.shown(),
                    addition.list.join("."),
                    rules.join(", ")
                );
                self.sure = Some(question);
            }
            Ok(addition) => {
                self.answer(true, Scope::Session);
                if !self.said.ends_with("is allowed") {
                    return;
                }
                self.said = match place.write(&addition) {
                    Ok(()) => format!("{question} is allowed, and {} has a rule", place.shown()),
                    Err(failure) => failure.to_string(),
                };
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let (width, height) = size()?;
        let (width, height) = (usize::from(width), usize::from(height));
        let mut out = io::stdout().lock();
        queue!(out, Clear(ClearType::All), MoveTo(0, 0))?;
        let row = Cell::new(0);
        let line = |out: &mut io::StdoutLock<'_>, text: &str, look: Look, inverse: bool| {
            if row.get() >= height {
                return Ok(());
            }
            let text = view::rows(text, width).into_iter().next().unwrap_or_default();
            let at = u16::try_from(row.get()).unwrap_or(u16::MAX);
            row.set(row.get() + 1);
            queue!(out, MoveTo(0, at))?;
            match look {
                Look::Plain => {}
                Look::Added => queue!(out, SetForegroundColor(Color::Green))?,
                Look::Removed => queue!(out, SetForegroundColor(Color::Red))?,
                Look::Dim => queue!(out, SetAttribute(Attribute::Dim))?,
            }
            if inverse {
                queue!(out, SetAttribute(Attribute::Reverse))?;
            }
            queue!(
                out,
                Print(text),
                SetForegroundColor(Color::Reset),
                SetAttribute(Attribute::Reset)
            )
        };
        let heads =
            "a once  s session  e edit first  r for good  d deny  j/k choose  space further  q end";
        line(&mut out, heads, Look::Dim, false)?;
        // Half of a small screen is for the question itself.
        let most = MOST_ROWS.min(height / 2).max(1);
        let first = (self.chosen.min(self.all.len())).saturating_sub(most - 1);
        for (at, (entry, pending)) in self.all.iter().enumerate().skip(first).take(most) {
            let text = super::shown(entry, pending);
            line(&mut out, text.trim_end(), Look::Plain, at == self.chosen)?;
        }
        if self.all.is_empty() {
            line(&mut out, "nothing waits for an answer", Look::Plain, false)?;
        }
        for part in view::rows(&palisade_journal::escaped(&self.said).to_string(), width) {
            line(&mut out, &part, Look::Dim, false)?;
        }
        let Some((_, pending)) = self.chosen() else { return out.flush() };
        // A line that is longer than the screen goes on below: nothing of it is hidden.
        let whole = match &self.changed {
            Some(changed) => changed.shown.clone(),
            None => view::of(pending),
        };
        let whole: Vec<(String, Look)> = whole
            .iter()
            .flat_map(|line| view::rows(&line.text, width).into_iter().map(|row| (row, line.look)))
            .collect();
        self.from = self.from.min(whole.len().saturating_sub(1));
        let room = height.saturating_sub(row.get());
        // The last row says that there is more.
        let fits = whole.len().saturating_sub(self.from) <= room;
        let most = if fits { room } else { room.saturating_sub(1) };
        self.page = most.clamp(1, 10);
        for (text, look) in whole.iter().skip(self.from).take(most) {
            line(&mut out, text, *look, false)?;
        }
        let left = whole.len().saturating_sub(self.from + most);
        if left > 0 {
            line(&mut out, &format!("{left} more rows: space"), Look::Plain, true)?;
        }
        self.seen |= left == 0 && room > 0;
        out.flush()
    }
}
