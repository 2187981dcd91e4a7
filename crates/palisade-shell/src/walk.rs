//! From what a script says to what it may run.

mod assignments;
mod starts;
mod words;

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
};

use crate::{
    BACKGROUND, Command, Field, Known, LONGEST, Line, Redirect, Unreadable,
    parse::{self, Script},
    programs,
    syntax::{Group, Item, List, Node, RedirectKind, Simple, Word},
};

/// How often a text is found in a text to be read as commands.
const DEEPEST: usize = 8;
/// Texts that something may take for commands.
const MOST_TEXTS: usize = 64;

/// How many commands a text may lead to, all that start each other counted.
const MOST_COMMANDS: usize = 2_000;

/// What is the same for all texts that one text leads to.
struct Around<'a> {
    known: &'a Known,
    /// How many commands may still be looked at.
    left: Cell<usize>,
}

impl<'a> Around<'a> {
    fn new(known: &'a Known) -> Self {
        Self { known, left: Cell::new(MOST_COMMANDS) }
    }

    /// Whether one more command may be looked at.
    fn one_more(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

pub(crate) fn line(text: &str, known: &Known) -> Result<Line, Unreadable> {
    at_depth(text, &Around::new(known), 0, Given::Nothing, &Start::default())
}

pub(crate) fn program(words: &[String], known: &Known) -> Line {
    let (script, around) = (Script::default(), Around::new(known));
    let mut walk = Walk::new(&script, &around, 0, Given::Nothing, &Start::default());
    let mut command = Command {
        words: words.iter().map(Field::text).collect(),
        certain: true,
        directories: walk.directories.clone(),
        ..Command::default()
    };
    walk.started(&mut command);
    walk.line.commands.push(command);
    walk.line
}

fn at_depth(
    text: &str,
    around: &Around<'_>,
    depth: usize,
    given: Given,
    start: &Start,
) -> Result<Line, Unreadable> {
    if depth >= DEEPEST {
        return Err(Unreadable::new("it is nested too deeply"));
    }
    if text.len() > LONGEST {
        return Err(Unreadable::new("it is too long"));
    }
    if let Some(why) = odd(text) {
        return Err(Unreadable::new(why));
    }
    let script = parse::script(text)?;
    Ok(Walk::over(&script, around, depth, given, start))
}

/// What a command writes to its standard output, if it is one that writes what it is given.
fn says(command: &Command) -> Option<Field> {
    match command.program() {
        Some("echo" | "printf") => {
            let said = Field::joined(command.words.get(1..).unwrap_or_default());
            Some(match said.known() {
                Some(text) => Field::text(text.replace("\\n", "\n").replace("\\t", "\t")),
                None => said,
            })
        }
        Some("cat") => Some(Field::joined(&command.texts)),
        _ => None,
    }
}

/// Where a text is run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Start {
    /// Folders that it may begin in.
    directories: Vec<String>,
    /// Whether `~` and `$HOME` are what they were.
    at_home: bool,
}

impl Default for Start {
    fn default() -> Self {
        Self { directories: vec![".".to_owned()], at_home: true }
    }
}

/// What a command finds on its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    /// What the whole line has: nothing that the line itself could bring there.
    Nothing,
    /// Something that is not known.
    Something,
    Text(Field),
}

/// Characters that no command needs, and that show something else than what runs.
fn odd(text: &str) -> Option<&'static str> {
    text.chars().find_map(|c| match c {
        '\0' => Some("it has a NUL in it"),
        '\r' => Some("it has a carriage return in it"),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Some("it has characters in it that turn the direction of text")
        }
        // Lines end here for some who show them, and for no shell.
        '\u{2028}' | '\u{2029}' => Some("it has characters in it that are shown as ends of lines"),
        '\u{ad}'
        | '\u{180e}'
        | '\u{2061}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2060}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => Some("it has characters in it that are not shown"),
        '\t' | '\n' => None,
        c if c.is_control() => Some("it has control characters in it"),
        _ => None,
    })
}

