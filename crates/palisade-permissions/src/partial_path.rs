//! Paths of which only some is known, against the patterns of rules.
//!
//! `~/.s*/id_rsa` may be a file below `~/.ssh`. It counts as one that a rule may name if it could be, and if something
//! that is known of it meets something that the rule says: `$X` alone could be any file, and is not asked about.

use std::path::{Path, PathBuf};

use palisade_shell::{Field, Piece};

use crate::ways::lexical;

/// The longest path and pattern that are compared; what is longer may be anything.
const LONGEST: usize = 1_024;

/// A rule's pattern.
#[derive(Debug, Clone)]
pub(crate) struct PartialPattern {
    tokens: Vec<Token>,
    /// The folder that it begins in.
    start: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character. `says`: it is of what the rule names, and not of where that begins.
    Char { c: char, says: bool },
    /// One character of a name.
    One,
    /// Characters of a name.
    Name,
    /// Any number of folders.
    Folders,
    /// Whatever follows.
    Rest,
}

/// A path from the root on, or from where is not known.
#[derive(Debug, Clone)]
pub(crate) struct PartialPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Char(char),
    /// Characters of a name that are not known.
    Name,
    /// Characters that are not known.
    Any,
}

impl PartialPattern {
    /// A pattern whose first `start` bytes are the folder that it begins at.
    pub(crate) fn new(text: &str, start: usize) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let says = text.len() - rest.len() >= start && c != '/';
            if let Some(after) = rest.strip_prefix("**/") {
                tokens.push(Token::Folders);
                rest = after;
                continue;
            }
            if let Some(after) = rest.strip_prefix("**") {
                tokens.push(Token::Rest);
                rest = after;
                continue;
            }
            let mut behind = rest.get(c.len_utf8()..).unwrap_or_default();
            tokens.push(match c {
                '*' => Token::Name,
                '?' => Token::One,
                '[' => {
                    behind = behind.split_once(']').map_or("", |(_, after)| after);
                    Token::One
                }
                '{' => {
                    behind = behind.split_once('}').map_or("", |(_, after)| after);
                    Token::Rest
                }
                '\\' => {
                    let escaped = behind.chars().next().unwrap_or('\\');
                    behind = behind.get(escaped.len_utf8()..).unwrap_or_default();
                    Token::Char { c: escaped, says }
                }
                c => Token::Char { c, says },
            });
            rest = behind;
        }
        Self { tokens, start: text.get(..start).unwrap_or_default().into() }
    }

    /// The folder that it begins in, if it is for any depth below that.
    pub(crate) fn begins(&self) -> Option<&Path> {
        self.fixed().is_none().then_some(self.start.as_path())
    }

    /// The text that each path of the pattern begins with, up to a `/`, if it is more than where the pattern begins.
    pub(crate) fn fixed(&self) -> Option<PathBuf> {
        let (mut text, mut said) = (String::new(), false);
        // As far as there are whole names: the text's length, and whether the rule says anything of it.
        let mut whole = (0, false);
        for token in &self.tokens {
            match token {
                Token::Char { c: '/', .. } => {
                    whole = (text.len(), said);
                    text.push('/');
                }
                Token::Char { c, says } => {
                    text.push(*c);
                    said |= *says;
                }
                Token::One | Token::Name | Token::Folders | Token::Rest => {
                    text.truncate(whole.0);
                    return whole.1.then(|| PathBuf::from(text));
                }
            }
        }
        said.then(|| PathBuf::from(text))
    }

    /// Whether the path may be one of the pattern's, by something that is known of it.
    pub(crate) fn may_be(&self, path: &PartialPath) -> bool {
        self.fits(path, false)
    }

    /// Whether the path may be one of the pattern's, whatever is known of it.
    pub(crate) fn may_be_one_of(&self, path: &PartialPath) -> bool {
        self.fits(path, true)
    }

    fn fits(&self, path: &PartialPath, met: bool) -> bool {
        if self.tokens.len() > LONGEST || path.steps.len() > LONGEST {
            return true;
        }
        // A state: how much of the path and of the pattern is behind, whether within a folder's name that
        // `Folders` takes, and whether something known has met something said.
        let width = self.tokens.len() + 1;
        let number = |(step, token, within, met): State| {
            ((step * width + token) * 2 + usize::from(within)) * 2 + usize::from(met)
        };
        let mut seen = vec![false; (path.steps.len() + 1) * width * 4];
        let mut waiting: Vec<State> = vec![(0, 0, false, met)];
        while let Some(state) = waiting.pop() {
            match seen.get_mut(number(state)) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let (step, token, within, met) = state;
            if step == path.steps.len() && token == self.tokens.len() && met {
                return true;
            }
            self.on(path, (step, token, within, met), &mut waiting);
        }
        false
    }

    fn on(&self, path: &PartialPath, state: State, waiting: &mut Vec<State>) {
        let (step, token, within, met) = state;
        let wanted = self.tokens.get(token).copied();
        match wanted {
            Some(Token::Name | Token::Rest) => waiting.push((step, token + 1, false, met)),
            Some(Token::Folders) if !within => waiting.push((step, token + 1, false, met)),
            _ => {}
        }
        let Some(given) = path.steps.get(step).copied() else { return };
        let (char, deep) = match given {
            Step::Char(c) => (Some(c), false),
            Step::Name => (None, false),
            Step::Any => (None, true),
        };
        // What is not known may be nothing, and goes on after each character.
        let next = if char.is_some() { step + 1 } else { step };
        if char.is_none() {
            waiting.push((step + 1, token, within, met));
        }
        let slash = char.map_or(deep, |c| c == '/');
        let other = char != Some('/');
        match wanted {
            Some(Token::Char { c, says }) => match char {
                Some(given) if given == c => waiting.push((next, token + 1, false, met || says)),
                Some(_) => {}
                // A pattern of the shell's takes no dot that a name begins with.
                None if c == '/' => {
                    if deep {
                        waiting.push((next, token + 1, false, met));
                    }
                }
                None if c == '.' && !deep && self.begins_name(token) => {}
                None => waiting.push((next, token + 1, false, met)),
            },
            Some(Token::One) if other => waiting.push((next, token + 1, false, met)),
            Some(Token::Name) if other => waiting.push((next, token, false, met)),
            Some(Token::Rest) => waiting.push((next, token, false, met)),
            Some(Token::Folders) => {
                if slash {
                    waiting.push((next, token, false, met));
                }
                if other {
                    waiting.push((next, token, true, met));
                }
            }
            Some(Token::One | Token::Name) | None => {}
        }
    }

    fn begins_name(&self, token: usize) -> bool {
        match token.checked_sub(1).and_then(|before| self.tokens.get(before)) {
            None | Some(Token::Folders | Token::Char { c: '/', .. }) => true,
            Some(_) => false,
        }
    }
}

