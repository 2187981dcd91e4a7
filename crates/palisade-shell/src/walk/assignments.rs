//! What a command changes for those after it.

use super::Walk;
use crate::{
    Command, Field, Piece, parse, programs,
    syntax::{Part, Simple, Value, Word},
};

/// Commands of the shell that give a variable a value, or take one away, in ways that are not followed.
const SETTERS: [&str; 9] =
    ["read", "mapfile", "readarray", "printf", "getopts", "let", "unset", "wait", "coproc"];
/// Those that declare one.
const DECLARATIONS: [&str; 5] = ["declare", "typeset", "local", "export", "readonly"];

impl Walk<'_> {
    /// The assignments before a command. Those that stand alone stay in force.
    pub(super) fn assignments(&mut self, simple: &Simple, alone: bool) -> Vec<(String, Field)> {
        let mut out = Vec::new();
        for assignment in &simple.assignments {
            let mut value = match &assignment.value {
                Value::Scalar(word) => Field::joined(&self.fields(word)),
                Value::Array(words) => {
                    // `([index]=value)`
                    self.evaluates = true;
                    for word in words {
                        let fields = self.fields(word);
                        self.line.mentioned.extend(fields);
                    }
                    Field::unknown()
                }
            };
            if let Some(index) = &assignment.index {
                self.evaluates = true;
                self.fields(index);
                value = Field::unknown();
            }
            if assignment.append {
                value = Field::unknown();
            }
            self.loads(&value);
            self.assigned(&assignment.name, &value);
            if alone && simple.redirects.is_empty() {
                self.set(&assignment.name, value.clone());
            } else if alone {
                // Nothing is assigned if a file cannot be opened.
                self.variables.remove(&assignment.name);
            }
            out.push((assignment.name.clone(), value));
        }
        out
    }

    /// Keeps a value of which an evaluation would run something: what it is made of may not have stood there so.
    fn loads(&mut self, value: &Field) {
        let runs = |text: &str| text.contains("$(") || text.contains('`') || text.contains("${");
        let pieces = value.pieces();
        let text = shown(value);
        if pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if runs(text)))
            && !self.loaded.contains(&text)
        {
            self.loaded.push(text);
        }
        // What is not known may be the dollar sign.
        let opens = |pair: &[Piece]| match pair {
            [gap, Piece::Text(text)] => {
                !matches!(gap, Piece::Text(_)) && text.starts_with(['(', '{'])
            }
            _ => false,
        };
        self.composed |= pieces.windows(2).any(opens);
    }

    fn set(&mut self, name: &str, value: Field) {
        self.own.insert(name.to_owned());
        if self.unsure > 0 || sets_itself(name) {
            self.variables.remove(name);
        } else {
            self.variables.insert(name.to_owned(), value);
        }
    }

    /// What follows from the name alone.
    pub(super) fn assigned(&mut self, name: &str, value: &Field) {
        match name.split('[').next().unwrap_or(name) {
            "IFS" => self.other_breaks = true,
            // The shell takes what these are given for arithmetic.
            "RANDOM" | "SRANDOM" | "SECONDS" | "LINENO" | "OPTIND" | "HISTCMD" => {
                self.evaluates = true;
            }
            "BASH_CMDS" | "BASH_ALIASES" => self.line.unclear("what a name means is changed"),
            "CDPATH" => self.directories.clear(),
            "POSIXLY_CORRECT" => self.doubtful = true,
            // The shell runs what these hold.
            "PS0" | "PS1" | "PS2" | "PS4" => match value.known() {
                Some(text) => self.possible(parse::expandable(text)),
                None => self.line.unclear("a prompt is not known"),
            },
            "PROMPT_COMMAND" | "BASH_ENV" | "ENV" => match value.known() {
                Some(text) => self.possible(parse::script(text)),
                None => self.line.unclear("a command that the shell itself runs is not known"),
            },
            // A pager, an editor, a helper: programs run what some of these hold.
            _ if programs::changes_meaning(name) => {
                if let Some(Ok(script)) = value.known().map(parse::script) {
                    self.possible(Ok(script));
                }
            }
            _ => {}
        }
    }

    /// What arithmetic sets of which this is the text.
    pub(super) fn set_in_word(&mut self, word: &Word) {
        for part in &word.parts {
            if let Part::Text { text, .. } = part {
                self.set_within(text);
            }
        }
    }

    /// What arithmetic, or `${name:=value}`, sets.
    pub(super) fn set_within(&mut self, text: &str) {
        for name in programs::assigned_within(text) {
            self.variables.remove(name);
            if programs::changes_meaning(name) {
                self.line.construct("a variable that changes what commands mean");
            }
        }
        let computed = text.trim().len() > 1
            && text.trim_start().starts_with('=')
            && !text.trim_start().starts_with("==");
        if computed || (text.starts_with('!') && text.contains('=')) {
            // The name is computed.
            self.forget();
            self.line.construct("a variable that is set by a computed name");
        }
    }

    /// What a command that was run has changed.
    pub(super) fn effects(&mut self, command: &Command) {
        let Some(program) = command.words.first().and_then(Field::known) else {
            if !command.words.is_empty() {
                self.forget();
            }
            return;
        };
        let arguments = command.words.get(1..).unwrap_or_default();
        match program {
            "cd" | "pushd" => self.moved(arguments),
            "popd" => self.directories.clear(),
            "alias" => {
                self.line.construct("an alias");
                if !arguments.is_empty() {
                    self.line.unclear("an alias may make any name mean something else");
                }
                self.doubtful = true;
                for argument in arguments {
                    let Some(text) = argument.known() else {
                        self.line.unclear("an alias is not known");
                        continue;
                    };
                    if let Some((_, value)) = text.split_once('=') {
                        self.possible(parse::script(value));
                    }
                }
            }
            "set" if arguments.iter().all(|a| a.known().is_some_and(|a| !a.contains('-'))) => {}
            "hash" | "enable" | "shopt" | "unalias" | "set" => {
                if program == "set" && arguments.iter().any(takes_up_history) {
                    self.line.unclear("a line may stand for one before it");
                }
                self.line.construct("a command that changes what later ones mean");
                let has = |what: &str| arguments.iter().any(|a| a.start().contains(what));
                self.doubtful |= program != "set" || has("posix");
                if (program == "hash" && has("p")) || (program == "enable" && has("f")) {
                    self.line.unclear("what a name means is changed");
                }
            }
            "trap" => {
                self.line.construct("a trap");
                // It runs between any two commands.
                self.doubtful = true;
            }
            "eval" | "source" | "." => self.forget(),
            "readonly" => {
                // What is assigned to it later is not.
                self.declared(arguments);
                self.doubtful = true;
            }
            program if DECLARATIONS.contains(&program) => self.declared(arguments),
            program if SETTERS.contains(&program) => {
                self.evaluates = true;
                let has = |what: &str| arguments.iter().any(|a| shown(a).contains(what));
                self.composed |= has("%") && (has("$(") || has("`"));
                if has("BASH_CMDS") || has("BASH_ALIASES") {
                    self.line.unclear("what a name means is changed");
                }
                self.forget();
            }
            "test" | "[" => self.evaluates = true,
            program if self.functions.contains(program) => self.forget(),
            // Wrappers run commands of the shell only as these two.
            "builtin" | "command" => self.forget(),
            _ => {}
        }
    }

    fn forget(&mut self) {
        self.variables.clear();
        self.directories.clear();
    }

    fn declared(&mut self, arguments: &[Field]) {
        self.evaluates = true;
        let mut plain = true;
        for argument in arguments {
            let text = argument.start();
            if text.starts_with(['-', '+']) {
                plain &= matches!(argument.known(), Some("-x" | "-g" | "--"));
                // One that stands for another, or changes the case of what it is given.
                self.doubtful |=
                    !matches!(argument.known(), Some("-x" | "-g" | "-a" | "-A" | "--"));
                continue;
            }
            if text.is_empty() {
                self.forget();
                continue;
            }
            if text.starts_with("BASH_CMDS") || text.starts_with("BASH_ALIASES") {
                self.line.unclear("what a name means is changed");
            }
            match text.split_once('=') {
                Some((name, _)) => {
                    if programs::changes_meaning(name) {
                        self.line.construct("a variable that changes what commands mean");
                    }
                    let value = argument.after(name).and_then(|rest| rest.after("="));
                    let value = value.unwrap_or_else(Field::unknown);
                    self.assigned(name, &value);
                    if plain {
                        self.set(name, value);
                    } else {
                        self.variables.remove(name);
                    }
                }
                None if !plain => {
                    self.variables.remove(text);
                }
                None => {}
            }
        }
    }

    /// After `cd`: where it went, and, as it may have failed, where it was.
    fn moved(&mut self, arguments: &[Field]) {
        self.variables.remove("PWD");
        self.variables.remove("OLDPWD");
        let mut named = arguments
            .iter()
            .filter(|argument| !matches!(argument.known(), Some("--" | "-P" | "-L" | "-e" | "-@")));
        let target = match (named.next(), named.next()) {
            (None, _) => self.around.known.home.clone(),
            (Some(target), None) => target.known().map(str::to_owned),
            _ => None,
        };
        let target = target.filter(|target| !target.is_empty() && !target.starts_with(['-', '+']));
        let Some(target) = target else {
            self.directories.clear();
            return;
        };
        const MOST: usize = 16;
        let mut gone: Vec<String> = Vec::new();
        for from in &self.directories {
            let to =
                if target.starts_with('/') { target.clone() } else { format!("{from}/{target}") };
            gone.push(to);
        }
        self.directories.extend(gone);
        self.directories.dedup();
        if self.directories.len() > MOST {
            self.directories.clear();
        }
    }
}