struct Walk<'a> {
    around: &'a Around<'a>,
    texts: &'a [Word],
    depth: usize,
    line: Line,
    /// What variables hold; those that are not in it are not known.
    variables: HashMap<String, Field>,
    functions: HashSet<String>,
    /// Variables that are set here.
    own: HashSet<String>,
    /// Folders that the next command may run in.
    directories: Vec<String>,
    /// How many constructs around here make it unsure that what is here runs, once and in order.
    unsure: usize,
    /// What variables hold may have been changed in ways that are not followed.
    doubtful: bool,
    /// Words are split at other characters than blanks.
    other_breaks: bool,
    /// Something evaluates text as arithmetic, an index or a prompt, which runs what is in it.
    evaluates: bool,
    /// Quoted texts that such an evaluation would run something of.
    loaded: Vec<String>,
    /// A text of which such an evaluation might run something has parts that are not known.
    composed: bool,
    /// What was written to files, by their last names.
    written: Vec<(String, Field)>,
    certain: bool,
    given: Given,
    /// What the command before this one in a pipe says, if it only says something.
    said: Option<Field>,
    /// What commands within the words of this one say.
    within: Vec<Field>,
}

impl<'a> Walk<'a> {
    fn over(
        script: &'a Script,
        around: &'a Around<'a>,
        depth: usize,
        given: Given,
        start: &Start,
    ) -> Line {
        let mut walk = Self::new(script, around, depth, given, start);
        walk.list(&script.list);
        walk.evaluate();
        walk.line
    }

    fn new(
        script: &'a Script,
        around: &'a Around<'a>,
        depth: usize,
        given: Given,
        start: &Start,
    ) -> Self {
        let known = around.known;
        let mut variables = HashMap::new();
        if let Some(home) = known.home.as_ref().filter(|_| start.at_home) {
            variables.insert("HOME".to_owned(), Field::text(home));
        }
        let is_there = *start == Start { at_home: start.at_home, ..Start::default() };
        if let Some(directory) = known.directory.as_ref().filter(|_| is_there) {
            variables.insert("PWD".to_owned(), Field::text(directory));
        }
        Walk {
            around,
            texts: &script.texts,
            depth,
            line: Line::default(),
            variables,
            functions: HashSet::new(),
            own: HashSet::new(),
            directories: start.directories.clone(),
            unsure: 0,
            doubtful: false,
            other_breaks: false,
            evaluates: false,
            loaded: Vec::new(),
            composed: false,
            written: Vec::new(),
            certain: true,
            given,
            said: None,
            within: Vec::new(),
        }
    }

    /// Takes quoted texts for what they are once something evaluates them.
    fn evaluate(&mut self) {
        if !self.evaluates {
            return;
        }
        if self.composed {
            self.line.unclear("a text that may be evaluated is put together");
        }
        let loaded = std::mem::take(&mut self.loaded);
        for text in loaded.iter().take(MOST_TEXTS) {
            self.possible(parse::expandable(text));
        }
        if loaded.len() > MOST_TEXTS {
            self.line.unclear("many texts may be evaluated");
        }
    }

    /// Adds what a text would run if something took it for commands.
    fn possible(&mut self, script: Result<Script, Unreadable>) {
        let Ok(script) = script else {
            self.line.unclear("a text that may be evaluated cannot be read");
            return;
        };
        if self.depth + 1 >= DEEPEST {
            self.line.unclear("texts are nested too deeply");
            return;
        }
        let start = self.start();
        let mut found = Walk::over(&script, self.around, self.depth + 1, Given::Something, &start);
        for command in &mut found.commands {
            command.certain = false;
            // Whenever that may be.
            command.is_anywhere();
        }
        self.line.commands.append(&mut found.commands);
        self.line.mentioned.append(&mut found.mentioned);
        for construct in found.constructs {
            self.line.construct(construct);
        }
        for why in found.unclear {
            self.line.unclear(why);
        }
    }

