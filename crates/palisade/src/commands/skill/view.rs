//! A skill on the whole terminal: its files on the left, its text with what was found on the right.
//!
//! All that is shown comes from [`palisade_skill_store::listing`], in which every character that a terminal would obey
//! is written out.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Columns of the list of files, where there is room for it.
const LIST: usize = 28;
/// Columns from which there is.
const WIDE: usize = 90;
/// Characters of a comment.
const MOST_COMMENT: usize = 1000;

/// What the person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Approve,
    Deny,
    Nothing,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Down(usize),
    Up(usize),
    Page,
    PageBack,
    File,
    FileBack,
    Finding,
    FindingBack,
    Top,
    End,
    Comment,
    Answer(Answer),
}

/// What is shown, and where it is.
#[derive(Debug)]
pub(super) struct View {
    title: String,
    lines: Vec<String>,
    /// The lines at which files begin, with their names.
    files: Vec<(usize, String)>,
    findings: Vec<usize>,
    at: usize,
    comment: String,
}

impl View {
    pub(super) fn new(title: String, listing: &str, comment: String) -> Self {
        let lines: Vec<String> = listing.lines().map(|line| line.replace('\t', "    ")).collect();
        let (mut files, mut findings) = (Vec::new(), Vec::new());
        for (at, line) in lines.iter().enumerate() {
            if let Some(name) = line.strip_prefix("== ") {
                files.push((at, name.to_owned()));
            } else if line.starts_with("     ! ") || line.starts_with("! ") {
                findings.push(at);
            }
        }
        Self { title, lines, files, findings, at: 0, comment }
    }

    /// Show it until there is an answer. The answer, and the comment.
    ///
    /// # Errors
    /// The terminal cannot be used. It is as it was before.
    pub(super) fn ask(mut self) -> io::Result<(Answer, String)> {
        let screen = Screen::take()?;
        loop {
            let (rows, columns) = size();
            screen.show(&self.frame(rows, columns))?;
            match self.key(rows) {
                Some(Key::Answer(answer)) => return Ok((answer, self.comment)),
                Some(Key::Comment) => self.write_comment(&screen, rows)?,
                Some(key) => self.go(key, rows),
                None => return Ok((Answer::Nothing, self.comment)),
            }
        }
    }

    fn key(&self, rows: usize) -> Option<Key> {
        loop {
            let mut bytes = [0; 16];
            let read = io::stdin().read(&mut bytes).ok().filter(|read| *read > 0)?;
            if let Some(key) = key(bytes.get(..read).unwrap_or_default(), rows) {
                return Some(key);
            }
        }
    }

    fn go(&mut self, key: Key, rows: usize) {
        let page = rows.saturating_sub(4).max(1);
        let files = || self.files.iter().map(|(at, _)| *at);
        let findings = || self.findings.iter().copied();
        self.at = match key {
            Key::Down(by) => self.at.saturating_add(by),
            Key::Up(by) => self.at.saturating_sub(by),
            Key::Page => self.at.saturating_add(page),
            Key::PageBack => self.at.saturating_sub(page),
            Key::File => files().find(|it| *it > self.at).unwrap_or(self.at),
            Key::FileBack => files().rfind(|it| *it < self.at).unwrap_or(0),
            Key::Finding => findings().find(|it| *it > self.at).unwrap_or(self.at),
            Key::FindingBack => findings().rfind(|it| *it < self.at).unwrap_or(self.at),
            Key::Top => 0,
            Key::End => self.lines.len(),
            Key::Comment | Key::Answer(_) => self.at,
        }
        .min(self.lines.len().saturating_sub(1));
    }

    /// One picture of this size.
    fn frame(&self, rows: usize, columns: usize) -> Vec<String> {
        let list = if columns >= WIDE { LIST } else { 0 };
        let body = rows.saturating_sub(3).max(1);
        let here = self.files.iter().rposition(|(at, _)| *at <= self.at).unwrap_or(0);
        let first = here.saturating_sub(body / 2);
        let mut frame = vec![format!("\x1b[7m{}\x1b[0m", fit(&self.title, columns))];
        for row in 0..body {
            let mut line = String::new();
            if list > 0 {
                let number = first.saturating_add(row);
                let name = self.files.get(number).map_or("", |(_, name)| name.as_str());
                let name = fit(name, list - 2);
                let (on, off) = if number == here { ("\x1b[1m>", "\x1b[0m") } else { (" ", "") };
                line.push_str(&format!("{on}{name}{off} "));
            }
            if let Some(text) = self.lines.get(self.at.saturating_add(row)) {
                let text_of = fit(text, columns.saturating_sub(list));
                let (on, off) = match text.as_str() {
                    it if it.starts_with("== ") => ("\x1b[1m", "\x1b[0m"),
                    it if it.trim_start().starts_with("! ") && !number(it) => {
                        ("\x1b[33m", "\x1b[0m")
                    }
                    _ => ("", ""),
                };
                line.push_str(&format!("{on}{}{off}", text_of.trim_end()));
            }
            frame.push(line);
        }
        let comment = match self.comment.as_str() {
            "" => String::new(),
            comment => format!("comment: {comment}"),
        };
        frame.push(fit(&comment, columns).trim_end().to_owned());
        let keys =
            "[a]pprove [d]eny [c]omment [q]uit   arrows, space; tab: next file; f: next finding";
        frame.push(format!("\x1b[7m{}\x1b[0m", fit(keys, columns)));
        frame
    }