/// See [`PartialPattern::may_be`].
type State = (usize, usize, bool, bool);

impl PartialPath {
    /// Any path below this folder.
    pub(crate) fn below(folder: &Path) -> Self {
        let mut steps = Vec::new();
        text(folder.to_string_lossy().trim_end_matches('/'), &mut steps);
        steps.extend([Step::Char('/'), Step::Any]);
        Self { steps }
    }

    /// The path that an argument means in this folder; `None` if nothing of it is known.
    pub(crate) fn new(field: &Field, folder: &Path, home: Option<&Path>) -> Option<Self> {
        let mut steps = Vec::new();
        let mut pieces = field.pieces().iter();
        match field.pieces().first()? {
            Piece::Text(start) => {
                pieces.next();
                let (before, name) = start.rsplit_once('/').unwrap_or((".", start));
                let before = if before.is_empty() { "/" } else { before };
                let before = lexical(folder, before, home);
                text(before.to_str()?.trim_end_matches('/'), &mut steps);
                steps.push(Step::Char('/'));
                text(name, &mut steps);
            }
            Piece::Names => {
                text(folder.to_str()?.trim_end_matches('/'), &mut steps);
                steps.push(Step::Char('/'));
            }
            Piece::Any | Piece::AnyWords => {}
        }
        let mut known = field.start().contains(|c| c != '/');
        for piece in pieces {
            match piece {
                Piece::Text(more) => {
                    known = true;
                    if more.split('/').any(|name| name == "..") {
                        // Where that leads is not known.
                        steps = vec![Step::Any, Step::Char('/')];
                        text(more.rsplit_once("../").map_or("", |(_, end)| end), &mut steps);
                    } else {
                        text(more, &mut steps);
                    }
                }
                Piece::Names => steps.push(Step::Name),
                Piece::Any | Piece::AnyWords => steps.push(Step::Any),
            }
        }
        known.then_some(Self { steps })
    }
}