/// What is known of a field, with a variable for what is not.
fn shown(field: &Field) -> String {
    let pieces = field.pieces().iter().map(|piece| match piece {
        Piece::Text(text) => text.as_str(),
        Piece::Any | Piece::AnyWords | Piece::Names => "$PALISADE_UNKNOWN",
    });
    pieces.collect()
}

/// Whether an argument of `set` has the shell put in lines from before for `!` and `^`.
fn takes_up_history(argument: &Field) -> bool {
    let text = argument.start();
    let letters = text.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
    matches!(text, "history" | "histexpand") || letters.is_some_and(|letters| letters.contains('H'))
}

/// Whether the shell gives a variable values by itself.
fn sets_itself(name: &str) -> bool {
    matches!(
        name,
        "_" | "RANDOM"
            | "SRANDOM"
            | "SECONDS"
            | "LINENO"
            | "REPLY"
            | "OPTARG"
            | "OPTIND"
            | "UID"
            | "EUID"
            | "PPID"
            | "DIRSTACK"
            | "FUNCNAME"
            | "GROUPS"
            | "HISTCMD"
            | "PIPESTATUS"
            | "SHELLOPTS"
            | "MAPFILE"
            | "COPROC"
    ) || name.starts_with("BASH")
        || name.starts_with("EPOCH")
        || name.starts_with("COMP_")
}