    fn write_comment(&mut self, screen: &Screen, rows: usize) -> io::Result<()> {
        let mut text = std::mem::take(&mut self.comment);
        loop {
            screen.line(rows, &format!("comment, then enter: {text}"))?;
            let mut bytes = [0; 256];
            let read = io::stdin().read(&mut bytes)?;
            let typed = String::from_utf8_lossy(bytes.get(..read).unwrap_or_default()).into_owned();
            if typed.is_empty() {
                break;
            }
            match typed.as_str() {
                "\x7f" | "\x08" => drop(text.pop()),
                "\x1b" | "\x03" => {
                    text.clear();
                    break;
                }
                typed => {
                    let plain = typed.chars().filter(|c| !c.is_control());
                    text.extend(plain);
                    if typed.contains(['\r', '\n']) {
                        break;
                    }
                }
            }
        }
        self.comment = palisade_core::shown(&text, MOST_COMMENT);
        Ok(())
    }
}

/// Whether a line is one of a file: it begins with its number.
fn number(line: &str) -> bool {
    line.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

/// Exactly so many characters.
fn fit(text: &str, columns: usize) -> String {
    let mut out: String = text.chars().take(columns).collect();
    let has = out.chars().count();
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(has)));
    out
}

fn key(bytes: &[u8], rows: usize) -> Option<Key> {
    let half = (rows / 2).max(1);
    Some(match bytes {
        b"j" | b"\r" | b"\n" | b"\x1b[B" | b"\x1bOB" => Key::Down(1),
        b"k" | b"\x1b[A" | b"\x1bOA" => Key::Up(1),
        b"\x04" => Key::Down(half),
        b"\x15" => Key::Up(half),
        b" " | b"\x1b[6~" => Key::Page,
        b"b" | b"\x1b[5~" => Key::PageBack,
        b"\t" => Key::File,
        b"\x1b[Z" => Key::FileBack,
        b"f" | b"n" => Key::Finding,
        b"F" | b"N" => Key::FindingBack,
        b"g" | b"\x1b[H" => Key::Top,
        b"G" | b"\x1b[F" => Key::End,
        b"c" => Key::Comment,
        b"a" => Key::Answer(Answer::Approve),
        b"d" => Key::Answer(Answer::Deny),
        b"q" | b"\x03" => Key::Answer(Answer::Nothing),
        _ => return None,
    })
}

fn size() -> (usize, usize) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        _ => (24, 80),
    }
}

/// The terminal, as long as it is ours.
struct Screen {
    before: Termios,
}

impl Screen {
    fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin().as_fd())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &raw)?;
        let screen = Self { before };
        // The other screen, without the cursor, and no line goes on in the next.
        put("\x1b[?1049h\x1b[?25l\x1b[?7l")?;
        Ok(screen)
    }

    fn show(&self, frame: &[String]) -> io::Result<()> {
        let mut text = String::from("\x1b[H");
        for (at, line) in frame.iter().enumerate() {
            let end = if at + 1 < frame.len() { "\r\n" } else { "" };
            text.push_str(&format!("{line}\x1b[K{end}"));
        }
        text.push_str("\x1b[J");
        put(&text)
    }

    fn line(&self, row: usize, text: &str) -> io::Result<()> {
        put(&format!("\x1b[{row};1H{}\x1b[K", palisade_core::shown(text, 500)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put("\x1b[?7h\x1b[?25h\x1b[?1049l").unwrap_or_default();
        tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &self.before).unwrap_or_default();
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "== SKILL.md\n    1  # A\\u{202e}b\n     ! high x: y\n    2  ! no finding\n== a.py\n    1  x\n";

    fn view() -> View {
        View::new("pdf".to_owned(), LISTING, String::new())
    }

    #[test]
    fn keys_lead_to_files_and_findings_and_never_out() {
        let mut view = view();
        view.go(Key::Finding, 24);
        assert_eq!(view.at, 2);
        view.go(Key::Finding, 24);
        assert_eq!(view.at, 2);
        view.go(Key::File, 24);
        assert_eq!(view.at, 4);
        view.go(Key::FileBack, 24);
        assert_eq!(view.at, 0);
        for key in [Key::Up(9), Key::End, Key::Page, Key::Down(100)] {
            view.go(key, 24);
            assert!(view.at < view.lines.len());
        }
        for bytes in [&b"\x1b[200~"[..], b"x", b"", b"\xff"] {
            assert_eq!(key(bytes, 24), None);
        }
    }

    #[test]
    fn a_picture_has_the_terminals_size() {
        let view = view();
        for (rows, columns) in [(24, 120), (10, 40), (3, 1), (1, 1)] {
            let frame = view.frame(rows, columns);
            assert!(frame.len() <= rows.max(4), "{rows} {frame:?}");
            let bare = frame.iter().map(|line| {
                ["\x1b[7m", "\x1b[1m", "\x1b[33m", "\x1b[0m"]
                    .iter()
                    .fold(line.clone(), |line, mark| line.replace(mark, ""))
            });
            for line in bare {
                assert!(
                    line.chars().count() <= columns.max(LIST) && !line.contains('\x1b'),
                    "{line}"
                );
            }
        }
        let frame = view.frame(24, 120).join("\n");
        assert!(
            frame.contains("\x1b[33m     ! high x: y") && frame.contains("A\\u{202e}b"),
            "{frame}"
        );
        assert!(!frame.contains("\x1b[33m    2"), "{frame}");
        // No list of files could be shown.
        View::new(String::new(), "", String::new()).frame(24, 120);
    }
}