/// Doubled slashes are one.
fn text(text: &str, steps: &mut Vec<Step>) {
    for c in text.chars() {
        if c != '/' || steps.last() != Some(&Step::Char('/')) {
            steps.push(Step::Char(c));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `*` for what the shell finds, `$` for what is not known.
    fn field(text: &str) -> Field {
        let known = palisade_shell::Known { home: Some("/home/me".into()), ..Default::default() };
        let line = palisade_shell::analyse(&format!("cat {text}"), &known).unwrap();
        line.commands.last().unwrap().words.get(1).unwrap().clone()
    }

    #[test]
    fn a_path_may_be_what_a_rule_names() {
        for (pattern, start, given, expected) in [
            ("/work/**/.env", 5, ".e*", true),
            ("/work/**/.env", 5, "sub/.e?v", true),
            ("/work/**/.env", 5, "$X/.env", true),
            ("/work/**/.env", 5, "*/../.env", true),
            ("/work/**/.env", 5, ".*", true),
            ("/work/**/.env", 5, "*nv", false),
            ("/work/**/.env", 5, "x*v", false),
            ("/work/**/.env", 5, "*.md", false),
            ("/work/**/.env", 5, "src/*", false),
            ("/work/**/.env", 5, "$X/readme", false),
            ("/home/me/.ssh/**", 8, "~/.s*/id_rsa", true),
            ("/home/me/.ssh/**", 8, "$X/.ssh/id_rsa", true),
            ("/home/me/.ssh/**", 8, "~root/.ssh/id_rsa", true),
            ("/home/me/.ssh/**", 8, "/home/*/.ssh/id_rsa", true),
            ("/home/me/.ssh/**", 8, "~/*/id_rsa", false),
            ("/home/me/.ssh/**", 8, "~/x/$X", false),
            ("/home/me/.ssh/**", 8, "~/$X", false),
            ("/work/secrets/*.pem", 5, "secrets/*", true),
            ("/work/secrets/*.pem", 5, "sec*/a.pem", true),
            ("/work/secrets/*.pem", 5, "other/*", false),
            ("/work/.github/**", 5, ".gith*/a", true),
            ("/work/.github/**", 5, ".git*/a", true),
        ] {
            let path =
                PartialPath::new(&field(given), Path::new("/work"), Some(Path::new("/home/me")));
            let found = path.is_some_and(|path| PartialPattern::new(pattern, start).may_be(&path));
            assert_eq!(found, expected, "{pattern} {given}");
        }
    }

    #[test]
    fn nothing_known_is_nothing_said() {
        for given in ["$X", "*", "$X$Y"] {
            let path = PartialPath::new(&field(given), Path::new("/work"), None);
            let pattern = PartialPattern::new("/work/**/.env", 5);
            assert!(!path.is_some_and(|path| pattern.may_be(&path)), "{given}");
        }
    }

    #[test]
    fn long_ones_are_compared_in_bounded_time() {
        let long = "a*".repeat(400);
        let path =
            PartialPath::new(&field(&format!("./{long}")), Path::new("/work"), None).unwrap();
        let pattern = PartialPattern::new(&format!("/work/{}", "*a".repeat(300)), 5);
        let _ = pattern.may_be(&path);
        let path = PartialPath::new(&field(&"x".repeat(5_000)), Path::new("/work"), None).unwrap();
        assert!(pattern.may_be(&path));
    }
}
