//! What a command starts: another command, or a text that is run.

use super::{DEEPEST, Given, Start, Walk, at_depth};
use crate::{Command, Field, Line, Started, programs};

impl Walk<'_> {
    /// Looks through a command that starts others.
    pub(super) fn started(&mut self, command: &mut Command) {
        let Some(program) = command.program() else {
            self.line.unclear("the name of a program is not known");
            return;
        };
        // A function of that name may be what runs, and may not: it may be gone, or never have been made.
        if command.words.first().is_some_and(|name| programs::is_of_the_kernel(name.start())) {
            self.line.unclear("a program is named by a file that stands for another one");
        }
        let mut start = self.start();
        let gives_home = |(name, _): &(String, Field)| name == "HOME";
        start.at_home &= !command.assignments.iter().any(gives_home)
            && !command.words.iter().any(|word| word.start().starts_with("HOME="));
        let inner = programs::started(program, &command.words);
        let moves = |what: &programs::Inner| programs::moves(program, &command.words, what);
        let inner: Vec<(bool, programs::Inner)> =
            inner.into_iter().map(|what| (moves(&what), what)).collect();
        for (moved, what) in inner {
            let (transparent, mut line) = match what {
                programs::Inner::Words { words, transparent, certain } => {
                    (transparent, self.inner(words, certain, start.at_home))
                }
                programs::Inner::Script { text, certain } => {
                    (false, self.script(&text, certain, &start))
                }
                programs::Inner::Input => match self.given.clone() {
                    Given::Text(text) => (false, self.script(&text, true, &start)),
                    Given::Something => {
                        self.line.unclear("a shell runs what it reads from elsewhere");
                        continue;
                    }
                    Given::Nothing => continue,
                },
                programs::Inner::Unclear(why) => {
                    self.line.unclear(why);
                    continue;
                }
            };
            if moved {
                line.commands.iter_mut().for_each(Command::is_anywhere);
            }
            command.starts.push(Started { transparent, line });
        }
    }

    /// A command that a wrapper starts.
    fn inner(&mut self, words: Vec<Field>, certain: bool, at_home: bool) -> Line {
        let mut line = Line::default();
        if self.depth + 1 >= DEEPEST {
            line.unclear("commands start each other too deeply");
            return line;
        }
        if !self.around.one_more() {
            line.unclear("too many commands may start each other");
            return line;
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.line);
        let mut command = Command {
            texts: self.written_before(&words),
            words,
            certain: self.certain && certain,
            directories: self.directories.clone(),
            ..Command::default()
        };
        // What a wrapper gives its program is that program's alone.
        let home = (!at_home).then(|| self.variables.remove("HOME")).flatten();
        self.started(&mut command);
        self.variables.extend(home.map(|home| ("HOME".to_owned(), home)));
        self.line.commands.push(command);
        line = std::mem::replace(&mut self.line, outer);
        self.depth -= 1;
        line
    }

    /// Where a text is run that is run here.
    pub(super) fn start(&self) -> Start {
        let home = self.variables.get("HOME").and_then(Field::known);
        let at_home = home == self.around.known.home.as_deref() && !self.doubtful;
        Start { directories: self.directories.clone(), at_home }
    }

    /// A text that is run as a script.
    fn script(&mut self, text: &Field, certain: bool, start: &Start) -> Line {
        let mut line = Line::default();
        if !self.around.one_more() {
            line.unclear("too many commands may start each other");
            return line;
        }
        match text.known() {
            Some(text) => {
                match at_depth(text, self.around, self.depth + 1, self.given.clone(), start) {
                    Ok(found) => line = found,
                    Err(_) => line.unclear("a text that is run as commands cannot be read"),
                }
            }
            None => {
                // What is known of it is worth a look: the unknown may be no more than an argument.
                let shown: String = text
                    .pieces()
                    .iter()
                    .map(|piece| match piece {
                        crate::Piece::Text(text) => text.as_str(),
                        crate::Piece::Any | crate::Piece::AnyWords | crate::Piece::Names => {
                            "\"$PALISADE_UNKNOWN\""
                        }
                    })
                    .collect();
                let given = self.given.clone();
                if let Ok(found) = at_depth(&shown, self.around, self.depth + 1, given, start) {
                    line = found;
                }
                line.unclear("a text that is run as commands is not known");
            }
        }
        if !certain {
            for command in &mut line.commands {
                command.certain = false;
            }
        }
        line
    }
}
