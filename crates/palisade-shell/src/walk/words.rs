//! From a word to the arguments that it becomes.

use super::Walk;
use crate::{
    Field, Piece, braces,
    syntax::{List, Node, Part, Redirect, RedirectKind, Word},
};

/// A word on its way to be arguments.
#[derive(Default)]
struct Fields {
    done: Vec<Field>,
    current: Field,
    /// Whether there is an argument at all, though nothing may be in it.
    present: bool,
    /// A pattern has begun, and nothing after it is taken as it stands.
    open: bool,
}

impl Fields {
    fn push(&mut self, piece: Piece) {
        self.present = true;
        match piece {
            Piece::Text(_) if self.open => {}
            piece => self.current.push(piece),
        }
    }

    fn unknown(&mut self, quoted: bool) {
        self.push(if quoted { Piece::Any } else { Piece::AnyWords });
    }

    fn next(&mut self) {
        if self.present {
            self.done.push(std::mem::take(&mut self.current));
        }
        self.present = false;
    }

    fn finish(mut self) -> Vec<Field> {
        self.next();
        self.done
    }
}

/// What a word with braces may become, if it is of text alone.
fn of_braces(parts: &[Part]) -> Vec<Field> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text { text: more, .. } | Part::Pattern(more) => text.push_str(more),
            Part::Tilde(name) => {
                text.push('~');
                text.push_str(name);
            }
            _ => return Vec::new(),
        }
    }
    braces::alternatives(&text).into_iter().map(Field::text).collect()
}

impl Walk<'_> {
    /// The arguments that a word becomes. What it runs on the way is added to the line.
    pub(super) fn fields(&mut self, word: &Word) -> Vec<Field> {
        let mut fields = Fields::default();
        self.parts(&word.parts, &mut fields);
        fields.finish()
    }

    /// What a redirection names or gives.
    pub(super) fn target(&mut self, word: &Word) -> Vec<Field> {
        if let [Part::Here(number)] = word.parts.as_slice() {
            let text = self.texts.get(*number);
            return text.map(|text| self.fields(text)).unwrap_or_default();
        }
        self.fields(word)
    }

    fn parts(&mut self, parts: &[Part], fields: &mut Fields) {
        for part in parts {
            match part {
                Part::Text { text, quoted } => {
                    if *quoted && (text.contains("$(") || text.contains('`') || text.contains("${"))
                    {
                        self.loaded.push(text.clone());
                    }
                    fields.push(Piece::Text(text.clone()));
                }
                Part::Pattern(pattern) => {
                    if pattern == "{" {
                        let named = of_braces(parts);
                        self.line.mentioned.extend(named);
                    }
                    // In brackets and braces anything may stand.
                    let open = matches!(pattern.as_str(), "[" | "{");
                    fields.push(if open { Piece::AnyWords } else { Piece::Names });
                    fields.open |= open;
                }
                Part::Tilde(name) => match self.variables.get("HOME").and_then(Field::known) {
                    Some(home) if name.is_empty() && !self.doubtful => {
                        fields.push(Piece::Text(home.to_owned()));
                    }
                    _ => fields.unknown(true),
                },
                Part::Variable { name, quoted } => self.variable(name, *quoted, fields),
                Part::Expansion { inner, quoted, prompt, written } => {
                    self.evaluates |= *prompt;
                    self.set_within(written);
                    let mut within = Fields::default();
                    self.parts(inner, &mut within);
                    self.line.mentioned.extend(within.finish());
                    // `${name:-value}`
                    if let Some((_, value)) = written.split_once(['-', '=', '+']) {
                        let value = value.trim_end_matches('}').trim_matches(['"', '\'']);
                        self.line.mentioned.push(Field::text(value));
                    }
                    // `"$@"` is several arguments in spite of its quotes.
                    fields.unknown(*quoted && !inner.is_empty());
                }
                Part::Command { list, quoted } if self.told(list, *quoted).is_some() => {
                    let text = self.told(list, *quoted).unwrap_or_default();
                    self.loaded.push(text.clone());
                    fields.push(Piece::Text(text));
                    self.apart(list);
                }
                Part::Command { list, quoted } => {
                    self.line.construct("a command substitution");
                    self.heard(list);
                    fields.unknown(*quoted);
                }
                Part::Process(list) => {
                    self.line.construct("a process substitution");
                    self.heard(list);
                    fields.unknown(true);
                }
                Part::Here(_) => fields.unknown(false),
            }
        }
    }

    /// What `"$(cat <<'END' … END)"` stands for, the way in which agents write a text of several lines: nothing in it
    /// is expanded.
    fn told(&self, list: &List, quoted: bool) -> Option<String> {
        let [item] = list.items.as_slice() else { return None };
        let [Node::Simple(simple)] = item.commands.as_slice() else { return None };
        let [word] = simple.words.as_slice() else { return None };
        let [Redirect { kind: RedirectKind::Text, target }] = simple.redirects.as_slice() else {
            return None;
        };
        let [Part::Here(number)] = target.parts.as_slice() else { return None };
        if !quoted
            || item.background
            || !simple.assignments.is_empty()
            || word.bare() != Some("cat")
            || self.functions.contains("cat")
        {
            return None;
        }
        let mut text = String::new();
        for part in &self.texts.get(*number)?.parts {
            let Part::Text { text: more, .. } = part else { return None };
            text.push_str(more);
        }
        text.truncate(text.trim_end_matches('\n').len());
        Some(text)
    }

    /// The same, where it is what they say that counts.
    fn heard(&mut self, list: &List) {
        let before = self.line.commands.len();
        self.apart(list);
        let said: Vec<Field> =
            self.line.commands.iter().skip(before).filter_map(super::says).collect();
        self.within.extend(said);
    }

    /// Commands in a shell of their own.
    fn apart(&mut self, list: &List) {
        let kept = (self.variables.clone(), self.directories.clone());
        self.list(list);
        (self.variables, self.directories) = kept;
    }

    fn variable(&mut self, name: &str, quoted: bool, fields: &mut Fields) {
        if self.own.contains(name) {
            self.line.construct("a variable that is set in it");
        }
        let value = match self.variables.get(name) {
            Some(value) if !self.doubtful && (quoted || !self.other_breaks) => value.clone(),
            _ => return fields.unknown(quoted),
        };
        if quoted {
            fields.present = true;
            for piece in value.pieces() {
                fields.push(piece.clone());
            }
            return;
        }
        for piece in value.pieces() {
            let Piece::Text(text) = piece else {
                fields.push(Piece::AnyWords);
                continue;
            };
            let blank = |c: char| matches!(c, ' ' | '\t' | '\n');
            for (index, part) in text.split(blank).enumerate() {
                if index > 0 {
                    fields.next();
                }
                if part.contains(['*', '?', '[']) {
                    fields.push(Piece::AnyWords);
                } else if !part.is_empty() {
                    fields.push(Piece::Text(part.to_owned()));
                }
            }
        }
    }
}
