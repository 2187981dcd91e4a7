//! What a bash command line may run, read and write, found without running it.
//!
//! [`analyse`] reads a line as bash would and follows what it does as far as that can be known beforehand: quotes
//! are taken off, variables that hold a known text are put in, wrappers such as `timeout` or `sh -c` are looked through.
//! The [`Line`] that comes out has every command that may be run, wherever it stands: in a list, a pipe, a substitution, a
//! function, a here-document, the text given to `eval`. What is not known is not guessed: an argument is then a
//! [`Field`] with a gap, and a command that could be any is told as [`Line::all_unclear`].
//!
//! Nothing here decides. Who permits must find that all of a line is known and permitted; who refuses needs only
//! one command that may be a refused one.
//!
//! The text is hostile. It is read once, within bounds of length, depth and number; what is outside of them, or would
//! be read differently by different shells, is [`Unreadable`].

#![forbid(unsafe_code)]

mod ansi_c;
mod braces;
mod field;
mod parse;
mod programs;
mod syntax;
mod walk;

use std::fmt;

pub use braces::alternatives;
pub use field::{Field, Piece};
pub use programs::{changes_meaning, is_harmless_variable};

/// The construct by which a command goes on in the background.
pub const BACKGROUND: &str = "`&`, which leaves a command running";

/// The longest text that is read, in bytes.
pub const LONGEST: usize = 128 * 1024;

/// Why nothing is said about a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the command cannot be read for sure: {why}")]
pub struct Unreadable {
    why: String,
}

impl Unreadable {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// What is known of the shell before the line runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The folder that it begins in.
    pub directory: Option<String>,
    /// What `~` and `$HOME` are.
    pub home: Option<String>,
}

/// What a command line may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Each command, in the order in which they stand. What a wrapper starts is with the wrapper.
    pub commands: Vec<Command>,
    /// What in it no rule for a single command permits, such as a substitution: each once, in plain words.
    pub constructs: Vec<&'static str>,
    /// Why more may be run than `commands` has: each once, in plain words.
    pub unclear: Vec<&'static str>,
    /// Texts that stand in it and are no arguments, such as what a `for` goes through: a later argument may be one.
    pub mentioned: Vec<Field>,
}

/// One command that may be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments. Empty if it only assigns or redirects.
    pub words: Vec<Field>,
    /// The text as it stands, without redirections. `None` if it does not stand there so.
    pub raw: Option<String>,
    /// Variables that it is given, or that it sets if it has no words.
    pub assignments: Vec<(String, Field)>,
    /// Files that its redirections open.
    pub redirects: Vec<Redirect>,
    /// What it starts, if it is a program that starts others.
    pub starts: Vec<Started>,
    /// Whether it is surely a command. If not, it is a text that something may take for one.
    pub certain: bool,
    /// Texts that it reads, as far as they are known: on its standard input, or from commands within its words.
    pub texts: Vec<Field>,
    /// Folders that it may run in, absolute or relative to where the line begins; empty if that is not known.
    pub directories: Vec<String>,
}

/// A file that a redirection opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Its name.
    pub file: Field,
    /// It is read.
    pub reads: bool,
    /// It is written.
    pub writes: bool,
}

/// What another command starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Whether a rule that permits what is started permits the whole: the starter does nothing by itself.
    pub transparent: bool,
    /// What may be run by it.
    pub line: Line,
}

impl Command {
    /// The last part of the program's name, if that is known.
    pub fn program(&self) -> Option<&str> {
        let name = self.words.first()?.known()?;
        Some(name.rsplit('/').next().unwrap_or(name))
    }

    /// Options by which this program runs another one, or writes a file, that its name does not tell of: as they
    /// stand in `words`. A rule that permits the program in general does not mean them.
    pub fn hidden_powers(&self) -> Vec<String> {
        match self.program() {
            Some(program) => {
                programs::hidden_powers(program, self.words.get(1..).unwrap_or_default())
            }
            None => Vec::new(),
        }
    }

    /// Whether its program may run what it is given, in a way that [`Command::starts`] does not tell: it is not
    /// known what it does with its arguments.
    pub fn may_run_arguments(&self) -> bool {
        match self.program() {
            Some(program) => !programs::keeps(program, self.words.get(1..).unwrap_or_default()),
            None => true,
        }
    }

    /// It may run in any folder.
    pub(crate) fn is_anywhere(&mut self) {
        self.directories.clear();
        for started in &mut self.starts {
            for command in &mut started.line.commands {
                command.is_anywhere();
            }
        }
    }
}

impl Line {
    /// Every command with all that they start, outermost first.
    pub fn all(&self) -> Vec<&Command> {
        let mut out = Vec::new();
        let mut lines = vec![self];
        while let Some(line) = lines.pop() {
            for command in &line.commands {
                out.push(command);
                lines.extend(command.starts.iter().map(|started| &started.line));
            }
        }
        out
    }

    /// Every reason why more may be run than [`Line::all`] has.
    pub fn all_unclear(&self) -> Vec<&'static str> {
        let mut out = self.unclear.clone();
        for command in self.all() {
            for started in &command.starts {
                for why in &started.line.unclear {
                    if !out.contains(why) {
                        out.push(why);
                    }
                }
            }
        }
        out
    }

    /// Every text that stands in it and is no argument.
    pub fn all_mentioned(&self) -> Vec<&Field> {
        let started = self.all().into_iter().flat_map(|command| &command.starts);
        let lines = std::iter::once(self).chain(started.map(|started| &started.line));
        lines.flat_map(|line| &line.mentioned).collect()
    }

    pub(crate) fn construct(&mut self, what: &'static str) {
        if !self.constructs.contains(&what) {
            self.constructs.push(what);
        }
    }

    pub(crate) fn unclear(&mut self, why: &'static str) {
        if !self.unclear.contains(&why) {
            self.unclear.push(why);
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{word}")?;
        }
        Ok(())
    }
}

/// What this line may do.
///
/// # Errors
/// If it cannot be told for sure how a shell reads it.
pub fn analyse(text: &str, known: &Known) -> Result<Line, Unreadable> {
    walk::line(text, known)
}

/// The same command without the options that stand before the word that says what to do: `git push` of
/// `git -C folder push`. `None` if there are none, or the program is not one of those of which they are known.
pub fn without_globals(words: &[String]) -> Option<Vec<String>> {
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    let fields: Vec<Field> = arguments.iter().map(Field::text).collect();
    let rest = programs::without_globals(name, &fields)?;
    let kept = arguments.iter().skip(arguments.len() - rest.len()).cloned();
    Some(std::iter::once(program.clone()).chain(kept).collect())
}

/// What a program may do that is started with these arguments and without a shell.
pub fn of_program(words: &[String], known: &Known) -> Line {
    walk::program(words, known)
}

#[cfg(test)]
mod tests;