    fn list(&mut self, list: &List) {
        for item in &list.items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        if item.background {
            self.line.construct(BACKGROUND);
        }
        // Each command of a pipe has a shell of its own, and one in the background too.
        let apart = item.background || item.commands.len() > 1;
        let kept = apart.then(|| (self.variables.clone(), self.directories.clone()));
        if item.conditional {
            self.unsure += 1;
        }
        for (index, node) in item.commands.iter().enumerate() {
            let outer = (index > 0).then(|| std::mem::replace(&mut self.given, Given::Something));
            let before = self.line.commands.len();
            self.node(node);
            if let Some(outer) = outer {
                self.given = outer;
            }
            if apart {
                let said = self.line.commands.get(before..).unwrap_or_default();
                self.said = said.iter().rev().find_map(says);
            }
        }
        self.said = None;
        if item.conditional {
            self.unsure -= 1;
        }
        if let Some((variables, directories)) = kept {
            self.variables = variables;
            self.directories = directories;
        }
    }

    fn unsurely(&mut self, run: impl FnOnce(&mut Self)) {
        self.unsure += 1;
        run(self);
        self.unsure -= 1;
    }

    /// What may run any number of times, or later: nothing that it assigns is known where it runs.
    fn repeated(&mut self, lists: &[List]) {
        self.variables.clear();
        let (directories, first) = (self.directories.clone(), self.line.commands.len());
        self.unsurely(|walk| {
            for list in lists {
                walk.list(list);
            }
        });
        self.variables.clear();
        if self.directories != directories {
            // The next time round it begins where the last one ended.
            self.directories.clear();
            for command in self.line.commands.iter_mut().skip(first) {
                command.is_anywhere();
            }
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Simple(simple) => self.simple(simple),
            Node::Group { kind, body, redirects } => {
                match kind {
                    Group::Subshell => self.line.construct("a subshell"),
                    Group::Brace => self.line.construct("a group in braces"),
                    Group::Coproc => self.line.construct("a coprocess"),
                }
                let outer = self.bare_redirects(redirects);
                let kept = (self.variables.clone(), self.directories.clone());
                self.list(body);
                self.given = outer;
                if *kind != Group::Brace {
                    (self.variables, self.directories) = kept;
                }
            }
            Node::Flow { variable, words, lists, redirects } => {
                if variable.is_none() && !words.is_empty() {
                    self.line.construct("a `case` or a `for` that counts");
                    // What counts is arithmetic.
                    self.evaluates = true;
                }
                for word in words {
                    let fields = self.fields(word);
                    if let Some(name) = variable {
                        fields.iter().for_each(|value| self.assigned(name, value));
                    }
                    self.line.mentioned.extend(fields);
                    if variable.is_none() {
                        // `for ((name=…))`
                        self.set_in_word(word);
                    }
                }
                if let Some(name) = variable {
                    self.own.insert(name.clone());
                    self.variables.remove(name);
                    if programs::changes_meaning(name) {
                        self.line.construct("a variable that changes what commands mean");
                    }
                }
                let outer = self.bare_redirects(redirects);
                self.repeated(lists);
                self.given = outer;
            }
            Node::Function { name, body } => {
                self.line.construct("a function");
                self.functions.insert(name.clone());
                let directories = std::mem::take(&mut self.directories);
                self.variables.clear();
                let outer = std::mem::replace(&mut self.given, Given::Something);
                self.unsurely(|walk| walk.node(body));
                self.given = outer;
                self.variables.clear();
                self.directories = directories;
            }
            Node::Test { words, redirects } => {
                self.evaluates = true;
                for word in words {
                    self.fields(word);
                    self.set_in_word(word);
                }
                let outer = self.bare_redirects(redirects);
                self.given = outer;
            }
        }
    }

    /// Redirections of something that is no simple command. What it is given stays until the caller puts back
    /// what was given before.
    fn bare_redirects(&mut self, redirects: &[crate::syntax::Redirect]) -> Given {
        let (redirects, given) = self.redirects(redirects);
        let outer = self.given.clone();
        if let Some(given) = given {
            if let Given::Text(text) = &given {
                self.line.mentioned.push(text.clone());
            }
            self.given = given;
        }
        if !redirects.is_empty() {
            let command = Command {
                redirects,
                certain: self.certain,
                directories: self.directories.clone(),
                ..Command::default()
            };
            self.line.commands.push(command);
        }
        outer
    }

    /// The files that are opened, and the text that is given on standard input.
    fn redirects(
        &mut self,
        redirects: &[crate::syntax::Redirect],
    ) -> (Vec<Redirect>, Option<Given>) {
        let mut files = Vec::new();
        let mut input = None;
        for redirect in redirects {
            let field = Field::joined(&self.target(&redirect.target));
            let (reads, writes) = match redirect.kind {
                RedirectKind::Read => {
                    input = match field.known() {
                        Some("/dev/null") => Some(Given::Nothing),
                        _ => Some(Given::Something),
                    };
                    (true, false)
                }
                RedirectKind::Write => (false, true),
                RedirectKind::ReadWrite => (true, true),
                RedirectKind::Duplicate => continue,
                RedirectKind::Text | RedirectKind::Expanded => {
                    if redirect.kind == RedirectKind::Expanded {
                        self.line.construct("a here-document in which expansions count");
                    }
                    input = Some(Given::Text(field));
                    continue;
                }
            };
            files.push(Redirect { file: field, reads, writes });
        }
        (files, input)
    }

    /// Remembers what is written to files, where that is known.
    fn writes(&mut self, command: &Command) {
        let tee = command.program() == Some("tee");
        let said = if tee { Some(Field::joined(&command.texts)) } else { says(command) };
        let Some(said) = said.filter(|said| !said.pieces().is_empty()) else { return };
        let named = command.redirects.iter().filter(|it| it.writes).map(|it| &it.file);
        let named = named.chain(command.words.iter().skip(1).filter(|_| tee));
        for file in named {
            let name = file.known().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            if !name.is_empty() && self.written.len() < MOST_TEXTS {
                self.written.push((name.to_owned(), said.clone()));
            }
        }
    }

    /// What was written before to files that these words name: whoever runs one of them runs that.
    fn written_before(&self, words: &[Field]) -> Vec<Field> {
        let names: Vec<&str> =
            words.iter().filter_map(|word| word.known()?.rsplit('/').next()).collect();
        let found = self.written.iter().filter(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, text)| text.clone()).collect()
    }

    fn simple(&mut self, simple: &Simple) {
        let outer = std::mem::take(&mut self.within);
        let mut words = Vec::new();
        for word in &simple.words {
            words.extend(self.fields(word));
        }
        let assignments = self.assignments(simple, words.is_empty());
        let (redirects, input) = self.redirects(&simple.redirects);
        let mut texts = std::mem::replace(&mut self.within, outer);
        match &input {
            Some(Given::Text(text)) => texts.push(text.clone()),
            _ => texts.extend(self.said.clone()),
        }
        let mut command = Command {
            words,
            raw: Some(simple.raw.clone()),
            assignments,
            redirects,
            starts: Vec::new(),
            certain: self.certain,
            texts,
            directories: self.directories.clone(),
        };
        command.texts.extend(self.written_before(&command.words));
        self.writes(&command);
        let bare_exec = command.words.len() == 1 && command.program() == Some("exec");
        let outer = self.given.clone();
        if let Some(input) = input {
            self.given = input;
        }
        if !command.words.is_empty() {
            self.started(&mut command);
        }
        if !bare_exec {
            self.given = outer;
        }
        self.effects(&command);
        self.line.commands.push(command);
    }
}
